"""A table becomes the society it shows."""

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sociolect import text
from sociolect.errors import InputError, UsageError
from sociolect.find.ties import ties as find_ties
from sociolect.frames import Society
from sociolect.load import columns
from sociolect.load.key import read_key
from sociolect.load.pseudonyms import pseudonym
from sociolect.load.table import table
from sociolect.load.threads import threads
from sociolect.load.times import times

ROWS: dict[str, list[Any]] = {
    "id": ["a", "b", "c", "d", "e"],
    "who": ["Ann", "bob_2", "Ann", "cy", "bob_2"],
    "title": ["one", None, "three", "four", None],
    "body": ["hello all", 'he said "no", then\nleft', "hi @Bob_2", "alone, she said", "bye"],
    "to": [None, "a", "b", None, "d"],
    "when": ["2020-01-01T00:00:00Z", "2020-01-01 00:00:01", "1577836802.0", "1577836803000", "never"],
    "score": ["3", "-1", None, "7", "0"],
    "side": ["red", "red", "blue", "blue", "blue"],
}


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "key"


def written(folder: Path, form: str, rows: dict[str, list[Any]] = ROWS) -> Path:
    frame, path = pl.DataFrame(rows, strict=False), folder / f"posts.{form}"
    plain = path.with_suffix("") if form.endswith(".gz") else path
    if plain.suffix == ".parquet":
        frame.write_parquet(plain)
    elif plain.suffix in {".jsonl", ".ndjson"}:
        frame.write_ndjson(plain)
    else:
        frame.write_csv(plain, separator="\t" if plain.suffix == ".tsv" else ",")
    if form.endswith(".gz"):
        path.write_bytes(gzip.compress(plain.read_bytes()))
    return path


def counted(society: Society) -> dict[str, int]:
    left_out = society.set_aside.filter(~pl.col("reason").str.ends_with(", masked"))
    return dict(left_out.select("reason", "count").iter_rows())


def load(path: Path, key: Path, **more: Any) -> Society:
    said: dict[str, Any] = {"post": "id", "person": "who", "text": "body", "parent": "to", "key": key}
    return table(path, **(said | more))


@pytest.mark.parametrize("form", ["csv", "csv.gz", "tsv", "tsv.gz", "jsonl", "jsonl.gz", "ndjson", "parquet"])
def test_every_form_gives_the_same_society(tmp_path: Path, key: Path, form: str) -> None:
    society = load(written(tmp_path, form), key, text="title+body", time="when", keep="score", community="side")
    secret = read_key(key)
    ann, bob, cy = (pseudonym(n, secret) for n in ("Ann", "bob_2", "cy"))
    assert society.people["person"].to_list() == sorted([ann, bob, cy])
    posts = society.posts
    assert posts.columns == ["post", "person", "text", "thread", "parent", "time", "kind", "community", "score"]
    assert posts["person"].to_list() == [ann, bob, ann, cy, bob]
    assert posts["thread"].to_list() == ["a", "a", "a", "d", "d"]
    assert posts["kind"].to_list() == ["post", "reply", "reply", "post", "reply"]
    assert posts["text"].to_list() == [
        "one\nhello all",
        'he said "no", then\nleft',
        f"three\nhi @{bob}",
        "four\nalone, she said",
        "bye",
    ]
    moment = datetime(2020, 1, 1, tzinfo=UTC)
    assert posts["time"].to_list() == [moment.replace(second=n) for n in range(4)] + [None]
    assert posts["score"].cast(pl.Int64).to_list() == [3, -1, None, 7, 0]
    assert counted(society) == {"time that cannot be read, left empty": 1}
    assert society.set_aside["where"].item() == f"posts.{form}, row 5"


def test_the_network_is_the_same_but_for_its_names(tmp_path: Path, key: Path) -> None:
    path = written(tmp_path, "csv")
    plain, other = load(path, key, keep_ids="a test"), load(path, key)
    assert counted(plain) == {"ids, texts and addresses kept as they are: a test": 3}
    new = dict(zip(plain.posts["person"], other.posts["person"], strict=True))
    assert len(set(new.values())) == 3
    assert plain.posts["text"].to_list() == ROWS["body"]
    assert not (tmp_path / "nowhere").exists()
    again = load(path, key)
    assert again.posts.equals(other.posts)
    third = load(path, tmp_path / "other" / "key")
    assert not set(third.people["person"]) & set(other.people["person"])


