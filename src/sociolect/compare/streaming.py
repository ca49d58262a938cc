"""Regressions of rows that stay on disk: two readings in batches, and only sums of groups in memory."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import polars as pl

from sociolect.compare.group_sums import Codes, GroupSums, gathered
from sociolect.compare.interval import FloatArray
from sociolect.compare.model_frame import ModelFrame, Rows, numbers
from sociolect.compare.random_intercept import Solved
from sociolect.errors import InputError

ROWS = 100_000  # rows read at a time
_SCORES = 20_000_000  # numbers of cluster scores held at once: 160 MB


@contextmanager
def opened(rows: pl.DataFrame | pl.LazyFrame | Path) -> Iterator[Rows]:
    """The rows as batches that can be read again from the start: a parquet file slice by slice, a frame as a whole.

    A lazy frame is written to a temporary parquet file first, because asking it twice may give its rows in two orders.
    Raises InputError where the file is not there or is no parquet file.
    """
    if isinstance(rows, pl.DataFrame):
        yield Rows(dict(rows.schema), lambda columns: iter([rows.select(columns)]), held=True)
        return
    with tempfile.TemporaryDirectory(prefix="sociolect-") as folder:
        path = Path(folder) / "rows.parquet" if isinstance(rows, pl.LazyFrame) else Path(rows)
        if isinstance(rows, pl.LazyFrame):
            rows.sink_parquet(path)
        if not path.is_file():
            raise InputError(f"no file {str(path)!r}; a parquet file, a lazy frame or a frame is due")
        lazy = pl.scan_parquet(path)
        try:
            schema, height = dict(lazy.collect_schema()), int(lazy.select(pl.len()).collect().item())
        except pl.exceptions.PolarsError as error:
            raise InputError(f"{path.name} is no parquet file: {str(error).splitlines()[0]}") from error
        starts = range(0, max(height, 1), ROWS)
        yield Rows(schema, lambda columns: (lazy.select(columns).slice(start, ROWS).collect() for start in starts))


def streamed(frame: ModelFrame, rows: Rows, group: str | None) -> GroupSums:
    """The sums of groups of all rows, read in batches; one group of all rows where none is named."""
    count = frame.names[group].len() if group else 1
    parts = (numbers(frame, chunk) for chunk in rows.read(frame.needed))
    triples = (
        (
            np.hstack([part.x, part.y]),
            part.codes[group] if group else np.zeros(len(part.x), dtype=np.int64),
            part.weights,
        )
        for part in parts
    )
    return gathered(triples, count, len(frame.columns) + len(frame.response.columns))


def robust(
    frame: ModelFrame,
    rows: Rows,
    sums: GroupSums,
    solved: Solved,
    *,
    group: str | None,
    cluster: str | None,
    corrected: bool,
) -> tuple[FloatArray, FloatArray]:
    """A second reading: the covariance (k, p, p) from the scores of clusters, and the variance (k,) of the fixed part.

    CR0, or CR1 where `corrected`, as in `sandwich`; the model-based covariance where no cluster is named. The scores
    of all clusters are held for as many outcomes as fit in 160 MB; the file is read again for the others.
    """
    p, k = solved.beta.shape
    count = frame.names[cluster].len() if cluster else 0
    centre = sums.weight @ sums.mean[:, p:] / sums.weight.sum()
    share = solved.theta / (1 + solved.theta * sums.weight[:, None])
    drawn = share * sums.weight[:, None] * (sums.mean[:, p:] - sums.mean[:, :p] @ solved.beta)
    meat, total, squares = np.zeros((k, p, p)), np.zeros(k), np.zeros(k)
    step = max(1, _SCORES // max(count * p, 1))
    for start in range(0, k, step):
        some = np.arange(start, min(k, start + step))
        scores = np.zeros((len(some), count, p))
        for chunk in rows.read(frame.needed):
            part = numbers(frame, chunk)
            fixed = part.x @ solved.beta[:, some]
            total[some] += (fixed - centre[some]).sum(0)
            squares[some] += ((fixed - centre[some]) ** 2).sum(0)
            if cluster:
                white = part.y[:, some] - fixed
                white -= drawn[np.ix_(part.codes[group], some)] if group else 0.0
                white *= 1.0 if part.weights is None else part.weights[:, None]
                for at, column in enumerate(white.T):
                    _add(scores[at], part.codes[cluster], part.x * column[:, None])
        meat[some] = scores.transpose(0, 2, 1) @ scores / solved.sigma2[some, None, None] ** 2
    explained = (squares - total**2 / frame.n) / (frame.n - 1)
    if not cluster:
        return solved.covariance, explained
    factor = count / (count - 1) * (frame.n - 1) / (frame.n - p) if corrected else 1.0
    return factor * solved.covariance @ meat @ solved.covariance, explained


def _add(scores: FloatArray, codes: Codes, rows: FloatArray) -> None:
    from scipy.sparse import csr_array

    here, place = np.unique(codes, return_inverse=True)
    scores[here] += (
        csr_array((np.ones(len(place)), (place, np.arange(len(place)))), shape=(len(here), len(place))) @ rows
    )
