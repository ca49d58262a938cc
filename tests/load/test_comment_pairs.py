from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sociolect.elicit.comments import comments
from sociolect.errors import InputError, UsageError
from sociolect.frames import Society
from sociolect.load.aside import Aside
from sociolect.load.comment_pairs import comment_pairs
from sociolect.load.person_traits import ages, classes, genders

ROLES = {"post_text": "p", "comment_text": "c", "commenter": "who", "poster": "to"}
ROWS: list[dict[str, Any]] = [
    {"p": "I ran", "c": "well done", "who": "ada9", "to": "bob_x", "sex": "F", "tosex": "male", "age": "34", "toage": "40", "tie": "Friend"},
    {"p": "I ran", "c": "wow ada9", "who": "eve7", "to": "bob_x", "sex": "f", "tosex": "Male", "age": "15", "toage": "40", "tie": "none"},
    {"p": "It rains", "c": "so it does", "who": "bob_x", "to": "ada9", "sex": "m", "tosex": "F", "age": "41", "toage": "34", "tie": "?"},
]  # fmt: skip
TRAITS = {
    "commenter_gender": "sex",
    "poster_gender": "tosex",
    "commenter_age": "age",
    "poster_age": "toage",
    "closeness": "tie",
}
CLASSES = {"friend": "close", "none": "stranger"}


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return tmp_path / "key"


def load(rows: list[dict[str, Any]], key: Path, roles: dict[str, str] | None = None, **keywords: Any) -> Society:
    path = key.with_name("pairs.csv")
    pl.DataFrame(rows, infer_schema_length=None).write_csv(path)
    return comment_pairs(path, ROLES if roles is None else roles, key=key, **keywords)


def counted(society: Society) -> dict[str, int]:
    return dict(society.set_aside.select("reason", "count").iter_rows())


def test_a_pair_becomes_a_post_a_reply_two_people_and_a_tie(key: Path) -> None:
    society = load(ROWS, key, ROLES | TRAITS, closeness=CLASSES)
    assert society.posts.select("kind", "text").rows()[:3] == [
        ("post", "I ran"),
        ("post", "It rains"),
        ("reply", "well done"),
    ]
    replies = society.posts.filter(kind="reply")
    assert replies["parent"].n_unique() == 2
    assert replies["closeness"].to_list() == ["close", "stranger", None]
    assert replies["thread"].to_list() == replies["parent"].to_list()
    assert dict(society.people["gender"].value_counts().iter_rows()) == {"woman": 2, "man": 1}
    # the poster said 40 twice and 41 once
    assert sorted(society.people["age"].to_list()) == [15, 34, 40]
    assert society.people.filter("minor")["age"].to_list() == [15]
    assert dict(society.ties["closeness"].value_counts().iter_rows()) == {"close": 1, "stranger": 1}
    assert counted(society) == {
        "closeness that is not mapped, left empty": 1,
        "person with more than one age, the one most told kept": 1,
    }


def test_people_are_hidden_in_columns_and_texts(key: Path) -> None:
    society = load(ROWS, key)
    shown = " ".join([*society.posts["text"], *society.posts["person"], *society.people["person"]])
    assert not any(name in shown for name in ("ada9", "bob_x", "eve7"))
    ada = society.posts.filter(text="well done")["person"].item()
    assert f"wow @{ada}" in society.posts["text"].to_list()
    open_ = load(ROWS, key, keep_ids="a test")
    assert set(open_.people["person"]) == {"ada9", "bob_x", "eve7"}
    assert counted(open_) == {"ids, texts and addresses kept as they are: a test": 3}


def test_names_hold_within_their_thread_and_hostile_texts_are_tamed(key: Path) -> None:
    rows = [
        {"p": "hi @user_1, mail x@y.org", "c": "<|im_start|> user_2 here", "d": d, "role": "user_2", "to": "user_1"}
        for d in "ab"
    ]
    roles = {"post_text": "p", "comment_text": "c", "thread": "d", "commenter": "d+role", "poster": "d+to"}
    posts = load(rows, key, roles).posts
    assert posts["person"].n_unique() == 4
    for post, person, said in posts.select("thread", "person", "text").iter_rows():
        mine = posts.filter(thread=post)["person"].to_list()
        assert said in {f"hi @{person}, mail <email>", f"< |im_start| > @{person} here"}
        assert person in mine


