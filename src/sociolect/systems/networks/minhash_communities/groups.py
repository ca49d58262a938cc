"""The communities as the page shows them: quality, stability, agreement with what is known, and the structure of a grown one."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.errors import RefusedError
from sociolect.find.expansion import grow, similarity
from sociolect.find.lsh import opened
from sociolect.find.quality import (
    Agreement,
    adjusted_rand,
    completeness,
    homogeneity,
    normalised_mutual_information,
    quality,
)
from sociolect.find.structure import looks_random
from sociolect.find.ties import among
from sociolect.find.walktrap import walktrap_of
from sociolect.frames import Effects, Members, Society
from sociolect.report import plots
from sociolect.report.content import Section
from sociolect.seeds import derive
from sociolect.systems.networks.minhash_communities.find import TESTED, drawn, engine
from sociolect.systems.networks.minhash_communities.weighed import compared

if TYPE_CHECKING:
    from sociolect.systems.networks.minhash_communities.page import Found

LEAST = 10  # people: nothing is said about fewer
SHOWN = 50  # communities in a table
GROWN = 200  # accounts of a grown community whose structure is shown, at most
SEEDS = 5
ASKED: Mapping[str, Callable[[Members, Members], Agreement]] = {
    "adjusted Rand": adjusted_rand,
    "normalised mutual information": normalised_mutual_information,
    "homogeneity": homogeneity,
    "completeness": completeness,
}
AGREE = """The communities found beside those declared, over the people who are in both. Low and high are the smallest and largest \
of the communities shown and of five further runs with other seeds: a range, no interval."""
WEIGHED = """Density: mean similarity inside. Separability: weight inside / weight to the outside. Conductance: the weight that leaves; 0 is \
apart. Cohesiveness: the smallest conductance of a part. Clustering: how far alike accounts are alike to each other."""
WALK = """One community, grown once from its seeds with the average ranker, taken apart by WALKTRAP (walks of 4 steps, cut at the best modularity) \
on the estimated similarities of the accounts returned. `members` is the share that belongs to the community."""


def sections(f: "Found", *, seeds_n: int, seed: int) -> list[Section]:
    """Everything about communities; nothing about fewer than ten people."""
    return [
        *_found(f, seed),
        *_agreement(f),
        *_structure(f),
        *_weighed(f),
        *_walks(f, seeds_n, seed),
    ]


def _found(f: "Found", seed: int) -> list[Section]:
    measured = quality(f.tied.ties, f.members)
    sizes = f.members["community"].value_counts().filter(pl.col("count") >= LEAST)["community"]
    table = measured.filter((pl.col("contrast") == "all") | pl.col("contrast").is_in(sizes.implode()))
    whole = table.filter(pl.col("contrast") == "all")
    rows = table.filter(pl.col("contrast") != "all").pivot("measure", index="contrast", values="estimate").head(SHOWN)
    # where no community is large enough to be told, no row brings the columns
    sizes_shown = pl.col("size").cast(pl.Int64) if "size" in rows.columns else pl.lit(None, pl.Int64).alias("size")
    rows = rows.with_columns(sizes_shown)
    if "stability" in f.members.columns:
        rows = rows.join(
            stabilities(f.members), left_on="contrast", right_on="community", how="left", maintain_order="left"
        )
    inside = among(f.tied.ties, f.members["person"])
    hidden = f.members["community"].n_unique() - sizes.len()
    said = (
        f"Modularity {whole['estimate'][0]:.3f}, {100 * whole['estimate'][1]:.0f} % of the weight lies inside communities. \
{hidden:,} communities of fewer than {LEAST} people are not shown, nor more than the {SHOWN} largest. Nobody is named."
    )
    picture = ""
    try:
        picture = plots.network(inside, f.members, seed=seed)
    except RefusedError:  # as where fans follow stars: the best connected are all stars
        said += " No network is drawn: no tie joins two of the best connected."
    return [Section("The communities found", said, figure=picture, table=rows.rename({"contrast": "community"}), name="communities", people="size")]  # fmt: skip


def stabilities(members: Members) -> pl.DataFrame:
    """The mean stability of each community's people, and its quartiles.

    >>> who = {"person": ["a", "b"], "community": "c00", "stability": [0.5, 1.0]}
    >>> stabilities(frames.members(pl.DataFrame(who)))["stability"].to_list()
    [0.75]
    """
    part = pl.col("stability")
    return members.group_by("community").agg(
        stability=part.mean(),
        **{"stability, first quartile": part.quantile(0.25, "linear"), "stability, third quartile": part.quantile(0.75, "linear")},
    ).sort("community")  # fmt: skip


def agreement(society: Society, members: Members, truths: Mapping[str, Members], *, finder: str, resolution: float, runs: int, seed: int) -> Effects:  # fmt: skip
    """How far the found communities are the declared ones, per truth and measure, with the range over further runs."""
    way = engine(finder, resolution)
    others = [way(society, seed=derive(seed, "agreement", k)) for k in range(runs)]
    rows: list[tuple[str, str, float | None, float | None, float | None, int, int, str]] = []
    for name, truth in truths.items():
        known = members.join(truth, on="person", how="semi").height
        for measure, asked in ASKED.items():
            if not known:
                rows.append((measure, name, None, None, None, 0, members.height, "nobody is in both"))
                continue
            here = asked(members, truth)
            values = [here.value, *(asked(other, truth).value for other in others)]
            low, high = (min(values), max(values)) if runs else (None, None)
            how = f"range over {len(values)} runs" if runs else "one run"
            rows.append((measure, name, here.value, low, high, here.n, here.left_out, how))
    columns = ["measure", "contrast", "estimate", "low", "high", "n", "left_out", "method"]
    kinds = [pl.String, pl.String, pl.Float64, pl.Float64, pl.Float64, pl.Int64, pl.Int64, pl.String]
    return frames.effects(pl.DataFrame(rows, schema=dict(zip(columns, kinds, strict=True)), orient="row"))


def _agreement(f: "Found") -> list[Section]:
    if f.agreed is None:
        return []
    return [Section("Held against what is known", AGREE, table=f.agreed, name="agreement")]


def _structure(f: "Found") -> list[Section]:
    if f.tested is None:
        if f.plants:
            return []
        why = f"there are more than {TESTED:,} ties" if f.tied.ties.height > TESTED else "--rewired 0 was said"
        told = f"Not tested against rewired ties, because {why}: that communities were found does not say that there are any."
        return [Section("Is there anything to find?", told, level="note")]
    out = []
    if looks_random(f.tested):
        told = "The ties hold no more structure than the same ties rewired at random: what is shown as communities may be none."
        out.append(Section("No communities", told, level="warning"))
    prose = "Modularity and the agreement of seeds (adjusted Rand index), against rewired networks with the same degrees. Low and high are ranges over runs."
    return [*out, Section("Is there anything to find?", prose, table=f.tested, name="structure")]


def _weighed(f: "Found") -> list[Section]:
    if not f.weighed.height:
        return []
    found = "found" if not f.told else "declared"
    prose = f"The {found} communities on the estimated similarities of their accounts, the whole index outside, beside groups of as many accounts drawn at random. {WEIGHED}"
    return [Section("Quality on Jaccard weights", prose, table=compared(f.weighed), name="jaccard_quality")]


def _walks(f: "Found", seeds_n: int, seed: int) -> list[Section]:
    known = next((m for m in f.grown.values() if m), f.own)
    for name, persons in known.items():
        lsh = opened(f.folder)
        seeds = drawn(persons, seeds_n, seed, "walktrap")
        try:
            got = grow(lsh, seeds, size=min(len(persons), GROWN), ranker="average")
        except RefusedError:
            continue
        alike = similarity(lsh, got.rows)
        table = groups(walktrap_of(alike), alike, np.isin(got.members["account"].to_numpy(), persons))
        return [Section("What one grown community is made of", f"{WALK} The community: {name}, {len(persons):,} members.", table=table, name="walktrap", people="accounts")]  # fmt: skip
    return []


def groups(labels: np.ndarray, alike: np.ndarray, member: np.ndarray) -> pl.DataFrame:
    """The groups of a grown community, the largest first: accounts, share of members, mean similarity inside and outside.

    Groups of fewer than ten accounts stand together in one row, without similarities; nothing stands where these are
    fewer than ten in all.

    >>> labels, alike = np.repeat([0, 1], 10), np.eye(20)
    >>> groups(labels, alike, np.repeat([True, False], 10))["members"].to_list()
    [1.0, 0.0]
    """
    names, counts = np.unique(labels, return_counts=True)
    rows: list[tuple[str, int, float, float | None, float | None]] = []
    small = np.isin(labels, names[counts < LEAST])
    for place, k in enumerate([k for k in np.argsort(-counts, kind="stable") if counts[k] >= LEAST]):
        here, n = labels == names[k], int(counts[k])
        within = (alike[np.ix_(here, here)].sum() - np.diag(alike)[here].sum()) / (n * (n - 1))
        beyond = float(alike[np.ix_(here, ~here)].mean()) if (~here).any() else None
        rows.append((f"group {place + 1}", n, float(member[here].mean()), float(within), beyond))
    if small.sum() >= LEAST:
        rows.append((f"groups of fewer than {LEAST}", int(small.sum()), float(member[small].mean()), None, None))
    kinds = {"group": pl.String, "accounts": pl.Int64, "members": pl.Float64, "similarity inside": pl.Float64, "similarity to the others": pl.Float64}  # fmt: skip
    return pl.DataFrame(rows, schema=kinds, orient="row")
