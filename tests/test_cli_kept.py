"""What is done with a workspace by the command: listed, verified, compared, carried on, planned, forgotten; and a table examined."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sociolect.cli import ended

Said = Callable[..., tuple[int, Any]]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kept") / "run"
    assert ended(["run", "scoff", "--out", str(folder), "--json"]) == 0
    return folder


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Said:
    """The exit code of a command, and the one JSON value that it prints."""

    def told(*words: str | Path) -> tuple[int, Any]:
        code = ended([*map(str, words), "--json"])
        return code, json.loads(capsys.readouterr().out)

    return told


def test_a_run_is_listed_verified_and_carried_on(run: Path, said: Said) -> None:
    assert [r["system"] for r in said("ls", run.parent)[1]] == ["scoff"]
    assert [s["step"] for s in said("ls", run)[1]["steps"]] == ["replies", "validity"]
    assert said("verify", run) == (0, {"holds": True, "rows": said("verify", run)[1]["rows"]})
    before = (run / "report.html").read_bytes()
    assert said("resume", run)[0] == 0
    assert (run / "report.html").read_bytes() == before
    assert all(step["reused"] for step in json.loads((run / "run.json").read_text())["steps"].values())


def test_a_forged_number_ends_with_7(run: Path, said: Said, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(run, tmp_path / "copy"))
    table = copy / "tables" / "scores.csv"
    table.write_text(table.read_text().replace("0.", "1.", 1))
    code, found = said("verify", copy, "--hashes")
    assert (code, found["holds"]) == (7, False)
    code, differ = said("diff", run, copy)
    assert (code, [row["part"] for row in differ]) == (0, ["number"])


def test_a_resumed_run_takes_the_keywords_it_began_with(said: Said, tmp_path: Path) -> None:
    assert said("run", "scoff", "--out", tmp_path / "w", "--seed", "3")[0] == 0
    record = json.loads((tmp_path / "w" / "run.json").read_text())
    shutil.rmtree(tmp_path / "w" / "steps" / "validity")
    (tmp_path / "w" / "run.json").write_text(json.dumps(record | {"finished": False}))
    moved = (tmp_path / "w").rename(tmp_path / "moved")
    assert said("resume", moved)[0] == 0
    again = json.loads((moved / "run.json").read_text())
    assert (again["keywords"]["seed"], again["finished"]) == (3, True)
    assert {name: step["reused"] for name, step in again["steps"].items()} == {"replies": True, "validity": False}


def test_a_plan_comes_before_and_its_error_after(run: Path, said: Said) -> None:
    code, plan = said("plan", "scoff")
    asked = next(row for row in plan["totals"] if row["what"] == "scripted calls")
    assert (code, plan["system"]) == (0, "scoff")
    assert asked["planned"] > 0
    code, error = said("plan", run)
    assert code == 0
    assert next(row["came"] for row in error if row["what"] == "disk") > 10_000


def test_a_table_is_examined_and_mended(said: Said, tmp_path: Path) -> None:
    table, out = tmp_path / "posts.csv", tmp_path / "new.csv"
    table.write_text("id,author,body,parent\n1,ada,hello to you,\n2,bob,and to you,9\n")
    before = table.read_bytes()
    code, found = said("doctor", table)
    assert code == 0
    assert [(f["finding"], f["count"]) for f in found["findings"]] == [("orphans", 1)]
    columns = "post=id,person=author,text=body,parent=parent"
    code, log = said(
        "doctor", table, "--columns", columns, "--fix", "orphans", "--reason", "it ends there", "--out", out
    )
    assert (code, log[0]["fix"], log[0]["rows"]) == (0, "orphans", 1)
    left = [f["finding"] for f in said("doctor", out, "--columns", columns)[1]["findings"]]
    assert left == ["constant_columns"], "no parent is left in the table: that is told, and is no orphan"
    assert table.read_bytes() == before
    assert (tmp_path / "decisions.csv").read_text().count("it ends there") == 1


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["verify", "nowhere"], 7, "is not there"),
        (["resume", "."], 7, "is no workspace"),
        (["ls", "nowhere"], 7, "is not there"),
        (["diff", ".", "."], 7, "is no workspace"),
        (["forget", "ada", "nowhere"], 7, "is not there"),
        (["plan"], 2, "plan what?"),
        (["plan", "scof"], 2, "did you mean 'scoff'"),
        (["doctor", "nowhere.csv"], 3, "nowhere.csv"),
        (["doctor", "nowhere.csv", "--fix", "orphans"], 2, "--out FILE"),
        (["doctor", "nowhere.csv", "--columns", "author"], 2, "'author' is not name=value; due is post=id"),
        (["doctor", "nowhere.csv", "--columns", "persn=author,body=x"], 2, "did you mean 'person'?; no role 'body'"),
        (["run", "scoff", "--budget", "-1"], 2, "budget"),
        (["run", "scoff", "--prices", "nowhere.toml"], 3, "cannot be read"),
    ],
)
def test_a_misuse_is_one_clear_line(said: Said, words: list[str], code: int, told: str) -> None:
    found, error = said(*words)
    assert (found, error["exit_code"]) == (code, code)
    assert told in error["error"]


def test_an_unfinished_run_does_not_hold_and_has_no_estimate_error(run: Path, said: Said, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(run, tmp_path / "copy"))
    record = json.loads((copy / "run.json").read_text())
    (copy / "run.json").write_text(json.dumps(record | {"finished": False}))
    code, found = said("verify", copy)
    assert (code, [r["what"] for r in found["rows"] if r["state"] == "missing"]) == (7, ["the run"])
    code, told = said("plan", copy)
    assert (code, "sociolect resume goes on" in told["error"]) == (5, True)


def test_a_torn_record_says_what_helps_and_it_does(run: Path, said: Said, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(run, tmp_path / "copy"))
    for torn in ("{", '{"schema": 2}'):
        (copy / "run.json").write_text(torn)
        for words in (["verify"], ["resume"], ["plan"], ["forget", "ada"]):
            code, told = said(*words, copy)
            assert (code, "move it away and say the run again" in told["error"]) == (7, True)
    (copy / "run.json").unlink()
    assert said("run", "scoff", "--out", copy)[0] == 0
    assert said("verify", copy)[0] == 0
    assert all(step["reused"] for step in json.loads((copy / "run.json").read_text())["steps"].values())


def test_nothing_is_said_in_words(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(["diff", str(run), str(run)]) == 0
    assert ended(["ls", str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "they do not differ",
        f"no workspace lies in {tmp_path}: sociolect run makes one",
    ]


def test_what_is_looked_at_is_not_written(run: Path, said: Said, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(run, tmp_path / "copy"))
    (copy / "journal.sqlite").unlink()
    for words in (["ls"], ["verify"], ["plan"]):
        said(*words, copy)
    assert not (copy / "journal.sqlite").exists()
