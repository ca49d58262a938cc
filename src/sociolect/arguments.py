"""Words from a command line or a study file, made into a recipe's keywords and checked against its signature."""

import math
import tomllib
import types
import typing
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from inspect import Parameter
from pathlib import Path
from typing import Any, Literal

from sociolect.errors import InputError, UsageError, unknown
from sociolect.record import ADDRESS_WITH_KEY
from sociolect.systems import Card


def words(extra: Sequence[str]) -> dict[str, str | bool]:
    """`--key value`, `--key=value`, `--flag` and `--no-flag` as a mapping.

    >>> words(["--seed", "3", "--text=title+body", "--anonymous", "--no-plots"])
    {'seed': '3', 'text': 'title+body', 'anonymous': True, 'plots': False}
    """
    said: dict[str, str | bool] = {}
    twice = []
    rest = list(extra)
    while rest:
        word = rest.pop(0)
        if not word.startswith("--") or word == "--":
            raise UsageError(f"{word!r} stands alone: keywords are given as --key value")
        name, parted, value = word[2:].partition("=")
        key = name.replace("-", "_")
        given: str | bool = value
        if not parted and rest and not rest[0].startswith("--"):
            given = rest.pop(0)
        elif not parted:
            key, given = key.removeprefix("no_"), not key.startswith("no_")
        twice += [f"--{name}"] if key in said else []
        said[key] = given
    if twice:
        raise UsageError(f"{', '.join(twice)}: said twice; several values go in one, parted by commas")
    return said


def study(path: Path, data: Path | None) -> tuple[str, dict[str, Any]]:
    """The system a study file names, and its keywords; its paths are relative to `data`, else to the file.

    Raises InputError where the file cannot be read or names no system.
    """
    try:
        said = tomllib.loads(path.read_text("utf-8-sig"))
    except FileNotFoundError as error:
        raise InputError(
            f"no study file {path}: give the name of a system (`sociolect list`) or of a .toml file"
        ) from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"{path} cannot be read as a study file: {error}") from error
    slug = said.pop("system", None)
    if not isinstance(slug, str):
        raise InputError(f"{path} names no system: its first line should be like system = 'community_fidelity'")
    return slug, {
        k.replace("-", "_"): _Relative(v, data or path.parent) if isinstance(v, str) else v for k, v in said.items()
    }


class _Relative(str):
    """A word of a study file that knows what it is relative to, should it turn out to be a path."""

    __slots__ = ("base",)

    def __new__(cls, word: str, base: Path) -> "_Relative":
        made = super().__new__(cls, word)
        made.base = base
        return made

    base: Path


def keywords(card: Card, said: Mapping[str, Any]) -> dict[str, Any]:
    """The recipe's keywords out of what was said, each of its own type, with every fault at once.

    Raises UsageError for a keyword the recipe does not take (with the nearest it does) and for a value of the wrong type.
    """
    known = card.keywords
    kinds = typing.get_type_hints(card.run)
    faults, made = [], {}
    for key, value in said.items():
        if key not in known:
            faults.append(str(unknown(f"keyword of {card.slug}", key, known)))
            continue
        try:
            if any(ADDRESS_WITH_KEY.search(word) for word in _words(value)):
                raise ValueError("an address holds a user, a key or a query: keys come from the environment")
            made[key] = convert(value, kinds[key])
        except ValueError as error:
            faults.append(f"--{key.replace('_', '-')}: {error}")
    if faults:
        raise UsageError("; ".join(faults))
    return made


def _words(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    inside = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return [word for part in inside for word in _words(part)]


def resolved(card: Card, made: Mapping[str, Any]) -> dict[str, Any]:
    """Every keyword the recipe runs with: what was said, and the defaults beside it."""
    return {
        k: made.get(k, p.default) for k, p in card.keywords.items() if k in made or p.default is not Parameter.empty
    }


def convert(value: Any, kind: Any) -> Any:
    """A word as the type a keyword is annotated with; raises ValueError with what was seen and what was due.

    >>> convert("3", int), convert("a,b", tuple[str, ...]), convert("none", float | None)
    (3, ('a', 'b'), None)
    """
    origin, inside = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return value
    if origin in (types.UnionType, typing.Union):
        if value is None or (type(None) in inside and str(value).lower() == "none"):
            return None
        return convert(value, next(k for k in inside if k is not type(None)))
    if origin is Literal:
        if value not in inside:
            near = get_close_matches(str(value), [str(k) for k in inside], n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ValueError(f"{value!r} is none of {', '.join(map(str, inside))}{hint}")
        return value
    if origin is tuple:
        if not isinstance(value, str | list | tuple):
            raise ValueError(f"{value!r} is not a list: it is given as a,b,c")
        parts = [p.strip() for p in value.split(",") if p.strip()] if isinstance(value, str) else value
        return tuple(convert(p, inside[0]) for p in parts)
    if origin is dict:
        if not isinstance(value, str | Mapping):
            raise ValueError(f"{value!r} is not name=value: several are given as a=x,b=y")
        pairs = dict(part.partition("=")[::2] for part in value.split(",")) if isinstance(value, str) else dict(value)
        if lone := [k for k, v in pairs.items() if not k or v == ""]:
            raise ValueError(f"{lone[0]!r} is not name=value")
        return {k.strip(): convert(v, inside[1]) for k, v in pairs.items()}
    if kind is bool:
        known = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
        if str(value).lower() not in known:
            raise ValueError(f"{value!r} is neither true nor false")
        return known[str(value).lower()]
    if isinstance(value, bool):
        raise ValueError(f"it needs a value ({getattr(kind, '__name__', kind)})")
    if isinstance(value, list | Mapping):
        raise ValueError(f"{value!r} is more than one value")
    if kind is Path:
        return (value.base / value) if isinstance(value, _Relative) else Path(value)
    if kind in (int, float):
        try:
            number = kind(value)
            if math.isfinite(number) and not (isinstance(value, float) and number != value):
                return number
        except (TypeError, ValueError, OverflowError):
            pass
        raise ValueError(f"{value!r} is not {'a whole number' if kind is int else 'a number'}")
    return str(value)
