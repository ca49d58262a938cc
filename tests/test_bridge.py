"""`sociolect instrument` writes a task for Inspect and scores the log that comes back."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from sociolect.cli.main import ended

Said = Callable[..., tuple[int, str, str]]


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Said:
    def run(*words: str) -> tuple[int, str, str]:
        code = ended(words)
        out, err = capsys.readouterr()
        return code, out, err

    return run


def log_of(task: Path, out: Path, reply: str) -> None:
    """A log in which every sample of a task was answered alike."""
    samples = [json.loads(line) for line in (task / "samples.jsonl").read_text().splitlines()]
    for one in samples:
        one |= {"epoch": 1, "output": {"choices": [{"message": {"content": reply}, "stop_reason": "stop"}]}}
    out.write_text(
        json.dumps({"eval": {"model": "mockllm/model", "dataset": {"samples": len(samples) + 1}}, "samples": samples})
    )


def test_a_questionnaire_goes_out_and_its_log_is_scored(said: Said, tmp_path: Path) -> None:
    code, out, _ = said(
        "instrument", "planted10", "--inspect", str(tmp_path / "task"), "--draws", "3", "--community", "elm"
    )
    assert code == 0
    assert out.startswith("20 questions, 3 times: inspect eval ")
    assert "sociolect instrument planted10 --from-log LOG" in out
    assert "epochs=3" in (tmp_path / "task" / "task.py").read_text()
    log_of(tmp_path / "task", tmp_path / "log.json", "A")
    code, out, _ = said("instrument", "planted10", "--from-log", str(tmp_path / "log.json"), "--json")
    told = json.loads(out)
    assert code == 0
    assert told["outcomes"] == [
        {
            "speaker": "mockllm/model",
            "community": "elm",
            "asked": 20,
            "answered": 20,
            "refused": 0,
            "unparsed": 0,
            "blank": 0,
        }
    ]
    # A is the first option forward and the last one reversed: on five items, some of them reversed, both orders mirror
    scores = {row["measure"]: row for row in told["scores"]}
    assert set(scores) == {"planted10:outdoors", "planted10:mornings"}
    assert all(row["sheets"] == 2 and row["least"] + row["most"] == 30 and row["mean"] == 15 for row in scores.values())
    assert told["left_out"][0]["reason"] == "never run, or cancelled"
    code, out, _ = said("instrument", "planted10", "--from-log", str(tmp_path / "log.json"))
    assert "\nscores\n" in out
    assert "\nleft out\n" in out


def test_a_benchmark_of_another_shape_goes_out_with_its_answers(said: Said, tmp_path: Path) -> None:
    code, out, _ = said("instrument", "normad", "--inspect", str(tmp_path / "task"), "--json")
    assert (code, json.loads(out)["samples"]) == (0, 3600)
    task = (tmp_path / "task" / "task.py").read_text()
    assert "match(" in task
    assert "temperature=0.0" in task  # as the recipe asks
    first = json.loads((tmp_path / "task" / "samples.jsonl").read_text().split("\n", 1)[0])
    assert first["target"] in {"Yes", "No", "Neither"}
    code, _, err = said("instrument", "normad", "--from-log", str(tmp_path / "x.json"))
    assert code == 2
    assert "sociolect run normad --log" in err


def test_the_guide_s_page_of_code_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    guide = Path(__file__).parents[1] / "docs" / "guide" / "inspect.md"
    monkeypatch.chdir(tmp_path)
    made: dict[str, object] = {}
    exec(guide.read_text().split("```python\n")[1].split("```")[0], made)
    assert made["count"] == 2
    assert {p.name for p in (tmp_path / "tea").iterdir()} == {"task.py", "samples.jsonl"}


def test_what_cannot_cross_is_said(said: Said, tmp_path: Path) -> None:
    for words, code, told in (
        (("planted10", "--inspect", "a", "--from-log", "b"), 2, "either --inspect"),
        (("nothing", "--inspect", str(tmp_path / "a")), 2, "no such instrument"),
        (("scoff", "--inspect", str(tmp_path / "a")), 2, "--text FILE is due"),
        (("planted10", "--from-log", str(tmp_path / "none.json")), 3, "due is an Inspect log"),
        (("planted10", "--inspect", str(tmp_path / "a"), "--draws", "0"), 2, "draws is 0"),
    ):
        got, _, err = said("instrument", *words)
        assert (got, told in err) == (code, True), (words, err)
    said("instrument", "gad7", "--inspect", str(tmp_path / "gad7"))
    log_of(tmp_path / "gad7", tmp_path / "log.json", "A")
    code, _, err = said("instrument", "planted10", "--from-log", str(tmp_path / "log.json"))
    assert (code, "holds answers to gad7, not to planted10" in err) == (3, True)
