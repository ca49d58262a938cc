"""The recipe from end to end: its page, its keywords, its plan, and what it refuses."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sociolect import frames, systems
from sociolect.elicit.inspect_task import samples
from sociolect.errors import InputError, RefusedError, UsageError
from sociolect.report.content import Page
from sociolect.report.page import render
from sociolect.systems.held import Here, held
from sociolect.systems.instruments.normad import agents, claims, elicit, load, measure, recipe
from sociolect.systems.instruments.normad.plan import plan
from sociolect.workspace import Workspace

CARD = systems.read(Path(__file__).parent)


@pytest.mark.slow
def test_the_page_shows_the_ladder_first_and_claims_nothing_of_planted_respondents(made: Any) -> None:
    first, second = made.page.sections[:2]
    assert first.figure
    assert (second.name, second.title) == ("claims", "What the paper claims, and what we find")
    told = made.page.tables
    assert told["claims"]["same sign?"].to_list() == ["not measured"] * 7
    assert told["claims"]["the paper says"].to_list()[:4] == [0.818, 0.956, 0.6, 0.6]
    assert made.page.sections[-1].title == "Where we differ"
    planted = told["planted"].row(0, named=True)
    assert planted["low"] < planted["planted"] < planted["high"] + 0.02
    assert "for 3 of 5 respondents" in made.page.summary
    assert told["attrition"].select(pl.sum("asked", "answered", "unparsed", "refused", "blank")).row(0) == (
        54_000,
        54_000,
        0,
        0,
        0,
    )
    assert not [s for s in made.page.sections if s.level == "warning"]


@pytest.mark.slow
def test_accuracy_stands_once_and_every_number_has_its_interval_and_n(made: Any) -> None:
    """Micro precision, recall and F1 of three exclusive labels are accuracy: none of them is another finding."""
    told = made.page.tables
    assert told["ladder"].select("community", "rows", "what", "measure").is_unique().all()
    seen = {m for t in told.values() if "measure" in t.columns for m in t["measure"]}
    assert not {m for m in seen if "micro" in m or "precision" in m}
    assert sum(t.filter(measure="accuracy").height for t in told.values() if "measure" in t.columns) == 50
    for name in ("ladder", "labels", "groups", "topics"):
        assert told[name].select(pl.sum_horizontal(pl.col("estimate", "low", "high", "n").null_count())).item() == 0, (
            name
        )
        assert (told[name]["low"] <= told[name]["estimate"]).all()
    assert told["ladder"]["clusters"].unique().to_list() == [12]


def small(tmp_path: Path, **keywords: Any) -> Page:
    return recipe.run(
        Workspace(tmp_path), **{"agents": ("knows all",), "rungs": ("none", "rule"), "orders": "fixed", **keywords}
    )


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load.planted, "__kwdefaults__", {"countries": 4, "rules": 3, "seed": 0})


@pytest.mark.usefixtures("few")
def test_every_keyword_changes_something(tmp_path: Path) -> None:
    plain = small(tmp_path / "a")
    words: tuple[dict[str, Any], ...] = ({"rungs": ("rule",)}, {"orders": "balanced"}, {"mask": False}, {"mode": "sampled"}, {"temperature": 1.0}, {"seed": 1},
                              {"agents": ("deaf",)}, {"size": "small"})  # fmt: skip
    for n, word in enumerate(words):
        other = small(tmp_path / str(n), **word)
        assert render(other) != render(plain), word
    assert "cannot be said" in small(tmp_path / "b", rungs=("none",)).summary


@pytest.mark.usefixtures("few")
def test_models_are_put_the_drawn_stories_and_held_against_the_claims(tmp_path: Path) -> None:
    page = small(
        tmp_path,
        models={"yes": "scripted/constant", "first": "scripted/first-option"},
        rungs=("none", "value", "country", "rule"),
    )
    told = page.tables
    assert told["attrition"]["community"].unique().sort().to_list() == ["first", "yes"]
    assert told["attrition"].filter(community="yes")["unparsed"].sum() == 0
    rows = {r["claim"]: r for r in told["claims"].iter_rows(named=True)}
    best = rows["accuracy of the best model with the rule given"]
    assert best["here"] == pytest.approx(1 / 3)
    assert best["same sign?"] == "not judged"
    country = rows["accuracy of the best model with the country alone (people: above .90)"]
    assert (country["here"], country["same sign?"]) == (pytest.approx(1 / 3), "yes")
    assert rows["accuracy of people with the rule given"]["same sign?"] == "not measured"
    assert (
        rows["stories that keep to a norm are easier than stories that break it: recall of yes less recall of no"][
            "here"
        ]
        == 1.0
    )


@pytest.mark.usefixtures("few")
def test_stories_that_a_model_was_taught_by_are_refused(tmp_path: Path) -> None:
    story = load.planted()["story"][5]
    taught = tmp_path / "taught.jsonl"
    taught.write_text(json.dumps({"prompt": "Tell a story.", "reply": f"Once: {story.upper()}"}) + "\n")
    models = {"m": "scripted/constant"}
    with pytest.raises(RefusedError, match="1 of 1 examples hold the text of"):
        small(tmp_path / "a", models=models, examples=taught)
    taught.write_text(json.dumps({"prompt": "Tell a story.", "reply": "Once there was a ship that sailed."}) + "\n")
    assert not [s for s in small(tmp_path / "b", models=models, examples=taught).sections if s.level == "warning"]
    told = claims.found({}, planted=True)
    assert held(CARD.claims, told)["same sign?"].unique().to_list() == ["not measured"]
    assert told["humans"] == Here(why=claims.CITED)


@pytest.mark.usefixtures("few")
def test_a_table_of_your_own_is_asked_and_its_suspects_counted(tmp_path: Path) -> None:
    rows = "".join(
        f"{c}-{n}-{g},{c},Gifts,gifts,be kind,{'In Peru one bows' if g == 'neutral' else 'bow'},Ann bowed ({n}). Fine?,{g}\n"
        for c in ("Canada", "Japan", "Peru", "Atlantis") for n in range(2) for g in ("yes", "no", "neutral")
    )  # fmt: skip
    (tmp_path / "n.csv").write_text(
        "ID,Country,Axis,Subaxis,Value,Rule-of-Thumb,Story,Gold Label\n" + rows + "x,Peru,Gifts,gifts,v,r,,no\n"
    )
    page = small(
        tmp_path / "a", stories=tmp_path / "n.csv", models={"m": "scripted/constant"}, rungs=("none", "country", "rule")
    )
    told = page.tables
    assert told["suspect"].rows() == [("rule", 6)]
    assert told["set_aside"]["count"].to_list() == [1]
    assert ("stories of countries in no group", "6") in page.made
    assert not told["groups"].filter(what="English-speaking")["low"].to_list()[0]  # one country: no interval
    assert "Name models" not in page.sections[1].prose


def test_a_log_of_the_exported_ladder_gives_the_page_that_asking_gives(tmp_path: Path) -> None:
    """Three stories and every rung, through the samples that Inspect is given and the log that it would write."""
    variants, target = elicit.exported()
    asked = {
        c: frames.items(v.filter(pl.col("item").str.starts_with("belvor") | pl.col("item").str.starts_with("cath")))
        for c, v in variants.items()
    }
    model = agents.agents(load.planted(), ("knows half",))["knows half"]
    direct = elicit.asked({"planted/knows half": model}, asked, mode="sampled")
    said = {(r["item"], r["condition"]): r["raw"] for r in direct.iter_rows(named=True)}
    made = samples(asked, target=target)
    assert [one["target"] for one in made[:3]] == ["Neither", "No", "Yes"]
    for one in made:
        reply = said[one["metadata"]["item"], one["metadata"]["condition"]]
        one |= {"epoch": 1, "output": {"choices": [{"message": {"content": reply}}]}}
    log = {"status": "success", "eval": {"model": model.name, "dataset": {"samples": len(made) + 2}}, "samples": made}
    (tmp_path / "log.json").write_text(json.dumps(log))
    page = recipe.run(Workspace(tmp_path / "a"), log=tmp_path / "log.json")
    made_of = dict(page.made)
    assert made_of["option orders"] == "permuted:0"
    assert made_of["temperature"] == "not said"
    told = page.tables
    due = measure.rungs_of(measure.adapted(direct), draws=1000)
    same = ["community", "rows", "what", "measure", "estimate", "low", "high", "n"]
    assert told["ladder"].select(same).sort(same[:4]).equals(due.select(same).sort(same[:4]))
    assert told["set_aside"].row(0)[:2] == ("never run, or cancelled", 2)
    with pytest.raises(InputError, match="not among those asked about"):
        recipe.run(Workspace(tmp_path / "b"), log=tmp_path / "log.json", seed=5)
    assert plan(log=tmp_path / "log.json").calls.is_empty()


@pytest.mark.parametrize(("every", "alone", "said"), [
    ((0.4, 0.5), (0.3, 0.5), "yes"), ((0.7, 0.8), (0.7, 0.9), "no"), ((0.4, 0.5), (0.55, 0.65), "undecided"), ((0.4, 0.5), (0.7, 0.8), "undecided"),
])  # fmt: skip
def test_a_verdict_on_a_level_holds_with_neutral_stories_and_without(
    every: tuple[float, float], alone: tuple[float, float], said: str
) -> None:
    """Neutral rows of the release are suspect: what only they decide is undecided."""
    rows = [
        {"community": "m", "what": what, "measure": "accuracy", "rows": kind, "estimate": sum(ends) / 2, "low": ends[0], "high": ends[1], "n": 9}
        for what in ("rule", "value", "country") for kind, ends in (("all", every), ("yes and no", alone))
    ]  # fmt: skip
    empty = pl.DataFrame(schema={"community": pl.String, "what": pl.String, "measure": pl.String})
    of: Any = {"rungs": pl.DataFrame(rows), "labels": empty, "groups": empty, "subaxes": empty}
    found = claims.found(of, planted=False)
    assert (found["value"].same, found["country"].same) == (said, said)
    assert f"yes and no stories alone: {sum(alone) / 2:.3g}" in found["value"].why


def test_what_cannot_be_run_is_said_before_anything_is_asked(tmp_path: Path) -> None:
    cases: tuple[tuple[dict[str, Any], str], ...] = (
        ({"size": "full"}, "--stories FILE and --models"),
        ({"temperature": -1.0}, "--temperature -1.0: 0 or more is due"),
        ({"stories": tmp_path / "x.csv"}, "planted respondents know the planted stories alone"),
        ({"examples": tmp_path / "x.csv"}, "name the model with --models"),
        ({"models": {"m": "scripted/constant"}, "log": tmp_path / "x.json"}, "name one of them"),
    )
    for words, said in cases:
        with pytest.raises(UsageError, match=said):
            recipe.run(Workspace(tmp_path), **words)
    assert not (tmp_path / "steps").exists()


@pytest.mark.usefixtures("few")
def test_replies_without_one_label_make_no_number(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match=r"none of 72 replies gives a label \(72 refused\)"):
        small(tmp_path, models={"m": "scripted/refuse"}, rungs=("none", "rule"))


@pytest.mark.slow
def test_the_plan_counts_what_the_recipe_asks(made: Any) -> None:
    planned = plan()
    replies = pl.read_parquet(made.folder / "steps" / "replies" / "frame.parquet")
    for row in planned.calls.iter_rows(named=True):
        assert replies.filter(speaker=row["model"]).height == row["calls"] == 10_800
    assert plan(models={"m": "openai/x"}).calls.row(0, named=True)["calls"] == 36 * 5 * 3
    assert plan(models={"m": "openai/x"}, mode="sampled", orders="fixed", size="small").calls["calls"].to_list() == [
        324 * 5
    ]
    least = planned.comparisons.row(0, named=True)
    found = made.page.tables["ladder"].filter(measure="gain", community="deaf", what="rule - none", rows="yes and no")
    assert found.height == 1
    assert 0.01 < least["detectable"] < 0.2
