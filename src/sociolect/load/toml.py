"""Tables as TOML text."""

import json
import re
from collections.abc import Mapping
from typing import Any


def toml(said: Mapping[str, Any]) -> str:
    """Texts, numbers, truth values, lists of these, tables, and lists of tables, in that order within each table.

    >>> print(toml({"id": "a b", "options": {"yes no": {"ids": ["1"]}}, "item": [{"low": 0.5}]}), end="")
    id = "a b"
    <BLANKLINE>
    [options."yes no"]
    ids = ["1"]
    <BLANKLINE>
    [[item]]
    low = 0.5
    """
    return "\n".join(_table(said, ())).lstrip("\n") + "\n"


def _table(said: Mapping[str, Any], path: tuple[str, ...]) -> list[str]:
    lines = [f"{_key(k)} = {_value(v)}" for k, v in said.items() if not _nested(v)]
    for k, v in said.items():
        name = ".".join(map(_key, (*path, k)))
        if isinstance(v, Mapping):
            inner = _table(v, (*path, k))
            plain = any(not _nested(one) for one in v.values())
            lines += ["", f"[{name}]", *inner] if plain or not v else inner
        elif _nested(v):
            lines += [line for one in v for line in ("", f"[[{name}]]", *_table(one, (*path, k)))]
    return lines


def _nested(value: object) -> bool:
    return isinstance(value, Mapping) or (isinstance(value, list) and bool(value) and isinstance(value[0], Mapping))


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _value(key)


def _value(value: object) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        # JSON's escapes are TOML's; DEL is the one sign that only TOML wants escaped
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value)
