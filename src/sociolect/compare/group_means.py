"""The means of many groups under one bootstrap, so that whatever is made of them is paired."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from sociolect.compare.bootstrap import cells, weights
from sociolect.compare.clusters import factors
from sociolect.compare.interval import FEW, FloatArray, IntArray, Interval, interval
from sociolect.errors import InputError

Statistic = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True, slots=True, eq=False)
class GroupMeans:
    """Means (groups, v) with their draws (draws, groups, v), None where there can be none (`reason` says why).

    `groups` has a row per group, sorted: the columns of `by`, `n` rows used, `left_out` rows with an undefined value.
    `clusters` is the smallest number of clusters of any factor in each group.
    """

    groups: pl.DataFrame
    estimate: FloatArray
    samples: FloatArray | None
    clusters: IntArray
    reason: str
    level: float

    def where(self, **values: object) -> list[int]:
        """The places of the groups that hold these values.

        >>> rows = pl.DataFrame({"source": ["model"] * 4, "speaker": ["m"] * 4, "arm": list("abab"), "topic": list("xxyy")})
        >>> group_means(rows, np.arange(4.0), by=["arm"], clusters=["topic"], draws=100).where(arm="b")
        [1]
        """
        told = pl.all_horizontal(pl.col(c).eq_missing(pl.lit(v)) for c, v in values.items())
        return self.groups.with_row_index("_at").filter(told)["_at"].to_list()

    def doubt(self, statistic: Statistic, used: Sequence[int]) -> Interval | str:
        """One number made of the means, with its interval; or the reason why it has none.

        `statistic` takes means (m, groups, v) and gives (m,); `used` are the groups it rests on.
        """
        if self.samples is None:
            return self.reason
        fewest = int(self.clusters[list(used)].min()) if len(used) else 0
        if fewest < 2:
            return "one cluster only: how much clusters differ cannot be seen"
        with np.errstate(invalid="ignore", divide="ignore"):
            estimate, drawn = statistic(self.estimate[None])[0], statistic(self.samples)
        found = interval(np.asarray(estimate), drawn[:, None], n=0, clusters=fewest, level=self.level)
        return found if not found.reasons[0] else found.reasons[0]

    def row(self, statistic: Statistic, used: Sequence[int], *, method: str = "mean") -> dict[str, object]:
        """Estimate, low, high, p, n, left_out, clusters and method of one number: the columns of an effects row."""
        with np.errstate(invalid="ignore", divide="ignore"):
            estimate = float(statistic(self.estimate[None])[0]) if len(used) else np.nan
        picked = self.groups[list(used)]
        out: dict[str, object] = dict.fromkeys(("low", "high", "p", "clusters"))
        out |= {"estimate": None if np.isnan(estimate) else estimate, "n": int(picked["n"].sum()),
                "left_out": int(picked["left_out"].sum())}  # fmt: skip
        if np.isnan(estimate):
            return out | {"method": f"{method}; no number: nothing to make it of"}
        found = self.doubt(statistic, used)
        if isinstance(found, str):
            return out | {"method": f"{method}; no interval: {found}"}
        few = f"; few clusters ({int(found.clusters)} < {FEW})" if found.few else ""
        return out | {"low": float(found.low), "high": float(found.high), "p": float(found.p()),
                      "clusters": int(found.clusters), "method": f"{method}, cluster bootstrap{few}"}  # fmt: skip


def group_means(
    rows: pl.DataFrame,
    values: FloatArray,
    *,
    by: Sequence[str],
    clusters: Sequence[str],
    level: float = 0.95,
    draws: int = 1000,
    seed: int = 0,
) -> GroupMeans:
    """The mean of `values` (n,) or (n, v) in each group of `by`, and the same means in each bootstrap draw.

    Rows with an undefined value are left out and counted. People are resampled by speaker, models by `clusters`, crossed
    (`clusters.factors`); all groups share the weights. Where a factor has one cluster there are no draws, and a reason.
    Raises InputError where a column is missing.
    """
    if missing := [c for c in by if c not in rows.columns]:
        raise InputError(f"these rows have no column {', '.join(map(repr, missing))}")
    numbers = np.asarray(values, dtype=float).reshape(rows.height, -1)
    groups = rows.select(by).unique().sort(by, nulls_last=True).with_row_index("_group")
    place = rows.select(by).join(groups, on=list(by), how="left", nulls_equal=True, maintain_order="left")["_group"]
    group = place.to_numpy().astype(np.int64)
    known = ~np.isnan(numbers).any(1)
    codes = factors(rows, clusters) if rows.height else []
    size = groups.height
    n = np.bincount(group[known], minlength=size)
    told = pl.DataFrame({"n": n, "left_out": np.bincount(group[~known], minlength=size)})
    rows_of, held = codes, np.zeros(rows.height, dtype=np.int64)
    if codes:
        rows_of, held = cells(codes)
    # Sums run in an order of their own, so that the order of the rows changes no byte.
    order = np.flatnonzero(known)
    order = order[np.lexsort((*numbers[order].T, held[order], group[order]))]
    cell = rows_of[0].size if codes else 1
    at = held[order] * size + group[order]
    count = np.bincount(at, minlength=cell * size).reshape(cell, size).astype(float)
    total = np.stack(
        [np.bincount(at, weights=column[order], minlength=cell * size).reshape(cell, size) for column in numbers.T],
        axis=2,
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        estimate = total.sum(0) / count.sum(0)[:, None]
        reason = _reason(rows_of) if codes else "there are no rows"
        samples = None
        if not reason:
            flat = total.reshape(cell, -1)
            parts = [
                (w @ flat).reshape(len(w), size, -1) / (w @ count)[:, :, None]
                for w in weights(rows_of, draws=draws, seed=seed)
            ]
            samples = np.concatenate(parts)
    fewest = _fewest(rows_of, count, size) if codes else np.zeros(size, dtype=np.int64)
    return GroupMeans(
        pl.concat([groups.drop("_group"), told], how="horizontal"), estimate, samples, fewest, reason, level
    )


def _reason(codes: Sequence[IntArray]) -> str:
    sizes = [np.unique(c[c >= 0]).size for c in codes]
    return "one cluster only in a factor: how much clusters differ cannot be seen" if 1 in sizes else ""


def _fewest(codes: Sequence[IntArray], count: FloatArray, size: int) -> IntArray:
    """Over the factors, the smallest number of clusters that have rows in the group; 0 where the group is empty."""
    out = np.full(size, np.iinfo(np.int64).max)
    for code in codes:
        inside = code >= 0
        here = np.zeros((code.max(initial=0) + 1, size), dtype=bool)
        np.logical_or.at(here, code[inside], count[inside] > 0)
        found = here.sum(0)
        out = np.where(found > 0, np.minimum(out, found), out)
    return np.where(count.sum(0) > 0, out, 0)
