"""F1 of the community named by a classifier, arm by arm, with paired intervals."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.compare.bootstrap import cells, weights
from sociolect.compare.clusters import Codes, factors
from sociolect.compare.f1 import codes, scored
from sociolect.compare.interval import FEW, FloatArray, IntArray, interval
from sociolect.compare.multiplicity import adjusted
from sociolect.errors import InputError, RefusedError
from sociolect.frames import KEYS, Effects, Scores

AVERAGES = ("macro_f1", "weighted_f1", "accuracy")


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """Averages and F1 by label for each arm: the estimate (a, 3 + k) and its draws (draws, a, 3 + k), all paired."""

    arms: tuple[str, ...]
    measures: tuple[str, ...]
    estimate: FloatArray
    samples: FloatArray
    n: IntArray
    missed: IntArray
    clusters: IntArray


def f1_effects(
    scores: Scores,
    *,
    labels: Sequence[str],
    arms: Sequence[str] | None = None,
    clusters: Sequence[str] = ("topic", "template"),
    pairs: Sequence[tuple[str, str]] = (("aligned", "in_context"),),
    level: float = 0.95,
    draws: int = 2000,
    adjust: str = "holm",
    seed: int = 0,
) -> Effects:
    """Macro F1, weighted F1, accuracy and F1 by community of each arm; the arms' differences and ratios.

    The truth is `community`, the verdict is `label`; null is a miss (`f1`), counted in `missed`. All rows share one
    bootstrap: people are drawn by speaker within communities, model rows by the columns of `clusters`, crossed. So
    `aligned - in_context` is paired over topics and templates. The ratio `aligned / in_context` of macro and weighted
    F1 has the percentile interval of the drawn ratios, which is that of their logarithms; its p is against 1. P-values
    are adjusted within one measure and one kind of contrast, and over all communities for `f1:<community>`.

    Raises InputError where an arm or a column is missing, RefusedError where a factor has one cluster in an arm.

    >>> rows = [("m", "model", c, f"{t}{u}", "a", 0, 0, "origin", None, c if t else "x", f"t{t}", f"u{u}")
    ...     for c in "xy" for t in range(6) for u in range(6)]
    >>> names = [*KEYS, "measure", "value", "label", "topic", "template"]
    >>> said = pl.DataFrame(rows, schema=names, orient="row").with_columns(pl.col("value").cast(pl.Float64))
    >>> found = f1_effects(frames.scores(said), labels=["x", "y"], pairs=[])
    >>> found.select("measure", "contrast", pl.col("estimate").round(4), "n", "clusters").row(0)
    ('macro_f1', 'a', 0.9161, 72, 6)
    """
    drawn = draw(scores, labels=labels, arms=arms, clusters=clusters, draws=draws, seed=seed)
    places = {arm: place for place, arm in enumerate(drawn.arms)}
    if absent := sorted({arm for pair in pairs for arm in pair} - set(places)):
        raise InputError(f"pairs name {', '.join(absent)}; the arms are: {', '.join(drawn.arms)}")
    rows: list[dict[str, object]] = []

    def add(contrast: str, kind: str, estimate: FloatArray, samples: FloatArray, used: list[int]) -> None:
        null = 1.0 if kind == "ratio" else 0.0
        n, fewest = int(drawn.n[used].sum()), int(drawn.clusters[used].min())
        found = interval(estimate, samples, n=n, clusters=fewest, level=level)
        p = found.p(null) if kind else np.full(estimate.size, np.nan)
        few = f"; few clusters ({fewest} < {FEW})" if found.few else ""
        for place, measure in enumerate(drawn.measures[: estimate.size]):
            said = f"; no interval: {found.reasons[place]}" if found.reasons[place] else ""
            rows.append({
                "measure": measure, "contrast": contrast, "estimate": float(estimate[place]),
                "low": float(found.low[place]), "high": float(found.high[place]), "n": n, "p": float(p[place]),
                "method": f"{'paired ' if kind else ''}cluster bootstrap{said}{few}", "left_out": 0,
                "missed": int(drawn.missed[used].sum()), "clusters": fewest,
                "_family": f"{kind} {measure.split(':')[0]}",
            })  # fmt: skip

    for arm, i in places.items():
        add(arm, "", drawn.estimate[i], drawn.samples[:, i], [i])
    with np.errstate(invalid="ignore", divide="ignore"):
        for first, second in pairs:
            i, j = places[first], places[second]
            one, two = drawn.estimate[i], drawn.estimate[j]
            drawn_one, drawn_two = drawn.samples[:, i], drawn.samples[:, j]
            add(f"{first} - {second}", "difference", one - two, drawn_one - drawn_two, [i, j])
            ratio, ratios = one[:2] / two[:2], drawn_one[:, :2] / drawn_two[:, :2]
            # A ratio over 0 is no number: undefined, and counted as such.
            ratio, ratios = np.where(two[:2] > 0, ratio, np.nan), np.where(drawn_two[:, :2] > 0, ratios, np.nan)
            add(f"{first} / {second}", "ratio", ratio, ratios, [i, j])
    table = pl.DataFrame(rows).with_columns(pl.col("estimate", "low", "high", "p").fill_nan(None))
    families = [
        part.with_columns(pl.Series("p_adjusted", adjusted(part["p"].to_list(), adjust), dtype=pl.Float64))
        for part in table.with_row_index("_place").partition_by("_family", maintain_order=True)
    ]
    ordered = pl.concat(families).sort("_place").drop("_place", "_family")
    return frames.effects(ordered.select(*ordered.columns[:7], "p_adjusted", *ordered.columns[7:-1]))


def draw(
    scores: Scores,
    *,
    labels: Sequence[str],
    arms: Sequence[str] | None = None,
    clusters: Sequence[str] = ("topic", "template"),
    draws: int = 2000,
    seed: int = 0,
) -> Drawn:
    """F1 of every arm under one set of bootstrap weights; what `f1_effects` and `fidelity` are made of."""
    if "label" not in scores.columns:
        raise InputError("these scores have no column 'label', a classifier's verdict: are they origin scores?")
    kept = scores.filter(pl.col("measure") == "origin") if "origin" in scores["measure"] else scores
    named = tuple(arms) if arms is not None else tuple(sorted(kept["condition"].unique()))
    here = set(kept["condition"].unique())
    if absent := [arm for arm in named if arm not in here]:
        raise InputError(f"no origin scores of {', '.join(absent)}; there are: {', '.join(sorted(here)) or 'none'}")
    if not named:
        raise RefusedError("there are no origin scores: nothing to compare")
    rows = kept.filter(pl.col("condition").is_in(named)).sort(*KEYS)
    truth, verdict = codes(rows["community"], labels, strict=True), codes(rows["label"], labels, strict=False)
    arm = codes(rows["condition"], named, strict=True)
    apart = factors(rows, clusters)
    fewest = np.array([_fewest(apart, arm == place, name) for place, name in enumerate(named)])
    # Communities are as large as the study made them: their people are drawn within them, where two or more are there.
    human = (rows["source"] == "human").to_numpy()
    people = [np.unique(apart[0][human & (truth == c)]).size for c in np.unique(truth[human])]
    strata = np.where(human, truth, -1)
    distinct, place = cells([*apart, strata])
    k, size = len(labels), distinct[0].size
    tables = []
    for a in range(len(named)):
        mine = np.unique(place[arm == a])
        at = np.searchsorted(mine, place[arm == a]) * k * (k + 1) + truth[arm == a] * (k + 1) + verdict[arm == a]
        tables.append((mine, np.bincount(at, minlength=mine.size * k * (k + 1)).reshape(mine.size, -1).astype(float)))

    def run(w: FloatArray) -> FloatArray:
        parts = [scored((w[:, mine] @ table).reshape(len(w), k, k + 1)) for mine, table in tables]
        return np.stack([np.concatenate(part, axis=1) for part in parts], axis=1)

    within = distinct[-1] if people and min(people) > 1 else None
    chunks = weights(distinct[:-1], strata=within, draws=draws, seed=seed)
    samples = np.concatenate([run(chunk) for chunk in chunks])
    count = np.bincount(arm, minlength=len(named))
    missed = np.bincount(arm[verdict == k], minlength=len(named))
    measures = (*AVERAGES, *(f"f1:{label}" for label in labels))
    return Drawn(named, measures, run(np.ones((1, size)))[0], samples, count, missed, fewest)


def _fewest(apart: list[Codes], here: IntArray, arm: str) -> int:
    """The smallest number of clusters among the factors that an arm varies with."""
    counts = [int(np.unique(found[found >= 0]).size) for found in (codes[here] for codes in apart)]
    if 1 in counts:
        raise RefusedError(
            f"arm {arm!r} has one cluster only in a factor: how much clusters differ cannot be seen; "
            "have more topics or templates, or leave a factor that never varied out of `clusters`"
        )
    return min(c for c in counts if c)
