"""DEBATE: sessions of four people, their twins in three modes, and what of it is more than measurement error (arXiv 2510.25110)."""

from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.errors import RefusedError, UsageError
from sociolect.frames import Replies, Society
from sociolect.models.open import folders
from sociolect.report.content import Page
from sociolect.seeds import derive
from sociolect.systems.worlds.debate import align, arms, compare, measure, page, regression
from sociolect.systems.worlds.debate.compare import PEOPLE
from sociolect.systems.worlds.debate.elicit import MODES, TURNS
from sociolect.systems.worlds.debate.influence import Influence, influence
from sociolect.systems.worlds.debate.influence import reliability as reliability_of
from sociolect.systems.worlds.debate.load import sessions as loaded
from sociolect.systems.worlds.debate.planted import planted
from sociolect.systems.worlds.debate.simulate import heard_share
from sociolect.workspace import Workspace

BASE = "scratch/tiny"
PLANTED = {"moved": 0.0, "twins": 0.3}  # ours: the setting that the dossier's power was measured at
REPORTS = 0.6  # ours: the reliability of planted reports, at which the dossier's figures were measured


class Dial(NamedTuple):
    """What `size` turns."""

    groups: int  # planted ones
    replications: int  # of the simulated studies
    dims: int  # of the embedding that is fitted on the spot


# [paper] 31 groups in the test of convergence; 797 groups in v1
SIZES = {"tiny": Dial(31, 100, 30), "small": Dial(120, 500, 100), "full": Dial(0, 2000, 100)}


def run(
    workspace: Workspace,
    *,
    size: Literal["tiny", "small", "full"] = "tiny",
    sessions: Path | None = None,
    columns: dict[str, str] | None = None,
    traits: tuple[str, ...] = (),
    keep_ids: str = "",
    models: dict[str, str] | None = None,
    judge: str | None = None,
    encoder: str | None = None,
    groups: int | None = None,
    moved: float = PLANTED["moved"],
    twins: float = PLANTED["twins"],
    reliability: float | None = None,
    turns: int = TURNS,
    tokens: int = 96,
    tune: bool = False,
    base: str = BASE,
    split: Literal["group", "round", "topic"] = "group",
    seed: int = 0,
) -> Page:
    """The page of one comparison of people with their twins: planted sessions and a planted twin unless others are named.

    `sessions` is a table of recorded ones (`columns` names its columns by role, `traits` what makes a persona); `models` the arms by
    name; `judge` the model that reads stances and `encoder` a sentence encoder. `moved` and `twins` are the share by which a
    meeting moves planted people and the planted twin; `reliability` is that of a report (default: estimated). The README says the rest.
    """
    dial = SIZES[size]
    if tune:
        align.trainable(base)
    _checked(
        size, sessions, models, judge, traits=bool(columns or traits or keep_ids), groups=groups, turns=turns, tokens=tokens,
        moved=moved, twins=twins, reliability=reliability, tune=tune, base=base, split=split,
    )  # fmt: skip
    n = groups or dial.groups
    if sessions is None:
        society = workspace.society("load", planted, groups=n, share=moved, reliability=REPORTS, seed=seed)
    else:
        society = workspace.society("load", loaded, sessions, **(columns or {}), traits=list(traits), keep_ids=keep_ids)
    reader = folders([judge or ""])
    posts = workspace.frame("posts_read", frames.posts, arms.read_posts, society.posts, judge, reader)
    society = Society(society.people, posts, society.ties, society.set_aside)
    names = dict(models or {"twin": f"{arms.PLANTED}{twins:g}"})
    replies = [
        _replies(workspace, society, names, judge, mode, turns=turns, tokens=tokens, seed=seed) for mode in MODES
    ]
    every = frames.replies(pl.concat(replies))
    scores = workspace.frame("scores", frames.scores, measure.scored, every, posts, encoder, dims=dial.dims, seed=seed)
    by_mode = workspace.frame("modes", frames.effects, compare.modes, scores)
    rolled = {arm: replies[2].filter(community=arm) for arm in names}
    changes = workspace.frame("groups", frames.effects, compare.group_changes, society, rolled)
    private = {compare.PEOPLE: (measure.private(society, "initial"), measure.private(society, "final"))}
    private |= {
        arm: (private[compare.PEOPLE][0], measure.of_twins(society, said, "report")) for arm, said in rolled.items()
    }
    rho, moves = _influences(private, reliability, seed)
    shown = float(rho[0]) if rho[0] is not None else REPORTS
    person = private[compare.PEOPLE][0]
    individual = {
        who: regression.observed(a[whole], b[whole], seed=derive(seed, who))
        for who, (a, b) in private.items()
        if (whole := np.isfinite(b).all(1)).sum() >= 3
    }
    nulls = regression.nulls(person, reliability=tuple(sorted({*regression.LINES, round(shown, 3)})), seed=seed)
    power = workspace.frame(
        "calibration", pl.DataFrame, compare.calibration, groups=len(person), reliability=shown, replications=dial.replications,
        seed=seed,
    )  # fmt: skip
    tuned = (
        align.study(
            workspace, society, base, judge, split=split, tokens=tokens, encoder=encoder, dims=dial.dims, seed=seed
        )
        if tune
        else None
    )
    made = {
        "size": size, "sessions": f"{len(person)} of four people", "twins": ", ".join(f"{a}: {m}" for a, m in names.items()),
        "stances read by": judge or "the scale's own words", "texts embedded by": encoder or f"lsa/{dial.dims}, fitted to what people wrote",
        "messages in a simulated chat": str(turns), "seed": str(seed),
    }  # fmt: skip
    if sessions is None:
        made["planted"] = f"a meeting moves people by {moved:g} of their distance; reports of reliability {REPORTS:g}"
    heard = None
    if sessions is None and not models:
        heard = heard_share(twins, reliability=REPORTS, noise=arms.NOISE)
    source = (
        "given"
        if reliability is not None
        else "estimated"
        if rho[0] is not None
        else "assumed: these groups do not tell it"
    )
    made["reliability of a report"] = f"{shown:.2f}, {source}"
    return page.page(
        page.Found(society, every, by_mode, changes, individual, nulls, shown, rho, moves, power, tuned, tuple(names), sessions is None,
                   moved, heard), made,
    )  # fmt: skip


