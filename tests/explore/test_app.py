"""What each address answers: the agreed JSON, buffers and files, and one line where there is nothing."""

from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import networkx as nx
import polars as pl
import pytest

from sociolect import frames, text
from sociolect.errors import UsageError
from sociolect.explore.app import app
from sociolect.explore.atlas import Atlas, atlas
from sociolect.explore.export import export, inert
from sociolect.frames import Members, Society

Crowd = tuple[Society, Members]
Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def made(explored: Path) -> Atlas:
    return atlas(explored)


@pytest.fixture
def ask(made: Atlas) -> Ask:
    """Asks the application; growing answers with the first accounts, or raises what the question says."""
    from starlette.testclient import TestClient

    def grow(atlas: Atlas, question: dict[str, Any]) -> tuple[dict[str, Any], pl.DataFrame]:
        if "fault" in question:
            raise {"usage": UsageError("seeds:\ndue \x1b[31mis"), "own": ZeroDivisionError("secret")}[question["fault"]]
        return {"members": question["seeds"]}, pl.DataFrame({"account": ["=1+1"], "community": ["red"], "score": [0.5]})

    application = app(made, token="T", port=1, grow=grow)
    client = TestClient(application, base_url="http://127.0.0.1:1/T/", raise_server_exceptions=False)

    def asked(path: str, **said: Any) -> Any:
        return client.post(path, **said) if said else client.get(path)

    return asked


def test_each_address_answers_what_was_agreed(ask: Ask, made: Atlas) -> None:
    overview = ask("api/overview").json()
    due = {
        "title",
        "people",
        "ties",
        "members",
        "modularity",
        "k",
        "communities",
        "truths",
        "drawn",
        "posts",
        "rankers",
    }
    assert due <= set(overview)
    assert set(overview["communities"][0]) == {"name", "size", "stability", "conductance", "x", "y", "shown"}
    assert overview["rankers"] == ["average", "agglomerative", "pagerank"]
    assert ask("api/nodes.bin").content == made.nodes
    assert ask("api/edges.bin").content == made.edges
    assert ask("api/nodes.bin").headers["content-type"] == "application/octet-stream"
    found = ask("api/search?q=red00").json()["accounts"][0]
    assert set(found) == {"account", "name", "community"}
    assert ask(f"api/account/{found['account']}").json()["name"] == "red00"
    told = ask("api/community/red?page=0").json()
    assert {"name", "size", "stability", "conductance", "members", "pages", "words", "exemplars", "withheld", "neighbours"} <= set(told)  # fmt: skip
    assert set(told["members"][0]) == {"account", "name", "degree", "stability"}
    assert ask("api/community/few").json()["withheld"] == "fewer than 10 people"
    assert ask("").headers["content-type"].startswith("text/html")


def test_hostile_names_stay_inside_json(ask: Ask) -> None:
    for name in ("<img src=x onerror=alert(1)>", "\u202eevil\x00", "../../etc/passwd"):
        reply = ask("api/search?q=" + "".join(f"%{b:02x}" for b in name.encode()))
        assert reply.headers["content-type"] == "application/json"
        assert reply.text.isascii()
        assert reply.json()["accounts"][0]["name"] == name


def test_a_community_is_found_by_any_name(crowd: Crowd, tmp_path: Path, write: Any) -> None:
    from starlette.testclient import TestClient

    odd = {"red": "a/b?c#d", "blue": "<b>..", "few": "d"}
    renamed = Members(crowd[1].with_columns(pl.col("community").replace(odd)))
    application = app(atlas(write(tmp_path, crowd[0], renamed)), token="T", port=1)
    client = TestClient(application, base_url="http://127.0.0.1:1/T/")
    for name in ("a%2Fb%3Fc%23d", "%3Cb%3E.."):
        assert client.get(f"api/community/{name}").json()["withheld"] is None
    assert client.get("api/community/d").json()["withheld"]


@pytest.mark.parametrize(
    ("path", "status", "told"),
    [
        ("api/account/54", 404, "no account 54"),
        ("api/account/" + "9" * 5000, 404, "account='99999999999999999999': due is a whole number from 0"),
        ("api/community", 404, "no community ''"),
        ("api/export?what=grown.csv&growth=7", 404, "growth 7 is not kept: the last 8 are"),
        ("api/community/green", 404, "no community 'green'"),
        ("api/community/red?page=9", 404, "no page 9 of 'red'; there are 0 to 0"),
        ("api/community/red?page=-1", 404, "page='-1': due is a whole number from 0"),
        ("api/community/red?page=\u0663", 404, "due is a whole number"),
        ("api/export?what=pickle", 404, "no export 'pickle'"),
        ("api/export", 404, "no export ''"),
        ("api/export?what=graphml&community=green", 404, "no community 'green'"),
        ("api/export?what=graphml&community=few", 400, "'few' has fewer than 10 people: it is not exported"),
        ("api/export?what=grown.csv", 400, "nothing was grown yet"),
        ("api/grow", 405, "nothing is here"),
        ("api/", 404, "nothing is here"),
    ],
)
def test_what_is_not_there_is_one_line(ask: Ask, path: str, status: int, told: str) -> None:
    reply = ask(path)
    assert reply.status_code == status
    assert told in reply.json()["error"]
    assert "\n" not in reply.json()["error"]


