"""Profiles: how near an arm's emotions and toxicity come to those of people, between floor and ceiling."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.compare.bootstrap import Codes, weights
from sociolect.compare.clusters import factors
from sociolect.compare.distances import jensen_shannons, kolmogorov_smirnovs, wassersteins
from sociolect.compare.fidelity import METHOD, centred, fidelity, table
from sociolect.compare.interval import FloatArray, IntArray, interval
from sociolect.compare.multiplicity import adjusted
from sociolect.errors import InputError, RefusedError
from sociolect.frames import KEYS, Effects, Scores
from sociolect.seeds import substream

KS = " ks"


@dataclass(frozen=True, slots=True, eq=False)
class _Sets:
    """Replies as rows: their values (r, l), factors, strata, and the rows of each (community, arm or half)."""

    values: FloatArray
    apart: list[Codes]
    strata: Codes
    rows: Mapping[tuple[str, str], Codes]
    n: Mapping[str, int]
    left_out: Mapping[tuple[str, str], int]


def profiles(
    scores: Scores,
    *,
    arms: Sequence[str] | None = None,
    floor: str = "shuffled",
    people: str = "human",
    half: str = "half",
    emotions: str = "emotion:",
    others: Sequence[str] = ("toxicity",),
    clusters: Sequence[str] = ("topic", "template"),
    pairs: Sequence[tuple[str, str]] = (("aligned", "in_context"),),
    level: float = 0.95,
    draws: int = 2000,
    adjust: str = "holm",
    seed: int = 0,
) -> Effects:
    """How near each arm comes to people, by community and on average: `estimate`, floor, ceiling, normalised, flag.

    `emotion`: 1 - the Jensen-Shannon distance of the arm's summed confidences (measures that begin with `emotions`)
    and those of the people whose `half` is "b". Each of `others`: 1 - Wasserstein-1 of the values, and under its name with
    " ks" 1 - the Kolmogorov-Smirnov distance. The ceiling is the
    people of half "a" against half "b"; the floor is the `floor` arm against half "b". All arms and half "a" are cut to
    one n per community by seed, because distance falls with n; half "b" stays whole, the same for all. A row with
    a null value is left out and counted, with those cut, in `left_out`. `contrast` is the arm, "<arm> in <community>"
    by community; the mean over communities has a null `community`. `pairs` adds paired differences of arms, with p;
    p is adjusted over the means of all measures, and apart over all communities. `n` is the rows of the arms named.

    One bootstrap for all: people by speaker within half and community, model rows by `clusters`, crossed; draws are
    centred (`fidelity`). Raises InputError where arms, halves or columns are missing, RefusedError where a community has
    fewer than two rows, or a factor one cluster.
    """
    families = {said: [name] for name in others if name in scores["measure"] for said in (name, f"{name}{KS}")}
    if found := sorted(m for m in scores["measure"].unique() if m.startswith(emotions)):
        families["emotion"] = found
    if not families:
        raise InputError(f"no measure begins with {emotions!r} or is one of {', '.join(others)}: nothing to compare")
    here = set(scores["condition"].unique())
    named = list(arms) if arms is not None else sorted(here - {floor, people})
    if odd := sorted({arm for pair in pairs for arm in pair} - {*named, floor}):
        raise InputError(f"pairs name {', '.join(odd)}; the arms are: {', '.join(named)}. Name others, or pairs=()")
    faults = [f"no rows of {arm!r} in 'condition'" for arm in [*named, floor, people] if arm not in here]
    if half not in scores.columns:
        faults.append(f"column {half!r} is missing: it says 'a' or 'b' of people's rows, split by author")
    if faults:
        raise InputError(f"profiles need arms, a floor and two halves of people: {'; '.join(faults)}")
    told = scores.filter(pl.col("condition") == people).select("community", "speaker", half).unique()
    if unsure := told.filter(~pl.col(half).is_in(["a", "b"]).fill_null(False)).height:
        raise InputError(
            f"{unsure} speakers of {people!r} have a {half!r} that is neither 'a' nor 'b': name one for each"
        )
    if both := told.height - told.select("community", "speaker").n_unique():
        raise InputError(f"{both} speakers stand in both halves of a community: split people by author, not by post")
    sides = list(dict.fromkeys([*named, floor]))
    parts = []
    for name, measures in sorted(families.items()):
        sets = _sets(scores, measures=measures, sides=sides, people=people, half=half, clusters=clusters, seed=seed)
        parts.append(_compared(name, sets, named=named, floor=floor, pairs=pairs, level=level, draws=draws, seed=seed))
    whole = pl.concat(parts, how="diagonal")
    mean = pl.col("community").is_null()
    made = [
        part.with_columns(pl.Series("p_adjusted", adjusted(part["p"].to_list(), adjust), dtype=pl.Float64))
        for part in (whole.filter(mean), whole.filter(~mean))
    ]
    return frames.effects(pl.concat(made))


def _compared(
    name: str,
    sets: _Sets,
    *,
    named: Sequence[str],
    floor: str,
    pairs: Sequence[tuple[str, str]],
    level: float,
    draws: int,
    seed: int,
) -> pl.DataFrame:
    communities = sorted(sets.n)
    sides = [*dict.fromkeys([*named, floor]), "a"]

    def run(w: FloatArray) -> FloatArray:
        by = np.stack(
            [np.stack([1 - _distance(name, sets, c, side, w) for side in sides], axis=1) for c in communities], axis=2
        )
        return np.concatenate([by, by.mean(2, keepdims=True)], axis=2)  # (m, sides, communities + mean)

    def fewest(*used: str) -> IntArray:
        return np.array([_fewest(sets, group, (*used, "b")) for group in (*([c] for c in communities), communities)])

    def finish(made: pl.DataFrame, *used: str) -> pl.DataFrame:
        n = [sets.n[c] * len(used) for c in communities]
        out = [sum(sets.left_out[c, side] for side in used) for c in communities]
        return made.with_columns(
            pl.Series("n", [*n, sum(n)], dtype=pl.Int64),
            pl.Series("left_out", [*out, sum(out)], dtype=pl.Int64),
            pl.Series("community", [*communities, None], dtype=pl.String),
        )

    estimate = run(np.ones((1, len(sets.values))))[0]
    samples = np.concatenate([run(chunk) for chunk in weights(sets.apart, strata=sets.strata, draws=draws, seed=seed)])
    parts, names = [], [name] * (len(communities) + 1)
    for arm in named:
        used = [sides.index(arm), sides.index(floor), len(sides) - 1]
        found = fidelity(
            estimate[used], samples[:, used], n=0, clusters=fewest(arm, floor, "a"), centre=True, level=level
        )
        contrasts = [*(f"{arm} in {c}" for c in communities), arm]
        parts.append(finish(table(found, measures=names, contrasts=contrasts), arm))
    for first, second in pairs:
        i, j = sides.index(first), sides.index(second)
        gap, gaps = estimate[i] - estimate[j], samples[:, i] - samples[:, j]
        found_gap = interval(gap, centred(gap, gaps), n=0, clusters=fewest(first, second), level=level)
        said = f"{first} - {second}"
        columns = {
            "measure": names, "contrast": [*(f"{said} in {c}" for c in communities), said], "estimate": gap,
            "low": found_gap.low, "high": found_gap.high, "p": found_gap.p(), "method": [METHOD] * len(names),
            "clusters": found_gap.clusters,
        }  # fmt: skip
        parts.append(finish(pl.DataFrame(columns).with_columns(pl.col(pl.Float64).fill_nan(None)), first, second))
    return pl.concat(parts, how="diagonal").with_columns(p=pl.col("p") if pairs else pl.lit(None, pl.Float64))


def _distance(name: str, sets: _Sets, community: str, side: str, w: FloatArray) -> FloatArray:
    mine, reference = sets.rows[community, side], sets.rows[community, "b"]
    if name == "emotion":
        return jensen_shannons(w[:, mine] @ sets.values[mine], w[:, reference] @ sets.values[reference])
    apart = kolmogorov_smirnovs if name.endswith(KS) else wassersteins
    return apart(sets.values[mine, 0], sets.values[reference, 0], w[:, mine], w[:, reference])


def _sets(
    scores: Scores, *, measures: Sequence[str], sides: Sequence[str], people: str, half: str, clusters: Sequence[str],
    seed: int,
) -> _Sets:  # fmt: skip
    side = pl.when(pl.col("condition") == people).then(pl.col(half)).otherwise(pl.col("condition")).alias("_side")
    kept = scores.filter(pl.col("measure").is_in(list(measures))).with_columns(side)
    kept = kept.filter(pl.col("_side").is_in([*sides, "a", "b"]))
    columns = [*KEYS, "_side", *(c for c in clusters if c in kept.columns and c not in KEYS)]
    wide = kept.pivot("measure", index=columns, values="value").sort(*KEYS)
    full = wide.drop_nulls(list(measures))
    communities = sorted(full["community"].unique())
    if not communities:
        raise RefusedError(f"no row has a value of {', '.join(measures)}: nothing to compare")
    table_of = {(str(c), str(s)): part for (c, s), part in
                full.with_row_index("_row").partition_by("community", "_side", as_dict=True).items()}  # fmt: skip
    faults, rows, n, cut = [], {}, {}, {}
    for c in communities:
        sizes = {s: table_of[c, s].height if (c, s) in table_of else 0 for s in [*sides, "a", "b"]}
        faults += [f"{size} of {s!r} in {c!r}" for s, size in sizes.items() if size < 2]
        n[c] = min(size for s, size in sizes.items() if s != "b")
        for s, size in sizes.items():
            if size < 2:
                continue
            found = table_of[c, s]["_row"].to_numpy().astype(np.int64)
            if s != "b":
                found = np.sort(substream(seed, "equal n", c, s).choice(found, n[c], replace=False))
            rows[c, s] = found
            cut[c, s] = wide.filter(pl.col("community") == c, pl.col("_side") == s).height - found.size
    if faults:
        raise RefusedError(
            f"two rows or more are due of each arm and half in each community; seen: {'; '.join(faults)}"
        )
    order = np.concatenate(list(rows.values()))
    place = np.empty(full.height, dtype=np.int64)
    place[order] = np.arange(order.size)
    chosen = full[order]
    strata = chosen.select(pl.struct("community", pl.when(pl.col("source") == "human").then("_side")).rank("dense"))
    return _Sets(
        chosen.select(measures).to_numpy(), factors(chosen, clusters), strata.to_series().to_numpy().astype(np.int64),
        {key: place[found] for key, found in rows.items()}, n, cut,
    )  # fmt: skip


def _fewest(sets: _Sets, communities: Sequence[str], sides: Sequence[str]) -> int:
    """The smallest number of clusters of any factor in any of the sides."""
    counts = []
    for side in sides:
        rows = np.concatenate([sets.rows[c, side] for c in communities])
        found = [(c, int(np.unique(codes[rows][codes[rows] >= 0]).size)) for c, codes in enumerate(sets.apart)]
        if one := [place for place, size in found if size == 1]:
            raise RefusedError(
                f"{side!r} in {', '.join(communities)} has one cluster only in factor {one[0]}: how much clusters differ "
                "cannot be seen; have more speakers, topics or templates, or leave out a factor that never varied"
            )
        counts += [size for _, size in found if size]
    return min(counts)
