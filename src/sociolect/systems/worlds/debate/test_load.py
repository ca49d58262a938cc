"""Sessions out of a table: people, posts and rounds as recorded; what is no session is refused or counted."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest

from sociolect import frames
from sociolect.errors import InputError
from sociolect.systems.worlds.debate.load import sessions as loaded
from sociolect.systems.worlds.debate.planted import planted
from sociolect.systems.worlds.debate.session import sessions


@pytest.fixture
def key(tmp_path: Path) -> Path:
    (path := tmp_path / "key").write_text("5" * 64)
    path.chmod(0o600)
    return path


def rows(groups: int = 2, seed: int = 3) -> pl.DataFrame:
    """A planted society as the table of an experiment."""
    posts = planted(groups=groups, seed=seed).posts
    people = planted(groups=groups, seed=seed).people.select("person", "age", "party")
    table = posts.with_columns(
        chat=pl.when(pl.col("phase") == "chat").then(pl.col("thread").str.tail(2)), turn="place",
        text=pl.when(pl.col("phase") == "final").then(pl.col("text") + " call 555-010-9999").otherwise("text"),
    )  # fmt: skip
    return table.join(people, on="person", maintain_order="left").select(
        "session", "topic", "person", "phase", "round", "chat", "turn", "text", "opinion", "age", "party"
    )


def wrote(table: pl.DataFrame, folder: Path) -> Path:
    table.write_csv(folder / "sessions.csv")
    return folder / "sessions.csv"


def test_a_table_is_read_as_what_it_recorded(tmp_path: Path, key: Path) -> None:
    table = rows()
    society = loaded(
        wrote(table.sample(fraction=1.0, shuffle=True, seed=4), tmp_path), traits=("age", "party"), key=key
    )
    assert society.people.height == 8
    assert not set(society.people["person"]) & set(table["person"])  # pseudonyms
    kept = society.posts.sort("session", "place")
    assert kept["phase"].value_counts().sort("phase").rows() == [
        ("chat", 48),
        ("final", 8),
        ("initial", 8),
        ("post", 24),
    ]
    due = table.filter(phase="chat").sort("session", "round", "chat", "turn")
    assert (
        kept.filter(phase="chat").sort("session", "round", "thread", "place")["text"].to_list() == due["text"].to_list()
    )
    assert sorted(kept["opinion"].drop_nulls()) == sorted(table["opinion"].drop_nulls())
    assert all("555" not in t for t in kept.filter(phase="final")["text"])
    one = sessions(society)[0]
    assert len(one.people) == 4
    assert "age: " in one.personas[one.people[0]]
    assert {frozenset(pair) for chats in one.chats for pair in chats} == {
        frozenset((a, b)) for a in one.people for b in one.people if a != b
    }
    again = loaded(wrote(table, tmp_path), traits=("age", "party"), key=key)
    assert again.posts.equals(society.posts)
    assert again.people.equals(society.people)


def test_consecutive_messages_of_one_speaker_are_one(tmp_path: Path, key: Path) -> None:
    table = rows(1)
    first = table.filter(phase="chat").row(0, named=True)
    more = pl.DataFrame([{**first, "text": "and another thing"}], schema=table.schema)
    at = pl.concat([table.with_columns(pl.col("turn") * 10), more.with_columns(pl.col("turn") * 10 + 5)])
    society = loaded(wrote(at, tmp_path), key=key)
    chats = society.posts.filter(phase="chat").sort("place")
    assert chats.height == 24
    assert chats["text"][0] == f"{first['text']} and another thing"
    for _, part in chats.group_by("thread"):
        told = part.sort("place")["person"].to_list()
        assert all(a != b for a, b in pairwise(told))


def test_an_incomplete_session_is_left_out_and_counted(tmp_path: Path, key: Path) -> None:
    whole = rows(6)
    names = whole["session"].unique().sort().to_list()

    def less(name: str, gone: pl.Expr) -> pl.Expr:
        return (pl.col("session") == name) & gone

    first = {n: whole.filter(session=n)["person"][0] for n in names}
    table = whole.filter(
        ~less(names[0], pl.col("person") == first[names[0]])
        & ~less(names[1], (pl.col("phase") == "final") & (pl.col("person") == first[names[1]]))
        & ~less(names[2], (pl.col("phase") == "post") & (pl.col("round") == 2) & (pl.col("person") == first[names[2]]))
        & ~less(names[3], (pl.col("phase") == "chat") & (pl.col("round") == 3))
    ).with_columns(topic=pl.when(less(names[4], pl.col("turn") == 5)).then(pl.lit("another")).otherwise("topic"))
    society = loaded(wrote(table, tmp_path), key=key)
    assert society.posts["session"].n_unique() == 1
    told = dict(
        society.set_aside.filter(pl.col("reason").str.starts_with("session")).select("reason", "count").iter_rows()
    )
    assert told == {
        f"session left out: {why}": 1
        for why in ("not 4 people", "not one final opinion of each", "a round without a post of each",
                    "a round in which not everybody chats with one other", "not one topic")
    }  # fmt: skip
    with pytest.raises(InputError, match="none of the 1 sessions is whole: not 4 people"):
        loaded(wrote(table.filter(session=names[0]), tmp_path), key=key)


def test_what_is_none_of_the_protocol_s_is_refused_all_at_once(tmp_path: Path, key: Path) -> None:
    table = rows(1)
    spoilt = table.with_columns(
        phase=pl.when(pl.col("turn") == 5).then(pl.lit("vote")).otherwise("phase"),
        round=pl.when(pl.col("turn") == 6).then(7).otherwise("round"),
        opinion=pl.when(pl.col("turn") == 0).then(3.0).when(pl.col("turn") == 8).then(0.5).otherwise("opinion"),
    )
    with pytest.raises(InputError) as caught:
        loaded(wrote(spoilt, tmp_path), key=key)
    for said in ("phase is none of initial, post, chat, final in 1 rows", "round is none of 1 to 3 in 1 rows",
                 "opinion is none of -2.5", "a message has an opinion in 1 rows"):  # fmt: skip
        assert said in str(caught.value)
    with pytest.raises(InputError, match="opinion"):
        loaded(wrote(table.drop("opinion"), tmp_path), key=key)
    others = table.filter(pl.col("round").is_null() | (pl.col("round") != 2) | (pl.col("phase") == "post"))
    again = table.filter(phase="chat", round=1).with_columns(round=pl.lit(2, pl.Int64), turn=pl.col("turn") + 12)
    with pytest.raises(InputError, match="a pair that met twice"):
        loaded(wrote(pl.concat([others, again]), tmp_path), key=key)


def test_posts_of_another_kind_are_no_sessions() -> None:
    society = planted(groups=1)
    with pytest.raises(InputError, match="phase, round missing; load them"):
        sessions(replace(society, posts=frames.posts(society.posts.drop("phase", "round"))))
