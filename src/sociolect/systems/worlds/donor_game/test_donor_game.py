"""The recipe from end to end, the claims, and the plan."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sociolect import frames, systems
from sociolect.errors import UsageError
from sociolect.report.content import Page
from sociolect.report.page import write
from sociolect.systems import read
from sociolect.systems.worlds.donor_game import claims, compare, recipe
from sociolect.systems.worlds.donor_game.page import Found
from sociolect.systems.worlds.donor_game.plan import plan
from sociolect.workspace import workspace

CARD = read(Path(__file__).parent)
LITTLE: dict[str, Any] = {"agents": 4, "runs": 2, "generations": 2, "seeds": 3, "tries": 2}


def ran_with(folder: Path, **keywords: Any) -> tuple[Page, pl.DataFrame]:
    with workspace(folder, system="donor_game", keywords=keywords) as work:
        page = recipe.run(work, **keywords)
        write(page, folder / "report.html")
    return page, pl.read_parquet(folder / "steps" / "replies" / "frame.parquet")


@pytest.fixture
def made(ran: Callable[..., Any]) -> tuple[Page, pl.DataFrame, Path]:
    one = ran("donor_game")
    return one.page, pl.read_parquet(one.folder / "steps" / "replies" / "frame.parquet"), one.folder


@pytest.mark.slow
def test_the_page_says_what_evolves_and_what_it_costs(made: tuple[Page, pl.DataFrame, Path]) -> None:
    page, replies, folder = made
    told = page.tables
    assert told["expected"]["holds"].to_list() == [True] * 4
    gain = told["contrasts"].filter(measure="donated", contrast="numeric: punishment - no trace").row(0, named=True)
    assert gain["low"] > 0
    assert gain["n"] == 20
    assert told["runs"].filter(community="numeric").height == 4 * 20 * 2
    assert "No language model was asked" in page.summary
    assert page.sections[0].figure.count("<path") >= 4 * 20
    assert page.sections[1].name == "claims"
    assert page.sections[-1].title == "Where we differ"
    assert frames.replies(replies).height == told["attrition"]["asked"].sum()
    lost = told["attrition"]
    assert (lost["answered"] + lost["refused"] + lost["invalid"] + lost["blank"] == lost["asked"]).all()
    assert (lost["low"] <= lost["unreadable"]).all()
    assert lost.filter(community="words")["invalid"].sum() > 0
    # the dossier's line on parsed answers, held for the population that can read: 95 % or more
    assert lost.filter(pl.col("asked for") == "a gift", community="planted")["high"].to_numpy().max() <= 0.05
    shown = next(s for s in page.sections if s.title == "What the players are told")
    assert "Answer: Punish, x" in shown.prose
    assert "except from round 6 to round 7" in shown.prose
    assert (folder / "report.html").read_bytes().startswith(b"<!doctype html>")


@pytest.mark.slow
def test_the_planted_population_gives_under_punishment_too(made: tuple[Page, pl.DataFrame, Path]) -> None:
    first = (
        made[0]
        .tables["ends"]
        .filter(measure="donated", contrast="planted, punishment, generation 1")
        .row(0, named=True)
    )
    assert 0.2 < first["estimate"] < 0.55


@pytest.mark.slow
def test_what_the_plan_says_is_what_the_recipe_asks(made: tuple[Page, pl.DataFrame, Path]) -> None:
    calls = plan().calls.group_by("model").agg(pl.col("calls", "calls_high", "calls_low").sum())
    for row in calls.iter_rows(named=True):
        mine = made[1].filter(model=row["model"])
        assert row["calls"] == mine.height
        assert row["calls_low"] <= mine["tries"].sum() <= row["calls_high"]


def test_a_run_is_twice_alike(tmp_path: Path) -> None:
    (_, said), (_, words) = (ran_with(tmp_path / name, **LITTLE) for name in "ab")
    assert said.equals(words)
    assert (tmp_path / "a" / "report.html").read_bytes() == (tmp_path / "b" / "report.html").read_bytes()


def test_every_keyword_changes_something(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Found] = []

    def bare(found: Found, made: dict[str, str], *, seed: int) -> Page:
        seen.append(found)
        return Page("bare", [], made=tuple(made.items()))

    monkeypatch.setattr(recipe, "page", bare)
    base, said = ran_with(tmp_path / "base", **LITTLE)
    changes: list[dict[str, Any]] = [
        {"schedule": "alternating"}, {"selection": "random"}, {"agents": 6}, {"generations": 1}, {"runs": 1}, {"multiplier": 3.0},
        {"scores": False}, {"tries": 1}, {"seed": 1}, {"conditions": ("refusal", "no trace")}, {"temperature": 0.2}, {"tokens": 3},
    ]  # fmt: skip
    for number, more in enumerate(changes):
        other, others = ran_with(tmp_path / str(number), **(LITTLE | more))
        assert not others.equals(said), more
        assert other.made != base.made or "tokens" in more
        moves = {"schedule", "agents", "multiplier", "seed"}  # the keywords that numeric agents have too
        assert seen[-1].numeric.equals(seen[0].numeric) != bool(moves & set(more)), more
    ran_with(tmp_path / "fewer", **(LITTLE | {"seeds": 2}))
    assert seen[-1].numeric["run"].n_unique() == 2


def test_models_of_ones_own_are_played_under_their_names(tmp_path: Path) -> None:
    names = {"mute": "scripted/constant", "sorry": "scripted/refuse"}
    page, said = ran_with(tmp_path, **(LITTLE | {"models": names, "size": "small"}))
    assert said.group_by("community").agg(pl.col("model").first()).sort("community").rows() == sorted(names.items())
    lost = page.tables["attrition"]
    assert lost.filter(community="sorry")["refused"].sum() == lost.filter(community="sorry")["asked"].sum()
    assert lost.filter(community="mute")["invalid"].sum() == lost.filter(community="mute")["asked"].sum()
    assert "2 models were played" in page.summary
    held = dict(
        zip([c.id for c in CARD.claims], page.tables["claims"].select("here", "same sign?").rows(), strict=True)
    )
    assert held["generations"] == (2.0, "no")  # those of the populations that speak
    assert "expected" not in page.tables  # what is due was measured at other sizes
    ends = page.tables["ends"].filter(measure="donated").filter(pl.col("contrast").str.starts_with("mute"))
    assert ends["estimate"].null_count() == ends.height  # who is never read has given no share


def test_a_size_without_models_and_numbers_out_of_range_are_refused(tmp_path: Path) -> None:
    with workspace(tmp_path, system="donor_game", keywords={}) as work:
        with pytest.raises(UsageError, match="--size full plays models of your own: name them with --models"):
            recipe.run(work, size="full")
        with pytest.raises(UsageError, match=r"--runs 0: 1 or more is due; --tries 0.*; --multiplier -1"):
            recipe.run(work, runs=0, tries=0, multiplier=-1.0)
        with pytest.raises(UsageError, match=r"--temperature -1: a number from 0 on is due; no condition 'x'"):
            recipe.run(work, temperature=-1.0, conditions=("x",))
        with pytest.raises(UsageError, match="--temperature nan"):
            recipe.run(work, temperature=float("nan"))
        with pytest.raises(UsageError, match="each once"):
            recipe.run(work, conditions=("trace", "trace"))
        with pytest.raises(UsageError, match="did you mean 'trace'"):
            recipe.run(work, conditions=("traces",))
        with pytest.raises(UsageError, match="an even number"):
            recipe.run(work, agents=5)
        with pytest.raises(UsageError, match="choose another"):
            recipe.run(work, models={"numeric": "scripted/echo"})


def test_the_card_holds_every_claim_of_the_dossier() -> None:
    assert [(c.id, c.value) for c in CARD.claims] == [
        ("order", None), ("punish_claude", None), ("punish_others", None), ("spread", None), ("agents", 12), ("generations", 10),
        ("multiplier", 2),
    ]  # fmt: skip
    assert CARD.paper == "arXiv 2412.10270"
    assert CARD.slug in {p.parent.name for p in systems.SYSTEMS.glob("worlds/*/card.toml")}


MODELS = {"a": "endpoint/claude-3-5-sonnet-20241022", "b": "endpoint/gemini-1.5-flash", "c": "openai/gpt-4o"}


def judged(
    level: dict[str, float], gain: dict[str, float], sd: float, models: dict[str, str] = MODELS
) -> dict[str, str]:
    """The verdicts where each population's log units are `level`, punishment adds `gain`, and runs lie so far apart."""
    told = [
        (c, condition, r, 10, 0.5 + sd * (r - 2.5) / 1.87, v, v)
        for c in models for condition in ("trace", "punishment") for r in range(6)
        for v in [level[c] + 0.01 * (r - 2.5) + (gain[c] + 0.01 * (r % 2) if condition == "punishment" else 0)]
    ]  # fmt: skip
    runs = pl.DataFrame(
        told, schema=["community", "condition", "run", "generation", "donated", "log_units", "mean_units"], orient="row"
    )
    sizes = {"agents": 12.0, "generations": 10.0, "multiplier": 3.0}
    table = claims.table(CARD.claims, models, runs, compare.contrasts(runs), compare.spread(runs), sizes=sizes)
    return dict(zip([c.id for c in CARD.claims], table["same sign?"], strict=True))


