"""The ladder of contexts: the same stories with nothing, the country, its values, or the very rule; asked, and read."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import polars as pl

from sociolect import frames, text
from sociolect.elicit.administer import administered, reread
from sociolect.elicit.parse import parse
from sociolect.elicit.variants import variants
from sociolect.errors import InputError, ModelError, UsageError, unknown
from sociolect.frames import Items, Replies
from sociolect.load.inspect_log import inspect_log
from sociolect.models.model import Model

RUNGS = ("none", "country", "country_value", "value", "rule")  # [code]
# What a rung says of where the story happens; [code] has the same parts in words of its own.
CONTEXTS: dict[str, tuple[str, ...]] = {
    "none": (), "country": ("country",), "country_value": ("country", "value"), "value": ("value",), "rule": ("rule",),
}  # fmt: skip
HEADS = {"country": "Country", "value": "Value", "rule": "Rule of thumb"}
# ours: the release asks once, in one order. Balanced: each option stands first, second and last once; shuffled: an order drawn per item.
ORDERS = {"balanced": ("rotations",), "shuffled": ("permuted:0",), "fixed": ("forward",)}
# ours, the same on every rung: rungs differ in the context alone
TASK = "Is what is done in the story socially acceptable where it happens? Say Neither where nothing that holds there bears on it."
PLACE = "this place"
WORDS_OF = {"yes": "Yes", "no": "No", "neutral": "Neither"}
Mode = Literal["auto", "logprob", "sampled"]
_NEITHER = re.compile(r"\s*neither\s+yes\s*,?\s+nor\s+no(?![\w'’])", re.IGNORECASE)


def ladder(
    items: Items, *, rungs: Sequence[str] = RUNGS, orders: str = "balanced", mask: bool = True, seed: int = 0
) -> dict[str, Items]:
    """The items once per rung and option order, by condition (`country/rotation:0`), as `administered` takes them.

    Background and explanation stay behind. Columns added: those of `elicit.variants`, `rung`, and `masked`: whether the country's name was taken out of the story.
    With `mask` it is, on the rungs that do not say the country: a story that names it climbs to the next rung by itself.
    Stories and rules are other people's words: chat marks in them are broken. Raises UsageError for an unknown rung or order.

    >>> from sociolect.systems.instruments.normad.load import planted
    >>> found = ladder(planted(countries=2, rules=1), rungs=["none", "rule"])
    >>> list(found)[:2], found["rule/rotation:0"]["prompt"][0].splitlines()[2]
    (['none/rotation:0', 'none/rotation:1'], 'Rule of thumb: On entering a moot-hut, one answers with a sprack.')
    """
    faults = [str(unknown("rung", r, RUNGS)) for r in rungs if r not in RUNGS]
    faults += [] if orders in ORDERS else [str(unknown("order", orders, ORDERS))]
    if faults or not rungs:
        raise UsageError("; ".join(faults) or f"no rung was named; there are: {', '.join(RUNGS)}")
    out: dict[str, Items] = {}
    for rung in dict.fromkeys(rungs):
        told = [_told(row, rung, mask=mask) for row in items.iter_rows(named=True)]
        put = items.drop("background", "explanation", strict=False).with_columns(
            prompt=pl.Series([p for p, _ in told], dtype=pl.String), masked=pl.Series([m for _, m in told], dtype=pl.Boolean),
            rung=pl.lit(rung),
        )  # fmt: skip
        laid = variants(frames.items(put), orders=ORDERS[orders], labels=("words",), seed=seed)
        out |= {f"{rung}/{name.split('/')[0]}": one for name, one in laid.items()}
    return out


def _told(row: Mapping[str, Any], rung: str, *, mask: bool) -> tuple[str, bool]:
    """What is put on a rung, without the options, and whether the country was masked."""
    story, hidden = str(row["story"]), False
    if mask and "country" not in CONTEXTS[rung]:
        bare = re.sub(rf"(?<!\w){re.escape(row['country'].replace('_', ' '))}(?!\w)", PLACE, story, flags=re.IGNORECASE)
        story, hidden = bare, bare != story
    lines = [f"{HEADS[part]}: {row[part]}" for part in CONTEXTS[rung]]
    parts = [TASK, "\n".join(lines), f"Story: {story}"]
    return text.neutralise(text.clean("\n\n".join(p for p in parts if p))), hidden


def asked(
    models: Mapping[str, Model],
    ladders: Mapping[str, Items],
    *,
    mode: Mode = "auto",
    draws: int = 1,
    tokens: int = 16,
    temperature: float = 0.0,  # [code]
    seed: int = 0,
) -> Replies:
    """What each community's model answers on every rung; `choice` is yes, no, neutral, or null, and `outcome` says why.

    auto: by log-probability where the model offers it, else by what it says, read by the strict parser. By log-probability
    the likeliest option is the answer; where two are equally likely there is none, and the outcome is unparsed.
    Raises ModelError where log-probabilities were asked for by name and the model has none.
    """
    parts = []
    for community, model in sorted(models.items()):
        one = {community: model}
        if mode != "sampled":
            try:
                parts.append(_likeliest(administered(one, ladders, mode="logprob", seed=seed)))
                continue
            except ModelError:
                if mode == "logprob":
                    raise
        said = administered(one, ladders, draws=draws, tokens=tokens, temperature=temperature, seed=seed)
        parts.append(answered(said))
    if not parts:
        raise UsageError("no model was named: due is community=provider/model")
    return frames.replies(pl.concat(parts))


def exported() -> tuple[dict[str, Items], str]:
    """The planted ladder as an Inspect task takes it, and the column that says which answer is right."""
    from sociolect.systems.instruments.normad.load import planted

    return ladder(planted(), orders="shuffled"), "gold"


def logged(log: Path) -> Replies:
    """What models answered in Inspect logs of an exported ladder, read as `asked` reads its own."""
    return answered(reread(inspect_log(log).replies))


def answered(replies: Replies) -> Replies:
    """The replies with "neither yes nor no" read as Neither: the strict parser takes it for two options.

    >>> [read(said) for said in ("Neither yes nor no.", "Yes, and no.", "Neither yes nor no, but yes", "")]
    ['neutral', None, None, None]
    """
    if missing := [c for c in ("raw", "choice", "outcome", "shown") if c not in replies.columns]:
        raise InputError(
            f"these replies have no column {', '.join(map(repr, missing))}: read them with elicit.administer"
        )
    held = replies.select(
        pl.struct("raw", "choice", "outcome").map_elements(
            lambda r: "neutral" if r["outcome"] == "unparsed" and r["choice"] is None and _NEITHER.match(r["raw"] or "") and read(r["raw"]) else None,
            return_dtype=pl.String, skip_nulls=False,
        ).alias("it")
    )["it"]  # fmt: skip
    found = replies.with_columns(_it=held)
    position = pl.col("shown").list.eval(pl.element() == "neutral").list.arg_max().cast(pl.Int64)
    return frames.replies(
        found.with_columns(
            choice=pl.coalesce("choice", "_it"),
            outcome=pl.when(pl.col("_it").is_not_null()).then(pl.lit("answered")).otherwise("outcome"),
            position=pl.when(pl.col("_it").is_not_null()).then(position).otherwise("position"),
        ).drop("_it")
    )


def read(said: str) -> str | None:
    """The label that one reply means; null where it means none or two."""
    words = ["Yes", "No", "Neither"]
    bare = _NEITHER.sub("Neither", said, count=1)
    return parse(bare, labels=words, wording=words, ids=["yes", "no", "neutral"], prompt="")


def _likeliest(replies: Replies) -> Replies:
    """Weighed options as an answer: the likeliest one, none where two tie."""
    shares = pl.col("shares")
    alone = shares.list.eval((pl.element() == pl.element().max()).sum()).list.first() == 1
    made = replies.with_columns(position=pl.when(alone).then(shares.list.arg_max().cast(pl.Int64)))
    answered = pl.col("position").is_not_null()
    return frames.replies(
        made.with_columns(
            choice=pl.col("shown").list.get(pl.col("position"), null_on_oob=True),
            outcome=pl.when(answered).then(pl.lit("answered")).otherwise(pl.lit("unparsed")),
        )
    )
