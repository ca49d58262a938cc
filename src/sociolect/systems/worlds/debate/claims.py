"""The card's claims held against what is found; the first arm stands for the twins."""

from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from sociolect.systems import read
from sociolect.systems.held import Here, held
from sociolect.systems.worlds.debate.compare import PEOPLE

if TYPE_CHECKING:
    from sociolect.systems.worlds.debate.page import Found

UTTERANCE = {"cosine": "cosine", "stance": "stance distance", "rouge": "rouge_l"}
GROUP = {"posts": "SD of posts", "private": "SD of private opinion"}
TUNING = ("rouge_l", "absolute length difference", "cosine", "stance distance")
COUNTS = ("messages", "people", "topics")
NULL = "stands as it is: {null} comes of measurement error alone, at reliability {rho:.2f}"
NO_PAIR = "mode 1 or 3 has no number in three groups"


def told(f: "Found") -> pl.DataFrame:
    """One row per claim of the card."""
    arm = f.arms[0]
    here: dict[str, Here] = {}
    if not f.plants:
        posts = f.society.posts.filter(pl.col("phase").is_in(["post", "chat"]))
        here["messages"] = Here(posts.height)
        here["people"] = Here(f.society.people.height)
        here["topics"] = Here(f.society.posts["topic"].n_unique())
    else:
        here |= {claim: Here(why="planted sessions: name recorded ones (--sessions)") for claim in COUNTS}
    for claim, measure in UTTERANCE.items():
        here[claim] = _of(f.modes, measure, f"{arm}, mode 3 - mode 1")
    here["length"] = _of(f.modes, "length difference", f"{arm}, mode 1")
    for what, measure in GROUP.items():
        here[f"{what}_twins"] = _of(f.changes, measure, arm)
        here[f"{what}_people"] = _of(f.changes, measure, PEOPLE)
        here[f"{what}_gap"] = _of(f.changes, measure, f"{arm} - {PEOPLE}")
    for side, who in (("people", PEOPLE), ("twins", arm)):
        for claim, measure in (("initial", "r(change, initial)"), ("partner", "r(change, partner - own)")):
            here[f"{claim}_{side}"] = _correlation(f, who, measure)
    here["moved_people"] = _moved(f)
    here["tuning"] = _tuning(f)
    return held(read(Path(__file__).parent).claims, here, planted=f.plants)


def _of(effects: pl.DataFrame, measure: str, contrast: str) -> Here:
    rows = effects.filter(measure=measure, contrast=contrast)
    if not rows.height or rows["estimate"][0] is None:
        return Here(why=NO_PAIR)
    row = rows.row(0, named=True)
    return Here(row["estimate"], row["low"], row["high"], row["n"])


def _correlation(f: "Found", who: str, measure: str) -> Here:
    if who not in f.individual:
        return Here(why="fewer than three whole groups")
    row = f.individual[who].filter(measure=measure).row(0, named=True)
    null = f.nulls.filter(measure=measure, reliability=round(f.reliability, 3))["null"]
    why = NULL.format(null=f"{null[0]:.2f}", rho=f.reliability) if null.len() else ""
    return Here(row["estimate"], row["low"], row["high"], row["n"], why=why)


def _moved(f: "Found") -> Here:
    found = f.influences.get(PEOPLE)
    if found is None:
        return Here(why="fewer than three whole groups")
    b, right = found
    if right is None:
        return Here(
            float(b.estimate[0]),
            float(b.low[0]),
            float(b.high[0]),
            b.groups,
            why="not corrected: these groups do not tell the reliability",
        )
    return Here(*right, n=b.groups, why="the coefficient over the reliability of a report")


def _tuning(f: "Found") -> Here:
    """Denied where a surface measure gets worse or meaning gets better; that meaning stays as it is no wide interval shows."""
    if f.tuned is None:
        return Here(why="say --tune true")
    effects = f.tuned.effects
    rouge, length, cosine, stance = (_of(effects, m, "twin, tuned - base") for m in TUNING)
    if rouge.low is None or rouge.high is None or length.low is None or length.high is None:
        return Here(why=NO_PAIR)
    better, worse = rouge.low > 0 and length.high < 0, rouge.high < 0 or length.low > 0
    meaning = (cosine.low is not None and cosine.low > 0) or (stance.high is not None and stance.high < 0)
    said = "surface improves" if better else "surface gets worse" if worse else "surface is undecided"
    said += ", so does meaning" if meaning else ", meaning is not seen to improve"
    return Here(
        *rouge[:4],
        same="no" if worse or meaning else "undecided",
        why=f"ROUGE-L, tuned less base, on held-out groups; {said}",
    )
