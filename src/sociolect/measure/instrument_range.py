"""What a questionnaire's items and subscales can come to, out of its card as it is written."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from math import fsum, isfinite
from typing import Any

from sociolect.errors import CardError

Table = Mapping[str, Any]


def texts(said: object) -> list[str]:
    """The texts in a list; none where it is no list."""
    return [one for one in said if isinstance(one, str)] if isinstance(said, list) else []


def number(said: object) -> bool:
    """Whether it is a finite number; true and false are none."""
    # a whole number beyond what a float holds is none that a questionnaire means
    return isinstance(said, int | float) and not isinstance(said, bool) and abs(said) < 1e300 and isfinite(said)


def numbers(said: object) -> list[float]:
    """The finite numbers in a list; none where it is no list."""
    return [float(one) for one in said if number(one)] if isinstance(said, list) else []


def plain(said: object) -> bool:
    """Whether it is an id: letters, digits, _ . -"""
    return isinstance(said, str) and re.fullmatch(r"[A-Za-z0-9_.\-]+", said) is not None


def worded(said: object) -> bool:
    """Whether it is a text that is not blank."""
    return isinstance(said, str) and bool(said.strip())


def twice(names: Sequence[str]) -> list[str]:
    """The names that stand more than once."""
    return [name for name, n in Counter(names).items() if n > 1]


def scores(item: Table, groups: Mapping[str, Table]) -> dict[str, float]:
    """An item's score per option id as it counts: its own `score` as it stands, else the options', mirrored where the key is -1.

    >>> scores({"options": "a", "key": -1}, {"a": {"ids": ["x", "y", "z"], "score": [0, 1, 3]}})
    {'x': 3.0, 'y': 2.0, 'z': 0.0}
    """
    group = groups.get(str(item.get("options")), {})
    if isinstance(own := item.get("score"), Mapping):
        return {str(k): float(v) for k, v in own.items() if number(v)}
    ids, values = texts(group.get("ids")), numbers(group.get("score"))
    if not values or len(ids) != len(values):
        return {}
    low, high = min(values), max(values)
    return dict(zip(ids, [low + high - v if item.get("key") == -1 else v for v in values], strict=True))


def span(item: Table, groups: Mapping[str, Table]) -> tuple[float, float] | None:
    """An item's lowest and highest score; None where it has none."""
    if item.get("answer") == "number":
        ends = numbers([item.get("low"), item.get("high")])
        return (ends[0], ends[1]) if len(ends) == 2 and ends[0] < ends[1] else None
    found = scores(item, groups)
    return (min(found.values()), max(found.values())) if found else None


def reach(how: str, own: Sequence[tuple[float, float]], centred: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The lowest and highest value a subscale can take; `centred` are the items outside it that the centre is taken over.

    >>> reach("sum", [(0, 3), (0, 3)], []), reach("centred_mean", [(1, 6), (1, 6)], [(1, 6)] * 19)
    ((0.0, 6.0), (-4.523809523809524, 4.523809523809524))
    """
    low, high = fsum(a for a, _ in own), fsum(b for _, b in own)
    if how == "range_mean":
        return 0.0, 100.0
    if how == "mean":
        return low / len(own), high / len(own)
    if how == "centred_mean":
        n = len(own) + len(centred)
        share = 1 / len(own) - 1 / n
        rest_low, rest_high = fsum(a for a, _ in centred) / n, fsum(b for _, b in centred) / n
        return low * share - rest_high, high * share - rest_low
    return low, high


def policy(missing: object, items: int, every: int) -> tuple[str, int]:
    """A missing policy and its limit, for a subscale of so many items among `every`; raises CardError where it is none.

    >>> policy("mean_if:3", 5, 20), policy("null", 5, 20)
    (('mean_if', 3), ('null', 0))
    """
    name, colon, limit = str(missing).partition(":")
    due = {"null": None, "mean_if": range(1, items + 1), "median_if": range(items), "drop_if": range(every)}
    if name not in due or (name == "null") == bool(colon):
        raise CardError(f"missing = {missing!r} is none of null, mean_if:<k>, median_if:<m>, drop_if:<m>")
    allowed = due[name]
    if allowed is None:
        return name, 0
    if not limit.isdecimal() or int(limit) not in allowed:
        raise CardError(
            f"missing = {missing!r} needs a whole number from {allowed[0]} to {allowed[-1]} after the colon"
        )
    return name, int(limit)


def centre(subscales: Sequence[Table]) -> list[str]:
    """The items over which a respondent's centre is taken: those of every centred subscale."""
    return list(
        dict.fromkeys(i for one in subscales if one.get("how") == "centred_mean" for i in texts(one.get("items")))
    )
