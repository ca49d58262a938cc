"""Corpus distances: how near each arm's texts come to people's in a space, between floor and ceiling."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.compare.bootstrap import Codes
from sociolect.compare.c2st import accuracies, aucs, held_out
from sociolect.compare.corpus_sides import Sides, sides
from sociolect.compare.fidelity import fidelity, table
from sociolect.compare.frechet import frechets, too_few
from sociolect.compare.interval import FloatArray, interval
from sociolect.compare.jackknife import influences, left_out, linear_draws
from sociolect.compare.kernels import Kernel, cubic, gaussian, mmds
from sociolect.compare.manifold import MEASURES, NEAREST, manifolds
from sociolect.compare.mauve import mauves, quantised
from sociolect.compare.multiplicity import adjusted
from sociolect.compare.two_sample import p_value, relabelled
from sociolect.errors import InputError, RefusedError, UsageError, unknown
from sociolect.frames import Effects, Vectors
from sociolect.seeds import derive

DISTANCES = ("frechet", "kid", "mmd", "c2st_accuracy", "c2st_auc")  # lower is nearer
NEARNESS = ("mauve", *MEASURES)  # higher is nearer
ALL = (*DISTANCES, *NEARNESS)
BOUNDED = ("c2st_accuracy", "c2st_auc", "mauve", "precision", "recall", "coverage")  # from 0 to 1
TESTED = ("kid", "mmd", "c2st_accuracy", "c2st_auc")  # those with a permutation p
METHOD = "delete-a-group jackknife"
THREADS = 2  # sums in another order give other last bits, so their number is fixed whatever the machine has


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """Statistics (k,) of one side against the reference, their influences (groups, k), and those under permutation (b, k)."""

    estimate: FloatArray
    influence: FloatArray
    permuted: FloatArray


def corpora(
    vectors: Vectors,
    *,
    arms: Sequence[str] | None = None,
    floor: str = "shuffled",
    people: str = "human",
    half: str = "half",
    reference: Literal["same", "pooled"] = "same",
    measures: Sequence[str] = ALL,
    clusters: Sequence[str] = ("topic", "template"),
    pairs: Sequence[tuple[str, str]] = (("aligned", "in_context"),),
    nearest: int = NEAREST,
    groups: int = 20,
    permutations: int = 199,
    level: float = 0.95,
    draws: int = 2000,
    adjust: str = "holm",
    seed: int = 0,
) -> Effects:
    """How near each arm comes to people, by community and on average: `estimate`, floor, ceiling, normalised, flag.

    Lower is nearer for `frechet`, `kid`, `mmd` (Gaussian, one bandwidth per community), `c2st_accuracy` and `c2st_auc`;
    higher for `mauve`, `precision`, `recall`, `density`, `coverage`. `normalised` is 0 at the floor and 1 at the ceiling
    either way, and `caricature` flags an arm that is nearer than people are. Every side is held against the people whose
    `half` is "b", of the same community (`reference="pooled"`: of all communities; `method` says so); the ceiling is half
    "a", the floor the `floor` arm. All sides, the reference too, are cut to one n per community by seed: `n`, and
    `left_out` counts the arm's rows cut. `contrast` is the arm, "<arm> in <community>" by community; the mean over
    communities has a null `community`. `pairs` adds paired differences of arms.

    Intervals: speakers within half and community, and model rows by `clusters`, are put into at most `groups` groups and
    left out one group at a time, from all statistics alike (`jackknife`); `clusters` counts groups. The bins of mauve stay
    as fitted, the classifier is trained anew. Such intervals are wide rather than narrow: in simulations most cover more
    than they say. `p` of an arm in a community: permutation of whole speakers and of whole values of
    the first of `clusters`, for kid, mmd and c2st; of a pair: its interval inverted. Means over communities of arms have
    none. `p_adjusted` runs over the arms by community, the mean pairs, and the pairs by community, each apart.

    Raises as `corpus_sides.sides`; RefusedError also where frechet has no more texts than dimensions, or a factor has one
    cluster.
    """
    if odd := [m for m in measures if m not in ALL]:
        raise unknown("corpus measure", odd[0], ALL)
    if reference not in ("same", "pooled"):
        raise unknown("reference", reference, ("same", "pooled"))
    if not measures or groups < 2:
        raise UsageError(
            f"measures are {list(measures)}, groups is {groups}: due are one measure and two groups, or more"
        )
    here = set(vectors["condition"].unique())
    named = list(arms) if arms is not None else sorted(here - {floor, people})
    if odd := sorted({arm for pair in pairs for arm in pair} - {*named, floor}):
        raise InputError(f"pairs name {', '.join(odd)}; the arms are: {', '.join(named)}. Name others, or pairs=()")
    all_sides = list(dict.fromkeys([*named, floor]))
    sets = sides(
        vectors, arms=all_sides, people=people, half=half, pooled=reference == "pooled", clusters=clusters, most=groups,
        seed=seed,
    )  # fmt: skip
    if "frechet" in measures and (
        faults := [f"{c!r}: {fault}" for c, n in sets.n.items() if (fault := too_few(n, sets.vectors.shape[1]))]
    ):
        raise RefusedError(f"no Frechet distance in {'; '.join(faults)}, or leave 'frechet' out of measures")
    _one_cluster(sets, [*all_sides, "a", "b"])
    from threadpoolctl import threadpool_limits

    with threadpool_limits(THREADS):
        found = {
            (c, side): _held(
                sets, c, side, measures, nearest=nearest, permutations=0 if side == "a" else permutations, seed=seed
            )
            for c in sets.n
            for side in [*all_sides, "a"]
        }
        return _effects(
            sets, found, named=named, floor=floor, pairs=pairs, measures=measures, reference=reference, level=level,
            draws=draws, adjust=adjust, seed=seed,
        )  # fmt: skip


def _held(
    sets: Sides, community: str, side: str, measures: Sequence[str], *, nearest: int, permutations: int, seed: int
) -> _Found:
    """One side against the reference, by every measure, under each group left out."""
    mine, theirs = sets.rows[community, side], sets.rows[community, "b"]
    x, y = sets.vectors[mine], sets.vectors[theirs]
    pooled, n = np.concatenate([x, y]), len(x)
    ids, u, w = left_out(sets.groups, mine, theirs)
    own = derive(seed, "corpora", community, side)
    labels = np.zeros((0, 2 * n))
    if permutations:
        units = (sets.units[mine], sets.units[theirs])
        labels = relabelled(n, n, units, permutations, own)[0][1:]
    first = np.concatenate([np.concatenate([u, np.zeros_like(w)], axis=1), labels])
    second = np.concatenate([np.concatenate([np.zeros_like(u), w], axis=1), 1 - labels])
    out: dict[str, FloatArray] = {}
    kernels: dict[str, Kernel] = {}
    if "kid" in measures:
        kernels["kid"] = cubic()
    if "mmd" in measures:
        everyone = np.concatenate([rows for (c, _), rows in sorted(sets.rows.items()) if c == community])
        kernels["mmd"] = gaussian(sets.vectors[everyone], seed=derive(seed, "bandwidth", community))
    for name, kernel in kernels.items():
        out[name] = mmds(pooled, first, second, kernel=kernel)
    if "frechet" in measures:
        out["frechet"] = frechets(x, y, u, w)
    if "mauve" in measures:
        bins, count = quantised(pooled, n=n, seed=own)
        out["mauve"] = mauves(bins[:, :n], bins[:, n:], count, u, w)
    if set(MEASURES) & set(measures):
        out |= dict(zip(MEASURES, manifolds(x, y, u, w, nearest=nearest).T, strict=True))
    if {"c2st_accuracy", "c2st_auc"} & set(measures):
        m, truth = 1 + ids.size, np.concatenate([np.ones(n), -np.ones(n)])
        fold = np.unique(np.concatenate([sets.units[mine], sets.units[theirs]]), return_inverse=True)[1]
        lines = held_out(
            pooled, np.tile(truth, (m, 1)), fold, weights=np.concatenate([u, w], axis=1), seed=own
        )  # each trained anew without the group: the line's own doubt is most of it where nothing differs
        told = np.concatenate([lines, held_out(pooled, 2 * labels - 1, fold, seed=own)])
        out |= {"c2st_accuracy": accuracies(told, first, second), "c2st_auc": aucs(told, first, second)}
    m = 1 + ids.size
    values = np.stack([out[name][:m] for name in measures], axis=1)
    permuted = np.stack(
        [out[name][m:] if name in TESTED else np.full(permutations, np.nan) for name in measures], axis=1
    )
    return _Found(values[0], influences(sets.groups, ids, values), permuted)


def _effects(
    sets: Sides, found: Mapping[tuple[str, str], _Found], *, named: Sequence[str], floor: str,
    pairs: Sequence[tuple[str, str]], measures: Sequence[str], reference: str, level: float, draws: int, adjust: str, seed: int,
) -> Effects:  # fmt: skip
    communities, k = list(sets.n), len(measures)
    order = [*dict.fromkeys([*named, floor]), "a"]
    by = np.stack([[found[c, s].estimate for c in communities] for s in order])  # (sides, communities, k)
    moved = np.stack([[found[c, s].influence for c in communities] for s in order])  # (sides, communities, groups, k)
    estimate = np.concatenate([by, by.mean(1, keepdims=True)], axis=1)
    moved = np.concatenate([moved, moved.mean(1, keepdims=True)], axis=1).transpose(2, 0, 1, 3)
    flat = linear_draws(sets.groups, estimate.ravel(), moved.reshape(len(moved), -1), draws=draws, seed=seed)
    samples = flat.reshape(draws, *estimate.shape)
    turn = np.array([-1.0 if name in DISTANCES else 1.0 for name in measures])
    places = [*communities, None]

    def fewest(at: int, *used: str) -> int:
        rows = [
            sets.rows[c, s]
            for c in (communities if at == len(communities) else [communities[at]])
            for s in (*used, "b")
        ]
        return min(_count(codes[r]) for codes in sets.groups.codes for r in rows if (codes[r] >= 0).any())

    def finish(made: pl.DataFrame, at: int, *used: str) -> pl.DataFrame:
        inside = communities if at == len(communities) else [communities[at]]
        return made.with_columns(
            n=pl.lit(sum(sets.n[c] for c in inside) * len(used), pl.Int64),
            left_out=pl.lit(sum(sets.left_out[c, s] for c in inside for s in used), pl.Int64),
            community=pl.lit(places[at], pl.String),
        )

    parts = []
    for at, place in enumerate(places):
        method = _method(sets, place, reference)
        for arm in named:
            used = [order.index(arm), order.index(floor), len(order) - 1]
            near = fidelity(
                estimate[used, at] * turn,
                samples[:, used, at] * turn,
                n=0,
                clusters=fewest(at, arm, floor, "a"),
                level=level,
            )
            made = table(near, measures=measures, contrasts=[_said(arm, place)] * k, method=method)
            p = [None] * k if place is None else _permuted(found[place, arm], measures)
            parts.append(finish(_turned(made).with_columns(p=pl.Series(p, dtype=pl.Float64)), at, arm))
        for first, second in pairs:
            i, j = order.index(first), order.index(second)
            gap = interval(
                estimate[i, at] - estimate[j, at], samples[:, i, at] - samples[:, j, at], n=0,
                clusters=fewest(at, first, second), level=level,
            )  # fmt: skip
            columns = {
                "measure": list(measures), "contrast": [_said(f"{first} - {second}", place)] * k, "estimate": gap.estimate,
                "low": gap.low, "high": gap.high, "p": gap.p(), "method": [method] * k, "clusters": gap.clusters,
            }  # fmt: skip
            parts.append(
                finish(pl.DataFrame(columns).with_columns(pl.col(pl.Float64).fill_nan(None)), at, first, second)
            )
    whole = pl.concat(parts, how="diagonal")
    arm_row, mean = pl.col("floor").is_not_null(), pl.col("community").is_null()
    families = [
        whole.filter(mean & arm_row),
        whole.filter(mean & ~arm_row),
        whole.filter(~mean & arm_row),
        whole.filter(~mean & ~arm_row),
    ]
    return frames.effects(pl.concat([
        part.with_columns(pl.Series("p_adjusted", adjusted(part["p"].to_list(), adjust), dtype=pl.Float64)) for part in families
    ]))  # fmt: skip


def _turned(made: pl.DataFrame) -> pl.DataFrame:
    """Distances as themselves again: they were compared as nearness, with their sign turned."""
    lower = pl.col("measure").is_in(DISTANCES)
    names = ("", "floor_", "ceiling_")
    values = [pl.when(lower).then(-pl.col(c)).otherwise(pl.col(c)).alias(c) for c in ("estimate", "floor", "ceiling")]
    ends = [
        pl.when(lower).then(-pl.col(f"{name}{other}")).otherwise(pl.col(f"{name}{end}")).alias(f"{name}{end}")
        for name in names
        for end, other in (("low", "high"), ("high", "low"))
    ]
    turned = made.with_columns(*values, *ends)
    # An interval ends where the measure does.
    least = pl.when(~pl.col("measure").is_in(["kid", "mmd"])).then(0.0)
    most = pl.when(pl.col("measure").is_in(BOUNDED)).then(1.0)
    return turned.with_columns(
        *(
            pl.when(pl.col(f"{n}low").is_not_null()).then(pl.max_horizontal(f"{n}low", least)).alias(f"{n}low")
            for n in names
        ),
        *(
            pl.when(pl.col(f"{n}high").is_not_null()).then(pl.min_horizontal(f"{n}high", most)).alias(f"{n}high")
            for n in names
        ),
    )


def _permuted(found: _Found, measures: Sequence[str]) -> list[float | None]:
    return [
        p_value(np.concatenate([found.estimate[i : i + 1], found.permuted[:, i]])) if name in TESTED else None
        for i, name in enumerate(measures)
    ]


def _method(sets: Sides, community: str | None, reference: str) -> str:
    thin = [c for c in ([community] if community else sets.n) if sets.n[c] < 2 * sets.vectors.shape[1]]
    said = METHOD + ("; reference: all communities pooled" if reference == "pooled" else "")
    return said + (f"; n < 2 d ({sets.vectors.shape[1]} dimensions)" if thin else "")


def _said(name: str, community: str | None) -> str:
    return name if community is None else f"{name} in {community}"


def _count(codes: Codes) -> int:
    return int(np.unique(codes[codes >= 0]).size)


def _one_cluster(sets: Sides, names: Sequence[str]) -> None:
    faults = [
        f"{s!r} in {c!r} has one cluster only in factor {place}"
        for (c, s), rows in sets.rows.items()
        for place, codes in enumerate(sets.apart)
        if s in names and _count(codes[rows]) == 1
    ]
    if faults:
        raise RefusedError(
            f"how much clusters differ cannot be seen: {'; '.join(faults)}; have more speakers, topics or templates, or leave "
            "out a factor that never varied"
        )
