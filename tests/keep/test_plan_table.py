"""The size of a table by its head: exact where it is small, within its range where it is not."""

import gzip
from pathlib import Path

import polars as pl
import pytest

from sociolect.errors import InputError
from sociolect.systems.planned_table import sized


def posts(n: int) -> pl.DataFrame:
    return pl.DataFrame({"id": range(n), "text": [f'said "{i % 7}"\nand so, on ' + "x" * (i % 60) for i in range(n)]})


def test_small_tables_are_counted(tmp_path: Path) -> None:
    rows = posts(300)
    rows.write_csv(tmp_path / "a.csv")
    rows.write_csv(tmp_path / "a.tsv", separator="\t")
    rows.write_ndjson(tmp_path / "a.jsonl")
    rows.write_parquet(tmp_path / "a.parquet")
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress((tmp_path / "a.csv").read_bytes()))
    mean = rows["text"].str.len_chars().mean()
    for name in ("a.csv", "a.tsv", "a.jsonl", "a.parquet", "b.csv.gz"):
        found = sized(tmp_path / name, "text")
        assert (found.rows, found.columns, found.chars) == ((300, 300, 300), ("id", "text"), mean), name


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "csv.gz"])
def test_large_ones_lie_in_their_range(tmp_path: Path, suffix: str) -> None:
    rows, file = posts(150_000), tmp_path / f"a.{suffix}"
    if suffix == "jsonl":
        rows.write_ndjson(file)
    else:
        rows.write_csv(tmp_path / "plain.csv")
        data = (tmp_path / "plain.csv").read_bytes()
        file.write_bytes(gzip.compress(data, 1) if suffix.endswith("gz") else data)
    found = sized(file, "text")
    assert found.rows.low < 150_000 < found.rows.high
    if suffix != "csv.gz":
        assert found.rows.likely == pytest.approx(150_000, rel=0.05)


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no file"):
        sized(tmp_path / "none.csv")
    (tmp_path / "a.jsonl").write_text('{"text": \n')
    with pytest.raises(InputError, match="cannot be read as a table"):
        sized(tmp_path / "a.jsonl")
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    assert sized(tmp_path / "a.csv", "text").chars is None
