"""Planted worlds for the open questions: a shared history, public and private comments, an arm that is nearer, an audit.

All stand on `worlds.world` and come as `prepare.prepared` gives them: one row per comment, tones as log(tone + eps).
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from sociolect.compare.interval import FloatArray
from sociolect.load.planted_pairs_words import HISTORY
from sociolect.seeds import derive, substream
from sociolect.systems.studies.relationship_alignment import prepare
from sociolect.systems.studies.relationship_alignment import terms as of
from sociolect.systems.studies.relationship_alignment.terms import Block
from sociolect.systems.studies.relationship_alignment.worlds import world
from sociolect.systems.studies.relationship_alignment.worlds_knobs import BETA
from sociolect.tones import TONES

Table = tuple[pl.DataFrame, Block]


def arms(changes: Mapping[str, float | Mapping[str, float]], *, seed: int, **knobs: Any) -> Table:
    """One model in several arms that tell all; arm a's elasticity is `BETA` + changes[a], a number or one by tone: only
    the words of the arms differ.

    The arms share half of the model's own variance, as conditions of one model do.
    """
    # told nothing and reading all off, an arm stands as `all` does: so there may be as many as there are names
    stand_in = dict(zip(("placebo", "none", "closeness", "gender", "age"), changes, strict=False))
    beta = {c: {t: BETA[t] + _of(changes[a], t) for t in TONES} for c, a in stand_in.items()}
    given: dict[str, Any] = {"conditions": tuple(stand_in), "beta": beta, "cue": 1.0, "blind": False} | knobs
    return _table(world(seed=seed, **given).with_columns(pl.col("condition").replace(stand_in)))


def models(off: Mapping[str, float], *, seed: int, **knobs: Any) -> Table:
    """Several models beside the same people, told none and all; a model's elasticity under `all` is `BETA` + off[model]."""
    parts = []
    for i, (name, change) in enumerate(off.items()):
        beta = {"all": {t: BETA[t] + change for t in TONES}}
        rows = world(seed=seed, model=name, beta=beta, **knobs)
        parts.append(rows if i == 0 else rows.filter(pl.col("source") == "model"))
    return _table(pl.concat(parts))


def history(*, heard: float = 1.0, people: float = 1.0, seed: int, **knobs: Any) -> Table:
    """Half of the pairs share a history; it moves people's log tones by `people` x `HISTORY`, and under `all+relation` a model's.

    `heard` scales what the model does with it. `people` 0: the history it is told is nobody's, as after a permutation.
    """
    table, block = arms({"all": 0.0, "all+relation": 0.0}, seed=seed, **knobs)
    human = table.filter(pl.col("source") == "human")
    drawn = substream(seed, "shared history").random(human.height) < 0.5
    told = human.select("item", shared_history=pl.Series(drawn))
    table = table.join(told, on="item", how="left", maintain_order="left")
    size = pl.when(pl.col("source") == "human").then(people).when(pl.col("condition") == "all+relation").then(heard)
    moved = size.otherwise(0.0) * pl.col("shared_history").cast(pl.Float64)
    return table.with_columns(pl.col(t) + HISTORY[t] * moved for t in block.tones), block


def settings(*, interaction: float = 0.2, seed: int, **knobs: Any) -> Table:
    """People's comments, half of them in public: to close friends, self-disclosure is `interaction` log units higher there."""
    rows = world(seed=seed, conditions=("none",), draws=1, **knobs)
    table, _ = _table(rows)
    human = table.filter(pl.col("source") == "human")
    public = substream(seed, "setting").random(human.height) < 0.5
    setting = pl.Series("setting", np.where(public, "public", "private"))
    close = pl.Series(public) & (human["closeness"] == "close")
    human = human.with_columns(setting, self_disclosure=human["self_disclosure"] + interaction * close.cast(pl.Float64))
    return human, of.designed(human)


def _of(change: float | Mapping[str, float], tone: str) -> float:
    return change.get(tone, 0.0) if isinstance(change, Mapping) else change


def _table(wide: pl.DataFrame) -> Table:
    table = prepare.prepared(wide, eps=prepare.offsets(wide))
    return table, of.designed(table.filter(pl.col("source") == "human"))


class Audited(NamedTuple):
    """Scores of people's and a model's comments, labels of some pairs, and what people's true labels follow."""

    wide: pl.DataFrame
    block: Block
    labels: pl.DataFrame
    slope: float
    beta: float


SHARE, SLOPE, FOLLOWS = 0.4, -0.15, 0.3  # how many comments show the tone; what closeness and the model's own label add


def audited(
    *,
    pairs: int = 4000,
    posts: int = 1000,
    labelled: int = 1000,
    sensitivity: tuple[float, float] = (0.9, 0.8),
    specificity: float = 0.95,
    slope: float = SLOPE,
    follows: float = FOLLOWS,
    seed: int,
) -> Audited:
    """One tone, shown or not, and a reader that errs: it misses more of it in a model's comments than in people's.

    Whether people show the tone: .4 + slope x (close - its share) + follows x (the model shows it - .4). The reader says .9 or .1,
    with these sensitivities (people, model) and one specificity. A simple random sample of pairs is labelled, both comments.
    """
    rng = substream(derive(seed, "audited world"), "rows")
    post = np.concatenate([np.arange(posts), rng.integers(posts, size=pairs - posts)])
    close = rng.random(pairs) < 0.3
    model = rng.random(pairs) < SHARE
    chance = SHARE + slope * (close - 0.3) + follows * (model - SHARE)
    human = rng.random(pairs) < chance
    picked = np.zeros(pairs, dtype=bool)
    picked[rng.permutation(pairs)[:labelled]] = True
    items = [f"c{i:06}" for i in range(pairs)]
    parts, labels = [], []
    for source, condition, shown, hits in (("human", "observed", human, sensitivity[0]), ("model", "all", model, sensitivity[1])):  # fmt: skip
        said = np.where(rng.random(pairs) < np.where(shown, hits, 1 - specificity), 0.9, 0.1)
        rows = {
            "item": items, "post": [f"s{p:05}" for p in post], "commenter": items, "source": source, "condition": condition, "draw": 0,
            "speaker": items if source == "human" else "m", "closeness": np.where(close, "close", "stranger"), "funny": said,
        }  # fmt: skip
        made = pl.DataFrame(rows).with_columns(pl.col("draw").cast(pl.Int64))
        parts.append(made)
        truth = pl.Series("funny", shown.astype(np.float64))
        own = made.select("item", "source", "condition", "draw", "speaker", truth, chance=pl.lit(labelled / pairs))
        labels.append(own.filter(pl.Series(picked)))
    wide = pl.concat(parts)
    block = Block(("closeness",), "post", (), ("funny",))
    return Audited(wide, block, pl.concat(labels), slope, follows)


def verdicts(n: int, *, gap: float, base: float = 0.85, seed: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Verdicts on `n` comments of people and `n` of models that all show a tone, their truth, and whose they are (0, 1)."""
    rng = substream(seed, "verdicts")
    second = np.repeat([0.0, 1.0], n)
    return (rng.random(2 * n) < base - gap * second).astype(float), np.ones(2 * n), second
