"""The study's page: claims first, then each measure with its floor and ceiling, and how every number was made."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import polars as pl

from sociolect.compare.f1 import f1
from sociolect.find.declared import declared
from sociolect.find.quality import adjusted_rand, completeness, homogeneity, normalised_mutual_information, quality
from sociolect.find.ties import link
from sociolect.frames import Members
from sociolect.report import plots
from sociolect.report.anonymity import withheld
from sociolect.report.content import Page, Section
from sociolect.systems.studies.community_fidelity.enough import enough
from sociolect.systems.studies.community_fidelity.find import LEAST
from sociolect.systems.studies.community_fidelity.findings import Findings, headlines, row, verdict, warnings


def page(
    f: Findings,
    made: Mapping[str, str],
    *,
    more: Sequence[Section] = (),
    network: tuple[str, ...],
    sensitive: bool,
    plants: bool,
    null: bool,
    seed: int,
) -> Page:
    """The whole page; nothing on it is computed twice, and nothing about fewer than ten people stands on it."""
    names = sorted(f.members["community"].unique())
    sections = [
        Section("What the paper claims, and what we find", CLAIMS, table=f.claims, name="claims"),
        *warnings(f, len(names)),
        *_origin(f, names),
        *_profiles(f),
        *more,
        *_communities(f, network, plants, seed),
        *_losses(f),
        *_examples(f, sensitive, seed),
        _loading(f),
    ]
    what = (
        ("a planted society in which nothing differs" if null else "a planted society") if plants else "the posts given"
    )
    summary = f"{len(names)} communities of {what}: {f.members.height} people. {verdict(f.effects)}"
    return Page("Community fidelity", sections, headlines(f), summary, sensitive, (*made.items(), *ALWAYS))


ALWAYS = (
    (
        "intervals",
        "95%, bootstrap over authors (people) and over topics crossed with templates (models), the same draws for every arm",
    ),
    ("p-values", "Holm within each family of comparisons"),
    ("steps, versions, hardware, input hashes", "run.json in the workspace"),
)
CLAIMS = """Each published claim beside our estimate with its 95% interval. "Same sign?" holds the whole interval against the null \
value of the claim. Claims that only a figure shows have no number to print. The data, the base model and the sizes differ from the \
paper's: agreement is about direction.

Results are about communities, never about a person."""


def _origin(f: Findings, names: list[str]) -> list[Section]:
    arms = ["base", "in_context", "aligned", "shuffled", "human"]
    overall = f.effects.filter((pl.col("measure") == "macro_f1") & pl.col("contrast").is_in(arms))
    bounds = {b: row(f.effects, "macro_f1", c)["estimate"] for b, c in (("floor", "shuffled"), ("ceiling", "human"))}
    shown = overall.with_columns(**{b: pl.lit(v, pl.Float64) for b, v in bounds.items()})
    prose = """A classifier trained on people of the judge side names the community of each text. Its F1 on an arm's posts tells how \
recognisable the arm's communities are. People of the reference side are the ceiling; models fine-tuned on shuffled communities are the floor."""
    matrices = []
    for arm, title in (("aligned", "fine-tuned"), ("in_context", "in context"), ("human", "people")):
        rows = f.origin.filter(pl.col("condition") == arm)
        found = f1(rows["community"], rows["label"], labels=names)
        table = _matrix(found.confusion, names)
        if arm == "human":  # a row is about the people who wrote its posts
            people = rows.group_by(truth="community").agg(people=pl.col("speaker").n_unique())
            table = table.join(people, on="truth", how="left", maintain_order="left").with_columns(
                pl.col("people").fill_null(0)
            )
        matrices.append(
            Section(
                f"Confusion: {title}",
                figure=plots.confusion(found.confusion.astype(int), names),
                table=table,
                name=f"confusion_{arm}",
                people="people" if arm == "human" else "",
            )
        )
    return [
        Section(
            "Origin: whose posts do they sound like?",
            prose,
            figure=plots.forest(shown, reference=None),
            table=_lean(f.effects),
            name="origin",
        ),
        Section(
            "Between floor and ceiling",
            "0 is the floor, 1 the ceiling; value, floor and ceiling are drawn together.",
            table=_lean(f.bounded),
            name="origin_fidelity",
        ),
        *matrices,
    ]


def _lean(effects: pl.DataFrame) -> pl.DataFrame:
    """Effects as a reader wants them: no column that says the same in every row but the counts; how it was made stands below."""
    same = [
        c for c in effects.columns if c not in {"measure", "contrast", "n", "left_out"} and effects[c].n_unique() == 1
    ]
    return effects.drop(*same, *(c for c in ("method", "p", "missed") if c in effects.columns and c not in same))


def _matrix(counts: object, names: list[str]) -> pl.DataFrame:
    import numpy as np

    table = np.asarray(counts).astype(int)
    columns = [*names, "no text"][: table.shape[1]]
    return pl.DataFrame({"truth": names, **{f"named {c}": table[:, i] for i, c in enumerate(columns)}})


def _profiles(f: Findings) -> list[Section]:
    if f.near is None:
        return [
            Section(
                "Emotion and toxicity: not measured",
                "No labelled table was given: name one with --emotion and --toxicity.",
                level="note",
            )
        ]
    out = [Section("Emotion and toxicity: how near to people", """1 minus the Jensen-Shannon distance of emotion profiles, and 1 minus the \
