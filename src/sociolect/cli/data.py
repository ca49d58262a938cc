"""sociolect guess | doctor | instrument."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from sociolect import arguments
from sociolect.cli.app import Json, app
from sociolect.cli.show import plain, show
from sociolect.errors import UsageError, unknown


@app.command()
def guess(
    file: Annotated[Path, typer.Argument(help="A table: csv, tsv, jsonl or parquet, also gzipped.")],
    as_json: Json = False,
) -> None:
    """Propose which column of a table is which. It only proposes: say the columns you mean to `run`."""
    from sociolect.load.guess import guess as propose

    found = propose(file)
    if as_json:
        print(json.dumps(found.to_dicts(), default=str))
    else:
        show(found.columns, found.rows())


@app.command()
def instrument(
    source: Annotated[
        Path,
        typer.Argument(help="A Qualtrics survey file (.qsf) to import, or an instrument's name or folder to check."),
    ],
    text: Annotated[Path | None, typer.Option(help="Your own wording, where the folder holds none (.toml).")] = None,
    out: Annotated[
        Path | None, typer.Option(help="The folder to write an import into. Default: the file's name.")
    ] = None,
    inspect: Annotated[
        Path | None, typer.Option(help="Write the instrument into this folder as a task for `inspect eval`.")
    ] = None,
    from_log: Annotated[
        Path | None, typer.Option(help="Score what came back: an Inspect log (.eval, .json), or a folder of logs.")
    ] = None,
    draws: Annotated[int, typer.Option(help="With --inspect: how often each question is asked.")] = 1,
    community: Annotated[
        str | None, typer.Option(help="With --inspect or --from-log: whom the model speaks for. Default: its own name.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Import a questionnaire and list what could not be imported; or check an instrument and say every fault at once.

    With --inspect, export it as an Inspect task; with --from-log, read the log of that task back and score it.
    """
    from sociolect.cli import bridge
    from sociolect.load.qsf import written
    from sociolect.measure.instrument import read

    if inspect or from_log:
        bridge.crossed(source, text, inspect=inspect, log=from_log, draws=draws, community=community, as_json=as_json)
        return
    source = bridge.place(source)
    if source.suffix == ".qsf":
        folder, left = out or Path(source.stem), written(source, out or Path(source.stem))
        if as_json:
            print(json.dumps({"folder": str(folder), "left_out": left.to_dicts()}))
        else:
            show(left.columns, left.rows())
            print(
                f"{plain(folder)}/instrument.toml, wording.toml: complete them, then check: sociolect instrument {plain(folder)} --text {plain(folder)}/wording.toml"
            )
        return
    card = read(source, text=text)
    told = {"instrument": card.id, "title": card.title, "items": len(card.items), "subscales": ", ".join(s.id for s in card.subscales),
            "status": card.status, "licence": card.licence, "sensitive": card.sensitive}  # fmt: skip
    print(json.dumps(told)) if as_json else show(("what", "value"), list(told.items()))


@app.command()
def doctor(
    file: Annotated[Path, typer.Argument(help="A table of posts: csv, tsv, jsonl, each also gzipped, or parquet.")],
    columns: Annotated[
        str, typer.Option(help="Which column is which: post=id,person=author,text=body,parent=parent_id,time=created.")
    ] = "",
    fix: Annotated[str, typer.Option(help="The findings to fix, parted by commas; needs --reason and --out.")] = "",
    reason: Annotated[str, typer.Option(help="Why: it is written into decisions.csv beside --out.")] = "",
    out: Annotated[Path | None, typer.Option(help="The new table. The table that is read is never changed.")] = None,
    as_json: Json = False,
) -> None:
    """Say what is wrong with a data set, counted, with masked examples; or write a new one with the fixes you name."""
    from sociolect.load.doctor import doctor as examine
    from sociolect.load.doctor.fixes import fixed
    from sociolect.load.doctor.told import as_json as as_object
    from sociolect.load.doctor.told import as_text

    roles = _roles(columns)
    if fix or out or reason:
        if not (fix and out):
            raise UsageError("a fix needs its name and the new table: --fix orphans,... --reason TEXT --out FILE")
        log = fixed(file, out, fixes=[f.strip() for f in fix.split(",") if f.strip()], reason=reason, **roles)
        if as_json:
            print(json.dumps(log.to_dicts(), default=str))
        else:
            show(("fix", "does", "rows"), log.select("fix", "does", "rows").rows())
            print(f"written: {plain(out)}, and why: {plain(out.with_name('decisions.csv'))}")
        return
    found = examine(file, **roles)
    print(as_object(found) if as_json else as_text(found))


def _roles(columns: str) -> dict[str, Any]:
    """Which column is which, out of `post=id,person=author`; raises UsageError for a role that there is not."""
    from sociolect.load.doctor.columns import ROLES

    try:
        said: dict[str, Any] = arguments.convert(columns, dict[str, str]) if columns else {}
    except ValueError as error:
        raise UsageError(f"--columns: {error}; due is post=id,person=author") from error
    if wrong := [str(unknown("role", role, ROLES)) for role in said if role not in ROLES]:
        raise UsageError(f"--columns: {'; '.join(wrong)}")
    return said
