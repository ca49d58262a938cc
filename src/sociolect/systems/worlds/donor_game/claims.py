"""The paper's claims beside what is found, and what the method must show on agents whose genes are known."""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import polars as pl

from sociolect.report.table import digits, interval
from sociolect.systems import Claim, held
from sociolect.systems.worlds.donor_game.compare import between

# [paper] the three base models of the abstract, by what their names hold
PAPERS = {
    "claude": re.compile(r"claude[-_. ]?3[-_.]5[-_. ]?sonnet", re.IGNORECASE),
    "gemini": re.compile(r"gemini[-_. ]?1[-_.]5[-_. ]?flash", re.IGNORECASE),
    "gpt-4o": re.compile(r"gpt[-_]?4o(?![-_]?mini)", re.IGNORECASE),
}
LARGE = 0.05  # ours: a standard deviation between runs, in shares given, that is called large; the paper shows it in figures
NUMERIC_ONLY = "no language model was named (--models); on numeric agents: {}"


def table(
    claims: Sequence[Claim],
    models: Mapping[str, str],
    runs: pl.DataFrame | None,
    contrasts: pl.DataFrame,
    spread: pl.DataFrame,
    *,
    sizes: Mapping[str, float],
    seed: int = 0,
) -> pl.DataFrame:
    """The claims table. `models` are populations and their models' names, none at tiny; `runs` are theirs (`measure.per_run`).

    The claims about base models are held against these base models alone, never against others or numeric agents.
    """
    found = {name: held.Here(value) for name, value in sizes.items()}
    gain, sd = (
        _of(contrasts, "log_units", "numeric: punishment - trace"),
        _of(spread, "sd of donated", "numeric, punishment"),
    )
    told = NUMERIC_ONLY.format(f"{_said(gain)} log units")
    blank = {
        "punish_claude": told,
        "punish_others": told,
        "spread": NUMERIC_ONLY.format(f"{_said(sd)} under punishment"),
    }
    found |= {name: held.Here(why=why) for name, why in blank.items()}
    found["order"] = held.Here(
        why="the paper's three base models are asked with --models, which names none of them here"
    )
    if models and runs is not None:
        found |= _of_models(models, runs, contrasts, spread, seed)
    return held.held(claims, found)


def _of_models(
    models: Mapping[str, str], runs: pl.DataFrame, contrasts: pl.DataFrame, spread: pl.DataFrame, seed: int
) -> dict[str, held.Here]:
    """What the named base models show."""
    here = {paper: c for paper, name in PAPERS.items() for c, model in models.items() if name.search(model)}
    out = {
        "order": held.Here(why=f"of the paper's base models {', '.join(here) or 'none'} was named: all three are due")
    }
    if len(here) == len(PAPERS):
        out["order"] = _order([here[p] for p in PAPERS], runs, seed)
    gains = {p: _of(contrasts, "log_units", f"{c}: punishment - trace") for p, c in here.items()}
    claude = gains.get("claude", {})
    out["punish_claude"] = (
        held.Here(claude["estimate"], claude["low"], claude["high"], claude["n"])
        if claude.get("estimate") is not None
        else held.Here(why="Claude 3.5 Sonnet was not played in both conditions")
    )
    others = [g for p, g in gains.items() if p != "claude" and g.get("low") is not None]
    if others:
        most = max(others, key=lambda g: float(g["estimate"]))
        raised, none = [g for g in others if g["low"] > 0], all(g["high"] <= 0 for g in others)
        verdict = "no" if raised else "yes" if none and len(others) == 2 else "undecided"
        out["punish_others"] = held.Here(
            most["estimate"], most["low"], most["high"], most["n"], verdict, "the larger of those named"
        )
    else:
        out["punish_others"] = held.Here(why="neither of the other two was played in both conditions")
    wide = [_of(spread, "sd of donated", f"{c}, trace") for c in models]
    wide = [w for w in wide if w.get("low") is not None]
    if wide:
        least = min(wide, key=lambda w: float(w["estimate"]))
        verdict = (
            "yes"
            if all(w["low"] > LARGE for w in wide)
            else "no"
            if any(w["high"] < LARGE for w in wide)
            else "undecided"
        )
        why = f"the least of {len(wide)} models; large is above {LARGE}, which is ours"
        out["spread"] = held.Here(least["estimate"], least["low"], least["high"], least["n"], verdict, why)
    else:
        out["spread"] = held.Here(why="no population was played in the condition trace in two runs or more")
    return out


def _order(populations: Sequence[str], runs: pl.DataFrame, seed: int) -> held.Here:
    mine = runs.filter(pl.col("community").is_in(list(populations)))
    seen = between(mine, condition="trace", order=populations, seed=seed).filter(measure="log_units")
    pairs = [seen.filter(contrast=f"{a} - {b}").row(0, named=True) for a, b in pairwise(populations)]
    if any(p["low"] is None for p in pairs):
        return held.Here(why="one run has no interval: two or more are due")
    verdict = "yes" if all(p["low"] > 0 for p in pairs) else "no" if any(p["high"] < 0 for p in pairs) else "undecided"
    least = min(pairs, key=lambda p: float(p["estimate"]))
    return held.Here(
        least["estimate"], least["low"], least["high"], least["n"], verdict, "the smaller of the two steps, log units"
    )


def _of(effects: pl.DataFrame, measure: str, contrast: str) -> dict[str, Any]:
    found = effects.filter(measure=measure, contrast=contrast)
    return found.row(0, named=True) if found.height else {}


def _said(row: Mapping[str, Any]) -> str:
    if row.get("estimate") is None:
        return "nothing"
    return digits(row["estimate"]) + interval(row["low"], row["high"])


def expected(ends: pl.DataFrame, contrasts: pl.DataFrame, *, last: int) -> pl.DataFrame:
    """What the numeric agents must show, line by line: due, here, low, high, n, and whether it holds (of the estimate).

    The lines were measured beforehand by two independent versions; what the interval excludes is said by `sure`.
    """
    lines = [
        ("without a trace giving dies out", f"numeric, no trace, generation {last}", "<= 0.06", 0.06, -1),
        ("with a trace alone it does too", f"numeric, trace, generation {last}", "<= 0.15", 0.15, -1),
        ("trace and punishment keep it up: less no trace", "numeric: punishment - no trace", ">= 0.15", 0.15, 1),
        ("control: where survival is by lot nothing dies out", f"numeric, random, generation {last}", ">= 0.4", 0.4, 1),
    ]
    rows = []
    for what, contrast, due, bound, side in lines:
        row = _of(contrasts if " - " in contrast else ends, "donated", contrast)
        if not row:
            continue
        near = row["low"] if side > 0 else row["high"]
        rows.append((what, due, row["estimate"], row["low"], row["high"], row["n"], side * (row["estimate"] - bound) >= 0,
                     None if near is None else side * (near - bound) >= 0))  # fmt: skip
    kinds = {"what": pl.String, "due": pl.String, "here": pl.Float64, "low": pl.Float64, "high": pl.Float64, "n": pl.Int64,
             "holds": pl.Boolean, "sure": pl.Boolean}  # fmt: skip
    return pl.DataFrame(rows, schema=kinds, orient="row")
