"""What a subscale comes to for every respondent at once, and what is done where answers are missing."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sociolect.measure.instrument_card import Instrument, Subscale

FloatArray = NDArray[np.float64]


def subscales(sheet: FloatArray, instrument: Instrument) -> dict[str, FloatArray]:
    """Each subscale's value per row of `sheet` (respondents x the instrument's items, after the key; nan: missing); nan: null."""
    at = {item.id: n for n, item in enumerate(instrument.items)}
    scored = sorted({at[i] for one in instrument.subscales for i in one.items})
    around = sorted({at[i] for one in instrument.subscales if one.how == "centred_mean" for i in one.items})
    missing = np.isnan(sheet[:, scored]).sum(1)
    out = {}
    for one in instrument.subscales:
        own = sheet[:, [at[i] for i in one.items]]
        if one.how == "range_mean":
            low, high = (
                np.array([getattr(instrument.items[at[i]], end) for i in one.items]) for end in ("low", "high")
            )
            own = 100 * (own - low) / (high - low)
        found = combined(own, one, missing=missing)
        if one.how == "centred_mean":
            about = sheet[:, around]
            found -= about.mean(1) if one.policy == "null" else _mean(about)
        out[one.id] = found
    return out


def combined(own: FloatArray, subscale: Subscale, *, missing: Sequence[int] | NDArray[np.int64]) -> FloatArray:
    """The sum or mean of a subscale's items under its policy; `missing` counts all that a respondent left out.

    A respondent who answered none of the items has none (nan), whatever the policy.

    >>> one = Subscale("s", ("1", "2"), "sum", "mean_if", 1, 0, 6)
    >>> combined(np.array([[1.0, 2.0], [3.0, np.nan], [np.nan, np.nan]]), one, missing=[0, 1, 2]).tolist()
    [3.0, 6.0, nan]
    """
    k = own.shape[1]
    here = k - np.isnan(own).sum(1)
    match subscale.policy:
        case "mean_if":
            kept = here >= subscale.limit
        case "median_if":
            kept = (k - here <= subscale.limit) & (here > 0)
            own = _median_filled(own, kept & (here < k))
        case "drop_if":
            kept = (np.asarray(missing) <= subscale.limit) & (here > 0)
        case _:
            kept = here == k
    mean = _mean(own)
    if subscale.how == "sum":
        # whole sums stay exact: a mean times k need not
        mean = np.where(np.isnan(own).any(1), mean * k, own.sum(1))
    return np.where(kept, mean, np.nan)


def _mean(rows: FloatArray) -> FloatArray:
    """The mean of what is there in each row; nan where nothing is."""
    here = (~np.isnan(rows)).sum(1)
    return np.where(here > 0, np.nansum(rows, axis=1) / np.maximum(here, 1), np.nan)


def _median_filled(own: FloatArray, rows: NDArray[np.bool_]) -> FloatArray:
    """The rows with their gaps filled by the median of what is there."""
    if not rows.any():
        return own
    own = own.copy()
    gaps = own[rows]
    own[rows] = np.where(np.isnan(gaps), np.nanmedian(gaps, axis=1, keepdims=True), gaps)
    return own
