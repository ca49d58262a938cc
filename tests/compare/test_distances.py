"""Golden values: the dossier of the study for Jensen-Shannon; scipy for the others."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats
from scipy.spatial import distance

from sociolect.compare.distances import energy, hellinger, jensen_shannon, kolmogorov_smirnov, wasserstein, wassersteins
from sociolect.compare.interval import FloatArray
from sociolect.errors import InputError

MASS = hnp.arrays(float, 4, elements=st.floats(0, 1).map(lambda x: round(x, 6))).filter(lambda x: x.sum() > 0.01)
SAMPLE = hnp.arrays(float, st.integers(1, 12), elements=st.floats(-50, 50).map(lambda x: round(x, 3)))


def shares(mass: FloatArray) -> FloatArray:
    return np.asarray(mass / mass.sum())


@pytest.mark.parametrize(
    ("p", "q", "golden"),
    [
        ([0.5, 0.5], [1, 0], 0.5579230453),
        ([0.2, 0.3, 0.5], [0.5, 0.3, 0.2], 0.3095409537),
        ([0.3, 0.7, 0, 0], [0, 0, 0.6, 0.4], 1.0),
    ],
)
def test_jensen_shannon_golden(p: list[float], q: list[float], golden: float) -> None:
    assert abs(jensen_shannon(p, q) - golden) < 1e-10


@given(MASS, MASS, MASS)
def test_jensen_shannon_is_a_metric(a: FloatArray, b: FloatArray, c: FloatArray) -> None:
    p, q, r = shares(a), shares(b), shares(c)
    assert jensen_shannon(p, p) == 0
    assert jensen_shannon(p, q) == jensen_shannon(q, p)
    assert 0 <= jensen_shannon(p, q) <= 1
    assert jensen_shannon(p, r) <= jensen_shannon(p, q) + jensen_shannon(q, r) + 1e-7
    # scipy does not clip what rounding leaves below 0: the divergence is compared, not its root.
    assert jensen_shannon(p, q) ** 2 == pytest.approx(
        np.nan_to_num(distance.jensenshannon(p, q, base=2)) ** 2, abs=1e-12
    )


@given(MASS, MASS, MASS)
def test_hellinger_is_a_metric_and_one_less_the_overlap(a: FloatArray, b: FloatArray, c: FloatArray) -> None:
    """Closed form: the square is 1 - sum sqrt(p q) (Bhattacharyya 1943)."""
    p, q, r = shares(a), shares(b), shares(c)
    assert hellinger(p, p) == 0
    assert hellinger(p, q) == hellinger(q, p)
    assert hellinger(p, r) <= hellinger(p, q) + hellinger(q, r) + 1e-9
    assert hellinger(p, q) ** 2 == pytest.approx(1 - np.sqrt(p * q).sum(), abs=1e-12)
    assert hellinger([0.2, 0.3, 0.5], [0.5, 0.3, 0.2]) ** 2 == pytest.approx(0.7 - 2 * 0.1**0.5, abs=1e-12)
    with pytest.raises(InputError, match="no Hellinger distance: p sums to 2"):
        hellinger([1, 1], [0.5, 0.5])


@given(SAMPLE, SAMPLE, st.integers(0, 1000))
def test_equal_to_scipy(x: FloatArray, y: FloatArray, seed: int) -> None:
    rng = np.random.default_rng(seed)
    w, v = rng.random(x.size) + 0.1, rng.random(y.size) + 0.1
    assert wasserstein(x, y) == pytest.approx(stats.wasserstein_distance(x, y), abs=1e-9)
    assert wasserstein(x, y, x_weights=w, y_weights=v) == pytest.approx(
        stats.wasserstein_distance(x, y, w, v), abs=1e-9
    )
    assert energy(x, y, x_weights=w, y_weights=v) == pytest.approx(stats.energy_distance(x, y, w, v), abs=1e-6)
    assert kolmogorov_smirnov(x, y) == pytest.approx(stats.ks_2samp(x, y, method="asymp").statistic, abs=1e-12)


def test_a_weight_is_a_repeat() -> None:
    rng = np.random.default_rng(1)
    x, y, times = rng.normal(size=20), rng.normal(size=30), rng.integers(0, 4, 20)
    for distance_of in (wasserstein, kolmogorov_smirnov, energy):
        assert distance_of(x, y, x_weights=times) == pytest.approx(distance_of(np.repeat(x, times), y), abs=1e-12)
    many = np.stack([np.ones(20), times.astype(float)])
    assert wassersteins(x, y, many, np.ones((2, 30)))[1] == pytest.approx(wasserstein(x, y, x_weights=times), abs=1e-12)


def test_energy_of_vectors() -> None:
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(40, 5)), rng.normal(size=(30, 5)) + 0.5
    due = 2 * distance.cdist(x, y).mean() - distance.cdist(x, x).mean() - distance.cdist(y, y).mean()
    assert energy(x, y) == pytest.approx(due**0.5, abs=1e-9)
    assert energy(x[:, :1], y[:, :1]) == pytest.approx(energy(x[:, 0], y[:, 0]), abs=1e-9)
    assert energy(x, x) == pytest.approx(0, abs=1e-7)


def test_refused_with_all_faults_at_once() -> None:
    with pytest.raises(InputError, match=r"p sums to 2, not 1.*; q holds shares that are negative"):
        jensen_shannon([1, 1], [-0.5, 1.5])
    with pytest.raises(InputError, match=r"x holds 1 undefined.*; the weights of y are not 2"):
        wasserstein([1, float("nan")], [1, 2], y_weights=[1])
    with pytest.raises(InputError, match="not a sample"):
        energy([], [1])
