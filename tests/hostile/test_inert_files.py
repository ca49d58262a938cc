"""What is written: a page, a form, tables, networks and answers that hold the whole collection and obey none of it."""

import csv
import io
import json
from base64 import b64decode
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree as ET

import polars as pl
import pytest

from sociolect.explore.app import app
from sociolect.explore.atlas import Atlas
from sociolect.report.content import Headline, Page, Section
from sociolect.report.form import write_form
from sociolect.report.graph_files import gexf, graphml
from sociolect.report.page import render
from sociolect.report.table import legible

SIGNS = "=+-@＝＋－＠﹦﹢﹣﹫"
VOID = {"meta", "link", "input", "br", "hr"}


class Seen(HTMLParser):
    """The elements, attributes and texts of a document, as an HTML parser has them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str]] = set()
        self.said: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {(name, value or "") for name, value in attrs}
        self.open += [] if tag in VOID else [tag]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, "every element is closed where it was opened"

    def handle_data(self, data: str) -> None:
        self.said.append(data)


@pytest.fixture(scope="module")
def written(hostile_page: Page) -> tuple[str, dict[str, bytes]]:
    html, tables = render(hostile_page)
    return html.decode(), dict(tables)


def test_a_parser_sees_our_elements_alone_and_every_text_as_text(
    written: tuple[str, dict[str, bytes]], texts: list[str]
) -> None:
    html, _ = written
    plain = Seen(render(Page("t", [Section("s", "p `c`", table=pl.DataFrame({"a": ["b"], "c": [None]}), name="t",
                    quotes=pl.DataFrame({"community": ["x"], "speaker": ["human"], "text": ["y"]}), level="warning")],
                    [Headline("l", "v", "d", "t")], "s", made=[("w", "v")]))[0].decode())  # fmt: skip
    seen = Seen(html)
    assert seen.tags - plain.tags == set(), "no element is of a text's making"
    assert {name for name, _ in seen.attributes} <= {name for name, _ in plain.attributes}
    assert not {name for name, _ in seen.attributes if name.startswith("on") or name in {"style", "src", "srcset"}}
    refs = {value for name, value in seen.attributes if name == "href"}
    assert all(ref.startswith(("#", "data:text/csv;charset=utf-8;base64,", "data:,")) for ref in refs)
    cells = set(seen.said)
    assert all(legible(t) in cells for t in texts if legible(t).strip() and "`" not in t and "\n" not in t)
    assert "".join(seen.said).count("49") < html.count("7*7") + 200, "no template was evaluated"


def _formulas(said: str) -> Iterator[str]:
    """What a spreadsheet that parts at semicolons, tabs or line ends would take for a formula; numbers are none."""
    for sign in "\t\r\n":
        said = said.replace(sign, ";")
    for piece in said.split(";"):
        bare = piece.strip().strip('"').strip()
        if bare.startswith(tuple(SIGNS)) and not bare.split(",")[0].lstrip("-").replace(".", "").isdigit():
            yield piece[:60]


def test_no_table_holds_a_formula_and_numbers_stay_numbers(
    written: tuple[str, dict[str, bytes]], texts: list[str]
) -> None:
    html, tables = written
    for name, content in tables.items():
        said = content.decode()
        assert list(_formulas(said)) == [], name
        for row in csv.reader(io.StringIO(said, newline="")):
            for cell in row:
                assert not cell.strip().startswith(tuple(SIGNS)) or cell in {"-1.5", "-1.0"}
    back = list(csv.DictReader(io.StringIO(tables["texts"].decode(), newline="")))
    assert {row["value"] for row in back} == {"-1.5"}
    assert [row["community"].replace("'", "") for row in back] == [legible(t).replace("'", "") for t in texts]
    inside = {b64decode(v.partition("base64,")[2]) for n, v in Seen(html).attributes if n == "href" and "base64," in v}
    assert inside == set(tables.values()), "what the page offers is what lies beside it"


def test_a_form_holds_every_text_as_data_alone(tmp_path: Path, names: list[str]) -> None:
    sheet = pl.DataFrame({"unit": [f"u{i}" for i in range(len(names))], "text": names, "community": names})
    path = write_form(
        sheet, tmp_path / "form.html", title=names[0], questions={"q": names[1]}, guide="\n\n".join(names)
    )
    html = path.read_text()
    seen = Seen(html)
    assert seen.tags <= {"html", "head", "meta", "link", "title", "style", "body", "noscript", "p", "main", "h1", "h2", "strong", "form",
        "label", "input", "div", "button", "header", "script", "span", "output", "progress", "section", "fieldset", "legend", "a", "ul",
        "li", "dl", "dt", "dd", "details", "summary", "blockquote", "kbd", "template", "footer", "h3", "aside", "nav"}  # fmt: skip
    assert html.count("<script") == 2, "the form's own, and the data"
    assert not {name for name, _ in seen.attributes if name.startswith("on") or name in {"src", "srcset"}}
    data = html.split('type="application/json"', 1)[1].partition(">")[2].partition("</script>")[0]
    assert not set(data) & set("<>&\u2028\u2029")
    told = json.loads(data)
    assert [u["texts"][0] for u in sorted(told["units"], key=lambda u: int(u["id"][1:]))] == [legible(t) for t in names]


@pytest.mark.parametrize("write", [graphml, gexf])
def test_networks_of_any_names_are_well_formed(write: Callable[..., Iterator[bytes]], texts: list[str]) -> None:
    forbidden = str.maketrans(dict.fromkeys([*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF]))
    ids = {t.translate(forbidden): t for t in texts}
    nodes = pl.DataFrame({"id": list(ids.values()), "community": texts[: len(ids)], "=x<": texts[: len(ids)]})
    edges = pl.DataFrame(
        {"source": nodes["id"][:-1], "target": nodes["id"][1:], "kind": nodes["id"][1:], "weight": 1.0}
    )
    root = ET.fromstring(b"".join(write(nodes, edges)))
    found = [e.get("id") for e in root.iter() if e.tag.endswith("}node")]
    assert found == list(ids)
    assert {e.tag.rpartition("}")[2] for e in root.iter()} <= {
        "graphml", "key", "graph", "node", "edge", "data", "gexf", "attributes", "attribute", "nodes", "edges", "attvalues", "attvalue",
    }  # fmt: skip


def test_the_explorer_answers_in_ascii_and_exports_no_formula(explored: Atlas, names: list[str]) -> None:
    testclient = pytest.importorskip("starlette.testclient", reason="no starlette: pip install 'sociolect[explore]'")
    made = explored
    client = testclient.TestClient(app(made, token="T", port=1), base_url="http://127.0.0.1:1/T/")
    groups = made.communities["name"].to_list()
    assert len(groups) > 30
    paths = ["api/overview", *(f"api/community?name={quote(n, safe='')}" for n in groups)]
    paths += [f"api/search?q={quote(t, safe='')}" for t in names[::6]]
    for path in paths:
        said = client.get(path)
        assert said.status_code == 200, path
        assert said.content.isascii()
        assert (said.headers["content-type"], said.headers["x-content-type-options"]) == ("application/json", "nosniff")
        json.loads(said.content)
    for path in [f"{quote(t, safe='')}" for t in names[::9]]:
        said = client.get(path)
        assert said.status_code in {200, 404, 421}
        assert said.headers["content-type"].startswith("application/json") or said.status_code == 200
    for what in ("members.csv", "graphml", "gexf"):
        content = client.get(f"api/export?what={what}").content
        if what == "members.csv":
            assert list(_formulas(content.decode())) == []
        else:
            assert sum(e.tag.endswith("}node") for e in ET.fromstring(content).iter()) == made.accounts.height
