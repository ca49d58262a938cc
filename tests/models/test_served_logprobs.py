"""Log-probabilities of options against a server whose language is known: letters that follow one another by a table."""

import json
import math
from collections.abc import Callable
from typing import Any

import pytest
from tests.models.faulty_server import Faulty, Make, http

from sociolect.errors import ModelError
from sociolect.models.model import user
from sociolect.models.served import Served, served
from sociolect.models.served_logprobs import first_tokens
from sociolect.models.served_replies import plain

LETTERS = "abcdefghijklmnopqrstuvwxyz :\n"


def nats(before: str, letter: str) -> float:
    """The planted language: the letter that follows in the alphabet is ten times as likely as any other."""
    weights = {c: 10.0 if (LETTERS.index(before) + 1) % len(LETTERS) == i else 1.0 for i, c in enumerate(LETTERS)}
    return math.log(weights[letter] / sum(weights.values()))


def truth(prompt: str, option: str) -> float:
    text = prompt + option
    return sum(nats(text[i - 1], text[i]) for i in range(len(prompt), len(text)))


def letters(body: dict[str, Any], shift: int = 0) -> dict[str, Any]:
    """What a completions endpoint says that repeats the prompt; `shift` gives each token the number of its neighbour."""
    text = body["prompt"]
    whole = text + max(LETTERS, key=lambda c: nats(text[-1], c))
    numbers: list[float | None] = [None, *(nats(whole[i - 1], whole[i]) for i in range(1, len(whole)))]
    best = [dict(sorted(((c, nats(b, c)) for c in LETTERS), key=lambda one: -one[1])[:2]) for b in whole[:-1]]
    told = {
        "tokens": list(whole),
        "token_logprobs": numbers[shift:] + [-3.6] * shift,
        "text_offset": list(range(len(whole))),
        "top_logprobs": [None, *best],
    }
    return {"choices": [{"text": whole, "logprobs": told}]}


def weigher(serve: Make, answer: Callable[[dict[str, Any]], dict[str, Any]], **settings: Any) -> Served:
    server: Faulty = serve(lambda *_: "", answer=lambda body: http(200, json.dumps(answer(body)).encode()))
    return served("m", url=server.url, key=None, **{"api": "completions", **settings})


def test_an_option_has_the_log_probability_of_all_its_letters(serve: Make) -> None:
    chats, options = [user("say it"), user("abc"), user("say it")], [["abc", "cab"], ["x y"], ["abc", "cab"]]
    found = weigher(serve, letters).logprobs(chats, options)
    for chat, some, row in zip(chats, options, found, strict=True):
        assert row == pytest.approx([truth(plain(chat), f" {o}\n") for o in some], abs=1e-12)
    assert found[0][0] > found[0][1]  # c follows b and b follows a: two likely steps to one
    assert found[0] == found[2]


def change(**told: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def answer(body: dict[str, Any]) -> dict[str, Any]:
        data = letters(body)
        data["choices"][0]["logprobs"].update({k: f(data["choices"][0]["logprobs"]) for k, f in told.items()})
        return data

    return answer


def only(body: dict[str, Any]) -> dict[str, Any]:
    return {"choices": [{**letters(body)["choices"][0], "text": "z"}]}


LIES: dict[str, tuple[Callable[[dict[str, Any]], dict[str, Any]], str]] = {
    "no numbers": (
        lambda _: {"choices": [{"text": "x", "logprobs": None}]},
        "gives no log-probabilities though it was asked",
    ),
    "no echo": (only, "it ignores `echo`"),
    "numbers of the neighbours": (lambda body: letters(body, shift=1), "not its tokens'"),
    "too few numbers": (change(token_logprobs=lambda t: t["token_logprobs"][1:]), "due is one of each"),
    "a number is null": (change(token_logprobs=lambda t: [None] * len(t["tokens"])), "no log-probability to a part of"),
    "a number above 0": (change(token_logprobs=lambda t: [1.0] * len(t["tokens"])), "no log-probability to a part of"),
    "a token across the border": (
        change(text_offset=lambda t: [0, *range(2, len(t["tokens"]) + 1)][: len(t["tokens"])]),
        "",
    ),
    "a row that was never filled": (
        change(
            top_logprobs=lambda t: [{"a": -3.3, "b": -3.3}] * len(t["tokens"]),
            token_logprobs=lambda t: [-3.3] * len(t["tokens"]),
        ),
        "nothing shows that they are its tokens'",
    ),
    "nothing to check by": (change(top_logprobs=lambda _: None), "nothing shows that they are its tokens'"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_number_that_is_not_the_options_own_is_refused(serve: Make, lie: str) -> None:
    answer, said = LIES[lie]
    if lie == "a token across the border":  # the prompt's colon and the option's space are one token

        def answer(body: dict[str, Any]) -> dict[str, Any]:
            data, at = letters(body), body["prompt"].rindex(":")
            told = data["choices"][0]["logprobs"]
            told["tokens"][at : at + 2] = [": "]
            for key in ("token_logprobs", "text_offset", "top_logprobs"):
                del told[key][at + 1]
            return data

        said = "as one token"
    with pytest.raises(ModelError, match=said):
        weigher(serve, answer).logprobs([user("say it")], [["abc"]])


def top(**known: float) -> dict[str, Any]:
    alternatives = [{"token": t, "logprob": n} for t, n in known.items()]
    return {"choices": [{"message": {"content": "x"}, "logprobs": {"content": [{"top_logprobs": alternatives}]}}]}


def test_a_chat_endpoint_tells_options_apart_by_their_first_token(serve: Make) -> None:
    model = weigher(serve, lambda _: top(yes=-0.5, no=-1.5, y=-4.0, perhaps=-2.5), api="chat")
    assert model.logprobs([user("well?")], [["no", "yes", "perhaps not"]]) == [[-1.5, -0.5, -2.5]]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["yes", "maybe"], "none begins 'maybe'"),
        (["yes", "yes indeed"], "begin alike: 'yes', 'yes indeed'"),
        (["1", "10"], "begin alike: '1'"),
    ],
)
def test_options_that_first_tokens_do_not_tell_apart_are_refused(options: list[str], said: str) -> None:
    with pytest.raises(ModelError, match=said):
        first_tokens(top(**{"yes": -0.5, "1": -1.0, "10": -2.0}), options, "m")
