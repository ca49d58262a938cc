"""What the moral graph will ask of models, and the least rise from popularity to wisdom that its voters can show."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from sociolect.compare.detectable import detectable, paired
from sociolect.systems import planned
from sociolect.systems.networks.moral_graph.elicit import INTERVIEWER, MOST
from sociolect.systems.networks.moral_graph.hypotheses import SHOWN
from sociolect.systems.networks.moral_graph.material import cases, values
from sociolect.systems.networks.moral_graph.planted import SEEN
from sociolect.systems.networks.moral_graph.sizes import SIZES

Kind = Literal["generate", "logprobs"]

SECONDS = (2e-4, 1.2e-5, 2.0)  # of a scripted reply, of a draw of one voter, and once: measured at tiny
SD = 14.0  # ours: places that one voter's gain varies by, so that 200 voters know a value's gain as well as the planted panel does


def plan(
    *,
    size: str = "tiny",
    votes: Path | None = None,
    models: Mapping[str, str] | None = None,
    voters: int | None = None,
    **_: Any,
) -> planned.Plan:
    """Calls of the interviews, of the judge of sameness, of the proposer and of the voters, and what the order can show."""
    dial, names = SIZES[size], dict(models or {})
    here, rows = voters or dial.voters, []
    roles = (INTERVIEWER, "judge", "proposer")
    communities = [c for c in names if c not in roles] or ["planted"]
    n = dial.interviews * len(communities)

    def asked(step: str, name: str, kind: Kind, calls: planned.Range, *, prompt: float, reply: planned.Range) -> None:
        rows.append(planned.asked(step, name, kind, calls, where=planned.standing(name), prompt=prompt, reply=reply))

    if votes is None:
        lead = names.get(INTERVIEWER)
        who = {role: names.get(role, lead or f"planted/{role}") for role in roles}
        played = "planted/persona"
        # The planted interview opens, notes and offers a card twice, for two answers and two verdicts; a model may need one round or 20 turns.
        wide = bool(names)
        asked(
            "interviews",
            who[INTERVIEWER],
            "generate",
            planned.Range(5, 1 if wide else 5, MOST if wide else 5).times(n),
            prompt=1800,
            reply=planned.Range(80, 10, 400),
        )
        for c in communities:
            name = names.get(c, played)
            asked(
                "interviews",
                name,
                "generate",
                planned.Range(2, 0 if wide else 2, MOST if wide else 2).times(dial.interviews),
                prompt=900,
                reply=planned.Range(60, 5, 400),
            )
            asked(
                "interviews",
                name,
                "logprobs",
                planned.Range(2, 0 if wide else 2, MOST / 2 if wide else 2).times(dial.interviews),
                prompt=1200,
                reply=planned.Range(4, 2, 6),
            )
            if names:
                cast = planned.Range(here * (SEEN + SHOWN), here * SEEN, here * (SEEN + SHOWN))
                asked("votes", name, "logprobs", cast, prompt=900, reply=planned.Range(3, 2, 6))
        asked(
            "canonical",
            who["judge"],
            "logprobs",
            planned.Range(max(0, n - len(values())), 0, 5 * n),
            prompt=700,
            reply=planned.Range(4, 2, 6),
        )
        asked(
            "hypotheses",
            who["proposer"],
            "generate",
            planned.Range(len(cases()), 1, len(cases())),
            prompt=3500,
            reply=planned.Range(300, 10, 1024),
        )
    rise = detectable(paired(SD, n=here, clusters=[(here, 0.0)]))
    notes = [
        "A draw of a model is no person: more voters of one model say how sure that model is, not what people think.",
        *(
            ["Those of --votes are counted when they are read: the voters of its plan are those of the size."]
            if votes is not None
            else []
        ),
    ]
    row = {
        "measure": "places gained", "contrast": "wisdom - popularity", "unit": "places", "n": here, "clusters": here, "sd": SD, "icc": 0.0,
        "family": 1, "level": 0.05, "detectable": rise,
    }  # fmt: skip
    work = {
        "interviews": SECONDS[0] * 9 * n * (not names),
        "graphs": SECONDS[1] * dial.draws * here,
        "replications and page": SECONDS[2],
    }
    return planned.made_of(calls=rows, comparisons=[row], work=work, notes=notes)
