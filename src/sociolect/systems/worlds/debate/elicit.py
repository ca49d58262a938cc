"""The debate: rounds of public posts and private chats between four people, with their private opinions before and after.

Twins take the seats of people in three modes: 1, the next message, all human context up to there; 2, human posts and simulated
chats; 3, the first post alone is human, all else is rolled out. In every mode a twin reports its own opinion at the end.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sociolect.elicit.channels import Log, say
from sociolect.elicit.play import Due
from sociolect.errors import InputError, UsageError
from sociolect.models.model import Chat
from sociolect.models.replay import Replay, replay
from sociolect.systems.worlds.debate.prompts import Ask, asked, chat
from sociolect.systems.worlds.debate.scale import NAMES
from sociolect.systems.worlds.debate.session import ROUNDS, Session

TURNS = 6  # ours: the paper gives minutes, not turns
MODES = (1, 2, 3)


class Step(NamedTuple):
    """Who speaks at once, each with the partner who hears it (None: all do); `given` is what was recorded, where it is."""

    phase: str
    round: int
    speakers: Mapping[str, str | None]
    given: Mapping[str, str]
    put: bool = True


class State(NamedTuple):
    """Where a session stands: the steps and the place among them, what was said to whom, and the twins' own last levels."""

    session: Session
    steps: tuple[Step, ...]
    at: int
    log: Log
    levels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Debate:
    """The world of recorded sessions by who sits in them; `mode` says what of the record is played back (`debate` makes one)."""

    seated: Mapping[tuple[str, ...], Session]
    mode: int
    turns: int
    system: bool

    def begin(self, players: Sequence[str], seed: int) -> State:
        """The session of these people before its first message. Raises InputError where nobody recorded one."""
        if tuple(sorted(players)) not in self.seated:
            raise InputError(f"no session of {', '.join(players)} was recorded; there are {len(self.seated)}")
        session = self.seated[tuple(sorted(players))]
        return _onward(State(session, tuple(_steps(session, self.mode, self.turns)), 0, (), {}))

    def turn(self, state: State) -> Mapping[str, Due]:
        """Those due now: four in a post phase or a report, one of each pair in a chat."""
        if state.at >= len(state.steps):
            return {}
        step = state.steps[state.at]
        options = NAMES if step.phase == "report" else None
        return {who: Due(self._chat(state, who), options, place(step)) for who in step.speakers}

    def move(self, state: State, said: Mapping[str, str]) -> State:
        """What was said is heard; in mode 1 what was recorded is heard in its place. A blank message is heard by nobody."""
        step = state.steps[state.at]
        if step.phase == "report":
            return _onward(state._replace(at=state.at + 1, levels=dict(said)))
        if step.phase == "why":
            return state._replace(at=state.at + 1)
        return _onward(_heard(state, step, step.given if self.mode == 1 else said))

    def tally(self, state: State) -> Mapping[str, Mapping[str, float | None]]:
        """Each seat's initial level, its person's, and the final level that its player chose."""
        return {
            who: {"initial": one.level, "final": float(state.levels[who]) if who in state.levels else None}
            for who, one in sorted(state.session.initial.items())
        }

    def _chat(self, state: State, who: str) -> Chat:
        step = state.steps[state.at]
        spoken = sum(line.who == who and line.phase == place(step) for line in state.log)
        ask = Ask(step.phase, step.round, spoken + 1, state.levels.get(who))
        return chat(state.session, state.log, who, ask, system=self.system)


def debate(sessions: Sequence[Session], *, mode: int = 1, turns: int = TURNS, system: bool = True) -> Debate:
    """The world of these sessions; a game's players are the people of one of them.

    `turns` is the messages of a simulated chat; `system=False` puts the persona at the head of the one message instead.
    Raises UsageError for another mode than 1, 2 or 3, or no turn.
    """
    if mode not in MODES or turns < 1:
        raise UsageError(f"mode={mode}, turns={turns}: a mode of 1, 2 or 3 and at least one turn are due")
    return Debate({session.people: session for session in sessions}, mode, turns, system)


def place(step: Step) -> str:
    """A step's phase as replies name it.

    >>> place(Step("chat", 2, {}, {})), place(Step("report", 0, {}, {}))
    ('chat 2', 'report')
    """
    return f"{step.phase} {step.round}" if step.round else step.phase


def recorded(session: Session) -> dict[str, Replay]:
    """A player for each person that says what the person said, read off what is asked."""
    out = {}
    for who in session.people:
        said: dict[str, str] = {}
        for r, posts in enumerate(session.posts, 1):
            if who in posts:
                said[asked(Ask("post", r, 1))] = posts[who].text
            own = [m for messages in session.chats[r - 1].values() for m in messages if m.who == who]
            said |= {asked(Ask("chat", r, k)): m.text for k, m in enumerate(own, 1)}
        level = f"{session.final[who].level:.1f}"
        said |= {asked(Ask("report", 0, 1)): level, asked(Ask("why", 0, 1, level)): session.final[who].text}
        out[who] = replay(said, at=lambda c: c[-1].text.rpartition("\n\n")[2], name=f"replay/{who}")
    return out


def _steps(session: Session, mode: int, turns: int) -> list[Step]:
    out = []
    for r in range(1, ROUNDS + 1):
        posts = session.posts[r - 1] if r <= len(session.posts) else {}
        chats = session.chats[r - 1] if r <= len(session.chats) else {}
        given = {who: said.text for who, said in sorted(posts.items())}
        simulated = mode == 3 and r > 1
        speakers = dict.fromkeys(session.people if simulated else given)
        if speakers:
            out.append(Step("post", r, speakers, given, put=mode == 1 or simulated))
        most = max(map(len, chats.values()), default=0) if mode == 1 else turns if chats else 0
        for k in range(most):
            lines = {m[k].who: m[k] for m in chats.values() if k < len(m)} if mode == 1 else {}
            who = {w: m.to for w, m in lines.items()} if mode == 1 else {pair[k % 2]: pair[1 - k % 2] for pair in chats}
            out.append(Step("chat", r, dict(sorted(who.items())), {w: m.text for w, m in lines.items()}))
    everybody = dict.fromkeys(session.people)
    return [*out, Step("report", 0, everybody, {}), Step("why", 0, everybody, {})]


def _heard(state: State, step: Step, said: Mapping[str, str]) -> State:
    log = state.log
    for who, partner in step.speakers.items():
        if said.get(who, "").strip():
            log = say(log, who, said[who], phase=place(step), to=None if partner is None else [partner])
    return state._replace(at=state.at + 1, log=log)


def _onward(state: State) -> State:
    """Past the steps that nobody is asked: what was recorded there is heard."""
    while state.at < len(state.steps) and not state.steps[state.at].put:
        state = _heard(state, state.steps[state.at], state.steps[state.at].given)
    return state
