"""The recipe from end to end, and the dossier's acceptance of the exact form: who gains, who pays, and nothing in the null."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from sociolect.align.tilted import at_kl
from sociolect.errors import ModelError, UsageError
from sociolect.report.page import write
from sociolect.systems.aligners.maxmin_rlhf import measure, recipe, reviews
from sociolect.systems.aligners.maxmin_rlhf.align import ARMS, scored
from sociolect.systems.aligners.maxmin_rlhf.elicit import opened
from sociolect.systems.aligners.maxmin_rlhf.load import GROUPS
from sociolect.systems.aligners.maxmin_rlhf.plan import plan
from sociolect.workspace import workspace

HERE = Path(__file__).parent
HOW: dict[str, Any] = {"starts": 3, "rho": -0.6, "null": False, "seed": 0}


def exact(sizes: list[tuple[int, int]], *, runs: int, **changes: Any) -> pl.DataFrame:
    told = {**HOW, "pairs": 25, "groups": 2, "kl": 1.0, **changes}
    return measure.exact(sizes, runs=runs, **told).pivot("arm", index=["setting", "run", "group"], values="win")


def gains(wide: pl.DataFrame, group: str, arm: str = "max-min") -> Any:
    return wide.filter(group=group).select(pl.col(arm) - pl.col("single")).to_series().to_numpy()


def test_the_table_of_the_dossier_comes_back() -> None:
    """Win rates of majority and minority at 40:8 and 25 pairs: .82/.35, .66/.65, .65/.64 over 20 seeds; 8 here, so +- .02."""
    wide = exact([(40, 8)], runs=8)
    mean = wide.group_by("group").agg(pl.col("single", "max-min", "per-sample min").mean()).sort("group")
    assert mean.drop("group").row(0) == pytest.approx((0.82, 0.66, 0.65), abs=0.02)
    assert mean.drop("group").row(1) == pytest.approx((0.35, 0.65, 0.64), abs=0.025)
    gain = gains(wide, "minority")
    assert gain.mean() >= 0.2
    assert gain.min() >= 0.15
    assert gains(wide, "majority").mean() == pytest.approx(-0.16, abs=0.03)


def test_with_as_many_of_each_nobody_gains_and_with_fewer_pairs_groups_are_harder_to_find() -> None:
    """Balanced: within .05 on average (dossier: -.01 over 20 seeds). Five pairs per user: ARI .89 against 1.00."""
    assert abs(gains(exact([(40, 40)], runs=4), "minority").mean()) <= 0.05
    few, many = (
        measure.found([(40, 8)], runs=6, pairs=pairs, most=2, **HOW).filter(measure="adjusted Rand")["value"].to_numpy()
        for pairs in (5, 10)
    )
    assert many.mean() >= 0.9
    assert 0.75 <= few.mean() < 1


def test_where_both_groups_share_a_reward_nothing_is_gained_and_one_reward_is_enough() -> None:
    for group in GROUPS:
        assert np.abs(gains(exact([(40, 8)], runs=4, null=True), group)).max() <= 0.02
    told = measure.found([(40, 8)], runs=4, pairs=25, most=2, **{**HOW, "null": True}).pivot(
        "measure", index="run", values="value"
    )
    apart = told.select(pl.col("log-likelihood, 2") - pl.col("log-likelihood, 1")).to_series().to_numpy()
    assert apart.mean() < 0
    assert apart.max() < 0.01
    alone = exact([(40, 8)], runs=1, null=True, groups=None)
    single = exact([(40, 8)], runs=1, null=True, groups=1)
    assert alone.equals(single)  # held-out likelihood chooses one group


def test_held_out_likelihood_finds_two_groups_and_foretells_the_minority() -> None:
    told = measure.found([(40, 8)], runs=2, pairs=25, most=3, **HOW).group_by("measure").agg(pl.col("value").mean())
    value = dict(told.iter_rows())
    assert value["log-likelihood, 2"] > value["log-likelihood, 1"] + 0.1
    assert value["log-likelihood, 2"] > value["log-likelihood, 3"]
    assert value["accuracy, minority, one reward"] < 0.5
    assert value["accuracy, minority, two rewards"] > 0.8
    assert value["adjusted Rand"] == 1.0
    by_likelihood, two = (exact([(40, 8)], runs=1, groups=groups) for groups in (None, 2))
    assert by_likelihood.equals(two)


def test_a_louder_reward_changes_nothing() -> None:
    """The dossier's trap: the second reward times 10, and the minimum is always the same model's."""
    rng = np.random.default_rng(0)
    single, groups = rng.normal(size=60), rng.normal(size=(2, 60))
    soft, loud = (scored(single, groups * [[1.0], [scale]], at_kl(1.0)) for scale in (1.0, 10.0))
    assert set(soft.scores) == set(ARMS)
    for arm, score in soft.scores.items():
        assert loud.scores[arm] == pytest.approx(score, abs=1e-9)


def test_where_no_bargain_exists_the_arm_is_absent_and_says_why() -> None:
    one = np.random.default_rng(1).normal(size=40)
    told = scored(one, np.stack([one, -one]), at_kl(0.5))
    assert "Nash" not in told.scores
    assert "no bargain" in told.absent["Nash"]


def test_an_empty_review_loses_and_is_counted() -> None:
    worth = reviews.wishes(
        ["a lovely film", "", None, "a slow film"], ["a lovely film", "a slow film", "a witty dark film"]
    )
    assert np.isneginf(worth[:, 1:3]).all()
    assert worth[0, 0] > worth[0, 3]
    assert worth[1, 0] == worth[1, 3]
    said = reviews.examples(2000, films=24, seed=0)["reply"].to_list()
    wish = reviews.wishes(said, said)
    assert (
        -0.75 < float(np.corrcoef(wish[0], wish[1]).ravel()[1]) < -0.5
    )  # praise makes a review longer: the wishes oppose each other
    assert (reviews.wishes(said, said, null=True)[0] == reviews.wishes(said, said, null=True)[1]).all()


@pytest.mark.slow
def test_the_page_prints_the_cost_beside_the_gain_and_every_kl(made: Any) -> None:
    told = made.page.tables
    verdicts = dict(zip(("average", "minority", "majority"), told["claims"]["same sign?"], strict=True))
    assert verdicts["minority"] == "planted: yes"
    assert verdicts["majority"] == "planted: no"
    assert [h.label for h in made.page.headlines] == ["minority gain", "majority cost", "worst-group gain"]
    gain = told["gains"].filter(measure="gain", setting="40:8", arm="max-min")
    assert dict(zip(gain["group"], gain["estimate"], strict=True))["majority"] < -0.1
    assert (told["kl"]["kl_most"] - 1).abs().to_numpy().max() < 1e-6
    worst = told["fared"].filter(measure="worst group", setting="40:8")
    floor, ceiling = 0.5, worst.filter(arm="true max-min")["estimate"][0]
    assert (
        worst.filter(arm="single")["estimate"][0] < floor < worst.filter(arm="max-min")["estimate"][0] <= ceiling + 0.03
    )
    balanced = told["gains"].filter(measure="gain", setting="40:40", arm="max-min", group="minority")
    assert abs(balanced["estimate"][0]) <= 0.05


@pytest.mark.slow
def test_a_language_model_shows_the_same_at_half_the_threshold(made: Any) -> None:
    told = made.page.tables
    row = told["spoken"].filter(measure="gain", arm="max-min", group="minority").row(0, named=True)
    assert row["low"] > 0
    assert row["estimate"] >= 0.1
    assert row["n"] == 8  # films that nobody judged
    attrition = told["attrition"]
    assert attrition["asked"].to_list() == [16] * attrition.height
    assert set(attrition["arm"]) <= set(ARMS)
    learned = pl.read_parquet(made.folder / "steps/review_rewards/frame.parquet")
    members = learned.filter(pl.col("reward").str.starts_with("group"))["members"].to_list()
    assert [set(m) for m in members] == [{f"user{i:04d}" for i in range(40)}, {f"user{i:04d}" for i in range(40, 48)}]
    assert {"practised", "polis"}.isdisjoint(told)


def test_every_fault_of_a_call_is_said_at_once_and_full_says_what_it_needs(tmp_path: Path) -> None:
    with workspace(tmp_path / "w", system="maxmin_rlhf", keywords={}) as work:
        with pytest.raises(
            UsageError, match=r"--n 0: 1 or more are due; --models judge: .*; --size full .* --models base=hf/"
        ):
            recipe.run(work, size="full", n=0, models={"judge": "scripted/echo"})
        with pytest.raises(UsageError, match="--rate 0: above 0 is due; --rate is that of practice, which --size tiny"):
            recipe.run(work, rate=0.0)
        with pytest.raises(UsageError, match="majority=0"):
            recipe.run(work, majority=0)
    with pytest.raises(ModelError, match="no weights here"):
        opened(("scripted/echo", []))


def test_a_plan_says_what_the_recipe_asks(made: Any) -> None:
    told = plan()
    assert told.calls.select("step", "calls").rows() == [("reference", 384), ("best_of_n", 256)]
    assert pl.read_parquet(made.folder / "steps/reference/frame.parquet").height == 384
    with closing(sqlite3.connect(made.folder / "journal.sqlite")) as book:  # all arms choose among the same draws
        assert book.execute("SELECT COUNT(*) FROM calls").fetchone() == (384 + 256,)
    assert pl.read_parquet(made.folder / "steps/best_of_n/frame.parquet")["community"].n_unique() == len(ARMS)
    assert plan(size="small").training.height == 4
    assert plan(runs=20).comparisons["detectable"][0] < plan().comparisons["detectable"][0]


@pytest.mark.slow
def test_keywords_reach_the_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: Any) -> None:
    """One run with everything else: other sizes, KL, n, groups by likelihood, a base of one's own, practice, and votes."""
    monkeypatch.setitem(recipe.SIZES, "tiny", recipe.SIZES["tiny"]._replace(draws=8, said=1, films=8, steps=8))
    monkeypatch.setattr(recipe, "PRACTISED", ("single", "max-min"))
    base = made.folder / "steps/base"
    votes(tmp_path / "talk")
    with workspace(tmp_path / "w", system="maxmin_rlhf", keywords={}) as work:
        page = recipe.run(work, majority=20, minority=(5,), pairs=12, groups=None, rho=-0.3, kl=0.02, n=4, runs=2, starts=2, models={"base": f"hf/{base}"}, rate=3e-4, votes=tmp_path / "talk", seed=3)  # fmt: skip
        write(page, tmp_path / "w/report.html")
    told = page.tables
    assert set(told["fared"]["setting"]) == {"20:5"}
    assert told["kl"]["kl_most"].to_numpy().max() == pytest.approx(0.02, abs=1e-6)
    assert set(told["spoken"]["setting"]) == {"best of 4", "policy gradient"}
    assert told["practised"]["kl"].to_numpy() == pytest.approx([0.02] * 2, abs=0.006)
    assert "polis" in told


def votes(folder: Path, people: int = 120, statements: int = 16, seed: int = 0) -> None:
    """A conversation of two camps, a third of the people in one: each agrees with its half of the statements, all with the last four."""
    folder.mkdir()
    rng = np.random.default_rng(seed)
    camp = np.arange(people) % 3 == 0
    likes = np.where(np.arange(statements) < 6, 0.9, 0.1)
    chance = np.where(camp[:, None], 1 - likes, likes)
    chance[:, -4:] = 0.85
    vote = np.where(rng.random(chance.shape) < chance, 1, -1)
    seen = rng.random(chance.shape) < 0.7
    said = {
        str(s): [str(v) if k else None for v, k in zip(vote[:, s], seen[:, s], strict=True)] for s in range(statements)
    }
    head = {"participant": [str(i) for i in range(people)], "group-id": [str(int(c)) for c in camp]}
    pl.DataFrame({**head, "n-votes": seen.sum(1), **said}).write_csv(folder / "participants-votes.csv")
