"""What the study reads: one source, its own keywords, every comment counted; and bad input through the command, one line each."""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sociolect.cli import ended
from sociolect.errors import RefusedError, UsageError
from sociolect.frames import Society
from sociolect.systems.studies.relationship_alignment import load
from sociolect.workspace import Workspace

ROLES = {"post_text": "p", "comment_text": "c", "commenter": "who", "poster": "to", "thread": "th"}
NONE: dict[str, Any] = {
    "pairs": None, "dialogues": None, "posts": None, "columns": {}, "closeness_of": {}, "where": {}, "keep": (), "anonymous": False,
    "keep_ids": "", "planted": {},
}  # fmt: skip
WORDS = ("thanks a lot", "that is so funny", "what a surprise", "I worry about it")


def written(path: Path, rows: Sequence[Mapping[str, object]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    return path


def pairs(n: int = 60, **over: object) -> list[dict[str, object]]:
    """n comments on n / 3 posts, each by somebody else."""
    row = {"age": 30, "to_age": 40, "tie": "friend"} | over
    return [
        {"p": f"post number {i // 3} is here", "c": f"{WORDS[i % 4]}, number {i}", "who": f"w{i}", "to": f"z{i // 3}", "th": f"t{i // 3}", **row}
        for i in range(n)
    ]  # fmt: skip


def society(tmp_path: Path, **said: Any) -> Society:
    return load.society_of(Workspace(tmp_path / "w"), **(NONE | said))


def talked(tmp_path: Path, rows: Sequence[Mapping[str, object]]) -> tuple[pl.DataFrame, dict[tuple[str, str], int]]:
    """Comments without posts, and what became of them."""
    file = written(tmp_path / "said.csv", rows)
    columns = {"text": "text", "person": "who", "thread": "on", "topic": "about"}
    made, counts = load.people_of(society(tmp_path, posts=file, columns=columns), ties=False, alone=True)
    return made, {(o, r): n for o, r, n in counts.rows()}


def test_pairs_come_with_both_people_and_the_posts_words(tmp_path: Path) -> None:
    roles = ROLES | {"commenter_age": "age", "closeness": "tie"}
    file = written(tmp_path / "pairs.csv", pairs())
    made, counts = load.people_of(
        society(tmp_path, pairs=file, columns=roles, closeness_of={"friend": "close"}), ties=False, alone=False
    )
    assert made.height == 60
    assert made["closeness"].unique().to_list() == ["close"]
    assert made["commenter_age"].unique().to_list() == [30.0]
    assert made["post_length"].unique().to_list() == [5.0]
    assert counts.filter(outcome="kept")["count"].item() == 60
    assert {"w0", "z0"}.isdisjoint(made["commenter"])


def test_dialogues_are_read_from_a_folder(tmp_path: Path) -> None:
    said = [
        ["Speaker 1: hi", "Speaker 2: hey", "Speaker 1: bye"],
        [{"x": "Speaker 2", "y": "Speaker 1", "r": ["per:boss"]}],
    ]
    for name in ("train", "dev"):
        (tmp_path / f"{name}.json").write_text(json.dumps([said]))
    made, _ = load.people_of(society(tmp_path, dialogues=tmp_path), ties=False, alone=False)
    assert made.height == 4
    assert made["closeness"].to_list() == ["not_close"] * 4


def test_comments_without_posts_are_grouped_by_their_thread_and_nothing_is_known_of_a_poster(tmp_path: Path) -> None:
    rows = [{"text": f"word {i}", "who": f"p{i}", "on": f"t{i % 4}", "about": "wife"} for i in range(20)]
    made, counts = talked(tmp_path, rows)
    assert made["post"].n_unique() == 4
    assert made["item"].n_unique() == 20
    assert made.select("poster", "post_text", *load.RIDERS).null_count().sum_horizontal().item() == 20 * 7
    assert counts["unknown", "closeness"] == 20
    assert made["length"].to_list() == [2] * 20


def test_what_a_comment_is_about_is_one_class_several_or_nothing(tmp_path: Path) -> None:
    about = ["wife"] * 12 + ["husband"] * 11 + ["wife husband"] * 10 + ["the weather"] * 10 + ["boss"] * 9
    rows = [{"text": f"word {i}", "who": f"p{i}", "on": f"t{i % 4}", "about": a} for i, a in enumerate(about)]
    made, counts = talked(tmp_path, rows)
    found = dict(made.group_by("about").len().rows())
    # two known classes together are several; other words of two are a class of their own; nine people are too few
    assert found == {"wife": 12, "husband": 11, "several": 10, "the weather": 10, None: 9}
    assert counts["emptied", "about of fewer than 10 people"] == 9


def test_empty_and_repeated_comments_are_counted(tmp_path: Path) -> None:
    rows = [{"text": t, "who": w, "on": o, "about": "wife"} for t, w, o in [
        ("one", "a", "1"), ("One!", "a", "1"), ("one", "b", "1"), ("one", "a", "2"), ("two", "c", "2"),
    ]]  # fmt: skip
    made, counts = talked(tmp_path, rows)
    assert made.height == 4
    assert counts["left out", "comment that says again what its author said on its post"] == 1
    assert counts["found", "comments"] == 5


def test_one_post_is_nothing_to_compare(tmp_path: Path) -> None:
    rows = [r | {"p": "the only post", "to": "z", "th": "t"} for r in pairs()]
    file = written(tmp_path / "one.csv", rows)
    with pytest.raises(RefusedError, match="all 60 comments are on one post"):
        load.people_of(society(tmp_path, pairs=file, columns=ROLES), ties=False, alone=False)
    with pytest.raises(RefusedError, match="all 3 comments are on one post"):
        talked(tmp_path, [{"text": f"w {i}", "who": f"p{i}", "on": "t", "about": "wife"} for i in range(3)])


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"pairs": Path("a"), "posts": Path("b")}, "--pairs and --posts each name the data"),
        ({"pairs": Path("a"), "dialogues": Path("b"), "posts": Path("c")}, "--pairs and --dialogues and --posts each"),
        ({"posts": Path("a"), "closeness_of": {"x": "close"}}, "--closeness: nothing that --posts reads"),
        ({"dialogues": Path("a"), "keep": ("x",), "columns": {"text": "x"}}, "--columns, --keep: nothing that --dialogues reads"),
        ({"closeness_of": {"x": "close"}}, "--closeness: nothing that planted pairs reads"),
        ({"posts": Path("a"), "columns": {"post_text": "p"}}, "no role of a column of posts 'post_text'; did you mean 'text'"),
    ],
)  # fmt: skip
def test_keywords_that_say_nothing_are_refused(tmp_path: Path, said: dict[str, Any], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        society(tmp_path, **said)


CLOSE = {"closeness": "tie"}
BAD: list[tuple[str, dict[str, str], dict[str, object], list[str], int, str]] = [
    ("unknown class", ROLES | CLOSE, {}, ["--closeness", "friend=buddy"], 2, "closeness maps to 'buddy': map each value to one of stranger, not_close, close"),
    ("unmapped words", ROLES | CLOSE, {}, ["--closeness", "pal=close"], 3, "it holds 'friend': say closeness={value: stranger | not_close | close}"),
    ("no such columns", ROLES | {"commenter": "x", "poster": "y"}, {}, [], 3, "has no column 'x' (commenter)"),
    ("no commenter", {k: v for k, v in ROLES.items() if k != "commenter"}, {}, [], 2, "columns does not say which column is 'commenter'"),
    ("minors", ROLES | {"commenter_age": "age"}, {"age": 15}, [], 5, "no comment is left: 60 x comment by or to someone under 18"),
    ("empty comments", ROLES, {"c": " "}, [], 3, "60 x pair without the comment's text"),
    ("one post", ROLES, {"p": "the only post", "th": "t", "to": "z"}, [], 5, "all 60 comments are on one post"),
    ("no tone", ROLES, {"c": "word"}, [], 5, "no tone differs between the comments of people"),
    ("no such term", ROLES, {}, ["--terms", "nosuch"], 3, "no column 'nosuch' among the comments, for --terms"),
    ("no table to learn from", ROLES, {}, ["--reader", "trained"], 2, "--reader trained learns from labelled tables"),
]  # fmt: skip


@pytest.mark.parametrize("bad", BAD, ids=[b[0] for b in BAD])
def test_bad_input_ends_with_one_line_and_its_code(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    bad: tuple[str, dict[str, str], dict[str, object], list[str], int, str],
) -> None:
    _, roles, over, more, code, why = bad
    file = written(tmp_path / "pairs.csv", [r | over for r in pairs()])
    columns = ",".join(f"{role}={name}" for role, name in roles.items())
    words = [
        "run",
        "relationship_alignment",
        "--pairs",
        str(file),
        "--columns",
        columns,
        "--out",
        str(tmp_path / "run"),
    ]
    assert ended([*words, *more]) == code
    said = [line for line in capsys.readouterr().err.splitlines() if line and not line.startswith("step ")]
    assert len(said) == 1
    assert why in said[0]
    assert not (tmp_path / "run" / "report.html").exists()


def test_no_model_comments_on_posts_that_are_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path / "said.csv", pairs())
    words = ["run", "relationship_alignment", "--posts", str(file), "--columns", "text=c,person=who,thread=th"]
    assert ended([*words, "--models", "scripted/echo", "--out", str(tmp_path / "run")]) == 2
    assert "--posts has the comments alone" in capsys.readouterr().err
