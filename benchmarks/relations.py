"""How often the relationship study is right where the truth is planted: coverage, type I error, bias, detection, line by line.

    python benchmarks/relations.py [--share 1.0] [--jobs 2] [--only plain] [--json]

The worlds are the study's own (`systems/studies/relationship_alignment/worlds.py`), 4,000 pairs in 1,000 posts unless a line
says otherwise, and what is asked of them are the functions its page is made of. There is no peer: the truth is the peer. `found` is a mean over worlds
(and tones, and columns) unless the line says otherwise; `of` counts what it is a mean of; `give` is what the band is widened
by, where so few worlds do not span it by 2.5 standard errors. Ends with an error where a line does not hold.
"""

import argparse
import json
import os
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from time import perf_counter
from typing import Any, NamedTuple

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS"):
    os.environ.setdefault(_name, "1")  # a process per core, each on one

import numpy as np  # noqa: E402  # threads are counted when it is loaded

import relations_lines as lines  # type: ignore[import-not-found]  # noqa: E402  # beside this script, not in a package

WORLDS = {
    "plain": 375, "nothing": 320, "stacked": 80, "slopes": 6, "weighed": 60, "unseen": 20, "equal": 25, "over": 80,
    "implied": 100, "selected": 40, "noisy": 80, "louder": 4, "offset": 40, "crossed": 60, "few": 375,
}  # fmt: skip


class Line(NamedTuple):
    """What a line is called, which tally it reads, how, where the number is due; `true` is the rate of a test that is right."""

    name: str
    tally: str
    low: float
    high: float
    how: str = "mean"
    true: float | None = None


