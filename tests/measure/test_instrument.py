"""A card is read whole, or refused with everything that is wrong with it."""

import time
from hashlib import sha256
from pathlib import Path

import pytest

from sociolect.errors import CardError
from sociolect.measure.instrument import items, read

CARD = """id = "small"
title = "Small"
version = "1"
language = "en"
period = "now"
population = "anyone"
citation = "invented"
licence = "own"
text_bundled = true
status = "validated"
sensitive = false

[options.agree5]
ids = ["1", "2", "3", "4", "5"]
score = [1, 2, 3, 4, 5]
direction = "up"

[options.often]
ids = ["always", "often", "never"]
score = [2, 1, 0]
direction = "down"

[options.side]
ids = ["left", "right"]
direction = "none"

[[item]]
id = "1"
facet = "warm"
options = "agree5"
key = 1

[[item]]
id = "2"
facet = "warm"
options = "agree5"
key = -1

[[item]]
id = "3"
options = "often"
key = -1
score = {always = 0, often = 0, never = 3}
follows = "2"

[[item]]
id = "4"
options = "side"
scored = false

[[item]]
id = "kg"
answer = "number"
unit = "kg"
low = 20
high = 300
scored = false

[[subscale]]
id = "warm"
items = ["1", "2", "3"]
how = "sum"
low = 2
high = 13
missing = "mean_if:2"

[[cutoff]]
subscale = "warm"
value = 7
operator = ">="
label = "high"
population = "anyone"
source = "invented"

[[rule]]
id = "C1"
when = "item(1) in {4, 5} and not item(kg) >= 100"
source = "invented"

[[rule]]
id = "C2"
when = "rule(C1) or subscale(warm) >= 12"
source = "invented"

[[norm]]
subscale = "warm"
group = "all"
mean = 6.5
sd = 2.0
n = 100
source = "invented"
licence = "own"
"""
TEXT = """[items]
1 = "I greet strangers."
2 = "I keep to myself."
3 = "I skip breakfast."
4 = "Which side of the bed?"
kg = "What does your bag weigh?"
[options.agree5]
1 = "no"
2 = "rather no"
3 = "both"
4 = "rather yes"
5 = "yes"
[options.often]
always = "always"
often = "often"
never = "never"
[options.side]
left = "the left"
right = "the right"
[framing]
instruction = "Please answer."
[paraphrase.short]
1 = "I say hello."
"""


def folder(at: Path, structure: str = CARD, text: str | None = TEXT) -> Path:
    (at / "instrument.toml").write_text(structure)
    if text is not None:
        (at / "text.toml").write_text(text)
    return at


def faults(at: Path, structure: str, text: str | None = TEXT) -> str:
    with pytest.raises(CardError) as error:
        read(folder(at, structure, text))
    return str(error.value)


def test_a_card_and_its_wording_become_items(tmp_path: Path) -> None:
    one = read(folder(tmp_path))
    found = items(one)
    assert found["item"].to_list() == ["1", "2", "3", "4", "kg"]
    assert found["prompt"][0] == "I greet strangers."
    assert found["options"].to_list()[2:] == [["always", "often", "never"], ["left", "right"], None]
    assert found["wording"].to_list()[3] == ["the left", "the right"]
    assert found["sign"].to_list() == [1, -1, -1, None, None]
    assert found["answer"].to_list() == ["choice"] * 4 + ["number"]
    assert found.select("unit", "low", "high").row(4) == ("kg", 20, 300)
    assert found.select("low", "high").row(2) == (0, 3)
    assert found["instruction"].unique().to_list() == ["Please answer."]
    assert found["follows"].to_list() == [None, None, "2", None, None]
    assert one.paraphrases == {"short": {"1": "I say hello."}}
    assert one.text_hash == sha256(TEXT.encode()).hexdigest()
    assert one.items[1].scores == {"1": 5, "2": 4, "3": 3, "4": 2, "5": 1}
    assert one.items[2].scores == {"always": 0, "often": 0, "never": 3}, "an item's own score counts as it stands"


