"""What a run will teach and weigh, and the least control above chance that it can show."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sociolect.compare.detectable import detectable, paired
from sociolect.systems import planned, planned_table
from sociolect.systems.planned import Range
from sociolect.systems.sources.social_chem.align import TAUGHT
from sociolect.systems.sources.social_chem.elicit import PARAPHRASES
from sociolect.systems.sources.social_chem.recipe import SIZES

LINE = Range(21, 19, 24)  # ours: tokens of a planted line, marks of the chat included
REAL = Range(60, 40, 120)  # ours: tokens of a real one
SECONDS = 3.0  # of classifiers, bootstraps and the page: measured at tiny
SPREAD = 0.5  # the standard deviation of a share at one half, the widest


def plan(
    *,
    size: str = "tiny",
    released: Path | None = None,
    base: str | None = None,
    models: Mapping[str, str] | None = None,
    mix: bool = False,
    **_: Any,
) -> planned.Plan:
    """Tokens taught, rules written, levels weighed."""
    at = SIZES[size]
    start = at.generator if released is None else at.own
    table = (
        planned_table.sized(released).rows
        if released is not None
        else Range(at.situations, at.situations, at.situations)
    )
    ways, line = (3 if mix else 1), (REAL if released is not None else LINE)
    learnt = Range(*(min(0.8 * n, at.learnt) for n in table)) if released is not None else table.times(0.8)
    taught = learnt.times(float(ways)).times(line)
    name = base or f"scratch/{start}"
    own = planned.weighed(name)
    arms = 1 + at.retrained + (base is not None)
    epochs = TAUGHT["epochs"] if base else 3
    training = [
        planned.learnt(
            "generator", name, own.weights, taught.times(float(epochs * arms)), method="full" if base else "scratch"
        )
    ]
    reply = Range(9, 6, 12) if released is None else Range(16, 6, 75)
    told: dict[str, Any] = {"where": "local", "prompt": 40.0 if released is None else 240.0, "chars": own.chars}
    attributes = 5 if released is None else 6
    calls = [
        planned.asked("rules", name, "generate", at.asked * at.draws * (2 + at.retrained), reply=reply, **told),
        planned.asked("rules_flipped", name, "generate", Range(at.flips * (1 + attributes), at.flips, at.flips * (1 + attributes)), reply=reply, **told),
        planned.asked("surprise", name, "logprobs", 2 * at.asked * (1 + (base is not None)), reply=reply, **told),
    ]  # fmt: skip
    for judge in (models or {}).values():
        rules = Range(at.rules, at.rules, at.rules) if released is None else table.times(Range(0.02, 0.0, 0.1))
        weighed = planned.weighed(judge)
        calls.append(
            planned.asked(
                "judged",
                judge,
                "logprobs",
                rules.times(len(PARAPHRASES)),
                where=planned.standing(judge),
                prompt=90.0,
                reply=Range(2, 1, 4),
                chars=weighed.chars,
            )
        )
    n = at.asked
    return planned.made_of(
        calls=calls,
        comparisons=[{
            "measure": "control", "contrast": "generator - chance", "unit": "share of rules", "n": n * at.draws, "clusters": n, "sd": SPREAD,
            "icc": 1.0, "family": 1, "level": 0.05, "detectable": detectable(paired(SPREAD, n=n, clusters=[(n, 1.0)])),
        }],
        training=training,
        work={"classifiers, intervals and page": SECONDS},
        notes=["Rules of one situation are taken to be alike: situations count, not draws."],
    )  # fmt: skip
