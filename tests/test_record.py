"""What a record says, and what one that is torn does not."""

from pathlib import Path

import pytest

from sociolect.record import mapping


@pytest.mark.parametrize("torn", ["", "{", "[1]", '"text"', "null", "[" * 100_000, '{"a": 1'])
def test_a_torn_record_says_nothing(torn: str, tmp_path: Path) -> None:
    (tmp_path / "step.json").write_text(torn)
    assert mapping(tmp_path / "step.json") is None
    assert mapping(tmp_path / "absent.json") is None
    assert mapping(tmp_path) is None


def test_a_whole_one_says_what_was_written(tmp_path: Path) -> None:
    (tmp_path / "step.json").write_text('{"key": "é", "bytes": {}}', "utf-8")
    assert mapping(tmp_path / "step.json") == {"key": "é", "bytes": {}}
