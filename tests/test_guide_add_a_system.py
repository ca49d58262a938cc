"""The guide's toy system, written out of the guide: it runs to a page, its own tests hold, and every command takes it."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from inspect import Parameter, signature
from pathlib import Path

import polars as pl
import pytest

import sociolect
from sociolect import systems
from sociolect.cli import ended
from sociolect.systems import worlds
from sociolect.systems.held import KINDS

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "docs" / "guide" / "add-a-system.md").read_text("utf-8")
NAME = "sociolect.systems.worlds.confederate"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The toy as a reader would make it, file by file, seen as one more world."""
    made = tmp_path / "systems" / "worlds" / "confederate"
    made.mkdir(parents=True)
    (made / "__init__.py").touch()
    for name, text in re.findall(r"^`(\w+\.\w+)`:\n\n```\w+\n(.*?)^```$", GUIDE, flags=re.M | re.S):
        (made / name).write_text(text)
    monkeypatch.setattr(worlds, "__path__", [*worlds.__path__, str(made.parent)])
    for room in (systems, import_module("sociolect.keep.plan")):
        monkeypatch.setattr(room, "SYSTEMS", made.parents[1])
    yield made
    for name in [n for n in sys.modules if n.startswith(NAME)]:
        del sys.modules[name]
    vars(worlds).pop("confederate", None)


def test_the_toy_holds_every_file_that_the_guide_lists_and_is_written_as_ours_are(folder: Path) -> None:
    listed = re.findall(r"^  ([\w.]+) {2,}", GUIDE.split("src/sociolect/systems/worlds/confederate/\n")[1], flags=re.M)
    assert sorted(p.name for p in folder.iterdir()) == sorted(listed)
    assert (folder / "README.md").read_text().startswith("# ")
    ruff, ours = Path(sys.executable).with_name("ruff"), ["--config", str(ROOT / "pyproject.toml")]
    first = ["--config", 'lint.isort.known-first-party=["sociolect"]']
    for told in (["format", "--check", *ours], ["check", *ours, *first]):
        done = subprocess.run([ruff, *told, str(folder)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


def test_the_toy_finds_what_it_plants_and_nothing_in_its_null(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, other = tmp_path / "run", tmp_path / "other"
    assert ended(["run", "confederate", "--out", str(out)]) == 0
    found = {r["community"]: r for r in pl.read_parquet(out / "steps" / "effects" / "frame.parquet").to_dicts()}
    assert 0 < found["planted"]["low"] < 0.6 < found["planted"]["high"]
    assert found["null"]["low"] < 0 < found["null"]["high"]
    claims = pl.read_csv(out / "tables" / "claims.csv")
    assert set(KINDS) < set(claims.columns)
    verdicts = dict(claims.filter(pl.col("sign tested") == "'+").select("player", "same sign?").iter_rows())
    assert verdicts == {"planted": "yes", "null": "undecided"}
    assert ended(["run", "confederate", "--seed", "1", "--out", str(other)]) == 0
    capsys.readouterr()
    for said, due in (
        (["verify", str(out)], "printed numbers\tholds"),
        (["resume", str(out)], "the page:"),
        (["diff", str(out), str(other)], " · planted: here"),
        (["plan", "confederate", "--models", "mine=scripted/echo"], "scripted calls\t200\t200\t600"),
        (["list"], "worlds\tconfederate"),
    ):
        assert ended(said) == 0, said
        assert due in capsys.readouterr().out, said
    told = json.loads((out / "run.json").read_text())
    assert sorted(told["steps"]) == ["effects", "replies", "scores"]
    assert all(step["reused"] for step in told["steps"].values()), "what stands was read back"


def test_the_toys_own_tests_hold(folder: Path, tmp_path: Path) -> None:
    tests = import_module(f"{NAME}.test_confederate")
    tests.test_how_far_a_player_follows_is_found(0.6)
    tests.test_how_far_a_player_follows_is_found(0.0)
    tests.test_trap_a_reply_that_cannot_be_read_is_asked_again_and_never_wrong()
    tests.test_the_paper_s_size_needs_models(tmp_path / "work")
    plan = import_module(f"{NAME}.plan").plan
    taken = signature(plan).parameters.values()
    card = systems.read(folder)
    assert {p.name for p in taken if p.kind is Parameter.KEYWORD_ONLY} <= set(card.keywords)
    assert import_module(f"{NAME}.elicit").number("42 or 43") is None


def test_the_guide_names_files_and_guards_that_are_there() -> None:
    root = Path(sociolect.__file__).parent
    for name in re.findall(r"`(tests/[\w/]+\.py)`", GUIDE):
        assert (ROOT / name).is_file(), name
    for slug in re.findall(r"`(?:aligners|instruments|lenses|networks|studies|worlds)/(\w+)`", GUIDE):
        assert slug == "confederate" or list((root / "systems").glob(f"*/{slug}/card.toml")), slug
    for dotted in re.findall(r"`((?:elicit|models|report|seeds|systems|text)\.(?!py)\w+(?:\.\w+)?)`", GUIDE):
        room, _, name = dotted.rpartition(".")
        file = root / f"{dotted.replace('.', '/')}.py"
        assert file.is_file() or hasattr(import_module(f"sociolect.{room}"), name), dotted
