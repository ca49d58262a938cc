"""Eight tones regressed on sixteen columns with a random intercept per post: seconds, peak memory, and peers on one tone.

    python benchmarks/mixed_effects.py [--rows 665000] [--groups 150000] [--tones 8] [--repeats 3] [--python PATH] [--json]

Due: 665,000 rows x 16 columns x 150,000 groups x 8 tones in one call, formula to summary, under 10 s and 2 GB on 2 cores,
weighted or not; on one tone the fit alone at least 40 times as fast as lme4 and 20 times as fast as gpboost and
linearmodels, and half a second from formula to summary. Each run of ours is
a process of its own that reads the rows from parquet; its memory holds the rows too. Seconds are those of `mixed_effects(...)`
and `.summary()`, formula, design matrix and Satterthwaite's degrees of freedom included.

On one tone, design matrix ready: `random_intercept(x, y, codes)` beside `lmer(y ~ 0 + x + (1 | g))` of lme4 in R, `GPModel.fit` of
gpboost (maximum likelihood by gradient steps, so ours is ML beside it) and `RandomEffects.fit` of linearmodels (Swamy and Arora's
variances, no likelihood: not the same estimator). On one tone, from words and numbers as they stand in a table:
`mixed_effects(rows, formula).summary()` beside `lmer(formula, data)`; only ours gives degrees of freedom there. Ours runs before and
after each peer, and the ratio is to the median of these, so that what else the machine does weighs on both; the seconds of all cores
together, which it changes little, stand beside. What is imported at a first call is imported before. How far
coefficients lie apart is given in standard errors, and must be under .001 (lme4), .05 (gpboost), .1 (linearmodels). `--python` is the
interpreter that has gpboost and linearmodels.
"""

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np

TONES = ("surprised", "funny", "insult", "emotional_support", "self_disclosure", "worried", "thankful", "relaxed")
SOCIAL = (
    "commenter_gender*poster_gender + commenter_age + poster_age + abs(commenter_age - poster_age) + closeness + "
    "log(post_tone + eps) + length"
)
DUE = {"lme4": (40, 0.001), "gpboost": (20, 0.05), "linearmodels": (20, 0.1)}
LMER = """
suppressMessages(library(lme4))
folder <- commandArgs(TRUE)[1]; n <- as.integer(commandArgs(TRUE)[2]); p <- as.integer(commandArgs(TRUE)[3])
read <- function(name, k) matrix(readBin(file.path(folder, name), "double", n * k), n, k)
x <- read("x.bin", p); y <- as.vector(read("y.bin", 1)); g <- as.integer(read("g.bin", 1))
used <- system.time(fit <- lmer(y ~ 0 + x + (1 | g)))
r <- read("raw.bin", 8)
gender <- c("woman", "man", "other"); close <- c("stranger", "not_close", "close")
d <- data.frame(cg = gender[r[, 1] + 1], pg = gender[r[, 2] + 1], cl = close[r[, 3] + 1], ca = r[, 4], pa = r[, 5], pt = r[, 6],
                len = r[, 7], y = r[, 8], post = as.character(g))
whole <- system.time(summary(lmer(
  log(y + 1e-3) ~ cg * pg + ca + pa + abs(ca - pa) + cl + log(pt + 1e-3) + len + (1 | post), d)))
time <- function(t) c(t[["elapsed"]], t[["user.self"]] + t[["sys.self"]])
cat(time(used), time(whole), sprintf("%.17g", fixef(fit)), "\\n")
"""


