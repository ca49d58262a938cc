"""A society out of files of interactions or of a network, where nobody's words are known."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import polars as pl

from sociolect import frames
from sociolect.errors import InputError, UsageError
from sociolect.frames import Society
from sociolect.load import columns
from sociolect.load.aside import Aside
from sociolect.load.key import read_key
from sociolect.load.network_files import Raw, read, stem
from sociolect.load.network_people import ID, told
from sociolect.load.network_ties import kept, numbered, summed
from sociolect.load.pseudonyms import pseudonyms
from sociolect.load.read import opened


def network(
    path: str | Path | Sequence[str | Path],
    *,
    source: str | None = None,
    target: str | None = None,
    weight: str | None = None,
    kind: str | None = None,
    time: str | None = None,
    time_format: str | None = None,
    sentiment: str | None = None,
    directed: bool | None = None,
    mutual: bool = False,
    header: bool = True,
    people: str | Path | None = None,
    person: str | None = None,
    keep: str | Sequence[str] = (),
    keep_ids: str = "",
    key: str | Path | None = None,
) -> Society:
    """The society that files of a network show: people and ties, and no posts.

    `path` is a table of ties (csv, tsv, jsonl, each also .gz; parquet), GML or GraphML (also .gz), or MATLAB's .mat
    (`mat`); several are joined into one network, where the same id in two files is two people, and people have a column
    `network`, the file's name. `source` and `target` name the columns of a table (without `header`, the first two);
    `weight` one of numbers (else a column called weight, else 1 a row; weight="" counts rows all the same); `kind` a column
    or a word such as mention (else the word tie); `time` a column of times, in the form `time_format` where it is no ISO 8601 (strptime);
    `sentiment` a column of numbers.

    Rows of one pair and kind are summed into one tie (`network_ties.summed` says how sentiment and time are). Ties of a table
    have a direction unless `directed=False`; those of the other files as they say, unless told. `mutual` keeps the ties of
    people who are tied both ways.

    Traits of nodes ride along into people, and so do those of the table `people`, whose column `person` holds the ids
    (`file/id` where several files are joined): all of them, or those that `keep` names. A text or whole number that is nearly
    everyone's own would tell who a pseudonym is: it is left out, and counted, unless `keep` names it.

    People are named by keyed pseudonyms, unless `keep_ids="reason"`; `key` as in `table`. What cannot be let in is counted
    in `set_aside`. Raises InputError for what cannot be read, or holds no tie; UsageError for keywords that contradict.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     said = Path(folder, "mentions.csv")
    ...     _ = said.write_text("from,to,mood\\nada,bob,1\\nada,bob,0\\nbob,bob,1\\n")
    ...     society = network(said, source="from", target="to", sentiment="mood", keep_ids="a doctest")
    >>> society.ties.drop("sentiment_sd").rows(), society.set_aside["reason"][0]
    ([('ada', 'bob', 'tie', 2.0, 0.5, 2)], 'tie of a person to itself')
    """
    paths = [Path(path)] if isinstance(path, str | Path) else [Path(p) for p in path]
    _sane(paths, directed=directed, mutual=mutual, people=people, person=person, form=(time, time_format))
    kept_traits = [c.strip() for c in keep.split(",") if c.strip()] if isinstance(keep, str) else list(keep)
    aside = Aside()
    roles = {"source": source, "target": target, "weight": weight, "time": time, "sentiment": sentiment}
    raws, parts, ids = [], [], []
    for one in paths:
        raw, names, rows = _one(one, roles, kind, aside, header=header, time_format=time_format)
        scope = f"{columns.plain_scope(pl.Series([stem(one)])).item()}/" if len(paths) > 1 else ""
        ids.append((scope + names).alias("id"))
        direct = raw.directed if directed is None else directed
        parts.append((rows, direct))
        raws.append(raw)
    every = pl.concat(ids)  # no two alike: within a file `numbered` sees to it, between files the scope does
    final = _hidden(every, keep_ids, key, paths[0].name, aside)
    order = final.sort()
    place = final.cast(pl.Enum(order)).to_physical().cast(pl.UInt32)
    tied, at = [], 0
    for (rows, direct), own in zip(parts, ids, strict=True):
        here = place.slice(at, own.len())
        at += own.len()
        ends = {end: here.gather(rows[end]) for end in ("a", "b")}
        made, merged = summed(rows.with_columns(**ends), max(order.len(), 1), directed=direct, kind=kind or "tie")
        tied.append(made)
        aside.add("row that says a pair and kind again, summed into one tie", merged, "all files", "nothing")
    parts.clear()
    ties = pl.concat(tied, how="diagonal").sort("a", "b", "kind") if len(tied) > 1 else tied[0]
    if mutual:
        back = ties.select(a="b", b="a", kind="kind")
        both = ties.join(back, on=["a", "b", "kind"], how="semi", maintain_order="left")
        aside.add("tie that is not returned, left out by mutual", ties.height - both.height, "all ties", "nothing")
        ties = both
    if not ties.height:
        raise InputError(f"{', '.join(p.name for p in paths)}: no tie between two people is left; {_why(aside)}")
    named = pl.DataFrame({ID: every, "person": final}).sort("person")
    if len(paths) > 1:
        named = named.with_columns(network=pl.col(ID).str.splitn("/", 2).struct[0])
    with ExitStack() as open_:
        table = open_.enter_context(opened(people, aside)) if people is not None else None
        nodes = {stem(p): raw.nodes for p, raw in zip(paths, raws, strict=True)}
        given = (table, person) if table is not None and person is not None else None
        who = told(named, nodes, given, kept_traits, aside, bare=bool(keep_ids))
    people_of = [order.gather(ties[end]).alias(name) for end, name in (("a", "source"), ("b", "target"))]
    return Society(
        frames.people(who),
        frames.posts(frames.empty("posts")),
        frames.ties(pl.DataFrame([*people_of, *ties.drop("a", "b").get_columns()])),
        aside.frame(),
    )


def _sane(
    paths: list[Path],
    *,
    directed: bool | None,
    mutual: bool,
    people: str | Path | None,
    person: str | None,
    form: tuple[str | None, str | None],
) -> None:
    """Raises UsageError for keywords that contradict each other, all at once."""
    names = [stem(p) for p in paths]
    twice = sorted({n for n in names if names.count(n) > 1})
    wrong = ["no file was named: give a path, or a list of them"] if not paths else []
    wrong += [f"two files are called {n!r}, so their people cannot be told apart: rename one" for n in twice]
    if mutual and directed is False:
        wrong.append("mutual=True asks for ties both ways, and directed=False says that they have no direction")
    if (people is None) != (person is None):
        wrong.append("people= names a table and person= its column of ids (--columns person=...): give both")
    if form[1] and not form[0]:
        wrong.append("time_format= says how times are written, and no column was named: say time=")
    if wrong:
        raise UsageError("; ".join(wrong))


def _one(
    path: Path, roles: dict[str, str | None], kind: str | None, aside: Aside, *, header: bool, time_format: str | None
) -> tuple[Raw, pl.Series, pl.DataFrame]:
    """A file, the ids it names (tied or not), and its rows as places among them."""
    raw = read(path, roles, kind, header=header, aside=aside)
    ends: tuple[pl.Series, ...] = (raw.ties["source"], raw.ties["target"])
    if raw.nodes is not None:
        ends = (*ends, raw.nodes["id"].alias("source"))
    names, (a, b, *own) = numbered(ends, raw.name)
    nodes = raw.nodes.with_columns(names.gather(own[0]).alias("id")) if raw.nodes is not None else None
    rows = raw.ties.drop("source", "target").with_columns(a=a, b=b)
    raw = raw._replace(nodes=nodes, ties=raw.ties.clear())  # the columns of ids are as large as all else together
    return raw, names, kept(rows, raw.name, aside, time_format=time_format)


def _hidden(ids: pl.Series, keep_ids: str, key: str | Path | None, name: str, aside: Aside) -> pl.Series:
    if keep_ids:
        aside.add(f"ids kept as they are: {keep_ids}", ids.len(), name, "leave keep_ids out")
        return ids
    said = pseudonyms(ids, read_key(key))
    return pl.Series([said[i] for i in ids.to_list()], dtype=pl.String)


def _why(aside: Aside) -> str:
    said = ", ".join(f"{n:,} {reason}" for reason, (n, _, _) in aside.rows.items() if not reason.startswith("ids kept"))
    return f"set aside: {said}" if said else "it names people and ties nobody"
