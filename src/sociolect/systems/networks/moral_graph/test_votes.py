"""Planted votes: the order comes back, the wisest rises although it is rare, a brigade moves little, and chance finds nothing."""

from functools import cache

import numpy as np
import polars as pl
import pytest

from sociolect.compare.ranking import kendall
from sociolect.find.endorsement import Counts, ballots, counted, kept
from sociolect.find.pagerank import pagerank
from sociolect.frames import Effects
from sociolect.systems.networks.moral_graph import compare
from sociolect.systems.networks.moral_graph.find import marks_of, ranked, replies_of, votes_of
from sociolect.systems.networks.moral_graph.hypotheses import Hypothesis
from sociolect.systems.networks.moral_graph.planted import Design, panel, replicated

NEAR, TWICE, EVERY = compare.DESIGNS
IDS = [f"v{k:02}" for k in range(12)]


@cache
def recovery(null: bool = False) -> Effects:
    return compare.recovery(null=null)


def of(measure: str, design: str, null: bool = False) -> float:
    return float(recovery(null).filter(measure=measure, contrast=design)["estimate"].item())


def test_the_planted_order_comes_back() -> None:
    """The dossier, measured over 20 seeds: .882, .945, .983; net wins on the near pairs .758, well below."""
    assert of("Kendall's tau, PageRank", NEAR) >= 0.8
    assert of("Kendall's tau, PageRank", NEAR) == pytest.approx(0.882, abs=0.06)
    assert of("Kendall's tau, PageRank", TWICE) == pytest.approx(0.945, abs=0.04)
    assert of("Kendall's tau, PageRank", EVERY) == pytest.approx(0.983, abs=0.02)
    assert of("Kendall's tau, net wins", NEAR) < of("Kendall's tau, PageRank", NEAR) - 0.05
    assert of("worst seed, PageRank", NEAR) >= 0.6


@pytest.mark.parametrize("design", [NEAR, TWICE, EVERY])
def test_the_planted_top_is_first_in_nine_of_ten_seeds(design: str) -> None:
    assert of("planted top first", design) >= 0.9


def test_chance_has_no_order() -> None:
    for design in (NEAR, TWICE, EVERY):
        row = recovery(null=True).filter(measure="Kendall's tau, PageRank", contrast=design).row(0, named=True)
        assert abs(row["estimate"]) < 0.2
        assert of("planted top first", design, null=True) < 0.25


def test_a_brigade_of_a_tenth_moves_a_value_by_less_than_a_place_on_average() -> None:
    """The dossier: mean .30 to .60 at 10% (measured), largest 1 to 4; by 20% more. The largest is printed, never hidden."""
    found = {(m, c): e for m, c, e in compare.brigading().select("measure", "contrast", "estimate").iter_rows()}
    tenth, fifth = "10% of 200 voters", "20% of 200 voters"
    assert 0.1 < found["mean rise, places", tenth] <= 1
    assert found["mean rise, places", fifth] > 1.5 * found["mean rise, places", tenth]
    assert 1 <= found["largest single rise, places", tenth] <= 6
    assert found["largest single rise, places", tenth] > found["mean rise, places", tenth]


def test_a_brigade_changes_the_votes_on_its_value_alone() -> None:
    plain, pushed = replicated(3), replicated(3, brigade=0.2, pushed=4)
    for a, b in zip(plain, pushed, strict=True):
        moved = np.argwhere(a != b)[:, 1:]
        assert len(moved)
        assert (moved == 4).any(1).all()


def test_the_planted_design_is_the_dossier_s() -> None:
    near = replicated(50, Design(3, 8))
    asked = near.yes + near.no + near.unsure
    assert set(asked[asked > 0].tolist()) == {8.0}
    assert (asked[0] > 0).sum() == 60
    assert (replicated(1, Design(None, 8)).shown[0] > 0).sum() == 132
    assert near.unsure.sum() / asked.sum() == pytest.approx(0.15, abs=0.005)
    up = np.triu(np.ones((12, 12)), 1) > 0
    right = (near.yes[:, up].sum() + near.no[:, ~up].sum()) / (near.yes + near.no).sum()
    assert right == pytest.approx(0.9, abs=0.01)  # a fifth at random is right half of the time


def test_abilities_are_the_likeliest_ones() -> None:
    """Against scipy's minimiser of the same penalised likelihood, half a win a side to each pair that met."""
    from scipy.optimize import minimize

    counts = replicated(1, Design(None, 8), values=5, seed=3)
    won = counts.yes[0].T + counts.no[0]
    won = won + 0.5 * ((won + won.T) > 0)

    def loss(x: np.ndarray) -> float:
        return float((won * np.log1p(np.exp(x[None] - x[:, None]))).sum())

    best = minimize(loss, np.zeros(5), tol=1e-12).x
    assert compare.abilities(counts)[0] == pytest.approx(best - best.mean(), abs=1e-4)
    alone = Counts(*(np.pad(x[0], ((0, 1), (0, 1))) for x in counts))
    assert compare.abilities(alone)[:5] == pytest.approx(compare.abilities(counts)[0])
    assert np.isnan(compare.abilities(alone)[5])


