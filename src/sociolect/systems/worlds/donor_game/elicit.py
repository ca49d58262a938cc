"""The Donor Game: what is given is multiplied on its way, and what a donor did is what later donors see of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from math import fsum
from types import MappingProxyType
from typing import Any, NamedTuple

from sociolect.elicit.play import Due
from sociolect.models.model import Message
from sociolect.systems.worlds.donor_game import prompts
from sociolect.systems.worlds.donor_game.schedule import Rounds, rounds

STRATEGY = "strategy"
# The ways in which a game is played; `random` is the negative control: who survives has nothing to do with what it did.
CONDITIONS: Mapping[str, Mapping[str, Any]] = MappingProxyType({
    "no trace": {"depth": 0},
    "trace": {},
    "punishment": {"punish": True},
    "refusal": {"refuse": True},
    "random": {"depth": 0, "selection": "random"},
})  # fmt: skip


class Done(NamedTuple):
    """What one donor did in one round. `units` and `share` are null where nothing could be read, `share` also where it had nothing.

    `seen` is the share that the recipient was last seen to give, null where no gift of it was to be seen.
    """

    round: int
    donor: str
    recipient: str
    kind: str  # give, punish, refuse, invalid
    own: float
    units: float | None
    share: float | None
    seen: float | None


class State(NamedTuple):
    """Where a game stands; what a player is seen by is its trace: what it did last, and before it what its recipient had done."""

    game: "DonorGame"
    seats: tuple[str, ...]
    plan: Rounds
    system: str
    asked: bool  # whether those who had none have been asked for their strategies
    strategies: Mapping[str, str | None]
    purse: Mapping[str, float]
    traces: Mapping[str, tuple[str, ...]]  # newest first
    shown: Mapping[str, float]  # the share in the newest entry of a trace, where that is a gift
    done: tuple[Done, ...]
    round: int


@dataclass(frozen=True, slots=True)
class DonorGame:
    """The rules of one game, and what its players bring along from earlier ones.

    Who has no entry in `strategies` is asked for one first, and told `advice`: the survivors' strategies and scores.
    `match` is 1 or 2: in the second game of a generation all roles are reversed. `depth` is how many entries of a trace are
    shown. An unreadable answer moves nothing, leaves no trace, and is kept as invalid with null units.
    """

    endowment: float = 10.0  # [code]
    multiplier: float = 2.0  # [code]
    depth: int = 3  # [code]
    punish: bool = False
    refuse: bool = False
    schedule: str = "released"
    selection: str = "top"
    scores: bool = True
    generation: int = 1
    match: int = 1
    strategies: Mapping[str, str | None] = field(default_factory=dict)
    advice: tuple[tuple[str | None, float | None], ...] = ()

    def begin(self, players: Sequence[str], seed: int) -> State:
        """Everybody with the endowment and no trace: what was seen in an earlier game is gone [code]."""
        plan = rounds(len(players), self.schedule, swapped=self.match == 2)
        new = [who for who in players if who not in self.strategies]
        return State(
            game=self, seats=tuple(players), plan=plan, system=self._rules(plan), asked=not new,
            strategies=dict(self.strategies), purse=dict.fromkeys(players, self.endowment),
            traces=dict.fromkeys(players, ()), shown={}, done=(), round=0,
        )  # fmt: skip

    def turn(self, state: State) -> Mapping[str, Due]:
        """The newcomers, for their strategies; then all donors of the round at once."""
        head = Message("system", state.system)
        if not state.asked:
            asked = {who: self._question(who) for who in state.seats if who not in state.strategies}
            return {who: Due((head, Message("user", said)), None, STRATEGY) for who, said in asked.items()}
        if state.round == len(state.plan):
            return {}
        phase = f"round {state.round + 1}"
        return {
            state.seats[donor]: Due(
                (head, Message("user", self._situation(state, state.seats[donor], state.seats[other]))), None, phase
            )
            for donor, other in state.plan[state.round]
        }

    def move(self, state: State, said: Mapping[str, str]) -> State:
        """The strategies as they were stated, or all acts of the round, which are simultaneous."""
        if not state.asked:
            stated = {who: prompts.stated(text) for who, text in said.items()}
            return state._replace(asked=True, strategies={**state.strategies, **stated})
        purse, traces, shown = dict(state.purse), dict(state.traces), dict(state.shown)
        acts = []
        for donor, other in state.plan[state.round]:
            done = self._done(state, state.seats[donor], state.seats[other], said[state.seats[donor]])
            acts.append(done)
            if done.units is not None:
                self._moved(purse, done)
            if done.share is None:
                continue
            # what was shown of the recipient before this round, not what it does in it: it is no donor now
            entry = _entry(done.donor, done.recipient, done.kind, round(100 * done.share), done.round)
            traces[done.donor] = (entry, *state.traces[done.recipient])[: self.depth]
            shown.pop(done.donor, None)
            if done.kind == "give" and self.depth:
                shown[done.donor] = done.share
        return state._replace(purse=purse, traces=traces, shown=shown, done=(*state.done, *acts), round=state.round + 1)

    def tally(self, state: State) -> Mapping[str, Mapping[str, float | None]]:
        """Units at the end, the mean share given (null where nothing was readable), gifts and unreadable answers."""
        out: dict[str, Mapping[str, float | None]] = {}
        for who in state.seats:
            mine = [one for one in state.done if one.donor == who]
            shares = [_donated(one) for one in mine if one.share is not None]
            out[who] = {
                "units": state.purse[who],
                "donated": fsum(shares) / len(shares) if shares else None,
                "gifts": float(sum(one.kind == "give" for one in mine)),
                "invalid": float(sum(one.kind == "invalid" for one in mine)),
            }
        return out

    def _done(self, state: State, donor: str, recipient: str, text: str) -> Done:
        own, seen = state.purse[donor], state.shown.get(recipient)
        act = prompts.read(text, own, punish=self.punish, refuse=self.refuse)
        if act is None:
            return Done(state.round + 1, donor, recipient, "invalid", own, None, None, seen)
        share = act.units / own if own > 0 else None
        return Done(state.round + 1, donor, recipient, act.kind, own, act.units, share, seen)

    def _moved(self, purse: dict[str, float], done: Done) -> None:
        came = self.multiplier * (done.units or 0.0)
        purse[done.donor] -= done.units or 0.0
        if done.kind == "punish":
            purse[done.recipient] = max(purse[done.recipient] - came, 0.0)
        else:
            purse[done.recipient] += came

    def _rules(self, plan: Rounds) -> str:
        return prompts.system(
            plan, endowment=self.endowment, multiplier=self.multiplier, punish=self.punish, refuse=self.refuse,
            selection=self.selection,
        )  # fmt: skip

    def _question(self, who: str) -> str:
        return prompts.strategy(who, depth=self.depth, advice=self.advice, scores=self.scores, selection=self.selection)

    def _situation(self, state: State, donor: str, recipient: str) -> str:
        trace = "; ".join(state.traces[recipient]) or prompts.NOTHING
        known = f"What is known of {recipient}, the newest first: {trace}.\n" if self.depth else ""
        mine = state.strategies.get(donor)
        return (
            f"Your name is {donor}. {f'Your strategy: {mine}' if mine else 'You have stated no strategy.'}\n"
            f"This is generation {self.generation}, game {self.match}, round {state.round + 1} of {len(state.plan)}. "
            f"You are the donor; the recipient is {recipient}, who has {prompts.units(state.purse[recipient])} units.\n"
            f"{known}You have {prompts.units(state.purse[donor])} units. How many do you give?\n"
            f"{_form(self.punish, self.refuse)}"
        )


def legible(state: State, who: str, text: str) -> bool:
    """Whether a strategy or an act can be read out of the text, by the rules of this game."""
    if not state.asked:
        return prompts.stated(text) is not None
    return prompts.read(text, state.purse[who], punish=state.game.punish, refuse=state.game.refuse) is not None


def _donated(done: Done) -> float:
    return done.share or 0.0 if done.kind == "give" else 0.0


@lru_cache(maxsize=8)
def _form(punish: bool, refuse: bool) -> str:
    return prompts.form(punish=punish, refuse=refuse)


def _entry(donor: str, recipient: str, kind: str, percent: int, round_: int) -> str:
    if kind == "give":
        return f"in round {round_} {donor} gave {percent}% of what it had to {recipient}"
    if kind == "punish":
        return f"in round {round_} {donor} punished {recipient} with {percent}% of what it had"
    return f"in round {round_} {donor} refused {recipient}"


def second(game: DonorGame, first: State) -> DonorGame:
    """The second game of the generation: the same players with the strategies of the first, all roles reversed."""
    return replace(game, match=2, strategies=dict(first.strategies))
