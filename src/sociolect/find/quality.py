"""How good communities are against the ties, and how alike two ways of forming them are."""

from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sociolect import frames
from sociolect.errors import RefusedError
from sociolect.find.graph import Graph, graph
from sociolect.frames import Effects, Members, Ties

_CELLS = 10_000_000  # of the table of two partitions: up to so many they are counted, beyond that sorted


class Agreement(NamedTuple):
    """How alike two partitions are: the value, the people it rests on, and the people who are in one of them only."""

    value: float
    n: int
    left_out: int


def quality(ties: Ties | Graph, members: Members, *, resolution: float = 1.0) -> Effects:
    """Modularity and coverage of all communities, and size and conductance of each, as effects without intervals.

    Undirected, weighted, kinds summed, self ties apart. Only ties between two members count: `left_out` is how many
    tied pairs did not. `n` is the people in the network, or in the community (members without a tie included).
    - modularity: sum over c of L_c / m - resolution (d_c / 2m)^2, for weight L_c inside, summed degrees d_c, and all
      weight m (Newman 2006, doi 10.1073/pnas.0601602103; resolution: Reichardt and Bornholdt 2006).
    - coverage: the share of the weight inside communities.
    - conductance: the weight that leaves a community / the smaller of its own degrees and the others'; 0 is apart, 1 is
      no community; null where either side has no ties (Yang and Leskovec 2015, doi 10.1007/s10115-013-0693-z).
    Raises RefusedError for people in two communities, and where no tie joins two members.

    >>> pairs = ["ab", "bc", "ca", "cd", "de", "ef", "fd"]
    >>> rows = [{"source": s, "target": t, "kind": "reply", "weight": 1.0} for s, t in pairs]
    >>> who = pl.DataFrame({"person": list("abcdef"), "community": list("xxxyyy")})
    >>> found = quality(frames.ties(pl.DataFrame(rows)), frames.members(who))
    >>> [(m, round(v, 4)) for m, v in found.select("measure", "estimate").rows()][:3]
    [('modularity', 0.3571), ('coverage', 0.8571), ('size', 3.0)]
    """
    names = one_each(members)["community"].unique().sort()
    net, labels, left_out = _inside(ties, members, names)
    inside, degree = _weights(net, labels, names.len())
    total = float(net.weight.sum())
    size = members["community"].value_counts().sort("community")["count"].to_list()
    cut = np.maximum(degree - 2 * inside, 0.0)
    smaller = np.minimum(degree, 2 * total - degree)
    rows: list[tuple[str, str, float | None, int]] = [
        ("modularity", "all", _modularity(inside, degree, total, resolution), net.persons.len()),
        ("coverage", "all", float(inside.sum()) / total, net.persons.len()),
    ]
    for c, name in enumerate(names):
        # the rest may keep a crumb of rounding where the community holds every tie
        some = smaller[c] > 1e-9 * total
        rows += [
            ("size", name, float(size[c]), size[c]),
            ("conductance", name, float(cut[c] / smaller[c]) if some else None, size[c]),
        ]
    shape = {"measure": pl.String, "contrast": pl.String, "estimate": pl.Float64, "n": pl.Int64}
    frame = pl.DataFrame(rows, schema=shape, orient="row").with_columns(
        low=pl.lit(None, pl.Float64), high=pl.lit(None, pl.Float64), left_out=pl.lit(left_out, pl.Int64)
    )
    return frames.effects(frame.select(*frames.SHAPES["effects"].columns, "left_out"))


def modularity(ties: Ties | Graph, members: Members, *, resolution: float = 1.0) -> float:
    """The modularity alone, as `quality` has it.

    >>> t = pl.DataFrame({"source": ["a", "c"], "target": ["b", "d"], "kind": "reply", "weight": 1.0})
    >>> m = pl.DataFrame({"person": list("abcd"), "community": list("xxyy")})
    >>> modularity(frames.ties(t), frames.members(m))
    0.5
    """
    names = one_each(members)["community"].unique().sort()
    net, labels, _ = _inside(ties, members, names)
    return _modularity(*_weights(net, labels, names.len()), float(net.weight.sum()), resolution)


