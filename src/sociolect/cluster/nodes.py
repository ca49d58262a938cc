"""The machines of a cluster: what they have, and whether they compute with the same code and libraries as this one."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from sociolect.errors import ClusterError
from sociolect.provenance import code, versions

LOOKED_S = 60.0  # ours: how long a node may take to start a process and say what it has


class Node(NamedTuple):
    """A machine that is alive: its name, cores, GPUs, bytes of memory, and the make of its processor."""

    name: str
    cpus: float
    gpus: float
    memory: float
    processor: str


def nodes() -> tuple[Node, ...]:
    """The machines of the cluster that Ray has joined, sorted by name.

    Raises ClusterError where one of them has another version of Python, of this package or of a library that computes
    numbers, or has none of it: numbers of two versions would stand in one table.
    """
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = about()
    alive = sorted((n for n in ray.nodes() if n["Alive"]), key=lambda n: (n["NodeManagerAddress"], n["NodeID"]))
    # sent by value: a node on which this package is not installed can run it, and say so
    looked = ray.remote(num_cpus=0, max_retries=0)(_look())
    asked = [
        looked.options(scheduling_strategy=NodeAffinitySchedulingStrategy(n["NodeID"], soft=False)).remote()
        for n in alive
    ]
    out, faults = [], list[str]()
    for node, ref in zip(alive, asked, strict=True):
        name, has = str(node["NodeManagerAddress"]), node["Resources"]
        try:
            there = ray.get(ref, timeout=LOOKED_S)
        except ray.exceptions.GetTimeoutError:
            faults.append(f"node {name} did not say within {LOOKED_S:g} s what it has")
            continue
        except (ray.exceptions.TaskUnschedulableError, ray.exceptions.NodeDiedError):
            continue  # it went before it could answer, and Ray has just found out
        except ray.exceptions.RayError as error:
            faults.append(f"node {name} cannot run a process: {str(error).strip().splitlines()[-1]}")
            continue
        faults += differences(name, here, there)
        out.append(
            Node(name, has.get("CPU", 0.0), has.get("GPU", 0.0), has.get("memory", 0.0), there.get("processor", ""))
        )
    if faults:
        raise ClusterError("; ".join(faults) + ": every node needs the same versions as this machine")
    if not out:
        raise ClusterError("the cluster has no node that is alive: look at `ray status`")
    return tuple(out)


def about() -> dict[str, str]:
    """What numbers are made with on this machine: the versions, a hash of the code, and the make of the processor."""
    return {**versions(), "code": code()[:12], "processor": processor()}


def differences(name: str, here: Mapping[str, str], there: Mapping[str, str]) -> list[str]:
    """What a node has otherwise, in words; nothing where numbers are made alike. Processors may differ.

    >>> differences("a", {"torch": "2.13.0", "code": "1"}, {"torch": "2.6.0", "code": "1"})
    ['node a has torch 2.6.0, not 2.13.0']
    """
    if "missing" in there:
        return [f"node {name} has no sociolect ({there['missing']})"]
    return [
        f"node {name} has {what} {there.get(what, 'not at all')}, not {due}"
        for what, due in here.items()
        if what != "processor" and there.get(what) != due
    ]


def processor() -> str:
    """The make of this machine's processor as the system names it; empty where it does not."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next((line.partition(":")[2].strip() for line in file if line.startswith("model name")), "")
    except OSError:
        return ""


def _look() -> Any:
    def look() -> dict[str, str]:
        try:
            from sociolect.cluster.nodes import about
        except ImportError as error:
            return {"missing": str(error)}
        return about()

    return look
