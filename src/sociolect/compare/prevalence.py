"""How common a label is, corrected for the errors of the classifier that counted it."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.compare.clusters import factors
from sociolect.compare.corrected import Prevalence, dsl, ppi, rogan_gladen
from sociolect.compare.interval import FEW
from sociolect.errors import InputError, RefusedError, UsageError, unknown
from sociolect.frames import KEYS, Effects, Scores

METHODS = ("ppi++", "ppi", "rogan_gladen", "dsl", "hajek")
_COLUMNS = {
    "measure": pl.String, "contrast": pl.String, "estimate": pl.Float64, "low": pl.Float64, "high": pl.Float64,
    "n": pl.Int64, "labelled": pl.Int64, "naive": pl.Float64, "trust": pl.Float64, "method": pl.String,
    "left_out": pl.Int64, "clusters": pl.Int64,
}  # fmt: skip


def prevalence(
    scores: Scores,
    *,
    method: str = "ppi++",
    truth: str = "truth",
    by: Sequence[str] = ("measure", "condition"),
    clusters: Sequence[str] = ("topic", "template"),
    chance: str | None = None,
    cut: float | None = None,
    level: float = 0.95,
) -> Effects:
    """The corrected prevalence of each group of `by`: estimate, interval, and in `naive` what the classifier alone says.

    `value` is the classifier's, the column `truth` a human label from 0 to 1, null where nobody labelled. Methods: ppi++,
    ppi (labelled at random), rogan_gladen (verdicts, `cut` or .5), dsl and hajek (labelled with the known chance in the column `chance`).
    `cut` makes values verdicts (at or above it). People are clustered by speaker, models by `clusters`. Rows without
    a value are left out and counted; a group that cannot have a number keeps nulls and says why in `method`.

    Raises InputError where a column is missing or a label lies outside 0 to 1, UsageError where the method is unknown or
    lacks its `chance`, RefusedError where no group has a number.
    """
    if method not in METHODS:
        raise unknown("prevalence method", method, METHODS)
    if (chance is None) == (method in {"dsl", "hajek"}):
        raise UsageError(
            f"{method} {'needs' if chance is None else 'takes no'} chance=: the column of sampling chances"
        )
    if "measure" not in by and scores["measure"].n_unique() > 1:
        raise UsageError(f"{scores['measure'].n_unique()} measures would be pooled: put 'measure' in `by`")
    due = [truth, *by, *([chance] if chance else [])]
    if missing := sorted(set(due) - set(scores.columns)):
        raise InputError(f"these scores have no column {', '.join(map(repr, missing))}; name others, or add them")
    cut = 0.5 if cut is None and method == "rogan_gladen" else cut
    ordered = scores.sort(*KEYS, "measure")  # sums run in the order of the rows: sorted, it changes no byte
    groups = ordered.partition_by(list(by), as_dict=True) if by else {(): ordered}
    rows: list[dict[str, object]] = []
    for name, group in sorted(groups.items(), key=lambda item: tuple((x is None, str(x)) for x in item[0])):
        told = group.filter(pl.col("value").is_not_null() & pl.col("value").is_finite())
        said = dict(zip(by, name, strict=True))
        row: dict[str, object] = dict.fromkeys(_COLUMNS) | said
        row["measure"] = group["measure"][0]
        row["contrast"] = ", ".join(str(v) for c, v in said.items() if c != "measure") or "all"
        row |= {"n": told.height, "labelled": told[truth].count(), "left_out": group.height - told.height}
        try:
            found = _one(told, method=method, truth=truth, clusters=clusters, chance=chance, cut=cut, level=level)
            row |= {c: getattr(found, c) for c in ("estimate", "low", "high", "naive", "trust", "clusters")}
            row["method"] = method + _warning(found, told[truth].cast(pl.Float64))
        except RefusedError as refusal:
            row["method"] = f"{method}; no number: {refusal}"
        rows.append(row)
    if all(row["estimate"] is None for row in rows):
        raise RefusedError(f"no prevalence can be had: {rows[0]['method'] if rows else 'there are no scores'}")
    made = pl.DataFrame(rows, schema_overrides=_COLUMNS, infer_schema_length=None)
    return frames.effects(made.select(*_COLUMNS, *(c for c in by if c not in _COLUMNS)))


def _one(
    told: pl.DataFrame, *, method: str, truth: str, clusters: Sequence[str], chance: str | None, cut: float | None, level: float,
) -> Prevalence:  # fmt: skip
    value = told["value"].to_numpy().astype(float)
    value = value if cut is None else (value >= cut).astype(float)
    label = told[truth].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    parts = factors(told, clusters) if told.height else [np.zeros(0, dtype=np.int64)]
    if method == "rogan_gladen":
        return rogan_gladen(value, label, parts, level=level)
    if chance is None:
        return ppi(value, label, parts, tuned=method == "ppi++", level=level)
    picked = told[chance].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    return dsl(value, label, parts, chance=picked, classifier=method == "dsl", level=level)


def _warning(found: Prevalence, labels: pl.Series) -> str:
    """What makes the interval itself doubtful: few clusters, or few labels of the rarer kind."""
    rare = min(labels.sum(), labels.count() - labels.sum())
    few = f"; few clusters ({found.clusters} < {FEW})" if found.clusters < FEW else ""
    return few + (f"; few labels of the rarer kind ({rare:g} < {FEW})" if rare < FEW else "")