def one_each(members: Members) -> Members:
    """The members, where everybody is in one community; RefusedError where somebody is in two."""
    if twice := members.height - members["person"].n_unique():
        raise RefusedError(
            f"{twice} rows put a person into a further community, and this number needs one community per person; "
            "keep each person's heaviest row"
        )
    return members


def adjusted_rand(a: Members, b: Members) -> Agreement:
    """How alike two partitions are, pair by pair of people: 1 is the same, about 0 is chance; Hubert and Arabie 1985.

    Joined by person; names of communities do not matter. Raises RefusedError where nobody is in both.

    >>> a = pl.DataFrame({"person": list("abcd"), "community": list("xxyy")})
    >>> b = pl.DataFrame({"person": list("abce"), "community": list("uuvv")})
    >>> adjusted_rand(frames.members(a), frames.members(b))
    Agreement(value=1.0, n=3, left_out=2)
    """
    x, y, left_out = _joined(a, b)
    return Agreement(rand(x, y), x.size, left_out)


def normalised_mutual_information(a: Members, b: Members) -> Agreement:
    """What two partitions say of each other, over the mean of their entropies: 1 is the same, 0 is nothing.

    It is not corrected for chance: many small communities raise it. Raises RefusedError where nobody is in both.
    Source: Danon et al. 2005, doi 10.1088/1742-5468/2005/09/P09008.

    >>> a = frames.members(pl.DataFrame({"person": list("abcd"), "community": list("xxyy")}))
    >>> b = frames.members(pl.DataFrame({"person": list("abcd"), "community": list("uvuv")}))
    >>> normalised_mutual_information(a, b).value
    0.0
    """
    x, y, left_out = _joined(a, b)
    shared, of_x, of_y = _information(x, y)
    return Agreement(2 * shared / (of_x + of_y) if of_x + of_y else 1.0, x.size, left_out)


def homogeneity(found: Members, truth: Members) -> Agreement:
    """How far each found community holds one true class only: 1 where the found lie nested in the true ones.

    Source: Rosenberg and Hirschberg 2007 (V-measure). Raises RefusedError where nobody is in both.

    >>> found = frames.members(pl.DataFrame({"person": list("abcd"), "community": list("xyzz")}))
    >>> truth = frames.members(pl.DataFrame({"person": list("abcd"), "community": list("uuvv")}))
    >>> homogeneity(found, truth).value, round(completeness(found, truth).value, 4)
    (1.0, 0.6667)
    """
    x, y, left_out = _joined(found, truth)
    shared, _, of_truth = _information(x, y)
    return Agreement(shared / of_truth if of_truth else 1.0, x.size, left_out)


def completeness(found: Members, truth: Members) -> Agreement:
    """How far each true class lies in one found community: 1 where the true ones lie nested in the found.

    Source: Rosenberg and Hirschberg 2007 (V-measure). Raises RefusedError where nobody is in both.

    >>> found = frames.members(pl.DataFrame({"person": list("abcd"), "community": list("zzzz")}))
    >>> truth = frames.members(pl.DataFrame({"person": list("abcd"), "community": list("uuvv")}))
    >>> completeness(found, truth).value, homogeneity(found, truth).value
    (1.0, 0.0)
    """
    x, y, left_out = _joined(found, truth)
    shared, of_found, _ = _information(x, y)
    return Agreement(shared / of_found if of_found else 1.0, x.size, left_out)


def rand(x: NDArray[np.int64], y: NDArray[np.int64]) -> float:
    """The adjusted Rand index of two arrays of community numbers, over those who are in a community (0 or above) in both.

    >>> rand(np.array([0, 0, 1, 1, -1]), np.array([0, 0, 1, 2, 2])) == 4 / 7
    True
    """
    both_in = (x >= 0) & (y >= 0)
    x, y = x[both_in], y[both_in]
    cells, rows, columns = _table(x, y)
    n = int(x.size)
    # Python's integers: the products pass 2**63 from some 60,000 people on
    both, in_x, in_y = (sum(v * v for v in counts.tolist()) for counts in (cells, rows, columns))
    together, apart = both - n, n * n - in_x - in_y + both
    only_x, only_y = in_x - both, in_y - both
    if not only_x and not only_y:
        return 1.0
    due = (together + only_x) * (only_x + apart) + (together + only_y) * (only_y + apart)
    return float(2 * (together * apart - only_x * only_y) / due)


