import numpy as np
import polars as pl
import pytest

from sociolect import frames
from sociolect.compare.differences import differences, means
from sociolect.errors import InputError, RefusedError, UsageError


def world(
    seed: int,
    *,
    effect: float = 0.0,
    topics: int = 9,
    templates: int = 20,
    wording: float = 0.4,
    community: str = "red",
    measure: str = "tone",
) -> pl.DataFrame:
    """Two arms asked the same items: topics and templates shift both arms, and each arm's difference a little."""
    rng = np.random.default_rng(seed)
    t, u = (x.ravel() for x in np.meshgrid(np.arange(topics), np.arange(templates), indexing="ij"))
    shared = rng.normal(0, 2, topics)[t] + rng.normal(0, 2, templates)[u]
    apart = effect + rng.normal(0, 0.4, topics)[t] + rng.normal(0, wording, templates)[u]
    arms = []
    for arm, shift in (("aligned", apart), ("in_context", np.zeros(t.size))):
        arms.append(pl.DataFrame({
            "speaker": arm, "source": "model", "community": community, "item": [f"{a}-{b}" for a, b in zip(t, u, strict=True)],
            "condition": arm, "draw": 0, "turn": 0, "measure": measure, "value": shared + shift + rng.normal(0, 0.5, t.size),
            "topic": [f"t{a}" for a in t], "template": [f"u{b}" for b in u],
        }))  # fmt: skip
    return pl.concat(arms).with_columns(pl.col("draw", "turn").cast(pl.Int64))


def test_estimate_is_the_paired_mean_and_row_order_changes_no_byte() -> None:
    scores = frames.scores(world(1, effect=1))
    wide = scores.pivot("condition", index="item", values="value")
    found = differences(scores, draws=500)
    assert found["estimate"][0] == pytest.approx((wide["aligned"] - wide["in_context"]).mean(), abs=1e-12)
    assert found["low"][0] < found["estimate"][0] < found["high"][0]
    assert found.row(0, named=True) | {"n": 180, "left_out": 0, "clusters": 9} == found.row(0, named=True)
    assert found["method"][0] == "paired, pigeonhole bootstrap; few clusters (9 < 10)"
    shuffled = frames.scores(scores.sample(fraction=1, shuffle=True, seed=3))
    assert differences(shuffled, draws=500).equals(found)