def test_claims_are_judged_by_the_named_base_models_alone() -> None:
    level, gain = {"a": 3.0, "b": 2.0, "c": 1.0}, {"a": 0.5, "b": -0.5, "c": -0.2}
    found = judged(level, gain, 0.2)
    assert found == {"order": "yes", "punish_claude": "yes", "punish_others": "yes", "spread": "yes", "agents": "yes",
                     "generations": "yes", "multiplier": "no"}  # fmt: skip
    found = judged({"a": 1.0, "b": 2.0, "c": 3.0}, {"a": -0.5, "b": 0.5, "c": 0.0}, 0.001)
    assert [found[k] for k in ("order", "punish_claude", "punish_others", "spread")] == ["no"] * 4
    others = judged(level, gain, 0.2, {"a": "hf/claude-like", "b": "openai/gpt-4o-mini", "c": "hf/gemma"})
    assert [others[k] for k in ("order", "punish_claude", "punish_others")] == ["not measured"] * 3


def test_no_claim_about_base_models_is_held_against_numeric_agents(tmp_path: Path) -> None:
    page, _ = ran_with(tmp_path, **LITTLE)
    told = dict(zip([c.id for c in CARD.claims], page.tables["claims"]["same sign?"], strict=True))
    assert [told[k] for k in ("order", "punish_claude", "punish_others", "spread")] == ["not measured"] * 4
    assert (told["agents"], told["generations"], told["multiplier"]) == ("no", "yes", "yes")
    why = page.tables["claims"]["what stands here"]
    assert why.str.contains("on numeric agents").sum() == 3


