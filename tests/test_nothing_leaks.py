"""Names, addresses and keys that go in at one end come out at none: not on the page, in a table, a cache, a log or an error."""

import json
import logging
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
import pytest

from sociolect import frames
from sociolect.align.demonstrations import demonstrations
from sociolect.align.in_context import in_context
from sociolect.cli import ended
from sociolect.compare.differences import means
from sociolect.elicit.ask import ask
from sociolect.elicit.human import human
from sociolect.errors import SociolectError
from sociolect.find.label_propagation import label_propagation
from sociolect.find.ties import link
from sociolect.frames import Examples, Members, Replies, Society
from sociolect.keep.forget import forget
from sociolect.load.table import table
from sociolect.measure.overlap import overlap
from sociolect.models.cached import cached
from sociolect.models.model import user
from sociolect.models.ngram import ngram
from sociolect.models.open import open_model
from sociolect.report.content import Page, Section
from sociolect.report.page import write
from sociolect.workspace import workspace

Everything = Callable[[Path], Iterator[tuple[Path, str]]]
KEY = "sk-PLANTEDqv7731zzkeyXW"
HANDLES = [f"Xq{i:02}_Vorpal{'abcdefghijkl'[i]}9" for i in range(12)]  # who writes
STRANGER = "Zzyx_Unseen77"  # who is spoken of, and wrote nothing
ADDRESSES = {
    "e-mail": "quux.brillig@slithy-toves.example",
    "url": "https://outgrabe-mome.example/u/Xq03_Vorpald9/raths?tok=9981jabber",
    "telephone": "+44 20 7946 0991",
}
TOPICS = ("kettles", "bridges", "lichen", "tram timetables", "old maps", "winter bread")


