"""The generated pages of docs/: what they say is read off the code, so that they cannot go stale unseen."""

import ast
from inspect import Parameter
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from sociolect import systems
from sociolect.frames import SHAPES

FLOORS = (
    ("Floor 1: what everything stands on", ("errors.py", "text.py", "seeds.py", "settle.py", "points.py", "tones.py")),
    (
        "Floor 2: frames, workspaces, models, clusters, pages",
        (
            "frames.py",
            "fingerprint.py",
            "provenance.py",
            "record.py",
            "workspace.py",
            "forgotten.py",
            "traces.py",
            "models/*.py",
            "cluster/*.py",
            "report/*.py",
        ),
    ),
    ("Floor 3: load", ("load/*.py", "load/doctor/*.py")),
    ("Floor 3: find", ("find/*.py", "find/kernels/*.py")),
    ("Floor 3: align", ("align/*.py",)),
    ("Floor 3: elicit", ("elicit/*.py",)),
    ("Floor 3: measure", ("measure/*.py",)),
    ("Floor 3: compare", ("compare/*.py",)),
    ("Floor 4: systems", ("systems/*.py", "systems/*/*/*.py")),
    (
        "Floor 5: the command line, what is kept, the explorer",
        ("arguments.py", "docs.py", "cli/*.py", "keep/*.py", "explore/*.py"),
    ),
)
NOTE = "<!-- written by `make docs`; do not edit -->\n"


def pages() -> dict[str, str]:
    """Every generated page by its name below docs/."""
    return {"frames.md": frames(), "systems.md": catalog(), "files.md": files()}


def files() -> str:
    """Every file with the one true line that it opens with, room by room from the lowest floor."""
    root = Path(__file__).parent
    out = [NOTE, "# The files\n", "One idea, one file. The line is the file's own first line. Imports run only down.\n"]
    for title, rooms in FLOORS:
        out += [f"## {title}\n", "| file | what it holds |", "|---|---|"]
        for path in sorted(
            p for room in rooms for p in root.glob(room) if not p.name.startswith(("__init__", "test_"))
        ):
            line = (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").splitlines()[0].replace("|", "or")
            out.append(f"| `{path.relative_to(root)}` | {line} |")
        out.append("")
    return "\n".join(out)


def readme(text: str) -> str:
    """The README with its list of files made anew, between the two marks; without the marks, as it is."""
    before, mark, rest = text.partition("<!-- files -->\n")
    _, end, after = rest.partition("<!-- /files -->")
    return (
        f"{before}{mark}{files().partition('down.')[2].strip().replace('## ', '### ')}\n{end}{after}" if end else text
    )


def frames() -> str:
    """The ten frames, column by column."""
    out = [
        NOTE,
        "# The frames\n",
        "A frame is a polars DataFrame that came in by its own checking function in `sociolect.frames`. The columns below must be there,",
        "with exactly these types; any further column rides along. An absent value is null, and only where the table says so.\n",
    ]
    for name, shape in SHAPES.items():
        keys = ", ".join(f"`{k}`" for k in shape.key)
        out += [
            f"## {name}\n",
            f"One row is {shape.row}." + (f" No two rows share {keys}." if keys else "") + "\n",
        ]
        out += ["| column | type | what | may be null |", "|---|---|---|---|"]
        out += [
            f"| `{c}` | {col.dtype} | {col.means} | {'yes' if col.null else 'no'} |" for c, col in shape.columns.items()
        ]
        out += [f"\nOften has: {shape.often}.\n"] if shape.often else [""]
    return "\n".join(out)


def catalog() -> str:
    """The systems at a glance, then each with its keywords and the claims it is held against."""
    cards = systems.catalog()
    out = [
        NOTE,
        "# The systems\n",
        "`sociolect run <system> --key value`; the folder is the registration. `sociolect list` prints this table.\n",
        "| shelf | system | what it is | paper | needs | near |",
        "|---|---|---|---|---|---|",
    ]
    out += [
        f"| {c.shelf} | [{c.slug}](#{c.slug}) | {c.title} | {c.paper} | {', '.join(c.needs) or 'nothing'} | {c.near} |"
        for c in cards.values()
    ]
    out += ["\nHow near a system comes to what its paper shows:\n", "| near | means |", "|---|---|"]
    out += [f"| {word} | {means} |" for word, means in systems.NEAR.items()] + [""]
    for card in cards.values():
        where = f"../src/sociolect/systems/{card.shelf}/{card.slug}/README.md"
        out += [
            f"## {card.slug}\n",
            f"{card.title} ({card.paper}). Shelf: {card.shelf}. [What it does, and where it differs]({where})\n",
            "| keyword | default | choices |",
            "|---|---|---|",
        ]
        kinds = get_type_hints(card.run)
        out += [f"| `--{k.replace('_', '-')}` | {_shown(p)} | {_choices(kinds[k])} |" for k, p in card.keywords.items()]
        out += ["\n| the paper claims | value | where | sign |", "|---|---|---|---|"] if card.claims else []
        out += [f"| {c.what} | {_number(c.value)} | {c.where} | {c.sign} |" for c in card.claims]
        out.append("")
    return "\n".join(out)


def _shown(p: Parameter) -> str:
    """A default as one would type it."""
    if p.default in (None, "", (), Parameter.empty):
        return "not set"
    if isinstance(p.default, bool):
        return "yes" if p.default else "no"
    return f"`{','.join(map(str, p.default)) if isinstance(p.default, tuple) else p.default}`"


def _choices(kind: Any) -> str:
    return ", ".join(f"`{k}`" for k in get_args(kind)) if get_origin(kind) is Literal else ""


def _number(value: float | None) -> str:
    return "not a number" if value is None else f"{value:g}"
