"""What a run will ask, learn and compare, as its system says it before anything runs."""

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import polars as pl

from sociolect.models.placement import placement
from sociolect.systems.planned_weights import counted, shape

CHARS = (4.0, 2.5, 6.0)  # ours: characters a token in a large vocabulary, likely, and at either end, over languages
OWN_CHARS = (4.0, 3.0, 5.0)  # ours: the same in a vocabulary that was learnt on the spot from these very texts
S, I, F = pl.String(), pl.Int64(), pl.Float64()
CALLS: Mapping[str, pl.DataType] = {
    "step": S, "model": S, "where": S, "kind": S, "calls": I, "calls_low": I, "calls_high": I, "prompt_tokens": I, "prompt_tokens_low": I,
    "prompt_tokens_high": I, "reply_tokens": I, "reply_tokens_low": I, "reply_tokens_high": I,
}  # fmt: skip
COMPARISONS: Mapping[str, pl.DataType] = {
    "measure": S, "contrast": S, "unit": S, "n": I, "clusters": I, "sd": F, "icc": F, "family": I, "level": F, "detectable": F,
}  # fmt: skip
TRAINING: Mapping[str, pl.DataType] = {
    "step": S,
    "model": S,
    "weights": I,
    "tokens": I,
    "tokens_low": I,
    "tokens_high": I,
    "method": S,
    "rank": I,
    "parts": I,
    "parts_low": I,
    "parts_high": I,
}
WORK: Mapping[str, pl.DataType] = {"step": S, "seconds": F}
Where = Literal["scripted", "local", "served"]


class Range(NamedTuple):
    """A number that is not known yet: the likely one, and the ends it lies between."""

    likely: float
    low: float
    high: float

    def times(self, other: "Range | float") -> "Range":
        """The product, for numbers that are not below 0.

        >>> Range(6, 2, 6).times(10)
        Range(likely=60, low=20, high=60)
        """
        a, b, c = other if isinstance(other, Range) else (other,) * 3
        return Range(self.likely * a, self.low * b, self.high * c)


# ours, measured on the planted systems: Python with its numerical libraries; a page with its tables
LITTLE, FEW_FILES = Range(3e8, 1.5e8, 6e8), Range(1e6, 2e5, 1e7)


class Plan(NamedTuple):
    """What one run will do. A price, a speed and a machine are not in it: `keep.plan` puts them on.

    `calls`: a row per step, model and kind (generate, logprobs), with `where` the model stands (scripted: it costs nothing;
    local: its weights are here; served) and its tokens in all. `comparisons`: the least difference each shows with a chance
    of .80 at its level, after Holm where the study adjusts; null where it cannot be told. `training`: tokens passed through,
    all epochs together, how it is learnt and in how many parts. `work`: seconds of the steps that ask no model, on a machine of
    speed 1. `notes` say what was assumed. `memory` is bytes beside weights, `disk` bytes beside replies and weights.
    """

    calls: pl.DataFrame
    comparisons: pl.DataFrame
    training: pl.DataFrame
    work: pl.DataFrame
    memory: Range
    disk: Range
    notes: tuple[str, ...]


class Weights(NamedTuple):
    """A model as far as a plan needs it: its weights (None: not known) and the characters that one token takes."""

    weights: int | None
    chars: tuple[float, float, float] = CHARS


# by the configuration of models/scratch: embeddings (shared), attention, the three matrices of each layer, norms
SCRATCH = {
    "micro": Weights(40_000, OWN_CHARS), "tiny": Weights(734_080, OWN_CHARS), "small": Weights(5_261_568, OWN_CHARS),
}  # fmt: skip


