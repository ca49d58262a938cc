"""Sign 100,000 accounts of 100 neighbours with 1,000 hashes: seconds, error and memory, beside rensa and datasketch.

    python benchmarks/signatures.py [--accounts 100000] [--neighbours 100] [--hashes 1000] [--repeats 5] [--json]

Due: at least as fast as the fastest class of rensa that gives 1,000 hashes, and 20 times as fast as datasketch; error at
theory, sqrt(J(1 - J)/K); at the peak 4 bytes per hash and account beyond the pairs, plus 20 %; 30 seeds asked of an index of
20,000 accounts x 500 bands in under 10 ms.

Two starts. *Pairs*: a shuffled table of two columns of names; ours is `signatures(pairs)`, whole; rensa gets its flat buffers
out of polars' hash and group_by, the fastest way we know. *Sets*: every set hashed, grouped and flat in memory; ours is the
loop behind `signatures`. Rensa runs RMinHash on flat buffers, its Rho sketch, and CMinHash; datasketch `MinHash.bulk` with
each of its schemes (affine32 is the default of its version 2, legacy all that version 1 had) and no hash function left to
compute. Peers that are slow run on the first accounts only: `of` says how
many, and their seconds are multiplied up. All use the threads they want. A round runs each once, and the ratio
is to ours of the same round: what else the machine does weighs on both; the seconds of all cores together stand beside.
Accounts 2p and 2p + 1 share 10 to 60 % of their neighbours: `rmse` is over such pairs, in units of the error of theory, and
`filled` is how many of the entries hold a value at all: the Rho sketch leaves most empty, so it is timed and not counted.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

MEMORY = """
import sys
import polars as pl
from pathlib import Path
from sociolect.find.minhash import signatures

def said(name):
    return int(next(l for l in open("/proc/self/status") if l.startswith(name)).split()[1]) * 1024

