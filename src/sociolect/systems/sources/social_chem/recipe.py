"""Social Chemistry 101: rules on request with their attributes held to account, and judgements as distributions (arXiv 2011.00620)."""

from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.errors import UsageError, unknown
from sociolect.frames import Effects
from sociolect.models.model import Model
from sociolect.models.open import folders
from sociolect.report.content import Page
from sociolect.seeds import substream
from sociolect.systems.sources.social_chem import align, compare, elicit, load, measure, planted
from sociolect.systems.sources.social_chem.page import Found, page
from sociolect.workspace import Workspace


class Dial(NamedTuple):
    """What `size` turns."""

    situations: int  # planted
    asked: int  # situations whose rule is asked for
    draws: int  # rules of each
    flips: int  # situations whose tokens are flipped one by one
    generator: str  # the size of a model that starts from nothing
    retrained: bool  # whether a second generator learns from shuffled tokens
    rules: int  # planted rules whose judgement is a distribution
    annotators: int
    learnt: int  # rules of a released table that the generator learns from, at most
    own: str  # the size of a model that learns them from nothing


SIZES = {
    "tiny": Dial(3000, 300, 4, 100, "micro", False, 40, 50, 2000, "tiny"),
    "small": Dial(3000, 300, 4, 300, "tiny", True, 200, 50, 20_000, "small"),
    "full": Dial(3000, 1000, 4, 300, "small", True, 400, 50, 10**9, "small"),
}
GENERATOR, RETRAINED, ASKED, WORDS, RANDOM = (
    "generator", "trained on shuffled tokens", "asked with shuffled tokens", "word model", "random start",
)  # fmt: skip


def run(
    workspace: Workspace,
    *,
    size: Literal["tiny", "small", "full"] = "tiny",
    released: Path | None = None,
    part: Literal["rule", "action"] = "rule",
    base: str | None = None,
    models: dict[str, str] | None = None,
    mix: bool = False,
    seed: int = 0,
) -> Page:
    """The page of one generator and of some judges: on a planted grammar without `released`, else on the released table.

    `part` says what is written for real situations: rules or actions. `base` is a model with weights to teach, beside which
    the same model learns from random weights. `models` maps arms to models whose judgement is weighed level by level.
    `mix` teaches all three tasks of the released code. `full` is on your own copy of the table.
    """
    _checked(size, released, base, part)
    at, written = SIZES[size], (part if released else "planted")
    loaded = load.Loaded(planted.grammar(at.situations, seed=seed), pl.DataFrame(schema={"reason": pl.String, "rows": pl.Int64}))  # fmt: skip
    if released is not None:
        loaded = load.read(released, seed=seed)
    learnt, dev, test = (load.chosen(loaded.table, split) for split in ("train", "dev", "test"))

    counts = {"train": learnt.height, "dev": dev.height, "test": test.height}
    start = at.own if released else at.generator
    if released is not None and learnt.height > at.learnt:
        taken = substream(seed, "learnt").permutation(learnt.height)[: at.learnt]
        learnt = learnt[np.sort(taken)]

    # The generator learns from train; the classifiers that judge it from dev; both meet test.
    teach: dict[str, Any] = {"part": written, "base": base, "weights": folders([base] if base else []), "size": start, "mix": mix, "seed": seed}  # fmt: skip
    generator = workspace.files("generator", align.taught, learnt, **teach)
    by = measure.judges(dev, test, part=written, seed=seed)
    rows = elicit.asked(test, part=written, n=at.asked, draws=at.draws)
    writing: dict[str, Any] = {"part": written, "base": base, "seed": seed}
    wrote = {GENERATOR: workspace.frame("rules", pl.DataFrame, elicit.rules, generator, rows, **writing)}
    turned = elicit.shuffled(rows, part=written, seed=seed)
    told = workspace.frame("rules_shuffled", pl.DataFrame, elicit.rules, generator, turned, **writing)
    wrote[ASKED] = rows.with_columns(told["wrote"])  # held against what was to be asked
    if at.retrained:
        other = workspace.files("generator_shuffled", align.taught, learnt, **teach, shuffled=True)
        wrote[RETRAINED] = workspace.frame("rules_retrained", pl.DataFrame, elicit.rules, other, rows, **writing)
    wrote[WORDS] = workspace.frame(
        "rules_words", pl.DataFrame, elicit.word_model, align.written(learnt, written), rows, part=written, seed=seed
    )
    arms = [measure.control(measure.judged(told, by), by, arm=arm, seed=seed) for arm, told in wrote.items()]
    control = frames.effects(pl.concat(arms).sort(pl.col("measure").replace_strict({n: k for k, n in enumerate(by.of)}), maintain_order=True))  # fmt: skip

    once = rows.filter(pl.col("draw") == 0).head(at.flips)
    before = workspace.frame("rules_before", pl.DataFrame, elicit.rules, generator, once, **writing, greedy=True)
    after = workspace.frame(
        "rules_flipped",
        pl.DataFrame,
        elicit.rules,
        generator,
        elicit.flipped(once, part=written, seed=seed),
        **writing,
        greedy=True,
    )
    leaks = measure.leakage(measure.judged(before, by), measure.judged(after, by), by, seed=seed)
    held = rows.filter(pl.col("draw") == 0)
    nats = workspace.frame("surprise", pl.DataFrame, elicit.surprise, generator, held, part=written, base=base)
    perplexity = measure.perplexity(nats, seed=seed)
    gain = None
    if base is not None:
        blank = workspace.files("generator_random", align.taught, learnt, **teach, fresh=True)
        far = workspace.frame("surprise_random", pl.DataFrame, elicit.surprise, blank, held, part=written, base=base)
        gain = measure.saved(far, nats, seed=seed)

    matched, halves, asked = _distributions(workspace, loaded.table if released else None, models or {}, at, seed)
    made = {
        "size": size, "text": "the released table" if released else f"a planted grammar of {len(planted.vocabulary(loaded.table))} words",
        "generator": base or f"scratch/{start}, from nothing", "tasks": "three, mixed" if mix else "with attributes, a fifth without",
        "written": part if released else "rule", "judges": ", ".join(sorted(models)) if models else "planted", "seed": str(seed),
    }  # fmt: skip
    counts |= {"learnt from": learnt.height}
    return page(
        Found(
            loaded,
            counts,
            by,
            control,
            leaks,
            perplexity,
            gain,
            matched,
            halves,
            asked,
            released is not None,
            bool(models),
            at.retrained,
        ),
        made,
    )


