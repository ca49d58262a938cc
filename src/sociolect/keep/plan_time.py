"""The seconds that a run will take: as an earlier one took, by a measurement on this machine, or by the data sheet of a card."""

from typing import Any

import polars as pl

from sociolect.keep import plan_gpu, plan_memory, plan_speed
from sociolect.keep.plan_gpu import Cards
from sociolect.keep.plan_like import Like
from sociolect.keep.plan_speed import Speed
from sociolect.models.placement import placement
from sociolect.systems.planned import SCRATCH, Plan, Range, weighed
from sociolect.systems.planned_weights import shape

BUSY = Range(1, 0.4, 2.5)  # ours: how far a short measurement and a busy machine may mislead
ENDS = ("", "_low", "_high")
Time = Range | tuple[None, ...]
UNKNOWN = (None, None, None)


def speed_here(made: Plan, cards: Cards | None) -> Speed:
    """The speed of this machine at what the plan needs: of its CPU alone where the models stand on cards that are not here."""
    learns = bool(made.training.height)
    if cards is None:
        return plan_speed.measured(_heaviest(made), learns=learns)
    scratch = made.training.filter(pl.col("method") == "scratch")
    speed = plan_speed.measured(scratch["weights"].max(), learns=True) if scratch.height else plan_speed.measured(None)  # type: ignore[arg-type]  # a column of whole numbers
    if cards.card is None and (weights := _heaviest(made)) is not None:
        at = placement()
        built = shape(_name(made, weights), weights)
        return speed._replace(card=plan_speed.measured_card(weights, built, at.device, at.dtype, learns=learns))
    return speed


def seconds(made: Plan, earlier: Like | None, speed: Speed | None, cards: Cards | None) -> tuple[Time, str, list[str]]:
    """Seconds with their ends, what they rest on, and what must be said beside."""
    heard = float(made.calls["calls"].sum())
    if earlier is not None:
        times = heard / earlier.calls if heard and earlier.calls else 1.0
        said = f"as {earlier.name} took" + (f", times {times:.2g} for the calls" if abs(times - 1) > 0.01 else "")
        return Range(0.9, 0.5, 2.0).times(earlier.seconds * times), said, []
    assert speed is not None
    work = float(made.work["seconds"].sum()) * speed.work
    if made.calls.filter(pl.col("where") == "served").height:
        note = (
            "How fast a server answers is not known before it is asked; all else on a CPU takes "
            f"{work:.3g} s or so. Say --like WORKSPACE of an earlier run."
        )
        return UNKNOWN, "a server's speed is unknown", [note]
    engines = made.calls.filter(pl.col("model").str.starts_with("vllm/")).height
    if engines and (cards is None or cards.card is None):
        return (
            UNKNOWN,
            "an engine's speed is unknown",
            ["How fast vLLM is on which card is not measured: say --gpu NAME, or --like WORKSPACE."],
        )
    here, there, unknown = [Range(work, work, work)], list[Range](), list[str]()
    for rows, learns in ((made.calls.filter(pl.col("where") == "local"), False), (made.training, True)):
        for row in rows.iter_rows(named=True):
            weights = row["weights"] if learns else weighed(row["model"]).weights
            scratch = learns and row["method"] == "scratch"
            if weights is None or ((cards is None or scratch) and speed.weights is None):
                unknown.append(row["model"])
            elif cards is None or scratch:
                here.append(_here(row, weights, speed, learns=learns))
            elif cards.card is None:
                there.append(_measured(row, weights, speed, cards, learns=learns))
            else:
                how = plan_gpu.learnt if learns else plan_gpu.asked
                there.append(how(row, weights, shape(row["model"], weights), cards, placement()))
    if unknown:
        names = ", ".join(dict.fromkeys(unknown))
        note = f"How large {names} is is not known here: download it first, or say --like WORKSPACE."
        return UNKNOWN, "a model's size is unknown", [note]
    if cards is None:
        return _sum(here).times(BUSY), "by a measurement of a second or two on this machine, as busy as it is", []
    if cards.card is None:
        return _sum([*here, *there]).times(BUSY), "by a measurement of a few seconds on this machine and its card", []
    said = f"by the data sheet: {cards.number} x {cards.card.name}; all else as on this machine"
    there += _openings(made)
    return _sum([_sum(here).times(BUSY), *there]), said, _assumed(made, cards)


