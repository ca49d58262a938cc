"""A trace is found in whatever kind of file it stands, and what cannot be searched counts as one that holds it."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from safetensors.numpy import save_file

from sociolect.keep.forget_files import traced
from sociolect.traces import Traces

KNOWN = Traces(frozenset(), names=frozenset(["mary k"]), whole=frozenset(["so be it"]))
KINDS: dict[str, Callable[[Path, str], object]] = {
    "a.gz": lambda path, said: path.write_bytes(gzip.compress(said.encode())),
    "a.json": lambda path, said: path.write_text(json.dumps({"a": [{said: 1}]})),
    "b.json": lambda path, said: path.write_text(json.dumps({"a": ["x", said]}).replace("m", "\\u006d")),
    "a.html": lambda path, said: path.write_text(f"<p>{said.replace('m', '&#109;')}</p>"),
    "a.csv": lambda path, said: path.write_text(f'x,"{said}",y\n'),
    "a.npy": lambda path, said: np.save(path, np.array([said, "x"])),
    "a.safetensors": lambda path, said: save_file({"w": np.zeros(2)}, path, metadata={"note": said}),
    "a.parquet": lambda path, said: pl.DataFrame({"x": [said]}).write_parquet(path),
    "a.txt": lambda path, said: path.write_text(f"first\n{said}\nlast"),
}


@pytest.mark.parametrize("name", KINDS)
def test_a_name_is_found_in_it_and_another_is_not(tmp_path: Path, name: str) -> None:
    for said, due in (("mary k", True), ("mark y", False)):
        KINDS[name](tmp_path / name, said)
        assert traced(tmp_path / name, KNOWN) is due


def test_a_cell_that_is_all_of_a_short_post_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,so be it,y\n")
    (tmp_path / "a.json").write_text('{"a": "so be it"}')
    assert traced(tmp_path / "a.csv", KNOWN)
    assert traced(tmp_path / "a.json", KNOWN)


@pytest.mark.parametrize("name", ["a.parquet", "a.json", "a.gz", "a.npy", "a.safetensors"])
def test_what_cannot_be_searched_is_not_kept(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\x00torn")
    assert traced(tmp_path / name, KNOWN)
