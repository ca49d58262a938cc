"""The tables that map other people's labels to tones, and readers trained from them."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from sociolect.errors import InputError, RefusedError, UsageError
from sociolect.load.labelled import labelled
from sociolect.measure.tone_labels import as_tones, tone_labels, tone_reader
from sociolect.measure.tone_readers import joined
from sociolect.tones import TONES, words


def test_the_shipped_mapping_is_the_specifications() -> None:
    told = tone_labels("goemotions")
    assert len(told) == 28
    assert {t: sorted(v for v, of in told.items() if of == t) for t in TONES} == {
        "surprised": ["confusion", "realization", "surprise"],
        "funny": ["amusement"],
        "insult": ["anger", "annoyance", "disapproval"],
        "emotional_support": ["caring"],
        "self_disclosure": [],
        "worried": ["fear", "nervousness"],
        "thankful": ["gratitude"],
        "relaxed": ["relief"],
    }
    assert sorted(v for v, of in tone_labels("offmychest").items() if of) == [
        "Emo_support", "Emotional_disclosure", "Information_disclosure",
    ]  # fmt: skip
    assert tone_labels("tones") == {t: t for t in TONES}
    with pytest.raises(UsageError, match="no table of tone labels 'goemotion'; did you mean 'goemotions'"):
        tone_labels("goemotion")


def test_tones_are_read_off_lists_and_off_columns() -> None:
    lists = pl.DataFrame({"labels": [["fear", "nervousness", "amusement"], ["joy"], []]})
    assert as_tones(lists, "goemotions").to_list() == [["funny", "worried"], [], []]
    flags = pl.DataFrame({"a": [1, 0, 0], "b": ["0", "1", "0"], "c": [True, True, False]})
    found = as_tones(flags, {"a": "self_disclosure", "b": "self_disclosure", "c": "thankful"})
    assert found.to_list() == [["self_disclosure", "thankful"], ["self_disclosure", "thankful"], []]


def test_labels_that_cannot_be_read_are_refused() -> None:
    lists = pl.DataFrame({"labels": [["fear", "rage"], None, ["joy", None]]})
    with pytest.raises(InputError, match="2 rows hold a null label; labels hold rage, which the mapping does not name"):
        as_tones(lists, "goemotions")
    flags = pl.DataFrame({"a": [1.0, 0.5, None]})
    with pytest.raises(InputError, match="0/1 column for b; column 'a' holds another value than 0 and 1 in 2 rows"):
        as_tones(flags, {"a": "funny", "b": "thankful"})
    with pytest.raises(InputError, match="'labels' is String"):
        as_tones(pl.DataFrame({"labels": ["fear"]}), "goemotions")
    with pytest.raises(UsageError, match="angry: no such tone; the tones are: surprised"):
        as_tones(lists, {"fear": "angry"})
    with pytest.raises(UsageError, match="gives no label a tone"):
        as_tones(flags[:1], {"a": None})


def planted(n: int, *, null: bool = False) -> pl.DataFrame:
    """Texts with a word of a tone where they are labelled with it; in the null the labels know nothing of the words."""
    rng = np.random.default_rng(2)
    said = rng.random((n, 2)) < 0.3
    truth = rng.permutation(said) if null else said
    tones = ("thankful", "worried")
    texts = [
        f"went {i % 9} times {' '.join(str(rng.choice(words()[t][:8])) for t, on in zip(tones, row, strict=True) if on)} home"
        for i, row in enumerate(said)
    ]
    labels = [[v for v, on in zip(("gratitude", "fear"), row, strict=True) if on] or ["neutral"] for row in truth]
    return pl.DataFrame({"text": texts, "labels": labels, "who": [f"p{i % 40}" for i in range(n)]})


def test_a_reader_learns_a_planted_tone_and_is_calibrated_and_learns_nothing_in_the_null() -> None:
    train, test = planted(600)[:400], planted(600)[400:]
    reader = tone_reader(train, "goemotions", group="who")
    assert (reader.labels, reader.multi) == (("thankful", "worried"), True)
    truth = np.array([["gratitude" in v, "fear" in v] for v in test["labels"]])
    found = reader.probabilities(test["text"].to_list())
    assert min(roc_auc_score(truth[:, k], found[:, k]) for k in range(2)) > 0.97
    assert found.mean(0) == pytest.approx(truth.mean(0), abs=0.04)
    nothing = tone_reader(planted(600, null=True)[:400], "goemotions").probabilities(test["text"].to_list())
    null = planted(600, null=True)[400:]["labels"]
    assert abs(roc_auc_score([("fear" in v) for v in null], nothing[:, 1]) - 0.5) < 0.1


def test_a_table_without_its_columns_or_labels_is_refused() -> None:
    table = planted(40)
    with pytest.raises(InputError, match="column 'body', 'thread' is missing; there are: text, labels, who"):
        tone_reader(table, "goemotions", text="body", group="thread")
    with pytest.raises(InputError, match="column 'who' is null in 40 rows"):
        tone_reader(table.with_columns(who=pl.lit(None, pl.String)), "goemotions", group="who")
    with pytest.raises(RefusedError, match="needs two labels; there is thankful"):
        tone_reader(table, {"gratitude": "thankful", "fear": None, "neutral": None})


@pytest.mark.realdata
@pytest.mark.slow
def test_the_tables_reach_the_specifications_auc(data: Path) -> None:
    """Section 3 of the study's specification: a linear model on the official test split, and on held-out posts."""

    def read(name: str) -> pl.DataFrame:
        folder = data / "goemotions"
        names = folder / "original_labels.txt"
        return labelled(folder / name, text="column_1", label="column_2", names=names, header=False)

    test = read("test.tsv.gz")
    mind = pl.read_csv(data / "offmychest" / "labeled_train.csv.gz", infer_schema_length=None)
    held = mind["id"].rank("dense") % 5 == 0
    reader = joined(
        {
            "goemotions": tone_reader(read("train.tsv.gz"), "goemotions"),
            "offmychest": tone_reader(mind.filter(~held), "offmychest", text="full_text", group="id"),
        },
        take={"emotional_support": "goemotions"},
    )
    assert reader.labels == TONES

    def auc(texts: pl.Series, tones: pl.Series) -> dict[str, float]:
        chance = reader.probabilities(texts.to_list())
        return {
            t: float(roc_auc_score(said, chance[:, k]))
            for k, t in enumerate(TONES)
            if (said := tones.list.contains(t)).any()
        }

    due = {
        "thankful": 0.99,
        "funny": 0.96,
        "worried": 0.92,
        "emotional_support": 0.86,
        "insult": 0.83,
        "surprised": 0.82,
        "relaxed": 0.76,
    }
    found = auc(test["text"], as_tones(test, "goemotions"))
    assert {t: found[t] >= least - 0.02 for t, least in due.items()} == dict.fromkeys(due, True)
    apart = mind.filter(held)
    assert auc(apart["full_text"], as_tones(apart, "offmychest"))["self_disclosure"] > 0.65 - 0.02
    own = joined(reader.readers, take={"emotional_support": "offmychest"})
    chance = own.probabilities(apart["full_text"].to_list())[:, own.labels.index("emotional_support")]
    assert roc_auc_score(apart["Emo_support"] == 1, chance) > 0.84 - 0.02
