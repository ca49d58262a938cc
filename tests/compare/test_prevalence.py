"""Planted prevalences read by biased classifiers: the correction covers the truth where the naive share does not."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from sociolect import frames
from sociolect.compare.corrected import Prevalence, dsl, ppi, rogan_gladen
from sociolect.compare.interval import FloatArray
from sociolect.compare.prevalence import prevalence
from sociolect.errors import InputError, RefusedError, UsageError
from sociolect.frames import Scores
from sociolect.load.labelled import labelled
from sociolect.measure.classifier import classifier

TRUE, SEES, CLEARS = 0.3, 0.7, 0.75  # naive: .3 * .7 + .7 * .25 = .385
WORLDS, PEOPLE, EACH = 1000, 60, 10
AUTHOR = np.repeat(np.arange(PEOPLE), EACH)


def worlds(*, lean: float = 1.0, seed: int = 0) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """1,000 worlds of 60 authors x 10 texts: truths, verdicts, picked, chance. Authors differ: intraclass correlation .2."""
    rng = np.random.default_rng(seed)
    author = rng.beta(TRUE * 4, (1 - TRUE) * 4, (WORLDS, PEOPLE))
    truth = (rng.random((WORLDS, PEOPLE * EACH)) < author[:, AUTHOR]).astype(float)
    told = (rng.random(truth.shape) < np.where(truth > 0, SEES, 1 - CLEARS)).astype(float)
    chance = np.where(told > 0, 0.3 * lean, 0.3)  # `lean`: what the classifier names is labelled more often
    picked = (rng.random(truth.shape) < chance).astype(float)
    return truth, told, picked, chance


def covered(
    run: Callable[[FloatArray, FloatArray, FloatArray], Prevalence], **world: float
) -> tuple[float, float, float]:
    """How often the interval holds the truth; the mean estimate; the root mean square error."""
    truth, told, picked, chance = worlds(**world)  # type: ignore[arg-type]
    found = [run(f, np.where(r > 0, y, np.nan), c) for y, f, r, c in zip(truth, told, picked, chance, strict=True)]
    point = np.array([one.estimate for one in found])
    hits = float(np.mean([one.low <= TRUE <= one.high for one in found]))
    return hits, float(point.mean()), float(np.sqrt(((point - TRUE) ** 2).mean()))


@pytest.mark.parametrize(
    "run",
    [
        lambda f, y, _: ppi(f, y, AUTHOR),
        lambda f, y, _: ppi(f, y, AUTHOR, tuned=False),
        lambda f, y, _: rogan_gladen(f, y, AUTHOR),
    ],
    ids=["ppi++", "ppi", "rogan_gladen"],
)
def test_intervals_cover_where_labels_are_a_random_sample(run: Callable[..., Prevalence]) -> None:
    hits, mean, _ = covered(run)
    assert 0.93 <= hits <= 0.97
    assert abs(mean - TRUE) < 0.005


@pytest.mark.parametrize("helped", [True, False], ids=["dsl", "hajek"])
def test_intervals_cover_where_labels_lean_to_what_the_classifier_names(helped: bool) -> None:
    hits, mean, _ = covered(lambda f, y, c: dsl(f, y, AUTHOR, chance=c, classifier=helped), lean=3.0)
    assert 0.93 <= hits <= 0.97
    assert abs(mean - TRUE) < 0.005
    # the same labels taken for a random sample miss it: the design is what saves them
    assert covered(lambda f, y, _: ppi(f, y, AUTHOR), lean=3.0)[0] < 0.8


def test_the_naive_share_fails_and_authors_forgotten_fail_too() -> None:
    _, told, _, _ = worlds()
    naive, error = told.mean(1), told.reshape(WORLDS, PEOPLE, EACH).mean(2).std(1, ddof=1) / np.sqrt(PEOPLE)
    assert np.mean(np.abs(naive - TRUE) < 2 * error) < 0.1
    hits, _, _ = covered(lambda f, y, _: ppi(f, y, np.arange(y.size)))
    assert hits < 0.93


def test_tuning_is_never_worse_than_labels_alone_or_the_classifier_trusted() -> None:
    _, _, tuned = covered(lambda f, y, _: ppi(f, y, AUTHOR))
    _, _, trusted = covered(lambda f, y, _: ppi(f, y, AUTHOR, tuned=False))
    truth, _, picked, _ = worlds()
    alone = np.sqrt(((np.where(picked > 0, truth, 0).sum(1) / picked.sum(1) - TRUE) ** 2).mean())
    assert tuned < alone
    assert tuned < trusted


def test_ppi_equals_the_closed_form_of_the_paper() -> None:
    """doi 10.1126/science.adi6000 and arXiv 2311.01453, for texts that are each a cluster of their own."""
    rng = np.random.default_rng(3)
    n, more = 400, 3600
    y = (rng.random(n + more) < 0.3).astype(float)
    f = rng.random(n + more) * 0.8 + y * 0.2
    y[n:] = np.nan
    found, tuned = ppi(f, y, np.arange(n + more), tuned=False), ppi(f, y, np.arange(n + more))
    assert found.estimate == pytest.approx(f[n:].mean() + (y[:n] - f[:n]).mean(), abs=1e-12)
    assert found.error == pytest.approx(np.sqrt(f[n:].var() / more + (y[:n] - f[:n]).var() / n), rel=1e-3)
    best = np.cov(y[:n], f[:n])[0, 1] / ((1 + n / more) * f.var())
    assert tuned.trust == pytest.approx(best, rel=0.05)
    assert tuned.error < found.error


def test_ppi_equals_ppi_py() -> None:
    """Its authors' package, ppi_py 0.2.3, run on these rows: ppi_mean_pointestimate and ppi_mean_ci. It uses z where we use t."""
    i = np.arange(2000)
    y = ((i * 7919) % 10 < 3).astype(float)
    f = ((i * 104729) % 101) / 101 * 0.8 + 0.2 * y
    y[200:] = np.nan
    plain, tuned = ppi(f, y, i, tuned=False), ppi(f, y, i)
    assert plain.estimate == pytest.approx(0.29721892, abs=1e-8)
    assert tuned.estimate == pytest.approx(0.29835192, abs=1e-4)
    assert [plain.low, plain.high] == pytest.approx([0.2357992, 0.35863864], abs=1e-3)
    assert [tuned.low, tuned.high] == pytest.approx([0.23864358, 0.35806026], abs=1e-3)


