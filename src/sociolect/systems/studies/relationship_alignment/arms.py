"""Who is asked: planted commenters, word models of other people's comments, any model by name; and every comment in one frame."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from sociolect import frames
from sociolect.errors import InputError, UsageError
from sociolect.frames import Replies
from sociolect.load.planted_pairs_words import HISTORY
from sociolect.models.model import Model
from sociolect.models.ngram import ngram
from sociolect.models.open import open_model
from sociolect.seeds import substream
from sociolect.systems.studies.relationship_alignment import learn
from sociolect.systems.studies.relationship_alignment.bounds import as_told, shuffled
from sociolect.systems.studies.relationship_alignment.commenter import NOISE, commenter
from sociolect.systems.studies.relationship_alignment.elicit import comment, conditions
from sociolect.systems.studies.relationship_alignment.wordings import VARIABLES, fact
from sociolect.workspace import Workspace

PLANTED, WORDS = "scripted/commenter", "ngram/comments"
KNOBS = ("mirror", "kappa", "noise", "cue", "heeds")
BLIND = 1000  # pairs put to a model that cannot read them


def opened(name: str, people: Replies) -> Model:
    """The model of that name; a planted commenter takes its knobs after a question mark: scripted/commenter?kappa=2,cue=1."""
    bare, _, said = name.partition("?")
    if bare != PLANTED:
        return open_model(name)
    knobs = dict(part.partition("=")[::2] for part in said.split(",") if part)
    if odd := sorted(set(knobs) - {*KNOBS}):
        raise UsageError(f"{name}: no knob {', '.join(odd)}; there are: {', '.join(KNOBS)}")
    try:
        numbers = {k: float(v) for k, v in knobs.items()}
    except ValueError as error:
        raise UsageError(f"{name}: a knob is a number, as in {PLANTED}?kappa=2") from error
    # told of a shared history it reacts as planted people do, times `heeds`; told nothing of it, not at all
    times = numbers.get("heeds", 1.0)
    return commenter(
        mirror=numbers.get("mirror", 1.0),
        kappa=numbers.get("kappa", 1.0),
        noise=numbers.get("noise", NOISE),
        cue=numbers.get("cue", 0.0),
        heeds={fact("shared_history", "true"): {tone: times * size for tone, size in HISTORY.items()}},
        pairs=people if numbers.get("cue") else None,
        name=name,
    )


def asked(name: str, people: Replies, *, conditions: Sequence[str], seed: int, **asking: Any) -> Replies:
    """What the model of that name comments in place of each person, under every condition.

    `ngram/comments` counts the words of the comments on one half of the posts and writes those on the other half, each in turn:
    it has read nothing it is held against. It reads no prompt, so that its conditions differ by nothing but chance: it is
    asked under `none` and `all` alone, about 1,000 pairs at most.
    """
    if name != WORDS:
        return comment({name: opened(name, people)}, people, conditions=conditions, seed=seed, **asking)
    people, conditions = some(people, BLIND, seed), [c for c in conditions if c in ("none", "all")]
    posts = people["post"].unique().sort()
    first = posts.gather(sorted(substream(seed, "halves").permutation(len(posts))[: len(posts) // 2].tolist()))
    sides = [frames.replies(people.filter(pl.col("post").is_in(first.implode()) == here)) for here in (True, False)]
    parts = [
        comment(
            {name: ngram(other["text"].drop_nulls().to_list(), name=name)},
            mine,
            conditions=conditions,
            seed=seed,
            **asking,
        )
        for mine, other in (sides, sides[::-1])
    ]
    return frames.replies(pl.concat(parts).sort("condition", "item", "draw"))


def some(people: Replies, most: int, seed: int) -> Replies:
    """At most so many pairs, whole posts in a drawn order: comparisons within posts need posts that stay together.

    Of posts, those come first on which most pairs tell anything about the two people: a prompt can tell no more.
    """
    if people.height <= most:
        return people
    posts = people["post"].unique().sort()
    order = pl.DataFrame({"post": posts, "_u": substream(seed, "asked").random(len(posts))})
    here = [c for c in VARIABLES if c in people.columns]
    told = pl.any_horizontal(pl.col(c).is_not_null() for c in here) if here else pl.lit(value=True)
    known = people.group_by("post").agg(_known=(told.mean() > 0.5))
    drawn = people.join(order, on="post", how="left", maintain_order="left").join(
        known, on="post", maintain_order="left"
    )
    drawn = drawn.sort("_known", "_u", "item", descending=[True, False, False]).head(most)
    return frames.replies(drawn.sort("item").drop("_u", "_known"))


def wanted(subsets: str, *, relation: Sequence[str], controls: bool) -> list[str]:
    """The names of the conditions that are asked."""
    return list(conditions(subsets, relation=relation, controls=("placebo", "false") if controls else ()))  # type: ignore[arg-type]  # the recipe's Literal


def all_comments(
    workspace: Workspace, people: Replies, names: Sequence[str], *, conditions: Sequence[str], seed: int, **asking: Any
) -> list[Replies]:
    """Every model's comments, a step each, with the floor: the comment it made for another post, told the same."""
    told = []
    for i, name in enumerate(names):
        said = workspace.frame(
            f"replies_{i}", frames.replies, asked, name, people, conditions=tuple(conditions), seed=seed, **asking
        )
        # one run asks all in one variant: its conditions go by what was told
        said = frames.replies(said.with_columns(condition=pl.col("context")))
        floor = shuffled(said, condition="all", seed=seed)
        told.append(frames.replies(pl.concat([as_told(said), floor], how="diagonal")))
    return told


