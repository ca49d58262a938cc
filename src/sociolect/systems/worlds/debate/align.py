"""The tuned twin: a base model taught the messages of some groups, and asked for those of the others."""

from pathlib import Path
from typing import Literal, NamedTuple

import polars as pl

from sociolect import frames
from sociolect.align.finetune import finetune
from sociolect.elicit.play import play
from sociolect.errors import RefusedError, UsageError
from sociolect.frames import Effects, Examples, People, Posts, Replies, Society
from sociolect.models.local import local
from sociolect.models.model import Model
from sociolect.models.open import folders, open_model
from sociolect.models.scratch import scratch
from sociolect.seeds import derive, substream
from sociolect.systems.worlds.debate import arms, compare, measure
from sociolect.systems.worlds.debate.elicit import debate, recorded
from sociolect.systems.worlds.debate.planted import planted
from sociolect.systems.worlds.debate.session import ROUNDS, sessions
from sociolect.systems.worlds.debate.twin import twin
from sociolect.workspace import Workspace

Split = Literal["group", "round", "topic"]
LEAST = 3  # groups that are held out, below which no interval can be told
HELD = 0.25  # ours: of the groups (or topics) that are held out; of rounds, the last one
CONTEXT = 1536  # ours, in tokens: three rounds of a debate
# [paper] r = 64, alpha = 128, 5 epochs, 1e-4; ours: the base is not quantised, and a model trained from nothing learns whole
LORA: dict[str, object] = {"lora_rank": 64, "lora_alpha": 128, "epochs": 5, "rate": 1e-4, "context": 4096}
WHOLE: dict[str, object] = {"lora_rank": None, "epochs": 3, "rate": 1e-3, "context": CONTEXT}
TUNED = "tuned"  # beside what the workspace writes into a step's folder
BASE_GROUPS = 8  # ours: planted groups of long-winded twins that a base trained from nothing has read


class Tuned(NamedTuple):
    """What tuning changes on what was held out, by group, and how many examples taught and tested it."""

    effects: Effects
    taught: int
    tested: int
    split: str
    base: str


def examples(society: Society, *, player: Model | None = None, seed: int = 0) -> Examples:
    """What to learn from: each prompt of mode 1, in one message, and what the person said then: posts and chats alone.

    Further columns: person, session, topic, round. With `player` its words stand in place of the people's.
    """
    held = sessions(society)
    seats = [recorded(s) if player is None else dict.fromkeys(s.people, player) for s in held]
    told = play(debate(held, system=False), seats, tokens=10_000, seed=seed).replies
    rows = told.filter(pl.col("phase").str.contains("^(post|chat)") & pl.col("text").is_not_null())
    names = {f"game:{g}": s.name for g, s in enumerate(held)}
    topics = {f"game:{g}": s.topic for g, s in enumerate(held)}
    return frames.examples(
        rows.select(
            "prompt", community=pl.lit("tuned"), reply="text", person="speaker",
            session=pl.col("item").replace_strict(names, return_dtype=pl.String),
            topic=pl.col("item").replace_strict(topics, return_dtype=pl.String), round=pl.col("phase").str.tail(1).cast(pl.Int64),
        )
    )  # fmt: skip


def held_out(rows: pl.DataFrame, *, by: Split, seed: int = 0) -> pl.Series:
    """Which rows (session, topic, round) are held out: those of a quarter of the groups or topics, or of the last round.

    No message of a held-out group is learnt from; a split by round shares its people, and says less. Three groups or more are held
    out, for the group is the unit. Raises RefusedError for fewer than six groups or four topics, and where three groups are not left.
    """
    if by == "round":
        out = rows["round"] == ROUNDS
    else:
        column, due, least = {"group": ("session", 2 * LEAST, LEAST), "topic": ("topic", 4, 1)}[by]
        names = rows[column].unique().sort().to_list()
        if len(names) < due:
            raise RefusedError(f"{len(names)} {by}s cannot be split: {due} or more are due")
        places = substream(seed, "held out", by).permutation(len(names))[: max(least, round(len(names) * HELD))]
        out = rows[column].is_in([names[int(k)] for k in places])
    if (held := rows.filter(out)["session"].n_unique()) < LEAST:
        raise RefusedError(
            f"a split by {by} holds out {held} groups: {LEAST} or more are due to tell what tuning changes"
        )
    return out


