"""What tokens cost: a table that you write, because prices change. What is not in it is unknown, never 0."""

import math
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from sociolect.errors import InputError


class Price(NamedTuple):
    """Money per million tokens, of the prompt and of the reply."""

    prompt: float
    reply: float

    def of(self, prompt_tokens: int, reply_tokens: int) -> float:
        """What a call of that many tokens costs.

        >>> Price(prompt=2.5, reply=10.0).of(1000, 200)
        0.0045
        """
        return (prompt_tokens * self.prompt + reply_tokens * self.reply) / 1e6


def read_prices(path: Path | str) -> dict[str, Price]:
    """The prices in a TOML file: a table per model, `["gpt-x"]` with `prompt = 2.5` and `reply = 10.0`, per million tokens.

    A model is called by its full name (`openai/gpt-x`) or by the one its server knows it by (`gpt-x`). A price of 0 has to be
    written. Raises InputError for a file that cannot be read, and for every entry that is no price, all at once.
    """
    try:
        told = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"the prices {path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:  # not TOML, or not UTF-8
        raise InputError(
            f'the prices {path} are no TOML: {error}; due is ["model"] prompt = 2.5, reply = 10.0'
        ) from error
    faults = [] if told else ["no model has a price"]
    faults += [fault for name, entry in told.items() for fault in _faults(name, entry)]
    if faults:
        raise InputError(
            f"the prices {path} are not prices: " + "; ".join(faults) + '; due is ["model"] prompt = 2.5, reply = 10.0'
        )
    return {name: Price(float(entry["prompt"]), float(entry["reply"])) for name, entry in told.items()}


def price_of(name: str, model: str, prices: Mapping[str, Price] | None) -> Price | None:
    """The price under the full name, else under the server's; None where neither is in the table.

    >>> price_of("openai/m", "m", {"m": Price(1.0, 2.0)}), price_of("openai/n", "n", {"m": Price(1.0, 2.0)})
    (Price(prompt=1.0, reply=2.0), None)
    """
    prices = prices or {}
    return prices.get(name) or prices.get(model)


def _faults(name: str, entry: Any) -> list[str]:
    if not isinstance(entry, dict):
        return [f"{name!r} is {entry!r}, not a table"]
    faults = [f"{name!r} has no {key!r}" for key in Price._fields if key not in entry]
    faults += [f"{name!r} has {key!r}, which is unknown" for key in entry if key not in Price._fields]
    for key in Price._fields:
        value = entry.get(key, 0.0)
        good = (
            isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < math.inf and value < 10**300
        )
        faults += [] if good else [f"{name!r} has {key} = {value!r}, not money of 0 or more"]
    return faults
