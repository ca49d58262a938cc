"""Fine-tuning with the relation in the demonstrations, against telling it in the prompt alone."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from sociolect import frames, text
from sociolect.align.finetune import finetune
from sociolect.errors import InputError, RefusedError, UsageError
from sociolect.frames import Examples, Replies
from sociolect.models.local import Local, local
from sociolect.models.model import Model
from sociolect.models.scratch import scratch
from sociolect.seeds import substream
from sociolect.systems.studies.relationship_alignment.elicit import EVERYONE, comment, prompts


class Arm(NamedTuple):
    """The condition an arm's model was taught in (None: it is the base), and the one it is asked in."""

    taught: str | None
    asked: str


# `finetuned_none` learnt from the same comments without a fact: what it lacks of `finetuned` is the relation in training.
ARMS: Mapping[str, Arm] = {
    "prompted": Arm(None, "all"), "finetuned": Arm("all", "all"), "finetuned_none": Arm("none", "all"),
}  # fmt: skip


CONTEXT = 512  # tokens: a post, the facts and a comment of planted lengths, 300 to 400 of a small vocabulary's tokens


class Sides(NamedTuple):
    """The pairs that are learnt from, the pairs that are asked about, and how many went where and why (side, pairs)."""

    learnt: Replies
    asked: Replies
    counts: pl.DataFrame


def sides(pairs: Replies, *, asked: float = 0.3, seed: int = 0) -> Sides:
    """The pairs in two sides that share no post and no commenter, so that nothing asked about was learnt from.

    A share `asked` of the posts and of the commenters is drawn; a pair with only one of both drawn is set aside. Posts with the
    same words are one post. A commenter who is unknown cannot be kept apart, so the pair is set aside too.

    Raises UsageError for a share that leaves a side empty by design, RefusedError where a side has fewer than 2 pairs.
    """
    if not 0 < asked < 1:
        raise UsageError(f"asked={asked}: due is a share between 0 and 1, so that both sides have posts and commenters")
    rows = pairs.filter(pl.col("source") == "human").sort("item")
    said = text.key(pl.col("post_text"))
    # posts with the same words are one; words that a post has not (a picture, a smile) are its own signs
    rows = rows.with_columns(_post=pl.when(said == "").then("post_text").otherwise(said))
    drawn = {}
    for unit, column in (("post", "_post"), ("commenter", "commenter")):
        names = rows[column].drop_nulls().unique().sort()
        taken = substream(seed, "sides", unit).permutation(len(names))[: max(1, round(asked * len(names)))]
        drawn[unit] = pl.col(column).is_in(names.gather(taken).implode())
    side = (
        pl.when(pl.col("commenter").is_null())
        .then(pl.lit("set aside: commenter unknown"))
        .when(drawn["post"] & drawn["commenter"])
        .then(pl.lit("asked"))
        .when(~drawn["post"] & ~drawn["commenter"])
        .then(pl.lit("learnt"))
        .otherwise(pl.lit("set aside: post on one side, commenter on the other"))
    )
    rows = rows.with_columns(_side=side)
    counts = rows.group_by(side="_side").agg(pairs=pl.len()).sort("side")
    learnt, kept = (
        frames.replies(rows.filter(pl.col("_side") == s).drop("_side", "_post")) for s in ("learnt", "asked")
    )
    if min(learnt.height, kept.height) < 2:
        raise RefusedError(
            f"{learnt.height} pairs to learn from and {kept.height} to ask about are left of {rows.height}: at least 2 each are "
            "due, so give more pairs, or another share asked="
        )
    return Sides(learnt, kept, counts)


