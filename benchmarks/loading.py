"""Load 1,000,000 posts by 100,000 people, names hidden, and build the reply ties: seconds, peak memory, ratio to a plain pandas merge.

`python benchmarks/loading.py [--json] [--posts N] [--runs 5]`: each run is a process of its own, so its peak memory is its own.
Due: under 10 s and under 2 GB on 2 cores. pandas does the reading and the merge alone: it hides no name and checks nothing.
"""

import argparse
import importlib.util
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

from sociolect.seeds import substream

FORMS = ("parquet", "csv", "jsonl")
OURS = """
import json, resource, sys, time
began = time.perf_counter()
from sociolect.load.table import table
from sociolect.find.ties import ties
path, key = sys.argv[1:]
said = {"key": key} if key else {"keep_ids": "the peer hides nothing"}
society = table(path, post="id", person="author", text="body", parent="parent_id", time="created_utc", **said)
loaded = time.perf_counter()
found = ties(society, kind="reply", directed=True)
"""
PANDAS = """
import json, resource, sys, time
began = time.perf_counter()
import pandas as pd
path, key = sys.argv[1:]
read = {"csv": pd.read_csv, "parquet": pd.read_parquet}.get(path.rsplit(".", 1)[1], lambda p: pd.read_json(p, lines=True))
posts = read(path)
loaded = time.perf_counter()
both = posts.merge(posts[["id", "author"]], left_on="parent_id", right_on="id", suffixes=("", "_to"))
both = both[both["author"] != both["author_to"]]
found = both.groupby(["author", "author_to"]).size().reset_index()
"""
SAID = """
try:  # of this process alone; ru_maxrss would begin with the memory of the one that started it
    peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) / 1e6
except OSError:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
print(json.dumps({"load": loaded - began, "seconds": time.perf_counter() - began, "peak_gb": peak, "ties": len(found)}))
"""


def made(folder: Path, posts: int) -> dict[str, Path]:
    """The posts in each form: 60% replies to an earlier post, a fifth with a mention, some with a link."""
    rng = substream(1, "benchmark", "loading")
    people = max(2, posts // 10)
    words = np.array([f"w{''.join(map(chr, 97 + rng.integers(0, 26, 5)))}" for _ in range(5000)])
    lines = [" ".join(row) for row in words[rng.integers(0, 5000, (20_000, 12))]]
    text = pl.Series(lines).gather(rng.integers(0, len(lines), posts))
    author = rng.integers(0, people, posts)
    parent = (rng.random(posts) * np.arange(posts)).astype(np.int64)
    frame = pl.DataFrame(
        {
            "id": pl.Series(np.arange(posts)).cast(pl.String) + "x",
            "author": pl.Series(author).cast(pl.String) + "_user",
            "mention": pl.Series(rng.integers(0, people, posts)).cast(pl.String) + "_user",
            "what": rng.random(posts),
            "line": text,
            "parent": pl.Series(parent).cast(pl.String) + "x",
            "is_reply": (rng.random(posts) < 0.6) & (np.arange(posts) > 0),
            "created_utc": 1_600_000_000 + np.arange(posts),
        }
    ).with_columns(parent_id=pl.when("is_reply").then("parent"))
    named = pl.when(pl.col("what") < 0.2).then(pl.lit("@") + pl.col("mention") + " " + pl.col("line"))
    linked = named.when(pl.col("what") < 0.25).then(pl.col("line") + " https://example.org/" + pl.col("id"))
    frame = frame.select("id", "author", "parent_id", "created_utc", body=linked.otherwise("line"))
    paths = {form: folder / f"posts.{form}" for form in FORMS}
    frame.write_parquet(paths["parquet"])
    frame.write_csv(paths["csv"])
    frame.write_ndjson(paths["jsonl"])
    return paths


def runs(code: str, path: Path, key: Path | str, n: int) -> dict[str, float]:
    """The medians over so many processes."""
    said = [
        json.loads(
            subprocess.run(
                [sys.executable, "-c", code + SAID, str(path), str(key)], check=True, capture_output=True, text=True
            ).stdout
        )
        for _ in range(n)
    ]
    return {name: statistics.median(run[name] for run in said) for name in said[0]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--forms", default=",".join(FORMS))
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    peer = importlib.util.find_spec("pandas") is not None
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        paths = made(Path(folder), asked.posts)
        print(f"{asked.posts:,} posts written in {time.perf_counter() - began:.0f} s", file=sys.stderr)
        for form in asked.forms.split(","):
            ours = runs(OURS, paths[form], Path(folder) / "key" / "key", asked.runs)
            row = {"form": form, "mb": round(paths[form].stat().st_size / 1e6), **ours}
            if peer and (form != "parquet" or importlib.util.find_spec("pyarrow")):
                theirs = runs(PANDAS, paths[form], "", asked.runs)
                plain = runs(OURS, paths[form], "", asked.runs)
                row |= {
                    "pandas": theirs["seconds"],
                    "pandas_gb": theirs["peak_gb"],
                    "ratio": theirs["seconds"] / ours["seconds"],
                    "ratio_plain": theirs["seconds"] / plain["seconds"],
                }
                row["same_ties"] = theirs["ties"] == ours["ties"]
            rows.append(row)
    if asked.json:
        print(json.dumps({"posts": asked.posts, "runs": asked.runs, "peer": "pandas" if peer else None, "rows": rows}))
        return
    with pl.Config(
        tbl_hide_dataframe_shape=True,
        tbl_hide_column_data_types=True,
        float_precision=2,
        tbl_cols=20,
        tbl_width_chars=140,
    ):
        print(pl.DataFrame(rows))
    print("seconds: loading, pseudonyms and reply ties, medians; due: under 10 s and under 2 GB on 2 cores")
    print("ratio: pandas seconds / ours; ratio_plain: the same with names kept, as pandas keeps them")
    if not peer:
        print("the peer, pandas, is not installed here: pip install pandas")


if __name__ == "__main__":
    main()
