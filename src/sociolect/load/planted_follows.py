"""Who follows whom, with communities of the followed that are known: the test bed of community search at size."""

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.errors import UsageError
from sociolect.frames import Society
from sociolect.load.planted_words import Floats, Ints
from sociolect.seeds import substream


def planted_follows(
    *,
    people: int = 2000,
    fans: int = 8000,
    communities: int = 10,
    size: int = 100,
    inside: float = 0.8,
    member_share: float = 0.25,
    exponent: float = 0.6,
    follows: float = 10.0,  # ours: with these, Jaccard inside is .016, as the dossier measured
    null: bool = False,
    seed: int = 0,
) -> Society:
    """Fans who follow `people` stars: those of one planted community have more fans in common than popularity gives them.

    A share `member_share` of the fans belongs to a community, in turn; each of their follows goes inside with probability
    `inside`, to any of its `size` stars alike. All other follows go by popularity: the chance of a star is its rank to the
    power of -`exponent`. A fan follows 1 + Poisson(`follows` - 1) stars; who is drawn twice counts once. With `null` all
    follows go by popularity, and the communities are names only. The large graph of the benchmarks, 4.0 million pairs of
    Jaccard .019 inside: people=20,000, fans=500,000, communities=40, follows=8.

    - ties: source (a fan, f...), target (a star, s...), kind `follow`, weight 1; sorted.
    - people: person, planted (a star's community; null for fans and for stars of no community); stars first.

    Raises UsageError for a society that cannot be, all faults at once. The design is ours; the sizes are those of the
    acceptance of Chamberlain et al. 2018, doi 10.1371/journal.pone.0188702, in this project.

    >>> society = planted_follows(people=300, fans=500, communities=2, size=50, seed=1)
    >>> society.people.height, society.people["planted"].drop_nulls().value_counts(sort=True)["count"].to_list()
    (800, [50, 50])
    >>> 9.3 < society.ties.height / 500 < 10
    True
    """
    _check(
        people=people, fans=fans, communities=communities, size=size, inside=inside, member_share=member_share,
        exponent=exponent, follows=follows,
    )  # fmt: skip
    order = substream(seed, "planted_follows", "home").permutation(people)
    stars = order[: communities * size].reshape(communities, size)
    pairs = _pairs(
        stars, people=people, fans=fans, inside=0.0 if null else inside, member_share=member_share, exponent=exponent,
        follows=follows, seed=seed,
    )  # fmt: skip
    star_ids, fan_ids = _ids("s", people), _ids("f", fans)
    ties = pl.DataFrame({"source": fan_ids.gather(pairs // people), "target": star_ids.gather(pairs % people)})
    home = np.full(people, communities, dtype=np.int64)
    home[stars] = np.arange(communities)[:, None]
    planted = pl.concat([_ids("c", communities), pl.Series([None], dtype=pl.String)]).gather(home)
    everybody = pl.DataFrame({"person": pl.concat([star_ids, fan_ids])}).with_columns(
        planted=pl.concat([planted, pl.Series([None] * fans, dtype=pl.String)])
    )
    return Society(
        frames.people(everybody),
        frames.posts(frames.empty("posts")),
        frames.ties(ties.with_columns(kind=pl.lit("follow"), weight=pl.lit(1.0))),
    )


def _pairs(
    stars: Ints,
    *,
    people: int,
    fans: int,
    inside: float,
    member_share: float,
    exponent: float,
    follows: float,
    seed: int,
) -> Ints:
    """Each pair once, as fan x people + star, ascending."""
    rng = substream(seed, "planted_follows", "pairs")
    chance: Floats = np.power(rng.permutation(people) + 1.0, -exponent)
    ends = np.cumsum(chance)
    communities, size = stars.shape
    belong = round(fans * member_share)
    home = np.full(fans, -1, dtype=np.int64)
    home[:belong] = np.arange(belong) % communities
    home = rng.permutation(home)
    fan = np.repeat(np.arange(fans), 1 + rng.poisson(follows - 1, fans))
    at = np.searchsorted(ends, rng.random(fan.size) * ends[-1], side="right")
    star = np.minimum(at, people - 1)
    within = np.flatnonzero((home[fan] >= 0) & (rng.random(fan.size) < inside))
    star[within] = stars[home[fan[within]], rng.integers(size, size=within.size)]
    key = np.sort(fan * people + star)
    return np.asarray(key[np.diff(key, prepend=-1) > 0], dtype=np.int64)


def _ids(letter: str, n: int) -> pl.Series:
    return pl.select(pl.lit(letter) + pl.int_range(n).cast(pl.String).str.zfill(len(str(n - 1)))).to_series()


def _check(
    *,
    people: int,
    fans: int,
    communities: int,
    size: int,
    inside: float,
    member_share: float,
    exponent: float,
    follows: float,
) -> None:
    checks = [
        (people >= 2, f"people is {people}, not 2 or more"),
        (fans >= 1, f"fans is {fans}, not 1 or more"),
        (communities >= 1, f"communities is {communities}, not 1 or more"),
        (size >= 2, f"size is {size}, not 2 or more"),
        (communities * size <= people, f"communities x size is {communities * size}, not {people} (people) or fewer"),
        (0 <= inside <= 1, f"inside is {inside}, not a share from 0 to 1"),
        (0 <= member_share <= 1, f"member_share is {member_share}, not a share from 0 to 1"),
        (0 <= exponent < np.inf, f"exponent is {exponent}, not 0 (all alike) or more"),
        (1 <= follows <= people, f"follows is {follows}, not 1 to the number of people"),
    ]
    if faults := [fault for fine, fault in checks if not fine]:
        raise UsageError("these follows cannot be planted: " + "; ".join(faults))