def asked(
    step: str,
    model: str,
    kind: Literal["generate", "logprobs"],
    calls: Range | float,
    *,
    where: Where,
    prompt: float,
    reply: Range,
    chars: tuple[float, float, float] = CHARS,
) -> dict[str, object]:
    """One row of `calls`: so many calls, each with a prompt of so many characters and a reply of so many tokens.

    >>> row = asked("ask", "hf/x", "generate", Range(10, 5, 20), where="local", prompt=400, reply=Range(20, 1, 40))
    >>> row["prompt_tokens"], row["prompt_tokens_low"], row["reply_tokens_high"]
    (1000, 333, 800)
    """
    calls = calls if isinstance(calls, Range) else Range(calls, calls, calls)
    likely, short, long = chars
    row: dict[str, object] = {"step": step, "model": model, "where": where, "kind": kind}
    said = {
        "calls": calls,
        "prompt_tokens": calls.times(Range(prompt / likely, prompt / long, prompt / short)),
        "reply_tokens": calls.times(reply),
    }
    for name, value in said.items():
        row |= {name: round(value.likely), f"{name}_low": round(value.low), f"{name}_high": round(value.high)}
    return row


def learnt(
    step: str,
    model: str,
    weights: int | None,
    tokens: Range,
    *,
    method: Literal["scratch", "full"] = "full",
    rank: int | None = None,
    parts: Range | float = 1,
) -> dict[str, object]:
    """One row of `training`: so many tokens, in so many parts of which none waits for another, as one for each community.

    `method` is scratch (from nothing, on a CPU), full (all weights of a model) or, with a `rank`, lora.
    """
    parts = parts if isinstance(parts, Range) else Range(parts, parts, parts)
    row: dict[str, object] = {"step": step, "model": model, "weights": weights, "method": "lora" if rank else method, "rank": rank}  # fmt: skip
    for name, value in (("tokens", tokens), ("parts", parts)):
        row |= {name: round(value.likely), f"{name}_low": round(value.low), f"{name}_high": round(value.high)}
    return row


def made_of(
    *,
    calls: Sequence[Mapping[str, object]] = (),
    comparisons: Sequence[Mapping[str, object]] = (),
    training: Sequence[Mapping[str, object]] = (),
    work: Mapping[str, float] | None = None,
    memory: Range = LITTLE,
    disk: Range = FEW_FILES,
    notes: Iterable[str] = (),
) -> Plan:
    """The plan made of these rows."""
    made = [
        pl.DataFrame(list(rows), schema=dict(columns), orient="row") if rows else pl.DataFrame(schema=dict(columns))
        for rows, columns in ((calls, CALLS), (comparisons, COMPARISONS), (training, TRAINING))
    ]
    steps = pl.DataFrame({"step": list(work or {}), "seconds": list((work or {}).values())}, schema=dict(WORK))
    return Plan(made[0], made[1], made[2], steps, memory, disk, tuple(notes))


def standing(name: str) -> Where:
    """Where the model of that name stands.

    >>> standing("openai/x"), standing("hf/gpt2"), standing("ngram/comments")
    ('served', 'local', 'scripted')
    """
    provider = name.partition("/")[0]
    if provider in ("openai", "endpoint") or (provider == "vllm" and os.environ.get("SOCIOLECT_VLLM_URL", "").strip()):
        return "served"
    return "local" if provider in ("hf", "scratch", "vllm") else "scripted"


def learnt_bytes(row: Mapping[str, Any]) -> Range | None:
    """The bytes that a row of `training` leaves: an adapter in 32 bits for each part, or all weights; None where unknown."""
    if row["weights"] is None:
        return None
    bf16 = row["method"] != "scratch" and placement().dtype == "bf16"
    whole = row["weights"] * (2.0 if bf16 else 4.0)
    each = 4.0 * shape(row["model"], row["weights"]).adapter(row["rank"]) if row["rank"] else whole
    return Range(*(each * row[f"parts{end}"] for end in ("", "_low", "_high")))


def weighed(name: str) -> Weights:
    """The weights of a local model: of its folder or the hub's local cache, else by its name; None where nothing tells."""
    own = SCRATCH.get(name.partition("/")[2]) if name.startswith("scratch/") else None
    return own or Weights(counted(name))
