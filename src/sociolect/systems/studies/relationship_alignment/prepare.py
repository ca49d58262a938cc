"""From tone scores to what is regressed: log tones with an offset, or the other forms of the sensitivity grid; ages in decades."""

from collections.abc import Mapping, Sequence

import polars as pl

from sociolect.errors import RefusedError, unknown
from sociolect.tones import TONES

TRANSFORMS = ("log", "rank", "probit", "share")
LEAST = 10  # people
# The traits that are classes, and whose they are.
CLASSES = {"commenter_gender": "commenter", "poster_gender": "poster", "closeness": "commenter", "setting": "commenter"}
ADULT = 40.0  # ages are centred here: the intercept is about somebody who exists


def offsets(wide: pl.DataFrame) -> dict[str, float]:
    """Each tone's eps: half its smallest positive score, pooled over arms, so that no arm has an eps of its own.

    A tone that is never positive has none and is refused by `prepared`. Ours: the paper does not name its offset.

    >>> offsets(pl.DataFrame({"funny": [0.0, 0.2, 0.6]}))
    {'funny': 0.1}
    """
    here = [t for t in TONES if t in wide.columns]
    least = wide.select(pl.col(t).filter(pl.col(t) > 0).min() / 2 for t in here).row(0, named=True)
    return {t: float(v) for t, v in least.items() if v is not None}


def public(wide: pl.DataFrame, *, extra: Sequence[str] = ()) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The wide table with every class of fewer than ten people emptied, and a count of these values (outcome, reason, count).

    `extra` are further terms, or products of them; their classes are commenters'. Nothing is said about fewer people, not even a slope. Where a class left over would tell the small one's number by
    what is missing, that is the number of unknown ones, which others share.
    """
    emptied = []
    further = dict.fromkeys((part for term in extra for part in term.split(":")), "commenter")
    for column, who in (further | CLASSES).items():
        if column not in wide.columns or wide.schema[column].is_numeric():
            continue
        human = wide.filter(pl.col("source") == "human")
        people = human.group_by(column).agg(n=pl.col(who).n_unique(), rows=pl.len()).drop_nulls(column)
        rare = people.filter(pl.col("n") < LEAST)
        if rare.height:
            wide = wide.with_columns(
                pl.when(~pl.col(column).is_in(rare[column].implode())).then(pl.col(column)).alias(column)
            )
            emptied.append(("emptied", f"{column} of fewer than {LEAST} people", int(rare["rows"].sum())))
    kinds = {"outcome": pl.String, "reason": pl.String, "count": pl.Int64}
    return wide, pl.DataFrame(emptied, schema=kinds, orient="row")


def prepared(wide: pl.DataFrame, *, eps: Mapping[str, float], transform: str = "log") -> pl.DataFrame:
    """The wide table with every tone as it is regressed, its post's tones as logs, and ages in decades from 40.

    `transform`: `log` is log(tone + eps); `rank` the mean rank over all rows, 0 to 1; `probit` the normal quantile of that
    rank; `share` the tone itself, for a fractional logit. Adds commenter_decades, poster_decades and gap_decades, the
    distance in age, and both_men. Raises RefusedError for tones without any positive score.
    """
    if transform not in TRANSFORMS:
        raise unknown("form of tone", transform, TRANSFORMS)
    here = [t for t in TONES if t in wide.columns]
    if flat := [t for t in here if t not in eps]:
        raise RefusedError(f"{', '.join(flat)}: no comment has any of it, so it has no logarithm; leave it out")
    made = wide.with_columns(
        *(_formed(t, eps[t], transform) for t in here),
        *((pl.col(f"post_{t}") + eps[t]).log() for t in here if f"post_{t}" in wide.columns),
    )
    ages = [f"{who}_age" for who in ("commenter", "poster")]
    known = {a: pl.col(a) if a in wide.columns else pl.lit(None, pl.Float64) for a in ages}
    return made.with_columns(
        commenter_decades=(known["commenter_age"] - ADULT) / 10,
        poster_decades=(known["poster_age"] - ADULT) / 10,
        gap_decades=(known["commenter_age"] - known["poster_age"]).abs() / 10,
        both_men=_both_men(wide),
    )


def _both_men(wide: pl.DataFrame) -> pl.Expr:
    """1 where a man comments on a man, 0 else, null where a gender is not told: the product of genders, without a cell of few."""
    genders = [f"{who}_gender" for who in ("commenter", "poster")]
    if not {*genders} <= {*wide.columns}:
        return pl.lit(None, pl.Float64)
    both = pl.all_horizontal(pl.col(g) == "man" for g in genders).cast(pl.Float64)
    return pl.when(pl.all_horizontal(pl.col(g).is_not_null() for g in genders)).then(both)


def _formed(tone: str, eps: float, transform: str) -> pl.Expr:
    value = pl.col(tone)
    if transform == "log":
        return (value + eps).log()
    if transform == "share":
        return value
    rank = value.rank("average") / (value.count() + 1)
    return rank if transform == "rank" else rank.map_batches(_quantile, return_dtype=pl.Float64)


def _quantile(rank: pl.Series) -> pl.Series:
    from scipy.special import ndtri

    return pl.Series(rank.name, ndtri(rank.cast(pl.Float64).to_numpy())).fill_nan(None)


def paired(table: pl.DataFrame, speaker: str, condition: str) -> pl.DataFrame:
    """One row per pair that both answered: its riders, `human <tone>`, `model <tone>` (mean of the draws), `gap <tone>` (model less human)."""
    here = [t for t in TONES if t in table.columns]
    people = table.filter(pl.col("source") == "human").rename({t: f"human {t}" for t in here})
    said = table.filter((pl.col("speaker") == speaker) & (pl.col("condition") == condition))
    mean = said.group_by("item", maintain_order=True).agg(**{f"model {t}": pl.col(t).mean() for t in here})
    both = people.join(mean, on="item", how="inner", maintain_order="left")
    return both.with_columns(**{f"gap {t}": pl.col(f"model {t}") - pl.col(f"human {t}") for t in here})
