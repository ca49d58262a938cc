"""One game: the closed forms of the dossier, what is seen and when, and what an unreadable answer does."""

import re
from itertools import pairwise
from typing import Any

import pytest

from sociolect.elicit.play import Played, play
from sociolect.errors import UsageError
from sociolect.models.model import Chat
from sociolect.models.scripted import scripted
from sociolect.systems.worlds.donor_game import prompts
from sociolect.systems.worlds.donor_game.elicit import DonorGame, State, legible
from sociolect.systems.worlds.donor_game.measure import bound
from sociolect.systems.worlds.donor_game.schedule import repeats, rounds, told

NAMES = [f"1_{k}" for k in range(1, 13)]


def sharing(share: float, *, punish: bool = False) -> Any:
    """A player who always gives that share of what the prompt says it has."""

    def say(chat: Chat) -> str:
        own = re.search(r"You have (\S+) units", chat[-1].text)
        if own is None:
            return "My strategy will be to give."
        return f"Answer: {'Donate, ' if punish else ''}{prompts.units(share * float(own[1]))}"

    return scripted(say)


def one_game(players: dict[str, Any], **rules: Any) -> Played:
    return play(DonorGame(**rules), players, legible=legible, seed=1)


@pytest.mark.parametrize(
    ("share", "schedule", "mean"),
    [
        (1.0, "released", 15360), (1.0, "alternating", 30720), (0.0, "released", 10), (0.0, "alternating", 10),
        (0.5, "released", 341.171875), (0.5, "alternating", 393.90625),
    ],
)  # fmt: skip
def test_the_closed_forms_of_the_dossier(share: float, schedule: str, mean: float) -> None:
    played = one_game(dict.fromkeys(NAMES, sharing(share)), schedule=schedule)
    (state,) = played.states
    assert sum(state.purse.values()) / 12 == pytest.approx(mean, rel=1e-9)
    assert played.scores.filter(measure="units")["value"].mean() == pytest.approx(mean, rel=1e-9)


def test_full_giving_on_the_released_schedule_ends_in_two_halves() -> None:
    (state,) = one_game(dict.fromkeys(NAMES, sharing(1.0))).states
    assert sorted(state.purse.values()) == [0.0] * 6 + [30720.0] * 6
    assert all(sum(done.donor == who for done in state.done) == 6 for who in NAMES)
    assert bound(12) == 15360.0


@pytest.mark.parametrize("schedule", ["released", "alternating"])
@pytest.mark.parametrize("agents", [4, 6, 12])
def test_every_pair_of_the_halves_meets_twice_once_either_way(schedule: str, agents: int) -> None:
    for swapped in (False, True):
        plan = rounds(agents, schedule, swapped=swapped)
        pairs = [pair for one in plan for pair in one]
        half = agents // 2
        due = {(a, b) for a in range(half) for b in range(half, agents)}
        assert sorted(pairs) == sorted(due | {(b, a) for a, b in due})
        assert all(len({*sum(one, ())}) == agents for one in plan)
    first, second = (rounds(agents, schedule, swapped=s) for s in (False, True))
    assert [[(b, a) for a, b in one] for one in first] == [list(one) for one in second]


def test_a_schedule_that_cannot_be_is_refused() -> None:
    with pytest.raises(UsageError, match="agents is 5: an even number"):
        rounds(5)
    with pytest.raises(UsageError, match="did you mean 'released'"):
        rounds(4, "release")


@pytest.mark.parametrize(("schedule", "kept"), [("released", (7,)), ("alternating", ())])
def test_the_rule_text_and_the_schedule_agree(schedule: str, kept: tuple[int, ...]) -> None:
    """The trap: strict alternation is promised, and broken between rounds 6 and 7."""
    plan = rounds(12, schedule)
    roles = [[any(donor == who for donor, _ in pairs) for pairs in plan] for who in range(12)]
    broken = {r + 1 for one in roles for r in range(1, 12) if one[r] == one[r - 1]}
    assert tuple(sorted(broken)) == kept == repeats(plan)
    said = DonorGame(schedule=schedule).begin(NAMES, 0).system
    assert told(plan) in said
    assert ("except from round 6 to round 7" in said) == bool(kept)
    assert all(sum(one) == 6 for one in roles)
    assert "donor in 6 rounds" in said


