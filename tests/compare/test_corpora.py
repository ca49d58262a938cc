"""Planted: `aligned` is drawn as its community's people are, `in_context` half so, `shuffled` as all are."""

import numpy as np
import polars as pl
import pytest

from sociolect import frames
from sociolect.compare.corpora import ALL, DISTANCES, TESTED, corpora
from sociolect.compare.frechet import frechet
from sociolect.compare.kernels import kid
from sociolect.compare.manifold import manifold
from sociolect.errors import FrameError, InputError, RefusedError, UsageError
from sociolect.frames import Vectors

COMMUNITIES = ("blue", "red")


def world(
    seed: int,
    *,
    gap: float = 4.0,
    tight: float = 1.0,
    people: int = 40,
    topics: int = 9,
    templates: int = 6,
    d: int = 6,
) -> Vectors:
    rng, parts = np.random.default_rng(seed), []
    pooled = np.eye(d)[:2].mean(0) * gap
    for k, c in enumerate(COMMUNITIES):
        own = np.eye(d)[k] * gap
        for arm, centre in (("aligned", own), ("in_context", (own + pooled) / 2), ("shuffled", pooled), ("human", own)):
            if arm == "human":
                unit = np.repeat(np.arange(people), 3)
                shift = rng.normal(0, 0.4, (people, d))[unit]
                key = {"speaker": [f"{c}{i}" for i in unit], "item": [f"p{i}" for i in range(unit.size)]}
                topic, template, half = None, None, np.where(unit % 2, "a", "b").tolist()
            else:
                t, u = (v.ravel() for v in np.meshgrid(np.arange(topics), np.arange(templates), indexing="ij"))
                shift = rng.normal(0, 0.3, (topics, d))[t] + rng.normal(0, 0.2, (templates, d))[u]
                key = {"speaker": [arm] * t.size, "item": [f"{a}-{b}" for a, b in zip(t, u, strict=True)]}
                topic, template, half = [f"t{i}" for i in t], [f"u{i}" for i in u], None
            x = centre + (shift + rng.normal(size=shift.shape)) * (tight if arm == "aligned" else 1.0)
            rows = pl.DataFrame(key).with_columns(
                pl.Series("topic", topic or [None] * len(x), dtype=pl.String),
                pl.Series("template", template or [None] * len(x), dtype=pl.String),
                pl.Series("half", half or [None] * len(x), dtype=pl.String),
                pl.Series("vector", x, dtype=pl.Array(pl.Float64, d)).arr.to_list(),
                source=pl.lit("human" if arm == "human" else "model"), community=pl.lit(c), condition=pl.lit(arm),
                space=pl.lit("planted"), draw=pl.lit(0, pl.Int64), turn=pl.lit(0, pl.Int64),
            )  # fmt: skip
            parts.append(rows)
    return frames.vectors(pl.concat(parts))


def array(vectors: pl.DataFrame) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.array(vectors["vector"].to_list())


def test_estimates_are_the_distances_to_half_b_at_one_n_and_row_order_changes_no_byte() -> None:
    made = world(1)
    found = corpora(made, permutations=19, draws=200)
    assert found.height == len(ALL) * 3 * 3  # two arms and a pair, in two communities and on the mean
    one = {r["measure"]: r for r in found.filter(contrast="aligned in red").iter_rows(named=True)}
    # 54 replies per arm and 60 posts per half: the arm is whole, half "b" is cut
    assert {r["n"] for r in one.values()} == {54}
    assert found.filter(contrast="aligned")["n"].unique().to_list() == [108]
    fewer = frames.vectors(
        made.filter(
            ~((pl.col("half") == "b").fill_null(value=False) & pl.col("item").is_in([f"p{i}" for i in range(0, 36, 6)]))
        )
    )
    even = corpora(fewer, permutations=19, draws=200).filter(contrast="aligned in red")
    red = fewer.filter(pl.col("community") == "red")
    b, aligned = red.filter(pl.col("half") == "b"), red.filter(condition="aligned")
    assert b.height == aligned.height == even["n"][0] == 54
    held = dict(even.select("measure", "estimate").iter_rows())
    assert held["frechet"] == pytest.approx(frechet(array(aligned), array(b)), rel=1e-9)
    assert held["kid"] == pytest.approx(kid(array(aligned), array(b)), rel=1e-9)
    assert held["density"] == pytest.approx(manifold(array(aligned), array(b)).density)
    mean = found.filter(contrast="aligned", measure="kid")["estimate"][0]
    both = found.filter(pl.col("contrast").is_in(["aligned in red", "aligned in blue"]), measure="kid")["estimate"]
    assert mean == pytest.approx(both.to_numpy().mean())
    turned = frames.vectors(made.sample(fraction=1, shuffle=True, seed=2))
    assert corpora(turned, permutations=19, draws=200).equals(found)


