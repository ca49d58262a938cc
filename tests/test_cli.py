"""The command line: one clear last line, the exit codes that --help states, JSON and nothing else on stdout."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import polars as pl
import pytest

from sociolect import cli, errors, frames, systems
from sociolect.errors import SociolectError
from sociolect.report.content import Headline, Page, Section
from sociolect.systems import Card
from sociolect.workspace import Workspace, workspace

PAGE = Page(
    "Tea",
    [Section("Cups", table=pl.DataFrame({"cups": [2]}), name="cups")],
    [Headline("cups", "2\x1b[2J", "[1, 3] \u202eof 4", "cups")],
    "Two.",
)
raised: list[BaseException] = []


def cups(*, seed: int) -> pl.DataFrame:
    return pl.DataFrame({"person": [f"p{seed}"]})


def recipe(
    workspace: Workspace, *, size: Literal["tiny", "small", "full"] = "tiny", posts: Path | None = None, seed: int = 0
) -> Page:
    workspace.frame("cups", frames.people, cups, seed=seed)
    workspace.frame("saucers", frames.people, cups, seed=seed)
    if seed == 130:
        signal.raise_signal(signal.SIGINT)
    if raised:
        raise raised[0]
    return PAGE


@pytest.fixture(autouse=True)
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Two systems that train nothing, and a working folder of the test's own."""
    monkeypatch.setattr(Card, "run", property(lambda self: recipe))
    shown = {s: Card("studies", s, f"T {s} [b]", "p\x07", (), (), ()) for s in ("tea_party", "community_fidelity")}
    monkeypatch.setattr(systems, "catalog", lambda: shown)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    raised.clear()


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Runs words; the exit code, stdout and stderr."""

    def run(*words: str) -> tuple[int, str, str]:
        code = cli.ended(words)
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


Said = Callable[..., tuple[int, str, str]]
FAULTS = [
    (SociolectError("s"), 1, "s"),
    (errors.UsageError("u"), 2, "u"),
    (errors.InputError("i"), 3, "i"),
    (errors.needs("tea", "train"), 4, "tea needs an extra: pip install 'sociolect[train]'"),
    (errors.RefusedError("r"), 5, "r"),
    (MemoryError(), 5, "out of memory: choose a smaller --size, or fewer posts"),
    (errors.ModelError("m"), 6, "m"),
    (errors.WorkspaceError("w"), 7, "w"),
    (errors.ClusterError("c"), 9, "c"),
    (OSError(28, "No space left on device"), 7, "No space left on device; make room or choose another --out"),
    (KeyboardInterrupt(), 130, "interrupted; run the same command again to go on where it stopped"),
    (
        ZeroDivisionError("d\x1b]0;\r\nd"),
        1,
        "a fault of sociolect itself (ZeroDivisionError: d]0; d); please report it",
    ),
]


@pytest.mark.parametrize(
    ("error", "code", "told"), FAULTS, ids=lambda v: type(v).__name__ if isinstance(v, BaseException) else ""
)
@pytest.mark.parametrize("as_json", [False, True])
def test_each_fault_has_its_code_and_one_last_line(
    said: Said, error: BaseException, code: int, told: str, *, as_json: bool
) -> None:
    raised.append(error)
    ended, out, err = said("run", "tea_party", *(["--json"] if as_json else []))
    assert ended == code
    if as_json:
        last = json.loads(out)
        assert last["exit_code"] == code
        assert told in last["error"]
    else:
        assert out == ""
        assert err.splitlines()[-1].startswith(f"error: {told}")
        assert "\x1b" not in err
    assert ("Traceback" in err) == isinstance(error, ZeroDivisionError)


def test_ctrl_c_ends_with_130_and_the_next_run_goes_on(said: Said) -> None:
    code, _, err = said("run", "tea_party", "--seed", "130")
    assert code == 130
    assert err.splitlines()[-1] == "error: interrupted; run the same command again to go on where it stopped"
    assert said("run", "tea_party", "--seed", "130")[2].splitlines() == err.splitlines()[-1:], "its steps stand"


MISUSES = [
    (["demmo"], 2, "Did you mean 'demo'?"),
    (["list", "--jsn"], 2, "--json"),
    (["guess"], 2, "Missing argument"),
    (["run"], 2, "run what? Say a system"),
    (["run", "--size", "tiny"], 2, "run what? Say a system"),
    (["run", "tea_prty"], 2, "no system 'tea_prty'; did you mean 'tea_party'?"),
    (["run", "tea_party", "--sed", "3"], 2, "no keyword of tea_party 'sed'; did you mean 'seed'?"),
    (["run", "tea_party", "--size", "tny"], 2, "--size: 'tny' is none of tiny, small, full; did you mean 'tiny'?"),
    (["run", "tea_party", "--seed", "1", "--seed=2"], 2, "--seed: said twice"),
    (["run", "tea_party", "--seed", "1.5"], 2, "'1.5' is not a whole number"),
    (["run", "tea_party", "--data", "x"], 2, "--data is where a study file's paths lie"),
    (["run", "tea_party", "tiny"], 2, "'tiny' stands alone"),
    (["demo", "--sed", "3"], 2, "did you mean 'seed'?"),
    (["run", "nosuch.toml"], 3, "no study file nosuch.toml"),
    (["run", "torn.toml"], 3, "torn.toml cannot be read as a study file"),
    (["run", "nameless.toml"], 3, "names no system"),
    (
        ["run", "wrong.toml"],
        2,
        "no keyword of tea_party 'sed'; did you mean 'seed'?; --seed: 1.5 is not a whole number",
    ),
    (["guess", "nosuch.csv"], 3, "nosuch.csv"),
    (["run", "tea_party", "--out", "file/runs"], 7, "the workspace file/runs cannot be written"),
    (["docs", "--out", "file/docs"], 7, "Not a directory"),
]


@pytest.mark.parametrize(("words", "code", "told"), MISUSES, ids=lambda v: " ".join(v) if isinstance(v, list) else "")
def test_a_misuse_is_one_clear_line_and_no_workspace(said: Said, words: list[str], code: int, told: str) -> None:
    for name, text in (("torn", "a = "), ("nameless", "a = 1"), ("wrong", 'system = "tea_party"\nsed = 1\nseed = 1.5')):
        Path(f"{name}.toml").write_text(text)
    Path("file").touch()
    ended, out, err = said(*words)
    assert (ended, out) == (code, "")
    assert told in err
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    ended, out, err = said(*words, "--json")
    assert (ended, err) == (code, "")
    assert told in json.loads(out)["error"]
    assert json.loads(out)["exit_code"] == code
    assert not Path("runs").exists()


def test_help_lists_every_exit_code(said: Said) -> None:
    ended, out, _ = said("--help")
    assert ended == 0
    told = " ".join(re.sub(r"[│\s]+", " ", out).split())
    for code in (*range(10), 130):
        assert re.search(rf"(: |· ){code} [a-z]", told), code
    assert said()[1] == out


def test_a_run_writes_a_page_and_says_where(said: Said) -> None:
    ended, out, err = said("run", "tea_party", "--seed", "3")
    assert ended == 0
    assert err == "step cups\nstep saucers\n"
    page = Path("runs/tea_party/report.html").resolve()
    assert out == f"cups: 2[2J [1, 3] of 4\n\nthe page: {page.as_uri()}\n"
    assert page.exists()
    assert said("run", "tea_party", "--seed", "3")[2] == "", "what stands is not made again"


def test_json_is_one_value_and_nothing_else(said: Said, tmp_path: Path) -> None:
    Path("t.csv").write_text("tweet_id,user,body\n17,ada,hello there everyone\n18,bob,good morning all\n")
    told: dict[str, Any] = {}
    for words in (["run", "tea_party"], ["demo"], ["list"], ["guess", "t.csv"], ["docs", "--out", "d"]):
        ended, out, err = said(*words, "--json")
        assert (ended, err) == (0, "")
        told[words[0]] = json.loads(out)
    assert told["run"]["headlines"][0]["table"] == "cups"
    assert told["run"]["page"] == str(tmp_path / "runs/tea_party/report.html")
    assert told["demo"]["page"] == str(tmp_path / "runs/demo/report.html")
    assert [c["slug"] for c in told["list"]] == ["tea_party", "community_fidelity"]
    assert told["list"][0]["keywords"] == ["size", "posts", "seed"]
    assert told["list"][0]["near"] == "part"
    assert told["list"][0]["needs"] == []
    assert [(r["role"], r["column"]) for r in told["guess"]] == [
        ("post", "tweet_id"),
        ("person", "user"),
        ("text", "body"),
    ]
    assert told["docs"] == {"written": ["frames.md", "systems.md", "files.md"]}


def test_a_study_file_says_the_keywords_and_the_command_line_has_the_last_word(said: Said) -> None:
    Path("s.toml").write_text('\ufeffsystem = "tea_party"\nseed = 5\nposts = "a.csv"\n', "utf-8")
    assert said("run", "s.toml", "--data", "there", "--size=small")[0] == 0
    run = json.loads(Path("runs/s/run.json").read_text())
    assert run["keywords"] == {"size": "small", "seed": 5, "posts": "there/a.csv"}
    assert said("run", "s.toml", "--seed", "6")[0] == 0
    assert json.loads(Path("runs/s/run.json").read_text())["keywords"]["seed"] == 6


def test_words_of_data_do_not_reach_the_terminal_raw(said: Said) -> None:
    _, out, _ = said("list")
    assert "part\t\tT tea_party [b]\tp\n" in out
    Path("t.csv").write_text("id,us\x1b[31mer,body\n17,ada,hello there everyone\n18,bob,good morning all\n")
    for words in (["guess", "t.csv"], ["run", "no\x1b[2Jsuch\rx"], ["run", "tea_party", "--s\x1b[2J", "1"]):
        _, out, err = said(*words)
        assert not set(out + err) & set(map(chr, [*range(9), *range(11, 32), 127]))


def test_a_workspace_in_use_ends_with_7(said: Said, tmp_path: Path) -> None:
    with workspace(tmp_path / "w", system="tea_party", keywords={}):
        ended, _, err = said("run", "tea_party", "--out", "w")
    assert ended == 7
    assert "another process works in w: wait for it" in err


FAKE = """
import sys
sys.path.insert(0, {here!r})
import test_cli as t
t.Card.run = property(lambda self: t.recipe)
t.systems.catalog = lambda: {{"tea_party": t.Card("studies", "tea_party", "T", "p", (), (), ())}}
sys.argv = ["sociolect", *{words!r}]
t.cli.main()
"""


def command(*words: str) -> list[str]:
    return [sys.executable, "-c", FAKE.format(here=str(Path(__file__).parent), words=words)]


def on_a_terminal(*words: str, **env: str) -> str:
    """What a terminal is sent."""
    ours, theirs = pty.openpty()
    plain = {k: v for k, v in os.environ.items() if k not in {"NO_COLOR", "CI"}}
    with subprocess.Popen(
        command(*words),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=plain | {"TERM": "xterm", "COLUMNS": "80"} | env,
    ) as process:
        os.close(theirs)
        told = b""
        try:
            while part := os.read(ours, 4096):
                told += part
        except OSError:  # the other end has closed
            pass
    os.close(ours)
    assert process.returncode in (0, 2)
    return told.decode()


def test_a_terminal_gets_a_bar_and_colours() -> None:
    told = on_a_terminal("run", "tea_party")
    assert "2 steps" in told
    assert "saucers" in told
    assert "step cups" not in told
    assert "\x1b[1m2[2J\x1b[0m" in told


def test_no_color_is_no_colour() -> None:
    told = on_a_terminal("run", "tea", NO_COLOR="1")
    assert "error: no system 'tea'" in re.sub(r"\x1b\[[01]m", "", told)
    assert "\x1b[1;31m" not in told


def test_a_pipe_gets_plain_text_and_its_reader_may_leave() -> None:
    done = subprocess.run(command("run", "tea_party"), capture_output=True, text=True, check=True)
    assert "\x1b" not in done.stdout + done.stderr
    assert done.stderr == "step cups\nstep saucers\n"
    with subprocess.Popen(command("list"), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait() == 0


def test_a_letter_that_the_stream_cannot_write_is_replaced() -> None:
    done = subprocess.run(
        command("run", "thé"),
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
    )
    assert done.returncode == 2
    assert "no system 'th?'" in done.stderr


def test_an_instrument_is_checked_and_every_fault_is_said(said: Said, tmp_path: Path) -> None:
    folder = systems.SYSTEMS / "instruments" / "planted10"
    code, out, _ = said("instrument", str(folder), "--json")
    assert (code, json.loads(out)["items"], json.loads(out)["subscales"]) == (0, 10, "outdoors, mornings")
    card = (folder / "instrument.toml").read_text()
    (tmp_path / "instrument.toml").write_text(
        card.replace('status = "', 'status = "hardly ', 1).replace("key = 1", "key = 0", 1)
    )
    code, _, err = said("instrument", str(tmp_path))
    assert code == 3
    assert "status" in err
    assert "key" in err
