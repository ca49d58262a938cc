"""Community fidelity: split, find, align, ask, measure, compare, one page (arXiv 2408.09366)."""

from pathlib import Path
from typing import Literal, NamedTuple

import polars as pl

from sociolect import frames
from sociolect.align.demonstrations import shuffled
from sociolect.compare.fidelity import origin_fidelity
from sociolect.compare.origin import f1_effects
from sociolect.compare.profiles import profiles
from sociolect.elicit.human import human
from sociolect.errors import UsageError
from sociolect.frames import Effects, Members, Posts, Replies, Scores, Society
from sociolect.load.planted import planted
from sociolect.load.planted import topics as planted_topics
from sociolect.load.table import table
from sociolect.measure.overlap import duplicates, leaks, overlap
from sociolect.report.content import Page
from sociolect.seeds import derive
from sociolect.systems import find as card_of
from sociolect.systems.studies.community_fidelity import align, compare, elicit, find, measure
from sociolect.systems.studies.community_fidelity.findings import Findings
from sociolect.systems.studies.community_fidelity.load import SIDES, cleaned, drawn, sides
from sociolect.systems.studies.community_fidelity.page import page
from sociolect.workspace import Workspace


class Dial(NamedTuple):
    """What `size` turns: how much there is of everything. Decoding is the paper's at every size, but for the length."""

    people: int
    posts: int  # per community and side, at most
    topics: int
    draws: int  # of each of the 20 templates and each topic
    epochs: int
    rate: float
    tokens: int
    exemplars: int


SIZES = {
    "tiny": Dial(people=720, posts=400, topics=9, draws=1, epochs=4, rate=1e-3, tokens=40, exemplars=12),
    "small": Dial(people=3000, posts=1000, topics=12, draws=2, epochs=3, rate=5e-4, tokens=80, exemplars=20),
    "full": Dial(
        people=20_000, posts=10_000, topics=27, draws=50, epochs=3, rate=2e-5, tokens=512, exemplars=250
    ),  # Sec. 4, 5
}
DECODING = {
    "temperature": 0.95,
    "top_p": 0.7,
}  # [code] the framework's defaults, never overridden; top-k 50 goes with them


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
    dial = SIZES[size]
    society = _loaded(
        workspace,
        dial,
        posts=posts,
        columns=columns or {},
        where=where or {},
        links=links,
        ties=ties,
        anonymous=anonymous,
        keep_ids=keep_ids,
        null=null,
        seed=seed,
    )
    side = workspace.frame("sides", pl.DataFrame, sides, society, by=split, seed=seed)
    clean, log = cleaned(society.posts, replies=replies or posts is None, hashtags=hashtags, words=words)
    net = {"finder": finder, "network": network, "resolution": resolution, "seed": seed}
    everyone = workspace.frame("communities", frames.members, find.found, society, side, merge=merge, **net)
    structure = (
        None
        if finder == "declared"
        else workspace.frame("structure", frames.effects, find.verdict, society, side, **net)
    )
    spoken = clean.join(side.select("post", "side").drop_nulls(), on="post", how="inner")
    members, sizes = find.chosen(everyone, spoken, only=only, most=most)

    parts, leaked = _apart(spoken, members, dial.posts, seed)
    train, judge, reference = (parts[s] for s in SIDES)
    about = (
        pl.read_csv(topics)
        if topics
        else planted_topics(n=dial.topics)
        if posts is None
        else find.shared_topics(train, members, n=dial.topics)
    )
    train = align.topical(train, about)

    begun: Path | str = base or workspace.files(
        "base", align.train_base, train, size="tiny" if size == "tiny" else "small", seed=seed
    )
    demos = align.demonstrate(train, members, name_community=name_community, most=dial.posts, seed=seed)
    dealt = align.demonstrate(
        train, shuffled(members, seed=seed), name_community=name_community, most=dial.posts, seed=seed
    )
    taught = {
        "lora_rank": lora_rank,
        "shareable": not sensitive,
        "epochs": dial.epochs,
        "rate": dial.rate,
        "seed": seed,
    }
    adapters: dict[str, Path | None] = {
        "aligned": workspace.files("aligned", align.teach, begun, demos, **taught),
        "shuffled": workspace.files("shuffled", align.teach, begun, dealt, **taught),
    }

    names = sorted(members["community"].unique())
    held_out = frozenset([*judge["post"], *reference["post"]])
    decoding = DECODING | {"tokens": dial.tokens, "draws": dial.draws}
    said = [
        workspace.frame(f"replies_{arm}", frames.replies, align.asked, arm, begun, adapters.get(arm), demos, about, held_out=held_out,
                        name_community=name_community, exemplars=dial.exemplars, decoding=decoding, seed=derive(seed, "ask"))
        for arm in align.ARMS
    ]  # fmt: skip
    people = align.topical(reference, about).with_columns(template=pl.lit(None, pl.String))
    heard = _together([human(frames.posts(people), members), *said])
    overlaps = workspace.frame("overlap", frames.scores, overlap, heard, train["text"].to_list())
    known = elicit.fates(heard, overlaps, duplicates(heard))
    kept = elicit.level(known, seed=seed)

    scores = workspace.frame(
        "origin",
        frames.scores,
        measure.origins,
        kept,
        drawn(judge, members, most=dial.posts, even=True, seed=seed),
        seed=seed,
    )
    labels = _instruments(
        judge,
        plants=posts is None,
        emotion=emotion,
        emotion_columns=emotion_columns or {},
        toxicity=toxicity,
        toxicity_columns=toxicity_columns or {},
    )
    tones: list[Scores] = []
    if "emotion" in labels:
        tones.append(workspace.frame("emotion", frames.scores, measure.emotions, kept, labels["emotion"], seed=seed))
    if "toxicity" in labels:
        positive = (toxicity_columns or {}).get("positive", "toxic")
        tones.append(
            workspace.frame(
                "toxicity", frames.scores, measure.toxicities, kept, labels["toxicity"], positive=positive, seed=seed
            )
        )

    pairs = [("aligned", "in_context"), ("aligned", "shuffled"), ("in_context", "base")]
    arms = [*align.ARMS, "human"]
    by = {"labels": names, "clusters": measure.RIDERS, "seed": seed}
    effects = workspace.frame("origin_effects", frames.effects, f1_effects, scores, arms=arms, pairs=pairs, **by)
    bounded = workspace.frame(
        "origin_fidelity", frames.effects, origin_fidelity, scores, arms=["base", "in_context", "aligned"], **by
    )
    near = _profiles(workspace, tones, kept, seed)
    found = frames.effects(pl.concat([effects, near], how="diagonal")) if near is not None else effects
    return page(
        Findings(
            society=society, members=members, everyone=everyone, sizes=sizes, structure=structure, log=log, leaked=leaked, side=side,
            train=train, keywords=find.suggest(train, members), attrition=elicit.attrition(known), overlaps=overlaps, kept=kept, origin=scores,
            tones=tones, effects=effects, bounded=bounded, near=near,
            claims=compare.claims(card_of("community_fidelity").claims, found, communities=len(names)),
        ),
        size=size, sensitive=sensitive, planted=posts is None, null=null, network=network, base=str(base or f"scratch/{size}"), decoding=decoding, split=split, seed=seed,
    )  # fmt: skip


