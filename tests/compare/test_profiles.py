import numpy as np
import polars as pl
import pytest

from sociolect import frames
from sociolect.compare.distances import jensen_shannon, kolmogorov_smirnov, wasserstein
from sociolect.compare.fidelity import fidelity, normalised
from sociolect.compare.profiles import profiles
from sociolect.errors import InputError, RefusedError
from sociolect.frames import Scores

FEELINGS = ["anger", "fear", "joy", "trust"]
TRUE = {"red": np.array([0.6, 0.2, 0.1, 0.1]), "blue": np.array([0.1, 0.1, 0.3, 0.5])}
POOLED = (TRUE["red"] + TRUE["blue"]) / 2


def world(seed: int, *, people: int = 40, topics: int = 9, templates: int = 10, sharp: float = 1.0) -> Scores:
    """`aligned` feels as its community does, `in_context` half so, `shuffled` as all do; toxicity goes with anger."""
    rng = np.random.default_rng(seed)
    parts = []
    for community, own in TRUE.items():
        crisp = own**sharp / (own**sharp).sum()
        for arm, mix in (("aligned", crisp), ("in_context", (own + POOLED) / 2), ("shuffled", POOLED), ("human", own)):
            if arm == "human":
                unit = np.repeat(np.arange(people), 5)
                shift = rng.normal(0, 0.3, (people, 4))[unit]
                key = {"speaker": [f"{community}{i}" for i in unit], "item": [f"p{i}" for i in range(unit.size)]}
                topic, template = None, None
                half = np.where(unit % 2, "a", "b").tolist()
            else:
                t, u = (x.ravel() for x in np.meshgrid(np.arange(topics), np.arange(templates), indexing="ij"))
                shift = rng.normal(0, 0.2, (topics, 4))[t] + rng.normal(0, 0.1, (templates, 4))[u]
                key = {"speaker": [arm] * t.size, "item": [f"{a}-{b}" for a, b in zip(t, u, strict=True)]}
                topic, template, half = [f"t{i}" for i in t], [f"u{i}" for i in u], [None] * t.size
            raw = mix * np.exp(shift + rng.normal(0, 0.5, shift.shape))
            felt = raw / raw.sum(1, keepdims=True)
            wide = pl.DataFrame({
                **key, "source": "human" if arm == "human" else "model", "community": community, "condition": arm,
                "draw": 0, "turn": 0, "topic": pl.Series(topic or [None] * len(felt), dtype=pl.String),
                "template": pl.Series(template or [None] * len(felt), dtype=pl.String), "half": pl.Series(half, dtype=pl.String),
                **{f"emotion:{f}": felt[:, i] for i, f in enumerate(FEELINGS)}, "toxicity": felt[:, 0] ** 2,
            })  # fmt: skip
            index = [c for c in wide.columns if c != "toxicity" and not c.startswith("emotion")]
            parts.append(wide.unpivot(index=index, variable_name="measure"))
    return frames.scores(pl.concat(parts).with_columns(pl.col("draw", "turn").cast(pl.Int64)))


def test_estimates_are_the_distances_and_row_order_changes_no_byte() -> None:
    scores = world(1)
    found = profiles(scores, draws=300)
    assert found.select(pl.len(), pl.col("contrast").n_unique()).row(0) == (27, 9)
    one = found.filter(measure="toxicity", contrast="aligned in red")
    red = scores.filter(community="red", measure="toxicity")
    arm, b = (red.filter(pl.col(c) == v)["value"].to_numpy() for c, v in (("condition", "aligned"), ("half", "b")))
    assert (one["n"][0], one["left_out"][0]) == (90, 0)  # 90 replies per arm, 100 posts per half
    assert one["estimate"][0] == pytest.approx(1 - wasserstein(arm, b), abs=1e-12)
    largest = found.filter(measure="toxicity ks", contrast="aligned in red")["estimate"][0]
    assert largest == pytest.approx(1 - kolmogorov_smirnov(arm, b), abs=1e-12)
    profile = [
        np.array([rows.filter(measure=f"emotion:{f}")["value"].sum() for f in FEELINGS])
        for rows in (scores.filter(community="red", condition="aligned"), scores.filter(community="red", half="b"))
    ]
    due = 1 - jensen_shannon(profile[0] / profile[0].sum(), profile[1] / profile[1].sum())
    assert found.filter(measure="emotion", contrast="aligned in red")["estimate"][0] == pytest.approx(due, abs=1e-12)
    by = found.filter(pl.col("community").is_not_null(), measure="emotion").filter(
        pl.col("contrast").str.starts_with("aligned in")
    )
    assert found.filter(measure="emotion", contrast="aligned")["estimate"][0] == pytest.approx(
        by["estimate"].to_numpy().mean()
    )
    assert profiles(frames.scores(scores.sample(fraction=1, shuffle=True, seed=2)), draws=300).equals(found)