def drawn(folder: Path, rows: int, groups: int, tones: int) -> None:
    """The table as parquet, and one tone with its design matrix as plain numbers for the peers."""
    import polars as pl

    rng = np.random.default_rng(0)
    post = np.sort(rng.permutation(np.concatenate([np.arange(groups), rng.integers(0, groups, rows - groups)])))
    gender, poster = rng.integers(0, 3, rows), rng.integers(0, 3, groups)[post]
    age, poster_age = rng.uniform(18, 80, rows), rng.uniform(18, 80, groups)[post]
    close, tone, length = rng.integers(0, 3, rows), rng.beta(0.5, 3, groups)[post], rng.poisson(12, rows).astype(float)
    dummies = [(code == level) * 1.0 for code in (gender, poster) for level in (1, 2)]
    both = [(gender == a) * (poster == b) * 1.0 for a in (1, 2) for b in (1, 2)]
    x = np.stack([np.ones(rows), *dummies, *both, age, poster_age, np.abs(age - poster_age),
                  *((close == level) * 1.0 for level in (1, 2)), np.log(tone + 1e-3), length], axis=1)  # fmt: skip
    slopes = rng.normal(size=(x.shape[1], tones)) / np.r_[5, np.full(8, 5), 800, 800, 800, 5, 5, 5, 400][:, None]
    latent = x @ slopes + 0.7 * rng.normal(size=(groups, tones))[post] + rng.normal(size=(rows, tones))
    score = 1 / (1 + np.exp(2 - latent))
    words = {
        "commenter_gender": (np.array(["woman", "man", "other"]), gender),
        "poster_gender": (np.array(["woman", "man", "other"]), poster),
        "closeness": (np.array(["stranger", "not_close", "close"]), close),
    }
    table = pl.DataFrame({
        "post": pl.Series(post).cast(pl.String), "commenter_age": age, "poster_age": poster_age, "post_tone": tone,
        "length": length, "weight": rng.uniform(0.3, 3, rows),
        **{name: pl.Series(levels[code]) for name, (levels, code) in words.items()},
        **{name: score[:, i] for i, name in enumerate(TONES[:tones])},
    })  # fmt: skip
    table.write_parquet(folder / "rows.parquet")
    raw = np.stack([gender, poster, close, age, poster_age, tone, length, score[:, 0]])
    for name, values in (("raw", raw), ("x", x.T), ("y", np.log(score[:, 0] + 1e-3)), ("g", post.astype(float))):
        np.ascontiguousarray(values).tofile(folder / f"{name}.bin")


def ours(folder: Path, tones: int, weighted: bool, reml: bool, errors: str) -> dict[str, Any]:
    """One call in this process: seconds, peak memory in GB, and the first tone's coefficients and errors."""
    import polars as pl

    from sociolect.compare.mixed_effects import mixed_effects

    rows = pl.read_parquet(folder / "rows.parquet")
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    outcomes = [f"log({tone} + eps)" for tone in TONES[:tones]]
    small = pl.DataFrame({"y": [1.0, 2, 4, 5, 9, 10], "x": [1.0, 2, 1, 3, 1, 2], "post": list("aabbcc")})
    mixed_effects(
        small, "log(y) ~ x + (1 | post)"
    ).summary()  # what is imported at the first call, as peers are before theirs
    start, used = perf_counter(), process_time()
    fit = mixed_effects(
        rows, f"~ {SOCIAL} + (1 | post)", outcomes=outcomes, constants={"eps": 1e-3}, reml=reml,
        weights="weight" if weighted else None, errors=errors,  # type: ignore[arg-type]  # from the command line
    )  # fmt: skip
    found = fit.summary()
    seconds, cpu = perf_counter() - start, process_time() - used
    one = found.filter(measure=outcomes[0])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return {"seconds": seconds, "cpu": cpu, "peak_gb": peak, "rows_gb": held, "columns": len(fit.columns), "n": fit.n,
            "beta": one["estimate"].to_list(), "se": one["se"].to_list()}  # fmt: skip


def ready(folder: Path, rows: int) -> tuple[Any, Any, Any]:
    """The design matrix (n, p), the first tone and the group of each row."""
    x = np.ascontiguousarray(np.fromfile(folder / "x.bin").reshape(-1, rows).T)
    return x, np.fromfile(folder / "y.bin"), np.fromfile(folder / "g.bin").astype(np.int64)


