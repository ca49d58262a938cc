"""The recipe's one dial: how large the planted graph is, and how often it is asked."""

from typing import Any, NamedTuple

from sociolect.errors import UsageError

INTERVAL = 10  # [code] recall is read after every 10 additions
RANKERS = ("average", "agglomerative", "pagerank")


class Dial(NamedTuple):
    """What `size` turns: the planted graph, the restarts of each community, and the pairs that estimates are held against."""

    plant: dict[str, Any]
    restarts: int
    pairs: int
    queries: int  # timed, per ranker


_SMALL = {"people": 20_000, "fans": 500_000, "communities": 40, "size": 100, "follows": 8.0}
SIZES = {
    "tiny": Dial({"people": 2_000, "fans": 8_000, "communities": 10, "size": 100}, restarts=2, pairs=1_000, queries=10),
    "small": Dial(_SMALL, restarts=5, pairs=5_000, queries=40),
    "full": Dial({}, restarts=5, pairs=5_000, queries=20),  # [code] five restarts; the graph is one's own
}


class Knobs(NamedTuple):
    """The index that is asked, and a coarser one beside it: signature length K and bands b, with the same K / b."""

    hashes: int
    bands: int

    @property
    def name(self) -> str:
        return f"K = {self.hashes:,}, b = {self.bands:,}"


def knobs(hashes: int, bands: int) -> tuple[Knobs, Knobs]:
    """The index of the keywords, and one a fifth as large.

    Raises UsageError where the bands do not part the hashes evenly.

    >>> [k.name for k in knobs(1000, 500)]
    ['K = 1,000, b = 500', 'K = 200, b = 100']
    """
    if bands < 5 or hashes < bands or hashes % bands:
        raise UsageError(f"--hashes {hashes} --bands {bands}: due are 5 bands or more that part the hashes evenly")
    fewer = bands // 5
    return Knobs(hashes, bands), Knobs(fewer * (hashes // bands), fewer)