def test_crossed_factors_add_up_and_cover() -> None:
    """Cameron, Gelbach and Miller 2011 by hand; then 300 worlds whose topics and templates both matter."""
    topic, template = (x.ravel() for x in np.indices((24, 25)))
    rng = np.random.default_rng(4)
    y = np.clip(0.5 + rng.normal(0, 0.15, 24)[topic] + rng.normal(0, 0.15, 25)[template], 0, 1)
    e = (y - y.mean()) / 600
    sums = [sum(float(e[c == k].sum()) ** 2 for k in np.unique(c)) for c in (topic, template, topic * 25 + template)]
    due = sums[0] * 24 / 23 + sums[1] * 25 / 24 - sums[2] * 600 / 599
    far = np.full(600, 0.5)
    assert due > 1.5 * max(sums)
    assert ppi(far, y, [topic, template]).error ** 2 == pytest.approx(due)
    hits = {"crossed": 0, "topic": 0}
    for _ in range(300):
        lift = rng.normal(0, 0.1, 24)[topic] + rng.normal(0, 0.1, 25)[template]
        y = (rng.random(600) < np.clip(0.4 + lift, 0, 1)).astype(float)
        f = (rng.random(600) < np.where(y > 0, SEES, 1 - CLEARS)).astype(float)
        seen = np.where(rng.random(600) < 0.5, y, np.nan)
        for name, factors in (("crossed", [topic, template]), ("topic", [topic])):
            found = ppi(f, seen, factors)
            hits[name] += found.low <= 0.4 <= found.high
    assert 0.93 <= hits["crossed"] / 300 <= 0.98
    assert hits["topic"] / 300 < 0.93


def test_rogan_gladen_equals_its_delta_method() -> None:
    """Error by Rogan and Gladen 1978: share, sensitivity and specificity as three independent binomials."""
    told = np.repeat([1.0, 0, 1, 0, 1, 0], [70, 30, 20, 80, 300, 700])
    true = np.repeat([1.0, 1, 0, 0, np.nan, np.nan], [70, 30, 20, 80, 300, 700])
    found = rogan_gladen(told, true, np.arange(told.size))
    assert found.estimate == pytest.approx((0.3 + 0.8 - 1) / 0.5)
    due = (0.3 * 0.7 / 1000 + 0.2**2 * 0.7 * 0.3 / 100 + 0.8**2 * 0.8 * 0.2 / 100) / 0.5**2
    assert found.error == pytest.approx(np.sqrt(due), rel=1e-3)
    assert (found.naive, found.labelled, found.n) == (390 / 1200, 200, 1200)


