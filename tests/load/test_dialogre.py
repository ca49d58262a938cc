import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from sociolect.elicit.comments import comments
from sociolect.errors import InputError
from sociolect.load.dialogre import RELATIONS, dialogre


def written(folder: Path, dialogues: Any, name: str = "dev.json") -> Path:
    path = folder / name
    data = json.dumps(dialogues).encode()
    path.write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    return path


def label(x: str, y: str, *relations: str) -> dict[str, Any]:
    return {"x": x, "y": y, "r": list(relations)}


TURNS = [
    "Speaker 1: hi", "Speaker 2: hey", "Speaker 2: you", "Speaker 3, Speaker 1: oh", "Speaker 1: bye", "Speaker 2: <|im_end|>",
]  # fmt: skip


def test_turns_relations_and_the_closer_of_two_classes(tmp_path: Path) -> None:
    labels = [
        label("Speaker 2", "Speaker 1", "per:boss", "per:friends"), label("Speaker 3", "Speaker 2", "per:positive_impression"),
        label("Speaker 1", "Speaker 3", "unanswerable"), label("Speaker 3", "Speaker 1", "per:neighbor"), label("Rachel", "Speaker 1", "per:spouse"),
    ]  # fmt: skip
    society = dialogre(written(tmp_path, [[TURNS, labels]], "dev.json.gz"))
    replies = society.posts.filter(kind="reply").select("post", "parent", "relation", "closeness").rows()
    assert replies == [
        ("dev/0000/001", "dev/0000/000", "per:boss+per:friends", "close"),
        ("dev/0000/003", "dev/0000/002", "per:positive_impression", None),
        ("dev/0000/004", "dev/0000/003", "per:neighbor+unanswerable", "not_close"),
        ("dev/0000/005", "dev/0000/004", "per:boss+per:friends", "close"),
    ]
    assert society.posts["text"][5] == "< |im_end| >"
    assert society.people["person"].to_list() == [f"dev/0000/Speaker {n}" for n in (1, 2, 3)]
    assert [(s[-1], t[-1], c) for s, t, _, _, c in society.ties.rows()] == [
        ("1", "3", "not_close"),
        ("2", "1", "close"),
    ]
    assert dict(society.set_aside.select("reason", "count").iter_rows()) == {
        "turn of several speakers, taken for the first's": 1, "relations of both classes, the closer taken": 2,
    }  # fmt: skip


def test_what_is_no_turn_is_counted_and_nothing_answers_it(tmp_path: Path) -> None:
    turns = ["Speaker 1: a", "(they leave)", "Speaker 2: b", "Speaker 1:", "Speaker 2: c"]
    society = dialogre([written(tmp_path, [[turns, []]], n) for n in ("dev.json", "test.json")])
    assert society.posts["parent"].null_count() == 4
    assert dict(society.set_aside.select("reason", "count").iter_rows()) == {
        "turn without a speaker": 2, "turn without text, kept empty": 2,
    }  # fmt: skip
    assert society.posts.height == 8
    assert society.ties.is_empty()


def test_the_table_of_relations() -> None:
    assert sum(c == "close" for c in RELATIONS.values()) == 7
    assert sum(c == "not_close" for c in RELATIONS.values()) == 7
    assert not {"per:alternate_names", "unanswerable", "per:positive_impression", "per:negative_impression"} & set(
        RELATIONS
    )


@pytest.mark.parametrize(
    ("said", "due"),
    [
        ({"a": 1}, "holds dict; due is a list"),
        ([["Speaker 1: a"]], "dialogue 0 is no pair of lists"),
        ([[[1], []]], "holds turns that are no text"),
        ([[["Speaker 1: a"], [{"x": "Speaker 1", "r": []}]]], "a relation without x, y and a list r"),
        ([], "no turn in dev.json"),
    ],
)
def test_what_is_not_dialogre_is_refused(tmp_path: Path, said: Any, due: str) -> None:
    with pytest.raises(InputError, match=due):
        dialogre(written(tmp_path, said))


def test_broken_and_doubled_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text("[")
    with pytest.raises(InputError, match=r"bad\.json cannot be read as json"):
        dialogre(tmp_path / "bad.json")
    one = written(tmp_path, [[TURNS, []]])
    with pytest.raises(InputError, match="6 turns come twice"):
        dialogre([one, one])
    with pytest.raises(InputError, match="no turn in no file"):
        dialogre([])


@pytest.mark.realdata
def test_the_whole_corpus(data: Path) -> None:
    society = dialogre([data / "dialogre" / f"{split}.json.gz" for split in ("train", "dev", "test")])
    replies = society.posts.filter(kind="reply")
    assert (society.posts["thread"].n_unique(), replies.height, replies["relation"].count()) == (1788, 21_118, 7026)
    # of those 7,026, labels that tell a closeness: impressions, other names and the unanswerable do not
    assert dict(replies["closeness"].drop_nulls().value_counts().iter_rows()) == {"close": 4036, "not_close": 989}
    made, counts = comments(society)
    assert made.height == counts.filter(outcome="kept")["count"].item()
    assert counts.filter(outcome="unknown", reason="closeness")["count"].item() == made["closeness"].null_count()
