"""What the graph's order is held against: the planted order, plainer orders, other groups' graphs, and a brigade."""

from collections.abc import Sequence
from math import fsum

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sociolect import frames
from sociolect.compare.interval import interval
from sociolect.compare.preference import wilson
from sociolect.compare.rank_intervals import ranks
from sociolect.compare.ranking import kendall
from sociolect.find.endorsement import Counts, ballots, counted, kept
from sociolect.frames import Effects
from sociolect.seeds import derive, substream
from sociolect.systems.networks.moral_graph.find import wisdom
from sociolect.systems.networks.moral_graph.planted import VALUES, VOTERS, Design, replicated

Floats = NDArray[np.float64]
DESIGNS = {
    "pairs at most 3 apart, 8 votes": Design(3, 8),
    "pairs at most 3 apart, 16 votes": Design(3, 16),
    "all pairs, 8 votes": Design(None, 8),
}
SHAPE = {
    "measure": pl.String,
    "contrast": pl.String,
    "estimate": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "n": pl.Int64,
}


def net_wins(counts: Counts) -> Floats:
    """Wiser less not wiser votes on the steps to a node, less those on the steps from it, (..., n): the plainest order of all.

    >>> one, none = np.array([[0.0, 2.0], [0.0, 0.0]]), np.zeros((2, 2))
    >>> net_wins(Counts(one, none, none)).tolist()
    [-2.0, 2.0]
    """
    won = counts.yes - counts.no
    return np.asarray(won.sum(-2) - won.sum(-1), dtype=float)


def abilities(counts: Counts, *, turns: int = 300) -> Floats:
    """Bradley-Terry's log-abilities (..., n) of many worlds at once, centred, by Hunter's (2004) minorisation; half a win a side is added to
    each pair that met.

    A wiser vote is a win of the target over the source, a not wiser vote one of the source. The half keeps who always wins
    finite, which `compare.bradley_terry` refuses. Who met nobody is nan; parts of a graph that never met share one zero.

    >>> three = np.array([[0.0, 3.0], [0.0, 0.0]])
    >>> abilities(Counts(three, three.T, 0 * three)).round(3).tolist()  # six and a half wins to a half
    [-1.282, 1.282]
    """
    won = np.swapaxes(counts.yes, -1, -2) + counts.no
    met = (won + np.swapaxes(won, -1, -2)) > 0
    won = won + 0.5 * met
    games, wins = won + np.swapaxes(won, -1, -2), won.sum(-1)
    alone = wins == 0
    p = np.ones(wins.shape)
    for _ in range(turns):
        p = np.where(alone, 1.0, wins / np.where(alone, 1.0, (games / (p[..., :, None] + p[..., None, :])).sum(-1)))
        p = p / np.exp(np.log(p).sum(-1, keepdims=True) / np.maximum((~alone).sum(-1, keepdims=True), 1))
        p = np.where(alone, 1.0, p)
    return np.asarray(np.where(alone, np.nan, np.log(p)), dtype=float)


def recovery(*, seeds: int = 20, firsts: int = 100, null: bool = False, seed: int = 0) -> Effects:
    """How well the planted order comes back, per design: mean Kendall tau of PageRank, net wins and Bradley-Terry, the worst seed, the share with the top first.

    The means have Student's t over seeds, the share Wilson's interval over `firsts` seeds; the worst seed has none.
    """
    rows: list[tuple[str, str, float | None, float | None, float | None, int]] = []
    for name, design in DESIGNS.items():
        counts = replicated(firsts, design, null=null, seed=derive(seed, name))
        truth = list(range(VALUES))
        score = wisdom(counts)
        for what, found in (("PageRank", score), ("net wins", net_wins(counts)), ("Bradley-Terry", abilities(counts))):
            tau = [kendall(row, truth) or 0.0 for row in found[:seeds].tolist()]  # all tied: no order, so no agreement
            mean, *ends = _mean(tau)
            low, high = (None if end is None else float(np.clip(end, -1, 1)) for end in ends)
            rows.append((f"Kendall's tau, {what}", name, mean, low, high, seeds))
            rows.append((f"worst seed, {what}", name, min(tau), None, None, seeds))
        top = ranks(score)[:, -1] == 1
        rows.append(("planted top first", name, float(top.mean()), *wilson(int(top.sum()), firsts), firsts))
    order = list(dict.fromkeys(row[0] for row in rows))
    rows.sort(key=lambda row: order.index(row[0]))  # one measure's designs stand together
    return frames.effects(pl.DataFrame(rows, schema=SHAPE, orient="row"))


def brigading(*, shares: Sequence[float] = (0.1, 0.2), seeds: int = 20, seed: int = 0) -> Effects:
    """Places that a value rises when a share of the voters pushes it: the mean over seeds and values, and the largest single rise.

    Each value is pushed in turn, in the same worlds with the same random numbers. The interval of the mean is over seeds.
    """
    rows: list[tuple[str, str, float | None, float | None, float | None, int]] = []
    design, inner = DESIGNS["pairs at most 3 apart, 8 votes"], derive(seed, "brigading")
    before = ranks(wisdom(replicated(seeds, design, seed=inner)))
    for share in shares:
        rise = np.stack([
            before[:, k] - ranks(wisdom(replicated(seeds, design, brigade=share, pushed=k, seed=inner)))[:, k]
            for k in range(VALUES)
        ], axis=1)  # fmt: skip
        name = f"{share:.0%} of {VOTERS} voters"
        rows.append(("mean rise, places", name, *_mean(rise.mean(1).tolist()), seeds))
        rows.append(("largest single rise, places", name, float(rise.max()), None, None, rise.size))
    return frames.effects(pl.DataFrame(rows, schema=SHAPE, orient="row"))


