"""What holds of every network made of posts: names are only names, order is only order, weights are sums, disk is memory."""

import tempfile
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sociolect import frames
from sociolect.find.graph import by_size, graph
from sociolect.find.sets import sets
from sociolect.find.ties import folded, ties
from sociolect.find.ties_at_size import ties_at_size
from sociolect.frames import Society

PEOPLE = ["ann", "bob", "cy", "dee", "eve"]
KINDS = ("reply", "repost", "mention", "co-thread")


@st.composite
def posts(draw: st.DrawFn) -> pl.DataFrame:
    """Up to ten posts of five people: replies, reposts, mentions, orphans, answers to oneself."""
    n = draw(st.integers(2, 10))
    rows = [
        {
            "post": f"{i:02}",
            "person": draw(st.sampled_from(PEOPLE)),
            "text": draw(st.sampled_from(["tea", "so @bob said", "@ann and @cy", "x@dee", "@eve's", "@nobody"])),
            "thread": draw(st.sampled_from(["t1", "t2", "t3"])),
            "parent": draw(st.sampled_from([None, "99", *(f"{j:02}" for j in range(n) if j != i)])),
            "kind": draw(st.sampled_from(["post", "reply", "repost"])),
        }
        for i in range(n)
    ]
    return pl.DataFrame(rows, schema_overrides={"parent": pl.String})


def society(said: pl.DataFrame) -> Society:
    people = frames.people(said.select(pl.col("person").unique().sort()))
    return Society(people, frames.posts(said), frames.ties(frames.empty("ties")))


@settings(max_examples=20)
@given(posts(), st.booleans(), st.randoms(use_true_random=False))
def test_row_order_changes_no_bit_and_disk_is_memory(said: pl.DataFrame, directed: bool, chance: Any) -> None:
    kinds = KINDS[:3] if directed else KINDS
    found = ties(society(said), kind=kinds, directed=directed)
    order = list(range(said.height))
    chance.shuffle(order)
    assert ties(society(said[order]), kind=kinds, directed=directed).equals(found)
    with tempfile.TemporaryDirectory() as folder:
        said[order].write_parquet(f"{folder}/posts.parquet")
        there = ties_at_size(folder, Path(folder, "ties.parquet"), kind=kinds, directed=directed, memory=2000)
        assert there.collect().select(found.columns).equals(found)
        some = found.filter(kind="reply")
        assume(some.height)
        some.write_parquet(f"{folder}/some.parquet")
        one, other = graph(frames.ties(some)), graph(Path(folder, "some.parquet"))
        assert one.persons.equals(other.persons)
        assert (one.weight == other.weight).all()


@settings(max_examples=60)
@given(posts(), st.permutations(PEOPLE))
def test_other_names_give_the_same_ties_under_other_names(said: pl.DataFrame, order: list[str]) -> None:
    names = {old: f"z{new}" for old, new in zip(PEOPLE, order, strict=True)}
    kinds = ["reply", "repost", "co-thread"]
    found = ties(society(said), kind=kinds)
    other = ties(society(said.with_columns(pl.col("person").replace_strict(names))), kind=kinds)
    renamed = found.with_columns(pl.col("source", "target").replace_strict(names))
    back = folded_by_kind(renamed)
    assert other.select("source", "target", "kind").rows() == back.select("source", "target", "kind").rows()
    assert other["weight"].to_list() == pytest.approx(back["weight"].to_list(), rel=1e-12)


def folded_by_kind(rows: pl.DataFrame) -> pl.DataFrame:
    return folded(rows, directed=False).sort("source", "target", "kind")


@settings(max_examples=60)
@given(posts())
def test_a_weight_is_how_often_by_hand(said: pl.DataFrame) -> None:
    wrote = dict(said.select("post", "person").iter_rows())
    due: dict[tuple[str, str, str], float] = {}
    for row in said.iter_rows(named=True):
        to = wrote.get(row["parent"])
        if to is not None and to != row["person"] and row["kind"] != "repost":
            due[row["person"], to, "reply"] = due.get((row["person"], to, "reply"), 0) + 1
        if to is not None and to != row["person"] and row["kind"] == "repost":
            due[row["person"], to, "repost"] = due.get((row["person"], to, "repost"), 0) + 1
    found = ties(society(said), kind=["reply", "repost"], directed=True)
    assert {(a, b, k): w for a, b, k, w in found.rows()} == due
    both = ties(society(said), kind=["reply", "repost"])
    assert both["weight"].sum() == sum(due.values())
    assert (both["source"] < both["target"]).all()


rows = st.lists(
    st.tuples(st.sampled_from(PEOPLE), st.sampled_from(PEOPLE), st.sampled_from(["a", "b"]), st.floats(1e-6, 1e6)),
    min_size=1, max_size=15, unique_by=lambda row: row[:3],
)  # fmt: skip


@settings(max_examples=80)
@given(rows, st.floats(0.5, 100))
def test_a_graph_sums_what_it_is_given(rows: list[tuple[str, str, str, float]], scale: float) -> None:
    assume(any(a != b for a, b, *_ in rows))
    given_ = frames.ties(pl.DataFrame(rows, ["source", "target", "kind", "weight"], orient="row"))
    net = graph(given_)
    assert net.weight.sum() == pytest.approx(sum(w for a, b, _, w in rows if a != b))
    assert (net.a < net.b).all()
    assert len({*zip(net.a.tolist(), net.b.tolist(), strict=True)}) == net.a.size
    assert net.persons.to_list() == sorted({p for a, b, *_ in rows if a != b for p in (a, b)})
    assert graph(frames.ties(given_.with_columns(weight=pl.col("weight") * scale))).weight == pytest.approx(
        net.weight * scale
    )
    back = given_.rename({"source": "target", "target": "source"})
    assert graph(frames.ties(back)).weight == pytest.approx(net.weight)


@settings(max_examples=60)
@given(rows)
def test_sets_hold_each_pair_once_and_mirror_each_other(rows: list[tuple[str, str, str, float]]) -> None:
    assume(any(a != b for a, b, *_ in rows))
    given_ = frames.ties(pl.DataFrame(rows, ["source", "target", "kind", "weight"], orient="row"))
    world = Society(frames.people(pl.DataFrame({"person": PEOPLE})), frames.posts(frames.empty("posts")), given_)
    followers, followed, near = (set(sets(world, of=of).rows()) for of in ("followers", "followed", "neighbours"))
    assert followers == {(b, a) for a, b in followed}
    assert near == followers | followed
    assert near == {(b, a) for a, b in near}


@settings(max_examples=60)
@given(st.lists(st.integers(-1000, 1000), min_size=1, max_size=30))
def test_communities_are_numbered_by_size_whatever_they_were_called(labels: list[int]) -> None:
    import numpy as np

    found = by_size(np.array(labels))
    counts = np.bincount(found)
    assert (np.diff(counts) <= 0).all()
    assert len({*zip(labels, found.tolist(), strict=True)}) == len(set(labels)) == len(set(found.tolist()))
    assert (by_size(np.array(labels) * 3 + 7) == found).all()