signatures(pl.DataFrame({"account": ["a"], "element": ["x"]}))
path, hashes, how = sys.argv[1], int(sys.argv[2]), sys.argv[3]
pairs = pl.read_parquet(path) if how == "frame" else Path(path)
open("/proc/self/clear_refs", "w").write("5")
before = said("VmRSS")
values = signatures(pairs, hashes=hashes).values
print((said("VmHWM") - before) / values.nbytes)
"""
SEEN = 2000  # accounts whose estimates are held against the truth
SLOW = {"rensa CMinHash": 1000, "datasketch affine32": 1000, "datasketch affine64": 500, "datasketch legacy": 300}


def planted(accounts: int, neighbours: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The neighbours of each account (accounts, neighbours), and the Jaccard similarity of each pair of accounts."""
    rng = np.random.default_rng(0)
    share = rng.uniform(0.1, 0.6, accounts // 2)
    shared = np.maximum((share * neighbours).astype(np.int64), 1)
    first = rng.integers(0, 5_000_000, accounts // 2)
    left = first[:, None] + np.arange(neighbours)
    right = left + (neighbours - shared)[:, None]
    truth = shared / (2 * neighbours - shared)
    return np.stack([left, right], axis=1).reshape(accounts, neighbours), truth


def table(sets: NDArray[np.int64]) -> pl.DataFrame:
    """The pairs of account and neighbour as names, shuffled."""
    account = np.repeat(np.arange(len(sets)), sets.shape[1])
    pairs = pl.DataFrame({"account": account, "element": sets.ravel()})
    names = pl.all().cast(pl.String).str.zfill(7)  # so that accounts come back in the order of their numbers
    return pairs.sample(fraction=1.0, shuffle=True, seed=1).with_columns(names)


def ways(sets: NDArray[np.int64], pairs: pl.DataFrame, hashes: int) -> dict[str, Callable[[int], Any]]:
    """What each of them does with the first so many accounts."""
    from concurrent.futures import ThreadPoolExecutor

    import rensa
    from datasketch import MinHash

    from sociolect.find.kernels.minhash import smallest
    from sociolect.find.minhash import family, signatures, workers

    n, m = sets.shape
    hashed = np.random.default_rng(1).integers(0, 2**63, int(sets.max()) + 1, dtype=np.uint64)[sets]
    flat, ends = hashed.ravel(), np.arange(n + 1, dtype=np.uint64) * np.uint64(m)
    starts, bits = ends.astype(np.int64), (flat >> np.uint64(31)).astype(np.uint32)
    ab, some = family(hashes, 0), max(SLOW.values())
    lists, narrow = hashed[:some].tolist(), (hashed[:some] >> np.uint64(31)).tolist()
    table = {n: pairs, (few := min(n, SEEN)): pairs.filter(pl.col("account") < f"{few:07}")}

    def our_sets(k: int) -> NDArray[np.uint32]:
        values, edges = (
            np.empty((k, hashes), dtype=np.uint32),
            np.linspace(0, k, 4 * workers() + 1).astype(int).tolist(),
        )
        with ThreadPoolExecutor(workers()) as pool:
            list(pool.map(lambda low, high: smallest(values, starts, bits, *ab, 0, low, high), edges[:-1], edges[1:]))
        return values

    def rensa_sets(k: int) -> Any:
        return rensa.RMinHash.digest_matrix_from_flat_token_hashes(flat[: k * m], ends[: k + 1], hashes, 1)

    def rensa_pairs(k: int) -> Any:
        grouped = table[k].group_by("account").agg(pl.col("element").hash())
        offsets = np.concatenate([[0], grouped["element"].list.len().cum_sum().to_numpy()]).astype(np.uint64)
        values = grouped["element"].explode().to_numpy()
        return rensa.RMinHash.digest_matrix_from_flat_token_hashes(values, offsets, hashes, 1)

    def rho(k: int) -> Any:
        return rensa.RMinHash.digest_matrix_from_flat_token_hashes_rho(flat[: k * m], ends[: k + 1], hashes, 1)

    def bulk(scheme: str, k: int) -> Any:
        given = lists if scheme == "affine64" else narrow
        return MinHash.bulk(given[:k], num_perm=hashes, hashfunc=_same, scheme=scheme)

    return {
        "pairs: ours": lambda k: signatures(table[k], hashes=hashes).values,
        "pairs: rensa RMinHash": rensa_pairs,
        "sets: ours": our_sets,
        "sets: rensa RMinHash": rensa_sets,
        "sets: rensa Rho": rho,
        "sets: rensa CMinHash": lambda k: rensa.CMinHash.digests64_from_token_hash_sets(lists[:k], hashes, 1),
        **{f"sets: datasketch {name}": partial(bulk, name) for name in ("affine32", "affine64", "legacy")},
    }


def _same(value: int) -> int:
    return value


def numbers(made: Any) -> NDArray[Any]:
    """The signatures as an array (accounts, hashes)."""
    made = made.to_rows() if hasattr(made, "to_rows") else made
    return np.array([row.hashvalues if hasattr(row, "hashvalues") else row for row in made])


def error(values: NDArray[Any], truth: NDArray[np.float64]) -> float:
    """The root of the mean squared error over pairs, in units of theory's."""
    some = len(values) // 2
    found = (values[: 2 * some : 2] == values[1 : 2 * some : 2]).mean(axis=1)
    due = truth[:some] * (1 - truth[:some]) / values.shape[1]
    return float(np.sqrt(((found - truth[:some]) ** 2).mean() / due.mean()))


def measured(accounts: int, neighbours: int, hashes: int, repeats: int) -> list[dict[str, Any]]:
    """A row per way: seconds (median), of all cores, the ratio to ours of the same round, the error."""
    sets, truth = planted(accounts, neighbours)
    every = ways(sets, table(sets), hashes)
    rows: dict[str, dict[str, Any]] = {}
    for name, make in every.items():
        n = min(accounts, SLOW.get(name.removeprefix("sets: "), accounts))
        rows[name] = {"way": name, "of": n, "wall": [], "cpu": []}
        values = numbers(make(min(n, SEEN)))  # which compiles and warms, too
        if name != "pairs: rensa RMinHash":  # whose groups are in no order
            rows[name] |= {"rmse": error(values, truth), "filled": float((values != np.iinfo(np.uint32).max).mean())}
    for _ in range(repeats):
        for name, make in every.items():
            n = rows[name]["of"]
            start, used = perf_counter(), process_time()
            made = make(n)
            rows[name]["wall"].append((perf_counter() - start) * accounts / n)
            rows[name]["cpu"].append((process_time() - used) * accounts / n)
            del made
    for name, row in rows.items():
        ours = rows[name.split(":")[0] + ": ours"]
        for ratio, kind in (("ratio", "wall"), ("cpu_ratio", "cpu")):
            row[ratio] = median(theirs / mine for theirs, mine in zip(row[kind], ours[kind], strict=True))
    return [row | {"wall": median(row["wall"]), "cpu": median(row["cpu"])} for row in rows.values()]


def memory(accounts: int, neighbours: int, hashes: int) -> dict[str, float]:
    """Peak memory beyond the pairs / the bytes of the signatures, each in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pairs.parquet"
        table(planted(accounts, neighbours)[0]).write_parquet(path)
        command = [sys.executable, "-c", MEMORY, str(path), str(hashes)]
        return {
            how: float(subprocess.run([*command, how], check=True, capture_output=True, text=True).stdout)
            for how in ("frame", "file")
        }


def asked() -> dict[str, float]:
    """Milliseconds for the candidates of 30 seeds among 20,000 accounts in 500 bands, and the seconds of the index."""
    from sociolect.find.lsh import index
    from sociolect.find.minhash import signatures

    rng = np.random.default_rng(2)
    popularity = np.arange(1, 20_001) ** -0.6  # as in the planted graph of the paper's system
    who = rng.choice(20_000, 4_000_000, p=popularity / popularity.sum())
    pairs = pl.DataFrame({"account": who, "element": rng.integers(0, 100_000, 4_000_000)})
    signed = signatures(pairs)
    index(signed)
    start = perf_counter()
    made = index(signed)
    built = perf_counter() - start
    took, found = [], []
    for _ in range(200):
        seeds = rng.choice(made.signatures.accounts.len(), 30, replace=False)
        start = perf_counter()
        found.append(made.candidates(seeds).size)
        took.append(1000 * (perf_counter() - start))
    middle, high = np.percentile(took, [50, 95]).tolist()
    return {"index_s": built, "ms_p50": middle, "ms_p95": high, "candidates": median(found)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--neighbours", type=int, default=100)
    parser.add_argument("--hashes", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    peak = memory(given.accounts, given.neighbours, given.hashes)
    query = asked()
    rows = measured(given.accounts, given.neighbours, given.hashes, given.repeats)
    if given.json:
        print(json.dumps({"memory": peak, "query": query, "rows": rows}))
        return
    print(
        f"{given.accounts:,} accounts x {given.neighbours} neighbours x {given.hashes} hashes, {given.repeats} rounds"
    )
    print(f"{'way':<28}{'of':>8}{'seconds':>9}{'x ours':>8}{'cores s':>9}{'x ours':>8}{'rmse':>7}{'filled':>8}")
    for row in rows:
        more = f"{row['rmse']:>7.2f}{row['filled']:>8.0%}" if "rmse" in row else ""
        took = f"{row['wall']:>9.2f}{row['ratio']:>8.1f}{row['cpu']:>9.2f}{row['cpu_ratio']:>8.1f}"
        print(f"{row['way']:<28}{row['of']:>8,}{took}{more}")
    print(f"peak memory / signatures: {peak['frame']:.2f} from a frame, {peak['file']:.2f} from parquet; due 1.20")
    print(
        f"30 seeds of 20,000 accounts x 500 bands: p50 {query['ms_p50']:.1f} ms, p95 {query['ms_p95']:.1f} ms, "
        f"{query['candidates']:,.0f} candidates; built in {query['index_s']:.1f} s; due under 10 ms"
    )


if __name__ == "__main__":
    main()
