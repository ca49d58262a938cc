"""Which replies stand on which side of a comparison of corpora, at one n for all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from sociolect.compare.bootstrap import Codes
from sociolect.compare.clusters import factors
from sociolect.compare.interval import FloatArray
from sociolect.compare.jackknife import Groups, groups
from sociolect.errors import InputError, RefusedError
from sociolect.frames import KEYS, Vectors
from sociolect.seeds import substream


@dataclass(frozen=True, slots=True, eq=False)
class Sides:
    """Vectors (r, d); the rows of each (community, arm or half "a" or "b"); n and rows left out; what is drawn together.

    `units` is one cluster per row, for permutations: the speaker of people, the first of `clusters` for models.
    """

    vectors: FloatArray
    rows: Mapping[tuple[str, str], Codes]
    n: Mapping[str, int]
    left_out: Mapping[tuple[str, str], int]
    apart: Sequence[Codes]
    groups: Groups
    units: Codes


def sides(
    vectors: Vectors, *, arms: Sequence[str], people: str, half: str, pooled: bool, clusters: Sequence[str], most: int, seed: int
) -> Sides:  # fmt: skip
    """The arms and people's halves of each community, all cut to the smallest of them by seed; half "b" is the reference.

    With `pooled` the reference of each community is drawn from the halves "b" of all. Raises InputError where an arm, a
    half or a column is missing, vectors differ in length or space, or a speaker stands in both halves; RefusedError for
    undefined numbers, or a side of fewer than two rows.
    """
    _refuse(vectors, arms=arms, people=people, half=half)
    side = pl.when(pl.col("condition") == people).then(pl.col(half)).otherwise(pl.col("condition"))
    full = vectors.with_columns(side.alias("_side")).filter(pl.col("_side").is_in([*arms, "a", "b"])).sort(*KEYS)
    width = int(full["vector"].list.len().max() or 0)  # type: ignore[arg-type]  # an integer column
    values = full["vector"].list.to_array(width).to_numpy().reshape(-1, width)
    if bad := int((~np.isfinite(values)).any(1).sum()):
        raise RefusedError(
            f"{bad} of {len(values)} vectors hold nan or infinite numbers: leave these replies out, or mend the embedding"
        )
    found = {(str(c), str(s)): part["_row"].to_numpy().astype(np.int64) for (c, s), part in
             full.with_row_index("_row").partition_by("community", "_side", as_dict=True).items()}  # fmt: skip
    communities = sorted({c for c, _ in found})
    everyone = np.sort(np.concatenate([found[c, "b"] for c in communities if (c, "b") in found]))
    rows: dict[tuple[str, str], Codes] = {}
    n, cut, faults = {}, {}, []
    for c in communities:
        here = {s: found.get((c, s), everyone[:0]) for s in (*arms, "a", "b")}
        faults += [f"{r.size} of {s!r} in {c!r}" for s, r in here.items() if r.size < 2]
        if pooled:
            here["b"] = everyone
        n[c] = min(r.size for r in here.values())
        for s, r in here.items():
            rows[c, s] = np.sort(substream(seed, "equal n", c, s).choice(r, n[c], replace=False)) if n[c] > 1 else r
            cut[c, s] = r.size - n[c]
    if faults:
        raise RefusedError(
            f"two vectors or more are due of each arm and half in each community; seen: {'; '.join(faults)}"
        )
    apart = factors(full, clusters)
    strata = full.select(pl.struct("community", pl.when(pl.col("source") == "human").then("_side")).rank("dense"))
    strata_codes = strata.to_series().to_numpy().astype(np.int64)
    human = (full["source"] == "human").to_numpy()
    first = apart[1] if human.any() and len(apart) > 1 else apart[0]
    units = np.where(human, apart[0], first + (apart[0].max() + 1 if human.any() else 0))
    return Sides(values, rows, n, cut, apart, groups(apart, strata=strata_codes, most=most, seed=seed), units)


def _refuse(vectors: Vectors, *, arms: Sequence[str], people: str, half: str) -> None:
    here = set(vectors["condition"].unique())
    faults = [f"no rows of {arm!r} in 'condition'" for arm in [*arms, people] if arm not in here]
    if half not in vectors.columns:
        faults.append(f"column {half!r} is missing: it says 'a' or 'b' of people's rows, split by author")
    lengths = sorted(vectors["vector"].list.len().unique().to_list())
    if len(lengths) != 1 or lengths[0] == 0:
        faults.append(
            f"the vectors are of {', '.join(map(str, lengths)) or 'no'} dimensions: one number above 0 is due"
        )
    if vectors["vector"].list.eval(pl.element().is_null()).list.any().any():
        faults.append("some vectors hold nulls")
    if "space" in vectors.columns and (names := sorted(map(str, vectors["space"].unique())))[1:]:
        faults.append(f"the vectors lie in several spaces: {', '.join(names)}; embed all replies in one")
    if not faults:
        told = vectors.filter(pl.col("condition") == people).select("community", "speaker", half).unique()
        if unsure := told.filter(~pl.col(half).is_in(["a", "b"]).fill_null(value=False)).height:
            faults.append(
                f"{unsure} speakers of {people!r} have a {half!r} that is neither 'a' nor 'b': name one for each"
            )
        elif both := told.height - told.select("community", "speaker").n_unique():
            faults.append(f"{both} speakers stand in both halves of a community: split people by author, not by post")
    if faults:
        raise InputError(f"corpora need arms, a floor and two halves of people in one space: {'; '.join(faults)}")
