"""An index on disk: two parts are one whole, and neither a kill nor a cut file gives a wrong answer."""

import json
import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from sociolect.errors import InputError, RefusedError, UsageError, WorkspaceError
from sociolect.find import lsh
from sociolect.find.lsh import Index, append, index, opened
from sociolect.find.lsh_files import held
from sociolect.find.minhash import signatures

FILES = ("values", "starts", "keys", "rows")


def _pairs(seed: int, accounts: int = 80, rows: int = 700) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    who = pl.Series(rng.integers(0, accounts, rows)).cast(pl.String)
    return pl.DataFrame({"account": "p" + who, "element": rng.integers(0, 60, rows)})


def _made(folder: Path, pairs: pl.DataFrame) -> Index:
    return index(signatures(pairs, hashes=24, seed=5), bands=8, folder=folder)


def _same(one: Index, other: Index) -> bool:
    arrays = [(i.signatures.values, i.starts, i.keys, i.rows, i.signatures.sizes) for i in (one, other)]
    bytes_alike = all(a.tobytes() == b.tobytes() for a, b in zip(*arrays, strict=True))
    return bytes_alike and one.signatures.accounts.equals(other.signatures.accounts)


def test_an_index_on_disk_is_the_one_in_memory(tmp_path: Path) -> None:
    pairs = _pairs(1)
    kept = _made(tmp_path / "deep" / "index", pairs)
    due = index(signatures(pairs, hashes=24, seed=5), bands=8)
    again = opened(tmp_path / "deep" / "index", verified=True)
    assert _same(kept, due)
    assert _same(again, due)
    assert again.candidates([0, 3]).tolist() == due.candidates([0, 3]).tolist()
    assert (again.bands, again.hashes, again.signatures.seed) == (8, 24, 5)
    said = json.loads((tmp_path / "deep" / "index" / "index.json").read_text())
    assert (said["accounts"], said["entries"]) == (due.signatures.accounts.len(), due.keys.size)


def test_plain_numpy_reads_the_files(tmp_path: Path) -> None:
    made = _made(tmp_path, _pairs(1))
    found = [np.load(tmp_path / f"{name}-1.npy").tolist() for name in FILES]
    assert found == [made.signatures.values.tolist(), made.starts.tolist(), made.keys.tolist(), made.rows.tolist()]


def test_two_parts_answer_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = _pairs(1, accounts=50), _pairs(2, accounts=110)
    monkeypatch.setattr(lsh, "_AT_ONCE", 24 * 7)
    _made(tmp_path, first)
    grown = append(tmp_path, second, hashes=24, bands=8, seed=5)
    due = index(signatures(pl.concat([first, second]), hashes=24, seed=5), bands=8)
    assert _same(grown, due)
    assert due.signatures.accounts.len() > signatures(first, hashes=1).accounts.len()
    for row in range(0, due.signatures.accounts.len(), 9):
        assert grown.candidates(row).tolist() == due.candidates(row).tolist()
    third = signatures(_pairs(3), hashes=24, seed=5)
    assert _same(
        append(tmp_path, third), index(signatures(pl.concat([first, second, _pairs(3)]), hashes=24, seed=5), bands=8)
    )
    assert sorted(p.name for p in tmp_path.glob("*-*")) == [
        "accounts-3.parquet",
        *(f"{n}-3.npy" for n in sorted(FILES)),
    ]


def test_a_new_index_takes_the_place_of_an_old_one_that_somebody_reads(tmp_path: Path) -> None:
    old = _made(tmp_path, _pairs(1))
    due = old.signatures.values.copy()
    new = _made(tmp_path, _pairs(2))
    assert np.array_equal(old.signatures.values, due)
    assert _same(opened(tmp_path), new)


def test_what_was_set_aside_is_kept(tmp_path: Path) -> None:
    pairs = pl.DataFrame({"account": ["a", "b", "a"], "element": ["x", "x", "y"]})
    index(signatures(pairs, hashes=4, cap=1), bands=2, folder=tmp_path)
    assert opened(tmp_path).signatures.set_aside["count"].to_list() == [1, 1]


def test_an_index_without_a_bucket_opens(tmp_path: Path) -> None:
    alone = pl.DataFrame({"account": ["a"], "element": ["x"]})
    index(signatures(alone, hashes=4), bands=2, folder=tmp_path)
    made = opened(tmp_path)
    assert made.keys.size == 0
    assert made.candidates(0).tolist() == [0]


