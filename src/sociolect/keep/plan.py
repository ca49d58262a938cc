"""What a run will take, before it runs: calls, tokens, money, time, memory, disk, and the least effects it can show."""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from sociolect.keep.plan_gpu import Cards
from sociolect.keep.plan_like import like_of
from sociolect.keep.plan_speed import Speed
from sociolect.keep.plan_time import on_cards, seconds, speed_here
from sociolect.models.placement import placement
from sociolect.models.prices import Price, price_of
from sociolect.systems import SYSTEMS, Card
from sociolect.systems.planned import CALLS, COMPARISONS, TRAINING, Plan, Range, learnt_bytes, weighed
from sociolect.systems.planned_weights import folder_of

TOTALS: Mapping[str, pl.DataType] = {
    "what": pl.String(), "planned": pl.Float64(), "low": pl.Float64(), "high": pl.Float64(), "unit": pl.String(), "how": pl.String(),
}  # fmt: skip
NEVER = ("calls", "scripted calls", "prompt tokens", "reply tokens", "tokens learnt", "money", "time", "memory", "disk")
# ours: copies of a model's weights in memory as it is asked (fp32), and as it learns (gradients and two moments beside)
ASKED, LEARNT = 4.0, 16.0
TORCH = Range(6e8, 3e8, 1.2e9)  # bytes that torch and transformers take before there is a weight
ANSWERED = Range(400, 250, 1500)  # bytes of one reply in the journal


class Planned(NamedTuple):
    """A plan with prices and this machine on it. Null in `totals` and `money` is unknown, never 0."""

    system: str
    calls: pl.DataFrame
    comparisons: pl.DataFrame
    training: pl.DataFrame
    totals: pl.DataFrame
    notes: tuple[str, ...]


def planned(
    card: Card,
    keywords: Mapping[str, Any],
    *,
    prices: Mapping[str, Price] | None = None,
    like: Path | None = None,
    speed: Speed | None = None,
    cards: Cards | None = None,
) -> Planned:
    """The plan of a run of this system with these keywords (typed, as `arguments.keywords` gives them): nothing is run.

    `prices` is money per million tokens by model (`models.prices`); `like` the workspace of an earlier run of the same system
    and size, whose seconds then stand for this one's, in proportion to the calls; else the speed of this machine is
    measured for a second or two (`speed` gives it). `cards` are graphics cards: of one that is not here the time and the
    memory are expected by its data sheet. A system without plan.py has a plan that says so: all is unknown.
    Raises UsageError for a `like` of another system or size, InputError for data that are not there.
    """
    if not (SYSTEMS / card.shelf / card.slug / "plan.py").is_file():
        calls, comparisons, training = (pl.DataFrame(schema=dict(shape)) for shape in (_PRICED, COMPARISONS, TRAINING))
        nothing = [(what, None, None, None, "", "no plan.py") for what in NEVER]
        said = f"{card.slug} has no plan.py: nothing is known before it runs of its calls, its cost or its time."
        totals = pl.DataFrame(nothing, schema=dict(TOTALS), orient="row")
        return Planned(card.slug, calls, comparisons, training, totals, (said,))
    made: Plan = import_module(f"sociolect.systems.{card.shelf}.{card.slug}.plan").plan(**keywords)
    calls, unpriced = _priced(made.calls, prices)
    notes = list(made.notes)
    if unpriced:
        notes.append(f"No price is known of {', '.join(unpriced)}: the money is unknown; say --prices FILE.")
    if prices:
        notes.append("The money is in the currency of the prices; a try that failed may cost too, and is not counted.")
    size = str(keywords.get("size", "tiny"))
    earlier = like_of(like, card.slug, size) if like is not None else None
    if cards is None and placement().device != "cpu":
        cards = Cards(None)
    if earlier is None and speed is None:
        speed = speed_here(made, cards)
    time, how, told = seconds(made, earlier, speed, cards)
    beside: list[tuple[object, ...]] = []
    if cards is not None:
        time, how, beside, more = on_cards(made, cards, time, how)
        told += more
    rows: list[tuple[object, ...]] = [*_counted(calls), _summed("tokens learnt", made.training, "tokens", "tokens", "all passes over them")]  # fmt: skip
    rows += [
        _money(calls),
        ("time", *time, "s", how),
        ("memory", *_memory(made, cards), "bytes", "at most, at one time"),
    ]
    rows += [("disk", *_disk(made), "bytes", "the workspace at its end"), *beside]
    totals = pl.DataFrame(rows, schema=dict(TOTALS), orient="row")
    if cards is not None and made.calls.filter(pl.col("where") == "local").is_empty():
        told.append("No model of this run stands here: a device or a card changes nothing.")
    return Planned(card.slug, calls, made.comparisons, made.training, totals, (*notes, *_by_name(made), *told))


