"""Growth over the workspace's own index: recall is counted here once more, and seeds count for nothing."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import polars as pl
import pytest

from sociolect import frames
from sociolect.errors import RefusedError, SociolectError, UsageError
from sociolect.explore import growth
from sociolect.explore.atlas import Atlas, atlas
from sociolect.explore.growth import bands_for, grow, quality, ready, warm
from sociolect.find.lsh import index
from sociolect.find.minhash import signatures
from sociolect.find.sets import sets
from sociolect.frames import Members, Society

Crowd = tuple[Society, Members]
SEEDS = ["red00", "red05", "red11", "red00"]


@pytest.fixture(scope="module")
def made(explored: Path) -> Atlas:
    return atlas(explored)


def test_recall_and_its_ceiling_are_those_of_a_count_by_hand(made: Atlas, crowd: Crowd) -> None:
    group = dict(crowd[1].select("person", "community").rows())
    red = {person for person, community in group.items() if community == "red"}
    for ranker in ("average", "agglomerative", "pagerank"):
        told, frame = grow(made, {"seeds": SEEDS, "size": 25, "ranker": ranker, "truth": {"community": "red"}})
        names = [m["name"] for m in told["members"]]
        assert len(names) == len(set(names)) > 0
        assert not set(names) & set(SEEDS), "seeds are no finds"
        assert [m["hit"] for m in told["members"]] == [name in red for name in names]
        left = red - set(SEEDS)
        assert told["curve"] == [(n, len(left & set(names[:n])) / len(left)) for n in [*range(0, len(names), 10), len(names)]]  # fmt: skip
        lsh = ready(made)
        active = set(lsh.signatures.accounts.gather(lsh.candidates(lsh.rows_of(sorted(set(SEEDS))))))
        assert told["active"] == len(active)
        assert told["candidate_recall"] == len(left & active) / len(left)
        assert told["curve"][-1][1] <= told["candidate_recall"]
        assert frame["account"].to_list() == names
        assert [(m["account"], m["community"]) for m in told["members"]] == [
            (made.accounts["account"].index_of(n), {"r": "red", "b": "blue", "f": None}[group[n][0]]) for n in names
        ]  # fmt: skip
        scores = [m["score"] for m in told["members"]]
        assert ranker == "agglomerative" or scores == sorted(scores, reverse=True)
        assert told["ms"] > 0


def test_a_truth_of_a_column_is_the_people_who_have_the_value(made: Atlas) -> None:
    told = [
        grow(made, {"seeds": SEEDS, "size": 20, "truth": truth})[0]
        for truth in ({"community": "red"}, {"column": "team", "value": "red"}, {"column": "year", "value": 2004})
    ]
    for other in told[1:]:
        assert (other["curve"], other["candidate_recall"]) == (told[0]["curve"], told[0]["candidate_recall"])
        assert [m["name"] for m in other["members"]] == [m["name"] for m in told[0]["members"]]
    blue = grow(made, {"seeds": SEEDS, "size": 20, "truth": {"column": "team", "value": "blue"}})[0]
    assert blue["curve"][-1][1] < told[0]["curve"][-1][1]


def test_without_a_truth_there_is_no_recall(made: Atlas) -> None:
    for question in ({"seeds": SEEDS, "size": 5}, {"seeds": SEEDS, "size": 5, "truth": None}):
        told, _ = grow(made, question)
        assert (told["curve"], told["candidate_recall"]) == (None, None)
        assert {m["hit"] for m in told["members"]} == {None}
        assert len(told["members"]) == 5
        assert len(told["groups"]) == 5
        assert told["index"] == {"hashes": 1000, "bands": 500}


def test_a_growth_tells_no_trait(made: Atlas) -> None:
    told, frame = grow(made, {"seeds": SEEDS, "size": 15, "truth": {"column": "team", "value": "red"}})
    assert {m["hit"] for m in told["members"]} == {None}, "a hit would be one person's team"
    assert set(told["members"][0]) == {"account", "name", "community", "score", "hit"}
    assert frame.columns == ["account", "community", "score"]


@pytest.mark.parametrize(("k", "step"), [(4, 10), (10, 10), (11, 20)])
def test_recall_of_a_trait_is_told_of_k_people_at_a_time(explored: Path, made: Atlas, k: int, step: int) -> None:
    mine = replace(made, k=k)
    for size in (step, step + 1, step + 9):
        told, _ = grow(mine, {"seeds": SEEDS, "size": size, "truth": {"column": "team", "value": "red"}})
        assert [added for added, _ in told["curve"]] == [0, step], "never between: the difference is a person's trait"
    for size in (1, step - 1):
        with pytest.raises(RefusedError, match=f"after every {step} accounts, and {size} are added"):
            grow(mine, {"seeds": SEEDS, "size": size, "truth": {"column": "team", "value": "red"}})


def test_the_place_of_few_is_not_told_by_growing(made: Atlas) -> None:
    told, frame = grow(made, {"seeds": ["few00"], "size": 5, "truth": {"community": "red"}})
    assert [m["name"] for m in told["members"] if m["name"].startswith("few")]
    assert "few" not in {m["community"] for m in told["members"]} | set(frame["community"])


def test_who_is_tied_to_nobody_is_no_seed(tmp_path: Path, crowd: Crowd, write: Callable[..., Path]) -> None:
    alone = pl.concat([crowd[0].people, crowd[0].people.head(1).with_columns(person=pl.lit("alone"))])
    made = atlas(write(tmp_path, replace(crowd[0], people=frames.people(alone)), crowd[1]))
    with pytest.raises(RefusedError, match="'alone' is in no set of the index"):
        grow(made, {"seeds": ["red00", "alone"], "size": 5})


def test_groups_beyond_the_limit_are_null(made: Atlas, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growth, "GROUPED", 3)
    told, _ = grow(made, {"seeds": SEEDS, "size": 5})
    assert None not in told["groups"][:3]
    assert told["groups"][3:] == [None, None]
    one, _ = grow(made, {"seeds": SEEDS, "size": 1})
    assert one["groups"] is None
    assert one["quality"]["similarity"] is None


def test_quality_is_networkx_s(made: Atlas, crowd: Crowd) -> None:
    net = nx.Graph()
    for a, b, _, weight in crowd[0].ties.rows():
        net.add_edge(a, b, weight=weight + (net.edges[a, b]["weight"] if net.has_edge(a, b) else 0.0))
    names = made.accounts["account"]
    for group in (["red00", "red01", "red02", "blue00"], names.filter(names.str.starts_with("blue")).to_list(),
                  names.filter(~names.str.starts_with("few")).to_list()):  # fmt: skip
        numbers = np.array([names.index_of(n) for n in [*group, group[0]]])
        told = quality(made, numbers, 0.5)
        inside, leaves = net.subgraph(group).size("weight"), nx.cut_size(net, group, weight="weight")
        assert told["n"] == len(group), "one given twice counts once"
        assert told["internal"] == pytest.approx(inside)
        assert told["external"] == pytest.approx(leaves)
        assert told["density"] == pytest.approx(nx.density(net.subgraph(group)))
        assert told["separability"] == pytest.approx(inside / leaves)
        assert told["conductance"] == pytest.approx(nx.conductance(net, group, weight="weight"))
    whole = quality(made, np.arange(names.len()))
    assert (whole["separability"], whole["conductance"], whole["similarity"]) == (None, None, None)
    blue = np.flatnonzero(names.str.starts_with("blue").to_numpy())
    heavy = np.array(made.weights)
    for i in blue:
        span = slice(made.starts[i], made.starts[i + 1])
        heavy[span] *= np.where(np.isin(made.neighbours[span], blue), 1e17, 1.0)
    assert quality(replace(made, weights=heavy), blue)["external"] == 2.5, "no difference of two large sums"


def test_the_index_is_made_once_and_then_opened(made: Atlas, monkeypatch: pytest.MonkeyPatch) -> None:
    first = ready(made)
    assert ready(made) is first
    growth._OPEN.clear()

    def never(*args: Any, **keywords: Any) -> None:
        raise AssertionError("it stands there already")

    monkeypatch.setattr(growth, "signatures", never)
    again = ready(made)
    values = first.signatures.values.copy()
    assert np.array_equal(again.signatures.values, values)
    assert (again.hashes, again.bands) == (1000, 500)
    for torn in sorted((made.found.folder / "explore").glob(".index*/lsh/*-1.*")):
        torn.write_bytes(torn.read_bytes()[: torn.stat().st_size // 2])
        growth._OPEN.clear()
        with monkeypatch.context() as then:
            then.setattr(growth, "signatures", signatures)
            assert np.array_equal(ready(made).signatures.values, values), "made anew where it is cut"
    assert [p.name.split("-")[0] for p in sorted((made.found.folder / "explore").iterdir())] == [".atlas.k10", ".index"]


def test_the_run_s_own_index_is_taken(tmp_path: Path, crowd: Crowd, write: Callable[..., Path]) -> None:
    folder = write(tmp_path, *crowd)
    index(signatures(sets(crowd[0]), hashes=20), bands=10, folder=folder / "steps" / "index")
    told, _ = grow(atlas(folder), {"seeds": SEEDS, "size": 5})
    assert told["index"] == {"hashes": 20, "bands": 10}
    assert not list((folder / "explore").glob(".index*"))


def test_fewer_bands_where_there_are_many_accounts() -> None:
    assert (bands_for(50_000), bands_for(10**6), bands_for(10**9), bands_for(0)) == (500, 89, 10, 500)
    assert all(24 * bands_for(n) * n <= growth.ROOM for n in (10**5, 10**6, 5 * 10**6))


FAULTS: list[tuple[dict[str, Any], type[SociolectError], str]] = [
    ({}, UsageError, "seeds: due is a list of 1 to 1000 names; size: due is a whole number from 1 to 5000"),
    ({"seeds": [], "size": 5}, UsageError, "seeds: due is"),
    ({"seeds": "red00", "size": 5}, UsageError, "seeds: due is"),
    ({"seeds": ["red00", 1], "size": 5}, UsageError, "seeds: due is"),
    ({"seeds": ["red00"] * 1001, "size": 5}, UsageError, "seeds: due is"),
    ({"seeds": SEEDS, "size": 0}, UsageError, "size: due is"),
    ({"seeds": SEEDS, "size": 5001}, UsageError, "size: due is"),
    ({"seeds": SEEDS, "size": True}, UsageError, "size: due is"),
    ({"seeds": SEEDS, "size": 2.5}, UsageError, "size: due is"),
    ({"seeds": SEEDS, "size": 5, "ranker": "avrage"}, UsageError, "no ranker 'avrage'; did you mean 'average'?"),
    ({"seeds": SEEDS, "size": 5, "ranker": ["x"]}, UsageError, "no ranker"),
    ({"seeds": SEEDS, "size": 5, "sede": 1}, UsageError, "sede: not asked for"),
    ({"seeds": ["red0x"], "size": 5}, UsageError, "no account 'red0x' in the index"),
    ({"seeds": SEEDS, "size": 5, "truth": "red"}, UsageError, "truth: due is null"),
    ({"seeds": SEEDS, "size": 5, "truth": {"column": "team"}}, UsageError, "truth: due is null"),
    ({"seeds": SEEDS, "size": 5, "truth": {"community": "green"}}, UsageError, "no community 'green'"),
    ({"seeds": SEEDS, "size": 5, "truth": {"community": "few"}}, RefusedError, "fewer than 10 people"),
    ({"seeds": SEEDS, "size": 5, "truth": {"column": "handle", "value": "hred00"}}, UsageError, "no truth 'handle'"),
    ({"seeds": SEEDS, "size": 5, "truth": {"column": "team", "value": "lone"}}, UsageError, "no team 'lone' of 10 people"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("question", "kind", "told"), FAULTS, ids=[f"{n} {told[:30]}" for n, (*_, told) in enumerate(FAULTS)]
)
def test_a_wrong_question_is_one_line(
    made: Atlas, question: dict[str, Any], kind: type[SociolectError], told: str
) -> None:
    with pytest.raises(kind) as error:
        grow(made, question)
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_a_truth_of_seeds_alone_is_refused(made: Atlas, crowd: Crowd) -> None:
    red = crowd[1].filter(community="red")["person"].to_list()
    with pytest.raises(RefusedError, match="nobody but seeds"):
        grow(made, {"seeds": red, "size": 5, "truth": {"community": "red"}})


def test_warming_up_fails_in_silence_and_the_question_says_why(
    tmp_path: Path, crowd: Crowd, write: Callable[..., Path]
) -> None:
    pair = frames.ties(crowd[0].ties.filter((pl.col("source") == "red00") & (pl.col("target") == "red01")))
    made = atlas(write(tmp_path, replace(crowd[0], ties=pair), crowd[1]))
    warm(made)
    with pytest.raises(RefusedError, match="shares a bucket with nobody else"):
        grow(made, {"seeds": ["red00"], "size": 5})
