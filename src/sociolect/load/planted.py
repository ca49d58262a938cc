"""A society whose truth is known, so that every estimate can be held against it."""

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.errors import UsageError
from sociolect.frames import Society
from sociolect.load.planted_ties import KINDS, Acts, acts, apportion, pairs
from sociolect.load.planted_words import EMOTIONS, Floats, Ints, beside, dialects, draw, lexicon, pick, sentences
from sociolect.seeds import derive, substream

YOUNG, OLDER, CUT = "under 32", "32 and over", 32  # years; about one in six is younger
SUPPORT = 0.25  # chance that a reply inside a community is joyful whatever its author's mood, at strength 1
_START, _DAYS, _DAY = datetime(2025, 1, 1, tzinfo=UTC), 180, 86_400_000_000


def planted(
    *,
    people: int = 600,
    communities: int = 6,
    posts: int = 6,
    mixing: float = 0.1,
    degree: float = 10.0,
    largest: float = 4.0,
    null: bool = False,
    strength: float = 1.0,
    habit: float = 0.2,
    drift: float = 0.0,
    variety: float = 0.0,
    seed: int = 0,
) -> Society:
    """A society with planted communities, ties, dialects, tones, traits and opinions; with `null`, none of them matters.

    `posts` is originals a person; each tie shows as one further reply or repost, or as a mention in an original.
    `degree` is the mean weight of a person's ties, `mixing` the share of ties between communities, `largest` how many times
    the smallest community the largest is (less where the smallest would have fewer than 10 people). `strength` scales how
    far communities differ in texts, tones, ages, opinions and severities; 0 leaves them to the ties alone.
    With probability `habit` an author chooses a topic, tone or word as always: so the posts of one author are alike, while
    communities keep the shares that `truth` states.

    Two things make a community speak otherwise than `truth` says. `drift`: with a probability that grows from 0 to `drift`
    over the half year, an original is put in the community's new words. `variety`: with that probability, one by a person
    under 32 (about a sixth of all) is put in the words of the community's young.

    - people: person, planted (the community), age, age_group (under 32, 32 and over), gender, country, opinion (-1 to 1),
      severity (communities .4 apart).
    - posts, in order of time: post, person, text, thread, parent, time, kind (post, reply, repost), topic, emotion, toxic.
    - ties: who replied to, reposted or mentioned whom and how often, exactly as the posts show it.

    A reply has its parent's topic. A reply inside a community is joyful with chance .25, and else as its author's posts
    are; a reply across only the latter (`SUPPORT`). With `null`, ties follow a configuration model of the same degrees.
    Ties: degree-corrected planted partition, Karrer and Newman 2011, doi 10.1103/PhysRevE.83.016107.
    Raises UsageError for a society that cannot be.

    >>> society = planted(people=60, communities=3, seed=1)
    >>> society.people["planted"].value_counts(sort=True)["count"].to_list()
    [32, 18, 10]
    >>> society.posts.filter(kind="post").height, float(society.ties["weight"].sum())
    (360, 300.0)
    """
    _check(
        communities, people=people, posts=posts, mixing=mixing, degree=degree, largest=largest, strength=strength, habit=habit,
        drift=drift, variety=variety,
    )  # fmt: skip
    seed = derive(seed, "planted")
    sizes = _sizes(people, communities, largest)
    home = substream(seed, "home").permutation(np.repeat(np.arange(communities), sizes))
    strength = 0.0 if null else strength
    tied = pairs(np.zeros_like(home) if null else home, mixing=0.0 if null else mixing, degree=degree, seed=seed)
    done = acts(tied, people=people, posts=posts, seed=seed)
    ids = pl.Series([f"p{i:0{len(str(people - 1))}}" for i in range(people)])
    shown = pl.DataFrame(
        {"source": ids.gather(tied[:, 0]), "target": ids.gather(tied[:, 1]), "kind": pick(list(KINDS), done.kind)}
    )
    weighed = shown.group_by("source", "target", "kind").agg(weight=pl.len().cast(pl.Float64))
    crowd = _people(home, ids, strength, seed)
    # a post is late with a chance that grows with its time; the young have a chance of their own
    other = variety * (crowd["age_group"] == YOUNG).to_numpy()
    return Society(
        people=frames.people(crowd),
        posts=frames.posts(
            _posts(
                done,
                home,
                ids,
                strength=strength,
                habit=habit,
                drift=0.0 if null else drift,
                variety=0.0 * other if null else other,
                seed=seed,
            )
        ),
        ties=frames.ties(weighed.sort("source", "target", "kind")),
    )