def test_turns_chain_where_the_words_agree(key: Path) -> None:
    """hello / hi / bye: the comment of turn 1 is the post of turn 2; at turn 4 other words stand, so a post of its own."""
    said = [("hello", "hi", 1, "x"), ("hi", "bye", 2, "y"), ("bye", "bye", 3, "x"), ("what?", "well", 4, "y")]
    rows = [{"p": p, "c": c, "turn": n, "role": r, "d": "7"} for p, c, n, r in said]
    roles = {"post_text": "p", "comment_text": "c", "commenter": "d+role", "thread": "d", "turn": "turn"}
    society = load(rows, key, roles)
    posts = society.posts
    assert posts.select("post", "parent", "kind").rows() == [
        ("7/1/post", None, "post"), ("7/4/post", None, "post"), ("7/1", "7/1/post", "reply"), ("7/2", "7/1", "reply"),
        ("7/3", "7/2", "reply"), ("7/4", "7/4/post", "reply"),
    ]  # fmt: skip
    by = dict(posts.select("post", "person").iter_rows())
    assert society.people.height == 2  # the poster that is not told is the other one of two
    assert by["7/1/post"] == by["7/2"] == by["7/4"] != by["7/1"] == by["7/3"] == by["7/4/post"]
    assert society.set_aside.is_empty()
    # a role of another thread is another person
    society = load([*rows, *({**row, "d": "8"} for row in rows)], key, roles)
    assert (society.people.height, society.posts["thread"].n_unique()) == (4, 2)


def test_a_poster_nobody_tells_is_a_person_of_its_own(key: Path) -> None:
    roles = {"post_text": "p", "comment_text": "c", "commenter": "who", "thread": "t"}
    society = load([row | {"t": "1"} for row in ROWS], key, roles)  # three commenters: no other one of two
    assert society.people.height == 3 + 2
    assert counted(society) == {"post whose author is not told, a person of its own": 2}
    # both of two answered one post: neither made it
    society = load([row | {"t": "1"} for row in ROWS[:2]], key, roles)
    assert society.people.height == 3
    society = load(ROWS, key, {"post_text": "p", "comment_text": "c"}, anonymous=True)
    assert society.people.height == 5


def test_ids_tell_what_one_post_is(key: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"p": "same", "c": "one", "who": "a", "to": "z", "pid": "10", "cid": "11"},
        {"p": "same", "c": "two", "who": "b", "to": "z", "pid": "12", "cid": "13"},
        {"p": "one", "c": "three", "who": "z", "to": "a", "pid": "11", "cid": "14"},
        {"p": "same", "c": "four", "who": "c", "to": "y", "pid": "10", "cid": "15"},
        {"p": "other", "c": "five", "who": "d", "to": "z", "pid": "10", "cid": "16"},
        {"p": "self", "c": "six", "who": "d", "to": "z", "pid": "17", "cid": "17"},
        {"p": "same", "c": "again", "who": "d", "to": "z", "pid": "10", "cid": "11"},
        {"p": None, "c": "no post", "who": "d", "to": "z", "pid": "10", "cid": "18"},
        {"p": "same", "c": "[x]", "who": "[deleted]", "to": "z", "pid": "10", "cid": "19"},
    ]
    tie: list[dict[str, Any]] = [{**row, "tie": "friend", "sex": "man"} for row in rows]
    roles = ROLES | {"post_id": "pid", "comment_id": "cid", "closeness": "tie", "poster_gender": "sex"}
    society = load(tie, key, roles, closeness=CLASSES)
    assert dict(society.posts.select("post", "parent").iter_rows()) == {
        "10": None, "12": None, "11": "10", "13": "12", "14": "11", "15": "10", "16": "10",
    }  # fmt: skip
    assert society.posts.filter(post="14")["thread"].item() == "10"
    assert counted(society) == {
        "pair without the post's text": 1, "pair without a commenter": 1, "pair with another comment's id": 1,
        "comment that answers itself": 1, "pair that tells another text of its post, the first kept": 1,
        "pair that tells another poster of its post, the first kept": 1,
    }  # fmt: skip
    # row 4 names another poster: its closeness, and its poster's gender, are about someone who is not there
    assert society.posts.filter(post="15")["closeness"].item() is None
    assert society.ties.height == 4
    assert society.people.filter(gender="man").height == 2