def examples(pairs: Replies, condition: str, **wording: Any) -> Examples:
    """One example per pair: the very prompt of that condition, and what the person wrote, byte for byte.

    Columns: community (everyone), prompt, reply, item, post, person (the commenter), context. `wording` is that of
    `elicit.prompts` (template, order, prompting, relation, seed): give the one the model is asked in. Raises InputError for
    a pair without a comment, UsageError for prompting="reason": people's thoughts are not known.
    """
    if wording.get("prompting", "plain") != "plain":
        raise UsageError("people's thoughts before a comment are not known: teach with prompting='plain'")
    empty = pairs.filter(pl.col("text").fill_null("").str.strip_chars() == "").height
    if empty:
        raise InputError(f"{empty} pairs have no comment to learn: leave them out")
    asked = prompts(pairs, condition, **wording)
    said = asked.select("item", "prompt", "context").join(
        pairs.select("item", "post", reply="text", person="commenter"), on="item", maintain_order="left"
    )
    return frames.examples(
        said.select(pl.lit(EVERYONE).alias("community"), "prompt", "reply", "item", "post", "person", "context")
    )


def train_base(pairs: Replies, folder: Path, *, size: str = "tiny", seed: int = 0, **settings: Any) -> Local:
    """A small transformer trained from nothing on the comments, after prompts that tell nothing true of the two people.

    Half of its prompts tell no fact, half tell those of another pair (`false`): it has read the words of the facts, and
    has had no chance to learn what they mean. Give the learnt side alone. `settings` are those of `models.scratch`.
    """
    wording = {k: settings.pop(k) for k in ("template", "order", "relation") if k in settings}
    told = [examples(pairs, condition, seed=seed, **wording) for condition in ("none", "false")]
    return scratch(
        frames.examples(pl.concat(told)), Path(folder), size=size, seed=seed, **{"context": CONTEXT} | settings
    )


def taught(
    base: Path | str,
    pairs: Replies,
    folder: Path,
    *,
    arms: Mapping[str, Arm] = ARMS,
    wording: Mapping[str, Any] | None = None,
    seed: int = 0,
    **settings: Any,
) -> dict[str, Local]:
    """The model of every arm by the arm's name: the base itself, or the base fine-tuned in the arm's condition on these pairs.

    Arms taught in the same condition share one training, which lies in `folder`/<condition>. Every training has the same
    base, comments, order and settings (those of `align.finetune`); only the prompts differ. `wording` as in `examples`.
    """
    whole = local(base, name="base")
    made: dict[str, Local] = {}
    for condition in dict.fromkeys(arm.taught for arm in arms.values() if arm.taught):
        made[condition] = finetune(
            whole,
            examples(pairs, condition, seed=seed, **(wording or {})),
            folder=Path(folder) / condition,
            seed=seed,
            **settings,
        )
    return {name: made[arm.taught] if arm.taught else whole for name, arm in arms.items()}


def commented(
    models: Mapping[str, Model], pairs: Replies, *, arms: Mapping[str, Arm] = ARMS, name: str = "base", **asking: Any
) -> Replies:
    """What every arm comments on the same pairs; the arm is the condition, and `context` what its prompt told.

    All arms have the speaker `name`, the model they are made of, so that they are compared as conditions are. `asking` as in
    `elicit.comment` (draws, decoding, template, order, relation, seed). Raises UsageError for an arm without a model.
    """
    if missing := [arm for arm in arms if arm not in models]:
        raise UsageError(f"no model for the arm {', '.join(missing)}; there are: {', '.join(sorted(models)) or 'none'}")
    parts = [
        comment({name: models[arm]}, pairs, conditions=[asked], **asking).with_columns(condition=pl.lit(arm))
        for arm, (_, asked) in arms.items()
    ]
    return frames.replies(pl.concat(parts))


def trainings(folder: Path) -> pl.DataFrame:
    """What each training came to: taught, examples, epochs, loss (nats per reply token, held out) before and after, replies cut."""
    rows = []
    for condition in sorted({arm.taught for arm in ARMS.values() if arm.taught}):
        card = json.loads((Path(folder) / condition / "card.json").read_text("utf-8"))
        held = [e["held_out"] for e in card["losses"]]
        rows.append((condition, card["examples"], card["epochs"], held[0], held[-1], card["replies_cut"]))
    kinds = {
        "taught": pl.String,
        "examples": pl.Int64,
        "epochs": pl.Int64,
        "loss before": pl.Float64,
        "loss after": pl.Float64,
    }
    return pl.DataFrame(rows, schema=kinds | {"comments cut short": pl.Int64}, orient="row")
