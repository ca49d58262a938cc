"""Golden values: cases counted by hand, and a plain double loop over scikit-learn's neighbours."""

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from sociolect.compare.interval import FloatArray
from sociolect.compare.manifold import Manifold, manifold, manifolds
from sociolect.errors import RefusedError


def plain(x: FloatArray, reference: FloatArray, k: int) -> list[float]:
    """Kynkaanniemi et al. (2019) eq. 1 and 2; Naeem et al. (2020) eq. 3 and 4."""
    mine, theirs = (NearestNeighbors(n_neighbors=k).fit(side).kneighbors()[0][:, -1] for side in (x, reference))
    apart = np.linalg.norm(x[:, None] - reference[None], axis=2)
    within = apart <= theirs
    return [
        within.any(1).mean(),
        (apart <= mine[:, None]).any(0).mean(),
        within.sum() / (k * len(x)),
        (apart.min(0) <= theirs).mean(),
    ]


def test_by_hand() -> None:
    """Reference 0, 1, 3 on a line with k = 1: balls [-1, 1], [0, 2], [1, 5]. x 0.5, 4, 9: balls of 3.5, 3.5, 5."""
    found = manifold([[0.5], [4.0], [9.0]], [[0.0], [1.0], [3.0]], nearest=1)
    assert found == Manifold(precision=2 / 3, recall=1.0, density=1.0, coverage=1.0)
    # x lost all variety: precise, but it recalls and covers little
    collapsed = manifold([[0.0], [0.0], [0.01]], [[0.0], [5.0], [9.0]], nearest=1)
    assert (collapsed.precision, collapsed.recall) == (1.0, 1 / 3)
    assert collapsed.coverage == pytest.approx(1 / 3)  # balls [-5, 5], [1, 9] and [5, 13]: the first alone holds x


def test_agrees_with_a_double_loop_in_slices_and_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    x, reference = rng.normal(size=(90, 4)), rng.normal(size=(70, 4)) * 1.3 + 0.5
    due = plain(x, reference, 5)
    found = manifold(x, reference)
    np.testing.assert_allclose([found.precision, found.recall, found.density, found.coverage], due, atol=1e-12)
    monkeypatch.setattr("sociolect.compare.manifold.CELLS", 333)
    assert manifold(x, reference) == found
    less = manifold(x.astype(np.float32) + 100, reference.astype(np.float32) + 100)
    assert less.density == pytest.approx(found.density, abs=0.01)


def test_selections_are_those_of_the_rows_kept() -> None:
    rng = np.random.default_rng(1)
    x, reference = rng.normal(size=(60, 3)), rng.normal(size=(50, 3)) + 0.5
    u, w = np.ones((3, 60)), np.ones((3, 50))
    u[1, rng.choice(60, 9, replace=False)] = 0
    w[2, rng.choice(50, 7, replace=False)] = 0
    due = [plain(x[a > 0], reference[b > 0], 5) for a, b in zip(u, w, strict=True)]
    np.testing.assert_allclose(manifolds(x, reference, u, w), due, atol=1e-12)


def test_equal_distributions_have_density_about_1_and_the_known_coverage() -> None:
    """Naeem et al. (2020), Lemma 1 and 2: density 1; coverage 1 - (N-1)..(N-k) / ((2N-1)..(2N-k)), N = M."""
    rng = np.random.default_rng(2)
    found = [manifold(*rng.normal(size=(2, 300, 8))) for _ in range(10)]
    n, k = 300, 5
    due = 1 - np.prod([(n - i) / (2 * n - i) for i in range(1, k + 1)])
    assert np.mean([f.density for f in found]) == pytest.approx(1, abs=0.05)
    assert np.mean([f.coverage for f in found]) == pytest.approx(due, abs=0.01)


def test_repeats_and_refusals() -> None:
    same = np.repeat(np.random.default_rng(3).normal(size=(4, 9)) * 7, 8, axis=0)
    assert manifold(same, same) == Manifold(1.0, 1.0, 8 / 5, 1.0)
    with pytest.raises(RefusedError, match="no 5 nearest neighbours: x keeps 5 texts"):
        manifold(same[:5], same)
