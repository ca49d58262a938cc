"""How like its person a twin writes: each message on the topic against all that the person wrote in that round."""

import numpy as np
import numpy.typing as npt
import polars as pl

from sociolect import frames, text
from sociolect.errors import RefusedError
from sociolect.frames import Posts, Replies, Scores, Society
from sociolect.measure.embedding import Space, lsa, sentence_transformer
from sociolect.measure.scoring import score

Floats = npt.NDArray[np.float64]
NAMES = ("cosine", "stance distance", "rouge_l", "length difference", "absolute length difference")
MATCHED = ("cosine, matched length", "rouge_l, matched length")


def utterances(replies: Replies, society: Society, space: Space) -> Scores:
    """The measures of each simulated post and chat message, averaged over its person's messages of the same round.

    `replies` and the society's posts have `stance` (null: off topic). Measures: `on topic` (1 or 0), cosine in `space`,
    `stance distance` in units of the scale, ROUGE-L (the F-measure of two texts), `length difference` (words simulated less
    words written, and absolute), cosine and ROUGE-L once more with both texts cut to the words of the shorter. All but the first
    are null for a message off topic, or where the person wrote nothing on topic in that round; a blank message has no measure.
    Raises RefusedError where no message can be compared.
    """
    mine = replies.with_columns(
        round=pl.col("phase").str.extract(r"^(?:post|chat) (\d)$").cast(pl.Int64), row=pl.int_range(pl.len())
    )
    theirs = society.posts.filter(pl.col("phase").is_in(["post", "chat"]) & pl.col("stance").is_not_null())
    pairs = (
        mine.filter(pl.col("stance").is_not_null() & pl.col("round").is_not_null() & pl.col("text").is_not_null())
        .select("row", "round", "text", "stance", speaker="speaker")
        .join(
            theirs.select("round", speaker="person", other="text", held="stance", post="post"), on=["speaker", "round"]
        )
        .sort("row", "post")
    )
    if not pairs.height:
        raise RefusedError(
            "no simulated message on topic meets one of its person's in the same round: nothing to compare"
        )
    one, two = ([text.words(t) for t in pairs[c]] for c in ("text", "other"))
    short = [min(len(a), len(b)) for a, b in zip(one, two, strict=True)]
    cut = [[" ".join(w[:n]) for w, n in zip(side, short, strict=True)] for side in (one, two)]
    length = np.array([float(len(a) - len(b)) for a, b in zip(one, two, strict=True)])
    values = {
        "cosine": _cosines(space, pairs["text"].to_list(), pairs["other"].to_list()),
        "stance distance": (pairs["stance"] - pairs["held"]).abs().to_numpy(),
        "rouge_l": rouge(one, two),
        "length difference": length,
        "absolute length difference": np.abs(length),
        "cosine, matched length": _cosines(space, *cut),
        "rouge_l, matched length": rouge([t.split() for t in cut[0]], [t.split() for t in cut[1]]),
    }
    row = pairs["row"].to_numpy()
    n = np.bincount(row, minlength=replies.height)
    with np.errstate(invalid="ignore"):
        means = {name: np.bincount(row, v, minlength=replies.height) / n for name, v in values.items()}
    spoke = mine["round"].is_not_null() & mine["text"].is_not_null()
    on = pl.select(pl.when(spoke).then(mine["stance"].is_not_null().cast(pl.Float64))).to_series()
    said = score(replies, {"on topic": on, **means})
    return said.filter(pl.col("phase").str.contains("^(post|chat)"))  # type: ignore[return-value]  # still a scores frame


def scored(replies: Replies, posts: Posts, encoder: str | None, *, dims: int, seed: int) -> Scores:
    """`utterances` in the space of a sentence encoder, or in one of `dims` dimensions fitted to what people wrote."""
    space = sentence_transformer(encoder) if encoder else lsa(posts["text"].to_list(), dims=dims, seed=seed)
    return utterances(
        replies, Society(frames.people(frames.empty("people")), posts, frames.ties(frames.empty("ties"))), space
    )


def rouge(one: list[list[str]], two: list[list[str]]) -> Floats:
    """ROUGE-L of each pair: the F-measure 2 L / (m + n) of the longest common subsequence of words; 0 without a word.

    >>> rouge(["police killed the gunman".split()], ["police kill the gunman".split()]).tolist()  # Lin (2004), Sec. 3.1
    [0.75]
    """
    from rapidfuzz.distance import LCSseq

    return np.array([2 * LCSseq.similarity(a, b) / max(len(a) + len(b), 1) for a, b in zip(one, two, strict=True)])


def _cosines(space: Space, one: list[str], two: list[str]) -> Floats:
    """The cosine of each pair; nan where a text has no known word, for it has no direction."""
    known = sorted({*one, *two})
    at = {t: i for i, t in enumerate(known)}
    vectors = np.asarray(space.vectors(known), dtype=float)
    length = np.sqrt((vectors**2).sum(1))
    a, b = (np.array([at[t] for t in side]) for side in (one, two))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((vectors[a] * vectors[b]).sum(1) / (length[a] * length[b]))


def private(society: Society, phase: str) -> Floats:
    """The private opinions (groups, 4) of all sessions by name, their people by name; null is nan."""
    rows = society.posts.filter(phase=phase).sort("session", "person")
    return rows["opinion"].to_numpy().astype(float).reshape(-1, 4)


def public(society: Society, round_: int) -> Floats:
    """The stances of the posts of one round (groups, 4), likewise; off topic is nan."""
    rows = society.posts.filter(phase="post", round=round_)
    return _placed(society, rows.select("person", "stance"))


def of_twins(society: Society, replies: pl.DataFrame, phase: str) -> Floats:
    """What one arm's twins reported, or the stances of their posts, (groups, 4); nan where there is none."""
    rows = replies.filter(phase=phase)
    value = pl.col("choice").cast(pl.Float64) if phase == "report" else pl.col("stance")
    return _placed(society, rows.select(person="speaker", stance=value))


def _placed(society: Society, rows: pl.DataFrame) -> Floats:
    seats = society.posts.filter(phase="initial").sort("session", "person").select("session", "person")
    told = seats.join(rows, on="person", how="left", maintain_order="left")
    return told["stance"].to_numpy().astype(float).reshape(-1, 4)
