"""What each player is told when its turn comes: its role, what it remembers, how the game stands, what was said, what is asked."""

from collections.abc import Mapping

from sociolect import text
from sociolect.elicit.channels import heard, told
from sociolect.systems.worlds.traitors.memory import remembered
from sociolect.systems.worlds.traitors.state import State, alive, called, targets

# ours in wording, the release's in matter: six topics that take turns [code]
TOPICS = (
    "Whom do you suspect, and what makes you suspect them?",
    "Which behaviour so far looks odd to you?",
    "Whose account of things does not hold together?",
    "Whom do you trust most, and for what reason?",
    "How do you think the traitors go about it?",
    "Who has kept too quiet?",
)
TRAITS = ("age", "nationality", "profession", "ethnicity", "civil status", "children", "pronoun")  # [code]
GOALS = {
    True: "The traitors win once they are as many as the faithful. Be taken for a faithful: turn suspicion on others, keep your "
    "fellows from being found out, and never show what only a traitor knows.",
    False: "The faithful win once every traitor is out. Look for what does not fit in what the others say, choose whom to trust "
    "with care, and defend yourself with reasons.",
}  # fmt: skip
SPEAK = "Think first if you like. Then say what the others are to hear, 50 to 100 words, between two lines of ---: only that is heard."
ASKED = {
    "introduction": "You have just met the others. Write a note to yourself: what about them is worth remembering? Nobody else reads it.",
    "reaction": "You have heard everybody. What do you answer? The others do not hear it before they have answered themselves. " + SPEAK,
    "note": "Write a note to yourself about this discussion: what will you need later? Nobody else reads it.",
    "comment": "What do you say to that? " + SPEAK,
    "reflection": "Write a note to yourself about this vote: what has it shown you? Nobody else reads it.",
    "meeting": "The traitors meet in secret. Whom do you want out tonight, and for what reason? " + SPEAK,
    "agreement": "The traitors have all spoken. Say in a few words whom you will vote for tonight. " + SPEAK,
}  # fmt: skip
# what was said that a phase is about, by phase
ABOUT = {
    "statement": ("statement",),
    "reaction": ("statement",),
    "note": ("statement", "reaction"),
    "vote": ("statement", "reaction"),
    "comment": ("comment",),
    "reflection": ("comment",),
    "meeting": ("meeting",),
    "agreement": ("meeting",),
    "night": ("meeting", "agreement"),
}


def prompt(state: State, seat: int, *, talk: bool, traits: tuple[Mapping[str, object], ...], clue: str = "") -> str:
    """All that this seat is told at its turn."""
    parts = [_role(state, seat, talk=talk)]
    if traits:
        parts.append(f"You are {described(traits[seat])}.")
    if talk:
        parts.append(remembered(state.memory[seat]))
    parts.append(_status(state))
    if clue:
        parts.append(f"Clue, for you alone: {clue} is a traitor.")
    said = [line for about in ABOUT.get(state.phase, ()) for line in heard(state.log, called(seat), phase=channel(state, about))]  # fmt: skip
    if said:
        parts.append(f"Said so far\n{told(said, you=called(seat))}")
    parts.append(_question(state, seat))
    return "\n\n".join(p for p in parts if p)


def channel(state: State, phase: str) -> str:
    """The name of one round's phase in the log."""
    return f"{state.round} {phase}"


def described(traits: Mapping[str, object]) -> str:
    """A player's traits in words, chat marks broken: they may come from a file.

    >>> described({"age": 40, "profession": "baker"})
    'age 40, profession baker'
    """
    return text.neutralise(text.clean(", ".join(f"{name} {traits[name]}" for name in TRAITS if name in traits)))


def _role(state: State, seat: int, *, talk: bool) -> str:
    traitor = seat in state.traitors
    said = f"You are {called(seat)}, a {'traitor' if traitor else 'faithful player'}, in a game of {len(state.players)} players; traitors among them: {len(state.traitors)}."
    if talk:
        said += f" {GOALS[traitor]}"
    if traitor:
        fellows = [called(s) for s in sorted(state.traitors) if s != seat]
        said += f"\nFellow traitors: {', '.join(fellows) or 'none'}."
    return said


def _status(state: State) -> str:
    said = f"Round {state.round}. Living: {', '.join(map(called, alive(state)))}."
    gone = [
        f"{called(one.seat)} (by night)" if one.night else f"{called(one.seat)} ({role(state, one.seat)})"
        for one in state.outs
        if one.seat is not None
    ]
    return f"{said} Out: {', '.join(gone)}." if gone else said


def role(state: State, seat: int) -> str:
    return "a traitor" if seat in state.traitors else "a faithful"


def _question(state: State, seat: int) -> str:
    if state.phase == "statement":
        return f"The round's topic: {TOPICS[(state.round - 1) % len(TOPICS)]} {SPEAK}"
    if state.phase in ("vote", "night"):
        whom = ", ".join(map(called, targets(state, seat)))
        when = "Who is to be out tonight?" if state.phase == "night" else "Vote: who is to be out?"
        return f"{when} You may name one of: {whom}. Answer with the name alone."
    return ASKED[state.phase]