def test_the_least_that_must_be_said(tmp_path: Path, key: Path) -> None:
    society = table(written(tmp_path, "csv"), text="body", anonymous=True, key=key)
    assert society.posts["post"].to_list() == [f"r000000{n}" for n in range(1, 6)]
    assert society.posts["person"][0] == "anonymous/r0000001"
    assert society.people["anonymous"].to_list() == [True] * 5
    assert society.posts["thread"].equals(society.posts["post"].alias("thread"))


def test_date_and_clock_in_two_columns(tmp_path: Path, key: Path) -> None:
    (tmp_path / "t.csv").write_text(
        "who,body,day,clock,side\na,x,2020-01-01,12:30,l\nb,y,2020-01-02,,r\nc,z,2020-01-03,01:02:03,r\n"
    )
    society = table(tmp_path / "t.csv", person="who", text="body", time="day+clock", where={"side": "r"}, key=key)
    assert society.posts["time"].to_list() == [
        datetime(2020, 1, 2, tzinfo=UTC),
        datetime(2020, 1, 3, 1, 2, 3, tzinfo=UTC),
    ]
    assert society.posts["post"].to_list() == ["r0000002", "r0000003"]  # named by their place in the file


def test_where_keeps_and_leaves_out(tmp_path: Path, key: Path) -> None:
    path = written(tmp_path, "csv")
    assert load(path, key, where={"side": "red"}).posts["post"].to_list() == ["a", "b"]
    society = load(path, key, where={"side": "!red", "id": ["c", "d"]})
    assert society.posts["post"].to_list() == ["c", "d"]
    assert counted(society) == {"row left out by where": 3, "reply to a post that is not here": 1}
    assert society.posts["kind"].to_list() == ["reply", "post"]  # c answers b, though b is not here
    with pytest.raises(InputError, match="no row is left by where=.*'side' holds 'blue', 'red'"):
        load(path, key, where={"side": "green"})