def _replies(
    workspace: Workspace, society: Society, names: dict[str, str], judge: str | None, mode: int, **knobs: int
) -> Replies:
    """One mode's replies with the stance of each."""
    said = workspace.frame(f"replies_mode{mode}", frames.replies, arms.played, society.people, society.posts.drop("stance"),
                           names, folders(names.values()), mode=mode, **knobs)  # fmt: skip
    reader = folders([judge or ""])
    return workspace.frame(f"read_mode{mode}", frames.replies, arms.read_replies, said, society.posts, judge, reader)


def _influences(
    private: dict[str, tuple[np.ndarray, np.ndarray]],
    given: float | None,
    seed: int,
) -> tuple[
    tuple[float | None, float | None, float | None], dict[str, tuple[Influence, tuple[float, float, float] | None]]
]:
    """The reliability with its ends, and each side's coefficient beside the corrected one (people's alone: twins read no opinion amiss)."""
    rho: tuple[float | None, float | None, float | None] = (given, None, None)
    right: tuple[float, float, float] | None = None
    start, end = private[compare.PEOPLE]
    if given is None:
        try:
            both = reliability_of(start, end, seed=seed)
            ends = np.stack([both.estimate, both.low, both.high])
            rho, right = (
                (float(ends[0, 0]), float(ends[1, 0]), float(ends[2, 0])),
                (float(ends[0, 2]), float(ends[1, 2]), float(ends[2, 2])),
            )
        except RefusedError:
            rho = (None, None, None)
    out = {}
    for who, (before, after) in private.items():
        whole = np.isfinite(after).all(1)
        if whole.sum() < 3:
            continue
        found = influence(before[whole], after[whole])
        if who == compare.PEOPLE and given is not None:
            right = (float(found.estimate[0] / given), float(found.low[0] / given), float(found.high[0] / given))
        out[who] = (found, right if who == compare.PEOPLE else None)
    return rho, out


def _checked(size: str, sessions: Path | None, models: dict[str, str] | None, judge: str | None, **said: Any) -> None:
    """Raise UsageError, all faults at once, for keywords that cannot go together or numbers out of their range."""
    due = {"--sessions FILE": sessions, "--models twin=PROVIDER/MODEL": models, "--judge PROVIDER/MODEL": judge}
    lacking = [flag for flag, given in due.items() if not given]
    faults = [f"full size is the paper's: say {', '.join(lacking)}"] if size == "full" and lacking else []
    if sessions is not None and judge is None:
        faults.append("recorded sessions state no opinion in the scale's words: say --judge PROVIDER/MODEL")
    if (models or (said["tune"] and not said["base"].startswith("scratch/"))) and judge is None:
        faults.append("a model does not state its opinion in the scale's words: say --judge PROVIDER/MODEL")
    if models and PEOPLE in models:
        faults.append(f"an arm is called {PEOPLE}, as the people are: give it another name")
    if sessions is None and said["traits"]:
        faults.append("columns, traits and keep_ids go with sessions=")
    if said["groups"] is not None and (said["groups"] < 3 or sessions is not None):
        faults.append(f"groups is {said['groups']}: three or more planted ones are due, and none beside sessions=")
    for name, beside, with_ in (("moved", sessions, "sessions"), ("twins", models, "models")):
        if not 0 <= said[name] <= 1:
            faults.append(f"{name} is {said[name]}: a share from 0 to 1 is due")
        elif beside and said[name] != PLANTED[name]:
            faults.append(f"{name} is planted: leave it out beside {with_}=")
    if said["reliability"] is not None and not 0 < said["reliability"] <= 1:
        faults.append(f"reliability is {said['reliability']}: above 0 and up to 1 is due")
    if said["turns"] < 1 or said["tokens"] < 1:
        faults.append(f"turns is {said['turns']} and tokens {said['tokens']}: 1 or more are due")
    if not said["tune"] and (said["base"], said["split"]) != (BASE, "group"):
        faults.append("base and split are about the tuned twin: say --tune true")
    if faults:
        raise UsageError("; ".join(faults))
