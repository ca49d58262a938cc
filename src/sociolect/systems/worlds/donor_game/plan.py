"""What the Donor Game will ask and can show, before anything is played."""

from collections.abc import Mapping
from typing import Any

from sociolect.compare.detectable import detectable, paired
from sociolect.systems import planned
from sociolect.systems.worlds.donor_game.recipe import NUMBER, PLANTED, SIZES, Dial

SECONDS = (1.2e-4, 1.5e-6, 1.0)  # of a scripted call, of a numeric act, and of the page: measured at tiny
CHARACTERS = (2000.0, 2600.0)  # of a donor's prompt with the rules, and of a newcomer's with advice: measured
SD = 0.22  # [dossier] of the donated share between runs under punishment: .245, and .04 at most without


def plan(
    *,
    size: str = "tiny",
    models: Mapping[str, str] | None = None,
    conditions: tuple[str, ...] = ("trace", "punishment"),
    agents: int = 12,
    generations: int | None = None,
    runs: int | None = None,
    seeds: int | None = None,
    tries: int = 10,
    tokens: int = 512,
    **_: Any,
) -> planned.Plan:
    """Calls, tokens and detectable differences of one run."""
    dial = SIZES[size]
    dial = Dial(seeds or dial.seeds, runs or dial.runs, generations or dial.generations)
    populations = dial.runs * len(conditions)
    newcomers = populations * (agents + (dial.generations - 1) * (agents // 2))
    gifts = populations * dial.generations * 2 * agents * (agents // 2)
    rows, scripted = [], 0
    for name in (models or PLANTED).values():
        where = planned.standing(name) if models else "scripted"
        scripted += gifts + newcomers if where == "scripted" else 0
        for count, prompt in ((gifts, CHARACTERS[0]), (newcomers, CHARACTERS[1])):
            rows.append(planned.asked(
                "replies", name, "generate", planned.Range(count, count, count * tries), where=where, prompt=prompt,
                reply=planned.Range(min(120, tokens), 5, tokens), chars=planned.weighed(name).chars if where == "local" else planned.CHARS,
            ))  # fmt: skip
    acts = dial.seeds * NUMBER * 2 * agents * (agents // 2) * 4
    return planned.made_of(
        calls=rows,
        comparisons=[
            _compared("numeric: punishment - no trace", dial.seeds),
            *(_compared(f"{c}: punishment - trace", dial.runs) for c in models or PLANTED if {"trace", "punishment"} <= {*conditions}),
        ],
        work={"evolution": SECONDS[1] * acts, "scripted play": SECONDS[0] * scripted, "tests and page": SECONDS[2]},
        disk=_disk(acts, len(models or PLANTED) * (gifts + newcomers)),
        notes=[
            f"A reply that cannot be read is asked for again, {tries} times in all at most: the upper ends are for players who are never read.",
            "Differences are those of the donated share; the run is the unit, however many agents play in it.",
        ],
    )  # fmt: skip


def _disk(acts: int, replies: int) -> planned.Range:
    """Bytes: a compressed row of an act, of a reply (the more the more is said), and the page; measured at tiny."""
    return planned.Range(*(page + 12.0 * acts + each * replies for page, each in ((2e5, 150), (1e5, 50), (1e6, 1500))))


def _compared(contrast: str, n: int) -> dict[str, object]:
    least = detectable(paired(SD, n=n, clusters=[(n, 0.0)])) if n > 1 else None
    return {
        "measure": "donated", "contrast": contrast, "unit": "share of the units a donor has", "n": n, "clusters": n,
        "sd": SD, "icc": None, "family": 1, "level": 0.05, "detectable": least,
    }  # fmt: skip
