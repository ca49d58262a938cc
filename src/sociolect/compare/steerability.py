"""Whether a steered model stands where it was steered to: its spread beside people's, and its target beside the nearest other."""

from itertools import combinations
from math import fsum
from typing import Any

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.compare.bootstrap import weights
from sociolect.compare.interval import FEW, FloatArray, interval
from sociolect.errors import InputError, RefusedError
from sociolect.frames import Effects
from sociolect.seeds import substream

SINGLE, NOISE = "; single answers: their noise is in the steered side", "; noise of repeats taken off"
_KINDS: dict[str, Any] = {
    "measure": pl.String, "contrast": pl.String, "estimate": pl.Float64, "low": pl.Float64, "high": pl.Float64, "n": pl.Int64,
    "p": pl.Float64, "communities": pl.Int64, "left_out": pl.Int64, "speaker": pl.String, "method": pl.String,
}  # fmt: skip


def steerability(
    steered: pl.DataFrame,
    people: pl.DataFrame,
    *,
    by: str | None = "speaker",
    level: float = 0.95,
    draws: int = 1000,
    relabelled: int = 2000,
    sets: int = 10_000,
    seed: int = 0,
) -> Effects:
    """Per speaker (and all together) how far steered communities lie apart, and how near each is to the one it stands for.

    `steered` and `people` have community, item and value (repeats are averaged). spread: root mean square difference over
    items and pairs of communities. `measure`: steer ratio (spread of the steered vectors / spread of people's: 1 is
    people's own); steered spread and human spread; target distance; target - nearest other (below 0: nearer to the community
    it stands for than to any other); target nearest (share of communities, by chance 1 / communities). Intervals: items are
    resampled, the same for both sides.
    p of target distance: communities' names are dealt out anew. p of the ratio of all speakers together: the share of
    `sets` random sets of steered vectors, as many as there are communities of people, that spread as people do or more.

    An item counts where every community has both values; `left_out` counts values of the others. What a form of the question
    (`condition`) does to all communities alike cancels between them. Where every cell has two
    answers or more, what their noise adds to squared differences is taken off; where one has a single answer it cannot be, the
    steered side is too wide, and `method` says so.
    Raises InputError where columns are missing, RefusedError where fewer than three communities or two items are shared.

    >>> rng = np.random.default_rng(1)
    >>> human = pl.DataFrame([(c, str(i), v) for c in "abcd" for i, v in enumerate(rng.random(40))], schema=["community", "item", "value"], orient="row")
    >>> half = human.with_columns(value=0.5 + (pl.col("value") - 0.5) / 2, speaker=pl.lit("m"))
    >>> steerability(half, human).filter(measure="steer ratio", speaker="m")["estimate"].round(9).item()
    0.5
    """
    named = [by] if by else []
    faults = [f"the {side} have no column {c!r}" for side, frame, due in (("steered", steered, ["community", "item", "value", *named]), ("people", people, ["community", "item", "value"]))
              for c in due if c not in frame.columns]  # fmt: skip
    if faults:
        raise InputError(f"nothing can be steered: {'; '.join(faults)}")
    sides = {str(s): steered.filter(pl.col(by) == s) for s in sorted(steered[by].unique())} if by else {"": steered}
    rows: list[dict[str, Any]] = []
    kept = {s: _shared(part, people) for s, part in sides.items()}
    for speaker, (human, model, noise, names, left_out) in kept.items():
        found = _numbers(human, model, noise, level=level, draws=draws, relabelled=relabelled, seed=seed)
        told = {"n": human.shape[0], "communities": len(names), "left_out": left_out, "speaker": speaker}
        contrast = f"{speaker} steered" if speaker else "steered"
        rows += [told | {"contrast": contrast} | one for one in found]
    if len(kept) > 1:
        rows += _together(people, steered, by or "", level=level, draws=draws, sets=sets, seed=seed)
    return frames.effects(pl.DataFrame([{c: row[c] for c in _KINDS} for row in rows], schema=_KINDS))


def spread(vectors: FloatArray) -> float:
    """The root mean square difference of vectors (items, communities) over items and pairs.

    >>> spread(np.array([[0.0, 1.0, 0.0], [0.0, 1.0, 0.0]]))
    0.816496580927726
    """
    return float(_apart(vectors, _pairs(vectors.shape[1]), np.ones((1, len(vectors))))[0])