def _table(
    x: NDArray[np.int64], y: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    width = int(y.max()) + 1 if y.size else 0
    if (int(x.max()) + 1 if x.size else 0) * width <= _CELLS:
        cells = np.bincount(x * width + y)
        cells = cells[cells > 0]
    else:
        cells = np.unique(x * width + y, return_counts=True)[1]
    return cells, np.bincount(x), np.bincount(y)


def _information(x: NDArray[np.int64], y: NDArray[np.int64]) -> tuple[float, float, float]:
    """Shared information and the two entropies, in nats; what rounding leaves near 0 or near an entropy is that."""

    def entropy(counts: NDArray[np.int64]) -> float:
        share = np.sort(counts[counts > 0]) / x.size
        return float(-(share * np.log(share)).sum()) if share.size > 1 else 0.0

    cells, of_x, of_y = (entropy(counts) for counts in _table(x, y))
    shared = of_x + of_y - cells
    for bound in (0.0, of_x, of_y):
        if abs(shared - bound) < 1e-12:
            shared = bound
    return shared, of_x, of_y


def _joined(a: Members, b: Members) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    both = one_each(a).select("person", x="community").join(one_each(b).select("person", y="community"), on="person")
    if not both.height:
        raise RefusedError(
            f"two partitions of {a.height} and {b.height} people share nobody; were ids renamed between?"
        )
    x, y = ((both[side].rank("dense") - 1).to_numpy().astype(np.int64) for side in ("x", "y"))
    return x, y, a.height + b.height - 2 * both.height


def _inside(ties: Ties | Graph, members: Members, names: pl.Series) -> tuple[Graph, NDArray[np.int64], int]:
    """The network between members, the community number of each of its people, and how many tied pairs stay out."""
    whole = ties if isinstance(ties, Graph) else graph(ties)
    labels = numbered(members, whole.persons, names)
    keep = (labels[whole.a] >= 0) & (labels[whole.b] >= 0)
    if not keep.any():
        raise RefusedError(f"none of {whole.a.size} tied pairs are two members; are ties and members of one society?")
    here = np.unique(np.concatenate([whole.a[keep], whole.b[keep]]))
    place = np.full(whole.persons.len(), -1, dtype=np.int64)
    place[here] = np.arange(here.size)
    net = Graph(whole.persons.gather(here), place[whole.a[keep]], place[whole.b[keep]], whole.weight[keep])
    return net, labels[here], int((~keep).sum())


def numbered(members: Members, persons: pl.Series, names: pl.Series) -> NDArray[np.int64]:
    """The community number of each person, -1 for those who are no members.

    >>> who = frames.members(pl.DataFrame({"person": ["b"], "community": ["x"]}))
    >>> numbered(who, pl.Series(["a", "b"]), pl.Series(["w", "x"])).tolist()
    [-1, 1]
    """
    where = members.select("person", number=pl.col("community").cast(pl.Enum(names)).to_physical().cast(pl.Int64))
    joined = persons.alias("person").to_frame().join(where, on="person", how="left", maintain_order="left")
    return joined["number"].fill_null(-1).to_numpy().astype(np.int64)


def _weights(net: Graph, labels: NDArray[np.int64], k: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The weight inside each community, and the summed degrees of its people."""
    x, y = labels[net.a], labels[net.b]
    inside = np.bincount(x[x == y], net.weight[x == y], minlength=k)
    degree = np.bincount(x, net.weight, minlength=k) + np.bincount(y, net.weight, minlength=k)
    return inside.astype(np.float64), degree.astype(np.float64)


def _modularity(inside: NDArray[np.float64], degree: NDArray[np.float64], total: float, resolution: float) -> float:
    return float((inside / total - resolution * (degree / (2 * total)) ** 2).sum())
