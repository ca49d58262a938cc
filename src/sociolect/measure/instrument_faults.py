"""What is wrong with a questionnaire's card: every fault at once, each naming its place, what is there and what is due."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from itertools import pairwise

from sociolect.errors import CardError
from sociolect.measure.criteria_faults import cutoff, norm, rule
from sociolect.measure.instrument_range import (
    Table,
    centre,
    number,
    numbers,
    plain,
    policy,
    reach,
    scores,
    span,
    texts,
    twice,
)

STATUS = ("validated", "adapted", "unvalidated paraphrase")
DIRECTIONS = ("up", "down", "none")
HOWS = ("sum", "mean", "range_mean", "centred_mean")
HEAD = ("id", "title", "version", "language", "period", "population", "citation", "licence")
# What a table may hold; `note` is free text anywhere.
KEYS = {
    "options": ("ids", "score", "direction"),
    "item": ("id", "facet", "options", "key", "answer", "unit", "low", "high", "score", "follows", "scored"),
    "subscale": ("id", "items", "how", "low", "high", "missing"),
    "cutoff": ("subscale", "value", "operator", "label", "population", "source"),
    "rule": ("id", "when", "source"),
    "norm": ("subscale", "group", "mean", "sd", "n", "source", "licence"),
}
TOP = (*HEAD, "text_bundled", "status", "sensitive", "withheld", *KEYS)
_SLACK = 0.005  # ours: a range may be written to two places


def faults(said: Table) -> list[str]:
    """Everything wrong with a card's structure, in the order of the card."""
    found = [*_head(said)]
    groups, wrong = _named(said.get("options", {}), "options")
    found += wrong
    tables: dict[str, list[Table]] = {}
    for kind in ("item", "subscale", "cutoff", "rule", "norm"):
        tables[kind], wrong = _tables(said.get(kind, []), kind)
        found += wrong
    found += [f for name, one in groups.items() for f in _options(name, one)]
    items = {str(one.get("id")): one for one in tables["item"]}
    subscales = {str(one.get("id")): one for one in tables["subscale"]}
    found += ["there is no [[item]]"] * (not items)
    found += [f for one in tables["item"] for f in _item(one, items, groups)]
    spans = {name: span(one, groups) for name, one in items.items()}
    scored = {i for one in tables["subscale"] for i in texts(one.get("items"))}
    around = centre(tables["subscale"])
    for one in tables["subscale"]:
        found += _subscale(one, spans, around, len(scored))
        found += _uneven(one, items, groups)
    found += _covered(items, tables["subscale"])
    found += [f for n, one in enumerate(tables["cutoff"], 1) for f in cutoff(n, one, subscales)]
    found += [
        f for n, one in enumerate(tables["rule"]) for f in rule(one, items, groups, subscales, tables["rule"][:n])
    ]
    found += [f for n, one in enumerate(tables["norm"], 1) for f in norm(n, one, subscales)]
    names = [*items, *subscales, *dict.fromkeys(str(one.get("id")) for one in tables["rule"])]
    found += [
        f"{name!r} names an item and a subscale or rule: the measure's name would not tell them apart"
        for name in twice(names)
    ]
    found += [
        f"withheld names {name!r}, which is no item, subscale or rule"
        for name in texts(said.get("withheld", []))
        if name not in names
    ]
    return found


def _head(said: Table) -> Iterator[str]:
    yield from _strange(said, TOP, "the card")
    for name in HEAD:
        if not isinstance(said.get(name), str) or not said[name].strip():
            yield f"{name!r} is missing" if name not in said else f"{name} = {said[name]!r} is no text"
    for name in ("text_bundled", "sensitive"):
        if not isinstance(said.get(name), bool):
            yield f"{name} = {said.get(name)!r} is neither true nor false"
    if said.get("status") not in STATUS:
        yield f"status = {said.get('status')!r} is none of {', '.join(STATUS)}"
    if not isinstance(withheld := said.get("withheld", []), list) or len(texts(withheld)) != len(withheld):
        yield "withheld is no list of ids"
    if isinstance(said.get("id"), str) and not plain(said["id"]):
        yield f"id = {said['id']!r} holds more than letters, digits, _ . -"


