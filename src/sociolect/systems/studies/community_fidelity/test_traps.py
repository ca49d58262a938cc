"""The traps of the published pipeline, each as a test: prompts, fates, levelling, halves, claims, and what a page shows."""

import ast
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from sociolect import frames
from sociolect.compare.origin import f1_effects
from sociolect.errors import RefusedError
from sociolect.fingerprint import fingerprint
from sociolect.frames import Effects, Replies
from sociolect.load.planted import planted, topics
from sociolect.measure.overlap import duplicates, overlap
from sociolect.systems import find as card_of
from sociolect.systems.studies.community_fidelity import align, compare, elicit, measure

CLAIMS = card_of("community_fidelity").claims
COPY = "the ferry crosses the cold river every morning at nine"


def heard(rows: Sequence[tuple[str, str, str, int, str | None]], **columns: Any) -> Replies:
    """Replies out of (condition, community, item, draw, text); people where the condition is human, one a row."""
    names = ["condition", "community", "item", "draw", "text"]
    said = pl.DataFrame(
        rows, orient="row", schema=dict(zip(names, [pl.String] * 3 + [pl.Int64, pl.String], strict=True))
    )
    human = pl.col("condition") == "human"
    return frames.replies(
        said.with_columns(
            speaker=pl.when(human).then(pl.format("p{}", pl.int_range(pl.len()))).otherwise(pl.lit("base")),
            source=pl.when(human).then(pl.lit("human")).otherwise(pl.lit("model")),
            turn=pl.lit(0, pl.Int64), prompt=pl.lit(None, pl.String),
            refused=pl.col("text").str.starts_with("I'm sorry"), **columns,
        )
    )  # fmt: skip


def known(rows: Sequence[tuple[str, str, str, int, str | None]]) -> pl.DataFrame:
    return heard(rows).with_columns(rouge=pl.lit(0.0), again=pl.lit(0.0), fate=pl.lit("kept"))


def effects(rows: Sequence[tuple[str, str, float | None, float | None, float | None]], **columns: Any) -> Effects:
    names = {"measure": pl.String, "contrast": pl.String, "estimate": pl.Float64, "low": pl.Float64, "high": pl.Float64}
    return frames.effects(pl.DataFrame(rows, schema=names, orient="row").with_columns(n=pl.lit(9, pl.Int64), **columns))


# 1, 2, 3: the prompts


@pytest.mark.parametrize("community", [None, "the kettle club"])
def test_every_topic_stands_in_twenty_templates_none_of_which_holds_another(community: str | None) -> None:
    items = elicit.prompts(topics(n=9), community=community)
    assert (items.height, items["item"].n_unique(), items["prompt"].n_unique()) == (180, 180, 180)
    assert set(items.group_by("topic").len()["len"]) == {20}
    assert set(items.group_by("template").len()["len"]) == {9}
    said = items["prompt"].to_list()
    assert not any(a in b for i, a in enumerate(said) for j, b in enumerate(said) if i != j)
    assert all(topic in prompt for topic, prompt in items.select("topic", "prompt").iter_rows())
    assert items["prompt"].str.contains("kettle").sum() == (180 if community else 0)


@pytest.mark.parametrize("named", [False, True])
def test_arms_are_asked_the_same_items_with_the_same_decoding(monkeypatch: pytest.MonkeyPatch, named: bool) -> None:
    put: dict[str, list[tuple[Any, ...]]] = {}

    def asked(models: Any, items: pl.DataFrame, *, condition: str, **settings: Any) -> Replies:
        put.setdefault(condition, []).append((list(models), items.rows(), settings))
        return frames.replies(frames.empty("replies"))

    model = type("Model", (), {"folder": Path("base")})()
    for name in ("opened", "in_context", "local"):
        monkeypatch.setattr(align, name, lambda *_, **__: model)
    monkeypatch.setattr(align, "ask", asked)
    taught = pl.DataFrame({"community": ["amber", "birch"], "prompt": "say", "reply": "tea"})
    for arm in align.ARMS:
        adapters = Path("adapters") if arm in {"aligned", "shuffled"} else None
        align.asked(
            arm, "hf/base", adapters, frames.examples(taught), topics(n=2), held_out=frozenset(), name_community=named,
            templates=20, exemplars=3, decoding={"tokens": 8, "temperature": 0.95}, seed=1,
        )  # fmt: skip
    assert list(put) == ["base", "in_context", "aligned", "shuffled"]
    assert all(said == put["base"] for said in put.values())
    assert ("amber" in str(put["base"][0][1])) == named


# 4, 12, 13: what becomes of a reply

