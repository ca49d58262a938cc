"""Votes of people: planted camps come back, what both like wins by max-min, and small groups are not shown."""

from pathlib import Path

import polars as pl
import pytest

from sociolect.errors import InputError, RefusedError
from sociolect.report.anonymity import anonymous
from sociolect.systems.aligners.maxmin_rlhf import polis
from sociolect.systems.aligners.maxmin_rlhf.test_maxmin_rlhf import votes


def fared(folder: Path) -> pl.DataFrame:
    return polis.fared(folder, groups=2, starts=3, kl=0.7, seed=0)


def test_planted_camps_come_back_and_the_smaller_gains(tmp_path: Path) -> None:
    votes(tmp_path / "talk", people=240)
    told = fared(tmp_path / "talk")
    assert told.filter(measure="adjusted Rand")["estimate"][0] > 0.8
    over = {(r["arm"], r["group"]): r for r in told.filter(measure="agreement over even").iter_rows(named=True)}
    gain = {g: over["max-min", g]["estimate"] - over["single", g]["estimate"] for g in ("group 0", "group 1")}
    assert gain["group 1"] > 0.02
    assert gain["group 0"] < -0.02  # of the planted camps the smaller gains, the larger pays
    assert over["max-min", "group 1"]["low"] > 0
    rank = dict(told.filter(measure="group-aware consensus").select("arm", "estimate").iter_rows())
    assert rank["max-min"] > rank["single"]


def test_rows_about_fewer_than_ten_people_lose_their_numbers(tmp_path: Path) -> None:
    votes(tmp_path / "talk", people=60)
    told = fared(tmp_path / "talk")
    few = told.filter((pl.col("people") < 10) & (pl.col("measure") == "agreement over even"))
    assert few.height
    shown = anonymous(polis.section(told, {"people": 0}))
    assert shown.table is not None
    assert shown.table.filter(group=few["group"][0])["estimate"].null_count() == few.height
    assert shown.figure == ""


def test_what_is_left_out_is_counted_and_what_is_no_conversation_is_refused(tmp_path: Path) -> None:
    votes(tmp_path / "talk")
    file = tmp_path / "talk/participants-votes.csv"
    table = pl.read_csv(file, infer_schema=False)
    lost = table.with_columns(pl.when(pl.int_range(pl.len()) < 7).then(None).otherwise("group-id").alias("group-id"))
    lost.write_csv(file)
    kept = polis.read(tmp_path / "talk")
    assert kept.left["people without a group"] == 7
    assert len(kept.people) + sum(list(kept.left.values())[:2]) == 120
    with pytest.raises(InputError, match=r"no participants-votes.csv"):
        polis.read(tmp_path)
    table.with_columns(pl.lit("7").alias("3")).write_csv(file)
    with pytest.raises(InputError, match="120 votes that are none of 1, 0, -1"):
        polis.read(tmp_path / "talk")
    table.drop("group-id").write_csv(file)
    with pytest.raises(InputError, match="lacks group-id"):
        polis.read(tmp_path / "talk")
    table.head(20).write_csv(file)
    with pytest.raises(RefusedError, match="40 people of two groups"):
        fared(tmp_path / "talk")


@pytest.mark.realdata
@pytest.mark.slow
def test_the_consensus_of_real_camps_is_what_max_min_follows(data: Path) -> None:
    """Polis' own group-aware consensus ranks statements more as max-min does than as the minimum per sample does."""
    folder = data / "polis_opendata" / "15-per-hour-seattle"
    assert (
        sum(polis.read(folder).left.values()) - 24 + 120 == 339
    )  # SOURCE.md: 339 people; 24 statements are left out too
    told = fared(folder)
    rank = {r["arm"]: r for r in told.filter(measure="group-aware consensus").iter_rows(named=True)}
    assert rank["max-min"]["low"] > 0.6
    assert rank["max-min"]["estimate"] > rank["per-sample min"]["estimate"]
    assert 0.2 < told.filter(measure="adjusted Rand")["estimate"][0] <= 1