def fitted(folder: Path, rows: int, reml: bool) -> dict[str, Any]:
    """Our fit alone: seconds, coefficients and their errors."""
    from sociolect.compare.random_intercept import random_intercept

    x, y, g = ready(folder, rows)
    random_intercept(x[:5000], y[:5000, None], np.unique(g[:5000], return_inverse=True)[1])
    start, used = perf_counter(), process_time()
    fit = random_intercept(x, y[:, None], g, reml=reml)
    seconds, cpu = perf_counter() - start, process_time() - used
    error = np.sqrt(np.diag(fit.covariance[0]))
    return {"seconds": seconds, "cpu": cpu, "beta": fit.beta[:, 0].tolist(), "se": error.tolist()}


def peer(name: str, folder: Path, rows: int) -> dict[str, Any]:
    """Seconds of a Python peer's fit, and its coefficients; design matrix and groups are ready."""
    x, y, g = ready(folder, rows)
    if name == "gpboost":
        import gpboost

        model = gpboost.GPModel(group_data=g, likelihood="gaussian")
        start, used = perf_counter(), process_time()
        model.fit(y=y, X=x)
        seconds, cpu = perf_counter() - start, process_time() - used
        return {"seconds": seconds, "cpu": cpu, "beta": np.asarray(model.get_coef()).reshape(-1)[: x.shape[1]].tolist()}
    import pandas as pd
    from linearmodels.panel import RandomEffects

    size = np.bincount(g)
    time = np.arange(rows) - np.repeat(np.cumsum(size) - size, size)
    index = pd.MultiIndex.from_arrays([g, time])
    frame, outcome = pd.DataFrame(x, index=index), pd.Series(y, index=index)
    start, used = perf_counter(), process_time()
    fit = RandomEffects(outcome, frame).fit()
    return {"seconds": perf_counter() - start, "cpu": process_time() - used, "beta": fit.params.tolist()}


def called(python: str, *words: object) -> dict[str, Any] | str:
    """What a process of its own prints, as json; or the last line of its complaint."""
    run = subprocess.run([python, __file__, *map(str, words)], check=False, capture_output=True, text=True)
    if run.returncode:
        return run.stderr.strip().splitlines()[-1]
    found: dict[str, Any] = json.loads(run.stdout.strip().splitlines()[-1])
    return found


