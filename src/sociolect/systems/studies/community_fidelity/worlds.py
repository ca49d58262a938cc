"""The study in seconds, on planted societies with models that count: how often its verdicts are right.

`benchmarks/worlds.py` runs many and prints how often; the tests run a few.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from sociolect import frames
from sociolect.align.demonstrations import demonstrations, shuffled
from sociolect.align.in_context import in_context
from sociolect.compare.corpora import corpora
from sociolect.compare.fidelity import origin_fidelity
from sociolect.compare.origin import f1_effects
from sociolect.compare.profiles import profiles
from sociolect.elicit.ask import ask
from sociolect.elicit.human import human
from sociolect.find.declared import declared
from sociolect.find.words import by_members
from sociolect.frames import Effects, Examples, Posts, Replies
from sociolect.load.planted import planted, topics
from sociolect.measure.embedding import embedding, space
from sociolect.measure.format import audit
from sociolect.measure.style import normalise
from sociolect.models.model import Model
from sociolect.models.ngram import ngram
from sociolect.seeds import derive
from sociolect.systems.studies.community_fidelity import elicit, measure
from sociolect.systems.studies.community_fidelity.audits import plain, plain_origin
from sociolect.systems.studies.community_fidelity.load import cleaned, drawn, sides

TOPICS, TEMPLATES = 12, 17  # 204 replies of an arm for each community
EXEMPLARS = 6
CACHE = 0.5  # ours: how far the base goes by the posts it is shown
LEARNT = 150  # posts of each community that the instruments learn from
DIMS = 15
DRAWS = 1000
PREAMBLE = "Sure! Here is a post that a member of this community might share today:\n"
WRAPPING = ("preamble", "quotes", "hashtags", "capitals")
LEAST = 0.70  # normalised origin fidelity that is due of the aligned arm: 0 at the floor, 1 at the ceiling
MAIN, RAW, PLAIN = ("aligned", "in_context"), ("wrapped", "aligned"), ("redrawn", "aligned")


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """What people and the arms say, at one n for all arms, and what the instruments learn from."""

    replies: Replies
    judge: Posts
    seed: int

    @property
    def communities(self) -> list[str]:
        return sorted(self.judge["community"].unique())


def world(*, null: bool = False, people: int = 480, originals: int = 16, seed: int = 0) -> World:
    """A planted society's people and six arms; with `null` its communities speak alike, and two arms are enough.

    `in_context`, `aligned` and `shuffled` are the study's. `sharpened` is `aligned` drawn at temperature .5. `wrapped` is
    what `aligned` said, word for word, in another form (`wrap`); `redrawn` is `aligned` asked a second time, in that form.
    """
    society = planted(people=people, posts=originals, largest=1.0, null=null, seed=seed)
    members = declared(society, column="planted")
    clean, _ = cleaned(society.posts, replies=True)
    said = by_members(clean.join(sides(society, seed=seed).select("post", "side"), on="post"), members)
    train, judge, reference = (frames.posts(said.filter(side=s)) for s in ("train", "judge", "reference"))
    demos = demonstrations(train, members, seed=seed)
    base = ngram(train["text"].to_list(), cache=CACHE, name="base")
    shown = {n: in_context(base, part, exemplars=EXEMPLARS, seed=seed) for n, part in _by_community(demos)}
    taught = _taught(demos)

    def asked(arm: str, models: Mapping[str, Model], *, temperature: float = 1.0, seed: int = seed) -> Replies:
        items = elicit.prompts(topics(n=TOPICS), templates=TEMPLATES)
        return ask(models, items, condition=arm, tokens=40, temperature=temperature, seed=seed)

    told = [asked("in_context", shown), asked("aligned", taught)]
    if not null:
        mixed = _taught(demonstrations(train, shuffled(members, seed=seed), seed=seed))
        told += [asked("shuffled", mixed), asked("sharpened", taught, temperature=0.5), wrapped(told[1], arm="wrapped")]
        told += [wrapped(asked("redrawn", taught, seed=derive(seed, "redrawn")), arm="redrawn")]
    blank = pl.lit(None, pl.String)
    people_said = human(frames.posts(reference.with_columns(topic=blank, template=blank)), members)
    heard = elicit.together([people_said, *told]).with_columns(
        fate=pl.lit("kept"), rouge=pl.lit(0.0), again=pl.lit(0.0)
    )
    return World(elicit.level(heard, seed=seed), drawn(judge, members, most=LEARNT, even=True, seed=seed), seed)


def _taught(demos: Examples) -> dict[str, Model]:
    return {n: ngram(part["reply"].to_list(), name=f"base@{n}") for n, part in _by_community(demos)}


def _by_community(demos: Examples) -> Iterator[tuple[str, Examples]]:
    for (name,), part in sorted(demos.partition_by("community", as_dict=True).items()):
        yield str(name), frames.examples(part)


def wrap(text: str) -> str:
    """The same words in another form: a preamble, quotation marks, capitals, and hash signs on the last two.

    >>> wrap("i ran today")
    'Sure! Here is a post that a member of this community might share today:\\n"I #Ran #Today"'
    """
    words = text.title().split(" ")
    return f'{PREAMBLE}"{" ".join([*words[:-2], *(f"#{w}" for w in words[-2:])])}"'


def wrapped(replies: Replies, *, arm: str) -> Replies:
    """The replies as another arm, each in another form (`wrap`)."""
    texts = pl.Series([None if t is None else wrap(t) for t in replies["text"]], dtype=pl.String)
    return frames.replies(replies.with_columns(condition=pl.lit(arm), raw=texts, text=texts))


def verdicts(world: World) -> pl.DataFrame:
    """What the study concludes of a planted world, claim by claim: claim, holds, value, low, high.

    `holds` is null where a row is a figure only. Low and high are the interval, or floor and ceiling of a "between".
    Of the wrapped arm's raw F1 no more is claimed than its sign. The judge is blind to case; the preamble, the same for
    all, turns about a quarter of its verdicts towards one community, right ones and wrong ones, so F1 falls by .06 only,
    and its interval lies below 0 in most worlds but not in all.
    """
    return pl.concat([_order(world), _form(world), _between(world)])


def gap(world: World) -> dict[str, Any]:
    """The difference of the two main arms' origin F1: estimate, low, high (and all of `f1_effects`)."""
    return _row(f1_effects(_origin(world, MAIN), arms=MAIN, pairs=(MAIN,), **_by(world)), f"{MAIN[0]} - {MAIN[1]}")


