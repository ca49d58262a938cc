"""The collection itself, and what is done to every text of it before anybody reads it."""

import time
import unicodedata

import polars as pl
import pytest

from sociolect import text
from sociolect.errors import UsageError
from sociolect.load import columns
from sociolect.load.hostile import Hostile, hostile, orders, storable
from sociolect.report.table import legible

EVERY = hostile()
# Unicode's own list of what turns the direction of a line (UAX 9) and what a terminal obeys (ECMA-48: C0, C1, DEL)
BIDI = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
OBEYED = {chr(c) for c in (*range(0x20), *range(0x7F, 0xA0))} - set("\t\n\r")
SIGNS = "=+-@＝＋－＠﹦﹢﹣﹫"
FAMILIES = {
    "ansi", "bidi", "chat_mark", "formula", "grading", "homoglyph", "injection", "invisible", "oversized", "parser", "path", "sql",
    "template", "xss",
}  # fmt: skip


def test_there_are_three_hundred_texts_in_twelve_families_and_none_twice() -> None:
    assert {h.family for h in EVERY} == FAMILIES
    assert len({h.text for h in EVERY}) == len(EVERY) >= 300
    assert all(h.does for h in EVERY)
    assert max(len(h.text) for h in EVERY) == 1_000_000
    with pytest.raises(UsageError, match=r"no family of hostile texts 'xs'; did you mean 'xss'\?"):
        hostile("xs")


def test_what_can_be_stored_is_all_but_the_half_characters() -> None:
    lost = set(EVERY) - set(storable())
    assert len(lost) == 5
    assert {h.family for h in lost} == {"parser"}
    for h in lost:
        with pytest.raises(UnicodeEncodeError):
            h.text.encode()


def test_orders_name_the_word_and_a_brace_in_it_is_no_slot() -> None:
    assert len(orders("{word}")) == len(set(orders("tea"))) == 5
    assert all("{word}" in said for said in orders("{word}"))
    assert all(len(said.split()) <= 12 for said in orders("tea")), "a prompt shows the first twenty words"


def test_clean_leaves_nothing_that_turns_hides_or_is_obeyed_and_cleans_once() -> None:
    for h in EVERY:
        said = text.clean(h.text)
        assert not set(said) & (BIDI | OBEYED), h
        assert not any(0xE0000 <= ord(c) <= 0xE0FFF for c in said), "tags can spell a hidden message"
        assert text.clean(said) == said
    hidden = [text.clean(h.text) for h in hostile("invisible")]
    assert not any(unicodedata.category(c) == "Cf" for said in hidden for c in said)


def test_words_of_hindi_and_families_of_emoji_keep_their_joiners() -> None:
    for said in ("क्\u200dष", "می\u200cخواهم", "👩\u200d👩\u200d👧", "❤\ufe0f"):
        assert text.clean(said) == unicodedata.normalize("NFC", said)


def test_legible_is_utf8_and_xml() -> None:
    for h in EVERY:
        said = legible(h.text)
        said.encode()
        assert not set(said) & (OBEYED | set("\r\ufffe\uffff"))


def _pieces(said: str) -> list[str]:
    """The cells that any spreadsheet could make of a text, whatever it parts them at."""
    for sign in "\t\r\n":
        said = said.replace(sign, ";")
    return said.split(";")


def test_no_text_is_a_formula_wherever_a_spreadsheet_parts_it() -> None:
    for h in EVERY:
        for piece in _pieces(text.cell(h.text)):
            assert not piece.strip().strip('"').strip().startswith(tuple(SIGNS)), h.text[:40]
        assert text.cell(h.text).replace("'", "") == h.text.replace("'", ""), "nothing but apostrophes is added"


def test_a_column_s_cells_are_each_text_s_cell() -> None:
    said = [h.text for h in storable()]
    assert pl.DataFrame({"t": said}).select(text.cells(pl.col("t")))["t"].to_list() == [text.cell(t) for t in said]


def test_numbers_are_no_formulas() -> None:
    assert [text.cell(v) for v in (-1, -1.5, 1e-9, -float("inf"))] == ["-1", "-1.5", "1e-09", "-inf"]
    assert text.cell("-1.5") == "'-1.5", "a text that looks like a number came from somebody"


@pytest.mark.parametrize("each", storable("oversized"), ids=lambda h: ascii(h.text[:8]))
def test_a_text_of_any_length_is_made_harmless_at_once(each: Hostile) -> None:
    begun = time.process_time()
    text.cell(text.neutralise(text.clean(each.text)))
    assert time.process_time() - begun < 2.0, "a pattern that backtracks would take minutes"


def test_whole_columns_are_made_harmless_as_single_texts_are() -> None:
    said = [h.text for h in storable()]
    found = columns.neutral(columns.cleaned(pl.Series(said))).to_list()
    assert found == [text.neutralise(text.clean(t)) for t in said]
