"""Whether the items of a scale say one thing: alpha, omega, split halves and item-rest correlations, over speakers."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.compare.bootstrap import bootstrap
from sociolect.compare.interval import FEW, FloatArray, Interval
from sociolect.compare.scales import Scales, item_rows, scales_of
from sociolect.errors import RefusedError
from sociolect.frames import Effects, Scores

_SWEEPS = 500  # of minres; exact structures settle in some dozens
_SMALL = 1e-12


def alpha(covariance: FloatArray) -> FloatArray:
    """Cronbach's alpha of covariance matrices (..., k, k); nan where the total does not vary. Cronbach (1951).

    >>> round(float(alpha(np.array([[2.0, 1.0], [1.0, 2.0]]))), 4)
    0.6667
    """
    k = covariance.shape[-1]
    total = covariance.sum((-1, -2))
    own = np.trace(covariance, axis1=-2, axis2=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(total > _SMALL * own, k / (k - 1) * (1 - own / total), np.nan))


def omega(covariance: FloatArray) -> FloatArray:
    """McDonald's omega of covariance matrices (..., k, k): the share of the total's variance due to one common factor.

    Loadings by minres, the least squares of the correlations off the diagonal, one item at a time (Harman and Jones
    1966); communalities are held at 1. Then (sum of loadings)^2 / ((sum of loadings)^2 + sum of uniquenesses) in the
    items' own units (McDonald 1999, eq. 6.20b). Three items or more are due, each of which varies: else nan.

    >>> loading = np.array([0.9, 0.7, 0.5])
    >>> round(float(omega(np.outer(loading, loading) + np.diag(1 - loading**2))), 6)  # 4.41 / (4.41 + 1.45)
    0.75256
    """
    k = covariance.shape[-1]
    flat = covariance.reshape(-1, k, k)
    deviation = np.sqrt(np.maximum(np.diagonal(flat, axis1=1, axis2=2), 0))
    good = (deviation > _SMALL).all(1) & ~np.isnan(flat).any((1, 2)) & (k >= 3)
    out = np.full(len(flat), np.nan)
    if good.any():
        sd = deviation[good]
        correlation = flat[good] / sd[:, :, None] / sd[:, None, :]
        loading = _minres(correlation)
        common = (loading * sd).sum(1) ** 2
        out[good] = common / (common + ((1 - loading**2) * sd**2).sum(1))
    return out.reshape(covariance.shape[:-2])


def split_half(covariance: FloatArray) -> FloatArray:
    """The correlation of odd with even items, stepped up to full length by Spearman and Brown (1910); (..., k, k).

    >>> round(float(split_half(np.full((4, 4), 0.5) + 0.5 * np.eye(4))), 6)
    0.8
    """
    odd = covariance[..., ::2, ::2].sum((-1, -2))
    even = covariance[..., 1::2, 1::2].sum((-1, -2))
    both = covariance[..., ::2, 1::2].sum((-1, -2))
    with np.errstate(invalid="ignore", divide="ignore"):
        r = np.where(np.minimum(odd, even) > _SMALL, both / np.sqrt(odd * even), np.nan)
        return np.asarray(2 * r / (1 + r))


def item_rest(covariance: FloatArray) -> FloatArray:
    """Each item's correlation with the sum of the others (..., k); nan where one of the two does not vary.

    >>> item_rest(np.full((3, 3), 0.5) + 0.5 * np.eye(3)).round(4).tolist()
    [0.5774, 0.5774, 0.5774]
    """
    own = np.diagonal(covariance, axis1=-2, axis2=-1)
    shared = covariance.sum(-1) - own
    rest = covariance.sum((-1, -2))[..., None] - 2 * shared - own
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(np.minimum(own, rest) > _SMALL, shared / np.sqrt(own * rest), np.nan))


def reliability(
    scores: Scores,
    *,
    scales: Scales | None = None,
    by: Sequence[str] = (),
    level: float = 0.95,
    draws: int = 1000,
    seed: int = 0,
) -> Effects:
    """Alpha, omega, split half and each item-rest correlation per scale, over speakers, with intervals.

    Item rows are read, in scored direction; `scales` says which items make a scale (default: `scales.scales_of`).
    The draws, turns and conditions of a speaker count as their mean: a repeat is no further speaker. A speaker is one
    name in one community. Speakers without an answer to some item are left out and counted. `contrast` is alpha, omega,
    "split half" or "item-rest <item>"; halves are the odd and even items in the order of `scales` (by default, the
    sorted item ids, numbers as numbers). Intervals resample speakers. `verdict` is "ok", "warning: ..." (an item goes
    against the rest: a forgotten reversal?) or "not identified: ...", whose numbers are null.

    Raises InputError where there are no item scores of one instrument, or a scale names an item that has no rows.
    """
    instrument, items_of = item_rows(scores)
    made = scales_of(instrument, items_of, scales)
    groups = items_of.partition_by(list(by), as_dict=True) if by else {(): items_of}
    rows = []
    for name, part in sorted(groups.items(), key=lambda pair: str(pair[0])):
        for scale, items in sorted(made.items()):
            group = dict(zip(by, name, strict=True))
            told = f" in {', '.join(map(str, name))}" if name else ""
            for row in _scale(part, list(items), level=level, draws=draws, seed=seed):
                rows.append({"measure": scale} | row | {"contrast": f"{row['contrast']}{told}"} | group)
    schema = {"estimate": pl.Float64, "low": pl.Float64, "high": pl.Float64, "n": pl.Int64, "left_out": pl.Int64}
    return frames.effects(pl.DataFrame(rows, schema_overrides=schema, infer_schema_length=None))


def _scale(scores: pl.DataFrame, items: list[str], *, level: float, draws: int, seed: int) -> list[dict[str, object]]:
    wide = (
        scores.filter(pl.col("item").is_in(items)).sort("item", "condition", "draw", "turn")
        .group_by("source", "community", "speaker", "item", maintain_order=True).agg(pl.col("value").mean())
        .pivot("item", index=["source", "community", "speaker"], values="value").sort("source", "community", "speaker")
    )  # fmt: skip
    full = wide.with_columns(pl.lit(None, pl.Float64).alias(i) for i in items if i not in wide.columns)
    full = full.drop_nulls(items)
    n, k = full.height, len(items)
    names = ["alpha", "omega", "split half", *(f"item-rest {item}" for item in items)]
    told = {"n": n, "left_out": wide.height - n}
    fault = "one item only" if k < 2 else f"{n} speakers, three or more are due" if n < 3 else ""
    none: dict[str, object] = {"estimate": None, "low": None, "high": None}
    if fault:
        return [{"contrast": c} | none | told | {"method": "over speakers", "verdict": f"not identified: {fault}"}
                for c in names[:3]]  # fmt: skip
    x = full.select(items).to_numpy()
    x = x - x.mean(0)
    products = (x[:, :, None] * x[:, None, :]).reshape(n, k * k)

    def statistic(w: FloatArray) -> FloatArray:
        total = w.sum(1)
        mean = w @ x / total[:, None]
        covariance = (w @ products / total[:, None]).reshape(-1, k, k) - mean[:, :, None] * mean[:, None, :]
        three = [alpha(covariance), omega(covariance), split_half(covariance)]
        return np.concatenate([np.stack(three, axis=1), item_rest(covariance)], axis=1)

    estimate = statistic(np.ones((1, n)))[0]
    found: Interval | None = None
    method = "over speakers, cluster bootstrap" + (f"; few clusters ({n} < {FEW})" if n < FEW else "")
    try:
        found = bootstrap(statistic, np.arange(n), level=level, draws=draws, batched=True, seed=seed)
    except RefusedError as refusal:
        method = f"over speakers; no interval: {refusal}"
    against = [item for item, r in zip(items, estimate[3:], strict=True) if r < 0]
    thin = f"warning: {n} speakers only" if n < FEW else "ok"
    warning = f"warning: item {', '.join(against)} goes against the rest: a reversal forgotten?" if against else thin
    rows: list[dict[str, object]] = []
    for i, contrast in enumerate(names):
        value = None if np.isnan(estimate[i]) else float(estimate[i])
        ends = () if found is None or np.isnan(found.low[i]) else (float(found.low[i]), min(1.0, float(found.high[i])))
        why = "omega needs three items" if contrast == "omega" and k < 3 else "answers that do not vary"
        mine = warning if i < 3 or (value is not None and value < 0) else thin
        row = {"contrast": contrast} | none | {"estimate": value} | dict(zip(("low", "high"), ends, strict=False))
        rows.append(row | told | {"method": method, "verdict": mine if value is not None else f"not identified: {why}"})
    return rows


def _minres(correlation: FloatArray) -> FloatArray:
    """One factor's loadings (m, k) of correlation matrices (m, k, k)."""
    value, vector = np.linalg.eigh(correlation)
    loading = vector[:, :, -1] * np.sqrt(np.maximum(value[:, -1:], 0)) * 0.9
    unsettled = np.arange(len(loading))
    for _ in range(_SWEEPS):
        r, now = correlation[unsettled], loading[unsettled]
        for i in range(now.shape[1]):
            others = np.arange(now.shape[1]) != i
            top = (r[:, i, others] * now[:, others]).sum(1)
            now[:, i] = np.clip(top / np.maximum((now[:, others] ** 2).sum(1), _SMALL), -1, 1)
        moved = np.abs(now - loading[unsettled]).max(1)
        loading[unsettled] = now
        unsettled = unsettled[moved > 1e-9]
        if not unsettled.size:
            break
    return np.asarray(loading)
