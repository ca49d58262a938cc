"""Every record of a workspace under fire: run.json, step.json, tables, the journal, the register of the forgotten."""

import json
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sociolect import forgotten, frames
from sociolect.explore import studied
from sociolect.frames import Society
from sociolect.models import journal
from sociolect.models.answer import Answer
from sociolect.record import read_run
from sociolect.workspace import Workspace


def society() -> Society:
    said = {"post": ["1", "2"], "person": ["a", "b"], "text": ["x", "y"], "thread": ["1", "1"], "parent": [None, "1"]}
    ties = {"source": ["b"], "target": ["a"], "kind": ["reply"], "weight": [1.0]}
    return Society(
        frames.people(pl.DataFrame({"person": ["a", "b"]})),
        frames.posts(pl.DataFrame(said, schema_overrides={"parent": pl.String})),
        frames.ties(pl.DataFrame(ties)),
    )


def found() -> pl.DataFrame:
    return pl.DataFrame({"person": ["a", "b"], "community": ["c00", "c01"]})


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """A workspace of two steps, as a run leaves it."""
    work = Workspace(tmp_path / "whole")
    work.society("load", society)
    work.frame("communities", frames.members, found)
    run = {"schema": 2, "system": "community_fidelity", "keywords": {"network": ["reply"], "seed": 1}, "finished": True}
    (work.folder / "run.json").write_text(json.dumps(run | {"steps": work.record, "versions": {"python": "3"}}))
    return work.folder


def at(folder: Path, name: str, read: Any) -> Any:
    def one(data: bytes) -> object:
        (folder / name).write_bytes(data)
        return read(folder)

    return one


def explored(folder: Path) -> object:
    held = studied.studied(folder)
    return studied.society(held), studied.members(held)


def test_run_json(whole: Path, fuzz: Any) -> None:
    seed = (whole / "run.json").read_bytes()
    old = seed.replace(b'"schema": 2', b'"schema": 1').replace(b'["reply"]', b"\"('reply', 'mention')\"")
    fuzz([seed, old], at(whole, "run.json", read_run), shape="json", n=150, known=[b"[" * 100_000])
    fuzz([seed], at(whole, "run.json", explored), shape="json", n=60)


def test_step_json(whole: Path, fuzz: Any) -> None:
    """A torn record means that the step is made again: there is a frame in every case."""
    seed = (whole / "steps" / "communities" / "step.json").read_bytes()

    def again(folder: Path) -> object:
        held = Workspace(folder).frame("communities", frames.members, found)
        assert held.equals(found())
        return held

    fuzz([seed], at(whole, "steps/communities/step.json", again), shape="json", n=40)


@pytest.mark.parametrize("name", ["steps/communities/frame.parquet", "steps/load/posts.parquet"])
def test_tables(whole: Path, fuzz: Any, name: str) -> None:
    fuzz([(whole / name).read_bytes()], at(whole, name, explored), n=60)

    def again(folder: Path) -> object:
        work = Workspace(folder)
        return work.society("load", society), work.frame("communities", frames.members, found)

    fuzz([(whole / name).read_bytes()], at(whole, name, again), n=20)


def test_journal(tmp_path: Path, fuzz: Any) -> None:
    with journal.opened(tmp_path / "seed.sqlite") as one:
        one.keep([(bytes([n] * 16), "generate", "m", n, "{}", Answer(f"said {n}", price=0.5)) for n in range(20)])
    seed = (tmp_path / "seed.sqlite").read_bytes()

    def read(data: bytes) -> object:
        folder = tmp_path / "torn"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        (folder / "j.sqlite").write_bytes(data)
        with journal.opened(folder / "j.sqlite") as one:
            one.keep([(b"new" * 5 + b"!", "generate", "m", 0, "{}", Answer("new"))])
            return one.known([bytes([3] * 16)]), one.totals(), one.count(), one.spent(), one.digest()

    fuzz([seed], read, n=60)


def test_register(tmp_path: Path, fuzz: Any) -> None:
    forgotten.write(tmp_path, forgotten.Register(b"k" * 32, frozenset({"ab"}), frozenset({"cd"})))
    seed = (tmp_path / forgotten.FILE).read_bytes()
    fuzz([seed], at(tmp_path, forgotten.FILE, forgotten.read), shape="json", n=80)