@pytest.mark.parametrize(("topics", "clusters"), [(9, ("topic", "template")), (20, ("topic",))])
def test_planted_effect_is_covered_and_the_null_is_kept(topics: int, clusters: tuple[str, ...]) -> None:
    covered, claimed, worlds = 0, 0, 120
    for seed in range(worlds):
        wording = 0.4 if "template" in clusters else 0.0
        planted = world(seed, effect=0.8, topics=topics, templates=180 // topics, wording=wording)
        row = differences(frames.scores(planted), clusters=clusters, draws=400, seed=seed).row(0, named=True)
        covered += row["low"] < 0.8 < row["high"]
        null = planted.with_columns(value=pl.col("value") - 0.8 * (pl.col("condition") == "aligned"))
        claimed += differences(frames.scores(null), clusters=clusters, draws=400, seed=seed)["p"][0] < 0.05
    assert covered / worlds >= 0.92
    assert claimed / worlds <= 0.07


def test_left_out_counts_nulls_and_rows_without_a_partner() -> None:
    scores = world(2).with_row_index("i")
    nulls = pl.when(pl.col("i") < 3).then(None).otherwise("value").alias("value")
    found = differences(frames.scores(scores.with_columns(nulls).filter(pl.col("i") != 350).drop("i")), draws=200)
    # three nulls and their three partners, and the partner of the row that is gone
    assert found.select("n", "left_out").row(0) == (176, 7)


def test_groups_are_named_and_adjusted_as_one_family() -> None:
    parts = [
        world(i, effect=i, community=c, measure=m)
        for i, (c, m) in enumerate([("red", "joy"), ("blue", "joy"), ("red", "fear")])
    ]
    found = differences(frames.scores(pl.concat(parts)), by=("measure", "community"), draws=300)
    assert found["contrast"].to_list() == [f"aligned - in_context in {c}" for c in ("red", "blue", "red")]
    assert found["measure"].to_list() == ["fear", "joy", "joy"]
    assert found["community"].to_list() == ["red", "blue", "red"]
    assert found["p_adjusted"].max() == found["p"].max()
    assert found["p_adjusted"].min() == pytest.approx(found["p"].to_numpy().min() * 3)


def test_what_does_not_pair_is_compared_unpaired_and_says_so() -> None:
    rng = np.random.default_rng(3)
    speakers = np.repeat(np.arange(60), 4)
    people = pl.DataFrame({
        "speaker": [f"p{i}" for i in speakers], "source": "human", "community": "red", "item": [f"post{i}" for i in range(240)],
        "condition": np.where(speakers < 30, "before", "after"), "draw": 0, "turn": 0, "measure": "tone",
        "value": rng.normal(0, 1, 60)[speakers] + (speakers < 30) * 3.0,
    }).with_columns(pl.col("draw", "turn").cast(pl.Int64))  # fmt: skip
    found = differences(frames.scores(people), between=("before", "after"), draws=500).row(0, named=True)
    assert found["method"].startswith("unpaired, cluster bootstrap")
    assert (found["n"], found["left_out"], found["clusters"]) == (240, 0, 60)
    assert found["low"] < 3 < found["high"]
    halves = [people.filter(condition=c)["value"].mean() for c in ("before", "after")]
    assert found["estimate"] == pytest.approx(halves[0] - halves[1])  # type: ignore[operator]  # means of floats
    both = frames.scores(pl.concat([people, world(1)], how="diagonal"))
    mixed = differences(both, between=("aligned", "before"), draws=300).row(0, named=True)
    assert mixed["method"].startswith("unpaired, pigeonhole")
    assert mixed["n"] == 180 + 120


def test_people_asked_twice_pair_with_themselves() -> None:
    rng = np.random.default_rng(4)
    base = rng.normal(0, 5, 40)
    rows = [
        (f"p{i}", "human", "red", "q", arm, 0, 0, "tone", base[i] + (arm == "after") + rng.normal(0, 0.1))
        for i in range(40) for arm in ("before", "after")
    ]  # fmt: skip
    scores = frames.scores(pl.DataFrame(rows, schema=[*frames.KEYS, "measure", "value"], orient="row"))
    found = differences(scores, between=("after", "before"), draws=300).row(0, named=True)
    assert found["method"].startswith("paired, cluster")
    assert (found["n"], found["clusters"]) == (40, 40)
    assert found["high"] - found["low"] < 0.2


def test_means_cover_and_count() -> None:
    found = means(frames.scores(world(5)), draws=300)
    assert found["contrast"].to_list() == ["aligned", "in_context"]
    assert (found["low"] < found["estimate"]).all()
    assert "p" not in found.columns
    weighted = frames.scores(world(5).with_columns(weight=pl.when(pl.col("topic") == "t0").then(1.0).otherwise(1e-12)))
    due = world(5).filter(pl.col("topic") == "t0", pl.col("condition") == "aligned")["value"].mean()
    assert means(weighted, weight="weight", draws=300)["estimate"][0] == pytest.approx(due, abs=1e-6)


def test_refused() -> None:
    scores = frames.scores(world(1))
    with pytest.raises(InputError, match="no rows of base in 'condition'; there are: aligned, in_context"):
        differences(scores, between=("aligned", "base"))
    with pytest.raises(InputError, match="no column 'author'"):
        differences(scores, clusters=("author",))
    with pytest.raises(UsageError, match="2 measures would be pooled"):
        differences(frames.scores(pl.concat([world(1), world(1, measure="joy")])), by=("community",))
    with pytest.raises(UsageError, match="cannot group them too"):
        differences(scores, by=("measure", "condition"))
    one = frames.scores(world(1).with_columns(topic=pl.lit("t0")))
    with pytest.raises(RefusedError, match="one cluster in all"):
        differences(one, clusters=("topic",))
    with pytest.raises(RefusedError, match="no scores"):
        means(frames.scores(world(1).clear()))
