"""Find the systems by walking their folders: nobody edits a list to add one."""

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from inspect import Parameter, signature
from pathlib import Path
from typing import Any

from sociolect.errors import CardError, unknown
from sociolect.report.content import Page

SYSTEMS = Path(__file__).parent
SHELVES = ("sources", "networks", "aligners", "worlds", "instruments", "studies", "lenses")
VERBS = ("load", "find", "align", "elicit", "measure", "compare")
# How near a system comes to what its paper shows.
NEAR = {
    "numbers": "its published numbers come back, on its own data",
    "claims": "its claims are tested on real data of its kind",
    "method": "its method recovers planted truth; its claims wait for models and data of your own",
    "scoring": "the instrument with its published scoring; its wording where the licence allows",
    "part": "some of it; its README says what is missing",
}


@dataclass(frozen=True, slots=True)
class Claim:
    """What a paper says: the finding in words, its number (None where a figure shows none), where, and the sign claimed."""

    id: str
    what: str
    value: float | None
    where: str
    sign: str


@dataclass(frozen=True, slots=True)
class Card:
    """A system's folder, read: what it is, what it needs, which verbs it extends, and how `NEAR` it comes."""

    shelf: str
    slug: str
    title: str
    paper: str
    needs: tuple[str, ...]
    claims: tuple[Claim, ...]
    verbs: tuple[str, ...]
    near: str = "part"

    @property
    def run(self) -> Callable[..., Page]:
        """The recipe's `run(workspace, *, size="tiny", ...) -> Page`."""
        recipe: Callable[..., Page] = import_module(f"sociolect.systems.{self.shelf}.{self.slug}.recipe").run
        return recipe

    @property
    def keywords(self) -> dict[str, Parameter]:
        """The recipe's keywords with their defaults and annotations."""
        return {k: p for k, p in signature(self.run).parameters.items() if p.kind is Parameter.KEYWORD_ONLY}


def read(folder: Path) -> Card:
    """The card of a system's folder; raises CardError with every fault at once."""
    try:
        said: dict[str, Any] = tomllib.loads((folder / "card.toml").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise CardError(f"{folder.name}/card.toml cannot be read: {error}") from error
    faults = [f"{k!r} is missing" for k in ("title", "paper") if not isinstance(said.get(k), str)]
    faults += [f"shelf {folder.parent.name!r} is none of {', '.join(SHELVES)}"] * (folder.parent.name not in SHELVES)
    faults += ["recipe.py is missing"] * (not (folder / "recipe.py").exists())
    listed, needed, near = said.get("claim", []), said.get("needs", []), said.get("near")
    if not isinstance(near, str) or near not in NEAR:
        faults.append(f"'near' is {near!r}: it says how near the system comes, with one of {', '.join(NEAR)}")
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        faults.append("'claim' is no list of tables: each claim begins with [[claim]]")
        listed = []
    if not isinstance(needed, list) or not all(isinstance(one, str) for one in needed):
        faults.append("'needs' is no list of names")
    claims = []
    for n, claim in enumerate(listed, 1):
        absent = [k for k in ("id", "what", "where", "sign") if k not in claim]
        faults += [f"claim {n} lacks {', '.join(absent)}"] if absent else []
        wrong = [k for k in ("id", "what", "where", "sign") if not isinstance(claim.get(k, ""), str)]
        value = claim.get("value")
        wrong += ["value"] * (value is not None and (isinstance(value, bool) or not isinstance(value, int | float)))
        faults += [f"claim {n} has another type than is due in {', '.join(wrong)}"] if wrong else []
        if not absent and not wrong:
            claims.append(Claim(**{k: claim.get(k) for k in ("id", "what", "value", "where", "sign")}))
    if faults:
        raise CardError(f"{folder.name}/card.toml: " + "; ".join(faults))
    verbs = tuple(v for v in VERBS if (folder / f"{v}.py").exists())
    return Card(
        folder.parent.name,
        folder.name,
        said["title"],
        said["paper"],
        tuple(needed),
        tuple(claims),
        verbs,
        str(near),
    )


def catalog() -> dict[str, Card]:
    """Every system by its slug, in order of shelf and slug."""
    return {f.parent.name: read(f.parent) for f in sorted(SYSTEMS.glob("*/*/card.toml"))}


def find(slug: str) -> Card:
    """The system of that slug; raises UsageError with the nearest name where there is none."""
    cards = catalog()
    if slug not in cards:
        raise unknown("system", slug, cards)
    return cards[slug]