def _shared(
    steered: pl.DataFrame, people: pl.DataFrame
) -> tuple[FloatArray, FloatArray, FloatArray | None, list[str], int]:
    """People's and the steered values (items, communities) of the items that all have, the noise, the names, what is left out."""
    one, two = (_wide(frame) for frame in (people, steered))
    names = sorted(set(one.columns) & set(two.columns) - {"item"})
    both = (
        one.select("item", *names).join(two.select("item", *names), on="item", suffix="\x1f").sort("item").drop_nulls()
    )
    if len(names) < 3 or both.height < 2:
        raise RefusedError(
            f"{len(names)} communities share {both.height} items on both sides: three communities and two items are due"
        )
    values = steered.filter(pl.col("value").is_not_null(), pl.col("community").is_in(names))
    left = values.filter(~pl.col("item").is_in(both["item"].implode())).height + steered["value"].null_count()
    human, model = (both.select(f"{c}{end}" for c in names).to_numpy().astype(float) for end in ("", "\x1f"))
    return human, model, _noise(steered, both["item"].to_list(), names), names, left


def _noise(steered: pl.DataFrame, items: list[str], names: list[str], by: str | None = None) -> FloatArray | None:
    """The variance (items, communities) of each mean that repeats show; None where nothing was asked twice.

    A cell with a single answer has the mean variance of the others. What a form (`condition`) does to all communities of a
    speaker alike is no noise: it cancels between them, and is taken off first.
    """
    known = steered.filter(pl.col("value").is_not_null(), pl.col("item").is_in(items), pl.col("community").is_in(names))
    form = ["condition"] if "condition" in known.columns else []
    group = [*([by] if by else []), "item", *form]
    rows = known.sort(*group, "community", "value").with_columns(_of=pl.len().over(group))
    if form:
        rows = rows.with_columns(value=pl.col("value") - pl.col("value").mean().over(group))
    same = rows.group_by("item", "community", *form, maintain_order=True).agg(k=pl.len())
    pairs = same.group_by("item", "community", maintain_order=True).agg(alike=(pl.col("k") * (pl.col("k") - 1)).sum())
    cells = rows.group_by("item", "community", maintain_order=True)
    told = cells.agg(within=pl.col("value").var(), n=pl.len(), of=pl.col("_of").mean()).join(
        pairs, on=["item", "community"], maintain_order="left"
    )
    # two answers in one form differ by their noise; in two forms the means taken off hold a part of it
    share = pl.col("alike") / (pl.col("n") * (pl.col("n") - 1))
    told = told.with_columns(within=pl.col("within") / (share + (1 - share) * (1 - 1 / pl.col("of"))))
    within = told["within"].drop_nulls().to_numpy()
    if not within.size:
        return None
    filled = told.with_columns(noise=pl.col("within").fill_null(fsum(within) / within.size) / pl.col("n"))
    return filled.pivot("community", index="item", values="noise").sort("item").select(names).to_numpy().astype(float)


def _wide(frame: pl.DataFrame) -> pl.DataFrame:
    known = frame.filter(pl.col("value").is_not_null()).sort("item", "community", "value")
    means = known.group_by("item", "community", maintain_order=True).agg(pl.col("value").mean())
    return (
        means.pivot("community", index="item", values="value")
        if means.height
        else pl.DataFrame({"item": []}, schema={"item": pl.String})
    )


def _numbers(
    human: FloatArray,
    model: FloatArray,
    noise: FloatArray | None,
    *,
    level: float,
    draws: int,
    relabelled: int,
    seed: int,
) -> list[dict[str, Any]]:
    items, count = human.shape
    pairs = _pairs(count)
    ones = np.ones((1, items))
    drawn = np.concatenate(list(weights([np.arange(items)], draws=draws, seed=seed)))

    def made(w: FloatArray) -> FloatArray:
        own, theirs = _apart(model, pairs, w, noise), _apart(human, pairs, w)
        far = np.sqrt(np.maximum(_between(model, human, w, noise), 0.0))
        target = np.diagonal(far, axis1=1, axis2=2)
        others = np.where(np.eye(count, dtype=bool), np.inf, far).min(2)
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio = own / theirs
        near = (target < others).mean(1)
        return np.stack([ratio, own, theirs, target.mean(1), (target - others).mean(1), near], axis=1)

    estimate = made(ones)[0]
    found = interval(estimate, made(drawn), n=items, clusters=items, level=level)
    far = np.sqrt(np.maximum(_between(model, human, ones, noise)[0], 0.0))
    stream = substream(seed, "relabelled")
    dealt = np.array([far[np.arange(count), stream.permutation(count)].mean() for _ in range(relabelled)])
    p = (1 + int((dealt <= estimate[3] + 1e-12).sum())) / (1 + relabelled)
    few = f"; few items ({items} < {FEW})" if items < FEW else ""
    names = (
        "steer ratio",
        "steered spread",
        "human spread",
        "target distance",
        "target - nearest other",
        "target nearest",
    )
    rows = []
    for i, name in enumerate(names):
        defined = not np.isnan(estimate[i])
        said = f"; p by {relabelled} relabellings, 1/{relabelled + 1} at least" if i == 3 else ""
        ends = [None if np.isnan(e[i]) else float(e[i]) for e in (found.low, found.high)]
        rows.append({"measure": name, "estimate": float(estimate[i]) if defined else None, "low": ends[0], "high": ends[1],
                     "p": p if i == 3 else None, "method": f"bootstrap over items{few}{said}{SINGLE if noise is None else NOISE}"})  # fmt: skip
    return rows


