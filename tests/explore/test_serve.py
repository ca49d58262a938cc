"""`sociolect explore` as it is run: an address and nothing else, an end by Ctrl-C, and one line where it cannot begin."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from sociolect import cli
from sociolect.errors import MissingExtra
from sociolect.explore import serve as served
from sociolect.explore.atlas import Atlas, atlas
from sociolect.frames import Members, Society

Crowd = tuple[Society, Members]
Write = Callable[..., Path]


def begun(folder: Path, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", "from sociolect.cli import main; main()"]
    return subprocess.Popen(
        [*command, "explore", str(folder), "--no-browser", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip


def test_it_prints_an_address_answers_there_and_ends_with_a_line(explored: Path) -> None:
    with begun(explored, "--json") as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        assert told["address"] == f"http://127.0.0.1:{told['port']}/{told['address'].split('/')[3]}/"
        assert len(told["address"].split("/")[3]) >= 32, "24 bytes of a fresh token"
        with urllib.request.urlopen(told["address"] + "api/overview", timeout=10) as reply:
            assert json.load(reply)["people"] == 54
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"http://127.0.0.1:{told['port']}/api/overview", timeout=10)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert (out, process.returncode) == ("", 0)
    assert err == "the explorer is closed\n", "no request, no name and no token is logged"


def explored_by(words: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    code = cli.ended(["explore", *words, "--no-browser"])
    return code, capsys.readouterr().err


def test_what_cannot_begin_is_one_line(
    explored: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], write: Write, crowd: Crowd
) -> None:
    with served.ear(0) as taken:
        port = str(taken.getsockname()[1])
        for words, code, told in (
            ([str(tmp_path / "nowhere")], 7, "is not there: give the folder of a run"),
            ([str(tmp_path)], 7, "is no workspace (no run.json)"),
            ([str(explored), "--k", "1"], 2, "--k 1: due is 2 or more"),
            ([str(explored), "--port", "70000"], 2, "--port 70000: due is 0 (a free one) to 65535"),
            ([str(explored), "--port", port], 2, f"--port {port}: Address already in use; take another"),
            ([], 2, "Missing argument"),
        ):
            ended, err = explored_by(words, capsys)
            assert ended == code
            assert told in err.replace("\n", "")
            assert "Traceback" not in err


@pytest.mark.parametrize("module", ["starlette", "uvicorn"])
def test_without_the_extra_it_says_which(explored: Path, monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    monkeypatch.setitem(sys.modules, module, None)

    def never() -> Atlas:
        raise AssertionError("nothing is prepared in vain")

    with pytest.raises(MissingExtra, match=r"pip install 'sociolect\[explore\]'"):
        served.serve(never, browser=False)


def test_the_token_is_fresh_and_the_browser_is_opened_once(
    explored: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[str] = []

    class Server:
        def run(self, sockets: object) -> None:
            raise KeyboardInterrupt

    monkeypatch.setattr(served, "server", lambda application: Server())
    monkeypatch.setattr("webbrowser.open", opened.append)
    for browser in (True, True, False):
        served.serve(lambda: atlas(explored), browser=browser)
    said = capsys.readouterr()
    addresses = [line.removeprefix("explore: ") for line in said.out.splitlines() if line.startswith("explore: ")]
    assert len({address.split("/")[3] for address in addresses}) == 3
    assert sorted(opened) == sorted(addresses[:2])
    assert said.err.splitlines() == ["the explorer is closed"] * 3
