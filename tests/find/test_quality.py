import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sociolect import frames
from sociolect.errors import RefusedError
from sociolect.find.quality import (
    Agreement,
    adjusted_rand,
    completeness,
    homogeneity,
    modularity,
    normalised_mutual_information,
    quality,
    rand,
)
from sociolect.frames import Members, Ties


def tied(*rows: tuple[str, str, float]) -> Ties:
    frame = pl.DataFrame(rows, schema=["source", "target", "weight"], orient="row")
    return frames.ties(frame.with_columns(kind=pl.int_range(frame.height).cast(pl.String)))


def members(labels: dict[str, str] | list[int]) -> Members:
    who = labels if isinstance(labels, dict) else {f"p{i:03}": str(c) for i, c in enumerate(labels)}
    return frames.members(pl.DataFrame({"person": list(who), "community": list(who.values())}))


def test_by_hand() -> None:
    # x holds a-b and b-a (3), y c-d (4), b-c (1) is between: m = 8, degrees 7 and 9; self tie and stranger are out
    ties = tied(("a", "b", 2.0), ("b", "a", 1.0), ("b", "c", 1.0), ("c", "d", 4.0), ("d", "d", 9.0), ("d", "out", 5.0))
    found = quality(ties, members({"a": "x", "b": "x", "c": "y", "d": "y", "quiet": "y"}))
    due = {
        ("modularity", "all"): 3 / 8 - (7 / 16) ** 2 + 4 / 8 - (9 / 16) ** 2,
        ("coverage", "all"): 7 / 8,
        ("size", "x"): 2.0,
        ("conductance", "x"): 1 / 7,
        ("size", "y"): 3.0,
        ("conductance", "y"): 1 / 7,
    }
    assert {(m, c): pytest.approx(e) for m, c, e in found.select("measure", "contrast", "estimate").rows()} == due
    assert found["n"].to_list() == [4, 4, 2, 2, 3, 3]
    assert found["left_out"].to_list() == [1] * 6
    assert found["low"].null_count() == 6


def test_one_community_and_one_without_ties_have_no_conductance() -> None:
    found = quality(
        tied(("a", "b", 0.1), ("b", "c", 0.2), ("c", "a", 0.3)), members({"a": "x", "b": "x", "c": "x", "d": "y"})
    )
    assert found.filter(measure="conductance")["estimate"].to_list() == [None, None]
    assert found.filter(measure="modularity")["estimate"].to_list() == [pytest.approx(0.0)]


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_modularity_is_igraphs(data: st.DataObject) -> None:
    import igraph

    n = data.draw(st.integers(2, 12))
    edge = st.tuples(st.integers(0, n - 1), st.integers(0, n - 1), st.floats(0.01, 100)).filter(lambda e: e[0] != e[1])
    edges = data.draw(st.lists(edge, min_size=1, max_size=40))
    labels = data.draw(st.lists(st.integers(0, 3), min_size=n, max_size=n))
    resolution = data.draw(st.floats(0.1, 3))
    network = igraph.Graph(n=n, edges=[e[:2] for e in edges])
    due = network.modularity(labels, weights=[e[2] for e in edges], resolution=resolution, directed=False)
    ours = tied(*((f"p{a:03}", f"p{b:03}", w) for a, b, w in edges))
    assert modularity(ours, members(labels), resolution=resolution) == pytest.approx(due, abs=1e-12)


LABELS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=60)


@settings(deadline=None, max_examples=100)
@given(LABELS)
def test_agreement_is_scikit_learns(pairs: list[tuple[int, int]]) -> None:
    from sklearn import metrics

    x, y = [p[0] for p in pairs], [p[1] for p in pairs]
    a, b = members(x), members(y)
    for ours, theirs in (
        (adjusted_rand(a, b), metrics.adjusted_rand_score(y, x)),
        (normalised_mutual_information(a, b), metrics.normalized_mutual_info_score(y, x)),
        (homogeneity(a, b), metrics.homogeneity_score(y, x)),
        (completeness(a, b), metrics.completeness_score(y, x)),
    ):
        assert ours.value == pytest.approx(theirs, abs=1e-9)
        assert ours[1:] == (len(pairs), 0)
    assert adjusted_rand(a, b) == adjusted_rand(b, a)


@settings(deadline=None, max_examples=50)
@given(LABELS, st.permutations(range(6)), st.randoms(use_true_random=False))
def test_names_and_row_order_do_not_matter(pairs: list[tuple[int, int]], names: list[int], random: object) -> None:
    x, y = members([p[0] for p in pairs]), members([p[1] for p in pairs])
    renamed = members([names[p[0]] for p in pairs])
    shuffled = frames.members(renamed.sample(fraction=1, shuffle=True, seed=len(pairs)))
    for measure in (adjusted_rand, normalised_mutual_information, homogeneity, completeness):
        assert measure(shuffled, y) == measure(x, y)
    assert adjusted_rand(x, renamed) == normalised_mutual_information(x, renamed) == Agreement(1.0, len(pairs), 0)


def test_large_partitions_do_not_overflow() -> None:
    x = np.arange(400_000) % 3
    assert rand(x, x) == 1.0
    assert rand(x, np.arange(400_000) % 2) == pytest.approx(0.0, abs=1e-4)
    assert rand(x, np.where(np.arange(400_000) < 200_000, x, x + 3)) == pytest.approx(0.5714, abs=1e-3)


def test_nested_partitions_are_homogeneous_and_not_complete() -> None:
    teams, channels = members([0] * 6 + [1] * 6), members([0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3])
    assert homogeneity(channels, teams).value == 1.0
    assert completeness(channels, teams).value == pytest.approx(0.5)
    assert normalised_mutual_information(channels, teams).value == pytest.approx(2 / 3)


def test_people_of_one_side_are_counted_out() -> None:
    a, b = members({"a": "x", "b": "x", "c": "y"}), members({"b": "u", "c": "v", "d": "v", "e": "v"})
    assert adjusted_rand(a, b) == (1.0, 2, 3)
    with pytest.raises(RefusedError, match="two partitions of 3 and 1 people share nobody"):
        adjusted_rand(a, members({"z": "x"}))


def test_two_communities_of_one_person_and_strangers_are_refused() -> None:
    twice = frames.members(pl.DataFrame({"person": ["a", "a"], "community": ["x", "y"]}))
    with pytest.raises(RefusedError, match="1 rows put a person into a further community"):
        quality(tied(("a", "b", 1.0)), twice)
    with pytest.raises(RefusedError, match="none of 1 tied pairs are two members"):
        quality(tied(("a", "b", 1.0)), members({"c": "x"}))
