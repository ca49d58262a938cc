"""Recall and precision of each kind of personal information on 12 x 500 planted texts and 6,000 that hold none, with exact 95% intervals.

`python benchmarks/pii.py [--n 500] [--seed 1] [--json]`: by our rules alone, and with Presidio where the extra `privacy` is installed.
"""

import argparse
import importlib.util
import json
import re
import time

import polars as pl

from sociolect.load.pii import KINDS, mask, pii
from sociolect.load.pii_planted import Planted, planted


def gone(said: str, masked: str) -> bool:
    """Whether nothing that tells is left: no run of three letters or digits of it that holds a digit, nor the whole."""
    runs = [r for r in re.findall(r"[^\W_]{3,}", said) if any(c.isdigit() for c in r)]
    return said not in masked and not any(r in masked for r in runs)


def measured(some: list[Planted], engine: str) -> pl.DataFrame:
    """A row per kind: how many were planted, recall and precision, each with its interval (Clopper and Pearson 1934)."""
    from scipy.stats import binomtest

    texts = pl.Series([one.text for one in some], dtype=pl.String)
    began = time.perf_counter()
    masked = pii(texts, kinds=KINDS, engine=engine).texts.to_list()
    seconds = time.perf_counter() - began
    rows = []
    for kind in KINDS:
        own = [(one, m) for one, m in zip(some, masked, strict=True) if one.kind == kind]
        found = sum(gone(one.said, m) for one, m in own)
        said = sum(m.count(mask(kind)) - one.text.count(mask(kind)) for one, m in zip(some, masked, strict=True))
        right = sum(mask(kind) in m for _, m in own)
        recall, precision = binomtest(found, len(own)), binomtest(right, max(said, right))
        ends = [e for test in (recall, precision) for e in (test.statistic, *test.proportion_ci())]
        rows.append((engine, kind, len(own), *(round(float(e), 3) for e in ends)))
    names = ["engine", "kind", "n", "recall", "low", "high", "precision", "p_low", "p_high"]
    return pl.DataFrame(rows, schema=names, orient="row").with_columns(seconds=pl.lit(round(seconds, 2)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    engines = ["rules", *(["presidio"] if importlib.util.find_spec("presidio_analyzer") else [])]
    some = planted(n=asked.n, seed=asked.seed)
    table = pl.concat([measured(some, engine) for engine in engines])
    if asked.json:
        print(json.dumps(table.to_dicts()))
        return
    with pl.Config(
        tbl_rows=50, tbl_hide_dataframe_shape=True, tbl_hide_column_data_types=True, tbl_width_chars=140, tbl_cols=12
    ):
        print(table)
    if len(engines) == 1:
        print("Presidio is not installed here: pip install 'sociolect[privacy]'")


if __name__ == "__main__":
    main()
