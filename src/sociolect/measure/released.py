"""What may be shown of an instrument's scores: means of groups, never a person's row."""

from collections.abc import Sequence

import polars as pl

from sociolect.errors import InputError, RefusedError, UsageError
from sociolect.frames import Scores
from sociolect.measure.instrument_card import Instrument

LEAST = 10  # DESIGN section 8: no cell about fewer people
_NAMED = 5


def released(
    scores: Scores, instrument: Instrument, *, k: int = LEAST, by: Sequence[str] = ("community", "condition")
) -> pl.DataFrame:
    """Group means: columns source, `by`, measure, value, speakers, replies; sorted, one row a group and measure.

    A speaker's replies are averaged first, then the speakers. A group of people stands on at least `k` of them; where fewer have
    a value, value, speakers and replies are null. What the card withholds is null on fewer than `k` replies, of models too.
    Raises RefusedError where a group has fewer than `k` people (asking by speaker is such a case), or `k` is below 10 for a
    sensitive instrument; InputError where there are no scores of this instrument.
    """
    if k < 1:
        raise UsageError(f"k = {k} is no number of people: say 1 or more, 10 for a sensitive instrument")
    if instrument.sensitive and k < LEAST:
        raise RefusedError(
            f"{instrument.id} is sensitive, and groups of {k} could point at a person: its scores are given for {LEAST} people or more"
        )
    if absent := [c for c in by if c not in scores.columns]:
        raise InputError(f"these scores have no column {', '.join(map(repr, absent))} to group by")
    own = scores.filter(pl.col("measure").str.starts_with(f"{instrument.id}:"))
    if not own.height:
        raise InputError(f"there are no scores of {instrument.id} among these: score the replies with it first")
    group = ["source", *(c for c in dict.fromkeys(by) if c != "source")]
    people = own.filter(pl.col("source") == "human")
    small = people.group_by(group).agg(people=pl.col("speaker").n_unique()).filter(pl.col("people") < k).sort(group)
    if small.height:
        named = "; ".join(
            f"{', '.join(str(row[c]) for c in group[1:]) or 'all'}: {row['people']}"
            for row in small.head(_NAMED).to_dicts()
        )
        raise RefusedError(
            f"{small.height} groups hold fewer than {k} people ({named}): join or leave out groups; no smaller one is shown"
        )
    withheld = pl.col("measure").is_in([f"{instrument.id}:{name}" for name in instrument.withheld])
    seen = pl.col("value").count()
    # sorted first: the last bit of a mean depends on the order of what is summed
    return (
        own.sort(*group, "measure", "speaker", "draw", "turn")
        .group_by(*group, "measure", "speaker", maintain_order=True)
        .agg(value=pl.col("value").mean(), replies=seen)
        .group_by(*group, "measure", maintain_order=True)
        .agg(value=pl.col("value").mean(), speakers=seen.cast(pl.Int64), replies=pl.col("replies").sum().cast(pl.Int64))
        .with_columns(
            pl.when(
                ((pl.col("source") == "model") | (pl.col("speakers") >= k)) & (~withheld | (pl.col("replies") >= k))
            ).then(pl.col("value", "speakers", "replies"))
        )
    )
