"""Planted: an arm whose values rise with exposure, beside one whose values do not."""

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import accuracy_score, f1_score

from sociolect import frames
from sociolect.compare.strata import by_stratum, cut, f1_by_stratum
from sociolect.errors import InputError, RefusedError, UsageError
from sociolect.frames import Scores

COMMUNITIES = ["blue", "green", "red"]


def exposed(seed: int, topics: int = 12, *, alike: bool = True) -> pl.DataFrame:
    """How much of each topic each community's training set holds: alike for all, or in an order of each one's own."""
    rng = np.random.default_rng(seed)
    share = np.stack([rng.permutation(topics) + 1.0] * 3) if alike else rng.random((3, topics))
    rows = [(c, f"t{i:02}", share[k, i] / topics) for k, c in enumerate(COMMUNITIES) for i in range(topics)]
    return pl.DataFrame(rows, schema=["community", "topic", "share"], orient="row")


def world(seed: int, strata: pl.DataFrame, slope: dict[str, float], *, templates: int = 10) -> Scores:
    """Topics are hard or easy for all arms, and a little for each; templates shift all; values rise by `slope` a stratum."""
    rng = np.random.default_rng(seed)
    cells = strata.sort("topic").join(pl.DataFrame({"u": np.arange(templates)}), how="cross")
    topic, u = cells["topic"].rank("dense").to_numpy() - 1, cells["u"].to_numpy()
    ease = rng.normal(0, 0.5, topic.max() + 1)[topic] + rng.normal(0, 0.3, templates)[u]
    parts = [
        cells.select(
            "community", "topic", item=pl.col("topic") + pl.format(" {}", "u"), template=pl.format("u{}", "u"),
            speaker=pl.lit(arm), source=pl.lit("model"), condition=pl.lit(arm), measure=pl.lit("tone"),
            draw=pl.lit(0, pl.Int64), turn=pl.lit(0, pl.Int64),
            value=pl.Series(ease + rng.normal(0, 0.3, topic.max() + 1)[topic] + rng.normal(0, 0.5, u.size))
            + rise * pl.col("stratum"),
        )
        for arm, rise in slope.items()
    ]  # fmt: skip
    return frames.scores(pl.concat(parts))


def test_each_community_s_topics_are_cut_into_thirds_and_ties_stay_together() -> None:
    made = cut(exposed(1, 9, alike=False))
    assert made.group_by("community", "stratum").len()["len"].to_list() == [3] * 9
    highest = made.group_by("community", "stratum").agg(low=pl.col("exposure").min(), high=pl.col("exposure").max())
    for (_,), part in highest.sort("stratum").partition_by("community", as_dict=True).items():
        assert part["high"].to_list()[:2] < part["low"].to_list()[1:]
    tied = pl.DataFrame({"community": "a", "topic": list("tuvwxy"), "share": [0.0, 0.0, 0.0, 0.1, 0.2, 0.3]})
    assert cut(tied, parts=2)["stratum"].to_list() == [1, 1, 1, 2, 2, 2]
    assert cut(tied.reverse()).equals(cut(tied))
    assert cut(tied)["stratum"].to_list() == [1, 1, 1, 2, 3, 3]


