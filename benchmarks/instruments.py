"""Score 1,000,000 item answers (20,000 speakers x 50 items) and read a card: seconds and peak memory.

`python benchmarks/instruments.py [--json] [--speakers N] [--items 50] [--runs 5]`: each run is a process of its own.
Due: scored in under 2 s on 2 cores, and a card read in under 20 ms.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import polars as pl

from sociolect.seeds import substream

HEAD = """id = "made"
title = "Made"
version = "1"
language = "en"
period = "now"
population = "nobody"
citation = "made for this benchmark"
licence = "own"
text_bundled = true
status = "validated"
sensitive = false
[options.agree5]
ids = ["1", "2", "3", "4", "5"]
score = [1, 2, 3, 4, 5]
direction = "up"
"""
RUN = """
import json, resource, sys, time
from pathlib import Path
import polars as pl
from sociolect import frames
from sociolect.measure.instrument import read, score
read(Path(sys.argv[1]))
began = time.perf_counter()
instrument = read(Path(sys.argv[1]))
card = time.perf_counter() - began
replies = frames.replies(pl.read_parquet(sys.argv[2]))
began = time.perf_counter()
scores = score(replies, instrument)
seconds = time.perf_counter() - began
try:
    peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) / 1e6
except OSError:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
print(json.dumps({"answers": replies.height, "rows": scores.height, "seconds": seconds, "card_ms": 1000 * card, "peak_gb": peak}))
"""


def card(folder: Path, items: int) -> None:
    """Five subscales, every third item reversed, a rule on each, and wording for all."""
    lines, words = [HEAD], ["[items]"]
    for n in range(1, items + 1):
        key = -1 if n % 3 == 0 else 1
        lines.append(f'[[item]]\nid = "{n}"\nfacet = "f{n % 5}"\noptions = "agree5"\nkey = {key}\n')
        words.append(f'{n} = "Made statement number {n}, of no meaning at all."')
    for f in range(5):
        own = [n for n in range(1, items + 1) if n % 5 == f]
        said = f'items = {json.dumps([str(n) for n in own])}\nhow = "sum"\nlow = {len(own)}\nhigh = {5 * len(own)}'
        lines.append(f'[[subscale]]\nid = "f{f}"\n{said}\nmissing = "mean_if:{len(own) - 2}"\n')
        lines.append(f'[[rule]]\nid = "high{f}"\nwhen = "subscale(f{f}) >= {4 * len(own)}"\nsource = "made"\n')
    words.append("[options.agree5]")
    words += [f'{n} = "option {n}"' for n in range(1, 6)]
    (folder / "instrument.toml").write_text("\n".join(lines))
    (folder / "text.toml").write_text("\n".join(words) + "\n")


def answers(path: Path, speakers: int, items: int) -> None:
    """Everybody's answer to everything, 2 % of them missing."""
    rng = substream(1, "benchmark", "instruments")
    n = speakers * items
    who = np.repeat(np.arange(speakers), items)
    frame = pl.DataFrame(
        {"who": who, "item": np.tile(np.arange(1, items + 1), speakers), "choice": rng.integers(1, 6, n)}
    )
    frame = frame.select(
        speaker=pl.format("p{}", pl.col("who")),
        source=pl.lit("human"),
        community=pl.format("community {}", pl.col("who") % 7),
        item=pl.col("item").cast(pl.String),
        condition=pl.lit("survey"),
        draw=pl.lit(0, pl.Int64),
        turn=pl.lit(0, pl.Int64),
        prompt=pl.lit(None, pl.String),
        text=pl.lit(None, pl.String),
        choice=pl.when(pl.Series(rng.random(n) >= 0.02)).then(pl.col("choice").cast(pl.String)),
        age=20 + pl.col("who") % 50,
    )
    frame.sample(fraction=1.0, shuffle=True, seed=1).write_parquet(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--speakers", type=int, default=20_000)
    parser.add_argument("--items", type=int, default=50)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder, path = Path(made), Path(made) / "answers.parquet"
        card(folder, asked.items)
        answers(path, asked.speakers, asked.items)
        command = [sys.executable, "-c", RUN, str(folder), str(path)]
        said = [
            json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            for _ in range(asked.runs)
        ]
    row = {name: statistics.median(run[name] for run in said) for name in said[0]}
    if asked.json:
        print(json.dumps({"runs": asked.runs, **row}))
        return
    print(
        f"{row['answers']:,.0f} answers -> {row['rows']:,.0f} scores in {row['seconds']:.2f} s, {row['peak_gb']:.2f} GB at the peak"
    )
    print(f"a card of {asked.items} items read in {row['card_ms']:.1f} ms")
    print("medians; due: under 2 s on 2 cores, and under 20 ms")


if __name__ == "__main__":
    main()
