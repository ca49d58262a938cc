"""Community fidelity: split, find, align, ask, measure, compare, one page (arXiv 2408.09366)."""

from pathlib import Path
from typing import Literal, NamedTuple

import polars as pl

from sociolect import frames
from sociolect.align.demonstrations import shuffled
from sociolect.compare.differences import means
from sociolect.compare.fidelity import origin_fidelity
from sociolect.compare.origin import f1_effects
from sociolect.compare.profiles import profiles
from sociolect.elicit.human import human
from sociolect.errors import InputError, UsageError, unknown
from sociolect.frames import Members, Posts
from sociolect.load.planted import planted
from sociolect.load.planted import topics as planted_topics
from sociolect.load.table import table
from sociolect.measure.duplicates import duplicates
from sociolect.measure.overlap import overlap
from sociolect.report.content import Page
from sociolect.seeds import derive
from sociolect.systems import find as card_of
from sociolect.systems.studies.community_fidelity import align, compare, elicit, find, measure
from sociolect.systems.studies.community_fidelity.findings import Findings
from sociolect.systems.studies.community_fidelity.load import SPLITS, apart, cleaned, drawn, sides
from sociolect.systems.studies.community_fidelity.page import page
from sociolect.workspace import Workspace


class Dial(NamedTuple):
    """What `size` turns: how much there is of everything, and how replies are drawn."""

    people: int  # of the planted society, and how many originals each of them writes
    originals: int
    corpus: int  # training posts of each community that the base model learns from, at most
    posts: int  # of each community that an arm learns from or is shown, and of each held-out side, at most
    topics: int
    draws: int  # of each of the 20 templates on each topic
    epochs: int
    rate: float
    tokens: int
    exemplars: int
    decoding: dict[str, float]


# [code] the framework's defaults, never overridden; top-k 50 goes with them. They sharpen: a model that knows the whole
# distribution of its community, as one trained on a planted one does, becomes a caricature of it. So tiny draws plainly.
SHARP, PLAIN = {"temperature": 0.95, "top_p": 0.7}, {"temperature": 1.0, "top_p": 1.0}
SIZES = {
    "tiny": Dial(
        720, 12, corpus=1000, posts=400, topics=9, draws=1, epochs=3, rate=1e-3, tokens=40, exemplars=12, decoding=PLAIN
    ),
    "small": Dial(
        3000,
        20,
        corpus=5000,
        posts=1000,
        topics=12,
        draws=2,
        epochs=3,
        rate=5e-4,
        tokens=80,
        exemplars=20,
        decoding=SHARP,
    ),
    "full": Dial(
        20_000,
        20,
        corpus=50_000,
        posts=10_000,
        topics=27,
        draws=50,
        epochs=3,
        rate=2e-5,
        tokens=512,
        exemplars=250,
        decoding=SHARP,
    ),
}
ROLES = (
    "post", "person", "text", "thread", "parent", "time", "kind", "topic", "community", "scope",
    "link_child", "link_parent", "tie_source", "tie_target", "tie_kind", "tie_weight",
)  # fmt: skip
BOUNDED = ("base", "in_context", "aligned")
PAIRS = (("aligned", "in_context"), ("aligned", "shuffled"), ("in_context", "base"))