def test_means_slopes_and_counts_are_those_of_the_rows() -> None:
    strata = cut(exposed(1, alike=False))
    scores = world(1, strata, {"aligned": 0.3, "base": 0.0})
    found = by_stratum(scores, strata, pairs=[("aligned", "base")], draws=200)
    told = scores.join(strata, on=["community", "topic"])
    means = [told.filter(condition="aligned", stratum=s)["value"].mean() for s in (1, 2, 3)]
    aligned = found.filter(arm="aligned")
    assert aligned["estimate"].to_list()[:3] == pytest.approx(means, abs=1e-12)
    assert aligned["estimate"][3] == pytest.approx(np.polyfit([1, 2, 3], np.array(means, dtype=float), 1)[0], abs=1e-12)
    assert aligned["n"].to_list() == [120, 120, 120, 360]
    assert aligned["contrast"].to_list() == [*(f"aligned, stratum {s}" for s in (1, 2, 3)), "aligned, slope"]
    assert aligned["stratum"].to_list() == [1, 2, 3, None]
    due = strata.filter(stratum=2)["exposure"].mean()
    assert aligned["exposure"].to_list()[1] == pytest.approx(due)
    gap = found.filter(arm="aligned - base")["estimate"] - aligned["estimate"] + found.filter(arm="base")["estimate"]
    assert gap.to_list() == pytest.approx([0.0] * 4, abs=1e-12)
    assert found.filter(pl.col("p").is_null())["stratum"].null_count() == 0  # every slope is tested
    turned = frames.scores(scores.sample(fraction=1, shuffle=True, seed=3))
    assert by_stratum(turned, strata.reverse(), pairs=[("aligned", "base")], draws=200).equals(found)


@pytest.mark.parametrize("alike", [True, False])
def test_planted_trends_are_covered_and_the_null_claims_none(alike: bool) -> None:
    covered, claimed, worlds = np.zeros(3), 0, 60
    for seed in range(worlds):
        strata = cut(exposed(seed, alike=alike))
        scores = world(seed, strata, {"aligned": 0.4, "base": 0.0})
        found = by_stratum(scores, strata, pairs=[("aligned", "base")], draws=300, seed=seed)
        rows = {r["arm"]: r for r in found.filter(pl.col("stratum").is_null()).iter_rows(named=True)}
        covered += [rows[arm]["low"] < truth < rows[arm]["high"] for arm, truth in (("aligned", 0.4), ("base", 0.0), ("aligned - base", 0.4))]  # fmt: skip
        claimed += rows["base"]["p"] < 0.05
    assert (covered / worlds >= 0.9).all()  # 95 due: 60 worlds fall below 90 one time in 20
    assert claimed / worlds <= 0.1


def test_a_planted_trend_is_found_and_a_pair_is_free_of_what_both_share() -> None:
    strata = cut(exposed(5))
    found = by_stratum(
        world(5, strata, {"aligned": 1.4, "base": 1.0, "flat": 0.0}), strata, pairs=[("aligned", "base")]
    )
    slope = {r["arm"]: r for r in found.filter(pl.col("stratum").is_null()).iter_rows(named=True)}
    assert slope["base"]["low"] > 0  # topics taught more are easier for all here
    assert slope["aligned"]["low"] > 0
    assert slope["aligned - base"]["low"] < 0.4 < slope["aligned - base"]["high"]
    assert (
        slope["aligned - base"]["high"] - slope["aligned - base"]["low"] < slope["base"]["high"] - slope["base"]["low"]
    )


def _verdicts(seed: int, strata: pl.DataFrame, skill: dict[int, float]) -> Scores:
    """A classifier that knows the community with a chance that goes by stratum, and guesses else."""
    rng = np.random.default_rng(seed)
    scores = world(seed, strata, {"aligned": 0.0}, templates=20).join(strata, on=["community", "topic"])
    knows = rng.random(scores.height) < np.array([skill[s] for s in scores["stratum"]])
    label = np.where(knows, scores["community"].to_numpy(), rng.choice(COMMUNITIES, scores.height))
    made = scores.drop("stratum", "exposure").with_columns(
        measure=pl.lit("origin"), label=pl.Series(label, dtype=pl.String)
    )
    return frames.scores(made)