def on_cards(made: Plan, cards: Cards, time: Time, how: str) -> tuple[Time, str, list[tuple[object, ...]], list[str]]:
    """The time and what it rests on, unknown where a card is too small; the rows that cards add to the totals; what is said beside."""
    held = plan_memory.of_card(made, cards, placement())
    full = (made.training["method"] == "full").any()
    fits, fault = plan_memory.judged(held, cards.card, placement(), full=full) if cards.card else (True, None)
    if not fits:
        time, how = UNKNOWN, "it does not fit the card"
    hours = [None if s is None else s * cards.number / 3600 for s in time]
    rent = [None if h is None or cards.price_hour is None else h * cards.price_hour for h in hours]
    why = "no price: say --price-hour" if cards.price_hour is None else "their hours times their price"
    rows = [
        ("card memory", *(held or UNKNOWN), "bytes", "on one card at most, at one time"),
        ("card hours", *hours, "h", f"{cards.number} rented from the first step to the last"),
        ("rent", *rent, "money", why),
    ]
    return time, how, rows, [fault] if fault else []


def _here(row: dict[str, Any], weights: int, speed: Speed, *, learns: bool) -> Range:
    times = weights / (speed.weights or weights)
    if learns:
        return Range(*((speed.learn or 0) * times * row[f"tokens{e}"] for e in ENDS))
    read, write = (speed.read or 0) * times, (speed.write or 0) * times * (row["kind"] == "generate")
    return Range(*(read * row[f"prompt_tokens{e}"] + (write or read) * row[f"reply_tokens{e}"] for e in ENDS))


def _measured(row: dict[str, Any], weights: int, speed: Speed, cards: Cards, *, learns: bool) -> Range:
    """On cards of this machine: what one needs, shared out."""
    assert speed.card is not None, "the card of this machine is measured"
    alone = _here(row, weights, speed.card, learns=learns)
    parts = [row[f"parts{e}"] if learns else row[f"calls{e}"] / plan_gpu.rows_of(row["model"]) for e in ENDS]
    return Range(*(a * plan_gpu.share(p, cards.number) for a, p in zip(alone, parts, strict=True)))


def _openings(made: Plan) -> list[Range]:
    """The weights are read for every step, and for every part of what was learnt in some."""
    out = []
    for name in made.calls.filter(pl.col("where") == "local")["model"].unique().sort():
        weights, steps = weighed(name).weights or 0, made.calls.filter(pl.col("model") == name).height
        parts = max((r["parts"] for r in made.training.filter(pl.col("model") == name).to_dicts()), default=1)
        out.append(plan_gpu.opened(weights, Range(steps * parts, steps, steps * (1 + parts)), placement()))
    return out


def _assumed(made: Plan, cards: Cards) -> list[str]:
    """What an expectation for cards rests on."""
    assert cards.card is not None
    card, busy, streamed = cards.card, plan_gpu.BUSY, plan_gpu.STREAMED
    peak = card.half if placement().dtype == "bf16" else card.whole
    said = [
        f"Nothing was measured on {card.name}. In {placement().dtype} its peak is {peak / 1e12:.0f} trillion operations and "
        f"{card.bandwidth / 1e12:.3g} TB a second; {busy.low:.0%} to {busy.high:.0%} and {streamed.low:.0%} to "
        f"{streamed.high:.0%} of that are taken to be reached."
    ]
    parts = max((r["parts"] for r in made.training.to_dicts() if r["method"] != "scratch"), default=0)
    if 0 < parts < cards.number:
        said.append(
            f"{parts} models learn side by side at most: {cards.number - parts} of {cards.number} cards wait meanwhile."
        )
    elif cards.number > 1:
        said.append(
            "A model learns on one card, and each card holds the base: communities learn side by side (--cluster)."
        )
    return said


def _heaviest(made: Plan) -> int | None:
    """The weights of the largest local model that is known; the small transformer's where none is; None without local models."""
    names = made.calls.filter(pl.col("where") == "local")["model"].unique().to_list()
    if not names:
        return None
    return max((w for n in names if (w := weighed(n).weights)), default=SCRATCH["small"].weights)


def _name(made: Plan, weights: int) -> str:
    names = made.calls.filter(pl.col("where") == "local")["model"].unique().sort().to_list()
    return next((str(n) for n in names if weighed(n).weights == weights), "")


def _sum(rows: list[Range]) -> Range:
    return Range(*(sum(ends) for ends in zip(*rows, strict=True)))
