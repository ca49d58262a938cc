"""From the words of a command line to an exit code."""

import errno
import json
import os
import sys
import traceback
from collections.abc import Sequence

import typer
from rich.console import Console

from sociolect.cli import about, data, run, workspaces
from sociolect.cli.app import app
from sociolect.cli.show import line, plain
from sociolect.errors import SociolectError
from sociolect.text import clean

COMMANDS = (run, data, workspaces, about)  # each adds its own to the app as it is imported
# typer brings its own click, or leans on the installed one, as its version goes: every usage error descends from this.
Misused: type[Exception] = typer.BadParameter.__mro__[2]
UNWRITABLE = {
    getattr(errno, e, None)
    for e in ("EACCES", "EPERM", "EFBIG", "EROFS", "ENOSPC", "EDQUOT", "EIO", "ENOTDIR", "EEXIST", "EISDIR")
}


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
        told = getattr(error, "format_message", error.__str__)().rstrip(".")
        return _tell(f"{told}. See `sociolect --help`.", 2, as_json)
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
        print(json.dumps({"error": plain(message), "exit_code": code}))
    else:
        console = Console(stderr=True, highlight=False, soft_wrap=True)
        console.print(f"[bold red]error[/bold red]: {line(message)}")
    return code


def main() -> None:
    """The command `sociolect`."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # a text stream of ours, not a caller's
    sys.exit(ended(sys.argv[1:]))
