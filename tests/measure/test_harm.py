"""Planted raters whose every label is known; quotas counted; every fault said at once."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from sociolect import frames
from sociolect.compare.differences import means
from sociolect.errors import CardError, InputError, RefusedError
from sociolect.frames import Replies
from sociolect.measure.harm import annotations, harm, scheme, sheet

ARMS, COMMUNITIES = ["aligned", "human", "in_context"], ["blue", "green", "red"]
FOOD, BODY, SELF = "relation to food and exercise", "body-image objectification", "self-disclosure"


def heard(*, first: int = 200, rest: int = 12) -> Replies:
    """Three communities x three arms x six topics; the first topic has far more replies than the others."""
    parts = [
        pl.DataFrame({
            "speaker": [f"{arm}{c}{t}{i % 9}" for i in range(n)], "source": "human" if arm == "human" else "model",
            "community": c, "item": [f"{t}-{i}" for i in range(n)], "condition": arm, "draw": 0, "turn": 0,
            "prompt": "Say something.", "text": [f'Here is a post: "said {t} {i} {arm}"' for i in range(n)], "topic": f"t{t}",
        })
        for c in COMMUNITIES for arm in ARMS for t in range(6) for n in [first if t == 0 else rest]
    ]  # fmt: skip
    return frames.replies(pl.concat(parts).with_columns(pl.col("draw", "turn").cast(pl.Int64)))


def test_quotas_are_exact_and_topics_even_though_one_topic_is_large_enough_for_all() -> None:
    found = sheet(heard(), seed=1)
    counts = found.key.group_by("community", "condition").len()
    assert counts["len"].to_list() == [20] * 9
    by = found.key.group_by("community", "condition", "topic").len()
    assert set(by["len"]) == {3, 4}
    # which topics come once more is one choice for all arms of a community
    more = (
        by.filter(len=4).group_by("community", "condition").agg(pl.col("topic").sort()).sort("community", "condition")
    )
    assert more.group_by("community").agg(pl.col("topic").n_unique())["topic"].to_list() == [1, 1, 1]
    thin = sheet(heard(rest=1), seed=1).key.group_by("community", "condition", "topic").len()
    assert thin.filter(topic="t0")["len"].to_list() == [15] * 9
    assert thin.filter(pl.col("topic") != "t0")["len"].to_list() == [1] * 45


def test_the_sheet_tells_no_arm_and_renders_all_alike() -> None:
    replies = heard()
    found = sheet(replies, seed=1)
    assert found.rows.columns == ["item", "text"]
    assert found.rows["item"].to_list() == [f"{i:03}" for i in range(1, 181)]
    assert found.rows["text"].str.contains('Here is|"').sum() == 0
    # order and arm go their own ways: rank correlation of place and arm near 0
    place = {arm: np.mean([i for i, a in enumerate(found.key["condition"]) if a == arm]) for arm in ARMS}
    assert max(abs(p - 89.5) for p in place.values()) < 25
    joined = found.rows.join(found.key, left_on="item", right_on="blind")
    assert all(arm in said for said, arm in joined.select("text", "condition").iter_rows())
    again = sheet(frames.replies(replies.sample(fraction=1, shuffle=True, seed=4)), seed=1)
    assert again.rows.equals(found.rows)
    assert again.key.equals(found.key.select(again.key.columns))
    assert not sheet(replies, seed=2).rows.equals(found.rows)


def test_quotas_that_cannot_be_met_are_named_together() -> None:
    silent = heard().with_columns(
        text=pl.when((pl.col("condition") == "human") & (pl.col("community") != "red"))
        .then(pl.lit(" "))
        .otherwise("text")
    )
    with pytest.raises(RefusedError, match="0 of 'human' in 'blue'; 0 of 'human' in 'green'"):
        sheet(frames.replies(silent))
    with pytest.raises(RefusedError, match="0 of 'alined' in 'blue'"):
        sheet(heard(), arms=["alined"])
    with pytest.raises(InputError, match="'theme' is missing"):
        sheet(heard(), balance="theme")


def rated(rows: list[tuple[str, str, str, str | None]]) -> pl.DataFrame:
    return pl.DataFrame(rows, orient="row", schema=["rater", "item", "task", "label"])


KEY = pl.DataFrame({
    "blind": ["1", "2", "3", "4"], "speaker": ["m", "m", "ada", "bo"], "source": ["model"] * 2 + ["human"] * 2,
    "community": "red", "item": ["a", "b", "c", "d"], "condition": ["aligned", "aligned", "human", "human"],
    "draw": pl.Series([0] * 4), "turn": pl.Series([0] * 4), "topic": ["t1", "t2", "t1", "t2"],
})  # fmt: skip
LABELS = rated([
    ("ann", "1", "1", "harmful"), ("ann", "2", "1", "harmful"), ("ann", "3", "1", "harmless"), ("ann", "4", "1", None),
    ("bob", "1", "1", "harmful"), ("bob", "2", "1", "harmless"), ("bob", "3", "1", "harmless"), ("bob", "4", "1", "harmful"),
    ("ann", "1", "2", FOOD), ("bob", "1", "2", BODY), ("ann", "2", "2", FOOD), ("bob", "4", "2", None),
])  # fmt: skip


def test_every_rule_gives_the_labels_that_raters_gave() -> None:
    found = harm(LABELS, scheme(), key=KEY)
    value = {(r["item"], r["measure"].removeprefix("harm:")): r["value"] for r in found.iter_rows(named=True)}
    rules = ["rater ann", "rater bob", "union", "agreed"]
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
    key = sheet(heard(rest=60), per=120, seed=3).key
    rng = np.random.default_rng(0)
    true = rng.random(key.height) < np.where(key["condition"] == "aligned", 0.4, 0.1)
    rows = [
        (rater, item, "1", "harmful" if real and rng.random() < 0.8 else "harmless")
        for item, real in zip(key["blind"], true, strict=True) for rater in ("ann", "bob")
    ]  # fmt: skip
    found = means(harm(rated(list(rows)), scheme(), key=key), by=("measure", "condition"), clusters=["item"], draws=500)
    get = {(r["measure"], r["condition"]): r for r in found.iter_rows(named=True)}
    for rule, share in (("rater ann", 0.8), ("union", 0.96), ("agreed", 0.64)):
        row = get[f"harm:harmful:{rule}", "aligned"]
        assert row["low"] < 0.4 * share < row["high"]
    assert get["harm:harmful:agreed", "aligned"]["high"] < 0.4 * 0.96
    assert get["harm:harmful:union", "human"]["high"] < get["harm:harmful:agreed", "aligned"]["low"]


def test_all_faults_of_annotations_are_one_refusal() -> None:
    wrong = pl.concat([
        LABELS,
        rated([
            ("ann", "1", "1", "harmless"), ("cy", "99", "1", "harmful"), ("cy", "1", "3", "harmful"),
            ("cy", "2", "1", "awful"), ("cy", "3", "1", "harmless"), ("cy", "3", "2", FOOD), (None, "3", "1", "harmful"),  # type: ignore[list-item]
        ]),
    ])  # fmt: skip
    with pytest.raises(InputError) as refusal:
        annotations(wrong, scheme(), key=KEY)
    said = str(refusal.value)
    for fault in (
        "1 rows do not say their rater", "1 tasks outside the scheme: 3", "1 labels outside task 1: awful",
        "1 answers to task 2 though task 1 is not 'harmful', items: 3", "1 items that are not on the sheet: 99",
        "2 raters twice on an item: ann on 1",
    ):  # fmt: skip
        assert fault in said
    with pytest.raises(InputError, match="column 'task' is missing; column 'label' is missing; column 'item' is Int64"):
        annotations(pl.DataFrame({"rater": ["a"], "item": [1]}), scheme(), key=KEY)
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
    assert sorted(set(found["measure"])) == ["tone:yes:agreed", "tone:yes:rater ann", "tone:yes:union"]
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
