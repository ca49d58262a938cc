"""Answers become scores by id: golden rows from the instruments' published keys, and by hand."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sociolect import frames
from sociolect.errors import FrameError, InputError
from sociolect.frames import Replies
from sociolect.measure.instrument import Instrument, read, score
from sociolect.seeds import substream

HEAD = """id = "x"
title = "X"
version = "1"
language = "en"
period = "now"
population = "anyone"
citation = "the dossier"
licence = "structure only"
text_bundled = false
status = "validated"
sensitive = false
"""


def options(name: str, score: Sequence[float], direction: str = "up") -> str:
    ids = [str(n) for n in range(1, len(score) + 1)]
    return f"[options.{name}]\nids = {ids}\nscore = {list(score)}\ndirection = '{direction}'\n"


def item(name: object, group: str = "a", more: str = "") -> str:
    return f"[[item]]\nid = '{name}'\noptions = '{group}'\n{more}\n"


def subscale(name: str, items: Sequence[object], how: str, span: tuple[float, float], missing: str = "null") -> str:
    ids = [str(i) for i in items]
    low, high = span
    return f"[[subscale]]\nid = '{name}'\nitems = {ids}\nhow = '{how}'\nlow = {low}\nhigh = {high}\nmissing = '{missing}'\n"


def rule(name: str, when: str) -> str:
    return f"[[rule]]\nid = '{name}'\nwhen = '{when}'\nsource = 'the dossier'\n"


def card(folder: Path, *parts: str) -> Instrument:
    (folder / "instrument.toml").write_text(HEAD + "".join(parts))
    return read(folder)


def replied(people: Sequence[Mapping[Any, Any]], **more: object) -> Replies:
    """A sheet a person: item id -> option id."""
    rows = [
        {"speaker": f"p{n}", "item": str(i), "choice": None if c is None else str(c)}
        for n, one in enumerate(people)
        for i, c in one.items()
    ]
    said = {"source": "human", "community": "c", "condition": "survey", **more}
    return frames.replies(
        pl.DataFrame(rows, schema=dict.fromkeys(("speaker", "item", "choice"), pl.String)).with_columns(
            *(pl.lit(v).alias(k) for k, v in said.items()),
            draw=pl.lit(0, pl.Int64),
            turn=pl.lit(0, pl.Int64),
            prompt=pl.lit(None, pl.String),
            text=pl.lit("kept words", pl.String),
        )
    )


def value(replies: Replies, instrument: Instrument, measure: str) -> list[float | None]:
    found = score(replies, instrument).filter(pl.col("measure") == f"x:{measure}").sort("speaker")
    return found["value"].to_list()


def test_ipip50_reverses_within_the_range(tmp_path: Path) -> None:
    """Golden: dossier instruments, section 7. Item i belongs to factor (i - 1) mod 5."""
    reverse = {6, 16, 26, 36, 46, 2, 12, 22, 32, 8, 18, 28, 38, 4, 14, 24, 29, 34, 39, 44, 49, 10, 20, 30}
    factors = {f: [i for i in range(1, 51) if (i - 1) % 5 == n] for n, f in enumerate(("E", "A", "C", "ES", "O"))}
    one = card(
        tmp_path,
        options("a", [1, 2, 3, 4, 5]),
        *(item(i, more=f"key = {-1 if i in reverse else 1}") for i in range(1, 51)),
        *(subscale(f, own, "sum", (10, 50)) for f, own in factors.items()),
    )
    sheets = [*(dict.fromkeys(range(1, 51), v) for v in (1, 3, 5)), {i: 1 + (i - 1) % 4 for i in range(1, 51)}]
    replies = replied(sheets)
    due = {
        "E": [30, 30, 30, 25],
        "A": [26, 30, 34, 25],
        "C": [26, 30, 34, 27],
        "ES": [42, 30, 18, 31],
        "O": [22, 30, 38, 25],
    }
    assert {f: value(replies, one, f) for f in factors} == due
    assert value(replies, one, "6")[:3] == [5, 3, 1], "item rows are in the scored direction"


def test_eat26_scores_item_26_by_its_own_table_and_fills_one_gap_with_the_median(tmp_path: Path) -> None:
    """Golden: dossier instruments, section 7 (Garner et al. 1982: always 3, usually 2, often 1; item 26 the other way)."""
    parts = {
        "dieting": [1, 6, 7, 10, 11, 12, 14, 16, 17, 22, 23, 24, 26],
        "bulimia": [3, 4, 9, 18, 21, 25],
        "oral": [2, 5, 8, 13, 15, 19, 20],
    }
    own = "key = -1\nscore = {1 = 0, 2 = 0, 3 = 0, 4 = 1, 5 = 2, 6 = 3}"
    one = card(
        tmp_path,
        options("a", [3, 2, 1, 0, 0, 0], "down"),
        *(item(i, more=own if i == 26 else "") for i in range(1, 27)),
        subscale("total", range(1, 27), "sum", (0, 78)),
        *(subscale(name, i, "sum", (0, 3 * len(i)), "median_if:1") for name, i in parts.items()),
    )
    replies = replied([dict.fromkeys(range(1, 27), v) for v in range(1, 7)])
    assert value(replies, one, "total") == [75, 50, 25, 1, 2, 3]
    assert [value(replies, one, name)[0] for name in parts] == [36, 18, 21]
    gap: dict[Any, Any] = dict.fromkeys(range(1, 27), 2) | {3: None}
    assert value(replied([gap, gap | {4: None}]), one, "bulimia") == [12, None]


def phq9(folder: Path) -> Instrument:
    most = "count(item(1), item(2), item(3), item(4), item(5), item(6), item(7), item(8) in {3, 4}, item(9) in {2, 3, 4}) >= 5"
    return card(
        folder,
        options("a", [0, 1, 2, 3]),
        *(item(i) for i in range(1, 10)),
        subscale("sum", range(1, 10), "sum", (0, 27)),
        rule("algorithm", f"{most} and (item(1) in {{3, 4}} or item(2) in {{3, 4}})"),
        rule("ten", "subscale(sum) >= 10"),
        rule("less", "not rule(ten)"),
    )


def test_phq9_algorithm_lets_item_9_count_from_1(tmp_path: Path) -> None:
    """Golden: dossier instruments, section 7; option id = score + 1."""
    one = phq9(tmp_path)
    no: dict[Any, Any] = dict.fromkeys(range(1, 10), 1)
    sheets: list[dict[Any, Any]] = [
        dict.fromkeys(range(1, 10), 2),
        no | dict.fromkeys(range(1, 6), 3),
        no | dict.fromkeys(range(3, 8), 3),
        no | dict.fromkeys(range(1, 5), 3) | {9: 2},
        no | dict.fromkeys(range(1, 6), 3) | {8: None},  # whatever 8 is, five others hold
        no | dict.fromkeys(range(1, 5), 3) | {8: None},
    ]
    replies = replied(sheets)
    assert value(replies, one, "sum") == [9, 10, 10, 9, None, None]
    assert value(replies, one, "algorithm") == [0, 1, 0, 1, 1, None]
    assert value(replies, one, "ten") == [0, 1, 1, 0, None, None]
    assert value(replies, one, "less") == [1, 0, 0, 1, None, None], "complements are never both true"


def test_wcs_is_a_mean_of_ranges(tmp_path: Path) -> None:
    """Golden: dossier instruments, section 7: k = 5 5 7 4 5; all second 25, all third 50, all last 100."""
    sizes = {5: 5, 6: 5, 7: 7, 8: 4, 9: 5}
    one = card(
        tmp_path,
        *(options(f"o{i}", range(1, k + 1)) for i, k in sizes.items()),
        *(item(i, f"o{i}") for i in sizes),
        subscale("wcs", list(sizes), "range_mean", (0, 100)),
        rule("B1", "subscale(wcs) >= 47"),
    )
    replies = replied([dict.fromkeys(sizes, 2), dict.fromkeys(sizes, 3), sizes])
    assert value(replies, one, "wcs") == pytest.approx([25, 50, 100], abs=1e-12)
    assert value(replies, one, "B1") == [0, 1, 1]


def test_pvq21_flips_and_then_centres(tmp_path: Path) -> None:
    """Golden: dossier instruments, section 7: answer i = 1 + (i * i mod 6)."""
    values = {"CO": [7, 16], "TR": [9, 20], "BE": [12, 18], "UN": [3, 8, 19], "SD": [1, 11], "ST": [6, 15]}
    values |= {"HE": [10, 21], "AC": [4, 13], "PO": [2, 17], "SE": [5, 14]}
    lines = (
        f"[[subscale]]\nid = '{v}'\nitems = {[str(i) for i in own]}\nhow = 'centred_mean'\nmissing = 'drop_if:5'\n"
        for v, own in values.items()
    )
    one = card(tmp_path, options("a", [1, 2, 3, 4, 5, 6]), *(item(i, more="key = -1") for i in range(1, 22)), *lines)
    full: dict[Any, Any] = {i: 1 + i * i % 6 for i in range(1, 22)}
    gone = dict.fromkeys(range(2, 8))
    replies = replied([full, dict.fromkeys(full, 4), full | gone, full | gone | {7: full[7]}])
    due = {"BE": 2.238095, "SD": 1.238095, "ST": 0.738095, "UN": -0.428571, "TR": -1.261905, "HE": -1.261905}
    due |= dict.fromkeys(("CO", "AC", "PO", "SE"), -0.261905)
    found = {v: value(replies, one, v) for v in values}
    assert {v: found[v][0] for v in due} == pytest.approx(due, abs=1e-6)
    assert all(found[v][1] == 0 for v in values)
    assert all(found[v][2] is None for v in values), "six missing in all is more than five"
    # 2 to 6 missing: the rest centred over the 16 answered; CO has 7 and 16
    rest = [7 - full[i] for i in full if i not in range(2, 7)]
    assert found["CO"][3] == pytest.approx((7 - full[7] + 7 - full[16]) / 2 - sum(rest) / 16)


# The answers 1, 2, 4, 5: which are missing -> the mean under null, mean_if:2, median_if:1, drop_if:2. Worked by hand.
TABLE: dict[tuple[int, ...], tuple[float | None, ...]] = {
    (): (3, 3, 3, 3),
    (1,): (None, 11 / 3, 15 / 4, 11 / 3),
    (2,): (None, 10 / 3, 14 / 4, 10 / 3),
    (3,): (None, 8 / 3, 10 / 4, 8 / 3),
    (4,): (None, 7 / 3, 9 / 4, 7 / 3),
    (1, 2): (None, 4.5, None, 4.5),
    (1, 3): (None, 3.5, None, 3.5),
    (1, 4): (None, 3, None, 3),
    (2, 3): (None, 3, None, 3),
    (2, 4): (None, 2.5, None, 2.5),
    (3, 4): (None, 1.5, None, 1.5),
    **dict.fromkeys(combinations((1, 2, 3, 4), 3), (None, None, None, None)),
}


@pytest.mark.parametrize("how", ["mean", "sum", "range_mean"])
def test_every_policy_on_every_pattern_of_up_to_three_missing(tmp_path: Path, how: str) -> None:
    policies = ("null", "mean_if:2", "median_if:1", "drop_if:2")
    span = {"mean": (1, 5), "sum": (4, 20), "range_mean": (0, 100)}[how]
    one = card(
        tmp_path,
        options("a", [1, 2, 3, 4, 5]),
        *(item(i) for i in range(1, 5)),
        *(subscale(p.split(":")[0], range(1, 5), how, span, p) for p in policies),
    )
    full = {1: 1, 2: 2, 3: 4, 4: 5}
    blank = replied([full | dict.fromkeys(gone) for gone in TABLE])
    away = replied([{i: c for i, c in full.items() if i not in gone} for gone in TABLE])
    slope, level = {"mean": (1, 0), "sum": (4, 0), "range_mean": (25, -25)}[how]
    for n, p in enumerate(policies):
        by_name = {f"p{i}": row[n] for i, row in enumerate(TABLE.values())}
        due = [None if m is None else slope * m + level for _, m in sorted(by_name.items())]
        for replies in (blank, away):
            assert value(replies, one, p.split(":")[0]) == [d if d is None else pytest.approx(d) for d in due], p


def mixed(folder: Path) -> Instrument:
    number = "[[item]]\nid = 'kg'\nanswer = 'number'\nunit = 'kg'\nlow = 20\nhigh = 300\nscored = false\n"
    mirrored = "[[item]]\nid = 'h'\nanswer = 'number'\nunit = 'hours'\nlow = 0\nhigh = 10\nkey = -1\n"
    return card(
        folder,
        options("a", [1, 2, 3, 4, 5]),
        "[options.n]\nids = ['left', 'right']\ndirection = 'none'\n",
        item(1),
        item(2, more="key = -1"),
        item(3, "n", "scored = false"),
        number,
        mirrored,
        subscale("s", [1, 2, "h"], "sum", (2, 20)),
        rule("light", "item(kg) < 50 and item(3) in {left}"),
    )


def test_a_number_counts_by_itself_and_outside_its_range_not_at_all(tmp_path: Path) -> None:
    one = mixed(tmp_path)
    here = {1: 5, 2: 1, 3: "left", "kg": "49.5", "h": "2"}
    replies = replied([here, here | {"kg": "19"}, here | {"kg": "heavy", "h": "11"}, here | {3: "right", "kg": "nan"}])
    assert value(replies, one, "s") == [18, 18, None, 18]
    assert value(replies, one, "kg") == [49.5, None, None, None]
    assert value(replies, one, "light") == [1, None, None, 0]
    assert value(replies, one, "3") == [None] * 4, "a nominal option has no score"
    rows = score(replies, one).filter(pl.col("item") == "kg").sort("speaker")
    assert rows["outcome"].to_list() == ["answered", "unparsed", "unparsed", "unparsed"]


def test_only_ids_count(tmp_path: Path) -> None:
    """Permuting rows changes nothing, deleting one changes its sheet alone, and the scorer cannot see who answered."""
    one, rng = phq9(tmp_path), substream(1, "ids")
    replies = replied([{i: int(rng.integers(1, 5)) for i in range(1, 10)} for _ in range(30)])
    keys = ["speaker", "measure"]
    due = score(replies, one).sort(keys)
    shuffled = frames.replies(replies.sample(fraction=1.0, shuffle=True, seed=3))
    assert score(shuffled, one).sort(keys).equals(due)
    models = frames.replies(replies.with_columns(source=pl.lit("model")))
    assert score(models, one).sort(keys).drop("source").equals(due.drop("source"))
    lost = frames.replies(replies.filter((pl.col("speaker") != "p7") | (pl.col("item") != "4")))
    others = pl.col("speaker") != "p7"
    assert score(lost, one).sort(keys).filter(others).equals(due.filter(others))
    assert value(lost, one, "sum").count(None) == 1


def test_shares_score_as_their_expectation_and_leave_rules_open(tmp_path: Path) -> None:
    one = mixed(tmp_path)
    replies = replied([{1: None, 2: None, "h": None, 3: "left", "kg": "40"}])
    shares = {"1": ([0.5, 0.25, 0.25], ["5", "1", "3"]), "2": ([1.0], ["1"]), "h": ([0.5, 0.5], ["4", "8"])}
    given = frames.replies(
        replies.with_columns(
            shares=pl.Series([shares.get(i, (None,))[0] for i in replies["item"]], dtype=pl.List(pl.Float64)),
            shown=pl.Series([shares[i][1] if i in shares else None for i in replies["item"]], dtype=pl.List(pl.String)),
        )
    )
    assert value(given, one, "1") == [3.5]  # 2.5 + .25 + .75
    assert value(given, one, "s") == [3.5 + 5 + 4]  # item 2 mirrored; hours 6, mirrored in 0 to 10
    assert value(given, one, "light") == [None]
    assert value(replies, one, "light") == [1]
    assert score(given, one).filter(pl.col("item") == "1")["outcome"].to_list() == ["answered"]
    first = pl.col("item") == "1"
    for bad, due in (
        ([0.5, 0.4, 0.0], "1 distributions sum to more than 0.02 off 1"),
        ([0.5, 0.5], "another number of shares"),
        ([1.5, -0.5, 0.0], "below 0"),
    ):
        wrong = given.with_columns(shares=pl.when(first).then(pl.lit(pl.Series([bad])).first()).otherwise("shares"))
        with pytest.raises(InputError, match=due):
            score(frames.replies(wrong), one)
    strange = given.with_columns(
        shown=pl.when(first).then(pl.lit(pl.Series([["5", "1", "9"]])).first()).otherwise("shown")
    )
    with pytest.raises(InputError, match=r"item '1' has no option '9' \(1 answers\)"):
        score(frames.replies(strange), one)


def test_unknown_ids_are_named_all_at_once(tmp_path: Path) -> None:
    one = mixed(tmp_path)
    with pytest.raises(InputError) as error:
        score(replied([{1: 9, 2: 1, 3: "up"}, {1: 9, 99: 1, "": 2}]), one)
    said = str(error.value)
    assert said.startswith("these are no answers to x: ")
    for due in (
        "item '99' is none of x (1 answers)",
        "item '' is none",
        "item '1' has no option '9' (2 answers)",
        "item '3' has no option 'up'",
    ):
        assert due in said


def test_columns_ride_along_and_words_stay_behind(tmp_path: Path) -> None:
    one = mixed(tmp_path)
    replies = frames.replies(replied([{1: 1, 2: 1}, {1: 2, 2: 2}]).with_columns(age=pl.when(pl.col("speaker") == "p0").then(30), nth=pl.int_range(pl.len())))  # fmt: skip
    found = score(replies, one)
    assert not {"text", "prompt"} & set(found.columns)
    whole = found.filter(pl.col("item") == "x")
    assert whole.filter(pl.col("measure") == "x:s").sort("speaker")["age"].to_list() == [30, None]
    assert whole["nth"].null_count() == whole.height
    assert found.filter(pl.col("measure") == "x:1")["nth"].to_list() == [0, 2]
    assert found.filter(pl.col("measure") == "x:2").select("sign", "low", "high").row(0) == (-1, 1, 5)


def test_a_draw_is_a_sheet_of_its_own(tmp_path: Path) -> None:
    one = mixed(tmp_path)
    parts = [
        replied([{1: a, 2: 5, "h": 0}]).with_columns(order=pl.lit(o)) for a, o in ((1, "forward"), (5, "reversed"))
    ]
    with pytest.raises(FrameError, match="repeat the key"):
        frames.replies(pl.concat(parts))
    drawn = frames.replies(pl.concat([parts[0], parts[1].with_columns(draw=pl.lit(1, pl.Int64))]))
    assert [round(v) for v in value(drawn, one, "s") if v] == [12, 16]
    with pytest.raises(FrameError, match="column 'choice' is missing"):
        score(frames.replies(drawn.drop("choice")), one)


def test_no_replies_give_no_scores(tmp_path: Path) -> None:
    empty = frames.replies(frames.empty("replies").with_columns(choice=pl.lit(None, pl.String)))
    assert score(empty, mixed(tmp_path)).height == 0
