"""The generated pages of docs/: what they say is read off the code, so that they cannot go stale unseen."""

from inspect import Parameter
from typing import Any, Literal, get_args, get_origin, get_type_hints

from sociolect import systems
from sociolect.frames import SHAPES

NOTE = "<!-- written by `make docs`; do not edit -->\n"


def pages() -> dict[str, str]:
    """Every generated page by its name below docs/."""
    return {"frames.md": frames(), "systems.md": catalog()}


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
    """The systems, their keywords and the claims they are held against."""
    out = [NOTE, "# The systems\n", "`sociolect run <system> --key value`; the folder is the registration.\n"]
    for card in systems.catalog().values():
        out += [
            f"## {card.shelf} / {card.slug}\n",
            f"{card.title} ({card.paper})\n",
            "| keyword | default | choices |",
            "|---|---|---|",
        ]
        kinds = get_type_hints(card.run)
        out += [f"| `--{k.replace('_', '-')}` | {_shown(p)} | {_choices(kinds[k])} |" for k, p in card.keywords.items()]
        out += ["\n| the paper claims | value | where |", "|---|---|---|"] if card.claims else []
        out += [f"| {c.what} | {_number(c.value)} | {c.where} |" for c in card.claims]
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
    return "in a figure" if value is None else f"{value:g}"