def test_a_trace_has_three_entries_at_most_the_newest_first_and_none_of_this_round() -> None:
    played = one_game(dict.fromkeys(NAMES, sharing(0.5)))
    asked = played.replies.filter(played.replies["phase"].str.starts_with("round"))
    longest = 0
    for phase, prompt in asked.select("phase", "prompt").iter_rows():
        now = int(phase.split()[1])
        seen = [int(r) for r in re.findall(r"in round (\d+) ", prompt)]
        assert seen == sorted(seen, reverse=True)
        assert len(set(seen)) == len(seen) <= 3
        assert all(r < now for r in seen)
        assert (prompts.NOTHING in prompt) == (now == 1)
        longest = max(longest, len(seen))
    assert longest == 3


def test_the_trace_goes_on_with_what_the_recipient_had_been_seen_by() -> None:
    state = one_game(dict.fromkeys(NAMES[:4], sharing(0.5))).states[0]
    chains = {who: [re.findall(r"1_\d+", entry) for entry in trace] for who, trace in state.traces.items()}
    for who, chain in chains.items():
        assert chain[0][0] == who
        assert all(newer[1] == older[0] for newer, older in pairwise(chain))


def test_depth_0_shows_nothing_and_depth_1_one_entry() -> None:
    dark = one_game(dict.fromkeys(NAMES, sharing(0.5)), depth=0).replies
    assert not dark["prompt"].str.contains("in round").any()
    assert not dark["prompt"].str.contains(prompts.NOTHING).any()
    short = one_game(dict.fromkeys(NAMES, sharing(0.5)), depth=1).replies
    assert short["prompt"].str.count_matches("in round").max() == 1


def test_all_donors_of_a_round_are_asked_at_once_and_gifts_are_doubled() -> None:
    game = DonorGame(strategies=dict.fromkeys(NAMES[:4]))
    state = game.begin(NAMES[:4], 0)
    due = game.turn(state)
    assert list(due) == ["1_1", "1_2"]
    after = game.move(state, {"1_1": "Answer: 4", "1_2": "Answer: 0"})
    assert after.purse == {"1_1": 6.0, "1_2": 10.0, "1_3": 18.0, "1_4": 10.0}
    assert state.purse["1_1"] == 10.0  # a state is a value


def test_punishment_costs_once_takes_twice_and_stops_at_0() -> None:
    game = DonorGame(punish=True, strategies=dict.fromkeys(NAMES[:4]))
    after = game.move(game.begin(NAMES[:4], 0), {"1_1": "Answer: Punish, 6", "1_2": "Answer: Punish, 1"})
    assert after.purse == {"1_1": 4.0, "1_2": 9.0, "1_3": 0.0, "1_4": 8.0}
    assert after.traces["1_1"] == ("in round 1 1_1 punished 1_3 with 60% of what it had",)
    assert "1_1" not in after.shown  # no gift of it is to be seen
    assert "to punish" in game.begin(NAMES[:4], 0).system
    assert "punish" not in DonorGame().begin(NAMES[:4], 0).system


def test_a_refusal_moves_nothing_and_is_seen() -> None:
    game = DonorGame(refuse=True, strategies=dict.fromkeys(NAMES[:4]))
    after = game.move(game.begin(NAMES[:4], 0), {"1_1": "Answer: Refuse", "1_2": "Answer: 5"})
    assert after.purse == {"1_1": 10.0, "1_2": 5.0, "1_3": 10.0, "1_4": 20.0}
    assert after.traces["1_1"] == ("in round 1 1_1 refused 1_3",)
    assert [done.kind for done in after.done] == ["refuse", "give"]
    assert prompts.read("Answer: Refuse", 10) is None  # where it was not offered


