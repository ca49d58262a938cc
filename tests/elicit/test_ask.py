"""Asking: every item, every draw, every community, once; and answers kept as they came."""

from collections.abc import Sequence

import polars as pl
import pytest

from sociolect import frames
from sociolect.elicit.ask import ask
from sociolect.elicit.human import human
from sociolect.models.model import Chat, streams

SHAPE: dict[str, pl.DataType] = {
    "item": pl.String(),
    "prompt": pl.String(),
    "options": pl.List(pl.String),
    "topic": pl.String(),
}
OPEN = frames.items(
    pl.DataFrame(
        {"item": ["a", "b"], "prompt": ["say a", "say b"], "options": [None, None], "topic": ["t", "u"]}, schema=SHAPE
    )
)
CLOSED = frames.items(
    pl.DataFrame({"item": ["c"], "prompt": ["pick"], "options": [["yes", "no", "maybe"]], "topic": ["t"]}, schema=SHAPE)
)


class Player:
    """Says its prompt and its stream; weighs yes, no, maybe as 1 : 2 : 5."""

    name = "player"

    def generate(
        self, chats: Sequence[Chat], *, tokens: int = 256, temperature: float = 1.0, top_p: float = 1.0, seed: int = 0
    ) -> list[str]:
        return [f"{c[-1].text} {s}" for c, s in zip(chats, streams(chats, seed), strict=True)]

    def logprobs(self, chats: Sequence[Chat], options: Sequence[Sequence[str]]) -> list[list[float]]:
        return [[0.0, 0.6931471805599453, 1.6094379124341003] for _ in chats]


class Fixed(Player):
    def __init__(self, said: str) -> None:
        self.said = said

    def generate(
        self, chats: Sequence[Chat], *, tokens: int = 256, temperature: float = 1.0, top_p: float = 1.0, seed: int = 0
    ) -> list[str]:
        return [self.said] * len(chats)


def test_every_item_draw_and_community_once() -> None:
    said = ask({"red": Player(), "blue": Player()}, OPEN, draws=3)
    assert said.height == 2 * 2 * 3
    assert said["text"].n_unique() == 12
    assert set(said["topic"]) == {"t", "u"}


def test_arms_and_row_order_do_not_move_a_draw() -> None:
    one = ask({"red": Player()}, OPEN, draws=2, condition="x", seed=5)
    two = ask(
        {"blue": Player(), "red": Player()},
        frames.items(OPEN.sort("item", descending=True)),
        draws=2,
        condition="y",
        seed=5,
    )
    again = two.filter(pl.col("community") == "red")
    assert one.sort("item", "draw")["text"].to_list() == again.sort("item", "draw")["text"].to_list()
    assert (
        ask({"red": Player()}, OPEN, seed=6)["text"].to_list() != ask({"red": Player()}, OPEN, seed=5)["text"].to_list()
    )


def test_options_are_drawn_as_they_are_weighed() -> None:
    said = ask({"red": Player()}, CLOSED, draws=4000, seed=1)
    share = {k: v / 4000 for k, v in said["choice"].value_counts().iter_rows()}
    for option, due in {"yes": 1 / 8, "no": 2 / 8, "maybe": 5 / 8}.items():
        assert abs(share[option] - due) < 4 * (due * (1 - due) / 4000) ** 0.5
    assert said.filter(pl.col("choice") == "maybe")["logprob"][0] == pytest.approx(-0.4700036292457356)  # log(5/8)
    assert set(ask({"red": Player()}, CLOSED, draws=9, temperature=0)["choice"]) == {"maybe"}


def test_one_unwrapping_for_all_and_the_words_as_they_came_stay() -> None:
    said = ask({"red": Fixed('Sure! Here is a post: "ran today"')}, OPEN)
    assert said["text"].to_list() == ["ran today"] * 2
    assert said["raw"][0].startswith("Sure!")


def test_silence_is_null_and_refusals_stay() -> None:
    assert ask({"red": Fixed("  ")}, OPEN)["text"].to_list() == [None, None]
    refused = ask({"red": Fixed("I'm sorry, but I can't help with that.")}, OPEN)
    assert refused["refused"].to_list() == [True, True]
    assert refused["text"].null_count() == 0


def test_people_meet_models_in_one_frame() -> None:
    posts = frames.posts(
        pl.DataFrame(
            {
                "post": ["3", "1", "2", "4"],
                "person": ["ada", "ada", "bob", "cyd"],
                "text": ["c", "a", "b", "I can't help with that"],
                "thread": ["t"] * 4,
                "parent": ["1", None, "1", None],
                "community": ["old"] * 4,
            }
        )
    )
    members = frames.members(pl.DataFrame({"person": ["ada", "cyd"], "community": ["red", "blue"]}))
    said = human(posts, members)
    assert said.sort("post").select("speaker", "community", "draw", "refused").rows() == [
        ("ada", "red", 0, False),
        ("ada", "red", 1, False),
        ("cyd", "blue", 0, True),
    ]
    assert set(said.columns) >= set(ask({"red": Player()}, OPEN).columns) - {
        "raw",
        "choice",
        "logprob",
        "options",
        "topic",
    }