def test_wording_is_the_folder_s_the_user_s_or_a_placeholder(tmp_path: Path) -> None:
    closed = CARD.replace("text_bundled = true", "text_bundled = false")
    bare = read(folder(tmp_path, closed, None))
    assert items(bare)["prompt"].to_list()[:2] == ["item 1", "item 2"]
    assert items(bare)["wording"].to_list()[2] == ["option 1", "option 2", "option 3"]
    assert (bare.text_hash, bare.instruction, bare.status) == (None, None, "validated")
    own = tmp_path / "mine.toml"
    own.write_text(TEXT.replace("I greet strangers.", "I wave."))
    assert items(read(tmp_path, text=own))["prompt"][0] == "I wave."
    assert read(tmp_path, text=own).status == "validated", "the wording that the card describes, from its user"
    folder(tmp_path)
    assert read(tmp_path, text=own).status == "unvalidated paraphrase", "another wording than the one that ships"


PLANTED = [
    ('title = "Small"\n', "", "'title' is missing"),
    ('status = "validated"', 'status = "fine"', "status = 'fine' is none of"),
    ("sensitive = false", 'sensitive = false\nwithheld = ["9"]', "withheld names '9'"),
    ("score = [1, 2, 3, 4, 5]", "score = [1, 2, 3, 4]", "options agree5: 5 ids and 4 scores"),
    ('direction = "down"', 'direction = "up"', "options often: direction is 'up' and the scores 2, 1, 0 do not run so"),
    ('facet = "warm"\noptions = "agree5"\nkey = 1', 'options = "agree6"', "item 1: options 'agree6' are none of agree5, often, side"),
    ("key = -1\nscore", "key = 0\nscore", "item 3: key = 0 is neither 1 nor -1"),
    ("never = 3}", "never = 3, rarely = 1}", "item 3: score names option 'rarely', which options often lack"),
    ('id = "2"\nfacet', 'id = "1"\nfacet', "item 1 stands twice"),
    ('follows = "2"', 'follows = "77"', "item 3 follows '77', which is no other item"),
    ('options = "side"\nscored = false', 'options = "side"\nkey = -1\nscored = false', "item 4 has a reverse key, and its options side are nominal"),
    ("low = 20", "low = 400", "item kg: low = 400 and high = 300 are no range"),
    ('items = ["1", "2", "3"]', 'items = ["1", "3", "3", "55", "kg"]', "subscale warm scores item 3 twice"),
    ("", "", "subscale warm names item 55, which is not there"),
    ("", "", "item kg says scored = false and is in a subscale"),
    ('how = "sum"', 'how = "add"', "subscale warm: how = 'add' is none of"),
    ("value = 7", "value = 70", "cutoff 1 (high): value = 70 lies outside subscale warm, 2 to 13"),
    ('operator = ">="', 'operator = "=>"', "cutoff 1 (high): operator = '=>' is none of"),
    ("item(1) in {4, 5}", "item(8) in {4, 5}", "rule C1 names item 8, which is not there"),
    ("not item(kg) >= 100", "item(3) in {rarely}", "rule C1 names option 'rarely', which item 3 lacks"),
    ("rule(C1) or", "rule(C3) or", "rule C2 names rule C3, which does not stand above it"),
    ("subscale(warm) >= 12", "subscale(warm) >= 99", "rule C2: value = 99 lies outside subscale warm"),
    ("sd = 2.0", "sd = 0", "norm 1 (all): sd = 0 is no number above 0"),
    ("n = 100", "n = 100\nyear = 2001", "norm 1 holds 'year', which means nothing here"),
]  # fmt: skip


def test_every_planted_fault_is_named_in_one_message(tmp_path: Path) -> None:
    broken = CARD
    for old, new, _ in PLANTED:
        assert old in broken
        broken = broken.replace(old, new, 1) if old else broken
    said = faults(tmp_path, broken)
    assert len(PLANTED) >= 20
    assert [due for *_, due in PLANTED if due not in said] == []


