"""A new table without what `doctor` found: each fix named, with a reason, and written down. The table that was read is never changed."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl

from sociolect import text as marks
from sociolect.errors import InputError, UsageError, unknown
from sociolect.fingerprint import of_file
from sociolect.load import files
from sociolect.load.aside import Aside
from sociolect.load.columns import parts
from sociolect.load.doctor import Examined, doctor
from sociolect.load.doctor.columns import ROLES
from sociolect.load.doctor.findings import DROP, KEEP_FIRST, KINDS, LOWER, NO_PARENT, NO_PERSON, NO_TIME
from sociolect.load.doctor.pii import PII, hidden
from sociolect.load.doctor.texts import uncontrolled, unescaped, unmangled
from sociolect.load.doctor.times import SINCE
from sociolect.load.read import SEPARATORS, Table, objects, opened
from sociolect.settle import replaced, synced

_EDITS: dict[str, Callable[[str], str]] = {
    "mojibake": unmangled,
    "control_marks": uncontrolled,
    "html_entities": unescaped,
    "chat_marks": marks.neutralise,
}
_EMPTIED = {NO_PARENT: "parent", NO_PERSON: "person", NO_TIME: "time"}
_PARENTS = {name for name, kind in KINDS.items() if kind.fix == NO_PARENT}
_NEEDS = {
    "text": set(KINDS),
    "post": _PARENTS | {"missing_posts", "rounded_ids", "repeated_rows", "repeated_ids"},
    "parent": _PARENTS,
    "person": {"missing_persons", "removed_persons", "person_case", "large_person", "self_replies"}
    | {"fast_persons", "even_persons", "same_text_persons"},
    "time": {"early_replies", "future_times", "early_times", "unread_times", "fast_persons", "even_persons"},
}
_LOG = (
    "fix",
    "does",
    "rule",
    "rows",
    "reason",
    "columns",
    "input",
    "input_sha256",
    "output",
    "output_sha256",
    "sociolect",
)


def fixed(
    path: str | Path,
    out: str | Path,
    *,
    fixes: Sequence[str],
    reason: str,
    since: datetime = SINCE,
    now: datetime | None = None,
    **roles: str | None,
) -> pl.DataFrame:
    """What was decided, one row a fix: fix, does, rule, rows, reason, columns, names and SHA-256 of both files, version.

    Writes `out` (parquet, or the form of `path`) and adds the rows to `decisions.csv` beside it. A fix is named as its finding
    is (see `findings.KINDS`), does what `does` says to exactly the rows that the finding touches in `path`, and to no
    other; a row that several fixes touch is counted under each. Rows that could not be read are not in `out`, and counted
    under `not read`. Fixing one thing may bring up another (a dropped row leaves orphans): examine `out` again.

    `roles` are columns as in `doctor`; here none is guessed. Raises UsageError for a fix that is not there or whose role has not
    been said, an empty reason, or an `out` that is there already; InputError for what cannot be read or written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     said = Path(folder, "posts.csv")
    ...     _ = said.write_text("id,who,body,to\\n1,ada,hello there you,\\n2,bob,hello,7\\n")
    ...     made = fixed(said, Path(folder, "new.csv"), fixes=["orphans"], reason="the sample ends there",
    ...         post="id", person="who", text="body", parent="to")
    ...     print(made.select("fix", "does", "rows").row(0), Path(folder, "new.csv").read_text().split())
    ('orphans', 'empty the parent', 1) ['id,who,body,to', '1,ada,hello', 'there', 'you,', '2,bob,hello,']
    """
    path, out = Path(path), Path(out)
    form = _form(path, out, fixes, reason, {role for role, column in roles.items() if column is not None})
    examined = doctor(path, **roles, since=since, now=now, sample=0, guessing=False)  # type: ignore[arg-type]  # a role that is none is refused there
    aside = Aside()
    with opened(path, aside) as source:
        raw = source.read(list(dict.fromkeys(source.columns)))
        names = {role: parts(value, source.columns) for role, value in examined.roles.items()}
        made = _mended(raw, names, fixes, examined)
        part = out.with_name(f".{out.name}.part")
        try:
            _write(made, raw, source, part, form)
            synced([part])
            part.replace(out)
        except OSError as error:
            raise InputError(f"{out} cannot be written ({error.strerror}): make room, or leave to write") from error
        finally:
            part.unlink(missing_ok=True)
    log = _decisions(path, out, fixes=fixes, reason=reason, examined=examined, aside=aside)
    _logged(log, out.with_name("decisions.csv"))
    return log


def _form(path: Path, out: Path, fixes: Sequence[str], reason: str, roles: Collection[str]) -> str:
    """What `out` is to be written as; raises UsageError with every fault of the request."""
    form = {**files.FORMS, ".txt": ""}.get(out.suffix.lower(), "")
    own, _ = files.form(path)
    wrong = []
    if not fixes:
        wrong.append("no fix is named: say which, as in fixes=['orphans']")
    able = [name for name, kind in KINDS.items() if kind.fix is not None]
    for name in dict.fromkeys(fixes):
        if name in KINDS and name not in able:
            wrong.append(f"{name!r} has no fix: it can only be told")
        elif name not in KINDS:
            wrong.append(str(unknown("fix", name, able)))
    wrong += [str(unknown("role", role, ROLES)) for role in sorted(roles) if role not in ROLES]
    for role, names in _NEEDS.items():
        if role not in roles and (due := [name for name in fixes if name in names]):
            wrong.append(f"{' and '.join(due)} cannot be found without {role}: say which column it is")
    if not reason.strip():
        wrong.append("no reason is given: say why, it is written down")
    if form not in {"parquet", own}:
        ends = " or ".join(dict.fromkeys([".parquet", f".{own}"]))
        wrong.append(f"{out.name} is of another form than {path.name}: name it {ends}")
    if out.exists():
        wrong.append(f"{str(out)!r} is there already: name a new file")
    elif not out.parent.is_dir():
        wrong.append(f"there is no folder {str(out.parent)!r}: make it first")
    if wrong:
        raise UsageError("; ".join(wrong))
    return form


def _mended(
    raw: pl.DataFrame, names: Mapping[str, list[str]], fixes: Sequence[str], examined: Examined
) -> pl.DataFrame:
    """The table with the fixes in the order of `KINDS`, and a column `kept` (its name is no other's) that is false for dropped rows."""
    kept = pl.Series([True]).new_from_index(0, raw.height)
    for name, kind in KINDS.items():
        rows = examined.touched.get(name)
        if name not in fixes or rows is None:
            continue
        if kind.fix in {DROP, KEEP_FIRST}:
            kept = kept.scatter(rows, False)
        elif kind.fix in _EMPTIED:
            for column in names[_EMPTIED[kind.fix]]:
                raw = raw.with_columns(raw[column].clone().scatter(rows, None))
        else:
            role = "person" if kind.fix == LOWER else "text"
            raw = raw.with_columns(_rewritten(raw, names[role], role, rows, name))
    return raw.with_columns(kept.alias(_KEPT))


_KEPT = "\x00kept"  # no column of a file is called so


def _rewritten(raw: pl.DataFrame, columns: list[str], role: str, rows: pl.Series, fix: str) -> pl.Series:
    if len(columns) > 1 or raw.schema[columns[0]] != pl.String:
        raise UsageError(f"{fix} rewrites one column of text, and {role} is {'+'.join(columns)}: name one alone")
    column = raw[columns[0]]
    some = column.gather(rows)
    if fix in PII:
        new = hidden(some, PII[fix])
    elif fix in _EDITS:
        new = pl.Series([_EDITS[fix](t) for t in some.to_list()], dtype=pl.String)
    else:
        new = some.str.to_lowercase()
    return column.clone().scatter(rows, new)


def _write(made: pl.DataFrame, raw: pl.DataFrame, source: Table, part: Path, form: str) -> None:
    kept = made.filter(pl.col(_KEPT)).drop(_KEPT)
    if form == "parquet":
        kept.write_parquet(part)
    elif form in SEPARATORS:
        kept.write_csv(part, separator=SEPARATORS[form])
    else:
        _write_jsonl(made, raw, source, part)


def _write_jsonl(made: pl.DataFrame, raw: pl.DataFrame, source: Table, part: Path) -> None:
    """Each object as it was, with new values only where a fix changed one: numbers, lists and objects stay what they are."""
    changed = made.select(
        pl.lit(raw[c]).ne_missing(pl.col(c)).alias(c)
        for c in raw.columns
        if not (raw[c].equals(made[c], null_equal=True))
    )
    said: list[dict[str, Any]] = [o for _, o in objects(source.path) if isinstance(o, dict)]
    if len(said) != made.height:
        raise InputError(f"{source.name} has lines that two readings take differently: write it as parquet")
    for column in changed.columns:
        rows = changed[column].arg_true()
        for row, value in zip(rows.to_list(), made[column].gather(rows).to_list(), strict=True):
            said[row][column] = value
    with part.open("w", encoding="utf-8") as file:
        for keep, one in zip(made[_KEPT].to_list(), said, strict=True):
            if keep:
                line = json.dumps(one, ensure_ascii=False)
                file.write(line.encode("utf-8", "replace").decode() + "\n")


def _decisions(
    path: Path, out: Path, *, fixes: Sequence[str], reason: str, examined: Examined, aside: Aside
) -> pl.DataFrame:
    hashes = [of_file(path), of_file(out)]
    columns = json.dumps(dict(examined.roles), ensure_ascii=False, sort_keys=True)
    last = (reason, columns, path.name, hashes[0], out.name, hashes[1], version("sociolect"))
    rows = [
        (name, kind.fix, kind.rule, len(examined.touched.get(name, ())), *last)
        for name, kind in KINDS.items()
        if name in fixes
    ]
    rows += [("not read", "left out", why, count, *last) for why, (count, _, _) in aside.rows.items()]
    return pl.DataFrame(
        rows, schema={name: pl.Int64() if name == "rows" else pl.String() for name in _LOG}, orient="row"
    )


def _logged(log: pl.DataFrame, path: Path) -> None:
    """The decisions behind those that are there: one log a folder."""
    safe = log.with_columns(pl.col(pl.String).map_elements(marks.cell, return_dtype=pl.String, skip_nulls=False))
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    replaced(path, (before + safe.write_csv(include_header=not before)).encode())