ANY = float("inf")
PAIRED = ("ratio", "difference")  # of two tallies
TABLE = (
    Line("coefficients: largest mean error of the eight", "error", 0, 0.01, "largest mean"),
    Line("coefficients: 95 % intervals cover, model-based, least of the eight", "cover model", 0.93, 0.97, "least", true=0.95),
    Line("coefficients: the same, most", "cover model", 0.93, 0.97, "most", true=0.95),
    Line("coefficients: 95 % intervals cover, sandwich, least", "cover sandwich", 0.93, 0.97, "least", true=0.95),
    Line("coefficients: the same, most", "cover sandwich", 0.93, 0.97, "most", true=0.95),
    Line("type I: joint Wald, difference form", "joint difference", 0.04, 0.06, true=0.05),
    Line("trap 1: joint Wald, arms stacked with (1 | post) alone, is not .05", "joint stacked, post alone", 0.07, ANY),
    Line("stacked with (1 | post) + (1 | pair): mean distance from the difference form, in its errors", "stacked apart", 0, 0.5),
    Line("stacked with (1 | post) + (1 | pair), errors by post: joint Wald", "joint stacked, pairs", 0.04, 0.06, true=0.05),
    Line("stacked with an intercept per post and source beside: farthest, in errors", "stacked apart, by source", 0, 0.01, "largest"),
    Line("betas .309 and .585 in 50,000 rows: largest error", "beta error", 0, 0.02, "largest"),
    Line("weights: bias of close without them, mirror 2", "ipw, mirror 2: bias", 0.10, ANY),
    Line("weights: share of it that stays", "ipw, mirror 2: left/ipw, mirror 2: bias", 0, 0.05, "ratio"),
    Line("weights: intervals cover", "ipw, mirror 2: cover", 0.93, 0.98, true=0.95),
    Line("weights: bias of close without them, mirror 4", "ipw, mirror 4: bias", 0.25, ANY),
    Line("weights: share of it that stays", "ipw, mirror 4: left/ipw, mirror 4: bias", 0, 0.05, "ratio"),
    Line("weights: intervals cover", "ipw, mirror 4: cover", 0.93, 0.98, true=0.95),
    Line("weights: largest standardised difference before", "ipw smd before", 0.30, ANY),
    Line("weights: largest standardised difference after", "ipw smd after", 0, 0.02),
    Line("weights: effective share of the sample", "ipw share", 0.80, 0.95),
    Line("weights: the negative control rejects", "negative control", 0, 0.06, true=0.05),
    Line("unseen selection: the weighted interval misses", "unseen: weights miss", 0.95, 1),
    Line("unseen selection: the within-post row is outside it", "unseen: within outside", 0.95, 1),
    Line("unseen selection: the within-post interval covers", "unseen: within covers", 0.93, 0.97, true=0.95),
    Line("equal, 20,000 pairs: true 0 is declared equal", "equal 0", 0.95, 1),
    Line("equal, 20,000 pairs: true .10 is declared equal", "equal .10", 0, 0.065, true=0.05),
    Line("equal, 1,000 pairs: undecided, with its power, where power is under .3", "few: undecided", 0.75, 1),
    Line("equal, 1,000 pairs: power told less share declared equal", "few: power less share", -0.05, 0.05),
    Line("kappa 2: corrected estimate", "kappa 2", 1.95, 2.05),
    Line("kappa 2: interval covers 2", "kappa 2 covers", 0.93, 0.97, true=0.95),
    Line("kappa 2: interval excludes 1", "kappa 2 excludes 1", 0.99, 1),
    Line("kappa 1: single tones, rejected", "kappa 1, a tone", 0.04, 0.06, true=0.05),
    Line("kappa 1: all tones together, rejected", "kappa 1, all tones", 0.04, 0.06, true=0.05),
    Line("placebo: a coefficient rejects", "placebo", 0.03, 0.07, true=0.05),
    Line("false facts: kappa on them less kappa of all", "false less all", -0.1, 0.1),
    Line("M1: mirroring alone, block without the posts' tones is found", "m1 mirror, without the post's tones", 0.5, 1),
    Line("M1: mirroring alone, block beside the posts' tones rejects", "m1 mirror, beside the post's tones", 0.03, 0.07, true=0.05),
    Line("M1: a cue, block beside the posts' tones is found", "m1 cue, beside the post's tones", 0.6, 1),
    Line("M1: a cue, the commenter within a post rejects", "m1 cue, the commenter, within a post", 0.03, 0.07, true=0.05),
    Line("blind model: the commenter within a post, intervals cover 0", "blind within covers 0", 0.93, 0.97, true=0.95),
    Line("M3: without selection, a column rejects", "m3 null", 0.04, 0.06, true=0.05),
    Line("M3: without selection, unweighted less weighted rejects", "shift null", 0, 0.06, true=0.05),
    Line("M3: at selection 1, close rejects (mirror 2)", "m3 rejects at 1", 0.95, 1),
    Line("M3: contrast at .5 less at 0", "m3 at 0.5 less m3 at 0", 0.05, ANY, "difference"),
    Line("M3: contrast at 1 less at .5", "m3 at 1 less m3 at 0.5", 0.02, ANY, "difference"),
    Line("exaggeration: beta at twice the scale less half of it, largest mean", "scale: beta less half", 0, 0.02, "largest mean"),
    Line("exaggeration: correlation moves, largest mean", "scale: correlation", 0, 0.01, "largest mean"),
    Line("exaggeration: ratio of spreads, the cause, halves", "scale: ratio of spreads", 0.48, 0.52),
    Line("attenuation: reliability of one draw", "reliability", 0.68, 0.72),
    Line("attenuation: raw slope of a true .50, pooled", "raw slope", 0.33, 0.37),
    Line("trap 10: slope under an intercept per post, over that reliability", "trap 10", 0.44, 0.49),
    Line("attenuation: corrected slope", "corrected slope", 0.48, 0.52),
    Line("attenuation: corrected intervals cover", "corrected covers", 0.93, 0.97, true=0.95),
    Line("attenuation: unequal noise, the raw mean contrast excludes 0", "unequal noise: raw mean excludes 0", 0.95, 1),
    Line("attenuation: unequal noise, the corrected contrast covers 0", "unequal noise: corrected covers 0", 0.93, 0.97, true=0.95),
    Line("eps: zeros planted, depends on eps", "zeros 0.1", 0.95, 1),
    Line("eps: none planted, depends on eps", "zeros 0", 0, 0.05, true=0.02),
    Line("null page: gain of the block, any tone by Holm", "null, gain", 0, 0.06, true=0.05),
    Line("null page: joint test of people, any tone by Holm", "null, joint, people", 0, 0.06, true=0.05),
    Line("null page: every slope, any by Holm", "null, slopes", 0, 0.06, true=0.05),
    Line("null page: joint test of differences, any tone by Holm", "null, joint, difference", 0, 0.06, true=0.05),
    Line("null page: all - none, any tone by Holm", "null, context", 0, 0.06, true=0.05),
    Line("commenters come back (errors by commenter): joint test, 4,000 pairs, 1,000 posts, 800 commenters", "two-way, 4,000", 0.0, 0.06, true=0.05),
    Line("commenters come back (errors by commenter): joint test, 1,000 pairs, 250 posts, 200 commenters", "two-way, 1,000", 0.0, 0.06, true=0.05),
    Line("CR2, 8 clusters: type I (1 - coverage) of what varies inside clusters", "CR2, 8 clusters, inside", 0.03, 0.07, true=0.05),
    Line("CR2, 8 clusters: type I (1 - coverage) of what varies outside clusters", "CR2, 8 clusters, outside", 0.03, 0.07, true=0.05),
    Line("CR2, 10 clusters: type I (1 - coverage) of what varies inside clusters", "CR2, 10 clusters, inside", 0.03, 0.07, true=0.05),
    Line("CR2, 10 clusters: type I (1 - coverage) of what varies outside clusters", "CR2, 10 clusters, outside", 0.03, 0.07, true=0.05),
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--share", type=float, default=1.0, help="of the worlds")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", nargs="*", default=list(WORLDS))
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    began = perf_counter()
    work = [(name, seed) for name in asked.only for seed in range(1, max(2, round(asked.share * WORLDS[name])) + 1)]
    tallies: dict[str, list[np.ndarray]] = defaultdict(list)
    with ProcessPoolExecutor(asked.jobs) as pool:
        for one in pool.map(told, work, chunksize=4):
            for name, values in one.items():
                tallies[name].append(np.asarray(values, dtype=float))
    rows = [judged(line, tallies) for line in TABLE if all(part in tallies for part in parts(line))]
    took = perf_counter() - began
    if asked.json:
        print(json.dumps({"lines": rows, "seconds": took}))
    else:
        for row in rows:
            print(written(row))
        print(f"{len(work)} worlds, {took:.0f} s on {asked.jobs} processes")
    short = [row["line"] for row in rows if row["verdict"] == "NO"]
    assert not short, f"{len(short)} lines do not hold: {'; '.join(map(str, short))}"