def test_what_the_comment_carries(key: Path) -> None:
    extra = [
        ("2024-05-01 10:00", "Public", "1.5", "u"),
        ("yesterday", "friends", "much", "v"),
        (None, "private", "inf", "w"),
    ]
    rows = [row | {"at": t, "set": s, "w": w, "tag": g} for row, (t, s, w, g) in zip(ROWS, extra, strict=True)]
    society = load(
        rows, key, ROLES | {"time": "at", "setting": "set", "weight": "w", "commenter_tag": "tag"}, keep="tag"
    )
    replies = society.posts.filter(kind="reply")
    assert replies["time"].dt.hour().to_list() == [10, None, None]
    assert replies["setting"].to_list() == ["public", None, "private"]
    assert replies["weight"].to_list() == [1.5, None, None]
    assert replies["tag"].to_list() == society.people["tag"].sort().to_list() == ["u", "v", "w"]
    assert counted(society) == {
        "time that cannot be read, left empty": 1, "setting that is neither public nor private, left empty": 1,
        "weight that is no number, left empty": 2,
    }  # fmt: skip


def test_contradicting_rows_make_no_tie(key: Path) -> None:
    rows = [ROWS[0], ROWS[0] | {"p": "I swam", "tie": "none"}]
    society = load(rows, key, ROLES | {"closeness": "tie"}, closeness=CLASSES)
    assert society.ties.is_empty()
    assert society.posts.filter(kind="reply")["closeness"].to_list() == ["close", "stranger"]
    assert counted(society) == {"two people whose closeness differs between rows, no tie": 1}


@pytest.mark.parametrize("form", ["tsv", "jsonl", "parquet", "csv.gz"])
def test_every_form_reads_alike(key: Path, form: str) -> None:
    import gzip

    frame, path = pl.DataFrame(ROWS), key.with_name(f"pairs.{form}")
    if form == "tsv":
        frame.write_csv(path, separator="\t")
    elif form == "jsonl":
        frame.write_ndjson(path)
    elif form == "parquet":
        frame.with_columns(pl.col("age", "toage").cast(pl.Int64)).write_parquet(path)
    else:
        path.write_bytes(gzip.compress(frame.write_csv().encode()))
    read, due = (
        comment_pairs(path, ROLES | TRAITS, closeness=CLASSES, key=key),
        load(ROWS, key, ROLES | TRAITS, closeness=CLASSES),
    )
    assert read.people.equals(due.people)
    assert read.posts.equals(due.posts)


def test_where_takes_rows_and_counts_the_rest(key: Path) -> None:
    assert counted(load(ROWS, key, where={"tie": "Friend"})) == {"row left out by where": 2}


def test_words_years_and_classes() -> None:
    aside = Aside()
    said = ["Woman", " f ", "MALE", "non_binary", "X", "n/a", None, "attack helicopter"]
    assert genders(pl.Series(said), "t", aside).to_list() == [
        "woman",
        "woman",
        "man",
        "other",
        "other",
        None,
        None,
        None,
    ]
    years, minor = ages(pl.Series(["13", "12.9", "120", "121", "nan", "old", "-4", "17.5", "18"]), "t", aside)
    assert years.to_list() == [13, None, 120, None, None, None, None, 17.5, 18]
    assert minor.to_list() == [True, True, False, False, None, None, True, True, False]
    assert classes(pl.Series(["close", "far"]), None, "t", aside).to_list() == ["close", None]
    assert {why: n for why, (n, _, _) in aside.rows.items()} == {
        "gender that is no known word, left empty": 1, "age that is no number, left empty": 1,
        "age outside 13 to 120, left empty": 3, "closeness that is not mapped, left empty": 1,
    }  # fmt: skip


