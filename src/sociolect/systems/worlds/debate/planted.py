"""Sessions whose truth is known: how much a meeting moves people, how reliably they report, and how they write."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.frames import Society
from sociolect.seeds import substream
from sociolect.systems.worlds.debate.scale import LEVELS, WORDS, nearest
from sociolect.systems.worlds.debate.simulate import MEETINGS, SPREAD, error

FILLER = ("and", "because", "when", "the", "with", "for", "a", "really", "more", "about", "our", "every")
ASIDE = ("hello, how is your day going", "sorry, my screen froze for a moment", "thank you all, have a nice evening")
CHAT = 4  # ours: messages in a planted chat
POSTS = {
    "post": pl.String, "person": pl.String, "text": pl.String, "thread": pl.String, "parent": pl.String, "session": pl.String,
    "topic": pl.String, "phase": pl.String, "round": pl.Int64, "place": pl.Int64, "opinion": pl.Float64, "kind": pl.String,
}  # fmt: skip


def topics() -> list[dict[str, Any]]:
    """The statements of items.toml with the words people use about them."""
    told: list[dict[str, Any]] = tomllib.loads((Path(__file__).parent / "items.toml").read_text(encoding="utf-8"))[
        "topic"
    ]
    return told


def sentence(
    level: float, words: Sequence[str], favourites: Sequence[str], length: float, draw: np.random.Generator
) -> str:
    """A message that states a level in the scale's words, then goes on about the topic in one's own favourite words."""
    n = max(3, int(draw.poisson(length)))
    tail = [
        str(draw.choice(favourites)) if draw.random() < 0.4 else str(draw.choice(words)) if draw.random() < 0.6 else str(draw.choice(FILLER))
        for _ in range(n)
    ]  # fmt: skip
    return f"I {WORDS[LEVELS.index(level)]}, {' '.join(tail)}."


def planted(
    *, groups: int = 31, share: float = 0.0, reliability: float = 0.6, spread: float = SPREAD, length: float = 10.0, off: float = 0.08, seed: int = 0
) -> Society:  # fmt: skip
    """Sessions of four people whom each meeting moves by `share` of their distance, every report with the given reliability.

    A share `off` of chat messages is off topic. Posts have the columns of `load.sessions`; people have an age, a party, and
    `planted`, the true opinion they began with.

    >>> society = planted(groups=2)
    >>> society.people.height, society.posts["phase"].value_counts().sort("phase").rows()
    (8, [('chat', 48), ('final', 8), ('initial', 8), ('post', 24)])
    """
    themes, parts = topics(), []
    for g in range(groups):
        parts.append(
            _session(
                f"g{g + 1:03d}",
                themes[g % len(themes)],
                substream(seed, "session", g),
                share=share,
                spread=spread,
                length=length,
                off=off,
                noise=error(spread, reliability),
            )
        )
    people = pl.concat([who for who, _ in parts])
    posts = pl.concat([said for _, said in parts])
    return Society(frames.people(people), frames.posts(posts), frames.ties(frames.empty("ties")))


def _session(
    name: str, theme: Mapping[str, Any], draw: np.random.Generator, *, share: float, noise: float, spread: float, length: float, off: float
) -> tuple[pl.DataFrame, pl.DataFrame]:  # fmt: skip
    """One session's people and posts: reports and messages of their true opinions, which move as they meet."""
    seats = [f"{name}p{k}" for k in range(4)]
    true = draw.normal(0, spread, 4)
    own = [list(draw.choice(theme["words"], 3, replace=False)) for _ in seats]
    people = [
        {"person": seat, "session": name, "topic": theme["statement"], "age": int(draw.integers(18, 80)),
         "party": str(draw.choice(["left", "right", "none"])), "planted": float(true[k])}
        for k, seat in enumerate(seats)
    ]  # fmt: skip
    posts: list[dict[str, object]] = []

    def says(k: int, phase: str, round_: int | None, thread: str, *, aside: bool = False) -> None:
        level = float(nearest(true[k] + draw.normal(0, noise)))
        said = str(draw.choice(ASIDE)) if aside else sentence(level, theme["words"], own[k], length, draw)
        posts.append({
            "post": f"{name}m{len(posts):03d}", "person": seats[k], "text": said, "thread": thread, "parent": None, "session": name,
            "topic": theme["statement"], "phase": phase, "round": round_, "place": len(posts), "kind": "post",
            "opinion": level if phase in ("initial", "final") else None,
        })  # fmt: skip

    for k in range(4):
        says(k, "initial", None, name)
    for r, pairs in enumerate(MEETINGS, 1):
        for k in range(4):
            says(k, "post", r, name)
        for one, two in pairs:
            for m in range(CHAT):
                says((one, two)[m % 2], "chat", r, f"{name}r{r}c{one}", aside=bool(draw.random() < off))
            gap = share * (true[two] - true[one])
            true[one], true[two] = true[one] + gap, true[two] - gap
    for k in range(4):
        says(k, "final", None, name)
    return pl.DataFrame(people), pl.DataFrame(posts, schema=POSTS)
