"""What the audit will ask, before it asks: every arm's calls, and the least format effect that it can show."""

from collections.abc import Mapping
from math import comb
from pathlib import Path
from typing import Any

from sociolect.compare.detectable import detectable, paired
from sociolect.systems import planned
from sociolect.systems.studies.randomness_not_representation.elicit import PERSONAS
from sociolect.systems.studies.randomness_not_representation.sizes import SIZES

CHARS, REPLY = 320.0, planned.Range(4, 1, 32)  # ours: characters of a prompt with its system part, tokens of an answer
SD = 0.35  # ours: of the difference of two answers, on the scale of 0 to 1, measured on planted players
WAYS = (
    8  # of arm B that ask a call a pair; absolute rating asks two; all in bulk is one, counted as if each stood alone
)


def plan(*, size: str = "tiny", survey: Path | None = None, models: Mapping[str, str] | None = None, draws: int = 1, **_: Any) -> planned.Plan:  # fmt: skip
    """Calls by arm and model; without `models` planted players answer, who cost nothing."""
    at = SIZES[size]
    items, countries = (16, 8) if survey is None else (min(at.items or 77, 77), 15)
    values = at.countries if survey is None else countries
    saved = min(at.saved, countries)
    pairs = 6 * min(at.pairs, at.letters)
    # a form asked again, and two forms of the denial, stand beside the eight
    arms = {
        "plain": (items * 11 * draws, 5), "personas": (items * 9 * draws * countries, 4), "letters": (pairs * (WAYS + 2), 2),
        "values": (24 * at.values * values, 2), "prompts": (items * len(PERSONAS) * countries, 2),
        "saved": (2 * saved * (saved - 1) * 3, 3),
    }  # fmt: skip
    if survey is not None:
        arms["steering"] = ((at.steered or 180) * 17 * max(draws, 5), 2)
    names = dict(models or {})
    calls = [
        planned.asked(step, name, "generate", count, where=planned.standing(name), prompt=CHARS, reply=REPLY)
        for step, (count, _players) in arms.items()
        for name in names.values()
    ] or [
        planned.asked(step, "planted", "generate", count * players, where="scripted", prompt=CHARS, reply=REPLY)
        for step, (count, players) in arms.items()
    ]
    family = 3 * (len(names) or 5)
    least = detectable(paired(SD / 2, n=items, clusters=[(items, 1.0)]), family=family)
    claims = comb(countries, 2)
    return planned.made_of(
        calls=calls,
        comparisons=[{
            "measure": "effect", "contrast": "two levels of a form, paired by question", "unit": "of the scale", "n": items, "clusters": items,
            "sd": SD / 2, "icc": 1.0, "family": family, "level": 0.05, "detectable": least,
        }],
        work={"audits": 3.5 + 0.02 * claims, "clusters of the values survey": 0.3 * at.starts / 4 * (len(names) or 2), "page": 1.0},
        notes=[
            "An effect averages four pairs of forms a question, so that its standard deviation is half of one difference's.",
            f"{claims} claims between countries are held against eight forms.",
        ],
    )  # fmt: skip
