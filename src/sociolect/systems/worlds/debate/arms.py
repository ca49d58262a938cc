"""The twins of a run by name: planted ones, and any model, each played in the three modes."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from sociolect import frames
from sociolect.elicit.play import play
from sociolect.errors import UsageError
from sociolect.frames import People, Posts, Replies, Society
from sociolect.models.model import Model
from sociolect.models.open import open_model
from sociolect.systems.worlds.debate.elicit import debate
from sociolect.systems.worlds.debate.scale import judged, stated
from sociolect.systems.worlds.debate.session import Session, sessions
from sociolect.systems.worlds.debate.twin import twin

PLANTED = "planted/"
NOISE = 0.6  # ours: the error of a planted twin's reports, in units of the scale


def opened(name: str) -> Model:
    """The model of that name; `planted/<share>` is a twin that each meeting moves by that share.

    >>> opened("planted/0.3").name
    'planted/0.3'
    """
    if not name.startswith(PLANTED):
        return open_model(name)
    try:
        return twin(share=float(name.removeprefix(PLANTED)), noise=NOISE)
    except ValueError:
        raise UsageError(f"twin {name!r}: planted/<share> is due, such as planted/0.3") from None


def played(
    people: People,
    posts: Posts,
    names: Mapping[str, str],
    weights: list[Path],
    *,
    mode: int,
    turns: int,
    tokens: int,
    seed: int,
) -> Replies:
    """What every arm's twins say in one mode: `community` is the arm, `item` the session, `condition` the mode."""
    held = sessions(Society(people, posts, frames.ties(frames.empty("ties"))))
    parts = [
        told(held, opened(name), arm, mode=mode, turns=turns, tokens=tokens, seed=seed)
        for arm, name in sorted(names.items())
    ]
    return frames.replies(pl.concat(parts))


def told(
    held: Sequence[Session],
    model: Model,
    arm: str,
    *,
    mode: int,
    turns: int,
    tokens: int,
    seed: int,
    system: bool = True,
) -> Replies:
    """One model in the seats of everybody, in one mode."""
    seats = [dict.fromkeys(session.people, model) for session in held]
    found = play(
        debate(held, mode=mode, turns=turns, system=system), seats, communities={who: arm for s in held for who in s.people},
        condition=f"mode {mode}", tokens=tokens, seed=seed,
    )  # fmt: skip
    names = {f"game:{g}": session.name for g, session in enumerate(held)}
    return frames.replies(found.replies.with_columns(pl.col("item").replace_strict(names, return_dtype=pl.String)))


def read_posts(posts: Posts, judge: str | None, weights: list[Path]) -> Posts:
    """The posts with the `stance` that each message takes; null off topic. Without a judge, in the scale's own words."""
    return frames.posts(posts.with_columns(stance=_stances(posts["text"].to_list(), posts["topic"].to_list(), judge)))


def read_replies(replies: Replies, posts: Posts, judge: str | None, weights: list[Path]) -> Replies:
    """The replies likewise."""
    topics = dict(posts.select("session", "topic").unique().sort("session").iter_rows())
    said = [t if p.startswith(("post", "chat")) else None for t, p in replies.select("text", "phase").iter_rows()]
    return frames.replies(replies.with_columns(stance=_stances(said, [topics[i] for i in replies["item"]], judge)))


def _stances(texts: list[str | None], topics: list[str], judge: str | None) -> pl.Series:
    found = [stated(t) for t in texts] if judge is None else judged(open_model(judge), texts, topics)
    return pl.Series(found, dtype=pl.Float64)
