"""The tables of the page, out of what the recipe found."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import polars as pl

from sociolect.compare.ranking import kendall
from sociolect.frames import Effects, Replies
from sociolect.systems import held
from sociolect.systems import read as card_of
from sociolect.systems.networks.moral_graph.material import values
from sociolect.systems.networks.moral_graph.steps import ALL


class Found(NamedTuple):
    """Everything the page tells."""

    data: Path | None
    models: Mapping[str, str]
    personas: bool
    null: bool
    embed: str
    replies: Replies
    canonical: pl.DataFrame
    interview: pl.DataFrame | None
    interviews: Replies | None
    lost: Mapping[str, int]
    aside: pl.DataFrame
    ranks: pl.DataFrame
    edges: pl.DataFrame
    groups: Effects
    abilities: Mapping[str, float]
    recovery: Effects | None
    brigading: Effects | None


def talked(f: Found) -> bool:
    """Whether the votes are agreements of a conversation, and not the trial's."""
    return f.data is not None and f.replies["condition"].unique().to_list() == ["conversation"]


def claims(f: Found, whole: pl.DataFrame) -> pl.DataFrame:
    here: dict[str, held.Here] = {}
    if f.data is not None and not talked(f):
        here["participants"] = held.Here(
            float(f.replies["speaker"].n_unique()), n=f.replies["speaker"].n_unique(), why="voters in the data given"
        )
        here["cases"] = held.Here(
            float(f.replies["condition"].n_unique()),
            n=f.replies["condition"].n_unique(),
            why="contexts in the data given",
        )
    if f.data is None and not f.models:
        expert = values()[-1].title
        row = whole.filter(title=expert)
        if row.height and row["popular"][0] is not None:
            one = row.row(0, named=True)
            here["expert"] = held.Here(one["gained"], one["gained_low"], one["gained_high"], f.replies["speaker"].n_unique(),
                                  why=f"the planted wisest, “{expert}”: place {one['popular']:g} by popularity, {one['rank']:g} by wisdom; n counts voters")  # fmt: skip
    here.setdefault("represented", held.Here(why="a question to people after the process: no votes tell"))
    here.setdefault("fair", held.Here(why="a question to people after the process: no votes tell"))
    here.setdefault("expert", held.Here(why="who is an expert is not known in these votes"))
    for name in ("participants", "cases"):
        here.setdefault(name, held.Here(why="the trial's files are not given: name their folder with --votes"))
    return held.held(card_of(Path(__file__).parent).claims, here, planted=f.data is None)


def ranks(whole: pl.DataFrame, f: Found) -> pl.DataFrame:
    wins = f.edges.filter(context=ALL).with_columns(won=pl.col("yes") - pl.col("no"))
    into = wins.group_by("target").agg(pl.col("won").sum().alias("into"))
    out = wins.group_by("source").agg(pl.col("won").sum().alias("out"))
    net = whole.join(into, left_on="node", right_on="target", how="left", maintain_order="left").join(
        out, left_on="node", right_on="source", how="left", maintain_order="left"
    )
    ability = pl.Series("Bradley-Terry", [f.abilities[n] for n in whole["node"]], dtype=pl.Float64).fill_nan(None)
    return net.select(
        "title", "rank", "low", "high", "first", "pagerank", "popularity", "share_low", "share_high", "shown", "popular", "gained",
        "gained_low", "gained_high", (pl.col("into").fill_null(0) - pl.col("out").fill_null(0)).alias("net wins"), ability, "people",
    )  # fmt: skip


def peopled(ranks: pl.DataFrame) -> pl.DataFrame:
    """With `people`, who stands behind each row: those shown the value or those who judged a step with it, the fewer of the two."""
    fewest = pl.min_horizontal("voters", pl.when(pl.col("shown") > 0).then("shown"))
    return ranks.with_columns(people=fewest.cast(pl.Int64))


def together(replies: Replies) -> pl.DataFrame:
    """How many different people answered about each pair, in either direction: source, target, people."""
    told = replies.filter(kind="wisdom").select("speaker", source="from", target="to")
    both = pl.concat([told, told.select("speaker", source="target", target="source")])
    return (
        both.group_by("source", "target")
        .agg(people=pl.col("speaker").n_unique().cast(pl.Int64))
        .sort("source", "target")
    )


