"""Items copied into a training set are found, whole or in half, and nothing is found in texts that share no run."""

import numpy as np
import polars as pl
import pytest

from sociolect import frames
from sociolect.errors import InputError, RefusedError, UsageError
from sociolect.frames import Examples, Items
from sociolect.measure.contamination import RUN, contaminated, kept_out

NOISE = np.random.default_rng(4)
VOCABULARY = [f"w{i}" for i in range(200)]


def said(n: int) -> str:
    return " ".join(NOISE.choice(VOCABULARY, n))


STORIES = [said(40) for _ in range(30)]
FORM = "Is what is done here acceptable where it happens? Say Neither where nothing bears on it. "


def items(stories: list[str]) -> Items:
    rows = {"item": [str(i) for i in range(len(stories))], "prompt": [FORM + s for s in stories], "story": stories}
    return frames.items(pl.DataFrame(rows).with_columns(options=pl.lit(None, pl.List(pl.String))))


def examples(replies: list[str]) -> Examples:
    rows = {"community": ["c"] * len(replies), "prompt": ["Write."] * len(replies), "reply": replies}
    return frames.examples(pl.DataFrame(rows))


def test_what_was_copied_is_found_and_nothing_else() -> None:
    taught = [said(60) for _ in range(50)]
    taught[7] = f"{said(9)} {STORIES[3].upper()}! {said(4)}"
    taught[20] = " ".join(STORIES[11].split()[:30])  # 18 of its 28 runs
    taught[30] = " ".join(STORIES[12].split()[:20])  # 8 of them
    found = contaminated(examples(taught), items(STORIES), columns=["story"])
    assert found.select("example", "item", "column").rows() == [(7, "3", "story"), (20, "11", "story")]
    assert found["share"].to_list() == [1.0, pytest.approx((30 - RUN + 1) / (40 - RUN + 1))]


def test_nothing_is_found_where_nothing_was_copied() -> None:
    taught = examples([FORM + said(60) for _ in range(200)])  # the form alone is no story
    assert contaminated(taught, items(STORIES)).is_empty()
    assert kept_out(taught, items(STORIES)) is taught


def test_a_prompt_counts_as_a_reply_does_and_order_does_not() -> None:
    turned = examples(["x"]).with_columns(prompt=pl.lit(STORIES[0]))
    assert contaminated(frames.examples(turned), items(STORIES), columns=["story"])["item"].to_list() == ["0"]
    backwards = frames.items(items(STORIES)[::-1])
    assert contaminated(frames.examples(turned), backwards, columns=["story"])["item"].to_list() == ["0"]
    # words of a prompt and of its reply do not stand in a row
    parted = frames.examples(
        turned.with_columns(
            prompt=pl.lit(" ".join(STORIES[0].split()[:12])), reply=pl.lit(" ".join(STORIES[0].split()[12:24]))
        )
    )
    assert contaminated(parted, items(STORIES), columns=["story"]).is_empty()


def test_short_texts_are_found_whole_and_very_short_ones_not_looked_for() -> None:
    short = items(["one two three four five", "one two three"])
    assert contaminated(examples(["so: one two, three four five."]), short, columns=["story"])["item"].to_list() == [
        "0"
    ]
    assert contaminated(examples(["one two three four"]), short, columns=["story"]).is_empty()


def test_faults_say_what_is_due() -> None:
    with pytest.raises(RefusedError, match=r"1 of 2 examples hold the text of 1 items \(example 1, item 5\)"):
        kept_out(examples(["x", STORIES[5]]), items(STORIES), columns=["story"])
    with pytest.raises(InputError, match="no column 'stem'; they have: item"):
        contaminated(examples(["x"]), items(STORIES), columns=["stem"])
    with pytest.raises(UsageError, match="run is 3"):
        contaminated(examples(["x"]), items(STORIES), run=3)