def _loaded(
    workspace: Workspace, dial: Dial, *, posts: Path | None, columns: dict[str, str], where: dict[str, str], links: Path | None,
    ties: Path | None, anonymous: bool, keep_ids: str, null: bool, seed: int,
) -> Society:  # fmt: skip
    if posts is None:
        if columns or where or links or ties:
            raise UsageError("--columns, --where, --links and --ties describe a table: name it with --posts")
        return workspace.society(
            "society", planted, people=dial.people, communities=6, posts=5, largest=3.0, null=null, seed=seed
        )
    if null:
        raise UsageError("--null plants a society without communities: it does not go with --posts")
    return workspace.society(
        "society", table, posts, **columns, where=where, links=links, ties=ties, anonymous=anonymous, keep_ids=keep_ids
    )


def _apart(spoken: pl.DataFrame, members: Members, most: int, seed: int) -> tuple[dict[str, Posts], pl.DataFrame]:
    """Each side's posts by members, at most `most` of a community; held-out near copies of training posts are counted and removed."""
    mine = spoken.join(members.select("person"), on="person", how="semi").sort("post")
    parts = {s: drawn(frames.posts(mine.filter(pl.col("side") == s)), members, most=most, seed=seed) for s in SIDES}
    learnt, told = parts["train"]["text"].to_list(), []
    for name in ("judge", "reference"):
        copied = pl.Series(leaks(parts[name]["text"].to_list(), learnt), dtype=pl.Boolean)
        told.append((name, parts[name].height, int(copied.sum())))
        parts[name] = frames.posts(parts[name].filter(~copied))
    return parts, pl.DataFrame(
        told,
        schema={"side": pl.String, "posts": pl.Int64, "near copies of training posts, removed": pl.Int64},
        orient="row",
    )


def _together(parts: list[Replies]) -> Replies:
    """People and models in one frame, with the columns that all of them have."""
    shared = [c for c in parts[1].columns if c in parts[0].columns]
    return frames.replies(pl.concat([p.select(shared) for p in parts]))


def _instruments(
    judge: Posts, *, plants: bool, emotion: Path | None, emotion_columns: dict[str, str], toxicity: Path | None, toxicity_columns: dict[str, str]
) -> dict[str, pl.DataFrame]:  # fmt: skip
    """The labelled tables the tone readers are trained on: named ones; else the planted truth of the judge side; else none."""
    found = (
        {"emotion": measure.planted_labels(judge, "emotion"), "toxicity": measure.planted_labels(judge, "toxic")}
        if plants
        else {}
    )
    for name, path, said in (("emotion", emotion, emotion_columns), ("toxicity", toxicity, toxicity_columns)):
        if path:
            from sociolect.load.labelled import labelled

            given = {k: v for k, v in said.items() if k in {"text", "label", "names", "labels"}}
            beside = {k: path.parent / v for k, v in given.items() if k in {"names", "labels"}}
            found[name] = labelled(path, **given | beside, header=said.get("header", "true") != "false")
    return found


def _profiles(workspace: Workspace, tones: list[Scores], kept: Replies, seed: int) -> Effects | None:
    if not tones:
        return None
    halved = pl.concat(tones, how="diagonal").join(elicit.halves(kept, seed=seed), on="speaker", how="left")
    return workspace.frame(
        "profiles",
        frames.effects,
        profiles,
        frames.scores(halved),
        arms=["base", "in_context", "aligned"],
        clusters=measure.RIDERS,
        seed=seed,
    )
