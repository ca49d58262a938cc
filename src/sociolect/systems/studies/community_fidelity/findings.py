"""What the study found, as one value, and its first answers in words: headlines, verdict, warnings."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from sociolect.find.structure import looks_random
from sociolect.frames import Effects, Members, Replies, Scores, Society
from sociolect.report.content import Headline, Section


@dataclass(frozen=True, slots=True)
class Findings:
    """All that the page is made of."""

    society: Society
    members: Members
    everyone: Members
    sizes: pl.DataFrame
    structure: Effects | None
    log: pl.DataFrame
    leaked: pl.DataFrame
    topics: pl.DataFrame
    keywords: pl.DataFrame
    attrition: pl.DataFrame
    copies: Effects
    kept: Replies
    origin: Scores
    tones: Sequence[Scores]
    effects: Effects
    bounded: Effects
    near: Effects | None
    moods: Effects | None
    claims: pl.DataFrame


def row(effects: Effects, measure: str, contrast: str) -> dict[str, float | None]:
    found = effects.filter((pl.col("measure") == measure) & (pl.col("contrast") == contrast))
    return found.row(0, named=True) if found.height else {"estimate": None, "low": None, "high": None}


def _said(row: dict[str, float | None]) -> tuple[str, str]:
    """A number and its doubt, as a headline shows them."""
    number, low, high = row["estimate"], row["low"], row["high"]
    doubt = "no interval" if low is None or high is None else f"[{low:.2f}, {high:.2f}]"
    return ("not available" if number is None else f"{number:.2f}"), doubt


def headlines(f: Findings) -> list[Headline]:
    told = [
        ("origin macro F1, fine-tuned", "macro_f1", "aligned"), ("in context", "macro_f1", "in_context"),
        ("fine-tuned − in context", "macro_f1", "aligned - in_context"),
        ("people (ceiling)", "macro_f1", "human"), ("shuffled communities (floor)", "macro_f1", "shuffled"),
    ]  # fmt: skip
    return [Headline(label, *_said(row(f.effects, measure, contrast)), "origin") for label, measure, contrast in told]


def verdict(effects: Effects) -> str:
    """The study's first answer in one sentence; a difference is claimed only where the interval excludes 0."""
    found = row(effects, "macro_f1", "aligned - in_context")
    low, high = found["low"], found["high"]
    if low is None or high is None:
        return "No interval could be made for the difference between the arms."
    if low <= 0 <= high:
        return "No difference between fine-tuning and prompting is claimed: the interval of the difference holds 0."
    better, worse = ("fine-tuned", "prompted") if low > 0 else ("prompted", "fine-tuned")
    return f"Posts of the {better} models are told apart by community better than those of the {worse} ones."


def warnings(f: Findings, communities: int) -> list[Section]:
    """What must not be overlooked, said loudly, one section each; none where all is well."""
    told: list[tuple[str, str]] = []
    if f.structure is not None and looks_random(f.structure):
        told.append(
            (
                "No communities",
                "No communities: the network has no more structure than its rewired copies, or seeds do not agree. What follows compares groups that may mean nothing.",
            )
        )
    best = max((row(f.effects, "macro_f1", a)["high"] or 0.0) for a in ("base", "in_context", "aligned"))
    if best < 0.3:
        told.append(
            ("Communities are not distinct", "The communities are not distinct: no arm reaches an origin F1 of .3.")
        )
    human = row(f.effects, "macro_f1", "human")
    if (human["low"] or 0.0) <= 1 / communities:
        told.append(
            (
                "No human ceiling",
                "People's own posts cannot be told apart by community: there is no ceiling to hold a model against.",
            )
        )
    bounded = pl.concat([e.select("measure", "contrast", "flag") for e in (f.bounded, f.near) if e is not None])
    # The untouched base is expected at the floor, and single communities have their own rows in the table.
    flags = bounded.filter(pl.col("contrast").is_in(["aligned", "in_context"]) & ~pl.col("measure").str.contains(":"))
    known = {
        "caricature": "above the human ceiling: sharper than people are",
        "at floor": "no better than models of shuffled communities",
        "below floor": "worse than models of shuffled communities",
        "no room": "the ceiling does not stand above the floor, so nothing can be said in between",
    }
    for flag, what in known.items():
        if rows := flags.filter(pl.col("flag") == flag).select("measure", "contrast").rows():
            told.append(
                (flag.capitalize(), f"{flag.capitalize()}, {what}: " + ", ".join(f"{m} of {c}" for m, c in rows) + ".")
            )
    if "anonymous" in f.society.people.columns and bool(f.society.people["anonymous"].all()):
        told.append(
            (
                "No authors",
                "The posts have no authors: every post counts as its own person, so intervals may be too narrow where one author wrote several.",
            )
        )
    return [Section(title, text, level="warning") for title, text in told]
