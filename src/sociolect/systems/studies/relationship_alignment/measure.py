"""The reader of the eight tones: the built-in words, classifiers trained on labelled tables, a model from Hugging Face, or a judge."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import polars as pl

from sociolect import frames, text
from sociolect.errors import RefusedError, UsageError
from sociolect.frames import Replies
from sociolect.load.aside import Aside
from sociolect.load.labelled import labelled
from sociolect.load.read import opened
from sociolect.measure.classifier import Classifier
from sociolect.measure.judge import judge
from sociolect.measure.pretrained import Reader
from sociolect.measure.tone import tone, wide, with_posts
from sociolect.measure.tone_labels import tone_labels, tone_reader
from sociolect.measure.tone_readers import Floats, Reading, joined, read, tone_model
from sociolect.measure.tone_words import lexicon
from sociolect.models.open import open_model
from sociolect.tones import TONES
from sociolect.workspace import Workspace

TEXTS, PEOPLE = (
    ("text", "full_text"),
    ("id", "author"),
)  # columns of labelled tables: what was said, on which post, by whom
NOBODY = ["[deleted]", "[removed]", ""]
OWN_WORDS = 6  # ours: from here on the same words are the same text


@dataclass(frozen=True, slots=True)
class Named:
    """A reader by what it is made of. It is made when a text is read, once in a process: a step that stands needs no training.

    `apart` are tables that it is held against or that it reads for the study: what they share with its labelled tables it
    does not learn from.
    """

    by: str
    goemotions: Path | None
    offmychest: Path | None
    own: Path | None
    columns: tuple[tuple[str, str], ...]
    apart: tuple[Path, ...]
    seed: int

    @property
    def labels(self) -> tuple[str, ...]:
        return _made(self)[0].labels

    @property
    def multi(self) -> bool:
        return True

    @property
    def name(self) -> str:
        return f"trained on {' + '.join(self.tables)}" if self.by == "trained" else self.by.replace("judge:", "judge ")

    @property
    def tables(self) -> dict[str, Path]:
        """The labelled tables it learns from, by name."""
        said = {"goemotions": self.goemotions, "offmychest": self.offmychest, "labels": self.own}
        return {name: path for name, path in said.items() if path is not None}

    def probabilities(self, texts: Sequence[str]) -> Floats:
        """How likely each tone is for each text: (n, k) in the order of `labels`."""
        return self.beside(texts, [None] * len(texts)).chance

    def beside(self, texts: Sequence[str], posts: Sequence[str | None]) -> Reading:
        """The same, with the posts shown to a reader that looks at posts."""
        return read(_made(self)[0], texts, posts)


def reader(
    by: str,
    *,
    goemotions: Path | None,
    offmychest: Path | None,
    labels: Path | None,
    columns: Mapping[str, str],
    seed: int,
    apart: Sequence[Path | None] = (),
) -> Reader:
    """The reader that `by` names: `words`, `trained` (on the labelled tables given), `judge:<model>`, or a Hugging Face id or folder.

    From the labelled tables those texts are left out that stand in a table of `apart` too, or are by the same author or on
    the same post, where both tables tell (`schooling` counts them).
    Raises UsageError where `trained` is given no table, and where another reader is given one.
    """
    made = Named(by, goemotions, offmychest, labels, tuple(sorted(columns.items())), tuple(p for p in apart if p), seed)
    if by == "trained" and not made.tables:
        raise UsageError(
            "--reader trained learns from labelled tables: name one with --goemotions, --offmychest or --labels"
        )
    if by != "trained" and made.tables:
        given = " and ".join(f"--{name}" for name in made.tables)
        raise UsageError(f"--reader {by} learns nothing, and {given} is there to learn from: leave one of the two out")
    return lexicon() if by == "words" else made


@lru_cache(maxsize=1)
def _made(named: Named) -> tuple[Reader, pl.DataFrame]:
    """The reader, and what it learnt from: table, texts, what was left out of it, and how well it reads held-out texts of its own table."""
    columns = dict(named.columns)
    if named.by.startswith("judge:"):
        return judge(open_model(named.by.removeprefix("judge:"))), pl.DataFrame()
    if named.by != "trained":
        return tone_model(named.by, columns.get("mapping", "goemotions")), pl.DataFrame()
    readers: dict[str, Classifier] = {}
    rows = []
    others = [_beside(path) for path in named.apart]
    for name, path in named.tables.items():
        told = (
            emotions(path)
            if name == "goemotions"
            else disclosures(path)
            if name == "offmychest"
            else labels_of(path, columns)
        )
        kept = told.filter(~_shared(told, others))
        if not kept.height:
            raise RefusedError(
                f"all {told.height} texts of {path.name} stand in a table that is read or audited: nothing to learn from"
            )
        mapping = columns.get("mapping", "tones") if name == "labels" else name
        column, group = ("full_text", "id") if name == "offmychest" else ("text", None)
        readers[name] = made = tone_reader(kept, mapping, text=column, group=group, seed=named.seed)
        rows.append(
            (
                name,
                ", ".join(t for t in TONES if t in made.labels),
                kept.height,
                told.height - kept.height,
                made.macro_f1,
                made.ece,
            )
        )
    by = joined(readers, take=_preferred(readers))
    schema = ["table", "tones", "learnt from", "left out", "macro F1", "calibration error"]
    return by, pl.DataFrame(rows, schema=schema, orient="row")


def schooling(named: Reader) -> pl.DataFrame:
    """What a trained reader learnt from, a row per labelled table; no rows for readers that others made.

    `left out` are texts that stand in a table of `apart`, or are by an author or on a post of it. Macro F1 and calibration
    error (expected, 15 bins) are those of texts of the same table, held out by post where it tells posts.
    """
    return _made(named)[1] if isinstance(named, Named) else pl.DataFrame()


def _shared(told: pl.DataFrame, apart: Sequence[pl.DataFrame]) -> pl.Series:
    """Which rows stand in one of these tables too, or are by the same author or on the same post.

    A text of a few words is nobody's own: two people who say thanks did not copy.
    """
    hit = pl.lit(value=False)
    for other in apart:
        for mine, theirs in ((m, t) for m in TEXTS for t in TEXTS if m in told.columns and t in other.columns):
            known = other.select(text.key(pl.col(theirs)))[theirs].drop_nulls().unique()
            key = text.key(pl.col(mine))
            hit |= key.is_in(known.implode()) & (key.str.count_matches(" ") + 1 >= OWN_WORDS)
        for c in (c for c in PEOPLE if c in told.columns and c in other.columns):
            known = other[c].cast(pl.String).drop_nulls().unique()
            hit |= pl.col(c).cast(pl.String).is_in(known.filter(~known.is_in(NOBODY)).implode())
    return (
        told.select(pl.Series([False]).new_from_index(0, told.height).alias("_no") | hit)
        .to_series()
        .fill_null(value=False)
    )


def _beside(path: Path) -> pl.DataFrame:
    """The texts, posts and authors of a table, as far as their columns have the names of the shipped data sets."""
    with opened(path, Aside()) as source:
        if here := [c for c in (*TEXTS, *PEOPLE) if c in source.columns]:
            return source.read(here)
    if path.name.removesuffix(".gz").endswith(".tsv"):  # goemotions' form has no header
        with opened(path, Aside(), header=False) as source:
            return source.read(["column_1"]).rename({"column_1": "text"})
    return pl.DataFrame()


def _preferred(readers: Mapping[str, Reader]) -> dict[str, str]:
    """Who reads a tone that several tables know: one's own labels first, then offmychest, whose labels were made for it."""
    order = [n for n in ("labels", "offmychest", "goemotions") if n in readers]
    several = {v for r in readers.values() for v in r.labels if sum(v in o.labels for o in readers.values()) > 1}
    return {v: next(n for n in order if v in readers[n].labels) for v in sorted(several)}


