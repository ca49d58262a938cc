"""What ratings and means are worth: the six indices of the values survey module, comparative, absolute and case-study scores."""

from collections.abc import Mapping

import polars as pl

from sociolect.errors import InputError

# dossier, C.1 (VSM-2013): index = a (m_i - m_j) + b (m_k - m_l), the constant 0
INDICES: dict[str, tuple[tuple[int, int, int], tuple[int, int, int]]] = {
    "PDI": ((35, 7, 2), (25, 20, 23)), "IDV": ((35, 4, 1), (35, 9, 6)), "MAS": ((35, 5, 3), (35, 8, 10)),
    "UAI": ((40, 18, 15), (25, 21, 24)), "LTO": ((40, 13, 14), (25, 19, 22)), "IVR": ((35, 12, 11), (40, 17, 16)),
}  # fmt: skip


def indices(means: Mapping[int, float | None]) -> dict[str, float | None]:
    """The six indices of mean answers (1 to 5) to the 24 items; null where a mean that it rests on is null.

    >>> found = indices({i: 3.0 for i in range(1, 25)} | {7: 4.0, 1: 2.0})
    >>> found["PDI"], found["IDV"], found["UAI"]
    (35.0, 35.0, 0.0)
    """
    if absent := [i for i in range(1, 25) if i not in means]:
        raise InputError(f"item {', '.join(map(str, absent))} of 24 is missing")
    out: dict[str, float | None] = {}
    for name, parts in INDICES.items():
        values = [means[i] for _, *pair in parts for i in pair]
        known = [v for v in values if v is not None]
        if bad := [v for v in known if not 1 <= v <= 5]:
            raise InputError(f"{name}: a mean of {bad[0]} lies outside 1 to 5")
        (a, _, _), (b, _, _) = parts
        out[name] = a * (known[0] - known[1]) + b * (known[2] - known[3]) if len(known) == 4 else None
    return out


def comparative(rating: int) -> float:
    """A rating of 1 to 5, first letter to second, as -1 to 1: (rating - 3) / 2. [code]"""
    return (_within(rating, 5) - 3) / 2


def absolute(high: int, low: int) -> float:
    """Ratings of 1 to 5 of the letter at the high and at the low pole, as -1 to 1: (high - low) / 4. [code]"""
    return (_within(high, 5) - _within(low, 5)) / 4


def scaled(rating: int, k: int) -> float:
    """A rating of 1 to k as 0 to 1: (rating - 1) / (k - 1). [code]

    >>> scaled(3, 5), scaled(2, 4), comparative(4), absolute(5, 1)
    (0.5, 0.3333333333333333, 0.5, 1.0)
    """
    return (_within(rating, k) - 1) / (k - 1)


def preferred(ratings: pl.DataFrame) -> pl.DataFrame:
    """Two rows per rating of a pair: what it gives to the country named first, and to the second, 0 to 1; null stays null.

    `ratings` has `first`, `second`, `rating` (1: the first, strongly; k: the second, strongly) and `points` (k). The two sum to
    1, so that whoever is indifferent gives each country .500 on any scale, if pairs are asked in both orders.

    >>> preferred(pl.DataFrame({"first": ["a"], "second": ["b"], "rating": [1], "points": [4]})).select("community", "value").rows()
    [('a', 1.0), ('b', 0.0)]
    """
    bad = ratings.filter(pl.col("rating").is_not_null() & ~pl.col("rating").is_between(1, pl.col("points"))).height
    if bad:
        raise InputError(f"{bad} ratings lie outside 1 to the number of points")
    second = (pl.col("rating") - 1) / (pl.col("points") - 1)
    parts = [
        ratings.with_columns(community=pl.col(side), value=value, place=pl.lit(side))
        for side, value in (("first", 1 - second), ("second", second))
    ]
    return pl.concat(parts)


def _within(rating: int, k: int) -> int:
    if not 1 <= rating <= k:
        raise InputError(f"a rating of {rating} lies outside 1 to {k}")
    return rating