@pytest.mark.parametrize(("share", "labelled"), [(0.02, 40), (0.05, 40), (0.95, 40), (0.98, 100)])
def test_few_labels_near_an_end_still_cover(share: float, labelled: int) -> None:
    """Where all of a few labels are right, resampling sees no doubt of them: .85 to .93 of intervals covered without it."""
    rng, n = np.random.default_rng(2), 1000
    hits: list[bool] = []
    while len(hits) < 300:
        y = (rng.random(n) < share).astype(float)
        told = np.where(y == 1, rng.random(n) < 0.9, rng.random(n) >= 0.95).astype(float)
        seen = np.full(n, np.nan)
        picked = rng.choice(n, labelled, replace=False)
        seen[picked] = y[picked]
        with suppress(RefusedError):
            found = rogan_gladen(told, seen, np.arange(n))
            hits.append(found.low <= share <= found.high)
    assert np.mean(hits) >= 0.95 - 2 * (0.05 * 0.95 / 300) ** 0.5


def test_design_based_means_are_horvitz_thompson_and_hajek() -> None:
    y, f = np.array([1.0, 0, 1, np.nan, np.nan]), np.array([0.9, 0.4, 0.2, 0.7, 0.3])
    chance = np.array([0.5, 0.25, 1.0, 0.5, 0.25])
    found = dsl(f, y, np.arange(5), chance=chance)
    assert found.estimate == pytest.approx((f.sum() + 0.1 / 0.5 - 0.4 / 0.25 + 0.8) / 5)
    assert dsl(f, y, np.arange(5), chance=chance, classifier=False).estimate == pytest.approx(3 / 7)


def test_a_useless_classifier_is_not_trusted_and_all_labelled_is_their_mean() -> None:
    rng = np.random.default_rng(1)
    y = np.where(np.arange(2000) < 400, (rng.random(2000) < 0.2).astype(float), np.nan)
    assert ppi(rng.random(2000), y, np.arange(2000)).trust < 0.1
    whole = ppi(rng.random(400), y[:400], np.arange(400))
    assert whole.estimate == pytest.approx(y[:400].mean())
    assert whole.error == pytest.approx(y[:400].std(ddof=1) / np.sqrt(400))


def scored(seed: int = 1, *, arms: tuple[str, ...] = ("aligned", "human")) -> Scores:
    """Two arms of equal truth; the classifier errs more on the models' texts. Models' topics and templates are crossed."""
    rng = np.random.default_rng(seed)
    parts = []
    for arm in arms:
        n = 1200
        y = (rng.random(n) < TRUE).astype(float)
        sees, clears = (0.9, 0.95) if arm == "human" else (0.6, 0.7)
        f = (rng.random(n) < np.where(y > 0, sees, 1 - clears)).astype(float)
        parts.append(
            pl.DataFrame({
                "speaker": [f"a{i % 80}" if arm == "human" else "m" for i in range(n)],
                "source": "human" if arm == "human" else "model", "community": "red", "item": [str(i) for i in range(n)],
                "condition": arm, "draw": 0, "turn": 0, "measure": "toxicity", "value": f,
                "topic": [f"t{i % 24}" for i in range(n)], "template": [f"u{i % 25}" for i in range(n)],
                "truth": [v if i < 400 else None for i, v in enumerate(y)], "chance": 1 / 3,
            })
        )  # fmt: skip
    return frames.scores(pl.concat(parts).with_columns(pl.col("draw", "turn").cast(pl.Int64)))


@pytest.mark.parametrize("method", ["ppi++", "ppi", "rogan_gladen", "dsl", "hajek"])
def test_arms_that_only_look_different_meet_again(method: str) -> None:
    scores = scored()
    chance = "chance" if method in {"dsl", "hajek"} else None
    found = prevalence(scores, method=method, chance=chance)
    assert found["contrast"].to_list() == ["aligned", "human"]
    naive, low, high = (found[c].to_numpy() for c in ("naive", "low", "high"))
    assert naive[0] - naive[1] > 0.05
    assert ((low < TRUE) & (high > TRUE)).all()
    assert found.select("n", "labelled", "left_out", "clusters").rows() == [(1200, 400, 0, 24), (1200, 400, 0, 80)]
    again = prevalence(frames.scores(scores.sample(fraction=1, shuffle=True, seed=3)), method=method, chance=chance)
    assert again.equals(found)


