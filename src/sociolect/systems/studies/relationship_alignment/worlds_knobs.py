"""What a planted world is set by: numbers for all of it, or by condition and tone."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from sociolect.errors import UsageError
from sociolect.load.planted_pairs_words import SOCIAL, TRUTH
from sociolect.systems.studies.relationship_alignment.elicit import conditions as subsets
from sociolect.systems.studies.relationship_alignment.wordings import VARIABLES
from sociolect.tones import TONES

Floats: TypeAlias = npt.NDArray[np.float64]
Knob: TypeAlias = "float | Mapping[str, Knob]"

# A model's elasticity: the two ends are told (arXiv 2410.01708), those in between are ours.
BETA: Mapping[str, float] = MappingProxyType(
    dict(zip(TONES, (0.309, 0.40, 0.35, 0.50, 0.40, 0.585, 0.50, 0.45), strict=True))
)
NOISE = 0.3  # of each draw, in log units
# The facts that each term of `SOCIAL` is made of.
_NEEDS = (
    VARIABLES[:1],
    VARIABLES[1:2],
    VARIABLES[:2],
    VARIABLES[2:3],
    VARIABLES[3:4],
    VARIABLES[2:4],
    *(VARIABLES[4:],) * 2,
)
_TOLD = {**subsets("all32", controls=("placebo", "false")), "single": VARIABLES[4:], "placebo": ()}


def coefficients(social: float | Mapping[str, Mapping[str, float]], tone: str) -> Floats:
    """The coefficients of a tone in the order of `SOCIAL`."""
    if isinstance(social, Mapping):
        return np.array([social.get(tone, {}).get(term, 0.0) for term in SOCIAL])
    return social * np.array([TRUTH[tone][term] for term in SOCIAL])


def at(knob: Knob, *names: str, otherwise: float) -> float:
    """The number that holds for these names; `otherwise` where the mapping names none of them.

    >>> at({"all": {"funny": 2.0}}, "all", "funny", otherwise=1.0), at({"all": 2.0}, "none", "funny", otherwise=1.0)
    (2.0, 1.0)
    """
    while isinstance(knob, Mapping):
        knob = next((knob[n] for n in names if n in knob), otherwise)
    return float(knob)


def reaction(condition: str) -> Floats:
    """Which terms a condition tells: 1 where all of a term's facts are told."""
    return np.array([float(set(needs) <= set(_TOLD[condition])) for needs in _NEEDS])


def check(
    knobs: Mapping[str, Knob],
    *,
    tones: Sequence[str],
    conditions: Sequence[str],
    social: float | Mapping[str, Mapping[str, float]],
) -> None:
    """Raise UsageError, with every fault, for names that nothing has and numbers out of range."""
    faults = [f"no tone {t!r}" for t in tones if t not in TONES]
    faults += [f"no condition {c!r}" for c in conditions if c not in _TOLD]
    for kind, named in (("tone", tones), ("condition", conditions)):
        faults += [f"a {kind} is due"] * (not named) + [f"a {kind} comes twice"] * (len(set(named)) < len(named))
    known = {*TONES, *_TOLD, "observed"}
    for name, knob in knobs.items():
        faults += [f"{name} names {n!r}, which is no tone or condition" for n in sorted(_names(knob) - known)]
    if isinstance(social, Mapping):
        faults += [f"social names {t!r}, which is no tone" for t in sorted({*social} - {*TONES})]
        faults += [f"no social term {n!r}" for n in sorted({n for by in social.values() for n in by} - {*SOCIAL})]
    faults += [f"beta is {v}: due is -1 to 1" for v in sorted(set(_numbers(knobs["beta"]))) if not abs(v) <= 1]
    faults += [f"scale is {v}: more than 0 is due" for v in sorted(set(_numbers(knobs["scale"]))) if not v > 0]
    faults += [f"noise is {v}: 0 or more is due" for v in sorted(set(_numbers(knobs["noise"]))) if not v >= 0]
    if faults:
        raise UsageError(f"this world cannot be: {'; '.join(faults)}")


def _names(knob: Knob) -> set[str]:
    return {*knob, *(n for v in knob.values() for n in _names(v))} if isinstance(knob, Mapping) else set()


def _numbers(knob: Knob) -> list[float]:
    return [n for v in knob.values() for n in _numbers(v)] if isinstance(knob, Mapping) else [float(knob)]
