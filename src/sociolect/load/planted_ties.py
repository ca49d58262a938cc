"""Who is tied to whom in a planted society, and which posts show it."""

from dataclasses import dataclass

import numpy as np

from sociolect.load.planted_words import Floats, Ints
from sociolect.seeds import substream

KINDS = {"reply": 0.5, "repost": 0.3, "mention": 0.2}  # how a tie shows in the posts
_DEEPER = 0.3  # chance that a reply answers a reply, where there is one
_POST, _REPLY, _REPOST = 0, 1, 2


def apportion(shares: Floats, total: int) -> Ints:
    """Whole numbers in proportion to the shares, of the given total (largest remainders).

    >>> apportion(np.array([2.0, 1.0, 1.0]), 7).tolist()
    [3, 2, 2]
    """
    exact = shares / shares.sum() * total
    whole: Ints = np.floor(exact).astype(np.int64)
    whole[np.argsort(whole - exact, kind="stable")[: total - int(whole.sum())]] += 1
    return whole


def pairs(home: Ints, *, mixing: float, degree: float, seed: int) -> Ints:
    """Who acts on whom, one row a tie: a degree-corrected planted partition (Karrer and Newman 2011).

    No pair is met twice, except where a community is too small for its ties: so the degree is always kept in the weights.

    >>> pairs(np.zeros(100, dtype=np.int64), mixing=0.0, degree=8.0, seed=1).shape
    (400, 2)
    """
    rng = substream(seed, "ties")
    n, k = len(home), int(home.max()) + 1
    pull = np.minimum(
        (1 - rng.random(n)) ** -0.4, 8.0
    )  # ours: Pareto of exponent 2.5, cut so that no one knows everyone
    order = np.argsort(home, kind="stable")
    ends = np.cumsum(pull[order])
    size = np.bincount(home, minlength=k)
    start = np.cumsum(size) - size
    mass = np.bincount(home, weights=pull, minlength=k).astype(np.float64)
    low = ends[start] - pull[order][start]
    a, b, due = _blocks(mass, mixing, max(1, round(n * degree / 2)))

    def someone(side: Ints, block: Ints) -> Ints:
        where = side[block]
        at = np.searchsorted(ends, low[where] + rng.random(len(block)) * mass[where], side="right")
        return np.asarray(np.clip(at, start[where], start[where] + size[where] - 1))

    found, block_of, missing = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), due
    for _ in range(12):
        block = np.repeat(np.arange(len(due)), missing)
        u, v = someone(a, block), someone(b, block)
        fine = u != v
        keys = np.concatenate([found, (np.minimum(u, v) * n + np.maximum(u, v))[fine]])
        found, at = np.unique(keys, return_index=True)
        block_of = np.concatenate([block_of, block[fine]])[at]
        missing = due - np.bincount(block_of, minlength=len(due))
        if not missing.any():
            break
    block = np.repeat(np.arange(len(due)), missing)
    u, v = someone(a, block), someone(b, block)
    first, room = start[b[block]], size[b[block]]
    another = first + (u - first + 1 + rng.integers(np.maximum(room - 1, 1))) % room
    v = np.where(a[block] == b[block], another, v)
    both = order[np.stack([np.concatenate([found // n, u]), np.concatenate([found % n, v])], axis=1)]
    turn = rng.random(len(both)) < 0.5
    both[turn] = both[turn][:, ::-1]
    return np.asarray(rng.permutation(both), dtype=np.int64)


def _blocks(mass: Floats, mixing: float, total: int) -> tuple[Ints, Ints, Ints]:
    """How many ties each pair of communities has: `mixing` of all between two, those by the product of their masses."""
    share = mass / mass.sum()
    a, b = np.triu_indices(len(mass))
    between = np.outer(share, share) * (1 - np.eye(len(mass)))
    between *= mixing / max(between.sum(), 1e-12)
    inside = np.maximum(share - between.sum(axis=1), 1e-12)
    across = round(mixing * total)
    due = np.zeros(len(a), dtype=np.int64)
    if across:
        due[a != b] = apportion(between[a, b][a != b], across)
    due[a == b] = apportion(inside, total - across)
    return a, b, due


@dataclass(frozen=True, slots=True)
class Acts:
    """The posts that show the ties. Parents stand before those who answer them; `stages` are the bounds between."""

    kind: Ints  # of each tie, a place in KINDS
    author: Ints  # of each post
    parent: Ints  # of each post, -1 for an original
    what: Ints  # of each post: 0 original, 1 reply, 2 repost
    calls: Ints  # whom each original mentions, -1 for nobody
    stages: tuple[int, ...]


def acts(tied: Ints, *, people: int, posts: int, seed: int) -> Acts:
    """Every tie as a reply, a repost, or a mention in one of the actor's originals.

    An original mentions one person at most, and each person's last one nobody: a repost never repeats a mention.
    Mentions for which a person has no original left become replies.
    """
    rng = substream(seed, "acts")
    originals = people * posts
    kind = rng.choice(len(KINDS), size=len(tied), p=list(KINDS.values()))
    mentions = np.flatnonzero(kind == 2)
    rank = _rank(tied[mentions, 0])
    late = rank >= posts - 1
    kind[mentions[late]] = 0
    mentions, rank = mentions[~late], rank[~late]
    calls = np.full(originals, -1)
    calls[tied[mentions, 0] * posts + rank] = tied[mentions, 1]
    busy = np.bincount(tied[mentions, 0], minlength=people)

    replies, reposts = np.flatnonzero(kind == 0), np.flatnonzero(kind == 1)
    wants = rng.random(len(replies)) < _DEEPER
    pool = replies[~wants]
    by = np.argsort(tied[pool, 0], kind="stable")
    has = np.bincount(tied[pool, 0], minlength=people)
    begin = np.cumsum(has) - has
    deep = wants & (has[tied[replies, 1]] > 0)
    flat, second = np.concatenate([pool, replies[wants & ~deep]]), replies[deep]

    shown = np.concatenate([flat, second, reposts])
    to_flat, to_second, to_repost = tied[flat, 1], tied[second, 1], tied[reposts, 1]
    parent = [
        np.full(originals, -1),
        to_flat * posts + rng.integers(posts, size=len(flat)),
        originals + by[begin[to_second] + rng.integers(has[to_second])],
        to_repost * posts + busy[to_repost] + rng.integers(posts - busy[to_repost]),
    ]
    return Acts(
        kind=kind,
        author=np.concatenate([np.repeat(np.arange(people), posts), tied[shown, 0]]),
        parent=np.concatenate(parent),
        what=np.repeat([_POST, _REPLY, _REPLY, _REPOST], [len(p) for p in parent]),
        calls=calls,
        stages=tuple(np.cumsum([len(p) for p in parent]).tolist()),
    )


def _rank(values: Ints) -> Ints:
    """How many equal values come before each."""
    by = np.argsort(values, kind="stable")
    ordered = values[by]
    places = np.arange(len(values))
    out = np.empty(len(values), dtype=np.int64)
    out[by] = places - np.searchsorted(ordered, ordered, side="left")
    return out
