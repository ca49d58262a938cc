import numpy as np
import pytest
from scipy import stats

from sociolect.compare.bootstrap import weights
from sociolect.compare.simultaneous import simultaneous


def test_one_number_is_students_t_and_many_hold_together() -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(0, 1, (20, 1))
    drawn = np.concatenate(list(weights([np.arange(20)], draws=20000, seed=1))) @ values / 20
    one = simultaneous(values.mean(0), drawn, clusters=20)
    due = stats.ttest_1samp(values[:, 0], 0).confidence_interval()
    assert one.low[0] == pytest.approx(due.low, abs=0.02)
    assert one.high[0] == pytest.approx(due.high, abs=0.02)
    assert one.p[0] == pytest.approx(stats.ttest_1samp(values[:, 0], 0).pvalue, abs=0.02)


def test_a_family_of_pairs_keeps_its_level() -> None:
    rng = np.random.default_rng(2)
    first, second = np.triu_indices(6, 1)
    w = np.concatenate(list(weights([np.arange(30)], draws=400, seed=3))) / 30
    wrong, rejected, worlds = 0, 0, 1000
    for _ in range(worlds):
        values = rng.normal(0, 1, (30, 6))
        pairs = values[:, first] - values[:, second]
        found = simultaneous(pairs.mean(0), w @ pairs, clusters=30)
        wrong += bool(((found.low > 0) | (found.high < 0)).any())
        rejected += bool(found.p.min() < 0.05)
    # 1,000 worlds have a standard error of .007; the draws' own reach adds some
    assert 0.03 <= wrong / worlds <= 0.08
    assert abs(wrong - rejected) <= 5


def test_what_never_varies_is_certain_and_what_cannot_be_known_is_nan() -> None:
    flat = simultaneous(np.array([0.0, 2.0]), np.tile([0.0, 2.0], (100, 1)), clusters=11)
    assert flat.low.tolist() == [0.0, 2.0]
    assert flat.p.tolist() == [1.0, 1 / 101]
    assert np.isnan(simultaneous(np.array([1.0]), np.full((100, 1), np.nan), clusters=11).p).all()
