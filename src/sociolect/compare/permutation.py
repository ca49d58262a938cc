"""Permutation tests that move whole clusters: do two arms differ by more than their labels could by chance?"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.compare.clusters import Codes
from sociolect.compare.distances import jensen_shannons
from sociolect.compare.interval import FEW, FloatArray
from sociolect.compare.multiplicity import adjusted
from sociolect.errors import InputError, RefusedError, UsageError
from sociolect.frames import KEYS, Effects, Scores
from sociolect.seeds import substream

_CELLS = 300_000  # numbers in one chunk of row weights: 2 MB, which stay near the processor
Statistic = Callable[[FloatArray, FloatArray], FloatArray]


@dataclass(frozen=True, slots=True, eq=False)
class Permuted:
    """Statistics (k,), their p-values, their mean under the null in `chance`; how many clusters swapped sides or were dealt out."""

    statistic: FloatArray
    p: FloatArray
    chance: FloatArray
    swapped: int
    dealt: int


def permutation(
    statistic: Statistic,
    first: Codes,
    clusters: Codes,
    *,
    weight: FloatArray | None = None,
    draws: int = 2000,
    seed: int = 0,
) -> Permuted:
    """How often a statistic that grows with the difference of two sides is as large when whole clusters change sides.

    `statistic` takes the row weights of the first and of the second side, (m, n) each, 0 on the other side's rows, and
    gives (m, k) or (m,). `first` (n,) is 1 on the first side, 0 on the second; `clusters` (n,) the code of each row's
    cluster. A cluster with rows on both sides (a topic that both arms were asked) swaps them by the toss of a coin; those on
    one side (a person) keep their rows together and are dealt out anew, as many to each side as before.
    p = (1 + draws at least as far) / (1 + draws), never 0: Phipson and Smyth 2010, doi 10.2202/1544-6115.1585.
    Dealing asks that clusters be exchangeable under the null: of one kind, and not of very different sizes.

    Raises RefusedError where no other labelling exists, InputError where the arrays do not fit.

    >>> value, side, topic = np.array([1.0, 2, 3, 4] * 2), np.repeat([1, 0], 4), np.tile(np.arange(4), 2)
    >>> far = lambda a, b: np.abs(a @ value / a.sum(1) - b @ value / b.sum(1))
    >>> float(permutation(far, side, topic, draws=99).p[0])
    1.0
    """
    side, codes = np.asarray(first), np.asarray(clusters)
    mass = np.ones(side.size) if weight is None else np.asarray(weight, dtype=float)
    faults = (
        []
        if side.size == codes.size == mass.size
        else [f"{side.size} sides, {codes.size} clusters, {mass.size} weights"]
    )
    if set(np.unique(side)) != {0, 1}:
        faults.append("sides are due as 1 (first) and 0 (second), both there")
    if not (np.isfinite(mass).all() and (mass >= 0).all()):
        faults.append("a weight is negative or undefined")
    if draws < 99:
        faults.append(f"draws is {draws}; 99 are the fewest that can tell 1 in 100")
    if faults:
        raise InputError(f"no permutation test: {'; '.join(faults)}")
    _, codes = np.unique(codes, return_inverse=True)
    share = np.bincount(codes, side) / np.bincount(codes)
    both, whole = np.flatnonzero((share > 0) & (share < 1)), np.flatnonzero((share == 0) | (share == 1))
    dealt = whole if 0 < share[whole].sum() < whole.size else whole[:0]  # a lone kind has nothing to be dealt among
    if both.size + dealt.size < 2:
        raise RefusedError(
            f"{both.size} clusters stand on both sides and {dealt.size} could be dealt out: two or more are due"
        )
    rng = substream(seed, "permutation")

    def run(flip: FloatArray) -> FloatArray:
        now = np.abs(side - flip[:, codes])  # a cluster that flips puts each of its rows on the other side
        return np.asarray(statistic(mass * now, mass * (1 - now)), dtype=float).reshape(len(flip), -1)

    seen = run(np.zeros((1, share.size)))[0]
    far, total, done = np.zeros(seen.size), np.zeros(seen.size), 0
    while done < draws:
        m = max(1, min(draws - done, _CELLS // side.size))
        flip = np.zeros((m, share.size))
        flip[:, both] = rng.integers(0, 2, (m, both.size))
        if dealt.size:
            flip[:, dealt] = np.abs(rng.permuted(np.tile(share[dealt], (m, 1)), axis=1) - share[dealt])
        drawn = run(flip)
        # neither the same labelling summed in another order nor an undefined draw may count as nearer
        far += (~(drawn < seen - 1e-9 * np.maximum(1e-3, np.abs(seen)))).sum(0)
        total += drawn.sum(0)
        done += m
    p = np.where(np.isnan(seen), np.nan, (1 + far) / (1 + draws))
    return Permuted(seen, p, total / draws, int(both.size), int(dealt.size))


def permutations(
    scores: Scores,
    *,
    between: tuple[str, str] = ("aligned", "in_context"),
    on: str = "condition",
    by: Sequence[str] = ("community",),
    clusters: Sequence[str] = ("topic", "template"),
    emotions: str = "emotion:",
    others: Sequence[str] = ("toxicity",),
    weight: str | None = None,
    draws: int = 2000,
    adjust: str = "holm",
    seed: int = 0,
) -> Effects:
    """Whether two arms differ, per group of `by`: their emotion profile, and distribution and mean of other measures.

    Rows: `emotion`, 1 - Jensen-Shannon distance of the summed confidences; each of `others`, 1 - Wasserstein-1; and
    `<measure> mean`, the first side's mean less the second's. `chance` is what a distance comes to where sides mean nothing.
    p as in `permutation`: people move by speaker, models by each column of `clusters` in turn, and the largest p stands.
    There is no interval, so low and high are null. `adjust` runs over all rows of the answer. `n` counts replies,
    `left_out` those with a null value. A group that cannot be tested keeps its estimate, a null p and the reason in `method`.

    Raises InputError where a side or a column is missing, RefusedError where no group can be tested.
    """
    families: dict[str, list[str]] = {name: [name] for name in others if name in scores["measure"]}
    if found := sorted(m for m in scores["measure"].unique() if m.startswith(emotions)):
        families["emotion"] = found
    if on in by or "measure" in by:
        raise UsageError(f"`by` cannot hold {on!r} or 'measure': they are told apart already; leave them out")
    named = [*by, *([weight] if weight else []), *(clusters if (scores["source"] == "model").any() else [])]
    faults = [f"no column {c!r}" for c in dict.fromkeys([on, *named]) if c not in scores.columns]
    if not families:
        faults.append(f"no measure begins with {emotions!r} or is one of {', '.join(others)}")
    if not faults:
        faults += [f"no rows of {side!r} in {on!r}" for side in between if side not in set(scores[on])]
        bare = scores.filter(pl.col("source") == "model", pl.any_horizontal(pl.col(list(clusters)).is_null())).height
        faults += [f"{bare} model rows are null in one of {', '.join(clusters)}"] if bare else []
    if faults:
        raise InputError(f"nothing to permute: {'; '.join(faults)}")
    rows: list[dict[str, object]] = []
    for name, measures in sorted(families.items()):
        kept = scores.filter(pl.col("measure").is_in(measures) & pl.col(on).is_in(list(between)))
        wide = kept.pivot("measure", index=list(dict.fromkeys([*KEYS, on, *named])), values="value").sort(*KEYS)
        groups = wide.partition_by(list(by), as_dict=True) if by else {(): wide}
        for group, part in sorted(groups.items(), key=lambda item: tuple((x is None, str(x)) for x in item[0])):
            told = part.drop_nulls(measures)
            within = f" in {', '.join(map(str, group))}" if group else ""
            said = {"contrast": f"{between[0]} - {between[1]}{within}", "n": told.height}
            said |= {"left_out": part.height - told.height} | dict(zip(by, group, strict=True))
            side = (told[on] == between[0]).to_numpy().astype(np.int64)
            mass = told[weight].to_numpy().astype(float) if weight else np.ones(told.height)
            tested = _tested(
                name, told.select(measures).to_numpy(), side, _moved(told, clusters), mass, draws=draws, seed=seed
            )
            rows += [{"low": None, "high": None} | said | one for one in tested]
    if all(row["p"] is None for row in rows):
        raise RefusedError(f"no arm can be tested: {rows[0]['method']}")
    for row, p in zip(rows, adjusted([row["p"] for row in rows], adjust), strict=True):  # type: ignore[misc]  # floats and nulls
        row["p_adjusted"] = p
    kinds = dict.fromkeys(("estimate", "low", "high", "p", "p_adjusted", "chance"), pl.Float64)
    order = ["measure", "contrast", *kinds, "n", "method", "left_out", "clusters", *by]
    made = pl.DataFrame(rows, schema_overrides=kinds | {"clusters": pl.Int64}, infer_schema_length=None)
    return frames.effects(made.select(order))


def _moved(told: pl.DataFrame, clusters: Sequence[str]) -> list[Codes]:
    """What moves together, one array a factor: a person's texts, and a model's replies to one topic (or template)."""
    human = pl.col("source") == "human"
    used = clusters if (told["source"] == "model").any() else ["speaker"]
    names = [
        pl.when(human).then(pl.struct("source", x=pl.col("speaker"))).otherwise(pl.struct("source", x=pl.col(c)))
        for c in used
    ]
    return [told.select(n.rank("dense").cast(pl.Int64)).to_series().to_numpy() for n in names]


def _tested(
    name: str, values: FloatArray, side: Codes, factors: Sequence[Codes], mass: FloatArray, *, draws: int, seed: int
) -> list[dict[str, object]]:  # fmt: skip
    """The rows of one family in one group: its distance, and the difference of means where it is one number."""
    order = np.argsort(values[:, 0], kind="stable")
    values, side, mass = values[order], side[order], mass[order]
    x, width = values[:, 0], np.diff(values[:, 0])

    def gap(w: FloatArray, v: FloatArray) -> FloatArray:
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray((w @ x) / w.sum(1) - (v @ x) / v.sum(1))

    def far(w: FloatArray, v: FloatArray) -> FloatArray:
        if name == "emotion":
            return jensen_shannons(w @ values, v @ values)[:, None]
        # Wasserstein-1 as in `distances.wassersteins`, on rows that are sorted once for all draws
        apart = w / w.sum(1, keepdims=True)
        apart -= v / v.sum(1, keepdims=True)
        return np.stack([np.abs(np.cumsum(apart, axis=1))[:, :-1] @ width, np.abs(gap(w, v))], axis=1)

    names = [name] if name == "emotion" else [name, f"{name} mean"]
    rows: list[dict[str, object]] = [
        dict.fromkeys(("estimate", "p", "chance", "clusters")) | {"measure": m} for m in names
    ]
    w, v = (mass * side)[None], (mass * (1 - side))[None]
    reason = "" if w.sum() > 0 and v.sum() > 0 else "one side has no row"
    found: list[Permuted] = []
    if not reason and np.isnan(far(w, v)).any():
        reason = "no mass to compare"
    if not reason:
        rows[0]["estimate"] = 1 - float(far(w, v)[0, 0])
        if len(rows) > 1:
            rows[1]["estimate"] = float(gap(w, v)[0])
        try:
            found = [permutation(far, side, codes[order], weight=mass, draws=draws, seed=seed) for codes in factors]
        except RefusedError as refusal:
            reason = str(refusal)
    for k, row in enumerate(rows):
        if not found:
            row["method"] = f"permutation; no p: {reason}"
            continue
        worst = found[int(np.argmax([one.p[k] for one in found]))]
        row["clusters"] = fewest = min(one.swapped + one.dealt for one in found)
        row["p"], row["chance"] = float(worst.p[k]), (1 - float(worst.chance[k]) if k == 0 else None)
        few = f"; few clusters ({fewest} < {FEW})" if fewest < FEW else ""
        row["method"] = f"permutation of clusters ({worst.swapped} swapped, {worst.dealt} dealt out){few}"
    return rows
