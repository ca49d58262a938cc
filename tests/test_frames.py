"""Each door refuses each fault, and says all of them at once."""

import polars as pl
import pytest

from sociolect import frames
from sociolect.errors import FrameError
from sociolect.frames import SHAPES


def a_row(name: str) -> pl.DataFrame:
    """One row that may enter by the named door."""
    plain: dict[str, object] = {
        "String": "x",
        "Float64": 1.0,
        "Int64": 0,
        "List(String)": ["x"],
        "List(Float64)": [0.5],
    }
    row = {c: [plain[str(col.dtype)]] for c, col in SHAPES[name].columns.items()}
    if "source" in row and name != "ties":
        row["source"] = ["human"]
    return pl.DataFrame(row, schema={c: col.dtype for c, col in SHAPES[name].columns.items()})


@pytest.mark.parametrize("name", SHAPES)
def test_a_good_frame_enters_with_its_further_columns(name: str) -> None:
    frame = a_row(name).with_columns(mood=pl.lit("calm"))
    assert getattr(frames, name)(frame)["mood"].to_list() == ["calm"]


@pytest.mark.parametrize(("name", "column"), [(n, c) for n, s in SHAPES.items() for c in s.columns])
def test_every_column_is_missed_mistyped_and_null_checked(name: str, column: str) -> None:
    door, frame = getattr(frames, name), a_row(name)
    with pytest.raises(FrameError, match=f"column '{column}' is missing"):
        door(frame.drop(column))
    with pytest.raises(FrameError, match=f"column '{column}' is Date"):
        door(frame.with_columns(pl.lit(None, pl.Date).alias(column)))
    void = frame.with_columns(pl.lit(None, SHAPES[name].columns[column].dtype).alias(column))
    if SHAPES[name].columns[column].null:
        assert door(void)[column].null_count() == 1
    else:
        with pytest.raises(FrameError, match=f"column '{column}' is null in 1 row"):
            door(void)


@pytest.mark.parametrize("name", [n for n, s in SHAPES.items() if s.key])
def test_no_two_rows_share_a_key(name: str) -> None:
    with pytest.raises(FrameError, match="1 row repeat"):
        getattr(frames, name)(pl.concat([a_row(name)] * 2))


def test_all_faults_are_said_at_once() -> None:
    with pytest.raises(FrameError, match="'target' is missing.*'kind' is missing.*'weight' is Int64, not Float64"):
        frames.ties(pl.DataFrame({"source": ["a"], "weight": [1]}))


@pytest.mark.parametrize("weight", [0.0, -1.0, float("nan"), float("inf")])
def test_a_tie_has_a_weight(weight: float) -> None:
    with pytest.raises(FrameError, match="not finite and above 0 in 1 row"):
        frames.ties(a_row("ties").with_columns(weight=pl.lit(weight)))


def test_only_people_and_models_speak() -> None:
    with pytest.raises(FrameError, match="holds bot"):
        frames.replies(a_row("replies").with_columns(source=pl.lit("bot")))
