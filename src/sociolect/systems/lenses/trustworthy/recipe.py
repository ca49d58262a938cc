"""Trustworthy language models: four small instruments and a lens of 29 cells, held against this run or another (arXiv 2308.05374)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import polars as pl

from sociolect import frames
from sociolect.compare.coverage import coverage
from sociolect.errors import UsageError
from sociolect.frames import Replies, Scores
from sociolect.models.open import folders, open_model
from sociolect.report.content import Page
from sociolect.seeds import substream
from sociolect.systems import lens
from sociolect.systems.lenses.trustworthy import audits, compare, elicit, load, measure, players
from sociolect.systems.lenses.trustworthy.page import Found, page
from sociolect.systems.lenses.trustworthy.page_held import page as page_held
from sociolect.workspace import Workspace


class Dial(NamedTuple):
    """What `size` turns: sentences, questions, and how often each other prompt is asked."""

    sentences: int
    questions: int
    draws: int


SIZES = {
    "tiny": Dial(160, 200, 1),
    "small": Dial(380, 1000, 3),
    "full": Dial(1000, 2000, 5),
}  # [code] 1,000 sentences, about 5 repeats
STUDIED = ("aligned", "base")
LABELLED = 0.5  # of the planted answers carry a hand label


def run(
    workspace: Workspace,
    *,
    size: Literal["tiny", "small", "full"] = "tiny",
    run: Path | None = None,
    models: dict[str, str] | None = None,
    judge: str | None = None,
    own_judge: bool = False,
    labels: Path | None = None,
    answers: Path | None = None,
    sentences: Path | None = None,
    column: str = "",
    cells: Path | None = None,
    rate: float = 0.3,
    seed: int = 0,
) -> Page:
    """The page of the lens: of the finished workspace `run`, of `answers` that were judged elsewhere, else of a run of its own.

    A run of its own asks `models` (arm=provider/model; `aligned` and `base` are compared), or planted ones. `judge` names
    the model that reads answers to bad requests, `labels` a table of hand labels that correct it, `sentences` a table of sentences to
    bend, `cells` another lens. The README beside this file says what each keyword asks.
    """
    _checked(size, rate=rate, run=run, models=models, judge=judge, own_judge=own_judge, labels=labels, answers=answers, sentences=sentences, column=column)  # fmt: skip
    cut = lens.read(cells or Path(__file__).with_name("lens.toml"))
    made = {"size": size, "lens": (cells.name if cells else "lens.toml"), "seed": str(seed)}
    if run is not None or answers is not None:
        return _held(workspace, cut, run, answers, made, seed=seed)
    at, names = SIZES[size], dict(models or {})
    given, aside = (None, None) if sentences is None else load.sentences(sentences, column=column, n=at.sentences)
    items = elicit.items(sentences=given, n=at.sentences, questions=at.questions, rate=rate, seed=seed)
    weights = folders(names.values())
    asking: dict[str, Any] = {"draws": at.draws, "seed": seed}
    replies = workspace.frame("replies", frames.replies, elicit.asked, items, names, weights, **asking)
    read = workspace.frame("read", pl.DataFrame, measure.read, replies)
    scores = measure.scored(read)
    verdicts, hand = None, None
    if not names or judge:
        verdicts = workspace.frame(
            "verdicts",
            frames.scores,
            judged,
            read,
            names,
            judge,
            folders([judge or ""]),
            own_judge=own_judge,
            seed=seed,
        )
        hand = load.labels(labels) if labels else _planted(replies, seed) if not names else None
    whole = scores if verdicts is None else frames.scores(pl.concat([scores, verdicts.select(scores.columns)]))
    whole = workspace.frame("scores", frames.scores, _same, whole)
    found, table = compare.calibrated(whole, seed=seed)
    rated = compare.rates(whole.filter(~pl.col("measure").str.starts_with("calibration:")))
    told = frames.effects(pl.concat([rated, found]).sort("measure", "contrast"))
    told = workspace.frame("measured", frames.effects, _same, told)
    arms = [a for a in STUDIED if a in told["contrast"].unique()] or sorted(names)
    checks = _verdict_and_hand(verdicts, hand)
    gained = compare.gains(whole, found, between=STUDIED) if set(STUDIED) <= set(arms) else None
    every = sorted(replies["community"].unique())
    shown = told.filter(pl.col("contrast") == arms[0])
    return page(
        Found(
            cut, coverage(cut, told.filter(pl.col("contrast").is_in(arms))), coverage(cut, shown), arms, told,
            compare.net(whole), table, None if verdicts is None else compare.bounds(verdicts),
            None if verdicts is None or hand is None else compare.corrected(verdicts, hand, seed=seed),
            gained, audits.attrition(read), audits.flags(read), audits.controls(read, whole, checks, arms=arms, seed=seed),
            verdicts, aside, planted=not names,
        ),
        made | {
            "arms": ", ".join(every), "judge": judge or ("scripted/judge" if not names else "none"),
            "sentences": str(items.filter(condition=elicit.CLEAN).height), "typo rate": f"{rate:g} of the words",
            "questions": str(at.questions), "draws": str(at.draws),
        },
    )  # fmt: skip


def judged(
    read: pl.DataFrame,
    names: Mapping[str, str],
    judge: str | None,
    weights: Sequence[Path],
    *,
    own_judge: bool,
    seed: int,
) -> Scores:
    """The judge's word on every answer to a bad request."""
    model = open_model(judge) if judge else players.judging(seed=seed)
    return measure.judge(read, model, among=sorted(names.values()), stated=own_judge, seed=seed)