def test_f1_in_each_stratum_is_scikit_learns_and_its_trend_is_found() -> None:
    strata = cut(exposed(2, alike=False))
    scores = _verdicts(2, strata, {1: 0.2, 2: 0.5, 3: 0.8})
    found = f1_by_stratum(scores, strata, labels=COMMUNITIES, draws=400)
    told = scores.join(strata, on=["community", "topic"])
    for s in (1, 2, 3):
        part = told.filter(stratum=s)
        row = {r["measure"]: r["estimate"] for r in found.filter(stratum=s).iter_rows(named=True)}
        assert row["macro_f1"] == pytest.approx(f1_score(part["community"], part["label"], average="macro"), abs=1e-12)
        assert row["weighted_f1"] == pytest.approx(
            f1_score(part["community"], part["label"], average="weighted"), abs=1e-12
        )
        assert row["accuracy"] == pytest.approx(accuracy_score(part["community"], part["label"]), abs=1e-12)
    slope = found.filter(measure="accuracy", contrast="aligned, slope").row(0, named=True)
    assert 0 < slope["low"] < 0.3 * 2 / 3 < slope["high"]  # knowing .3 more, where a guess is right one time in 3
    flat = f1_by_stratum(_verdicts(3, strata, dict.fromkeys((1, 2, 3), 0.5)), strata, labels=COMMUNITIES, draws=400)
    null = flat.filter(measure="macro_f1", contrast="aligned, slope").row(0, named=True)
    assert null["low"] < 0 < null["high"]


def test_people_are_drawn_by_speaker_and_rows_without_a_stratum_are_counted() -> None:
    strata = cut(exposed(1))
    rng, rows = np.random.default_rng(1), []
    topics = [*strata["topic"].unique().sort(), None]
    for i in range(400):
        rows.append((f"p{i % 80}", "human", COMMUNITIES[i % 80 % 3], str(i), "human", 0, 0, "tone", None if i < 7 else rng.normal(), topics[i % 13]))  # fmt: skip
    people = frames.scores(pl.DataFrame(rows, schema=[*frames.KEYS, "measure", "value", "topic"], orient="row"))
    found = by_stratum(people, strata, draws=200)
    gone = sum(i < 7 or i % 13 == 12 for i in range(400))
    assert found["left_out"].unique().to_list() == [gone]
    assert found["n"].to_list()[3] == 400 - gone
    assert found["clusters"].to_list()[3] == 80
    both = frames.scores(pl.concat([people, world(1, strata, {"aligned": 0.0})], how="diagonal"))
    assert by_stratum(both, strata, draws=200).filter(arm="human")["estimate"].to_list() == pytest.approx(
        found["estimate"].to_list()
    )


def test_refused() -> None:
    strata = cut(exposed(1))
    scores = world(1, strata, {"aligned": 0.0})
    one = strata.filter((pl.col("stratum") > 1) | (pl.col("topic") == strata.filter(stratum=1)["topic"][0]))
    with pytest.raises(RefusedError, match="^'aligned' has 1 topic in stratum 1: two or more are due.*fewer strata$"):
        by_stratum(scores, one)
    with pytest.raises(RefusedError, match="'aligned' has no row in stratum 9"):
        by_stratum(scores, strata.with_columns(stratum=pl.when(pl.col("topic") == "t00").then(9).otherwise("stratum"), topic=pl.when(pl.col("topic") == "t00").then(pl.lit("x")).otherwise("topic")))  # fmt: skip
    with pytest.raises(InputError, match="36 rows of the strata repeat their community, topic; .*no scores of base"):
        by_stratum(scores, pl.concat([strata, strata]), arms=["base"])
    with pytest.raises(InputError, match="the strata have no column 'stratum'; the scores have no column 'topic'"):
        by_stratum(frames.scores(scores.drop("topic")), strata.drop("stratum"))
    with pytest.raises(InputError, match="pairs name base; the arms are: aligned"):
        by_stratum(scores, strata, pairs=[("aligned", "base")])
    with pytest.raises(InputError, match="no column 'label'"):
        f1_by_stratum(scores, strata, labels=COMMUNITIES)
    with pytest.raises(RefusedError, match="stratum 1, 3 of 3 is empty"):
        cut(pl.DataFrame({"community": "a", "topic": ["t", "u"], "share": [0.1, 0.1]}))
    with pytest.raises(UsageError, match="parts=1"):
        cut(exposed(1), parts=1)
    with pytest.raises(InputError, match="1 exposures are null"):
        cut(pl.DataFrame({"community": "a", "topic": ["t", "u"], "share": [0.1, None]}))
