"""What is wrong with the cut-offs, norms and rules of a questionnaire's card."""

from collections.abc import Iterator, Mapping, Sequence

from sociolect.errors import CardError
from sociolect.measure import rules
from sociolect.measure.instrument_range import Table, number, numbers, span, texts, twice, worded


def cutoff(n: int, one: Table, subscales: Mapping[str, Table]) -> Iterator[str]:
    """What is wrong with the n-th cut-off."""
    where = f"cutoff {n} ({one.get('label', 'no label')})"
    yield from (f"{where}: {k!r} is missing" for k in ("label", "population", "source") if not worded(one.get(k)))
    if one.get("operator") not in list(rules.OPERATORS):
        yield f"{where}: operator = {one.get('operator')!r} is none of {' '.join(rules.OPERATORS)}"
    yield from _within(where, one, "value", subscales)


def norm(n: int, one: Table, subscales: Mapping[str, Table]) -> Iterator[str]:
    """What is wrong with the n-th norm."""
    where = f"norm {n} ({one.get('group', 'no group')})"
    yield from (f"{where}: {k!r} is missing" for k in ("group", "source", "licence") if not worded(one.get(k)))
    yield from _within(where, one, "mean", subscales)
    if not number(one.get("sd")) or one["sd"] <= 0:
        yield f"{where}: sd = {one.get('sd')!r} is no number above 0"
    if not isinstance(one.get("n"), int) or isinstance(one["n"], bool) or one["n"] < 1:
        yield f"{where}: n = {one.get('n')!r} is no whole number above 0"


def _within(where: str, one: Table, key: str, subscales: Mapping[str, Table]) -> Iterator[str]:
    """Faults of a number that must lie in its subscale's range."""
    if (name := str(one.get("subscale"))) not in subscales:
        yield f"{where} names subscale {one.get('subscale')!r}, which is not there"
    elif not number(one.get(key)):
        yield f"{where}: {key} = {one.get(key)!r} is no number"
    elif len(ends := numbers([subscales[name].get("low"), subscales[name].get("high")])) == 2 and not (
        ends[0] <= one[key] <= ends[1]
    ):
        yield f"{where}: {key} = {one[key]:g} lies outside subscale {name}, {ends[0]:g} to {ends[1]:g}"


def rule(
    one: Table,
    items: Mapping[str, Table],
    groups: Mapping[str, Table],
    subscales: Mapping[str, Table],
    above: Sequence[Table],
) -> Iterator[str]:
    """What is wrong with a rule, which may name the rules above it."""
    where = f"rule {one.get('id')}"
    if not worded(one.get("source")):
        yield f"{where}: 'source' is missing"
    if not isinstance(one.get("when"), str):
        yield f"{where}: when = {one.get('when')!r} is no text"
        return
    try:
        found = list(rules.atoms(rules.parsed(one["when"])))
    except CardError as error:
        yield f"{where}: {error}"
        return
    for atom in found:
        match atom:
            case rules.Named(name):
                if name not in [other.get("id") for other in above]:
                    yield f"{where} names rule {name}, which does not stand above it"
            case rules.Among():
                yield from _among(where, atom, items, groups)
            case rules.Count(among, _, value):
                yield from (f for each in among for f in _among(where, each, items, groups))
                yield from (f"{where} counts item {i} twice" for i in twice([each.id for each in among]))
                if not (value == int(value) and 0 <= value <= len(among)):
                    yield f"{where} counts {len(among)} items, and asks for {value:g}"
            case rules.Compare("item", name, _, value):
                if name not in items:
                    yield f"{where} names item {name}, which is not there"
                elif (ends := span(items[name], groups)) is None:
                    yield f"{where} compares item {name}, which has no score"
                elif not ends[0] <= value <= ends[1]:
                    yield f"{where} asks for item {name} at {value:g}, outside {ends[0]:g} to {ends[1]:g}"
            case rules.Compare(_, name, _, value):
                yield from _within(where, {"subscale": name, "value": value}, "value", subscales)


def _among(where: str, atom: rules.Among, items: Mapping[str, Table], groups: Mapping[str, Table]) -> Iterator[str]:
    if atom.id not in items:
        yield f"{where} names item {atom.id}, which is not there"
    elif "answer" in items[atom.id]:
        yield f"{where} asks for an option of item {atom.id}, which is answered with a number"
    else:
        ids = texts(groups.get(str(items[atom.id].get("options")), {}).get("ids"))
        yield from (f"{where} names option {o!r}, which item {atom.id} lacks" for o in atom.options if o not in ids)
