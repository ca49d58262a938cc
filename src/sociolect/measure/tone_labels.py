"""From the labels of other people's tables to the eight tones, and a classifier of tones out of such a table."""

import csv
from collections.abc import Mapping
from importlib.resources import files

import polars as pl

from sociolect.errors import InputError, UsageError, unknown
from sociolect.measure.classifier import Classifier, classifier
from sociolect.tones import TONES


def tone_labels(dataset: str) -> dict[str, str | None]:
    """The tone of each label of a known data set; null where a label has none of the eight.

    The table is `tone_labels.csv` (dataset, label, tone). `goemotions` as in section 3 of the study's specification: 28
    labels (Demszky et al. 2020), eleven of them with a tone. `offmychest` (CL-Aff 2020): either disclosure is
    self-disclosure, emotional support is emotional support; other kinds of support have no tone. `tones`: the eight
    themselves. These are readings of the labels' names: nobody labelled these texts for the eight tones.

    >>> tone_labels("goemotions")["gratitude"], tone_labels("goemotions")["neutral"]
    ('thankful', None)
    """
    told = files("sociolect.measure").joinpath("tone_labels.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(told.splitlines()))
    if found := {row["label"]: row["tone"] or None for row in rows if row["dataset"] == dataset}:
        return found
    raise unknown("table of tone labels", dataset, {row["dataset"] for row in rows})


def mapped(labels: str | Mapping[str, str | None]) -> dict[str, str | None]:
    """A mapping of labels to tones, checked; a data set's name stands for the shipped one. Raises UsageError for other tones."""
    told = tone_labels(labels) if isinstance(labels, str) else dict(labels)
    if odd := sorted({str(t) for t in told.values() if t is not None and t not in TONES}):
        raise UsageError(f"{', '.join(odd)}: no such tone; the tones are: {', '.join(TONES)}")
    return told


def as_tones(table: pl.DataFrame, labels: str | Mapping[str, str | None]) -> pl.Series:
    """The tones of each row of a labelled table: a List(String) series `tones`, sorted as in `TONES`, empty where it has none.

    The labels stand in a List(String) column `labels` (as `load.labelled` gives), or each in a 0/1 column of its name.
    A row has a tone where it has any label of that tone. Raises InputError for a label the mapping does not know, a null,
    a 0/1 column with another value, or a mapping that names no column.

    >>> as_tones(pl.DataFrame({"labels": [["fear", "gratitude"], ["neutral"]]}), "goemotions").to_list()
    [['worried', 'thankful'], []]
    """
    told = mapped(labels)
    if "labels" in table.columns:
        column = table["labels"]
        if column.dtype != pl.List(pl.String):
            raise InputError(f"column 'labels' is {column.dtype}, not List(String)")
        blank = column.null_count() + int(column.list.eval(pl.element().is_null()).list.any().sum())
        odd = sorted(set(column.explode().drop_nulls()) - set(told))
        faults = [f"{blank} rows hold a null label"] if blank else []
        faults += [f"labels hold {', '.join(odd[:5])}, which the mapping does not name"] if odd else []
        has = {v: pl.col("labels").list.contains(v) for v in told}
    else:
        # a label without a tone says nothing here: it need not be there
        absent = [v for v, of in told.items() if of and v not in table.columns]
        here = [v for v in told if v in table.columns]
        faults = [f"neither a column 'labels' nor a 0/1 column for {', '.join(absent)}"] if absent else []
        wrong = {
            v: table.height - int(table[v].cast(pl.Float64, strict=False).is_in([0.0, 1.0]).fill_null(False).sum())
            for v in here
        }
        faults += [f"column {v!r} holds another value than 0 and 1 in {n} rows" for v, n in wrong.items() if n]
        has = {v: pl.col(v).cast(pl.Float64, strict=False) == 1 for v, of in told.items() if of}
    if faults:
        raise InputError(f"no tones can be read off this table: {'; '.join(faults)}")
    given = [t for t in TONES if t in told.values()]
    any_of = [
        pl.when(pl.any_horizontal([has[v] for v, of in told.items() if of == t])).then(pl.lit(t)).alias(t)
        for t in given
    ]
    if not any_of:
        raise UsageError("the mapping gives no label a tone")
    return table.select(tones=pl.concat_list(any_of).list.drop_nulls())["tones"]


def tone_reader(
    table: pl.DataFrame,
    labels: str | Mapping[str, str | None],
    *,
    text: str = "text",
    group: str | None = None,
    seed: int = 0,
) -> Classifier:
    """A calibrated multi-label classifier of the tones that a labelled table knows (`measure.classifier`).

    `labels` as in `as_tones`. `group` names a column that no fold of the calibration parts: author, thread. A row
    without any tone is a negative of every tone the mapping names, of no other: for tables that know different tones train
    a reader on each, then `joined`. Probabilities follow the tones' shares in the table.
    Raises InputError for a column that is missing or a label that is not known; what `classifier` refuses, it refuses.
    """
    if absent := [c for c in (text, group) if c is not None and c not in table.columns]:
        raise InputError(f"column {', '.join(map(repr, absent))} is missing; there are: {', '.join(table.columns)}")
    tones = as_tones(table, labels)
    groups = None if group is None else table[group].cast(pl.String)
    if groups is not None and groups.null_count():
        raise InputError(
            f"column {group!r} is null in {groups.null_count()} rows: a row without a group cannot be held out"
        )
    return classifier(
        table[text].to_list(), tones.to_list(), groups=None if groups is None else groups.to_list(), seed=seed
    )
