"""Golden values: scikit-learn's kernels and AUC; the study's dossier for what a null must give."""

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score
from sklearn.metrics.pairwise import polynomial_kernel, rbf_kernel

from sociolect.compare import samples
from sociolect.compare.c2st import aucs, held_out
from sociolect.compare.interval import FloatArray
from sociolect.compare.kernels import gaussian, kid, mmd, mmds, sides
from sociolect.compare.two_sample import classifier_test, kernel_test
from sociolect.errors import InputError, RefusedError, UsageError


def unbiased(kxx: FloatArray, kyy: FloatArray, kxy: FloatArray) -> float:
    n, m = len(kxx), len(kyy)
    return float((kxx.sum() - np.trace(kxx)) / n / (n - 1) + (kyy.sum() - np.trace(kyy)) / m / (m - 1) - 2 * kxy.mean())


def test_kid_and_mmd_are_those_of_sklearns_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 6)), rng.normal(size=(55, 6)) * 1.2 + 0.3
    cubes = [polynomial_kernel(a, b, degree=3, gamma=1 / 6, coef0=1) for a, b in ((x, x), (y, y), (x, y))]
    bells = [rbf_kernel(a, b, gamma=1 / (2 * 1.7**2)) for a, b in ((x, x), (y, y), (x, y))]
    assert kid(x, y) == pytest.approx(unbiased(*cubes), rel=1e-10)
    assert mmd(x, y, bandwidth=1.7) == pytest.approx(unbiased(*bells), rel=1e-10)
    monkeypatch.setattr("sociolect.compare.kernels.EXACT", 10)  # slices, and float32 as for many texts
    monkeypatch.setattr("sociolect.compare.kernels.CELLS", 95 * 7)
    assert kid(x, y) == pytest.approx(unbiased(*cubes), rel=1e-4)


def test_weightings_leave_rows_out() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(20, 3)), rng.normal(size=(20, 3)) + 1
    u, w = (np.repeat(side, 2, axis=0) for side in sides(20, 20))
    u[1, :5] = 0
    found = mmds(np.concatenate([x, y]), u, w, kernel=gaussian(x, bandwidth=1.0))
    np.testing.assert_allclose(found, [mmd(x, y, bandwidth=1.0), mmd(x[5:], y, bandwidth=1.0)], rtol=1e-10)


def test_kid_of_equal_distributions_is_about_0() -> None:
    rng = np.random.default_rng(3)
    found = np.array([kid(*rng.normal(size=(2, 60, 8))) for _ in range(200)])
    assert abs(found.mean()) < 2 * found.std(ddof=1) / np.sqrt(200)
    assert (found < 0).any()


def test_permutation_p_is_uniform_under_the_null_with_and_without_clusters() -> None:
    """Kolmogorov-Smirnov against the uniform; rows of one cluster share a shift, so permuting rows would not do."""
    rng = np.random.default_rng(4)
    author = (np.repeat(np.arange(12), 4), np.repeat(np.arange(12, 24), 4))
    found: dict[str, list[float]] = {"kid": [], "mmd": [], "clusters": [], "c2st": [], "rows": []}
    for seed in range(80):
        x, y = rng.normal(size=(2, 24, 3))
        found["kid"].append(kernel_test(x, y, permutations=99, seed=seed).p)
        found["mmd"].append(kernel_test(x, y, kernel="gaussian", permutations=99, seed=seed).p)
        x, y = rng.normal(size=(2, 48, 3)) + np.repeat(rng.normal(size=(2, 12, 3)), 4, axis=1)
        found["clusters"].append(kernel_test(x, y, clusters=author, permutations=99, seed=seed).p)
        found["rows"].append(kernel_test(x, y, permutations=99, seed=seed).p)
        found["c2st"].append(classifier_test(x, y, clusters=author, permutations=99, seed=seed)[1].p)
    ks = {name: stats.kstest(p, "uniform").pvalue for name, p in found.items()}
    assert min(ks[name] for name in ("kid", "mmd", "clusters", "c2st")) > 0.01, ks
    assert ks["rows"] < 1e-6


