"""Planted truth in, truth covered. Golden values: R 4.2 `boot` 1.3-28, 400,000 draws, seed 1."""

import numpy as np
import pytest

from sociolect.compare.bootstrap import Codes, bootstrap, cells, weights
from sociolect.compare.interval import FloatArray, Interval, interval
from sociolect.errors import InputError, RefusedError, UsageError

X = np.array([1.2, 0.4, 3.9, 2.2, 8.7, 0.9, 1.1, 5.3, 0.2, 2.8, 14.1, 0.7, 3.3, 1.9, 0.6, 4.4, 2.1, 6.5, 0.3, 1.4])
Y = np.array([2.1, 3.3, 1.7, 4.0, 2.9, 3.8, 1.2, 2.2, 9.5, 3.1])


def mean(
    values: FloatArray, codes: list[Codes], *, draws: int = 600, seed: int = 0, method: str = "percentile"
) -> Interval:
    """The mean by cells: equal to the mean by rows, and as fast as a test of coverage needs."""
    distinct, place = cells(codes)
    total, count = np.bincount(place, weights=values), np.bincount(place).astype(float)
    return bootstrap(lambda w: (w @ total) / (w @ count), distinct, draws=draws, batched=True, seed=seed, method=method)


def covered(n: int, *, method: str = "percentile", size: int = 6, worlds: int = 500) -> tuple[float, float]:
    """How often the interval of a mean of n clusters covers a planted 3, and how often p denies it."""
    rng = np.random.default_rng(n)
    codes, hits, denied = np.repeat(np.arange(n), size), 0, 0
    for world in range(worlds):
        values = 3 + np.repeat(rng.normal(0, 1, n), size) + rng.normal(0, 0.5, n * size)
        found = mean(values, [codes], seed=world, method=method)
        hits += bool(found.low < 3 < found.high)
        denied += bool(found.p(3.0) < 0.05)
    return hits / worlds, denied / worlds


@pytest.mark.parametrize("n", [2, 3, 5, 8, 10, 30])
def test_intervals_of_clustered_means_cover(n: int) -> None:
    share, denied = covered(n)
    assert 0.93 <= share <= 0.975 if n == 30 else share >= 0.92
    assert abs(1 - share - denied) < 0.01  # p below .05 exactly where the interval excludes


@pytest.mark.parametrize("method", ["bca", "basic"])
def test_other_methods_cover(method: str) -> None:
    assert 0.93 <= covered(30, method=method, worlds=800)[0] <= 0.97


def test_the_test_of_coverage_can_fail() -> None:
    """Single texts resampled, with an intraclass correlation of .8: the usual mistake."""
    rng, hits = np.random.default_rng(1), 0
    for world in range(200):
        values = np.repeat(rng.normal(0, 1, 30), 6) + rng.normal(0, 0.5, 180)
        found = mean(values, [np.arange(180)], seed=world)
        hits += bool(found.low < 0 < found.high)
    assert hits / 200 < 0.85


def test_pigeonhole_of_nine_topics_and_twenty_templates_is_conservative() -> None:
    rng, hits = np.random.default_rng(2), 0
    topic, template = (x.ravel() for x in np.meshgrid(np.arange(9), np.arange(20), indexing="ij"))
    for world in range(300):
        values = rng.normal(0, 1, 9)[topic] + rng.normal(0, 1, 20)[template] + rng.normal(0, 1, 180)
        found = mean(values, [topic, template], seed=world)
        hits += bool(found.low < 0 < found.high)
        assert found.clusters == 9
        assert found.few
    assert hits / 300 >= 0.94


def test_golden_single_sample() -> None:
    golden = {"basic": (1.480, 4.405), "percentile": (1.795, 4.720), "bca": (1.985, 5.165)}
    for method, (low, high) in golden.items():
        found = bootstrap(
            lambda w: w @ X / w.sum(1), np.arange(20), draws=40_000, method=method, batched=True, expand=False
        )
        assert (float(found.low), float(found.high)) == pytest.approx((low, high), abs=0.04)


def test_golden_strata() -> None:
    values, group = np.concatenate([X, Y]), np.repeat([0, 1], [20, 10])

    def gap(w: FloatArray) -> FloatArray:
        sums = np.stack([w[:, group == g] @ values[group == g] / w[:, group == g].sum(1) for g in (0, 1)])
        return np.asarray(sums[0] - sums[1])

    found = bootstrap(gap, np.arange(30), strata=group, draws=20_000, batched=True)
    assert float(found.samples.std()) == pytest.approx(1.026169, rel=0.02)
    assert (int(found.clusters), int(found.strata)) == (30, 2)
    for chunk in weights([np.arange(30)], strata=group, draws=200):
        assert (chunk[:, :20].sum(1) == 20).all()
        assert (chunk[:, 20:].sum(1) == 10).all()


def test_rows_and_batches_and_cells_agree() -> None:
    rng = np.random.default_rng(3)
    codes = [rng.integers(0, 12, 200), rng.integers(0, 7, 200)]
    values = rng.normal(size=200)
    one = bootstrap(lambda w: float(w @ values / w.sum()), codes, draws=300)
    many = bootstrap(lambda w: w @ values / w.sum(1), codes, draws=300, batched=True)
    small = mean(values, codes, draws=300)
    for found in (many, small):
        np.testing.assert_allclose(one.samples, found.samples, atol=1e-12)
    two = bootstrap(lambda w: np.array([w.sum(), w @ values]), codes[0], draws=300)
    assert two.estimate.shape == two.low.shape == two.p().shape == (2,)


