"""The interviews of a study: played, read back into cards, the cards made canonical, and steps between them proposed."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import polars as pl

from sociolect.elicit.ask import chosen
from sociolect.elicit.outcomes import outcomes
from sociolect.elicit.play import play
from sociolect.frames import Replies
from sociolect.models.model import Model, user
from sociolect.systems.networks.moral_graph.cards import Same, canonical, merged, recovered
from sociolect.systems.networks.moral_graph.elicit import INTERVIEWER, Interview, Interviewing, legible
from sociolect.systems.networks.moral_graph.hypotheses import Hypothesis, proposed
from sociolect.systems.networks.moral_graph.material import cases, options, question, values

ENOUGH = 3  # of the four policies that a participant was told to attend to: fewer back, and the card is not accepted
TRIES = 3  # ours: how often an interviewer whose card cannot be read is asked in all
CARDS: dict[str, Any] = {
    "participant": pl.String, "community": pl.String, "case": pl.String, "persona": pl.String, "agreed": pl.Boolean, "accepted": pl.Boolean, "turns": pl.Int64,
    "title": pl.String, "policies": pl.List(pl.String), "text": pl.String,
}  # fmt: skip
HYPOTHESES: dict[str, Any] = {
    "context": pl.String,
    "source": pl.Int64,
    "target": pl.Int64,
    "story": pl.String,
    "control": pl.Boolean,
}


class Seat(NamedTuple):
    """A participant: their seat, community, case, and the planted value they are to attend to (none: their own)."""

    participant: str
    community: str
    case: str
    persona: str | None


def seats(communities: Sequence[str], n: int, *, personas: bool) -> list[Seat]:
    """`n` participants of each community, cases and personas in turn.

    >>> [s.case for s in seats(["red"], 4, personas=False)]
    ['choice', 'daughter', 'weapons', 'choice']
    """
    planted, named = [v.id for v in values()], list(cases())
    return [
        Seat(f"{c}-{k:03}", c, named[k % len(named)], planted[k % len(planted)] if personas else None)
        for c in communities for k in range(n)
    ]  # fmt: skip


def _world(sitting: Sequence[Seat]) -> Interviewing:
    told, known = cases(), {v.id: v.text for v in values()}
    return Interviewing(
        {s.participant: told[s.case] for s in sitting}, {s.participant: known[s.persona] for s in sitting if s.persona}
    )


def interviewed(sitting: Sequence[Seat], models: Mapping[str, Model], *, tokens: int = 400, seed: int = 0) -> Replies:
    """Every participant interviewed, all at once; `models` are by community, and the interviewer's. One game is one participant, in order."""
    players = [{INTERVIEWER: models[INTERVIEWER], s.participant: models[s.community]} for s in sitting]
    communities = {s.participant: s.community for s in sitting}
    found = play(_world(sitting), players, games=len(players), legible=legible, tries=TRIES, tokens=tokens,
                 communities={**communities, INTERVIEWER: INTERVIEWER}, condition="interview", seed=seed)  # fmt: skip
    return found.replies


def cards_of(replies: Replies, sitting: Sequence[Seat], *, embed: str = "ngrams") -> pl.DataFrame:
    """One row per participant: the card on the table at the end, and whether they `agreed` to it; nulls where there was none.

    `accepted` is a card that its participant agreed to and that, where they were told what to attend to, holds three of those
    policies or more. The interviews are read back by the rules of the world, out of what was said alone.
    """
    known = {v.id: v.policies for v in values()}
    world, rows = _world(sitting), []
    by = {
        int(str(item).removeprefix("game:")): part
        for (item,), part in replies.partition_by("item", as_dict=True).items()
    }
    for k, seat in enumerate(sitting):
        state: Interview = world.begin((INTERVIEWER, seat.participant), 0)
        for who, said in by[k].sort("turn").select("speaker", "text").iter_rows():
            state = world.move(state, {who: said or ""})
        card = state.card
        told = (card.title, list(card.policies), card.text) if card else (None, None, None)
        whole = card is not None and (
            seat.persona is None or recovered(card.policies, known[seat.persona], embed=embed) >= ENOUGH
        )
        rows.append((*seat, state.accepted, state.accepted and whole, state.turns, *told))
    return pl.DataFrame(rows, schema=CARDS, orient="row")


def same_value(model: Model, *, seed: int = 0) -> Same:
    """The question whether two cards are one value in other words, put to a model; it takes the likelier answer."""

    def ask(pairs: Sequence[tuple[str, str]]) -> list[bool]:
        chats = [user(question("same", one, other)) for one, other in pairs]
        told = chosen(model, chats, [options("same")] * len(chats), temperature=0, seed=seed)
        return [answer == options("same")[0] for answer, _ in told]

    return ask


def canonicalised(cards: pl.DataFrame, model: Model, *, embed: str = "ngrams", seed: int = 0) -> pl.DataFrame:
    """One row per canonical card, in the order in which values came: card (its id), title, text, people behind it.

    Only accepted cards count.
    """
    accepted = cards.filter("accepted").sort("participant")
    home = canonical(accepted["text"].to_list(), same_value(model, seed=seed), embed=embed)
    placed = accepted.with_columns(home=pl.Series(home, dtype=pl.Int64))
    people = placed.group_by("home").agg(pl.col("participant").n_unique().cast(pl.Int64).alias("people"))
    first = placed.with_row_index("at").filter(pl.col("at") == pl.col("home"))
    made = first.join(people, on="home", maintain_order="left").sort("home")
    return made.select(
        card=pl.format("value-{}", pl.int_range(pl.len()).cast(pl.String).str.zfill(3)), title="title", text="text",
        policies="policies", people="people",
    )  # fmt: skip


def hypothesised(
    canonical: pl.DataFrame, model: Model, *, embed: str = "ngrams", seed: int = 0
) -> tuple[list[Hypothesis], dict[str, int]]:
    """Steps between canonical cards that the model proposes in each context, with controls; contexts that are alike are one."""
    told = cases()
    home = merged(list(told.values()), embed=embed)
    contexts = {name: text for k, (name, text) in enumerate(told.items()) if home[k] == k}
    return proposed(model, contexts, canonical["text"].to_list(), embed=embed, seed=seed)


def as_frame(found: Sequence[Hypothesis]) -> pl.DataFrame:
    return pl.DataFrame(list(found), schema=HYPOTHESES, orient="row")


def as_hypotheses(frame: pl.DataFrame) -> list[Hypothesis]:
    return [Hypothesis(*row) for row in frame.select(list(HYPOTHESES)).iter_rows()]


def attrition(replies: Replies) -> pl.DataFrame:
    """How many replies of each phase of the interview were asked for, answered, refused, invalid or blank, and asked again."""
    again = (pl.col("tries") > 1).sum()
    return outcomes(replies, by=("phase",), unread="invalid", again=again).rename({"again": "asked again"})
