"""The released table of rules of thumb as frames: situations to items, rules to posts, breakdowns to replies of coded people."""

from pathlib import Path
from typing import NamedTuple

import polars as pl

from sociolect import frames
from sociolect.errors import InputError
from sociolect.frames import Items, People, Posts, Replies
from sociolect.seeds import substream
from sociolect.systems.sources.social_chem.dimensions import DIMENSIONS, number

AREAS = ("confessions", "dearabby", "rocstories", "amitheasshole")  # [code]
SPLITS = ("train", "dev", "test", "dev-extra", "test-extra", "analysis", "none")  # [code]
ANNOTATORS = (1, 3, 5, 50)  # [code] how many broke a rule down
HELD = {"m": ANNOTATORS, "split": SPLITS, "area": AREAS, "rot-bad": (0, 1)}
TEXTS = {
    "situation-short-id": "situation", "situation": "words", "rot-id": "rule", "rot": "rule_text", "action": "action_text",
    "rot-worker-id": "author", "breakdown-worker-id": "annotator",
}  # fmt: skip
COLUMNS = ("area", "m", "split", "rot-bad", *TEXTS, *DIMENSIONS)


class Loaded(NamedTuple):
    """One row per rule and annotator, levels as words and null where nobody answered; and what was left out, by reason."""

    table: pl.DataFrame
    left: pl.DataFrame


class Source(NamedTuple):
    """The table as frames."""

    items: Items
    people: People
    posts: Posts
    replies: Replies


def read(path: Path, *, seed: int = 0) -> Loaded:
    """The released table (tab-separated), checked cell by cell, its worker ids replaced by codes.

    An empty cell is an absent answer: null, since 0 and -2 are levels. Rules marked bad and rows without a rule, a situation
    or their ids are left out and counted. A code is a place in an order drawn by `seed`: it holds nothing of the id.
    Raises InputError with every fault: columns that are missing, and levels that no dimension has, with their first row.
    """
    try:
        raw = pl.read_csv(path, separator="\t", infer_schema=False, quote_char='"')
    except (OSError, pl.exceptions.PolarsError) as error:
        raise InputError(
            f"{path.name} cannot be read as a tab-separated table: {str(error).splitlines()[0]}"
        ) from error
    if missing := [c for c in COLUMNS if c not in raw.columns]:
        raise InputError(f"{path.name} lacks the columns {', '.join(missing)}: take the released table as it stands")
    raw = raw.select(pl.col(COLUMNS).str.strip_chars().replace("", None))
    if faults := [fault for column in (*HELD, *DIMENSIONS) for fault in _wrong(raw, column)]:
        raise InputError(f"{path.name}: {'; '.join(faults)}")
    table = raw.select(
        "area", "split", pl.col("m").cast(pl.Int64), bad=pl.col("rot-bad") == "1", **{to: pl.col(c) for c, to in TEXTS.items()},
        **{c: _words(c) for c in DIMENSIONS},
    )  # fmt: skip
    told = {
        "the rule is marked as bad": pl.col("bad").fill_null(False),
        "no rule, or no situation": pl.any_horizontal(pl.col("rule", "rule_text", "situation", "words").is_null()),
        "no annotator": pl.col("annotator").is_null() | pl.col("author").is_null(),
    }
    counts, kept = [], table
    for reason, gone in told.items():
        counts.append((reason, kept.filter(gone).height))
        kept = kept.filter(~gone)
    left = pl.DataFrame(counts, schema={"reason": pl.String, "rows": pl.Int64}, orient="row")
    return Loaded(_coded(kept.drop("bad"), seed), left)


