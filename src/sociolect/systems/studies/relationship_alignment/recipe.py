"""Relationship alignment: pairs of posts and comments, who speaks to whom, eight tones, models told none, some or all of it, one page (arXiv 2410.01708)."""

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import polars as pl

from sociolect import frames
from sociolect.errors import InputError, RefusedError, UsageError
from sociolect.frames import Replies
from sociolect.measure.pretrained import Reader
from sociolect.measure.tone_readers import called
from sociolect.report.content import Page, Section
from sociolect.seeds import derive
from sociolect.systems import find as card_of
from sociolect.systems.studies.relationship_alignment import (
    arms,
    audits,
    claims,
    load,
    measure,
    part_four,
    part_one,
    part_three,
    part_two,
    prepare,
)
from sociolect.systems.studies.relationship_alignment import page as pages
from sociolect.systems.studies.relationship_alignment import terms as of
from sociolect.systems.studies.relationship_alignment.network import network_of
from sociolect.systems.studies.relationship_alignment.sizes import SIZES, Dial
from sociolect.systems.studies.relationship_alignment.study import Study
from sociolect.tones import TONES
from sociolect.workspace import Workspace


def run(
    workspace: Workspace,
    *,
    size: Literal["tiny", "small", "full"] = "tiny",
    pairs: Path | None = None,
    dialogues: Path | None = None,
    posts: Path | None = None,
    columns: dict[str, str] | None = None,
    closeness: dict[str, str] | None = None,
    ties: bool = False,
    network: Path | None = None,
    network_columns: dict[str, str] | None = None,
    where: dict[str, str] | None = None,
    keep: tuple[str, ...] = (),
    anonymous: bool = False,
    keep_ids: str = "",
    terms: tuple[str, ...] = (),
    group: Literal["found", "post", "thread"] = "found",
    reader: str = "",
    goemotions: Path | None = None,
    offmychest: Path | None = None,
    labels: Path | None = None,
    label_columns: dict[str, str] | None = None,
    audit: Path | None = None,
    audit_labels: str = "tones",
    audit_pairs: int = 0,
    models: tuple[str, ...] = (),
    subsets: Literal["blocks", "single", "all32"] = "blocks",
    controls: bool = True,
    relation: tuple[str, ...] = (),
    template: str = "feed",
    order: Literal["drawn", "fixed", "reversed"] = "drawn",
    prompting: Literal["plain", "reason"] = "plain",
    most: int | None = None,
    draws: int | None = None,
    temperature: float = 1.0,
    top_p: float = 1.0,
    learn: Literal["none", "finetune"] = "none",
    base: str | None = None,
    sensitive: bool = False,
    note: str = "",
    selection: float = 0.5,
    mirror: float = 1.0,
    null: bool = False,
    history: float = 1.0,
    setting: float | None = None,
    seed: int = 0,
) -> Page:
    """The page of the study: on planted pairs without `pairs`, `dialogues` or `posts`, else on theirs.

    `columns` maps roles to columns (`post_text=post,comment_text=comment,...`). Without `models`, planted pairs are answered
    by a planted commenter and a word model, real ones by the word model. The README beside this file says what each keyword asks.
    """
    at, plants = SIZES[size], not (pairs or dialogues or posts)
    society = load.society_of(
        workspace, pairs=pairs, dialogues=dialogues, posts=posts, columns=columns or {}, closeness_of=closeness or {},
        where=where or {}, keep=keep, anonymous=anonymous, keep_ids=keep_ids,
        planted={"pairs": at.pairs, "posts": at.posts, "commenters": at.commenters, "selection": selection, "mirror": mirror, "null": null, "seed": seed,
                 "history": history if "shared_history" in relation else None, "setting": setting},
    )  # fmt: skip
    tied = network_of(
        workspace, network, columns=network_columns or {}, pairs=pairs, ties=ties,
        declared="closeness" in (columns or {}), anonymous=anonymous, keep_ids=keep_ids,
    )  # fmt: skip
    said, counts = load.people_of(society, ties=ties, alone=posts is not None, tied=tied)
    if tied is not None:
        society = replace(society, set_aside=pl.concat([society.set_aside, tied.set_aside]))
    by = measure.reader(
        reader or ("words" if not (goemotions or offmychest or labels) else "trained"),
        goemotions=goemotions, offmychest=offmychest, labels=labels, columns=label_columns or {}, seed=seed,
        apart=(audit if audit is not None and audit.is_file() else None, posts),
    )  # fmt: skip
    people = workspace.frame("posts_read", frames.replies, measure.posts_read, said, by)

    # Models answer the same pairs under every condition; the same reader scores people and models, and cannot tell who spoke.
    if models and posts is not None:
        raise UsageError(
            "--models are asked to comment on posts, and --posts has the comments alone: leave --models out"
        )
    names = models or (
        () if posts is not None else (f"{arms.PLANTED}?kappa=1.5", arms.WORDS) if plants else (arms.WORDS,)
    )
    asking: dict[str, Any] = {
        "draws": draws or at.draws, "template": template, "order": order, "prompting": prompting, "relation": tuple(relation),
        "tokens": at.tokens, "temperature": temperature, "top_p": top_p,
    }  # fmt: skip
    asked = arms.some(people, most or at.asked, seed)
    conditions = arms.wanted(subsets, relation=relation, controls=controls)
    told = arms.all_comments(workspace, asked, names, conditions=conditions, seed=derive(seed, "ask"), **asking)
    table, few = prepare.public(_scored(workspace, [people, *told], by), extra=terms)
    sheet: list[Section] = []
    if audit_pairs and told:
        audit, sheet = audits.asked(
            workspace, people, told, pairs=audit_pairs, audit=audit, sensitive=sensitive, seed=seed
        )
    card = (
        workspace.frame(
            "card",
            pl.DataFrame,
            audits.card,
            audit,
            by,
            labels=audit_labels,
            columns=label_columns or {},
            comments=[people, *told],
        )
        if audit
        else None
    )
    school = workspace.frame("reader", pl.DataFrame, measure.schooling, by)
    study = _study(
        people,
        told,
        table,
        names,
        conditions,
        terms,
        group,
        at,
        measure.weak(card, tones=[t for t in TONES if t in table.columns]) if card is not None else [],
        plants,
        seed,
    )

    parts = [
        part(study)
        for part in (
            part_one.sections,
            *((part_two.sections,) if names else ()),
            part_three.sections,
            part_four.sections,
        )
    ]
    found = {name: t for _, tables in parts for name, t in tables.items()}
    more = [Section("About these data", note, level="warning")] if note else []
    more += [s for some, _ in parts for s in some]
    if card is not None:
        more += audits.sections(card)
    if audit is not None and audit_labels == "tones":
        more += audits.own(audit, study)
    more += sheet
    if school.height:
        more.append(Section("What the reader of tones learnt from", measure.SCHOOL, table=school, name="schooling"))
    if learn == "finetune":
        more += _learning(
            workspace, people, by, at, size=size, base=base, shareable=not sensitive, seed=seed, study=study, **asking
        )
    shown = claims.table(card_of("relationship_alignment").claims, found, weak=study.weak)
    return pages.page(
        study, shown, found, more, society=society, counts=pl.concat([counts, few]), audited=card is not None, plants=plants, null=null, sensitive=sensitive,
        made={"reader": called(by), "models": ", ".join(names) or "none", "size": size, "seed": str(seed)} | ({"closeness": "from exchanges" if ties else "from the network"} if ties or tied else {}),
    )  # fmt: skip