def truth(*, communities: int = 6, null: bool = False, strength: float = 1.0, seed: int = 0) -> pl.DataFrame:
    """What `planted` with the same keywords plants: community, trait, level, value; sorted, one row for each.

    Shares among a community's originals: topic, emotion, toxic (level `true`), and word (among its synonyms).
    Means among its people (level `mean`): opinion, severity, age. Raises UsageError as `planted` does.

    >>> truth(communities=2, seed=1).filter(trait="toxic").select("community", pl.col("value").round(3)).rows()
    [('amber', 0.25), ('birch', 0.02)]
    """
    _check(communities, strength=strength)
    seed, strength = derive(seed, "planted"), 0.0 if null else strength
    spoken, said = dialects(communities, strength=strength, seed=seed), lexicon()
    tables = [("topic", list(said["topics"]), spoken.topic), ("emotion", list(EMOTIONS), spoken.emotion)]
    tables += [("word", said["synonyms"][slot], shares) for slot, shares in spoken.words.items()]
    tables += [("toxic", ["true"], spoken.toxic[:, None])]
    tables += [(name, ["mean"], means[:, None]) for name, means in _traits(communities, strength, seed).items()]
    rows = [
        (community, trait, level, float(values[c, i]))
        for trait, levels, values in tables
        for c, community in enumerate(said["names"][:communities])
        for i, level in enumerate(levels)
    ]
    return pl.DataFrame(rows, orient="row", schema=["community", "trait", "level", "value"]).sort(
        "community", "trait", "level"
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


def _check(communities: int, **knobs: float) -> None:
    most, least = len(lexicon()["names"]), max(10, 5 * communities)
    due: dict[str, tuple[Callable[[float], bool], str]] = {
        "people": (lambda v: v >= least, f"not {least} or more (5 for each community)"),
        "communities": (lambda v: 2 <= v <= most, f"not 2 to {most}"),
        "posts": (lambda v: v >= 1, "not 1 or more for each person"),
        "mixing": (lambda v: 0 <= v <= 1, "not a share from 0 to 1"),
        "degree": (lambda v: 0 < v < knobs["people"], "not above 0 and below the number of people"),
        "largest": (lambda v: 1 <= v < np.inf, "not 1 (all alike) or more"),
        "strength": (lambda v: 0 <= v < np.inf, "not 0 (all alike) or more"),
        "habit": (lambda v: 0 <= v <= 1, "not a share from 0 to 1"),
        "drift": (lambda v: 0 <= v <= 1, "not a share from 0 to 1"),
        "variety": (lambda v: 0 <= v <= 1, "not a share from 0 to 1"),
    }
    seen = {**knobs, "communities": communities}
    faults = [
        f"{name} is {seen[name]}, {what}" for name, (fine, what) in due.items() if name in seen and not fine(seen[name])
    ]
    if faults:
        raise UsageError("this society cannot be planted: " + "; ".join(faults))


def _sizes(people: int, communities: int, largest: float) -> Ints:
    """Sizes that fall geometrically; flatter where the smallest would be below 10 people."""
    while True:
        sizes = apportion(np.geomspace(largest, 1, communities), people)
        if sizes.min() >= min(10, people // communities) or largest == 1:
            return sizes
        largest = max(1.0, largest * 0.98)


def _people(home: Ints, ids: pl.Series, strength: float, seed: int) -> pl.DataFrame:
    n, said = len(home), lexicon()
    means = {name: values[home] for name, values in _traits(int(home.max()) + 1, strength, seed).items()}
    rng = substream(seed, "people")
    ages = np.clip(rng.normal(means["age"], 8).round(), 13, 99).astype(np.int64)
    mean, firm = (1 + means["opinion"]) / 2, 20.0  # a beta distribution: bounded, and its mean is exact
    return pl.DataFrame(
        {
            "person": ids,
            "planted": pick(said["names"], home),
            "age": ages,
            "age_group": pick([OLDER, YOUNG], (ages < CUT).astype(np.int64)),
            "gender": pick(said["genders"], rng.choice(3, size=n, p=(0.47, 0.06, 0.47))),
            "country": pick(said["countries"], rng.integers(len(said["countries"]), size=n)),
            "opinion": 2 * rng.beta(mean * firm, (1 - mean) * firm) - 1,
            "severity": rng.normal(means["severity"], 0.5),
        }
    )


def _traits(communities: int, strength: float, seed: int) -> dict[str, Floats]:
    """The mean of each trait in each community: even steps, in an order of the seed's own."""

    def steps(name: str, half: float) -> Floats:
        return strength * substream(seed, "trait", name).permutation(np.linspace(-half, half, communities))

    return {
        "opinion": np.clip(np.tanh(steps("opinion", 0.6)), -0.99, 0.99),
        "severity": steps("severity", 0.2 * (communities - 1)),
        "age": 40 + np.clip(steps("age", 4), -15, 15),
    }


def _posts(
    done: Acts, home: Ints, ids: pl.Series, *, strength: float, habit: float, drift: float, variety: Floats, seed: int
) -> pl.DataFrame:
    """The posts that show the acts, in order of time, with what each was meant to be."""
    rng = substream(seed, "posts")
    spoken = dialects(int(home.max()) + 1, strength=strength, seed=seed)
    author, parent, what = done.author, done.parent, done.what
    n = len(author)
    topic = _habitual(spoken.topic, home, author, habit, rng)
    emotion = _habitual(spoken.emotion, home, author, habit, rng)
    toxic = _habitual(np.stack([1 - spoken.toxic, spoken.toxic], axis=1), home, author, habit, rng) == 1
    kin = (what == 1) & (home[author] == home[author[parent]])
    emotion[kin & (rng.random(n) < SUPPORT * strength)] = EMOTIONS.index("joy")
    time, root = rng.integers(_DAYS * _DAY, size=n), np.arange(n)
    wait = rng.exponential(_DAY / 4, size=n).astype(np.int64) + 1
    for low, high in pairwise(done.stages):
        up = parent[low:high]
        time[low:high], root[low:high], topic[low:high] = time[up] + wait[low:high], root[up], topic[up]
    own, again = slice(0, done.stages[2]), slice(done.stages[2], n)
    emotion[again], toxic[again] = emotion[parent[again]], toxic[parent[again]]

    count = int(home.max()) + 1
    late = substream(seed, "late").random(n) < drift * time / (_DAYS * _DAY)
    young = substream(seed, "young").random(n) < variety[author]
    new = [dialects(count, strength=strength, seed=derive(seed, which)) for which in ("late", "young")]
    texts = sentences(
        beside(beside(spoken, new[0]), new[1]), home=home, person=author[own], topic=topic[own], emotion=emotion[own],
        toxic=toxic[own], habit=habit, rng=substream(seed, "texts"),
        of=(home[author] + count * np.where(young, 2, late))[own],
    )  # fmt: skip
    calls = np.zeros(len(texts), dtype=np.int64)
    calls[: len(done.calls)] = done.calls + 1
    texts = pl.concat([pl.Series([""]), "@" + ids + " "]).gather(calls) + texts
    texts = pl.concat([texts, texts.gather(parent[again])])

    order = np.lexsort((np.arange(n), time))
    place = np.empty(n, dtype=np.int64)
    place[order] = np.arange(n)
    names = pl.select("s" + pl.int_range(n).cast(pl.String).str.zfill(len(str(n - 1)))).to_series()
    return pl.DataFrame(
        {
            "post": names,
            "person": ids.gather(author[order]),
            "text": texts.gather(order),
            "thread": names.gather(place[root[order]]),
            "parent": names.gather(place[parent[order]]).set(pl.Series(parent[order] < 0), None),
            "time": pl.Series(time[order]).cast(pl.Duration("us")) + _START,
            "kind": pick(["post", "reply", "repost"], what[order]),
            "topic": pick(list(lexicon()["topics"]), topic[order]),
            "emotion": pick(list(EMOTIONS), emotion[order]),
            "toxic": toxic[order],
        }
    )


def _habitual(shares: Floats, home: Ints, author: Ints, habit: float, rng: np.random.Generator) -> Ints:
    """One choice a post out of its community's shares; with probability `habit`, the one its author always makes."""
    own = draw(shares, home, rng)[author]
    return np.where(rng.random(len(author)) < habit, own, draw(shares, home[author], rng))
