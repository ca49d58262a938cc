"""How often the open questions of the relationship study are answered right where the truth is planted.

    python benchmarks/relations_open.py [--share 1.0] [--workers 2] [--json]

One line per question: what is due, what was found, over how many worlds, and whether it held. Worlds are numbers without text
(`systems/studies/relationship_alignment/worlds_open.py`). A rate that is due in a band is given 2.5 standard errors of its
number of worlds on either side; `--share .1` runs a tenth of the worlds. There is no peer: the truth is the peer.
Exits with 1 where a line does not hold.
"""

import argparse
import json
import math
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np
import polars as pl

from sociolect.compare.audited_regression import error_gap
from sociolect.systems.studies.relationship_alignment import corrected, open_questions, people, similar, worlds_open

TWO = ("self_disclosure", "funny")  # where one tone is asked about, its world has two: the rest is time
Flags = dict[str, bool]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--share", type=float, default=1.0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    began, rows = perf_counter(), []
    with ProcessPoolExecutor(asked.workers) as pool:
        for worlds, run, lines in QUESTIONS:
            n = max(4, round(worlds * asked.share))
            found = list(pool.map(run, range(1, n + 1), chunksize=max(1, n // 32)))
            rows += [judged(what, [f[key] for f in found if key in f], *band) for key, what, band in lines]
    took = perf_counter() - began
    if asked.json:
        print(json.dumps({"lines": rows, "seconds": took}))
    else:
        for row in rows:
            print(
                f"{row['what']:84} due {row['due']:14} found {row['found']:.3f} of {row['worlds']:5}  {row['verdict']}"
            )
        print(f"{took:.0f} s")
    sys.exit(any(row["verdict"] != "held" for row in rows))


def judged(what: str, held: list[bool], low: float, high: float) -> dict[str, Any]:
    """A share of worlds beside the band that is due, which is widened by what chance does to so many worlds."""
    n, share = len(held), float(np.mean(held))
    slack = [2.5 * math.sqrt(p * (1 - p) / n) for p in (low, high)]
    # "at least" and "at most" are no bands of a rate: there the number counts as it is
    fine = low - slack[0] * (high < 1) <= share <= high + slack[1] * (low > 0)
    due = f">= {low:g}" if high == 1 else f"<= {high:g}" if low == 0 else f"{low:g} to {high:g}"
    return {"what": what, "due": due, "found": share, "worlds": n, "verdict": "held" if fine else "NOT HELD"}


def learnt(seed: int, *, advantage: float) -> Flags:
    """Prompting against training: 5,000 pairs, one tone nearer by the advantage, all tones in one Holm family."""
    changes: dict[str, Any] = {"prompted": 0.0, "finetuned": {"self_disclosure": advantage}}
    table, block = worlds_open.arms(changes, pairs=5000, posts=1250, seed=seed)
    out = {}
    for name, slopes in (("random intercept", similar.similar), ("within posts", open_questions.within)):
        found = slopes(table, block, speaker="planted", conditions=list(changes))
        told = similar.context(found, to="finetuned", than="prompted").filter(pl.col("p_holm").is_not_null())
        mine = told.filter(pl.col("measure") == "self_disclosure").row(0, named=True)
        out[f"{name}: seen"] = mine["p_holm"] <= 0.05 and mine["estimate"] > 0
        out[f"{name}: any"] = bool((told["p_holm"] <= 0.05).any())
    return out


def trained(seed: int, *, advantage: float) -> Flags:
    """The mean over tones of the within-post difference, at the sizes that are left once both sides share nothing."""
    table, block = worlds_open.arms({"prompted": 0.0, "finetuned": advantage}, pairs=1200, posts=300, seed=seed)
    found = open_questions.within(table, block, speaker="planted", conditions=["prompted", "finetuned"])
    return {"above": _mean(similar.context(found, to="finetuned", than="prompted"))["low"] > 0}


def related(seed: int, *, heard: float, real: float) -> Flags:
    table, block = worlds_open.history(heard=heard, people=real, tones=TWO, seed=seed)
    row = _mean(
        open_questions.gains([similar.similar(table, block, speaker="planted", conditions=["all", "all+relation"])])
    )
    return {"above": row["low"] > 0, "below": row["high"] < 0, "off": not row["low"] <= 0 <= row["high"]}


def set_in(seed: int, *, interaction: float) -> Flags:
    rows, block = worlds_open.settings(interaction=interaction, tones=("self_disclosure",), seed=seed)
    made = open_questions.in_settings(people.slopes(rows, block))
    row = made.filter(pl.col("contrast") == "close, public - private").row(0, named=True)
    public = made.filter(pl.col("contrast") == "close, public").row(0, named=True)
    return {
        "covers": row["low"] <= interaction <= row["high"],
        "public covers": public["low"] <= -0.4 + interaction <= public["high"],
        "rejects": row["p"] < 0.05,
    }


def crossed(seed: int, *, off: float) -> Flags:
    table, block = worlds_open.models({"a": 0.0, "b": 0.0, "c": off}, tones=TWO, seed=seed)
    found = [similar.similar(table, block, speaker=m, conditions=["none", "all"]) for m in "abc"]
    made = open_questions.across(found).filter(pl.col("measure") == TWO[0])
    return {c: p < 0.05 for c, p in made.select("contrast", "p_q").rows()}


def audited(seed: int) -> Flags:
    a = worlds_open.audited(labelled=1000, seed=seed)
    beta = corrected.betas(a.wide, a.block, a.labels).row(0, named=True)
    slope = corrected.slopes(a.wide, a.block, a.labels).row(0, named=True)
    return {
        "beta": beta["low"] <= a.beta <= beta["high"],
        "slope": slope["low"] <= a.slope <= slope["high"],
        "raw beta": not beta["naive low"] <= a.beta <= beta["naive high"],
    }


def differs(seed: int, *, gap: float) -> Flags:
    verdict, truth, second = worlds_open.verdicts(500, gap=gap, seed=seed)
    made = error_gap(verdict, truth, second == 1, np.arange(1000))
    row = made.filter((pl.col("measure") == "sensitivity") & pl.col("contrast").str.contains("-", literal=True))
    return {"seen": row["p"][0] < 0.05}


def _mean(told: pl.DataFrame) -> dict[str, Any]:
    return told.filter(pl.col("measure") == "mean over tones").row(0, named=True)


RATE, COVER = (0.04, 0.06), (0.93, 0.97)
Line = tuple[str, str, tuple[float, float]]
QUESTIONS: list[tuple[int, Callable[[int], Flags], list[Line]]] = [
    (60, partial(trained, advantage=0.10), [("above", "learn: within-post beta nearer by .10, interval > 0 (1,200 pairs)", (0.95, 1))]),
    (200, partial(trained, advantage=0.0), [("above", "learn: no difference, interval > 0", (0, 3 / 40))]),
    (40, partial(related, heard=1.0, real=1.0), [("above", "relation: a shared history moves people: gain > 0", (0.95, 1))]),
    (500, partial(related, heard=0.0, real=0.0), [("off", "relation: a fact that nobody heeds: gain is not 0", RATE)]),
    (40, partial(related, heard=1.0, real=0.0), [("below", "relation: heeded by the model, and nothing to people: gain < 0", (0.95, 1))]),
    (600, partial(set_in, interaction=0.2), [("covers", "setting: interaction .20 on disclosure covered", COVER), ("public covers", "setting: closeness in public covered", COVER)]),
    (1000, partial(set_in, interaction=0.0), [("rejects", "setting: no interaction: rejected", RATE)]),
    (500, partial(crossed, off=0.0), [("none", "models: equal, none: Q rejects", RATE), ("all", "models: equal, all: Q rejects", RATE), ("all - none", "models: equal, all - none: Q rejects", RATE)]),
    (40, partial(crossed, off=0.15), [("all", "models: one off by .15 under all: seen", (0.95, 1)), ("all - none", "models: one off by .15 in all - none: seen", (0.95, 1))]),
    (800, audited, [("beta", "audit of 1,000 pairs: corrected beta covered", COVER), ("slope", "audit of 1,000 pairs: corrected slope covered", COVER), ("raw beta", "audit: the raw beta misses the truth", (0.9, 1))]),
    (1000, partial(differs, gap=0.10), [("seen", "audit: sensitivity .10 lower on models' text, 500 + 500 positives: seen", (0.9, 1))]),
    (3000, partial(differs, gap=0.0), [("seen", "audit: no gap in sensitivity: rejected", RATE)]),
    (40, partial(learnt, advantage=0.10), [(f"{n}: seen", f"learn x condition: .10 nearer on one of eight tones, {n}, Holm, 5,000 pairs: seen", (0.95, 1)) for n in ("random intercept", "within posts")]),
    (240, partial(learnt, advantage=0.0), [(f"{n}: any", f"learn x condition: none: any of eight tones, {n}, Holm", RATE) for n in ("random intercept", "within posts")]),
]  # fmt: skip


if __name__ == "__main__":
    main()
