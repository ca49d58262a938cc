"""The generator: prompts that ask for attributes, rules that answer them, and small or given models taught to write them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import polars as pl

from sociolect import frames
from sociolect.align.finetune import finetune
from sociolect.errors import RefusedError
from sociolect.frames import Examples
from sociolect.models.local import Local
from sociolect.models.open import open_model
from sociolect.models.scratch import scratch
from sociolect.seeds import derive, substream
from sociolect.systems.sources.social_chem.dimensions import ASKED
from sociolect.text import clean, neutralise

Part = Literal["rule", "action", "planted"]
MOST = 75  # [code] words of a situation and of a rule
FREE = (
    0.2  # ours: the share of planted lines that are taught without attributes, so that perplexity without them is known
)
MARK = {"rule": "rot", "action": "action", "planted": "rot"}  # [code] without the brackets, which cost two tokens each
# [code] batches of 8 with 8 accumulated, of up to 75 words in and out
TAUGHT: dict[str, Any] = {"epochs": 5, "rate": 5e-6, "batch_tokens": 4096, "context": 512}


def written(table: pl.DataFrame, part: Part) -> pl.DataFrame:
    """The rows that have what the part writes, as `said`: the rule, or the action; at most 75 words, marks of chats broken."""
    column = "action_text" if part == "action" else "rule_text"
    rows = table.filter(pl.col(column).is_not_null())
    return rows.with_columns(
        said=pl.Series([_cut(t) for t in rows[column]], dtype=pl.String),
        words=pl.Series([_cut(t) for t in rows["words"]], dtype=pl.String),
    )


def prompt(words: str, levels: Mapping[str, str | None] | None, *, part: Part = "rule") -> str:
    """A situation and the attributes that are asked for, in their order; an absent one leaves no token. None asks for none.

    >>> prompt("my dog ran", {"rot-agree": "most", "rot-categorization": "advice|social-norms"})
    'my dog ran attrs advice social-norms most rot'
    >>> prompt("my dog ran", None)
    'my dog ran rot'
    """
    if levels is None:
        return f"{words} {MARK[part]}"
    tokens = [t for name in ASKED[part] for t in (levels.get(name) or "").split("|") if t]
    return " ".join([words, "attrs", *tokens, MARK[part]])


def prompts(rows: pl.DataFrame, *, part: Part) -> list[str]:
    """The prompt of each row, with its own levels."""
    return [prompt(row["words"], row, part=part) for row in rows.iter_rows(named=True)]


def examples(table: pl.DataFrame, *, part: Part, mix: bool = False, shuffled: bool = False, seed: int = 0) -> Examples:
    """What the generator learns: a rule for a situation with its attributes, and for a fifth of them without.

    With `mix` every rule is learnt in the three ways of the released code: with attributes, without, and with the attributes
    written behind the rule. `shuffled` gives each rule another rule's attributes: its tokens say nothing of it.
    """
    rows = written(table, part).sort("rule", "annotator")
    if shuffled:
        order = substream(seed, "shuffled", "train").permutation(rows.height)
        rows = rows.with_columns(rows.select(ASKED[part])[order])
    free = (substream(seed, "free").random(rows.height) < FREE).tolist()
    out = []
    for row, without in zip(rows.iter_rows(named=True), free, strict=True):
        asked, bare = prompt(row["words"], row, part=part), prompt(row["words"], None, part=part)
        if mix:
            tokens = [t for name in ASKED[part] for t in (row[name] or "").split("|") if t]
            both = f"{bare}_and_attrs"
            out += [(asked, row["said"]), (bare, row["said"]), (both, " ".join([row["said"], *tokens]))]
        else:
            out.append((bare if without else asked, row["said"]))
    made = pl.DataFrame(out, schema=["prompt", "reply"], orient="row")
    return frames.examples(made.with_columns(community=pl.lit("rules")).select("community", "prompt", "reply"))


def taught(
    table: pl.DataFrame,
    *,
    part: Part,
    folder: Path,
    base: str | None = None,
    weights: Sequence[Path] = (),
    size: str = "micro",
    mix: bool = False,
    shuffled: bool = False,
    fresh: bool = False,
    seed: int = 0,
) -> None:
    """The generator, left in `folder`: learnt from nothing, or `base` taught further; `fresh` draws the base's weights anew.

    `weights` are the folders that `base` is read from. The loss is over replies alone.
    """
    rows = examples(table, part=part, mix=mix, shuffled=shuffled, seed=seed)
    if base is None:
        scratch(rows, folder, size=size, replies_only=True, threads=1, seed=derive(seed, "generator"))
        return
    start = open_model(base)
    if not isinstance(start, Local):
        raise RefusedError(f"{base} has no weights to teach: name hf/<folder or hub id>")
    if fresh:
        start = _fresh(start, seed)
    finetune(start, rows, folder=folder / "taught", seed=derive(seed, "generator"), **TAUGHT)
    (folder / "base.txt").write_text(base + "\n")


def _fresh(start: Local, seed: int) -> Local:
    """The same architecture and tokenizer with weights that have learnt nothing."""
    from dataclasses import replace

    import torch
    from transformers import AutoModelForCausalLM

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(seed, "random start"))
        module = AutoModelForCausalLM.from_config(start.module.config).float().eval()
    module = module.to(start.module.device, start.module.dtype)
    return replace(start, weights=replace(start.weights, known=module), name=f"{start.name} at random")


def _cut(text: str) -> str:
    return " ".join(neutralise(clean(text)).split()[:MOST])
