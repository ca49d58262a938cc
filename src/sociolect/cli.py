"""sociolect demo | run | list | guess | instrument | explore | docs."""

import errno
import json
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from sociolect import arguments, systems
from sociolect.errors import SociolectError, UsageError
from sociolect.report.page import write
from sociolect.text import clean
from sociolect.workspace import workspace

EXIT_CODES = """
Exit codes: 0 done · 1 a fault of sociolect itself, or a stale page (docs --check) · 2 a command, keyword or value that does not exist · 3 data that cannot be
read · 4 a part that is not installed · 5 data from which no honest number can be made · 6 a model that cannot do what was
asked · 7 a workspace in use, torn or full · 130 interrupted.
"""
app = typer.Typer(
    help="Align language models with communities, and measure how faithful they are.",
    epilog=EXIT_CODES,
    add_completion=False,
)
Out = Annotated[Path | None, typer.Option(help="The workspace: a folder, made if need be. Default: runs/<name>.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of words.")]
ANY = {"allow_extra_args": True, "ignore_unknown_options": True}
# typer brings its own click, or leans on the installed one, as its version goes: every usage error descends from this.
Misused: type[Exception] = typer.BadParameter.__mro__[2]
UNWRITABLE = {
    getattr(errno, e, None)
    for e in ("EACCES", "EPERM", "EROFS", "ENOSPC", "EDQUOT", "EIO", "ENOTDIR", "EEXIST", "EISDIR")
}


@app.command(context_settings=ANY)
def demo(context: typer.Context, out: Out = None, as_json: Json = False) -> None:
    """Run the main job on a planted society: a minute or two, offline. Keywords as for `run community_fidelity`."""
    _run("community_fidelity", out or Path("runs/demo"), None, context.args, as_json)


