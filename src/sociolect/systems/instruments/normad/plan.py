"""What putting the ladder to respondents will ask, and the least adaptation it can show."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from sociolect.compare.detectable import detectable, paired
from sociolect.errors import RefusedError
from sociolect.systems import planned, planned_table
from sociolect.systems.instruments.normad import elicit, load
from sociolect.systems.instruments.normad.agents import AGENTS
from sociolect.systems.instruments.normad.sizes import SIZES, drawn

ICC = 0.05  # ours: the share of a story's variance that countries share
SECONDS = (8e-5, 2.0)  # of one planted answer, and of tables and page: measured at tiny
RELEASED, COUNTRIES = 2633, 75  # [abstract]


def plan(
    *,
    size: str = "tiny",
    stories: Path | None = None,
    models: Mapping[str, str] | None = None,
    agents: Sequence[str] = AGENTS,
    rungs: Sequence[str] = elicit.RUNGS,
    orders: str = "balanced",
    mode: str = "auto",
    log: Path | None = None,
    **_: Any,
) -> planned.Plan:
    """Calls per respondent, their tokens, and the least gain from nothing to the rule."""
    most, ways = SIZES[size].most if models else None, len(load.LABELS) if orders == "balanced" else 1
    notes = [
        "By log-probability a call weighs three options; a server that offers none is asked for words instead."
    ] * bool(models)
    if stories is None:
        items = drawn(load.planted(), most)
        n, countries, chars = (
            planned.Range(items.height, items.height, items.height),
            items["country"].n_unique(),
            330.0,
        )
    else:
        rows = planned_table.sized(stories).rows
        n = planned.Range(*(min(r, most) if most else r for r in rows))
        countries, chars = COUNTRIES, 700.0
        notes.append(f"The stories are taken to be of {COUNTRIES} countries.")
    each = n.times(len(dict.fromkeys(rungs)) * ways)
    calls = []
    asked = [] if log else list(models.values()) if models else [f"planted/{a}" for a in agents]
    notes += ["Answers are read from a log: nobody is asked."] * (log is not None)
    for model in asked:
        where = planned.standing(model)
        kind: Literal["generate", "logprobs"] = "generate" if mode == "sampled" else "logprobs"
        chars_of = planned.weighed(model).chars if where == "local" else planned.CHARS
        reply = planned.Range(3, 3, 6) if kind == "logprobs" else planned.Range(2, 1, 16)
        least = (
            planned.Range(each.likely, 0, each.high)
            if kind == "logprobs" and where == "served" and mode == "auto"
            else each
        )
        calls.append(
            planned.asked("replies", model, kind, least, where=where, prompt=chars, reply=reply, chars=chars_of)
        )
    comparisons = []
    if {"none", "rule"} <= set(rungs):
        try:
            least_seen: float | None = detectable(paired(0.65, n=round(n.likely) * 2 // 3, clusters=[(countries, ICC)]))
        except RefusedError as refusal:
            least_seen, notes = None, [*notes, f"Adaptation: {refusal}."]
        comparisons.append({
            "measure": "normad:right", "contrast": "rule - none, yes and no stories", "unit": "share of stories", "n": round(n.likely) * 2 // 3,
            "clusters": countries, "sd": 0.65, "icc": ICC, "family": 1, "level": 0.05, "detectable": least_seen,
        })  # fmt: skip
    scripted = sum(int(c["calls"]) for c in calls if c["where"] == "scripted")  # type: ignore[call-overload]  # an integer
    return planned.made_of(
        calls=calls, comparisons=comparisons, work={"asking": SECONDS[0] * scripted, "tables and page": SECONDS[1]},
        disk=planned.Range(2e5 + 60 * each.likely * len(calls), 1e5, 1e6 + 400 * each.high * len(calls)), notes=notes,
    )  # fmt: skip