def lme4(folder: Path, rows: int, columns: int) -> dict[str, Any] | str:
    if not shutil.which("Rscript"):
        return "there is no Rscript here: install R with lme4"
    script = folder / "lmer.R"
    script.write_text(LMER)
    run = subprocess.run(
        ["Rscript", script, folder, str(rows), str(columns)], check=False, capture_output=True, text=True
    )
    if run.returncode:
        return (run.stderr.strip().splitlines() or ["R stopped without a word"])[-1]
    seconds, cpu, whole, whole_cpu, *beta = map(float, run.stdout.split())
    return {"seconds": seconds, "cpu": cpu, "beta": beta, "whole": {"seconds": whole, "cpu": whole_cpu}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (("rows", 665_000), ("groups", 150_000), ("tones", 8), ("repeats", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--python", default=sys.executable, help="the interpreter that has gpboost and linearmodels")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--ours", nargs=5, help="one call of ours, as json: folder, tones, weighted, reml, errors")
    parser.add_argument("--fit", nargs=2, help="our fit alone, as json: folder, reml")
    parser.add_argument("--peer", nargs=2, help="one fit of a peer, as json: name, folder")
    asked = parser.parse_args()
    if asked.ours:
        folder, tones, weighted, reml, errors = asked.ours
        print(json.dumps(ours(Path(folder), int(tones), weighted == "1", reml == "1", errors)))
        return
    if asked.fit:
        print(json.dumps(fitted(Path(asked.fit[0]), asked.rows, asked.fit[1] == "1")))
        return
    if asked.peer:
        print(json.dumps(peer(asked.peer[0], Path(asked.peer[1]), asked.rows)))
        return
    with tempfile.TemporaryDirectory() as made:
        found = measured(Path(made), asked)
    if asked.json:
        print(json.dumps(found))
        return
    print(
        f"{asked.rows:,} rows, 16 columns, {asked.groups:,} groups, {asked.tones} tones in one call (due: 10 s, 2 GB)"
    )
    for name, run in found["calls"].items():
        print(
            f"{name:32} {run['seconds']:6.2f} s (cpu {run['cpu']:5.2f})   peak {run['peak_gb']:.2f} GB, of which rows {run['rows_gb']:.2f}"
        )
    print("one tone")
    for name, run in found["peers"].items():
        if isinstance(run, str):
            print(f"{name:14} left out: {run}")
            continue
        due = DUE.get(name)
        print(f"{name:14} {run['seconds']:7.2f} s (cpu {run['cpu']:.1f}), ours {run['ours']:.2f} s (cpu {run['ours_cpu']:.2f}): "
              f"ratio {run['ratio']:.0f}, of cpu {run['ratio_cpu']:.0f}"
              + (f" (due: {due[0]})" if due else "")
              + (f"; coefficients {run['apart']:.1e} standard errors apart (due: under {due[1]:g})" if due else ""))  # fmt: skip


def compared(theirs: dict[str, Any], ours: list[dict[str, Any]]) -> dict[str, Any]:
    seconds, cpu = (float(np.median([run[key] for run in ours])) for key in ("seconds", "cpu"))
    return {"seconds": theirs["seconds"], "cpu": theirs["cpu"], "ours": seconds, "ours_cpu": cpu,
            "ratio": theirs["seconds"] / seconds, "ratio_cpu": theirs["cpu"] / cpu}  # fmt: skip


def measured(folder: Path, asked: argparse.Namespace) -> dict[str, Any]:
    drawn(folder, asked.rows, asked.groups, asked.tones)

    def run(tones: int, weighted: bool, reml: bool, errors: str) -> dict[str, Any]:
        got = called(sys.executable, "--ours", folder, tones, int(weighted), int(reml), errors)
        assert not isinstance(got, str), got
        return got

    calls = {}
    for name, weighted, errors in (("unweighted", False, "model"), ("weighted", True, "model"),
                                   ("unweighted, CR1 errors", False, "CR1"), ("weighted, CR1 errors", True, "CR1")):  # fmt: skip
        runs = [run(asked.tones, weighted, True, errors) for _ in range(asked.repeats)]
        calls[name] = runs[0] | {key: float(np.median([r[key] for r in runs])) for key in ("seconds", "cpu", "peak_gb")}
        assert calls[name]["columns"] == 16
    beside: dict[str, Any] = {}
    for name, (_, due) in DUE.items():

        def mine() -> dict[str, Any]:
            got = called(sys.executable, "--fit", folder, int(name != "gpboost"), "--rows", asked.rows)  # noqa: B023  # called in this turn
            assert not isinstance(got, str), got
            return got

        def whole() -> list[dict[str, Any]]:
            return [run(1, False, True, "model") for _ in range(asked.repeats)] if name == "lme4" else []  # noqa: B023  # called in this turn

        before = [mine() for _ in range(asked.repeats)], whole()
        got = (
            lme4(folder, asked.rows, 16)
            if name == "lme4"
            else called(asked.python, "--peer", name, folder, "--rows", asked.rows)
        )
        after = [mine() for _ in range(asked.repeats)], whole()
        if isinstance(got, str):
            beside[name] = got
            continue
        one = after[0][0]
        apart = float((np.abs(np.array(one["beta"]) - got["beta"]) / one["se"]).max())
        assert apart < due, f"{name}: {apart} standard errors apart"
        beside[name] = compared(got, before[0] + after[0]) | {"apart": apart}
        if name == "lme4":
            beside["lme4, formula"] = compared(got["whole"], before[1] + after[1])
    return {"calls": calls, "peers": beside}


if __name__ == "__main__":
    main()
