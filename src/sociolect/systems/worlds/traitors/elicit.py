"""The game as a world: who acts when, what each of them sees, and what comes of what they say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sociolect.elicit.channels import heard, say, told
from sociolect.elicit.play import Due
from sociolect.errors import UsageError
from sociolect.models.model import user
from sociolect.seeds import substream
from sociolect.systems.worlds.traitors.memory import LAST, Memory, filed, happened, summed_up
from sociolect.systems.worlds.traitors.prompts import channel, described, prompt, role
from sociolect.systems.worlds.traitors.rules import MOST, TRAITORS, Tie, dealt, lots, voted_out, winner
from sociolect.systems.worlds.traitors.state import Out, State, alive, called, due, read, spoken, targets

IN_ORDER = ("statement", "comment", "meeting")  # one after another; the other phases are at once
NOTES = ("introduction", "note", "reflection")
PHASES = ("statement", "reaction", "note", "vote", "comment", "reflection", "meeting", "agreement", "night")


@dataclass(frozen=True, slots=True)
class Traitors:
    """The rules of one table (arXiv 2505.12923, and its released code).

    `talk=False` leaves out all but the votes. `constrained` offers the living seats as options; else a vote is the first number
    in free words, and one that may not be cast is void. `tie` is by the game's seed, or as released: to whoever was named first.
    `clue` is the chance that a faithful is told a living traitor's name before a vote: planted knowledge, 0 in the paper.
    """

    traitors: int = TRAITORS
    talk: bool = True
    constrained: bool = True
    tie: Tie = "seed"
    clue: float = 0.0
    traits: tuple[Mapping[str, object], ...] = ()
    most: int = MOST

    def begin(self, players: Sequence[str], seed: int) -> State:
        """Roles are dealt by the seed (`rules.dealt`); raises UsageError for too few players, or traits of another number."""
        if self.traits and len(self.traits) != len(players):
            raise UsageError(f"traits of {len(self.traits)} players for {len(players)} seats: one entry a seat is due")
        traitors = frozenset(dealt(len(players), self.traitors, seed))
        info = tuple(f"{called(s)}: {described(one)}" for s, one in enumerate(self.traits))
        first = ("introduction" if self.traits else "statement") if self.talk else "vote"
        return State(tuple(players), traitors, seed, first, memory=(Memory(info=info),) * len(players))

    def turn(self, state: State) -> Mapping[str, Due]:
        """The next speaker, or all who speak, vote or write at once; nobody once the game is over."""
        if state.won:
            return {}
        acting = due(state)
        if state.phase in IN_ORDER:
            acting = acting[state.place : state.place + 1]
        clues = self._clues(state) if self.clue and state.phase == "vote" else {}
        out = {}
        for seat in acting:
            said = prompt(state, seat, talk=self.talk, traits=self.traits, clue=clues.get(seat, ""))
            offered = None
            if self.constrained and state.phase in ("vote", "night"):
                offered = tuple(map(called, targets(state, seat)))
            out[state.players[seat]] = Due(user(said), offered, state.phase)
        return out

    def move(self, state: State, said: Mapping[str, str]) -> State:
        """The game after what was said: votes counted and filed, players out, notes kept, the next phase begun."""
        words = {seat: said[name] for seat, name in enumerate(state.players) if name in said}
        if state.phase in ("vote", "night"):
            return self._after(self._counted(state, words))
        if state.phase in NOTES:
            memory = tuple(filed(m, spoken(words[s])) if s in words else m for s, m in enumerate(state.memory))
            return self._after(state._replace(memory=memory))
        hears = [called(s) for s in due(state)] if state.phase in ("meeting", "agreement") else None
        log = state.log
        for seat, text in words.items():
            log = say(log, called(seat), spoken(text), phase=channel(state, state.phase), to=hears)
        state = state._replace(log=log, place=state.place + 1)
        if state.phase in IN_ORDER and state.place < len(due(state)):
            return state
        return self._after(_met(state) if state.phase == "agreement" else state)

    def legible(self, state: State, seat: str, text: str) -> bool:
        """Whether a vote can be cast as it was said; any other words can be read."""
        return state.phase not in ("vote", "night") or not read(state, state.players.index(seat), text).void

    def tally(self, state: State) -> Mapping[str, Mapping[str, float | None]]:
        """Win, survival and void votes of every player; and the share of its public votes that hit a traitor."""
        living = set(alive(state))
        out: dict[str, dict[str, float | None]] = {}
        for seat, name in enumerate(state.players):
            mine = [v for v in state.votes if v.who == seat]
            cast = [v.target in state.traitors for v in mine if not v.night and not v.void]
            side = "traitors" if seat in state.traitors else "faithful"
            out[name] = {
                "win": None if state.won == "nobody" else float(state.won == side),
                "survived": float(seat in living),
                "right": sum(cast) / len(cast) if cast else None,
                "void": float(sum(bool(v.void) for v in mine)),
            }
        return out

    def _clues(self, state: State) -> dict[int, str]:
        """The traitor that each lucky faithful is told of."""
        draw = substream(state.seed, "traitors", "clue", state.round)
        lucky, which = draw.random(len(state.players)), draw.random(len(state.players))
        guilty = [s for s in alive(state) if s in state.traitors]
        return {
            seat: called(guilty[int(which[seat] * len(guilty))])
            for seat in alive(state)
            if guilty and seat not in state.traitors and lucky[seat] < self.clue
        }

    def _counted(self, state: State, words: Mapping[int, str]) -> State:
        night = state.phase == "night"
        cast = [read(state, seat, text) for seat, text in words.items()]  # in seat order, as the release asks
        legal = [v.target for v in cast if v.target is not None and not v.void]
        drawn = None if self.tie == "released" else lots(len(state.players), state.seed, state.round, night)
        seat = voted_out(legal, drawn=drawn)
        if seat is None:
            event = f"Round {state.round}: nobody was voted out{' by night' if night else ''}."
        elif night:
            event = f"Round {state.round}: {called(seat)} was put out by the traitors at night."
        else:
            event = f"Round {state.round}: {called(seat)} was voted out and was {role(state, seat)}."
        memory = tuple(happened(m, event) for m in state.memory) if self.talk else state.memory
        if night and self.talk:
            here = [e.removeprefix(f"Round {state.round}: ") for e in memory[0].events if e.startswith(f"Round {state.round}:")]  # fmt: skip
            memory = tuple(summed_up(m, f"round {state.round}, {' '.join(here)}") for m in memory)
        outs = (*state.outs, Out(state.round, night, seat))
        return state._replace(votes=(*state.votes, *cast), outs=outs, memory=memory)

    def _after(self, state: State) -> State:
        """The state in its next phase; a phase that concerns nobody is passed over, and the night ends with the check."""
        if state.phase == "introduction":
            return state._replace(phase="statement", place=0)
        order = PHASES if self.talk else ("vote", "night")
        for phase in order[order.index(state.phase) + 1 :]:
            # nobody comments on a day on which nobody left [code]
            left = not state.outs or state.outs[-1].seat is not None
            if phase in ("comment", "reflection") and not left:
                continue
            state = state._replace(phase=phase, place=0)
            if due(state) and (phase != "night" or targets(state, due(state)[0])):
                return state
        living = alive(state)
        traitors = sum(s in state.traitors for s in living)
        won = winner(traitors, len(living) - traitors)
        if won or state.round == self.most:
            return state._replace(won=won or "nobody", phase="over")
        return state._replace(phase=order[0], round=state.round + 1, place=0)


def _met(state: State) -> State:
    """The state in which each living traitor keeps what its meeting said among its notes."""
    memory = list(state.memory)
    for seat in due(state):
        lines = [n for p in ("meeting", "agreement") for n in heard(state.log, called(seat), phase=channel(state, p))]
        said = f"Secret meeting of round {state.round}: {told(lines).replace(chr(10), ' / ')}"
        memory[seat] = memory[seat]._replace(notes=(*memory[seat].notes, said)[-LAST:])
    return state._replace(memory=tuple(memory))
