"""Scores out of an instrument's answers: by item id and option id, blind to who answered and to where an option stood."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sociolect import frames
from sociolect.errors import FrameError
from sociolect.frames import KEYS, Replies, Scores
from sociolect.measure.answers import valued
from sociolect.measure.instrument_card import Instrument
from sociolect.measure.rules import Among, Compare, Count, atoms, truth
from sociolect.measure.scoring import TEXT
from sociolect.measure.subscales import FloatArray, subscales

SHEET = tuple(key for key in KEYS if key != "item")  # what one filled-in questionnaire is
WORDS = (*TEXT, "wording", "options", "instruction")
# What belongs to one answer, and says nothing about the sheet even where it happens to be the same throughout.
CARD = {"facet": pl.String, "sign": pl.Int64, "low": pl.Float64, "high": pl.Float64}
ANSWER = {"choice", "outcome", "refused", "position", "shares", "shown", "mass", "logprob", "labels", *CARD, "answer", "unit", "follows"}  # fmt: skip


def score(replies: Replies, instrument: Instrument) -> Scores:
    """A row per answer, subscale and rule: `value` is null where an answer, or the policy on missing ones, leaves it undefined.

    Reads `item`, `choice` (an option's id; a number as text; null: no answer) and, where they are there, `shares` with `shown`
    (a distribution over option ids: the item's score is then its expectation, and the sheet's rules are null). A sheet is what
    shares speaker, source, community, condition, draw and turn. Item rows: measure "<id>:<item>", the score after the key,
    with the reply's further columns, without its words, the item's facet, sign, low and high, and `outcome`: answered, blank, unparsed (a number that is none, or
    outside its range), or as the reply says. Subscale and rule rows: item "<id>", measure "<id>:<subscale>" and "<id>:<rule>" (1, 0,
    null), with the columns that are constant within every sheet. Rows follow the order of the replies.

    Raises InputError naming every item and option that the card lacks, FrameError where columns are missing or a sheet
    answers an item twice.
    """
    _door(replies)
    said = replies.with_columns(pl.col("choice").cast(pl.String))  # all null, it may have come without a type
    values, outcome = valued(said, instrument)
    sheet_of, first, place = _sheets(said, instrument)
    sheet = np.where(place >= 0, values[np.maximum(place, 0)], np.nan) if len(values) else np.empty(place.shape)
    found = subscales(sheet, instrument)
    measures = {**found, **_rules(said, instrument, sheet, place, found)}
    rest = said.select(pl.all().exclude(*WORDS))
    one, item = instrument.id, _codes(said, instrument)
    names = pl.Series([f"{one}:{i.id}" for i in instrument.items], dtype=pl.String)
    card = {c: pl.Series([getattr(i, c) for i in instrument.items], dtype=dtype) for c, dtype in CARD.items()}
    rows = rest.with_columns(
        **{c: column.gather(item) for c, column in card.items() if c not in rest.columns},
        outcome=outcome,
        measure=names.gather(item),
        value=pl.Series(values, nan_to_null=True),
    )
    about = rest.select(*SHEET, *_constant(rest, sheet_of, first))[first].with_columns(item=pl.lit(one))
    parts = [
        about.with_columns(measure=pl.lit(f"{one}:{name}"), value=pl.Series(value, nan_to_null=True))
        for name, value in measures.items()
    ]
    return frames.scores(pl.concat([rows, *parts], how="diagonal"))


def _door(replies: pl.DataFrame) -> None:
    due = {"choice": pl.String(), "shares": pl.List(pl.Float64), "shown": pl.List(pl.String)}
    needed = {"choice", *({"shown"} if "shares" in replies.columns else ())}
    wrong = [f"column {c!r} is missing" for c in sorted(needed - set(replies.columns))]
    wrong += [
        f"column {c!r} is {replies.schema[c]}, not {dtype}"
        for c, dtype in due.items()
        if c in replies.columns and replies.schema[c] not in {dtype, pl.Null()}
    ]
    if wrong:
        raise FrameError("these replies answer no instrument: " + "; ".join(wrong))


def _codes(replies: pl.DataFrame, instrument: Instrument) -> NDArray[np.int64]:
    """The place of each reply's item in the card."""
    ids = [item.id for item in instrument.items]
    return replies["item"].replace_strict(ids, list(range(len(ids))), return_dtype=pl.Int64).to_numpy()


def _sheets(
    replies: pl.DataFrame, instrument: Instrument
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Each reply's sheet; each sheet's first reply; and the reply to each item (sheets x items, -1 where there is none)."""
    varied = [key for key in SHEET if replies[key].n_unique() > 1] or [SHEET[0]]
    held = replies.select(varied)
    firsts = held.with_row_index("first").unique(varied, keep="first", maintain_order=True)
    numbered = firsts.with_row_index("sheet")
    sheet_of = (
        held.join(numbered, on=varied, how="left", nulls_equal=True, maintain_order="left")["sheet"]
        .cast(pl.Int64)
        .to_numpy()
    )
    first = firsts["first"].cast(pl.Int64).to_numpy()
    k = len(instrument.items)
    cell = sheet_of * k + _codes(replies, instrument)
    place = np.full(len(first) * k, -1, dtype=np.int64)
    place[cell] = np.arange(len(cell))
    if twice := len(cell) - int((place >= 0).sum()):
        raise FrameError(f"{twice} replies answer an item that their sheet has answered: a sheet is {', '.join(SHEET)}")
    return sheet_of, first, place.reshape(len(first), k)


def _rules(
    replies: pl.DataFrame,
    instrument: Instrument,
    sheet: FloatArray,
    place: NDArray[np.int64],
    found: dict[str, FloatArray],
) -> dict[str, FloatArray]:
    """Each rule's value per sheet: 1, 0, or nan where undetermined."""
    if not instrument.rules:
        return {}
    at = {item.id: n for n, item in enumerate(instrument.items)}
    columns = {f"subscale:{name}": pl.Series(value, nan_to_null=True) for name, value in found.items()}
    for atom in (a for rule in instrument.rules for a in atoms(rule.expression)):
        for one in atom.among if isinstance(atom, Count) else [atom]:
            if isinstance(one, Among) and f"choice:{one.id}" not in columns:
                rows = pl.Series(place[:, at[one.id]])
                columns[f"choice:{one.id}"] = replies["choice"].gather(rows.set(rows < 0, None))
            elif isinstance(one, Compare) and one.kind == "item":
                columns[f"score:{one.id}"] = pl.Series(sheet[:, at[one.id]], nan_to_null=True)
    wide = pl.DataFrame({"sheet": np.arange(len(place)), **columns})
    for rule in instrument.rules:
        wide = wide.with_columns(truth(rule.expression).alias(f"rule:{rule.id}"))
    spread = np.zeros(len(place), dtype=bool)
    if "shares" in replies.columns and len(place):
        spread = ((place >= 0) & replies["shares"].is_not_null().to_numpy()[np.maximum(place, 0)]).any(1)
    return {
        rule.id: np.where(spread, np.nan, wide[f"rule:{rule.id}"].cast(pl.Float64).fill_null(np.nan).to_numpy())
        for rule in instrument.rules
    }


def _constant(replies: pl.DataFrame, sheet_of: NDArray[np.int64], first: NDArray[np.int64]) -> list[str]:
    """The further columns that say one thing throughout every sheet."""
    kept = [c for c in replies.columns if c not in {*KEYS, *ANSWER} and not replies.schema[c].is_nested()]
    return [c for c in kept if replies[c].gather(first[sheet_of]).eq_missing(replies[c]).all()]