def test_order_and_names_of_clusters_change_nothing() -> None:
    codes = np.random.default_rng(4).integers(0, 15, 100)
    order = np.random.default_rng(5).permutation(100)
    before = np.concatenate(list(weights([codes], draws=200, seed=3)))
    after = np.concatenate(list(weights([codes[order]], draws=200, seed=3)))
    assert before[:, order].tobytes() == after.tobytes()
    renamed = np.concatenate(list(weights([codes * 7 + 100], draws=200, seed=3)))
    assert before.tobytes() == renamed.tobytes()
    reversed_names = np.concatenate(list(weights([14 - codes], draws=20_000, seed=3)))
    assert reversed_names.mean() == pytest.approx(1, abs=0.02)
    assert reversed_names.var() == pytest.approx(np.concatenate(list(weights([codes], draws=20_000))).var(), rel=0.05)
    assert bootstrap(lambda w: w.mean(), codes, seed=1).low != bootstrap(lambda w: w.mean(), codes, seed=2).low


def test_people_and_models_stand_in_one_statistic() -> None:
    """40 authors with 5 posts each, 9 topics x 20 templates: each side varies with its own clusters only."""
    author = np.concatenate([np.repeat(np.arange(40), 5), np.full(180, -1)])
    topic = np.concatenate([np.full(200, -1), np.repeat(np.arange(9), 20)])
    template = np.concatenate([np.full(200, -1), np.tile(np.arange(20), 9)])
    human = author >= 0
    rng, hits = np.random.default_rng(6), 0
    for world in range(200):
        values = np.concatenate([
            np.repeat(rng.normal(0, 1, 40), 5),
            np.repeat(rng.normal(1, 1, 9), 20) + np.tile(rng.normal(0, 0.5, 20), 9),
        ]) + rng.normal(0, 0.3, 380)  # fmt: skip
        sums = np.stack([values * human, values * ~human, human, ~human], axis=1).astype(float)

        def sides(w: FloatArray, sums: FloatArray = sums) -> FloatArray:
            total = w @ sums
            one, two = total[:, 0] / total[:, 2], total[:, 1] / total[:, 3]
            return np.stack([one, two, two - one], axis=1)

        found = bootstrap(sides, [author, topic, template], draws=400, batched=True, seed=world)
        hits += bool(found.low[2] < 1 < found.high[2])
        assert found.clusters.tolist() == [40, 9, 9]
    assert hits / 200 >= 0.93


def test_undefined_draws_are_counted_and_refused() -> None:
    codes = np.arange(30)
    rare = np.where(codes < 2, 1.0, 0.0)

    def ratio(w: FloatArray) -> FloatArray:
        with np.errstate(invalid="ignore"):
            return np.array([w @ codes / w.sum(), (w @ (rare * codes)) / (w @ rare)])

    found = bootstrap(ratio, codes, draws=1000)
    assert found.undefined[0] == 0
    assert 80 < found.undefined[1] < 190  # (1 - 2/30)**30 = .126
    assert np.isfinite(found.low[0])
    assert np.isnan([found.low[1], found.high[1], found.p()[1]]).all()
    assert found.estimate[1] == 0.5
    assert found.reasons == ("", f"undefined in {found.undefined[1]} of 1000 draws")
    with pytest.raises(RefusedError, match=r"undefined in \d+ of 1000 draws"):
        bootstrap(lambda w: float(ratio(w)[1]), codes, draws=1000)


def test_clusters_that_all_agree_claim_no_more_than_their_signs() -> None:
    found = bootstrap(lambda w: w @ np.ones(8) / w.sum(1), np.arange(8), batched=True)
    assert float(found.p()) == pytest.approx(2 * 0.5**8)
    assert float(found.p(1.0)) == 1.0


def test_null_p_values_are_uniform() -> None:
    rng = np.random.default_rng(7)
    p = [float(mean(rng.normal(size=20), [np.arange(20)], seed=i).p()) for i in range(1000)]
    assert np.abs(np.quantile(p, [0.05, 0.25, 0.5, 0.75]) - [0.05, 0.25, 0.5, 0.75]).max() < 0.05
    assert min(p) >= 1 / 601


def test_refused() -> None:
    ones = np.ones(4)
    with pytest.raises(RefusedError, match="one cluster in all"):
        bootstrap(lambda w: float(w @ ones), np.zeros(4, dtype=int))
    with pytest.raises(RefusedError, match="one of its strata"):
        bootstrap(lambda w: float(w @ ones), np.arange(4), strata=np.array([0, 0, 0, 1]))
    with pytest.raises(InputError, match="2 of 4 rows are in no cluster"):
        bootstrap(lambda w: float(w @ ones), [np.array([0, 1, -1, -1]), np.array([-1, 0, -1, -1])])
    with pytest.raises(InputError, match=r"factor 0 is float64.*; factor 1 has 3 rows|factor 0 is float64"):
        bootstrap(lambda w: float(w @ ones), [ones, np.arange(3)])  # type: ignore[list-item]  # the fault under test
    with pytest.raises(UsageError, match="did you mean 'percentile'"):
        bootstrap(lambda w: float(w @ ones), np.arange(4), method="percentil")
    with pytest.raises(UsageError, match="at least 100"):
        bootstrap(lambda w: float(w @ ones), np.arange(4), draws=10)
    with pytest.raises(UsageError, match="between 0 and 1"):
        interval(np.array(0.0), np.zeros((100, 1)), n=4, clusters=4, level=95)
