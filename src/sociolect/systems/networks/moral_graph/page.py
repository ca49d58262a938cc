"""The recipe's page: the graph and its order, claims, votes and their doubt, groups, brigades, and what was left out."""

from collections.abc import Mapping

import polars as pl

from sociolect.compare.preference import wilson
from sociolect.report.anonymity import K
from sociolect.report.content import Headline, Page, Section
from sociolect.report.forest import forest
from sociolect.report.table import digits, interval, percent
from sociolect.systems.networks.moral_graph import said, tables
from sociolect.systems.networks.moral_graph.arcs import arcs
from sociolect.systems.networks.moral_graph.cards import recovered
from sociolect.systems.networks.moral_graph.interviews import ENOUGH, attrition
from sociolect.systems.networks.moral_graph.material import values
from sociolect.systems.networks.moral_graph.steps import ALL
from sociolect.systems.networks.moral_graph.tables import Found

DRAWN = 25  # ours: nodes of the figure, the wisest


def page(f: Found, made: Mapping[str, str]) -> Page:
    """The whole page; what a study cannot have is said, not left out in silence."""
    titles = f.canonical.select(node="card", title="title")
    ranks = f.ranks.join(titles, on="node", maintain_order="left")
    whole = tables.peopled(ranks.filter(context=ALL))
    kept = f.edges.filter(pl.col("context") == ALL, pl.col("kept"))
    drawn = (whole.filter(pl.col("people") >= K) if f.data else whole).head(DRAWN)
    seen = kept.join(tables.together(f.replies), on=["source", "target"], maintain_order="left")
    seen = seen.filter(pl.col("people") >= K) if f.data else seen
    figure = (
        ""
        if drawn.is_empty()
        else arcs(
            drawn,
            seen.filter(
                pl.col("source").is_in(drawn["node"].implode()), pl.col("target").is_in(drawn["node"].implode())
            ),
        )
    )
    out = [
        Section("The moral graph", said.GRAPH, figure=figure, caption=_shown(whole, kept)),
        Section("What the paper claims, and what we find", said.CLAIMS, table=tables.claims(f, whole), name="claims"),
        Section(
            "The order of wisdom, popularity beside it",
            said.RANKS,
            table=tables.ranks(whole, f),
            name="ranks",
            people="people" if f.data else "",
        ),
        *_contexts(ranks),
        Section(
            "Votes on each pair",
            said.PAIRS,
            table=tables.pairs(f, titles),
            name="pairs",
            people="people" if f.data else "",
        ),
        *_recovery(f),
        *_groups(f),
        *_interviews(f),
        Section(
            "What was asked, and what came back",
            said.ATTRITION,
            table=tables.votes(f),
            name="votes",
            people="voters" if f.data else "",
        ),
        Section("What was left out, and why", "Nothing is dropped in silence.", table=tables.left(f), name="left_out"),
        Section("Where we differ", said.DIFFER),
    ]
    if tables.talked(f):
        out.insert(1, Section("These are agreements", said.TALK, level="note"))
    if f.null:
        out.insert(
            1,
            Section(
                "Nothing is planted",
                "All voters vote at random: no order can be found, and none should be.",
                level="note",
            ),
        )
    return Page(
        "Moral Graph Elicitation",
        out,
        _headlines(f, whole),
        _summary(f, whole, kept),
        made=(*made.items(), *said.ALWAYS),
    )


def _summary(f: Found, whole: pl.DataFrame, kept: pl.DataFrame) -> str:
    top = whole.row(0, named=True)
    of = "planted people" if not f.data and not f.models else "people" if f.data else "model voters"
    voters = f.replies["speaker"].n_unique()
    what = "statements" if tables.talked(f) else "values"
    lead = f"{voters:,} {of}, {whole.height} {what}, {kept.height} steps that voters found wiser. "
    if f.data and top["people"] < K:
        return lead + f"Fewer than {K} people were asked about the one that stands first."
    if top["first"] is None:
        return lead + "How sure the order is cannot be told."
    popular = "" if top["popular"] is None else f", and place {top['popular']:g} of {whole.height} by popularity"
    return (
        f"{lead}“{top['title']}” stands first by wisdom (in {percent(top['first'])} of draws of the voters){popular}."
    )


