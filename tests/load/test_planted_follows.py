"""What is planted is there, at the sizes and similarities of dossier 38; in the null it is not."""

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from scipy.sparse import csr_matrix

from sociolect.errors import UsageError
from sociolect.frames import Society
from sociolect.load.planted_follows import planted_follows


def jaccard(world: Society, stars: list[str]) -> float:
    """The mean exact Jaccard of the pairs of these stars' sets of fans."""
    rows = world.ties.filter(pl.col("target").is_in(stars))
    fan, star = (rows[c].cast(pl.Categorical).to_physical().to_numpy().astype(np.int64) for c in ("source", "target"))
    _, star = np.unique(star, return_inverse=True)
    follows = csr_matrix((np.ones(rows.height), (star, fan)))
    both = (follows @ follows.T).toarray()
    each = np.diag(both)
    return float((both / (each[:, None] + each - both))[np.triu_indices(len(each), 1)].mean())


def communities(world: Society) -> dict[str, list[str]]:
    stars = world.people.drop_nulls("planted")
    return {c: part["person"].to_list() for (c,), part in stars.group_by("planted", maintain_order=True)}


def test_the_sizes_and_similarities_are_those_of_the_dossier() -> None:
    # dossier 38 (c): 2,000 accounts, 8,000 fans, about 79,000 pairs, Jaccard .016 inside
    world = planted_follows()
    assert world.people["person"].str.starts_with("s").sum() == 2000
    assert world.people.height == 10_000
    assert 78_000 < world.ties.height < 80_500
    assert {c: len(m) for c, m in communities(world).items()} == {f"c{i}": 100 for i in range(10)}
    inside = np.mean([jaccard(world, stars) for stars in communities(world).values()])
    assert 0.0150 < inside < 0.0175
    others = world.people.filter(pl.col("planted").is_null() & pl.col("person").str.starts_with("s"))["person"]
    assert jaccard(world, others.sample(200, seed=1).to_list()) < 0.6 * inside


def test_the_large_graph_has_the_similarity_of_the_dossier_on_a_tenth_of_it() -> None:
    # (d): .019 at 20,000 accounts and 500,000 fans who follow 8; a tenth of both keeps the mean number of fans of a star
    world = planted_follows(people=2000, fans=50_000, communities=4, follows=8.0, seed=2)
    assert 0.0175 < np.mean([jaccard(world, stars) for stars in communities(world).values()]) < 0.0205
    assert world.ties.height == pytest.approx(50_000 * 8, rel=0.015)


def test_the_shares_are_those_asked_for() -> None:
    world = planted_follows(people=1000, fans=20_000, communities=4, size=50, inside=0.7, member_share=0.4, seed=1)
    home = world.people.select(target="person", planted="planted")
    follows = (
        world.ties.join(home, on="target")
        .group_by("source")
        .agg(pl.col("planted").drop_nulls().mode().first(), n=pl.len())
    )
    own = world.ties.join(home, on="target").join(follows.select("source", best="planted"), on="source")
    share = own.group_by("source").agg(inside=(pl.col("planted") == pl.col("best")).fill_null(False).mean())["inside"]
    # of a member's follows .7 go inside and some of the others fall there; of the others' few do
    assert (share > 0.45).mean() == pytest.approx(0.4, abs=0.05)
    assert follows["n"].mean() == pytest.approx(10.0, abs=0.3)


def test_popularity_falls_by_the_exponent() -> None:
    world = planted_follows(people=500, fans=60_000, communities=1, size=2, member_share=0.0, follows=2.0, exponent=0.8)
    assert world.ties["source"].n_unique() == 60_000  # nobody follows nobody
    fans = np.sort(world.ties["target"].value_counts()["count"].to_numpy())[::-1].astype(float)
    slope = np.polyfit(np.log(np.arange(1, 201)), np.log(fans[:200]), 1)[0]
    assert slope == pytest.approx(-0.8, abs=0.05)
    alike = planted_follows(people=50, fans=60_000, communities=1, size=2, member_share=0.0, follows=2.0, exponent=0.0)
    counts = alike.ties["target"].value_counts()["count"]
    assert counts.max() < 1.15 * counts.min()  # type: ignore[operator]  # polars types them as any value


def test_in_the_null_the_communities_are_names_only() -> None:
    null = planted_follows(null=True)
    inside = np.mean([jaccard(null, stars) for stars in communities(null).values()])
    stars = null.people.filter(pl.col("person").str.starts_with("s"))["person"]
    anybody = np.mean([jaccard(null, stars.sample(100, seed=s).to_list()) for s in range(10)])
    assert inside == pytest.approx(anybody, rel=0.1)
    assert communities(null) == communities(planted_follows())


def test_the_seed_decides_everything_and_no_pair_is_met_twice() -> None:
    one, same, other = (planted_follows(people=200, fans=300, communities=2, size=20, seed=s) for s in (1, 1, 2))
    assert_frame_equal(one.ties, same.ties)
    assert_frame_equal(one.people, same.people)
    assert not one.ties.equals(other.ties)
    assert one.ties.select("source", "target").n_unique() == one.ties.height
    assert one.ties["source"].is_sorted()
    assert one.ties["kind"].unique().to_list() == ["follow"]
    assert one.ties["weight"].unique().to_list() == [1.0]


def test_what_cannot_be_planted_is_said_at_once() -> None:
    with pytest.raises(UsageError) as said:
        planted_follows(
            people=50, fans=0, communities=3, size=20, inside=1.2, member_share=-1, exponent=-1, follows=0.5
        )
    assert str(said.value) == (
        "these follows cannot be planted: fans is 0, not 1 or more; communities x size is 60, not 50 (people) or fewer; "
        "inside is 1.2, not a share from 0 to 1; member_share is -1, not a share from 0 to 1; "
        "exponent is -1, not 0 (all alike) or more; follows is 0.5, not 1 to the number of people"
    )
    with pytest.raises(
        UsageError, match="people is 1, not 2 or more; communities is 0, not 1 or more; size is 1, not 2"
    ):
        planted_follows(people=1, communities=0, size=1, follows=1)
