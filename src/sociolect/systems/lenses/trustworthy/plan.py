"""What a run of the lens will ask, and the least difference between two arms that it can show."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sociolect.compare.detectable import detectable, paired
from sociolect.systems import planned
from sociolect.systems.lenses.trustworthy import elicit
from sociolect.systems.lenses.trustworthy.measure import JUDGED
from sociolect.systems.lenses.trustworthy.players import roster
from sociolect.systems.lenses.trustworthy.recipe import SIZES, STUDIED
from sociolect.systems.planned import Range

WORD, SHARES, ANSWER = (
    Range(3, 1, 64),
    Range(12, 6, 64),
    Range(60, 1, 64),
)  # ours: tokens of yes or no, of two shares, of an answer
SECONDS = (2e-5, 0.6)  # of a scripted call; of all comparisons: measured at tiny
SPREAD = 0.5  # ours: standard deviation of a difference of two yes or no answers that agree in three of four items


def plan(
    *,
    size: str = "tiny",
    run: Path | None = None,
    models: Mapping[str, str] | None = None,
    judge: str | None = None,
    answers: Path | None = None,
    sentences: Path | None = None,
    rate: float = 0.3,
    seed: int = 0,
    **_: Any,
) -> planned.Plan:
    """Calls and tokens of each arm and of the judge; nothing is asked where another run's numbers are read."""
    if run is not None or answers is not None:
        return planned.made_of(
            work={"reading and page": SECONDS[1]}, notes=["No model is asked: another run's numbers are read."]
        )
    at, names = SIZES[size], dict(models or {})
    items = elicit.items(n=at.sentences, questions=at.questions, rate=rate, seed=seed)
    arms = names or {arm: m.name for arm, m in roster(items, seed=seed).items()}
    rows, asked = [], 0
    for name in arms.values():
        where = planned.standing(name) if names else "scripted"
        chars = planned.weighed(name).chars if where == "local" else planned.CHARS
        for (condition,), part in items.group_by(["condition"], maintain_order=True):
            times = {elicit.CLEAN: 2, elicit.TYPO: 1, elicit.OWN: 1, elicit.SURE: 1}.get(str(condition), at.draws)
            weighs, calls = condition == elicit.OWN, part.height * times
            # one who cannot weigh is asked once in vain, or not at all
            least = 0 if weighs and where != "local" else calls
            reply = (
                SHARES if condition == elicit.SURE else ANSWER if condition in (elicit.SAFE, elicit.HELPFUL) else WORD
            )
            prompt = float(part["prompt"].str.len_chars().mean() or 0)  # type: ignore[arg-type]  # a mean of counts is a number
            rows.append(planned.asked("replies", name, "logprobs" if weighs else "generate", Range(calls, least, calls), where=where, prompt=prompt, reply=reply, chars=chars))  # fmt: skip
            asked += calls
    bad = items.filter(condition=elicit.SAFE).height * at.draws * len(arms)
    if judge or not names:
        who = judge or "scripted/judge"
        rows.append(planned.asked("verdicts", who, "generate", Range(bad, 0, bad), where=planned.standing(who) if judge else "scripted", prompt=len(JUDGED) + 200.0, reply=ANSWER))  # fmt: skip
    notes = (
        ["A judge that is not corrected by hand labels (--labels) is taken at its word."]
        if names
        else ["No model is asked: planted ones answer."]
    )
    if sentences is not None:
        notes.append(f"The table of --sentences is taken to hold {at.sentences:,} sentences.")
    return planned.made_of(
        calls=rows, comparisons=_differences(items, judged=bool(judge or not names)) if set(STUDIED) <= set(arms) else [],
        work={"asking": asked * SECONDS[0], "comparing and page": SECONDS[1]}, disk=Range(2e5 + 60.0 * asked, 1e5 + 20.0 * asked, 1e6 + 1500.0 * asked), notes=notes,
    )  # fmt: skip


def _differences(items: Any, *, judged: bool) -> list[dict[str, object]]:
    counts = {"typo:consistent": items.filter(condition=elicit.CLEAN).height, "causal:right": items.filter(condition=elicit.CAUSAL)["unit"].n_unique()}  # fmt: skip
    if judged:
        safe = items.filter(condition=elicit.SAFE)
        counts |= {f"safe:{facet}": n for facet, n in safe.group_by("facet", maintain_order=True).len().rows()}
    return [
        {
            "measure": measure, "contrast": " - ".join(STUDIED), "unit": "share of items", "n": n, "clusters": n, "sd": SPREAD, "icc": None,
            "family": 1, "level": 0.05, "detectable": detectable(paired(SPREAD, n=n, clusters=[(n, 0.0)])),
        }
        for measure, n in counts.items()
    ]  # fmt: skip