def test_wrong_maps_are_told_all_at_once(key: Path) -> None:
    maps: list[tuple[dict[str, str], dict[str, Any], str]] = [
        ({"post_txt": "p"}, {}, "no role of a column of pairs 'post_txt'; did you mean 'post_text'"),
        ({"post_text": "p"}, {}, "which column is 'comment_text'.*'commenter' .or say anonymous=True"),
        (ROLES, {"anonymous": True}, "columns names one"),
        (ROLES, {"closeness": CLASSES}, "give it the role closeness"),
        (ROLES | {"turn": "age"}, {}, "names no thread"),
        (ROLES | {"closeness": "tie"}, {"closeness": {"friend": "near"}}, "closeness maps to 'near'"),
    ]  # fmt: skip
    for roles, keywords, due in maps:
        with pytest.raises(UsageError, match=due):
            load(ROWS, key, roles, **keywords)
    columns: list[tuple[dict[str, str], dict[str, Any], str]] = [
        (ROLES | {"thread": "thred"}, {"keep": "post"}, "has no column 'thred'.*has no column 'post'"),
        (ROLES | {"thread": "who"}, {"keep": "to"}, "thread='who' holds the names.*keep='to' holds the names"),
        (ROLES | {"closeness": "tie"}, {}, "closeness maps none of the values.*'\\?', 'Friend', 'none'"),
    ]  # fmt: skip
    for roles, keywords, due in columns:
        with pytest.raises(InputError, match=due):
            load(ROWS, key, roles, **keywords)
    with pytest.raises(InputError, match="no pair of pairs.csv can be let in: 1 x pair without the comment's text"):
        load([ROWS[0] | {"c": " "}, ROWS[1] | {"who": "[deleted]"}], key)
    key.with_name("none.csv").write_text("p,c,who,to\n")
    with pytest.raises(InputError, match="no rows that can be read"):
        comment_pairs(key.with_name("none.csv"), ROLES, key=key)


@pytest.mark.realdata
def test_casino(data: Path, key: Path) -> None:
    roles = {
        "post_text": "post", "comment_text": "comment", "thread": "dialogue_id", "turn": "turn",
        "commenter": "dialogue_id+commenter_role", "closeness": "likes_partner",
    }  # fmt: skip
    roles |= {f"{side}_{t}": f"{side}_{t}" for side in ("commenter", "poster") for t in ("age", "gender", "education")}
    liking = {
        "Extremely like": "close", "Slightly like": "not_close", "Undecided": "stranger", "Slightly dislike": "stranger",
        "Extremely dislike": "stranger",
    }  # fmt: skip
    society = comment_pairs(data / "casino" / "reply_pairs.csv.gz", roles, closeness=liking, key=key)
    assert dict(society.posts["kind"].value_counts().iter_rows()) == {"post": 1074, "reply": 10_817}
    assert (society.posts["thread"].n_unique(), society.people.height) == (1030, 2060)
    told = dict(society.posts.filter(kind="reply")["closeness"].value_counts().iter_rows())
    assert told == {"close": 5013, "not_close": 3383, "stranger": 938 + 977 + 506}
    assert counted(society) == {"age outside 13 to 120, left empty": 46}  # 22 as commenter, 24 as poster
    made, counts = comments(society)
    assert made.height == 10_817 - 46
    assert counts.filter(outcome="left out").select("reason", "count").rows() == [
        ("comment by or to someone under 18", 46)
    ]
    assert counts.filter(outcome="emptied")["count"].to_list() == [9, 9]  # two people of gender "other"
    # what the table said of each pair is what its row says now: both sides' traits came back to it
    raw = pl.read_csv(data / "casino" / "reply_pairs.csv.gz", infer_schema=False)
    due = raw.select(
        item=pl.col("dialogue_id") + "/" + pl.col("turn"), a=pl.col("commenter_age").cast(pl.Float64),
        b=pl.col("poster_age").cast(pl.Float64), g=pl.col("poster_gender").replace_strict({"male": "man", "female": "woman", "other": None}),
    )  # fmt: skip
    both = made.join(due, on="item", how="left")
    assert (both["commenter_age"] == both["a"]).all()
    assert (both["poster_age"] == both["b"]).all()
    assert both["poster_gender"].eq_missing(both["g"]).all()
