"""Communities fine-tuned side by side on the nodes of a cluster: workers train, and this process alone writes their folders."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from queue import Queue
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any, NamedTuple

from sociolect.align.jobs import Job, landed, made
from sociolect.cluster.folders import CHUNK
from sociolect.cluster.pool import Needs, handed
from sociolect.cluster.session import Cluster
from sociolect.models.distributed import BYTES, Sent, needs, sent
from sociolect.models.local import Local, tokenizer_of
from sociolect.models.weights import digest, ready
from sociolect.points import point
from sociolect.settle import synced

LEARNT = 16.0  # bytes a weight that learns: it, its gradient, and two moments, in fp32

Message = tuple[Any, ...]


class Order(NamedTuple):
    """What a worker is told: the job, the base, how far an earlier try came, and the seconds between two states."""

    job: Job
    base: Sent
    name: str
    state: bytes | None
    save_every: float


def trained_by(
    cluster: Cluster,
    due: Sequence[Job],
    base: Local,
    *,
    save_every: float,
    progress: Callable[[str, int, int], None] | None,
) -> None:
    """Trains every job on some worker, each on one thread or one GPU; the folders hold what `jobs.run` leaves in them.

    A worker sends how far it is every `save_every` seconds. Where it dies the job goes on from there on another; where
    this process dies, the next one finds it in the job's folder. Raises what training raises, and ClusterError as
    `cluster.pool.handed` says.
    """
    told = sent(base.weights)

    def order(k: int) -> Order:
        one = due[k]
        shutil.rmtree(one.folder / ".part", ignore_errors=True)
        state = one.resume.read_bytes() if one.resume.exists() else None
        return Order(one, told, base.name, state, save_every)

    for k, message in handed(
        cluster, trained, len(due), order, needs=wanted(base, lora=due[0].plan.lora_rank is not None), ahead=0
    ):
        match message:
            case ("step", done, steps):
                if progress:
                    progress(due[k].community, done, steps)
            case ("write", name, mode, some):
                at = due[k].folder / name
                at.parent.mkdir(parents=True, exist_ok=True)
                with at.open(mode) as file:
                    file.write(some)
            case ("state",):
                part = due[k].resume.with_suffix(".part")
                synced([part])
                point("checkpoint rename")
                part.replace(due[k].resume)
                point("checkpoint renamed")
            case ("made",):
                landed(due[k], due[k].folder / ".part")


def digested(cluster: Cluster, base: Local, *, lora: bool) -> str:
    """The digest of the base's weights, taken by a worker: this machine may have no room for them."""
    told = sent(base.weights)
    (found,) = [str(said) for _, said in handed(cluster, _digest, 1, lambda _: told, needs=wanted(base, lora=lora))]
    return found


def wanted(base: Local, *, lora: bool) -> Needs:
    """What a worker takes of its node to train: on a CPU one core, as a thread does in one process."""
    each = 2.0 * BYTES[base.dtype] if lora else LEARNT + BYTES[base.dtype]  # the base stays beside what learns
    return needs(base.weights, threads=1, each=each)


def trained(order: Order) -> Iterator[Message]:
    """Trains in a folder of this worker, and tells: steps, states, the files of the whole, and that it is whole."""
    with TemporaryDirectory(prefix="sociolect-") as at:
        one = replace(order.job, folder=Path(at) / "job")
        one.folder.mkdir()
        if order.state is not None:
            one.resume.write_bytes(order.state)
        box: Queue[Message | BaseException | None] = Queue(maxsize=16)
        Thread(target=_train, args=(order, one, box), daemon=True).start()
        while (message := box.get()) is not None:
            if isinstance(message, BaseException):
                raise message
            yield message
        for file in sorted((one.folder / ".part").iterdir()):
            yield from _written(file, f".part/{file.name}")
        yield ("made",)


def _train(order: Order, one: Job, box: "Queue[Message | BaseException | None]") -> None:
    """The training itself, in a thread beside the one that tells of it; on one thread, as in one process."""
    import torch

    torch.set_num_threads(1)
    seen = one.resume.stat().st_mtime_ns if one.resume.exists() else None

    def each_step(done: int, steps: int) -> None:
        nonlocal seen
        if one.resume.exists() and (now := one.resume.stat().st_mtime_ns) != seen:
            seen = now
            for message in _written(one.resume, "resume.part"):
                box.put(message)
            box.put(("state",))
        box.put(("step", done, steps))

    try:
        weights = order.base.here()
        base = Local(order.name, replace(weights, known=ready(weights)), tokenizer_of(weights))
        made(one, base, one.folder / ".part", save_every=order.save_every, each_step=each_step)
        box.put(None)
    except BaseException as error:  # whatever it is, it is raised where the others listen
        box.put(error)


def _written(file: Path, name: str) -> Iterator[Message]:
    """A file in pieces that travel."""
    with file.open("rb") as held:
        first = True
        while (some := held.read(CHUNK)) or first:
            yield ("write", name, "wb" if first else "ab", some)
            first = False


def _digest(told: Sent) -> Iterator[str]:
    yield digest(ready(told.here()))