def _named(said: object, kind: str) -> tuple[dict[str, Table], list[str]]:
    if not isinstance(said, Mapping):
        return {}, [f"{kind} is no set of tables: write [{kind}.name]"]
    return {k: v for k, v in said.items() if isinstance(v, Mapping)}, [
        f"{kind}.{k} is no table: write [{kind}.{k}]" for k, v in said.items() if not isinstance(v, Mapping)
    ]


def _tables(said: object, kind: str) -> tuple[list[Table], list[str]]:
    """The tables of a kind, and what is wrong with their ids."""
    if not isinstance(said, list) or not all(isinstance(one, Mapping) for one in said):
        return [], [f"{kind} is no list of tables: write [[{kind}]]"]
    wrong = [f for n, one in enumerate(said, 1) for f in _strange(one, KEYS[kind], f"{kind} {one.get('id', n)}")]
    if "id" not in KEYS[kind]:
        return said, wrong
    ids = [one.get("id") for one in said]
    wrong += [f"{kind} number {n} has no id of letters, digits, _ . -" for n, i in enumerate(ids, 1) if not plain(i)]
    return said, wrong + [f"{kind} {i} stands twice" for i in twice([str(i) for i in ids])]


def _strange(said: Table, known: Sequence[str], where: str) -> Iterator[str]:
    for key in said:
        if key not in (*known, "note"):
            near = get_close_matches(key, known, n=1)
            yield f"{where} holds {key!r}, which means nothing here" + (f": did you mean {near[0]!r}?" if near else "")


def _options(name: str, said: Table) -> Iterator[str]:
    yield from _strange(said, KEYS["options"], f"options {name}")
    ids, score = said.get("ids"), said.get("score")
    if not isinstance(ids, list) or len(ids) < 2 or not all(map(plain, ids)):
        yield f"options {name}: ids must be two or more ids of letters, digits, _ . -"
        return
    yield from (f"options {name} hold {i!r} twice" for i in twice(ids))
    direction = said.get("direction")
    if direction not in DIRECTIONS:
        yield f"options {name}: direction = {direction!r} is none of {', '.join(DIRECTIONS)}"
    if score is None and direction == "none":
        return
    values = numbers(score)
    if not isinstance(score, list) or len(values) != len(score) or len(values) != len(ids):
        yield f"options {name}: {len(ids)} ids and {len(values)} scores: each option needs one"
    elif direction in ("up", "down") and _run(values) != direction:
        yield f"options {name}: direction is {direction!r} and the scores {', '.join(f'{v:g}' for v in values)} do not run so"


def _item(one: Table, items: Mapping[str, Table], groups: Mapping[str, Table]) -> Iterator[str]:
    where, key = f"item {one.get('id')}", one.get("key", 1)
    if not isinstance(one.get("facet", ""), str):
        yield f"{where}: facet = {one['facet']!r} is no text"
    if not isinstance(one.get("scored", True), bool):
        yield f"{where}: scored = {one['scored']!r} is neither true nor false"
    if not isinstance(key, int) or isinstance(key, bool) or key not in (1, -1):
        yield f"{where}: key = {key!r} is neither 1 nor -1"
    if "follows" in one and (one["follows"] not in list(items) or one["follows"] == one.get("id")):
        yield f"{where} follows {one['follows']!r}, which is no other item"
    if one.get("answer", "number") != "number":
        yield f"{where}: answer = {one['answer']!r} is not 'number': name its options instead"
    if "answer" in one:
        yield from (f"{where} is answered with a number and has {k!r}" for k in ("options", "score") if k in one)
        if span(one, groups) is None:
            yield f"{where}: low = {one.get('low')!r} and high = {one.get('high')!r} are no range"
        if not isinstance(one.get("unit"), str) or not one["unit"]:
            yield f"{where}: the unit of the number is missing"
        return
    yield from (f"{where} is answered with an option and has {k!r}" for k in ("unit", "low", "high") if k in one)
    name = one.get("options")
    if not isinstance(name, str) or name not in groups:
        yield f"{where}: options {name!r} are none of {', '.join(groups) or 'those named, for there are none'}"
        return
    ids, direction = texts(groups[name].get("ids")), groups[name].get("direction")
    if key == -1 and direction == "none":
        yield f"{where} has a reverse key, and its options {name} are nominal: there is nothing to reverse"
    if "score" in one:
        yield from _override(where, one, ids, direction)