def test_the_plan_grows_with_its_knobs() -> None:
    base = plan(models={"m": "openai/x"}, size="full")
    assert base.calls["where"].unique().to_list() == ["served"]
    assert base.calls["calls"].sum() == 10 * (10 * 144 + 12 + 9 * 6)
    assert base.calls["calls_high"].sum() == 10 * base.calls["calls"].sum()
    assert plan(models={"m": "openai/x"}, size="full", runs=10).calls["calls"].sum() == 2 * base.calls["calls"].sum()
    assert plan(models={"m": "openai/x"}, size="full", tries=1).calls["calls_high"].sum() == base.calls["calls"].sum()
    least = dict(base.comparisons.select("contrast", "detectable").rows())
    assert least["numeric: punishment - no trace"] < least["m: punishment - trace"]
    assert plan(runs=1).comparisons.filter(pl.col("contrast").str.starts_with("words"))["detectable"].to_list() == [
        None
    ]


@pytest.mark.slow
def test_the_planned_difference_is_about_what_the_page_can_show(made: tuple[Page, pl.DataFrame, Path]) -> None:
    row = (
        made[0]
        .tables["contrasts"]
        .filter(measure="donated", contrast="numeric: punishment - no trace")
        .row(0, named=True)
    )
    due = plan().comparisons.row(0, named=True)
    half = (row["high"] - row["low"]) / 2 / 2.09  # a standard error, by t of 19 degrees of freedom
    assert re.match("numeric", due["contrast"])
    assert 0.6 < half / (due["sd"] / 20**0.5) < 1.6
