"""The moral graph's acceptance at its full size: recovery, the planted top, brigades, how often intervals hold, and seconds.

    python benchmarks/moral_graph.py [--seeds 100] [--json]

Recovery and brigades are those of the page with more seeds. Coverage: in planted worlds of 12 values and 200 voters, how often a
value's interval of places holds its planted place, and how often the place by PageRank of as many votes without end.
"""

import argparse
import json
from time import perf_counter

import numpy as np

from sociolect.compare.rank_intervals import ranks
from sociolect.systems.networks.moral_graph import compare
from sociolect.systems.networks.moral_graph.find import ranked, replies_of, wisdom
from sociolect.systems.networks.moral_graph.hypotheses import Hypothesis
from sociolect.systems.networks.moral_graph.planted import VALUES, Design, panel, replicated

IDS = [f"v{k:02}" for k in range(VALUES)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    rows: list[dict[str, object]] = []
    for frame in (compare.recovery(seeds=asked.seeds, firsts=10 * asked.seeds), compare.brigading(seeds=asked.seeds)):
        rows += frame.to_dicts()
    rows += [
        {"measure": name, "contrast": "interval of places, 95%", "estimate": value, "n": n}
        for name, value, n in coverage(asked.seeds)
    ]
    for n in (20, 100):
        begun = perf_counter()
        wisdom(replicated(n, Design(3, 8), seed=1))
        rows.append(
            {
                "measure": "seconds",
                "contrast": f"{n} planted worlds, counted and ranked",
                "estimate": perf_counter() - begun,
                "n": n,
            }
        )
    votes = replies_of(voted(0))
    begun = perf_counter()
    ranked(votes, IDS, draws=1000)
    rows.append(
        {
            "measure": "seconds",
            "contrast": "200 voters, 1,000 draws, ranked",
            "estimate": perf_counter() - begun,
            "n": 1,
        }
    )
    if asked.json:
        print(json.dumps(rows))
        return
    for row in rows:
        ends = f" [{row['low']:.3f}, {row['high']:.3f}]" if row.get("low") is not None else ""
        print(f"{row['measure']:32} {row['contrast']:42} {row['estimate']:.3f}{ends}  n = {row['n']}")


def voted(seed: int):  # type: ignore[no-untyped-def]  # a frame
    steps = [Hypothesis("c", a, b, "") for a in range(VALUES) for b in range(VALUES) if 0 < abs(a - b) <= 3]
    marked = dict.fromkeys(IDS, 0.35)
    return panel({n: n for n in IDS}, {n: k for k, n in enumerate(IDS)}, marked, steps, IDS, seed=seed)


def coverage(seeds: int) -> list[tuple[str, float, int]]:
    truth = {n: VALUES - k for k, n in enumerate(IDS)}
    endless = replicated(1, Design(3, 5000), voters=10_000, seed=9)
    settled = dict(zip(IDS, ranks(wisdom(endless))[0].tolist(), strict=True))
    held, near, first = [], [], []
    for seed in range(seeds):
        found = ranked(replies_of(voted(seed)), IDS, draws=400, seed=seed)
        for node, low, high in found.select("node", "low", "high").iter_rows():
            held.append(low <= truth[node] <= high)
            near.append(low <= settled[node] <= high)
            first += [held[-1]] if truth[node] == 1 else []
    return [
        ("holds the planted place", float(np.mean(held)), len(held)),
        ("holds the place of endless votes", float(np.mean(near)), len(near)),
        ("holds it, the planted top", float(np.mean(first)), len(first)),
    ]


if __name__ == "__main__":
    main()