def chosen(table: pl.DataFrame, split: str) -> pl.DataFrame:
    """The rows of one split, sorted by rule and annotator.

    Splits are chosen by their name: a few rules of the main set have three annotators, of which one breakdown is kept and two
    are marked `none`, so m = 1 is not the main set. Raises InputError where a situation stands on two sides, or a rule comes
    twice in train: its rows were split, not its situations.
    """
    side = table.filter(~pl.col("split").is_in(["none", "analysis"])).select(
        "situation", side=pl.col("split").str.strip_suffix("-extra")
    )
    crossing = side.unique().group_by("situation").len().filter(pl.col("len") > 1).height
    faults = [f"{crossing} situations stand in more than one of train, dev and test"] if crossing else []
    rows = table.filter(pl.col("split") == split)
    if split == "train" and (twice := rows.height - rows["rule"].n_unique()):
        faults.append(f"{twice} rows of train repeat a rule")
    if faults:
        raise InputError(
            f"the splits leak: {'; '.join(faults)}; split by situation, and take one breakdown of each rule"
        )
    return rows.sort("rule", "annotator")


def as_frames(table: pl.DataFrame) -> Source:
    """Situations, people, rules and breakdowns; a breakdown is one reply per dimension, its `condition`, null where unanswered.

    `choice` is the level's word (several joined by a bar), `value` its number where the dimension has numbers.
    """
    situations = table.select(item="situation", prompt="words", topic="area").unique("item", keep="first")
    rules = table.unique("rule", keep="first", maintain_order=True).sort("rule")
    named = pl.concat([table["author"], table["annotator"].alias("author")]).unique().sort()
    long = table.unpivot(
        list(DIMENSIONS), index=["rule", "annotator", "action_text", "rule_text", "m", "split", "area"],
        variable_name="condition", value_name="choice",
    )  # fmt: skip
    numbers = [
        number(c, w) for c, w in long.select("condition", "choice").iter_rows()
    ]  # a list may hold many: no number
    keys = {
        "source": pl.lit("human"),
        "community": pl.lit("annotators"),
        "turn": pl.lit(0, pl.Int64),
    }
    prompt = (
        pl.when(pl.col("condition").str.starts_with("action"))
        .then(pl.col("action_text"))
        .otherwise(pl.col("rule_text"))
    )
    replies = long.with_columns(value=pl.Series(numbers, dtype=pl.Float64)).select(
        "m", "split", "area", "choice", "value", "condition", speaker="annotator", item="rule", prompt=prompt, text="choice", **keys,
        draw=pl.int_range(pl.len(), dtype=pl.Int64).over("annotator", "rule", "condition"),
    )  # fmt: skip
    return Source(
        frames.items(situations.with_columns(options=pl.lit(None, pl.List(pl.String))).sort("item")),
        frames.people(named.to_frame("person")),
        frames.posts(
            rules.select(
                post="rule",
                person="author",
                text="rule_text",
                thread="situation",
                parent=pl.lit(None, pl.String),
                split="split",
            )
        ),
        frames.replies(replies.sort("item", "speaker", "condition", "draw")),
    )


def _wrong(raw: pl.DataFrame, column: str) -> list[str]:
    """What stands in a column and is none of its levels, with the first row that holds it."""
    many = column in DIMENSIONS and DIMENSIONS[column].many
    due = [str(v) for v in HELD[column]] if column in HELD else list(DIMENSIONS[column].levels)
    said = raw.select(
        row=pl.int_range(2, pl.len() + 2), level=pl.col(column).str.split("|") if many else pl.col(column)
    )
    said = (said.explode("level") if many else said).drop_nulls().filter(~pl.col("level").is_in(due))
    first = said.group_by("level").agg(pl.col("row").min()).sort("row").head(3)
    return [f"{column} is {level!r} in row {row}: due is one of {', '.join(due)}" for level, row in first.iter_rows()]


def _words(column: str) -> pl.Expr:
    known = DIMENSIONS[column]
    if known.many:
        return pl.col(column).str.split("|").list.sort().list.join("|")
    return pl.col(column).replace_strict(known.levels, return_dtype=pl.String, default=None)


def _coded(table: pl.DataFrame, seed: int) -> pl.DataFrame:
    ids = pl.concat([table["author"], table["annotator"].alias("author")]).unique().sort().to_list()
    places = substream(seed, "annotators").permutation(len(ids))
    codes = {name: f"a{int(place):05d}" for name, place in zip(ids, places, strict=True)}
    return table.with_columns(pl.col("author", "annotator").replace_strict(codes, return_dtype=pl.String))