def test_planted_order_floor_ceiling_and_caricature() -> None:
    found = {(r["measure"], r["contrast"]): r for r in profiles(world(2), draws=500).iter_rows(named=True)}
    for measure in ("emotion", "toxicity"):
        one, two = found[measure, "aligned"], found[measure, "in_context"]
        assert one["floor"] < two["estimate"] < one["estimate"]
        assert one["low"] <= one["ceiling_high"]
        assert one["floor"] == two["floor"]
        assert one["normalised"] == pytest.approx((one["estimate"] - one["floor"]) / (one["ceiling"] - one["floor"]))
        assert one["flag"] is None
    assert found["emotion", "aligned - in_context"]["p_adjusted"] < 0.05
    assert found["emotion", "aligned - in_context"]["low"] > 0
    assert found["emotion", "aligned"]["normalised"] > 0.7


def test_intervals_cover_what_is_expected_at_this_n() -> None:
    """The truth is the mean over worlds: distances of samples lie above the distance of what they were drawn from."""
    wanted = pl.col("contrast").is_in(["aligned in red", "aligned", "aligned - in_context"])
    rows = [profiles(world(100 + s), draws=250, seed=s).filter(wanted) for s in range(60)]
    pooled = pl.concat(rows)
    truth = pl.col("estimate").mean().over("measure", "contrast")
    inside = (pl.col("low") < truth) & (truth < pl.col("high"))
    covered = pooled.with_columns(inside=inside).group_by("measure", "contrast").agg(pl.col("inside").mean())
    assert covered["inside"].to_numpy().min() >= 0.88
    assert covered["inside"].to_numpy().mean() >= 0.93
    # the plain percentiles, not centred, would sit beside the estimate: this is why they are not used
    assert (pooled["low"] < pooled["estimate"]).all()


def test_equal_n_by_seed() -> None:
    scores = world(3)
    fewer = frames.scores(scores.filter(~((pl.col("condition") == "aligned") & (pl.col("topic") == "t0"))))
    found = profiles(fewer, draws=200)
    assert found.filter(contrast="aligned in red").select("n", "left_out").unique().row(0) == (80, 0)
    assert found.filter(contrast="in_context in red").select("n", "left_out").unique().row(0) == (80, 10)
    assert profiles(fewer, draws=200, seed=1)["estimate"].to_list() != found["estimate"].to_list()


def test_fidelity_flags_and_nulls() -> None:
    noise = np.random.default_rng(1).normal(0, 0.02, (1000, 3, 4))
    at = np.array([[0.6, 0.9, 0.21, 0.3], [0.2, 0.2, 0.2, 0.5], [0.7, 0.7, 0.7, 0.5]])
    found = fidelity(at, at + noise, n=100, clusters=30)
    assert found.flags == (None, "caricature", "at floor", "no room")
    assert np.isnan(found.normalised.estimate).tolist() == [False, False, False, True]
    shifted = fidelity(at, at + noise - 0.1, n=100, clusters=30, centre=True)
    np.testing.assert_allclose(shifted.value.low, fidelity(at, at + noise, n=100, clusters=30, centre=True).value.low)
    assert (normalised(0.45, 0.2, 0.7), normalised(0.3, 0.5, 0.5), normalised(None, 0, 1)) == (0.5, None, None)


def test_refused() -> None:
    scores = world(1)
    with pytest.raises(InputError, match="column 'half' is missing"):
        profiles(frames.scores(scores.drop("half")))
    with pytest.raises(InputError, match="80 speakers of 'human' have a 'half'"):
        profiles(frames.scores(scores.with_columns(half=pl.lit("c"))))
    by_post = pl.when(pl.col("item").str.ends_with("1")).then(pl.lit("a")).otherwise(pl.lit("b"))
    with pytest.raises(InputError, match="speakers stand in both halves"):
        profiles(frames.scores(scores.with_columns(half=by_post)))
    with pytest.raises(InputError, match=r"pairs=\(\)"):
        profiles(scores, arms=["aligned"])
    with pytest.raises(RefusedError, match="seen: 0 of 'a' in 'red'"):
        profiles(
            frames.scores(scores.filter(~((pl.col("community") == "red") & (pl.col("half") == "a").fill_null(False))))
        )
    with pytest.raises(RefusedError, match="one cluster only"):
        profiles(frames.scores(scores.with_columns(topic=pl.lit("t0"))))
    with pytest.raises(InputError, match="no measure begins with"):
        profiles(frames.scores(scores.with_columns(measure=pl.lit("x")).unique([*frames.KEYS, "measure"])))
