"""Votes to counts to edges: the exact cases of the released rule, persons instead of votes, and weights that resample."""

from collections import Counter
from math import log2

import numpy as np
import polars as pl
import pytest

from sociolect import frames
from sociolect.errors import InputError
from sociolect.find.endorsement import Counts, ballots, counted, entropy, kept, likelihood, pairs, ties


def votes(*said: tuple[str, str, str, str]) -> pl.DataFrame:
    return pl.DataFrame(list(said), schema=["voter", "source", "target", "choice"], orient="row")


def crowd(
    a: str, b: str, *, yes: int = 0, no: int = 0, unsure: int = 0, start: int = 0
) -> list[tuple[str, str, str, str]]:
    words = ["yes"] * yes + ["no"] * no + ["unsure"] * unsure
    return [(f"v{start + k}", a, b, w) for k, w in enumerate(words)]


def edge(said: list[tuple[str, str, str, str]], source: str = "a", target: str = "b") -> dict[str, object]:
    return pairs(ballots(votes(*said))).filter(source=source, target=target).row(0, named=True)


def test_the_exact_cases_of_the_rule() -> None:
    """The dossier: three yes and nothing else, one yes, and two yes against one."""
    three, one = edge(crowd("a", "b", yes=3)), edge(crowd("a", "b", yes=1))
    assert (three["weight"], three["kept"]) == (1.0, True)
    assert (one["weight"], one["kept"]) == (1.0, False)
    hair = edge(crowd("a", "b", yes=2) + crowd("b", "a", yes=1, start=2))
    assert (hair["yes"], hair["less"], hair["shown"]) == (2, 1, 3)
    assert hair["weight"] == pytest.approx(1 / 3)
    assert hair["entropy"] == pytest.approx(-(2 / 6) * log2(2 / 6) - (1 / 6) * log2(1 / 6) - 0.5 * log2(0.5))
    assert hair["kept"] is True
    below = edge(crowd("a", "b", yes=4, unsure=5) + crowd("b", "a", yes=1, start=9))
    assert below["weight"] == pytest.approx(0.3)
    assert below["kept"] is False


def test_a_unanimous_pair_has_one_bit_and_showing_the_reverse_moves_it() -> None:
    assert edge(crowd("a", "b", yes=10))["entropy"] == 1.0
    shown = edge(crowd("a", "b", yes=10) + crowd("b", "a", no=10, start=10))
    assert shown["entropy"] == pytest.approx(-(10 / 30) * log2(10 / 30) - (20 / 30) * log2(20 / 30))
    assert float(str(shown["entropy"])) < 1.0
    assert shown["weight"] == 1.0


def test_too_many_bits_drop_an_edge_that_the_weight_would_keep() -> None:
    mixed = crowd("a", "b", yes=6, no=1, unsure=2) + crowd("b", "a", yes=1, start=9)
    row = edge(mixed)
    parts = [6, 1, 2, 1, 10]
    bits = -sum(p / 20 * log2(p / 20) for p in parts)
    assert row["entropy"] == pytest.approx(bits)
    assert row["weight"] == 0.5
    assert (bits > 1.69, row["kept"]) == (True, False)
    assert pairs(ballots(votes(*mixed)), bits=2.0).filter(source="a", target="b")["kept"].item() is True


def test_five_equal_votes_of_a_person_are_one() -> None:
    again = [("v0", "a", "b", "yes")] * 5
    cast = ballots(votes(*again, ("v1", "a", "b", "no")))
    assert (cast.votes, cast.repeats) == (6, 4)
    row = edge([*again, ("v1", "a", "b", "no")])
    assert (row["yes"], row["no"], row["shown"]) == (1, 1, 2)
    assert edge(again)["kept"] is False


def test_no_pair_is_kept_in_both_directions() -> None:
    rng = np.random.default_rng(0)
    raw = rng.integers(0, 9, (3, 500, 4, 4)).astype(float) * ~np.eye(4, dtype=bool)
    stays = kept(Counts(*raw), least=0, weight=1e-9, bits=9.0)
    assert (stays > 0).sum() > 1000
    assert not ((stays > 0) & (np.swapaxes(stays, 1, 2) > 0)).any()
    w = likelihood(Counts(*raw))
    assert not ((w > 0) & (np.swapaxes(w, 1, 2) > 0)).any()


def test_voters_drawn_twice_count_twice_and_the_order_of_votes_changes_no_bit() -> None:
    rng = np.random.default_rng(3)
    said = [
        (f"v{rng.integers(20)}", *rng.choice(list("abcd"), 2, replace=False), str(rng.choice(["yes", "no", "unsure"])))
        for _ in range(200)
    ]
    cast = ballots(votes(*said))
    weights = rng.integers(0, 4, (5, len(cast.voters))).astype(float)
    found = counted(cast, weights)
    once = set(said)
    for d in range(5):
        by = dict(zip(cast.voters, weights[d], strict=True))
        due: Counter[tuple[str, str]] = Counter()
        for voter, a, b, choice in once:
            due[a, b] += int(by[voter]) if choice == "yes" else 0
        here = {(a, b): found.yes[d, i, j] for i, a in enumerate(cast.nodes) for j, b in enumerate(cast.nodes)}
        assert all(here[a, b] == due[a, b] for a, b in here)
    mixed = ballots(votes(*said).sample(fraction=1.0, shuffle=True, seed=1))
    assert (counted(mixed).yes == counted(cast, np.ones((1, len(cast.voters)))).yes[0]).all()
    assert pairs(mixed).equals(pairs(cast))


def test_what_cannot_be_counted_is_left_out_by_reason_and_unasked_pairs_are_null() -> None:
    told = votes(*crowd("a", "b", yes=2), ("v9", "a", "a", "yes"))
    empty = pl.DataFrame({"voter": ["v8"], "source": ["a"], "target": ["b"], "choice": [None]}, schema=told.schema)
    cast = ballots(pl.concat([told, empty]), ["a", "b", "c"])
    assert cast.left_out == {"no answer": 1, "from a node to itself": 1}
    assert cast.nodes == ("a", "b", "c")
    assert np.isnan(likelihood(counted(cast))[0, 2])
    assert np.isnan(entropy(counted(cast))[0, 2])
    assert pairs(cast).height == 2
    assert ties(pairs(cast), kind="wiser").rows() == [("a", "b", "wiser", 1.0, 2)]
    assert frames.ties(ties(pairs(cast))).height == 1


def test_all_faults_at_once() -> None:
    with pytest.raises(InputError, match="column 'choice' is missing"):
        ballots(pl.DataFrame({"voter": ["v"], "source": ["a"], "target": ["b"]}))
    with pytest.raises(
        InputError,
        match=r"choice 'maybe' is none of .*; 1 nodes are not among those given, as 'b'; a node is named twice",
    ):
        ballots(votes(("v", "a", "b", "maybe")), ["a", "a"])
