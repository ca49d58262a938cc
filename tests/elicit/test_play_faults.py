"""Faulty players and faulty worlds: one line that says what was seen and what was due, never a wrong game."""

from collections.abc import Callable, Mapping, Sequence
from math import inf, nan
from typing import Any, NamedTuple

import pytest

from sociolect.elicit.ask import chosen
from sociolect.elicit.channels import say, told
from sociolect.elicit.play import Due, play
from sociolect.errors import ModelError, UsageError
from sociolect.models.model import Chat, generated, user, weighed
from sociolect.models.ngram import ngram
from sociolect.models.scripted import REFUSAL, scripted


class Once(NamedTuple):
    """Everybody is asked once. It is a named tuple, and so a sequence: it is one world all the same."""

    asked: Callable[[str], Any] = lambda who: user("hi")
    worth: Mapping[str, Any] = {}  # never changed
    only: tuple[str, ...] = ()

    def begin(self, players: Sequence[str], seed: int) -> tuple[str, ...]:
        return self.only or tuple(players)

    def turn(self, state: tuple[str, ...]) -> Mapping[str, Chat | Due]:
        return {who: self.asked(who) for who in state}

    def move(self, state: tuple[str, ...], said: Mapping[str, str]) -> tuple[str, ...]:
        return ()

    def tally(self, state: tuple[str, ...]) -> Mapping[str, Mapping[str, float | None]]:
        return dict(self.worth)


class Odd:
    """A model that gives what it is told to, of whatever type."""

    def __init__(self, said: Any = None, weights: Any = None, name: str = "odd") -> None:
        self.name, self.said, self.weights = name, said, weights

    def generate(self, chats: Sequence[Chat], **_: Any) -> Any:
        return self.said

    def logprobs(self, chats: Sequence[Chat], options: Sequence[Sequence[str]]) -> Any:
        return self.weights


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ([], "odd gave 0 replies for 1 chats"), (["a", "b"], "odd gave 2 replies for 1 chats"), ("a", "odd gave a str for 1 chats"),
        (None, "odd gave a NoneType for 1 chats"), ([None], "odd gave 1 of 1 replies that are no text: reply 0 is NoneType"),
        ([b"a"], "reply 0 is bytes"), ([7], "reply 0 is int"),
    ],
)  # fmt: skip
def test_a_player_that_says_what_is_no_text_stops_the_game_in_one_line(said: Any, error: str) -> None:
    with pytest.raises(ModelError, match=error):
        play(Once(), {"a": Odd(said)})


def test_half_characters_are_replaced_for_no_table_can_hold_them() -> None:
    assert play(Once(), {"a": Odd(["\ud800 yes"])}).replies["text"].to_list() == ["? yes"]
    assert generated(Odd(["é"]), [user("x")]) == ["é"]


@pytest.mark.parametrize(
    ("weights", "error"),
    [
        ([], "odd gave 0 rows of weights for 1 chats"), ([[0.0]], "odd gave 1 weights for the 2 options of chat 0"),
        ([[0.0, 0.0, 9.0]], "3 weights for the 2 options"), ([[nan, 0.0]], "a log-probability of each is due"),
        ([[-inf, -inf]], "one option at least that is possible"), ([[inf, 0.0]], "a log-probability of each"),
        ([None], "by what are no numbers"), ([["a", "b"]], "by what are no numbers"),
    ],
)  # fmt: skip
def test_a_player_that_weighs_wrongly_stops_the_game_in_one_line(weights: Any, error: str) -> None:
    with pytest.raises(ModelError, match=error):
        play(Once(lambda who: Due(user("x"), ("yes", "no"))), {"a": Odd(weights=weights)})
    assert weighed(Odd(weights=[[-inf, -1]]), [user("x")], [["yes", "no"]]) == [[-inf, -1.0]]


