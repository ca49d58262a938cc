"""Values out of interviews, votes on which of two is wiser, the moral graph and its order, one page (arXiv 2404.10636)."""

import json
from pathlib import Path
from typing import Any, Literal

import polars as pl

from sociolect import frames
from sociolect.errors import RefusedError, UsageError
from sociolect.find.endorsement import ballots, counted, ties
from sociolect.models.open import folders
from sociolect.report.content import Page
from sociolect.systems.networks.moral_graph import compare, steps
from sociolect.systems.networks.moral_graph.conversation import MOST, is_conversation
from sociolect.systems.networks.moral_graph.elicit import INTERVIEWER
from sociolect.systems.networks.moral_graph.find import votes_of
from sociolect.systems.networks.moral_graph.interviews import cards_of, seats
from sociolect.systems.networks.moral_graph.page import page
from sociolect.systems.networks.moral_graph.sizes import SIZES
from sociolect.systems.networks.moral_graph.tables import Found
from sociolect.workspace import Workspace

ROLES = (INTERVIEWER, "judge", "proposer")
GROUP, NGRAMS, BRIGADE = "party", "ngrams", (0.1, 0.2)  # ours, the brigades after the dossier's acceptance


def run(
    workspace: Workspace,
    *,
    size: Literal["tiny", "small", "full"] = "tiny",
    votes: Path | None = None,
    runs: tuple[str, ...] = (),
    since: str = "",
    until: str = "",
    group: str = GROUP,
    most: int = MOST,
    texts: bool = False,
    models: dict[str, str] | None = None,
    personas: bool = False,
    embed: str = NGRAMS,
    voters: int | None = None,
    brigade: tuple[float, ...] = BRIGADE,
    null: bool = False,
    seed: int = 0,
) -> Page:
    """The page of the method: on planted participants, on named models, or on `votes`.

    `votes` is the folder of the trial's files, or of one conversation of agreements. `models` maps roles to models: interviewer, optionally judge and proposer,
    and each further name is a community that is interviewed and votes. The README beside this file says what each keyword asks.
    """
    names, dial = dict(models or {}), SIZES[size]
    _checked(
        size,
        votes,
        names,
        null=null,
        personas=personas,
        voters=voters,
        most=most,
        brigade=brigade,
        chosen=bool(runs or since or until),
        texts=texts,
        group=group,
        embed=embed,
    )
    made = {"size": size, "seed": str(seed)}
    interview: pl.DataFrame | None = None
    replies_interview = None
    lost: dict[str, int] = {}
    if votes is not None:
        folder = workspace.files(
            "load", steps.loaded, steps.files_of(votes), runs=runs, since=since, until=until, group=group, most=most
        )
        told = steps.read(folder)
        replies, aside, about = told.replies, told.set_aside, told.about
        canonical = told.cards.select(card="item", title="title")
        if not texts:  # people's own words: by number, unless they are asked for
            canonical = canonical.with_columns(title=pl.col("card").map_elements(_numbered, return_dtype=pl.String))
        made |= {"votes": votes.name, **{k: v for k, v in about.items() if v}}
    else:
        sitting = seats(
            [c for c in names if c not in ROLES] or [steps.PLANTED], dial.interviews, personas=personas or not names
        )
        weights = folders(names.values())
        replies_interview = workspace.frame(
            "interviews", frames.replies, steps.interviewed, sitting, names, weights, seed=seed
        )
        interview = workspace.frame("cards", pl.DataFrame, cards_of, replies_interview, sitting, embed=embed)
        canonical = workspace.frame(
            "canonical", pl.DataFrame, steps.canonicalised, interview, names, weights, embed=embed, seed=seed
        )
        if canonical.height < 2:
            agreed = int(interview["accepted"].sum())
            raise RefusedError(
                f"{canonical.height} values came out of {interview.height} interviews ({agreed} cards accepted): a graph takes two; "
                "see the step interviews for what was said, and name a stronger interviewer"
            )
        folder = workspace.files("hypotheses", steps.hypothesised, canonical, names, weights, embed=embed, seed=seed)
        hypotheses, lost = (
            pl.read_parquet(folder / "hypotheses.parquet"),
            json.loads((folder / "left_out.json").read_text()),
        )
        if hypotheses.is_empty():
            raise RefusedError(
                f"the proposer named no step between {canonical.height} values ({sum(lost.values())} lines could not be read): "
                "there is nothing to vote on"
            )
        replies = workspace.frame(
            "votes",
            frames.replies,
            steps.voted,
            canonical,
            hypotheses,
            names,
            weights,
            voters=voters or dial.voters,
            null=null,
            seed=seed,
        )
        aside = pl.DataFrame(schema=frames.SET_ASIDE)
        made |= {"interviews": str(len(sitting)), "embedding": embed, "hypotheses": f"{hypotheses.height}, half of them controls",
                 "models": ", ".join(f"{k}={v}" for k, v in names.items()) or "planted players"}  # fmt: skip
    nodes = canonical["card"].to_list()
    ranks = workspace.frame("ranks", pl.DataFrame, steps.graphs, replies, nodes, draws=dial.draws, seed=seed)
    edges = workspace.frame("edges", pl.DataFrame, steps.edges, replies, nodes)
    workspace.frame("ties", frames.ties, _ties, edges)
    sides = workspace.frame(
        "groups", frames.effects, compare.groups, votes_of(replies), nodes, draws=dial.shuffles, seed=seed
    )
    strength = compare.abilities(counted(ballots(votes_of(replies), nodes)))
    recovery = brigaded = None
    if votes is None and not names:
        recovery = workspace.frame(
            "recovery", frames.effects, compare.recovery, seeds=dial.seeds, firsts=dial.firsts, null=null, seed=seed
        )
        brigaded = workspace.frame(
            "brigading", frames.effects, compare.brigading, shares=brigade, seeds=dial.seeds, seed=seed
        )
    made |= {"draws over voters": str(dial.draws)}
    found = Found(votes, names, personas, null, embed, replies, canonical, interview, replies_interview, lost, aside, ranks, edges, sides, dict(zip(nodes, strength.tolist(), strict=True)), recovery, brigaded)  # fmt: skip
    return page(found, made)


