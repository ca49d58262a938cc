"""Real-time community detection: sign, index, grow, compare with what is known, one page (arXiv 1601.03958)."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import polars as pl

from sociolect import frames
from sociolect.errors import RefusedError, UsageError
from sociolect.find.sets import sets
from sociolect.find.structure import structure
from sociolect.find.ties import link
from sociolect.report.content import Page
from sociolect.seeds import derive
from sociolect.systems.networks.minhash_communities import estimates, find
from sociolect.systems.networks.minhash_communities.groups import agreement
from sociolect.systems.networks.minhash_communities.load import loaded, truth_of
from sociolect.systems.networks.minhash_communities.page import Found, page
from sociolect.systems.networks.minhash_communities.sizes import INTERVAL, RANKERS, SIZES, knobs
from sociolect.systems.networks.minhash_communities.weighed import weighed
from sociolect.workspace import Workspace

RUNS = 5  # further runs that the agreement with a truth is ranged over
TIED = ("neighbours", "followers", "followed")  # sets that are made of ties
SEEDS, NULLS = 2, 19  # ours: the fewest with which the test of structure can reach .05


def run(
    workspace: Workspace,
    *,
    size: Literal["tiny", "small", "full"] = "tiny",
    ties: Path | None = None,
    posts: Path | None = None,
    people: Path | None = None,
    columns: dict[str, str] | None = None,
    keep: tuple[str, ...] = (),
    keep_ids: str = "",
    mutual: bool = False,
    connected: bool = False,
    network: tuple[str, ...] = ("reply", "mention", "repost"),
    of: str | None = None,
    truth: tuple[str, ...] = (),
    hashes: int = 1000,
    bands: int = 500,
    cap: int | None = None,
    seeds_n: int = 30,
    restarts: int | None = None,
    most: int = 40,
    largest: int = 5000,
    finder: Literal["leiden", "louvain", "walktrap", "lsh"] | None = None,
    resolution: float = 1.0,
    consensus: int = 0,
    rewired: int = NULLS,
    timings: bool = False,
    null: bool = False,
    seed: int = 0,
) -> Page:
    """The page of the method: on a planted graph of follows without `ties` or `posts`, else on the data of these files.

    `truth` names columns of people (or of posts) that declare communities to be grown; columns joined by `+` count together.
    The README beside this file says what each keyword asks.
    """
    plants = ties is None and posts is None
    _checked(size, plants=plants, seeds_n=seeds_n, restarts=restarts, most=most, largest=largest, finder=finder,
             resolution=resolution, consensus=consensus, rewired=rewired)  # fmt: skip
    fine, coarse = knobs(hashes, bands)
    at = SIZES[size]
    of, finder = of or ("followers" if plants else "neighbours"), finder or ("lsh" if plants else "leiden")
    # `load` is the society whose ties communities are found in: what can be explored. For lsh, these ties are made of the index.
    society = loaded(
        workspace, "given" if finder == "lsh" else "load", ties=ties, posts=posts, people=people, columns=columns or {}, keep=keep, mutual=mutual, connected=connected,
        keep_ids=keep_ids, plant={**at.plant, "null": null, "seed": seed},
    )  # fmt: skip
    built = not society.ties.height and (finder != "lsh" or of in TIED)
    tied = replace(society, ties=link(society, network)) if built else society
    if not tied.ties.height and finder != "lsh" and of not in TIED:
        raise RefusedError(
            f"there is no tie to find communities in by {finder}: say --finder lsh, which ties accounts whose {of} are alike"
        )
    truths = {name: truth_of(society, name) for name in (("planted",) if plants and not truth else truth)}

    # Any set per account is signed: from here on nobody sees what its elements are.
    pairs = sets(tied, of=of)
    folder = workspace.files("index", find.indexed, pairs, hashes=fine.hashes, bands=fine.bands, cap=cap, seed=seed)
    small = workspace.files("index_coarse", find.indexed, pairs, hashes=coarse.hashes, bands=coarse.bands, cap=cap, seed=seed)  # fmt: skip
    signed = find.signed(folder)

    # Known communities are grown from a few of their members.
    grown: dict[str, dict[str, list[str]]] = {}
    counts: dict[str, dict[str, int]] = {}
    for name, members in truths.items():
        grown[name], counts[name] = find.asked(
            members, signed, least=seeds_n + INTERVAL, largest=largest, most=most, seed=seed
        )
    asking: dict[str, Any] = {"rankers": RANKERS, "seeds_n": seeds_n, "restarts": restarts or at.restarts, "seed": seed}
    told, control, everyone = {}, None, [m for known in grown.values() for m in known.values()]
    if everyone:
        told = {
            fine.name: workspace.frame("queries", pl.DataFrame, find.answers, folder, grown, **asking),
            coarse.name: workspace.frame("queries_coarse", pl.DataFrame, find.answers, small, grown, **asking),
        }
        first = next(known for known in grown.values() if known)
        control = workspace.frame("control", pl.DataFrame, find.control, folder, first, **asking)

    # What the index promises.
    errors = {
        knob.name: workspace.frame(step, frames.effects, estimates.errors, where, pairs, everyone, cap=cap, n=at.pairs, seed=seed)
        for knob, where, step in ((fine, folder, "errors"), (coarse, small, "errors_coarse"))
    }  # fmt: skip
    met = {
        knob.name: workspace.frame(step, pl.DataFrame, estimates.collisions, hashes=knob.hashes, bands=knob.bands, seed=seed)
        for knob, step in ((fine, "collisions"), (coarse, "collisions_coarse"))
    }  # fmt: skip
    taken = pl.concat([estimates.sizes(folder, fine.name), estimates.sizes(small, coarse.name)])

    # Communities of everybody: out of the ties, or out of the graph of alike accounts.
    linked = None
    if finder == "lsh":
        linked = workspace.files("alike", find.linked, folder, seed=seed)
        tied = workspace.society("load", find.joined, society, linked, signed.to_frame())
    members = workspace.frame(
        "communities", frames.members, find.found, tied, finder=finder, resolution=resolution, runs=consensus, seed=seed
    )
    tested = None
    if rewired and not plants and tied.ties.height <= find.TESTED:
        tested = workspace.frame(
            "structure", frames.effects, structure, tied, find.engine(finder, resolution), seeds=SEEDS, nulls=rewired,
            seed=derive(seed, "structure"),
        )  # fmt: skip
    agreed = None
    if truths:
        agreed = workspace.frame(
            "agreement", frames.effects, agreement, tied, members, truths, finder=finder, resolution=resolution,
            runs=RUNS if tied.ties.height <= find.RANGED else 0, seed=seed,
        )  # fmt: skip
    # Where no community is known, the ones found are asked about: how long a query takes, what they are made of.
    own = (
        {}
        if everyone
        else find.asked(members, signed, least=seeds_n + INTERVAL, largest=largest, most=most, seed=seed)[0]
    )
    seconds, timed = None, everyone or list(own.values())
    if timed:
        seconds = workspace.clocked(
            "timings", estimates.timings, folder, timed, rankers=RANKERS, seeds_n=seeds_n, queries=at.queries,
            seed=seed,
        )  # fmt: skip
    quality = workspace.frame(
        "jaccard_quality", pl.DataFrame, weighed, folder, grown if everyone else {"found": own}, seed=seed
    )
    made = {
        "size": size,
        "index": fine.name,
        "sets": of,
        "seeds per query": str(seeds_n),
        "restarts": str(restarts or at.restarts),
        "finder": finder + (f", consensus of {consensus} runs" if consensus > 1 else f", resolution {resolution:g}"),
        "seed": str(seed),
    }
    counted = json.loads((linked / "counts.json").read_text()) if linked else None
    found = Found(
        society, tied, members, truths, grown, counts, signed, told, control, errors, met, taken, seconds, tested, agreed, own, quality, counted,
        folder, plants, null, timings,
    )  # fmt: skip
    return page(found, made, seeds_n=seeds_n, seed=seed)


def _checked(size: str, *, plants: bool, finder: str | None, resolution: float, **numbers: int | None) -> None:
    """Raise UsageError, all faults at once, for keywords that cannot go together and numbers out of their range."""
    least = {"seeds_n": 1, "restarts": 1, "most": 1, "largest": 1, "consensus": 0, "rewired": 0}
    faults = [
        f"--{name.replace('_', '-')} {number}: due is {least[name]} or more"
        for name, number in numbers.items()
        if number is not None and number < least[name]
    ]
    if size == "full" and plants:
        faults.append("--size full is the paper's protocol on data of your own: name it with --ties or --posts")
    if finder == "walktrap" and resolution != 1.0:
        faults.append("WALKTRAP has no resolution: leave --resolution out, or say --finder leiden")
    if numbers["consensus"] == 1:
        faults.append("--consensus 1: a consensus takes two runs or more, 0 is one run without stability")
    if faults:
        raise UsageError("; ".join(faults))