def test_a_question_is_answered_and_a_wrong_one_is_one_line(ask: Ask, capsys: pytest.CaptureFixture[str]) -> None:
    assert ask("api/grow", json={"seeds": ["a"]}).json() == {"members": ["a"], "growth": 1}
    reply = ask("api/grow", json={"fault": "usage"})
    assert (reply.status_code, reply.json()) == (400, {"error": r"seeds:\ndue \x1b[31mis"})
    json_only = {"content-type": "application/json"}
    for body in (
        b"",
        b"{",
        b"\xff",
        b"[1]",
        b"null",
        b"[" * 60_000,
        b'{"seeds": ["\\ud800"]}',
        b'{"size": %s}' % (b"9" * 9999),
    ):
        reply = ask("api/grow", content=body, headers=json_only)
        assert reply.status_code == 400, body[:9]
        assert reply.json()["error"].startswith("the question ")
    capsys.readouterr()
    reply = ask("api/grow", json={"fault": "own"})
    assert reply.status_code == 500
    assert "secret" not in reply.text, "the lines are on the terminal alone"
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_networks_are_exported_as_networkx_reads_them(ask: Ask, crowd: Crowd) -> None:
    for what, read in (("graphml", nx.read_graphml), ("gexf", nx.read_gexf)):
        reply = ask(f"api/export?what={what}")
        assert reply.headers["content-disposition"] == f'attachment; filename="network.{what}"'
        net = read(BytesIO(reply.content))
        assert len(net) == 54
        assert net.nodes["red00"]["community"] == "red"
        assert net.nodes["red00"]["stability"] == 0.75
        assert "community" not in net.nodes["few00"]
        assert net.nodes["few00"]["withheld"] == "fewer than 10 people"
        assert not {"team", "year", "handle"} & set(net.nodes["red00"]), "no trait leaves"
        told = sorted((a, b, d["kind"], d["weight"]) for a, b, d in net.edges(data=True))
        due = crowd[0].ties.with_columns(pl.col("source", "target").str.replace_all("\x00", "")).rows()
        assert told == sorted(due)
        part = read(BytesIO(ask(f"api/export?what={what}&community=blue").content))
        assert set(part) == {f"blue{i:02}" for i in range(20)}
        assert part.number_of_edges() == 60


def test_members_are_exported_without_the_places_of_few(ask: Ask, crowd: Crowd) -> None:
    table = pl.read_parquet(BytesIO(ask("api/export?what=members.parquet").content))
    assert table.columns == ["person", "community", "stability", "degree", "strength", "withheld"]
    both = table.join(crowd[1], on="person", how="full")
    assert both.height == 54
    large = both.filter(pl.col("community_right") != "few")
    assert large.select((pl.col("community") == pl.col("community_right")).all()).item()
    assert both.filter(community_right="few").select("community", "stability", "withheld").unique().rows() == [(None, None, "fewer than 10 people")]  # fmt: skip
    assert ask("api/export?what=members").content == ask("api/export?what=members.csv").content
    lines = pl.read_csv(BytesIO(ask("api/export?what=members.csv").content))
    assert "'=1+1" in lines["person"]
    assert "'@SUM(1)" in lines["person"]
    some = pl.read_parquet(BytesIO(ask("api/export?what=members.parquet&community=blue").content))
    assert some["community"].to_list() == ["blue"] * 20


def test_the_last_growth_is_exported(ask: Ask) -> None:
    ask("api/grow", json={"seeds": ["a"]})
    reply = ask("api/export?what=grown.csv")
    assert reply.text == "account,community,score\n'=1+1,red,0.5\n"
    assert reply.headers["content-disposition"] == 'attachment; filename="grown.csv"'
    assert pl.read_parquet(BytesIO(ask("api/export?what=grown.parquet").content))["account"].to_list() == ["=1+1"]


def test_a_formula_is_a_text_as_everywhere_else() -> None:
    said = ["=1", "+1", "-1", "@a", "\ta", "\ra", "a=1", "", "'a", None, "\u202e=1"]
    assert inert(pl.DataFrame({"t": said}))["t"].to_list() == [None if s is None else text.cell(s) for s in said]


def test_ties_that_all_run_upwards_are_undirected(made: Atlas, crowd: Crowd, tmp_path: Path, write: Any) -> None:
    assert b'edgedefault="directed"' in b"".join(export(made, "graphml").pieces)
    upwards = frames.ties(crowd[0].ties.filter(pl.col("source") < pl.col("target")))
    other = atlas(write(tmp_path, replace(crowd[0], ties=upwards), crowd[1]))
    assert b'edgedefault="undirected"' in b"".join(export(other, "graphml").pieces)
