"""The format audit: can an arm be told from people by the form of its texts alone, and by what?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sociolect import frames, text
from sociolect.errors import InputError, RefusedError
from sociolect.frames import KEYS, Replies, Scores
from sociolect.measure.scoring import score
from sociolect.measure.style import style
from sociolect.seeds import substream

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
NAMES = ("words", "capitals", "lower", "quotes", "hashtags", "links", "preamble", "ascii", "lines")
_COUNTS = ("words", "quotes", "hashtags", "links", "lines")
MEASURE = "format:"


@dataclass(frozen=True, slots=True, eq=False)
class Audit:
    """What a format-only classifier finds of each arm.

    `arms`: condition, n (texts of the arm; people's are as many), accuracy, auc, gives_away (features, the strongest
    first; empty where form gives nothing away), left_out. `features`: condition, feature, mean, people, gap (in standard
    deviations), coefficient. `scores`: each text's held-out verdict, for intervals (`audit`).
    """

    arms: pl.DataFrame
    features: pl.DataFrame
    scores: Scores


def features(replies: Replies) -> pl.DataFrame:
    """Nine numbers on the form of each reply as it came (`raw` where there is one, else `text`); null without text.

    Those of `style`, and `preamble` (1.0 where words to the asker stand before the text itself), `ascii` (share of
    characters), `lines` (line breaks).

    >>> row = dict.fromkeys(["speaker", "community", "item", "condition", "prompt"], "x") | {"source": "model", "draw": 0, "turn": 0}
    >>> said = frames.replies(pl.DataFrame([row | {"text": 'Sure! Here is a post: "Ran today #fit"'}]))
    >>> features(said).select("quotes", "hashtags", "preamble").row(0)
    (2.0, 1.0, 1.0)
    """
    came = pl.coalesce("raw", "text") if "raw" in replies.columns else pl.col("text")
    whole = frames.replies(replies.with_columns(text=pl.when(came.str.strip_chars() != "").then(came)))
    found, said = style(whole), whole["text"].str.strip_chars()
    return pl.DataFrame(
        {c: found.filter(measure=f"style:{c}")["value"] for c in NAMES[:6]}
        | {
            "preamble": [None if t is None else float(_opens_with_more(t)) for t in said],
            "ascii": 1 - said.str.count_matches(r"[^\x00-\x7f]") / said.str.len_chars(),
            "lines": said.str.count_matches("\n").cast(pl.Float64),
        }
    )


def audit(
    replies: Replies,
    *,
    arms: Sequence[str] | None = None,
    people: str = "human",
    topic: str = "topic",
    folds: int = 5,
    least: float = 0.5,
    seed: int = 0,
) -> Audit:
    """How well form alone tells each arm from people: held-out accuracy, AUC, and the features that give the arm away.

    A logistic regression on `features` (counts as log(1 + n)), standardised. Each community gives as many texts of the arm
    as of people, drawn by seed, so chance is .5. Folds never part a person's texts, nor an arm's texts on one `topic`.
    A feature gives the arm away where the means lie `least` standard deviations (of both together) apart;
    they are ordered by the size of their coefficient.

    `scores`: `format:<arm>`, 1 where the verdict (`label`) is right, whose mean is the accuracy; `format:<arm>:auc`, values
    whose mean is the AUC and whose spread is its doubt (DeLong et al. 1988: twice the placement less the AUC).
    `compare.differences.means(scores, by=("measure",))` gives both an interval.
    Raises InputError where an arm or column is missing, RefusedError where a side has fewer people or topics than folds.
    """
    here = set(replies["condition"])
    named = sorted(here - {people}) if arms is None else list(dict.fromkeys(arms))
    faults = [f"no rows of {a!r} in 'condition'" for a in [people, *named] if a not in here]
    faults += (
        [f"column {topic!r} is missing: it keeps an arm's texts on one topic together"]
        if topic not in replies.columns
        else []
    )
    if faults or not named:
        raise InputError(f"no format audit: {'; '.join(faults) or 'there is no arm beside people'}")
    ordered = frames.replies(replies.sort(*KEYS))
    form = features(ordered)
    side, community = ordered["condition"].to_numpy(), ordered["community"].to_numpy()
    whose = (
        pl.when(pl.col("condition") == people).then("speaker").otherwise(pl.col(topic).cast(pl.String)).fill_null("")
    )
    group = ordered.select(whose).to_series().to_numpy()
    raw = form.fill_null(0.0).to_numpy()
    x = np.where([c in _COUNTS for c in NAMES], np.log1p(raw), raw)
    rows, told, parts, thin = [], [], [], []
    for arm in named:
        spoken = form["words"].is_not_null().to_numpy()
        kept = _equal(community, spoken & (side == arm), spoken & (side == people), substream(seed, "format", "n", arm))
        truth = (side[kept] == arm).astype(np.int64)
        sizes = [len(set(group[kept][truth == k])) for k in (0, 1)]
        if min(sizes) < folds:
            thin.append(f"{sizes[0]} people against {sizes[1]} values of {topic!r} in {arm!r}")
            continue
        fold = _folds(group[kept], truth, folds, substream(seed, "format", "folds", arm))
        chance = np.empty(kept.size)
        for f in range(folds):
            chance[fold == f] = _fit(x[kept][fold != f], truth[fold != f], x[kept][fold == f])[0]
        weight = _fit(x[kept], truth, x[kept][:1])[1]
        centre, spread = _standard(x[kept])
        gap = 2 * (x[kept][truth == 1].mean(0) - centre) / spread  # the sides are equal in n: centre lies halfway
        away = [NAMES[i] for i in np.argsort(-np.abs(weight), kind="stable") if abs(gap[i]) >= least]
        right, place = ((chance >= 0.5) == truth).astype(float), _placements(chance, truth)
        n = int(truth.sum())
        rows.append((arm, n, float(right.mean()), float(place.mean()), away, int((side == arm).sum()) - n))
        means = [raw[kept][truth == k].mean(0) for k in (1, 0)]
        told += list(zip([arm] * len(NAMES), NAMES, *means, gap, weight, strict=True))
        values = {f"{MEASURE}{arm}": right, f"{MEASURE}{arm}:auc": 2 * place - place.mean()}
        parts.append(score(frames.replies(ordered[kept]), values, label=[arm if p >= 0.5 else people for p in chance]))
    if thin:
        raise RefusedError(f"{folds} people and topics or more are due, one per fold; seen: {'; '.join(thin)}")
    table = pl.DataFrame(rows, orient="row", schema={
        "condition": pl.String, "n": pl.Int64, "accuracy": pl.Float64, "auc": pl.Float64,
        "gives_away": pl.List(pl.String), "left_out": pl.Int64,
    })  # fmt: skip
    schema = ["condition", "feature", "mean", "people", "gap", "coefficient"]
    found = pl.DataFrame(told, orient="row", schema=schema).with_columns(pl.col(schema[2:]).cast(pl.Float64))
    return Audit(table, found, frames.scores(pl.concat(parts)))


def _opens_with_more(said: str) -> bool:
    """Whether words stand before the text itself: one quotation mark may, anything longer is a preamble."""
    bare = text.unwrap(said)
    return not bare or said.find(bare) > 1


def _equal(community: NDArray[np.object_], first: Flags, second: Flags, rng: np.random.Generator) -> Ints:
    """The places of equally many rows of both sides in each community, sorted."""
    out = [np.zeros(0, dtype=np.int64)]
    for c in sorted(set(community)):
        sides = [np.flatnonzero(rows & (community == c)) for rows in (first, second)]
        n = min(len(places) for places in sides)
        out += [rng.choice(places, n, replace=False) for places in sides if n]
    return np.sort(np.concatenate(out))


def _folds(group: NDArray[np.object_], truth: Ints, folds: int, rng: np.random.Generator) -> Ints:
    """The fold of each row: whole groups, dealt out on each side apart."""
    fold = np.empty(group.size, dtype=np.int64)
    for k in (0, 1):
        names, place = np.unique(group[truth == k].astype(str), return_inverse=True)
        fold[truth == k] = (rng.permutation(names.size) % folds)[place]
    return fold


def _standard(x: Floats) -> tuple[Floats, Floats]:
    spread = x.std(0)
    return x.mean(0), np.where(spread > 0, spread, 1.0)


def _fit(x: Floats, truth: Ints, new: Floats) -> tuple[Floats, Floats]:
    """The chance that new rows are of the arm, and the standardised coefficients: a ridge-penalised logistic regression."""
    from sklearn.linear_model import LogisticRegression

    centre, spread = _standard(x)
    model = LogisticRegression(C=1.0, class_weight="balanced", max_iter=1000).fit((x - centre) / spread, truth)
    return np.asarray(model.predict_proba((new - centre) / spread)[:, 1]), np.asarray(model.coef_[0])


def _placements(chance: Floats, truth: Ints) -> Floats:
    """For each row the share of the other side's rows it is on the right side of, ties half: their mean is the AUC."""
    out = np.empty(chance.size)
    for k in (0, 1):
        other = np.sort(chance[truth != k])
        below = (np.searchsorted(other, chance[truth == k]) + np.searchsorted(other, chance[truth == k], "right")) / 2
        out[truth == k] = below / other.size if k else 1 - below / other.size
    return out
