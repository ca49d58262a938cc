"""The social block of the regressions, as far as the data have it, and the formulas it goes into."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl

from sociolect.compare.jointly import Codes
from sociolect.compare.mixed_effects import MixedEffects
from sociolect.errors import RefusedError
from sociolect.tones import TONES

LEAST = 10  # rows of a level: nothing is said about fewer
AGES = {
    "linear": ("commenter_decades", "poster_decades", "gap_decades"),
    "log": ("log(commenter_age)", "log(poster_age)", "log(gap_decades + 0.1)"),
    "spline": ("bs(commenter_age, df=4)", "bs(poster_age, df=4)", "gap_decades"),
}


@dataclass(frozen=True, slots=True)
class Block:
    """What the regressions share: the social terms, what comments are grouped by, the controls, the tones.

    `crossed` adds an intercept per commenter.
    """

    terms: tuple[str, ...]
    group: str
    controls: tuple[str, ...]
    tones: tuple[str, ...]
    crossed: bool = False

    @property
    def groups(self) -> tuple[str, ...]:
        return (self.group, "commenter") if self.crossed else (self.group,)


def designed(rows: pl.DataFrame, *, extra: Sequence[str] = (), group: str | None = None) -> Block:
    """The block that these people's comments can carry; all post tones that vary are controls of every tone.

    `extra` are further columns of the social block. Where comments were made in public and in private, the setting and
    its product with closeness are in it. `group` is `grouping`'s unless said.
    """
    if _varies(rows, "setting"):
        extra = (*extra, "setting", *(["closeness:setting"] if _varies(rows, "closeness") else []))
    controls = tuple(f"post_{t}" for t in TONES if _varies(rows, f"post_{t}"))
    tones = tuple(t for t in TONES if t in rows.columns and rows[t].drop_nulls().n_unique() > 1)
    return Block(social(rows, extra=extra), group or grouping(rows), controls, tones)


def social(rows: pl.DataFrame, *, ages: str = "linear", extra: Sequence[str] = ()) -> tuple[str, ...]:
    """The terms that these rows can carry: genders and their product, ages and their distance, closeness, `extra` columns.

    A trait that nobody tells, or all share, is no term: a study of strangers has no closeness.

    >>> social(pl.DataFrame({"closeness": ["stranger", "close"] * 10, "commenter_gender": ["man"] * 20}))
    ('closeness',)
    """
    genders = [c for c in ("commenter_gender", "poster_gender") if _varies(rows, c)]
    terms = [*genders, "both_men"] if len(genders) == 2 else genders  # their product, see `prepare`
    told = [who for who in ("commenter", "poster") if _varies(rows, f"{who}_age")]
    terms += AGES[ages] if len(told) == 2 else [f"{who}_decades" for who in told]
    return (*terms, *(c for c in ("closeness", *extra) if all(_varies(rows, part) for part in c.split(":"))))


def columns(fit: MixedEffects, terms: Sequence[str]) -> list[str]:
    """The columns of a fit that the social terms became, their within and between parts apart where it was split.

    Raises RefusedError where there are none: all columns of a fit are not what no term asks for.
    """
    wanted = {t.replace(" ", "") for t in terms}
    plain = {
        name: name.partition(" [")[0].replace(" ", "") for name in fit.terms
    }  # a split term is named "term [within post]"
    found = [fit.columns[i] for name, at in fit.terms.items() if plain[name] in wanted for i in at]
    if not found:
        raise RefusedError("no term of the relation is in this regression: nobody tells a trait that varies")
    return found


def formula(terms: Sequence[str], *, groups: Sequence[str] = (), controls: Sequence[str] = ()) -> str:
    """The right-hand side: the social terms, the controls, a random intercept per group.

    >>> formula(["closeness"], groups=["post"], controls=["post_funny"])
    '~ closeness + post_funny + (1 | post)'
    """
    return "~ " + " + ".join([*(terms or ["1"]), *controls, *(f"(1 | {g})" for g in groups)])


def grouping(rows: pl.DataFrame) -> str:
    """What comments are grouped by: their post where posts have several comments, else the thread."""
    return "thread" if rows["post"].n_unique() > 0.8 * rows.height and "thread" in rows.columns else "post"


def cluster(rows: pl.DataFrame, group: str) -> str:
    """What sandwich errors count: the group, or the commenter where commenters come back in several groups (trap 15).

    What comments of one group share is then in the random intercept, and what a commenter carries from group to group in the
    errors. Measured in null worlds, joint tests of 5 %: errors by post alone reject .22, crossed clusters .06 to .12,
    commenters .034 to .041.
    """
    if "commenter" not in rows.columns or rows["commenter"].null_count():
        return group
    homes = rows.group_by("commenter").agg(n=pl.col(group).n_unique())
    return "commenter" if (homes["n"] > 1).any() else group


def varied(rows: pl.DataFrame, block: Block, *prefixes: str) -> Block:
    """The block with the tones that differ at all between these rows: of another no regression can be made."""
    kept = [t for t in block.tones if all(rows[p + t].drop_nulls().n_unique() > 1 for p in prefixes)]
    return replace(block, tones=tuple(kept))


def complete(rows: pl.DataFrame, block: Block, outcomes: Sequence[str]) -> pl.DataFrame:
    """The rows on which every column of the block is known: fits that are held against each other share their rows."""
    named = {word for t in (*block.terms, *block.controls) for word in re.findall(r"\w+", t)}
    used = [c for c in rows.columns if c in named]
    return rows.drop_nulls([*used, *outcomes, block.group])


def coded(rows: pl.DataFrame, column: str) -> tuple[Codes, int]:
    """The cluster of each row as a code, in sorted order of names, and how many there are."""
    codes = rows[column].rank("dense").cast(pl.Int64).to_numpy() - 1
    return codes, int(codes.max(initial=-1)) + 1


def _varies(rows: pl.DataFrame, column: str) -> bool:
    """Whether a number is not constant, or at least two levels have enough rows each."""
    if column not in rows.columns:
        return False
    told = rows[column].drop_nulls()
    if told.dtype.is_numeric():
        return told.len() >= 2 * LEAST and told.n_unique() > 1
    return told.value_counts().filter(pl.col("count") >= LEAST).height > 1
