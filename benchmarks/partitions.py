"""Texts per second of a measure in partitions, at 1 and 2 workers, against the whole frame at once in one process.

`python benchmarks/partitions.py [--json] [--texts N] [--rows N] [--workers N ...]`. Two measures: the eight tones by words, which is
cheap, and a classifier that each worker trains for itself on 2,000 texts. Each side runs in a process of its own, from the
parquet file of the replies to the parquet of the scores; reading, the sample, the start of the workers and the training all
count. Peak memory is that of the first process and of the largest worker. Due: the same scores on every side, and at a
source N times larger a peak that does not grow; ends with an error where the scores differ.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.measure.classifier import Classifier, classifier
from sociolect.measure.opened import opened, ready
from sociolect.measure.partition import in_order, places
from sociolect.measure.partitions import measured
from sociolect.measure.tone import tone
from sociolect.measure.tone_words import lexicon
from sociolect.measure.toxicity import toxicity
from sociolect.tones import words as tone_words

TEXTS, ROWS, LENGTH = 500_000, 50_000, 20


def planted(path: Path, texts: int) -> None:
    """Replies of 20 words: common ones, and in some a word of a tone."""
    rng = np.random.default_rng(0)
    common = ["".join(rng.choice(list("abcdefghijklmnopqrstuvwxyz"), size=rng.integers(2, 9))) for _ in range(5000)]
    known = np.array(common + [word for listed in tone_words().values() for word in listed])
    chance = 1 / np.arange(1, len(known) + 1)
    said = [" ".join(known[row]) for row in rng.choice(len(known), size=(texts, LENGTH), p=chance / chance.sum())]
    index = pl.int_range(texts, eager=True)
    pl.DataFrame({"text": said}).with_columns(
        speaker=pl.format("p{}", index % 1000), source=pl.lit("human"), community=pl.format("c{}", index % 5),
        item=pl.format("i{}", index), condition=pl.lit("said"), draw=pl.lit(0, pl.Int64), turn=pl.lit(0, pl.Int64),
        prompt=pl.lit(None, pl.String),
    ).write_parquet(path, row_group_size=ROWS)  # fmt: skip


def trained(path: str) -> Classifier:
    """A classifier of the first 2,000 texts: those in which a common word stands, and the others."""
    texts = pl.scan_parquet(path).head(2000).collect()["text"]
    rude = texts.str.contains(r"\b[a-m]\w* [n-z]\w* [a-m]\w*\b").to_list()
    return classifier(texts.to_list(), ["offensive" if one else "other" for one in rude], folds=2)


def measure(name: str, source: Path) -> Any:
    if name == "tones by words":
        return partial(tone, reader=opened(lexicon))
    return partial(toxicity, reader=opened(trained, str(source)))


def side(name: str, source: Path, out: Path, workers: int, rows: int) -> None:
    """One side, in this process: the whole frame at once where `workers` is 0."""
    import resource
    import time

    began = time.perf_counter()
    if workers:
        measured(source, out, measure(name, source), rows=rows, workers=workers)
    else:
        replies = frames.replies(pl.read_parquet(source))
        out.mkdir()
        scores = ready(measure(name, source))(replies)
        in_order(scores, places(scores, replies)).write_parquet(out / "part.parquet")
    seconds = time.perf_counter() - began
    with open("/proc/self/status", encoding="utf-8") as file:  # ru_maxrss would begin with that of who started it
        peak = next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) / 1e6
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu = sum(one.ru_utime + one.ru_stime for one in spent)
    largest = spent[1].ru_maxrss / 1e6 if workers > 1 else None
    print(json.dumps({"seconds": seconds, "cpu": cpu, "peak_gb": peak, "worker_gb": largest}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--texts", type=int, default=TEXTS)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--workers", type=int, nargs="+", default=[0, 1, 2], help="0 is the whole frame at once")
    parser.add_argument("--measures", nargs="+", default=["tones by words", "classifier"])
    parser.add_argument("--side", nargs=4)
    said = parser.parse_args()
    if said.side:
        name, source, out, workers = said.side
        side(name, Path(source), Path(out), int(workers), said.rows)
        return
    found, same = [], True
    with tempfile.TemporaryDirectory() as made:
        source = Path(made) / "replies.parquet"
        planted(source, said.texts)
        for name in said.measures:
            first = None
            for workers in said.workers:
                out = Path(made) / f"{name}-{workers}"
                run = [
                    sys.executable,
                    __file__,
                    "--rows",
                    f"{said.rows}",
                    "--side",
                    name,
                    str(source),
                    str(out),
                    f"{workers}",
                ]
                got = json.loads(
                    subprocess.run(run, check=True, capture_output=True, text=True).stdout.splitlines()[-1]
                )
                found.append(
                    {"measure": name, "workers": workers, "texts_per_second": said.texts / got["seconds"], **got}
                )
                scores = (
                    pl.scan_parquet(out / "*.parquet")
                    .select("item", "measure", "value")
                    .collect()
                    .hash_rows()
                    .hash()
                    .sum()
                )
                first = scores if first is None else first
                same &= scores == first
                if not said.json:
                    where = f"{workers} workers" if workers else "whole frame"
                    more = f", largest worker {got['worker_gb']:.2f} GB" if got["worker_gb"] else ""
                    print(
                        f"{name:15s} {where:12s} {said.texts / got['seconds']:9,.0f} texts/s  {got['cpu']:.1f} s of CPU  {got['peak_gb']:.2f} GB{more}",
                        flush=True,
                    )
    if said.json:
        print(json.dumps(found))
    if not same:
        raise SystemExit("the scores differ between the sides")


if __name__ == "__main__":
    main()
