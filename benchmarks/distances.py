"""Every corpus distance on 6,000 x 6,000 texts in 384 dimensions: seconds, peak memory, and the number beside a named peer's.

    python benchmarks/distances.py [--texts 6000] [--dims 384] [--permutations 200] [--json]

Due: under 60 s and under 2 GB on 2 cores, all metrics together; MAUVE within .02 of mauve-text on the same features in the
same run, each the mean of five seeds (the reference alone moves with its seed: its spread is printed). Vectors are drawn:
30 topics on the unit sphere, the second corpus with one shifted coordinate and fewer topics. Ours runs first, in a process
of its own, so its memory is its own. Peers: scipy's sqrtm for Frechet, plain numpy over whole kernel matrices for KID and
MMD, scikit-learn for the classifier and the neighbours, mauve-text for MAUVE. The peers of KID, MMD and the classifier
give no permutation p; ours gives it in the same seconds.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from time import perf_counter, process_time
from typing import Any

import numpy as np

from sociolect.compare.frechet import extrapolated, frechet
from sociolect.compare.manifold import manifold
from sociolect.compare.mauve import mauve
from sociolect.compare.two_sample import classifier_test, kernel_test

SEEDS = 5


def drawn(n: int, d: int) -> tuple[Any, Any]:
    """Two corpora (n, d) of float32 rows of length 1."""
    rng = np.random.default_rng(0)
    topics = rng.normal(size=(30, d))

    def corpus(kinds: int, shift: float) -> Any:
        x = topics[rng.integers(0, kinds, n)] + 0.8 * rng.normal(size=(n, d))
        x[:, 0] += shift
        return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)

    return corpus(30, 0.0), corpus(27, 0.8)


def timed(call: Callable[[], Any]) -> tuple[float, float, Any]:
    """Seconds, seconds of all cores together (which others at work on the machine change little), and what came of it."""
    start, used = perf_counter(), process_time()
    got = call()
    return perf_counter() - start, process_time() - used, got


def tested(x: Any, y: Any, kernel: str, permutations: int) -> tuple[float, float]:
    found = kernel_test(x, y, kernel=kernel, permutations=permutations)
    return found.estimate, found.p


def near(x: Any, y: Any) -> list[float]:
    found = manifold(x, y)
    return [found.precision, found.recall, found.density, found.coverage]


def ours(n: int, d: int, permutations: int) -> dict[str, Any]:
    """Seconds and numbers of each metric, and the peak memory of this process in GB."""
    x, y = drawn(n, d)
    calls: dict[str, Callable[[], Any]] = {
        "frechet": lambda: frechet(x, y),
        "frechet, extrapolated": lambda: extrapolated(x, y).estimate,
        "kid, p": lambda: tested(x, y, "cubic", permutations),
        "mmd, p": lambda: tested(x, y, "gaussian", permutations),
        "c2st accuracy, auc, p": lambda: [t.estimate for t in classifier_test(x, y, permutations=permutations)],
        "mauve": lambda: mauve(x, y),
        "precision, recall, density, coverage": lambda: near(x, y),
    }
    found = {name: timed(call) for name, call in calls.items()}
    with open("/proc/self/status") as status:
        peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1e6
    seeds = [found["mauve"][2], *(mauve(x, y, seed=s) for s in range(1, SEEDS))]
    return {"seconds": {k: v[0] for k, v in found.items()}, "cpu": {k: v[1] for k, v in found.items()}, "value": {k: v[2] for k, v in found.items()}, "peak_gb": peak,
            "mauve": seeds}  # fmt: skip


def plain_mmd(x: Any, y: Any, kernel: Callable[[Any, Any], Any]) -> float:
    n = len(x)
    xx, yy, xy = kernel(x, x), kernel(y, y), kernel(x, y)
    return float((xx.sum() - np.trace(xx) + yy.sum() - np.trace(yy)) / (n * (n - 1)) - 2 * xy.mean())


def peers(n: int, d: int) -> dict[str, tuple[float, float, Any]]:
    from scipy.linalg import sqrtm
    from sklearn.linear_model import RidgeClassifier
    from sklearn.metrics.pairwise import polynomial_kernel, rbf_kernel
    from sklearn.model_selection import cross_val_score
    from sklearn.neighbors import NearestNeighbors

    x, y = (v.astype(float) for v in drawn(n, d))

    def moments() -> float:
        s, t = np.cov(x.T), np.cov(y.T)
        return float(((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(s + t - 2 * sqrtm(s @ t).real))

    def neighbours() -> list[float]:
        a, b = (NearestNeighbors(n_neighbors=5, algorithm="brute").fit(v) for v in (x, y))
        mine, theirs = a.kneighbors()[0][:, -1], b.kneighbors()[0][:, -1]
        apart = np.sqrt(np.maximum(2 - 2 * x @ y.T, 0))
        within = apart <= theirs
        recall = (apart <= mine[:, None]).any(0).mean()
        return [within.any(1).mean(), recall, within.sum() / (5 * n), within.any(0).mean()]

    pooled = np.concatenate([x, y])[np.random.default_rng(0).choice(2 * n, min(1000, 2 * n), replace=False)]
    width = np.median(np.sqrt(np.maximum(2 - 2 * pooled @ pooled.T, 0))[np.triu_indices(len(pooled), 1)])
    z, label = np.concatenate([x, y]), np.repeat([0, 1], n)
    calls: dict[str, Callable[[], Any]] = {
        "frechet": moments,
        "kid, p": lambda: plain_mmd(x, y, lambda a, b: polynomial_kernel(a, b, degree=3, gamma=1 / d, coef0=1)),
        "mmd, p": lambda: plain_mmd(x, y, lambda a, b: rbf_kernel(a, b, gamma=1 / (2 * width**2))),
        "c2st accuracy, auc, p": lambda: cross_val_score(
            RidgeClassifier(), z[np.random.default_rng(0).permutation(2 * n)], label[np.random.default_rng(0).permutation(2 * n)]
        ).mean(),
        "precision, recall, density, coverage": neighbours,
    }  # fmt: skip
    found = {name: timed(call) for name, call in calls.items()}
    try:
        from mauve import compute_mauve  # type: ignore[import-not-found]
    except ImportError:
        return found
    one, two = x.astype(np.float32), y.astype(np.float32)
    runs = [
        timed(partial(compute_mauve, p_features=one, q_features=two, seed=seed, verbose=False)) for seed in range(SEEDS)
    ]
    wall, cpu = (float(np.median([run[i] for run in runs])) for i in (0, 1))
    return found | {"mauve": (wall, cpu, [float(run[2].mauve) for run in runs])}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (("texts", 6000), ("dims", 384), ("permutations", 200)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--ours", action="store_true", help="ours alone, as json: what the first process runs")
    asked = parser.parse_args()
    if asked.ours:
        print(json.dumps(ours(asked.texts, asked.dims, asked.permutations)))
        return
    sizes = [f"--{name}={getattr(asked, name)}" for name in ("texts", "dims", "permutations")]
    run = subprocess.run([sys.executable, __file__, "--ours", *sizes], check=True, capture_output=True, text=True)
    found = json.loads(run.stdout)
    beside = peers(asked.texts, asked.dims)
    total = sum(found["seconds"].values())
    mean, theirs = float(np.mean(found["mauve"])), beside.get("mauve")
    apart = None if theirs is None else abs(mean - float(np.mean(theirs[2])))
    if asked.json:
        print(json.dumps(found | {"total_s": total, "mauve_apart": apart, "peers": beside}))
        return
    print(f"{asked.texts:,} x {asked.texts:,} texts, {asked.dims} dimensions, {asked.permutations} permutations")
    for name, seconds in found["seconds"].items():
        peer = beside.get(name)
        ratio = (
            ""
            if peer is None
            else f"   peer {shown(peer[2])}, {peer[0]:.2f} s (cpu {peer[1]:.1f}), ratio {peer[0] / seconds:.1f}"
        )
        print(f"{name:38} {seconds:6.2f} s (cpu {found['cpu'][name]:5.1f})   {shown(found['value'][name])}{ratio}")
    print(
        f"together {total:.1f} s, cpu {sum(found['cpu'].values()):.1f} s (due: under 60), peak {found['peak_gb']:.2f} GB (due: under 2)"
    )
    if theirs is None:
        print("the peer of MAUVE is not installed here: pip install mauve-text (GPL; for this comparison only)")
    else:
        spread = [f"{min(v):.3f} to {max(v):.3f}" for v in (found["mauve"], theirs[2])]
        print(f"mauve over {SEEDS} seeds: ours {mean:.4f} ({spread[0]}), mauve-text {np.mean(theirs[2]):.4f} ({spread[1]}); "
              f"apart {apart:.4f} (due: under .02)")  # fmt: skip


def shown(value: Any) -> str:
    return " ".join(f"{v:.4g}" for v in np.atleast_1d(np.asarray(value, dtype=float)))


if __name__ == "__main__":
    main()