def _scored(workspace: Workspace, parts: list[Replies], by: Reader) -> pl.DataFrame:
    """Everybody's tones in one wide table; each part is a step of its own, so that one more model scores no other anew."""
    made = [measure.scored(workspace, part, by, name=f"tones_{i}") for i, part in enumerate(parts)]
    return pl.concat(made, how="diagonal_relaxed")


def _study(  # noqa: PLR0917 - one call, its parts in the order of the value they make
    people: Replies, told: list[Replies], wide: pl.DataFrame, names: tuple[str, ...], conditions: list[str], extra: tuple[str, ...],
    group: str, at: Dial, weak: list[str], plants: bool, seed: int,
) -> Study:  # fmt: skip
    """The study's value: one offset per tone over all arms, one block for all regressions."""
    eps = prepare.offsets(wide)
    wide = wide.drop(
        t for t in TONES if t in wide.columns and t not in eps
    )  # no comment has any: said among the cautions
    table = prepare.prepared(wide, eps=eps)
    if absent := [part for term in extra for part in term.split(":") if part not in table.columns]:
        raise InputError(
            f"no column {', '.join(map(repr, absent))} among the comments, for --terms: let it ride along with --keep, or as a trait; there are: "
            + ", ".join(c for c in table.columns if c not in frames.KEYS and c not in TONES)
        )
    block = of.designed(
        table.filter(pl.col("source") == "human"), extra=extra, group=None if group == "found" else group
    )
    if told:
        # Models are asked about some pairs: a tone that none of those posts has can be held in neither arm, so it is held in none.
        asked = table.filter((pl.col("source") == "human") & pl.col("item").is_in(told[0]["item"].implode()))
        asked = of.complete(asked, replace(block, controls=()), ())
        block = replace(block, controls=tuple(c for c in block.controls if asked[c].drop_nulls().n_unique() > 1))
    if not block.tones:
        raise RefusedError(
            "no tone differs between the comments of people: nothing to regress; another --reader may tell them apart"
        )
    return Study(
        people, told, wide, table, eps, block, names, tuple(conditions), tuple(weak), at, plants, seed
    )  # fmt: skip


def _learning(
    workspace: Workspace, people: Replies, by: Reader, at: Dial, *, size: str, base: str | None, shareable: bool, seed: int, study: Study, **asking: Any
) -> list[Section]:  # fmt: skip
    """Prompting against fine-tuning: arms on the same pairs, their betas and the differences."""
    said, counts, trainings = arms.taught(
        workspace, people, base=base, size=size, epochs=at.epochs, rate=at.rate,
        shareable=shareable, seed=seed, **{k: v for k, v in asking.items() if k != "prompting"},
    )  # fmt: skip
    wide = pl.concat(
        [measure.scored(workspace, said, by, name="tones_taught"), study.wide.filter(pl.col("source") == "human")],
        how="diagonal_relaxed",
    )
    return part_four.learning(prepare.prepared(wide, eps=study.eps), study, counts, trainings)
