"""Oracle: scikit-learn."""

import numpy as np
import pytest
from sklearn import metrics

from sociolect.compare.f1 import f1
from sociolect.errors import InputError

LABELS = ["a", "b", "c", "d"]


@pytest.mark.parametrize("seed", range(20))
def test_equals_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(5, 200))
    # All labels are true at least once; scikit-learn averages over labels that are never true, `f1` does not.
    truth = [*LABELS, *rng.choice(LABELS, n)]
    said = [*LABELS, *rng.choice([*LABELS, "none"], n)]
    w = rng.random(n + 4)
    given: list[str | None] = [None if x == "none" else str(x) for x in said]
    found = f1(truth, given, labels=LABELS, weights=w)
    for average, value in (("macro", found.macro), ("weighted", found.weighted)):
        due = metrics.f1_score(truth, said, labels=LABELS, average=average, sample_weight=w)
        assert value == pytest.approx(due, abs=1e-12)
    assert found.accuracy == pytest.approx(metrics.accuracy_score(truth, said, sample_weight=w), abs=1e-12)
    precision, recall, by_label, support = metrics.precision_recall_fscore_support(
        truth, said, labels=LABELS, sample_weight=w
    )
    np.testing.assert_allclose(
        [found.precision, found.recall, found.f1, found.support], [precision, recall, by_label, support]
    )
    confusion = metrics.confusion_matrix(truth, said, labels=[*LABELS, "none"], sample_weight=w)
    np.testing.assert_allclose(found.confusion, confusion[:4, :4])
    np.testing.assert_allclose(found.missed, confusion[:4, 4])


def test_a_miss_costs_recall_and_no_precision() -> None:
    found = f1(["a", "a", "b"], ["a", None, "b"], labels=["a", "b"])
    assert found.precision.tolist() == [1, 1]
    assert found.recall.tolist() == [0.5, 1]
    assert found.missed.tolist() == [1, 0]
    assert f1(["a", "a", "b"], ["a", "spam", "b"], labels=["a", "b"]).macro == found.macro


def test_a_label_never_true_is_null_and_not_zero() -> None:
    found = f1(["a", "b", "b"], ["a", "b", "c"], labels=["a", "b", "c"])
    assert np.isnan(found.f1[2])
    assert np.isnan(found.recall[2])
    assert found.precision[2] == 0
    assert found.macro == pytest.approx((1 + 2 / 3) / 2)
    never_given = f1(["a", "b"], ["b", "b"], labels=["a", "b"])
    assert np.isnan(never_given.precision[0])
    assert never_given.f1[0] == 0


def test_refused() -> None:
    with pytest.raises(InputError, match="1 truths are null or outside the 2 labels: x"):
        f1(["a", "x"], ["a", "b"], labels=["a", "b"])
    with pytest.raises(InputError, match="lengths differ"):
        f1(["a"], ["a", "b"], labels=["a", "b"])
    with pytest.raises(InputError, match="none twice"):
        f1(["a"], ["a"], labels=["a", "a"])
