"""How surprising each text is to a word model of other people's, and what keeping the least surprising does to a corpus."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sociolect.errors import InputError, RefusedError, UsageError
from sociolect.frames import Replies, Scores
from sociolect.measure.exposure import kept, spelt
from sociolect.measure.scoring import score
from sociolect.seeds import substream

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def quality(
    posts: pl.DataFrame, *, column: str = "text", group: str = "person", order: int = 3, seed: int = 0
) -> pl.DataFrame:
    """The posts with two columns more: `perplexity`, per word and end of post, and `unknown`, the share of words never met.

    People (or the values of `group`: threads, where nobody is named) fall into halves by seed, and each half is weighed by a
    word model of the other, so that nobody's habits make their own posts likely. The model is that of `models/ngram`:
    Witten-Bell interpolation of runs of 1 to `order` words (Chen and Goodman 1999, Eq. 17), here over lower-cased words without
    marks. A word the other half never said has one share of the floor, so a rare word costs much but not everything. A post
    without a word has null in both. 60,000 posts of 20 words take seconds.

    Raises InputError where a column is missing or null, RefusedError where a half has no words.

    >>> said = pl.DataFrame({"person": ["a", "b"], "text": ["so it goes", "so it was"]})
    >>> quality(said)["unknown"].round(3).to_list()
    [0.333, 0.333]
    """
    faults = [f"column {c!r} is missing" for c in (column, group) if c not in posts.columns]
    if not faults and (bare := posts[group].null_count()):
        faults.append(f"column {group!r} is null in {bare} rows")
    if faults:
        raise InputError(f"perplexity cannot be measured: {'; '.join(faults)}")
    names = posts[group].unique().sort()
    half = pl.DataFrame({group: names, "_half": substream(seed, "perplexity", "halves").permutation(names.len()) % 2})
    said = posts.select(group, word=spelt(pl.col(column))).join(half, on=group, how="left", maintain_order="left")
    laid = _laid(said["word"])
    side = said["_half"].to_numpy()[laid.row]
    if not laid.word.size or len(np.unique(side)) < 2:
        raise RefusedError(
            f"perplexity needs words of two {group}s or more, one half to weigh the other: there are {names.len()}"
        )
    chance, known = np.empty(side.size), np.empty(side.size, dtype=bool)
    counted = _counted(laid, order)
    for mine in (0, 1):
        chance[side == mine], known[side == mine] = _weighed(counted, side != mine)
    return posts.with_columns(**_by_text(laid, np.log(chance), ~known, posts.height))


def perplexity(replies: Replies, corpus: Sequence[str | None], *, order: int = 3) -> Scores:
    """How surprising each reply is to a word model of a corpus: measure `perplexity`, per word and end; null without a word.

    The model and the column `unknown` are those of `quality`. Give one corpus for every arm, of people who are not among
    the replies: then a cut is the same for all. (arXiv 2408.09366, Sec. 4, cuts at 400 under another model: that number says
    nothing here.) Raises RefusedError where the corpus has no word.

    >>> keys = {"speaker": "m", "source": "model", "community": "c", "item": "i", "condition": "a", "draw": 0, "turn": 0}
    >>> heard = pl.DataFrame([{**keys, "prompt": "say", "text": "so"}])
    >>> perplexity(Replies(heard), ["so", "so"], order=1).select("measure", pl.col("value").round(3)).row(0)
    ('perplexity', 2.25)
    """
    both = pl.concat([pl.Series("t", list(corpus), dtype=pl.String), replies["text"].alias("t")]).to_frame()
    laid = _laid(both.select(word=spelt(pl.col("t")))["word"])
    taught = laid.row < len(corpus)
    if not taught.any():
        raise RefusedError("perplexity cannot be measured: the corpus holds no word")
    chance, known = _weighed(_counted(laid, order), taught)
    said = _Laid(laid.word[~taught], laid.row[~taught] - len(corpus), laid.at[~taught], laid.kinds)
    found = _by_text(said, np.log(chance), ~known, replies.height)
    return score(replies, {"perplexity": found["perplexity"]}, unknown=found["unknown"])


def lowest(posts: pl.DataFrame, most: int, *, by: str = "community", key: str = "post") -> pl.DataFrame:
    """The `most` posts of lowest perplexity of each community, in their order; ties go to the first `key`.

    A post without a perplexity is never among them. Keep at most 10,000: Sec. 4.1 of arXiv 2408.09366.

    >>> said = pl.DataFrame({"community": "a", "post": ["1", "2", "3"], "perplexity": [9.0, 5.0, None]})
    >>> lowest(said, 1)["post"].to_list()
    ['2']
    """
    if most < 1:
        raise UsageError(f"most={most}: 1 or more are kept")
    if missing := [c for c in (by, key, "perplexity") if c not in posts.columns]:
        raise InputError(f"no column {', '.join(map(repr, missing))}: `quality` adds the perplexity")
    ordered = posts.with_row_index("_row").drop_nulls("perplexity").sort(by, "perplexity", key)
    return ordered.group_by(by, maintain_order=True).head(most).sort("_row").select(posts.columns)


def survivorship(
    before: pl.DataFrame, after: pl.DataFrame, topics: pl.DataFrame | None = None, *, column: str = "text"
) -> pl.DataFrame:
    """What a filter did to each community: community, figure, before, after, ratio, chance; one row per figure.

    Figures: `posts` · `words` per post that has any · `types`, the distinct words · `topic:<id>`, the posts that hold a
    topic's words (`exposure.exposures`). `ratio` is after over before, null where there were none. `chance` is the ratio
    that as many posts drawn at random are expected to leave: less text has fewer types whatever is cut (rarefaction by
    posts: Hurlbert 1971, doi 10.2307/1934145). What a filter favours shows as ratio against chance.

    Raises InputError where `after` holds posts that `before` does not, or either holds one twice.

    >>> said = pl.DataFrame({"community": "a", "post": ["1", "2"], "text": ["rye rye bread", "rye"]})
    >>> survivorship(said, said.tail(1)).select("figure", "before", "after", "ratio", "chance").rows()
    [('posts', 2.0, 1.0, 0.5, 0.5), ('words', 2.0, 1.0, 0.5, 1.0), ('types', 2.0, 1.0, 0.5, 0.75)]
    """
    if missing := [c for c in ("community", "post", column) if c not in before.columns or c not in after.columns]:
        raise InputError(f"column {', '.join(map(repr, missing))} is missing before or after the filter")
    faults = [f"{n} posts have no community" for n in [before["community"].null_count()] if n]
    if strange := after.join(before, on=["community", "post"], how="anti", nulls_equal=True).height:
        faults.append(f"{strange} posts stand after the filter and not before it")
    if twice := before.height + after.height - before["post"].n_unique() - after["post"].n_unique():
        faults.append(f"{twice} rows repeat a post")
    if faults:
        raise InputError(f"no filter can have done this: {'; '.join(faults)}")
    whole = _figures(before, column).join(_figures(after, column), on="community", how="left", suffix="_after")
    sizes = whole.select("community", n="posts", left=pl.col("posts_after").fill_null(0.0))
    parts = [
        whole.select(
            "community", figure=pl.lit(figure), before=pl.col(figure), after=pl.col(f"{figure}_after"), chance=chance
        )
        for figure, chance in (
            ("posts", pl.col("posts_after").fill_null(0.0) / pl.col("posts")),
            ("words", pl.lit(1.0)),
            ("types", _rarefied(before, sizes, column)),
        )
    ]
    if topics is not None:
        found = kept(before, after, topics, column=column).join(sizes, on="community")
        figure = pl.format("topic:{}", pl.col("topic"))
        parts.append(
            found.select("community", figure.alias("figure"), pl.col("before", "after").cast(pl.Float64), chance=pl.col("left") / pl.col("n"))
        )  # fmt: skip
    # a community of which nothing is left has 0 posts and 0 types, and no length
    after_ = pl.when(pl.col("figure") == "words").then(pl.col("after")).otherwise(pl.col("after").fill_null(0.0))
    made = pl.concat(parts).with_columns(after=after_)
    ratio = pl.when(pl.col("before") > 0).then(pl.col("after") / pl.col("before"))
    return made.select("community", "figure", "before", "after", ratio.alias("ratio"), "chance").sort(
        "community", maintain_order=True
    )


class _Laid(NamedTuple):
    """All posts' words in one row, each post closed by an end: the word's number, its post, its place there."""

    word: Ints
    row: Ints
    at: Ints
    kinds: int


class _Counted(NamedTuple):
    """For one length of history: each word's history, its cell (history and word), and the history of each cell."""

    history: Ints
    cell: Ints
    owner: Ints


