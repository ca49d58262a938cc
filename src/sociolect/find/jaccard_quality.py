"""How good a community is on the estimated Jaccard similarity of its accounts, and of them to all others."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sociolect.errors import InputError, RefusedError
from sociolect.find.expansion import similarity
from sociolect.find.lsh import Index
from sociolect.find.rankers import matches
from sociolect.seeds import substream

Floats = NDArray[np.float64]

_SWEEPS, _BETA, _TURNS = 10, 0.85, 2  # the authors' code, as the dossier has it


class JaccardQuality(NamedTuple):
    """The measures of a community of `n` accounts; null where one has no value (nothing outside, nobody alike inside)."""

    n: int
    internal: float
    external: float
    density: float
    separability: float | None
    conductance: float | None
    cohesiveness: float | None
    conductance_ratio: float | None
    clustering: float | None


def jaccard_quality(index: Index, accounts: Sequence[str], *, seed: int = 0) -> JaccardQuality:
    """The quality of a community in an index, by the estimated similarities of all pairs, the whole index outside.

    With internal weight m (pairs inside, each once), external weight c (pairs of one inside and one outside) and n accounts:
    - density: m / (n (n - 1) / 2), the mean similarity inside.
    - separability: m / c.
    - conductance: c / (2 m + c); 0 is apart from all others, 1 is no community.
    - cohesiveness: the smallest conductance of a part, within the community, that personalised PageRank finds (damping .85,
      two turns) from ten accounts drawn at random, by sweeps over rank per strength; a part's conductance is what leaves it
      / the smaller of its own strength and the rest's. High: it does not fall apart.
    - conductance_ratio: conductance / cohesiveness; below 1, the community is better than its best part.
    - clustering: the mean of (W^3)_ii / (W 1 W)_ii over accounts alike to some other; W has a diagonal of 0, 1 is all ones.
    Every signature is read once, in time that grows with accounts x hashes, whatever the size of the community. The sum over
    the whole index holds many similarities that are near 0 each: a community of an index ten times as large has more outside.
    Raises UsageError for an account that is not in the index, RefusedError for fewer than two accounts.
    Source: Yang and Leskovec 2015, doi 10.1007/s10115-013-0693-z; Chamberlain et al. 2018, doi 10.1371/journal.pone.0188702,
    by their released code. The rank per strength and the smaller side are ours.

    >>> import polars as pl
    >>> from sociolect.find.lsh import index
    >>> from sociolect.find.minhash import signatures
    >>> fans = {"a": "12", "b": "12", "c": "12", "x": "7"}
    >>> pairs = pl.DataFrame([(account, fan) for account, f in fans.items() for fan in f], ["account", "element"], orient="row")
    >>> found = jaccard_quality(index(signatures(pairs)), ["a", "b", "c"])
    >>> found.internal, found.external, found.density, found.conductance, found.separability
    (3.0, 0.0, 1.0, 0.0, None)
    """
    signed = index.signatures
    rows = np.unique(index.rows_of(list(accounts)))
    if rows.size < 2:
        raise RefusedError(f"a community of {rows.size} account has no pair inside: give two accounts or more")
    weights = similarity(index, rows)
    # counts of equal entries are whole numbers: what is outside is exact
    hashes = signed.values.shape[1]
    everywhere = int(matches(signed.values, np.arange(signed.accounts.len()), rows).sum())
    within = round(float(weights.sum()) * hashes)
    return quality_of(weights, external=(everywhere - within) / hashes, seed=seed)


def quality_of(weights: Floats, *, external: float, seed: int = 0) -> JaccardQuality:
    """The same, of a symmetric matrix of similarities inside (n, n) and a sum of those to the outside; the diagonal is left out.

    Raises InputError for a matrix that is not square, symmetric, finite and 0 or above, RefusedError for fewer than two rows.

    >>> quality_of(np.ones((4, 4)), external=6.0).conductance
    0.3333333333333333
    """
    weights = np.array(weights, dtype=np.float64)
    if weights.ndim != 2 or weights.shape[0] != weights.shape[1] or not np.array_equal(weights, weights.T):
        raise InputError(f"similarities of shape {weights.shape}: due is a square, and symmetric")
    if not np.isfinite(weights).all() or (weights < 0).any() or not 0 <= external < np.inf:
        raise InputError("similarities are not finite and 0 or above, or those to the outside are not")
    if (n := weights.shape[0]) < 2:
        raise RefusedError(f"a community of {n} has no pair inside: give two rows or more")
    np.fill_diagonal(weights, 0.0)
    internal = float(weights.sum() / 2)
    conductance = external / (2 * internal + external) if internal + external else None
    cohesiveness = _cohesiveness(weights, seed)
    return JaccardQuality(
        n=n,
        internal=internal,
        external=external,
        density=internal / (n * (n - 1) / 2),
        separability=internal / external if external else None,
        conductance=conductance,
        cohesiveness=cohesiveness,
        conductance_ratio=conductance / cohesiveness if cohesiveness and conductance is not None else None,
        clustering=_clustering(weights),
    )


def _cohesiveness(weights: Floats, seed: int) -> float | None:
    strength = weights.sum(axis=1)
    total = float(strength.sum())
    if not total:
        return None
    n, best = strength.size, 1.0
    step = weights / np.where(strength > 0, strength, 1.0)
    starts = substream(seed, "jaccard_quality").choice(n, size=min(_SWEEPS, n), replace=False)
    for start in starts.tolist():
        rank = np.zeros(n)
        rank[start] = 1.0
        for _ in range(_TURNS):
            rank = _BETA * (step @ rank)
            rank[start] += 1.0 - rank.sum()
        order = np.argsort(-rank / np.where(strength > 0, strength, 1.0), kind="stable")
        # the weight inside the first i, twice, from the rows and columns up to i
        inside = 2 * np.cumsum(np.tril(weights[np.ix_(order, order)]).sum(axis=1))[:-1]
        volume = np.cumsum(strength[order])[:-1]
        smaller = np.minimum(volume, total - volume)
        some = smaller > 1e-12 * total  # nothing is cut off by accounts that are alike to nobody
        if some.any():
            best = min(best, float(((volume - inside)[some] / smaller[some]).min()))
    return max(best, 0.0)


def _clustering(weights: Floats) -> float | None:
    strength = weights.sum(axis=1)
    some = strength > 0
    triangles = ((weights @ weights) * weights).sum(axis=1)
    return float((triangles[some] / strength[some] ** 2).mean()) if some.any() else None
