"""A page opens from disk, holds every number in full, and lets nothing hostile do anything."""

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sociolect.errors import InputError, RefusedError, UsageError, WorkspaceError
from sociolect.report import plots
from sociolect.report.content import Headline, Page, Section
from sociolect.report.page import render, write

VOID = {"meta", "link", "br", "img", "input", "hr"}
EVIL = "<script>alert('x')</script>\u202egnp.exe\x00\x1b[31m \"quoted\" &amp; </style></title>"
EFFECTS = pl.DataFrame(
    {
        "measure": ["f1", "f1"],
        "contrast": ["a - b", "c - b"],
        "estimate": [1 / 3, None],
        "low": [0.1 + 0.2, None],
        "high": [0.4, None],
        "n": [12, 0],
    }
)


class Read(HTMLParser):
    """What a page holds: its tags with their attributes, its ids, and the text inside each kind of tag."""

    def __init__(self, html: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.text: dict[str, list[str]] = {}
        self.feed(html.decode())
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {k: v or "" for k, v in attrs}))
        if tag not in VOID:
            self.open.append(tag)
            self.text.setdefault(tag, []).append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open[-1] == tag, f"</{tag}> closes <{self.open[-1]}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        for tag in set(self.open):
            self.text[tag][-1] += data

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attrs for name, attrs in self.tags if name == tag]

    @property
    def ids(self) -> list[str]:
        return [attrs["id"] for _, attrs in self.tags if "id" in attrs]


def page(**changes: object) -> Page:
    sections = [
        Section("Mind this", "It is small.\n\nSee [the table](#effects) and [above](#mind-this).", level="warning"),
        Section(
            "Effects",
            EVIL,
            table=EFFECTS,
            name="effects",
            caption=EVIL,
            figure=plots.forest(EFFECTS.with_columns(contrast=pl.lit(EVIL) + pl.col("contrast"))),
        ),
        Section(EVIL, table=pl.DataFrame({EVIL: [EVIL, None], "=a": ["=1+1", "b"]}), name="evil"),
        Section(
            "Voices",
            quotes=pl.DataFrame(
                {
                    "community": [EVIL, "red", "red"],
                    "speaker": ["base", "base", "human"],
                    "text": [EVIL, "w" * 5000, None],
                }
            ),
        ),
    ]
    whole: dict[str, object] = {
        "title": EVIL,
        "sections": sections,
        "headlines": [Headline("Gain " + EVIL, "0.333", "0.300 to 0.400", "effects")],
        "summary": "One line.",
        "made": [("seed", "1"), (EVIL, EVIL)],
    }
    return Page(**(whole | changes))  # type: ignore[arg-type]  # the keywords are a page's own