def told(work: tuple[str, int]) -> dict[str, Any]:
    name, seed = work
    found: Callable[[int], dict[str, Any]] = getattr(lines, name)
    return found(seed)


def parts(line: Line) -> list[str]:
    return line.tally.split({"ratio": "/", "difference": " less "}[line.how]) if line.how in PAIRED else [line.tally]


def judged(line: Line, tallies: dict[str, list[np.ndarray]]) -> dict[str, Any]:
    all_ = [np.concatenate(tallies[p]) for p in parts(line)]
    values = all_[0]
    n = len(values) if values.ndim > 1 else values.size
    if line.how == "ratio":
        found = abs(float(all_[0].mean() / all_[1].mean()))
        error = float(all_[0].std() / max(n, 1) ** 0.5 / abs(all_[1].mean()))
    elif line.how == "difference":
        found, error = float(all_[0].mean() - all_[1].mean()), 0.0
    else:
        mean = values.mean(0)
        found = float({"mean": values.mean(), "least": mean.min(), "most": mean.max(), "largest mean": np.abs(mean).max(), "largest": np.abs(values).max()}[line.how])  # fmt: skip
        error = float(np.max(values.std(0))) / n**0.5 if line.how != "largest" else 0.0
    if set(np.unique(values)) <= {0.0, 1.0} and line.true is not None:
        error = float((line.true * (1 - line.true) / n) ** 0.5)
    # a band that so few worlds do not span is widened, until 2.5 standard errors about what is true lie in it
    room = 0.0 if line.true is None else min(line.true - line.low if line.low else ANY, line.high - line.true)
    give = 0.0 if line.true is None else max(0.0, 2.5 * error - room)
    held = line.low - give <= found <= line.high + give
    due = f">= {line.low:g}" if line.high in (1, ANY) else f"<= {line.high:g}" if line.low == 0 else f"{line.low:g} to {line.high:g}"  # fmt: skip
    return {"line": line.name, "due": due, "found": found, "of": n, "give": give, "verdict": "ok" if held else "NO"}


def written(row: dict[str, Any]) -> str:
    give = f"+-{row['give']:.4f}" if row["give"] else ""
    return (
        f"{row['line']:94} due {row['due']:14} {give:10} found {row['found']:8.4f} of {row['of']:6,} {row['verdict']}"
    )


if __name__ == "__main__":
    main()