END, START = 0, 1


def _laid(said: pl.Series) -> _Laid:
    size = said.list.len().fill_null(0).to_numpy().astype(np.int64)
    spoken = size > 0
    words = said.explode().drop_nulls()
    numbers = (words.rank("dense").cast(pl.Int64) + START).to_numpy()
    held = np.flatnonzero(spoken)
    length = size[held] + 1
    row = np.repeat(held, length)
    start = np.cumsum(length) - length
    at = np.arange(row.size) - np.repeat(start, length)
    word = np.full(row.size, END, dtype=np.int64)
    word[at < np.repeat(size[held], length)] = numbers
    return _Laid(word, row, at, int(numbers.max(initial=START)) + 1)


def _counted(laid: _Laid, order: int) -> list[_Counted]:
    """Histories of 0 to order - 1 words, numbered across both halves."""
    if order < 1:
        raise UsageError(f"order={order}: a word model needs 1 or more")
    history = np.zeros(laid.word.size, dtype=np.int64)
    out = []
    for back in range(order):
        if back:
            earlier = np.concatenate([np.full(back, START), laid.word[:-back]])[: laid.word.size]
            earlier[laid.at < back] = START
            history = np.unique(history * laid.kinds + earlier, return_inverse=True)[1]
        cells, cell = np.unique(history * laid.kinds + laid.word, return_inverse=True)
        out.append(_Counted(history, cell, cells // laid.kinds))
    return out


def _weighed(counted: list[_Counted], taught: NDArray[np.bool_]) -> tuple[Floats, NDArray[np.bool_]]:
    """The chance of each word that was not taught, by those that were; and whether it was met at all."""
    chance: Floats | None = None
    met = np.zeros(0, dtype=bool)
    for history, cell, owner in counted:
        times = np.bincount(cell[taught], minlength=owner.size)
        said = np.bincount(history[taught], minlength=int(history.max()) + 1)
        kinds = np.bincount(owner[times > 0], minlength=said.size)
        h, c = history[~taught], times[cell[~taught]]
        if chance is None:
            chance, met = np.full(h.size, 1 / (kinds[0] + 1)), c > 0
        seen = said[h] > 0
        # p(w | h) = (c(h, w) + t(h) p(w | h')) / (c(h) + t(h)): Chen and Goodman 1999, Eq. 17
        with np.errstate(invalid="ignore"):
            chance = np.where(seen, (c + kinds[h] * chance) / (said[h] + kinds[h]), chance)
    assert chance is not None
    return chance, met


def _by_text(laid: _Laid, logged: Floats, strange: NDArray[np.bool_], texts: int) -> dict[str, pl.Series]:
    """Perplexity and the share of unknown words of each text; null where it has no word."""
    n = np.bincount(laid.row, minlength=texts).astype(float)
    total = np.bincount(laid.row, weights=logged, minlength=texts)
    odd = np.bincount(laid.row, weights=strange, minlength=texts)
    with np.errstate(invalid="ignore", divide="ignore"):
        # the end of a text is weighed and is no word of it; 0 / 0 is nan, which becomes null
        found = {"perplexity": np.exp(-total / n), "unknown": odd / np.maximum(n - 1, 0)}
    return {name: pl.Series(name, values).fill_nan(None) for name, values in found.items()}


def _figures(posts: pl.DataFrame, column: str) -> pl.DataFrame:
    said = posts.select("community", word=spelt(pl.col(column)))
    length = pl.col("word").list.len()
    return (
        said.group_by("community")
        .agg(
            posts=pl.len().cast(pl.Float64),
            words=length.filter(length > 0).mean(),
            types=pl.col("word").list.explode().drop_nulls().n_unique().cast(pl.Float64),
        )
        .sort("community")
    )


def _rarefied(posts: pl.DataFrame, sizes: pl.DataFrame, column: str) -> pl.Series:
    """The share of types expected in as many posts drawn at random, one per community: 1 - C(N - df, n) / C(N, n), on average."""
    from scipy.special import gammaln

    told = posts.select("community", word=spelt(pl.col(column)).list.unique()).explode("word").drop_nulls()
    spread = told.group_by("community", "word").len().join(sizes, on="community")
    n, left, df = (spread[c].to_numpy().astype(float) for c in ("n", "left", "len"))
    without = n - df - left  # below 0: no draw of that size misses the word
    missed = gammaln(n - df + 1) - gammaln(np.maximum(without, 0) + 1) - gammaln(n + 1) + gammaln(n - left + 1)
    chance = np.where(without < 0, 1.0, 0.0 - np.expm1(missed))
    mean = spread.with_columns(c=pl.Series(chance)).group_by("community").agg(pl.col("c").sort().mean())
    return sizes.join(mean, on="community", how="left", maintain_order="left")["c"]
