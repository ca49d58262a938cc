"""Golden values: R 4.2, `p.adjust(p, "holm")` and `p.adjust(p, "BH")`."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sociolect.compare.multiplicity import P, adjusted, benjamini_hochberg, holm
from sociolect.errors import InputError, UsageError

ASKED: list[P] = [0.0042, None, 0.031, 0.031, 0.0009, 0.77, 0.12, 1, 0, 0.049]
HOLM = [0.0294, None, 0.186, 0.186, 0.0072, 1, 0.36, 1, 0, 0.196]
BH = [0.0126, None, 0.0558, 0.0558, 0.00405, 0.86625, 0.154285714285714, 1, 0, 0.0735]


@pytest.mark.parametrize(("method", "golden"), [(holm, HOLM), (benjamini_hochberg, BH)])
def test_golden(method: object, golden: list[P]) -> None:
    assert callable(method)
    for found, due in zip(method(ASKED), golden, strict=True):
        assert (found is None) == (due is None)
        assert due is None or abs(found - due) < 1e-12


@given(st.lists(st.one_of(st.none(), st.floats(0, 1)), max_size=30))
def test_order_changes_nothing_and_adjusting_never_helps(p: list[P]) -> None:
    order = np.random.default_rng(len(p)).permutation(len(p))
    for method in (holm, benjamini_hochberg):
        found = method(p)
        assert [found[i] for i in order] == method([p[i] for i in order])
        assert all(a is None or (b is not None and b >= a - 1e-12 and b <= 1) for a, b in zip(p, found, strict=True))
        assert [a is None for a in p] == [b is None for b in found]


def test_false_claims_in_families_of_ten() -> None:
    families = np.random.default_rng(1).random((2000, 10))
    assert (families.min(1) < 0.05).mean() > 0.35
    assert abs(np.mean([min(x for x in holm(f.tolist()) if x is not None) < 0.05 for f in families]) - 0.05) < 0.02


def test_refused() -> None:
    with pytest.raises(InputError, match="2 of 3 p-values"):
        holm([0.1, float("nan"), 1.2])
    with pytest.raises(UsageError, match="did you mean 'holm'"):
        adjusted([0.1], "hulm")
    assert holm([]) == benjamini_hochberg([]) == []