@pytest.mark.parametrize(
    ("text", "own", "units"),
    [
        ("It was fair. Answer: 3", 10, 3.0), ("**Answer:** $1,024.50", 2000, 1024.5), ("answer : .5", 10, 0.5),
        ("Answer: I give 4 units", 10, 4.0), ("Answer: 10.000000001", 10, 10.0), ("Answer: 0", 0, 0.0),
        ("Answer: 11", 10, None), ("Answer: -3", 10, None), ("Answer: \u22123", 10, None), ("Answer: 50%", 100, None),
        ("Answer: 50 percent", 100, None), ("Answer: 1/2", 10, None), ("Answer: 1e3", 10000, None), ("Answer: half", 10, None),
        ("I give 5", 10, None), ("", 10, None), ("Answer: " + "9" * 400, 10, None), ("Answer: \u0665", 10, None),
        ("Answer: 5,5", 100, None), ("Answer: 1,0000", 20000, None), ("Answer: 1.5.2", 10, None), ("Answer: 3, not 4", 10, 3.0),
    ],
)  # fmt: skip
def test_what_can_be_read_out_of_an_answer(text: str, own: float, units: float | None) -> None:
    found = prompts.read(text, own)
    assert (found.units if found else None) == units


@pytest.mark.parametrize(
    ("text", "act"),
    [
        ("Answer: Donate, 3", ("give", 3.0)), ("Answer: punish, 3", ("punish", 3.0)), ("Answer: **Punish** 3", ("punish", 3.0)),
        ("Answer: 3", None), ("Answer: I will not punish, donate 3", None), ("Answer: Donate, -3", None),
        ("Answer: Donate, 30%", None), ("Answer: Donate or punish, 3", None),
    ],
)  # fmt: skip
def test_where_punishing_is_possible_the_act_is_named(text: str, act: tuple[str, float] | None) -> None:
    assert prompts.read(text, 10, punish=True) == act


def test_an_agent_that_never_answers_has_null_gifts_and_no_strategy() -> None:
    """The trap: failed parses become gifts of 0, and look like defection."""
    players = dict.fromkeys(NAMES, sharing(0.5)) | {"1_5": scripted(["No comment."])}
    played = play(DonorGame(), players, legible=legible, tries=3, seed=1)
    state: State = played.states[0]
    mute = [done for done in state.done if done.donor == "1_5"]
    assert len(mute) == 6
    assert {(d.kind, d.units, d.share) for d in mute} == {("invalid", None, None)}
    assert state.strategies["1_5"] is None
    assert played.scores.filter(speaker="1_5", measure="donated")["value"].to_list() == [None]
    assert played.scores.filter(speaker="1_5", measure="invalid")["value"].to_list() == [6.0]
    mine = played.replies.filter(speaker="1_5")
    assert mine["outcome"].unique().to_list() == ["invalid"]
    assert mine["tries"].unique().to_list() == [3]
    assert "You have stated no strategy." in mine["prompt"][1]
    assert not any("1_5 gave" in entry for trace in state.traces.values() for entry in trace)


def test_a_donor_without_units_gives_nothing_that_could_be_called_a_share() -> None:
    (state,) = one_game(dict.fromkeys(NAMES, sharing(1.0))).states
    poor = [done for done in state.done if done.own == 0]
    assert poor
    assert {(d.kind, d.units, d.share) for d in poor} == {("give", 0.0, None)}


def test_advice_names_a_score_for_each_survivor_or_promises_none() -> None:
    """The trap: newcomers are told that scores come with the advice, and none are passed."""
    advice = (("My strategy will be a.", 12.5), (None, 3.0))
    with_, without = (
        DonorGame(advice=advice, scores=scores, generation=2).turn(
            DonorGame(advice=advice, scores=scores).begin(NAMES, 0)
        )
        for scores in (True, False)
    )
    said = with_["1_1"].chat[-1].text
    assert [float(s) for s in re.findall(r"final score: ([\d.]+)", said)] == [12.5, 3.0]
    assert "with their final scores" in said
    assert "score" not in without["1_1"].chat[-1].text
    assert "My strategy will be a." in without["1_1"].chat[-1].text
