"""What a run of MaxMin-RLHF will ask of its model, what it will learn, and what it can show."""

from pathlib import Path
from typing import Any

from sociolect.compare.detectable import detectable, paired
from sociolect.systems import planned
from sociolect.systems.aligners.maxmin_rlhf import reviews
from sociolect.systems.aligners.maxmin_rlhf.align import ARMS
from sociolect.systems.aligners.maxmin_rlhf.recipe import PRACTICE, PRACTISED, SIZES

SD = 0.03  # of the minority's gain over runs: measured in 20 of them
WORDS = 14.0  # tokens of a review and its prompt, about


def plan(
    *,
    size: str = "tiny",
    minority: tuple[int, ...] = (),
    n: int = 16,
    runs: int | None = None,
    starts: int | None = None,
    models: dict[str, str] | None = None,
    votes: Path | None = None,
    **_: Any,
) -> planned.Plan:
    """Calls of the base (all arms of best-of-n choose among the same draws), tokens learnt from, and the least gain seen."""
    at = SIZES[size]
    name = (models or {}).get("base", "scratch/tiny")
    runs, asked = runs or at.runs, at.films - at.films // 2
    reply = planned.Range(8, 1, reviews.TOKENS)
    weights, chars = planned.weighed(name)

    def row(step: str, calls: planned.Range | float) -> dict[str, object]:
        return planned.asked(step, name, "generate", calls, where="local", prompt=24, reply=reply, chars=chars)

    calls = [row("reference", at.films * at.draws), row("best_of_n", asked * at.said * n)]
    training = []
    if name == "scratch/tiny":
        seen = at.examples * at.epochs * WORDS
        training.append(
            planned.learnt("base", name, weights, planned.Range(seen, 0.7 * seen, 1.5 * seen), method="scratch")
        )
    for arm in PRACTISED if at.steps else ():
        rounds = planned.Range(at.steps, 1, at.steps)
        step = f"practised_{arm.replace(' ', '_')}"
        drawn = rounds.times(at.films // 2 * PRACTICE)
        calls.append(row(step, drawn))
        training.append(planned.learnt(step, name, weights, drawn.times(WORDS)))
    if at.steps:
        told = asked * at.said * len(PRACTISED)
        calls.append(row("practised", planned.Range(told * 65, told * 9, told * 121)))
    comparisons: list[dict[str, object]] = []
    if runs > 1:
        least = detectable(paired(SD, n=runs, clusters=[(runs, 0.0)]))
        comparisons.append({
            "measure": "gain", "contrast": "max-min - single, minority", "unit": "points of win rate over runs", "n": runs, "clusters": runs,
            "sd": SD, "icc": None, "family": 1, "level": 0.05, "detectable": least,
        })  # fmt: skip
    settings = len(minority or at.minority)
    return planned.made_of(
        calls=calls,
        comparisons=comparisons,
        training=training,
        work={
            "exact form": 0.03 * settings * runs * (starts or at.starts),
            "votes": 1.0 if votes else 0.0,
            "page": 2.0,
        },
        notes=[f"Each of the {len(ARMS)} arms of best-of-n chooses among the same draws, which are paid once."],
    )
