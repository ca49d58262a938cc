"""The published individual measures, each beside the line that measurement error alone draws."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import polars as pl

from sociolect.compare.bootstrap import bootstrap
from sociolect.errors import RefusedError
from sociolect.seeds import substream
from sociolect.systems.worlds.debate.influence import partners_of
from sociolect.systems.worlds.debate.simulate import unmoved

Floats = npt.NDArray[np.float64]
MEASURES = ("r(change, initial)", "r(change, partner - own)", "r(change, |partner - own|)")
LINES = (0.5, 0.6, 0.7, 0.8, 0.9)  # the reliabilities that the null is drawn at
NULLS = 500
SCHEMA: Mapping[str, type[pl.DataType]] = {
    "measure": pl.String, "reliability": pl.Float64, "null": pl.Float64, "null_low": pl.Float64, "null_high": pl.Float64,
}  # fmt: skip


def closed_form(reliability: float) -> tuple[float, float]:
    """r(change, initial) and r(change, partner - own) with no influence: -sqrt((1 - rho) / 2) and sqrt(1 - rho) / 2.

    Two reports of one reliability rho and independent partners. The second is the first over -sqrt(2), whatever the scale.

    >>> [round(r, 3) for r in closed_form(0.6)]
    [-0.447, 0.316]
    """
    return -(((1 - reliability) / 2) ** 0.5), (1 - reliability) ** 0.5 / 2


def correlations(initial: Floats, final: Floats) -> Floats:
    """The three correlations (..., 3) of (..., groups, 4) opinions; each person's change stands once beside each partner.

    >>> draw = np.random.default_rng(1)
    >>> x, y = draw.normal(size=(2, 20000, 4))
    >>> correlations(x, y).round(2).tolist()  # reports of reliability 0
    [-0.71, 0.5, -0.0]
    """
    change, gap = final - initial, partners_of(initial) - initial[..., None]
    wide = np.broadcast_to(change[..., None], gap.shape)
    return np.stack([_r(change, initial, 2), _r(wide, gap, 3), _r(wide, np.abs(gap), 3)], axis=-1)


def observed(initial: Floats, final: Floats, *, draws: int = 1000, seed: int = 0) -> pl.DataFrame:
    """The three correlations of one study with intervals by resampling groups: measure, estimate, low, high, n (groups).

    Raises RefusedError below three groups.
    """
    if len(initial) < 3:
        raise RefusedError(f"{len(initial)} groups: three or more are due")

    def of(weights: Floats) -> Floats:
        # a group drawn k times stands k times
        picks = np.repeat(np.arange(len(initial))[None], len(weights), 0)
        for row, w in enumerate(weights):
            picks[row] = np.repeat(np.arange(len(initial)), w.astype(int))
        return correlations(initial[picks], final[picks])

    found = bootstrap(of, np.arange(len(initial)), draws=draws, batched=True, seed=seed)
    ends = {"estimate": found.estimate, "low": found.low, "high": found.high}
    return pl.DataFrame({"measure": MEASURES, **ends, "n": [len(initial)] * 3})


def nulls(
    initial: Floats, *, reliability: tuple[float, ...] = LINES, draws: int = NULLS, seed: int = 0
) -> pl.DataFrame:
    """What the three correlations are when nobody moves anybody: per reliability the mean over draws and its middle 95%."""
    rows = []
    for rho in reliability:
        last = unmoved(initial, substream(seed, "null", str(rho)), reliability=rho, draws=draws)
        found = correlations(np.broadcast_to(initial, last.shape), last)
        low, high = np.quantile(found, (0.025, 0.975), axis=0)
        rows += [(m, rho, float(found[:, k].mean()), float(low[k]), float(high[k])) for k, m in enumerate(MEASURES)]
    return pl.DataFrame(rows, schema=dict(SCHEMA), orient="row")


def _r(x: Floats, y: Floats, axes: int) -> Floats:
    over = tuple(range(-axes, 0))
    x, y = x - x.mean(over, keepdims=True), y - y.mean(over, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((x * y).sum(over) / np.sqrt((x**2).sum(over) * (y**2).sum(over)))
