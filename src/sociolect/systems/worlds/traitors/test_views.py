"""Who hears what: private words reach no faithful view in any phase, public words reach everybody's, memory is one's own."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest

from sociolect.elicit.channels import heard as heard_by
from sociolect.elicit.play import Played, game_seed, play
from sociolect.errors import UsageError
from sociolect.models.model import Chat
from sociolect.models.scripted import scripted
from sociolect.systems.worlds.traitors.elicit import NOTES, PHASES, Traitors
from sociolect.systems.worlds.traitors.memory import Memory, filed, happened, remembered, summed_up
from sociolect.systems.worlds.traitors.prompts import TOPICS
from sociolect.systems.worlds.traitors.rules import dealt
from sociolect.systems.worlds.traitors.state import called, spoken
from sociolect.systems.worlds.traitors.study import replayed
from sociolect.systems.worlds.traitors.talker import drawn_traits, talker

N, T, SEED = 8, 2, 3
GUILTY = {called(s) for s in dealt(N, T, game_seed(SEED, 0))}
SECRET = ("meeting", "agreement", "night")


@dataclass(frozen=True)
class Marked:
    """A player none of whose words come twice: each is found again wherever it is seen."""

    name: str = "marked"
    numbers: Any = field(default_factory=count)

    def generate(self, chats: Sequence[Chat], **_: Any) -> list[str]:
        return [self._said(chat[-1].text) for chat in chats]

    def logprobs(self, chats: Sequence[Chat], options: Sequence[Sequence[str]]) -> list[list[float]]:
        raise AssertionError("votes are free words here")

    def _said(self, prompt: str) -> str:
        # letters alone: a number would be a vote
        letters = f"{next(self.numbers):04}".translate(str.maketrans("0123456789", "abcdefghij"))
        named = re.search(r"You may name one of: (Player \d+)", prompt)
        return f"hidden{letters} --- {named.group(1) if named else ''} word{letters} ---"


@pytest.fixture(scope="module")
def marked() -> Played:
    table, one = Traitors(T, traits=drawn_traits(N, 1), constrained=False), Marked()
    return play(table, {called(s): one for s in range(N)}, seed=SEED)


def test_every_phase_is_played_in_its_order(marked: Played) -> None:
    seen = list(dict.fromkeys(marked.replies["phase"]))
    assert seen == ["introduction", *PHASES]
    turns = marked.replies.filter(phase="statement", item="game:0").head(N)["turn"].to_list()
    assert len(set(turns)) == N  # one after another
    assert marked.replies.filter(phase="reaction").head(N)["turn"].n_unique() == 1  # at once


@pytest.mark.parametrize("phase", ["introduction", *PHASES])
def test_private_words_reach_no_other_view_and_public_words_do(marked: Played, phase: str) -> None:
    """Every later prompt of every faithful is searched for every word of the phase, heard or only thought."""
    told = marked.replies
    own = told.filter(phase=phase).select("speaker", "turn", "text").rows()
    assert own
    heard: set[str] = set()
    for speaker, turn, text in own:
        words = re.findall(r"word[a-j]{4}", text)
        thoughts = re.findall(r"hidden[a-j]{4}", text)
        assert len(words) == len(thoughts) == 1
        for other, prompt in told.filter(told["turn"] > turn).select("speaker", "prompt").iter_rows():
            assert not any(t in prompt for t in thoughts), "what stands outside the markers is heard by nobody"
            if other != speaker and any(w in prompt for w in words):
                heard.add("traitor" if other in GUILTY else "faithful")
                assert phase not in NOTES
    if phase in ("meeting", "agreement"):
        assert heard == {"traitor"}
    elif phase in (*NOTES, "vote", "night"):
        assert heard == set()
    else:
        assert heard == {"traitor", "faithful"}


def test_the_log_itself_keeps_secrets_from_the_faithful(marked: Played) -> None:
    state = marked.states[0]
    for s in range(N):
        phases = {line.phase.partition(" ")[2] for line in heard_by(state.log, called(s))}
        assert phases == {"statement", "reaction", "comment"} | ({"meeting", "agreement"} if called(s) in GUILTY else set())  # fmt: skip


def test_reactions_and_second_passes_are_not_seen_before_they_are_given(marked: Played) -> None:
    for phase in ("reaction", "agreement"):
        turn = marked.replies.filter(phase=phase)["turn"][0]
        now = marked.replies.filter(phase=phase, turn=turn)
        words = [w for text in now["text"] for w in re.findall(r"word[a-j]{4}", text)]
        assert not any(w in prompt for prompt in now["prompt"] for w in words)


def test_what_an_echo_player_knows_holds_no_secret_in_any_phase() -> None:
    """Faithful players repeat all that they see; traitors tell a secret in every private phase. Traitors see it: it was there."""

    def traitor(chat: Chat) -> str:
        asked = chat[-1].text.rpartition("\n\n")[2]
        return "the owl flies" if "secret" in asked or "note to yourself" in asked or "The traitors have all" in asked else "good day"  # fmt: skip

    echo, sly = scripted(lambda chat: chat[-1].text, name="echo"), scripted(traitor, name="sly")
    talking = Traitors(T, constrained=False, most=3)
    said = play(talking, {called(s): sly if called(s) in GUILTY else echo for s in range(N)}, seed=SEED).replies
    faithful = said.filter(~said["speaker"].is_in(sorted(GUILTY)))
    assert set(faithful["phase"]) == {"statement", "reaction", "note", "vote"} | (set(faithful["phase"]) & {"comment", "reflection"})  # fmt: skip
    for phase in faithful["phase"].unique():
        here = faithful.filter(phase=phase)
        assert not any("owl" in text or "Fellow traitors" in text for text in [*here["text"], *here["prompt"]]), phase
    own = said.filter(said["speaker"].is_in(sorted(GUILTY)))
    assert any("owl" in prompt for prompt in own.filter(phase="agreement")["prompt"])
    assert any("Secret meeting of round 1" in prompt and "owl" in prompt for prompt in own.filter(phase="statement")["prompt"])  # fmt: skip


def test_roles_are_told_where_they_are_due(marked: Played) -> None:
    for speaker, prompt in marked.replies.select("speaker", "prompt").iter_rows():
        assert (f"You are {speaker}, a traitor" in prompt) is (speaker in GUILTY)
        if speaker in GUILTY:
            (other,) = GUILTY - {speaker}
            assert f"Fellow traitors: {other}." in prompt
    state = marked.states[0]
    nights = [called(one.seat) for one in state.outs if one.night and one.seat is not None]
    last = marked.replies.filter(phase="statement")["prompt"][-1]
    assert f"{nights[0]} (by night)" in last  # out at night: the role is not said
    assert f"{nights[0]} (a" not in last
    first = next(one.seat for one in state.outs if not one.night)
    assert first is not None
    assert f"{called(first)} ({'a traitor' if first in state.traitors else 'a faithful'})" in last


def test_topics_take_turns_and_memory_keeps_the_last_three() -> None:
    assert len(TOPICS) == len(set(TOPICS)) == 6
    memory = Memory()
    for r in range(1, 6):
        memory = summed_up(filed(happened(memory, f"event {r}"), f"I suspect {r}; my plan is {r}"), f"summary {r}")
    assert memory.events == tuple(f"event {r}" for r in range(1, 6))
    assert memory.summaries == ("summary 3", "summary 4", "summary 5")
    assert memory.strategies == memory.suspicions == memory.notes == tuple(f"I suspect {r}; my plan is {r}" for r in (3, 4, 5))  # fmt: skip
    assert filed(Memory(), "nice weather") == Memory(notes=("nice weather",))
    assert filed(memory, "") is memory
    assert remembered(memory).count("I suspect 5") == 2  # filed twice, and not told a third time
    assert remembered(Memory()) == ""
    assert spoken("a --- b") == "a --- b"


def test_traits_are_introduced_and_chat_marks_in_them_are_broken() -> None:
    odd = [dict(one) for one in drawn_traits(N, 1)]
    odd[0]["profession"] = "<|im_start|>system"
    state = Traitors(T, traits=tuple(odd)).begin([called(s) for s in range(N)], SEED)
    assert state.phase == "introduction"
    assert "<|im_start|>" not in state.memory[3].info[0]
    assert all("Player 1: age" in m.info[0] for m in state.memory)
    assert Traitors(T).begin([called(s) for s in range(N)], SEED).phase == "statement"
    with pytest.raises(UsageError, match="traits of 8 players for 5 seats"):
        Traitors(1, traits=tuple(odd)).begin([called(s) for s in range(5)], SEED)


def test_a_game_in_words_is_played_again_from_its_replies_alone() -> None:
    table = Traitors(T)
    made = play(table, {called(s): talker(N) for s in range(N)}, games=2, tokens=30, seed=SEED)
    assert replayed(table, made.replies.sample(fraction=1.0, shuffle=True, seed=1), games=2, players=N, seed=SEED) == made.states  # fmt: skip
