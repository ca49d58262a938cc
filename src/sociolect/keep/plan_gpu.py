"""What a run takes on a graphics card that is not here: seconds and memory by the card's data sheet and what is left of it in use.

All of it is expectation: shares of the peak are assumed, and stated. On the machine itself `plan --device cuda` measures.
"""

from math import ceil, isfinite
from typing import Any, NamedTuple

from sociolect.errors import UsageError, unknown
from sociolect.models.placement import Placement
from sociolect.systems.planned import Range
from sociolect.systems.planned_weights import Shape


class Card(NamedTuple):
    """A card: dense operations a second in bf16 (tensor cores, summed in 32 bits) and in fp32, bytes a second, bytes of memory."""

    name: str
    half: float
    whole: float
    bandwidth: float
    memory: float


# NVIDIA's data sheets (GeForce: the whitepaper of the Ada architecture, table 2); figures with sparsity halved
CARDS = {
    "a10": Card("A10", 125e12, 31.2e12, 600e9, 24e9),
    "a100-40gb": Card("A100 40GB SXM", 312e12, 19.5e12, 1555e9, 40e9),
    "a100": Card("A100 80GB SXM", 312e12, 19.5e12, 2039e9, 80e9),
    "h100": Card("H100 SXM", 989.4e12, 67e12, 3350e9, 80e9),
    "h200": Card("H200 SXM", 989.4e12, 67e12, 4800e9, 141e9),
    "l4": Card("L4", 121e12, 30.3e12, 300e9, 24e9),
    "l40s": Card("L40S", 362.05e12, 91.6e12, 864e9, 48e9),
    "rtx4090": Card("GeForce RTX 4090", 165.2e12, 82.6e12, 1008e9, 24e9),
}
# Share of the peak that training and reading reach. Llama 3 (arXiv 2407.21783, table 4) reaches .38 to .43 on H100s;
# ours is lower, since a step has 4,096 tokens and no kernel is compiled.
BUSY = Range(0.3, 0.15, 0.45)
# Share of the bandwidth that a step of writing reaches: .72 in PyTorch's blog of 2023-11-30 on fast generation, compiled
STREAMED = Range(0.6, 0.4, 0.8)
# Seconds that a layer costs at each pass however small it is, uncompiled: the same blog starts from 25.5 tokens a second on
# the 32 layers of Llama-7B, which is .0012 a layer
LAUNCH = Range(1e-3, 4e-4, 2e-3)
DISK = Range(2e9, 3e8, 5e9)  # ours: bytes a second at which weights are read, from a disk or what memory keeps of it
STEP = 4096  # tokens of a step of training, `batch_tokens` of align/finetune
ROWS = 64  # replies that are written at once, `batch` of models/local
ROWS_VLLM = 256  # `max_num_seqs` of vLLM, whose steps are launched as one CUDA graph
HALF = Placement("cuda", "bf16")  # where and how vLLM runs, whatever is said of other local models
PASSES = Range(3, 2, 3)  # forward, backward, and forward again where the layers are computed twice


class Cards(NamedTuple):
    """So many graphics cards: of a kind that is not here, or (None) those of this machine; and what one costs an hour."""

    card: Card | None
    number: int = 1
    price_hour: float | None = None


def hired(name: str | None, *, gpus: int = 1, price_hour: float | None = None, device: str = "cpu") -> Cards | None:
    """The cards that the words of a command mean; None where no card is meant.

    Raises UsageError for a card that is not known, for fewer than one, a price below 0, or a number or price of no card.
    """
    if name is not None and name.lower() not in CARDS:
        raise unknown("graphics card", name, CARDS)
    faults = [] if gpus >= 1 else [f"gpus={gpus}: due is 1 or more"]
    if price_hour is not None and not (price_hour >= 0 and isfinite(price_hour)):
        faults.append(f"price_hour={price_hour:g}: due is 0 or more")
    if name is None and device == "cpu" and (gpus != 1 or price_hour is not None):
        faults.append(f"gpus and price_hour are of a card: say which with --gpu, one of {', '.join(CARDS)}")
    if faults:
        raise UsageError("; ".join(faults))
    return Cards(CARDS[name.lower()] if name else None, gpus, price_hour) if name or device != "cpu" else None