@pytest.mark.parametrize(
    ("old", "new", "due"),
    [
        ("high = 13", "high = 15", "subscale warm: its range is 2 to 13 by its items, and 2 to 15 by the card"),
        ("mean_if:2", "mean_if:4", "missing = 'mean_if:4' needs a whole number from 1 to 3"),
        ("mean_if:2", "zero", "missing = 'zero' is none of null, mean_if:<k>"),
        ('options = "side"\nscored = false', 'options = "side"', "item 4 is in no subscale: put it into one"),
        ('items = ["1", "2", "3"]', 'items = ["1", "2", "3", "4"]', "subscale warm: item 4 has no score"),
        (", never = 3}", "}", "item 3: score says no number for option never"),
        ("key = -1\nscore", "key = 1\nscore", "item 3: its own score runs against options often, so its key is -1"),
        ('how = "sum"', 'how = "sum"\nmissng = "null"', "subscale warm holds 'missng', which means nothing here: did you mean 'missing'?"),
        ('unit = "kg"', 'options = "side"', "item kg is answered with a number and has 'options'"),
        ("{4, 5}", "{4, 5", "rule C1: , or } is due where 'and' stands"),
        ("item(kg) >= 100", "item(kg) in {a}", "rule C1 asks for an option of item kg, which is answered with a number"),
        ("item(kg) >= 100", "item(4) >= 1", "rule C1 compares item 4, which has no score"),
        ('id = "C2"', 'id = "warm"', "'warm' names an item and a subscale or rule"),
        ("sensitive = false", 'sensitive = "no"', "sensitive = 'no' is neither true nor false"),
        ('id = "small"', 'id = "a:b"', "id = 'a:b' holds more than letters"),
        ("[[item]]", "[[itm]]", "the card holds 'itm', which means nothing here: did you mean 'item'?"),
    ],
)  # fmt: skip
def test_one_fault_alone_is_found(tmp_path: Path, old: str, new: str, due: str) -> None:
    assert old in CARD
    assert due in faults(tmp_path, CARD.replace(old, new, 1))


def test_an_item_scored_by_the_range_needs_even_steps(tmp_path: Path) -> None:
    uneven = CARD.replace("score = [1, 2, 3, 4, 5]", "score = [1, 2, 3, 4, 9]").replace(
        'how = "sum"', 'how = "range_mean"'
    )
    assert "the scores of item 1 are not equally far apart" in faults(tmp_path, uneven)


def test_text_stands_only_where_it_may(tmp_path: Path) -> None:
    closed = CARD.replace("text_bundled = true", "text_bundled = false")
    assert "text.toml lies in the folder, and text_bundled = false" in faults(tmp_path, closed)
    (tmp_path / "text.toml").unlink()
    assert "text_bundled = true, and there is no text.toml" in faults(tmp_path, CARD, None)
    worded = CARD.replace('facet = "warm"', 'text = "I greet strangers."', 1)
    assert "item 1 holds 'text', which means nothing here" in faults(tmp_path, worded)
    broken = TEXT.replace('kg = "What', 'lb = "What').replace("[options.side]", "[options.place]")
    said = faults(tmp_path, CARD, broken.replace('1 = "I say hello."', '9 = ""'))
    for due in (
        "[items] has no words for kg",
        "[items] has words for lb, which the card lacks",
        "[options.place] words no options of the card",
        "[options.side] has no words for left, right",
        "[paraphrase.short] has words for 9",
        "[paraphrase.short] 9 is no text",
    ):
        assert f"text.toml: {due}" in said


@pytest.mark.parametrize("said", ["", "item = 3", "item = [1]\nsubscale = 'a'", "options = 1\nrule = [{}]\n[[item]]\nid = 3", "[[item]]\nscore = 3\nanswer = 1", "[[item]]\nid = '1'\nkey = [1]\nfollows = {}", "[options.a]\nids = ['1', '2']\nscore = [1, 2]\ndirection = []", "[[cutoff]]\noperator = {}", "id ="])  # fmt: skip
def test_whatever_is_in_the_file_the_answer_is_a_refusal(tmp_path: Path, said: str) -> None:
    assert faults(tmp_path, said)


def test_a_folder_without_a_card_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CardError, match=r"instrument\.toml cannot be read"):
        read(tmp_path)


def test_a_card_is_read_in_20_ms(tmp_path: Path) -> None:
    folder(tmp_path)
    read(tmp_path)
    times = []
    for _ in range(5):
        began = time.process_time()
        read(tmp_path)
        times.append(time.process_time() - began)
    assert min(times) < 0.02