def between(found: Mapping[str, Any]) -> bool:
    """Whether a value lies between its floor and its ceiling, or inside the interval of one of them.

    >>> ends = {"floor": 0.2, "floor_low": 0.1, "floor_high": 0.3, "ceiling": 0.7, "ceiling_low": 0.6, "ceiling_high": 0.8}
    >>> [between(ends | {"estimate": v}) for v in (0.05, 0.15, 0.5, 0.75, 0.85)]
    [False, True, True, True, False]
    """
    low, high = sorted((found["floor"], found["ceiling"]))
    spans = [(low, high), *((found[f"{end}_low"], found[f"{end}_high"]) for end in ("floor", "ceiling"))]
    return any(a is not None and b is not None and a <= found["estimate"] <= b for a, b in spans)


def _order(world: World) -> pl.DataFrame:
    """Origin: the arms in their order, the main difference, normalised fidelity, and the caricature."""
    arms = ["shuffled", "in_context", "aligned", "sharpened", "wrapped", "human"]
    scores = _origin(world, arms)
    found = f1_effects(scores, arms=arms, pairs=(MAIN, RAW), **_by(world))
    bounded = origin_fidelity(scores, arms=["aligned", "sharpened"], **_by(world))
    f1 = {arm: _row(found, arm) for arm in arms}
    shuffled, shown, aligned = (f1[arm]["estimate"] for arm in ("shuffled", "in_context", "aligned"))
    main, raw, place = _row(found, "aligned - in_context"), _row(found, "wrapped - aligned"), _row(bounded, "aligned")
    sharp = _row(bounded, "sharpened")
    over = {"estimate": aligned - f1["human"]["high"]}
    return _table([
        *((f"F1 of {arm}", None, f1[arm]) for arm in arms),
        ("shuffled < in_context < aligned", shuffled < shown < aligned, {"estimate": min(shown - shuffled, aligned - shown)}),
        ("aligned not above human's interval", over["estimate"] <= 0, over),
        ("aligned - in_context above 0", main["low"] > 0, main),
        ("normalised fidelity of aligned >= .70", (place["normalised"] or 0.0) >= LEAST, _normalised(place)),
        ("sharpened is a caricature", sharp["flag"] == "caricature", _normalised(sharp)),
        ("wrapped has a lower raw F1", raw["estimate"] < 0, raw),
        ("wrapped has a lower raw F1: interval", raw["high"] < 0, raw),
        ("between: origin", between(place), _ends(place)),
    ])  # fmt: skip


