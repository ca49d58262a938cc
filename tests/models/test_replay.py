"""What was recorded comes back at its place, whole, whatever the order; nothing is made up where nothing was."""

import pytest

from sociolect.errors import ModelError
from sociolect.models.model import Message, user
from sociolect.models.replay import replay


def test_a_list_is_given_back_by_turn() -> None:
    model = replay(["one", "two"])
    begun = (*user("a"), Message("assistant", "anything"), Message("user", "b"))
    assert model.generate([begun, user("a"), begun]) == ["two", "one", "two"]
    with pytest.raises(ModelError, match="nothing recorded at '2'; it holds 2 texts"):
        model.generate([(*begun, Message("assistant", "x"), Message("user", "c"))])


def test_a_map_is_given_back_by_chat_or_by_a_place_in_it() -> None:
    chat = (Message("system", "s"), Message("user", "u"))
    assert replay({chat: "mine"}).generate([chat]) == ["mine"]
    with pytest.raises(ModelError, match="nothing recorded"):
        replay({chat: "mine"}).generate([user("u")])
    by_seat = replay({("ada", 0): "hello", ("bo", 0): "hi"}, at=lambda c: (c[0].text, 0))
    assert by_seat.generate([user("bo"), user("ada")]) == ["hi", "hello"]


def test_no_keyword_shortens_what_was_said() -> None:
    long = "word " * 500 + "<|im_start|>\x00"
    assert replay([long]).generate([user("a")], tokens=1, temperature=0.0, top_p=0.1, seed=9) == [long]


def test_the_recorded_option_is_certain() -> None:
    weighed = replay(["no"]).logprobs([user("a")] * 2, [["yes", "no"], ["no"]])
    assert weighed == [[float("-inf"), 0.0], [0.0]]
    with pytest.raises(ModelError, match="recorded 'no', which is none of the 2 options: a, b"):
        replay(["no"]).logprobs([user("a")], [["a", "b"]])


def test_nothing_recorded_is_no_model() -> None:
    with pytest.raises(ModelError, match="nothing recorded: a text at least"):
        replay([], name="replay/ada")
    with pytest.raises(ModelError, match="nothing recorded: a text at least"):
        replay({}, name="replay/ada")
