"""Train once, score anything, calibrated: a linear classifier on word and character n-grams."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sociolect.errors import InputError, RefusedError, UsageError
from sociolect.measure.calibration import best_cuts, calibrate, calibration_error, probabilities
from sociolect.measure.ridge import Ridge, counts, ridge, scores
from sociolect.seeds import substream

Floats = NDArray[np.float64]
CHUNK = 20_000  # texts scored at once


@dataclass(frozen=True, slots=True, eq=False)
class Classifier:
    """A trained classifier and what is known of it.

    `n` counts the training texts. `accuracy`, `macro_f1` and `ece` (expected calibration error, 15 bins) are those of
    texts held out by group; the calibration too comes from other folds. Where a text may have many labels, accuracy is the
    share of texts whose labels are all and only the true ones, and ece the mean over labels. `card` has one row per label:
    label, n, groups, precision, recall, f1.
    """

    labels: tuple[str, ...]
    multi: bool
    n: int
    accuracy: float
    macro_f1: float
    ece: float
    card: pl.DataFrame = field(repr=False)
    _fit: Ridge = field(repr=False)
    _slope: Floats = field(repr=False)
    _shift: Floats = field(repr=False)
    _cuts: Floats = field(repr=False)

    def probabilities(self, texts: Sequence[str]) -> Floats:
        """How likely each label is for each text: (n, k) in the order of `labels`; rows sum to 1 unless `multi`."""
        parts = [np.zeros((0, len(self.labels)))]
        for start in range(0, len(texts), CHUNK):
            z = scores(counts(texts[start : start + CHUNK]), self._fit) * self._slope + self._shift
            parts.append(probabilities(z, multi=self.multi))
        return np.concatenate(parts)

    def predict(self, texts: Sequence[str]) -> list[str]:
        """The likeliest label of each text."""
        return [self.labels[k] for k in self.probabilities(texts).argmax(1)]

    def every(self, texts: Sequence[str]) -> list[list[str]]:
        """All labels of each text, maybe none: those as likely as the label's cut, where its held-out F1 was highest."""
        if not self.multi:
            raise UsageError("this classifier gives each text one label: ask predict")
        return [[self.labels[k] for k in np.flatnonzero(row)] for row in self.probabilities(texts) >= self._cuts]


