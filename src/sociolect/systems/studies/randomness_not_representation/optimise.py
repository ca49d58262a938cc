"""Arm D, the second prompt: the persona that comes nearest to people on one half of the items, tested on the other half."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.compare.bootstrap import bootstrap
from sociolect.compare.interval import FloatArray
from sociolect.compare.robustness import positions
from sociolect.compare.stability import sign_flip
from sociolect.elicit.variants import variants
from sociolect.errors import RefusedError
from sociolect.frames import Effects, Items, Replies
from sociolect.models.model import Model
from sociolect.seeds import derive, substream
from sociolect.systems.studies.randomness_not_representation.elicit import FORMS, PERSONAS, asked


def tried(models: Mapping[str, Model], items: Items, *, draws: int = 1, seed: int = 0) -> Replies:
    """Every persona on the first half of the items and on the second: condition half:persona, in one form."""
    half = halves(items, seed=seed)
    parts = []
    for name, persona in PERSONAS.items():
        found = variants(items, templates={"label": FORMS["label"]}, seed=seed)
        said = asked(models, found, persona=persona, draws=draws, seed=derive(seed, "persona", name))
        parts.append(
            said.with_columns(persona=pl.lit(name), condition=pl.lit(name), half=pl.col("item").replace_strict(half))
        )
    return frames.replies(pl.concat(parts))


def halves(items: Items, *, seed: int = 0) -> dict[str, str]:
    """Which half each item is in: learn or test, drawn by seed."""
    names = sorted(items["item"])
    order = substream(seed, "halves").permutation(len(names))
    return {names[i]: "learn" if place < len(names) // 2 else "test" for place, i in enumerate(order)}


def optimised(replies: Replies, people: pl.DataFrame, *, draws: int = 1000, seed: int = 0) -> Effects:
    """Per speaker: the persona with the highest reward on the one half, and what it gains over the plain persona on the other.

    Reward: minus the distance to people's mean, -1 where no answer came (dossier, D.2). A country without a mean of an item
    gives no reward there, and is counted. `persona` names the one chosen; `gain` is 0 where the plain one is the best. Raises
    RefusedError where a speaker answered nothing: no prompt is taken for want of another.
    """
    held = positions(replies).join(
        people.rename({"value": "mean"}), on=["item", "community"], how="left", maintain_order="left"
    )
    told = held.filter(pl.col("mean").is_not_null()).with_columns(
        reward=(-(pl.col("value") - pl.col("mean")).abs()).fill_null(-1.0)
    )
    rows: list[dict[str, Any]] = []
    for who in sorted(told["speaker"].unique()):
        mine = told.filter(speaker=who)
        if mine["value"].null_count() == mine.height:
            raise RefusedError(
                f"{who} gave no answer under any persona: there is no prompt to choose, and none is taken instead"
            )
        learn = {name: float(np.mean(sorted(mine.filter(half="learn", persona=name)["reward"]))) for name in PERSONAS}
        best = max(PERSONAS, key=lambda name: (learn[name], name == "persona"))
        test = mine.filter(half="test").sort("item", "community", "draw", "reward")
        of = {
            name: test.filter(persona=name).group_by("item", maintain_order=True).agg(pl.col("reward").mean())
            for name in ("persona", best)
        }
        gain = (of[best]["reward"] - of["persona"]["reward"]).to_numpy()
        reward = of[best]["reward"].to_numpy()
        left = held.filter(speaker=who)["mean"].null_count()
        for measure, x in (("reward", reward), ("gain", gain)):
            found = bootstrap(partial(_mean, x), np.arange(x.size), draws=draws, batched=True, seed=seed)
            rows.append({
                "measure": measure, "contrast": who, "estimate": float(found.estimate), "low": float(found.low), "high": float(found.high),
                "n": x.size, "p": sign_flip(x, seed=seed) if measure == "gain" else None, "persona": best, "left_out": left,
                "method": "mean over the items of the test half, bootstrap over items",
            })  # fmt: skip
    return frames.effects(pl.DataFrame(rows, schema_overrides={"p": pl.Float64}, infer_schema_length=None))


def _mean(x: FloatArray, weights: FloatArray) -> FloatArray:
    return np.asarray((weights @ x) / weights.sum(1))
