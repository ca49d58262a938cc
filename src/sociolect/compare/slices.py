"""Fidelity slice by slice (windows of time, groups of people): does it fall, and whom is it unfair to?"""

from collections.abc import Sequence

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.compare.interval import FloatArray, interval
from sociolect.compare.origin import draw
from sociolect.errors import InputError, RefusedError
from sociolect.frames import Effects, Scores


def sliced(
    scores: Scores,
    *,
    slices: Sequence[str],
    labels: Sequence[str],
    arm: str = "aligned",
    floor: str = "shuffled",
    people: str = "human",
    measure: str = "macro_f1",
    clusters: Sequence[str] = ("topic", "template"),
    within: float = 0.05,  # dossier 8: equal groups lie within .05
    level: float = 0.95,
    draws: int = 2000,
    seed: int = 0,
) -> Effects:
    """The arm's origin F1 and its normalised fidelity in each slice, their slope over the slices, and the widest gap.

    `scores` are origin scores with a column `slice`: in each slice the arm, the floor and the slice's people, judged by a
    classifier of that slice. Rows: `measure` is `value`, `floor`, `ceiling` and `fidelity` with the slice as `contrast`;
    `slope` (fidelity a step, least squares) and `slope of value`; `gap` (the highest less the lowest slice's fidelity, the
    two named in `contrast`). All slices stand under one bootstrap. The gap of chosen extremes is above 0 by chance too: it
    is a finding only where its `low` is above `within`. `equivalent` says whether all slices lie within `within` of
    another: the (1 - 2 alpha) intervals of every pairwise difference lie inside (two one-sided tests, Schuirmann 1987).

    Raises InputError where a slice, an arm or the column is missing; RefusedError where fewer than two slices are named, or
    in fewer than two of them people are told apart better than the floor.
    """
    if len(slices) < 2:
        raise RefusedError(f"{len(slices)} slice is there, two or more are due: nothing can be held against another")
    if "slice" not in scores.columns:
        raise InputError(
            "these scores have no column 'slice': score each slice by its own classifier and name it there"
        )
    here = set(scores["slice"].drop_nulls().unique())
    if absent := [s for s in slices if s not in here]:
        raise InputError(f"no scores of the slices {', '.join(absent)}; there are: {', '.join(sorted(here)) or 'none'}")
    sides = (arm, floor, people)
    told = scores.filter(pl.col("slice").is_in(list(slices)) & pl.col("condition").is_in(sides))
    apart = frames.scores(told.with_columns(condition=pl.format("{}\x1f{}", "condition", "slice")))
    drawn = draw(apart, labels=labels, arms=[f"{a}\x1f{s}" for s in slices for a in sides], clusters=clusters, draws=draws, seed=seed)  # fmt: skip
    at = drawn.measures.index(measure)
    k = len(slices)
    whole = drawn.estimate[:, at].reshape(1, k, 3)
    samples = drawn.samples[:, :, at].reshape(-1, k, 3)
    fidelity, fidelities = _normalised(whole), _normalised(samples)
    flat = [name for name, one in zip(slices, fidelity[0], strict=True) if np.isnan(one)]
    if k - len(flat) < 2:
        raise RefusedError(
            f"people's own F1 is not above the floor in {', '.join(flat)}: fewer than two slices have a fidelity, and nothing "
            "can be held against another; bring more posts, or larger slices"
        )
    n, fewest = drawn.n.reshape(k, 3).sum(1), drawn.clusters.reshape(k, 3).min(1)
    rows: list[dict[str, object]] = []

    def add(
        name: str, contrast: str, estimate: FloatArray, some: FloatArray, *, n: int, least: int, **more: object
    ) -> None:
        found = interval(estimate, some, n=n, clusters=least, level=level)
        rows.append({
            "measure": name, "contrast": contrast, "estimate": float(found.estimate[0]), "low": float(found.low[0]),
            "high": float(found.high[0]), "n": n, "method": f"cluster bootstrap{_why(found.reasons[0])}", "clusters": least, **more,
        })  # fmt: skip

    for i, name in enumerate(slices):
        for j, what in enumerate(("value", "floor", "ceiling")):
            add(what, name, whole[0, i, j : j + 1], samples[:, i, j : j + 1], n=int(n[i]), least=int(fewest[i]))
        add("fidelity", name, fidelity[0, i : i + 1], fidelities[:, i : i + 1], n=int(n[i]), least=int(fewest[i]))
    step = np.arange(k) - (k - 1) / 2
    for name, one, many in (
        ("slope", fidelity[0], fidelities),
        ("slope of value", whole[0, :, 0], samples[:, :, 0]),
    ):
        lean = step / (step**2).sum()
        add(name, f"{slices[0]} to {slices[-1]}", np.atleast_1d(one @ lean), (many @ lean)[:, None], n=int(n.sum()), least=int(fewest.min()))  # fmt: skip
    top, bottom = int(np.nanargmax(fidelity[0])), int(np.nanargmin(fidelity[0]))
    gap, gaps = fidelity[0, top] - fidelity[0, bottom], fidelities[:, top] - fidelities[:, bottom]
    add(
        "gap", f"{slices[top]} - {slices[bottom]}", np.atleast_1d(gap), gaps[:, None], n=int(n[[top, bottom]].sum()),
        least=int(fewest[[top, bottom]].min()), equivalent=_equivalent(fidelity[0], fidelities, fewest, within, level),
    )  # fmt: skip
    return frames.effects(pl.DataFrame(rows, infer_schema_length=None).with_columns(pl.col("estimate", "low", "high").fill_nan(None)))  # fmt: skip


def _normalised(values: FloatArray) -> FloatArray:
    """(value - floor) / (ceiling - floor) along the last axis; nan where the ceiling is not above the floor."""
    value, floor, ceiling = np.moveaxis(values, -1, 0)
    room = ceiling - floor
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(room > 0, (value - floor) / room, np.nan))


def _equivalent(one: FloatArray, many: FloatArray, fewest: FloatArray, within: float, level: float) -> bool:
    """Whether every two slices are equivalent: the interval at twice alpha lies inside +-within for each pair."""
    first, second = np.triu_indices(one.size, 1)
    found = interval(
        one[first] - one[second], many[:, first] - many[:, second], n=0,
        clusters=np.minimum(fewest[first], fewest[second]).astype(np.int64), level=1 - 2 * (1 - level),
    )  # fmt: skip
    return bool(((found.low > -within) & (found.high < within)).all())


def _why(reason: str) -> str:
    return f"; no interval: {reason}" if reason else ""
