"""Stability: what is planted comes back, who never changes an answer is exactly 0, and the trap of the released test is not there."""

from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.stats import kstest

from sociolect import frames
from sociolect.compare.stability import FORMATS, acquiescence, position_bias, sign_flip, stability
from sociolect.errors import InputError, RefusedError

SIZES = [4] * 70 + [3] * 6 + [5]  # the 77 items of the dossier
CELLS = [(o, s, t) for o in ("forward", "reversed") for s in ("letters", "numbers") for t in ("label", "text")]


def replies(choose: object, *, sizes: list[int] = SIZES, speakers: int = 1, seed: int = 0) -> frames.Replies:
    """77 items in 8 forms and a retest; `choose(rng, k, latent, shown)` gives the option that is chosen."""
    rng = np.random.default_rng(seed)
    rows = []
    for who in range(speakers):
        latent = [int(rng.integers(k)) for k in sizes]
        for i, k in enumerate(sizes):
            for cell, draw in [*((c, 0) for c in CELLS), (CELLS[0], 1)]:
                shown = list(range(k)) if cell[0] == "forward" else list(range(k))[::-1]
                picked = choose(rng, k, latent[i], shown)  # type: ignore[operator]  # a function
                rows.append(("m", "model", f"m{who}", f"q{i:02}", "/".join(cell), draw, 0, None, None,
                             [str(o) for o in shown], str(picked), *cell))  # fmt: skip
    shape: dict[str, Any] = {k: c.dtype for k, c in frames.SHAPES["replies"].columns.items()}
    shape |= {"shown": pl.List(pl.String), "choice": pl.String} | dict.fromkeys(FORMATS, pl.String)
    return frames.replies(pl.DataFrame(rows, schema=shape, orient="row"))


def steady(rng: np.random.Generator, k: int, latent: int, shown: list[int]) -> int:
    del rng, k, shown
    return latent


def pulled(rng: np.random.Generator, k: int, latent: int, shown: list[int], b: float = 0.3) -> int:
    del k
    return shown[0] if rng.random() < b else latent


def chance(rng: np.random.Generator, k: int, latent: int, shown: list[int]) -> int:
    del latent, shown
    return int(rng.integers(k))


def valued(said: frames.Replies) -> pl.DataFrame:
    size = pl.col("shown").list.len() - 1
    return said.with_columns(value=pl.col("choice").cast(pl.Float64) / size)


def test_who_never_changes_an_answer_is_exactly_0_everywhere() -> None:
    """Items of 3, 4 and 5 options: the released shift takes four for all of them, and turns text answers round twice."""
    said = replies(steady)
    found = stability(valued(said), draws=200)
    assert set(found["line"]) == {"effect", "shift", "retest", "over retest"}
    assert found["estimate"].to_list() == [0.0] * found.height
    assert found.filter(line="effect")["p"].min() > 0.99  # type: ignore[operator]  # a number
    assert found["n"].unique().to_list() == [77]
    assert position_bias(said, draws=200).select("estimate", "p").row(0) == (0.0, 1.0)


def test_the_pull_of_the_first_place_is_recovered() -> None:
    """Dossier: b = .3 over 77 items x 8 variants, mean of 10 seeds within .02, each within .07, p < .01."""
    made = [position_bias(replies(pulled, seed=s), draws=100, permutations=999) for s in range(10)]
    b = [one["estimate"].item() for one in made]
    assert abs(float(np.mean(b)) - 0.3) < 0.02
    assert max(abs(x - 0.3) for x in b) < 0.07
    assert max(one["p"].item() for one in made) < 0.01
    assert sum(one["low"].item() < 0.3 < one["high"].item() for one in made) >= 8


def test_random_answers_give_uniform_p_and_few_false_alarms() -> None:
    """Dossier: KS p > .05 over 200 runs, false positives at .05 within .02 of it: of means of 4 pairs of random answers."""
    rng = np.random.default_rng(4)
    k = np.array(SIZES)
    gaps = ((rng.integers(k, size=(200, 4, 77)) - rng.integers(k, size=(200, 4, 77))) / (k - 1)).mean(1)
    p = np.array([sign_flip(one, draws=499, seed=i) for i, one in enumerate(gaps)])
    assert kstest(p, "uniform").pvalue > 0.05
    assert abs((p <= 0.05).mean() - 0.05) < 0.02 + 2 * (0.05 * 0.95 / 200) ** 0.5


def test_paired_items_and_unequal_cells_make_no_effect() -> None:
    """The released statistic |w0 m0 - w1 m1| gives .20 where groups of 70 and 30 both have mean .5; items differ a lot."""
    rng = np.random.default_rng(1)
    level = rng.random(100)
    rows = [("m", f"q{i}", 0, "up", v) for i, v in enumerate(level)]
    rows += [("m", f"q{i}", 0, "down", v) for i, v in enumerate(level[:43])]
    told = pl.DataFrame(rows, schema=["community", "item", "draw", "order", "value"], orient="row")
    row = stability(told, formats=["order"], draws=100).row(0, named=True)
    assert (row["estimate"], row["p"], row["n"], row["left_out"]) == (0.0, 1.0, 43, 57)


