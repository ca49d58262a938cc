"""How often the community study is right where the truth is planted: N worlds with communities, M without.

    python benchmarks/worlds.py [--worlds 20] [--null 40] [--json]

Each world is a society of six communities, arms that are n-gram models, and the study's own instruments and intervals
(`systems/studies/community_fidelity/worlds.py`). One line per claim: in how many worlds it held, in how many it is due to
hold, and its value over the worlds (median, least, most). Due are 19 of 20 for a claim, 95 % of the cells measure x world
for "between", and in null worlds 3 of 40 at most for a difference of arms. That the wrapped arm's raw F1 is lower is due;
that its interval shows it is only counted. There is no peer: the truth is the peer.
"""

import argparse
import json
import math
from statistics import median
from time import perf_counter, process_time

import polars as pl

from sociolect.systems.studies.community_fidelity.worlds import gap, verdicts, world

SHARE = 0.95
FALSE = 3 / 40


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--worlds", type=int, default=20)
    parser.add_argument("--null", type=int, default=40)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    began, used = perf_counter(), process_time()
    planted = [verdicts(world(seed=seed)) for seed in range(1, asked.worlds + 1)]
    took = process_time() - used, perf_counter() - began
    nothing = [gap(world(null=True, seed=seed)) for seed in range(1, asked.null + 1)]
    rows = claims(pl.concat(planted), asked.worlds) if planted else []
    if nothing:
        rows.append(null(nothing))
    if asked.json:
        print(json.dumps({"claims": rows, "cpu_s": took[0], "seconds": took[1], "worlds": asked.worlds}))
        return
    for row in rows:
        print(line(row))
    if planted:
        print(f"a planted world: cpu {took[0] / asked.worlds:.1f} s, {took[1] / asked.worlds:.1f} s")


def claims(found: pl.DataFrame, worlds: int) -> list[dict[str, object]]:
    """One row per claim, in the order of the study; the cells of "between" once more together."""
    rows = []
    for (claim,), part in found.partition_by("claim", as_dict=True, maintain_order=True).items():
        values = part["value"].to_list()
        held = None if part["holds"].null_count() else int(part["holds"].sum())
        counted = held is None or str(claim).startswith("between") or str(claim).endswith(": interval")
        due = None if counted else f">= {math.ceil(SHARE * worlds)}"
        rows.append(row(str(claim), held, worlds, due, values))
    cells = found.filter(pl.col("claim").str.starts_with("between"))
    due = f">= {math.ceil(SHARE * cells.height)}"
    return [*rows, row("between floor and ceiling, all cells", int(cells["holds"].sum()), cells.height, due, [])]


def null(found: list[dict[str, float]]) -> dict[str, object]:
    """How often an interval excludes 0 where there is nothing; where the judge names one community, it is a point at 0."""
    seen = [d for d in found if d["low"] < d["high"]]
    out = sum(not d["low"] <= 0 <= d["high"] for d in found)
    name = f"null: aligned - in_context excludes 0 (the judge tells communities apart in {len(seen)})"
    return row(name, out, len(found), f"<= {math.floor(FALSE * len(found))}", [d["estimate"] for d in found])


def row(claim: str, held: int | None, of: int, due: str | None, values: list[float]) -> dict[str, object]:
    spread = {"median": median(values), "least": min(values), "most": max(values)} if values else {}
    return {"claim": claim, "held": held, "of": of, "due": due, **spread}


def line(row: dict[str, object]) -> str:
    held = "" if row["held"] is None else f"{row['held']} of {row['of']}"
    due = "" if row["due"] is None else f"due {row['due']}"
    spread = f"{row['median']:.3f} ({row['least']:.3f} to {row['most']:.3f})" if "median" in row else ""
    return f"{row['claim']:84} {held:10} {due:12} {spread}"


if __name__ == "__main__":
    main()
