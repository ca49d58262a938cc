"""The model frame: codes by sorted names, scaled weights, the split of columns within and between groups."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from sociolect.compare.model_frame import Rows, numbers, scan
from sociolect.errors import InputError

TABLE = pl.DataFrame({"g": ["b", "a", "b", "c", "a"], "h": [5, 1, 5, 2, 1], "x": [1.0, 2.0, 3.0, 4.0, 6.0],
                      "k": ["p", "q", "p", "p", "q"], "w": [1.0, 3.0, 1.0, 2.0, 0.0], "y": [1.0, 0.0, 2.0, 5.0, 3.0]})  # fmt: skip


def _rows(table: pl.DataFrame, size: int = 2) -> Rows:
    def read(columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        return (table.select(columns)[start : start + size] for start in range(0, table.height, size))

    return Rows(dict(table.schema), read)


def test_codes_follow_the_sorted_names() -> None:
    part = numbers(scan(_rows(TABLE), "y ~ x + (1 | g)", coded=["h"]), TABLE)
    assert part.codes["g"].tolist() == [1, 0, 1, 2, 0]
    assert part.codes["h"].tolist() == [2, 0, 2, 1, 0]
    assert part.x.tolist() == [[1, 1], [1, 2], [1, 3], [1, 4], [1, 6]]
    assert part.y[:, 0].tolist() == [1, 0, 2, 5, 3]


@pytest.mark.parametrize("values", [
    ["b", "b", "b", "a", "a", "a", "b"], ["b", "a", "b", "c", "a"], [True] * 4 + [False] * 4, [3, 1, 3, 2], [2, 2, 2, 1, 1, 1],
    pl.Series(["y", "x", "y"], dtype=pl.Enum(["y", "x"])), [0.5, 0.25, 0.5],
], ids=str)  # fmt: skip
def test_rows_in_memory_have_the_codes_of_rows_in_batches(values: pl.Series | list[object]) -> None:
    table = pl.DataFrame({"g": values}).with_row_index("y").with_columns(pl.col("y").cast(pl.Float64))
    whole = replace(_rows(table, table.height), held=True)
    here, there = numbers(scan(whole, "y ~ 1 + (1 | g)")), numbers(scan(_rows(table), "y ~ 1 + (1 | g)"), table)
    assert here.codes["g"].tolist() == there.codes["g"].tolist()
    assert here.y.tolist() == there.y.tolist()
    assert scan(whole, "y ~ 1 + (1 | g)").names["g"].equals(scan(_rows(table), "y ~ 1 + (1 | g)").names["g"])


def test_a_declared_order_holds_where_the_category_is_also_a_group() -> None:
    table = TABLE.with_columns(k=pl.Series(["p", "q", "p", "p", "q"], dtype=pl.Enum(["q", "p"])))
    frame = scan(replace(_rows(table, 5), held=True), "y ~ k", coded=["k"])
    assert frame.columns == ("Intercept", "k[T.p]")
    assert numbers(frame).x[:, 1].tolist() == [1, 0, 1, 1, 0]
    with pytest.raises(TypeError, match="holds no rows"):
        numbers(scan(_rows(table), "y ~ x"))


def test_sampling_weights_have_mean_one_and_precision_weights_stay() -> None:
    kept, scaled = (numbers(scan(_rows(TABLE), "y ~ x", weights="w", sampling=s), TABLE).weights for s in (False, True))
    assert kept is not None
    assert scaled is not None
    assert kept.tolist() == [1, 3, 1, 2]
    assert scaled == pytest.approx(kept / 1.75)


def test_a_split_column_is_its_group_mean_and_what_is_left() -> None:
    frame = scan(_rows(TABLE), "y ~ x + k", within="g", weights="w")
    assert frame.columns == ("Intercept", "x [within g]", "x [between g]", "k[T.q]")
    assert frame.terms == {"Intercept": (0,), "x [within g]": (1,), "x [between g]": (2,), "k": (3,)}
    part = numbers(frame, TABLE)
    assert part.x[:, 2].tolist() == [2, 2, 2, 4]
    assert part.x[:, 1].tolist() == [-1, 0, 1, 0]


def test_rows_that_changed_between_two_readings_are_found() -> None:
    frame = scan(_rows(TABLE), "y ~ x + (1 | g)")
    with pytest.raises(InputError, match="1 rows belong to groups that were not there"):
        numbers(frame, TABLE.with_columns(g=pl.Series(["b", "a", "b", "c", "z"])))


def test_what_splines_learn_is_the_same_in_batches_of_any_size() -> None:
    table = pl.DataFrame({"x": np.arange(50.0) ** 2, "y": np.cos(np.arange(50.0))})
    whole, batches = (numbers(scan(_rows(table, size), "y ~ bs(x, df=5)"), table).x for size in (50, 7))
    assert batches == pytest.approx(whole, rel=1e-12)