def emotions(path: Path) -> pl.DataFrame:
    """A table of goemotions' form: text, comma-separated label ids, the names in `original_labels.txt` beside it."""
    return labelled(path, text="column_1", label="column_2", names=path.parent / "original_labels.txt", header=False)


def disclosures(path: Path) -> pl.DataFrame:
    """A table of offmychest's form: full_text, id (its post), author where it is told, and a column of 0 and 1 per label."""
    wanted = [*tone_labels("offmychest")]
    with opened(path, Aside()) as source:
        said = source.read(["full_text", "id", *(c for c in ("author", *wanted) if c in source.columns)])
    return said.with_columns(pl.col([c for c in wanted if c in said.columns]).cast(pl.Int64, strict=False)).drop_nulls(
        "full_text"
    )


def labels_of(path: Path, columns: Mapping[str, str]) -> pl.DataFrame:
    """Any labelled table, as `load.labelled` reads one."""
    keep = {k: v for k, v in columns.items() if k in ("text", "label")}
    files = {k: path.parent / v for k, v in columns.items() if k in ("labels", "names")}
    return labelled(
        path,
        text=keep.get("text"),
        label=keep.get("label"),
        labels=files.get("labels"),
        names=files.get("names"),
        header=columns.get("header", "true") != "false",
    )


def scored(workspace: Workspace, replies: Replies, by: Reader, *, name: str) -> pl.DataFrame:
    """One row per reply with a column per tone: what the regressions read."""
    scores = workspace.frame(name, frames.scores, tone, replies, by)
    return wide(scores)


def posts_read(people: Replies, by: Reader) -> Replies:
    """People's comments with the tones of the posts they answer, where those are at hand."""
    if people["post_text"].null_count() == people.height:
        return people
    return with_posts(people, by)


def weak(card: pl.DataFrame, *, tones: Sequence[str] = ()) -> list[str]:
    """The tones that the reader does not tell well: AUC under .75 on people's or on models' text, or none at all.

    `tones` are those the study reads: one that is not on the card was never checked, and is weak too.
    """
    if not card.height:
        raise RefusedError("an empty validity card marks nothing")
    marked = card.filter((pl.col("metric") == "auc") & (pl.col("weak").fill_null(value=True)))
    return sorted({*marked["tone"]} | {*tones} - {*card["tone"]})


SCHOOL = """A linear classifier of words and characters for each labelled table, calibrated on texts held out from it. `left out` are texts that stand in \
the audited table or the one studied, or are by an author or on a post of it, where both tables tell. Macro F1 and calibration error are those of texts \
held out from the same table: they say little about other data. Probabilities follow the tones' shares in the labelled table."""
