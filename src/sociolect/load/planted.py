"""A society whose truth is known, so that every estimate can be held against it."""

from datetime import UTC, datetime

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.errors import UsageError
from sociolect.frames import Society
from sociolect.load.planted_words import EMOTIONS, Dialects, Floats, Ints, dialects, draw, lexicon, pick, sentences
from sociolect.seeds import substream

KINDS = {"reply": 0.5, "repost": 0.3, "mention": 0.2}  # how a tie shows in the posts
SUPPORT = 0.25  # chance that a reply inside a community is joyful whatever its author's mood
_DEEPER = 0.3  # chance that a reply answers a reply, where there is one
_START = datetime(2025, 1, 1, tzinfo=UTC)
_DAYS, _DAY = 180, 86_400_000_000


def planted(
    *,
    people: int = 600,
    communities: int = 6,
    posts: int = 6,
    mixing: float = 0.1,
    degree: float = 10.0,
    largest: float = 10.0,
    null: bool = False,
    strength: float = 1.0,
    habit: float = 0.2,
    seed: int = 0,
) -> Society:
    """A society with planted communities, ties, dialects, tones, traits and opinions; with `null`, none of them matters.

    `posts` originals a person; each tie shows as one further reply or repost, or as a mention in an original.
    `mixing` is the share of ties between communities, `degree` the mean weighted degree, `largest` the size of the largest
    community in units of the smallest (as far as the smallest keeps 10 people). `strength` scales how far the communities
    differ in text, age, opinion and severity. `habit` is the share of an author's choices that the author always makes
    alike: posts of one author are correlated, while each community's shares stay what `truth` says.

    People: person, planted (the community), age, gender, country, opinion (-1 to 1), severity (communities .4 apart).
    Posts: post, person, text, thread, parent, time, kind (post, reply, repost), topic, emotion, toxic; in order of time.
    Ties: who replied to, reposted or mentioned whom, and how often: exactly what the posts show.
    A reply inside a community is joyful with probability .25 + .75 x the author's share of joy; one across, only the latter.

    Ties are a degree-corrected planted partition (Karrer and Newman 2011); with `null`, a configuration model.
    Raises UsageError for a society that cannot be.

    >>> society = planted(people=60, communities=3, seed=1)
    >>> society.people["planted"].value_counts(sort=True)["count"].to_list()
    [32, 18, 10]
    >>> society.posts.filter(kind="post").height, float(society.ties["weight"].sum())
    (360, 300.0)
    """
    _check(people, communities, posts, mixing, degree, largest, strength, habit)
    sizes = _sizes(people, communities, largest)
    home = substream(seed, "people", "home").permutation(np.repeat(np.arange(communities), sizes))
    strength = 0.0 if null else strength
    spoken = dialects(communities, strength=strength, seed=seed)
    ids = pl.Series([f"p{i:0{len(str(people - 1))}}" for i in range(people)])
    near = _pairs(np.zeros_like(home) if null else home, 0.0 if null else mixing, degree, seed)
    said, acts = _posts(near, home, posts, spoken, 0.0 if null else min(SUPPORT * strength, 1.0), habit, ids, seed)
    ties = acts.group_by("source", "target", "kind").agg(pl.len().cast(pl.Float64).alias("weight"))
    return Society(
        people=frames.people(_people(home, ids, strength, seed)),
        posts=frames.posts(said),
        ties=frames.ties(ties.sort("source", "target", "kind")),
    )


def topics(*, n: int = 9) -> pl.DataFrame:
    """The first n of the 12 topics people write about: topic (its id) and words (what to say in a prompt).

    >>> topics(n=2)["words"].to_list()
    ['cooking', 'gardening']
    """
    known = list(lexicon()["topics"])
    if not 1 <= n <= len(known):
        raise UsageError(f"topics: n is {n}, not 1 to {len(known)}")
    return pl.DataFrame({"topic": known[:n], "words": known[:n]})