def test_planted_order_between_floor_and_ceiling() -> None:
    pairs = (("aligned", "in_context"), ("aligned", "shuffled"))
    found = corpora(world(2), permutations=99, draws=500, pairs=pairs)
    row = {(r["measure"], r["contrast"]): r for r in found.iter_rows(named=True)}
    for measure in ALL:
        one, two, gap = (row[measure, c] for c in ("aligned", "in_context", "aligned - in_context"))
        assert one["low"] <= one["estimate"] <= one["high"]
        assert one["floor"] == two["floor"]
        assert one["floor_low"] <= one["floor"] <= one["floor_high"]
        if measure in ("frechet", "kid", "mmd", "c2st_accuracy", "c2st_auc", "mauve", "density", "coverage"):
            turn = -1 if measure in DISTANCES else 1
            assert turn * one["ceiling"] > turn * one["floor"]
            assert turn * one["estimate"] > turn * two["estimate"] > turn * two["floor"]
            assert one["normalised"] > max(0.6, two["normalised"])
        assert one["normalised"] == pytest.approx((one["estimate"] - one["floor"]) / (one["ceiling"] - one["floor"]))
        assert gap["estimate"] == pytest.approx(one["estimate"] - two["estimate"])
    for measure in ("frechet", "kid", "mmd", "mauve"):
        low, high = (row[measure, "aligned - shuffled"][end] for end in ("low", "high"))
        assert (high < 0) if measure in DISTANCES else (low > 0)
    for measure in TESTED:
        assert row[measure, "in_context in red"]["p"] == 0.01
        assert row[measure, "aligned in red"]["p"] > 0.01
        assert row[measure, "aligned"]["p"] is None


def test_a_model_tighter_than_people_is_dense_beyond_them_and_recalls_little() -> None:
    found = corpora(world(3, tight=0.3), measures=["density", "recall", "kid"], permutations=19, draws=300)
    row = {(r["measure"], r["contrast"]): r for r in found.iter_rows(named=True)}
    assert row["density", "aligned"]["flag"] == "caricature"
    assert row["recall", "aligned"]["estimate"] < row["recall", "aligned"]["ceiling"] - 0.2


def test_pooled_reference_is_named_and_another_number() -> None:
    made = world(4)
    same = corpora(made, measures=["frechet"], draws=200, pairs=())
    pooled = corpora(made, measures=["frechet"], draws=200, pairs=(), reference="pooled")
    assert pooled["method"].str.contains("reference: all communities pooled").all()
    assert not same["method"].str.contains("pooled").any()
    # held against everyone, the shuffled arm is near and the faithful one far: what the paper's code did
    far, near = (f.filter(contrast="aligned").row(0, named=True) for f in (pooled, same))
    assert near["estimate"] < near["floor"]
    assert far["estimate"] > far["floor"]


@pytest.mark.slow
def test_intervals_cover_what_is_expected_at_this_n() -> None:
    """The truth is the mean over worlds: distances of samples lie above the distance of what they were drawn from."""
    rows = [corpora(world(100 + s, gap=2.0), permutations=19, draws=200, seed=s) for s in range(24)]
    whole = pl.concat(rows).filter(pl.col("contrast").is_in(["aligned", "in_context", "aligned - in_context"]))
    for value, low, high in (("estimate", "low", "high"), ("floor", "floor_low", "floor_high"), ("ceiling", "ceiling_low", "ceiling_high")):  # fmt: skip
        truth = pl.col(value).mean().over("measure", "contrast")
        inside = whole.drop_nulls(value).with_columns(i=(pl.col(low) <= truth) & (truth <= pl.col(high)))
        by = inside.group_by("measure").agg(pl.col("i").mean())
        assert by["i"].to_numpy().min() >= 0.88, by
        assert by["i"].to_numpy().mean() >= 0.93


def test_refused() -> None:
    made = world(5)

    def changed(*columns: pl.Expr) -> Vectors:
        return frames.vectors(made.with_columns(*columns))

    with pytest.raises(RefusedError, match="54 texts on a side and 60 dimensions.*or leave 'frechet' out"):
        corpora(world(5, d=60), draws=200)
    found = corpora(world(5, d=30), measures=["frechet"], draws=200)
    assert found["method"].str.contains(r"n < 2 d \(30 dimensions\)").all()
    first = pl.int_range(pl.len()) == 3
    with pytest.raises(RefusedError, match="1 of 564 vectors hold nan"):
        corpora(changed(pl.when(first).then(pl.lit([float("nan")] * 6)).otherwise("vector").alias("vector")), draws=200)
    with pytest.raises(InputError, match="of 2, 6 dimensions"):
        corpora(changed(pl.when(first).then(pl.lit([1.0, 2.0])).otherwise("vector").alias("vector")))
    with pytest.raises(InputError, match="several spaces: other, planted"):
        corpora(changed(pl.when(first).then(pl.lit("other")).otherwise("space").alias("space")))
    with pytest.raises(InputError, match="column 'half' is missing"):
        corpora(frames.vectors(made.drop("half")))
    with pytest.raises(InputError, match="no rows of 'shuffled'"):
        corpora(frames.vectors(made.filter(pl.col("condition") != "shuffled")))
    with pytest.raises(InputError, match="80 speakers of 'human' have a 'half'"):
        corpora(changed(pl.lit("c").alias("half")))
    with pytest.raises(RefusedError, match="one cluster only in factor 1"):
        corpora(changed(pl.lit("t0").alias("topic")))
    with pytest.raises(UsageError, match="no corpus measure 'freche'; did you mean 'frechet'"):
        corpora(made, measures=["freche"])
    with pytest.raises(InputError, match=r"pairs=\(\)"):
        corpora(made, arms=["aligned"])
    with pytest.raises(FrameError):
        frames.vectors(made.drop("vector"))
