"""Endorsement graphs: votes that one node is better than another become counts, kept edges and ties.

A node is a value, an opinion or a rule. A vote is one voter's answer to "is the step from source to target a step up?": yes,
no or unsure. The two directions of a pair are two questions, and a yes to one speaks against the other.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sociolect import frames
from sociolect.errors import InputError
from sociolect.frames import Ties

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Floats = NDArray[np.float64]
ANSWERS = ("yes", "no", "unsure")
COLUMNS = ("voter", "source", "target", "choice")


class Ballots(NamedTuple):
    """Who answered what, each voter once per ordered pair and answer: (3 n n, voters), and the names of both sides."""

    nodes: tuple[str, ...]
    voters: tuple[str, ...]
    cells: "csr_matrix"
    votes: int  # rows that were given
    repeats: int  # rows that said again what the same voter had said: they count once
    left_out: dict[str, int]  # rows without a countable answer, by reason


class Counts(NamedTuple):
    """Per ordered pair, (..., n, n) from the row to the column: voters by answer, and `shown`, all answers on either direction.

    What speaks against a pair, `less`, is the yes to its reverse.
    """

    yes: Floats
    no: Floats
    unsure: Floats

    @property
    def less(self) -> Floats:
        return np.swapaxes(self.yes, -1, -2)

    @property
    def shown(self) -> Floats:
        one = self.yes + self.no + self.unsure
        return one + np.swapaxes(one, -1, -2)


def ballots(votes: pl.DataFrame, nodes: Sequence[str] | None = None) -> Ballots:
    """The votes (voter, source, target, choice) as counted per voter; `nodes` are those seen, sorted, unless given.

    A voter who gives one answer to a pair several times, in several contexts or runs, counts once. Votes with a null choice, and
    from a node to itself, are left out and counted. Raises InputError where a column is missing, a choice is not yes, no or unsure,
    or a node is none of the given.
    """
    if missing := [c for c in COLUMNS if c not in votes.columns]:
        raise InputError(
            f"these are no votes: column {', '.join(map(repr, missing))} is missing; due are {', '.join(COLUMNS)}"
        )
    told = votes.select(COLUMNS)
    empty = told.filter(pl.any_horizontal(pl.all().is_null()))
    same = told.drop_nulls().filter(pl.col("source") == pl.col("target"))
    good = told.drop_nulls().filter(pl.col("source") != pl.col("target"))
    odd = sorted(set(good["choice"].unique()) - set(ANSWERS))
    seen = sorted({*good["source"], *good["target"]})
    names = tuple(seen if nodes is None else nodes)
    strange = sorted(set(seen) - set(names))
    faults = [f"choice {one!r} is none of {', '.join(ANSWERS)}" for one in odd[:1]]
    faults += [f"{len(strange)} nodes are not among those given, as {one!r}" for one in strange[:1]]
    faults += ["a node is named twice"] * (len(set(names)) < len(names))
    if faults:
        raise InputError("these votes cannot be counted: " + "; ".join(faults))
    from scipy.sparse import csr_matrix

    once = good.unique().sort(COLUMNS)
    voters = tuple(once["voter"].unique().sort())
    n = len(names)
    answer, one, other, column = (
        once[c].replace_strict(list(known), list(range(len(known))), return_dtype=pl.Int64).to_numpy()
        for c, known in (("choice", ANSWERS), ("source", names), ("target", names), ("voter", voters))
    )
    cell = (answer * n + one) * n + other
    cells = csr_matrix((np.ones(cell.size), (cell, column)), shape=(3 * n * n, len(voters)))
    left = {"no answer": empty.height, "from a node to itself": same.height}
    return Ballots(names, voters, cells, votes.height, good.height - once.height, left)


def counted(ballots: Ballots, weights: Floats | None = None) -> Counts:
    """The counts of all voters, (n, n); of voters weighed by each row of `weights` (draws, voters), (draws, n, n).

    Weights of whole numbers give whole counts: exact, whatever the order of the votes.

    >>> told = pl.DataFrame({"voter": ["x", "y", "y"], "source": "a", "target": "b", "choice": ["yes", "yes", "yes"]})
    >>> counted(ballots(told)).yes.tolist(), counted(ballots(told), np.array([[0.0, 3.0]])).yes[0, 0, 1].item()
    ([[0.0, 2.0], [0.0, 0.0]], 3.0)
    """
    n = len(ballots.nodes)
    w = np.ones((1, len(ballots.voters))) if weights is None else np.asarray(weights, dtype=float)
    found = np.asarray((ballots.cells @ w.T).T).reshape(len(w), 3, n, n)
    one = found[0] if weights is None else np.moveaxis(found, 1, 0)
    return Counts(one[0], one[1], one[2])


def likelihood(counts: Counts) -> Floats:
    """How clearly each pair is a step up, -1 to 1: (yes - less) / (yes + no + unsure + less); nan where nobody was asked.

    >>> one = np.array([[0.0, 2.0], [1.0, 0.0]])
    >>> float(likelihood(Counts(one, 0 * one, 0 * one))[0, 1].round(3))
    0.333
    """
    total = counts.yes + counts.no + counts.unsure + counts.less
    return np.asarray(np.divide(counts.yes - counts.less, total, out=np.full(total.shape, np.nan), where=total > 0))


def entropy(counts: Counts) -> Floats:
    """Bits of the five shares of (yes, no, unsure, less, shown), as the released code has it; nan where nobody was asked.

    The times a pair was shown are one of the five, so a unanimous pair has 1 bit, not 0, and showing the reverse moves it.

    >>> ten = np.array([[0.0, 10.0], [0.0, 0.0]])
    >>> entropy(Counts(ten, 0 * ten, 0 * ten))[0, 1].item()
    1.0
    """
    parts = np.stack([counts.yes, counts.no, counts.unsure, counts.less, counts.shown])
    total = parts.sum(0)
    share = np.divide(parts, total, out=np.zeros_like(parts), where=total > 0)
    bits = -(share * np.log2(share, out=np.zeros_like(share), where=share > 0)).sum(0)
    return np.asarray(np.where(total > 0, bits, np.nan))


def kept(
    counts: Counts,
    *,
    least: float = 2,  # [code]
    weight: float = 0.33,  # [code]
    bits: float = 1.69,  # [code]
) -> Floats:
    """The weights (..., n, n) of the edges that stay, 0 elsewhere: yes >= `least`, likelihood >= `weight`, entropy <= `bits`.

    No pair stays in both directions: a likelihood above 0 one way is below 0 the other way.

    >>> three = np.array([[0.0, 3.0], [0.0, 0.0]])
    >>> kept(Counts(three, 0 * three, 0 * three)).tolist()
    [[0.0, 1.0], [0.0, 0.0]]
    """
    w, h = likelihood(counts), entropy(counts)
    with np.errstate(invalid="ignore"):
        stays = (counts.yes >= least) & (w >= weight) & (h <= bits)
    return np.where(stays, w, 0.0)


def pairs(ballots: Ballots, *, least: float = 2, weight: float = 0.33, bits: float = 1.69) -> pl.DataFrame:
    """One row per ordered pair that anybody was asked about, in either direction: all counts, and whether the edge stays.

    Columns: source, target, yes, no, unsure, less, shown, weight, entropy, both (asked in both directions), kept.

    >>> told = pl.DataFrame({"voter": ["x", "y"], "source": "a", "target": "b", "choice": "yes"})
    >>> pairs(ballots(told)).select("source", "target", "yes", "less", "shown", "weight", "kept").rows()
    [('a', 'b', 2, 0, 2, 1.0, True), ('b', 'a', 0, 2, 2, -1.0, False)]
    """
    found = counted(ballots)
    stays = kept(found, least=least, weight=weight, bits=bits)
    a, b = np.nonzero(found.shown)
    asked = found.yes + found.no + found.unsure
    names = np.array(ballots.nodes, dtype=object)
    numbers = {c: getattr(found, c)[a, b].astype(np.int64) for c in ("yes", "no", "unsure", "less", "shown")}
    return pl.DataFrame(
        {"source": pl.Series(names[a], dtype=pl.String), "target": pl.Series(names[b], dtype=pl.String), **numbers,
         "weight": likelihood(found)[a, b], "entropy": entropy(found)[a, b],
         "both": (asked[a, b] > 0) & (asked[b, a] > 0), "kept": stays[a, b] > 0}
    )  # fmt: skip


def ties(pairs: pl.DataFrame, *, kind: str = "endorsed") -> Ties:
    """The kept edges of `pairs` as ties: source, target, kind, weight, and how many voters said yes.

    >>> told = pl.DataFrame({"voter": ["x", "y"], "source": "a", "target": "b", "choice": "yes"})
    >>> ties(pairs(ballots(told)), kind="wiser").rows()
    [('a', 'b', 'wiser', 1.0, 2)]
    """
    stays = pairs.filter("kept").sort("source", "target")
    return frames.ties(stays.select("source", "target", pl.lit(kind).alias("kind"), "weight", "yes"))
