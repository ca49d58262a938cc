"""Scores leave as means of ten people or more, or not at all."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from sociolect import frames
from sociolect.errors import InputError, RefusedError, UsageError
from sociolect.frames import Scores
from sociolect.measure.instrument import Instrument, read
from sociolect.measure.released import released

CARD = """id = "x"
title = "X"
version = "1"
language = "en"
period = "now"
population = "anyone"
citation = "invented"
licence = "own"
text_bundled = false
status = "validated"
sensitive = true
withheld = ["9"]
[options.a]
ids = ["0", "1"]
score = [0, 1]
direction = "up"
[[item]]
id = "9"
options = "a"
scored = false
"""


@pytest.fixture
def sensitive(tmp_path: Path) -> Instrument:
    (tmp_path / "instrument.toml").write_text(CARD)
    return read(tmp_path)


def scored(
    rows: Sequence[tuple[str, str, int, float | None]], *, source: str = "human", measure: str = "x:sum"
) -> Scores:
    """Rows of speaker, community, draw, value."""
    found = pl.DataFrame(
        rows, schema={"speaker": pl.String, "community": pl.String, "draw": pl.Int64, "value": pl.Float64}, orient="row"
    )
    return frames.scores(
        found.with_columns(
            source=pl.lit(source),
            item=pl.lit("x"),
            condition=pl.lit("survey"),
            turn=pl.lit(0, pl.Int64),
            measure=pl.lit(measure),
        )
    )


def test_speakers_count_once_however_often_they_answered(sensitive: Instrument) -> None:
    rows = [(f"p{n}", "red", 0, float(n)) for n in range(10)] + [("p0", "red", d, 20.0) for d in range(1, 4)]
    found = released(scored(rows), sensitive)
    # p0 says 0, 20, 20, 20: a mean of 15; the others 1 to 9
    assert found.rows() == [("human", "red", "survey", "x:sum", (15 + 45) / 10, 10, 13)]
    assert "speaker" not in found.columns
    shuffled = frames.scores(scored(rows).sample(fraction=1.0, shuffle=True, seed=1))
    assert released(shuffled, sensitive).equals(found)


def test_fewer_than_ten_people_are_refused_with_the_reason(sensitive: Instrument) -> None:
    rows = [(f"p{n}", "red", 0, 1.0) for n in range(10)] + [(f"q{n}", "blue", 0, 1.0) for n in range(9)]
    with pytest.raises(RefusedError, match=r"1 groups hold fewer than 10 people \(blue, survey: 9\)"):
        released(scored(rows), sensitive)
    with pytest.raises(RefusedError, match="10 groups hold fewer than 10 people"):
        released(scored(rows[:10]), sensitive, by=["speaker"])
    with pytest.raises(RefusedError, match="x is sensitive, and groups of 9 could point at a person"):
        released(scored(rows), sensitive, k=9)
    assert released(scored(rows), replace(sensitive, sensitive=False), k=9)["speakers"].to_list() == [9, 10]
    with pytest.raises(UsageError, match="k = 0"):
        released(scored(rows), sensitive, k=0)


def test_a_mean_on_fewer_answers_than_people_is_null(sensitive: Instrument) -> None:
    rows = [(f"p{n}", "red", 0, 1.0 if n < 9 else None) for n in range(12)]
    assert released(scored(rows), sensitive).select("value", "speakers", "replies").row(0) == (None, None, None)
    rows = [(f"p{n}", "red", 0, 1.0 if n < 10 else None) for n in range(12)]
    assert released(scored(rows), sensitive).select("value", "speakers", "replies").row(0) == (1.0, 10, 10)


def test_a_model_is_no_person_but_what_is_withheld_stays_so(sensitive: Instrument) -> None:
    draws = [("m", "red", d, 1.0) for d in range(4)]
    model = pl.concat([scored(draws, source="model"), scored(draws, source="model", measure="x:9")])
    found = released(frames.scores(model), sensitive).select("measure", "value", "replies").rows()
    assert found == [("x:9", None, None), ("x:sum", 1.0, 4)]
    more = scored([("m", "red", d, d % 2) for d in range(10)], source="model", measure="x:9")
    assert released(more, sensitive)["value"].to_list() == [0.5]


def test_other_scores_and_columns_are_refused(sensitive: Instrument) -> None:
    rows = [(f"p{n}", "red", 0, 1.0) for n in range(10)]
    with pytest.raises(InputError, match="no scores of x"):
        released(scored(rows, measure="y:sum"), sensitive)
    with pytest.raises(InputError, match="no column 'town'"):
        released(scored(rows), sensitive, by=["town"])