def steps(reach: int = 3) -> list[Hypothesis]:
    return [Hypothesis("c", a, b, "") for a in range(12) for b in range(12) if 0 < abs(a - b) <= reach]


@cache
def voted(null: bool = False, voters: int = 200, seed: int = 0) -> pl.DataFrame:
    marked = {n: 0.1 if k == 11 else 0.6 - 0.04 * k for k, n in enumerate(IDS)}
    wisdom = {n: k for k, n in enumerate(IDS)}
    return panel({n: n for n in IDS}, wisdom, marked, steps(), IDS, voters=voters, null=null, seed=seed)


def test_a_rare_value_that_is_judged_wisest_is_first_by_wisdom_and_last_by_popularity() -> None:
    found = ranked(replies_of(voted()), IDS, draws=300)
    top = found.row(0, named=True)
    assert (top["node"], top["rank"], top["popular"], top["gained"]) == ("v11", 1.0, 12.0, 11.0)
    assert top["popularity"] == pytest.approx(0.13, abs=0.06)
    assert top["share_low"] < 0.1 + 0.03 < top["share_high"]
    assert top["gained_low"] > 5
    assert kendall([-r for r in found["rank"]], [IDS.index(n) for n in found["node"]]) > 0.8  # type: ignore[operator]  # an order, so a number
    assert (found["low"] <= found["rank"]).all()
    assert (found["rank"] <= found["high"]).all()
    assert found["first"].sum() == pytest.approx(1.0)


def test_where_all_vote_at_random_no_value_is_sure_of_its_place() -> None:
    found = ranked(replies_of(voted(null=True)), IDS, draws=300)
    assert found["first"].to_numpy().max() < 0.8
    assert (found["high"] - found["low"]).to_numpy().mean() > 5
    assert abs(kendall([-r for r in found["rank"]], [IDS.index(n) for n in found["node"]]) or 0) < 0.5


def test_shares_count_who_was_shown_a_value() -> None:
    told = voted().filter(kind="value")
    found = ranked(replies_of(voted()), IDS, draws=100)
    for node in ("v00", "v11"):
        mine = told.filter(target=node)
        row = found.filter(node=node).row(0, named=True)
        assert row["shown"] == mine.height
        assert row["popularity"] == pytest.approx(mine.filter(choice="wise to consider").height / mine.height)
    seen = told.group_by("voter").len()["len"]
    assert seen.unique().to_list() == [6]
    twice = pl.concat([voted(), told.with_columns(context=pl.lit("again"))])
    marks, again = marks_of(replies_of(voted()), IDS), marks_of(replies_of(twice), IDS)
    assert (marks.shown == again.shown).all()


def test_more_voters_are_surer() -> None:
    width = [
        float((r["high"] - r["low"]).to_numpy().mean())
        for r in (ranked(replies_of(voted(voters=n)), IDS, draws=200) for n in (60, 600))
    ]
    assert width[1] < 0.75 * width[0]


def test_groups_that_judge_alike_lie_between_floor_and_ceiling_and_opposed_ones_below() -> None:
    alike = compare.groups(votes_of(replies_of(voted())), IDS, draws=100)
    assert alike["contrast"].unique().to_list() == ["north, south"]
    assert (alike["estimate"] >= alike["floor"]).all()
    flipped = voted().with_columns(
        choice=pl.when((pl.col("group") == "south") & (pl.col("choice") == "wiser")).then(pl.lit("not wiser"))
        .when((pl.col("group") == "south") & (pl.col("choice") == "not wiser")).then(pl.lit("wiser")).otherwise("choice")
    )  # fmt: skip
    apart = compare.groups(votes_of(replies_of(flipped)), IDS, draws=100)
    assert (apart["estimate"] < apart["floor"]).all()
    assert apart["p"].to_list() == [pytest.approx(1 / 101)] * 2
    assert apart.filter(measure="Kendall's tau")["high"].item() < 0


def test_a_small_group_is_left_out_and_counted() -> None:
    few = voted().with_columns(group=pl.when(pl.col("voter") < "voter-0005").then(pl.lit("few")).otherwise("group"))
    found = compare.groups(votes_of(replies_of(few)), IDS, draws=100)
    assert found["contrast"].unique().to_list() == ["north, south"]
    assert found["left_out"].unique().to_list() == [5]


def test_the_order_is_the_pagerank_of_the_kept_edges() -> None:
    replies = replies_of(voted())
    cast = ballots(votes_of(replies), IDS)
    found = ranked(replies, IDS, draws=100).sort("node")
    assert found["pagerank"].to_list() == pagerank(kept(counted(cast))).tolist()
    mixed = replies_of(voted().sample(fraction=1.0, shuffle=True, seed=4))
    assert ranked(mixed, IDS, draws=100).sort("node").equals(found)
