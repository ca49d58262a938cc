"""F1: how well labels hit the truth, by label and on average."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from sociolect.compare.interval import FloatArray
from sociolect.errors import InputError


@dataclass(frozen=True, slots=True, eq=False)
class F1:
    """Averages, and by label in the order of `labels`; nan where undefined (`f1` says when)."""

    labels: tuple[str, ...]
    macro: float
    weighted: float
    accuracy: float
    precision: FloatArray
    recall: FloatArray
    f1: FloatArray
    support: FloatArray
    confusion: FloatArray  # (truth, label), summed weights
    missed: FloatArray  # by truth: no label, or one outside `labels`


def f1(
    truth: Sequence[str] | pl.Series,
    label: Sequence[str | None] | pl.Series,
    *,
    labels: Sequence[str],
    weights: npt.ArrayLike | None = None,
) -> F1:
    """Macro and weighted F1, accuracy, and each label's precision, recall and F1, with the confusion matrix.

    A null label, or one outside `labels`, is a miss: it counts in the recall of its truth and is no class of its own.
    A label that is never true has no recall and no F1 (nan), and the macro mean runs over the labels that are true at
    least once; its false alarms still count against the others through their recall. A label never given has no
    precision (nan) and an F1 of 0. Weighted F1 weighs by support. Raises InputError where a truth is null or outside
    `labels`, or the lengths differ.

    >>> found = f1(["a", "a", "b", "b"], ["a", "b", "b", None], labels=["a", "b"])
    >>> round(found.macro, 4), found.accuracy, found.missed.tolist()
    (0.5833, 0.5, [0.0, 1.0])
    """
    places = codes(truth, labels, strict=True), codes(label, labels, strict=False)
    mass = np.ones(places[0].size) if weights is None else np.asarray(weights, dtype=float)
    if not places[0].size == places[1].size == mass.size:
        raise InputError(f"lengths differ: {places[0].size} truths, {places[1].size} labels, {mass.size} weights")
    k = len(labels)
    table = (
        np.bincount(places[0] * (k + 1) + places[1], weights=mass, minlength=k * (k + 1))
        .reshape(k, k + 1)
        .astype(float)
    )
    confusion, support = table[:, :k], table.sum(1)
    averages, by_label = scored(table[None])
    with np.errstate(invalid="ignore", divide="ignore"):
        precision, recall = np.diag(confusion) / confusion.sum(0), np.diag(confusion) / support
    return F1(
        tuple(labels), float(averages[0, 0]), float(averages[0, 1]), float(averages[0, 2]), precision, recall,
        by_label[0], support, confusion, table[:, k],
    )  # fmt: skip


def scored(tables: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Macro F1, weighted F1 and accuracy (m, 3), and F1 by label (m, k), of m tables (m, k truths, k labels + misses).

    >>> scored(np.array([[[1.0, 1.0, 0.0], [0.0, 1.0, 1.0]]]))[0].round(4).tolist()
    [[0.5833, 0.5833, 0.5]]
    """
    k = tables.shape[1]
    hits = np.diagonal(tables, axis1=1, axis2=2)
    support, given = tables.sum(2), tables[:, :, :k].sum(1)
    present, whole = support > 0, support.sum(1)
    with np.errstate(invalid="ignore", divide="ignore"):
        by_label = np.where(present, 2 * hits / (support + given), np.nan)
        held = np.where(present, by_label, 0.0)
        macro = held.sum(1) / present.sum(1)
        averages = np.stack([macro, (held * support).sum(1) / whole, hits.sum(1) / whole], axis=1)
    return averages, by_label


def codes(said: Sequence[str | None] | pl.Series, labels: Sequence[str], *, strict: bool) -> npt.NDArray[np.int64]:
    """Each value's place in `labels`; past the last for null and for values outside, which `strict` refuses.

    >>> codes(["b", None, "x"], ["a", "b"], strict=False).tolist()
    [1, 2, 2]
    """
    if len(set(labels)) != len(labels) or not labels:
        raise InputError(f"labels are {len(labels)} with {len(set(labels))} distinct: one or more, none twice, are due")
    values = said if isinstance(said, pl.Series) else pl.Series(said, dtype=pl.String)
    known = pl.DataFrame({"said": pl.Series(labels, dtype=pl.String), "code": np.arange(len(labels))})
    found = values.cast(pl.String).alias("said").to_frame().join(known, on="said", how="left", maintain_order="left")
    out = found["code"].fill_null(len(labels)).to_numpy().astype(np.int64)
    if strict and (bad := int((out == len(labels)).sum())):
        odd = values.filter(pl.Series(out == len(labels))).drop_nulls().unique().sort().head(5).to_list()
        raise InputError(
            f"{bad} truths are null or outside the {len(labels)} labels: {', '.join(map(str, odd)) or 'null'}"
        )
    return out