def test_the_policy_allows_this_style_and_nothing_else() -> None:
    read = Read(render(page())[0])
    (policy,) = [m["content"] for m in read.all("meta") if m.get("http-equiv") == "Content-Security-Policy"]
    digest = base64.b64encode(hashlib.sha256(read.text["style"][0].encode()).digest()).decode()
    assert (
        policy == f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    assert len(read.all("style")) == 1
    assert not any("style" in attrs for _, attrs in read.tags)


def test_nothing_is_fetched_and_nothing_runs() -> None:
    html = render(page())[0]
    read = Read(html)
    assert not {"script", "iframe", "object", "embed", "img", "form", "base"} & {tag for tag, _ in read.tags}
    reaches = [
        v for _, attrs in read.tags for k, v in attrs.items() if k in {"src", "href", "xlink:href", "action", "srcset"}
    ]
    assert all(v.startswith(("#", "data:")) for v in reaches)
    assert not [k for _, attrs in read.tags for k in attrs if k.startswith("on")]
    assert b"http://" not in html
    assert b"https://" not in html


def test_every_link_lands_and_every_id_is_alone() -> None:
    read = Read(render(page())[0])
    assert read.open == []
    assert len(read.ids) == len(set(read.ids))
    inside = [a["href"][1:] for a in read.all("a") if a["href"].startswith("#")]
    assert set(inside) <= set(read.ids)
    assert "table-effects" in inside  # the headline's number leads to its table
    named = [i for _, attrs in read.tags for i in attrs.get("aria-labelledby", "").split()]
    assert set(named) <= set(read.ids)


def test_a_table_is_offered_in_full_on_the_page_and_beside_it(tmp_path: Path) -> None:
    write(page(), tmp_path / "report.html")
    read = Read((tmp_path / "report.html").read_bytes())
    offered = {
        a["download"]: base64.b64decode(a["href"].partition("base64,")[2]) for a in read.all("a") if "download" in a
    }
    assert set(offered) == {"effects.csv", "evil.csv"} == {p.name for p in (tmp_path / "tables").iterdir()}
    assert all((tmp_path / "tables" / name).read_bytes() == content for name, content in offered.items())
    back = pl.read_csv(offered["effects.csv"], schema_overrides=EFFECTS.schema)
    assert back.equals(EFFECTS)
    assert not [p for p in tmp_path.rglob("*") if ".part" in p.name]


def test_a_table_of_an_earlier_page_does_not_lie_beside_this_one(tmp_path: Path) -> None:
    cups = Section("Cups", table=pl.DataFrame({"cups": [2]}))
    write(Page("Tea", [cups, Section("Spoons", table=pl.DataFrame({"spoons": [3]}))]), tmp_path / "report.html")
    write(Page("Tea", [cups]), tmp_path / "report.html")
    assert [p.name for p in tmp_path.glob("tables/*")] == ["cups.csv"]


def test_null_is_a_dash_that_says_so() -> None:
    html, _ = render(Page("t", [Section("a", table=pl.DataFrame({"k": ["x", "y"], "v": [0.0, None]}))]))
    assert b'<td class="number">0</td>' in html
    assert '<td class="absent number" title="not available">–</td>'.encode() in html


def test_hostile_text_stays_text() -> None:
    html = render(page())[0]
    read = Read(html)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", html.decode())
    assert "<script>alert('x')</script>gnp.exe[31m" in read.text["h1"][0]
    assert any(said == "w" * 5000 for said in read.text["blockquote"])


def test_tables_can_be_read_aloud() -> None:
    read = Read(render(page())[0])
    assert len(read.all("caption")) == len(read.all("table")) == 2
    assert all(th.get("scope") in {"col", "row"} for th in read.all("th"))
    assert all(svg["role"] == "img" for svg in read.all("svg"))
    assert {"header", "nav", "main", "footer"} <= {tag for tag, _ in read.tags}
    assert read.all("html")[0]["lang"] == "en"
    assert read.all("a")[0]["href"] == "#content"


def test_people_stand_beside_each_arm() -> None:
    said = pl.DataFrame(
        {"community": ["red", "blue", "red"], "speaker": ["base", "lora", "human"], "text": ["B", "L", "H"]}
    )
    read = Read(render(Page("t", [Section("v", quotes=said)]))[0])
    assert read.text["h3"] == ["blue", "red"]
    assert read.text["h4"] == ["human", "base", "lora"] * 2
    assert read.text["blockquote"] == ["L", "H", "B"]


def test_a_sensitive_page_shows_no_words_and_no_person() -> None:
    quotes = pl.DataFrame({"community": ["red"], "speaker": ["human"], "text": ["x"]})
    with pytest.raises(RefusedError, match=r"'v' quotes; the table of 'w' has the columns person, text"):
        render(
            Page(
                "t",
                [Section("v", quotes=quotes), Section("w", table=pl.DataFrame({"text": ["x"], "person": ["p"]}))],
                sensitive=True,
            )
        )
    html, _ = render(Page("t", [Section("v", table=pl.DataFrame({"community": ["red"], "n": [12]}))], sensitive=True))
    assert b"aggregates only" in html


def test_warnings_are_loud_and_first() -> None:
    html = render(page())[0].decode()
    assert 0 < html.index("Read first: 1 warning") < html.index('class="headlines"')
    assert '<section id="mind-this" aria-labelledby="mind-this.title" class="warning">' in html


def test_every_fault_of_the_links_at_once() -> None:
    with pytest.raises(InputError, match=r"'F1' links to table 'gone'.*\[b\]\(#nowhere\).*its tables are a"):
        render(Page("t", [Section("A", "a [b](#nowhere)", table=EFFECTS)], [Headline("F1", "1", "", "gone")]))


def test_every_fault_of_the_tables_at_once() -> None:
    with pytest.raises(InputError, match=r"'\.\./up' is no file name.*2 tables are named 'x'.*lack the column 'text'"):
        render(
            Page("t", [Section("a", table=EFFECTS, name="../up"), Section("b", table=EFFECTS, name="x"), Section("c", table=EFFECTS, name="X"),
                       Section("d", quotes=pl.DataFrame({"community": ["r"], "speaker": ["s"]}))])
        )  # fmt: skip


def test_a_quote_of_nobody_is_refused() -> None:
    with pytest.raises(InputError, match="null community"):
        render(
            Page("t", [Section("a", quotes=pl.DataFrame({"community": [None], "speaker": ["human"], "text": ["x"]}))])
        )


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(UsageError, match="'alarm'"):
        render(Page("t", [Section("a", level="alarm")]))


@pytest.mark.parametrize(
    "titles",
    [
        ["A", "A", "A title"],
        ["", "社会", "section 2"],
        ["Content", "Contents", "Made", "Table a"],
        ["section 2 a", "a", "a"],
    ],
)
def test_titles_never_share_an_id(titles: list[str]) -> None:
    figure = plots.bars(pl.DataFrame({"label": ["a"], "value": [1]}))
    read = Read(
        render(Page("t", [Section(t, figure=figure, table=EFFECTS, name=f"a{k}") for k, t in enumerate(titles)]))[0]
    )
    assert len(read.ids) == len(set(read.ids))


def test_the_same_page_gives_the_same_bytes(tmp_path: Path) -> None:
    one, two = write(page(), tmp_path / "one" / "r.html"), write(page(), tmp_path / "two" / "r.html")
    assert one.read_bytes() == two.read_bytes()


def test_a_page_that_cannot_be_written_leaves_the_earlier_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(Page("first", []), tmp_path / "r.html")
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(WorkspaceError, match="No space left"):
        write(Page("second", []), path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["r.html"]


def test_ten_thousand_rows_are_shown_in_full() -> None:
    html, tables = render(
        Page(
            "t",
            [
                Section(
                    "a", table=pl.DataFrame({"k": [str(i) for i in range(10_000)], "v": [i / 7 for i in range(10_000)]})
                )
            ],
        )
    )
    assert html.count(b"<tr>") == 10_001
    assert tables["a"].count(b"\n") == 10_001


@given(st.text(max_size=80), st.text(max_size=80))
@settings(max_examples=60, deadline=None)
def test_no_text_whatever_opens_a_tag(title: str, words: str) -> None:
    words = re.sub(r"\(#", "( #", words)
    html, _ = render(Page(title, [Section(words, words)], summary=title, made=[(words, title)]))
    plain, _ = render(Page("t", [Section("s", "x")], summary="s", made=[("a", "b")]))
    assert {tag for tag, _ in Read(html).tags} <= {tag for tag, _ in Read(plain).tags}


def test_what_stands_between_backticks_is_code_and_still_escaped() -> None:
    said = render(Page("A page", [Section("S", "low is `<b>low</b>` here, and a lone ` stays")]))[0].decode()
    assert "a lone ` stays" in said
    assert "<code>&lt;b" not in said
    said = render(Page("A page", [Section("S", "low is `<b>low</b>` here")]))[0].decode()
    assert "<code>&lt;b&gt;low&lt;/b&gt;</code> here" in said
