"""One partition, measured: what a worker does with it, in whatever process it stands."""

import io
import json
from collections.abc import Iterator
from hashlib import sha256
from pickle import UnpicklingError, loads
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sociolect import frames
from sociolect.cluster.folders import AbsentError
from sociolect.errors import ClusterError, InputError, ModelError, RefusedError, SociolectError
from sociolect.frames import KEYS, Replies, Scores
from sociolect.measure import Measure, opened
from sociolect.measure.slices import Span, read, told

SAMPLE = 8  # ours: neighbours at the top of the first partition, and as many rows spread over it
TOLERANCE = 1e-5  # ours: batches of another make end in other last bits, in single precision at the sixth digit
ROW_GROUP = 262_144
NOTE = "sociolect"

_held: dict[str, Measure] = {}  # the one measure that stands ready in this process, with its readers open


class Order(NamedTuple):
    """What a worker is told: the measure, what it must be there, the rows or where they lie, what to note, the columns due."""

    measure: bytes
    identity: str
    name: str
    part: tuple[Span, ...]
    rows: bytes | None = None
    note: dict[str, Any] | None = None
    schema: dict[str, pl.DataType] | None = None


def alone(order: Order) -> Iterator[dict[str, pl.DataType]]:
    """The columns that the measure gives, once a sample of the replies got the same scores together and each alone.

    The sample holds every row twice, the second time as a further draw. Raises RefusedError where a score depends on
    what else is measured with it.
    """
    measure, replies = _ready(order), _replies(order)
    n = replies.height
    rows = sorted({*range(min(SAMPLE, n)), *(k * n // SAMPLE for k in range(SAMPLE))})
    bare = replies[rows]
    again = bare.with_columns(draw=pl.col("draw") + bare["draw"].max() - bare["draw"].min() + 1)
    sample = frames.replies(pl.concat([bare, again]))
    given = _scores(measure, sample, order)
    together = in_order(given, places(given, sample))
    try:
        each = [_scores(measure, frames.replies(sample[k]), order) for k in range(sample.height)]
        apart = pl.concat(each, how="vertical_relaxed")
    except (SociolectError, pl.exceptions.PolarsError) as error:
        raise _refused(order, f"a reply alone cannot be measured ({error})") from error
    if together.schema != apart.schema or together.height != apart.height:
        raise _refused(order, "a reply alone gets other rows or columns")
    for column in together.columns:
        if (gap := _far(together[column], apart[column])).any():
            k = int(gap.arg_true()[0])
            said = f"{column} of {together['measure'][k]}"
            raise _refused(order, f"{said} is {together[column][k]} among others and {apart[column][k]} alone")
    yield dict(together.schema)


def scored(order: Order) -> Iterator[bytes]:
    """The scores of a partition as the bytes of a parquet file, in the order of its rows, with what was counted in its note."""
    replies = _replies(order)
    given = _fitted(_scores(_ready(order), replies, order), order)
    place = places(given, replies)
    scores = in_order(given, place)
    note = {
        **(order.note or {}),
        "rows": replies.height,
        "scores": scores.height,
        "left_out": left_out(replies, given, place),
    }
    out = io.BytesIO()
    scores.write_parquet(out, row_group_size=ROW_GROUP, metadata={NOTE: json.dumps(note, sort_keys=True)})
    yield out.getvalue()


def places(scores: Scores, replies: Replies) -> NDArray[np.int64]:
    """The row of the replies that each score is about. Raises RefusedError for a score of no such reply."""
    keys = list(KEYS)
    about, bare = scores.select(keys), replies.select(keys)
    times, rest = divmod(scores.height, replies.height)
    # most measures give one score after the other of all replies: seen without a join
    if not rest and all(about[k * bare.height : (k + 1) * bare.height].equals(bare) for k in range(times)):
        return np.tile(np.arange(bare.height), times)
    place = about.join(bare.with_row_index("place"), on=keys, how="left", maintain_order="left")["place"]
    if strange := place.null_count():
        raise RefusedError(f"{strange} scores are of no reply that was measured")
    return place.to_numpy().astype(np.int64)


def in_order(scores: Scores, place: NDArray[np.int64]) -> Scores:
    """The scores in the order of the replies, those of one reply as the measure gave them."""
    return Scores(scores[place.argsort(kind="stable")])


def left_out(replies: Replies, scores: Scores, place: NDArray[np.int64]) -> dict[str, int]:
    """How many replies have no number, by reason: no text, text but no value of some measure, no score at all."""
    blank = (replies["text"].str.strip_chars() == "").fill_null(value=True).to_numpy()
    n = replies.height
    null = np.bincount(place, scores["value"].is_null().to_numpy(), minlength=n) > 0
    none = np.bincount(place, minlength=n) == 0
    return {
        name: int(of.sum()) for name, of in (("no_text", null & blank), ("no_value", null & ~blank), ("no_score", none))
    }


def let_go() -> None:
    """Forgets the measure that stands ready, and its readers."""
    _held.clear()


def _ready(order: Order) -> Measure:
    """The measure with its readers open, kept for as long as no other is asked for. Raises ClusterError where it is another here."""
    key = sha256(order.measure).hexdigest()
    if key not in _held:
        _held.clear()
        try:
            measure = loads(order.measure)  # noqa: S301 - it comes from the process that handed out the work, and lies in no file
        except (AttributeError, ImportError, UnpicklingError) as error:
            raise ClusterError(
                f"{order.name} is not known to a worker ({_said(error)}): put it in a module that every worker "
                "can import"
            ) from error
        if opened.identity(measure, values=False) != order.identity:
            raise ClusterError(
                f"{order.name} is another at a worker: its code or a file it reads differs from this machine's, or is not "
                "seen there; install the same code on every node, and put files in a folder, which is sent"
            )
        try:
            _held[key] = opened.ready(measure)
        except (SociolectError, AbsentError):
            raise
        except Exception as error:
            raise ModelError(f"{order.name}: its reader cannot be opened: {_said(error)}") from error
    return _held[key]


def _replies(order: Order) -> Replies:
    return read(order.part) if order.rows is None else frames.replies(pl.read_ipc(order.rows))


def _scores(measure: Measure, replies: Replies, order: Order) -> Scores:
    """What the measure says of the replies; on one thread of linear algebra, as sums of several end otherwise."""
    import scipy.linalg  # noqa: F401  # a BLAS of its own, which can be held only once it is loaded
    from threadpoolctl import threadpool_limits

    try:
        with threadpool_limits(1, "blas"):
            return frames.scores(measure(replies))
    except SociolectError as error:
        raise type(error)(f"{order.name}, {told(order.part)}: {error}") from error
    except MemoryError as error:
        raise ClusterError(f"{order.name}: no room for {told(order.part)}: say fewer rows, or fewer workers") from error
    except Exception as error:
        said = " ".join(str(error).split())
        raise RefusedError(
            f"{order.name} failed on {told(order.part)}: {type(error).__name__}: {said[:300]}"
        ) from error


def _fitted(scores: Scores, order: Order) -> Scores:
    """The scores with the columns that all parts have; a column that knows no type here, for want of values, takes the one due."""
    due = order.schema or dict(scores.schema)
    untyped = {c: due[c] for c, kind in scores.schema.items() if kind == pl.Null and c in due}
    scores = Scores(scores.with_columns(pl.col(c).cast(kind) for c, kind in untyped.items()))
    if dict(scores.schema) != due:
        odd = sorted({c for c, _ in set(scores.schema.items()) ^ set(due.items())})
        raise InputError(
            f"{order.name} gives other columns for {told(order.part)} than for the first rows: {', '.join(odd) or 'their order'}"
        )
    return scores


def _far(one: pl.Series, other: pl.Series) -> pl.Series:
    """Where two columns differ, numbers by more than rounding; nulls are alike."""
    same = one.eq_missing(other)
    if one.dtype.is_float():
        same |= ((one - other).abs() <= TOLERANCE * (1 + other.abs())).fill_null(value=False)
    return ~same


def _refused(order: Order, why: str) -> RefusedError:
    return RefusedError(
        f"{order.name} does not look at each reply alone: {why}; measure the whole frame at once, in memory"
    )


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