def run(
    workspace: Workspace,
    *,
    size: Literal["tiny", "small", "full"] = "tiny",
    posts: Path | None = None,
    columns: dict[str, str] | None = None,
    where: dict[str, str] | None = None,
    links: Path | None = None,
    ties: Path | None = None,
    anonymous: bool = False,
    keep_ids: str = "",
    finder: Literal["leiden", "louvain", "label_propagation", "declared"] = "leiden",
    network: tuple[str, ...] = ("repost", "reply", "mention"),
    resolution: float = 1.0,
    merge: Path | None = None,
    only: tuple[str, ...] = (),
    most: int = 6,
    split: Literal["author", "time"] = "author",
    replies: bool = False,
    hashtags: Literal["strip", "word"] = "strip",
    words: int = 40,
    topics: Path | None = None,
    base: str | None = None,
    lora_rank: int | None = None,
    name_community: bool = False,
    emotion: Path | None = None,
    emotion_columns: dict[str, str] | None = None,
    toxicity: Path | None = None,
    toxicity_columns: dict[str, str] | None = None,
    sensitive: bool = False,
    null: bool = False,
    seed: int = 0,
) -> Page:
    """The page of the study: on a planted society without `posts`, else on the posts of that table.

    `columns` maps roles to columns (`person=author_id,text=body`; `sociolect guess FILE` proposes). `null` plants nothing.
    """
    dial, plants = SIZES[size], posts is None
    own = align.given(base) if base else None
    if posts is None:
        if columns or where or links or ties:
            raise UsageError("--columns, --where, --links and --ties describe a table: name it with --posts")
        society = workspace.society(
            "society", planted, people=dial.people, posts=dial.originals, largest=3.0, null=null, seed=seed
        )
    else:
        if null:
            raise UsageError("--null plants a society without communities: it does not go with --posts")
        if strange := sorted(set(columns or {}) - set(ROLES)):
            raise unknown("role of a column", strange[0], ROLES)
        rows = {"where": where, "links": links, "ties": ties, "anonymous": anonymous, "keep_ids": keep_ids}
        society = workspace.society("society", table, posts, **(columns or {}), **rows)

    # Who stands where is settled before anything is learnt.
    side = workspace.frame("sides", pl.DataFrame, sides, society, by=split, seed=seed)
    net = {"finder": finder, "network": network, "resolution": resolution, "seed": seed}
    everyone = workspace.frame("communities", frames.members, find.found, society, side, merge=merge, **net)
    structure = (
        None
        if finder == "declared"
        else workspace.frame("structure", frames.effects, find.verdict, society, side, **net)
    )
    clean, log = cleaned(society.posts, replies=replies or plants, hashtags=hashtags, words=words)
    spoken = clean.join(side.select("post", "side").drop_nulls(), on="post", how="inner")
    members, sizes = find.chosen(everyone, spoken, only=only, most=most)
    parts, leaked = apart(spoken, members, corpus=dial.corpus, most=dial.posts, seed=seed)
    about = _topics(topics, parts["train"], members, plants=plants, n=dial.topics)
    train = align.topical(parts["train"], about)

    # One base model; its arms differ in one thing each.
    begun = (
        own
        if own is not None
        else workspace.files("base", align.train_base, train, size="tiny" if size == "tiny" else "small", seed=seed)
    )
    taught = {
        "lora_rank": lora_rank,
        "epochs": dial.epochs,
        "rate": dial.rate,
        "shareable": not sensitive,
        "seed": seed,
    }
    demos, dealt = (
        align.demonstrate(train, m, name_community=name_community, most=dial.posts, seed=seed)
        for m in (members, shuffled(members, seed=seed))
    )
    weights: dict[str, Path | None] = {
        "aligned": workspace.files("aligned", align.teach, begun, demos, **taught),
        "shuffled": workspace.files("shuffled", align.teach, begun, dealt, **taught),
    }
    decoding = {**dial.decoding, "tokens": dial.tokens, "draws": dial.draws}
    asking = {
        "held_out": frozenset([*parts["judge"]["post"], *parts["reference"]["post"]]),
        "name_community": name_community, "exemplars": dial.exemplars, "decoding": decoding, "seed": derive(seed, "ask"),
    }  # fmt: skip
    said = [
        workspace.frame(
            f"replies_{arm}", frames.replies, align.asked, arm, begun, weights.get(arm), demos, about, **asking
        )
        for arm in align.ARMS
    ]

    # People and models in one frame, one filter, equal numbers; from here on nothing sees who spoke.
    people = align.topical(parts["reference"], about).with_columns(template=pl.lit(None, pl.String))
    heard = elicit.together([human(frames.posts(people), members), *said])
    overlaps = workspace.frame("overlap", frames.scores, overlap, heard, train["text"].to_list())
    known = elicit.fates(heard, overlaps, duplicates(heard))
    kept = elicit.level(known, seed=seed)
    judged = drawn(parts["judge"], members, most=dial.posts, even=True, seed=seed)
    scores = workspace.frame("origin", frames.scores, measure.origins, kept, judged, seed=seed)
    tables = {"emotion": (emotion, emotion_columns or {}), "toxicity": (toxicity, toxicity_columns or {})}
    tones = [
        workspace.frame(name, frames.scores, measure.tones, kept, labels, instrument=name, positive=tables[name][1].get("positive", "toxic"), seed=seed)
        for name, labels in measure.labels(parts["judge"], tables, plants=plants).items()
    ]  # fmt: skip

    names = sorted(members["community"].unique())
    by = {"labels": names, "clusters": measure.RIDERS, "seed": seed}
    origin = workspace.frame(
        "origin_effects", frames.effects, f1_effects, scores, arms=[*align.ARMS, "human"], pairs=PAIRS, **by
    )
    bounded = workspace.frame("origin_fidelity", frames.effects, origin_fidelity, scores, arms=BOUNDED, **by)
    near = None
    if tones:
        halved = frames.scores(
            pl.concat(tones, how="diagonal").join(elicit.halves(kept, seed=seed), on="speaker", how="left")
        )
        near = workspace.frame(
            "profiles",
            frames.effects,
            profiles,
            halved,
            arms=BOUNDED,
            pairs=PAIRS[:1],
            clusters=measure.RIDERS,
            seed=seed,
        )
    copies = workspace.frame(
        "copies", frames.effects, means, measure.ridden(overlaps, heard), clusters=measure.RIDERS, seed=seed
    )
    effects = frames.effects(pl.concat([origin, *([near] if near is not None else [])], how="diagonal"))
    found = Findings(
        society, members, everyone, sizes, structure, log, leaked, about, find.suggest(train, members), elicit.attrition(known), copies, kept,
        scores, tones, origin, bounded, near, compare.claims(card_of("community_fidelity").claims, effects, communities=len(names)),
    )  # fmt: skip
    made = {
        "size": size, "base model": base or f"scratch/{size}, trained here from nothing on the training side",
        "decoding": ", ".join(f"{k} {v}" for k, v in sorted(decoding.items())), "split": SPLITS[split], "seed": str(seed),
    }  # fmt: skip
    return page(found, made, network=network, sensitive=sensitive, plants=plants, null=null, seed=seed)


def _topics(file: Path | None, train: Posts, members: Members, *, plants: bool, n: int) -> pl.DataFrame:
    """What all are asked about: a file's topics (columns topic, words), the planted ones, else words all communities share."""
    if file is None:
        return planted_topics(n=min(n, 12)) if plants else find.shared_topics(train, members, n=n)
    try:
        about = pl.read_csv(file)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise InputError(f"{file} cannot be read as a table of topics: {error}") from error
    if missing := {"topic", "words"} - set(about.columns):
        raise InputError(
            f"{file} has no column {', '.join(sorted(missing))}: a topic needs its id and the words to say"
        )
    return about.select(pl.col("topic", "words").cast(pl.String))
