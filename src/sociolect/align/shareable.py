"""Whether an adapter may be shared: not before what it memorised was tested, and the test is written on its card."""

import json
from pathlib import Path

import polars as pl

from sociolect.align.jobs import held_out_rows, seen_card, sorted_rows
from sociolect.errors import InputError
from sociolect.frames import Effects
from sociolect.settle import replaced

UNTESTED = "not tested for memorisation"
DECLARED = "declared not shareable"


def learnt(examples: pl.DataFrame, *, held_out: float = 0.1, seed: int = 0) -> pl.DataFrame:
    """The posts among one community's examples that fine-tuning learns from: neither held out of it nor nobody's post."""
    rows = sorted_rows(examples)
    out = held_out_rows(rows, share=held_out, seed=seed)
    kept = rows[[i for i in range(rows.height) if i not in out]]
    return kept.filter(pl.all_horizontal(pl.col(c).is_not_null() for c in ("post", "person") if c in kept.columns))


def judged(folder: Path, effects: Effects | None, *, ok: bool, why: str) -> bool:
    """Whether the adapter in the folder may be shared, now that its card holds the test: `shareable`, `why`, `memorisation`.

    `effects` is the test's outcome, None where it could not be made. An adapter that was declared not to be shared stays so,
    whatever the test says. Raises InputError where the folder holds no card.
    """
    card = seen_card(folder)
    if not card:
        raise InputError(f"{folder.name!r} holds no card.json: only what was fine-tuned here has a card")
    declared = card.get("why") == DECLARED
    numbers = {
        row["measure"]: {k: row[k] for k in ("estimate", "low", "high", "n", "clusters")}
        for row in (effects.iter_rows(named=True) if effects is not None else ())
    }
    said = {
        "shareable": ok and effects is not None and not declared,
        "why": DECLARED if declared else why,
        "memorisation": {"tested": effects is not None, **numbers},
    }
    replaced(folder / "card.json", (json.dumps(card | said, indent=1, ensure_ascii=False) + "\n").encode())
    return bool(said["shareable"])
