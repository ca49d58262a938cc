"""Everything the explorer answers with, worked out once and written as plain arrays and tables."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sociolect import frames
from sociolect.explore.layout import backbone, layout
from sociolect.find.graph import Graph, graph
from sociolect.find.quality import numbered, quality
from sociolect.find.words import exemplars, keywords
from sociolect.frames import Members, Posts, Society
from sociolect.seeds import substream

DRAWN = 30_000  # people in the picture: a browser moves so many without a stutter
LINES = 4  # ties drawn per person, at most
READ = 300_000  # posts read for words: their words are held in memory
NUMBERS = 65_535  # communities with a number in nodes.bin; the last stands for none
VALUES, COLUMNS = 500, 40  # of truths: a menu holds no more
BESIDE = 20  # neighbouring communities named
_WORDS, _QUOTES = 12, 3


def prepare(society: Society, members: Members, *, k: int, folder: Path, say: Callable[[str], None]) -> None:
    """Writes the tables and arrays that `atlas.opened` reads; about communities of fewer than `k` people only a size.

    Accounts are everybody with a name: people, members and ends of ties, in the order of their names. Numbers of
    communities go by size, then by name.
    """
    say("network")
    net = graph(society.ties)
    sizes = members.group_by("community").agg(size=pl.len().cast(pl.Int64))
    sizes = sizes.sort("size", "community", descending=[True, False]).rename({"community": "name"})
    listed = [society.people["person"], members["person"], net.persons.alias("person")]
    names = pl.concat([s.cast(pl.String) for s in listed]).unique().sort().alias("account")
    label = numbered(members, names, sizes["name"])

    place = _places(names, net.persons)
    a, b = place[net.a], place[net.b]
    degree = np.bincount(a, minlength=names.len()) + np.bincount(b, minlength=names.len())
    strength = np.bincount(a, net.weight, names.len()) + np.bincount(b, net.weight, names.len())
    _neighbours(a, b, net.weight, degree, folder)
    accounts = pl.DataFrame(
        {
            "account": names,
            "community": pl.Series(label, dtype=pl.Int32).replace(-1, None),
            "degree": degree,
            "strength": strength,
        }
    ).join(_stability(members), left_on="account", right_on="person", how="left", maintain_order="left")
    accounts.write_parquet(folder / "accounts.parquet")
    order = np.lexsort((np.arange(names.len()), -degree, label))
    np.save(folder / "members.npy", order[label[order] >= 0].astype(np.int32))

    say("communities")
    told = quality(society.ties, members)
    measured = told.filter(measure="conductance").select(name="contrast", conductance="estimate")
    share = accounts.drop_nulls("community").group_by("community").agg(
        mean=pl.col("stability").mean(),
        **{f"q{q}": pl.col("stability").quantile(q / 100, "linear") for q in (25, 50, 75)},
    )  # fmt: skip
    communities = (
        sizes.with_row_index("community").with_columns(pl.col("community").cast(pl.Int32))
        .join(measured, on="name", how="left", maintain_order="left")
        .join(share, on="community", how="left", maintain_order="left")
    )  # fmt: skip
    few = pl.col("size") < k
    hidden = [pl.when(~few).then(pl.col(c)).alias(c) for c in ("conductance", "mean", "q25", "q50", "q75")]
    communities = communities.with_columns(hidden)
    _between(label[a], label[b], net.weight, communities["size"].to_numpy(), k).write_parquet(
        folder / "between.parquet"
    )

    say("picture")
    # who is in a community of few is drawn as whoever is in none
    shown = np.where((label >= 0) & (communities["size"].to_numpy()[label] >= k), label, -1)
    drawn = _drawn(net, degree[place], shown[place], place, folder)
    communities.join(drawn, on="community", how="left", maintain_order="left").with_columns(
        pl.col("shown").fill_null(0)
    ).write_parquet(folder / "communities.parquet")

    read = 0
    if society.posts.height:
        say("words")
        read = _words(society.posts, members, k, folder)
    _truths(society, names, k).write_parquet(folder / "truths.parquet")
    society.ties.select("source", "target", "kind", "weight").write_parquet(folder / "ties.parquet")
    counts = {
        "people": names.len(),
        "members": members.height,
        "ties": net.a.size,
        "modularity": told.filter(measure="modularity")["estimate"][0],
        "posts": society.posts.height,
        "posts_read": read,
        "k": k,
    }
    (folder / "counts.json").write_text(json.dumps(counts))


def _places(names: pl.Series, persons: pl.Series) -> NDArray[np.int64]:
    at = names.alias("account").to_frame().with_row_index("number")
    joined = persons.alias("account").to_frame().join(at, on="account", how="left", maintain_order="left")
    return joined["number"].to_numpy().astype(np.int64)


def _stability(members: Members) -> pl.DataFrame:
    if "stability" in members.columns:
        return members.select("person", pl.col("stability").cast(pl.Float64, strict=False).fill_nan(None))
    return members.select("person", stability=pl.lit(None, pl.Float64))


def _neighbours(a: NDArray[Any], b: NDArray[Any], weight: NDArray[Any], degree: NDArray[Any], folder: Path) -> None:
    """Each account's neighbours in one stretch, the strongest first."""
    ends, others, both = np.concatenate([a, b]), np.concatenate([b, a]), np.concatenate([weight, weight])
    order = np.lexsort((others, -both, ends))
    np.save(folder / "neighbours.npy", others[order].astype(np.int32))
    np.save(folder / "weights.npy", both[order])
    np.save(folder / "starts.npy", np.concatenate([[0], np.cumsum(degree)]).astype(np.int64))


