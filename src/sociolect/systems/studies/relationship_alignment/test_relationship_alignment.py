"""The study from end to end on planted pairs: what stands on the page, and the planted truth in its numbers; nothing in the null."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from sociolect import systems
from sociolect.load.planted_pairs_words import TRUTH
from sociolect.systems.studies.relationship_alignment import gaps, people, prepare, similar, terms
from sociolect.systems.studies.relationship_alignment.sizes import SIZES
from sociolect.tones import TONES
from sociolect.workspace import workspace

MODEL, WORDS = "scripted/commenter?kappa=1.5", "ngram/comments"
KAPPA = 1.5
BEND = 0.1  # ours: a score by words is not quite the log of a rate


def one(table: pl.DataFrame, **where: str) -> dict[str, Any]:
    return table.row(by_predicate=pl.all_horizontal(pl.col(c) == v for c, v in where.items()), named=True)


def farthest(table: pl.DataFrame, column: str) -> float:
    """The largest absolute value there."""
    return float(np.nanmax(np.abs(table[column].cast(pl.Float64).to_numpy())))


def whole(made: Any, condition: str, *, model: str = MODEL) -> dict[str, Any]:
    """kappa of one arm, over all tones."""
    return one(made.page.tables["kappa"], measure="all tones", arm=f"{model}, {condition}")


@cache
def regressed(folder: Path) -> pl.DataFrame:
    """The prepared table, out of the steps the run left."""
    from sociolect.measure.tone import wide

    parts = sorted(folder.glob("steps/tones_?/frame.parquet"))
    scored = pl.concat([wide(pl.read_parquet(p)) for p in parts], how="diagonal_relaxed")  # type: ignore[arg-type]  # scores as they were written
    return prepare.prepared(scored, eps=prepare.offsets(scored))


@pytest.mark.slow
def test_every_part_of_the_study_stands_on_the_page(made: Any) -> None:
    due = {
        "claims", "gain", "slopes", "within_between", "equal_joint", "equal", "kappa", "betas", "ceiling", "context",
        "by_condition", "across_models", "m1_0", "m1_1", "m2_0", "m3", "overlap", "balance", "negative_control",
        "doubly_robust", "depends", "grid", "detectable", "attrition", "loading", "traits",
    }  # fmt: skip
    found = made.page.tables
    assert due <= set(found)
    figures = {s.name for s in made.page.sections if s.figure}
    assert {"slopes", "kappa", "betas", "context", "overlap"} <= figures
    assert set(found["slopes"]["arm"]) == {"people", *(f"{m}, {c}" for m in (MODEL, WORDS) for c in ("none", "all"))}
    assert set(found["grid"]["arm"]) >= {
        "primary", "eps 0.0001", "eps 0.001", "eps 0.01", "rank", "probit", "fractional logit", "commenter effect", "within post",
        "without post tones", "with length", "weighted", "weighted, trimmed", "age log", "age spline",
    }  # fmt: skip
    refused = found["grid"].filter(pl.col("contrast") == "not fitted")
    assert refused.height == 0, refused["method"].to_list()
    assert {h.table for h in made.page.headlines} == {"gain", "kappa", "context"}
    assert len(found["claims"]) == len(systems.find("relationship_alignment").claims)


@pytest.mark.slow
def test_people_follow_the_planted_relation(made: Any) -> None:
    found = made.page.tables
    assert (found["gain"]["p_holm"] < 0.05).all()
    assert found["gain"]["measure"].to_list() == list(TONES)
    slopes = found["slopes"].filter(pl.col("arm") == "people")
    # every large planted step has its sign, and its interval excludes 0
    large = [(t, b) for t in TONES if abs(b := TRUTH[t]["close"]) >= 0.2]
    assert len(large) >= 5
    for tone, b in large:
        row = one(slopes, measure=tone, contrast="closeness = close")
        assert row["low"] * b > 0
        assert row["high"] * b > 0
        assert row["estimate"] == pytest.approx(b, abs=0.12 + BEND * abs(b))
    near = one(slopes, measure="self_disclosure", contrast="closeness = close")
    assert near["high"] < -0.2
    verdicts = found["claims"]["same sign?"].to_list()
    assert (verdicts[0], verdicts[1], verdicts[-1]) == ("yes", "no", "yes")
    assert near["estimate"] == found["claims"]["here"].to_list()[-1]


@pytest.mark.slow
def test_the_model_over_reacts_as_planted_to_what_it_is_told_and_to_nothing_else(made: Any) -> None:
    told = whole(made, "all")
    assert told["estimate"] == pytest.approx(KAPPA, rel=BEND)
    assert told["low"] > 1.1
    assert told["verdict"] == "different"
    for condition in ("none", "placebo", "false"):  # of another pair's facts the true ones know nothing
        row = whole(made, condition)
        assert row["low"] < 0 < row["high"]
        assert abs(row["estimate"]) < 0.1
    false = one(made.page.tables["m2_0"], arm="kappa on false facts")
    assert false["estimate"] == pytest.approx(told["estimate"], abs=0.1)
    assert false["low"] > 1.1
    parts = [whole(made, c)["estimate"] for c in ("closeness", "gender+closeness", "all")]
    assert parts == sorted(parts)
    flat = made.page.tables["m2_0"].filter(pl.col("arm") == "placebo - none")
    assert flat.height == len(TONES)
    assert (flat["p_holm"] > 0.05).all()


@pytest.mark.slow
def test_what_was_told_nothing_is_at_chance_within_a_post(made: Any) -> None:
    for name in ("m1_0", "m1_1"):
        inside = made.page.tables[name].filter(pl.col("block") == "the commenter, within a post")
        assert inside.height == len(TONES)
        assert (inside["p_holm"] > 0.05).all()


@pytest.mark.slow
def test_a_model_of_words_alone_is_like_nobody_and_the_floor_is_flat(made: Any) -> None:
    betas = made.page.tables["betas"]
    words = betas.filter(pl.col("model") == WORDS, pl.col("condition").is_in(["none", "all"]))
    assert words.height == 2 * len(TONES)
    assert farthest(words, "estimate") < 0.12
    assert abs(np.mean(words["estimate"].to_numpy())) < 0.02
    floor = betas.filter(pl.col("condition") == "shuffled")
    assert (floor["p_bh"] > 0.05).all()
    assert farthest(floor, "estimate") < 0.12
    mine = betas.filter(pl.col("model") == MODEL, pl.col("condition") == "all")
    assert (mine["low"] > 0).all()
    for condition in ("none", "all"):
        row = whole(made, condition, model=WORDS)
        assert row["low"] < 0 < row["high"]
    # people of one kind on one post are more alike than any model is with people
    ceiling = made.page.tables["ceiling"]
    for arm in ("none", "all", "shuffled"):
        assert (ceiling["people"] > ceiling[f"model, {arm}"]).all()


@pytest.mark.slow
def test_the_numbers_of_the_page_are_those_of_the_functions(made: Any) -> None:
    table, found = regressed(made.folder), made.page.tables
    human = table.filter(pl.col("source") == "human")
    block = terms.designed(human)
    gain = people.gain(human, block)
    assert found["gain"]["chi2"].to_list() == pytest.approx(gain["chi2"].to_list(), rel=1e-3)  # four digits stand there
    rows = prepare.paired(table, MODEL, "all")
    kappa = gaps.reactions(rows, block, arm="x").row(by_predicate=pl.col("measure") == "all tones", named=True)
    shown = whole(made, "all")
    assert [shown[c] for c in ("estimate", "low", "high")] == pytest.approx([kappa[c] for c in ("estimate", "low", "high")])  # fmt: skip
    alike = similar.similar(table, block, speaker=MODEL, conditions=["none", "all"])
    for name, column in (("betas", "condition"), ("context", "contrast")):
        ours = similar.betas(alike) if name == "betas" else similar.context(alike)
        theirs = found[name].filter(pl.col("model") == MODEL)
        both = ours.join(theirs, on=["measure", column], suffix=" shown")
        assert both.height == ours.height
        for c in ("estimate", "low", "high"):
            assert both[c].to_list() == pytest.approx(both[f"{c} shown"].to_list(), abs=1e-12)
    written = pl.read_csv(made.folder / "tables" / "kappa.csv")
    assert written["estimate"].to_list() == pytest.approx(found["kappa"]["estimate"].to_list())


@pytest.mark.slow
def test_every_comment_is_accounted_for(made: Any) -> None:
    found = made.page.tables
    lost = found["attrition"]
    assert (lost["asked"] == lost.select(pl.sum_horizontal("answered", "refused", "empty", "unparsed")).to_series()).all()  # fmt: skip
    mine = lost.filter(pl.col("speaker") == MODEL)
    assert set(mine["asked"]) == {8000}
    assert {"none", "all", "placebo", "false", "gender", "age", "closeness"} <= set(mine["condition"])
    assert "shuffled" not in mine["condition"]  # nobody was asked: it is what was said on another post
    facts = dict(mine.select("condition", "facts").rows())
    assert (facts["none"], facts["closeness"], facts["all"], facts["placebo"], facts["false"]) == (0, 1, 5, 5, 5)
    counts = {(o, r): n for o, r, n in found["loading"].rows()}
    assert counts["kept", "comments"] == 4000
    balance = found["balance"]
    assert farthest(balance.filter(~pl.col("held_out")), "after") < 0.1
    assert farthest(balance, "before") > 0.1
    assert found["negative_control"].filter(pl.col("p") < 0.01).height == 0
    power = found["detectable"]
    assert (power["detectable"] > 2.5 * power["se"]).all()


@pytest.mark.slow
def test_the_page_quotes_nobody_and_names_nobody(made: Any) -> None:
    html = re.sub(r'(?:src|href)="data:[^"]*"', "", made.bytes["report.html"].decode())
    assert all(s.quotes is None for s in made.page.sections)
    said = pl.concat([pl.read_parquet(p).select("text") for p in made.folder.glob("steps/replies_?/frame.parquet")])
    posts = pl.read_parquet(next(made.folder.glob("steps/load/posts.parquet")))
    texts = [*said["text"].drop_nulls().sample(200, seed=1), *posts["text"].sample(200, seed=1)]
    for text in texts:
        assert " ".join(text.split()[:6]) not in html
    names = {*posts["person"], *posts["post"]}
    for page in (html, *(content.decode() for name, content in made.bytes.items() if name.endswith(".csv"))):
        assert not names & {*re.findall(r"\w+", page)}
    traits = made.page.tables["traits"]
    assert (traits["people"].drop_nulls() >= 10).all()


@pytest.mark.slow
def test_in_the_null_the_page_claims_no_effect_of_the_relation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    card = systems.find("relationship_alignment")
    # a smaller society than the smallest size: a null needs no power
    small = SIZES["tiny"]._replace(pairs=1000, posts=250, commenters=200, asked=300, replications=100)
    monkeypatch.setitem(SIZES, "tiny", small)
    with workspace(tmp_path, system=card.slug, keywords={}) as work:
        page = card.run(work, null=True, models=(MODEL,), controls=False, seed=2)
    found = page.tables
    claimed = dict(zip((c.id for c in card.claims), found["claims"]["same sign?"], strict=True))
    # people and the model mirror the post here too, so that they are alike; but not by who speaks to whom
    for claim in ("gain", "equal", "disclosure_close", "context_surprised", "context_insult"):
        assert claimed[claim] in ("no", "undecided", "people's own reaction is not told from 0"), claim
    assert (found["gain"]["p_holm"] > 0.05).all()
    assert "relation moves nothing" in page.summary
    headline = {h.label: h.value for h in page.headlines}
    assert headline["tones of people that the relation moves"] == f"0 of {len(TONES)}"
    assert all(v == "not available" for k, v in headline.items() if k.startswith("reaction"))
