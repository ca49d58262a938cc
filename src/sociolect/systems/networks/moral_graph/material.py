"""The words of the interview and the votes, the cases, and the planted values: what items.toml holds, read."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

FILE = Path(__file__).with_name("items.toml")


class Value(NamedTuple):
    """A values card: what one attends to when one chooses well. `marked` is planted: who marks it as wise to consider."""

    id: str
    title: str
    description: str
    policies: tuple[str, ...]
    marked: float = 0.5

    @property
    def text(self) -> str:
        """The card as it is shown, and as the interviewer offers it.

        >>> print(Value("a", "Care", "One cares.", ("SIGNS that it hurts",)).text)
        CARD: Care | One cares.
        - SIGNS that it hurts
        """
        return "\n".join([f"CARD: {self.title} | {self.description}", *(f"- {p}" for p in self.policies)])


@cache
def words() -> dict[str, Any]:
    """items.toml as it stands."""
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


def cases() -> dict[str, str]:
    """The cases by id.

    >>> list(cases())
    ['choice', 'daughter', 'weapons']
    """
    return {one["id"]: one["text"] for one in words()["case"]}


def values() -> tuple[Value, ...]:
    """The planted values, from the least wise to the wisest.

    >>> len(values()), {len(v.policies) for v in values()}
    (12, {4})
    """
    return tuple(
        Value(v["id"], v["title"], v["description"], tuple(v["policies"]), v["marked"]) for v in words()["value"]
    )


def options(of: str) -> tuple[str, ...]:
    """The answers to one of the questions: agree, same, value, wisdom.

    >>> options("wisdom")
    ('wiser', 'not wiser', 'not sure')
    """
    return tuple(words()["options"][of])


def question(of: str, *shown: str, context: str = "") -> str:
    """The words that one question is put in: the context, what is shown, the question."""
    parts = [f"The case: {context}"] if context else []
    return "\n\n".join([*parts, *shown, words()["questions"][of]])
