"""A finished run's plan against what came, by hand."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from sociolect.errors import RefusedError, WorkspaceError
from sociolect.keep.plan_error import estimate_error
from sociolect.models.answer import Answer
from sociolect.models.journal import journal

WHATS = {
    "calls": 10.0,
    "scripted calls": 5.0,
    "prompt tokens": 100.0,
    "reply tokens": 40.0,
    "money": 2.0,
    "time": 8.0,
    "memory": 1e9,
    "disk": 1e6,
}


def ended(folder: Path, answers: list[tuple[str, Answer]] | None, **run: Any) -> Path:
    folder.mkdir()
    totals = [{"what": w, "planned": v, "low": v / 2, "high": v * 2, "unit": "", "how": ""} for w, v in WHATS.items()]
    said = {"system": "s", "keywords": {}, "finished": True, "steps": {}, "plan": {"totals": totals}} | run
    (folder / "run.json").write_text(json.dumps(said))
    (folder / "steps" / "one").mkdir(parents=True)
    (folder / "steps" / "one" / "step.json").write_text('{"seconds": 4.0}')
    if answers is not None:
        with journal(folder / "journal.sqlite") as book:
            book.keep((bytes([i]) * 16, "generate", model, 0, "{}", a) for i, (model, a) in enumerate(answers))
    return folder


def told(folder: Path) -> dict[str, tuple[Any, ...]]:
    return {r[0]: r[1:] for r in estimate_error(folder).select("what", "planned", "came", "ratio", "within").rows()}


def test_calls_tokens_and_money_are_summed_out_of_the_journal(tmp_path: Path) -> None:
    answers = [("openai/m", Answer("x", prompt_tokens=20, reply_tokens=5, price=0.25)) for _ in range(8)]
    found = told(ended(tmp_path / "w", answers, peak_memory_bytes=3e9))
    assert found["calls"] == (10.0, 8.0, 0.8, True)
    assert found["prompt tokens"] == (100.0, 160.0, 1.6, True)
    assert found["reply tokens"] == (40.0, 40.0, 1.0, True)
    assert found["money"] == (2.0, 2.0, 1.0, True)
    assert found["time"] == (8.0, 4.0, 0.5, True)
    assert found["memory"] == (1e9, 3e9, 3.0, False)
    assert "scripted calls" not in found


def test_one_unknown_price_or_count_makes_the_sum_unknown_and_what_stands_here_costs_nothing(tmp_path: Path) -> None:
    priced, free = (
        Answer("x", prompt_tokens=20, reply_tokens=5, price=0.5),
        Answer("x", prompt_tokens=20, reply_tokens=5),
    )
    found = told(ended(tmp_path / "a", [("openai/m", priced), ("openai/m", free)]))
    assert found["money"] == (2.0, None, None, None)
    found = told(ended(tmp_path / "b", [("openai/m", priced), ("base@c00", free)]))
    assert found["money"][1] == 0.5
    found = told(ended(tmp_path / "c", [("openai/m", Answer("x", price=0.5))]))
    assert found["prompt tokens"][1] is None


def test_a_run_that_asked_nobody_came_to_no_calls(tmp_path: Path) -> None:
    found = told(ended(tmp_path / "w", []))
    assert found["calls"] == (10.0, 0.0, 0.0, False)
    assert found["memory"][1] is None
    assert found["disk"][1] > 0


def test_a_run_of_before_the_journal_has_lost_count(tmp_path: Path) -> None:
    found = told(ended(tmp_path / "w", None))
    assert found["calls"] == (10.0, None, None, None)
    assert found["money"][1] is None


def test_a_run_without_a_plan_or_with_a_torn_journal_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="keeps no plan"):
        estimate_error(ended(tmp_path / "a", [], plan=None))
    torn = ended(tmp_path / "b", None)
    (torn / "journal.sqlite").write_bytes(b"no database at all" * 100)
    with pytest.raises(WorkspaceError, match="is torn"):
        estimate_error(torn)
    with pytest.raises(WorkspaceError, match="no run.json"):
        estimate_error(tmp_path)


def test_a_hard_link_of_a_branch_counts_once(tmp_path: Path) -> None:
    folder = ended(tmp_path / "w", [])
    (folder / "steps" / "one" / "frame.parquet").write_bytes(b"x" * 100_000)
    before = told(folder)["disk"][1]
    (folder / "branches").mkdir()
    (folder / "branches" / "frame.parquet").hardlink_to(folder / "steps" / "one" / "frame.parquet")
    assert told(folder)["disk"][1] == before


def test_the_journal_is_read_as_it_lies_and_not_written(tmp_path: Path) -> None:
    folder = ended(tmp_path / "w", [("openai/m", Answer("x", prompt_tokens=1, reply_tokens=1, price=0.0))])
    with sqlite3.connect(folder / "journal.sqlite") as book:
        book.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = (folder / "journal.sqlite").read_bytes()
    estimate_error(folder)
    assert (folder / "journal.sqlite").read_bytes() == before
