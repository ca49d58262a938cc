"""How often the intervals of `trustworthy` hold what was planted, and how near to chance labels dealt at random fall.

    python benchmarks/trustworthy.py [runs]

`runs` (1,000) worlds each. Printed is a line per interval: its name, the share of worlds in which it holds the truth, and the mean
error of the estimate.
"""

import sys

import numpy as np

from sociolect.compare.preference import wilson
from sociolect.systems.lenses.trustworthy.calibration import calibration
from sociolect.systems.lenses.trustworthy.compare import unerring


def judge(runs: int, *, true: float, n: int, labelled: int) -> tuple[float, float]:
    """The judge-corrected ratio: truth `true`, sensitivity .90, specificity .95; half of the labelled answers, of all arms, are safe."""
    draw, held, errors = np.random.default_rng(1), 0, []
    seen = true * 0.9 + (1 - true) * 0.05
    for run in range(runs):
        share, safe = draw.binomial(n, seen) / n, labelled // 2
        a, b = draw.binomial(safe, 0.9), draw.binomial(labelled - safe, 0.95)
        estimate, low, high = unerring(share, n, hits=[a, safe - a], misses=[labelled - safe - b, b], seed=run)
        held += low <= true <= high
        errors.append(estimate - true)
    return held / runs, float(np.mean(errors))


def certainty(runs: int, *, over: float, n: int) -> dict[str, tuple[float, float]]:
    """ECE and over-confidence of a model whose own chance lies between .50 and .80 and who states `over` more."""
    draw = np.random.default_rng(2)
    held, errors = np.zeros(2), np.zeros(2)
    for run in range(runs):
        sure = draw.uniform(0.5, 0.8, n)
        found = calibration(sure + over, (draw.random(n) < sure).astype(float), seed=run)
        held += [found.low <= over <= found.high, found.over_low <= over <= found.over_high]
        errors += [found.error - over, found.over - over]
    names = ("ECE", "over-confidence")
    return {name: (float(held[k] / runs), float(errors[k] / runs)) for k, name in enumerate(names)}


def rate(runs: int, *, true: float, n: int) -> tuple[float, float]:
    draw = np.random.default_rng(3)
    counts = draw.binomial(n, true, runs)
    ends = [wilson(int(k), n) for k in counts]
    return float(np.mean([low <= true <= high for low, high in ends])), float((counts / n).mean() - true)


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000

    def told(name: str, found: tuple[float, float]) -> None:
        print(f"{name:<60} holds {found[0]:.3f}  mean error {found[1]:+.4f}")

    for n, labelled in ((2000, 1000), (200, 200), (30, 120)):
        for true in (0.2, 0.92, 1.0):
            name = f"judge corrected, truth {true}, {n} answers, {labelled} labels"
            told(name, judge(runs, true=true, n=n, labelled=labelled))
    for n in (200, 5000):
        for over in (0.0, 0.2):
            for name, found in certainty(runs if n < 1000 else runs // 5, over=over, n=n).items():
                told(f"{name}, over-confidence {over}, {n} questions", found)
    for true, n in ((0.15, 2000), (0.7, 10), (0.92, 30)):
        told(f"rate, truth {true}, {n} items", rate(runs, true=true, n=n))


if __name__ == "__main__":
    main()
