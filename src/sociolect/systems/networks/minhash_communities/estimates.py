"""Whether the index keeps its promises: the error of its estimates, how often alike sets meet, its size and its speed."""

from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sociolect import frames
from sociolect.errors import RefusedError
from sociolect.find.lsh import index, opened
from sociolect.find.minhash import jaccard, signatures
from sociolect.frames import Effects
from sociolect.seeds import derive, substream
from sociolect.systems.networks.minhash_communities.find import drawn, grown
from sociolect.systems.networks.minhash_communities.measure import SCHEMA, mean

LEVELS = (0.02, 0.05, 0.1, 0.2, 0.4)  # five values of J, on both sides of the nominal threshold
SETS = 200  # elements of a set, so that each level is met to .002
TRIALS = 100  # pairs of sets per level
RETURNED = 1_000  # ours: accounts that a timed query returns, at most


def errors(folder: Path, pairs: pl.DataFrame, communities: Sequence[Sequence[str]], *, cap: int | None, n: int, seed: int) -> Effects:  # fmt: skip
    """The error of estimated similarities against theory, on pairs of accounts no two of which share an account.

    Half of the pairs lie inside a community where there are any. Effects: `rmse`, `rmse in theory` (the root of the mean
    J (1 - J) / K), their `ratio` with the interval of the mean squared error over pairs, and `bias` (mean error).
    Elements left out by `cap` are left out of the exact sets too. `ratio` is null where theory leaves no error: all pairs
    are apart or the same. Raises RefusedError for fewer than two accounts.
    """
    lsh = opened(folder)
    if lsh.signatures.accounts.len() < 2:
        raise RefusedError("one account has elements, and it has nobody to be alike: due are two or more")
    one, two = _disjoint(lsh.signatures.accounts, communities, n, seed)
    exact = overlap(pairs, one, two, cap=cap)
    error = jaccard(lsh.signatures, lsh.rows_of(one), lsh.rows_of(two)) - exact
    due = float((exact * (1 - exact)).mean()) / lsh.signatures.values.shape[1]
    *squared, m = mean((error**2).tolist())
    rows: list[tuple[str, float | None, float | None, float | None]] = [
        ("rmse", *_roots(squared, 1.0)),
        ("rmse in theory", due**0.5, None, None),
        ("ratio", *_roots(squared, due)),
        ("bias", *mean(error.tolist())[:3]),
    ]
    return frames.effects(
        pl.DataFrame(
            [
                (name, "estimated - exact Jaccard", *values, m, "t, pairs that share no account")
                for name, *values in rows
            ],
            schema=SCHEMA,
            orient="row",
        )
    )


def _roots(squares: Sequence[float | None], unit: float) -> tuple[float | None, float | None, float | None]:
    """The root of a mean square and of its interval's ends, in units of another; null where either is absent."""
    mid, low, high = (None if v is None or not unit else (max(v, 0.0) / unit) ** 0.5 for v in squares)
    return mid, low, high


