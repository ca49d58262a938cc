"""How far a reader of tones can be trusted, on people's texts and on models' apart, each number with its interval."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sociolect.errors import InputError, RefusedError, UsageError
from sociolect.frames import Replies
from sociolect.measure.calibration import calibration_error
from sociolect.measure.clustered import NAN, Found, area, average, difference
from sociolect.measure.pretrained import Reader
from sociolect.measure.tone import known_tones, reading
from sociolect.tones import TONES

Floats = NDArray[np.float64]
WEAK = 0.75  # ours (the study's specification, section 3): a tone with an AUC below it carries no claim
METRICS = ("auc", "accuracy", "sensitivity", "specificity", "brier", "bias", "ece")
SIDES = ("human", "model")
BOTH = "human - model"
_KINDS = {
    "tone": pl.String, "source": pl.String, "metric": pl.String, "estimate": pl.Float64, "low": pl.Float64,
    "high": pl.Float64, "n": pl.Int64, "positives": pl.Int64, "clusters": pl.Int64, "left_out": pl.Int64,
    "weak": pl.Boolean,
}  # fmt: skip


def tone_card(
    replies: Replies,
    reader: Reader,
    *,
    truth: str = "truth",
    tones: Sequence[str] | None = None,
    cluster: str = "post",
    cut: float = 0.5,
    bins: int = 15,
    level: float = 0.95,
) -> pl.DataFrame:
    """A reader's validity card: one row per tone, source (human, model, `human - model`) and metric.

    `replies` are texts that humans labelled and the reader never learned from. `truth` is a List(String) column of the tones each
    shows, empty where it shows none, null where nobody looked; `tones` are those that were looked for (all of the reader's).
    Columns: tone, source, metric, estimate, low, high, n (texts), positives, clusters, left_out (rows of the source without
    a label, a text or an answer), weak. A difference counts both sources' rows.

    Metrics: auc; at `cut` accuracy, sensitivity, specificity; brier; bias (mean probability less the tone's share); ece
    (`calibration_error`; it is biased upward where texts are few, and has no interval). `weak` marks a tone whose AUC on
    that source is below .75, on either for a difference; null where there is no AUC, and such a tone is not cleared either.

    Intervals count clusters (`cluster`: a column such as post, speaker), never texts: `measure.clustered`. An end is null where
    fewer than two clusters hold the number, or nothing varied.
    Raises InputError for columns and labels that do not fit, RefusedError where no text is labelled, UsageError for keywords.

    >>> from types import SimpleNamespace
    >>> sure = SimpleNamespace(labels=("funny",), multi=True, probabilities=lambda t: np.array([[0.9 if "ha" in x else 0.2] for x in t]))
    >>> keys = {"speaker": "s", "source": "human", "community": "everyone", "condition": "observed", "prompt": "", "draw": 0, "turn": 0}
    >>> rows = pl.DataFrame({"item": list("abcd"), "post": list("abcd"), "text": ["ha", "ha", "oh", "no"],
    ...     "truth": [["funny"], ["funny"], [], ["funny"]]}).with_columns(**{c: pl.lit(v) for c, v in keys.items()})
    >>> found = tone_card(Replies(rows.with_columns(pl.col("draw", "turn").cast(pl.Int64))), sure)
    >>> found.filter(pl.col("metric") == "sensitivity")["estimate"].round(4).to_list()
    [0.6667]
    """
    given, looked = _labelled(replies, reader, truth, tones, cluster, cut=cut, bins=bins, level=level)
    places, found = reading(replies, reader)
    chance = np.full((replies.height, len(reader.labels)), np.nan)
    chance[places] = found.chance
    group = np.unique(replies[cluster].cast(pl.String).to_numpy(), return_inverse=True)[1]
    source = replies["source"].to_numpy()
    labelled = replies[truth].is_not_null().to_numpy()
    rows: list[dict[str, object]] = []
    for label in looked:
        k = reader.labels.index(label)
        p, y = chance[:, k], np.array([label in (g or ()) for g in given], dtype=bool)
        sides: dict[str, dict[str, Found]] = {}
        counts: dict[str, tuple[int, int, int]] = {}
        for side in [s for s in SIDES if (source == s).any()]:
            held = labelled & ~np.isnan(p) & (source == side)
            sides[side] = _metrics(p, y, held, group, cut=cut, bins=bins, level=level)
            counts[side] = (int(held.sum()), int((held & y).sum()), int((source == side).sum() - held.sum()))
        weak = {side: _weak(one["auc"].estimate) for side, one in sides.items()}
        if len(sides) == len(SIDES):
            sides[BOTH] = {m: difference(sides["human"][m], sides["model"][m], group) for m in METRICS}
            (a, b, c), (d, e, f) = counts["human"], counts["model"]
            counts[BOTH] = (a + d, b + e, c + f)
            weak[BOTH] = True if True in weak.values() else None if None in weak.values() else False
        for side, metrics in sides.items():
            n, positives, left_out = counts[side]
            for metric, one in metrics.items():
                row = (
                    label,
                    side,
                    metric,
                    one.estimate,
                    one.low,
                    one.high,
                    n,
                    positives,
                    one.clusters,
                    left_out,
                    weak[side],
                )
                rows.append(dict(zip(_KINDS, row, strict=True)))
    return pl.DataFrame(rows, schema=_KINDS).with_columns(pl.col("estimate", "low", "high").fill_nan(None))


def cleared(card: pl.DataFrame) -> tuple[str, ...]:
    """The tones that may carry a claim: an AUC of .75 or more on every source of the card, in the order of `TONES`.

    >>> rows = {"tone": ["funny", "funny", "insult"], "metric": ["auc"] * 3, "weak": [False, False, True]}
    >>> cleared(pl.DataFrame(rows))
    ('funny',)
    """
    told = card.filter(pl.col("metric") == "auc").group_by("tone").agg(ok=(~pl.col("weak").fill_null(True)).all())
    good = set(told.filter("ok")["tone"])
    return tuple(t for t in TONES if t in good)


def _metrics(
    p: Floats,
    y: NDArray[np.bool_],
    held: NDArray[np.bool_],
    group: NDArray[np.int64],
    *,
    cut: float,
    bins: int,
    level: float,
) -> dict[str, Found]:
    """Every metric of one tone on one source's rows."""
    right = ((p >= cut) == y).astype(np.float64)
    off, beyond = np.square(p - y), p - y
    shares = {"accuracy": held, "sensitivity": held & y, "specificity": held & ~y}
    found = {"auc": area(p, y, held, group, level=level)}
    found |= {name: average(right, rows, group, share=True, level=level) for name, rows in shares.items()}
    found["brier"] = average(off, held, group, share=False, level=level)
    found["brier"] = found["brier"]._replace(low=max(found["brier"].low, 0.0) if held.any() else NAN)
    found["bias"] = average(beyond, held, group, share=False, level=level)
    error = calibration_error(p[held], y[held].astype(np.float64), bins=bins) if held.any() else NAN
    found["ece"] = Found(error, NAN, NAN, NAN, np.zeros(len(p)), found["bias"].clusters)
    return found


def _weak(auc: float) -> bool | None:
    return None if np.isnan(auc) else bool(auc < WEAK)


def _labelled(
    replies: Replies,
    reader: Reader,
    truth: str,
    tones: Sequence[str] | None,
    cluster: str,
    *,
    cut: float,
    bins: int,
    level: float,
) -> tuple[list[list[str] | None], list[str]]:
    """What humans said of each row, and the tones they looked for; or every fault."""
    known = [reader.labels[k] for k in known_tones(reader)]
    wrong = [f"{name} is {v}, not between 0 and 1" for name, v in (("cut", cut), ("level", level)) if not 0 < v < 1]
    wrong += [] if bins >= 1 else [f"bins is {bins}, not 1 or more"]
    if tones is not None and (odd := [t for t in tones if t not in known]):
        wrong.append(f"tones names {', '.join(odd)}; the reader's are: {', '.join(known)}")
    if wrong:
        raise UsageError("; ".join(wrong))
    faults = [f"column {c!r} is missing" for c in (truth, cluster) if c not in replies.columns]
    if cluster in replies.columns and (bare := replies[cluster].null_count()):
        faults.append(f"column {cluster!r} is null in {bare} rows: a text without a cluster cannot be counted")
    if truth in replies.columns:
        if replies.schema[truth] != pl.List(pl.String):
            faults.append(f"column {truth!r} is {replies.schema[truth]}, not List(String)")
        elif odd := sorted({str(v) for one in replies[truth].drop_nulls() for v in one} - set(TONES)):
            faults.append(f"column {truth!r} holds {', '.join(odd[:5])}; the tones are: {', '.join(TONES)}")
    if faults:
        raise InputError(f"no validity card: {'; '.join(faults)}")
    given: list[list[str] | None] = replies[truth].to_list()
    if all(g is None for g in given):
        raise RefusedError(f"no reply has labels in {truth!r}: nothing to hold the reader against")
    return given, known if tones is None else [t for t in known if t in tones]