def _check(
    people: int, communities: int, posts: int, mixing: float, degree: float, largest: float, strength: float, habit: float
) -> None:
    most = len(lexicon()["names"])
    faults = [
        f"{name} is {value!r}, {due}"
        for name, value, fine, due in (
            ("communities", communities, 2 <= communities <= most, f"not 2 to {most}"),
            ("people", people, people >= 5 * communities and people >= 10, "fewer than 5 for each community, or than 10"),
            ("posts", posts, posts >= 1, "not 1 or more for each person"),
            ("mixing", mixing, 0 <= mixing <= 1, "not a share from 0 to 1"),
            ("degree", degree, 0 < degree <= people - 1, "not above 0 and below the number of people"),
            ("largest", largest, 1 <= largest < np.inf, "not 1 (all alike) or more"),
            ("strength", strength, 0 <= strength < np.inf, "not 0 (all alike) or more"),
            ("habit", habit, 0 <= habit <= 1, "not a share from 0 to 1"),
        )
        if not fine
    ]
    if faults:
        raise UsageError("this society cannot be planted: " + "; ".join(faults))


def _apportion(shares: Floats, total: int) -> Ints:
    """Whole numbers in proportion to the shares, of the given total (largest remainders)."""
    exact = shares / shares.sum() * total
    whole = np.floor(exact).astype(np.int64)
    whole[np.argsort(whole - exact, kind="stable")[: total - whole.sum()]] += 1
    return whole