@pytest.mark.parametrize("step", range(1, 9))
def test_a_crash_in_the_middle_of_append_leaves_the_old_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    _made(tmp_path, _pairs(1))
    before = index(signatures(_pairs(1), hashes=24, seed=5), bands=8)
    calls, sync = [0], os.fsync

    def full(file: int) -> None:
        calls[0] += 1
        if calls[0] == step:
            raise OSError(28, "No space left on device")
        sync(file)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(WorkspaceError, match="No space left on device; what was there is intact"):
            append(tmp_path, _pairs(2))
    due = index(signatures(pl.concat([_pairs(1), _pairs(2)]), hashes=24, seed=5), bands=8)
    if step <= 7:  # values, starts, keys, rows, accounts, index.json, the folder: then the index is the new one
        assert _same(opened(tmp_path, verified=True), before)
        append(tmp_path, _pairs(2))
        assert len(list(tmp_path.glob("*-*"))) == 5
    assert _same(opened(tmp_path, verified=True), due)


@pytest.mark.parametrize("name", [*(f"{n}-1.npy" for n in FILES), "accounts-1.parquet"])
def test_a_cut_missing_or_changed_file_is_named(tmp_path: Path, name: str) -> None:
    _made(tmp_path, _pairs(1))
    path = tmp_path / name
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(
        WorkspaceError, match=f"torn: {name} has {len(whole) // 2} bytes, not {len(whole)}; build it anew"
    ):
        opened(tmp_path)
    with pytest.raises(WorkspaceError, match="is torn"):
        append(tmp_path, _pairs(2))
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(WorkspaceError, match=f"{name} has other bytes than were written"):
        opened(tmp_path, verified=True)
    path.unlink()
    (tmp_path / "rows-1.npy").unlink(missing_ok=True)
    with pytest.raises(WorkspaceError, match=f"{name} is missing.*; build it anew"):
        opened(tmp_path)


def test_an_index_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="there is no index in .*: index.json is missing"):
        opened(tmp_path / "none")
    with pytest.raises(WorkspaceError, match="there is no index in"):
        append(tmp_path / "none", _pairs(1))
    assert not (tmp_path / "none").exists()
    _made(tmp_path, _pairs(1))
    path = tmp_path / "index.json"
    said = json.loads(path.read_text())
    path.write_text(json.dumps(said | {"schema": 2}))
    with pytest.raises(WorkspaceError, match="has schema 2, and this version reads up to 1: take a newer one"):
        opened(tmp_path)
    path.write_text(json.dumps({k: v for k, v in said.items() if k not in {"bands", "files"}}))
    with pytest.raises(WorkspaceError, match="is torn: bands, files missing"):
        opened(tmp_path)
    path.write_text("[1]")
    with pytest.raises(WorkspaceError, match="is no index: it names no schema"):
        opened(tmp_path)
    path.write_text(json.dumps(said)[:100])
    with pytest.raises(WorkspaceError, match="index.json cannot be read"):
        opened(tmp_path)


def test_other_parameters_are_refused(tmp_path: Path) -> None:
    _made(tmp_path, _pairs(1))
    with pytest.raises(
        InputError, match="built with hashes=24, bands=8, seed=5: asked was hashes=48, .*; seed=0, not seed=5"
    ):
        append(tmp_path, _pairs(2), hashes=48, seed=0)
    with pytest.raises(InputError, match="hashes=48 where the index has hashes=24"):
        append(tmp_path, signatures(_pairs(2), hashes=48, seed=5))
    with pytest.raises(RefusedError, match="there are no pairs"):
        append(tmp_path, _pairs(2).clear())
    with pytest.raises(UsageError, match="24 hashes do not go into 7 bands"):
        index(signatures(_pairs(1), hashes=24), bands=7, folder=tmp_path / "other")
    assert not (tmp_path / "other").exists()
    assert _same(opened(tmp_path), index(signatures(_pairs(1), hashes=24, seed=5), bands=8))


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    _made(tmp_path, _pairs(1))
    with held(tmp_path), pytest.raises(WorkspaceError, match="another process writes the index"):
        append(tmp_path, _pairs(2))
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkspaceError, match="could not be written to .*file"):
        _made(tmp_path / "file", _pairs(1))
