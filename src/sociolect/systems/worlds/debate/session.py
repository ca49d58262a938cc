"""A recorded session as a value: who met whom, what was said where, and what each thought before and after."""

from collections.abc import Mapping
from typing import NamedTuple

import polars as pl

from sociolect.errors import InputError
from sociolect.frames import Society

ROUNDS, PEOPLE = 3, 4  # [paper]
NOT_TRAITS = ("person", "session", "topic", "community", "planted")  # what was planted is no trait: no prompt holds it


class Said(NamedTuple):
    """One message: its id, who said it, to whom (None: to all), in which round, and what."""

    post: str
    who: str
    to: str | None
    round: int
    text: str


class Opinion(NamedTuple):
    """A private opinion: its level and the words that go with it."""

    level: float
    text: str


class Session(NamedTuple):
    """Four people on one topic. `posts` by round and person; `chats` by round: the two people, and their messages in order."""

    name: str
    topic: str
    people: tuple[str, ...]
    personas: Mapping[str, str]
    initial: Mapping[str, Opinion]
    final: Mapping[str, Opinion]
    posts: tuple[Mapping[str, Said], ...]
    chats: tuple[Mapping[tuple[str, str], tuple[Said, ...]], ...]


def sessions(society: Society) -> tuple[Session, ...]:
    """The sessions of a society that `load.sessions` or `planted.planted` made, by name.

    Raises InputError where the posts lack the columns of a session.
    """
    due = ("session", "topic", "phase", "round", "place", "opinion")
    if absent := [c for c in due if c not in society.posts.columns]:
        raise InputError(f"these posts are no sessions: {', '.join(absent)} missing; load them with load.sessions")
    traits = [c for c in society.people.columns if c not in NOT_TRAITS]
    personas = {
        row["person"]: "; ".join(f"{c}: {row[c]}" for c in traits if row[c] is not None)
        for row in society.people.iter_rows(named=True)
    }
    parts = society.posts.sort("session", "place", "post").partition_by("session", as_dict=True, maintain_order=True)
    return tuple(_session(str(name), part, personas) for (name,), part in parts.items())


def _session(name: str, part: pl.DataFrame, personas: Mapping[str, str]) -> Session:
    rows = part.rows(named=True)
    people = tuple(sorted({r["person"] for r in rows}))
    opinions = {
        phase: {r["person"]: Opinion(r["opinion"], r["text"]) for r in rows if r["phase"] == phase}
        for phase in ("initial", "final")
    }
    last = max([r["round"] for r in rows if r["round"] is not None], default=0)
    posts: list[dict[str, Said]] = [{} for _ in range(last)]
    chats: list[dict[tuple[str, str], tuple[Said, ...]]] = [{} for _ in range(last)]
    pairs: dict[tuple[int, str], list[str]] = {}
    for r in rows:
        if r["phase"] == "chat":
            who = pairs.setdefault((r["round"], r["thread"]), [])
            who += [r["person"]] * (r["person"] not in who)
    for r in rows:
        at = (r["post"], r["person"])
        if r["phase"] == "post":
            posts[r["round"] - 1][r["person"]] = Said(*at, None, r["round"], r["text"])
        elif r["phase"] == "chat":
            first, second = pairs[r["round"], r["thread"]]
            said = Said(*at, second if r["person"] == first else first, r["round"], r["text"])
            here = chats[r["round"] - 1]
            here[first, second] = (*here.get((first, second), ()), said)
    seats = {who: personas.get(who, "") for who in people}
    return Session(
        name, rows[0]["topic"], people, seats, opinions["initial"], opinions["final"], tuple(posts), tuple(chats)
    )
