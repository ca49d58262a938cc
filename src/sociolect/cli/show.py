"""What is told on a terminal: shown there and not obeyed; plain lines where nobody looks."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from sociolect.text import clean


def plain(value: object) -> str:
    """A value as one line that a terminal shows and does not obey."""
    return " ".join(clean("" if value is None else str(value)).split())


def line(value: object) -> str:
    """The same for rich, which is not to read it as markup."""
    return escape(plain(value))


def show(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table as wide as the terminal; where nobody looks, one tab-separated line to a row, nothing folded."""
    console = Console(highlight=False)
    if not console.is_terminal:
        print("\n".join("\t".join(plain(cell) for cell in row) for row in [columns, *rows]))
        return
    table = Table(*columns, box=None)
    for row in rows:
        table.add_row(*map(line, row))
    console.print(table)


@contextmanager
def progress(*, quiet: bool) -> Iterator[Callable[[str], None]]:
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
            yield lambda name: bar.update(task, description=line(name), advance=1)
    else:
        yield lambda name: print(f"step {plain(name)}", file=sys.stderr, flush=True)