Wasserstein distance of toxicity scores, to one half of the reference people. The other half is the ceiling, shuffled communities are the floor; \
all at equal n.""", table=_lean(f.near), name="profiles", figure=plots.forest(f.near.filter(pl.col("community").is_null()), reference=None))]  # fmt: skip
    if f.moods is not None:
        figure = plots.profiles(
            f.moods, category="category", arm="condition", value="estimate", axis="share of all confidences"
        )
        told = "Summed confidences, normalised, by community and arm, each with its interval."
        made = Section("Emotion profiles", told, figure=figure, table=f.moods, name="emotion_profiles")
        kept = enough(made).table
        out.append(replace(enough(made), table=None if kept is None else _lean(kept)))
    return out


def _communities(f: Findings, network: tuple[str, ...], planted: bool, seed: int) -> list[Section]:
    out = []
    if f.society.ties.height or f.structure is not None:
        ties = link(f.society, network)
        measured = quality(ties, f.members)
        inside = ties.filter(
            pl.col("source").is_in(f.members["person"].implode())
            & pl.col("target").is_in(f.members["person"].implode())
        )
        out.append(Section("The network and its communities", "Nobody is named. Communities are found among the training side's people only; others join by their ties to them.",
                           figure=plots.network(inside, f.members, seed=seed), table=_lean(measured), name="quality"))  # fmt: skip
    if f.structure is not None:
        out.append(
            Section(
                "Is there anything to find?",
                "Modularity and the agreement of seeds (adjusted Rand index), held against rewired networks with the same degrees. Low and high are ranges over runs.",
                table=_lean(f.structure),
                name="structure",
            )
        )
    truth = _truth(f, planted)
    if truth is not None:
        out.append(
            Section(
                "Held against what is known", AGREEMENT[planted], table=_agreement(f.everyone, truth), name="agreement"
            )
        )
    out.append(
        Section(
            "Which communities are in",
            f"Nothing is printed about fewer than {LEAST} people.",
            table=withheld(
                f.sizes.select("community", "left_out", pl.exclude("community", "left_out")), k=LEAST
            ).table.head(50),
            name="communities",
            people="people",
        )
    )
    out.append(
        Section(
            "Words they use more than the others",
            "Log-odds with an informative Dirichlet prior (Monroe, Colaresi and Quinn 2008).",
            table=f.keywords,
            name="keywords",
        )
    )
    return out


AGREEMENT = {
    True: "The found communities beside the planted ones.",
    False: "The found communities beside those the column `community` declares. Where names are known only within a declared community, no tie crosses it, and homogeneity is 1 by construction.",
}


def _truth(f: Findings, planted: bool) -> Members | None:
    """What the found communities are held against: the planted ones, or a column that declares them."""
    if planted:
        return declared(f.society, column="planted")
    return (
        declared(f.society, column="community")
        if f.structure is not None and "community" in f.society.posts.columns
        else None
    )


def _agreement(found: Members, truth: Members) -> pl.DataFrame:
    asked = {
        "adjusted Rand": adjusted_rand,
        "normalised mutual information": normalised_mutual_information,
        "homogeneity": homogeneity,
        "completeness": completeness,
    }
    rows = [(name, *measured(found, truth)) for name, measured in asked.items()]
    return pl.DataFrame(
        rows, schema={"measure": pl.String, "value": pl.Float64, "people": pl.Int64, "left out": pl.Int64}, orient="row"
    )


def _losses(f: Findings) -> list[Section]:
    lost = """Asked = kept + no answer + refused + repeated + copied, the same filters for people and every arm. A copy has a ROUGE-L \