def _disjoint(
    accounts: pl.Series, communities: Sequence[Sequence[str]], n: int, seed: int
) -> tuple[list[str], list[str]]:
    """At most `n` pairs of accounts, no account twice: up to half of them within communities."""
    draw = substream(seed, "pairs")
    inside = [[m[k] for k in draw.permutation(len(m))] for m in communities]
    couples = [(m[k], m[k + 1]) for m in inside for k in range(0, len(m) - 1, 2)]
    chosen = [couples[k] for k in draw.permutation(len(couples))[: n // 2]]
    used = {a for pair in chosen for a in pair}
    rest = [a for a in accounts.sort().to_list() if a not in used]
    rest = [rest[k] for k in draw.permutation(len(rest))[: 2 * (n - len(chosen))]]
    chosen += list(zip(rest[::2], rest[1::2], strict=False))
    return [a for a, _ in chosen], [b for _, b in chosen]


def overlap(
    pairs: pl.DataFrame, one: Sequence[str], two: Sequence[str], *, cap: int | None = None
) -> NDArray[np.float64]:
    """The exact Jaccard similarity of each pair of accounts, by counting elements in common.

    >>> held = pl.DataFrame({"account": ["a", "a", "b", "b", "b"], "element": ["x", "y", "x", "y", "z"]})
    >>> overlap(held, ["a"], ["b"]).round(3).tolist()
    [0.667]
    """
    held = pairs.select("account", "element")
    if cap is not None:
        held = held.unique().filter(pl.len().over("element") <= cap)
    held = held.filter(pl.col("account").is_in([*one, *two])).unique()
    asked = pl.DataFrame({"one": list(one), "two": list(two)}).with_row_index("pair")
    size = held.group_by("account").agg(n=pl.len().cast(pl.Int64))
    left = asked.join(held, left_on="one", right_on="account").select("pair", "element", other="two")
    both = left.join(held, left_on=["other", "element"], right_on=["account", "element"], how="semi")
    shared = both.group_by("pair").agg(shared=pl.len().cast(pl.Int64))
    known = asked.join(shared, on="pair", how="left", maintain_order="left")
    for side in ("one", "two"):
        known = known.join(size.rename({"account": side, "n": f"n_{side}"}), on=side, how="left", maintain_order="left")
    s = pl.col("shared").fill_null(0)
    joined = pl.col("n_one").fill_null(0) + pl.col("n_two").fill_null(0) - s
    return known.select(pl.when(joined > 0).then(s / joined).otherwise(0.0)).to_series().to_numpy()


def collisions(*, hashes: int, bands: int, seed: int) -> pl.DataFrame:
    """How often two sets of known similarity share a bucket, beside 1 - (1 - J^r)^b: J, expected, here, low, high, pairs.

    Low and high span three standard errors of the expected rate; `within` says whether the rate lies there.
    """
    rows, held = [], []
    for level, wanted in enumerate(LEVELS):
        shared = round(2 * SETS * wanted / (1 + wanted))
        for trial in range(TRIALS):
            for side in range(2):
                name = f"{level}:{trial}:{side}"
                held += [(name, f"{level}:{trial}:both:{e}") for e in range(shared)]
                held += [(name, f"{name}:{e}") for e in range(SETS - shared)]
    frame = pl.DataFrame(held, schema=["account", "element"], orient="row")
    lsh = index(signatures(frame, hashes=hashes, seed=derive(seed, "collisions")), bands=bands)
    for level, wanted in enumerate(LEVELS):
        shared = round(2 * SETS * wanted / (1 + wanted))
        j = shared / (2 * SETS - shared)
        one, two = (lsh.rows_of([f"{level}:{t}:{side}" for t in range(TRIALS)]) for side in range(2))
        met = sum(bool(np.isin(b, lsh.candidates(np.array([a])))) for a, b in zip(one, two, strict=True)) / TRIALS
        due = 1 - (1 - j ** (hashes // bands)) ** bands
        half = 3 * (due * (1 - due) / TRIALS) ** 0.5
        # a rate of 1 or 0 that is one pair off is no fault
        half = max(half, 1 / TRIALS)
        rows.append((j, due, met, max(0.0, due - half), min(1.0, due + half), abs(met - due) <= half, TRIALS))
    return pl.DataFrame(rows, schema=["J", "expected", "here", "low", "high", "within", "pairs"], orient="row")


def sizes(folder: Path, name: str) -> pl.DataFrame:
    """What the index takes: accounts, bytes of signatures per account, and bytes of the whole folder per account."""
    lsh = opened(folder)
    n = lsh.signatures.accounts.len()
    whole = sum(p.stat().st_size for p in folder.rglob("*") if p.is_file() and p.name != "step.json")
    rows = [(name, n, 4 * lsh.signatures.values.shape[1], whole / n)]
    return pl.DataFrame(rows, schema=["index", "accounts", "signature bytes per account", "index bytes per account"], orient="row")  # fmt: skip


def timings(folder: Path, communities: Sequence[Sequence[str]], *, rankers: Sequence[str], seeds_n: int, queries: int, seed: int) -> pl.DataFrame:  # fmt: skip
    """Seconds per query for as many accounts as a community has, 1,000 at most, one after another once the code is warm."""
    lsh = opened(folder)
    rows = []
    for ranker in rankers:
        for query in range(-1, queries):
            persons = communities[query % len(communities)]
            seeds = drawn(persons, seeds_n, seed, "timings", query)
            begun = perf_counter()
            grown(lsh, seeds, size=min(len(persons), RETURNED), ranker=ranker)
            if query >= 0:
                rows.append((ranker, query, perf_counter() - begun))
    return pl.DataFrame(rows, schema={"ranker": pl.String, "query": pl.Int64, "seconds": pl.Float64}, orient="row")
