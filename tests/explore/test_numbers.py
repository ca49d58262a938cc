"""Every number of the API on random small societies, against networkx, numpy and counting by hand."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sociolect import frames
from sociolect.explore import answers
from sociolect.explore.atlas import Atlas, atlas
from sociolect.explore.growth import quality
from sociolect.frames import Society

Write = Callable[..., Path]
WEIGHTS = st.sampled_from([0.1, 1 / 3, 1.0, 2.5, 7.0])
CALM = settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip


@st.composite
def worlds(draw: st.DrawFn) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Ties of 3 to 14 people (of two kinds, both ways, to oneself), and members: some people are in no community."""
    n = draw(st.integers(3, 14))
    people = [f"p{i}" for i in range(n)]
    pairs = st.tuples(st.sampled_from(people), st.sampled_from(people), st.sampled_from(["reply", "mention"]))
    rows = draw(st.dictionaries(pairs, WEIGHTS, min_size=1, max_size=40))
    groups = draw(st.lists(st.sampled_from(["a", "b", "c", None]), min_size=n, max_size=n))
    stable = draw(st.lists(st.sampled_from([0.0, 0.25, 0.7, 1.0]), min_size=n, max_size=n))
    ties = pl.DataFrame([(*key, w) for key, w in rows.items()], schema=["source", "target", "kind", "weight"], orient="row")  # fmt: skip
    members = pl.DataFrame({"person": people, "community": pl.Series(groups, dtype=pl.String), "stability": stable})
    return ties, members.drop_nulls()


def summed(ties: pl.DataFrame) -> Any:
    net = nx.Graph()
    for a, b, _, weight in ties.rows():
        if a != b:
            net.add_edge(a, b, weight=weight + (net.edges[a, b]["weight"] if net.has_edge(a, b) else 0.0))
    return net


@CALM
@given(worlds())
def test_numbers_are_those_of_networkx(write: Write, world: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    ties, members = world
    net = summed(ties)
    group = dict(members.select("person", "community").rows())
    inner = net.edge_subgraph([(a, b) for a, b in net.edges if a in group and b in group]).copy()
    if not inner.number_of_edges():
        return
    people = pl.concat([ties["source"], ties["target"].alias("source"), members["person"].alias("source")]).unique()
    whole = Society(frames.people(people.alias("person").to_frame()), frames.posts(frames.empty("posts")), frames.ties(ties))  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        made = atlas(write(Path(folder), whole, frames.members(members)), k=2)
        the_accounts(made, net, group)
        the_communities(made, inner, members)
        the_quality(made, net)


def the_accounts(made: Atlas, net: Any, group: dict[str, str]) -> None:
    small = {c for c in group.values() if list(group.values()).count(c) < 2}
    for i, name in enumerate(made.accounts["account"]):
        told = answers.account(made, i)
        around = net.adj[name] if name in net else {}
        assert (told["name"], told["degree"]) == (name, len(around))
        assert told["strength"] == pytest.approx(sum(d["weight"] for d in around.values()))
        assert {n["name"]: n["weight"] for n in told["neighbours"]} == pytest.approx({o: d["weight"] for o, d in around.items()})  # fmt: skip
        assert told["community"] == (None if group.get(name) in small else group.get(name))
        assert (told["withheld"] is not None) == (group.get(name) in small)


def the_communities(made: Atlas, inner: Any, members: pl.DataFrame) -> None:
    groups = {c: set(m["person"]) for (c,), m in members.group_by("community")}
    present = [m & set(inner) for m in groups.values() if m & set(inner)]
    overview = answers.overview(made)
    assert overview["modularity"] == pytest.approx(nx.community.modularity(inner, present), abs=1e-12)
    assert {c["name"]: c["size"] for c in overview["communities"]} == {c: len(m) for c, m in groups.items()}
    cut = {(c, o): nx.cut_size(inner, groups[c] & set(inner), groups[o] & set(inner), "weight") for c in groups for o in groups if c != o}  # fmt: skip
    for name, group in groups.items():
        told = answers.community(made, name)
        if len(group) < 2:
            assert told["conductance"] is told["stability"] is None
            continue
        here, rest = group & set(inner), set(inner) - group
        due = nx.conductance(inner, here, weight="weight") if nx.volume(inner, here, "weight") and nx.volume(inner, rest, "weight") else None  # fmt: skip
        assert told["conductance"] == (None if due is None else pytest.approx(due, abs=1e-12))
        stable = members.filter(community=name)["stability"].to_numpy()
        assert told["stability"]["mean"] == pytest.approx(stable.mean())
        assert told["stability"]["quartiles"] == pytest.approx(np.quantile(stable, [0.25, 0.5, 0.75]).tolist())
        leaves = sum(cut[name, other] for other in groups if other != name)
        beside = {o: cut[name, o] for o in groups if o != name and len(groups[o]) > 1 and cut[name, o]}
        assert {n["name"]: n["weight"] for n in told["neighbours"]} == pytest.approx(beside)
        assert {n["name"]: n["share"] for n in told["neighbours"]} == pytest.approx({o: w / leaves for o, w in beside.items()})  # fmt: skip
        assert {m["name"] for m in told["members"]} == group


def the_quality(made: Atlas, net: Any) -> None:
    names = made.accounts["account"].to_list()
    for group in (names[:2], names[1:], names):
        told = quality(made, np.array([names.index(n) for n in group]))
        here, pairs = set(group) & set(net), len(group) * (len(group) - 1)
        inside, leaves = net.subgraph(here).size("weight"), nx.cut_size(net, here, weight="weight")
        assert [told["internal"], told["external"]] == pytest.approx([inside, leaves])
        tied = 2 * net.subgraph(here).number_of_edges()
        assert told["density"] == (pytest.approx(tied / pairs) if pairs else None)
        assert told["separability"] == (pytest.approx(inside / leaves) if leaves else None)
        rest = set(net) - here
        smaller = min(nx.volume(net, here, "weight"), nx.volume(net, rest, "weight"))
        assert told["conductance"] == (pytest.approx(leaves / smaller) if rest and smaller > 1e-9 else None)
