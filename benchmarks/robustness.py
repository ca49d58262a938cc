"""The robustness audit at the full number of replications: is what was planted found, and nothing where nothing is?

    python benchmarks/robustness.py [--runs 400] [--json]

One line per property: position bias (b = .3, 77 items x 8 forms), the p-values of random answers (uniform, and their false-positive
rate at .05), the coverage of the variance components' intervals, and the seconds of an audit of 8 communities x 77 items x 9 answers.
"""

import argparse
import json
from time import process_time

import numpy as np
import polars as pl
from scipy.stats import kstest

from sociolect import frames
from sociolect.compare.format_variance import format_variance
from sociolect.compare.robustness import audit
from sociolect.compare.stability import sign_flip

SIZES = np.array([4] * 70 + [3] * 6 + [5])
PLANTED = {"item": 0.5, "community": 0.2, "format": 0.1, "residual": 0.2}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=400)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    found = {
        "position": position(asked.runs),
        "random": chance(asked.runs),
        "coverage": coverage(asked.runs),
        "seconds": seconds(),
    }
    print(json.dumps(found) if asked.json else "\n".join(f"{name}: {value}" for name, value in found.items()))


def position(runs: int, b: float = 0.3) -> dict[str, float]:
    """The mean and the spread over runs of the estimate of b: per item and form, first chosen less last chosen."""
    rng = np.random.default_rng(0)
    latent = rng.integers(SIZES, size=(runs, 77))[:, None]
    first = np.where(np.arange(8)[None, :, None] % 2 == 0, 0, SIZES - 1)
    chosen = np.where(rng.random((runs, 8, 77)) < b, first, latent)
    last = SIZES - 1 - first
    told = ((chosen == first).astype(float) - (chosen == last)).mean((1, 2))
    return {"mean": round(float(told.mean()), 4), "sd": round(float(told.std(ddof=1)), 4)}


def chance(runs: int) -> dict[str, float]:
    """Kolmogorov-Smirnov p of the sign-flip p-values against uniform, and how many lie below .05."""
    rng = np.random.default_rng(1)
    gaps = ((rng.integers(SIZES, size=(runs, 4, 77)) - rng.integers(SIZES, size=(runs, 4, 77))) / (SIZES - 1)).mean(1)
    p = np.array([sign_flip(one, draws=999, seed=i) for i, one in enumerate(gaps)], dtype=float)
    return {"uniform p": round(float(kstest(p, "uniform").pvalue), 3), "below .05": round(float((p <= 0.05).mean()), 4)}


def coverage(runs: int) -> dict[str, float]:
    """How often a component's 95 % interval holds what is planted, all factors drawn anew."""
    held = dict.fromkeys(PLANTED, 0)
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        item, country, form = (
            rng.normal(0, PLANTED[k] ** 0.5, n) for k, n in (("item", 20), ("community", 6), ("format", 8))
        )
        table = item[:, None, None] + country[:, None] + form + rng.normal(0, PLANTED["residual"] ** 0.5, (20, 6, 8))
        at = np.indices(table.shape).reshape(3, -1).astype(str)
        told = pl.DataFrame({"item": at[0], "community": at[1], "form": at[2], "value": table.ravel()})
        rows = {
            row["contrast"]: row for row in format_variance(told, formats=["form"], draws=1000, seed=seed).to_dicts()
        }
        for name, due in PLANTED.items():
            held[name] += rows[name]["low"] <= due <= rows[name]["high"]
    return {name: round(count / runs, 3) for name, count in held.items()}


def seconds() -> float:
    """Processor seconds of one audit."""
    rng = np.random.default_rng(2)
    forms = [(o, s, t) for o in "ud" for s in "ln" for t in "xy"]
    rows = [
        ("m", "model", f"c{c}", f"q{i:02}", "/".join(f), d, 0, "view", float(rng.random()), *f)
        for c in range(8)
        for i in range(77)
        for f, d in [*((f, 0) for f in forms), (forms[0], 1)]
    ]
    told = pl.DataFrame(
        rows, schema=[*frames.KEYS, "measure", "value", "order", "label_style", "template"], orient="row"
    )
    begun = process_time()
    audit(frames.scores(told))
    return round(process_time() - begun, 2)


if __name__ == "__main__":
    main()