ARM = ["a walk along the shore", None, "I'm sorry, but I can't help", "A walk, along the shore!", COPY, COPY.upper()]


def losses(arms: tuple[str, ...] = ("base", "aligned", "human")) -> tuple[Replies, pl.DataFrame]:
    replies = heard([(arm, "red", f"t{i}", 0, text) for arm in arms for i, text in enumerate(ARM)])
    return replies, elicit.fates(replies, overlap(replies, [COPY]), duplicates(replies))


def test_every_arm_asked_is_kept_and_lost_in_full_and_copies_are_counted_before_they_go() -> None:
    _, found = losses()
    due = ["kept", "no answer", "refused", "repeated", "copied", "repeated"]
    for arm in ("base", "aligned", "human"):
        assert found.filter(pl.col("condition") == arm).sort("item")["fate"].to_list() == due
    table = elicit.attrition(found)
    parts = ["kept", "no answer", "refused", "repeated", "copied"]
    assert table["asked"].to_list() == table.select(pl.sum_horizontal(parts)).to_series().to_list() == [6, 6, 6]
    # two replies copy the post, though one of them falls as a repeat
    assert table["rouge_l above .7"].to_list() == [2, 2, 2]


def test_fates_are_blind_to_who_spoke_and_to_the_order_of_rows() -> None:
    replies, found = losses()
    other = pl.when(pl.col("source") == "human").then(pl.lit("model")).otherwise(pl.lit("human"))
    turned = frames.replies(replies.with_columns(source=other).sample(fraction=1.0, shuffle=True, seed=1))
    again = elicit.fates(turned, overlap(turned, [COPY]), duplicates(turned))
    keys = ["condition", "speaker", "item"]
    assert again.sort(keys)["fate"].equals(found.sort(keys)["fate"])


# 11: equal n


def cells(arm: str, community: str, items: range) -> list[tuple[str, str, str, int, str | None]]:
    return [(arm, community, f"t{i:02}", 0, f"{arm} {community} {i}") for i in items]


def test_levelled_arms_have_one_n_and_cells_that_all_kept_come_first() -> None:
    said = cells("base", "red", range(20)) + cells("aligned", "red", range(10, 20)) + cells("base", "blue", range(15))
    said += cells("aligned", "blue", range(5, 20)) + cells("human", "red", range(7)) + cells("human", "blue", range(30))
    rows = known(said)
    rows = pl.concat([rows, known(cells("aligned", "red", range(10))).with_columns(fate=pl.lit("copied"))])
    kept = elicit.level(rows, seed=1)
    n = kept.group_by("condition", "community").len()
    assert set(n.filter(pl.col("condition") != "human")["len"]) == {10}
    assert set(n.filter(pl.col("condition") == "human")["len"]) == {7}
    red = kept.filter((pl.col("condition") == "base") & (pl.col("community") == "red"))
    assert red["item"].to_list() == [f"t{i:02}" for i in range(10, 20)]
    assert elicit.level(rows.sample(fraction=1.0, shuffle=True, seed=2), seed=1).equals(kept)


def test_levelled_arms_stay_paired() -> None:
    said = [c for arm in ("base", "aligned") for c in cells(arm, "red", range(40)) + cells(arm, "blue", range(10))]
    red = elicit.level(known(said), seed=1).filter(pl.col("community") == "red")
    assert red["item"].n_unique() == 10


def test_an_arm_that_kept_nothing_of_a_community_is_not_passed_over() -> None:
    said = [c for arm in ("base", "aligned") for c in cells(arm, "red", range(9)) + cells(arm, "blue", range(9))]
    rows = known([c for c in said if c[:2] != ("aligned", "blue")])
    lost = known(cells("aligned", "blue", range(9))).with_columns(fate=pl.lit("refused"))
    with pytest.raises(RefusedError, match="aligned"):
        elicit.level(pl.concat([rows, lost]), seed=1)


def test_halves_share_no_author() -> None:
    rows = [("human", c, f"t{i}", 0, "x") for c, n in (("red", 31), ("blue", 12)) for i in range(n)]
    said = heard(rows).with_columns(speaker=pl.format("p{}{}", "community", pl.col("item").str.head(2)))
    found = elicit.halves(frames.replies(said), seed=1)
    assert found["speaker"].is_unique().all()
    assert set(found["speaker"]) == set(said["speaker"])
    blue = found.filter(pl.col("speaker").str.contains("blue"))["half"]
    assert sorted(blue) == ["a"] * 5 + ["b"] * 5
    assert elicit.halves(frames.replies(said[::-1]), seed=1).equals(found)


# the claims