def groups(votes: pl.DataFrame, nodes: Sequence[str], *, draws: int = 400, seed: int = 0) -> Effects:
    """For each pair of groups, how alike the graphs of their own votes are: `edge overlap` (Jaccard) and `Kendall's tau` of the orders.

    Intervals: voters drawn with replacement within each group. `floor` and `ceiling` are the 2.5 and 97.5 hundredths of the same number between halves of
    the same sizes drawn from both groups together: what to expect where the groups do not differ. `p` is the share of such halves that agree
    as little. All null where more than 1% of the halves have no such number, as where no edge is kept. Groups of fewer than ten voters are left out and counted in `left_out`. n counts voters.
    """
    cast = ballots(votes, nodes)
    home = dict(
        votes.sort("voter", "group")
        .unique("voter", keep="first", maintain_order=True)
        .select("voter", "group")
        .iter_rows()
    )
    group = np.array([home[v] for v in cast.voters], dtype=object)
    sizes = {g: int((group == g).sum()) for g in sorted(set(group.tolist()))}
    names = [g for g, n in sizes.items() if n >= 10]
    left = sum(n for n in sizes.values() if n < 10)
    rows: list[dict[str, object]] = []
    for i, one in enumerate(names):
        for other in names[i + 1 :]:
            rng = substream(seed, "moral_graph", "groups", one, other)
            sides = [np.flatnonzero(group == g) for g in (one, other)]
            found = _alike(cast, [np.eye(len(group))[side].sum(0)[None] for side in sides])
            samples = _alike(cast, [_resampled(side, len(group), draws, rng) for side in sides])
            null = _alike(cast, _shuffled(sides, len(group), draws, rng))
            n = sides[0].size + sides[1].size
            for k, measure in enumerate(("edge overlap", "Kendall's tau")):
                at, halves = float(found[0, k]), null[:, k][~np.isnan(null[:, k])]
                ends = interval(found[0, k : k + 1], samples[:, k : k + 1], n=n, clusters=n)
                known = halves.size >= 0.99 * draws and not np.isnan(at)
                rows.append({
                    "measure": measure, "contrast": f"{one}, {other}", "estimate": at, "low": float(np.minimum(ends.low[0], at)),
                    "high": float(np.maximum(ends.high[0], at)), "n": n, "floor": float(np.quantile(halves, 0.025)) if known else None,
                    "ceiling": float(np.quantile(halves, 0.975)) if known else None,
                    "p": (1 + int((halves <= at).sum())) / (1 + halves.size) if known else None, "left_out": left,
                })  # fmt: skip
    schema = {**SHAPE, "floor": pl.Float64, "ceiling": pl.Float64, "p": pl.Float64, "left_out": pl.Int64}
    return frames.effects(pl.DataFrame(rows, schema=schema).with_columns(pl.col(pl.Float64).fill_nan(None)))


def _alike(cast: object, sides: Sequence[Floats]) -> Floats:
    """Edge overlap and Kendall's tau, (m, 2), between the graphs of two sets of voter weights (m, voters); nan where there is none."""
    one, other = (counted(cast, w) for w in sides)  # type: ignore[arg-type]  # it is the Ballots of the caller
    a, b = kept(one) > 0, kept(other) > 0
    both, either = (a & b).sum((1, 2)), (a | b).sum((1, 2))
    overlap = np.divide(both, either, out=np.full(len(both), np.nan), where=either > 0)
    tau = [kendall(x, y) for x, y in zip(wisdom(one).tolist(), wisdom(other).tolist(), strict=True)]
    return np.stack([overlap, np.array([np.nan if t is None else t for t in tau])], axis=1)


def _resampled(side: NDArray[np.int64], voters: int, draws: int, rng: np.random.Generator) -> Floats:
    out = np.zeros((draws, voters))
    picked = side[(rng.random((draws, side.size)) * side.size).astype(np.int64)]
    np.add.at(out, (np.arange(draws)[:, None], picked), 1.0)
    return out


def _shuffled(sides: Sequence[NDArray[np.int64]], voters: int, draws: int, rng: np.random.Generator) -> list[Floats]:
    """Both groups' voters parted anew at random, in the same sizes."""
    everyone = np.concatenate(sides)
    first = np.zeros((draws, voters))
    order = np.argsort(rng.random((draws, everyone.size)), axis=1)
    first[np.arange(draws)[:, None], everyone[order[:, : sides[0].size]]] = 1.0
    whole = np.zeros(voters)
    whole[everyone] = 1.0
    return [first, whole - first]


def _mean(values: Sequence[float]) -> tuple[float, float | None, float | None]:
    """The mean with Student's t interval; no ends where the values are all alike."""
    from scipy.special import stdtrit

    n, mean = len(values), fsum(values) / len(values)
    if n < 2 or max(values) == min(values):
        return mean, None, None
    error = (fsum((v - mean) ** 2 for v in values) / (n - 1) / n) ** 0.5
    reach = float(stdtrit(n - 1, 0.975)) * error
    return mean, mean - reach, mean + reach
