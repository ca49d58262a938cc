"""Real sentences take typos: ETHICS justice, aggregates alone."""

from pathlib import Path

import polars as pl
import pytest

from sociolect.systems.lenses.trustworthy import compare, elicit, load, measure
from sociolect.systems.lenses.trustworthy.elicit import CLEAN, TYPO
from sociolect.systems.lenses.trustworthy.players import Planted, known
from sociolect.systems.lenses.trustworthy.test_instruments import heard


@pytest.mark.realdata
def test_justice_sentences_are_asked_once_each_and_a_planted_flip_comes_back(data: Path) -> None:
    path = data / "ethics" / "justice" / "justice_test.csv.gz"
    if not path.is_file():
        pytest.skip("ETHICS is not among the data sets")
    sentences, aside = load.sentences(path, n=1000)
    assert sentences.height == sentences["text"].n_unique() == 1000
    assert aside["count"].sum() + 1000 == 2704  # SOURCE.md: rows of justice_test
    items = elicit.items(sentences=sentences, questions=2, seed=0)
    assert (
        items.filter(condition=CLEAN).sort("unit")["prompt"] != items.filter(condition=TYPO).sort("unit")["prompt"]
    ).all()
    told = compare.rates(measure.scored(heard(Planted("planted/x", known(items)), items, CLEAN, TYPO)))
    row = told.filter(pl.col("measure") == "typo:consistent").row(0, named=True)
    assert row["low"] < 0.85 < row["high"]
    assert row["n"] == 1000
