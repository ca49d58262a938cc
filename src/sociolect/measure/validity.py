"""How far a reader can be trusted on these texts: on people's and on models' apart."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sociolect import frames
from sociolect.errors import InputError, RefusedError
from sociolect.frames import Replies, Scores
from sociolect.measure.calibration import calibration_error
from sociolect.measure.pretrained import Reader
from sociolect.measure.scoring import said, score, spread

Floats = NDArray[np.float64]


def card(
    reader: Reader,
    texts: Sequence[str],
    labels: Sequence[str] | Sequence[Sequence[str]],
    *,
    source: Sequence[str],
    groups: Sequence[str] | None = None,
    verdicts: Sequence[Sequence[str]] | None = None,
    cut: float = 0.5,
    bins: int = 15,
) -> pl.DataFrame:
    """A reader's validity card: one row per source (human, model) and label, and one with a null label for them together.

    `labels` are human annotators' for texts the reader never learned from; where they are lists a text may have many.
    Columns: source, label, n (texts; with a label, those that have it), groups, accuracy, macro_f1, precision, recall, f1,
    ece, brier. A reader with one label per text gives its likeliest; a `multi` one those at or above `cut`, unless
    `verdicts` says what it named (`Classifier.every`). Accuracy is the share of texts whose labels are all and only the
    true ones. `macro_f1` runs over the labels that are true at least once here. ECE: `calibration_error` of the likeliest label,
    or the mean over labels for `multi`; a label's own is that of its probability. Brier 1950: a label's mean squared error;
    together their sum (0 to 2) for one label per text, their mean for `multi`. What is undefined is null. Intervals: `marks`.

    Raises InputError where lengths differ, a source is neither human nor model, or a label is none of the reader's.

    >>> from types import SimpleNamespace
    >>> sure = SimpleNamespace(labels=("a", "b"), multi=False, probabilities=lambda texts: np.tile([0.8, 0.2], (len(texts), 1)))
    >>> found = card(sure, ["x", "y", "z"], ["a", "a", "b"], source=["human", "human", "model"])
    >>> found.filter(pl.col("label").is_null()).select("source", "accuracy", pl.col("brier").round(2)).rows()
    [('human', 1.0, 0.08), ('model', 0.0, 1.28)]
    """
    truth = _truth(reader, labels)
    lengths = {"texts": len(texts), "labels": len(truth), "source": len(source)}
    lengths |= {} if groups is None else {"groups": len(groups)}
    lengths |= {} if verdicts is None else {"verdicts": len(verdicts)}
    faults = (
        [f"lengths differ: {', '.join(f'{n} {c}' for c, n in lengths.items())}"]
        if len(set(lengths.values())) > 1
        else []
    )
    faults += (
        [f"source holds {', '.join(odd)}, not only human and model"]
        if (odd := sorted(set(source) - {"human", "model"}))
        else []
    )
    blank = sum(not (t or "").strip() for t in texts)
    faults += [f"{blank} texts are empty: leave them out"] if blank else []
    if faults or not len(texts):
        raise InputError(f"no validity card: {'; '.join(faults) or 'there are no texts'}")
    chance = reader.probabilities(texts)
    told = _told(reader, chance, cut) if verdicts is None else _truth(reader, verdicts)
    whose = np.array(groups if groups is not None else texts, dtype=object)
    rows = []
    for side in sorted(set(source)):
        here = np.array([s == side for s in source])
        rows += _rows(reader, truth[here], told[here], chance[here], whose=whose[here], side=side, bins=bins)
    kinds = {"label": pl.String, "n": pl.Int64, "groups": pl.Int64} | dict.fromkeys(
        ("accuracy", "macro_f1", "precision", "recall", "f1", "ece", "brier"), pl.Float64
    )
    return pl.DataFrame(rows, schema={"source": pl.String, **kinds})


def marks(replies: Replies, reader: Reader, *, truth: str = "truth", cut: float = 0.5) -> Scores:
    """Each labelled reply marked: `validity:right` (1 or 0) and `validity:brier`, the squared error; null without text.

    `truth` is the column with a human label, or a list of them; replies where it is null are left out. Means by source are
    the card's accuracy and Brier, with intervals over clusters: `compare.differences.means(marks, by=("measure", "source"))`.
    Raises InputError where the column is missing or holds no label of the reader's, RefusedError where nothing is labelled.
    """
    if truth not in replies.columns:
        raise InputError(f"column {truth!r} is missing: it holds what a human labelled each reply")
    labelled = frames.replies(replies.filter(pl.col(truth).is_not_null()))
    if not labelled.height:
        raise RefusedError(f"no reply has a label in {truth!r}: nothing to mark")
    places, texts = said(labelled)
    given = _truth(reader, labelled[truth].gather(places).to_list())
    chance = reader.probabilities(texts)
    right = (_told(reader, chance, cut) == given).all(1).astype(float)
    off = _brier(reader, chance, given)
    n = labelled.height
    return score(labelled, {"validity:right": spread(places, right, n), "validity:brier": spread(places, off, n)})


def _rows(
    reader: Reader, truth: Floats, told: Floats, chance: Floats, *, whose: NDArray[np.object_], side: str, bins: int
) -> list[dict[str, object]]:
    hits, named, there = (truth * told).sum(0), told.sum(0), truth.sum(0)
    precision, recall, f1 = (_ratio(hits, named), _ratio(hits, there), _ratio(2 * hits, named + there))
    off = ((chance - truth) ** 2).mean(0)
    error = [calibration_error(p, y, bins=bins) for p, y in zip(chance.T, truth.T, strict=True)]
    seen = [x for x, t in zip(f1, there, strict=True) if t and x is not None]
    rows: list[dict[str, object]] = [
        {
            "source": side, "label": None, "n": len(truth), "groups": len(set(whose)),
            "accuracy": float((truth == told).all(1).mean()), "macro_f1": float(np.mean(seen)) if seen else None,
            "ece": float(np.mean(error)) if reader.multi else calibration_error(chance.max(1), (truth * told).sum(1), bins=bins),
            "brier": float(_brier(reader, chance, truth).mean()),
        }
    ]  # fmt: skip
    for k, label in enumerate(reader.labels):
        rows.append(
            {
                "source": side, "label": label, "n": int(there[k]), "groups": len(set(whose[truth[:, k] > 0])),
                "precision": precision[k], "recall": recall[k], "f1": f1[k], "ece": error[k], "brier": float(off[k]),
            }
        )  # fmt: skip
    return rows


def _brier(reader: Reader, chance: Floats, truth: Floats) -> Floats:
    off = (chance - truth) ** 2
    return np.asarray(off.mean(1) if reader.multi else off.sum(1))


def _ratio(top: Floats, bottom: Floats) -> list[float | None]:
    return [float(t / b) if b else None for t, b in zip(top, bottom, strict=True)]


def _told(reader: Reader, chance: Floats, cut: float) -> Floats:
    if reader.multi:
        return np.asarray(chance >= cut, dtype=float)
    return np.asarray(np.eye(len(reader.labels))[chance.argmax(1)])


def _truth(reader: Reader, labels: Sequence[str] | Sequence[Sequence[str]]) -> Floats:
    """The labels as 0 and 1, (n, k) in the reader's order."""
    place = {v: k for k, v in enumerate(reader.labels)}
    sets = [{v} if isinstance(v, str) else set(v or ()) for v in labels]
    odd = sorted({str(v) for one in sets for v in one} - set(place))
    many = sum(len(one) != 1 for one in sets) if not reader.multi else 0
    faults = [f"labels hold {', '.join(odd[:5])}; the reader's are: {', '.join(reader.labels)}"] if odd else []
    faults += [f"{many} texts have not exactly one label, and this reader gives one each"] if many else []
    if faults:
        raise InputError(f"these labels are not the reader's: {'; '.join(faults)}")
    out = np.zeros((len(sets), len(place)))
    for i, one in enumerate(sets):
        out[i, [place[v] for v in one]] = 1
    return out