def _between(x: NDArray[Any], y: NDArray[Any], weight: NDArray[Any], size: NDArray[Any], k: int) -> pl.DataFrame:
    """The communities each is most tied to, and their shares of the weight that leaves it; none of fewer than k people."""
    cut = (x >= 0) & (y >= 0) & (x != y)
    rows = pl.DataFrame({"community": np.concatenate([x[cut], y[cut]]), "other": np.concatenate([y[cut], x[cut]]),
                         "weight": np.concatenate([weight[cut], weight[cut]])})  # fmt: skip
    # in a fixed order, so that no bit of a sum depends on the order of the rows
    summed = rows.sort("community", "other", "weight").group_by("community", "other", maintain_order=True).sum()
    summed = summed.with_columns(share=pl.col("weight") / pl.col("weight").sum().over("community"))
    large = pl.Series(np.flatnonzero(size >= k)).implode()
    kept = summed.filter(pl.col("community").is_in(large) & pl.col("other").is_in(large))
    kept = kept.sort("community", "weight", "other", descending=[False, True, False])
    return kept.group_by("community", maintain_order=True).head(BESIDE)


def _drawn(net: Graph, degree: NDArray[Any], label: NDArray[Any], place: NDArray[Any], folder: Path) -> pl.DataFrame:
    """Writes the picture; one row per community with its middle and how many of its people are in it."""
    keep = np.sort(np.lexsort((np.arange(degree.size), -degree))[:DRAWN])
    at = np.full(degree.size, -1, dtype=np.int64)
    at[keep] = np.arange(keep.size)
    inside = (at[net.a] >= 0) & (at[net.b] >= 0)
    part = Graph(net.persons.gather(keep), at[net.a[inside]], at[net.b[inside]], net.weight[inside])
    xy = layout(part, label[keep])
    a, b = backbone(part, per_node=LINES)
    number = np.where((label[keep] >= 0) & (label[keep] < NUMBERS), label[keep], NUMBERS)
    size = np.sqrt(degree[keep] / max(int(degree.max(initial=1)), 1))
    columns = (
        xy[:, 0].astype("<f4"), xy[:, 1].astype("<f4"), number.astype("<u2"), size.astype("<f4"), place[keep].astype("<u4")
    )  # fmt: skip
    head = [np.array([n], dtype="<u4").tobytes() for n in (keep.size, a.size)]
    (folder / "nodes.bin").write_bytes(b"".join([head[0], *(c.tobytes() for c in columns)]))
    (folder / "edges.bin").write_bytes(b"".join([head[1], a.astype("<u4").tobytes(), b.astype("<u4").tobytes()]))
    shown = pl.DataFrame({"community": label[keep].astype(np.int32), "x": xy[:, 0], "y": xy[:, 1]})
    return shown.filter(pl.col("community") >= 0).group_by("community").agg(
        pl.col("x", "y").cast(pl.Float64).mean(), shown=pl.len().cast(pl.Int64)
    )  # fmt: skip


def _words(posts: Posts, members: Members, k: int, folder: Path) -> int:
    """Writes typical words and exemplars; how many posts were read. Reposts are another's words, and mentions are names."""
    own = posts.filter(pl.col("kind").ne_missing("repost")) if "kind" in posts.columns else posts
    own = own.join(members.select("person"), on="person", how="semi").sort("post")
    if own.height > READ:
        own = own[np.sort(substream(0, "explore", "words").permutation(own.height)[:READ])]
    own = own.with_columns(pl.col("text").str.replace_all(r"\B@[^\s@]+", "@…"))
    said = frames.posts(own)
    keywords(said, members, most=_WORDS, least=k).write_parquet(folder / "words.parquet")
    exemplars(said, members, most=_QUOTES, least=k).write_parquet(folder / "exemplars.parquet")
    return own.height


def _truths(society: Society, names: pl.Series, k: int) -> pl.DataFrame:
    """The columns of people that a growth can be held against: text, by account; values of fewer than k people are null."""
    people = society.people
    plain = [c for c, t in people.schema.items() if c != "person" and (t.is_integer() or t in {pl.String, pl.Boolean, pl.Categorical} or isinstance(t, pl.Enum))]  # fmt: skip
    kept = people.select("person", pl.col(plain).cast(pl.String)).with_columns(
        pl.when(pl.len().over(c) >= k).then(pl.col(c)).alias(c) for c in plain
    )
    offered = [c for c in plain if 2 <= kept[c].drop_nulls().n_unique() <= VALUES][:COLUMNS]
    told = names.alias("person").to_frame().join(
        kept.select("person", *offered), on="person", how="left", maintain_order="left"
    )  # fmt: skip
    return told.drop("person") if offered else pl.DataFrame()
