"""The interview as a world of two players: a story, private notes, a card, and its submission once the participant agrees."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sociolect.elicit.channels import Log, heard, say, told
from sociolect.elicit.play import Due
from sociolect.errors import UsageError
from sociolect.models.model import Chat, Message
from sociolect.systems.networks.moral_graph.cards import Card, read
from sociolect.systems.networks.moral_graph.material import options, words

MOST = 20  # ours: the paper is silent; turns of either player after which an interview ends without a card
INTERVIEWER = "interviewer"


@dataclass(frozen=True, slots=True)
class Interview:
    """One interview: who sits there, what was said (each line with its audience), the card on the table, and how it ended."""

    participant: str
    log: Log = ()
    phase: str = "open"
    turns: int = 0
    card: Card | None = None
    accepted: bool = False

    @property
    def over(self) -> bool:
        return self.accepted or self.turns >= MOST


@dataclass(frozen=True, slots=True)
class Interviewing:
    """The rules: open, answer, note (private), say, agree, and where the card is not right yet, what is missing, and again.

    `cases` says by the participant's seat what the interview is about, `personas` what a played participant attends to: these words
    stand in the participant's prompt alone. A card is submitted when the participant agrees; after 20 turns none is.
    """

    cases: Mapping[str, str]
    personas: Mapping[str, str]

    def begin(self, players: Sequence[str], seed: int) -> Interview:
        others = [p for p in players if p != INTERVIEWER]
        if len(others) != 1 or len(players) != 2 or others[0] not in self.cases:
            raise UsageError(
                f"an interview has the seats {INTERVIEWER} and one participant with a case; seen: {', '.join(players)}"
            )
        return Interview(others[0])

    def turn(self, state: Interview) -> Mapping[str, Chat | Due]:
        if state.over:
            return {}
        if state.phase in ("open", "note", "say"):
            return {INTERVIEWER: Due(self._interviewer(state), phase=state.phase)}
        offered = options("agree") if state.phase == "agree" else None
        return {state.participant: Due(self._participant(state), offered, state.phase)}

    def move(self, state: Interview, said: Mapping[str, str]) -> Interview:
        (who, text), phase = next(iter(said.items())), state.phase
        after = replace(state, turns=state.turns + 1)
        if not text.strip():
            return after  # asked again: nobody answers in their place
        log = say(state.log, who, text, phase=phase, to=[] if phase == "note" else None)
        card = read(text) if phase == "say" else None
        if phase == "say" and card is None and text.lstrip().upper().startswith("CARD"):
            return after  # a card that cannot be read is never shown
        if phase == "agree":
            agreed = text == options("agree")[0]
            return replace(after, log=log, accepted=agreed, phase="agree" if agreed else "missing")
        follows = {
            "open": "answer",
            "answer": "note",
            "missing": "note",
            "note": "say",
            "say": "agree" if card else "answer",
        }
        return replace(after, log=log, card=card or state.card, phase=follows[phase])

    def tally(self, state: Interview) -> Mapping[str, Mapping[str, float | None]]:
        found = len(state.card.policies) if state.card else None
        return {state.participant: {"accepted": float(state.accepted), "policies": found, "turns": float(state.turns)}}

    def _interviewer(self, state: Interview) -> Chat:
        said = words()
        rules = "\n".join(f"{k}. {rule}" for k, rule in enumerate(said["checklist"], 1))
        never = "\n".join(f"- {what}" for what in said["not_values"])
        system = f"{said['interviewer']}\n\nChecklist:\n{rules}\n\nA value is none of these:\n{never}"
        return Message("system", system), Message("user", self._so_far(state, INTERVIEWER, said["ask"][state.phase]))

    def _participant(self, state: Interview) -> Chat:
        said, persona = words(), self.personas.get(state.participant, "")
        system = said["participant"] + (f"\n\nYou attend to:\n{persona}" if persona else "")
        last = said["ask"].get(state.phase, "")
        return Message("system", system), Message("user", self._so_far(state, state.participant, last))

    def _so_far(self, state: Interview, who: str, last: str) -> str:
        lines = told(heard(state.log, who), you=who)
        parts = [f"The case: {self.cases[state.participant]}", lines, last]
        return "\n\n".join(p for p in parts if p)


def legible(state: Interview, who: str, text: str) -> bool:
    """Whether a text can be used: not blank, and a card only in the form that was asked for.

    >>> legible(Interview("p", phase="say"), "interviewer", "CARD: no lines"), legible(Interview("p"), "p", "a story")
    (False, True)
    """
    if state.phase == "say" and text.lstrip().upper().startswith("CARD"):
        return read(text) is not None
    return bool(text.strip())