def _sizes(people: int, communities: int, largest: float) -> Ints:
    """Sizes that fall geometrically; flatter where the smallest would be below 10 people."""
    least = min(10, people // communities)
    while True:
        sizes = _apportion(np.geomspace(largest, 1, communities), people)
        if sizes.min() >= least or largest == 1:
            return sizes
        largest = max(1.0, largest * 0.98)


def _people(home: Ints, ids: pl.Series, strength: float, seed: int) -> pl.DataFrame:
    k, n, said = int(home.max()) + 1, len(home), lexicon()
    means = _traits(k, strength, seed)
    rng = substream(seed, "people", "traits")
    mean, firm = (1 + means["opinion"][home]) / 2, 20.0
    return pl.DataFrame(
        {
            "person": ids,
            "planted": pick(said["names"], home),
            "age": np.clip(rng.normal(means["age"][home], 9).round(), 16, 90).astype(np.int64),
            "gender": pick(said["genders"], rng.choice(3, size=n, p=(0.47, 0.06, 0.47))),
            "country": pick(said["countries"], rng.integers(len(said["countries"]), size=n)),
            "opinion": 2 * rng.beta(mean * firm, (1 - mean) * firm) - 1,
            "severity": rng.normal(means["severity"][home], 0.5),
        }
    )


def _traits(k: int, strength: float, seed: int) -> dict[str, Floats]:
    """The mean of each trait in each community."""
    steps = {"opinion": np.linspace(-0.55, 0.55, k), "severity": 0.4 * (np.arange(k) - (k - 1) / 2), "age": np.linspace(-9, 9, k)}
    mixed = {name: strength * substream(seed, "trait", name).permutation(values) for name, values in steps.items()}
    return {**mixed, "opinion": np.tanh(mixed["opinion"]), "age": 40 + mixed["age"]}


def _pairs(home: Ints, mixing: float, degree: float, seed: int) -> Ints:
    """Who is tied to whom, one row a tie, in random direction."""
    rng = substream(seed, "ties")
    n, k = len(home), int(home.max()) + 1
    pull = np.minimum((1 - rng.random(n)) ** -0.4, 8.0)  # Pareto, exponent 2.5, cut so that no one knows everyone
    order = np.argsort(home, kind="stable")
    ends = np.cumsum(pull[order])
    size = np.bincount(home, minlength=k)
    start = np.cumsum(size) - size
    mass = np.bincount(home, weights=pull, minlength=k)
    low = ends[start] - pull[order][start]
    total = max(1, round(n * degree / 2))
    a, b, due = _blocks(mass, mixing, total)

    def someone(block: Ints) -> Ints:
        at = np.searchsorted(ends, low[block] + rng.random(len(block)) * mass[block], side="right")
        return np.clip(at, start[block], start[block] + size[block] - 1)

    found = np.empty(0, dtype=np.int64)
    block_of = np.empty(0, dtype=np.int64)
    missing = due
    for _ in range(12):
        block = np.repeat(np.arange(len(due)), missing)
        u, v = someone(a[block]), someone(b[block])
        fine = u != v
        keys = np.concatenate([found, (np.minimum(u, v) * n + np.maximum(u, v))[fine]])
        found, at = np.unique(keys, return_index=True)
        block_of = np.concatenate([block_of, block[fine]])[at]
        missing = due - np.bincount(block_of, minlength=len(due))
        if not missing.any():
            break
    # Where a community has no room for more pairs, old ones meet again: the degree is kept in the weights.
    block = np.repeat(np.arange(len(due)), missing)
    u, v = someone(a[block]), someone(b[block])
    shift = start[b[block]] + (u - start[b[block]] + 1 + rng.integers(np.maximum(size[b[block]] - 1, 1))) % size[b[block]]
    v = np.where(a[block] == b[block], shift, v)
    pairs = order[np.stack([np.concatenate([found // n, u]), np.concatenate([found % n, v])], axis=1)]
    turn = rng.random(len(pairs)) < 0.5
    pairs[turn] = pairs[turn][:, ::-1]
    return np.asarray(rng.permutation(pairs))


def _blocks(mass: Floats, mixing: float, total: int) -> tuple[Ints, Ints, Ints]:
    """How many ties each pair of communities has: `mixing` of them between two, each community in proportion to its mass."""
    k, share = len(mass), mass / mass.sum()
    a, b = np.triu_indices(k)
    between = np.outer(share, share) * (1 - np.eye(k))
    for _ in range(200 * (k > 1)):  # iterative proportional fitting; one sweep per side at once, so symmetric
        step = np.sqrt(share / between.sum(axis=1))
        between *= np.outer(step, step)
    between = between * (mixing / between.sum()) if k > 1 else between
    inside = np.maximum(share - between.sum(axis=1), 1e-12)
    due = np.zeros(len(a), dtype=np.int64)
    across = round(mixing * total)
    if across:
        due[a != b] = _apportion(between[a, b][a != b], across)
    due[a == b] = _apportion(inside, total - across)
    return a, b, due


def _posts(
    pairs: Ints, home: Ints, posts: int, spoken: Dialects, support: float, habit: float, ids: pl.Series, seed: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The posts that show the ties, in order of time, and one row for each act: source, target, kind."""
    rng = substream(seed, "posts")
    n, originals = len(home), len(home) * posts
    kind = rng.choice(3, size=len(pairs), p=list(KINDS.values()))
    # One mention a post, and the last of a person's originals has none: someone may repost it.
    mentions = np.flatnonzero(kind == 2)
    rank = _rank(pairs[mentions, 0])
    kind[mentions[rank >= posts - 1]] = 0
    mentions, rank = mentions[rank < posts - 1], rank[rank < posts - 1]
    carrier = pairs[mentions, 0] * posts + rank
    busy = np.bincount(pairs[mentions, 0], minlength=n)

    replies, reposts = np.flatnonzero(kind == 0), np.flatnonzero(kind == 1)
    deep = rng.random(len(replies)) < _DEEPER
    first = replies[~deep]
    by = np.argsort(pairs[first, 0], kind="stable")
    has = np.bincount(pairs[first, 0], minlength=n)
    begin = np.cumsum(has) - has
    deep &= has[pairs[replies, 1]] > 0
    flat = np.concatenate([first, replies[~deep & ~np.isin(replies, first)]])
    second = replies[deep]

    whom = pairs[flat, 1]
    parent_flat = whom * posts + rng.integers(posts, size=len(flat))
    whom = pairs[second, 1]
    parent_deep = originals + by[begin[whom] + rng.integers(has[whom])]
    whom = pairs[reposts, 1]
    parent_repost = whom * posts + busy[whom] + rng.integers(posts - busy[whom])

    acts = np.concatenate([flat, second, reposts])
    author = np.concatenate([np.repeat(np.arange(n), posts), pairs[acts, 0]])
    parent = np.concatenate([np.full(originals, -1), parent_flat, parent_deep, parent_repost])
    what = np.repeat([0, 1, 2], [originals, len(flat) + len(second), len(reposts)])
    wait = (rng.exponential(0.25 * _DAY, size=len(author))).astype(np.int64) + 1
    time = np.where(what == 0, rng.integers(_DAYS * _DAY, size=len(author)), 0)
    root = np.arange(len(author))

    of = home[author]
    topic = _habitual(spoken.topic, home, author, habit, rng)
    emotion = _habitual(spoken.emotion, home, author, habit, rng)
    toxic = _habitual(np.stack([1 - spoken.toxic, spoken.toxic], axis=1), home, author, habit, rng) == 1
    kin = (what == 1) & (of == of[parent]) & (rng.random(len(author)) < support)
    emotion[kin] = EMOTIONS.index("joy")
    ends = originals + np.cumsum([0, len(flat), len(second), len(reposts)])
    for low, high in zip(ends[:-1], ends[1:], strict=True):  # parents come before those who answer them
        rows, up = slice(low, high), parent[low:high]
        time[rows], root[rows], topic[rows] = time[up] + wait[rows], root[up], topic[up]
    again = slice(ends[2], ends[3])
    emotion[again], toxic[again] = emotion[parent[again]], toxic[parent[again]]

    own = slice(0, int(ends[2]))
    texts = sentences(
        spoken, home=home, person=author[own], topic=topic[own], emotion=emotion[own], toxic=toxic[own], habit=habit,
        rng=substream(seed, "texts"),
    )  # fmt: skip
    calls = np.zeros(len(texts), dtype=np.int64)
    calls[carrier] = 1 + pairs[mentions, 1]
    texts = pl.concat([pl.Series([""]), "@" + ids + " "]).gather(pl.Series(calls)) + texts
    texts = pl.concat([texts, texts.gather(pl.Series(parent[again]))])

    order = np.lexsort((root, time))
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    width = len(str(len(order) - 1))
    name = pl.select("s" + pl.int_range(len(order)).cast(pl.String).str.zfill(width)).to_series()
    said = pl.DataFrame(
        {
            "post": name,
            "person": ids.gather(pl.Series(author[order])),
            "text": texts.gather(pl.Series(order)),
            "thread": name.gather(pl.Series(place[root[order]])),
            "parent": name.gather(pl.Series(place[parent[order]])).set(pl.Series(parent[order] < 0), None),
            "time": pl.Series(time[order]).cast(pl.Duration("us")) + _START,
            "kind": pick(["post", "reply", "repost"], what[order]),
            "topic": pick(list(lexicon()["topics"]), topic[order]),
            "emotion": pick(list(EMOTIONS), emotion[order]),
            "toxic": toxic[order],
        }
    )
    shown = pl.DataFrame(
        {"source": ids.gather(pl.Series(pairs[:, 0])), "target": ids.gather(pl.Series(pairs[:, 1])), "kind": pick(list(KINDS), kind)}
    )
    return said, shown


def _rank(values: Ints) -> Ints:
    """How many equal values come before each."""
    by = np.argsort(values, kind="stable")
    ordered = values[by]
    new = np.concatenate([[True], ordered[1:] != ordered[:-1]]) if len(values) else np.empty(0, dtype=bool)
    begin = np.maximum.accumulate(np.where(new, np.arange(len(values)), 0))
    out = np.empty(len(values), dtype=np.int64)
    out[by] = np.arange(len(values)) - begin
    return out


def _habitual(shares: Floats, home: Ints, author: Ints, habit: float, rng: np.random.Generator) -> Ints:
    """One choice a post out of its community's shares; with probability `habit`, the one its author always makes."""
    own = draw(shares, home, rng)[author]
    return np.where(rng.random(len(author)) < habit, own, draw(shares, home[author], rng))
