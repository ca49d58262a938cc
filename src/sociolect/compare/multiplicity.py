"""P-values adjusted for how many questions were asked."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from sociolect.errors import InputError, unknown

P = float | None


def holm(p: Sequence[P]) -> list[P]:
    """Adjusted p-values that keep the chance of any false claim in the family below the level. Holm (1979).

    A null p was never a question: it passes through as null and is not counted in the family.
    Raises InputError where a p lies outside 0 to 1. Equal to R's `p.adjust(p, "holm")`.

    >>> holm([0.01, None, 0.04, 0.03])
    [0.03, None, 0.06, 0.06]
    """
    asked, ranks = _ranked(p)
    stepped = np.maximum.accumulate(asked[ranks] * np.arange(asked.size, 0, -1))
    return _put_back(p, stepped, ranks)


def benjamini_hochberg(p: Sequence[P]) -> list[P]:
    """Adjusted p-values that keep the expected share of false claims among all claims below the level.

    Nulls pass through and are not counted. Raises InputError where a p lies outside 0 to 1. Equal to R's
    `p.adjust(p, "BH")`. Benjamini and Hochberg (1995).

    >>> benjamini_hochberg([0.01, None, 0.04, 0.03])
    [0.03, None, 0.04, 0.04]
    """
    asked, ranks = _ranked(p)
    share = asked[ranks] * asked.size / np.arange(1, asked.size + 1)
    return _put_back(p, np.minimum.accumulate(share[::-1])[::-1], ranks)


def adjusted(p: Sequence[P], method: str) -> list[P]:
    """The family's p-values adjusted by `holm`, `bh` or `none`; UsageError for another name.

    >>> adjusted([0.01, 0.04], "none")
    [0.01, 0.04]
    """
    if method == "holm":
        return holm(p)
    if method == "bh":
        return benjamini_hochberg(p)
    if method == "none":
        return list(p)
    raise unknown("adjustment", method, ("holm", "bh", "none"))


def _ranked(p: Sequence[P]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.intp]]:
    asked = np.array([x for x in p if x is not None], dtype=float)
    if bad := int((~((asked >= 0) & (asked <= 1))).sum()):
        raise InputError(f"{bad} of {asked.size} p-values lie outside 0 to 1 or are nan; an absent p is null")
    return asked, np.argsort(asked, kind="stable")


def _put_back(p: Sequence[P], stepped: npt.NDArray[np.float64], ranks: npt.NDArray[np.intp]) -> list[P]:
    out = np.empty(stepped.size)
    out[ranks] = np.minimum(stepped, 1.0)
    values = iter(out.tolist())
    return [None if x is None else next(values) for x in p]
