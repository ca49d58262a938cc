"""Workspaces and questions nobody asked for: names that no path holds, sums without numbers, a folder that goes away, a full disk."""

import asyncio
import resource
import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

import polars as pl
import pytest
from starlette.testclient import TestClient

from sociolect import frames
from sociolect.errors import InputError, WorkspaceError
from sociolect.explore import answers
from sociolect.explore import app as application
from sociolect.explore.atlas import Atlas, atlas
from sociolect.explore.growth import grow
from sociolect.frames import Members, Society

Crowd = tuple[Society, Members]
Write = Callable[..., Path]
NAMES = ["..", ".", "", "a/../b", "%2e%2e", "__proto__", "<b>", "\u202eabc", "\U0001f600", "a\nb", " red ", "?q", "#x", "a%", "\"'`", "\x00"]  # fmt: skip


def asked(made: Atlas) -> TestClient:
    return TestClient(application.app(made, token="T", port=1), base_url="http://127.0.0.1:1/T/")


def ringed(groups: dict[str, list[str]]) -> Crowd:
    """Each group a ring, and nothing else."""
    rows = [(p, c) for c, group in groups.items() for p in group]
    ties = [(group[i - 1], p, "reply", 1.0) for group in groups.values() for i, p in enumerate(group)]
    members = pl.DataFrame(rows, schema=["person", "community"], orient="row")
    tied = pl.DataFrame(ties, schema=["source", "target", "kind", "weight"], orient="row")
    bare = frames.posts(frames.empty("posts"))
    return Society(frames.people(members.select("person")), bare, frames.ties(tied)), frames.members(members)


def test_a_community_of_any_name_is_found_exported_and_a_truth(tmp_path: Path, write: Write) -> None:
    groups = {name: [f"{i}p{j}{name}" for j in range(12)] for i, name in enumerate(NAMES)}
    client = asked(made := atlas(write(tmp_path, *ringed(groups))))
    for name in NAMES:
        told = client.get(f"api/community?name={quote(name, safe='')}").json()
        assert (told["name"], told["size"], told["withheld"]) == (name, 12, None)
        assert {m["name"] for m in told["members"]} == set(groups[name])
        part = client.get(f"api/export?what=members.parquet&community={quote(name, safe='')}").content
        assert set(pl.read_parquet(BytesIO(part))["person"]) == set(groups[name])
        found = client.post(
            "api/grow", json={"seeds": groups[name][:1], "size": 2, "truth": {"community": name}}
        ).json()
        assert [m["hit"] for m in found["members"]] == [True, True], "the two next but one share a neighbour"
    assert made.communities.height == len(NAMES)


def test_many_communities_of_two_are_prepared(tmp_path: Path, write: Write) -> None:
    groups = {f"c{i:05}": [f"p{i:05}", f"q{i:05}"] for i in range(5000)}
    told = answers.overview(atlas(write(tmp_path, *ringed({"all": [f"a{i}" for i in range(12)], **groups}))))
    assert (len(told["communities"]), told["unlisted"], told["people"]) == (2000, 3001, 10_012)
    assert [c["shown"] for c in told["communities"]][:2] == [12, 0]


def test_stability_that_is_no_number_is_absent(tmp_path: Path, crowd: Crowd, write: Write) -> None:
    lost = frames.members(crowd[1].with_columns(stability=pl.lit(float("nan"))))
    client = asked(atlas(write(tmp_path, crowd[0], lost)))
    assert client.get("api/overview").json()["communities"][0]["stability"] is None
    assert client.get("api/community/red").json()["stability"] is None


def test_weights_whose_sums_are_no_numbers_are_refused(tmp_path: Path, crowd: Crowd, write: Write) -> None:
    def weighing(weight: float) -> Path:
        ties = frames.ties(crowd[0].ties.with_columns(pl.col("weight") * weight))
        return write(tmp_path, replace(crowd[0], ties=ties), crowd[1])

    due = answers.overview(atlas(weighing(1.0)))
    for weight in (1e-140, 1e140):
        told = answers.overview(atlas(weighing(weight)))
        assert told["modularity"] == pytest.approx(due["modularity"])
        assert [c["conductance"] for c in told["communities"]] == pytest.approx([c["conductance"] for c in due["communities"]])  # fmt: skip
        assert all(-1 <= c["x"] <= 1 for c in told["communities"][:2])
    with pytest.raises(InputError, match="the weights of the ties sum to inf: due is a sum between"):
        atlas(weighing(1e307))


