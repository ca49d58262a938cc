"""What each step of the recipe makes, from plain values: models are opened by name inside the step that asks them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from sociolect import frames
from sociolect.find.endorsement import ballots, pairs
from sociolect.frames import Replies
from sociolect.models.model import Model
from sociolect.models.open import open_model
from sociolect.systems.networks.moral_graph import interviews, players
from sociolect.systems.networks.moral_graph.conversation import conversation, is_conversation
from sociolect.systems.networks.moral_graph.elicit import INTERVIEWER
from sociolect.systems.networks.moral_graph.find import ranked, replies_of, votes_of
from sociolect.systems.networks.moral_graph.interviews import Seat
from sociolect.systems.networks.moral_graph.load import FILES, Trial, trial
from sociolect.systems.networks.moral_graph.material import values
from sociolect.systems.networks.moral_graph.planted import panel
from sociolect.systems.networks.moral_graph.votes import asked

PLANTED = "planted"  # the one community of planted participants
ALL = "all contexts"


def opened(names: Mapping[str, str]) -> dict[str, Model]:
    """The models by role: the named ones, or planted players where none is named. One name is opened once."""
    if not names:
        rank = {v.title: k for k, v in enumerate(values())}
        return {INTERVIEWER: players.interviewer(), PLANTED: players.persona(), "judge": players.judge(), "proposer": players.proposer(rank)}  # fmt: skip
    made = {name: open_model(name) for name in sorted(set(names.values()))}
    found = {role: made[name] for role, name in names.items()}
    return {"judge": found[INTERVIEWER], "proposer": found[INTERVIEWER], **found}


def interviewed(sitting: Sequence[Seat], names: Mapping[str, str], weights: Sequence[Path], *, seed: int) -> Replies:
    return interviews.interviewed(sitting, opened(names), seed=seed)


def canonicalised(
    cards: pl.DataFrame, names: Mapping[str, str], weights: Sequence[Path], *, embed: str, seed: int
) -> pl.DataFrame:
    return interviews.canonicalised(cards, opened(names)["judge"], embed=embed, seed=seed)


def hypothesised(
    canonical: pl.DataFrame, names: Mapping[str, str], weights: Sequence[Path], folder: Path, *, embed: str, seed: int
) -> None:
    """Writes the hypotheses, and what was left out of the model's lines by reason."""
    found, lost = interviews.hypothesised(canonical, opened(names)["proposer"], embed=embed, seed=seed)
    interviews.as_frame(found).write_parquet(folder / "hypotheses.parquet")
    (folder / "left_out.json").write_text(json.dumps(lost))


def voted(
    canonical: pl.DataFrame,
    hypotheses: pl.DataFrame,
    names: Mapping[str, str],
    weights: Sequence[Path],
    *,
    voters: int,
    null: bool,
    seed: int,
) -> Replies:
    """All votes as replies: of planted people, whose order of wisdom is known, or of the named models' draws."""
    steps = interviews.as_hypotheses(hypotheses)
    if names:
        people = {role: m for role, m in opened(names).items() if role not in (INTERVIEWER, "judge", "proposer")}
        return replies_of(asked(people, canonical, steps, voters=voters, seed=seed), source="model")
    rank, share = (
        {v.title: x for v, x in zip(values(), of, strict=True)}
        for of in (range(len(values())), [v.marked for v in values()])
    )
    titles = dict(canonical.select("card", "title").iter_rows())
    wisdom = {card: int(rank[title]) for card, title in titles.items()}
    marked = {card: float(share[title]) for card, title in titles.items()}
    made = panel(titles, wisdom, marked, steps, canonical["card"].to_list(), voters=voters, null=null, seed=seed)
    return replies_of(made, source="model")


def loaded(
    files: Sequence[Path], folder: Path, *, runs: tuple[str, ...], since: str, until: str, group: str, most: int
) -> None:
    """Writes the parts of a trial, or of a conversation of agreements, that lies where these files do."""
    where = files[0].parent
    found: Trial = (
        conversation(where, most=most)
        if is_conversation(where)
        else trial(where, runs=runs, since=since, until=until, group=group)
    )
    found.cards.write_parquet(folder / "cards.parquet")
    found.replies.write_parquet(folder / "replies.parquet")
    found.people.write_parquet(folder / "people.parquet")
    found.set_aside.write_parquet(folder / "set_aside.parquet")
    (folder / "about.json").write_text(json.dumps(found.about))


def read(folder: Path) -> Trial:
    """What `loaded` wrote."""
    cards, replies, people, aside = (
        pl.read_parquet(folder / f"{n}.parquet") for n in ("cards", "replies", "people", "set_aside")
    )
    return Trial(
        frames.items(cards),
        frames.replies(replies),
        frames.people(people),
        aside,
        json.loads((folder / "about.json").read_text()),
    )


def files_of(data: Path) -> list[Path]:
    """The files of a folder that may be opened: what decides whether the step is made anew, and nothing beside them."""
    named = ["participants-votes.csv", "participants-votes.csv.gz", *(f"{n}.json" for n in FILES)]
    return [p for n in named if (p := data / n).is_file()]


def graphs(replies: Replies, nodes: Sequence[str], *, draws: int, seed: int) -> pl.DataFrame:
    """Every node's place per context and over all, with `context`; contexts of fewer than ten voters are left out.

    Raises RefusedError below ten voters in all.
    """
    contexts = sorted(replies.filter(kind="wisdom")["condition"].unique())
    parts = {
        ALL: replies,
        **({c: frames.replies(replies.filter(condition=c)) for c in contexts} if len(contexts) > 1 else {}),
    }
    return pl.concat([
        ranked(part, nodes, draws=draws, seed=seed).select(pl.lit(name).alias("context"), pl.all())
        for name, part in parts.items() if name == ALL or part["speaker"].n_unique() >= 10
    ])  # fmt: skip


def edges(replies: Replies, nodes: Sequence[str]) -> pl.DataFrame:
    """Every pair anybody was asked about, per context and over all: counts of voters, weight, entropy, and whether it is kept."""
    votes = votes_of(replies)
    contexts = sorted(votes["context"].unique())
    parts = {ALL: votes, **({c: votes.filter(context=c) for c in contexts} if len(contexts) > 1 else {})}
    return pl.concat(
        [pairs(ballots(part, nodes)).select(pl.lit(name).alias("context"), pl.all()) for name, part in parts.items()]
    )
