"""Extrapolation: planted clusters come back on the dimensions that carry them; held-out dimensions of no structure give 0."""

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import adjusted_rand_score

from sociolect.compare.extrapolation import adjusted_rand, best_k, extrapolation
from sociolect.errors import InputError, RefusedError, UsageError

NAMES = list("abcdef")


def vectors(n: int, *, carry: int, apart: float = 8.0, seed: int = 0) -> pl.DataFrame:
    """n communities in three groups that stand in a triangle on each pair of the first `carry` dimensions; the rest is noise."""
    rng = np.random.default_rng(seed)
    corner = np.array([[-1, -0.58], [1, -0.58], [0, 1.15]]) * apart
    x = rng.normal(size=(n, 6))
    for d in range(carry):
        x[:, d] += corner[np.arange(n) % 3, d % 2]
    return pl.DataFrame(x, schema=NAMES).with_columns(community=pl.format("c{}", pl.int_range(n)))


def test_two_dimensions_carry_all_structure() -> None:
    """Dossier: index of that pair .9 or more, of pairs without either .2 or less."""
    found = extrapolation(vectors(72, carry=2), NAMES, clusters=3, permutations=1000, starts=4)
    pairs = found.filter(line="subset", size=2)
    whole = dict(pairs.select("contrast", "estimate").iter_rows())
    assert whole["a + b"] >= 0.9
    without = [v for name, v in whole.items() if not {"a", "b"} & set(name.split(" + "))]
    assert len(without) == 6
    assert max(without) <= 0.2
    p = dict(pairs.select("contrast", "p").iter_rows())
    assert p["a + b"] == pytest.approx(1 / 1001)
    assert "1/1001 at least" in pairs["method"][0]
    means = found.filter(pl.col("line") == "impact", pl.col("size").is_null())
    impact = dict(means.select("contrast", "estimate").iter_rows())
    gain = [impact[f"{d}, mean over sizes"] for d in NAMES]
    assert min(gain[:2]) > 0.15 > max(gain[2:])
    assert found.filter(line="subset").height == 62
    assert found.filter(line="held out").height == 31


def test_no_structure_gives_0_against_what_was_held_out_and_more_against_all() -> None:
    """Dossier: the null's mean index within .05 of 0. Against all dimensions it cannot be: a subset shares its own with them."""
    made = [
        extrapolation(vectors(50, carry=0, seed=s), NAMES, clusters=4, permutations=1000, starts=2) for s in range(2)
    ]
    held = [one.filter(contrast="all held out")["estimate"].item() for one in made]
    every = [one.filter(contrast="all subsets")["estimate"].item() for one in made]
    assert abs(float(np.mean(held))) < 0.05
    assert min(every) > 0.08


def test_the_index_is_scikit_learns_and_so_is_each_jackknife_value() -> None:
    rng = np.random.default_rng(3)
    from sociolect.compare.extrapolation import _index

    for _ in range(20):
        x, y = rng.integers(4, size=30), rng.integers(5, size=30)
        assert adjusted_rand(x, y) == pytest.approx(adjusted_rand_score(x, y), abs=1e-12)
        found = _index(x, y)
        assert found[1 + 7] == pytest.approx(adjusted_rand_score(np.delete(x, 7), np.delete(y, 7)), abs=1e-12)
    assert adjusted_rand(np.zeros(5, dtype=int), np.zeros(5, dtype=int)) == 1.0


def test_silhouette_finds_three_groups_that_all_dimensions_show() -> None:
    told = vectors(30, carry=6)
    x = told.select(NAMES).to_numpy()
    assert best_k((x - x.mean(0)) / x.std(0), starts=3) == 3
    found = extrapolation(told, NAMES, permutations=1000, starts=2)
    assert found["clusters"].unique().to_list() == [3]
    assert found.filter(contrast="all held out")["estimate"].item() > 0.7
    row = found.filter(line="held out").row(0, named=True)
    assert row["low"] <= row["estimate"] <= row["high"]


def test_faults_and_what_is_left_out() -> None:
    told = vectors(20, carry=2)
    with pytest.raises(InputError, match="'g'"):
        extrapolation(told, [*NAMES, "g"])
    with pytest.raises(InputError, match="repeat"):
        extrapolation(pl.concat([told, told]), NAMES)
    with pytest.raises(UsageError, match="50 permutations"):
        extrapolation(told, NAMES, permutations=50)
    with pytest.raises(RefusedError, match="alike in c"):
        extrapolation(told.with_columns(c=pl.lit(1.0)), NAMES)
    with pytest.raises(UsageError, match="20 clusters of 20"):
        extrapolation(told, NAMES, clusters=20)
    holed = told.with_columns(a=pl.when(pl.int_range(20) < 2).then(None).otherwise("a"))
    found = extrapolation(holed, NAMES, clusters=3, permutations=1000, starts=1)
    assert found.select("n", "left_out").row(0) == (18, 2)
    again = extrapolation(holed.reverse(), NAMES, clusters=3, permutations=1000, starts=1)
    assert found.equals(again)