def test_a_trait_called_account_is_a_truth_like_another(tmp_path: Path, crowd: Crowd, write: Write) -> None:
    named = frames.people(crowd[0].people.with_columns(account=pl.col("team"), lower=pl.col("team")))
    made = atlas(write(tmp_path, replace(crowd[0], people=named), crowd[1]))
    assert made.truths.columns == ["team", "year", "account", "lower"]
    assert made.truths["account"].equals(made.truths["team"].alias("account"))


def test_a_folder_that_went_away_is_said_and_what_is_held_still_answers(
    tmp_path: Path, crowd: Crowd, write: Write
) -> None:
    client = asked(atlas(write(tmp_path / "run", *crowd)))
    shutil.rmtree(tmp_path / "run")
    assert client.get("api/community/red").json()["size"] == 30
    assert client.get("api/export?what=members").status_code == 200
    wrong = client.get("api/export?what=gexf"), client.post("api/grow", json={"seeds": ["red00"], "size": 5})
    for reply in wrong:
        assert reply.status_code == 400
        assert "was removed or changed while it is explored" in reply.json()["error"]


@pytest.fixture
def small_disk() -> Iterator[Callable[[int], None]]:
    """No file may pass so many bytes: what a full disk looks like to whoever writes."""
    before, old = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, old)


def test_a_full_disk_is_one_line_and_leaves_nothing_half_made(
    tmp_path: Path, crowd: Crowd, write: Write, small_disk: Callable[[int], None]
) -> None:
    folder = write(tmp_path, *crowd)
    for size in (100, 700, 1500):  # numpy's file and polars' break off, each in words of its own
        small_disk(size)
        with pytest.raises(WorkspaceError, match=r"explore cannot be written: .*; make room") as error:
            atlas(folder)
        assert "\n" not in str(error.value)
        assert list((folder / "explore").iterdir()) == []
    small_disk(50_000)
    made = atlas(folder)
    with pytest.raises(WorkspaceError, match="the index could not be written"):
        grow(made, {"seeds": ["red00"], "size": 5})
    assert [p.name for p in (folder / "explore").iterdir()] == [made.folder.name]


def test_two_pages_export_their_own_growths(explored: Path) -> None:
    client = asked(atlas(explored))
    numbers = [client.post("api/grow", json={"seeds": [f"red{i:02}"], "size": 3}).json() for i in range(9)]
    for one in numbers[1:]:
        table = client.get(f"api/export?what=grown.parquet&growth={one['growth']}").content
        assert pl.read_parquet(BytesIO(table))["account"].to_list() == [m["name"] for m in one["members"]]
    assert client.get(f"api/export?what=grown.csv&growth={numbers[0]['growth']}").status_code == 404
    last = client.get("api/export?what=grown.csv").content
    assert last == client.get(f"api/export?what=grown.csv&growth={numbers[-1]['growth']}").content


def test_an_error_is_no_longer_than_a_line(explored: Path) -> None:
    reply = asked(atlas(explored)).post("api/grow", json={"seeds": ["x" * 60_000], "size": 5})
    assert reply.status_code == 400
    assert len(reply.json()["error"]) == application.LONG + 1


def test_a_question_that_does_not_arrive_is_given_up(explored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(application, "WAIT", 0.05)
    bare = application.app(atlas(explored), token="T", port=1)
    headers = [(b"host", b"127.0.0.1:1"), (b"content-type", b"application/json"), (b"content-length", b"9")]
    scope = {"type": "http", "method": "POST", "path": "/T/api/grow", "raw_path": b"/T/api/grow", "query_string": b"",
             "headers": headers, "http_version": "1.1", "scheme": "http", "server": ("127.0.0.1", 1), "client": None}  # fmt: skip

    def status(receive: Any) -> int:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        async def ask() -> None:
            await bare(scope, receive, send)

        asyncio.run(ask())
        return int(sent[0]["status"])

    async def slow() -> dict[str, Any]:
        await asyncio.sleep(60)
        return {}

    async def gone() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    assert status(slow) == 408
    assert status(gone) == 400
