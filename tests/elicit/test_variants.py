"""Variants: every way of asking that is crossed, rendered alike every time, counted before it is asked."""

import polars as pl
import pytest

from sociolect import frames
from sociolect.elicit.variants import PLACEBO, TEMPLATES, calls, variants
from sociolect.errors import InputError, UsageError

ITEMS = frames.items(
    pl.DataFrame(
        {
            "item": ["1", "2", "3"],
            "prompt": ["I hum {options} a lot.", "I like lifts.", "How heavy is your hat?"],
            "options": [["a", "b", "c"], ["n", "y"], None],
            "wording": [["never", "at times", "always"], ["no", "yes"], None],
            "facet": ["hum", "lift", "hat"],
            "sign": [1, -1, None],
            "answer": ["choice", "choice", "number"],
            "unit": [None, None, "kg"],
            "instruction": ["Think of today.", None, None],
        }
    )
)


def one(**keywords: object) -> pl.DataFrame:
    found = variants(ITEMS, **keywords)  # type: ignore[arg-type]
    assert len(found) == 1
    return next(iter(found.values()))


def test_the_prompt_to_the_letter() -> None:
    shown = one()
    assert shown["prompt"].to_list() == [
        # braces of an item's own are its words, not a hole
        "Think of today.\nI hum {options} a lot.\nA. never\nB. at times\nC. always\nAnswer with the letter of one option.",
        "I like lifts.\nA. no\nB. yes\nAnswer with the letter of one option.",
        "How heavy is your hat?\n\nAnswer with a number in kg.",
    ]
    assert shown["labels"].to_list() == [["A", "B", "C"], ["A", "B"], None]
    assert shown["group_prompt"].to_list()[1:] == [
        "I like lifts.\nA. no\nB. yes\nOut of 100 people of your community, how many give each answer?\n"
        "Write one line per option: its label, a colon, a number. The numbers add up to 100.",
        None,
    ]


@pytest.mark.parametrize(
    ("style", "lines", "labels"),
    [
        ("numbers", "1. no\n2. yes", ["1", "2"]),
        ("words", "- no\n- yes", ["no", "yes"]),
        ("none", "no\nyes", None),
    ],
)
def test_label_styles(style: str, lines: str, labels: list[str] | None) -> None:
    row = one(labels=(style,)).row(1, named=True)
    assert f"I like lifts.\n{lines}\n" in row["prompt"]
    assert row["labels"] == labels


def test_permuted_labels_are_the_letters_in_a_drawn_order() -> None:
    drawn = [one(labels=("permuted",), seed=s).row(0, named=True)["labels"] for s in range(30)]
    assert {tuple(sorted(labels)) for labels in drawn} == {("A", "B", "C")}
    assert len({tuple(labels) for labels in drawn}) == 6  # all 3! orders come


def test_orders() -> None:
    found = variants(ITEMS, orders=("forward", "reversed", "rotations"))
    shown = {name.split("/")[0]: dict(zip(v["item"], v["shown"].to_list(), strict=True)) for name, v in found.items()}
    assert shown["reversed"]["1"] == ["c", "b", "a"]
    assert [shown[f"rotation:{j}"]["1"] for j in range(3)] == [["a", "b", "c"], ["b", "c", "a"], ["c", "a", "b"]]
    # two options have two rotations; a number has no order and is asked every time
    assert "2" not in shown["rotation:2"]
    assert shown["rotation:2"]["3"] is None
    drawn = [one(orders=(f"permuted:{n}",)).row(0, named=True)["shown"] for n in range(40)]
    assert len({tuple(o) for o in drawn}) == 6


def test_every_option_stands_at_every_place_once_over_the_rotations() -> None:
    places = [v.row(0, named=True)["shown"] for v in variants(ITEMS, orders=("rotations",)).values()]
    assert sorted(zip(*places, strict=True)) == [("a", "b", "c"), ("b", "c", "a"), ("c", "a", "b")]


def test_crossing_and_its_count() -> None:
    found = variants(
        ITEMS,
        orders=("forward", "reversed"),
        labels=("letters", "numbers"),
        paraphrases={"plainer": {"2": "Lifts please me."}},
        framings=("plain", "named", "negated"),
        templates=tuple(TEMPLATES),
        placebo=True,
    )
    assert len(found) == 2 * 2 * 2 * 3 * 12
    prompts = [p for v in found.values() for p in v.filter(pl.col("options").is_not_null())["prompt"]]
    assert len(set(prompts)) == len(prompts)
    # published: 3 items and 5 placebo items; plainer: 1 item. 288 conditions, half of each wording.
    rows = 144 * 8 + 144 * 1
    assert calls(found, draws=10, models=3) == 3 * 10 * rows
    assert calls(found, draws=10, modes=("logprob",), models=3) == 3 * (rows - 144)
    reworded = found["forward/letters/plainer/plain/0"]
    assert reworded["stem"].to_list() == ["Lifts please me."]


def test_framings_stand_in_front_or_around() -> None:
    found = variants(
        ITEMS, framings={"plain": "", "named": "You are one of {community}.", "negated": "It is false that: {item}"}
    )
    named, negated = (found[f"forward/letters/published/{f}/0"] for f in ("named", "negated"))
    assert named["prompt"][1].startswith("You are one of {community}.\n\nI like lifts.\n")
    assert negated["prompt"][1].startswith("It is false that: I like lifts.\n")
    assert negated["negated"].all()
    assert not named["negated"].any()


def test_placebo_items_have_the_same_form_and_no_sign() -> None:
    shown = one(placebo=True).filter(pl.col("placebo"))
    assert shown["item"].to_list() == list(PLACEBO)
    assert shown["sign"].null_count() == 5
    assert shown["prompt"].str.contains("\nA. ", literal=True).all()
    assert set(shown["facet"]) == {"placebo"}


def test_neither_row_order_nor_company_moves_a_variant() -> None:
    keywords = {"orders": ("permuted:1",), "labels": ("permuted",), "seed": 3}
    whole = one(**keywords).sort("item")
    back = next(iter(variants(frames.items(ITEMS.reverse()), **keywords).values())).sort("item")  # type: ignore[arg-type]
    alone = next(iter(variants(frames.items(ITEMS.head(1)), **keywords).values()))  # type: ignore[arg-type]
    assert whole.equals(back)
    assert whole.head(1).equals(alone)


def test_options_without_words_are_shown_by_their_ids() -> None:
    bare = frames.items(ITEMS.select("item", "prompt", "options"))
    assert "A. n\nB. y" in next(iter(variants(bare).values()))["prompt"][1]


def test_what_cannot_be_asked_is_refused_whole() -> None:
    with pytest.raises(UsageError, match="did you mean 'reversed'"):
        variants(ITEMS, orders=("reverse",))
    with pytest.raises(UsageError, match="no label style 'roman'"):
        variants(ITEMS, labels=("roman",))
    with pytest.raises(UsageError, match="no template '99'"):
        variants(ITEMS, templates=("99",))
    with pytest.raises(InputError, match="rewords unknown item 7.*rewords unknown item 8"):
        variants(ITEMS, paraphrases={"x": {"7": "a", "8": "b"}})
    twice = frames.items(ITEMS.head(1).with_columns(wording=pl.lit(["no", "no", "yes"])))
    with pytest.raises(InputError, match="item 1: two options share their words"):
        variants(twice)
    many = [str(i) for i in range(27)]
    with pytest.raises(InputError, match="27 options, and there are 26 letters"):
        variants(frames.items(pl.DataFrame({"item": ["1"], "prompt": ["p"], "options": [many]})))