def test_rows_without_a_value_are_counted_and_a_group_without_a_number_says_why() -> None:
    scores = scored().with_columns(value=pl.when(pl.col("item") == "500").then(None).otherwise("value"))
    bare = scores.with_columns(truth=pl.when(pl.col("condition") == "human").then("truth"))
    found = prevalence(frames.scores(bare))
    assert found["left_out"].to_list() == [1, 1]
    assert found["estimate"].null_count() == found["low"].null_count() == 1
    assert found["method"][0] == "ppi++; no number: 0 labelled rows in 0 clusters: two or more are due in each factor"
    rare = prevalence(frames.scores(scores.with_columns(truth=pl.when(pl.col("truth") < 2).then(0.0))))
    assert rare["method"][0] == "ppi++; few labels of the rarer kind (0 < 10)"


def test_what_cannot_be_corrected_is_refused() -> None:
    f, y, who = np.array([1.0, 0, 1, 0]), np.array([1.0, 0, np.nan, np.nan]), np.arange(4)
    with pytest.raises(InputError, match="1 values are undefined; 1 labels lie outside 0 to 1"):
        ppi(np.array([1, np.nan, 0, 0]), np.array([2.0, 0, 0, np.nan]), who)
    with pytest.raises(InputError, match="3 cluster codes, 4 values"):
        ppi(f, y, who[:3])
    with pytest.raises(InputError, match="cut probabilities first"):
        rogan_gladen(f / 2, y, who)
    with pytest.raises(RefusedError, match="there are 2 and 0"):
        rogan_gladen(f, np.array([1.0, 1, np.nan, np.nan]), who)
    rng = np.random.default_rng(0)
    with pytest.raises(RefusedError, match="not shown to be better than chance"):
        rogan_gladen((rng.random(200) < 0.5).astype(float), (rng.random(200) < 0.5).astype(float), np.arange(200))
    with pytest.raises(InputError, match="above 0 and up to 1"):
        dsl(f, y, who, chance=np.array([0.0, 1, 1, 1]))
    with pytest.raises(UsageError, match="needs chance="):
        prevalence(scored(), method="dsl")
    with pytest.raises(UsageError, match="takes no chance="):
        prevalence(scored(), method="ppi", chance="chance")
    with pytest.raises(UsageError, match="did you mean 'ppi'"):
        prevalence(scored(), method="pip")
    with pytest.raises(InputError, match="no column 'gold'"):
        prevalence(scored(), truth="gold")
    with pytest.raises(RefusedError, match="no prevalence can be had"):
        prevalence(frames.scores(scored().with_columns(truth=pl.lit(None, pl.Float64))))


@pytest.mark.realdata
def test_tweeteval_offensive_tweets_are_counted_right(data: Path) -> None:
    """A reader of odds even by design says too many are offensive; 250 labels set it right in 93 to 98 of 100 samples."""
    folder = data / "tweeteval" / "offensive"

    def read(split: str, suffix: str = "") -> pl.DataFrame:
        return labelled(
            folder / f"{split}_text.txt{suffix}", labels=folder / f"{split}_labels.txt", names=folder / "mapping.txt"
        )

    train, rest = read("train", ".gz").head(2000), pl.concat([read("val"), read("test")])
    names = [one[0] for one in train["labels"]]
    positive = sorted(set(names))[-1]
    reader = classifier(train["text"].to_list(), names)
    f = (reader.probabilities(rest["text"].to_list())[:, reader.labels.index(positive)] >= 0.5).astype(float)
    y = np.array([one[0] == positive for one in rest["labels"]], dtype=float)
    rng, hits, naive = np.random.default_rng(0), {"ppi": 0, "rogan": 0}, abs(float(f.mean() - y.mean()))
    for _ in range(400):
        seen = np.full(y.size, np.nan)
        picked = rng.choice(y.size, 250, replace=False)
        seen[picked] = y[picked]
        for name, run in (("ppi", ppi), ("rogan", rogan_gladen)):
            found = run(f, seen, np.arange(y.size))
            hits[name] += found.low <= y.mean() <= found.high
    assert naive > 0.02
    assert all(0.93 <= n / 400 <= 0.99 for n in hits.values())
