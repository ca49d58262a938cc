"""Means and differences of means, with intervals over clusters."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.compare.bootstrap import bootstrap, cells
from sociolect.compare.clusters import factors
from sociolect.compare.interval import FEW, FloatArray, Interval
from sociolect.compare.multiplicity import adjusted
from sociolect.errors import InputError, RefusedError, UsageError
from sociolect.frames import KEYS, Effects, Scores

_COLUMNS = {
    "measure": pl.String, "contrast": pl.String, "estimate": pl.Float64, "low": pl.Float64, "high": pl.Float64,
    "n": pl.Int64, "p": pl.Float64, "p_adjusted": pl.Float64, "method": pl.String, "left_out": pl.Int64,
    "clusters": pl.Int64,
}  # fmt: skip


def differences(
    scores: Scores,
    *,
    between: tuple[str, str] = ("aligned", "in_context"),
    on: str = "condition",
    by: Sequence[str] = ("measure",),
    clusters: Sequence[str] = ("topic", "template"),
    weight: str | None = None,
    level: float = 0.95,
    draws: int = 2000,
    adjust: str = "holm",
    seed: int = 0,
) -> Effects:
    """The first side's mean less the second's, per group of `by`, with a bootstrap interval, p and adjusted p.

    Rows pair on every key but `on`, the speaker and the source: same community, item, draw and turn (and the same
    speaker where the sides share speakers). Several rows of one side under one key count as their mean. `n` counts
    pairs; `left_out` counts rows that are null or found no partner. Where nothing pairs the sides are compared as
    independent, `method` says `unpaired`, and n counts rows. Clusters: `clusters.factors`. `p` inverts the interval;
    `adjust` (holm, bh, none) runs over all rows of the answer. A group that cannot have an interval keeps its estimate,
    null ends and the reason in `method`; where no group can, RefusedError. `weight` names a column of row weights.

    Raises InputError where a side or a column is missing, UsageError where several measures would be pooled.

    >>> said = pl.DataFrame([("m", "model", "red", str(i), arm, 0, 0, "tone", i + (arm == "a"), f"t{i}", f"u{i % 2}")
    ...     for i in range(6) for arm in "ab"], schema=[*KEYS, "measure", "value", "topic", "template"], orient="row")
    >>> said = frames.scores(said.with_columns(pl.col("value").cast(pl.Float64)))
    >>> differences(said, between=("a", "b")).select("contrast", "estimate", "n", "left_out").row(0)
    ('a - b', 1.0, 6, 0)
    """
    if on in by:
        raise UsageError(f"{on!r} tells the sides apart and cannot group them too: leave it out of `by`")
    groups = _grouped(scores, [on, *(c for c in clusters if (scores["source"] == "model").any())], by, weight)
    seen = set(scores[on].unique())
    if absent := [side for side in between if side not in seen]:
        raise InputError(f"no rows of {', '.join(absent)} in {on!r}; there are: {', '.join(map(str, sorted(seen)))}")
    doubt = partial(bootstrap, level=level, draws=draws, batched=True, seed=seed)
    rows = []
    for name, group in groups:
        known = group.filter(pl.col("value").is_not_null() & pl.col("value").is_finite())
        first, second = (known.filter(pl.col(on) == side) for side in between)
        asked = group.filter(pl.col(on).is_in(list(between))).height
        pairs, used = _paired(first, second, on, clusters, weight)
        if used:
            sums = pairs.select((pl.col("_w") * pl.col("_d")).alias("d"), "_w").to_numpy()
            row = _row(pairs, sums, "paired", clusters=clusters, doubt=doubt)
        else:
            both = pl.concat([first, second])
            left = (both[on] == between[0]).to_numpy().astype(float)
            w, value = _weights(both, weight), both["value"].to_numpy()
            sums = np.stack([w * left * value, w * left, w * (1 - left) * value, w * (1 - left)], axis=1)
            row, used = _row(both, sums, "unpaired", clusters=clusters, doubt=doubt), both.height
        rows.append(_named(group, name, by, f"{between[0]} - {between[1]}") | row | {"left_out": asked - used})
    return _effects(rows, by, adjust)


def means(
    scores: Scores,
    *,
    by: Sequence[str] = ("measure", "condition"),
    clusters: Sequence[str] = ("topic", "template"),
    weight: str | None = None,
    level: float = 0.95,
    draws: int = 2000,
    seed: int = 0,
) -> Effects:
    """The mean of each group of `by`, with a bootstrap interval over clusters; `contrast` names the group.

    `left_out` counts null rows. The rest as in `differences`.

    >>> said = pl.DataFrame([("m", "model", "red", str(i), "a", 0, 0, "tone", float(i), f"t{i}")
    ...     for i in range(5)], schema=[*KEYS, "measure", "value", "topic"], orient="row")
    >>> means(frames.scores(said), clusters=["topic"]).select("contrast", "estimate", "n", "clusters").row(0)
    ('a', 2.0, 5, 5)
    """
    doubt = partial(bootstrap, level=level, draws=draws, batched=True, seed=seed)
    rows = []
    for name, group in _grouped(scores, [c for c in clusters if (scores["source"] == "model").any()], by, weight):
        known = group.filter(pl.col("value").is_not_null() & pl.col("value").is_finite())
        w = _weights(known, weight)
        sums = np.stack([w * known["value"].to_numpy(), w], axis=1)
        row = _row(known, sums, "mean", clusters=clusters, doubt=doubt)
        rows.append(_named(group, name, by, "") | row | {"left_out": group.height - known.height})
    return _effects(rows, by, "none").drop("p", "p_adjusted")  # type: ignore[return-value]  # still an effects frame


def _grouped(
    scores: Scores, columns: Sequence[str], by: Sequence[str], weight: str | None
) -> list[tuple[tuple[object, ...], pl.DataFrame]]:
    named = [*columns, *by, *([weight] if weight else [])]
    if missing := sorted(set(named) - set(scores.columns)):
        raise InputError(f"these scores have no column {', '.join(map(repr, missing))}; name others, or add them")
    if "measure" not in by and scores["measure"].n_unique() > 1:
        raise UsageError(
            f"{scores['measure'].n_unique()} measures would be pooled into one mean: put 'measure' in `by`"
        )
    if scores.is_empty():
        raise RefusedError("there are no scores: nothing to compare")
    # Sums run in the order of the rows: sorted, the same rows give the same bytes however they came.
    ordered = scores.sort(*KEYS, "measure")
    groups = ordered.partition_by([*by], as_dict=True, maintain_order=True) if by else {(): ordered}
    return sorted(groups.items(), key=lambda item: tuple((part is None, str(part)) for part in item[0]))


def _paired(
    first: pl.DataFrame, second: pl.DataFrame, on: str, clusters: Sequence[str], weight: str | None
) -> tuple[pl.DataFrame, int]:
    """One row per pair, with the difference `_d` and its weight `_w`; and how many rows they used up."""
    keys = [k for k in ("community", "item", "condition", "draw", "turn", "measure") if k != on]
    if set(first["speaker"]) & set(second["speaker"]) and on != "speaker":
        keys.append("speaker")
    w = pl.col(weight) if weight else pl.lit(1.0)
    carried = [c for c in ("source", "speaker", *clusters) if c in first.columns and c not in keys]

    def side(rows: pl.DataFrame) -> pl.DataFrame:
        mean = ((pl.col("value") * w).sum() / w.sum() if weight else pl.col("value").mean()).alias("_v")
        held = [pl.col(c).first() for c in carried]
        return rows.group_by(keys, maintain_order=True).agg(mean, w.mean().alias("_w"), pl.len().alias("_n"), *held)

    pairs = side(first).join(side(second).select(*keys, "_v", "_w", "_n"), on=keys, suffix="_2").sort(keys)
    # A pair of different speakers is no one's own: it varies with what was asked, not with who is met.
    if "speaker" not in keys:
        pairs = pairs.with_columns(source=pl.lit("model"))
    pairs = pairs.with_columns(_d=pl.col("_v") - pl.col("_v_2"), _w=(pl.col("_w") + pl.col("_w_2")) / 2)
    return pairs, int((pairs["_n"] + pairs["_n_2"]).sum())


def _row(
    rows: pl.DataFrame, sums: FloatArray, method: str, *, clusters: Sequence[str], doubt: Callable[..., Interval]
) -> dict[str, object]:
    """Estimate, interval and p of a ratio of sums over rows (two columns), or of a difference of two (four)."""

    def ratio(total: FloatArray) -> FloatArray:
        with np.errstate(invalid="ignore", divide="ignore"):
            out = total[:, 0] / total[:, 1]
            return np.asarray(out - total[:, 2] / total[:, 3] if total.shape[1] == 4 else out)

    row: dict[str, object] = dict.fromkeys(("estimate", "low", "high", "p", "clusters"))
    row |= {"n": rows.height, "method": method}
    if not rows.height or np.isnan(whole := ratio(sums.sum(0)[None])[0]):
        return row | {"method": f"{method}; no number: no row has a value"}
    row["estimate"] = float(whole)
    codes, place = cells(factors(rows, clusters))
    held = np.stack([np.bincount(place, weights=column, minlength=codes[0].size) for column in sums.T], axis=1)
    held = held.astype(float)
    try:
        found = doubt(lambda w: ratio(w @ held), codes)
    except RefusedError as refusal:
        return row | {"method": f"{method}; no interval: {refusal}"}
    said = f"{method}, {'pigeonhole' if len(codes) > 1 else 'cluster'} bootstrap"
    few = f"; few clusters ({int(found.clusters)} < {FEW})" if found.few else ""
    return row | {
        "low": float(found.low), "high": float(found.high), "p": float(found.p()), "method": said + few,
        "clusters": int(found.clusters),
    }  # fmt: skip


def _weights(rows: pl.DataFrame, weight: str | None) -> FloatArray:
    return np.asarray(rows[weight].to_numpy() if weight else np.ones(rows.height), dtype=float)


def _named(rows: pl.DataFrame, name: Sequence[object], by: Sequence[str], contrast: str) -> dict[str, object]:
    """The row's own columns; a group is part of its contrast's name, so that measure and contrast stay the key."""
    group = dict(zip(by, name, strict=True))
    within = ", ".join(str(value) for column, value in group.items() if column != "measure")
    said = f"{contrast} in {within}" if contrast and within else contrast or within or "all"
    return {"measure": rows["measure"][0], "contrast": said} | group


def _effects(rows: list[dict[str, object]], by: Sequence[str], adjust: str) -> Effects:
    if all(row["low"] is None for row in rows):
        raise RefusedError(f"no interval can be made: {rows[0]['method']}")
    p = adjusted([row["p"] for row in rows], adjust)  # type: ignore[misc]  # the column p holds floats and nulls
    for row, value in zip(rows, p, strict=True):
        row["p_adjusted"] = value
    extra = [c for c in by if c not in _COLUMNS]
    return frames.effects(
        pl.DataFrame(rows, infer_schema_length=None).select(*(pl.col(c).cast(t) for c, t in _COLUMNS.items()), *extra)
    )
