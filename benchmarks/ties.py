"""Ties out of 10,000,000 posts on disk, of each kind and of all four: seconds and peak memory, each in a process of its own.

`python benchmarks/ties.py [--json] [--posts N] [--people N] [--beside N] [--memory BYTES]`. Due: under 3 GB, and minutes, on 2
cores; ends with an error where the memory is not kept. On `--beside` posts (a tenth) the same is asked of the path that holds
all posts in memory, which must say the same of every bit, and, where it is installed, of duckdb (replies; it checks nothing).
"""

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import polars as pl

import ties_posts  # type: ignore[import-not-found]  # beside this script, not in a package

KINDS = ("reply", "repost", "mention", "co-thread")
DUE_GB = 3.0
BEGIN = """
import json, os, resource, sys, time
from pathlib import Path
began = time.perf_counter()
folder, kind, out, memory = sys.argv[1:]
kinds = ("reply", "repost", "mention", "co-thread") if kind == "all" else kind
"""
AT_SIZE = """
from sociolect.find.ties_at_size import ties_at_size
ties_at_size(folder, out, kind=kinds, memory=float(memory))
"""
IN_MEMORY = """
import polars as pl
from sociolect import frames
from sociolect.find.ties import ties
posts = frames.posts(pl.read_parquet(sorted(Path(folder).glob("*.parquet"))))
society = frames.Society(frames.people(posts.select("person").unique()), posts, frames.empty("ties"))
ties(society, kind=kinds).write_parquet(out)
"""
DUCKDB = """
import duckdb
posts = f"read_parquet('{folder}/*.parquet')"
duckdb.sql(
    f"copy (select least(a.person, b.person) as source, greatest(a.person, b.person) as target, count(*) as weight "
    f"from {posts} a join {posts} b on a.parent = b.post where a.kind != 'repost' and a.person != b.person "
    f"group by all order by all) to '{out}' (format parquet)"
)
"""
SAID = """
try:  # of this process alone; ru_maxrss would begin with the memory of the one that started it
    peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) / 1e6
except OSError:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
spent = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({"seconds": time.perf_counter() - began, "cpu": spent.ru_utime + spent.ru_stime, "peak_gb": peak}))
"""


def measured(code: str, folder: Path, kind: str, out: Path, memory: float) -> dict[str, float]:
    """Seconds, seconds of all cores, peak memory and rows."""
    argv = [sys.executable, "-c", BEGIN + code + SAID, str(folder), kind, str(out), str(memory)]
    said: dict[str, float] = json.loads(subprocess.run(argv, check=True, capture_output=True, text=True).stdout)
    return said | {"ties": pl.scan_parquet(out).select(pl.len()).collect().item()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts", type=int, default=10_000_000)
    parser.add_argument("--people", type=int, help="a tenth of the posts, where nothing is said")
    parser.add_argument("--beside", type=int, help="a tenth of the posts, where nothing is said; 0 leaves it out")
    parser.add_argument("--memory", type=float, default=1e9)
    parser.add_argument("--kinds", default=",".join([*KINDS, "all"]))
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    beside = asked.posts // 10 if asked.beside is None else asked.beside
    rows, odd = [], []
    with tempfile.TemporaryDirectory() as name:
        for posts in (asked.posts, beside) if beside else (asked.posts,):
            folder, out = Path(name, str(posts)), Path(name, "ties.parquet")
            folder.mkdir(exist_ok=True)
            began = time.perf_counter()
            ties_posts.written(folder, posts=posts, people=asked.people or posts // 10)
            print(f"{posts:,} posts written in {time.perf_counter() - began:.0f} s", file=sys.stderr)
            for kind in asked.kinds.split(","):
                ways = {"at size": AT_SIZE}
                if posts == beside:
                    ways["in memory"] = IN_MEMORY
                    if kind == "reply" and importlib.util.find_spec("duckdb"):
                        ways["duckdb"] = DUCKDB
                found = {}
                for way, code in ways.items():
                    said = measured(code, folder, kind, out, asked.memory)
                    rows.append({"posts": posts, "kind": kind, "way": way, **said})
                    if posts == beside:
                        found[way] = pl.read_parquet(out)
                if "in memory" in ways and not found["at size"].equals(found["in memory"]):
                    odd.append(f"{kind}: not the ties of the path in memory")
                if "duckdb" in ways:
                    same = found["duckdb"].sort("source", "target")["weight"].cast(pl.Float64)
                    odd += [] if same.equals(found["at size"]["weight"]) else ["reply: not the counts of duckdb"]
            for path in folder.iterdir():
                path.unlink()
    odd += [
        f"{row['kind']}: {row['peak_gb']:.2f} GB, over {DUE_GB}"
        for row in rows
        if row["way"] == "at size" and row["peak_gb"] > DUE_GB
    ]
    if asked.json:
        print(json.dumps({"memory": asked.memory, "rows": rows, "faults": odd}))
    else:
        with pl.Config(
            tbl_hide_dataframe_shape=True, tbl_hide_column_data_types=True, float_precision=2, tbl_rows=40, tbl_cols=9
        ):
            print(pl.DataFrame(rows))
        print("seconds: from parquet to parquet; cpu: of all cores; due: under 3 GB at 10,000,000 posts, in minutes")
    if odd:
        sys.exit("; ".join(odd))


if __name__ == "__main__":
    main()
