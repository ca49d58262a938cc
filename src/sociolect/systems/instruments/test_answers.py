"""What a respondent's answers score: used by the test in every folder of this shelf."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import polars as pl

from sociolect import frames
from sociolect.measure.instrument import read, score

card = cache(read)


def scored(folder: Path, answers: Mapping[str, str | None]) -> dict[str, float | None]:
    """The subscales and rules of one respondent who gave these answers by item id; null is an answer left out."""
    instrument = card(folder)
    said = pl.DataFrame(
        {"item": list(answers), "choice": list(answers.values())}, schema={"item": pl.String, "choice": pl.String}
    ).with_columns(
        speaker=pl.lit("one"),
        source=pl.lit("model"),
        community=pl.lit("red"),
        condition=pl.lit("plain"),
        draw=pl.lit(0, pl.Int64),
        turn=pl.lit(0, pl.Int64),
        prompt=pl.lit("asked"),
        text=pl.lit("said"),
    )
    made = score(frames.replies(said), instrument).filter(pl.col("item") == instrument.id)
    return {m.removeprefix(f"{instrument.id}:"): v for m, v in made.select("measure", "value").iter_rows()}


def alike(folder: Path, choice: str) -> dict[str, str | None]:
    """The same option for every item of a folder's instrument that offers it."""
    return {i.id: choice for i in card(folder).items if i.options and choice in i.options.ids}


def test_a_missing_answer_is_null_and_no_zero() -> None:
    folder = Path(__file__).parent / "phq9"
    assert scored(folder, alike(folder, "1"))["total"] == 9
    assert scored(folder, {**alike(folder, "1"), "4": None})["total"] is None
