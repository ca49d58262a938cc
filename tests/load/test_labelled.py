"""Texts stand beside their own labels."""

import gzip
from pathlib import Path

import pytest

from sociolect.errors import InputError
from sociolect.load.labelled import labelled


def test_several_ids_in_a_cell_become_names(tmp_path: Path) -> None:
    (tmp_path / "t.tsv").write_text('"quoted" words\t0,2\nplain\t1\n')
    (tmp_path / "names.txt").write_text("joy\nfear\nlove\n")
    found = labelled(tmp_path / "t.tsv", text="column_1", label="column_2", names=tmp_path / "names.txt", header=False)
    assert found.rows() == [('"quoted" words', ["joy", "love"]), ("plain", ["fear"])]


def test_without_names_a_comma_parts_ids_only(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text('text,label\na,"1, 2"\nb,3\n')
    assert labelled(tmp_path / "t.csv", text="text", label="label")["labels"].to_list() == [["1", "2"], ["3"]]
    (tmp_path / "t.csv").write_text('text,label\na,"yes, really"\nb,no\n')
    assert labelled(tmp_path / "t.csv", text="text", label="label")["labels"].to_list() == [["yes, really"], ["no"]]


def test_only_a_line_feed_ends_a_line(tmp_path: Path) -> None:
    texts = ["one\u2028still one", "two\x85\x0b\u2029still two", "", "four\r"]
    (tmp_path / "text.txt.gz").write_bytes(gzip.compress("\n".join([*texts, ""]).encode()))
    (tmp_path / "labels.txt").write_text("0\n1\n1\n0\n")
    (tmp_path / "mapping.txt").write_text("0\tcalm\n1\tangry\n")
    found = labelled(tmp_path / "text.txt.gz", labels=tmp_path / "labels.txt", names=tmp_path / "mapping.txt")
    assert found["labels"].to_list() == [["calm"], ["angry"], ["angry"], ["calm"]]
    assert found["text"].to_list() == ["one\u2028still one", "two\u2029still two", "", "four"]


def test_what_does_not_go_together_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("a\nb\n")
    (tmp_path / "labels.txt").write_text("0\n")
    with pytest.raises(InputError, match="2 texts and labels.txt 1 labels"):
        labelled(tmp_path / "text.txt", labels=tmp_path / "labels.txt")
    (tmp_path / "labels.txt").write_text("0\n\n")
    with pytest.raises(InputError, match=r"1 rows have no label \(the first is row 2\)"):
        labelled(tmp_path / "text.txt", labels=tmp_path / "labels.txt")
    (tmp_path / "labels.txt").write_text("0\n7\n")
    (tmp_path / "names.txt").write_text("joy\n")
    with pytest.raises(InputError, match=r"label '7' is none of the 1 in names.txt"):
        labelled(tmp_path / "text.txt", labels=tmp_path / "labels.txt", names=tmp_path / "names.txt")
    (tmp_path / "t.csv").write_text("words,mood\na b,1\n")
    with pytest.raises(
        InputError, match=r"no column 'word' \(text\); did you mean 'words'.*no column 'moot' \(label\)"
    ):
        labelled(tmp_path / "t.csv", text="word", label="moot")
    (tmp_path / "t.csv").write_text("words,mood\na b,1\nc\n")
    with pytest.raises(InputError, match="t.csv, line 3: row with too few"):
        labelled(tmp_path / "t.csv", text="words", label="mood")


@pytest.mark.realdata
def test_goemotions_counts(data: Path) -> None:
    folder = data / "goemotions"
    sizes = {}
    for side in ("train", "dev", "test"):
        found = labelled(
            folder / f"{side}.tsv.gz",
            text="column_1",
            label="column_2",
            names=folder / "original_labels.txt",
            header=False,
        )
        sizes[side] = found.height
        assert found["labels"].explode().n_unique() == 28
    assert sizes == {"train": 43410, "dev": 5426, "test": 5427}


@pytest.mark.realdata
def test_tweeteval_counts(data: Path) -> None:
    due = {"emotion": (3257, 374, 1421, 4), "offensive": (11916, 1324, 860, 2), "hate": (9000, 1000, 2970, 2)}
    for task, (*sizes, kinds) in due.items():
        for side, size in zip(("train", "val", "test"), sizes, strict=True):
            folder = data / "tweeteval" / task
            text = next(folder.glob(f"{side}_text.txt*"))
            found = labelled(text, labels=folder / f"{side}_labels.txt", names=folder / "mapping.txt")
            assert found.height == size
            assert found["labels"].explode().n_unique() == kinds