def share(parts: float, cards: int) -> float:
    """The time that so many equal parts take on so many cards, as a share of what one card takes: the last one decides.

    >>> share(3, 4), share(6, 4), share(8, 4)
    (0.3333333333333333, 0.3333333333333333, 0.25)
    """
    whole = max(ceil(parts), 1)
    return ceil(whole / cards) / whole


def asked(row: dict[str, Any], weights: int, built: Shape, cards: Cards, at: Placement) -> Range:
    """Seconds that the calls of a row of the plan take.

    Reading is 2 operations a weight and token (Kaplan et al. 2020, arXiv 2001.08361, Sec. 2.1). A step of writing reads the
    weights and the keys and values of all rows once. Neither is quicker than its layers can be launched.
    """
    card, ends = _card(cards), ("", "_low", "_high")
    at = HALF if row["model"].startswith("vllm/") else at
    peak, size = (card.half, 2) if at.dtype == "bf16" else (card.whole, 4)
    out = []
    for i, end in enumerate(ends):
        calls, read, written = (float(row[f"{c}{end}"]) for c in ("calls", "prompt_tokens", "reply_tokens"))
        if not calls:
            out.append(0.0)
            continue
        busy, streamed, launch = (_end(r, i, slow=s) for r, s in ((BUSY, False), (STREAMED, False), (LAUNCH, True)))
        if row["kind"] == "logprobs":
            read, written = read + written, 0.0
        most = rows_of(row["model"])
        batches, layers = ceil(calls / most), launch * built.layers * (most == ROWS)
        seconds = max(2 * weights * read / (peak * busy), batches * layers)
        if written:
            rows = min(calls, most)
            kept = rows * (read + written) / calls * 2 * built.layers * built.kept[i] * size
            step = max(
                (size * weights + kept) / (card.bandwidth * streamed), 2 * weights * rows / (peak * busy), layers
            )
            seconds += written / rows * step
        out.append(seconds * share(batches, cards.number))
    return Range(*out)


def learnt(row: dict[str, Any], weights: int, built: Shape, cards: Cards, at: Placement) -> Range:
    """Seconds that a row of the plan's training takes: its parts side by side, each on one card.

    All weights learn by 6 operations a weight and token, 2 of them forward (Kaplan et al., Sec. 2.1); an adapter spares the 2
    for the gradients of the weights. Layers that are computed again on the way back, to save memory, cost 2 more.
    """
    card = _card(cards)
    peak = card.half if at.dtype == "bf16" else card.whole
    plain = 4 if row["rank"] else 6
    out = []
    for i, end in enumerate(("", "_low", "_high")):
        tokens, parts = float(row[f"tokens{end}"]), float(row[f"parts{end}"])
        work = (plain + 2 * (_end(PASSES, i, slow=True) > 2)) * weights / (peak * _end(BUSY, i, slow=False))
        launched = _end(PASSES, i, slow=True) * _end(LAUNCH, i, slow=True) * built.layers / STEP
        out.append(tokens * max(work, launched) * share(parts, cards.number))
    return Range(*out)


def rows_of(model: str) -> int:
    """How many replies of a model are written at once, where there are so many."""
    return ROWS_VLLM if model.startswith("vllm/") else ROWS


def opened(weights: int, times: Range, at: Placement) -> Range:
    """Seconds of reading the weights so many times."""
    each = weights * (2 if at.dtype == "bf16" else 4)
    return Range(*(n * each / _end(DISK, i, slow=False) for i, n in enumerate(times)))


def _card(cards: Cards) -> Card:
    assert cards.card is not None, "a card of this machine is measured"
    return cards.card


def _end(one: Range, i: int, *, slow: bool) -> float:
    """Of a rate its likely, best and worst; of a cost (`slow`) its likely, least and most: both go with least and most time."""
    return one[i] if slow else (one.likely, one.high, one.low)[i]
