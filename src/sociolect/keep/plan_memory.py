"""The memory that a run takes on one graphics card, and whether it fits."""

from typing import Any

from sociolect.keep.plan_gpu import STEP, Card, Cards, rows_of
from sociolect.models.placement import Placement
from sociolect.systems.planned import Plan, Range, weighed
from sociolect.systems.planned_weights import Shape, shape

CONTEXT = Range(1e9, 5e8, 2e9)  # ours: the driver's context and the libraries' workspace
SPARE = Range(1.05, 1.0, 1.2)  # ours: what the allocator holds and nobody uses
# fp32, each 4 bytes: the weight that learns, its gradient, AdamW's two moments (arXiv 1910.02054, Sec. 3.1)
LEARNING = 16.0
WORDS = 10.0  # bytes of a token's logits for each word: bf16, their fp32 copy, its gradient
TEXT = 256  # ours: tokens of one text with its prompt, the least that a step can hold
ENDS = ("", "_low", "_high")
LAYER = 34.0  # bytes of a token in one layer for each unit of its width, attention fused: arXiv 2205.05198, eq. 1


def of_card(made: Plan, cards: Cards, at: Placement) -> Range | None:
    """Bytes on one card at most, at one time; None where a model's size is unknown, or none stands there.

    A process, and a worker of a cluster, has one model on its card at a time (`models.weights.ready`).
    """
    held: list[Range] = []
    own = made.training.filter(made.training["method"] != "scratch")
    for name in {*made.calls.filter(made.calls["where"] == "local")["model"], *own["model"]}:
        if (weights := weighed(name).weights) is None:
            return None
        built = shape(name, weights)
        mine = own.filter(own["model"] == name).to_dicts()
        rows = made.calls.filter((made.calls["where"] == "local") & (made.calls["model"] == name)).to_dicts()
        held += [_asked(row, weights, built, at) for row in rows]
        held += [_learnt(row, weights, built, at) for row in mine]
    if not held:
        return None
    most = Range(*(max(ends) for ends in zip(*held, strict=True))).times(SPARE)
    return Range(*(a + b for a, b in zip(most, CONTEXT, strict=True)))


def judged(memory: Range | None, card: Card, at: Placement, *, full: bool) -> tuple[bool, str | None]:
    """Whether a run can be begun on the card, as far as is known, and what must be said of it.

    `full`: every weight learns.
    """
    if memory is None or memory.high <= card.memory:
        return True, None
    ways = ["an adapter instead of every weight (--lora-rank 8)"] * full + ["--dtype bf16"] * (at.dtype != "bf16")
    way = ", ".join([*ways, "a smaller model or a larger card"])
    said = f"{_size(memory.low)} to {_size(memory.high)} are due on a card, and {card.name} has {_size(card.memory)}"
    if memory.low > card.memory:
        return False, f"It does not fit: {said}. Take {way}."
    return (
        True,
        f"It may not fit: {said}. Batches are halved where memory runs out, which takes longer; else take {way}.",
    )


def _asked(row: dict[str, Any], weights: int, built: Shape, at: Placement) -> Range:
    """Weights, the keys and values of a batch (low: of one row), and what one layer holds as it reads."""
    size, out = _bytes(at), []
    for i, end in enumerate(ENDS):
        calls = max(float(row[f"calls{end}"]), 1.0)
        rows = 1 if end == "_low" else min(calls, rows_of(row["model"]))
        read, written = (float(row[f"{c}{end}"]) / calls for c in ("prompt_tokens", "reply_tokens"))
        kept = rows * (read + written) * 2 * built.layers * built.kept[i] * size
        layer = rows * read * (4 * built.hidden + 3 * built.inner) * size
        words = rows * written * built.words[i] * WORDS * (row["kind"] == "logprobs")
        out.append(weights * size + kept + layer + words)
    return Range(*out)


def _learnt(row: dict[str, Any], weights: int, built: Shape, at: Placement) -> Range:
    """The base, what learns, and what a step keeps of its tokens (low: of one text, its layers computed twice)."""
    size = _bytes(at)
    # every weight learns in a copy of the base, whose own lie beside it
    learning = LEARNING * (built.adapter(int(row["rank"])) if row["rank"] else weights)
    whole = LAYER * built.layers
    steps = Range(STEP, TEXT, STEP), Range(whole, LAYER + 2 * built.layers, 1.3 * whole)
    out = []
    for i, (tokens, wide) in enumerate(zip(*steps, strict=True)):
        kept = tokens * (wide * built.hidden * size / 2 + built.words[i] * WORDS)
        out.append(weights * size + learning + kept)
    return Range(*out)


def _bytes(at: Placement) -> int:
    return 2 if at.dtype == "bf16" else 4


def _size(count: float) -> str:
    return f"{count / 1e9:.3g} GB"
