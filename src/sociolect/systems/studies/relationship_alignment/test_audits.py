"""An audit: blinded sheets with a known chance, labels that come back, and regressions that are right however the reader errs."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from sociolect import frames
from sociolect.compare.audited_regression import error_gap
from sociolect.errors import InputError, RefusedError, UsageError
from sociolect.frames import Replies
from sociolect.report.form import mark
from sociolect.systems.studies.relationship_alignment import audit_sheet, audits, corrected, worlds_open
from sociolect.tones import TONES


def comments(n: int = 60, *, source: str = "human", condition: str = "observed", empty: int = 0) -> Replies:
    rows = pl.DataFrame({
        "item": [f"c{i:03}" for i in range(n)], "post": [f"s{i // 3}" for i in range(n)], "post_text": [f"=post {i // 3}" for i in range(n)],
        "speaker": [f"p{i}" if source == "human" else "m" for i in range(n)], "text": [None if i < empty else f"{source[0]} word {i}" for i in range(n)],
    })  # fmt: skip
    return frames.replies(
        rows.with_columns(
            source=pl.lit(source), community=pl.lit("everyone"), condition=pl.lit(condition), draw=pl.lit(0, pl.Int64), turn=pl.lit(0, pl.Int64),
            prompt=pl.lit(None, pl.String), refused=pl.lit(value=False),
        )
    )  # fmt: skip


PEOPLE, SAID = comments(), comments(source="model", condition="all", empty=10)


def wide() -> pl.DataFrame:
    keys = ["item", "post", "source", "condition", "draw", "speaker"]
    both = pl.concat([PEOPLE.select(keys), SAID.select(keys)])
    return both.with_columns(pl.lit(0.5).alias(t) for t in TONES)


# --- corrections


def test_slopes_and_betas_are_corrected_where_the_reader_misses_more_on_models_text() -> None:
    found = []
    for seed in range(12):
        a = worlds_open.audited(labelled=1000, sensitivity=(0.98, 0.6), seed=seed)
        beta, slope = (f(a.wide, a.block, a.labels).row(0, named=True) for f in (corrected.betas, corrected.slopes))
        found.append(
            (
                beta["estimate"],
                slope["estimate"],
                beta["naive"],
                beta["low"] <= a.beta <= beta["high"],
                slope["low"] <= a.slope <= slope["high"],
            )
        )
        assert beta["n"] == slope["n"] == 4000
        assert beta["labelled"] == slope["labelled"] == 1000
    mean = np.mean(found, axis=0)
    assert mean[0] == pytest.approx(worlds_open.FOLLOWS, abs=0.02)
    assert mean[1] == pytest.approx(worlds_open.SLOPE, abs=0.02)
    assert mean[2] < worlds_open.FOLLOWS - 0.07
    assert mean[3] >= 10 / 12
    assert mean[4] >= 10 / 12


def test_with_every_pair_labelled_it_is_the_regression_on_the_labels() -> None:
    a = worlds_open.audited(labelled=800, pairs=800, posts=200, seed=3)
    row = corrected.slopes(a.wide, a.block, a.labels.with_columns(chance=pl.lit(None, pl.Float64))).row(0, named=True)
    truth = a.labels.filter(pl.col("source") == "human").sort("item")["funny"].to_numpy()
    close = (a.wide.filter(pl.col("source") == "human").sort("item")["closeness"] == "close").to_numpy()
    assert row["estimate"] == pytest.approx(truth[close].mean() - truth[~close].mean(), abs=0.01)


def test_a_gap_of_a_tenth_in_sensitivity_is_seen_at_500_each() -> None:
    seen = [p < 0.05 for seed in range(40) for p in _gap_p(seed, gap=0.1)]
    assert np.mean(seen) >= 0.9
    assert np.mean([p < 0.05 for seed in range(60) for p in _gap_p(seed, gap=0.0)]) <= 0.12


def _gap_p(seed: int, *, gap: float) -> list[float]:
    verdict, truth, second = worlds_open.verdicts(500, gap=gap, seed=seed)
    made = error_gap(verdict, truth, second == 1, np.arange(1000))
    return made.filter((pl.col("measure") == "sensitivity") & pl.col("contrast").str.contains(" - "))["p"].to_list()


def test_what_cannot_be_corrected_says_why() -> None:
    a = worlds_open.audited(labelled=30, seed=1)
    assert corrected.betas(a.wide, a.block, a.labels.filter(pl.col("source") == "human")).is_empty()
    few = corrected.betas(a.wide, a.block, a.labels.group_by("source").head(8)).row(0, named=True)
    assert few["estimate"] is None
    assert "not corrected" in few["verdict"]
    alike = a.labels.with_columns(funny=1.0)
    assert (
        "all one label: nothing to correct by" in corrected.slopes(a.wide, a.block, alike).row(0, named=True)["verdict"]
    )


def test_only_pairs_that_could_be_drawn_count() -> None:
    a = worlds_open.audited(pairs=2000, posts=500, labelled=400, seed=2)
    asked = a.labels["item"].unique()
    more = a.wide.filter(pl.col("source") == "model")["item"].unique().sort().head(600)
    kept = pl.concat([asked, more]).unique()
    answered = a.wide.filter((pl.col("source") == "human") | pl.col("item").is_in(kept.implode()))
    row = corrected.slopes(answered, a.block, a.labels).row(0, named=True)
    assert row["n"] == len(kept) < 2000


def test_labels_are_matched_or_refused() -> None:
    own = pl.DataFrame({"item": ["c020", "c020", "c021"], "source": ["human", "model", "human"], "condition": ["observed", "all", "observed"],
                        "draw": ["0", "0", "0"], "labels": [["funny"], [], None]})  # fmt: skip
    made = corrected.matched(own, wide())
    assert made.height == 2  # nobody looked at the third
    assert made["funny"].to_list() == [1.0, 0.0]
    assert made["speaker"].to_list() == ["p20", "m"]
    with pytest.raises(
        InputError, match="1 labels repeat a comment; 1 of 3 labels are of comments that are not in this study"
    ):
        corrected.matched(pl.concat([own.head(1), own.head(1), own.head(1).with_columns(item=pl.lit("x"))]), wide())
    with pytest.raises(InputError, match="several models answered"):
        corrected.matched(own, pl.concat([wide(), wide().filter(source="model").with_columns(speaker=pl.lit("n"))]))
    with pytest.raises(InputError, match="no column draw"):
        corrected.matched(own.drop("draw"), wide())


# --- the sheet


def test_the_sheet_is_blind_balanced_and_of_known_chance() -> None:
    made, key = audit_sheet.sheet(PEOPLE, [SAID], speaker="m", pairs=20, seed=1)
    assert made.columns == ["unit", "post", "text"]
    assert made.height == key.height == 40
    assert dict(key["source"].value_counts().iter_rows()) == {"human": 20, "model": 20}
    assert set(key.filter(source="human")["item"]) == set(key.filter(source="model")["item"])
    assert set(key["chance"]) == {20 / 50}  # ten pairs have no words of the model
    assert made["unit"].is_sorted()
    sources = made.join(key, on="unit", maintain_order="left")["source"].to_list()
    assert len({*sources[:20]}) == 2
    again, _ = audit_sheet.sheet(frames.replies(PEOPLE.reverse()), [SAID], speaker="m", pairs=20, seed=1)
    assert again.equals(made)
    other, _ = audit_sheet.sheet(PEOPLE, [SAID], speaker="m", pairs=20, seed=2)
    assert not other["unit"].equals(made["unit"])


def test_every_pair_is_drawn_as_often_as_its_chance_says() -> None:
    drawn = [
        i
        for seed in range(150)
        for i in audit_sheet.sheet(PEOPLE, [SAID], speaker="m", pairs=5, seed=seed)[1].filter(source="human")["item"]
    ]
    counts = np.unique(drawn, return_counts=True)[1]
    assert len(counts) == 50
    assert counts.max() < 15 + 5 * np.sqrt(15)


def test_a_sheet_that_cannot_be_made() -> None:
    with pytest.raises(RefusedError, match="50 pairs have words"):
        audit_sheet.sheet(PEOPLE, [SAID], speaker="m", pairs=51)
    with pytest.raises(UsageError, match="was not asked 'none'.*m told all"):
        audit_sheet.sheet(PEOPLE, [SAID], speaker="m", condition="none", pairs=5)


def test_what_was_filled_in_by_hand_comes_back(tmp_path: Path) -> None:
    made, key = audit_sheet.sheet(PEOPLE, [SAID], speaker="m", pairs=5, seed=1)
    audit_sheet.write(made, key, folder=tmp_path)
    sheet = pl.read_csv(tmp_path / "audit.csv", infer_schema=False)
    assert sheet["post"].str.starts_with("'=").all()  # no cell is a formula
    sheet = sheet.with_columns(labels=pl.Series(["funny, worried", "none", "", *["thankful"] * 7]))
    sheet.write_csv(tmp_path / "filled.csv")
    told = audit_sheet.returned(tmp_path / "filled.csv", made, key)
    assert told["labels"].to_list()[:3] == [["funny", "worried"], [], None]
    audits.unblinded(tmp_path / "filled.csv", made, key, folder=tmp_path)
    back = audits.labelled(tmp_path / "labels.csv", comments=[PEOPLE, SAID])
    assert back["labels"].to_list()[:3] == [["funny", "worried"], [], None]
    assert back["text"].null_count() == 0
    assert corrected.matched(back, wide()).height == 9
    assert audits.audited(tmp_path / "labels.csv", labels="tones", columns={}, comments=[PEOPLE, SAID]).height == 10
    pl.DataFrame({"unit": ["nobody"], "labels": ["none"]}).write_csv(tmp_path / "odd.csv")
    with pytest.raises(InputError, match="1 units of odd.csv are not on this sheet"):
        audit_sheet.returned(tmp_path / "odd.csv", made, key)
    with pytest.raises(InputError, match="labels hold angry"):
        audit_sheet.split(pl.Series(["angry"]))


def test_the_majority_of_annotators_counts_and_a_tie_is_told(tmp_path: Path) -> None:
    made, key = audit_sheet.sheet(PEOPLE, [SAID], speaker="m", pairs=1, seed=1)
    said = {("ada", 0): "funny", ("bob", 0): "funny", ("ada", 1): "insult", ("bob", 1): ""}
    rows = [
        (mark(made, audit_sheet.questions()), who, made["unit"][u], tone, "yes" if tone == shown else "no", 1.0, u + 1)
        for (who, u), shown in said.items()
        for tone in TONES
    ]
    columns = ["form", "annotator", "unit", "question", "answer", "seconds", "place"]
    pl.DataFrame(rows, schema=columns, orient="row").write_csv(tmp_path / "saved.csv")
    told = audit_sheet.returned(tmp_path, made, key)
    assert told["labels"].to_list() == [["funny"], []]
    assert told["tied"].to_list() == [0, 1]
    few = pl.DataFrame(rows, schema=columns, orient="row").filter(pl.col("question") != "insult")
    few.write_csv(tmp_path / "saved.csv")
    with pytest.raises(InputError, match="2 comments were judged on some of the 8 tones only"):
        audit_sheet.returned(tmp_path, made, key)


# --- any labelled table


def test_a_table_of_texts_and_tones(tmp_path: Path) -> None:
    pl.DataFrame(
        {"text": ["ha", "oh no", " "], "labels": ["funny", "", "none"], "source": ["human", "model", "model"]}
    ).write_csv(tmp_path / "a.csv")
    made = audits.audited(tmp_path / "a.csv", labels="tones", columns={})
    assert made["truth"].to_list() == [["funny"], []]
    assert made["source"].to_list() == ["human", "model"]
    pl.DataFrame({"text": ["ha"]}).write_csv(tmp_path / "b.csv")
    with pytest.raises(
        InputError, match="b.csv has no column labels: an audit holds texts and their tones, or the study's own"
    ):
        audits.audited(tmp_path / "b.csv", labels="tones", columns={})
