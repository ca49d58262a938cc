"""What one run will ask of each twin, and the least change of spread that so many groups can show."""

from pathlib import Path
from typing import Any

from sociolect.compare.detectable import detectable as least
from sociolect.compare.detectable import paired
from sociolect.systems import planned, planned_table
from sociolect.systems.planned import Range
from sociolect.systems.worlds.debate.arms import PLANTED
from sociolect.systems.worlds.debate.elicit import TURNS
from sociolect.systems.worlds.debate.planted import CHAT
from sociolect.systems.worlds.debate.recipe import SIZES

PROMPT = (4200.0, 4800.0, 5600.0)  # characters of a prompt, by mode: measured on planted sessions
GAP = 0.6  # ours, measured at tiny: the SD over groups of the twins' change of spread less their people's
SECONDS = (0.006, 2.0)  # of one message asked of a planted twin and compared; of tests and page


def plan(
    *,
    size: str = "tiny",
    sessions: Path | None = None,
    models: dict[str, str] | None = None,
    groups: int | None = None,
    twins: float = 0.3,
    turns: int = TURNS,
    tokens: int = 96,
    tune: bool = False,
    base: str = "scratch/tiny",
    **_: Any,
) -> planned.Plan:
    """Calls per arm and mode: posts and chats, six in each session's reports; what the judge reads is in the notes."""
    n = Range(*(3 * [groups or SIZES[size].groups]))
    if sessions is not None:
        rows = planned_table.sized(sessions).rows
        n = Range(rows.likely / 48, rows.low / 80, rows.high / 30)  # ours: rows a session takes in a table
    per_chat = Range(CHAT, CHAT, CHAT) if sessions is None else Range(5, 2, 12)
    messages = (
        Range(*(12 + 6 * c for c in per_chat)), Range(*(3 * [6 * turns])), Range(*(3 * [8 + 6 * turns])),
    )  # fmt: skip
    calls = []
    for name in (models or {"twin": f"{PLANTED}{twins:g}"}).values():
        where = planned.standing(name)
        chars = planned.weighed(name).chars
        reply = Range(min(tokens, 40), 1, tokens)
        for mode, (each, prompt) in enumerate(zip(messages, PROMPT, strict=True), 1):
            asked = Range(*(count * (one + 4) for count, one in zip(n, each, strict=True)))
            reports = n.times(4)
            calls.append(
                planned.asked(
                    f"replies_mode{mode}", name, "generate", asked, where=where, prompt=prompt, reply=reply, chars=chars
                )
            )
            calls.append(planned.asked(f"replies_mode{mode}", name, "logprobs", reports, where=where, prompt=prompt, reply=Range(4, 4, 4), chars=chars))  # fmt: skip
    training, notes = (
        [],
        [
            "Stances of planted sessions are read in the scale's own words; a judge is asked once for every post and reply."
        ],
    )
    if tune:
        taught = n.times(0.75 * messages[0].likely)
        weights = planned.weighed(base)
        training.append(
            planned.learnt(
                "tuned",
                base,
                weights.weights,
                taught.times(Range(3, 3, 5)).times(Range(250, 100, 1200)),
                rank=None if base.startswith("scratch/") else 64,
            )
        )
        held = n.times(0.25).times(messages[0].likely + 4)
        for arm in (base, f"{base} tuned"):
            calls.append(planned.asked("replies_tuned", arm, "generate", held, where="local", prompt=PROMPT[0], reply=Range(40, 1, tokens), chars=weights.chars))  # fmt: skip
        notes.append("A base trained on the spot learns besides from eight planted groups.")
    count = max(3, round(n.likely))
    doubt = paired(GAP, n=count, clusters=[(count, 1.0)])
    comparisons = [{
        "measure": "SD of private opinion", "contrast": "twin - people", "unit": "change of spread", "n": count, "clusters": count, "sd": GAP,
        "icc": None, "family": 4, "level": 0.05, "detectable": least(doubt, family=4),
    }]  # fmt: skip
    return planned.made_of(
        calls=calls, comparisons=comparisons, training=training,
        work={"sessions and measures": SECONDS[0] * sum(int(str(c["calls"])) for c in calls) / 4, "tests and page": SECONDS[1]}, notes=notes,
    )  # fmt: skip