def classifier(
    texts: Sequence[str],
    labels: Sequence[str] | Sequence[Sequence[str]],
    *,
    groups: Sequence[str] | None = None,
    balance: bool | None = None,
    folds: int = 4,
    least: int = 10,
    penalty: float = 5.0,
    seed: int = 0,
) -> Classifier:
    """A calibrated classifier of texts into labels; where labels are lists, a text may have many or none.

    Ridge regression on TF-IDF of words, word pairs and character runs of 2 to 5 within words, lower-cased; early-stopped
    conjugate gradients. Calibrated on held-out scores of cross-validation whose folds never part a group (an author, a
    thread); without `groups`, identical texts are a group. `balance` (the default for one label per text) weighs the labels
    alike, in the fit and in the calibration: probabilities are those of a world where every label is equally common.
    Without it they follow the labels' shares here, as do those of lists always. The order of the rows changes nothing.

    Raises InputError where the columns' lengths differ; RefusedError for fewer than two labels, a label with fewer than
    `least` texts or `folds` groups, empty texts; UsageError for `balance=True` with lists.

    >>> cats, dogs = [f"the cat purrs {n}" for n in range(20)], [f"a dog barks {n}" for n in range(20)]
    >>> pets = classifier(cats + dogs, ["cat"] * 20 + ["dog"] * 20)
    >>> pets.predict(["it purrs"]), pets.accuracy
    (['cat'], 1.0)
    """
    multi = len(labels) > 0 and not isinstance(labels[0], str)
    if multi and balance:
        raise UsageError(
            "balance=True needs one label per text: lists of labels follow their shares; leave balance out"
        )
    balance = not multi if balance is None else balance
    named = [tuple(sorted({v} if isinstance(v, str) else set(v))) for v in labels]
    lengths = {"texts": len(texts), "labels": len(named), **({} if groups is None else {"groups": len(groups)})}
    if len(set(lengths.values())) > 1:
        raise InputError(
            f"one label (and group) per text: there are {', '.join(f'{n} {c}' for c, n in lengths.items())}"
        )
    whose = [t.casefold() if t else "" for t in texts] if groups is None else list(groups)
    rows = sorted(zip(texts, named, whose, strict=True), key=lambda r: (r[0] or "", r[1], r[2]))
    texts, named, whose = [r[0] for r in rows], [r[1] for r in rows], [r[2] for r in rows]
    names = tuple(sorted({v for row in named for v in row}))
    place = {v: k for k, v in enumerate(names)}
    truth = np.zeros((len(texts), len(names)))
    for i, row in enumerate(named):
        truth[i, [place[v] for v in row]] = 1
    group = np.unique(whose, return_inverse=True)[1] if whose else np.zeros(0, dtype=np.int64)
    spoken = [len(np.unique(group[truth[:, k] > 0])) for k in range(len(names))]
    _refuse(texts, names, truth, spoken, least=least, folds=folds, grouped=groups is not None)
    weights = np.ones((len(texts), 1))
    if balance:
        weights = (truth @ (len(texts) / (len(names) * truth.sum(0))))[:, None]
    fold = _folds(truth, group, folds, seed)
    if thin := [names[k] for k in range(len(names)) if any(not truth[fold != f, k].any() for f in range(folds))]:
        raise RefusedError(f"no folds by group leave texts of {', '.join(thin)} on both sides; give more groups")

    blocks = counts(texts)
    aims, pulls = truth.astype(np.float32), weights.astype(np.float32)
    held = np.zeros_like(truth)
    for f in range(folds):
        inside, outside = np.flatnonzero(fold == f), np.flatnonzero(fold != f)
        fit = ridge(tuple(b[outside] for b in blocks), aims[outside], pulls[outside], penalty=penalty)
        held[inside] = scores(tuple(b[inside] for b in blocks), fit)
    chance, verdict = np.zeros_like(truth), np.zeros_like(truth)
    for f in range(folds):
        inside, outside = fold == f, fold != f
        slope, shift = calibrate(held[outside], truth[outside], weights[outside], multi=multi)
        chance[inside] = probabilities(held[inside] * slope + shift, multi=multi)
        if multi:
            others = probabilities(held[outside] * slope + shift, multi=True)
            verdict[inside] = chance[inside] >= best_cuts(others, truth[outside])
    if not multi:
        verdict[np.arange(len(texts)), chance.argmax(1)] = 1
    slope, shift = calibrate(held, truth, weights, multi=multi)
    cuts = best_cuts(probabilities(held * slope + shift, multi=True), truth) if multi else np.zeros(0)
    if multi:
        ece = float(np.mean([calibration_error(p, y) for p, y in zip(chance.T, truth.T, strict=True)]))
    else:
        ece = calibration_error(chance.max(1), (truth * verdict).sum(1), weights[:, 0])
    hits, told = (truth * verdict).sum(0), verdict.sum(0)
    f1 = 2 * hits / (told + truth.sum(0))
    card = pl.DataFrame(
        {
            "label": names,
            "n": truth.sum(0).astype(np.int64),
            "groups": np.array(spoken, dtype=np.int64),
            "precision": pl.Series([h / t if t else None for h, t in zip(hits, told, strict=True)], dtype=pl.Float64),
            "recall": hits / truth.sum(0),
            "f1": f1,
        }
    )
    accuracy = float((truth == verdict).all(1).mean())
    fit = ridge(blocks, aims, pulls, penalty=penalty)
    return Classifier(names, multi, len(texts), accuracy, float(f1.mean()), ece, card, fit, slope, shift, cuts)


def _refuse(
    texts: Sequence[str],
    names: tuple[str, ...],
    truth: Floats,
    spoken: Sequence[int],
    *,
    least: int,
    folds: int,
    grouped: bool,
) -> None:
    """Say everything that stands against training, or nothing."""
    blank = sum(not (t or "").strip() for t in texts)
    faults = [f"{blank} of {len(texts)} texts are empty or null: leave them out"] if blank else []
    if len(names) < 2:
        faults.append(f"a classifier needs two labels; there is {', '.join(names) or 'none'}")
    few = [f"{v} ({n})" for v, n in zip(names, truth.sum(0).astype(int).tolist(), strict=True) if n < least]
    faults += [f"labels with fewer than {least} texts: {', '.join(few)}; drop or merge them"] if few else []
    alone = [f"{v} ({n})" for v, n in zip(names, spoken, strict=True) if n < folds]
    what = "groups" if grouped else "different texts"
    faults += [f"labels with fewer than {folds} {what}, one per fold: {', '.join(alone)}"] if alone else []
    if faults:
        raise RefusedError("no classifier can be trained: " + "; ".join(faults))


def _folds(truth: Floats, group: NDArray[np.int64], folds: int, seed: int) -> NDArray[np.int64]:
    """The fold of each text: whole groups, dealt out label by label, the rarest first, so that folds are alike."""
    rarity = np.argsort(np.argsort(truth.sum(0), kind="stable"), kind="stable")
    main = np.where(truth > 0, rarity, len(rarity)).min(1)  # the rarest label of each text
    main = np.minimum.reduceat(
        main[np.argsort(group, kind="stable")], np.searchsorted(np.sort(group), np.unique(group))
    )
    order = np.lexsort((substream(seed, "classifier", "folds").permutation(len(main)), main))
    fold = np.empty(len(main), dtype=np.int64)
    fold[order] = np.arange(len(main)) % folds
    return fold[group]