def _planted(replies: Replies, seed: int) -> pl.DataFrame:
    """Hand labels of a drawn half of the planted answers: what they are is known."""
    safe = replies.filter(condition=elicit.SAFE).sort("community", "item", "draw")
    drawn = substream(seed, "trustworthy", "labels").random(safe.height) < LABELLED
    known = (pl.col("text").fill_null("") != players.HELPED).cast(pl.Float64)
    return safe.filter(pl.Series(drawn)).select("community", "item", "draw", safe=known)


def _verdict_and_hand(verdicts: Scores | None, hand: pl.DataFrame | None) -> pl.DataFrame | None:
    if verdicts is None or hand is None:
        return None
    keys = ["community", "item", "draw"]
    return verdicts.select(*keys, verdict="value").join(hand, on=keys, how="inner").sort(keys)


def _same(frame: pl.DataFrame) -> pl.DataFrame:
    return frame


def _held(workspace: Workspace, cut: pl.DataFrame, run: Path | None, answers: Path | None, made: dict[str, str], *, seed: int) -> Page:  # fmt: skip
    """The page of a lens held against numbers that another run made."""
    if run is not None:
        found = load.measured(run, seed=seed)
        what, numbers, aside, limits = f"a finished run of {found.system}", found.found, found.aside, None
        made |= {"what is held": what}
    else:
        assert answers is not None
        rows, aside = load.judged(answers)
        numbers, limits = compare.rates(rows), compare.bounds(rows)
        what = f"{rows.height:,} answers that were judged elsewhere"
        made |= {"what is held": what, "judge": "as the file says"}
    plain = workspace.frame("measured", frames.effects, _same, numbers)
    return page_held(cut, coverage(cut, plain), plain, aside, made, what=what, limits=limits)


def _checked(size: str, *, rate: float, **given: Any) -> None:
    """Raise UsageError, all faults at once, for keywords that cannot go together or are missing."""
    faults = []
    if size not in SIZES:
        faults.append(f"--size {size}: due is one of {', '.join(SIZES)}")
    if not 0 < rate <= 1:
        faults.append(f"--rate {rate}: due is a chance above 0 and up to 1 that a word gets a typo")
    if given["run"] and given["answers"]:
        faults.append("--run and --answers are two pages: say one")
    if (given["run"] or given["answers"]) and any(given[k] for k in ("models", "judge", "labels", "sentences")):
        faults.append("--run and --answers ask nobody: leave out --models, --judge, --labels, --sentences")
    if size == "full" and not (given["models"] or given["run"] or given["answers"]):
        faults.append(
            "--size full asks models of your own: name them, as in --models aligned=hf/NAME,base=hf/NAME, with --judge"
        )
    if given["judge"] and not given["models"]:
        faults.append("--judge reads the answers of named models: name them with --models")
    if given["labels"] and not given["judge"]:
        faults.append("--labels correct a judge: name it with --judge")
    if given["own_judge"] and not given["judge"]:
        faults.append("--own-judge allows the --judge that is named to be one of the models: none is")
    if given["column"] and not given["sentences"]:
        faults.append("--column is one of the table of --sentences: name it")
    if faults:
        raise UsageError("; ".join(faults))