def data(folder: Path) -> Path:
    """Two circles of six who answer one another and name, quote and link each other in every way there is."""
    rows, last = [], {0: "", 1: ""}
    for i in range(96):
        who, circle = HANDLES[i % 12], i % 2
        other = HANDLES[(i + 2 + i // 12 * 2 % 10) % 12]
        body = [
            f"I like {TOPICS[i % 6]} more than @{other} does, number {i} for today",
            f'{other}: you said "{TOPICS[i % 6]} are dull" and @{STRANGER} laughed, that makes {i}',
            f"write to {ADDRESSES['e-mail']} or ring {ADDRESSES['telephone']} about {TOPICS[i % 6]}, {i} times",
            f"see {ADDRESSES['url']} on {TOPICS[i % 6]}, u/{other} wrote it, and {other} knows {i} more",
        ][i // 2 % 4]
        rows.append((f"m{i}", who, body, last[circle] or None))
        last[circle] = f"m{i}" if i % 5 else ""
    path = folder / "posts.csv"
    pl.DataFrame(rows, schema=["id", "author", "body", "to"], orient="row").write_csv(path)
    return path


class Echo(BaseHTTPRequestHandler):
    """Says back the end of what it was asked; without the planted key it says the key that it was given."""

    seen: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        given = self.headers.get("Authorization", "")
        self.seen.append(given)
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        bad = asked["model"] == "locked"
        said: dict[str, Any] = {"error": {"message": f"no such key: {given}"}} if bad else {
            "model": "echo-1", "choices": [{"message": {"content": asked["messages"][-1]["content"][-60:]}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 5, "completion_tokens": 5},
        }  # fmt: skip
        body = json.dumps(said).encode()
        self.send_response(401 if bad else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as one:
        threading.Thread(target=one.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{one.server_address[1]}/v1"
        one.shutdown()


def loaded(path: Path, *, key: Path) -> Society:
    return table(path, post="id", person="author", text="body", parent="to", key=key)


def found(society: Society, *, seed: int) -> Members:
    return label_propagation(
        Society(society.people, society.posts, link(society, kinds=("reply", "mention"))), seed=seed
    )


def asked(society: Society, learnt: Examples, url: str, *, cache: Path) -> Replies:
    """A word model that learnt the posts, and a served one that was shown them."""
    prompts = [(f"i{k}", f"What of {topic}?", None) for k, topic in enumerate(TOPICS)]
    items = frames.items(
        pl.DataFrame(
            prompts, schema={"item": pl.String, "prompt": pl.String, "options": pl.List(pl.String)}, orient="row"
        )
    )
    one = str(learnt["community"][0])
    counted = cached(ngram(society.posts["text"].to_list()), cache)
    shown = in_context(
        open_model(f"endpoint/{url}#echo", key="PLANTED_KEY"),
        frames.examples(learnt.filter(community=one)),
        exemplars=4,
    )
    said = [ask({one: counted}, items, condition="ngram", draws=2), ask({one: shown}, items, condition="shown")]
    return frames.replies(pl.concat(said))


@pytest.fixture
def spoken(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Callable[[], str]:
    """All that was printed and logged so far."""
    caplog.set_level(logging.DEBUG)

    def whole() -> str:
        said = capfd.readouterr()
        return said.out + said.err + caplog.text

    return whole


def test_what_is_told_of_data_names_nobody(tmp_path: Path, spoken: Callable[[], str]) -> None:
    """The doctor, its fixes and the log of them, and the columns that are guessed."""
    path, columns = data(tmp_path), "post=id,person=author,text=body,parent=to"
    odd = [(f"m{i}", HANDLES[0], f"{KEY} \x1b[31m u/{HANDLES[1]} {i}", "gone") for i in range(3)]
    rows = pl.read_csv(path)
    pl.concat([rows, pl.DataFrame([*odd, ("m1", HANDLES[1].upper(), f"=HYPERLINK({ADDRESSES['url']})", None)],
                                  schema=rows.schema, orient="row")]).write_csv(path)  # fmt: skip
    fixing = ["--fix", "orphans,repeated_ids", "--reason", "a test", "--out", str(tmp_path / "new.csv")]
    for words in ([], ["--columns", columns], ["--columns", columns, "--json"], ["--columns", columns, *fixing]):
        assert ended(["doctor", str(path), *words]) == 0
    assert ended(["guess", str(path), "--json"]) == 0
    told = spoken() + (tmp_path / "decisions.csv").read_text()
    assert "orphans" in told
    due = [*HANDLES, STRANGER, *ADDRESSES.values(), KEY, "slithy-toves", "outgrabe", "9981jabber", "7946", "\x1b"]
    assert [d for d in due if d.lower() in told.lower()] == []


def test_nothing_that_names_anybody_is_found_anywhere(
    tmp_path: Path, server: str, everything: Everything, monkeypatch: pytest.MonkeyPatch, spoken: Callable[[], str]
) -> None:
    monkeypatch.setenv("PLANTED_KEY", KEY)
    path, folder = data(tmp_path), tmp_path / "w"
    with workspace(folder, system="s", keywords={"posts": path, "seed": 1}, say=print) as work:
        society = work.society("society", loaded, path, key=tmp_path / "key")
        members = work.frame("members", frames.members, found, society, seed=1)
        learnt = work.frame("examples", frames.examples, demonstrations, society.posts, members, seed=1)
        said = work.frame("replies", frames.replies, asked, society, learnt, server, cache=folder / "calls.sqlite")
        people = human(society.posts, members)
        shared = [c for c in said.columns if c in people.columns]
        heard = frames.replies(pl.concat([people.select(shared), said.select(shared)]))
        copied = work.frame("overlap", frames.scores, overlap, heard, society.posts["text"].to_list())
        shares = work.frame("copies", frames.effects, means, copied, clusters=("speaker", "item"), draws=200, seed=1)
        quotes = heard.sort("item", "speaker").select("community", speaker="condition", text="text").head(40)
        sections = [
            Section("Copies", "How much was copied.", table=shares, name="copies"),
            Section("Everything said", "", table=heard.drop("prompt"), name="said"),
            Section("Quotes", "", quotes=quotes),
        ]
        write(Page("Leaks", sections), folder / "report.html")
    # It ran as it should: the two circles, the key was sent, the posts came back out of the model, masked.
    assert members["community"].n_unique() == 2
    assert f"Bearer {KEY}" in Echo.seen
    assert said.filter(pl.col("condition") == "shown")["text"].null_count() == 0
    masks = society.posts["text"].str.extract_all(r"<(?:url|email|phone)>").explode().value_counts()
    assert dict(masks.drop_nulls().iter_rows()) == {"<url>": 24, "<email>": 24, "<phone>": 24}
    # What goes wrong does not tell either.
    locked = open_model(f"endpoint/{server}#locked", key="PLANTED_KEY")
    with pytest.raises(SociolectError) as refused:
        locked.generate([user("hello")])
    forget(folder, HANDLES[3], key=tmp_path / "key")
    told = {"printed": spoken(), "error": f"{refused.value!r} {refused.value.__cause__!r}"}
    due = [*HANDLES, STRANGER, *ADDRESSES.values(), KEY, "slithy-toves", "outgrabe", "9981jabber", "7946"]
    whole = [(str(p), said) for p, said in everything(folder)] + list(told.items())
    leaks = {f"{name}: {d}" for name, said in whole for d in due if d.lower() in said.lower()}
    assert leaks == set()
    # And the search would have seen them.
    assert any(HANDLES[0] in said for _, said in everything(tmp_path))