above .7 with a training post: counted first, then removed."""
    copied = "Measured on everything said, before any filter. A span is counted in words. ROUGE-L is exact from .3 up."
    return [
        Section(
            "What became of every reply",
            lost,
            table=f.attrition,
            name="attrition",
            figure=plots.flow(f.attrition.drop("rouge_l above .7")),
        ),
        Section("Copies of training posts", copied, table=_lean(f.copies), name="copies"),
        Section(
            "What they were asked about",
            "Each topic in each of 20 templates; the same for every arm and community.",
            table=f.topics,
            name="topics",
        ),
    ]


def _examples(f: Findings, sensitive: bool, seed: int) -> list[Section]:
    """A few posts of people and arms side by side: of communities with enough people, and never in a sensitive study."""
    if sensitive:
        return [Section("Examples", "This study is declared sensitive: no text is shown.", level="note")]
    shown = f.kept.filter(pl.col("condition").is_in(["human", "aligned", "in_context"]))
    speakers = (
        f.kept.filter(pl.col("source") == "human")
        .group_by("community")
        .agg(pl.col("speaker").n_unique().alias("people"))
    )
    # a model's reply is nobody's; a person is quoted once
    shown = shown.with_columns(person=pl.when(pl.col("source") == "human").then("speaker"))
    order = pl.concat_str("item", pl.col("draw").cast(pl.String), "speaker").hash(seed)
    few = (
        shown.join(speakers.filter(pl.col("people") >= LEAST), on="community")
        .sort(order)
        .filter(pl.col("person").is_null() | pl.col("person").is_first_distinct())
        .group_by("community", "condition", maintain_order=True)
        .head(2)
    )
    quotes = few.select("community", "people", "person", speaker="condition", text="text")
    quotes = quotes.sort("community", "speaker", "text")
    prose = f"Drawn at random, two of each; only of communities with {LEAST} or more people on the reference side."
    return [Section("People and models, side by side", prose, quotes=quotes)] if quotes.height else []


def _loading(f: Findings) -> Section:
    parts = [f.log.with_columns(what=pl.lit("cleaning")).select("what", "step", count="posts")]
    parts.append(f.society.set_aside.select(what=pl.lit("loading"), step="reason", count="count"))
    parts.append(
        f.leaked.select(
            what=pl.lit("split"),
            step=pl.format("{}: near copies of training posts, removed", "side"),
            count=pl.col("near copies"),
        )
    )
    counted = [p.with_columns(pl.col("count").cast(pl.Int64)) for p in parts]
    return Section(
        "What the data lost on the way",
        "Everything set aside is counted here.",
        table=pl.concat(counted),
        name="loading",
    )