def _headlines(f: Found, whole: pl.DataFrame) -> list[Headline]:
    out = []
    if f.recovery is not None:
        row = f.recovery.filter(measure="Kendall's tau, PageRank").row(0, named=True)
        out.append(
            Headline(
                "planted order recovered (τ)", digits(row["estimate"]), interval(row["low"], row["high"]), "recovery"
            )
        )
    if f.brigading is not None:
        row = f.brigading.row(0, named=True)
        out.append(
            Headline(
                f"rise by a brigade of {row['contrast'].split(' of ')[0]}",
                digits(row["estimate"]),
                interval(row["low"], row["high"]),
                "brigading",
            )
        )
    top = whole.row(0, named=True)
    if f.data and top["people"] < K:
        return out
    out.append(
        Headline(
            "first by wisdom: its place",
            f"{top['rank']:g} of {whole.height}",
            interval(top["low"], top["high"]),
            "ranks",
        )
    )
    return out


def _contexts(ranks: pl.DataFrame) -> list[Section]:
    parts = ranks.filter(pl.col("context") != ALL)
    if parts.is_empty():
        return []
    table = parts.filter(pl.col("rank") <= 3).select(
        "context", "title", "rank", "low", "high", "first", "pagerank", "voters"
    )
    return [Section("The winners of each context", said.CONTEXTS, table=table, name="contexts", people="voters")]


def _recovery(f: Found) -> list[Section]:
    out = []
    if f.recovery is not None:
        out.append(Section("Does the planted order come back?", said.RECOVERY, figure=forest(f.recovery.filter(~pl.col("measure").str.starts_with("worst")), axis="Kendall's tau, or share of worlds", title="Recovery of the planted order"), table=f.recovery, name="recovery"))  # fmt: skip
        table = tables.panel(f)
        out.append(Section("This panel's own graphs", said.PANEL, table=table, name="panel"))
    if f.brigading is not None:
        out.append(Section("How far a brigade moves a value", said.BRIGADING, table=f.brigading, name="brigading"))
    return out


def _groups(f: Found) -> list[Section]:
    if f.groups.is_empty():
        return [
            Section(
                "Group view",
                "Fewer than two groups of ten voters or more: there is nothing to hold against each other.",
                level="note",
            )
        ]
    return [Section("Group view", said.GROUPS, figure=forest(f.groups, reference=None, axis="1: the same graph", title="How alike the groups' graphs are"), table=f.groups, name="groups", people="n")]  # fmt: skip


def _interviews(f: Found) -> list[Section]:
    if f.interview is None or f.interviews is None:
        return []
    known = {v.id: v.policies for v in values()}
    rows = []
    for (community,), part in f.interview.group_by("community", maintain_order=True):
        n, agreed = part.height, int(part["accepted"].sum())
        told = part.filter(pl.col("persona").is_not_null(), "agreed")
        enough = [
            recovered(p, known[w], embed=f.embed) >= ENOUGH for p, w in told.select("policies", "persona").iter_rows()
        ]
        low, high = wilson(agreed, n)
        rows.append(
            (
                community,
                n,
                agreed,
                n - agreed,
                agreed / n,
                low,
                high,
                len(enough) or None,
                sum(enough) if enough else None,
            )
        )
    kinds = [
        "community",
        "interviews",
        "accepted",
        "not accepted",
        "share accepted",
        "low",
        "high",
        "agreed, with a persona",
        "3 of 4 policies back",
    ]
    table = pl.DataFrame(rows, schema=kinds, orient="row", infer_schema_length=None)
    return [
        Section("Interviews", said.INTERVIEWS, table=table, name="interviews"),
        Section(
            "Interviews, reply by reply",
            "Of each phase: what was asked for, and what came.",
            table=attrition(f.interviews),
            name="attrition",
        ),
    ]


def _shown(whole: pl.DataFrame, kept: pl.DataFrame) -> str:
    more = f"; the {DRAWN} wisest of {whole.height}" if whole.height > DRAWN else ""
    return (
        f"{kept.height} steps are kept{more}. Lines beside the circles are 95% of the places over draws of the voters."
    )
