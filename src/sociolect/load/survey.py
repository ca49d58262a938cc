"""People's answers to a questionnaire, out of a table with one row a respondent, as replies in the frame in which models answer."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from sociolect import frames
from sociolect.errors import InputError, UsageError
from sociolect.frames import Replies
from sociolect.load import columns
from sociolect.load.aside import Aside
from sociolect.load.chosen import chosen
from sociolect.load.key import read_key
from sociolect.load.pseudonyms import pseudonyms
from sociolect.load.read import Table, opened

LEFT_OUT = {"column": pl.String(), "reason": pl.String(), "count": pl.Int64()}
MADE = (*frames.SHAPES["replies"].columns, "choice", "outcome", "refused")
# What Qualtrics writes into its column Status, as words or as numbers, for responses that are no respondent's.
_NOT_PEOPLE = r"(?i)preview|test|spam|^(?:1|2|8|9|12|17|40)$"
UNANSWERED = "-99"  # what Qualtrics writes for a question seen and left out, where it is told to
_ROW = "\x00row"
_IMPORT = '{"ImportId"'


@dataclass(frozen=True, slots=True)
class Survey:
    """The answers, and what could not be imported: column, reason, count (of answers, or of rows where it is about rows)."""

    replies: Replies
    left_out: pl.DataFrame


def survey(
    path: str | Path,
    *,
    items: Mapping[str, str] | Sequence[str],
    options: Mapping[str, Mapping[str, str]] | None = None,
    person: str | None = None,
    anonymous: bool = False,
    community: str | None = None,
    everyone: str | None = None,
    condition: str = "survey",
    keep: str | Sequence[str] = (),
    keep_ids: str = "",
    key: str | Path | None = None,
) -> Survey:
    """One reply a respondent and item, from csv, tsv, jsonl or parquet; the three header rows of a Qualtrics export are understood.

    `items` says which column answers which item ({"Q3_1": "1"}), or lists the item ids: their columns are then called so, or all
    begin alike (Q3_1, Q3_2, ...). `options` says for an item what its cells mean ({"1": {"agree": "4", "4": "4"}}), spacing and
    case apart; items without are taken as they stand. `person` names a column, unless `anonymous`; `community` a column, or
    `everyone` the one community of all. `keep` names columns that ride along.

    Replies carry `choice` (an option's id, or what was written) and `outcome`: answered, blank, or unparsed (a cell that is no
    option). A person's n-th row is draw n. People come under pseudonyms unless `keep_ids="reason"`, as in `table`.
    Whatever is not imported is in `left_out`. Raises InputError and UsageError with every fault at once.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     said = Path(folder, "answers.csv")
    ...     _ = said.write_text("who,town,q1,q2\\nada,red,Agree,2\\nbob,blue,,oops\\n")
    ...     words = {"agree": "4", "2": "2"}
    ...     found = survey(said, person="who", community="town", items=["1", "2"], options={"1": words, "2": words}, key=Path(folder, "k"))
    >>> found.replies["choice"].to_list(), found.replies["outcome"].to_list(), found.left_out.row(0)
    (['4', '2', None, None], ['answered', 'answered', 'blank', 'unparsed'], ('q2', 'rarer answers that are no option of item 2', 1))
    """
    keep = [c.strip() for c in keep.split(",") if c.strip()] if isinstance(keep, str) else list(keep)
    if (person is None) != anonymous:
        raise UsageError("say either person=, the column of who answered, or anonymous=True where there is none")
    if (community is None) == (everyone is None):
        raise UsageError("say either community=, a column, or everyone=, the one community of all who answered")
    aside = Aside()
    left: list[tuple[str, str, int]] = []
    with opened(path, aside) as source:
        asked = items if isinstance(items, Mapping) else _found(source, items, left)
        _checked(source, asked, {"person": person, "community": community}, keep, keep_ids)
        named = [*asked, *(c for c in (person, community) if c), *keep]
        status = [c for c in source.columns if c == "Status"]
        raw = source.read([*named, *status]).with_columns(pl.all().cast(pl.String))
        raw, qualtrics = _answers(raw, named, left)
        raw = raw.with_row_index(_ROW, offset=1)
        unused = [(c, "not asked for", raw.height) for c in source.columns if c not in {*named, *status}]
    for column in (person, community):
        if column:
            said_there = pl.col(column).str.strip_chars() != ""
            left.append((column, "rows without it", raw.height - raw.filter(said_there).height))
            raw = raw.filter(said_there)
    if not raw.height:
        raise InputError(f"{source.name} holds nobody's answers: every row is a header, a test, or names nobody")
    one = raw.select(
        _ROW,
        speaker=pl.col(person).str.strip_chars()
        if person
        else pl.format("anonymous/r{}", pl.col(_ROW).cast(pl.String).str.zfill(7)),
        community=pl.col(community).str.strip_chars() if community else pl.lit(everyone),
    ).with_columns(columns.typed(raw[c]).alias(c) for c in keep)
    one = one.with_columns(draw=pl.int_range(pl.len(), dtype=pl.Int64).over("speaker", "community"))
    left.append(
        (
            person or "",
            "rows of somebody who answered before: kept as further draws",
            one.filter(pl.col("draw") > 0).height,
        )
    )
    if person and not keep_ids:
        said = pseudonyms(one["speaker"], read_key(key))
        one = one.with_columns(pl.col("speaker").replace_strict(list(said), list(said.values())))
    cells = raw.select(_ROW, *asked).unpivot(on=list(asked), index=_ROW, variable_name="column", value_name="text")
    cells = cells.with_columns(item=pl.col("column").replace_strict(list(asked), list(asked.values())))
    found = chosen(cells, options or {}, left, blank=UNANSWERED if qualtrics else None)
    order = {name: n for n, name in enumerate(asked.values())}
    replies = (
        found.join(one, on=_ROW, how="left", maintain_order="left")
        .sort(_ROW, pl.col("item").replace_strict(list(order), list(order.values())))
        .select(
            "speaker",
            pl.lit("human").alias("source"),
            "community",
            "item",
            pl.lit(condition).alias("condition"),
            "draw",
            pl.lit(0, pl.Int64).alias("turn"),
            pl.lit(None, pl.String).alias("prompt"),
            "text",
            "choice",
            "outcome",
            pl.lit(value=False).alias("refused"),
            *keep,
        )
    )
    left += [(where, reason, count) for reason, (count, where, _) in aside.rows.items()]
    rows = [*(row for row in left if row[2]), *unused]
    return Survey(frames.replies(replies), pl.DataFrame(rows, schema=LEFT_OUT, orient="row"))


def _found(source: Table, ids: Sequence[str], left: list[tuple[str, str, int]]) -> dict[str, str]:
    """The columns that answer items: of all beginnings, the one under which most ids have a column."""
    ends = {c.casefold(): c for c in source.columns}
    begins = Counter(low.removesuffix(i.casefold()) for i in ids for low in ends if low.endswith(i.casefold()))
    whole = {begin: sum(begin + i.casefold() in ends for i in ids) for begin in begins}
    most = max(whole.values(), default=0)
    best = [begin for begin, n in whole.items() if n == most]
    if "" in best:
        best = [""]
    if len(best) != 1:
        hint = (
            f"columns begin with {' or '.join(map(repr, sorted(best)))} alike"
            if best
            else "no column ends in an item's id"
        )
        raise InputError(
            f"{source.name}: {hint}; say items={{column: item}}. The columns are: {', '.join(source.columns)}"
        )
    left += [("", f"item {i} has no column {best[0] + i!r}", 1) for i in ids if best[0] + i.casefold() not in ends]
    return {ends[low]: i for i in ids if (low := best[0] + i.casefold()) in ends}


def _checked(
    source: Table, asked: Mapping[str, str], roles: Mapping[str, str | None], keep: Sequence[str], keep_ids: str
) -> None:
    """Raises InputError for columns that are not there, or would say beside the pseudonym whose it is."""
    named = [*((f"item {i}", c) for c, i in asked.items()), *roles.items(), *(("keep", c) for c in keep)]
    wrong = [
        f"{source.name} has no column {c!r} ({role}); there are: {', '.join(source.columns)}"
        for role, c in named
        if c is not None and c not in source.columns
    ]
    wrong += [f"{source.name} has {n} columns {c!r}" for _, c in named if c and (n := source.columns.count(c)) > 1]
    wrong += [f"item {i} is answered by {n} columns" for i, n in Counter(asked.values()).items() if n > 1]
    wrong += [
        f"keep column {c!r} has the name of a column that is made here: rename it"
        for c in keep
        if c in MADE or c == "draw"
    ]
    if roles["person"] and not keep_ids and roles["person"] in [c for role, c in named if role != "person"]:
        wrong.append(
            f"column {roles['person']!r} names people and is asked for twice: leave it out, or say keep_ids='reason'"
        )
    if not asked:
        wrong.append("items names no column")
    if wrong:
        raise InputError("; ".join(wrong))


def _answers(raw: pl.DataFrame, named: Sequence[str], left: list[tuple[str, str, int]]) -> tuple[pl.DataFrame, bool]:
    """The rows that respondents gave: Qualtrics' rows of question texts and import ids are none, nor are previews and tests."""
    head = raw.head(3).select(pl.any_horizontal(pl.all().str.starts_with(_IMPORT)).fill_null(value=False)).to_series()
    if not head.any():
        return raw.select(named), False
    raw = raw.slice(int(head.arg_true()[-1]) + 1)
    if "Status" in raw.columns:
        tests = pl.col("Status").str.contains(_NOT_PEOPLE).fill_null(value=False)
        left.append(("Status", "rows of previews, tests and spam", raw.filter(tests).height))
        raw = raw.filter(~tests)
    return raw.select(named), True
