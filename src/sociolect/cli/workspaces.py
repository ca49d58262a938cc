"""sociolect ls | verify | diff | forget | explore."""

import json
from pathlib import Path
from typing import Annotated

import polars as pl
import typer

from sociolect.cli.app import Json, Workspace, app
from sociolect.cli.show import plain, progress, show
from sociolect.keep import listed
from sociolect.keep.compared import compared
from sociolect.keep.forget import forget as forgotten
from sociolect.keep.plan import amount
from sociolect.keep.verified import verified


@app.command()
def ls(
    folder: Annotated[Path, typer.Argument(help="A workspace, or a folder of workspaces.")] = Path("runs"),
    as_json: Json = False,
) -> None:
    """List workspaces with their state and cost; of one, its steps and what its model calls took."""
    if not (folder / "run.json").is_file():
        found = listed.workspaces(folder)
        if as_json:
            print(json.dumps(found.to_dicts()))
        elif found.height:
            _told(found)
        else:
            print(f"no workspace lies in {plain(folder)}: sociolect run makes one")
        return
    steps, paid = listed.steps(folder), listed.ledger(folder)
    if as_json:
        print(json.dumps({"steps": steps.to_dicts(), "calls": paid.to_dicts()}))
        return
    _told(steps)
    if paid.height:
        print("\nModel calls, from the journal")
        _told(paid)


@app.command()
def verify(
    folder: Workspace,
    hashes: Annotated[bool, typer.Option("--hashes", help="Look at the hashes only: make no number again.")] = False,
    as_json: Json = False,
) -> None:
    """Hold a finished run against itself: every hash, and every printed number made again from raw rows. Nothing is asked."""
    with progress(quiet=as_json) as say:
        found = verified(folder, recompute=not hashes, say=say)
    if as_json:
        print(json.dumps({"holds": found.holds, "rows": found.rows.to_dicts()}))
    else:
        show(found.rows.columns, found.rows.rows())
    if not found.holds:
        raise typer.Exit(7)


@app.command()
def diff(
    a: Workspace,
    b: Annotated[Path, typer.Argument(help="The other workspace.")],
    as_json: Json = False,
) -> None:
    """Where two workspaces differ: keywords, inputs, code, versions, steps, and the numbers of their tables."""
    found = compared(a, b)
    if as_json:
        print(json.dumps(found.to_dicts()))
    elif found.height:
        show(found.columns, found.rows())
    else:
        print("they do not differ")


@app.command()
def forget(
    person: Annotated[str, typer.Argument(help="The name as the data have it, or the pseudonym.")],
    folder: Workspace,
    key: Annotated[
        Path | None, typer.Option(help="The file of the pseudonyms' key. Default: the one that loading uses.")
    ] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option(help="A step of which you know that its model saw nothing of theirs; may be repeated."),
    ] = None,
    words: Annotated[int, typer.Option(help="So many of their words in a row are theirs, whoever says them.")] = 6,
    dry: Annotated[bool, typer.Option("--dry", help="Delete nothing: say what would go.")] = False,
    as_json: Json = False,
) -> None:
    """Delete a person from a workspace: rows, caches and derived text; adapters that learnt from them are marked stale."""
    found = forgotten(folder, person, key=key, keep=keep or (), words=words, dry=dry)
    if as_json:
        print(json.dumps({"dry": found.dry, "places": found.places.to_dicts(), "outside": found.outside}))
        return
    show(found.places.columns, found.places.rows())
    for name in found.outside:
        print(f"not touched, since it is yours: {plain(name)}")


@app.command()
def explore(
    folder: Annotated[Path, typer.Argument(help="The workspace of a finished run that found communities.")],
    port: Annotated[int, typer.Option(help="The port on this machine; 0 takes a free one.")] = 0,
    k: Annotated[int, typer.Option("--k", help="Nothing is told of a community of fewer people.")] = 10,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Print the address, and open nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Explore communities on a page of this machine alone: search, members, words, growth, exports. Ctrl-C ends it."""
    from sociolect.explore.atlas import Atlas, atlas
    from sociolect.explore.serve import serve

    def ready() -> Atlas:
        with progress(quiet=as_json) as say:
            return atlas(folder, k=k, say=say)

    serve(ready, port=port, browser=not no_browser, as_json=as_json)


def _told(rows: pl.DataFrame) -> None:
    """A table with its seconds, bytes and money as people read them; what is unknown is left empty."""
    rows = rows.with_columns(pl.col(c).round_sig_figs(6) for c in rows.columns if c == "price")
    units = {"seconds": "s", "bytes": "bytes"}
    read = {c: [None if v is None else amount(v, units[c]) for v in rows[c]] for c in units.keys() & set(rows.columns)}
    shown = rows.with_columns(pl.Series(c, told, pl.String) for c, told in read.items())
    show(shown.columns, shown.rows())
