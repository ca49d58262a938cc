"""Golden values: the area of the frontier in closed form; the reference implementation itself only in benchmarks/distances.py."""

import numpy as np
import pytest
from scipy import integrate, special

from sociolect.compare import mauve as module
from sociolect.compare.interval import FloatArray
from sociolect.compare.mauve import frontier_area, mauve, mauves, quantised
from sociolect.errors import RefusedError, UsageError


def area(p: FloatArray, q: FloatArray, scale: float) -> float:
    """Pillutla et al. (2021), eq. 1 to 3, by scipy's relative entropy and quadrature over mixtures."""

    def at(mix: float) -> tuple[float, float]:
        r = mix * p + (1 - mix) * q
        return float(np.exp(-scale * special.rel_entr(q, r).sum())), float(
            np.exp(-scale * special.rel_entr(p, r).sum())
        )

    mix = np.linspace(1e-9, 1 - 1e-9, 20_001)
    points = np.array([(1.0, 0.0), *(at(m) for m in mix), (0.0, 1.0)])
    return float(integrate.trapezoid(points[:, 0], points[:, 1]))


def test_frontier_area_is_the_integral(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    for scale in (1.0, 5.0):
        p, q = rng.dirichlet(np.ones(12), size=2)
        due = area(p, q, scale)
        assert frontier_area(p[None], q[None], scale=scale)[0] == pytest.approx(due, abs=0.01)  # 25 mixtures
        monkeypatch.setattr(module, "GRID", 4001)
        assert frontier_area(p[None], q[None], scale=scale)[0] == pytest.approx(due, abs=1e-4)
        monkeypatch.undo()


def test_it_is_symmetric_falls_with_the_shift_and_misses_a_lost_mode() -> None:
    rng = np.random.default_rng(1)
    centres = rng.normal(size=(6, 10)) * 4
    at = rng.integers(0, 6, (2, 600))
    x, y = centres[at] + rng.normal(size=(2, 600, 10))
    fewer = centres[at[1] % 3] + rng.normal(size=(600, 10))
    found = [mauve(x, y + shift) for shift in (0.0, 0.5, 1.0, 3.0)]
    assert found[0] > 0.9
    assert found == sorted(found, reverse=True)
    assert mauve(x, fewer) < 0.6
    assert mauve(x, y + 0.5) == pytest.approx(mauve(y + 0.5, x), abs=0.05)


def test_bins_are_clusters_and_scale_of_a_text_does_not_matter() -> None:
    rng = np.random.default_rng(2)
    which = rng.integers(0, 3, 300)
    z = np.eye(3)[which] * 10 + rng.normal(size=(300, 3)) * 0.1
    codes, count = quantised(z, n=30)
    assert (count, codes.shape) == (3, (5, 300))
    pure = [len(np.unique(np.stack([which, one]), axis=1).T) == 3 for one in codes]
    assert sum(pure) >= 2  # a start may find a poorer optimum; most find the three clusters
    np.testing.assert_array_equal(quantised(z * np.linspace(1, 9, 300)[:, None], n=30)[0], codes)


def test_weightings_leave_rows_out() -> None:
    rng = np.random.default_rng(3)
    x, y = rng.integers(0, 5, (1, 40)), rng.integers(0, 5, (1, 40))
    u = np.ones((2, 40))
    u[1, :10] = 0
    found = mauves(x, y, 5, u, np.ones((2, 40)))
    due = mauves(x[:, 10:], y, 5, np.ones((1, 30)), np.ones((1, 40)))
    np.testing.assert_allclose(found[1], due[0], rtol=1e-12)
    assert found[0] != found[1]


def test_refused() -> None:
    x = np.random.default_rng(0).normal(size=(20, 2))
    with pytest.raises(UsageError, match="bins is 41"):
        mauve(x, x, bins=41)
    with pytest.raises(RefusedError, match="one direction"):
        mauve(np.ones((20, 2)), np.full((20, 2), 3.0))