def lines(plan: Planned) -> list[tuple[str, pl.DataFrame]]:
    """The plan as tables to print, each under its title: totals, calls, training, detectable effects, notes; no empty one."""
    shown = amounts(plan.totals).select("what", "planned", "low", "high", "how")
    calls = plan.calls.select("step", "model", "where", "kind", *(_between(plan.calls, c) for c in _RANGED))
    notes = pl.DataFrame({"note": list(plan.notes)}, schema={"note": pl.String})
    effects = plan.comparisons.with_columns(pl.col("detectable").round_sig_figs(3))
    parts = [
        (f"What {plan.system} will take", shown),
        ("Calls, by step and model (from the least to the most)", calls),
        ("What is learnt", _learnt(plan.training)),
        ("The least difference seen with a chance of .80", effects),
        ("What this rests on", notes),
    ]
    return [(title, table) for title, table in parts if table.height]


def amounts(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with their numbers (planned, low, high, came) as people read them, each in the unit of its row."""
    said = [c for c in ("planned", "low", "high", "came") if c in rows.columns]
    told = [[amount(r[c], r["unit"]) for r in rows.iter_rows(named=True)] for c in said]
    return rows.with_columns(pl.Series(c, t, pl.String) for c, t in zip(said, told, strict=True))


def _learnt(rows: pl.DataFrame) -> pl.DataFrame:
    """What is learnt, as people read it."""
    method = pl.format("{} {}", "method", pl.col("rank").cast(pl.String).fill_null("")).str.strip_chars()
    weights = pl.Series("weights", [amount(n, "") for n in rows["weights"]], pl.String)
    return rows.select(
        "step", "model", method.alias("method"), weights, *(_between(rows, c) for c in ("tokens", "parts"))
    )


def _between(rows: pl.DataFrame, column: str) -> pl.Series:
    """A column with its ends, as people read it: `9,104 (0 to 14,567)`; the number alone where it is sure."""
    unit = "money" if column == "money" else ""
    parts = rows.select(column, f"{column}_low", f"{column}_high").rows()
    told = [[amount(v, unit) for v in row] for row in parts]
    return pl.Series(
        column.replace("_", " "), [a if a == b == c else f"{a} ({b} to {c})" for a, b, c in told], pl.String
    )


def amount(value: float | None, unit: str) -> str:
    """A number as people read it; what is not known is said.

    >>> amount(5400, "s"), amount(2.5e9, "bytes"), amount(None, ""), amount(84_000, "calls"), amount(0.0123, "money")
    ('1.5 h', '2.5 GB', 'unknown', '84,000', '0.0123')
    """
    if value is None:
        return "unknown"
    if unit == "s":
        steps, ends = (("d", 86_400.0), ("h", 3600.0), ("min", 60.0)), ("s", 1.0)
        name, times = next(((n, t) for n, t in steps if value >= 1.5 * t), ends)
        return f"{value / times:.2g} {name}" if value / times < 100 else f"{value / times:.0f} {name}"
    if unit == "h":
        return f"{value:.3g}"
    if unit == "bytes":
        name, times = next(((n, t) for n, t in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)) if value >= t), ("kB", 1e3))
        return f"{value / times:.2g} {name}" if value / times < 100 else f"{value / times:.0f} {name}"
    return f"{value:.3g}" if unit == "money" else f"{value:,.0f}"


def record(plan: Planned) -> dict[str, Any]:
    """The plan as JSON: what `run.json` keeps under "plan", and what --json prints."""
    parts = ("calls", "comparisons", "training", "totals")
    return {"system": plan.system, **{p: getattr(plan, p).to_dicts() for p in parts}, "notes": list(plan.notes)}


_RANGED = ("calls", "prompt_tokens", "reply_tokens", "money")
_PRICED = {**CALLS, **dict.fromkeys(("money", "money_low", "money_high"), pl.Float64())}


def _priced(calls: pl.DataFrame, prices: Mapping[str, Price] | None) -> tuple[pl.DataFrame, list[str]]:
    """Each row with its money: 0 for models that stand here, null where no price is known; and whose."""
    rows, unpriced = [], []
    for row in calls.iter_rows(named=True):
        price = price_of(*_names(row["model"]), prices) if row["where"] == "served" else Price(0, 0)
        unpriced += [row["model"]] if price is None else []
        money = {
            f"money{end}": price and price.of(row[f"prompt_tokens{end}"], row[f"reply_tokens{end}"])
            for end in ("", "_low", "_high")
        }
        rows.append(row | money)
    return pl.DataFrame(rows, schema=_PRICED), list(dict.fromkeys(unpriced))


def _names(model: str) -> tuple[str, str]:
    """A served model's full name and the one its server knows it by, as a run calls it: an endpoint's without its address.

    >>> _names("endpoint/http://127.0.0.1:8000/v1#m"), _names("openai/m")
    (('endpoint/m', 'm'), ('openai/m', 'm'))
    """
    provider, _, rest = model.partition("/")
    name = rest.rpartition("#")[2]
    return f"{provider}/{name}", name


def _summed(what: str, rows: pl.DataFrame, column: str, unit: str, how: str) -> tuple[object, ...]:
    said = [float(rows[f"{column}{end}"].sum()) for end in ("", "_low", "_high")]
    return (what, *said, unit, how)


def _counted(calls: pl.DataFrame) -> list[tuple[object, ...]]:
    here = calls.filter(pl.col("where") != "scripted")
    aside = calls.filter(pl.col("where") == "scripted")
    return [
        _summed("calls", here, "calls", "calls", "to models with weights or on a server: the journal counts them"),
        _summed(
            "scripted calls", aside, "calls", "calls", "to planted, scripted and counting models: they cost nothing"
        ),
        _summed(
            "prompt tokens", here, "prompt_tokens", "tokens", "by characters: a tokenizer of its own may take more"
        ),
        _summed("reply tokens", here, "reply_tokens", "tokens", "high is every reply at its limit"),
    ]


def _money(calls: pl.DataFrame) -> tuple[object, ...]:
    if calls["money"].null_count():
        known = float(calls["money"].sum())
        return ("money", None, known, None, "money", "a price is unknown; low is what is known")
    return _summed("money", calls, "money", "money", "tokens times prices; what stands here costs none")


def _memory(made: Plan, cards: Cards | None) -> Range | tuple[None, ...]:
    local = made.calls.filter(pl.col("where") == "local")["model"].unique().to_list()
    if not local:
        return made.memory
    sizes = [weighed(n).weights for n in local]
    if any(s is None for s in sizes):
        return (None, None, None)
    most = max(s for s in sizes if s is not None)
    if placement().device != "cpu":
        # on their way to the card the weights stand here, whole or file by file; a worker for each card keeps the base
        passing = most * (2.0 if placement().dtype == "bf16" else 4.0) * (cards.number if cards else 1)
        return Range(*(a + b + passing * c for a, b, c in zip(made.memory, TORCH, (1.0, 0.1, 2.0), strict=True)))
    copies = (LEARNT if made.training.height else ASKED) * most
    return Range(*(a + b + copies * c for a, b, c in zip(made.memory, TORCH, (1.2, 1.0, 2.0), strict=True)))


def _disk(made: Plan) -> Range | tuple[None, ...]:
    learnt = [learnt_bytes(row) for row in made.training.iter_rows(named=True)]
    if any(one is None for one in learnt):
        return (None, None, None)
    kept = made.calls.filter(pl.col("where") != "scripted")
    heard = [float(kept[f"calls{e}"].sum()) for e in ("", "_low", "_high")]
    rest = Range(*(a + b * c for a, b, c in zip(made.disk, ANSWERED, heard, strict=True)))
    return Range(*(sum(ends) for ends in zip(rest, *[one for one in learnt if one is not None], strict=True)))


def _by_name(made: Plan) -> list[str]:
    """Which models' sizes are told by their names alone."""
    names = made.calls.filter(pl.col("where") == "local")["model"].unique().sort().to_list()
    told = [n for n in names if not n.startswith("scratch/") and folder_of(n) is None and weighed(n).weights]
    said = ", ".join(f"{n}: {(weighed(n).weights or 0) / 1e9:.3g} billion weights" for n in told)
    return [f"By its name alone, since it is not here, {said}."] if told else []
