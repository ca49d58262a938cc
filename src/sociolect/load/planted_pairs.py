"""Comments whose tone is known to follow the post's and the relation of the two people, so that a study of it can be held to account."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType

import numpy as np
import polars as pl

from sociolect import frames, tones
from sociolect.errors import UsageError
from sociolect.frames import Society
from sociolect.load.planted_pairs_words import HISTORY, LONGEST, SHORTEST, SOCIAL, TRUTH, written
from sociolect.load.planted_words import Floats, Ints, pick
from sociolect.seeds import derive, substream

GENDERS, CLOSENESS = ("woman", "man", "other"), ("stranger", "not_close", "close")
_GENDER_SHARES, _CLOSENESS_SHARES = (0.48, 0.48, 0.04), (0.5, 0.3, 0.2)
POST_SD, EFFECT_SD, NOISE_SD = 0.8, 0.3, 0.3  # of log rates: a post's tone, what comments on a post share, each comment
# How the post draws its commenter at selection 1: log odds of a category per standard deviation of the post's tone.
SELECTION: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        "man": MappingProxyType({"funny": 0.5, "worried": -0.5}),
        "not_close": MappingProxyType({"self_disclosure": 0.3}),
        "close": MappingProxyType({"self_disclosure": 0.6, "worried": 0.4}),
    }
)
_ROUNDS, _AT_ONCE = 64, 16
_START, _DAYS, _HOUR = datetime(2024, 5, 1, tzinfo=UTC), 31, 3_600_000_000


def planted_pairs(
    *,
    pairs: int = 4000,
    posts: int = 1000,
    commenters: int = 800,
    social: float = 1.0,
    mirror: float = 1.0,
    selection: float = 0.0,
    null: bool = False,
    history: float | None = None,
    setting: float | None = None,
    texts: bool = True,
    seed: int = 0,
) -> Society:
    """A society of posts and comments whose tones follow `TRUTH`; with `null`, no comment depends on who speaks to whom.

    The log of the share of a comment's words that are words of a tone is `intercept + mirror x (the post's log rate -
    intercept) + social terms + N(0, .3) of the post + N(0, .3) of the comment`; a post's own is `N(intercept, .8)`. The
    terms are those of `planted_pairs_words.SOCIAL`; ages count in decades from 40. `social` and `mirror` scale their terms;
    `null` sets `social`, `history` and `setting` to 0.

    With a number for `history`, comments tell `shared_history`: true between half of all pairs of people, where it adds
    `history` x `planted_pairs_words.HISTORY`. With a number for `setting`, half of the comments are public, half private
    (`setting`), and those to close friends hold that much more self-disclosure (log units) in public. 0 is a fact that means
    nothing.

    Every post has a poster among the `commenters` people, and every post a comment where there are as many. Who comments
    is drawn by category (gender x closeness): a multinomial logit of the post's tones, `selection` x `SELECTION`.

    - people: person, age (18 to 80), gender (woman, man, other).
    - posts: post, person, text, thread, parent, time, kind, latent_<tone> (the planted log rate), count_<tone> (words of
      that tone in the text; null without `texts`). Without `texts` a text is its own id: the latent columns carry all.
    - ties: source commenter, target poster, kind relation, weight 1, closeness; two people are as close both ways.

    Raises UsageError for a society that cannot be.

    >>> society = planted_pairs(pairs=400, posts=100, commenters=90, seed=1)
    >>> society.posts["kind"].value_counts(sort=True).rows(), society.people.height
    ([('reply', 400), ('post', 100)], 90)
    >>> TRUTH["self_disclosure"]["close"]
    -0.4
    """
    _check(
        pairs=pairs,
        posts=posts,
        commenters=commenters,
        social=social,
        mirror=mirror,
        selection=selection,
        history=history or 0.0,
        setting=setting or 0.0,
    )
    seed, social = derive(seed, "planted pairs"), 0.0 if null else social
    people, gender, age = _people(commenters, seed)
    base = np.array([TRUTH[tone]["intercept"] for tone in tones.TONES])
    z = substream(seed, "post tones").normal(size=(posts, len(base)))
    poster = substream(seed, "posters").integers(commenters, size=posts)
    rng = substream(seed, "which post")
    on = np.concatenate([rng.permutation(posts)[:pairs], rng.integers(posts, size=max(0, pairs - posts))])
    who, close = _who(z[on], poster[on], gender, selection=selection, seed=seed)

    tone = base + POST_SD * z
    mirrored = mirror * np.array([TRUTH[t]["mirror"] for t in tones.TONES])
    shared = EFFECT_SD * substream(seed, "post effects").normal(size=tone.shape)
    own = NOISE_SD * substream(seed, "noise").normal(size=(pairs, len(base)))
    effects = np.array([[TRUTH[t][term] for t in tones.TONES] for term in SOCIAL])
    design = social_terms(gender[who], gender[poster[on]], age[who], age[poster[on]], close)
    answer = base + mirrored * (tone[on] - base) + social * (design @ effects) + shared[on] + own
    riders: dict[str, pl.Series] = {}
    if history is not None:
        known = closeness_of(who, poster[on], derive(seed, "history"), shares=(0.5, 0.5)) == 1
        answer += (0.0 if null else history) * np.outer(known, [HISTORY[t] for t in tones.TONES])
        riders["shared_history"] = pl.Series(known)
    if setting is not None:
        public = substream(seed, "setting").random(pairs) < 0.5
        open_ = public & (close == CLOSENESS.index("close"))
        answer[:, tones.TONES.index("self_disclosure")] += (0.0 if null else setting) * open_
        riders["setting"] = pl.Series(np.where(public, "public", "private"))

    latent = np.concatenate([tone, answer])
    made = _posts(people["person"], np.concatenate([poster, who]), on, latent, posts=posts, texts=texts, seed=seed)
    for name, told in riders.items():
        made = made.with_columns(pl.concat([pl.Series([None] * posts, dtype=told.dtype), told]).alias(name))
    ends = pl.DataFrame({"source": people["person"].gather(who), "target": people["person"].gather(poster[on])})
    ties = ends.with_columns(kind=pl.lit("relation"), weight=pl.lit(1.0), closeness=pick(list(CLOSENESS), close))
    return Society(frames.people(people), frames.posts(made), frames.ties(ties.unique().sort("source", "target")))


def social_terms(gender: Ints, poster_gender: Ints, age: Floats, poster_age: Floats, closeness: Ints) -> Floats:
    """The design of `SOCIAL`, one row a pair: genders are places in `GENDERS`, closeness in `CLOSENESS`, ages years.

    >>> a, forty = np.array([1]), np.array([40.0])
    >>> social_terms(a, a, forty, forty + 10, np.array([2]))[0].tolist()
    [1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0]
    """
    man, to_man = gender == 1, poster_gender == 1
    columns = [man, to_man, man & to_man, (age - 40) / 10, (poster_age - 40) / 10, np.abs(age - poster_age) / 10]
    return np.column_stack([*columns, closeness == 1, closeness == 2]).astype(np.float64)


def _check(**knobs: float) -> None:
    due: dict[str, tuple[Callable[[float], bool], str]] = {
        "pairs": (lambda v: v >= 1, "not 1 or more"),
        "posts": (lambda v: v >= 1, "not 1 or more"),
        "commenters": (lambda v: v >= 30, "not 30 or more (a post finds its commenters among them)"),
        "social": (lambda v: -5 <= v <= 5, "not -5 to 5"),
        "mirror": (lambda v: -2 <= v <= 2, "not -2 to 2"),
        "selection": (lambda v: 0 <= v <= 5, "not 0 (none) to 5"),
        "history": (lambda v: -5 <= v <= 5, "not -5 to 5"),
        "setting": (lambda v: -5 <= v <= 5, "not -5 to 5"),
    }
    faults = [f"{name} is {knobs[name]}, {what}" for name, (fine, what) in due.items() if not fine(knobs[name])]
    if faults:
        raise UsageError("these pairs cannot be planted: " + "; ".join(faults))


def _people(n: int, seed: int) -> tuple[pl.DataFrame, Ints, Floats]:
    rng = substream(seed, "people")
    gender = rng.choice(3, size=n, p=_GENDER_SHARES)
    age = np.clip(rng.normal(42, 13, size=n).round(), 18, 80)
    ids = [f"p{i:0{len(str(n - 1))}}" for i in range(n)]
    return pl.DataFrame({"person": ids, "age": age, "gender": pick(list(GENDERS), gender)}), gender, age


def closeness_of(first: Ints, second: Ints, seed: int, *, shares: Sequence[float] = _CLOSENESS_SHARES) -> Ints:
    """How close two people are, as places in `CLOSENESS`: drawn for each pair of people by itself, the same both ways.

    The draw is a hash of the pair (splitmix64), so that no table of all pairs has to be kept.
    """
    low, high = np.minimum(first, second).astype(np.uint64), np.maximum(first, second).astype(np.uint64)
    with np.errstate(over="ignore"):  # the hash is made of overflows
        x = (low << np.uint64(32)) + high + np.uint64(derive(seed, "closeness"))
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            x = (x ^ (x >> np.uint64(shift))) * np.uint64(factor)
        x ^= x >> np.uint64(31)
    share = (x >> np.uint64(11)).astype(np.float64) / 2**53
    return np.searchsorted(np.cumsum(shares)[:-1], share, side="right").astype(np.int64)


def _who(z: Floats, poster: Ints, gender: Ints, *, selection: float, seed: int) -> tuple[Ints, Ints]:
    """A commenter for each row, and how close it is to the poster: category first, then someone of that category."""
    rng = substream(seed, "who")
    logits = np.log(np.outer(_GENDER_SHARES, _CLOSENESS_SHARES))[None] + np.zeros((len(z), 1, 1))
    for name, weights in SELECTION.items():
        pull = selection * sum(weight * z[:, tones.TONES.index(tone)] for tone, weight in weights.items())
        if name in GENDERS:
            logits[:, GENDERS.index(name), :] += np.asarray(pull)[:, None]
        else:
            logits[:, :, CLOSENESS.index(name)] += np.asarray(pull)[:, None]
    drawn = (logits.reshape(len(z), 9) + rng.gumbel(size=(len(z), 9))).argmax(axis=1)
    wanted, near = drawn // 3, drawn % 3
    who, close = np.full(len(z), -1), np.zeros(len(z), dtype=np.int64)
    for round_ in range(_ROUNDS + 1):
        left = np.flatnonzero(who < 0)
        if not len(left):
            break
        some = rng.integers(len(gender), size=(len(left), _AT_ONCE))
        how = closeness_of(some, poster[left, None], seed)
        fits = (some != poster[left, None]) & (gender[some] == wanted[left, None])
        # few people: nobody of that category may be there, then gender alone decides, and at the very last nothing
        fits &= (how == near[left, None]) | (round_ > _ROUNDS // 2)
        if round_ == _ROUNDS:
            fits = some != poster[left, None]
        at = fits.argmax(axis=1)
        rows = np.flatnonzero(fits[np.arange(len(left)), at])
        who[left[rows]], close[left[rows]] = some[rows, at[rows]], how[rows, at[rows]]
    nobody = np.flatnonzero(who < 0)  # every candidate of every round was the poster: one in 30**16
    who[nobody] = (poster[nobody] + 1) % len(gender)
    close[nobody] = closeness_of(who[nobody], poster[nobody], seed)
    return who, close


def _posts(
    people: pl.Series, author: Ints, on: Ints, latent: Floats, *, posts: int, texts: bool, seed: int
) -> pl.DataFrame:
    n = len(author)
    rng = substream(seed, "times")
    start = rng.integers(_DAYS * 24 * _HOUR, size=posts)
    time = np.concatenate([start, start[on] + 1 + (rng.exponential(6 * _HOUR, size=len(on))).astype(np.int64)])
    width = len(str(n - 1))
    names = pl.concat([pl.Series([f"{a}{i:0{width}}" for i in range(k)]) for a, k in (("s", posts), ("c", n - posts))])
    parent = pl.concat([pl.Series([None] * posts, dtype=pl.String), names.gather(on)])
    frame = pl.DataFrame(
        {
            "post": names,
            "person": people.gather(author),
            "text": names,
            "thread": pl.concat([names.head(posts), parent.tail(n - posts)]),
            "parent": parent,
            "time": pl.Series(time).cast(pl.Duration("us")) + _START,
            "kind": pick(["post", "reply"], (np.arange(n) >= posts).astype(np.int64)),
        }
    )
    for k, tone in enumerate(tones.TONES):
        frame = frame.with_columns(pl.Series(f"latent_{tone}", latent[:, k]))
    if not texts:
        return frame.with_columns(pl.lit(None, pl.Int64).alias(f"count_{tone}") for tone in tones.TONES)
    rng = substream(seed, "texts")
    said, counts = written(np.exp(latent), rng.integers(SHORTEST, LONGEST + 1, size=n), rng)
    frame = frame.with_columns(said.alias("text"))
    return frame.with_columns(pl.Series(f"count_{tone}", counts[:, k]) for k, tone in enumerate(tones.TONES))