def test_a_constant_shift_is_found_among_items_that_differ_far_more() -> None:
    """An unpaired test drowns in the spread of items: here .05 beside a spread of .3 is told from chance."""
    rng = np.random.default_rng(2)
    level = rng.random(40)
    rows = [
        ("m", f"q{i}", 0, o, v + 0.05 * (o == "up") + rng.normal(0, 0.03))
        for i, v in enumerate(level)
        for o in ("down", "up")
    ]
    told = pl.DataFrame(rows, schema=["community", "item", "draw", "order", "value"], orient="row")
    row = stability(told, formats=["order"]).filter(line="effect").row(0, named=True)
    assert row["contrast"] == "order: down - up, m"
    assert row["low"] < -0.05 < row["high"] < 0
    assert row["p"] == pytest.approx(1 / 2001)
    assert "1/2001 at least" in row["method"]


def test_p_changes_when_the_data_change() -> None:
    """In the release p is typed in (.01 or .5)."""
    p = [sign_flip(np.random.default_rng(s).normal(0.2, 1, 30), draws=999) for s in range(6)]
    assert len(set(p)) == 6


def test_shifts_are_read_against_a_retest() -> None:
    """Who answers at random shifts as much on a retest: nothing is left over; each item by its own number of options."""
    found = stability(valued(replies(chance, seed=3)), draws=500)
    over = found.filter(line="over retest")
    assert over.filter((pl.col("low") < 0) & (pl.col("high") > 0)).height == 3
    # the mean distance of two uniform places on k options is (k + 1) / (3 k): 5/12 for the 70 items of four
    assert found.filter(line="shift", factor="order")["estimate"].item() == pytest.approx(0.42, abs=0.04)


def test_agreeing_with_everything_is_flagged_and_recovered() -> None:
    rng = np.random.default_rng(6)
    rows = []
    for i in range(600):
        own = rng.random()
        for negated in (False, True):
            said = 1.0 if rng.random() < 0.25 else (1 - own if negated else own)
            rows.append(("m", f"q{i}", 0, negated, said))
    told = pl.DataFrame(rows, schema=["community", "item", "draw", "negated", "value"], orient="row")
    row = acquiescence(told, formats=[]).row(0, named=True)
    assert abs(row["estimate"] - 0.25) < 0.05
    assert row["low"] < 0.25 < row["high"]
    assert row["p"] < 0.001


def test_families_are_adjusted_line_by_line_and_nulls_are_counted() -> None:
    told = valued(replies(pulled, sizes=[4] * 30, seed=1)).with_columns(
        value=pl.when(pl.col("item") == "q00").then(None).otherwise("value")
    )
    found = stability(told, draws=100)
    effects = found.filter(line="effect")
    assert effects.filter(factor="order")["p_adjusted"].item() == pytest.approx(
        3 * effects.filter(factor="order")["p"].item()
    )
    assert effects["n"].unique().to_list() == [29]
    assert effects["left_out"].unique().to_list() == [
        9 + 29
    ]  # a null item in nine rows, and the retests without a twin


def test_row_order_and_seed_decide_every_byte() -> None:
    told = valued(replies(pulled, sizes=[4] * 12))
    first, again = (
        stability(told, draws=100, seed=3),
        stability(told.sample(fraction=1.0, shuffle=True, seed=1), draws=100, seed=3),
    )
    assert first.equals(again)
    assert not first.equals(stability(told, draws=100, seed=4))


def test_what_cannot_be_compared_is_said() -> None:
    told = valued(replies(steady, sizes=[4] * 3))
    with pytest.raises(InputError, match="no column 'order'"):
        stability(told.drop("order"))
    with pytest.raises(RefusedError, match="no two answers to an item differ"):
        stability(told.filter(condition=told["condition"][0], draw=0))
    with pytest.raises(RefusedError, match="forward and reversed"):
        position_bias(frames.replies(replies(steady, sizes=[4] * 3).filter(order="forward")))
    unread = replies(steady, sizes=[4] * 3).with_columns(choice=pl.lit(None, pl.String))
    with pytest.raises(RefusedError, match=r"none of \d+ replies could be read as an option"):
        position_bias(frames.replies(unread))
    with pytest.raises(RefusedError, match="denial"):
        acquiescence(told.with_columns(negated=pl.lit(False)))
    with pytest.raises(InputError, match="'negated'"):
        acquiescence(told)
    with pytest.raises(
        InputError,
        match=r"share item, draw and form with another, though they differ in condition, label_style, template: name",
    ):
        stability(told, formats=["order"])
    with pytest.raises(InputError, match="give each repeat its own `draw`"):
        stability(told.with_columns(draw=pl.lit(0), value=pl.col("value")).vstack(told.with_columns(draw=pl.lit(0))))
    one = told.filter(item="q00", label_style="letters", template="label")
    alone = stability(one, formats=["order"], draws=100).filter(line="effect").row(0, named=True)
    assert alone["low"] is None
    assert "one item only" in alone["method"]