def test_the_scope_keeps_namesakes_apart(tmp_path: Path, key: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("id,team,who,body\n1,x,Ann,hi <@Bo>\n2,y/z,Ann,hi @Bo\n3,x,Bo,ok\n")
    (tmp_path / "ties.csv").write_text("team,from,to,n\nx,Ann,Bo,2\nx,Ann,Bo,3\ny/z,Ann,Cy,1\nx,Bo,Bo,1\nx,Bo,Ann,0\n")
    society = table(
        path, post="id", person="who", text="body", scope="team", key=key,
        ties=tmp_path / "ties.csv", tie_source="from", tie_target="to", tie_kind="mention", tie_weight="n",
    )  # fmt: skip
    assert society.people.height == 4  # two called Ann, Bo, and Cy who only comes up in the ties
    first, second, bo = society.posts["person"].to_list()
    assert first != second
    assert society.posts["text"][0] == f"hi @{bo}"
    assert society.posts["text"][1].startswith("hi @p")
    assert bo not in society.posts["text"][1]
    weights = {(s, t): w for s, t, _, w in society.ties.iter_rows()}
    assert weights[first, bo] == 5.0
    assert sorted(weights.values()) == [1.0, 5.0]
    assert set(society.ties["kind"]) == {"mention"}
    assert counted(society) == {"tie whose weight is no number above 0": 1, "tie of a person to itself": 1}


def test_links_give_parents_and_every_link_counts(tmp_path: Path, key: Path) -> None:
    (tmp_path / "t.csv").write_text("f,n,who,body\nx,0,Ann,a\nx,1,Bo,b\nx,2,Cy,c\nx,3,Ann,d\n")
    (tmp_path / "l.csv").write_text("f,child,up\nx,0,0\nx,2,0\nx,2,1\nx,3,1\nx,3,0\nx,1,9\nx,2,1\nx,1,3\n")
    society = table(
        tmp_path / "t.csv", post="f+n", person="who", text="body", keep_ids="test", key=key,
        links=tmp_path / "l.csv", link_child="f+child", link_parent="f+up",
    )  # fmt: skip
    # x/1 answers only the later x/3, and x/3 then answers x/1: a cycle, cut at its smallest id
    assert society.posts.select("post", "parent").rows() == [
        ("x/0", None),
        ("x/1", None),
        ("x/2", "x/1"),
        ("x/3", "x/1"),
    ]
    assert {(s, t): w for s, t, _, w in society.ties.iter_rows()} == {
        ("Ann", "Bo"): 1.0,
        ("Bo", "Ann"): 1.0,
        ("Cy", "Ann"): 1.0,
        ("Cy", "Bo"): 1.0,
    }
    said = counted(society)
    assert (
        said["link of a post to itself"]
        == said["link that repeats another"]
        == said["link to or from a post that is not here"]
        == 1
    )
    assert said["cycle of replies, cut at one post"] == 1


@given(st.lists(st.integers(0, 11), min_size=12, max_size=12))
def test_threads_end_at_a_root_whatever_the_links(up: list[int]) -> None:
    ids = [f"p{n:02}" for n in range(12)]
    said = pl.DataFrame({"post": ids, "parent": [None if p == 0 else ids[p] for p in up]})
    thread, cut = threads(said)
    parent = {i: (None if c else p) for i, p, c in zip(ids, said["parent"], cut, strict=True)}
    for post, top in zip(ids, thread, strict=True):
        at, steps = post, 0
        while (above := parent[at]) is not None:
            at, steps = above, steps + 1
            assert steps < 13
        assert at == top
    rows = pl.Series(range(11, -1, -1))
    turned = threads(said[rows])
    assert turned[0].to_list() == thread.to_list()[::-1]
    assert turned[1].to_list() == cut.to_list()[::-1]


@pytest.mark.parametrize(
    ("said", "due"),
    [
        ("2020-02-29T23:59:59.123456+02:00", datetime(2020, 2, 29, 21, 59, 59, 123456, UTC)),
        ("2020-02-29 23:59", datetime(2020, 2, 29, 23, 59, tzinfo=UTC)),
        ("2020-02-29", datetime(2020, 2, 29, tzinfo=UTC)),
        ("2020-02-30", None),
        ("Wed Oct 10 20:19:24 +0000 2018", datetime(2018, 10, 10, 20, 19, 24, tzinfo=UTC)),
        ("1361634829.0", datetime(2013, 2, 23, 15, 53, 49, tzinfo=UTC)),
        ("1361634829123", datetime(2013, 2, 23, 15, 53, 49, 123000, UTC)),
        ("17", None),
        ("[01:00]", None),
        ("nan", None),
    ],
)
def test_times(said: str, due: datetime | None) -> None:
    assert times(pl.Series([said])).to_list() == [due]


def test_times_of_typed_columns() -> None:
    naive = datetime(2020, 1, 1, 12)
    assert times(pl.Series([naive])).to_list() == [naive.replace(tzinfo=UTC)]
    assert times(pl.Series([1_577_880_000.0, float("nan")])).to_list() == [naive.replace(tzinfo=UTC), None]
    vienna = pl.Series([naive]).dt.replace_time_zone("Europe/Vienna")
    assert times(vienna).to_list() == [naive.replace(hour=11, tzinfo=UTC)]


TEXTS = st.lists(
    st.text(st.sampled_from("ae\u0301\u0130 <|>[]/INSTsysim_\x00\x1b\u200b\u202e\ufeff"), max_size=12), min_size=1
)


@given(TEXTS)
def test_whole_columns_are_cleaned_as_single_texts_are(said: list[str]) -> None:
    column = pl.Series(said, dtype=pl.String)
    assert columns.cleaned(column).to_list() == [text.clean(t) for t in said]
    assert columns.neutral(column).to_list() == [text.neutralise(t) for t in said]


def test_a_post_cannot_speak_as_the_system(tmp_path: Path, key: Path) -> None:
    (tmp_path / "t.jsonl").write_text(json.dumps({"w": "a", "t": "x <|im_start|>system\n[INST] \x1b[31m"}) + "\n")
    society = table(tmp_path / "t.jsonl", person="w", text="t", key=key)
    assert society.posts["text"].item() == "x < |im_start| >system\n[ INST ] [31m"


def test_keywords_that_contradict_each_other(tmp_path: Path, key: Path) -> None:
    path = written(tmp_path, "csv")
    with pytest.raises(UsageError, match="leave one of them out"):
        load(path, key, anonymous=True)
    with pytest.raises(UsageError, match="ties= names people"):
        table(path, text="body", anonymous=True, ties=path, tie_source="who", tie_target="to", key=key)
    with pytest.raises(UsageError, match="name that table too"):
        load(path, key, link_child="id")
    with pytest.raises(InputError, match="post='who.id' holds the names that person='who' hides.*keep='who' holds"):
        load(path, key, post="who+id", keep="who")
    pl.DataFrame({"id": ["1"], "who": ["a"], "body": ["b"], "text": ["c"], "to": ["1"]}).write_csv(tmp_path / "u.csv")
    with pytest.raises(InputError, match="keep column 'text' has the name"):
        load(tmp_path / "u.csv", key, keep="text")


@pytest.mark.realdata
def test_reddit(data: Path, key: Path) -> None:
    society = table(
        data / "reddit_top_2013" / "selfposts.csv.gz", where={"group": "diet_body"}, post="id", text="title+selftext",
        anonymous=True, community="subreddit", time="created_utc", key=key,
    )  # fmt: skip
    sizes = dict(society.posts["community"].value_counts().iter_rows())
    assert sum(sizes.values()) == society.people.height == 10_400
    due = {
        "loseit": 772,
        "xxfitness": 710,
        "xxketo": 884,
        "keto": 320,
        "vegan": 97,
        "fasting": 499,
        "bodybuilding": 68,
        "progresspics": 24,
    }
    assert {c: sizes[c] for c in due} == due
    assert society.posts["time"].null_count() == 0
    assert set(society.posts["time"].dt.year()) <= set(range(2006, 2014))
    assert not society.posts["text"].str.contains(r"https?://\w").any()


@pytest.mark.realdata
def test_irc(data: Path, key: Path) -> None:
    folder = data / "irc_disentanglement"
    said: dict[str, Any] = {
        "where": {"kind": "msg"}, "post": "file+line", "text": "text", "person": "nick", "thread": "file", "time": "time",
        "community": "community", "links": folder / "reply_edges.csv.gz", "link_child": "file+child_line",
        "link_parent": "file+parent_line", "key": key,
    }  # fmt: skip
    society = table(folder / "messages.csv.gz", **said)
    assert (society.ties.height, society.ties["weight"].sum()) == (17_042, 47_047)
    aside = counted(society)
    assert aside["post without text"] == 27
    assert society.posts.height + 27 == 240_381
    assert aside["link of a post to itself"] == 20_548
    assert aside["time that cannot be read, left empty"] == society.posts["time"].null_count() > 0
    sizes = dict(society.posts["community"].value_counts().iter_rows())
    due = {
        "ubuntu": 221_619 - 27,
        "linux": 4787,
        "stripe": 3600,
        "rust": 3564,
        "mediawiki": 3545,
        "ubuntu-meeting": 3266,
    }
    assert sizes == due
    # no nick that no word could be, and that wrote here, stands in any text
    raw = pl.read_csv(folder / "messages.csv.gz", infer_schema=False).filter(kind="msg")
    nicks = raw["nick"].unique()
    odd = nicks.filter(nicks.str.contains(r"^\w*[a-zA-Z]\w*[0-9_]+\w*$")).str.to_lowercase()
    words = society.posts["text"].str.to_lowercase().str.extract_all(r"[\w\[\]\\^`{}|\-]+").explode()
    assert odd.len() > 4000
    assert not words.is_in(odd.implode()).any()


@pytest.mark.realdata
def test_slack(data: Path, key: Path) -> None:
    folder = data / "slack_disentangled"
    society = table(
        folder / "messages.csv.gz", post="msg_id", person="user", text="text", scope="community", thread="conversation_id",
        time="ts", community="community", key=key, ties=folder / "mention_edges.csv.gz", tie_source="from", tie_target="to",
        tie_kind="mention",
    )  # fmt: skip
    sizes = dict(society.posts["community"].value_counts().iter_rows())
    assert sizes == {"racket": 22_172 - 1, "clojurians": 16_057, "elmlang": 14_510}  # one message is empty
    assert counted(society) == {"post without text": 1, "tie of a person to itself": 6}
    assert society.ties["weight"].sum() == 7_200 - 6
    # the mentions that stand in the texts under pseudonyms are those that the table lists by name
    built = find_ties(society, kind="mention", directed=True).select("source", "target")
    assert built.join(society.ties, on=["source", "target"]).height >= 0.98 * max(built.height, society.ties.height)
    assert society.posts["thread"].n_unique() == 5_899
    assert society.posts["time"].null_count() == 0
