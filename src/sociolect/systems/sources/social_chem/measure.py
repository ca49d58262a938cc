"""Whether a generated rule has the attributes that were asked for, as classifiers judge that never saw the generator's text."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.compare.bootstrap import Codes, bootstrap
from sociolect.compare.interval import FloatArray
from sociolect.compare.preference import wilson
from sociolect.errors import RefusedError
from sociolect.frames import Effects
from sociolect.measure.classifier import Classifier, classifier
from sociolect.systems.sources.social_chem.align import Part, written
from sociolect.systems.sources.social_chem.dimensions import ASKED, DIMENSIONS

DRAWS = 1000  # ours: of a bootstrap


class Judges(NamedTuple):
    """A classifier for each attribute, how often it is right on text of its own test split, and how many levels it knows."""

    of: dict[str, Classifier]
    right: dict[str, float]
    levels: dict[str, int]
    left: dict[str, str]


def judges(learnt: pl.DataFrame, tested: pl.DataFrame, *, part: Part, seed: int = 0) -> Judges:
    """Classifiers of situation and text into levels, learnt from a split that the generator never reads (dev), tested on another.

    A classifier that had filtered or shared the generator's text would find in it what it put there. An attribute that has no
    two levels with ten texts each is left out, with the reason. Raises RefusedError where none can be judged.
    """
    mine, theirs = written(learnt, part), written(tested, part)
    of: dict[str, Classifier] = {}
    right, levels, left = {}, {}, {}
    for name in ASKED[part]:
        many = DIMENSIONS[name].many
        some, other = (rows.filter(pl.col(name).is_not_null()) for rows in (mine, theirs))
        if not many:
            # a level that is hardly ever given cannot be learnt
            counts = some.group_by(name).len().filter(pl.col("len") >= 10)
            some = some.filter(pl.col(name).is_in(counts[name].implode()))
        try:
            if other.is_empty():
                raise RefusedError("the test split has no text with a level")
            made = classifier(
                _texts(some, "said"),
                [v.split("|") for v in some[name]] if many else some[name].to_list(),
                groups=some["situation"].to_list(), seed=seed,
            )  # fmt: skip
        except RefusedError as error:
            left[name] = str(error)
            continue
        of[name], levels[name] = made, len(made.labels)
        found = np.array(_labels(made, _texts(other, "said"))) == other[name].to_numpy()
        right[name] = float(found.mean())
    if not of:
        raise RefusedError(
            "no attribute can be judged: " + "; ".join(f"{name}: {why}" for name, why in sorted(left.items()))
        )
    return Judges(of, right, levels, left)


def judged(rows: pl.DataFrame, by: Judges) -> pl.DataFrame:
    """The rows with a column `is:<attribute>` for each, the classifier's label of what was written; null where nothing was."""
    texts = _texts(rows, "wrote")
    told = {name: _labels(made, texts) for name, made in by.of.items()}
    return rows.with_columns(
        pl.Series(f"is:{name}", [v if w else None for v, w in zip(labels, rows["wrote"], strict=True)], dtype=pl.String)
        for name, labels in told.items()
    )


def control(rows: pl.DataFrame, by: Judges, *, arm: str, seed: int = 0) -> Effects:
    """Per attribute the share of texts whose label is the level that was asked; a text without a word misses.

    Rows are those of `judged`. Intervals: bootstrap over situations; Wilson's where all hit or all miss. `ceiling` is the classifier's
    own accuracy, `floor` one over the levels (none where several may be named). `wordless` counts texts without a word.
    """
    out = []
    for name in by.of:
        some = rows.filter(pl.col(name).is_not_null())
        hit = (some[f"is:{name}"] == some[name]).fill_null(False).to_numpy().astype(float)
        low, high = _interval(hit, some, seed)
        floor = None if DIMENSIONS[name].many else 1 / by.levels[name]
        out.append((name, arm, float(hit.mean()), low, high, some.height, some["situation"].n_unique(), floor, by.right[name], some["wrote"].null_count()))  # fmt: skip
    return _effects(out, ("floor", "ceiling", "wordless"))


