"""The log-probability of an option, where a server's answer holds it; never a number that it does not."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from sociolect.errors import ModelError
from sociolect.models.served_replies import choice_of

WAY_OUT = "ask for free text, or open the weights with hf/<folder or hub id>"
END = "\n"  # in the plain layout a message ends with its line
TOP = 20  # alternatives: the most that chat endpoints give


class Echoed(NamedTuple):
    """The log-probability of an option in nats, and whether the server's numbers were seen to belong to its tokens."""

    nats: float
    checked: bool


def echoed(data: Any, prompt: str, option: str, name: str) -> Echoed:
    """The log-probability of `option` after `prompt`, from an answer that repeats both with a number per token.

    It is the sum over the tokens from the end of the prompt to the end of the option. The answer goes on by one token, the
    likeliest, which shows whether numbers and tokens belong together: some servers shift them by one.
    Raises ModelError where the server has not repeated the text, gives no numbers, shifts them, or joins the option's
    first letters to the prompt's last in one token.
    """
    choice, whole = choice_of(data), prompt + option
    told = choice.get("logprobs")
    told = told if isinstance(told, dict) else {}
    tokens, numbers, places = told.get("tokens"), told.get("token_logprobs"), told.get("text_offset")
    if not (isinstance(tokens, list) and isinstance(numbers, list) and isinstance(places, list)) or not tokens:
        raise ModelError(f"{name} gives no log-probabilities though it was asked for them; {WAY_OUT}")
    if not str(choice.get("text") or "").startswith(whole):
        raise ModelError(f"{name} does not weigh a text it did not write: it ignores `echo`; {WAY_OUT}")
    if len(tokens) != len(numbers) or len(tokens) != len(places) or not all(isinstance(p, int) for p in places):
        raise ModelError(
            f"{name} gives {len(tokens)} tokens, {len(numbers)} log-probabilities and {len(places)} places: due is one of each"
        )
    if len(prompt) not in places:
        raise ModelError(f"{name} reads the end of the prompt and the head of {option!r} as one token; {WAY_OUT}")
    # A token of no characters stands where the next one does: the option begins at the first of them.
    first = places.index(len(prompt))
    last = next((i for i, place in enumerate(places) if place >= len(whole)), len(places))
    if last < len(places) and places[last] != len(whole):
        raise ModelError(f"{name} reads the end of {option!r} and what follows as one token; {WAY_OUT}")
    some = numbers[first:last]
    if not some or not all(_number(n) for n in some):
        raise ModelError(f"{name} gives no log-probability to a part of {option!r}; {WAY_OUT}")
    return Echoed(math.fsum(some), _checked(told, last, name))


def first_tokens(data: Any, options: Sequence[str], name: str) -> list[float]:
    """The log-probability of each option's first token, from the alternatives at the head of a chat's reply.

    Told only where that token tells the option apart: it is the longest alternative that the option begins with, and no
    other option begins with it. Raises ModelError where the server gives no alternatives, where an option is not among
    them, and where two options begin alike.
    """
    told = choice_of(data).get("logprobs")
    content = told.get("content") if isinstance(told, dict) else None
    top = (
        content[0].get("top_logprobs")
        if isinstance(content, list) and content and isinstance(content[0], dict)
        else None
    )
    if not isinstance(top, list) or not top:
        raise ModelError(f"{name} gives no log-probabilities though it was asked for them; {WAY_OUT}")
    known = {
        one["token"]: float(one["logprob"])
        for one in top
        if isinstance(one, dict) and isinstance(one.get("token"), str) and one["token"] and _number(one.get("logprob"))
    }
    heads = [max((t for t in known if option.startswith(t)), key=len, default=None) for option in options]
    if missing := [option for option, head in zip(options, heads, strict=True) if head is None]:
        raise ModelError(
            f"{name} gives {len(known)} alternatives for the first token, and none begins {', '.join(map(repr, missing))}; {WAY_OUT}"
        )
    alike = [o for o, h in zip(options, heads, strict=True) if sum(other.startswith(h or "") for other in options) > 1]
    if alike:
        raise ModelError(
            f"{name} weighs first tokens alone, and these begin alike: {', '.join(map(repr, alike))}; reword the options, or {WAY_OUT}"
        )
    return [known[head] for head in heads if head is not None]


def _checked(told: dict[str, Any], last: int, name: str) -> bool:
    """Whether the token that goes on is the likeliest by the server's own numbers; False where there is none to look at."""
    top = told.get("top_logprobs")
    if not isinstance(top, list) or last >= min(len(top), len(told["tokens"])) or not isinstance(top[last], dict):
        return False
    best = max((float(n) for n in top[last].values() if _number(n)), default=None)
    own = told["token_logprobs"][last]
    if best is None or not _number(own):
        return False
    if own < best - 1e-3:  # numbers are rounded on the way
        raise ModelError(
            f"{name} gives log-probabilities that are not its tokens': what it writes at temperature 0 has {own:.3f}, and "
            f"{best:.3f} was to be had; {WAY_OUT}"
        )
    # A row that was never filled is alike everywhere: it shows nothing.
    as_good = sum(float(n) >= own - 1e-9 for n in top[last].values() if _number(n))
    return len(top[last]) > 1 and as_good == 1


def _number(told: Any) -> bool:
    return isinstance(told, int | float) and not isinstance(told, bool) and math.isfinite(told) and told <= 1e-6
