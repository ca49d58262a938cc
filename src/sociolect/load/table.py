"""A society out of one table of posts, whatever its columns are called."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import polars as pl

from sociolect import frames
from sociolect.errors import InputError, UsageError
from sociolect.frames import Society
from sociolect.load import columns
from sociolect.load import links as between
from sociolect.load.aside import Aside
from sociolect.load.guess import proposals
from sociolect.load.hidden import hidden
from sociolect.load.hidden_columns import nameless, tell
from sociolect.load.key import read_key
from sociolect.load.pii import pii
from sociolect.load.posts import GONE, settled
from sociolect.load.pseudonyms import known, pseudonyms
from sociolect.load.read import Table, opened
from sociolect.load.times import times

_ROW = "\x00row"  # no column of a file is called so
_INSIDE = ("row", "scope", GONE)
RESERVED = ("post", "person", "text", "thread", "parent", "time", "kind", "topic", "community")


def table(
    posts: str | Path,
    *,
    post: str | None = None,
    person: str | None = None,
    text: str | None = None,
    thread: str | None = None,
    parent: str | None = None,
    time: str | None = None,
    kind: str | None = None,
    topic: str | None = None,
    community: str | None = None,
    keep: str | Sequence[str] = (),
    where: Mapping[str, object] | None = None,
    scope: str | None = None,
    links: str | Path | None = None,
    link_child: str | None = None,
    link_parent: str | None = None,
    ties: str | Path | None = None,
    tie_source: str | None = None,
    tie_target: str | None = None,
    tie_kind: str | None = None,
    tie_weight: str | None = None,
    anonymous: bool = False,
    keep_ids: str = "",
    pseudonymous_ids: bool = False,
    key: str | Path | None = None,
) -> Society:
    """The society a table of posts shows: csv, tsv, jsonl (each also .gz) or parquet, under pseudonyms.

    Each of `post` ... `community` names a column, or several joined with `+`: ids with `/`, texts with a line break. `text` is
    needed, and `person` unless `anonymous`: then every post is its own person. Without `post` a post is named by its row
    (r0000001). Without `thread` it is the topmost ancestor. Without `kind` a post with a parent is a reply, else a post.
    `time` becomes UTC. `keep` names columns that ride along. `where` keeps rows by value (a value, a list, or "!value").
    `scope` is a column within which names hold: the same name in two teams is two people.

    `links` is a table of who replied to which post (`link_child`, `link_parent`): a post's parent is then the nearest earlier one,
    and each link counts in the ties. `ties` is a table of ties between people (`tie_source`, `tie_target`; `tie_kind` a column, or
    a word such as mention; `tie_weight`, 1 where absent).

    People are named by keyed pseudonyms, in the texts too, and addresses are masked; `keep_ids="reason"` leaves all as it is and
    records the reason. Ids of posts and threads that hold a name are keyed too; with `pseudonymous_ids` all are, and then nothing
    joins them with another table of the same posts. `key` is the key file (see `key.key_file` for where it lies otherwise).

    What cannot be let in is counted in `set_aside`. Raises InputError for what cannot be read, naming every fault at once, and
    UsageError for keywords that contradict each other.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     said = Path(folder, "posts.csv")
    ...     _ = said.write_text("id,who,body,to\\n1,ada,hello,\\n2,bob,hello @ada,1\\n")
    ...     society = table(said, post="id", person="who", text="body", parent="to", key=Path(folder, "key"))
    >>> society.people.height, society.posts["kind"].to_list(), society.posts["text"][1] == f"hello @{society.posts['person'][0]}"
    (2, ['post', 'reply'], True)
    """
    if anonymous and person:
        raise UsageError("anonymous=True says that there is no author, and person= names one: leave one of them out")
    if anonymous and ties is not None:
        raise UsageError("anonymous=True says that there is no author, and ties= names people: leave one of them out")
    for said, needed in ((links, (link_child, link_parent)), (ties, (tie_source, tie_target))):
        if said is None and any(needed):
            raise UsageError(
                "link_child and link_parent go with links=, tie_source and tie_target with ties=: name that table too"
            )
    keep = [c.strip() for c in keep.split(",") if c.strip()] if isinstance(keep, str) else list(keep)
    roles = {"post": post, "person": person, "text": text, "thread": thread, "parent": parent, "time": time}
    roles |= {"kind": kind, "topic": topic, "community": community, "scope": scope}
    aside = Aside()
    with ExitStack() as open_:
        source = open_.enter_context(opened(posts, aside))
        link_table = open_.enter_context(opened(links, aside)) if links is not None else None
        tie_table = open_.enter_context(opened(ties, aside)) if ties is not None else None
        wrong = _needed(source, roles, anonymous=anonymous)
        wrong += columns.faults(
            source, [*roles.items(), *(("keep", c) for c in keep), *(("where", c) for c in where or {})]
        )
        wrong += [
            f"keep column {c!r} has the name of a column that is made here: rename it"
            for c in keep
            if c in _INSIDE or (c in RESERVED and roles[c] != c)
        ]
        if not keep_ids:
            wrong += _telling(source, roles, keep)
        if link_table is not None:
            due = {"link_child": link_child, "link_parent": link_parent}
            wrong += _unsaid(link_table, due) + columns.faults(link_table, due.items())
        if tie_table is not None:
            due = {"tie_source": tie_source, "tie_target": tie_target}
            wrong += _unsaid(tie_table, due) + between.kind_fault(tie_kind, tie_table.columns, tie_table.name)
            wrong += columns.faults(tie_table, [*due.items(), ("tie_weight", tie_weight), ("scope", scope)])
        if wrong:
            raise InputError("; ".join(wrong))
        raw = _read(source, [*roles.values(), *keep, *(where or {})]).with_row_index(_ROW, offset=1)
        if where:
            raw = columns.where(raw, where, source.name, aside)
        if not raw.height:
            raise InputError(f"{source.name} has a header and no rows that can be read: there is nothing to load")
        said_here = _mapped(raw, source, roles, keep, anonymous=anonymous)
        del raw
        link_ids = _pair(link_table, link_child, link_parent) if link_table is not None else None
        made, tied = settled(said_here, source.name, aside, link_ids, link_table.name if link_table is not None else "")
        if tie_table is not None:
            tied.append(_given(tie_table, (tie_source or "", tie_target or ""), tie_kind, tie_weight, scope))
    every = between.folded([frames.empty("ties"), *tied])
    return _society(
        made, every, aside, anonymous=anonymous, keep_ids=keep_ids, every_id=pseudonymous_ids, key=key, name=source.name
    )


def _needed(source: Table, roles: Mapping[str, str | None], *, anonymous: bool) -> list[str]:
    """What has not been said and must be, with what the table proposes for it."""
    due = [role for role in ("text", "person") if roles[role] is None and not (role == "person" and anonymous)]
    found = proposals(source) if due else pl.DataFrame(schema={"role": pl.String, "column": pl.String})
    wrong = []
    for role in due:
        near = found.filter(pl.col("role") == role)["column"].head(2).to_list()
        hint = " or ".join(f"the column {c!r} may be it: say {role}={c!r}" for c in near)
        hint = hint or f"the columns are: {', '.join(source.columns)}"
        hint += ", or anonymous=True where the file has no authors" if role == "person" else ""
        wrong.append(f"{source.name}: which column is {role!r} has not been said; {hint}")
    return wrong


def _telling(source: Table, roles: Mapping[str, str | None], keep: Sequence[str]) -> list[str]:
    """Columns that would say beside the pseudonym whose it is: the name is the last part of `person`."""
    if (said := roles["person"]) is None:
        return []
    name = columns.parts(said, source.columns)[-1]
    others = [(role, value) for role, value in roles.items() if value and role not in {"person", "text"}]
    return [
        f"{role}={value!r} holds the names that person={said!r} hides: choose other columns, or say keep_ids='reason'"
        for role, value in [*others, *(("keep", c) for c in keep)]
        if name in columns.parts(value, source.columns)
    ]


def _unsaid(source: Table, due: Mapping[str, str | None]) -> list[str]:
    return [
        f"{source.name}: {keyword} has not been said; the columns are: {', '.join(source.columns)}"
        for keyword, value in due.items()
        if value is None
    ]


def _read(source: Table, wanted: Sequence[str | None]) -> pl.DataFrame:
    return source.read([name for value in wanted if value for name in columns.parts(value, source.columns)])


def _pair(source: Table, first: str | None, second: str | None) -> tuple[pl.Series, pl.Series]:
    raw = _read(source, [first, second])
    return columns.ids(raw, first or "", source.columns), columns.ids(raw, second or "", source.columns)


def _mapped(
    raw: pl.DataFrame, source: Table, roles: Mapping[str, str | None], keep: Sequence[str], *, anonymous: bool
) -> pl.DataFrame:
    """The table under the names of the frame: ids, texts and times as what they are, scope and name apart."""
    made: dict[str, pl.Series] = {"row": raw[_ROW]}
    for role in ("post", "person", "thread", "parent", "kind", "topic", "community", "scope"):
        if (value := roles[role]) is not None:
            made[role] = columns.ids(raw, value, source.columns)
    made["text"] = columns.texts(raw, roles["text"] or "", source.columns)
    if roles["time"] is not None:
        written = raw.select(columns.parts(roles["time"], source.columns))
        made[GONE] = written.select(pl.any_horizontal(pl.all().is_not_null())).to_series()
        if written.width > 1:  # a date and a clock; a date alone is its midnight
            written = written.select(pl.concat_str(pl.all(), separator=" ", ignore_nulls=True))
        made["time"] = times(written.to_series())
    if "post" not in made:
        made["post"] = "r" + raw[_ROW].cast(pl.String).str.zfill(7)
    if anonymous:
        made["person"] = "anonymous/" + made["post"]
    for name in keep:
        if name not in made:
            made[name] = columns.typed(raw[name]) if source.kind != "parquet" else raw[name]
    return pl.DataFrame([column.alias(name) for name, column in made.items()])


def _given(
    source: Table, ends: tuple[str, str], kind: str | None, weight: str | None, scope: str | None
) -> pl.DataFrame:
    """The ties that a table of ties gives, between whole ids."""
    raw = _read(source, [*ends, weight, scope, kind if kind in source.columns else None])
    first, second = (columns.ids(raw, value, source.columns) for value in ends)
    if scope is not None:
        within = columns.ids(raw, scope, source.columns)
        first, second = columns.scoped(within, first), columns.scoped(within, second)
    return between.given(
        raw, source.columns, (first, second), kind=kind, weight=weight, name=source.name, aside=source.aside
    )


def _society(
    posts: pl.DataFrame,
    ties: pl.DataFrame,
    aside: Aside,
    *,
    anonymous: bool,
    keep_ids: str,
    every_id: bool,
    key: str | Path | None,
    name: str,
) -> Society:
    """The frames, with names and texts as they may be seen."""
    text = columns.neutral(columns.cleaned(posts["text"]))
    people = pl.concat([posts["person"], ties["source"], ties["target"]]).unique().sort()
    if keep_ids:
        aside.add(f"ids, texts and addresses kept as they are: {keep_ids}", len(people), name, "leave keep_ids out")
    else:
        secret = read_key(key)
        scoped = "scope" in posts.columns
        said = {} if anonymous else pseudonyms(people, secret)
        who = pl.DataFrame({"person": [] if anonymous else people}, schema={"person": pl.String})
        split = pl.col("person").str.splitn("/", 2)
        who = who.with_columns(
            name=split.struct[1] if scoped else pl.col("person"), scope=split.struct[0] if scoped else pl.lit("")
        )
        found = pii(text)
        tell(found.counts, name, aside)
        names = known(who, said, secret)
        scope = columns.plain_scope(posts["scope"]) if scoped else None
        text = hidden(found.texts, scope, names)
        posts = nameless(posts, scope, names, name, aside, every_id=every_id)
        if not anonymous:
            new = {"old": list(said), "new": list(said.values())}
            posts = posts.with_columns(posts["person"].replace_strict(new["old"], new["new"]))
            ties = ties.with_columns(pl.col("source", "target").replace_strict(new["old"], new["new"])).sort(
                "source", "target", "kind"
            )
            people = people.replace_strict(new["old"], new["new"]).sort()
    posts = posts.with_columns(text)
    first = [c for c in RESERVED if c in posts.columns]
    last = [c for c in posts.columns if c not in RESERVED and c not in {"scope", GONE}]
    one = pl.DataFrame({"person": people})
    return Society(
        frames.people(one.with_columns(anonymous=pl.lit(value=True)) if anonymous else one),
        frames.posts(posts.select(*first, *last)),
        frames.ties(ties),
        aside.frame(),
    )
