"""What each answer to an instrument is worth: an option's score, a number, or the expectation of a distribution over options."""

import numpy as np
import polars as pl

from sociolect.errors import InputError
from sociolect.measure.instrument_card import Instrument
from sociolect.measure.subscales import FloatArray

_SHOWN = 10  # ours: so many unknown ids are named
_OFF = 0.02  # dossier, section 7: stated shares whose sum is off by more are refused


def valued(replies: pl.DataFrame, instrument: Instrument) -> tuple[FloatArray, pl.Series]:
    """Each reply's score after the key (nan: none) and its outcome; raises InputError naming all that the card lacks."""
    answers = replies.select("item", "choice")
    ids = [item.id for item in instrument.items]
    faults = [
        f"item {item!r} is none of {instrument.id} ({n} answers)"
        for item, n in answers.filter(~pl.col("item").is_in(ids)).group_by("item").len().sort("item").iter_rows()
    ]
    values, strange = _scored(answers, instrument)
    faults += strange
    if "shares" in replies.columns and replies["shares"].null_count() < replies.height:
        spread = replies.select("item", "shares", "shown").with_row_index("row").filter(pl.col("shares").is_not_null())
        expected, wrong = _expected(spread, instrument)
        faults += wrong
        if not faults:
            values = values.scatter(spread["row"], expected)
    if faults:
        more = f"; and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
        raise InputError(f"these are no answers to {instrument.id}: " + "; ".join(faults[:_SHOWN]) + more)
    return values.fill_null(np.nan).to_numpy(), _outcome(replies, values, instrument)


def _scored(answers: pl.DataFrame, instrument: Instrument) -> tuple[pl.Series, list[str]]:
    """The score of each answer (columns item, choice) and the options that items lack."""
    table = pl.DataFrame(
        [(i.id, o, i.scores.get(o)) for i in instrument.items if i.options for o in i.options.ids],
        schema={"item": pl.String, "choice": pl.String, "value": pl.Float64},
        orient="row",
    ).with_columns(known=pl.lit(value=True))
    numbers = pl.DataFrame(
        [(i.id, i.low, i.high, i.key) for i in instrument.items if not i.options],
        schema={"item": pl.String, "low": pl.Float64, "high": pl.Float64, "key": pl.Float64},
        orient="row",
    )
    found = answers.join(table, on=["item", "choice"], how="left", maintain_order="left")
    chosen = pl.col("choice").is_not_null() & ~pl.col("item").is_in(numbers["item"].implode())
    unknown = found.filter(chosen & pl.col("known").is_null() & pl.col("item").is_in(table["item"].unique().implode()))
    faults = [
        f"item {item!r} has no option {choice!r} ({n} answers)"
        for item, choice, n in unknown.group_by("item", "choice").len().sort("item", "choice").iter_rows()
    ]
    if not numbers.height:
        return found["value"], faults
    said = pl.col("choice").cast(pl.Float64, strict=False)
    mirrored = pl.when(pl.col("key") < 0).then(pl.col("low") + pl.col("high") - said).otherwise(said)
    found = found.join(numbers, on="item", how="left", maintain_order="left").with_columns(
        value=pl.when(pl.col("key").is_null()).then("value").when(said.is_between("low", "high")).then(mirrored)
    )
    return found["value"], faults


def _expected(spread: pl.DataFrame, instrument: Instrument) -> tuple[pl.Series, list[str]]:
    """The expectation of each distribution (columns row, item, shares, shown), and what is wrong with any."""
    shares, shown = pl.col("shares"), pl.col("shown")
    total = shares.list.sum()
    wrong = {
        "hold another number of shares than options shown": shown.is_null() | (shares.list.len() != shown.list.len()),
        "hold a share that is null, below 0 or no number": shares.list.eval(
            pl.element().is_null() | ~pl.element().is_finite() | (pl.element() < 0)
        ).list.any(),
        f"sum to more than {_OFF} off 1": ~((total - 1).abs() <= _OFF),
        "show an option twice": shown.list.n_unique() < shown.list.len(),
    }
    faults = [f"{n} distributions {what}" for what, bad in wrong.items() if (n := spread.filter(bad).height)]
    if faults:
        return spread["shares"].list.first(), faults
    long = spread.explode("shares", "shown")
    values, strange = _scored(long.select("item", choice="shown"), instrument)
    # an option without a score, or none named, leaves no expectation
    undefined = values.is_null() & (long["shares"] > 0)
    long = long.with_columns(part=values.fill_null(0.0) * long["shares"], undefined=undefined)
    found = long.group_by("row", maintain_order=True).agg(
        value=pl.when(~pl.col("undefined").any()).then(pl.col("part").sum() / pl.col("shares").sum())
    )
    return found["value"], strange


def _outcome(replies: pl.DataFrame, values: pl.Series, instrument: Instrument) -> pl.Series:
    """What the replies say came of each question, with numbers that are none, or out of range, as unparsed."""
    spread = (
        replies["shares"].is_not_null() if "shares" in replies.columns else pl.repeat(False, replies.height, eager=True)
    )
    given = replies["choice"].is_not_null() | spread
    numbers = [i.id for i in instrument.items if not i.options]
    bad = replies["item"].is_in(numbers) & replies["choice"].is_not_null() & values.is_null() & ~spread
    said = (
        pl.col("outcome")
        if "outcome" in replies.columns
        else pl.when(given).then(pl.lit("answered")).otherwise(pl.lit("blank"))
    )
    return replies.select(pl.when(bad).then(pl.lit("unparsed")).otherwise(said).alias("outcome")).to_series()