def test_a_planted_shift_is_found() -> None:
    rng = np.random.default_rng(5)
    author = (np.repeat(np.arange(20), 4), np.repeat(np.arange(20, 40), 4))
    hits = {"cubic": 0, "gaussian": 0, "accuracy": 0, "auc": 0}
    for seed in range(20):
        x, y = rng.normal(size=(2, 80, 4)) + 0.3 * np.repeat(rng.normal(size=(2, 20, 4)), 4, axis=1)
        y[:, 0] += 1.0
        for kernel in ("cubic", "gaussian"):
            hits[kernel] += kernel_test(x, y, kernel=kernel, clusters=author, permutations=99, seed=seed).p <= 0.05
        for name, test in zip(
            ("accuracy", "auc"), classifier_test(x, y, clusters=author, permutations=99, seed=seed), strict=True
        ):
            hits[name] += test.p <= 0.05
    assert min(hits.values()) >= 18, hits


def test_accuracy_and_auc_reach_what_the_shift_allows() -> None:
    """Two spherical normals 2 apart: the best line is right in Phi(1) = .841 of cases, its AUC is Phi(sqrt 2) = .921."""
    rng = np.random.default_rng(6)
    x, y = rng.normal(size=(2, 1500, 5))
    y[:, 0] += 2
    accuracy, auc = classifier_test(x, y, permutations=19)
    assert accuracy.estimate == pytest.approx(stats.norm.cdf(1), abs=0.02)
    assert auc.estimate == pytest.approx(stats.norm.cdf(np.sqrt(2)), abs=0.02)
    assert accuracy.p == auc.p == 0.05


def test_auc_is_sklearns_with_ties() -> None:
    rng = np.random.default_rng(7)
    scores, truth = rng.integers(0, 6, 80).astype(float), rng.integers(0, 2, 80).astype(float)
    assert aucs(scores, truth[None], 1 - truth[None])[0] == pytest.approx(roc_auc_score(truth, scores), abs=1e-12)


def test_no_cluster_is_on_both_sides_of_a_fold() -> None:
    """Each row repeats within its cluster: a classifier that met the cluster would know it; held out it is at chance."""
    rng = np.random.default_rng(8)
    clusters = np.repeat(np.arange(40), 10)
    z, label = rng.normal(size=(40, 60))[clusters], np.where(clusters % 2, 1.0, -1.0)
    told = held_out(z, label[None], clusters, penalty=1e-6)[0]
    assert abs((np.sign(told) == label).mean() - 0.5) < 0.25
    leaky = held_out(z, label[None], np.arange(400), penalty=1e-6)[0]
    assert (np.sign(leaky) == label).mean() > 0.95


def test_training_weights_leave_rows_out() -> None:
    rng = np.random.default_rng(9)
    z, label = rng.normal(size=(60, 4)), np.where(np.arange(60) % 2, 1.0, -1.0)
    weight = (np.arange(60) >= 6).astype(float)
    plain, left = held_out(z, np.stack([label, label]), np.arange(60), weights=np.stack([np.ones(60), weight]))
    np.testing.assert_allclose(plain, held_out(z, label[None], np.arange(60))[0], rtol=1e-9)
    far = np.where(np.arange(60) < 6, -50 * label, label)  # whatever the rows left out say
    np.testing.assert_allclose(held_out(z, far[None], np.arange(60), weights=weight[None])[0], left, rtol=1e-9)


def test_refused() -> None:
    x = np.random.default_rng(0).normal(size=(12, 2))
    with pytest.raises(InputError, match="1 clusters stand on both sides"):
        kernel_test(x, x, clusters=(np.arange(12), np.arange(12) + 11))
    with pytest.raises(InputError, match=r"not integers of shape \(12,\)"):
        kernel_test(x, x, clusters=(np.arange(11), np.arange(12) + 12))
    with pytest.raises(RefusedError, match="1 clusters in x"):
        kernel_test(x, x, clusters=(np.zeros(12, dtype=int), np.arange(12) + 1))
    with pytest.raises(UsageError, match="no kernel 'cubik'; did you mean 'cubic'"):
        kernel_test(x, x, kernel="cubik")
    with pytest.raises(UsageError, match="at least 19"):
        classifier_test(x, x, permutations=9)
    with pytest.raises(RefusedError, match="median distance 0"):
        mmd(np.ones((5, 2)), np.ones((5, 2)))
    with pytest.raises(RefusedError, match="2 of 12 rows of x hold nan or infinite"):
        samples.samples(np.where(np.arange(12)[:, None] < 2, np.inf, x), x)