def test_a_claim_is_yes_no_undecided_or_not_measured_by_its_interval_alone() -> None:
    here = effects([
        ("weighted_f1", "aligned", 0.4, 0.3, 0.5), ("weighted_f1", "in_context", 0.2, 0.15, 0.3),
        ("weighted_f1", "aligned / in_context", 0.8, 0.7, 0.9), ("emotion", "aligned - in_context", 0.1, None, None),
    ])  # fmt: skip
    table = compare.claims(CLAIMS, here, communities=6)
    asked = dict(zip([c.id for c in CLAIMS], table["same sign?"], strict=True))
    measured = {"origin_aligned": "yes", "origin_in_context": "undecided", "origin_ratio": "no"}
    assert asked == dict.fromkeys(asked, "not measured") | measured
    assert compare.sign(1 / 6, 0.5, 1 / 6) == compare.sign(0.1, 0.2, 0.2) == "undecided"
    # a change of the null value (two communities: chance is .5) changes the answer, not the numbers
    assert compare.claims(CLAIMS, here, communities=2)["same sign?"][0] == "undecided"


def test_a_claims_number_is_read_from_the_card_and_typed_nowhere() -> None:
    none = effects([])
    said = compare.claims(CLAIMS, none, communities=6)["the paper says"].to_list()
    assert said == [c.value for c in CLAIMS]
    moved = [replace(c, value=(c.value or 0.0) + 0.01) for c in CLAIMS]
    assert compare.claims(moved, none, communities=6)["the paper says"].to_list() == [c.value for c in moved]
    published = {c.value for c in CLAIMS} - {None}
    for file in Path(compare.__file__).parent.glob("*.py"):
        if not file.name.startswith("test_") and file.name != "plan.py":  # a plan makes no claim
            typed = {n.value for n in ast.walk(ast.parse(file.read_text())) if isinstance(n, ast.Constant)}
            assert not published & typed, file.name


def test_every_claim_has_an_answer_and_the_origin_ones_are_answered() -> None:
    assert set(compare.ANSWERS) == {c.id for c in CLAIMS}
    rng, arms = np.random.default_rng(1), ["aligned", "in_context", "human"]
    rows = [(arm, c, f"t{t}{u}", 0, "x") for arm in arms for c in ("red", "blue") for t in range(6) for u in range(5)]
    right = pl.Series(rng.random(len(rows)) < 0.8)
    said = heard(
        rows, measure=pl.lit("origin"), topic=pl.col("item").str.slice(1, 1), template=pl.col("item").str.tail(1)
    )
    scores = said.drop("prompt", "text").with_columns(
        value=right.cast(pl.Float64), label=pl.when(right).then("community").otherwise(pl.lit("red"))
    )
    found = f1_effects(frames.scores(scores), labels=["blue", "red"], arms=arms, draws=200)
    table = compare.claims(CLAIMS, found, communities=2)
    origin = table.filter(pl.Series([c.id.startswith("origin") for c in CLAIMS]))
    assert origin.height == 4
    assert origin["low"].null_count() == origin["n"].null_count() == 0


# the instruments


def test_planted_labels_are_the_truth_with_its_author() -> None:
    posts = planted(people=60, communities=3, seed=1).posts
    toxic, emotion = measure.planted_labels(posts, "toxic"), measure.planted_labels(posts, "emotion")
    assert (toxic["labels"].list.first() == "toxic").sum() == posts["toxic"].sum()
    assert emotion["labels"].list.first().equals(posts["emotion"].alias("labels"))
    assert toxic["group"].equals(posts["person"].alias("group"))


def test_a_reader_is_multi_label_where_a_text_has_several_labels() -> None:
    texts = [f"{'the cat purrs' if i % 2 else 'a dog barks'} {i}" for i in range(60)]
    one = pl.DataFrame({"text": texts, "labels": [["cat"] if i % 2 else ["dog"] for i in range(60)]})
    single = measure.reader(one.with_columns(group=pl.Series([f"g{i // 4}" for i in range(60)])), seed=0)
    assert (single.multi, single.labels, single.accuracy) == (False, ("cat", "dog"), 1.0)
    several = one.with_columns(labels=pl.concat_list("labels", pl.lit("pet")))
    assert measure.reader(several, seed=0).multi


def test_a_base_in_a_folder_counts_by_its_content(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    base = align.given(f"hf/{tmp_path}")
    before = fingerprint(base)
    (tmp_path / "config.json").write_text("{ }")
    assert fingerprint(align.given(f"hf/{tmp_path}")) != before
    assert align.given("hf/some/hub-id") == "some/hub-id"
