"""Where local models stand is said once for a run; what was made elsewhere is never taken for its own."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sociolect import frames, systems
from sociolect.cli.main import ended
from sociolect.errors import ModelError, UsageError
from sociolect.keep.compared import compared
from sociolect.keep.verified import verified
from sociolect.models.placement import Placement, placed, placement, there
from sociolect.report.content import Page
from sociolect.systems import Card
from sociolect.workspace import Workspace

seen: list[Placement] = []
made: list[Placement] = []


def cups(*, seed: int) -> pl.DataFrame:
    made.append(placement())
    return pl.DataFrame({"person": [f"p{seed}"]})


def recipe(workspace: Workspace, *, seed: int = 0) -> Page:
    seen.append(placement())
    workspace.frame("cups", frames.people, cups, seed=seed)
    return Page("Tea", [], [], "Two.")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., int]:
    """The command line, over a system that notes where its models would stand."""
    monkeypatch.setattr(Card, "run", property(lambda self: recipe))
    monkeypatch.setattr(systems, "catalog", lambda: {"tea": Card("studies", "tea", "T", "p", (), (), ())})
    monkeypatch.chdir(tmp_path)
    seen.clear()
    made.clear()
    return lambda *words: ended([*words, "--json"])


def test_a_run_places_its_models_and_resume_and_verify_place_them_alike(
    run: Callable[..., int], tmp_path: Path
) -> None:
    here, half = Placement(), Placement("cpu", "bf16")
    out = tmp_path / "a"
    assert run("run", "tea", "--out", str(out), "--dtype", "bf16") == 0
    assert json.loads((out / "run.json").read_text())["placement"] == {"device": "cpu", "dtype": "bf16"}
    assert run("resume", str(out)) == 0
    assert made == [half]  # what stands is read back
    verified(out)
    assert seen == [half] * 3
    assert placement() == here


def test_a_step_of_another_placement_is_made_anew_and_the_difference_is_told(
    run: Callable[..., int], tmp_path: Path
) -> None:
    assert run("run", "tea", "--out", "a") == run("run", "tea", "--out", "b") == 0
    assert run("run", "tea", "--out", "b", "--dtype", "bf16") == 0
    assert made == [Placement(), Placement(), Placement("cpu", "bf16")]
    assert run("run", "tea", "--out", "b", "--dtype", "bf16") == 0
    assert len(made) == 3
    said = [json.loads((tmp_path / at / "steps/cups/step.json").read_text()) for at in "ab"]
    assert "dtype" not in said[0]
    assert (said[1]["device"], said[1]["dtype"]) == ("cpu", "bf16")
    row = compared(tmp_path / "a", tmp_path / "b").filter(part="placement")
    assert row.select("what", "a", "b").rows() == [("dtype", "fp32", "bf16")]


def test_a_device_that_is_not_there_ends_the_run_before_it_begins(
    run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch")
    assert run("run", "tea", "--out", "a", "--device", "cuda:99") == 6
    assert "torch sees" in json.loads(capsys.readouterr().out)["error"]
    assert seen == []
    assert not (tmp_path / "a").exists()
    assert run("run", "tea", "--device", "gpu", "--dtype", "int8") == 2
    said = json.loads(capsys.readouterr().out)["error"]
    assert said == "device is 'gpu'; due is cpu, cuda or cuda:<number>; dtype is 'int8'; due is one of fp32, bf16"


def test_an_error_inside_leaves_nothing_placed() -> None:
    with pytest.raises(UsageError, match="device is 'tpu'"), placed("tpu"):
        pass
    with placed("cuda:1", "bf16"):
        assert placement() == Placement("cuda:1", "bf16")
    with pytest.raises(ZeroDivisionError), placed("cuda:1", "bf16"):
        raise ZeroDivisionError
    assert placement() == Placement()
    there("cpu", "fp32")
    with pytest.raises(ModelError, match="torch sees"):
        there("cuda:99", "fp32")


def test_a_record_of_before_places_on_the_cpu(run: Callable[..., int], tmp_path: Path) -> None:
    assert run("run", "tea", "--out", "a") == 0
    file = tmp_path / "a" / "run.json"
    said: dict[str, Any] = json.loads(file.read_text())
    del said["placement"]
    file.write_text(json.dumps(said))
    assert run("resume", "a") == 0
    assert seen == [Placement()] * 2
    file.write_text(json.dumps(said | {"placement": [1]}))
    assert run("resume", "a") == 7