def _distributions(
    workspace: Workspace, table: pl.DataFrame | None, models: dict[str, str], at: Dial, seed: int
) -> tuple[Effects | None, Effects | None, int]:
    """How the models' levels match the annotators', and how the annotators' halves do; nothing where no table has five annotators."""
    broken = planted.annotations(at.rules, at.annotators, seed=seed) if table is None else table.filter(pl.col("m") >= compare.FEWEST)  # fmt: skip
    if broken.drop_nulls([planted.JUDGED, "action_text"]).is_empty():
        return None, None, 0
    said, items = elicit.said(broken), elicit.level_items(broken)
    items = frames.items(items.filter(pl.col("rule").is_in(said["item"].unique().implode())))
    halves = compare.halves(said, seed=seed)

    if models:
        shares = workspace.frame("judged", pl.DataFrame, elicit.judged_by, models, folders(models.values()), items)
    elif table is None:
        shares = elicit.judged(planted_judges(said, items), items)
    else:
        shares = pl.DataFrame(schema={"arm": pl.String, "rule": pl.String, **dict.fromkeys(planted.LEVELS, pl.Float64)})
    return compare.match(said, shares, seed=seed), halves, items.height


def planted_judges(said: pl.DataFrame, items: pl.DataFrame) -> dict[str, Model]:
    """Three judges whose distance is known: the annotators' own distribution, their modal level alone, all levels alike."""
    counts = said.group_by("item", "choice").len().sort("item", "choice")
    wide = {rule: np.zeros(len(planted.LEVELS)) for rule in said["item"].unique().sort().to_list()}
    for rule, choice, n in counts.iter_rows():
        wide[rule][planted.LEVELS.index(choice)] = n
    shapes = {
        "same distribution": {rule: c / c.sum() for rule, c in wide.items()},
        "modal level only": {rule: np.eye(len(c))[int(c.argmax())] for rule, c in wide.items()},
        "all levels alike": {rule: np.full(len(c), 1 / len(c)) for rule, c in wide.items()},
    }
    asked = items.select("prompt", "rule").rows()
    return {n: planted.Judge(f"planted/{n}", {p: shares[rule] for p, rule in asked}) for n, shares in shapes.items()}


def _checked(size: str, released: Path | None, base: str | None, part: str) -> None:
    """Raise UsageError, all faults at once."""
    if size not in SIZES:
        raise unknown("size", size, SIZES)
    faults = []
    if size == "full" and released is None:
        faults.append("--size full is on the released table: name your copy with --released")
    if size == "full" and base is None:
        faults.append("--size full teaches a pre-trained model: name it with --base hf/<folder or hub id>")
    if released is None and part != "rule":
        faults.append(f"--part {part}: the planted grammar has rules alone; name a table with --released")
    if released is not None and not released.is_file():
        faults.append(f"--released {released.name}: there is no such file")
    if base is not None and not base.startswith("hf/"):
        faults.append(f"--base {base}: only hf/<folder or hub id> has weights to teach")
    if faults:
        raise UsageError("; ".join(faults))
