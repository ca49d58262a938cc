"""sociolect demo | run | list | guess | docs."""

import json
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from sociolect import arguments, systems
from sociolect.errors import SociolectError
from sociolect.report.page import write
from sociolect.text import clean
from sociolect.workspace import workspace

EXIT_CODES = """
Exit codes: 0 done · 1 a fault of sociolect itself · 2 a command, keyword or value that does not exist · 3 data that cannot be
read · 4 a part that is not installed · 5 data from which no honest number can be made · 6 a model that cannot do what was
asked · 7 a workspace in use, torn or full · 130 interrupted.
"""
app = typer.Typer(
    help="Align language models with communities, and measure how faithful they are.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    add_completion=False,
)
Out = Annotated[Path | None, typer.Option(help="The workspace: a folder, made if need be. Default: runs/<name>.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of words.")]
ANY = {"allow_extra_args": True, "ignore_unknown_options": True}


@app.command(context_settings=ANY)
def demo(context: typer.Context, out: Out = None, as_json: Json = False) -> None:
    """Run the main job on a planted society: a minute or two, offline. Keywords as for `run community_fidelity`."""
    _run("community_fidelity", out or Path("runs/demo"), None, context.args, as_json)


@app.command(context_settings=ANY)
def run(
    context: typer.Context,
    what: Annotated[str, typer.Argument(help="A system (see `list`), or a study file that ends in .toml.")],
    out: Out = None,
    data: Annotated[
        Path | None, typer.Option(help="The folder that a study file's paths are relative to. Default: the file's own.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Run a system or a study file, with its keywords as --key value."""
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
    table = Table("shelf", "system", "extends", "title", "paper", box=None)
    for c in cards:
        table.add_row(c.shelf, c.slug, " ".join(c.verbs) or "-", escape(c.title), escape(c.paper))
    Console().print(table)


@app.command()
def guess(
    file: Annotated[Path, typer.Argument(help="A table: csv, tsv, jsonl or parquet, also gzipped.")],
    as_json: Json = False,
) -> None:
    """Propose which column of a table is which. It only proposes: say the columns you mean to `run`."""
    from sociolect.load.guess import guess as propose

    with _reported(as_json):
        found = propose(file)
        if as_json:
            print(json.dumps(found.to_dicts(), default=str))
            return
        table = Table(*found.columns, box=None)
        for row in found.iter_rows():
            table.add_row(*(escape(clean(str(cell))) for cell in row))
        Console().print(table)


@app.command()
def docs(
    out: Annotated[Path, typer.Option(help="The folder to write into.")] = Path("docs"),
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; end with code 1 where a page is stale.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Write the generated pages: the frames, the systems, the command line."""
    from sociolect.docs import pages

    with _reported(as_json):
        stale = [
            name for name, text in pages().items() if not (out / name).exists() or (out / name).read_text() != text
        ]
        for name in [] if check else stale:
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            (out / name).write_text(pages()[name])
        print(
            json.dumps({"stale": stale})
            if as_json
            else f"{'stale' if check else 'written'}: {', '.join(stale) or 'nothing'}"
        )
        if check and stale:
            raise typer.Exit(1)


def _run(what: str, out: Path, data: Path | None, extra: list[str], as_json: bool) -> None:
    with _reported(as_json):
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
            console.print(f"{escape(h.label)}: [bold]{escape(h.value)}[/bold] {escape(h.doubt)}")
        console.print(f"\nthe page: {escape(path.as_uri())}")


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
            yield lambda name: bar.update(task, description=name, advance=1)
    else:
        yield lambda name: print(f"step {name}", file=sys.stderr, flush=True)


@contextmanager
def _reported(as_json: bool) -> Iterator[None]:
    """End with one clear line and the right exit code, whatever goes wrong inside."""
    try:
        yield
    except SociolectError as error:
        raise typer.Exit(_tell(str(error), error.exit_code, as_json)) from error
    except KeyboardInterrupt as error:
        raise typer.Exit(
            _tell("interrupted; run the same command again to go on where it stopped", 130, as_json)
        ) from error
    except MemoryError as error:
        raise typer.Exit(_tell("out of memory: choose a smaller --size, or fewer posts", 5, as_json)) from error
    except (typer.Exit, BrokenPipeError):
        raise
    except Exception as error:
        traceback.print_exc()
        raise typer.Exit(
            _tell(
                f"a fault of sociolect itself ({type(error).__name__}: {error}); please report it with the lines above",
                1,
                as_json,
            )
        ) from error


def _tell(message: str, code: int, as_json: bool) -> int:
    said: dict[str, Any] = {"error": clean(message), "exit_code": code}
    if as_json:
        print(json.dumps(said))
    else:
        Console(stderr=True, highlight=False, soft_wrap=True).print(
            f"[bold red]error[/bold red]: {escape(clean(message))}"
        )
    return code


def main() -> None:
    """The command `sociolect`."""
    app()
