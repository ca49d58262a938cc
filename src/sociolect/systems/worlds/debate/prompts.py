"""What a twin sees: its person, the scale, its first opinion, and what its person had heard by then; never what came after."""

from typing import NamedTuple

from sociolect.elicit.channels import Line, Log, heard
from sociolect.models.model import Chat, Message, user
from sociolect.systems.worlds.debate.scale import LEVELS, NAMES, WORDS, flat
from sociolect.systems.worlds.debate.session import ROUNDS, Session

SCALE = "; ".join(f"{name}: {words}" for name, words in zip(NAMES, WORDS, strict=True))
TASK = (
    "You are one of four people who discuss a statement: in each of three rounds everybody writes a public post, and then talks "
    "in private with one of the others. Speak as this person would, in this person's words and at this person's length."
)


class Ask(NamedTuple):
    """What is due: a phase, its round, which of one's messages in it, and the level one has chosen (for its words)."""

    phase: str
    round: int
    number: int
    level: str | None = None


def asked(ask: Ask) -> str:
    """The words that ask for it: the last paragraph of every prompt.

    >>> asked(Ask("post", 2, 1))
    'Round 2 of 3, public post: write your post.'
    """
    if ask.phase == "report":
        return f"The rounds are over. What is your private opinion now? Answer with one of: {', '.join(NAMES)}."
    if ask.phase == "why":
        return f"Your private opinion now is {ask.level}. Explain it in a sentence or two."
    if ask.phase == "post":
        return f"Round {ask.round} of {ROUNDS}, public post: write your post."
    return f"Round {ask.round} of {ROUNDS}, private chat: write your message number {ask.number} to your partner."


def persona(session: Session, who: str) -> str:
    """The persona, the task, the statement, the scale, and the opinion one began with."""
    first = session.initial[who]
    return (
        f"{TASK}\nPerson: {flat(session.personas[who]) or 'not described'}\nStatement: {flat(session.topic)}\n"
        f"Scale of opinions: {SCALE}.\nYour opinion at first: {first.level:.1f} ({WORDS[LEVELS.index(first.level)]}). "
        f"In your words: {flat(first.text)}"
    )


def memory(session: Session, log: Log, who: str) -> list[str]:
    """One line per message remembered: of each round one's own post, the partner's, and their chat, labelled you or partner.

    What is not yet said is in no log, and a log tells everybody only what was said to them: a post phase is simultaneous, so its
    posts are heard once all are written.
    """
    out = []
    mine = heard(log, who)
    for r in range(1, ROUNDS + 1):
        partner = _partner(session, r, who)
        for line in mine:
            if line.phase in (f"post {r}", f"chat {r}") and line.who in (who, partner):
                out.append(_line(line, who, r))
    return out


def chat(session: Session, log: Log, who: str, ask: Ask, *, system: bool = True) -> Chat:
    """The twin's prompt: persona first, then memory and what is due in one message, since many templates take turns strictly."""
    said = "\n".join(memory(session, log, who))
    due = "\n\n".join(part for part in (said, asked(ask)) if part)
    head = persona(session, who)
    return (Message("system", head), Message("user", due)) if system else user(f"{head}\n\n{due}")


def _line(line: Line, who: str, r: int) -> str:
    kind = "post" if line.phase.startswith("post") else "chat"
    return f"[round {r}, {kind}, {'you' if line.who == who else 'partner'}] {flat(line.text)}"


def _partner(session: Session, r: int, who: str) -> str | None:
    """Whom one meets in a round; nobody where no chat was recorded."""
    pairs = session.chats[r - 1] if r <= len(session.chats) else {}
    return next((two if one == who else one for one, two in pairs if who in (one, two)), None)
