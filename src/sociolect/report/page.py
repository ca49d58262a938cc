"""One HTML file that opens from disk and needs nothing else, and the CSV of each of its tables beside it."""

import re
from base64 import b64encode
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from sociolect.errors import InputError, RefusedError, UsageError, WorkspaceError
from sociolect.report.anonymity import anonymous
from sociolect.report.content import Page, Section
from sociolect.report.inert import inert
from sociolect.report.table import Shown, commas, csv, legible, shown
from sociolect.settle import replaced

HERE = Path(__file__).parent
LEVELS = ("", "note", "warning")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}")
_LINK = re.compile(r"\[([^\]\[\n]+)\]\(#([^()\s]+)\)")
# What a page of a sensitive study may not show in any table: what somebody said, and who.
_PRIVATE = frozenset({"text", "prompt", "reply", "worse", "post", "person"})


class Table(NamedTuple):
    """A table as the template needs it."""

    anchor: str
    name: str
    caption: str
    captioned: bool  # else the title above says it, and the caption is for screen readers alone
    columns: list[tuple[str, bool]]  # name, and whether numbers stand under it
    rows: Iterable[list[Shown]]
    height: int
    headed: bool  # whether the first cell of a row names the row
    data: str  # the CSV in base64


class Part(NamedTuple):
    """A section as the template needs it."""

    anchor: str
    title: str
    level: str
    prose: list[list[tuple[str, str]]]  # paragraphs of words, each with the anchor it links to, or none
    figure: str
    figure_anchor: str
    caption: str
    table: Table | None
    quotes: list[tuple[str, list[tuple[str, list[str | None]]]]]  # community, then speaker, then texts


def write(page: Page, path: Path) -> Path:
    """The path of the written page; the same page gives the same bytes. Tables lie beside it as `tables/<name>.csv`.

    Tables of an earlier page that this one has not are removed: they would lie there as if they were this run's.
    Raises RefusedError where a sensitive page would show what somebody said, InputError where the page does not hold
    together (a link to no table, two tables of one name, a figure that is more than shapes), WorkspaceError where it
    cannot be written: an earlier page then stands as it was.
    """
    html, tables = render(page)
    for name, content in tables.items():
        settle(path.parent / "tables" / f"{name}.csv", content)
    settle(path, html)
    for left in path.parent.glob("tables/*.csv"):
        if left.stem not in tables:
            left.unlink(missing_ok=True)
    return path


def render(page: Page) -> tuple[bytes, Mapping[str, bytes]]:
    """The page's HTML and the CSV of each table by its name, both in UTF-8; nothing is written.

    >>> html, tables = render(Page("Tea", [Section("Cups", table=pl.DataFrame({"cups": [2]}))]))
    >>> tables, html.count(b"<table")
    ({'cups': b'cups\\n2\\n'}, 1)
    """
    _check(page)
    page = replace(page, sections=[anonymous(section) for section in page.sections])
    sections = list(zip(page.sections, _anchors(page.sections), strict=True))
    names = {anchor: _name(section) for section, anchor in sections if section.table is not None}
    tables = {names[anchor]: csv(section.table) for section, anchor in sections if section.table is not None}
    known = {a: a for _, a in sections} | {f"table-{n}": f"table-{n}" for n in names.values()} | {"made": "made"}
    # A bare table name links too; an exact anchor wins over it.
    known = {n: f"table-{n}" for n in names.values()} | known
    lost = [f"headline {h.label!r} links to table {h.table!r}" for h in page.headlines if h.table not in tables]
    said = [page.summary, *(s.prose for s in page.sections)]
    lost += [f"[{words}](#{to})" for text in said for words, to in _LINK.findall(text) if to not in known]
    if lost:
        raise InputError(
            f"the page links to what is not on it: {'; '.join(lost)}; its tables are {', '.join(sorted(tables)) or 'none'}"
        )
    parts = [
        Part(
            anchor,
            legible(section.title),
            section.level,
            _prose(section.prose, known),
            inert(section.figure, f"figure-{anchor}") if section.figure else "",
            f"figure-{anchor}",
            legible(section.caption),
            _table(section, names[anchor], tables[names[anchor]]) if section.table is not None else None,
            _voices(section.quotes) if section.quotes is not None else [],
        )
        for section, anchor in sections
    ]
    style = (HERE / "page.css").read_text(encoding="utf-8")
    html = _template().render(
        title=legible(page.title),
        summary=_prose(page.summary, known),
        sensitive=page.sensitive,
        headlines=[(legible(h.label), legible(h.value), legible(h.doubt), f"table-{h.table}") for h in page.headlines],
        parts=parts,
        made=[(legible(what), legible(value)) for what, value in page.made],
        style=style,
        style_hash=b64encode(sha256(style.encode()).digest()).decode(),
    )
    return html.encode(), tables