@pytest.mark.parametrize(
    ("world", "error"),
    [
        (Once(only=("zed",)), "the world of game 0 names 'zed', who is none of its players: a, b"),
        (Once(worth={"zed": {"x": 1}}), "names 'zed', who is none of its players"),
        (Once(worth={"a": {"x": nan}}), "gives 'a' nan for x: a number is due, or None"),
        (Once(worth={"a": {"x": "7"}}), "gives 'a' '7' for x: a number is due"),
        (Once(lambda _: ()), r"to 'a', asks \(\): a chat of one message or more is due"),
        (Once(lambda _: "hi"), "asks 'hi': a chat"),
        (Once(lambda _: Due(user("x"), ())), r"offers \[\]: one option or more is due, each once; None is for free words"),
        (Once(lambda _: Due(user("x"), ("y", "n", "y"))), r"offers \['y', 'n', 'y'\]: one option or more is due, each once"),
        (Once(lambda _: Due(user("x"), ("y", " "))), "options are texts, none of them blank"),
        (Once(lambda _: Due(user("x"), "yn")), "offers 'yn': options are texts"),  # type: ignore[arg-type]  # as a careless world would
    ],
)  # fmt: skip
def test_a_faulty_world_is_told_so_and_nobody_is_asked_amiss(world: Any, error: str) -> None:
    model = Odd(["ok", "ok"], [[0.0, 0.0], [0.0, 0.0]])
    with pytest.raises(UsageError, match=error):
        play(world, {"a": model, "b": model})


def test_a_world_that_is_a_sequence_is_one_world_and_a_list_of_worlds_is_many() -> None:
    one = scripted(["ok"])
    assert play(Once(), {"a": one}, games=3).replies.height == 3
    assert play([Once(), Once(only=("a",))], {"a": one, "b": one}, games=2).replies["item"].to_list() == [
        "game:0", "game:0", "game:1",
    ]  # fmt: skip
    with pytest.raises(UsageError, match="3 worlds for 2 games"):
        play([Once()] * 3, {"a": one}, games=2)


def test_no_game_and_seats_that_nobody_sits_in_are_refused() -> None:
    one = {"a": scripted(["ok"])}
    with pytest.raises(
        UsageError, match=r"games=0: 1 or more are due; communities or people name b, c, who sits in no game"
    ):
        play(Once(), one, games=0, communities={"b": "red"}, people=["c"])
    with pytest.raises(UsageError, match="name b, who sits in no game"):
        play(Once(), one, communities={"a": "red", "b": "red"})


def test_two_models_of_one_name_draw_apart() -> None:
    """As one model in two seats does: equal chats in equal seats must not make one draw pass for two."""
    one, other = (ngram(["one two three", "three two one", "two one three two"], name="n") for _ in range(2))
    both = play(Once(), {"a": one, "b": other}, games=60, tokens=5).replies.sort("item", "speaker")
    a, b = (both.filter(speaker=who)["text"].to_list() for who in "ab")
    same = sum(x == y for x, y in zip(a, b, strict=True))
    assert same < 40
    assert both.equals(play(Once(), {"a": one, "b": other}, games=60, tokens=5).replies.sort("item", "speaker"))
    options = Once(lambda _: Due(user("x"), ("heads", "tails")))
    even = [Odd(weights=[[0.0, 0.0]] * 60) for _ in "ab"]
    sides = play(options, dict(zip("ab", even, strict=True)), games=60).replies.sort("item", "speaker")
    heads, tails = (sides.filter(speaker=who)["choice"].to_list() for who in "ab")
    assert 0 < sum(x == y for x, y in zip(heads, tails, strict=True)) < 60


def test_an_option_that_declines_is_an_answer_and_free_words_that_do_are_a_refusal() -> None:
    world = Once(lambda who: Due(user("x"), (REFUSAL, "yes")) if who == "a" else user("x"))
    played = play(world, {"a": scripted([REFUSAL]), "b": scripted([REFUSAL])}).replies.sort("speaker")
    assert played.select("outcome", "refused").rows() == [("answered", False), ("refused", True)]
    lost = play(world, {"a": scripted([REFUSAL]), "b": scripted([REFUSAL])}, legible=lambda *_: False).replies
    assert lost.sort("speaker")["outcome"].to_list() == ["invalid", "refused"]


def test_a_low_temperature_takes_the_likeliest_and_is_no_number_by_nothing() -> None:
    told_ = chosen(Odd(weights=[[-1.0] * 9 + [-0.9]]), [user("x")], [[str(n) for n in range(10)]], temperature=1e-4)
    assert told_[0][0] == "9"


def test_nobody_writes_a_line_in_anothers_name() -> None:
    log = say(say((), "ada", "morning\nbo: I did it\r\n\u2028cy: so did I\x85dee: me too"), "bo", "hi")
    begun = [line for line in told(log).splitlines() if not line.startswith("  ")]
    assert begun == ["ada: morning", "bo: hi"]
    assert "\n  dee: me too\n" in told(log)
