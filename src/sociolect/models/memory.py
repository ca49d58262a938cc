"""How much of a batch the memory of a GPU holds, found by trial: where it runs out, the batch is done in parts by halves.

On a CPU nothing of this happens: torch raises OutOfMemoryError for accelerators alone, so batches there are never divided.
"""

import gc
import math
import re
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from sociolect.errors import ModelError
from sociolect.models.threads import patient_torch

R = TypeVar("R")

# What a part may hold, by what is done with which model where: tried once in a process. It never grows again, so a
# shortage that another process caused costs time, not a result.
_HOLDS: dict[Hashable, float] = {}
_ASKED = re.compile(r"Tried to allocate ([\d.]+ \w+)")
_THERE = re.compile(r"total capac\w+ of ([\d.]+ \w+) of which ([\d.]+ \w+) is free")


def kind(module: Any, work: str) -> tuple[Hashable, ...]:
    """What decides how much memory a piece of work takes: models of one shape on one device are the same here."""
    weights = [(p.numel(), p.element_size(), p.requires_grad) for p in module.parameters()]
    learning = sum(n for n, _, learns in weights if learns)
    return work, type(module).__name__, str(module.device), sum(n * size for n, size, _ in weights), learning


def holds(key: Hashable) -> float:
    """How many tokens a part may hold, as far as is known: infinitely many until memory ran out."""
    return _HOLDS.get(key, math.inf)


def part(sizes: Sequence[int], begin: int, most: float) -> range:
    """The rows from `begin` on that go together: as many as hold `most` tokens, and one at least.

    >>> part([3, 3, 3, 3], 1, 6), part([9, 1], 0, 6)
    (range(1, 3), range(0, 1))
    """
    end, taken = begin + 1, sizes[begin]
    while end < len(sizes) and taken + sizes[end] <= most:
        taken += sizes[end]
        end += 1
    return range(begin, end)


def divided(do: Callable[[range], R], sizes: Sequence[int], *, module: Any, work: str) -> list[R]:
    """What `do` gives for all rows: one result for all of them, or one per part, in order, where a GPU's memory holds no more.

    `sizes` are the tokens a row may take up. A part that ran out is halved and tried again; what fitted is remembered by
    kind of work, model and device. Raises ModelError where one row alone does not fit.
    """
    torch = patient_torch()

    key, out, at = kind(module, work), list[R](), 0
    while at < len(sizes):
        some, said = part(sizes, at, holds(key)), None
        try:
            out.append(do(some))
            at = some.stop
        except torch.OutOfMemoryError as error:
            said = str(error)
        if said is not None:
            narrow(key, sizes, some, said, module=module, work=work)
    return out


def narrow(key: Hashable, sizes: Sequence[int], some: range, said: str, *, module: Any, work: str) -> None:
    """Halves what a part may hold, and frees what the last try left; ModelError where the part was one row.

    Call it outside the `except` clause: the error holds the frames, and they hold the tensors.
    """
    free()
    tokens = sum(sizes[i] for i in some)
    if len(some) == 1:
        raise ModelError(
            f"{work} runs out of memory on {module.device} with a single row of {tokens:,} tokens: {_shortage(said)}; the "
            f"weights take {_size(sum(p.numel() * p.element_size() for p in module.parameters()))}; take shorter texts, "
            "dtype='bf16', a smaller model or a device with more memory"
        )
    # another thread may have found less in the meantime
    _HOLDS[key] = min(holds(key), tokens // 2)


@contextmanager
def fitting(what: str, device: str) -> Iterator[None]:
    """What is done inside needs its memory whole: ModelError in one line where the device has too little."""
    torch = patient_torch()

    said = None
    try:
        yield
    except torch.OutOfMemoryError as error:
        said = str(error)
    if said is not None:
        free()
        raise ModelError(
            f"{what} does not fit on {device}: {_shortage(said)}; take dtype='bf16', a smaller model or a device "
            "with more memory; a training takes less with lora_rank"
        )


def free() -> None:
    """Gives back what nothing holds any more."""
    torch = patient_torch()

    if torch.cuda.is_available():
        gc.collect()
        torch.cuda.empty_cache()


def _shortage(said: str) -> str:
    """How much was due and how much there was, out of what torch says; its first sentence where it says it otherwise.

    >>> _shortage("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 8.00 GiB of which 1.00 GiB is free.")
    '2.00 GiB more were due, 1.00 GiB of 8.00 GiB were free'
    """
    asked, there = _ASKED.search(said), _THERE.search(said)
    if not asked:
        return said.split(". ", maxsplit=1)[0] or "torch does not say how much was due"
    free_ = f", {there[2]} of {there[1]} were free" if there else ""
    return f"{asked[1]} more were due{free_}"


def _size(count: float) -> str:
    """Bytes for people.

    >>> _size(2_500_000_000), _size(40_000)
    ('2.33 GiB', '39.06 KiB')
    """
    for unit in ("bytes", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.2f} {unit}"
        count /= 1024
    return f"{count:.2f} GiB"
