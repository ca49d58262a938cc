"""Which steps are proposed, which are shown to whom, and how models vote on them."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from sociolect.errors import UsageError
from sociolect.models.scripted import scripted
from sociolect.systems.networks.moral_graph import interviews, players
from sociolect.systems.networks.moral_graph.hypotheses import MIX, Hypothesis, drawn, nearest, proposed
from sociolect.systems.networks.moral_graph.material import cases, options, values
from sociolect.systems.networks.moral_graph.votes import asked

CARDS = [v.text for v in values()]
RANK = {v.title: k for k, v in enumerate(values())}


def test_every_proposal_has_its_reverse_as_a_control() -> None:
    found, lost = proposed(players.proposer(RANK), cases(), CARDS)
    for context in cases():
        here = [h for h in found if h.context == context]
        assert len({h.source for h in here} | {h.target for h in here}) <= 10
        for h in here:
            assert (h.source < h.target) is not h.control
            assert Hypothesis(context, h.target, h.source, h.story, control=True)[:3] in {o[:3] for o in here}
            assert bool(h.story) is not h.control
    assert set(lost.values()) == {0}


def test_lines_that_name_no_pair_are_counted() -> None:
    said = "1 -> 2: a story\n2 -> 1: again\n3 -> 3: same\n1 -> 99: no card\nthat is all"
    found, lost = proposed(scripted([said]), {"choice": "a choice"}, CARDS[:4])
    assert [h[1:3] for h in found] == [(0, 1), (1, 0)]
    assert lost == {"lines that name no two cards of the list": 2, "pairs that stood already": 1}


def test_only_the_nearest_ten_are_listed() -> None:
    seen: list[str] = []
    model = scripted(lambda chat: seen.append(chat[-1].text) or "", name="spy")  # type: ignore[func-returns-value]  # what it appends is wanted
    proposed(model, {"c": cases()["daughter"]}, CARDS)
    assert sum(card in seen[0] for card in CARDS) == 10
    assert nearest(CARDS[7], CARDS, most=1) == [7]
    assert nearest("x", []) == []


def test_five_different_ones_are_drawn_by_the_mixture() -> None:
    rng = np.random.default_rng(0)
    yes, shown = np.array([50, 0, 0, 0, 0, 0, 0, 0]), np.array([60, 0, 9, 9, 9, 9, 9, 9])
    to = np.array([50, 0, 0, 50, 0, 0, 0, 0])
    first = np.zeros(8)
    for _ in range(2000):
        picked = drawn(yes, shown, to, rng)
        assert len(set(picked)) == 5
        first[picked[0]] += 1
    few = 1 / (1 + shown)
    odds = [(1 + yes) / (1 + yes).sum(), (1 + to) * few / ((1 + to) * few).sum(), few / few.sum()]
    due = sum(m * o for m, o in zip(MIX, odds, strict=True))
    assert first / 2000 == pytest.approx(due, abs=0.035)
    popular = [drawn(yes, shown, to, rng, most=1, mix=(1, 0, 0))[0] for _ in range(200)]
    sparse = [drawn(yes, shown, to, rng, most=1, mix=(0, 0, 1))[0] for _ in range(200)]
    converging = [drawn(yes, shown, to, rng, most=1, mix=(0, 1, 0))[0] for _ in range(200)]
    assert np.bincount(popular, minlength=8).argmax() == 0
    assert np.bincount(sparse, minlength=8).argmax() == 1
    assert np.bincount(converging, minlength=8).argmax() == 3
    with pytest.raises(UsageError, match="three shares that sum to 1"):
        drawn(yes, shown, to, rng, mix=(0.5, 0.5, 0.5))


def canonical() -> pl.DataFrame:
    return pl.DataFrame({"card": [v.id for v in values()], "title": [v.title for v in values()], "text": CARDS})


def test_models_vote_as_they_answer_and_each_draw_is_a_voter() -> None:
    steps, _ = proposed(players.proposer(RANK), cases(), CARDS)
    place = {text: k for k, text in enumerate(CARDS)}

    def judge(chat: Any) -> str:
        shown = [
            part.removeprefix("The first value:\n").removeprefix("The second value:\n")
            for part in chat[-1].text.split("\n\n")
        ]
        cards = [place[s] for s in shown if s in place]
        if len(cards) == 1:
            return options("value")[cards[0] % 2]
        return options("wisdom")[0 if cards[1] > cards[0] else 1]

    votes = asked(
        {"red": scripted(judge, name="judge"), "blue": scripted(judge, name="judge")}, canonical(), steps, voters=12
    )
    assert votes["voter"].n_unique() == 24
    assert votes.group_by("voter", "kind").len().sort("voter", "kind")["len"].unique().sort().to_list() == [5, 6]
    rank = {v.id: k for k, v in enumerate(values())}
    for row in votes.filter(kind="wisdom").iter_rows(named=True):
        assert row["choice"] == ("wiser" if rank[row["target"]] > rank[row["source"]] else "not wiser")
    for row in votes.filter(kind="value").iter_rows(named=True):
        assert row["choice"] == options("value")[rank[row["target"]] % 2]
    assert votes["context"].n_unique() == 3


def test_seats_take_cases_and_personas_in_turn() -> None:
    told = interviews.seats(["a", "b"], 13, personas=True)
    assert [s.persona for s in told[:13]] == [*(v.id for v in values()), values()[0].id]
    assert {s.community for s in told} == {"a", "b"}
    assert interviews.seats(["a"], 2, personas=False)[1].persona is None
