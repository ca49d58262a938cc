"""Scripted players: an interviewer and personas that know what they attend to, for runs without a model."""

import re
from collections.abc import Mapping, Sequence

from sociolect.models.model import Chat
from sociolect.models.scripted import Scripted, scripted
from sociolect.systems.networks.moral_graph.cards import alike
from sociolect.systems.networks.moral_graph.material import options, words

AT_ONCE = 2  # policies that a persona tells in one answer: the rest has to be asked for
_NAMED = re.compile(r"I call it ([^:.]+): ([^\n]+?) I attend to")
_ATTENDS = re.compile(r"I attend to ([^\n]+?)\.(?=\s|$)")
_SHOWN = re.compile(r"CARD: [^|\n]+ \| [^\n]+(?:\n *- [^\n]+)+")  # a transcript indents what goes on


def interviewer() -> Scripted:
    """An interviewer that writes on the card what it was told, and nothing else."""
    return scripted(_interview, name="planted/interviewer")


def persona() -> Scripted:
    """A participant that attends to what its prompt says, tells two policies at a time, and agrees to a card that holds all."""
    return scripted(_participate, name="planted/persona")


def judge() -> Scripted:
    """Two cards are the same value where they say the same words."""
    return scripted(_judged, name="planted/judge")


def proposer(rank: Mapping[str, int], *, reach: int = 3) -> Scripted:
    """Proposes every pair at most `reach` places apart in the planted order, upwards; `rank` is by title."""

    def propose(chat: Chat) -> str:
        listed = re.findall(r"^(\d+)\. CARD: ([^|\n]+?) \|", chat[-1].text, re.MULTILINE)
        place = {int(k): rank[title] for k, title in listed if title in rank}
        found = [(a, b) for a in place for b in place if 0 < place[b] - place[a] <= reach]
        return "\n".join(
            f"{a} -> {b}: I used to stop at the first; now I see what the second sees." for a, b in sorted(found)
        )

    return scripted(propose, name="planted/proposer")


def _interview(chat: Chat) -> str:
    text, asks = chat[-1].text, words()["ask"]
    policies = list(dict.fromkeys(p for part in _ATTENDS.findall(text) for p in part.split("; ")))
    if text.endswith(asks["open"]):
        return "Can you tell me of a time when you, or somebody you admire, chose well in such a case?"
    if text.endswith(asks["note"]):
        return "Heard so far: " + "; ".join(policies)
    named = _NAMED.search(text)
    if named is None or len(policies) < 2:
        return "What did you attend to, then?"
    return "\n".join([f"CARD: {named[1]} | {named[2]}", *(f"- {p}" for p in policies)])


def _participate(chat: Chat) -> str:
    text, asks = chat[-1].text, words()["ask"]
    head, *lines = chat[0].text.partition("You attend to:\n")[2].splitlines()
    mine: Sequence[str] = [line.removeprefix("- ") for line in lines]
    title, _, description = head.removeprefix("CARD: ").partition(" | ")
    if text.endswith(asks["agree"]):
        shown = _SHOWN.findall(text)
        lines = [line.strip() for line in shown[-1].splitlines()] if shown else []  # what goes on is indented there
        return options("agree")[0 if shown and all(f"- {p}" in lines for p in mine) else 1]
    told = [p for p in mine if p in text]
    more = [p for p in mine if p not in told][:AT_ONCE]
    opening = "" if told else f"There was such a day. I call it {title}: {description} "
    return f"{opening}I attend to {'; '.join(more or mine)}."


def _judged(chat: Chat) -> str:
    shown = chat[-1].text.split("\n\n")
    return options("same")[0 if alike(shown[0], shown[1]) else 1]
