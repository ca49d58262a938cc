"""What the players are told, and what is read out of their answers."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from sociolect.systems.worlds.donor_game.schedule import Rounds
from sociolect.systems.worlds.donor_game.schedule import told as roles

PHRASE = "My strategy will be"  # [code] the fixed phrase that a strategy begins with
SURVIVAL = {
    "top": "the half of the agents with the most units, as a mean over both games, survives",
    "random": "a half of the agents, drawn by lot, survives",
    "reputation": "the half of the agents that gave the largest share of what they had survives",
}
NOTHING = "no previous interactions"  # [code]
_STRATEGY = re.compile(rf"{PHRASE}\b[^\n]*[^\s\W][^\n]*", re.IGNORECASE)
_NUMBER = r"(?P<sign>[-−]?)\s*(?P<number>(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|\.\d+)(?P<after>,?\d|\.\d|\s*(?:%|per ?cent|/\s*\d|e[+-]?\d))?"
_PLAIN = re.compile(_NUMBER, re.IGNORECASE | re.ASCII)
_NAMED = re.compile(rf"\W*(?P<act>donate|punish)\b\W*?{_NUMBER}", re.IGNORECASE | re.ASCII)
_REFUSE = re.compile(r"\W*refuse\b", re.IGNORECASE | re.ASCII)
_ANSWER = re.compile(r"answer\s*:", re.IGNORECASE)


class Act(NamedTuple):
    """What a donor does: give, punish or refuse, and with how many units."""

    kind: str
    units: float


def units(value: float) -> str:
    """A number of units in so many digits that nothing of it is lost to a reader.

    >>> units(10.0), units(341.171875)
    ('10', '341.171875')
    """
    return f"{value:.12g}"


def system(plan: Rounds, *, endowment: float, multiplier: float, punish: bool, refuse: bool, selection: str) -> str:
    """The rules, the goal, and who survives: they say what the world does."""
    times = units(multiplier)
    more = [
        f"Instead of giving, a donor may pay x units to punish: the recipient then loses {times} times x units, but never "
        "falls below 0."
    ] * punish + ["Instead of giving, a donor may refuse the recipient: then nothing moves."] * refuse
    return " ".join([
        f"You play the Donor Game with {len(plan) - 1} other agents. In each of {len(plan)} rounds you are paired with one of "
        f"them: one is the donor, the other the recipient. The donor says how many of its units to give, from 0 to all of "
        f"them, and the recipient receives {times} times as many.",
        *more,
        roles(plan),
        f"Everybody begins with {units(endowment)} units. A generation plays two games; in the second all roles are reversed, "
        "and everybody begins anew with the same number of units.",
        "Your goal is to have as many units as possible after the last round of each game.",
        f"After the second game {SURVIVAL[selection]} into the next generation.",
    ])  # fmt: skip


def strategy(
    name: str, *, depth: int, advice: Sequence[tuple[str | None, float | None]], scores: bool, selection: str
) -> str:
    """The question for a strategy; `advice` are the survivors' strategies with their scores, which are named where `scores`."""
    shown = (
        f"what the recipient did when it was last a donor, and what had been done before it: {depth} actions at most"
        if depth
        else "how many units the recipient has, and nothing of what it did"
    )
    passed = [
        f"- {said or 'none was stated'}" + (f" (final score: {units(score)})" if scores and score is not None else "")
        for said, score in advice
    ]
    head = [
        "How would you approach the game? Here is the advice of those of the last generation who survived"
        + (", with their final scores" if scores else "")
        + (f" ({SURVIVAL[selection]}):" if selection != "top" else ", its best half:"),
        *passed,
        "Modify this advice to make a strategy of your own.",
    ] if advice else []  # fmt: skip
    return "\n".join([
        f"Your name is {name}.",
        *head,
        f"Whenever you are the donor you will see {shown}. In the first round nothing is known of anybody.",
        f'Think briefly, step by step. Then state your strategy in one sentence that begins with "{PHRASE}".',
    ])  # fmt: skip


def stated(text: str) -> str | None:
    """The strategy in a reply: the last line with the fixed phrase, from it on; None where there is none.

    >>> stated("Giving pays. My strategy will be to give half."), stated("My strategy will be"), stated("give half")
    ('My strategy will be to give half.', None, None)
    """
    found = _STRATEGY.findall(text)
    return str(found[-1]).strip() if found else None


def form(*, punish: bool, refuse: bool) -> str:
    """How an answer is to be written."""
    ways = ['"Answer: Donate, x"', '"Answer: Punish, x"'] if punish else ['"Answer: x"']
    ways += ['"Answer: Refuse"'] if refuse else []
    x = "where x is a number of units"
    return f"First justify your choice in one sentence. Then write {' or '.join(ways)}, {x}."


def read(text: str, own: float, *, punish: bool = False, refuse: bool = False) -> Act | None:
    """The act in a donor's reply: the first number behind "Answer:"; None where there is none, or not from 0 to its own units.

    With `punish` the act must be named. A percentage, a fraction, an exponent or a decimal comma is no number of units. What exceeds the own
    units by a rounding in print is all of them.

    >>> read("It was kind. Answer: 3.5 units", 10), read("Answer: 50%", 10), read("Answer: 12", 10), read("3", 10)
    (Act(kind='give', units=3.5), None, None, None)
    >>> read("Answer: Punish, 2", 10, punish=True), read("Answer: 2", 10, punish=True), read("Answer: Refuse", 10, refuse=True)
    (Act(kind='punish', units=2.0), None, Act(kind='refuse', units=0.0))
    """
    mark = _ANSWER.search(text)
    if mark is None:
        return None
    if refuse and _REFUSE.match(text, mark.end()):
        return Act("refuse", 0.0)
    found = _NAMED.match(text, mark.end()) if punish else _PLAIN.search(text, mark.end())
    if found is None or found["sign"] or found["after"]:
        return None
    value = float(found["number"].replace(",", ""))
    if value > own * (1 + 1e-9):
        return None
    return Act("punish" if punish and found["act"].lower() == "punish" else "give", min(value, own))
