"""What stands is held against itself: one changed number anywhere is found, and nothing is asked of a model to find it."""

import json
import sqlite3
from collections import Counter
from pathlib import Path

import polars as pl
import pytest
from tests.kills.conftest import server  # noqa: F401  # a fixture

from sociolect import arguments, forgotten, systems
from sociolect.errors import WorkspaceError
from sociolect.keep.compared import compared
from sociolect.keep.listed import ledger, steps, workspaces
from sociolect.keep.verified import Verified, verified
from sociolect.measure.instrument import read
from sociolect.report.page import write
from sociolect.workspace import JOURNAL, seal, workspace

SCOFF = systems.SYSTEMS / "instruments" / "scoff"


def ran(folder: Path, **keywords: object) -> Path:
    card = systems.find("scoff")
    with workspace(folder, system="scoff", keywords=arguments.resolved(card, keywords)) as work:
        write(card.run(work, **keywords), folder / "report.html")
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ran(tmp_path_factory.mktemp("verified") / "run")


@pytest.fixture
def copy(run: Path, tmp_path: Path) -> Path:
    import shutil

    return Path(shutil.copytree(run, tmp_path / "copy"))


def wrong(found: Verified) -> set[str]:
    return set(found.rows.filter(pl.col("state").is_in(["differs", "missing"]))["what"])


def test_a_run_left_alone_holds(run: Path) -> None:
    found = verified(run)
    assert found.holds
    assert wrong(found) == set()
    said = dict(found.rows.select("what", "detail").iter_rows())
    assert said["steps"] == "2 of 2 tables came out the same"
    assert said["printed numbers"] == f"{1 + len(list(run.glob('tables/*.csv')))} of 7 files came out the same"
    assert not list(run.glob(".verify-*")), "nothing is left behind"


def test_a_changed_byte_is_found_by_its_hash(copy: Path) -> None:
    page = copy / "report.html"
    page.write_bytes(page.read_bytes().replace(b"0", b"1", 1))
    assert wrong(verified(copy, recompute=False)) == {"report.html", "hashes"}
    page.unlink()
    assert wrong(verified(copy, recompute=False)) == {"report.html", "hashes"}


def test_a_forged_number_is_found_though_its_hash_was_forged_too(copy: Path) -> None:
    table = copy / "tables" / "scores.csv"
    first, *rest = table.read_text().splitlines()
    table.write_text("\n".join([first, rest[0].replace("0.", "1.", 1), *rest[1:]]) + "\n")
    seal(copy)
    assert verified(copy, recompute=False).holds
    assert wrong(verified(copy)) == {"tables/scores.csv", "printed numbers"}


def test_a_forged_reply_is_found_though_its_hash_was_forged_too(copy: Path) -> None:
    path = copy / "steps" / "replies" / "frame.parquet"
    said = pl.read_parquet(path)
    said.with_columns(text=pl.when(pl.int_range(pl.len()) == 0).then(pl.lit("other")).otherwise("text")).write_parquet(
        path
    )
    seal(copy)
    assert wrong(verified(copy)) == {"steps/replies/frame.parquet", "steps"}


def test_answers_of_a_server_are_replayed_and_a_forged_one_is_found(
    tmp_path: Path,
    server: tuple[str, Counter[str]],  # noqa: F811  # the fixture
) -> None:
    url, paid = server
    at = ran(tmp_path / "w", models={"red": f"endpoint/{url}#m", "blue": f"endpoint/{url}#n"})
    asked, noted = paid.total(), int(ledger(at)["calls"].sum())
    assert noted > 100
    assert asked - noted <= 2 * 8, "what is asked twice at most: the first calls that find out that it weighs nothing"
    assert ledger(at)["step"].unique().to_list() == ["replies"]
    with sqlite3.connect(at / JOURNAL) as book:
        assert book.execute("SELECT DISTINCT instrument FROM calls").fetchall() == [(f"scoff@{read(SCOFF).version}",)]
    assert ledger(at)["price"].to_list() == [None, None], "no price was given, so none is known"
    assert wrong(verified(at)) == set()
    assert paid.total() == asked, "nothing was asked"
    with sqlite3.connect(at / JOURNAL) as book:
        book.execute("UPDATE calls SET response = '2' WHERE key = (SELECT MIN(key) FROM calls)")
    assert wrong(verified(at)) >= {JOURNAL, "steps"}
    with sqlite3.connect(at / JOURNAL) as book:
        book.execute("DELETE FROM calls WHERE key = (SELECT MIN(key) FROM calls)")
    found = verified(at)
    assert "has no answer to 1 of" in found.rows.filter(pl.col("what") == "numbers")["detail"].item()


def test_where_somebody_was_forgotten_that_is_noted(copy: Path) -> None:
    forgotten.write(copy, forgotten.read(copy))
    seal(copy)
    found = verified(copy)
    assert found.holds
    assert found.rows.filter(what="people")["state"].to_list() == ["note"]


def test_two_runs_differ_where_they_were_told_to(run: Path, tmp_path: Path) -> None:
    assert compared(run, run).is_empty()
    found = compared(run, ran(tmp_path / "other", seed=1))
    assert found.filter(pl.col("part") == "keyword").rows() == [("keyword", "seed", "0", "1")]
    numbers = found.filter(pl.col("part") == "number")
    scores = (
        pl.read_csv(run / "tables" / "scores.csv", infer_schema=False),
        pl.read_csv(tmp_path / "other" / "tables" / "scores.csv", infer_schema=False),
    )
    due = sum((a != b).sum() for a, b in zip(*(t.get_columns() for t in scores), strict=True))
    assert numbers.filter(pl.col("what").str.starts_with("scores.csv")).height == due > 0


def test_what_there_is_is_listed(run: Path, tmp_path: Path) -> None:
    found = workspaces(run.parent)
    assert found.select("workspace", "system", "size", "state", "steps", "calls").rows() == [
        ("run", "scoff", "tiny", "finished", 2, 0)
    ]
    assert steps(run).select("step", "state").rows() == [("replies", "whole"), ("validity", "whole")]
    (tmp_path / "torn").mkdir()
    (tmp_path / "torn" / "run.json").write_text("{")
    assert "is torn" in workspaces(tmp_path)["state"].item()
    with pytest.raises(WorkspaceError, match="is no workspace"):
        steps(tmp_path)


def test_a_workspace_of_schema_1_is_read_verified_and_carried_on(tmp_path: Path) -> None:
    import shutil

    past = Path(__file__).parents[1] / "fixtures" / "workspaces" / "schema_1"
    at = Path(shutil.copytree(past, tmp_path / "w"))
    assert workspaces(tmp_path)["state"].to_list() == ["finished"]
    assert steps(at)["state"].to_list() == ["whole", "whole"]
    assert verified(at, recompute=False).holds
    ran(at)
    run = json.loads((at / "run.json").read_text())
    assert (run["schema"], run["finished"]) == (2, True)
    assert verified(at, recompute=False).holds
