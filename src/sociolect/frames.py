"""The ten frames: the only things that travel between the verbs.

A frame is a polars DataFrame that came in by its own door. A door checks the columns a frame must have and leaves every
further column alone, so traits and covariates ride along from the loader to the last regression. An absent value is null.

>>> members(pl.DataFrame({"person": ["ada"], "community": ["red"]})).columns
['person', 'community']
>>> ties(pl.DataFrame({"source": ["ada"], "kind": ["reply"], "weight": ["1"]}))
Traceback (most recent call last):
sociolect.errors.FrameError: this is not a ties frame: column 'target' is missing; column 'weight' is String, not Float64
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, NewType

import polars as pl

from sociolect.errors import FrameError

People = NewType("People", pl.DataFrame)
Posts = NewType("Posts", pl.DataFrame)
Ties = NewType("Ties", pl.DataFrame)
Members = NewType("Members", pl.DataFrame)
Examples = NewType("Examples", pl.DataFrame)
Items = NewType("Items", pl.DataFrame)
Replies = NewType("Replies", pl.DataFrame)
Vectors = NewType("Vectors", pl.DataFrame)
Scores = NewType("Scores", pl.DataFrame)
Effects = NewType("Effects", pl.DataFrame)

S, F, I = pl.String(), pl.Float64(), pl.Int64()


class Column(NamedTuple):
    """A column a frame must have: its type, what it means, and whether it may be null."""

    dtype: pl.DataType
    means: str
    null: bool = False


class Shape(NamedTuple):
    """What one row is, the columns it must have, the ones it often has, and the key no two rows share."""

    row: str
    columns: Mapping[str, Column]
    often: str = ""
    key: tuple[str, ...] = ()


# One utterance is found again by these seven, in replies, vectors and scores alike.
KEYS: dict[str, Column] = {
    "speaker": Column(S, "who replied: a person or a model"),
    "source": Column(S, "`human` or `model`"),
    "community": Column(S, "the community the speaker speaks for"),
    "item": Column(S, "what was asked, or the thread spoken in"),
    "condition": Column(S, "the way it was asked: the arm of a study"),
    "draw": Column(I, "which repeat, from 0"),
    "turn": Column(I, "the place in an exchange, from 0"),
}

SHAPES: dict[str, Shape] = {
    "people": Shape(
        "a person", {"person": Column(S, "a pseudonym")}, "any trait: age, gender, country, weight", ("person",)
    ),
    "posts": Shape(
        "something said",
        {
            "post": Column(S, "its id"),
            "person": Column(S, "who said it"),
            "text": Column(S, "what was said"),
            "thread": Column(S, "the conversation it belongs to; its own id where it stands alone"),
            "parent": Column(S, "the post it replies to or reposts", null=True),
        },
        "time, kind (post, reply, repost), topic, community, media",
        ("post",),
    ),
    "ties": Shape(
        "a tie between two people",
        {
            "source": Column(S, "from whom"),
            "target": Column(S, "to whom"),
            "kind": Column(S, "reply, repost, mention, co-thread, ..."),
            "weight": Column(F, "how strong: finite, above 0"),
        },
        "time, last (of several interactions), sentiment (their mean), sentiment_n, sentiment_sd, closeness",
        ("source", "target", "kind"),
    ),
    "members": Shape(
        "someone in a community",
        {"person": Column(S, "who"), "community": Column(S, "where")},
        "weight (soft membership), stability (0 to 1, over seeds)",
        ("person", "community"),
    ),
    "examples": Shape(
        "something to learn from",
        {
            "community": Column(S, "whose voice it is"),
            "prompt": Column(S, "what is asked"),
            "reply": Column(S, "what is to be said"),
        },
        "worse (preference), judgement, weight, post, person, template",
    ),
    "items": Shape(
        "something to ask",
        {
            "item": Column(S, "its id"),
            "prompt": Column(S, "the words put to the speaker"),
            "options": Column(pl.List(S), "the answers to choose from; null asks for free text", null=True),
        },
        "topic, template, facet, sign, media",
        ("item",),
    ),
    "replies": Shape(
        "one utterance or answer",
        {
            **KEYS,
            "prompt": Column(S, "the words put to the speaker; null where nobody asked", null=True),
            "text": Column(S, "what came back; null where nothing did", null=True),
        },
        "choice, logprob, refused, weight, topic, template, every trait",
        tuple(KEYS),
    ),
    "vectors": Shape(
        "a reply in a space", {**KEYS, "vector": Column(pl.List(F), "its coordinates")}, "space", tuple(KEYS)
    ),
    "scores": Shape(
        "one number about a reply",
        {
            **KEYS,
            "measure": Column(S, "what was measured"),
            "value": Column(F, "the number; null where it is undefined", null=True),
        },
        "weight, label (a classifier's verdict), topic, template",
        (*KEYS, "measure"),
    ),
    "effects": Shape(
        "one comparison with its doubt",
        {
            "measure": Column(S, "what was compared"),
            "contrast": Column(S, "between whom"),
            "estimate": Column(F, "the number; null where it cannot be had", null=True),
            "low": Column(F, "the lower end of its interval; null where there is none", null=True),
            "high": Column(F, "the upper end", null=True),
            "n": Column(I, "how many rows it rests on"),
        },
        "p, method, left_out, clusters, claim",
        ("measure", "contrast"),
    ),
}


def _enter(frame: pl.DataFrame, name: str) -> pl.DataFrame:
    """Check a frame against its shape, and say every fault at once."""
    shape = SHAPES[name]
    faults = [f"column {c!r} is missing" for c in shape.columns if c not in frame.columns]
    here = {c: column for c, column in shape.columns.items() if c in frame.columns}
    wrong = {c for c, column in here.items() if frame.schema[c] != column.dtype}
    faults += [f"column {c!r} is {frame.schema[c]}, not {here[c].dtype}" for c in here if c in wrong]
    nulls = {c: frame[c].null_count() for c, column in here.items() if not column.null and c not in wrong}
    faults += [f"column {c!r} is null in {n} row{'s' * (n > 1)}" for c, n in nulls.items() if n]
    if not faults and shape.key and (twice := frame.height - frame.select(shape.key).n_unique()):
        faults.append(f"{twice} row{'s' * (twice > 1)} repeat the key ({', '.join(shape.key)}) of another")
    if (
        not faults
        and name == "ties"
        and (bad := frame.filter(~(pl.col("weight").is_finite() & (pl.col("weight") > 0))).height)
    ):
        faults.append(f"column 'weight' is not finite and above 0 in {bad} row{'s' * (bad > 1)}")
    if (
        not faults
        and "source" in here
        and name != "ties"
        and (odd := set(frame["source"].unique()) - {"human", "model"})
    ):
        faults.append(f"column 'source' holds {', '.join(sorted(odd))}, not only human and model")
    if faults:
        raise FrameError(f"this is not {'an' if name[0] in 'aeiou' else 'a'} {name} frame: " + "; ".join(faults))
    return frame


def people(frame: pl.DataFrame) -> People:
    return People(_enter(frame, "people"))


def posts(frame: pl.DataFrame) -> Posts:
    return Posts(_enter(frame, "posts"))


def ties(frame: pl.DataFrame) -> Ties:
    return Ties(_enter(frame, "ties"))


def members(frame: pl.DataFrame) -> Members:
    return Members(_enter(frame, "members"))


def examples(frame: pl.DataFrame) -> Examples:
    return Examples(_enter(frame, "examples"))


def items(frame: pl.DataFrame) -> Items:
    return Items(_enter(frame, "items"))


def replies(frame: pl.DataFrame) -> Replies:
    return Replies(_enter(frame, "replies"))


def vectors(frame: pl.DataFrame) -> Vectors:
    return Vectors(_enter(frame, "vectors"))


def scores(frame: pl.DataFrame) -> Scores:
    return Scores(_enter(frame, "scores"))


def effects(frame: pl.DataFrame) -> Effects:
    return Effects(_enter(frame, "effects"))


def empty(name: str) -> pl.DataFrame:
    """A frame of the named shape without rows.

    >>> empty("ties").shape
    (0, 4)
    """
    return pl.DataFrame(schema={c: column.dtype for c, column in SHAPES[name].columns.items()})


SET_ASIDE = {"reason": S, "count": I, "where": S, "mend": S}


@dataclass(frozen=True, slots=True)
class Society:
    """The people, what they said, and who is tied to whom.

    `set_aside` counts what could not be let in: reason, count, where (the first place it was seen), mend (what to do).
    """

    people: People
    posts: Posts
    ties: Ties
    set_aside: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=SET_ASIDE))