@app.command(context_settings=ANY)
def run(
    context: typer.Context,
    what: Annotated[str, typer.Argument(help="A system (see `list`), or a study file that ends in .toml.")] = "",
    out: Out = None,
    data: Annotated[
        Path | None, typer.Option(help="The folder that a study file's paths are relative to. Default: the file's own.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Run a system or a study file, with its keywords as --key value."""
    if not what or what.startswith("-"):
        raise UsageError(
            "run what? Say a system (`sociolect list`) or a study file that ends in .toml, then its keywords"
        )
    if data is not None and not what.endswith(".toml"):
        raise UsageError("--data is where a study file's paths lie: a system takes each path as a keyword of its own")
    _run(what, out or Path("runs") / Path(what).stem, data, context.args, as_json)


@app.command("list")
def list_(as_json: Json = False) -> None:
    """List the systems: shelf, name, the verbs each extends, title and paper."""
    cards = systems.catalog().values()
    if as_json:
        print(
            json.dumps(
                [
                    {
                        "slug": c.slug,
                        "shelf": c.shelf,
                        "title": c.title,
                        "paper": c.paper,
                        "verbs": c.verbs,
                        "keywords": list(c.keywords),
                    }
                    for c in cards
                ]
            )
        )
        return
    _show(
        ("shelf", "system", "extends", "title", "paper"),
        [(c.shelf, c.slug, ", ".join(c.verbs), c.title, c.paper) for c in cards],
    )


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
        _show(found.columns, found.rows())


@app.command()
def instrument(
    source: Annotated[
        Path, typer.Argument(help="A Qualtrics survey file (.qsf) to import, or an instrument's folder to check.")
    ],
    text: Annotated[Path | None, typer.Option(help="Your own wording, where the folder holds none (.toml).")] = None,
    out: Annotated[
        Path | None, typer.Option(help="The folder to write an import into. Default: the file's name.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Import a questionnaire and list what could not be imported; or check an instrument and say every fault at once."""
    from sociolect.load.qsf import written
    from sociolect.measure.instrument import read

    if source.suffix == ".qsf":
        folder, left = out or Path(source.stem), written(source, out or Path(source.stem))
        if as_json:
            print(json.dumps({"folder": str(folder), "left_out": left.to_dicts()}))
        else:
            _show(left.columns, left.rows())
            print(
                f"{_plain(folder)}/instrument.toml, wording.toml: complete them, then check: sociolect instrument {_plain(folder)} --text {_plain(folder)}/wording.toml"
            )
        return
    card = read(source, text=text)
    told = {"instrument": card.id, "title": card.title, "items": len(card.items), "subscales": ", ".join(s.id for s in card.subscales),
            "status": card.status, "licence": card.licence, "sensitive": card.sensitive}  # fmt: skip
    print(json.dumps(told)) if as_json else _show(("what", "value"), list(told.items()))


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
        with _progress(quiet=as_json) as say:
            return atlas(folder, k=k, say=say)

    serve(ready, port=port, browser=not no_browser, as_json=as_json)


@app.command()
def docs(
    out: Annotated[Path, typer.Option(help="The folder to write into.")] = Path("docs"),
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; end with code 1 where a page is stale.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Write the generated pages: the frames, the systems, the files; and the list of files in the README beside them."""
    from sociolect.docs import pages, readme

    made = pages()
    if (front := out / "../README.md").exists():
        made["../README.md"] = readme(front.read_text("utf-8"))
    stale = [n for n, text in made.items() if not (out / n).exists() or (out / n).read_text("utf-8") != text]
    for name in [] if check else stale:
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text(made[name], "utf-8")
    said = f"{'stale' if check else 'written'}: {', '.join(stale) or 'nothing'}"
    print(json.dumps({"stale" if check else "written": stale}) if as_json else said)
    if check and stale:
        raise typer.Exit(1)


def _run(what: str, out: Path, data: Path | None, extra: list[str], as_json: bool) -> None:
    slug, said = arguments.study(Path(what), data) if what.endswith(".toml") else (what, {})
    card = systems.find(slug)
    made = arguments.keywords(card, said | arguments.words(extra))
    with (
        _progress(quiet=as_json) as say,
        workspace(out, system=slug, keywords=arguments.resolved(card, made), say=say) as work,
    ):
        page = card.run(work, **made)
        path = write(page, out / "report.html").resolve()
    if as_json:
        numbers = [{"label": h.label, "value": h.value, "doubt": h.doubt, "table": h.table} for h in page.headlines]
        print(json.dumps({"page": str(path), "headlines": numbers, "summary": page.summary}))
        return
    console = Console(highlight=False, soft_wrap=True)
    for h in page.headlines:
        console.print(f"{_line(h.label)}: [bold]{_line(h.value)}[/bold] {_line(h.doubt)}")
    if not page.headlines:
        console.print(_line(page.summary))
    console.print(f"\nthe page: {_line(path.as_uri())}")


def _plain(value: object) -> str:
    """A value as one line that a terminal shows and does not obey."""
    return " ".join(clean("" if value is None else str(value)).split())


def _line(value: object) -> str:
    """The same for rich, which is not to read it as markup."""
    return escape(_plain(value))


def _show(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table as wide as the terminal; where nobody looks, one tab-separated line to a row, nothing folded."""
    console = Console(highlight=False)
    if not console.is_terminal:
        print("\n".join("\t".join(_plain(cell) for cell in row) for row in [columns, *rows]))
        return
    table = Table(*columns, box=None)
    for row in rows:
        table.add_row(*map(_line, row))
    console.print(table)


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Callable[[str], None]]:
    """A way to say which step is being made: a bar on a terminal, a line each elsewhere, nothing with --json."""
    console = Console(stderr=True)
    if quiet:
        yield lambda _: None
    elif console.is_terminal:
        with Progress(
            TextColumn("{task.completed:>3.0f} steps"),
            BarColumn(),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        ) as bar:
            task = bar.add_task("begin", total=None)
            yield lambda name: bar.update(task, description=_line(name), advance=1)
    else:
        yield lambda name: print(f"step {_plain(name)}", file=sys.stderr, flush=True)


def ended(words: Sequence[str]) -> int:
    """The exit code, once these words have run: whatever went wrong inside, the last line says so."""
    as_json = "--json" in words
    try:
        command = typer.main.get_command(app)
        with command.make_context("sociolect", list(words) or ["--help"]) as context:
            command.invoke(context)
        sys.stdout.flush()
        return 0
    except typer.Exit as done:
        return done.exit_code
    except SociolectError as error:
        return _tell(str(error), error.exit_code, as_json)
    except Misused as error:
        return _tell(f"{getattr(error, 'format_message', error.__str__)()} See `sociolect --help`.", 2, as_json)
    except (KeyboardInterrupt, typer.Abort):
        return _tell("interrupted; run the same command again to go on where it stopped", 130, as_json)
    except BrokenPipeError:  # whoever read our output has left, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except MemoryError:
        return _tell("out of memory: choose a smaller --size, or fewer posts", 5, as_json)
    except Exception as error:
        if isinstance(error, OSError) and error.errno in UNWRITABLE:
            where = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
            return _tell(f"{where}; make room or choose another --out, and run the same command again", 7, as_json)
        print(clean(traceback.format_exc()).replace("\r", ""), file=sys.stderr)
        told = f"a fault of sociolect itself ({type(error).__name__}: {error}); please report it with the lines above"
        return _tell(told, 1, as_json)


def _tell(message: str, code: int, as_json: bool) -> int:
    if as_json:
        print(json.dumps({"error": _plain(message), "exit_code": code}))
    else:
        console = Console(stderr=True, highlight=False, soft_wrap=True)
        console.print(f"[bold red]error[/bold red]: {_line(message)}")
    return code


def main() -> None:
    """The command `sociolect`."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # a text stream of ours, not a caller's
    sys.exit(ended(sys.argv[1:]))
