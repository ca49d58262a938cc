"""Guesses are proposals: right on tables whose columns are known, and silent where nothing shows."""

from pathlib import Path

import polars as pl
import pytest

from sociolect.load.guess import guess


def best(found: pl.DataFrame) -> dict[str, str]:
    return dict(found.unique("role", keep="first", maintain_order=True).select("role", "column").iter_rows())


def test_names_and_contents_together(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "comment_id": [f"c{n}" for n in range(50)],
            "author": [f"u{n % 7}" for n in range(50)],
            "body": [f"some words about thing {n}" for n in range(50)],
            "parent_id": [None, *(f"c{n // 2}" for n in range(1, 50))],
            "created_utc": [1_600_000_000 + n for n in range(50)],
            "subreddit": [["red", "blue"][n % 2] for n in range(50)],
            "score": list(range(50)),
        }
    )
    frame.write_parquet(tmp_path / "t.parquet")
    found = guess(tmp_path / "t.parquet")
    assert best(found) == {
        "post": "comment_id",
        "person": "author",
        "text": "body",
        "parent": "parent_id",
        "time": "created_utc",
        "community": "subreddit",
    }
    assert found.columns == ["role", "column", "why", "share"]
    assert found["share"].to_list() == [1.0] * 6


def test_contents_without_a_name(tmp_path: Path) -> None:
    frame = pl.DataFrame({"q1": ["a b c d", "e f g h"], "q2": ["2020-01-01T00:00:00", "2020-01-02"], "q3": ["1", "2"]})
    frame.write_csv(tmp_path / "t.csv")
    assert best(guess(tmp_path / "t.csv")) == {"text": "q1", "time": "q2"}


@pytest.mark.realdata
def test_slack(data: Path) -> None:
    found = best(guess(data / "slack_disentangled" / "messages.csv.gz"))
    due = {
        "post": "msg_id",
        "person": "user",
        "text": "text",
        "thread": "conversation_id",
        "time": "ts",
        "community": "community",
    }
    assert found == due
