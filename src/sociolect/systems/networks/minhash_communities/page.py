"""The recipe's page: claims, recall with its doubt, what the index promises, communities, and what was left out."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import polars as pl

from sociolect.find.lsh import opened
from sociolect.frames import Effects, Members, Society
from sociolect.report.content import Headline, Page, Section
from sociolect.report.table import digits, interval
from sociolect.systems import find as card_of
from sociolect.systems.networks.minhash_communities import claims, measure
from sociolect.systems.networks.minhash_communities.curves import curves
from sociolect.systems.networks.minhash_communities.groups import LEAST, sections

ALWAYS = (
    ("seeds of a query", "drawn at random from the community's signed members; never counted as found, never returned"),
    ("intervals", "95 %, Student's t over communities (over restarts where there are fewer than five)"),
    ("not printed", f"anything about fewer than {LEAST} people"),
)


class Found(NamedTuple):
    """Everything the page tells."""

    society: Society
    tied: Society  # with the ties that communities were found in
    members: Members
    truths: Mapping[str, Members]
    grown: Mapping[str, Mapping[str, list[str]]]
    counts: Mapping[str, Mapping[str, int]]
    signed: pl.Series
    told: Mapping[str, pl.DataFrame]
    control: pl.DataFrame | None
    errors: Mapping[str, Effects]
    met: Mapping[str, pl.DataFrame]
    taken: pl.DataFrame
    seconds: pl.DataFrame | None
    tested: Effects | None
    agreed: Effects | None
    own: Mapping[str, list[str]]  # communities found, where none is known
    weighed: pl.DataFrame
    linked: Mapping[str, int] | None
    folder: Path
    plants: bool
    null: bool
    timings: bool


def page(f: Found, made: Mapping[str, str], *, seeds_n: int, seed: int) -> Page:
    """The whole page; where no truth is known it says what cannot be had."""
    held = claims.held(card_of("minhash_communities").claims, f.seconds if f.timings else None)
    out = [
        Section("What the paper claims, and what we find", CLAIMS, table=held, name="claims"),
        *_warnings(f, seeds_n),
        *_recall(f),
        *_promises(f),
        *sections(f, seeds_n=seeds_n, seed=seed),
        *_left_out(f),
    ]
    what = (
        ("a planted graph in which nobody belongs together" if f.null else "a planted graph")
        if f.plants
        else "the data given"
    )
    summary = (
        f"{f.signed.len():,} accounts of {what}, {f.members['community'].n_unique():,} communities found. {_verdict(f)}"
    )
    return Page("Real-time community detection", out, _headlines(f), summary, made=(*made.items(), *ALWAYS))


CLAIMS = """Run times change from run to run, and this page does not. They are measured in every run and stand in `steps/timings` of the \
workspace; with `--timings` they stand here, with their verdict."""
RECALL = """A few members are drawn as seeds, and the index grows them to the community's size. Recall is the share of the other members \
among the accounts returned; candidate recall (dashed) is the share that shares a bucket with a seed, which no ranker can pass. The same \
communities and seeds are asked of both indexes and of all rankers."""
PADDED = """Where candidates run out before the community's size is reached, the curve goes on flat: the area under it then rests on that \
padding, not on the ranker. An area has a largest possible value below 1, because seeds are not counted."""
VERDICTS = {
    True: "Recall is within three standard errors of the base rate for every ranker.",
    False: "Recall is NOT within three standard errors of the base rate for every ranker.",
    None: "One draw of seeds has no standard error: take more restarts to hold recall against the base rate.",
}
CONTROL = """Seeds drawn at random over all grown communities belong to none of them. The base rate is the recall for one community that \
drawing at random from the accounts returned would have: the share of all members among them."""


def _warnings(f: Found, seeds_n: int) -> list[Section]:
    out = []
    if f.null:
        out.append(
            Section(
                "Nothing is planted",
                "Follows go by popularity alone; the names of communities mean nothing.",
                level="note",
            )
        )
    if not f.told:
        why = (
            "No column that declares communities was named with --truth: nobody knows who belongs together"
            if not f.truths
            else f"No declared community has more than {seeds_n} seeds and ten further members with a signature, within the limits set"
        )
        out.append(
            Section(
                "No recall",
                f"{why}. So recall, its curves, the gain of a finer index and the negative control cannot be had. "
                "What follows is how well the index estimates, and the communities found, with their doubt.",
                level="warning",
            )
        )  # fmt: skip
    return out


