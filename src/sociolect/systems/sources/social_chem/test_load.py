"""The loader: every null pattern, wrong levels named, coded people, splits by situation."""

from pathlib import Path

import polars as pl
import pytest

from sociolect.errors import InputError
from sociolect.systems.sources.social_chem import load
from sociolect.systems.sources.social_chem.dimensions import DIMENSIONS, number

FULL = {
    "area": "dearabby", "m": "1", "split": "train", "rot-bad": "0", "situation-short-id": "s1", "situation": "lying to a friend",
    "rot-id": "r1", "rot": "It is wrong to lie.", "action": "lying", "rot-worker-id": "WORKER-9", "breakdown-worker-id": "WORKER-3",
    "rot-agree": "0", "rot-categorization": "social-norms|morality-ethics", "rot-moral-foundations": "fairness-cheating",
    "rot-char-targeting": "char-none", "action-agency": "agency", "action-moral-judgment": "-2", "action-agree": "4",
    "action-legal": "legal", "action-pressure": "0", "action-char-involved": "char-0", "action-hypothetical": "explicit-no",
}  # fmt: skip
ANSWERS = ("", *DIMENSIONS)  # row 0 is whole; row k lacks the answer to one dimension


def file(folder: Path, *rows: dict[str, str]) -> Path:
    lines = ["\t".join(FULL), *("\t".join((FULL | row)[c] for c in FULL) for row in rows)]
    (folder / "t.tsv").write_text("\n".join(lines) + "\n")
    return folder / "t.tsv"


def twelve(folder: Path) -> Path:
    rows = [{"rot-id": f"r{k}", "situation-short-id": f"s{k}", **({c: ""} if c else {})} for k, c in enumerate(ANSWERS)]
    return file(folder, *rows)


def test_twelve_rows_with_every_null_pattern(tmp_path: Path) -> None:
    """An empty cell is null, and -2 and 0 are levels."""
    table = load.read(twelve(tmp_path)).table.sort(pl.col("rule").str.slice(1).cast(pl.Int64))
    words = {
        "rot-agree": "nobody", "rot-categorization": "morality-ethics|social-norms", "rot-moral-foundations": "fairness-cheating",
        "rot-char-targeting": "char-none", "action-agency": "agency", "action-moral-judgment": "very-bad", "action-agree": "all",
        "action-legal": "legal", "action-pressure": "discretionary", "action-char-involved": "char-0", "action-hypothetical": "explicit-no",
    }  # fmt: skip
    assert table.height == 12
    for k, lacks in enumerate(ANSWERS):
        assert table.select(list(DIMENSIONS)).row(k, named=True) == (words | ({lacks: None} if lacks else {}))


def test_an_empty_judgement_is_null_in_the_replies_and_not_0(tmp_path: Path) -> None:
    source = load.as_frames(load.read(twelve(tmp_path)).table)
    assert source.replies.height == 12 * 11
    mine = source.replies.filter(condition="action-moral-judgment").sort("item")
    bare = mine.filter(pl.col("choice").is_null())
    assert bare["item"].to_list() == ["r6"]
    assert bare["value"].to_list() == [None]
    assert mine.drop_nulls("choice")["value"].to_list() == [-2.0] * 11
    assert source.replies.filter(condition="action-pressure").drop_nulls("choice")["value"].unique().to_list() == [0.0]
    assert source.replies.filter(condition="rot-categorization")["value"].null_count() == 12
    assert (source.items.height, source.posts.height, source.people.height) == (12, 12, 2)
    assert number("rot-agree", "nobody") == 0.0


def test_worker_ids_are_replaced_by_codes(tmp_path: Path) -> None:
    found = load.read(twelve(tmp_path))
    source = load.as_frames(found.table)
    for frame in (found.table, *source):
        assert "WORKER" not in frame.write_ndjson()
    assert sorted(source.people["person"]) == ["a00000", "a00001"]
    assert set(source.posts["person"]) | set(source.replies["speaker"]) == {"a00000", "a00001"}
    assert found.table["author"].n_unique() == found.table["annotator"].n_unique() == 1


def test_bad_rules_and_rows_without_a_rule_are_left_out_and_counted(tmp_path: Path) -> None:
    rows = [
        {},
        {"rot-id": "r2", "rot-bad": "1"},
        {"rot-id": "r3", "rot": ""},
        {"rot-id": "r4", "breakdown-worker-id": ""},
    ]
    found = load.read(file(tmp_path, *rows))
    assert found.table["rule"].to_list() == ["r1"]
    assert dict(found.left.rows()) == {
        "the rule is marked as bad": 1,
        "no rule, or no situation": 1,
        "no annotator": 1,
    }


def test_wrong_levels_and_missing_columns_are_named_all_at_once(tmp_path: Path) -> None:
    rows = [{}, {"action-moral-judgment": "3"}, {"rot-categorization": "advice|gossip"}, {"m": "2"}]
    with pytest.raises(InputError) as fault:
        load.read(file(tmp_path, *rows))
    for said in (
        "action-moral-judgment is '3' in row 3",
        "rot-categorization is 'gossip' in row 4",
        "m is '2' in row 5",
    ):
        assert said in str(fault.value)
    (tmp_path / "t.tsv").write_text("area\tm\ndearabby\t1\n")
    with pytest.raises(InputError, match="lacks the columns split, rot-bad"):
        load.read(tmp_path / "t.tsv")
    with pytest.raises(InputError, match="cannot be read"):
        load.read(tmp_path / "none.tsv")


def test_train_is_chosen_by_split_and_holds_no_rule_twice(tmp_path: Path) -> None:
    """A rule with three annotators has one breakdown in train and two marked none: m = 1 would miss it."""
    three = [{"rot-id": "r2", "m": "3", "split": s, "breakdown-worker-id": f"w{k}"} for k, s in enumerate(("train", "none", "none"))]  # fmt: skip
    table = load.read(file(tmp_path, {}, *three)).table
    train = load.chosen(table, "train")
    assert train["rule"].to_list() == ["r1", "r2"]
    assert table.filter(m=1)["rule"].to_list() == ["r1"]
    twice = pl.concat([table, table.filter(rule="r1")])
    with pytest.raises(InputError, match="1 rows of train repeat a rule"):
        load.chosen(twice, "train")


def test_splits_that_share_a_situation_are_refused(tmp_path: Path) -> None:
    table = load.read(
        file(tmp_path, {}, {"rot-id": "r2", "split": "test"}, {"rot-id": "r3", "split": "test-extra"})
    ).table
    with pytest.raises(InputError, match="1 situations stand in more than one"):
        load.chosen(table, "test")
    extra = load.read(file(tmp_path, {"split": "dev"}, {"rot-id": "r2", "split": "dev-extra"})).table
    assert load.chosen(extra, "dev").height == 1


def test_the_order_of_the_rows_changes_no_code(tmp_path: Path) -> None:
    rows = [{"rot-id": f"r{k}", "breakdown-worker-id": f"w{k}"} for k in range(5)]
    one = load.read(file(tmp_path, *rows), seed=3).table.sort("rule")
    assert load.read(file(tmp_path, *rows[::-1]), seed=3).table.sort("rule").equals(one)
    assert not load.read(file(tmp_path, *rows), seed=4).table.sort("rule").equals(one)
