"""From votes to the moral graph and its order, with the doubt that comes from who happened to vote."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sociolect import frames
from sociolect.compare.bootstrap import weights
from sociolect.compare.interval import interval
from sociolect.compare.preference import wilson
from sociolect.compare.rank_intervals import rank_intervals, ranks
from sociolect.errors import InputError, RefusedError
from sociolect.find.endorsement import Ballots, Counts, ballots, counted, kept
from sociolect.find.pagerank import pagerank
from sociolect.frames import Replies

Floats = NDArray[np.float64]
MEANS = {"wiser": "yes", "not wiser": "no", "not sure": "unsure"}
MARKED = "wise to consider"
CELLS = 4_000_000  # numbers of one chunk of draws: 32 MB an array


class Marks(NamedTuple):
    """Value votes, (voters, nodes): who was shown a value, and who marked it."""

    voters: tuple[str, ...]
    shown: Floats
    marked: Floats


def replies_of(votes: pl.DataFrame, *, source: str = "human") -> Replies:
    """Votes (voter, group, context, kind, source, target, choice) as replies: the item is the pair or the value, the context the condition.

    The speaker is the voter, the community the group; `draw` counts what one voter says again of one item in one context.

    >>> row = {"voter": "v", "group": "g", "context": "c", "kind": "wisdom", "source": "a", "target": "b", "choice": "wiser"}
    >>> replies_of(pl.DataFrame([row])).select("speaker", "item", "condition", "choice").row(0)
    ('v', 'a -> b', 'c', 'wiser')
    """
    item = (
        pl.when(pl.col("kind") == "value").then(pl.col("target")).otherwise(pl.format("{} -> {}", "source", "target"))
    )
    told = votes.with_columns(item=item).rename({"source": "from", "target": "to"})
    keys = ["voter", "item", "context"]
    return frames.replies(
        told.with_columns(
            speaker=pl.col("voter"), source=pl.lit(source), community=pl.col("group").fill_null("not told"),
            condition=pl.col("context"), draw=pl.int_range(pl.len(), dtype=pl.Int64).over(keys), turn=pl.lit(0, pl.Int64),
            prompt=pl.lit(None, pl.String), text=pl.col("choice"),
        ).select(*frames.KEYS, "prompt", "text", "choice", "kind", "from", "to")
    )  # fmt: skip


def votes_of(replies: Replies) -> pl.DataFrame:
    """Wisdom votes as an endorsement graph counts them: voter, source, target, choice (yes, no, unsure; null: none), context, group."""
    wisdom = replies.filter(kind="wisdom")
    return wisdom.select(
        voter="speaker", source="from", target="to",
        choice=pl.col("choice").replace_strict(MEANS, default=None, return_dtype=pl.String), context="condition", group="community",
    )  # fmt: skip


def marks_of(replies: Replies, nodes: Sequence[str]) -> Marks:
    """Value votes as two tables of voters by nodes; a voter counts once per value, and has marked it if they ever did."""
    told = replies.filter(pl.col("kind") == "value", pl.col("choice").is_not_null())
    voters = tuple(told["speaker"].unique().sort())
    if strange := sorted(set(told["to"]) - set(nodes)):
        raise InputError(f"{len(strange)} values were voted on that are none of the cards, as {strange[0]!r}")
    who, place = {v: k for k, v in enumerate(voters)}, {v: k for k, v in enumerate(nodes)}
    shown, marked = (np.zeros((len(voters), len(nodes))) for _ in range(2))
    for voter, card, choice in told.select("speaker", "to", "choice").iter_rows():
        shown[who[voter], place[card]] = 1
        marked[who[voter], place[card]] = max(marked[who[voter], place[card]], float(choice == MARKED))
    return Marks(voters, shown, marked)


def wisdom(counts: Counts) -> Floats:
    """The PageRank of every node, (..., n), over the kept edges; a node without one has the least a node can have."""
    return pagerank(kept(counts))


def ranked(
    replies: Replies, nodes: Sequence[str], *, draws: int = 1000, level: float = 0.95, seed: int = 0
) -> pl.DataFrame:
    """One row per node, the wisest first: `pagerank`, its `rank` with `low` and `high`, `first`, and popularity beside it.

    Popularity is the share of those shown a value who marked it, with Wilson's interval: `popularity`, `share_low`, `share_high`, `shown`, and `popular`, the place
    by it. `gained` is the places from popularity to wisdom, with `gained_low` and `gained_high`. All intervals but Wilson's come from resampling
    voters, with all their votes. `voters` counts who voted on a pair with the node. Null where nobody was shown a value.
    Raises RefusedError below ten voters.
    """
    cast = ballots(votes_of(replies), nodes)
    marks = marks_of(replies, nodes)
    everyone = sorted({*cast.voters, *marks.voters})
    if len(everyone) < 10:
        raise RefusedError(f"{len(everyone)} voters: how sure an order is cannot be told below ten")
    score = wisdom(counted(cast))
    popular = _share(marks, np.ones((1, len(marks.voters))))[0]
    both = list(drawn(cast, marks, everyone, draws=draws, seed=seed))
    scores, shares = (np.concatenate(part) for part in zip(*both, strict=True))
    table = rank_intervals(score, scores, level=level).with_columns(
        node=pl.Series(list(nodes)), pagerank=pl.Series(score)
    )
    shown, marked = marks.shown.sum(0), marks.marked.sum(0)
    doubt = [
        wilson(m, s, level=level) if s else (None, None) for m, s in zip(marked.tolist(), shown.tolist(), strict=True)
    ]
    asked = (shown > 0).all()
    place = ranks(popular) if asked else np.full(len(nodes), np.nan)
    gain = place - table["rank"].to_numpy()
    moved = np.where(np.isnan(shares).any(1, keepdims=True), np.nan, ranks(np.nan_to_num(shares)) - ranks(scores))
    ends = interval(gain, moved, n=len(everyone), clusters=len(everyone), level=level) if asked else None
    voted = [len(_voters(cast, k)) for k in range(len(nodes))]
    return table.with_columns(
        popularity=pl.Series(popular), share_low=pl.Series([d[0] for d in doubt], dtype=pl.Float64),
        share_high=pl.Series([d[1] for d in doubt], dtype=pl.Float64), shown=pl.Series(shown.astype(np.int64)),
        popular=pl.Series(place), gained=pl.Series(gain), voters=pl.Series(voted),
        gained_low=pl.Series(np.minimum(ends.low, gain) if ends else np.full(len(nodes), np.nan)),
        gained_high=pl.Series(np.maximum(ends.high, gain) if ends else np.full(len(nodes), np.nan)),
    ).with_columns(pl.col(pl.Float64).fill_nan(None)).sort("rank", "node").select("node", pl.exclude("node"))  # fmt: skip


def drawn(
    cast: Ballots, marks: Marks, everyone: Sequence[str], *, draws: int, seed: int
) -> Iterator[tuple[Floats, Floats]]:
    """PageRank and popularity, (m, n) each, of voters drawn with replacement, chunk by chunk: one draw of people for both."""
    place = {v: k for k, v in enumerate(everyone)}
    mine, theirs = ([place[v] for v in side.voters] for side in (cast, marks))
    step = max(1, CELLS // max(1, 3 * len(cast.nodes) ** 2))
    for chunk in weights([np.arange(len(everyone))], draws=draws, seed=seed):
        for start in range(0, len(chunk), step):
            w = chunk[start : start + step]
            yield wisdom(counted(cast, w[:, mine])), _share(marks, w[:, theirs])


def _share(marks: Marks, w: Floats) -> Floats:
    shown, marked = w @ marks.shown, w @ marks.marked  # whole numbers: exact in any order
    return np.asarray(np.divide(marked, shown, out=np.full(shown.shape, np.nan), where=shown > 0))


def _voters(cast: Ballots, node: int) -> set[int]:
    """The voters who answered about a pair with that node."""
    n = len(cast.nodes)
    rows, columns = cast.cells.nonzero()
    source, target = rows % (n * n) // n, rows % n
    return set(columns[(source == node) | (target == node)].tolist())
