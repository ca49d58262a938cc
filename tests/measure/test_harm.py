"""Planted raters whose every label is known; every fault said at once."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from sociolect.compare.differences import means
from sociolect.errors import CardError, InputError, RefusedError
from sociolect.measure.harm import annotations, harm, scheme

FOOD, BODY, SELF = "food-and-exercise", "body-image", "self-disclosure"


def rated(rows: list[tuple[str, str, str, str | None]]) -> pl.DataFrame:
    return pl.DataFrame(rows, orient="row", schema=["annotator", "unit", "question", "answer"])


KEY = pl.DataFrame({
    "unit": ["1", "2", "3", "4"], "speaker": ["m", "m", "ada", "bo"], "source": ["model"] * 2 + ["human"] * 2,
    "community": "red", "item": ["a", "b", "c", "d"], "condition": ["aligned", "aligned", "human", "human"],
    "draw": pl.Series([0] * 4), "turn": pl.Series([0] * 4), "topic": ["t1", "t2", "t1", "t2"],
})  # fmt: skip
LABELS = rated([
    ("ann", "1", "harm", "harmful"), ("ann", "2", "harm", "harmful"), ("ann", "3", "harm", "harmless"), ("ann", "4", "harm", None),
    ("bob", "1", "harm", "harmful"), ("bob", "2", "harm", "harmless"), ("bob", "3", "harm", "harmless"), ("bob", "4", "harm", "harmful"),
    ("ann", "1", "category", FOOD), ("bob", "1", "category", BODY), ("ann", "2", "category", FOOD), ("bob", "4", "category", None),
])  # fmt: skip


def test_every_rule_gives_the_labels_that_raters_gave() -> None:
    found = harm(LABELS, scheme(), key=KEY)
    value = {(r["item"], r["measure"].removeprefix("harm:")): r["value"] for r in found.iter_rows(named=True)}
    rules = ["annotator ann", "annotator bob", "union", "agreed"]
    due: dict[str, dict[str, list[int | None]]] = {
        "harmful": {"a": [1, 1, 1, 1], "b": [1, 0, 1, 0], "c": [0, 0, 0, 0], "d": [None, 1, 1, None]},
        # ann says food of a, bob says body: the union has both, agreement neither; bob left the category of d open
        FOOD: {"a": [1, 0, 1, 0], "b": [1, 0, 1, 0], "c": [0, 0, 0, 0], "d": [None, None, None, None]},
        BODY: {"a": [0, 1, 1, 0], "b": [0, 0, 0, 0], "c": [0, 0, 0, 0], "d": [None, None, None, None]},
        SELF: {"a": [0, 0, 0, 0], "b": [0, 0, 0, 0], "c": [0, 0, 0, 0], "d": [None, None, None, None]},
    }
    assert value == {
        (i, f"{v}:{r}"): x for v, rows in due.items() for i, xs in rows.items() for r, x in zip(rules, xs, strict=True)
    }
    assert found.columns[-3:] == ["topic", "measure", "value"]
    assert harm(LABELS.reverse(), scheme(), key=KEY.reverse()).equals(found)


def test_planted_rates_by_arm_come_with_intervals_and_agreed_labels_say_too_few() -> None:
    """Two raters see a planted harm of .4 (aligned) and .1 (human) with chance .8 each, and never see it elsewhere."""
    arms = np.repeat(["aligned", "human"], 400)
    key = pl.DataFrame({
        "unit": [f"u{i}" for i in range(800)], "speaker": [f"s{i}" for i in range(800)], "source": "model", "community": "red",
        "item": [f"i{i}" for i in range(800)], "condition": arms, "draw": pl.Series([0] * 800), "turn": pl.Series([0] * 800),
    })  # fmt: skip
    rng = np.random.default_rng(0)
    true = rng.random(key.height) < np.where(arms == "aligned", 0.4, 0.1)
    rows = [
        (rater, item, "harm", "harmful" if real and rng.random() < 0.8 else "harmless")
        for item, real in zip(key["unit"], true, strict=True) for rater in ("ann", "bob")
    ]  # fmt: skip
    found = means(harm(rated(list(rows)), scheme(), key=key), by=("measure", "condition"), clusters=["item"], draws=500)
    get = {(r["measure"], r["condition"]): r for r in found.iter_rows(named=True)}
    for rule, share in (("annotator ann", 0.8), ("union", 0.96), ("agreed", 0.64)):
        row = get[f"harm:harmful:{rule}", "aligned"]
        assert row["low"] < 0.4 * share < row["high"]
    assert get["harm:harmful:agreed", "aligned"]["high"] < 0.4 * 0.96
    assert get["harm:harmful:union", "human"]["high"] < get["harm:harmful:agreed", "aligned"]["low"]


def test_all_faults_of_annotations_are_one_refusal() -> None:
    wrong = pl.concat([
        LABELS,
        rated([
            ("ann", "1", "harm", "harmless"), ("cy", "99", "harm", "harmful"), ("cy", "1", "3", "harmful"),
            ("cy", "2", "harm", "awful"), ("cy", "3", "harm", "harmless"), ("cy", "3", "category", FOOD), (None, "3", "harm", "harmful"),  # type: ignore[list-item]
        ]),
    ])  # fmt: skip
    with pytest.raises(InputError) as refusal:
        annotations(wrong, scheme(), key=KEY)
    said = str(refusal.value)
    for fault in (
        "1 rows do not say their annotator", "1 labels outside task harm: awful",
        "1 answers to task category though task harm is not 'harmful', units: 3", "1 units that are not on the sheet: 99",
        "2 annotators twice on a unit: ann on 1",
    ):  # fmt: skip
        assert fault in said
    with pytest.raises(
        InputError, match="column 'question' is missing; column 'answer' is missing; column 'unit' is Int64"
    ):
        annotations(pl.DataFrame({"annotator": ["a"], "unit": [1]}), scheme(), key=KEY)
    with pytest.raises(RefusedError, match="no annotations"):
        harm(LABELS.clear(), scheme(), key=KEY)


def test_a_scheme_of_one_s_own_is_read_and_all_its_faults_are_named(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(
        'id = "tone"\ntitle = "Tone"\nversion = "2"\n[[task]]\nid = "k"\nquestion = "Kind?"\ncounts = ["yes"]\n'
        '[task.labels]\nyes = "It is."\nno = "It is not."\n'
    )
    mine = scheme(own)
    assert mine.tasks[0].labels == {"yes": "It is.", "no": "It is not."}
    labels = rated(
        [("ann", "1", "k", "yes"), ("ann", "2", "k", "no"), ("ann", "3", "k", "no"), ("ann", "4", "k", "no")]
    )
    found = harm(labels, mine, key=KEY)
    assert sorted(set(found["measure"])) == ["tone:yes:agreed", "tone:yes:annotator ann", "tone:yes:union"]
    assert found["value"].sum() == 3
    own.write_text(
        'id = "tone"\nversion = "2"\n[[task]]\nid = "k"\nquestion = "Kind?"\ncounts = ["maybe"]\n'
        'after = { task = "z", label = "y" }\n[task.labels]\nyes = "It is."\n[[task]]\nid = "k"\n'
    )
    with pytest.raises(CardError) as refusal:
        scheme(own)
    for fault in (
        "'title' is missing", "task k: [task.labels] needs two", "'counts' names maybe", "'after' names no label",
        "task k: 'question' is missing", "task k: 'counts' lists no label", "task k is there twice",
    ):  # fmt: skip
        assert fault in str(refusal.value)
    own.write_text("id = ")
    with pytest.raises(CardError, match="own.toml is no annotation scheme"):
        scheme(own)
