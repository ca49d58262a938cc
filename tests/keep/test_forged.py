"""Who forges what a workspace holds, and its hashes with it, is found out; what cannot be known is said to be read as it stands."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.keep.conftest import counts, data, loaded, members

from sociolect import frames
from sociolect.errors import WorkspaceError
from sociolect.keep import verified as room
from sociolect.keep.again import located
from sociolect.keep.forget import forget
from sociolect.keep.verified import Verified, verified
from sociolect.models.answer import Answer
from sociolect.models.journal import opened, session
from sociolect.record import plain
from sociolect.report.content import Page, Section
from sociolect.report.page import write
from sociolect.workspace import JOURNAL, Workspace, seal, workspace


def index(*, folder: Path) -> None:
    np.save(folder / "values-1.npy", np.arange(6.0))
    pl.DataFrame({"pair": ["a b"], "alike": [0.25]}).write_parquet(folder / "alike.parquet")


def weights(*, folder: Path) -> None:
    from safetensors.numpy import save_file

    save_file({"w": np.zeros(3, dtype=np.float32)}, folder / "model.safetensors")


def told(work: Workspace, **_: Any) -> Page:
    at = work.files("index", index)
    work.files("learnt", weights)
    made = work.frame("shares", pl.DataFrame, pl.read_parquet, at / "alike.parquet")
    return Page("P", [Section("Shares", table=made, name="shares")])


@pytest.fixture
def ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("sociolect.systems.find", lambda _: SimpleNamespace(run=told))
    monkeypatch.setattr(room, "said", lambda *_: {})
    folder = tmp_path / "w"
    with workspace(folder, system="s", keywords={}) as work:
        book = session()
        assert book
        book.keep([(b"k" * 16, "generate", "m", 0, "{}", Answer("a", price=0.5, reply_tokens=3))])
        write(told(work), folder / "report.html")
    return folder


def wrong(found: Verified) -> set[str]:
    return set(found.rows.filter(pl.col("state").is_in(["differs", "missing"]))["what"])


def test_left_alone_it_holds_and_says_what_it_took_as_it_stands(ran: Path) -> None:
    found = verified(ran)
    assert wrong(found) == set()
    assert dict(found.rows.select("what", "detail").iter_rows())["steps"] == "3 of 3 tables came out the same"


@pytest.mark.parametrize("name", ["alike.parquet", "values-1.npy"])
def test_a_forged_number_in_a_folder_of_files_is_found(ran: Path, name: str) -> None:
    """All that follows from it is forged too: only what it was made of shows it."""
    at = ran / "steps" / "index"
    if name.endswith("npy"):
        np.save(at / name, np.arange(6.0) + 1)
    else:
        forged = pl.read_parquet(at / name).with_columns(alike=pl.lit(0.99))
        forged.write_parquet(at / name)
        forged.write_parquet(ran / "steps" / "shares" / "frame.parquet")
        with workspace(ran.parent / "other", system="s", keywords={}):
            write(Page("P", [Section("Shares", table=forged, name="shares")]), ran / "report.html")
    seal(ran)
    assert verified(ran, recompute=False).holds
    assert f"steps/index/{name}" in wrong(verified(ran))


def test_a_forged_table_beside_the_page_is_found(ran: Path) -> None:
    (ran / "tables" / "shares.csv").write_text("pair,alike\na b,0.99\n")
    seal(ran)
    assert wrong(verified(ran)) == {"tables/shares.csv", "printed numbers"}


def test_an_index_that_was_written_twice_is_the_same_index(ran: Path) -> None:
    at = ran / "steps" / "index"
    (at / "values-1.npy").rename(at / "values-2.npy")
    seal(ran)
    assert wrong(verified(ran)) == set()


@pytest.mark.parametrize("column", ["price = 9", "reply_tokens = 9", "resolved = 'x'", "model = 'x'", "response = 'b'"])
def test_a_ledger_that_was_changed_is_found(ran: Path, column: str) -> None:
    with sqlite3.connect(ran / JOURNAL) as book:
        book.execute(f"UPDATE calls SET {column}")
    assert wrong(verified(ran)) == {JOURNAL}


@pytest.mark.parametrize(
    ("torn", "fatal"),
    [
        ({"journal": {}}, False),
        ({"versions": None, "code": "x"}, False),
        ({"keywords": None}, False),
        ({"journal": "x"}, True),
        ({"paths": [1]}, True),
    ],
)
def test_a_record_with_holes_is_told_and_crashes_nothing(ran: Path, torn: dict[str, Any], fatal: bool) -> None:
    run = json.loads((ran / "run.json").read_text())
    (ran / "run.json").write_text(json.dumps(run | torn))
    with pytest.raises(WorkspaceError, match="is torn") if fatal else nullcontext():
        assert verified(ran).rows.height


def test_what_a_killed_verify_left_is_taken_away(ran: Path) -> None:
    left = ran / ".verify-abc" / "steps" / "society"
    left.mkdir(parents=True)
    (left / "posts.parquet").write_bytes(b"somebody's words")
    assert verified(ran, recompute=False).holds
    assert not list(ran.glob(".verify-*"))


def test_a_moved_workspace_finds_the_file_that_it_was_made_of(tmp_path: Path) -> None:
    """Beside its new place lies another file of that name: it is not taken for the data."""
    (tmp_path / "new").mkdir()
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "posts.csv").write_text("the data")
    (tmp_path / "new" / "posts.csv").write_text("others")
    with workspace(tmp_path / "old" / "w", system="s", keywords={"posts": tmp_path / "old" / "posts.csv"}):
        pass
    here = tmp_path / "new" / "w"
    (tmp_path / "old" / "w").rename(here)
    run, name = json.loads((here / "run.json").read_text()), str(tmp_path / "old" / "posts.csv")
    assert located(here, run, name) == tmp_path / "old" / "posts.csv"
    (tmp_path / "old" / "posts.csv").unlink()
    assert located(here, run, name) == (tmp_path / "new" / "posts.csv").resolve()


KEYED = "endpoint/https://ada:sk-PLANTED0123@host.example/v1#m"


def test_a_key_in_an_address_reaches_no_file_and_no_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from sociolect.cli import ended

    monkeypatch.chdir(tmp_path)
    for words in (["run", "scoff", "--out", "w"], ["plan", "scoff", "--json"], ["plan", "scoff"]):
        for address in (KEYED, "endpoint/https://host.example/v1?api_key=sk-PLANTED0123#m"):
            assert ended([*words, "--models", f"red={address}"]) == 2
    said = capsys.readouterr()
    assert "keys come from the environment" in said.err
    assert "PLANTED" not in said.out + said.err
    assert not (tmp_path / "w").exists()
    assert plain({"models": {"red": KEYED}}) == {"models": {"red": "endpoint/https://[key]@host.example/v1#m"}}
    assert plain("endpoint/https://h/v1?k=sk-PLANTED#m") == "endpoint/https://h/v1?[key]#m"
    assert plain(["who? me", "a=b", "https://h/x?y=1"]) == ["who? me", "a=b", "https://h/x?y=1"]


def test_two_workspaces_at_once_each_note_their_own_calls(tmp_path: Path) -> None:
    with workspace(tmp_path / "a", system="s", keywords={}) as one:
        with workspace(tmp_path / "b", system="s", keywords={}) as two:
            one.frame("said", pl.DataFrame, _asked, 1)
            two.frame("said", pl.DataFrame, _asked, 2)
        one.frame("more", pl.DataFrame, _asked, 3)
    for name, due in (("a", [(1, "said"), (3, "more")]), ("b", [(2, "said")])):
        with opened(tmp_path / name / JOURNAL) as book:
            rows = book.connection.execute("SELECT key, step FROM calls ORDER BY key").fetchall()
            assert [(key[0], step) for key, step in rows] == due


def _asked(n: int) -> pl.DataFrame:
    book = session()
    assert book
    book.keep([(bytes([n] * 16), "generate", "m", 0, "{}", Answer("a"))])
    return pl.DataFrame({"n": [n]})


def test_who_was_forgotten_stays_out_when_it_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: Callable[[Path, Path], set[str]]
) -> None:
    """Run, forget, run on, verify: the data still hold her, the workspace does not, and it holds against itself."""
    path, key = data(tmp_path), tmp_path / "key"
    folder = tmp_path / "w"

    def recipe(work: Workspace, **_: Any) -> Page:
        society = work.society("society", loaded, path, key=key)
        told = work.frame("members", frames.members, members, society)
        more = work.branch("more").frame("counts", pl.DataFrame, counts, society)
        return Page(
            "P",
            [Section("S", table=told.group_by("community").len().sort("community").join(more, how="cross"), name="s")],
        )

    def run() -> None:
        with workspace(folder, system="s", keywords={"posts": path}) as work:
            write(recipe(work), folder / "report.html")

    monkeypatch.setattr("sociolect.systems.find", lambda _: SimpleNamespace(run=recipe))
    monkeypatch.setattr(room, "said", lambda *_: {})
    run()
    assert wrong(verified(folder)) == set()
    forget(folder, "mary_k42", key=key)
    assert wrong(verified(folder)) == {"the run"}, "what was printed is gone"
    run()
    assert left(folder, key) == set()
    assert wrong(verified(folder)) == set()
    path.write_text(path.read_text().replace("zor", "other"))
    found = verified(folder)
    assert wrong(found) == set()
    assert found.rows.filter(pl.col("state") == "not checked")["what"].to_list() == [str(path)]