def leakage(rows: pl.DataFrame, flips: pl.DataFrame, by: Judges, *, seed: int = 0) -> Effects:
    """How often each attribute's label changes when one token is flipped: measure is the flipped one, contrast the one that changes.

    Both frames are `judged`, `rows` one to a situation and drawn likeliest first, so that a change is no accident of the draw.
    """
    told = [f"is:{name}" for name in by.of]
    pairs = flips.join(rows.select("situation", *told), on="situation", suffix=" before", maintain_order="left")
    out = []
    for flip in by.of:
        some = pairs.filter(pl.col("flip") == flip)
        if some.is_empty():
            continue
        for name in by.of:
            moved = some[f"is:{name}"].ne_missing(some[f"is:{name} before"]).to_numpy().astype(float)
            low, high = _interval(moved, some, seed)
            out.append((flip, name, float(moved.mean()), low, high, some.height, some["situation"].n_unique(), flip == name))  # fmt: skip
    return _effects(out, ("own",))


def perplexity(told: pl.DataFrame, *, seed: int = 0) -> Effects:
    """Perplexity per token of held-out rules, with and without attributes, and the log of their ratio; situations are resampled."""
    both = [told.filter(arm=arm).sort("situation") for arm in ("with attributes", "without")]
    nats = np.array([part["nats"].to_numpy() for part in both])
    tokens = both[0]["tokens"].to_numpy().astype(float)

    def statistic(w: FloatArray) -> FloatArray:
        mean = (w @ nats.T) / (w @ tokens)[:, None]
        return np.column_stack([np.exp(mean), mean[:, 1] - mean[:, 0]])

    found = bootstrap(statistic, _codes(both[0]), draws=DRAWS, batched=True, seed=seed)
    names = (
        ("perplexity", "with attributes"),
        ("perplexity", "without"),
        ("log perplexity", "without - with attributes"),
    )
    out = [
        (*name, float(found.estimate[i]), float(found.low[i]), float(found.high[i]), both[0].height, both[0].height)
        for i, name in enumerate(names)
    ]
    return _effects(out, ())


def saved(worse: pl.DataFrame, better: pl.DataFrame, *, seed: int = 0) -> Effects:
    """Nats per token of held-out rules, asked with attributes, that the second generator saves over the first; situations are resampled."""
    one, other = (told.filter(arm="with attributes").sort("situation") for told in (worse, better))
    gap, tokens = one["nats"].to_numpy() - other["nats"].to_numpy(), one["tokens"].to_numpy().astype(float)
    found = bootstrap(lambda w: (w @ gap) / (w @ tokens), _codes(one), draws=DRAWS, batched=True, seed=seed)
    row = ("nats per token", "random start - pre-trained", float(found.estimate), float(found.low), float(found.high), one.height, one.height)  # fmt: skip
    return _effects([row], ())


def _texts(rows: pl.DataFrame, column: str) -> list[str]:
    # [code] a classifier reads the situation before the text
    return [f"{words} {said or ''}" for words, said in rows.select("words", column).iter_rows()]


def _labels(made: Classifier, texts: list[str]) -> list[str]:
    once = list(dict.fromkeys(texts))
    said = ["|".join(sorted(some)) for some in made.every(once)] if made.multi else made.predict(once)
    known = dict(zip(once, said, strict=True))
    return [known[t] for t in texts]


def _interval(hit: FloatArray, rows: pl.DataFrame, seed: int) -> tuple[float | None, float | None]:
    """Ends over situations; a share of 0 or 1 has no spread to resample: Wilson's over situations."""
    clusters = rows["situation"].n_unique()
    if not hit.size:
        return None, None
    if hit.min() == hit.max():
        return wilson(float(hit.mean()) * clusters, clusters)
    found = bootstrap(lambda w: (w @ hit) / w.sum(1), _codes(rows), draws=DRAWS, batched=True, seed=seed)
    return float(found.low), float(found.high)


def _codes(rows: pl.DataFrame) -> Codes:
    return np.asarray(rows["situation"].rank("dense").to_numpy().astype(np.int64) - 1)


def _effects(rows: Sequence[tuple[object, ...]], more: tuple[str, ...]) -> Effects:
    names = ["measure", "contrast", "estimate", "low", "high", "n", "clusters", *more]
    known = {"low": pl.Float64, "high": pl.Float64, "floor": pl.Float64}
    return frames.effects(
        pl.DataFrame(rows, schema=names, orient="row", schema_overrides={k: v for k, v in known.items() if k in names})
    )
