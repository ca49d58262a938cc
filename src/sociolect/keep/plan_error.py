"""How far a plan was from what came: the estimate error of a finished run."""

import sqlite3
from pathlib import Path

import polars as pl

from sociolect.errors import RefusedError, WorkspaceError
from sociolect.keep.listed import size_of
from sociolect.keep.plan_like import seconds_of
from sociolect.models.journal import opened
from sociolect.record import standing_run
from sociolect.workspace import JOURNAL

SCHEMA = {
    "what": pl.String, "planned": pl.Float64, "low": pl.Float64, "high": pl.Float64, "came": pl.Float64, "ratio": pl.Float64,
    "within": pl.Boolean, "unit": pl.String,
}  # fmt: skip
_SERVED = "SELECT COUNT(*) FROM calls WHERE price IS NULL AND (model LIKE 'openai/%' OR model LIKE 'endpoint/%')"
_SUMS = "SELECT COUNT(*), SUM(prompt_tokens), SUM(reply_tokens), SUM(price), SUM(prompt_tokens IS NULL) FROM calls"


def estimate_error(folder: Path) -> pl.DataFrame:
    """What was planned and what came: columns what, planned, low, high, came, ratio (came / planned), within, unit.

    Planned is the plan that the run kept in run.json; came is the journal's calls, tokens and money, the seconds, the most
    memory the run noted, and the bytes that lie in the workspace. Unknown on either side is null: a sum of tokens or of money
    is null where one call of it is. Raises RefusedError where the run kept no plan or has not ended, WorkspaceError where there is no run.
    """
    run = standing_run(folder)
    if run.get("finished") is not True:
        raise RefusedError(f"{folder} is not finished, so what came is not all that comes: sociolect resume goes on")
    totals = (run.get("plan") or {}).get("totals")
    if not totals:
        raise RefusedError(
            f"{folder} keeps no plan: runs of before plans were kept, or of a system without one, have none"
        )
    came = _came(folder) | {
        "time": seconds_of(folder),
        "memory": run.get("peak_memory_bytes"),
        "disk": float(size_of(folder)),
    }
    rows = []
    for row in totals:
        due, found = row["planned"], came.get(row["what"])
        if row["what"] not in came:
            continue
        ratio = found / due if due and found is not None else None
        ends = row["low"], row["high"]
        inside = None if found is None or None in ends else ends[0] <= found <= ends[1]
        rows.append((row["what"], due, *ends, found, ratio, inside, row["unit"]))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _came(folder: Path) -> dict[str, float | None]:
    """What the journal sums to; unknown where there is none: workspaces of before the journal have lost count."""
    path = folder / JOURNAL
    if not path.exists():
        return dict.fromkeys(("calls", "prompt tokens", "reply tokens", "money"))
    try:
        with opened(path, replay=True) as book:
            calls, prompt, reply, price, uncounted = book.connection.execute(_SUMS).fetchone()
            (unpriced,) = book.connection.execute(_SERVED).fetchone()
    except sqlite3.Error as error:
        raise WorkspaceError(f"{path.name} cannot be read ({error}): `sociolect verify` says what is torn") from error
    if not calls:
        return {"calls": 0.0, "prompt tokens": 0.0, "reply tokens": 0.0, "money": 0.0}
    # what stands here has no price, and costs none
    money = None if unpriced else float(price or 0.0)
    known = not uncounted
    return {
        "calls": float(calls),
        "prompt tokens": float(prompt) if known else None,
        "reply tokens": float(reply) if known and reply is not None else None,
        "money": money,
    }
