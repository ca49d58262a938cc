"""What is known of the people of a network: traits of its nodes, and of a table of people."""

from collections.abc import Mapping, Sequence

import polars as pl

from sociolect.errors import InputError
from sociolect.load import columns
from sociolect.load.aside import Aside
from sociolect.load.network_ties import spelt
from sociolect.load.read import Table

ID = "\x00id"  # no column of a file is called so
_OWN = 0.5  # ours: a value that more than half of the people have to themselves names them
_K = 10  # DESIGN section 8: and so many people must have one, lest every trait of a handful does


def told(
    named: pl.DataFrame,
    nodes: Mapping[str, pl.DataFrame | None],
    given: tuple[Table, str] | None,
    keep: Sequence[str],
    aside: Aside,
    *,
    bare: bool,
) -> pl.DataFrame:
    """People (person, network where there are several, traits), sorted by person, out of `named` (ID, person, network).

    `nodes` has each file's nodes (id and traits) by its name, `given` the table of people and its column of ids. With `keep`, only the traits it names;
    else all but those that tell people apart, which ride only where ids are kept as they are (`bare`).
    Raises InputError for a trait nobody has, and a table that speaks of nobody here.
    """
    traits = []
    for stem, part in nodes.items():
        if part is not None and part.width > 1:
            scope = f"{columns.plain_scope(pl.Series([stem])).item()}/" if len(nodes) > 1 else ""
            traits.append(part.with_columns((scope + part["id"]).alias(ID)).select(ID, pl.exclude("id", ID)))
    known = pl.concat(traits, how="diagonal_relaxed").unique(ID, keep="first") if traits else None
    here = known.columns if known is not None else []
    if given is not None:
        table, person = given
        said = _table(named, table, person, aside)
        if both := sorted(set(said.columns[1:]) & set(here[1:])):
            raise InputError(f"{table.name} and the nodes both have {', '.join(map(repr, both))}: rename one")
        known = said if known is None else known.join(said, on=ID, how="full", coalesce=True)
    if known is None:
        if keep:
            raise InputError(f"keep={', '.join(keep)}: these files say nothing of people but their ids")
        return named.drop(ID)
    have = known.columns[1:]
    if wrong := [c for c in keep if c not in have]:
        raise InputError(f"no trait {', '.join(map(repr, wrong))} (keep); there are: {', '.join(have)}")
    chosen = list(keep or have)
    if taken := [c for c in chosen if c in named.columns]:
        raise InputError(f"trait {', '.join(map(repr, taken))} has the name of a column that is made here: rename it")
    for name in [] if keep or bare else have:
        if _tells(known[name]):
            chosen.remove(name)
            aside.add(
                f"trait {name!r} is nearly everyone's own, left out", 1, "people", f"say keep={name!r} to have it"
            )
    known = known.select(ID, *(columns.typed(known[c]) for c in chosen))
    return named.join(known, on=ID, how="left", maintain_order="left").drop(ID)


def _table(named: pl.DataFrame, table: Table, person: str, aside: Aside) -> pl.DataFrame:
    """The table of people under `ID`: those who are here, each once."""
    if wrong := columns.faults(table, [("person", person)]):
        raise InputError("; ".join(wrong))
    names = columns.parts(person, table.columns)
    rest = [c for c in table.columns if c not in names and c and c not in table.nested]
    frame = table.read([*names, *rest])
    own = spelt(columns.ids(frame, person, table.columns), table.name)
    said = frame.select(own.alias(ID), *rest)
    if table.kind == "parquet":
        said = said.with_columns(pl.col(pl.Categorical, pl.Enum).cast(pl.String))
    whole = said.filter(pl.col(ID).is_not_null())
    aside.add("row of people without an id", said.height - whole.height, table.name, "fill it in, or delete the row")
    once = whole.unique(ID, keep="first", maintain_order=True)
    aside.add(
        "row of people with another's id", whole.height - once.height, table.name, "nothing: the first one stands"
    )
    found = once.join(named.select(ID), on=ID, how="semi", maintain_order="left")
    aside.add("row of people whom no tie names", once.height - found.height, table.name, "nothing, or check person=")
    if not found.height:
        raise InputError(
            f"{table.name}: none of its {once.height:,} ids in {person!r} is in the network; is it the column of ids, and are "
            "they spelt alike (file/id where several files are joined)?"
        )
    aside.add(
        "tied person whom the table of people does not tell of", named.height - found.height, table.name, "nothing"
    )
    return found


def _tells(column: pl.Series) -> bool:
    """Whether a column of texts or whole numbers is nearly everyone's own, as names, titles and account numbers are."""
    typed = columns.typed(column)
    if not (typed.dtype == pl.String or typed.dtype.is_integer()):
        return False
    said = typed.drop_nulls()
    own = said.value_counts(name="n").filter(pl.col("n") == 1).height
    return own >= _K and own > _OWN * said.len()
