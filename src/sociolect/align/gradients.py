"""The loss of a step and its gradient, in as many parts as a GPU's memory asks for: the parts add up to the whole."""

import math
from collections.abc import Hashable, Sequence
from typing import Any

from sociolect.align.checkpointing import recomputed
from sociolect.align.packing import Encoded, loss
from sociolect.models.memory import divided, free, holds, kind, narrow, part

# The kinds of training, in this process, whose layers are computed again on the way back: memory ran out before.
_SHORT: set[Hashable] = set()


def gradients(module: Any, rows: Sequence[Encoded], *, packing: bool, device: str, half: Any) -> tuple[float, int]:
    """The mean loss over the rows' reply tokens, in nats, and how many they are; its gradient is left on the weights.

    `half` is the autocast context of the forward pass. The first time memory runs out, layers are computed again on the
    way back (`checkpointing`); after that the rows go in parts, halved until they fit. Each part weighs as many reply
    tokens as it has, so that loss and gradient are those of all rows at once, up to rounding. What was found is remembered
    for models of this shape on this device. Due are weights without a gradient: one that is half made is thrown away.
    Raises ModelError where a single row does not fit.
    """
    key, sizes, due = kind(module, "training"), [row.tokens for row in rows], sum(len(row.reply) for row in rows)
    if key in _SHORT:
        recomputed(module)
    while True:
        some, seen, short = range(0), 0.0, None
        while some.stop < len(rows) and short is None:
            some = part(sizes, some.stop, holds(key))
            share, short = _share(module, [rows[i] for i in some], due, packing=packing, device=device, half=half)
            seen += share
        if short is None:
            return seen, due
        for weight in module.parameters():
            weight.grad = None
        if recomputed(module):
            _SHORT.add(key)
            free()
        else:
            narrow(key, sizes, some, short, module=module, work="training")


def _share(
    module: Any, rows: Sequence[Encoded], due: int, *, packing: bool, device: str, half: Any
) -> tuple[float, str | None]:
    """What a part adds to the loss, its gradient added too; where memory ran out, what torch says of it instead."""
    import torch

    try:
        with half:
            value, n = loss(module, rows, packing=packing, device=device)
        (value * (n / due)).backward()
    except torch.OutOfMemoryError as error:
        return math.nan, str(error)
    return float(value.detach()) * (n / due), None


def losses(module: Any, rows: Sequence[Encoded], *, packing: bool, device: str) -> list[tuple[float, int]]:
    """The mean loss and over how many reply tokens it is: of all rows, or of each part that fits."""

    def do(some: range) -> tuple[float, int]:
        value, n = loss(module, [rows[i] for i in some], packing=packing, device=device)
        return float(value), n

    return divided(do, [row.tokens for row in rows], module=module, work="measuring the loss")