def study(
    workspace: Workspace, society: Society, base: str, judge: str | None, *, split: Split, tokens: int, encoder: str | None, dims: int,
    seed: int,
) -> Tuned:  # fmt: skip
    """The base and the tuned twin in mode 1 on what was held out: each measure of both, and tuned less base, by group.

    `base` is scratch/<size>, trained on the spot, or hf/<hub id or folder>. Raises UsageError for a model without weights.
    """
    trainable(base)
    bare = frames.posts(society.posts.drop("stance"))
    rows = workspace.frame("examples", frames.examples, _examples, society.people, bare)
    out = held_out(rows, by=split, seed=seed)
    size, folder = base.partition("/")[2], None
    if base.startswith("scratch/"):
        folder = workspace.files("base", _from_nothing, size=size, seed=seed)
    known = folders([base])
    learnt = workspace.files("tuned", _tuned, frames.examples(rows.filter(~out)), base, folder, known, seed=seed)
    asked = frames.examples(rows.filter(out))
    said = workspace.frame("replies_tuned", frames.replies, _both, society.people, bare, asked, base, [learnt, *([folder] if folder else known)],
                           tokens=tokens, seed=seed)  # fmt: skip
    reader = folders([judge or ""])
    read = workspace.frame("read_tuned", frames.replies, arms.read_replies, said, society.posts, judge, reader)
    scores = workspace.frame(
        "scores_tuned", frames.scores, measure.scored, read, society.posts, encoder, dims=dims, seed=seed
    )
    # both are one twin in two conditions: base comes before tuned
    both = scores.with_columns(condition=pl.col("community"), community=pl.lit("twin"))
    return Tuned(compare.modes(frames.scores(both)), int((~out).sum()), asked.height, split, base)


def trainable(base: str) -> None:
    """Raise UsageError for a model without weights to train."""
    if not base.startswith(("scratch/", "hf/")):
        raise UsageError(
            f"base {base!r} has no weights to train: scratch/tiny, scratch/small or hf/<folder or hub id> is due"
        )


def _examples(people: People, posts: Posts) -> Examples:
    return examples(Society(people, posts, frames.ties(frames.empty("ties"))))


def _from_nothing(*, folder: Path, size: str, seed: int) -> None:
    """A model that has read other groups' twins, who write long: it knows the format, and not these people."""
    other = planted(groups=BASE_GROUPS, seed=derive(seed, "base"))
    scratch(
        examples(other, player=twin(share=0.0, noise=1.0), seed=seed), folder, size=size, context=CONTEXT, seed=seed
    )


def _tuned(rows: Examples, base: str, at: Path | None, weights: list[Path], *, folder: Path, seed: int) -> None:
    knobs = WHOLE if at is not None else LORA
    finetune(open_model(base, folder=at), rows, folder=folder / TUNED, seed=seed, **knobs)  # type: ignore[arg-type]  # the dicts above


def _both(
    people: People, posts: Posts, asked: Examples, base: str, folders: list[Path], *, tokens: int, seed: int
) -> Replies:
    """Both models' next messages, of the rounds that are held out; `folders` are the tuned model's, then the base's own."""
    every = sessions(Society(people, posts, frames.ties(frames.empty("ties"))))
    held = [s for s in every if s.name in set(asked["session"])]
    learnt, whole = folders[0] / TUNED, base.startswith("scratch/")
    under = open_model(base, folder=folders[1] if whole else None)
    tuned = local(learnt) if whole else open_model(f"{base}@{learnt}")
    parts = [
        arms.told(held, model, arm, mode=1, turns=1, tokens=tokens, seed=seed, system=False)
        for arm, model in (("base", under), ("tuned", tuned))
    ]
    rounds = asked.select(item="session", phase_round="round").unique()
    said = pl.concat(parts).with_columns(phase_round=pl.col("phase").str.extract(r"(\d)$").cast(pl.Int64))
    return frames.replies(
        said.join(rounds, on=["item", "phase_round"], how="semi", maintain_order="left").drop("phase_round")
    )