class Teaching(NamedTuple):
    """How much is learnt from at a size: pairs at most, the base's passes over them, the size of a base made here."""

    pairs: int | None
    epochs: int | None
    base: str


# ours: at tiny it must run in seconds, and hardly learns; what training does is shown at small, or with weights of one's own
TEACHING = {
    "tiny": Teaching(250, 1, "tiny"),
    "small": Teaching(8000, None, "small"),
    "full": Teaching(None, None, "small"),
}
_WORDING = ("template", "order", "relation")


def taught(
    workspace: Workspace,
    people: Replies,
    *,
    base: str | None,
    size: str,
    epochs: int,
    rate: float,
    shareable: bool,
    seed: int,
    **asking: Any,
) -> tuple[Replies, pl.DataFrame, pl.DataFrame]:
    """The arms of `learn.ARMS` on pairs that share no post and no commenter with what was learnt: prompting against fine-tuning.

    Without `base` (hf/<folder> or a folder of weights) a small transformer is trained here, on prompts that tell nothing true.
    The second table counts who stands on which side, the third says what each training came to.
    """
    at, sides = TEACHING[size], learn.sides(people, seed=seed)
    wording = {k: asking[k] for k in _WORDING if k in asking}
    learnt = some(sides.learnt, at.pairs or sides.learnt.height, seed)
    asked = some(sides.asked, at.pairs or sides.asked.height, seed)
    settings = {"epochs": at.epochs} if at.epochs else {}
    own = Path(base.removeprefix("hf/")).expanduser() if base else None
    if own is not None and not (own / "config.json").exists():
        raise InputError(f"--base {base}: no model lies there (config.json is due in a folder of weights)")
    begun = own or workspace.files("base", learn.train_base, learnt, size=at.base, seed=seed, **settings, **wording)
    folder = workspace.files(
        "taught", _taught, begun, learnt, wording=wording, epochs=epochs, rate=rate, shareable=shareable, seed=seed
    )
    said = workspace.frame("replies_taught", frames.replies, _commented, begun, folder, asked, seed=seed, **asking)
    cut = [("learnt from", learnt.height), ("asked about", asked.height)]
    counts = pl.concat([sides.counts, pl.DataFrame(cut, schema=sides.counts.schema, orient="row")])
    return said, counts, learn.trainings(folder)


def _taught(begun: Path, learnt: Replies, *, folder: Path, wording: Mapping[str, Any], **settings: Any) -> None:
    learn.taught(begun, learnt, folder, wording=wording, **settings)


def _commented(begun: Path, folder: Path, pairs: Replies, *, seed: int, **asking: Any) -> Replies:
    from sociolect.models.local import local

    models: Mapping[str, Model] = {
        arm: local(begun, name="base", adapter=folder / one.taught if one.taught else None)
        for arm, one in learn.ARMS.items()
    }
    return learn.commented(models, pairs, seed=seed, **asking)
