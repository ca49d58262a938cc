"""Twenty ways to ask for a post; the wording is this project's own."""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import polars as pl

from sociolect.text import clean, neutralise, words

_SLOT = re.compile(r"\{(?:topic|community)\}")


@cache
def _read() -> tuple[Mapping[str, str], ...]:
    said = files("sociolect.align").joinpath("templates.toml").read_text(encoding="utf-8")
    return tuple(tomllib.loads(said)["template"])


def templates() -> pl.DataFrame:
    """The templates: template (its id), role, request, request_topic.

    `role` holds `{community}` and `request_topic` holds `{topic}`. Ten are plain, ten elaborate (arXiv 2408.09366, App.).

    >>> templates().shape, templates()["request"][0]
    ((20, 4), 'What would you like to post?')
    """
    return pl.DataFrame(
        list(_read()), schema=dict.fromkeys(("template", "role", "request", "request_topic"), pl.String)
    )


def render(template: Mapping[str, str], *, topic: str | None = None, community: str | None = None) -> str:
    """The words of a request: a template's row, with or without a topic, with or without the community's name.

    >>> row = templates().row(0, named=True)
    >>> render(row, topic="tea", community="the kettle club")
    'You are a regular in the kettle club. What would you like to post about tea?'
    """
    request = template["request"] if topic is None else _fill(template["request_topic"], "topic", topic)
    return request if community is None else f"{_fill(template['role'], 'community', community)} {request}"


def topic_words(request: str) -> set[str]:
    """The words of a request that tell its topic: what stands in a template's slot, else what no template says.

    >>> sorted(topic_words("What would you like to post about green tea?")), topic_words("The floor is yours.")
    (['green', 'tea'], set())
    """
    # A topic may be a word that the templates use too ("friend"), so the slot comes first.
    said = next((found[1] for pattern in _patterns() if (found := pattern.fullmatch(request.strip()))), None)
    return set(words(said)) if said is not None else set(words(request)) - _own_words()


def _fill(text: str, slot: str, value: str) -> str:
    # Not str.format: a name may hold braces. It may come from the data too, so it never speaks as another role.
    return text.replace(f"{{{slot}}}", neutralise(" ".join(clean(value).split())))


@cache
def _patterns() -> tuple[re.Pattern[str], ...]:
    """One pattern per template that finds its topic, then one per template without a topic that finds none."""
    gap = r"(?:{} )?{}"
    out = []
    for row in _read():
        role = re.escape(row["role"]).replace(re.escape("{community}"), r"[^\n]+?")
        out.append(gap.format(role, re.escape(row["request_topic"]).replace(re.escape("{topic}"), r"([^\n]+?)")))
    # An empty group: a request without a topic has no topic words.
    for row in _read():
        role = re.escape(row["role"]).replace(re.escape("{community}"), r"[^\n]+?")
        out.append(gap.format(role, re.escape(row["request"])) + "()")
    return tuple(map(re.compile, out))


@cache
def _own_words() -> frozenset[str]:
    said = " ".join(value for row in _read() for key, value in row.items() if key != "template")
    return frozenset(words(_SLOT.sub(" ", said)))