def _override(where: str, one: Table, ids: list[str], direction: object) -> Iterator[str]:
    own = one["score"]
    if not isinstance(own, Mapping):
        yield f"{where}: score = {own!r} is no table of option = number"
        return
    yield from (f"{where}: score names option {i!r}, which options {one['options']} lack" for i in own if i not in ids)
    if absent := [i for i in ids if not number(own.get(i))]:
        yield f"{where}: score says no number for option {', '.join(absent)}"
        return
    run, key = _run([float(own[i]) for i in ids]), one.get("key", 1)
    against = (run, direction) in (("up", "down"), ("down", "up"))
    if direction != "none" and run != "none" and against != (key == -1):
        yield f"{where}: its own score runs {'against' if against else 'with'} options {one['options']}, so its key is {-1 if against else 1}"


def _subscale(
    one: Table, spans: Mapping[str, tuple[float, float] | None], around: Sequence[str], every: int
) -> Iterator[str]:
    """Faults of a subscale; `spans` are the items' ranges, `around` the items of all centred ones, `every` counts those scored."""
    where, how, own = f"subscale {one.get('id')}", one.get("how"), texts(one.get("items"))
    if not own:
        yield f"{where} has no items"
        return
    yield from (f"{where} scores item {i} twice" for i in twice(own))
    yield from (f"{where} names item {i}, which is not there" for i in dict.fromkeys(own) if i not in spans)
    yield from (f"{where}: item {i} has no score" for i in dict.fromkeys(own) if i in spans and spans[i] is None)
    if how not in HOWS:
        yield f"{where}: how = {how!r} is none of {', '.join(HOWS)}"
        return
    try:
        policy(one.get("missing", "null"), len(own), every)
    except CardError as error:
        yield f"{where}: {error}"
    due = [spans.get(i) for i in own]
    rest = [spans.get(i) for i in around if i not in own]
    if len(set(own)) < len(own) or None in due or (how == "centred_mean" and None in rest):
        return
    low, high = reach(how, [s for s in due if s], [s for s in rest if s])
    given = numbers([one.get("low"), one.get("high")])
    if not (how == "centred_mean" and "low" not in one and "high" not in one) and (
        len(given) < 2 or abs(given[0] - low) > _SLACK or abs(given[1] - high) > _SLACK
    ):
        yield f"{where}: its range is {low:g} to {high:g} by its items, and {one.get('low')} to {one.get('high')} by the card"


def _uneven(one: Table, items: Mapping[str, Table], groups: Mapping[str, Table]) -> Iterator[str]:
    """Items whose scores a range_mean would not count from 1 to k."""
    if one.get("how") == "range_mean":
        yield from (
            f"subscale {one.get('id')} is a range_mean, and the scores of item {i} are not equally far apart"
            for i in dict.fromkeys(texts(one.get("items")))
            if i in items and not _even(list(scores(items[i], groups).values()))
        )


def _covered(items: Mapping[str, Table], subscales: Sequence[Table]) -> Iterator[str]:
    used = {i for one in subscales for i in texts(one.get("items"))}
    for name, one in items.items():
        if name not in used and one.get("scored", True) is not False:
            yield f"item {name} is in no subscale: put it into one, or say scored = false"
        if name in used and one.get("scored") is False:
            yield f"item {name} says scored = false and is in a subscale"


def _run(values: Sequence[float]) -> str:
    """Whether values rise, fall, or do neither; even steps on one level are allowed."""
    steps = [b - a for a, b in pairwise(values)]
    if not any(steps) or (min(steps) < 0 < max(steps)):
        return "none"
    return "up" if max(steps) > 0 else "down"


def _even(values: Sequence[float]) -> bool:
    steps = [b - a for a, b in pairwise(sorted(values))]
    return not steps or (steps[0] > 0 and max(steps) - min(steps) < 1e-9)
