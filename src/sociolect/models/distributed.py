"""A model's batches, worked in this process, or by workers on the nodes of the cluster that is open: the same bytes."""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from sociolect.cluster.folders import Parcel, parcel
from sociolect.cluster.pool import Needs, handed
from sociolect.cluster.session import session
from sociolect.models.threads import fixed_threads
from sociolect.models.weights import Weights, ready

R = TypeVar("R")
BYTES = {"fp32": 4, "bf16": 2}
RUNTIME = 1.0e9  # ours: bytes that torch and transformers take in a worker before there is a weight


class Sent(NamedTuple):
    """Weights as a worker is told of them: folders of this machine as parcels, hub ids as they are."""

    weights: Weights
    base: Parcel | str
    adapter: Parcel | None

    def here(self) -> Weights:
        """The weights with the folders as this worker sees them. Raises AbsentError where one must be sent first."""
        base = self.base.here() if isinstance(self.base, Parcel) else self.base
        return replace(self.weights, base=base, adapter=self.adapter and self.adapter.here())


def sent(weights: Weights) -> Sent:
    """The weights as they can be told to a worker. There each has one GPU of its own, whatever its number is here."""
    device = weights.device.partition(":")[0]
    if isinstance(weights.base, Path):
        base: Parcel | str = parcel(weights.base)
    else:  # nodes may have fetched it at other times
        base, weights = weights.base, replace(weights, revision=weights.commit)
    return Sent(replace(weights, device=device), base, parcel(weights.adapter) if weights.adapter else None)


def worked(
    do: Callable[..., R], weights: Weights, count: int, piece: Callable[[int], tuple[Any, ...]], *, threads: int
) -> Iterator[tuple[int, R]]:
    """`do(module, *piece(k))` for every k below `count`, with its k: here in order, on a cluster in the order they end.

    `do` is a function of a module, or a partial of one. A batch is worked as a whole, by one worker, on `threads` threads:
    so on CPUs of one make no byte depends on how many workers there are, nor on which of them died. Each worker holds one
    copy of the base on the CPU, and beside it the model that was asked last, where that is another: an adapter is merged
    into a copy. Raises what `do` raises, and ClusterError as `cluster.pool.handed` says.
    """
    cluster = session()
    if cluster is None or weights.known is not None:
        for k in range(count):
            yield k, _done(do, weights.module, threads, piece(k))
        return
    told = sent(weights)
    yield from handed(
        cluster, _there, count, lambda k: (do, told, threads, piece(k)), needs=needs(weights, threads=threads)
    )


def needs(weights: Weights, *, threads: int, each: float | None = None) -> Needs:
    """What one worker takes of its node: `each` bytes a weight, or what it takes to ask the model.

    A model of the hub has an unknown size before a worker fetches it, and then no memory is set aside for it.
    """
    gpus = int(weights.device.startswith("cuda"))
    # an adapter is merged into a copy of the base, which may be asked by itself before, by the same workers
    copies = 2 if weights.lora or weights.adapter is None else 1
    count = size(weights)
    memory = 0 if count is None else int(count * (each or copies * BYTES[weights.dtype]) + RUNTIME)
    return Needs(Path(weights.base).name, threads, gpus, memory)


def size(weights: Weights) -> int | None:
    """How many weights lie in the folder, out of the heads of its files; None for a model of the hub."""
    from safetensors import safe_open

    files = sorted(Path(weights.source).glob("*.safetensors"))
    count = 0
    for file in files:
        with safe_open(file, "np") as held:
            count += sum(math.prod(held.get_slice(name).get_shape()) for name in held.keys())  # noqa: SIM118 - no mapping
    return count or None


def _there(asked: tuple[Callable[..., R], Sent, int, tuple[Any, ...]]) -> Iterator[R]:
    do, told, threads, piece = asked
    yield _done(do, ready(told.here()), threads, piece)


def _done(do: Callable[..., R], module: Any, threads: int, piece: tuple[Any, ...]) -> R:
    import torch

    with fixed_threads(threads), torch.inference_mode():
        return do(module, *piece)
