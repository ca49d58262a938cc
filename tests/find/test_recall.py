import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sociolect.errors import RefusedError, UsageError
from sociolect.find.lsh import index
from sociolect.find.minhash import signatures
from sociolect.find.recall import area, candidate_recall, recall, recall_curve


def test_seeds_take_no_place_in_the_list() -> None:
    # the released evaluation of the paper counts seeds against PageRank: dossier 38, Traps
    assert recall(["s1", "s2", "a", "b", "x", "c"], ["a", "b", "c", "s1", "s2"], ["s1", "s2"]) == 2 / 3
    assert recall(["a", "b", "x", "c"], ["a", "b", "c", "s1", "s2"], ["s1", "s2"]) == 2 / 3


def test_the_curve_counts_what_is_found_and_stays_flat_when_the_list_runs_out() -> None:
    community, seeds = [f"m{i}" for i in range(22)], ["m20", "m21"]
    found = [f"m{i}" for i in range(15)] + ["x", "y"]
    due = [(0, 0.0), (10, 0.5), (20, 0.75), (25, 0.75)]
    assert recall_curve(found, community, seeds, until=25) == due
    assert recall_curve([], community, seeds) == [(0, 0.0), (10, 0.0), (20, 0.0)]
    assert recall_curve(found, community, seeds, every=7, until=14)[1:] == [(7, 0.35), (14, 0.7)]
    assert recall_curve(["m0", "m0", "m1"], community, seeds, every=2, until=2) == [(0, 0.0), (2, 0.1)]


def test_the_area_is_that_of_the_trapezia() -> None:
    assert area([(0, 0.0), (10, 0.5), (20, 0.75), (25, 0.75)]) == (2.5 + 6.25 + 3.75) / 25


@given(st.lists(st.sampled_from("abcdefghij"), unique=True), st.integers(1, 4))
def test_a_longer_list_never_has_less_and_nobody_finds_all_before_due(found: list[str], every: int) -> None:
    curve = recall_curve(found, "abcdef", ["a"], every=every, until=12)
    heights = [r for _, r in curve]
    assert heights == sorted(heights)
    assert all(r <= n / 5 + 1e-12 for n, r in curve)
    assert heights[-1] == pytest.approx(len(set(found) & set("bcdef")) / 5)
    assert 0 <= area(curve) <= 1 - 2.5 / 12 + 1e-12


def test_candidate_recall_is_the_share_that_shares_a_bucket() -> None:
    rows = [("a", "1"), ("b", "1"), ("c", "1"), ("d", "2"), ("e", "2"), ("f", "3")]
    lsh = index(signatures(pl.DataFrame(rows, ["account", "element"], orient="row")))
    assert candidate_recall(lsh, list("abcd"), ["a"]) == 2 / 3
    assert candidate_recall(lsh, list("abcd"), ["a", "d"]) == 1.0
    assert candidate_recall(lsh, ["a", "b", "not there"], ["a"]) == 0.5


def test_what_has_no_recall_is_said() -> None:
    with pytest.raises(RefusedError, match="the community has nobody but seeds"):
        recall(["a"], ["a"], ["a"])
    with pytest.raises(UsageError, match="every=0, until=5: due is 1 or more"):
        recall_curve(["a"], "ab", "a", every=0, until=5)
    with pytest.raises(UsageError, match="every=10, until=0: due is 1 or more"):
        recall_curve(["a"], "ab", "a", until=0)
    with pytest.raises(UsageError, match="a curve of 1 points has no area"):
        area([(0, 0.0)])