def _form(world: World) -> pl.DataFrame:
    """Form alone: the redrawn arm in plain form is the aligned one, and the audit names what the wrapped one wears."""
    scores = plain_origin(_heard(world, PLAIN), world.judge, seed=world.seed)
    same = _row(f1_effects(scores, arms=PLAIN, pairs=(PLAIN,), **_by(world)), "redrawn - aligned")
    told = {row["condition"]: row for row in audit(world.replies, arms=RAW, seed=world.seed).arms.iter_rows(named=True)}
    worn = {arm: set(WRAPPING) & set(row["gives_away"]) for arm, row in told.items()}
    near = _distances(world, ["aligned", "redrawn"], PLAIN, measures=("mmd",), bare=True)
    apart = _row(near, "redrawn - aligned", measure="mmd")
    return _table([
        ("redrawn is the same in plain F1", _holds_zero(same), same),
        ("redrawn is the same in plain distance", _holds_zero(apart), apart),
        ("the audit names the wrapping", worn == {"wrapped": set(WRAPPING), "aligned": set()}, {"estimate": told["wrapped"]["accuracy"]}),
    ])  # fmt: skip


def _between(world: World) -> pl.DataFrame:
    """Distance, emotion and toxicity of the aligned arm between floor and ceiling; and how far the wrapped one is."""
    heard = _heard(world, ["aligned", "shuffled", "human"])
    tones = [
        measure.tones(heard, measure.planted_labels(world.judge, column), instrument=name, positive="toxic", seed=world.seed)
        for name, column in (("emotion", "emotion"), ("toxicity", "toxic"))
    ]  # fmt: skip
    halves = elicit.halves(heard, seed=world.seed)
    scores = frames.scores(pl.concat(tones, how="diagonal").join(halves, on="speaker", how="left"))
    near = _distances(world, ["aligned", "wrapped"], RAW, measures=("frechet", "mmd"))
    far = _row(near, "wrapped - aligned", measure="mmd")
    found = {name: _row(near, "aligned", measure=name) for name in ("frechet", "mmd")}
    toned = profiles(scores, arms=["aligned"], clusters=measure.RIDERS, pairs=(), draws=DRAWS, seed=world.seed)
    found |= {name: _row(toned, "aligned", measure=name) for name in ("emotion", "toxicity")}
    return _table([
        ("wrapped differs in raw distance", not _holds_zero(far), far),
        *((f"between: {name}", between(row), _ends(row)) for name, row in found.items()),
    ])  # fmt: skip


def _origin(world: World, arms: Sequence[str]) -> frames.Scores:
    return measure.origins(_heard(world, arms), world.judge, seed=world.seed)


def _distances(
    world: World, arms: list[str], pair: tuple[str, str], *, measures: Sequence[str], bare: bool = False
) -> Effects:
    """How far arms are from people, in a space of the judge side's texts; `bare`: all of them in plain form."""
    heard, learnt = _heard(world, [*arms, "shuffled", "human"]), world.judge["text"].to_list()
    if bare:
        heard, learnt = plain(heard), [normalise(t) for t in learnt]
    found = embedding(heard, space("lsa", learnt, dims=DIMS, seed=world.seed))
    halved = frames.vectors(found.join(elicit.halves(heard, seed=world.seed), on="speaker", how="left"))
    return corpora(
        halved, arms=arms, measures=measures, clusters=measure.RIDERS, pairs=(pair,), permutations=0,
        draws=DRAWS, seed=world.seed,
    )  # fmt: skip


def _heard(world: World, arms: Sequence[str]) -> Replies:
    return frames.replies(world.replies.filter(pl.col("condition").is_in(list(arms))))


def _by(world: World) -> dict[str, Any]:
    return {"labels": world.communities, "clusters": measure.RIDERS, "draws": DRAWS, "seed": world.seed}


def _row(effects: Effects, contrast: str, *, measure: str = "macro_f1") -> dict[str, Any]:
    return effects.row(by_predicate=(pl.col("measure") == measure) & (pl.col("contrast") == contrast), named=True)


def _holds_zero(found: Mapping[str, Any]) -> bool:
    return bool(found["low"] <= 0 <= found["high"])


def _normalised(found: Mapping[str, Any]) -> dict[str, Any]:
    return {"estimate": found["normalised"], "low": found["normalised_low"], "high": found["normalised_high"]}


def _ends(found: Mapping[str, Any]) -> dict[str, Any]:
    return {"estimate": found["estimate"], "low": found["floor"], "high": found["ceiling"]}


def _table(rows: Sequence[tuple[str, bool | None, Mapping[str, Any]]]) -> pl.DataFrame:
    told = [(claim, holds, v["estimate"], v.get("low"), v.get("high")) for claim, holds, v in rows]
    kinds = {"claim": pl.String, "holds": pl.Boolean, "value": pl.Float64, "low": pl.Float64, "high": pl.Float64}
    return pl.DataFrame(told, schema=kinds, orient="row")