def _recall(f: Found) -> list[Section]:
    if not f.told:
        return []
    fine, coarse = f.told.values()
    found = measure.recalls(f.told)
    out = [
        Section("Recall as communities grow", RECALL, figure=curves(measure.curve(f.told)), table=found, name="recall"),
        Section(
            "What the finer index gains",
            "The same communities from the same seeds: five times the hashes and bands, less the smaller index.",
            table=measure.gained(fine, coarse),
            name="gained",
        ),
        Section(
            "Ranker against ranker",
            "In the same communities from the same seeds. Which ranker is best depends on the graph: no claim is held against it.",
            table=measure.against(fine),
            name="rankers",
        ),
        Section("How much of the curves is padding", PADDED, table=measure.padded(f.told), name="padding"),
    ]
    if f.control is not None:
        said = VERDICTS[measure.within(f.control)]
        out.append(
            Section(
                "Negative control",
                f"{CONTROL}\n\n{said}",
                table=measure.controls(f.control),
                name="control",
            )
        )
    return out


def _promises(f: Found) -> list[Section]:
    def beside(parts: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
        return pl.concat([part.select(pl.lit(name).alias("index"), pl.all()) for name, part in parts.items()])

    out = [
        Section(
            "Error of the estimates",
            "Estimated less exact Jaccard similarity, on pairs of accounts that share no account. The theory is the root of the mean of J (1 - J) / K.",
            table=beside(f.errors),
            name="errors",
        ),
        Section(
            "How often alike sets meet",
            "Two sets of known similarity share a bucket with probability 1 - (1 - J^r)^b, r = K / b. Low and high are three standard errors of it.",
            table=beside(f.met),
            name="collisions",
        ),
        Section("What an account takes", "Signatures take 4 bytes per hash; the folder holds them, the buckets and the names.", table=f.taken, name="bytes"),
    ]  # fmt: skip
    if f.seconds is not None and f.timings:
        told = "One query after another, the code warm, on this machine; a query returns as many accounts as a community has, 1,000 at most."
        out.append(Section("Seconds per query", told, table=claims.per_ranker(f.seconds), name="seconds"))
    return out


def _left_out(f: Found) -> list[Section]:
    rows = [(name, what, count) for name, counts in f.counts.items() for what, count in counts.items()]
    for name, members in f.truths.items():
        unsigned = members.filter(~pl.col("person").is_in(f.signed.implode())).height
        rows.append((name, "members without a signature", unsigned))
    signed = f.signed.to_frame()
    alone = signed.join(f.members, on="person", how="anti").height
    unsigned = f.society.people.join(signed, on="person", how="anti").height
    rows.append(("communities found", "accounts with a signature that are in none", alone))
    rows.append(("index", "people without a signature: they have no element", unsigned))
    if f.linked is not None:
        rows += [
            ("graph of alike accounts", "pairs that share a bucket", f.linked["pairs"]),
            ("graph of alike accounts", "buckets too large to pair everybody", f.linked["thinned"]),
            ("graph of alike accounts", "accounts without a tie", f.linked["alone"]),
        ]
    for where, aside in (("index", opened(f.folder).signatures.set_aside), ("loading", f.society.set_aside)):
        rows += [(where, row["reason"], row["count"]) for row in aside.iter_rows(named=True)]
    table = pl.DataFrame(rows, schema={"where": pl.String, "what": pl.String, "count": pl.Int64}, orient="row")
    return [Section("What was left out, and why", "Nothing is dropped in silence.", table=table, name="left_out")]


def _headlines(f: Found) -> list[Headline]:
    """The recall of the simplest ranker and its ceiling, under both indexes: none is picked for being the best."""
    if not f.told:
        return []
    found = measure.recalls(f.told)
    shown = found.filter(pl.col("contrast").str.contains("average, ", literal=True) & (pl.col("measure") == "recall"))
    return [
        Headline(f"recall: {row['contrast']}", digits(row["estimate"]), interval(row["low"], row["high"]), "recall")
        for row in shown.iter_rows(named=True)
    ]


def _verdict(f: Found) -> str:
    if not f.told:
        why = "No declared community is of a size to be grown" if f.truths else "No truth is known"
        return f"{why}, so no recall can be had."
    found = measure.recalls(dict(list(f.told.items())[:1])).filter(measure="recall")["estimate"].to_numpy()
    low, high = digits(float(found.min())), digits(float(found.max()))
    return f"Grown from a few seeds, a community's recall is {low} to {high}, depending on the ranker{' and the kind' * (len(f.truths) > 1)}."