def _together(
    people: pl.DataFrame, steered: pl.DataFrame, by: str, *, level: float, draws: int, sets: int, seed: int
) -> list[dict[str, Any]]:
    """All speakers' vectors as one pool: its spread beside people's, and random sets of it beside them."""
    both = pl.format("{}\x1e{}", pl.col(by), pl.col("community"))
    pool, human = _wide(steered.with_columns(community=both)), _wide(people)
    names, theirs = sorted(set(pool.columns) - {"item"}), sorted(set(human.columns) - {"item"})
    met = human.join(pool, on="item").sort("item").drop_nulls()
    if met.height < 2:
        return []
    x, y = met.select(names).to_numpy().astype(float), met.select(theirs).to_numpy().astype(float)
    mine, own = _pairs(len(names)), _pairs(len(theirs))
    noise = _noise(steered.with_columns(community=both), met["item"].to_list(), names, by)
    drawn = np.concatenate(list(weights([np.arange(met.height)], draws=draws, seed=seed)))
    ratio = float(_apart(x, mine, np.ones((1, met.height)), noise)[0] / spread(y))
    shares = (_apart(x, mine, drawn, noise) / _apart(y, own, drawn))[:, None]
    found = interval(np.array([ratio]), shares, n=met.height, clusters=met.height, level=level)
    squares = (x[:, mine[:, 0]] - x[:, mine[:, 1]]) ** 2
    if noise is not None:
        squares = squares - noise[:, mine[:, 0]] - noise[:, mine[:, 1]]
    table = np.zeros((len(names), len(names)))
    table[mine[:, 0], mine[:, 1]] = squares.mean(0)
    table += table.T
    stream, size = substream(seed, "sets"), min(len(theirs), len(names))
    at = np.argsort(stream.random((sets, len(names))), axis=1)[:, :size]
    random = np.sqrt(np.maximum(table[at[:, :, None], at[:, None, :]].sum((1, 2)) / (size * (size - 1)), 0.0))
    p = (1 + int((random >= spread(y) - 1e-12).sum())) / (1 + sets)
    how = f"bootstrap over items; p: share of {sets} random sets of {size} vectors that spread as people do"
    return [{
        "measure": "steer ratio", "contrast": "all speakers together", "estimate": ratio, "low": float(found.low[0]),
        "high": float(found.high[0]), "n": met.height, "communities": len(theirs), "left_out": 0, "speaker": None, "p": p,
        "method": how + (SINGLE if noise is None else NOISE),
    }]  # fmt: skip


def _pairs(count: int) -> np.ndarray:
    return np.array(list(combinations(range(count), 2)), dtype=np.int64).reshape(-1, 2)


def _apart(x: FloatArray, pairs: np.ndarray, w: FloatArray, noise: FloatArray | None = None) -> FloatArray:
    """The spread (m,) of vectors (items, communities) under each row of item weights (m, items), less their noise."""
    squares = (x[:, pairs[:, 0]] - x[:, pairs[:, 1]]) ** 2
    if noise is not None:
        squares = squares - noise[:, pairs[:, 0]] - noise[:, pairs[:, 1]]
    return np.asarray(np.sqrt(np.maximum((w @ squares.mean(1)) / w.sum(1), 0.0)))


def _between(x: FloatArray, y: FloatArray, w: FloatArray, noise: FloatArray | None = None) -> FloatArray:
    """Squared distances (m, communities of x, communities of y) under each row of item weights, less the noise of x."""
    items, count = x.shape
    squares = (x[:, :, None] - y[:, None, :]) ** 2
    if noise is not None:
        squares = squares - noise[:, :, None]
    return np.asarray(((w @ squares.reshape(items, -1)) / w.sum(1, keepdims=True)).reshape(len(w), count, -1))
