from math import inf

import pytest

from sociolect.errors import ModelError, UsageError
from sociolect.models.model import user
from sociolect.models.scripted import player, scripted

A, B = user("a"), user("b")


def test_replies_by_map_function_and_list() -> None:
    assert scripted({"a": "1", "b": "2"}).generate([B, A]) == ["2", "1"]
    assert scripted(lambda chat: chat[-1].text.upper()).generate([A]) == ["A"]
    assert scripted(["1", "2"]).generate([A, B, A, A]) == ["1", "1", "2", "1"]
    assert scripted(["one two three"]).generate([A], tokens=2) == ["one two"]


def test_weighs_only_what_it_says() -> None:
    assert scripted(["no"]).logprobs([A], [["yes", "no"]]) == [[-inf, 0.0]]
    with pytest.raises(ModelError, match="none of the 2 options"):
        scripted(["maybe"]).logprobs([A], [["yes", "no"]])


def test_players() -> None:
    assert player("constant").generate([A, B]) == ["yes", "yes"]
    assert player("echo").generate([A, B]) == ["a", "b"]
    assert player("first-option").logprobs([A, A], [["x", "y"], ["y", "x"]]) == [[0.0, -inf], [0.0, -inf]]
    assert player("refuse").generate([A])[0].startswith("I'm sorry")
    with pytest.raises(UsageError, match="did you mean 'echo'"):
        player("eco")
    with pytest.raises(ModelError, match="no reply to 'z'"):
        scripted({"a": "1"}).generate([user("z")])
