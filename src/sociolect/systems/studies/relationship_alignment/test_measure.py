"""The reader of tones: made when needed, from content and not from paths, and never taught by what it is held against."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from sociolect import frames
from sociolect.errors import InputError, RefusedError, UsageError
from sociolect.fingerprint import fingerprint
from sociolect.frames import Replies
from sociolect.measure.pretrained import Reader
from sociolect.measure.tone_words import Lexicon
from sociolect.systems.studies.relationship_alignment import measure
from sociolect.workspace import Workspace

SAID = {
    "Emotional_disclosure": "my own mother died and I feel so alone about it, case",
    "Information_disclosure": "I am a nurse of thirty who lives in town, case",
    "Emo_support": "you will get through this, we care about you, case",
    "none": "the shop on the corner sells bread and milk, case",
}


def sentences(n: int = 60, prefix: str = "") -> pl.DataFrame:
    """A table of offmychest's form, without the labels that have no tone."""
    kind = [list(SAID)[i % 4] for i in range(n)]
    return pl.DataFrame(
        {
            "full_text": [f"{SAID[k]} {prefix}{i}" for i, k in enumerate(kind)],
            "id": [f"{prefix}post{i // 2}" for i in range(n)],
            "author": [f"{prefix}who{i // 3}" for i in range(n)],
            **{c: [int(k == c) for k in kind] for c in SAID if c != "none"},
        }
    )


def trained(path: Path, *, apart: tuple[Path, ...] = (), seed: int = 0) -> Reader:
    return measure.reader("trained", goemotions=None, offmychest=path, labels=None, columns={}, seed=seed, apart=apart)


def written(path: Path, table: pl.DataFrame) -> Path:
    table.write_csv(path)
    return path


def spoken(texts: list[str]) -> Replies:
    n = len(texts)
    ids = [f"i{i}" for i in range(n)]
    made = pl.DataFrame(
        {"speaker": ids, "source": "human", "community": "everyone", "item": ids, "condition": "observed", "text": texts,
         "post": ids, "post_text": texts}
    )  # fmt: skip
    return frames.replies(
        made.with_columns(draw=pl.lit(0, pl.Int64), turn=pl.lit(0, pl.Int64), prompt=pl.lit(None, pl.String))
    )


def test_a_reader_learns_its_tones_and_says_how_well(tmp_path: Path) -> None:
    by = trained(written(tmp_path / "t.csv", sentences()))
    assert by.labels == ("emotional_support", "self_disclosure")
    chance = by.probabilities([SAID["Emo_support"], SAID["Emotional_disclosure"], SAID["none"]])
    assert chance.argmax(0).tolist() == [0, 1]
    assert chance[2].max() < 0.3
    told = measure.schooling(by).row(0, named=True)
    assert (told["table"], told["learnt from"], told["left out"]) == ("offmychest", 60, 0)
    assert told["macro F1"] > 0.9


def test_what_the_reader_is_held_against_it_does_not_learn(tmp_path: Path) -> None:
    table = sentences()
    file = written(tmp_path / "t.csv", table)
    # a post of two sentences, an author of three, one long text under other names: they overlap in none
    held = pl.DataFrame(
        {"full_text": ["new", "newer", table["full_text"][30]], "id": ["post0", "x", "y"], "author": ["u", "who3", "v"]}
    )
    apart = written(tmp_path / "held.csv", held)
    told = measure.schooling(trained(file, apart=(apart,))).row(0, named=True)
    assert (told["learnt from"], told["left out"]) == (60 - 2 - 3 - 1, 6)


def test_a_few_words_are_nobodys_own_and_nobody_is_no_author(tmp_path: Path) -> None:
    more = pl.DataFrame({"full_text": ["thank you"], "id": ["q"], "author": ["[deleted]"], "Emotional_disclosure": 0, "Information_disclosure": 0, "Emo_support": 1})  # fmt: skip
    file = written(tmp_path / "t.csv", pl.concat([sentences(), more], how="vertical_relaxed"))
    apart = written(
        tmp_path / "held.csv", pl.DataFrame({"full_text": ["Thank you!"], "author": ["[deleted]"], "id": ["z"]})
    )
    assert measure.schooling(trained(file, apart=(apart,)))["left out"].item() == 0


def test_a_table_without_such_columns_holds_nothing_apart(tmp_path: Path) -> None:
    file = written(tmp_path / "t.csv", sentences())
    apart = written(tmp_path / "pairs.csv", pl.DataFrame({"p": ["a"], "c": ["b"]}))
    assert measure.schooling(trained(file, apart=(apart,)))["left out"].item() == 0


def test_nothing_left_to_learn_from_is_refused(tmp_path: Path) -> None:
    file = written(tmp_path / "t.csv", sentences())
    with pytest.raises(RefusedError, match=r"all 60 texts of t\.csv stand in a table that is read or audited"):
        measure.schooling(trained(file, apart=(file,)))


def test_a_reader_is_its_tables_content(tmp_path: Path) -> None:
    first, same = written(tmp_path / "a.csv", sentences()), written(tmp_path / "b.csv", sentences())
    other = written(tmp_path / "c.csv", sentences(56))
    assert fingerprint(trained(first)) == fingerprint(trained(same))
    assert fingerprint(trained(first)) != fingerprint(trained(other))
    assert fingerprint(trained(first)) != fingerprint(trained(first, seed=1))
    assert fingerprint(trained(first)) != fingerprint(trained(first, apart=(other,)))


def test_steps_that_stand_train_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    by = trained(written(tmp_path / "t.csv", sentences()))
    work, said = Workspace(tmp_path / "w"), spoken([*SAID.values()])
    found = measure.scored(work, said, by, name="tones")
    assert found["emotional_support"].arg_max() == 2

    def never(_: object) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr(measure, "_made", never)
    assert measure.scored(work, said, by, name="tones").equals(found)


def test_posts_are_read_where_there_are_any() -> None:
    by = measure.reader("words", goemotions=None, offmychest=None, labels=None, columns={}, seed=0)
    assert isinstance(by, Lexicon)
    said = spoken(["thanks a lot", "so it is"])
    read = measure.posts_read(said, by)
    assert read["post_thankful"].arg_max() == 0
    assert np.allclose(
        read["post_thankful"].to_numpy(), by.probabilities(said["text"].to_list())[:, by.labels.index("thankful")]
    )
    alone = frames.replies(said.with_columns(post_text=pl.lit(None, pl.String)))
    assert measure.posts_read(alone, by).equals(alone)


def test_readers_and_tables_that_do_not_go_together_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="learns from labelled tables: name one"):
        measure.reader("trained", goemotions=None, offmychest=None, labels=None, columns={}, seed=0)
    with pytest.raises(UsageError, match="--reader words learns nothing, and --offmychest is there to learn from"):
        measure.reader("words", goemotions=None, offmychest=tmp_path, labels=None, columns={}, seed=0)
    with pytest.raises(InputError, match="there is no file"):
        measure.schooling(trained(tmp_path / "nowhere.csv"))


def test_weak_is_a_low_auc_an_unknown_one_or_none() -> None:
    card = pl.DataFrame(
        {"tone": ["funny", "insult", "insult", "worried", "funny"], "metric": ["auc"] * 4 + ["ece"], "weak": [False, False, True, None, True]}
    )  # fmt: skip
    assert measure.weak(card) == ["insult", "worried"]
    assert measure.weak(card, tones=["funny", "relaxed"]) == ["insult", "relaxed", "worried"]
    with pytest.raises(RefusedError, match="an empty validity card"):
        measure.weak(card.clear())
