"""Readers whose errors are planted, held against scikit-learn."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from sociolect import frames
from sociolect.compare.differences import means
from sociolect.errors import InputError, RefusedError
from sociolect.measure.classifier import classifier
from sociolect.measure.validity import card, marks

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Told:
    """A reader that says of each text what it was told to."""

    labels: tuple[str, ...]
    multi: bool
    known: dict[str, Floats]

    def probabilities(self, texts: Sequence[str]) -> Floats:
        return np.stack([self.known[t] for t in texts])


def planted(n: int = 600, *, multi: bool = False) -> tuple[Told, list[str], list[list[str]], list[str]]:
    """Three labels; the reader knows people's texts better than models'."""
    rng = np.random.default_rng(1)
    source = ["human" if i % 2 else "model" for i in range(n)]
    names = ("anger", "fear", "joy")
    truth = rng.random((n, 3)) < [0.5, 0.3, 0.2] if multi else np.eye(3)[rng.choice(3, n, p=[0.5, 0.3, 0.2])] > 0
    z = truth * np.where(np.arange(n) % 2, 2.5, 0.8)[:, None] + rng.normal(0, 1, (n, 3))
    p = 1 / (1 + np.exp(1 - z)) if multi else np.exp(z) / np.exp(z).sum(1, keepdims=True)
    texts = [f"text {i}" for i in range(n)]
    labels = [[v for v, there in zip(names, row, strict=True) if there] for row in truth]
    return Told(names, multi, dict(zip(texts, p, strict=True))), texts, labels, source


@pytest.mark.parametrize("multi", [False, True])
def test_every_number_equals_scikit_learns(multi: bool) -> None:
    from sklearn import metrics
    from sklearn.calibration import calibration_curve

    reader, texts, labels, source = planted(multi=multi)
    found = card(reader, texts, labels if multi else [one[0] for one in labels], source=source, bins=10)
    assert found.select("source", "label").rows() == [
        (s, v) for s in ("human", "model") for v in (None, *reader.labels)
    ]
    for side in ("human", "model"):
        here = [i for i, s in enumerate(source) if s == side]
        y = np.array([[v in labels[i] for v in reader.labels] for i in here]).astype(int)
        p = reader.probabilities([texts[i] for i in here])
        told = (p >= 0.5).astype(int) if multi else np.eye(3, dtype=int)[p.argmax(1)]
        rows = found.filter(source=side)
        precision, recall, f1, support = metrics.precision_recall_fscore_support(y, told, zero_division=0)
        for column, due in (("precision", precision), ("recall", recall), ("f1", f1), ("n", support)):
            assert np.allclose(rows[column][1:].to_numpy(), due)
        whole = rows.row(0, named=True)
        assert whole["accuracy"] == pytest.approx(metrics.accuracy_score(y, told))
        assert whole["macro_f1"] == pytest.approx(metrics.f1_score(y, told, average="macro"))
        each = [metrics.brier_score_loss(y[:, k], p[:, k]) for k in range(3)]
        assert np.allclose(rows["brier"][1:].to_numpy(), each)
        due = (
            np.mean(each) if multi else metrics.brier_score_loss(y.argmax(1), p, labels=[0, 1, 2], scale_by_half=False)
        )
        assert whole["brier"] == pytest.approx(due)

        def ece(right: Floats, sure: Floats) -> float:
            often, mean = calibration_curve(right, sure, n_bins=10)
            size = np.bincount(np.minimum((sure * 10).astype(int), 9), minlength=10)
            return float((np.abs(often - mean) * size[size > 0]).sum() / len(sure))

        assert np.allclose(rows["ece"][1:].to_numpy(), [ece(y[:, k], p[:, k]) for k in range(3)])
        if not multi:
            assert whole["ece"] == pytest.approx(ece((y * told).sum(1), p.max(1)))
    accuracy = found.filter(pl.col("label").is_null())["accuracy"]
    assert accuracy[0] - accuracy[1] > 0.1  # what is planted: people's texts are read better


def test_what_is_undefined_is_null_and_groups_are_counted() -> None:
    sure = {"x": [0.6, 0.4, 0.0, 0.0], "y": [0.9, 0.1, 0.0, 0.0], "z": [0.1, 0.1, 0.1, 0.7]}
    reader = Told(("a", "b", "c", "d"), False, {t: np.array(p) for t, p in sure.items()})
    said = ["x", "y", "x", "z"]
    found = card(reader, said, ["a", "a", "b", "a"], source=["human"] * 4, groups=["p", "p", "q", "p"])
    rows = {r["label"]: r for r in found.iter_rows(named=True)}
    assert (rows[None]["n"], rows[None]["groups"], rows["a"]["n"], rows["a"]["groups"]) == (4, 2, 3, 1)
    assert (rows["c"]["precision"], rows["c"]["recall"], rows["c"]["f1"]) == (None, None, None)
    assert (rows["b"]["precision"], rows["b"]["recall"], rows["b"]["f1"]) == (None, 0.0, 0.0)
    assert (rows["d"]["precision"], rows["d"]["recall"], rows["d"]["f1"]) == (0.0, None, 0.0)
    assert rows[None]["macro_f1"] == pytest.approx((2 / 3 + 0) / 2)  # a and b are true here; d was only named
    assert found.filter(source="model").is_empty()


def test_a_reader_s_own_verdicts_can_be_held_against_the_truth() -> None:
    reader, texts, labels, source = planted(multi=True)
    perfect = card(reader, texts, labels, source=source, verdicts=labels)
    assert perfect.filter(pl.col("label").is_null())["accuracy"].to_list() == [1.0, 1.0]


def test_marks_average_to_the_card_with_intervals_by_source() -> None:
    reader, texts, labels, source = planted()
    n = len(texts)
    said = frames.replies(pl.DataFrame({
        "speaker": [f"a{i % 40}" if s == "human" else "m" for i, s in enumerate(source)], "source": source,
        "community": "red", "item": [str(i) for i in range(n)], "condition": "x", "draw": pl.Series([0] * n),
        "turn": pl.Series([0] * n), "prompt": "p", "text": texts, "topic": [f"t{i % 30}" for i in range(n)],
        "truth": [one[0] if i % 3 else None for i, one in enumerate(labels)],
    }))  # fmt: skip
    kept = [i for i in range(n) if i % 3]
    due = card(reader, [texts[i] for i in kept], [labels[i][0] for i in kept], source=[source[i] for i in kept])
    found = means(marks(said, reader), by=("measure", "source"), clusters=["topic"], draws=400)
    for column, measure in (("accuracy", "validity:right"), ("brier", "validity:brier")):
        rows = found.filter(measure=measure).sort("source")
        assert np.allclose(rows["estimate"].to_numpy(), due.filter(pl.col("label").is_null())[column].to_numpy())
        assert rows["n"].to_list() == [200, 200]
    right = found.filter(measure="validity:right").sort("source")
    assert right["low"][0] > right["high"][1]
    blank = said.with_columns(text=pl.when(pl.col("item") != "1").then("text").otherwise(pl.lit(" ")))
    assert marks(frames.replies(blank), reader)["value"].null_count() == 2
    with pytest.raises(RefusedError, match="nothing to mark"):
        marks(frames.replies(said.with_columns(truth=pl.lit(None, pl.String))), reader)
    with pytest.raises(InputError, match="'gold' is missing"):
        marks(said, reader, truth="gold")


def test_our_own_classifier_has_a_card_too() -> None:
    texts, labels = (
        [f"the cat purrs {i}" for i in range(20)] + [f"a dog barks {i}" for i in range(20)],
        ["cat"] * 20 + ["dog"] * 20,
    )
    found = card(classifier(texts, labels), ["it purrs", "it barks"], ["cat", "cat"], source=["human", "human"])
    assert found.row(0, named=True)["accuracy"] == 0.5


def test_every_fault_is_said_at_once() -> None:
    reader, texts, labels, source = planted()
    with pytest.raises(InputError, match="599 texts, 600 labels, 600 source, 1 groups; source holds robot, not"):
        card(reader, texts[1:], labels, source=["robot", *source[1:]], groups=["x"])
    with pytest.raises(
        InputError, match=r"hold zeal; the reader's are: anger, fear, joy; 1 texts have not exactly one"
    ):
        card(reader, texts, [["zeal", "joy"], *labels[1:]], source=source)
    with pytest.raises(InputError, match="there are no texts"):
        card(reader, [], [], source=[])
    with pytest.raises(InputError, match="1 texts are empty"):
        card(reader, [" ", *texts[1:]], labels, source=source)
