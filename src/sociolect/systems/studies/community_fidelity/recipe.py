"""Community fidelity: split, find, align, ask, measure, compare, one page (arXiv 2408.09366)."""

from pathlib import Path
from typing import Any, Literal

import polars as pl

from sociolect import frames
from sociolect.align.demonstrations import shuffled
from sociolect.compare.differences import means
from sociolect.compare.fidelity import origin_fidelity
from sociolect.compare.origin import f1_effects
from sociolect.compare.profiles import profiles
from sociolect.compare.shares import shares
from sociolect.elicit.human import human
from sociolect.errors import InputError
from sociolect.find.words import by_members, keywords
from sociolect.frames import Members, Posts
from sociolect.load.planted import topics as planted_topics
from sociolect.measure.duplicates import duplicates
from sociolect.measure.overlap import overlap
from sociolect.measure.perplexity import perplexity
from sociolect.report.content import Page
from sociolect.seeds import derive
from sociolect.systems import find as card_of
from sociolect.systems.studies.community_fidelity import (
    ablations,
    align,
    audits,
    compare,
    copies,
    distances,
    elicit,
    find,
    injections,
    measure,
    names,
    panel,
    screener,
    slices,
)
from sociolect.systems.studies.community_fidelity.chain import Chain
from sociolect.systems.studies.community_fidelity.findings import Findings
from sociolect.systems.studies.community_fidelity.load import SPLITS, apart, cleaned, drawn, loaded, sides
from sociolect.systems.studies.community_fidelity.page import page
from sociolect.systems.studies.community_fidelity.sizes import dial
from sociolect.workspace import Workspace

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
    as_found: bool = False,
    namer: str | None = None,
    only: tuple[str, ...] = (),
    most: int = 6,
    split: Literal["author", "time"] = "author",
    replies: bool = False,
    hashtags: Literal["strip", "word"] = "strip",
    quality: bool = False,
    words: int = 40,
    topics: Path | None = None,
    base: str | None = None,
    lora_rank: int | None = None,
    name_community: bool = False,
    templates: int = 20,
    temperature: float | None = None,
    examples_n: int | None = None,
    canaries: int = 0,
    general: Path | None = None,
    mix: tuple[float, ...] = (),
    ablate: tuple[str, ...] = (),
    by: str | None = None,
    emotion: Path | None = None,
    emotion_columns: dict[str, str] | None = None,
    emotion_model: str | None = None,
    toxicity: Path | None = None,
    toxicity_columns: dict[str, str] | None = None,
    toxicity_model: str | None = None,
    embedding: str = "lsa",
    reference: Literal["same", "pooled"] = "same",
    instrument: str | None = None,
    instrument_text: Path | None = None,
    criterion: Path | None = None,
    answers: Path | None = None,
    harm_scheme: Path | None = None,
    sensitive: bool = False,
    drift: float = 0.0,
    variety: float = 0.0,
    injected: float = 0.0,
    null: bool = False,
    seed: int = 0,
) -> Page:
    """The page of the study: on a planted society without `posts`, else on the posts of that table.

    `columns` maps roles to columns (`person=author_id,text=body`; `sociolect guess FILE` proposes). `null` plants nothing.
    The README beside this file says what each keyword asks.
    """
    said = {k: v for k, v in locals().items() if k != "workspace"}
    ablations.wanted(ablate)
    at, plants = dial(size, temperature=temperature, examples_n=examples_n), posts is None
    own = align.given(base) if base else None
    card = screener.opened(
        instrument if instrument is not None else "planted10" * plants, instrument_text, sensitive=sensitive
    )
    rows = {"where": where, "links": links, "ties": ties, "anonymous": anonymous, "keep_ids": keep_ids}
    plant = {
        "people": at.people,
        "posts": at.originals,
        "largest": 3.0,
        "null": null,
        "drift": drift,
        "variety": variety,
        "seed": seed,
    }
    society = loaded(workspace, posts, columns=columns or {}, rows=rows, plant=plant)
    society = injections.planted_in(workspace, society, share=injected, seed=seed)
    if by:
        slices.checked(society, by)

    # Who stands where is settled before anything is learnt.
    side = workspace.frame("sides", pl.DataFrame, sides, society, by=split, seed=seed)
    net = {"finder": finder, "network": network, "resolution": resolution, "seed": seed}
    clusters = workspace.frame("communities", frames.members, find.found, society, side, **net)
    structure = (
        None
        if finder == "declared"
        else workspace.frame("structure", frames.effects, find.verdict, society, side, **net)
    )
    clean, log = cleaned(society.posts, replies=replies or plants, hashtags=hashtags, words=words)
    spoken = clean.join(side.select("post", "side").drop_nulls(), on="post", how="inner")
    learnt = frames.posts(spoken.filter(pl.col("side") == "train"))
    if not (plants or as_found or merge or finder == "declared"):
        return names.asked(workspace.folder, learnt, clusters, namer=namer, sensitive=sensitive, seed=seed)
    everyone, why = find.named(clusters, merge)
    members, sizes = find.chosen(everyone, spoken, only=only, most=most)
    parts, leaked = apart(spoken, members, corpus=at.corpus, most=at.posts, seed=seed)
    about = _topics(topics, parts["train"], members, plants=plants, n=at.topics)
    train = align.topical(parts["train"], about)
    teaching = (
        workspace.frame("teaching", frames.posts, copies.fluent, train, most=at.posts, seed=seed) if quality else train
    )

    # One base model; its arms differ in one thing each.
    tasks = align.general(general, plants=plants) if mix else None
    begun = (
        own
        if own is not None
        else workspace.files(
            "base", align.train_base, train, general=tasks, size="tiny" if size == "tiny" else "small", seed=seed
        )
    )
    taught = {"lora_rank": lora_rank, "epochs": at.epochs, "rate": at.rate, "shareable": not sensitive, "seed": seed}
    manner: dict[str, Any] = {
        "name_community": name_community,
        "most": at.posts,
        "general": tasks,
        "mix": mix[0] if mix else 0.0,
        "seed": seed,
    }
    demos, dealt = (align.demonstrate(teaching, m, **manner) for m in (members, shuffled(members, seed=seed)))
    # What is shown in a prompt is the community's own, whatever was mixed in for learning.
    own_posts = frames.examples(demos.filter(pl.col("post").is_not_null()))
    # The canaries are learnt by the fine-tuned arm alone: shown in a prompt they would only be read aloud.
    sown, secrets = copies.planted_canaries(demos, n=canaries, seed=seed) if canaries else (demos, None)
    memory = align.held_against(align.topical(parts["judge"], about), members, manner, secrets=secrets)
    weights: dict[str, Path | None] = {
        "aligned": workspace.files("aligned", align.teach, begun, sown, **taught, **memory),
        "shuffled": workspace.files("shuffled", align.teach, begun, dealt, **taught),
    }
    decoding = {**at.decoding, "tokens": at.tokens, "draws": at.draws}
    asking = {
        "held_out": frozenset([*parts["judge"]["post"], *parts["reference"]["post"]]),
        "name_community": name_community,
        "templates": templates,
        "exemplars": at.exemplars,
        "decoding": decoding,
        "seed": derive(seed, "ask"),
    }
    told = [
        workspace.frame(
            f"replies_{arm}", frames.replies, align.asked, arm, begun, weights.get(arm), own_posts, about, **asking
        )
        for arm in align.ARMS
    ]

    # People and models in one frame, one filter, equal numbers; from here on nothing sees who spoke.
    people = align.topical(parts["reference"], about).with_columns(template=pl.lit(None, pl.String), raw="text")
    heard = elicit.together([human(frames.posts(people), members), *told])
    overlaps = workspace.frame("overlap", frames.scores, overlap, heard, train["text"].to_list())
    garbled = (
        workspace.frame("perplexity", frames.scores, perplexity, heard, parts["judge"]["text"].to_list())
        if quality
        else None
    )
    known = elicit.fates(heard, overlaps, duplicates(heard), garbled=garbled)
    kept = elicit.level(known, seed=seed)
    halves = elicit.halves(kept, seed=seed)
    judged = drawn(parts["judge"], members, most=at.posts, even=True, seed=seed)
    scores = workspace.frame("origin", frames.scores, measure.origins, kept, judged, seed=seed)
    tables = {"emotion": (emotion, emotion_columns or {}), "toxicity": (toxicity, toxicity_columns or {})}
    readers = measure.readers(
        parts["judge"], tables, {"emotion": emotion_model, "toxicity": toxicity_model}, plants=plants
    )
    tones = [
        workspace.frame(
            name,
            frames.scores,
            measure.tones,
            kept,
            reading,
            instrument=name,
            positive=tables[name][1].get("positive", "toxic"),
            seed=seed,
        )
        for name, reading in readers.items()
    ]
    chain = Chain(
        workspace, society, members, train, judged, about, own_posts, begun, weights, heard, overlaps, known, kept, halves,
        scores, tuple(tones), at, sensitive, plants, seed,
    )  # fmt: skip

    by_topic = {"clusters": measure.RIDERS, "seed": seed}
    labels = {"labels": chain.communities, **by_topic}
    origin = workspace.frame(
        "origin_effects", frames.effects, f1_effects, scores, arms=[*align.ARMS, "human"], pairs=PAIRS, **labels
    )
    bounded = workspace.frame("origin_fidelity", frames.effects, origin_fidelity, scores, arms=BOUNDED, **labels)
    near = None
    if tones:
        halved = frames.scores(pl.concat(tones, how="diagonal").join(halves, on="speaker", how="left"))
        near = workspace.frame("profiles", frames.effects, profiles, halved, arms=BOUNDED, pairs=PAIRS[:1], **by_topic)
    felt = next((t for t in tones if t["measure"][0].startswith("emotion")), None)
    moods = workspace.frame("emotion_shares", frames.effects, shares, felt, **by_topic) if felt is not None else None
    copied = workspace.frame("copies", frames.effects, means, measure.ridden(overlaps, heard), **by_topic)
    held = [align.topical(frames.posts(by_members(parts[s], members)), about) for s in ("judge", "reference")]
    more = [
        *injections.notice(injected),
        *distances.sections(chain, embedding_name=embedding, reference=reference),
        *audits.sections(chain),
        *copies.sections(chain, secrets=secrets, taught=sown, teaching=teaching),
        *panel.sections(chain, answers=answers, harm_scheme=harm_scheme, size=size),
        *screener.sections(chain, card, criterion=criterion, size=size),
        *slices.sections(chain, by=by, split=split, judge=held[0], reference=held[1]),
        *ablations.sections(run, workspace, said, chain=chain, tasks=tasks, here=bounded),
    ]
    if why:
        more.append(names.section(clusters, everyone, why))
    shown = compare.told(more, ("distances", "preference", "label_agreement", "harm"))
    effects = frames.effects(pl.concat([origin, *([near] if near is not None else []), shown], how="diagonal"))
    found = Findings(
        society, members, everyone, sizes, structure, log, leaked, about, keywords(train, members),
        elicit.attrition(known), copied, kept, scores, tones, origin, bounded, near, moods,
        compare.claims(card_of("community_fidelity").claims, effects, communities=len(chain.communities)),
    )  # fmt: skip
    made = {
        "size": size,
        "base model": base or f"scratch/{size}, trained here from nothing on the training side",
        "decoding": ", ".join(f"{k} {v}" for k, v in sorted(decoding.items())),
        "split": SPLITS[split],
        "seed": str(seed),
    }
    return page(found, made, more=more, network=network, sensitive=sensitive, plants=plants, null=null, seed=seed)


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