def _check(page: Page) -> None:
    """Refuse what must not be shown, then say every fault at once."""
    if page.sensitive:
        shows = [f"{s.title!r} quotes" for s in page.sections if s.quotes is not None]
        for s in page.sections:
            seen = sorted(_PRIVATE & set(s.table.columns)) if s.table is not None else []
            shows += (
                [f"the table of {s.title!r} has the column{'s' * (len(seen) > 1)} {', '.join(seen)}"] if seen else []
            )
        if shows:
            raise RefusedError(
                f"a page of a sensitive study shows no text and no person, only aggregates: {'; '.join(shows)}"
            )
    if wrong := sorted({s.level for s in page.sections} - set(LEVELS)):
        raise UsageError(f"a section's level is note, warning or nothing, not {', '.join(map(repr, wrong))}")
    faults = []
    names = [_name(s) for s in page.sections if s.table is not None]
    faults += [
        f"table name {n!r} is no file name: letters, digits, - and _ only" for n in names if not _NAME.fullmatch(n)
    ]
    twice = Counter(n.lower() for n in names)
    faults += [f"{k} tables are named {n!r}: give each a name of its own" for n, k in twice.items() if k > 1]
    for s in page.sections:
        missing = [] if s.quotes is None else [c for c in ("community", "speaker", "text") if c not in s.quotes.columns]
        faults += [f"the quotes of {s.title!r} lack the column {c!r}" for c in missing]
        named = [] if s.quotes is None or missing else [c for c in ("community", "speaker") if s.quotes[c].null_count()]
        faults += [f"the quotes of {s.title!r} have a null {c}: nobody would see what stands there" for c in named]
    if faults:
        raise InputError("this page cannot be written: " + "; ".join(faults))


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:60].strip("-")


def _name(section: Section) -> str:
    return section.name or _slug(section.title) or "table"


def _anchors(sections: Iterable[Section]) -> Iterator[str]:
    """An id for each section, out of its title; a number where two titles are alike or where it has no letters.

    Every other id of the page holds a dot, begins with table- or figure-, or is in the first set below.
    """
    seen = {"made", "content", "contents"}
    for place, section in enumerate(sections, 1):
        anchor = _slug(section.title) or f"section-{place}"
        while anchor in seen or anchor.startswith(("table-", "figure-")):
            anchor = f"section-{place}-{anchor}"
        seen.add(anchor)
        yield anchor


def _prose(text: str, known: Mapping[str, str]) -> list[list[tuple[str, str]]]:
    """Paragraphs of (words, anchor) pairs; words that link nowhere have an empty anchor."""
    paragraphs = []
    for paragraph in re.split(r"\n\s*\n", legible(text).strip()):
        pieces = _LINK.split(paragraph)  # words, link words, anchor, words, ...
        runs = [(pieces[0], "")]
        for words, to, after in zip(pieces[1::3], pieces[2::3], pieces[3::3], strict=True):
            runs += [(words, known[to]), (after, "")]
        if any(words for words, _ in runs):
            paragraphs.append([run for run in runs if run[0]])
    return paragraphs


def _table(section: Section, name: str, content: bytes) -> Table:
    assert section.table is not None
    frame = section.table
    numeric = [dtype.is_numeric() for dtype in frame.dtypes]
    groups = [commas(column) for column in frame.iter_columns()]
    return Table(
        anchor=f"table-{name}",
        name=name,
        caption=legible(section.caption or section.title),
        captioned=bool(section.caption),
        columns=[(legible(c).replace("_", " "), number) for c, number in zip(frame.columns, numeric, strict=True)],
        rows=([shown(v, grouped=g) for v, g in zip(row, groups, strict=True)] for row in frame.iter_rows()),
        height=frame.height,
        headed=bool(frame.width > 1 and not numeric[0]),
        data=b64encode(content).decode(),
    )


def _voices(quotes: pl.DataFrame) -> list[tuple[str, list[tuple[str, list[str | None]]]]]:
    """What was said, by community and by speaker: people first, then the arms in the order they came."""
    found = []
    arms = sorted(quotes["speaker"].unique(maintain_order=True), key=lambda who: who != "human")
    for community in quotes["community"].unique(maintain_order=True).sort():
        here = quotes.filter(pl.col("community") == community)
        columns = [
            (legible(str(arm)), [t if t is None else legible(t) for t in here.filter(pl.col("speaker") == arm)["text"]])
            for arm in arms
        ]
        found.append((legible(str(community)), columns))
    return found


@cache
def _template() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    ).get_template("page.html")


def settle(path: Path, content: bytes) -> None:
    """Write the file whole or not at all: under a temporary name, synced, then renamed."""
    try:
        replaced(path, content)
    except OSError as error:
        raise WorkspaceError(
            f"{path} could not be written: {error.strerror or error}; what stood there is intact"
        ) from error
