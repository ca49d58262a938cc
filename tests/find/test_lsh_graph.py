"""The graph of alike accounts against exact similarities by counting, and communities out of it against planted truth."""

from itertools import combinations
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from sociolect import frames
from sociolect.errors import RefusedError, UsageError
from sociolect.find.declared import declared
from sociolect.find.lsh import Index, index
from sociolect.find.lsh_graph import Alike, alike, communities
from sociolect.find.minhash import signatures
from sociolect.find.quality import adjusted_rand
from sociolect.frames import Society
from sociolect.load.planted_follows import planted_follows

CLUMPS, EACH = 4, 12  # accounts a0 ... a47: each clump shares 30 elements, every account has 10 of its own


def pairs(*, own: int = 10) -> pl.DataFrame:
    rows = [(f"a{a:02}", f"clump{a // EACH}:{e}") for a in range(CLUMPS * EACH) for e in range(30)]
    rows += [(f"a{a:02}", f"own{a}:{e}") for a in range(CLUMPS * EACH) for e in range(own)]
    return pl.DataFrame(rows, schema=["account", "element"], orient="row")


@pytest.fixture(scope="module")
def lsh() -> Index:
    return index(signatures(pairs(), hashes=400), bands=200)


def drawn(made: Alike) -> set[tuple[str, str]]:
    return set(made.ties.select("source", "target").iter_rows())


def test_ties_are_the_pairs_that_share_elements_weighed_by_jaccard(lsh: Index) -> None:
    """Inside a clump J = 30 / 50; two accounts of different clumps share nothing."""
    made = alike(lsh)
    due = {
        (f"a{c * EACH + i:02}", f"a{c * EACH + j:02}") for c in range(CLUMPS) for i, j in combinations(range(EACH), 2)
    }
    assert drawn(made) == due
    assert made.pairs >= len(due)
    assert made.alone == made.thinned == 0
    assert made.ties["kind"].unique().to_list() == ["alike"]
    weight = made.ties["weight"].to_numpy()
    se = (0.6 * 0.4 / 400) ** 0.5
    assert abs(weight.mean() - 0.6) < 3 * se / EACH**0.5
    assert np.abs(weight - 0.6).max() < 5 * se


def test_a_tie_stays_where_it_is_among_the_strongest_of_one_end(lsh: Index) -> None:
    """Against each account's nearest by a plain sort of the whole similarity matrix."""
    values = lsh.signatures.values
    similar: NDArray[Any] = np.array([(values == row).mean(axis=1) for row in values])
    np.fill_diagonal(similar, 0.0)
    near = np.argsort(-similar, axis=1, kind="stable")[:, :3]
    due = {tuple(sorted((f"a{a:02}", f"a{b:02}"))) for a, row in enumerate(near) for b in row if similar[a, b] > 0}
    assert drawn(alike(lsh, neighbours=3)) == due


def test_a_large_bucket_is_thinned_and_still_binds_all_its_accounts() -> None:
    rows = {"account": [f"a{a:03}" for a in range(300)], "element": "same"}
    held = index(signatures(pl.DataFrame(rows), hashes=10), bands=10)
    made = alike(held, bucket=3, neighbours=300)
    assert made.thinned == 10
    assert made.alone == 0
    assert made.pairs <= 10 * 3 * 300
    assert made.pairs > 2 * 3 * 300, "bands draw other orders"
    assert (made.ties["weight"] == 1.0).all()
    assert drawn(alike(held, bucket=3, neighbours=300, seed=1)) != drawn(made)


def test_accounts_that_share_no_bucket_have_no_tie_and_are_counted() -> None:
    rows = pl.concat([pairs(), pl.DataFrame({"account": ["lone"], "element": ["alone"]})])
    made = alike(index(signatures(rows, hashes=400), bands=200))
    assert made.alone == 1
    assert "lone" not in set(made.ties["source"]) | set(made.ties["target"])


def test_a_least_similarity_cuts_weaker_ties(lsh: Index) -> None:
    made = alike(lsh, least=0.6)
    assert 0 < made.ties.height < alike(lsh).ties.height
    assert made.ties["weight"].to_numpy().min() > 0.6


def test_the_order_of_pairs_changes_no_bit() -> None:
    one = alike(index(signatures(pairs(), hashes=100), bands=50), bucket=2)
    other = alike(index(signatures(pairs().sample(fraction=1.0, shuffle=True, seed=3), hashes=100), bands=50), bucket=2)
    assert one.ties.equals(other.ties)
    assert one[1:] == other[1:]


@pytest.mark.parametrize("wrong", [{"neighbours": 0}, {"bucket": 0}, {"least": 1.0}, {"least": -0.1}])
def test_numbers_out_of_range_are_refused(lsh: Index, wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=f"{next(iter(wrong))}={next(iter(wrong.values()))}"):
        alike(lsh, **wrong)


def test_planted_communities_of_follows_come_back_and_the_null_has_none() -> None:
    size = {"people": 400, "fans": 4000, "communities": 4, "size": 50, "follows": 12.0, "seed": 2}
    society = planted_follows(**size)  # type: ignore[arg-type]  # whole numbers but follows
    truth = declared(society, column="planted")
    found = communities(society, of="followers", hashes=500, bands=250, seed=1)
    assert adjusted_rand(found, truth).value > 0.8
    empty = communities(planted_follows(**size, null=True), of="followers", hashes=500, bands=250, seed=1)  # type: ignore[arg-type]  # as above
    assert abs(adjusted_rand(empty, truth).value) < 0.05


def test_a_higher_resolution_gives_more_communities() -> None:
    society = planted_follows(people=400, fans=4000, communities=4, size=50, follows=12.0, seed=2)
    few, many = (communities(society, of="followers", hashes=200, bands=100, resolution=r) for r in (0.5, 5.0))
    assert few["community"].n_unique() < many["community"].n_unique()


def test_where_nobody_shares_a_bucket_no_community_is_found() -> None:
    ties = pl.DataFrame({"source": ["f1", "f2"], "target": ["s1", "s2"], "kind": "follow", "weight": 1.0})
    society = Society(frames.people(frames.empty("people")), frames.posts(frames.empty("posts")), frames.ties(ties))
    with pytest.raises(RefusedError, match="none of 2 accounts shares a bucket"):
        communities(society, of="followers")