def _ties(edges: pl.DataFrame) -> pl.DataFrame:
    return ties(edges.filter(context=steps.ALL).drop("context"), kind="wiser")


def _numbered(card: str) -> str:
    return card if card.startswith("statement ") else f"card {card}"


def _checked(size: str, votes: Path | None, names: dict[str, str], **said: Any) -> None:
    """Raise UsageError, all faults at once, for keywords that cannot go together or numbers out of their range."""
    faults = []
    if size == "full" and votes is None and not names:
        faults.append(
            "--size full is the paper's protocol on votes or models of your own: name the folder of votes with --votes, or --models interviewer=..., community=..."
        )
    if votes is not None and names:
        faults.append("--votes holds votes already: leave --models out")
    if votes is not None and said["null"]:
        faults.append("--null is for planted voters: leave --votes out")
    if names and INTERVIEWER not in names:
        faults.append("--models names no interviewer: due is interviewer=provider/model beside the communities")
    if names and not set(names) - set(ROLES):
        faults.append("--models names nobody to interview: due is a community, as reds=provider/model")
    if names and said["null"]:
        faults.append("--null is for planted voters: leave --models out")
    if said["personas"] and not names:
        faults.append("--personas tells named models what to attend to: name them with --models")
    if said["chosen"] and votes is None:
        faults.append("--runs, --since and --until choose among --votes: name its folder")
    if votes is None and (said["texts"] or said["group"] != GROUP or said["most"] != MOST):
        faults.append("--texts, --group and --most are about the votes in --votes: name its folder")
    if votes is not None and is_conversation(votes) and (said["chosen"] or said["group"] != GROUP):
        faults.append(
            "--runs, --since, --until and --group are about the trial's files: a conversation has its own groups"
        )
    if votes is not None and said["embed"] != NGRAMS:
        faults.append("--embed compares the cards of interviews, and --votes holds none: leave it out")
    if (votes is not None or names) and tuple(said["brigade"]) != BRIGADE:
        faults.append("--brigade is about planted voters: leave --votes and --models out")
    if said["voters"] is not None and (said["voters"] < 10 or votes is not None):
        faults.append(f"--voters {said['voters']}: due is 10 or more, and no --votes")
    if said["most"] < 2:
        faults.append(f"--most {said['most']}: a graph takes two statements or more")
    if not said["brigade"] or not all(0 < share < 1 for share in said["brigade"]):
        faults.append("--brigade takes shares of the voters above 0 and below 1")
    if votes is not None and not steps.files_of(votes):
        faults.append(
            f"--votes {votes}: there are none of the files that this reads (votes.json and cards.json, or participants-votes.csv)"
        )
    if faults:
        raise UsageError("; ".join(faults))
