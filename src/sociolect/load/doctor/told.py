"""What `doctor` found, in words for a terminal and as JSON for a program."""

import json
from collections.abc import Iterator
from typing import Any

from sociolect.load.doctor import Examined
from sociolect.load.doctor.findings import BIAS, BREAKS, NOTE
from sociolect.load.doctor.masks import column_name
from sociolect.text import clean


def as_text(examined: Examined) -> str:
    """The findings, the gravest first, each with its count, its rule, masked examples and its fix; no control character."""
    return "\n".join(" ".join(clean(line).split("\n")) for line in _lines(examined)) + "\n"


def _lines(examined: Examined) -> Iterator[str]:
    yield f"{examined.name}: {examined.rows:,} rows" + (
        f", {examined.first:%Y-%m-%d} to {examined.last:%Y-%m-%d}" if examined.first and examined.last else ""
    )
    yield "columns: " + ", ".join(
        f"{role}={column_name(column)}{' (guessed)' if role in examined.guessed else ''}"
        for role, column in examined.roles.items()
    )
    yield from (f"not examined: {why}" for why in examined.skipped)
    for reason, count, where, mend in examined.set_aside.iter_rows():
        yield f"not read as it is: {count:,} x {reason} ({where}); {mend}"
    for severity in (BREAKS, BIAS, NOTE):
        found = examined.findings.filter(severity=severity)
        if found.height:
            yield f"{severity}:"
        for one in found.iter_rows(named=True):
            yield from _finding(one)
    if not examined.findings.height:
        yield "nothing is wrong that is looked for here"


def _finding(one: dict[str, Any]) -> Iterator[str]:
    units = one["unit"] + "s" * (one["of"] != 1)
    share = one["share"] or 0.0
    share = "" if one["share"] is None else " (under 0.01%)" if share < 1e-4 else f" ({share:.2%})"
    rows = "" if one["unit"] in {"row", "column", "text", "line"} else f", {one['rows']:,} rows"
    yield f"  {one['finding']}: {one['count']:,} of {one['of']:,} {units}{share}{rows}: {one['rule']}"
    if one["note"]:
        yield f"    {one['note']}"
    if one["examples"]:
        yield f"    such as {'; '.join(one['examples'])}"
    if one["fix"]:
        yield f"    --fix {one['finding']}: {one['fix']}"


def as_json(examined: Examined) -> str:
    """The same as one JSON object, without the rows that each finding touches."""
    said = {
        "name": examined.name,
        "rows": examined.rows,
        "roles": {role: column_name(column) for role, column in examined.roles.items()},
        "guessed": list(examined.guessed),
        "skipped": list(examined.skipped),
        "first": examined.first and examined.first.isoformat(),
        "last": examined.last and examined.last.isoformat(),
        "findings": examined.findings.to_dicts(),
        "languages": examined.languages.to_dicts(),
        "set_aside": examined.set_aside.to_dicts(),
    }
    return json.dumps(said, ensure_ascii=False, indent=2)
