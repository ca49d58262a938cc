"""Asking models for comments: who is asked what how often, with which decoding, and what of a reply is the comment."""

from collections.abc import Sequence

import polars as pl
import pytest

from sociolect import frames
from sociolect.models.model import Chat, streams
from sociolect.models.scripted import REFUSAL, scripted
from sociolect.systems.studies.relationship_alignment.elicit import comment
from sociolect.systems.studies.relationship_alignment.outcomes import outcomes
from sociolect.systems.studies.relationship_alignment.test_elicit import people


class Stream:
    """Says its own stream, so that a test sees which draw it was; and notes with which decoding it was asked."""

    name = "same/name"

    def __init__(self) -> None:
        self.asked: list[tuple[int, float, float, int]] = []

    def generate(
        self, chats: Sequence[Chat], *, tokens: int = 256, temperature: float = 1.0, top_p: float = 1.0, seed: int = 0
    ) -> list[str]:
        self.asked.append((tokens, temperature, top_p, seed))
        return [f"drawn {s}" for s in streams(chats, seed)]

    def logprobs(self, chats: Sequence[Chat], options: Sequence[Sequence[str]]) -> list[list[float]]:
        raise AssertionError("a comment is free text")


def test_every_pair_draw_condition_and_model_once_with_one_decoding() -> None:
    pairs, a, b = people(), Stream(), Stream()
    said = comment(
        {"a": a, "b": b}, pairs, conditions=["none", "all"], draws=2, tokens=60, temperature=0.7, top_p=0.9, seed=5
    )
    assert said.height == 2 * 2 * 2 * pairs.height
    assert set(said["speaker"]) == {"a", "b"}  # two models of one name stay apart
    assert set(said["community"]) == {"everyone"}
    assert len({*a.asked, *b.asked}) == 1
    assert a.asked[0][:3] == (60, 0.7, 0.9)
    # draws differ; prompts of one post in `none` are the same, and so each has a draw of its own
    assert said.filter(speaker="a", condition="none")["text"].n_unique() == 2 * pairs.height
    # equal models answer alike: the speaker's name moves no draw
    left, right = (said.filter(speaker=s).sort("item", "condition", "draw")["text"] for s in "ab")
    assert left.equals(right)
    riders = said.filter(speaker="a", condition="all", draw=1).join(pairs, on="item", suffix="_h")
    assert riders.height == pairs.height
    for column in ("post", "post_text", "commenter", "closeness", "commenter_age", "weight"):
        assert riders[column].equals(riders[f"{column}_h"], null_equal=True)
    assert set(said["length"]) == {2}


def test_row_order_and_other_arms_change_no_byte() -> None:
    pairs = people()
    one = comment({"a": Stream()}, pairs, conditions=["gender"], seed=5)
    two = comment(
        {"z": Stream(), "a": Stream()}, frames.replies(pairs.reverse()), conditions=["none", "gender", "all"], seed=5
    )
    keys = ["item", "draw"]
    again = two.filter(speaker="a", condition="gender").sort(keys)
    assert again.select(one.columns).equals(one.sort(keys))


def test_a_variant_is_named_and_stacks() -> None:
    pairs, model = people(), {"a": Stream()}
    plain = comment(model, pairs, conditions=["all"])
    turned = comment(model, pairs, conditions=["all"], order="reversed", template="role")
    thought = comment(model, pairs, conditions=["all"], prompting="reason")
    both = frames.replies(pl.concat([plain, turned, thought]))
    assert set(both["condition"]) == {"all", "all/role/reversed", "all/reason"}
    assert set(both["context"]) == {"all"}


@pytest.mark.parametrize(
    ("raw", "text", "outcome"),
    [
        ("I think of them.\nCOMMENT: So glad for you!", "So glad for you!", "answered"),
        ('Thoughts.\n**Comment:** "well done"', "well done", "answered"),
        ("COMMENT: a draft\nno, better:\nCOMMENT: the last\none", "the last\none", "answered"),
        ("I would say COMMENT: somewhere inside a line", None, "unparsed"),
        ("only thoughts, cut short", None, "unparsed"),
        ("thoughts\nCOMMENT:  ", None, "empty"),
        ("  ", None, "empty"),
        (REFUSAL, None, "refused"),
        (f"thoughts\nCOMMENT: {REFUSAL}", None, "refused"),
    ],
)
def test_of_a_thought_only_the_comment_is_kept(raw: str, text: str | None, outcome: str) -> None:
    said = comment({"m": scripted([raw, raw])}, people(n=2), conditions=["none"], prompting="reason")
    assert said["text"].unique().to_list() == [text]
    assert said["outcome"].unique().to_list() == [outcome]
    assert said["raw"].unique().to_list() == [raw]
    assert "COMMENT:" in said["prompt"][0]
    assert "Write only the comment." not in said["prompt"][0]


def test_plain_replies_are_what_came_and_refusals_stay_counted() -> None:
    pairs = people(n=4, posts=4)
    lines = {0: "nice one here", 1: REFUSAL, 2: " ", 3: "COMMENT: yes"}
    model = scripted(lambda chat: next(t for i, t in lines.items() if f"post number {i}" in chat[-1].text))
    said = comment({"m": model}, pairs, conditions=["none"], draws=2)
    counted = outcomes(said).row(0, named=True)
    assert {k: counted[k] for k in ("asked", "answered", "refused", "empty", "unparsed")} == {
        "asked": 8, "answered": 4, "refused": 2, "empty": 2, "unparsed": 0,
    }  # fmt: skip
    assert counted["length"] == 2.5  # (3 + 2) / 2
    assert said.filter(outcome="refused")["text"].null_count() == 2
    assert set(said.filter(outcome="refused")["raw"]) == {REFUSAL}