def pairs(f: Found, titles: pl.DataFrame) -> pl.DataFrame:
    edges = f.edges.join(together(f.replies), on=["source", "target"], how="left", maintain_order="left")
    named = edges.filter(context=ALL).join(
        titles.rename({"node": "source", "title": "from"}), on="source", maintain_order="left"
    )
    named = named.join(titles.rename({"node": "target", "title": "to"}), on="target", maintain_order="left")
    asked = named.filter(pl.col("yes") + pl.col("no") + pl.col("unsure") > 0)
    return asked.select("from", "to", wiser="yes", not_wiser="no", not_sure="unsure", less_wise="less", shown="shown",
                        weight="weight", entropy="entropy", both="both", kept="kept", people="people").sort("kept", "weight", "from", "to", descending=[True, True, False, False])  # fmt: skip


def panel(f: Found) -> pl.DataFrame:
    """How well each graph of this panel, and each plainer order of all its votes, has the planted order back."""
    truth = {v.title: k for k, v in enumerate(values())}
    titles = f.canonical.select(node="card", title="title")
    named = f.ranks.join(titles, on="node", maintain_order="left")
    rows = [
        (str(name), "PageRank", kendall([-r for r in part["rank"]], [truth[t] for t in part["title"]]), part.height)
        for (name,), part in named.group_by("context", maintain_order=True)
    ]
    whole = ranks(peopled(named.filter(context=ALL)), f)
    for plain in ("net wins", "Bradley-Terry", "popularity"):
        part = whole.drop_nulls(plain)
        tau = kendall(part[plain].to_list(), [truth[t] for t in part["title"]]) if part.height else None
        rows.append((ALL, plain, tau, part.height))
    return pl.DataFrame(rows, schema=["graph", "order", "Kendall's tau with the planted order", "values"], orient="row")


def votes(f: Found) -> pl.DataFrame:
    told = f.replies.with_columns(pl.col("choice").fill_null("no answer"))
    return told.group_by("kind", "condition", "choice").agg(
        votes=pl.len().cast(pl.Int64), voters=pl.col("speaker").n_unique().cast(pl.Int64)
    ).sort("kind", "condition", "choice").rename({"condition": "context"})  # fmt: skip


def left(f: Found) -> pl.DataFrame:
    one = f.edges.filter(context=ALL)
    shown = one.filter(pl.col("source") < pl.col("target"))
    rows = [("pairs", "asked in one direction only: nobody could say less wise", shown.height - int(shown["both"].sum())),
            ("pairs", "asked in both directions", int(shown["both"].sum())),
            ("pairs", "both directions kept: must be 0", doubled(one)),
            ("groups", "voters of groups of fewer than ten", int(f.groups["left_out"].max() or 0) if f.groups.height else 0)]  # type: ignore[arg-type]  # a count # fmt: skip
    wisdom = f.replies.filter(kind="wisdom")
    small = wisdom["condition"].n_unique() - (f.ranks["context"].n_unique() - 1)
    if wisdom["condition"].n_unique() > 1:
        rows.append(("contexts", "fewer than ten voters: no order of their own", small))
    again = wisdom.height - wisdom.select("speaker", "from", "to", "choice").n_unique()
    rows.append(("votes", "same answer of the same voter to a pair, in another context or again: counted once", again))
    if f.interview is not None:
        rows.append(("cards", "not agreed to by the participant", int((~f.interview["agreed"]).sum())))
        few = f.interview.filter("agreed", ~pl.col("accepted")).height
        rows.append(("cards", "agreed to, with fewer than three of the policies the participant was told", few))
        rows.append(
            (
                "cards",
                "accepted and the same value as an earlier one",
                int(f.interview["accepted"].sum()) - f.canonical.height,
            )
        )
    rows += [("hypotheses", reason, n) for reason, n in f.lost.items()]
    rows += [(row["where"], row["reason"], row["count"]) for row in f.aside.iter_rows(named=True)]
    return pl.DataFrame(rows, schema={"where": pl.String, "what": pl.String, "count": pl.Int64}, orient="row")


def doubled(edges: pl.DataFrame) -> int:
    kept = edges.filter("kept").select("source", "target")
    return kept.join(kept.select(source="target", target="source"), on=["source", "target"]).height // 2
