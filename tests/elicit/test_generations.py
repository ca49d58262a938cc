"""Generations: who plays, who survives, and what is handed on; all of it a function of the seed."""

from collections.abc import Mapping, Sequence

import pytest

from sociolect.elicit.generations import generations, said, scored, survivors
from sociolect.elicit.play import Played, play
from sociolect.errors import UsageError
from sociolect.models.model import Chat, user
from sociolect.models.scripted import scripted

State = Mapping[str, float | None]


class Tell:
    """Every player tells a number once; that is its worth."""

    def __init__(self, more: float = 0.0) -> None:
        self.more = more

    def begin(self, players: Sequence[str], seed: int) -> State:
        return dict.fromkeys(players)

    def turn(self, state: State) -> Mapping[str, Chat]:
        return {who: user(f"{who}: a number?") for who, told in state.items() if told is None}

    def move(self, state: State, said: Mapping[str, str]) -> State:
        return {**state, **{who: float(text) + self.more for who, text in said.items()}}

    def tally(self, state: State) -> Mapping[str, Mapping[str, float | None]]:
        return {who: {"told": told} for who, told in state.items()}


SAYS = scripted(lambda chat: str(len(chat[-1].text)))
TWO: list[tuple[str, ...]] = [("a", "bb"), ("c", "d")]
SEEDS: list[tuple[str, int, int]] = []


def match(now: Sequence[tuple[str, ...]], past: Sequence[Played], seed: int) -> Played:
    SEEDS.append(("match", len(past), seed))
    return play(Tell(), [dict.fromkeys(names, SAYS) for names in now], games=len(now), seed=seed)


def heirs(now: Sequence[tuple[str, ...]], past: Sequence[Played], seed: int) -> list[tuple[str, ...]]:
    SEEDS.append(("heirs", len(past), seed))
    kept = [survivors(past[-1].states[i], keep=1, seed=seed) for i in range(len(now))]
    return [(*some, f"{some[0]}x") for some in kept]


def test_the_best_survive_and_their_heirs_play_on() -> None:
    SEEDS.clear()
    lived = generations(TWO, match, heirs, number=3, matches=2, seed=7)
    assert [one.number for one in lived] == [1, 2, 3]
    assert [one.populations[0] for one in lived] == [("a", "bb"), ("bb", "bbx"), ("bbx", "bbxx")]
    assert [len(one.matches) for one in lived] == [2, 2, 2]
    assert [(kind, past) for kind, past, _ in SEEDS] == [("match", 0), ("match", 1), ("heirs", 2)] * 2 + [
        ("match", 0),
        ("match", 1),
    ]
    assert len({seed for *_, seed in SEEDS}) == len(SEEDS)  # each has a stream of its own
    first = list(SEEDS)
    SEEDS.clear()
    generations(TWO, match, heirs, number=3, matches=2, seed=7)
    assert first == SEEDS


def test_what_was_said_and_scored_in_all_matches_stands_in_one_frame() -> None:
    lived = generations(TWO, match, heirs, number=2, matches=2)
    replies, scores = said(lived), scored(lived)
    assert replies.height == scores.height == 2 * 2 * 4
    assert replies.select("generation", "match").unique().sort("generation", "match").rows() == [
        (1, 1),
        (1, 2),
        (2, 1),
        (2, 2),
    ]
    assert "game:1 generation:2 match:1" in replies["item"].to_list()
    assert scores.filter(generation=1, match=1, speaker="bb")["value"].to_list() == [float(len("bb: a number?"))]


def test_survivors_are_the_best_equals_by_lot_and_those_without_a_number_last() -> None:
    worth = {"a": 1.0, "b": 3.0, "c": None, "d": 2.0}
    assert survivors(worth, keep=4) == ("b", "d", "a", "c")
    assert survivors({k: worth[k] for k in "dcba"}, keep=2) == ("b", "d")
    assert survivors({"a": None, "b": -5.0}, keep=1) == ("b",)
    assert survivors({"a": float("nan"), "b": -5.0, "c": float("-inf")}, keep=2) == ("b", "c")
    for keep in (-1, 3):
        with pytest.raises(UsageError, match=f"keep is {keep}: from 0 to the 2 players is due"):
            survivors({"a": 1.0, "b": 2.0}, keep=keep)
    equal = dict.fromkeys("abcdef", 1.0)
    drawn = [survivors(equal, keep=3, seed=s) for s in range(60)]
    assert {who for some in drawn for who in some} == set("abcdef")
    assert survivors(dict(reversed(equal.items())), keep=3, seed=5) == drawn[5]
    assert all(10 < sum(who in some for some in drawn) < 50 for who in equal)


def test_too_few_are_refused() -> None:
    for number, matches, populations in ((0, 1, TWO), (1, 0, TWO), (1, 1, TWO[:0])):
        with pytest.raises(UsageError, match="1 or more of each are due"):
            generations(populations, match, heirs, number=number, matches=matches)


def test_every_game_may_have_a_world_of_its_own() -> None:
    seats = {"a": SAYS, "b": SAYS}
    played = play([Tell(), Tell(100.0)], [seats, seats], games=2)
    assert [state["a"] for state in played.states] == [12.0, 112.0]
    assert played.scores.filter(item="game:1")["value"].to_list() == [112.0, 112.0]
    with pytest.raises(UsageError, match="1 worlds for 2 games"):
        play([Tell()], [seats, seats], games=2)


def test_a_game_that_is_over_asks_nobody_however_many_turns_are_left() -> None:
    asked = []

    class Counting:
        name = "counting"

        def generate(self, chats: Sequence[Chat], **_: object) -> list[str]:
            asked.append(len(chats))
            return ["1" if len(asked) > 2 else "one"] * len(chats)

        def logprobs(self, chats: Sequence[Chat], options: Sequence[Sequence[str]]) -> list[list[float]]:
            raise AssertionError

    class Retold(Tell):
        def move(self, state: State, said: Mapping[str, str]) -> State:
            return {**state, **{who: float(text) if text.isdigit() else 0.0 for who, text in said.items()}}

    played = play(
        Retold(), {"a": Counting(), "b": Counting()}, legible=lambda _, __, text: text.isdigit(), tries=5, turns=10
    )
    assert sum(asked) == 2 + 1 + 1  # each model's player asked; the first two answers could not be read
    assert played.replies.sort("speaker")["tries"].to_list() == [2, 2]
