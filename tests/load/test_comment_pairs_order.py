"""The order of a pairs table's rows is in nothing that is made of it, and its ids tell nothing of a row without the key."""

from pathlib import Path
from typing import Any

import pytest
from tests.load.test_comment_pairs import CLASSES, ROLES, ROWS, TRAITS, counted, load


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return tmp_path / "key"


def test_the_order_of_the_rows_changes_nobody(key: Path) -> None:
    said = [row | {"id": str(i)} for i, row in enumerate(ROWS)]
    roles = ROLES | TRAITS | {"comment_id": "id"}
    one, two = (load(rows, key, roles, closeness=CLASSES) for rows in (said, said[::-1]))
    assert one.people.equals(two.people)
    assert one.ties.equals(two.ties)


WAYS: list[tuple[dict[str, str], dict[str, Any]]] = [
    (ROLES | TRAITS, {"closeness": CLASSES}),
    (ROLES | {"post_id": "pid"}, {"keep": "tag"}),
    ({"post_text": "p", "comment_text": "c"}, {"anonymous": True, "keep": "tag"}),
    (
        {"post_text": "p", "comment_text": "c", "commenter": "who", "thread": "d", "turn": "turn"},
        {},
    ),  # turns told twice
    (ROLES | {"thread": "d", "comment_id": "cid"}, {"keep_ids": "a test"}),
]


@pytest.mark.parametrize(("roles", "keywords"), WAYS)
def test_the_order_of_the_rows_changes_no_id(key: Path, roles: dict[str, str], keywords: dict[str, Any]) -> None:
    """Rows told twice, rows that differ in what is kept alone, and two texts and posters of one post."""
    more = [
        ROWS[0],
        ROWS[0] | {"p": "I swam"},
        ROWS[0] | {"to": "ada9"},
        ROWS[2],
        {**ROWS[2], "c": "I ran", "p": "wow ada9"},
    ]
    rows = [
        {**row, "pid": "z" if i < 5 else "y", "cid": f"c{i}", "tag": f"t{i % 3}", "d": "1", "turn": i % 4}
        for i, row in enumerate([*ROWS, *more])
    ]
    rows += [rows[1], rows[1] | {"tag": "t9"}] if "comment_id" not in roles else []
    due = load(rows, key, roles, **keywords)
    assert due.posts.filter(kind="reply").height == len(rows)
    for shift in (1, 3, 5):
        seen = load([*rows[shift:][::-1], *rows[:shift]], key, roles, **keywords)
        assert seen.posts.sort("post").equals(due.posts.sort("post"))
        assert seen.people.equals(due.people)
        assert seen.ties.equals(due.ties)
        assert counted(seen) == counted(due)


def test_an_id_made_of_a_row_says_nothing_without_the_key(key: Path) -> None:
    """And it is of what the roles tell alone: a column that is kept beside them changes no id."""
    one, kept, other = load(ROWS, key), load(ROWS, key, keep="tie"), load(ROWS, key.with_name("other"))
    ids = [set(s.posts["post"]) for s in (one, kept, other)]
    assert ids[0] == ids[1]
    assert not ids[0] & ids[2]
