"""The tones of a comment and of the post it answers, as scores and as the table that regressions read."""

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.errors import InputError, UsageError
from sociolect.frames import KEYS, Replies, Scores
from sociolect.measure.pretrained import Reader
from sociolect.measure.scoring import score, spread
from sociolect.measure.tone_readers import Reading, called, read
from sociolect.tones import TONES

MEASURE = "tone:"
POST = "post_"
COUNTS = ("judge_asked", "judge_refused", "judge_unparsed", "judge_order")


def tone(replies: Replies, reader: Reader, *, column: str = "text") -> Scores:
    """The reader's score of each tone for each reply, 0 to 1: measures `tone:<id>`; null without text or answer.

    One row per reply and tone the reader knows; tones are not exclusive. `column` names the text that is read. A reader that
    looks at posts (`measure.judge`) is shown `post_text` beside the comment; its rows carry how often it was asked,
    refused and could not be understood (`judge_asked`, `judge_refused`, `judge_unparsed`) and `judge_order`, the
    probability with yes named first less that with no first. No words ride along.
    Raises InputError where the column is missing or the reader gives a number outside [0, 1]; UsageError for other labels.
    """
    known = known_tones(reader)
    places, found = reading(replies, reader, column=column)
    bare = frames.replies(replies.drop([c for c in ("post_text", *COUNTS) if c in replies.columns]))
    n, judged = replies.height, bool(found.asked.any())
    parts = []
    for k in known:
        counts = {
            name: pl.Series(name, spread(places, values[:, k].astype(np.float64), n), nan_to_null=True).cast(kind)
            for name, values, kind in zip(COUNTS, found[1:], (pl.Int64, pl.Int64, pl.Int64, pl.Float64), strict=True)
        }
        chance = spread(places, found.chance[:, k], n)
        parts.append(score(bare, {f"{MEASURE}{reader.labels[k]}": chance}, **(counts if judged else {})))
    return frames.scores(pl.concat(parts))


def with_posts(replies: Replies, reader: Reader) -> Replies:
    """The replies with the tones of the post each answers: Float64 columns `post_<tone>`; null where a post has no text.

    Each different post text is read once, by itself. The columns ride along into scores and into `wide`.
    Raises InputError where column post or post_text is missing, or a post comes with two texts.
    """
    if absent := [c for c in ("post", "post_text") if c not in replies.columns]:
        raise InputError(
            f"column {', '.join(map(repr, absent))} is missing: the tones of posts are read off their texts"
        )
    known = known_tones(reader)
    several = replies.drop_nulls(["post", "post_text"]).group_by("post").agg(n=pl.col("post_text").n_unique())
    if torn := several.filter(pl.col("n") > 1).height:
        raise InputError(f"{torn} posts come with more than one post_text: one post has one text")
    texts = replies["post_text"].drop_nulls().unique().sort()
    texts = texts.filter(texts.str.strip_chars() != "")
    found = read(reader, texts.to_list(), [None] * len(texts))
    tones = {f"{POST}{reader.labels[k]}": found.chance[:, k] for k in known}
    read_once = pl.DataFrame({"post_text": texts, **tones}).with_columns(pl.col(list(tones)).fill_nan(None))
    bare = replies.drop([c for c in tones if c in replies.columns])
    return frames.replies(bare.join(read_once, on="post_text", how="left", maintain_order="left"))


def wide(scores: Scores) -> pl.DataFrame:
    """One row per reply: its keys and riders, and one Float64 column per tone under the tone's id; what regressions read.

    In the order in which the replies first come. A tone that was not scored for a reply is null; the judge's counts stay
    behind in the scores. Raises InputError for a measure that is no tone, a value outside [0, 1] (which measure, how many, in
    which arm), riders that differ between the tones of one reply, or riders that bear a tone's name.
    """
    measures = scores["measure"].unique().to_list()
    odd = sorted(m for m in measures if m.removeprefix(MEASURE) not in TONES or not m.startswith(MEASURE))
    if odd:
        raise InputError(f"{', '.join(odd[:5])}: no tones, so no columns of the wide table; filter the scores first")
    held = [t for t in TONES if f"{MEASURE}{t}" in measures]
    riders = [c for c in scores.columns if c not in (*KEYS, *COUNTS, "measure", "value")]
    faults = [f"column {c!r} bears the name of a tone" for c in riders if c in held]
    wrong = scores.filter((pl.col("value") < 0) | (pl.col("value") > 1) | pl.col("value").is_nan())
    arms = wrong.group_by("measure", "source", "condition").agg(
        n=pl.len(), low=pl.col("value").min(), high=pl.col("value").max()
    )
    faults += [
        f"{measure} is outside [0, 1] in {n} rows of {source}, {condition} (from {low:.4g} to {high:.4g})"
        for measure, source, condition, n, low, high in arms.sort("measure", "source", "condition").rows()
    ]
    if not faults and scores.select(*KEYS, *riders).n_unique() != scores.select(*KEYS).n_unique():
        each = scores.group_by(*KEYS).agg(pl.col(riders).n_unique())
        torn = [c for c in riders if (each[c] > 1).any()]
        faults.append(f"column {', '.join(map(repr, torn))} differs between the tones of one reply")
    if faults:
        raise InputError(f"no wide table can be made of these scores: {'; '.join(faults)}")
    value = [pl.col("value").filter(pl.col("measure") == f"{MEASURE}{t}").first().alias(t) for t in held]
    return scores.group_by(*KEYS, maintain_order=True).agg(pl.col(riders).first(), *value)


def reading(replies: Replies, reader: Reader, *, column: str = "text") -> tuple[list[int], Reading]:
    """The places of the replies that hold text, and what the reader says of those texts; null and blank alike are no text."""
    if column not in replies.columns:
        raise InputError(f"column {column!r} is missing; there are: {', '.join(replies.columns)}")
    if replies.schema[column] != pl.String:
        raise InputError(f"column {column!r} is {replies.schema[column]}, not String")
    held = [(i, t) for i, t in enumerate(replies[column]) if t is not None and t.strip()]
    posts = [None] * replies.height
    if column == "text" and "post_text" in replies.columns:
        posts = replies["post_text"].to_list()
    return [i for i, _ in held], read(reader, [t for _, t in held], [posts[i] for i, _ in held])


def known_tones(reader: Reader) -> list[int]:
    """The places of the reader's labels, in the order of `TONES`; UsageError where one is no tone."""
    if odd := [v for v in reader.labels if v not in TONES]:
        raise UsageError(
            f"{called(reader)} reads {', '.join(odd[:5])}, which are no tones: map its labels with tone_readers.grouped; "
            f"the tones are: {', '.join(TONES)}"
        )
    return [reader.labels.index(t) for t in TONES if t in reader.labels]
