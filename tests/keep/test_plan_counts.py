"""What a plan says will be asked is what the recipes ask, and what it says of precision is what their pages find."""

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from importlib import import_module
from inspect import Parameter, signature
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sociolect import frames, systems
from sociolect.compare.detectable import paired
from sociolect.measure.instrument import read
from sociolect.systems import Card
from sociolect.systems.planned import Plan
from sociolect.systems.questionnaire import scored

PLANTED = [systems.find(s) for s in ("community_fidelity", "relationship_alignment", "planted10")]


def plan_of(card: Card, **keywords: Any) -> Plan:
    made: Plan = import_module(f"sociolect.systems.{card.shelf}.{card.slug}.plan").plan(**keywords)
    return made


def heard(folder: Path, row: Mapping[str, Any]) -> int:
    """How many replies of a planned row stand in the step that the recipe made."""
    replies = pl.read_parquet(folder / "steps" / row["step"] / "frame.parquet")
    if row["step"] == "screened":
        return replies.filter((pl.col("mode") == "logprob") == (row["kind"] == "logprobs")).height
    if row["model"].startswith("planted/"):
        mine = replies.filter(speaker=row["model"])
        return mine.filter((pl.col("mode") == "logprob") == (row["kind"] == "logprobs")).height
    return replies.height


@pytest.mark.slow
@pytest.mark.parametrize("card", PLANTED, ids=lambda card: card.slug)
def test_the_planned_calls_are_those_that_the_recipe_makes(card: Card, ran: Callable[..., Any]) -> None:
    made, folder = (
        plan_of(card).calls.filter(pl.col("step") != "aligned"),
        ran(card.slug).folder,
    )  # no replies: the journal counts
    by = ["step", "model", "kind"]
    rows = made.group_by(by, maintain_order=True).agg(pl.col("^calls.*$").sum()).to_dicts()
    assert rows
    for row in rows:
        assert row["calls_low"] <= heard(folder, row) <= row["calls_high"], row
        assert row["calls"] == heard(folder, row), row


@pytest.mark.slow
@pytest.mark.parametrize("card", PLANTED, ids=lambda card: card.slug)
def test_the_journal_counts_what_was_planned(card: Card, ran: Callable[..., Any]) -> None:
    here = plan_of(card).calls.filter(pl.col("where") != "scripted")
    with closing(sqlite3.connect(ran(card.slug).folder / "journal.sqlite")) as book:
        (count,) = book.execute("SELECT COUNT(*) FROM calls").fetchone()
    assert here["calls_low"].sum() <= count <= here["calls_high"].sum()


@pytest.mark.slow
@pytest.mark.parametrize("card", PLANTED[1:2], ids=lambda card: card.slug)
def test_coefficients_are_as_sure_beside_each_other_as_was_planned(card: Card, ran: Callable[..., Any]) -> None:
    table = pl.read_csv(ran(card.slug).folder / "tables" / "detectable.csv")
    se = {c: float(v) for c, v in table.group_by("contrast").agg(pl.col("se").mean()).rows()}
    due = {c: float(v) for c, v in plan_of(card).comparisons.select("contrast", "detectable").rows()}
    one, first = se["commenter = man"], due["commenter: man - woman"]
    for found, planned in (("closeness = close", "closeness: close - stranger"), ("poster = man", "poster: man - woman"),
                           ("commenter's age", "commenter: ten years older")):  # fmt: skip
        assert due[planned] / first == pytest.approx(se[found] / one, rel=0.2), planned


@pytest.mark.slow
@pytest.mark.parametrize("card", PLANTED[:1], ids=lambda card: card.slug)
def test_intervals_of_differences_between_arms_are_about_as_wide_as_was_planned(
    card: Card, ran: Callable[..., Any]
) -> None:
    found = pl.read_parquet(ran(card.slug).folder / "steps" / "origin_effects" / "frame.parquet").filter(
        measure="accuracy"
    )
    planned = plan_of(card).comparisons.row(0, named=True)
    doubt = paired(planned["sd"], n=planned["n"], clusters=[(9, planned["icc"]), (20, planned["icc"])])
    due = 2.306 * doubt.tested  # t of 8 degrees of freedom
    for contrast in ("aligned - in_context", "aligned - shuffled", "in_context - base"):
        row = found.filter(contrast=contrast).row(0, named=True)
        assert 0.6 < (row["high"] - row["low"]) / 2 / due < 1.6, contrast


@pytest.mark.parametrize("card", systems.catalog().values(), ids=lambda card: card.slug)
def test_every_system_has_a_plan_that_takes_the_recipes_keywords(card: Card) -> None:
    plan = import_module(f"sociolect.systems.{card.shelf}.{card.slug}.plan").plan
    taken = signature(plan).parameters.values()
    assert any(p.kind is Parameter.VAR_KEYWORD for p in taken)
    assert {p.name for p in taken if p.kind is Parameter.KEYWORD_ONLY} <= set(card.keywords)


def test_a_plan_opens_no_model_and_trains_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("a plan opened or trained a model")

    for where in ("sociolect.models.open.open_model", "sociolect.models.local.local", "sociolect.models.scratch.scratch",
                  "sociolect.systems.questionnaire.open_model", "sociolect.systems.studies.relationship_alignment.arms.open_model"):  # fmt: skip
        monkeypatch.setattr(where, never)
    for card in PLANTED:
        assert plan_of(card).calls["calls"].sum() > 0


def test_the_knobs_move_the_calls_as_they_move_the_run() -> None:
    card = PLANTED[0]
    memory = 6 * 2 * 100  # six models weighed on a hundred posts a side
    plain = int(plan_of(card, instrument="").calls["calls"].sum()) - memory
    assert plain == 4 * 6 * 9 * 20
    assert plan_of(card, instrument="", templates=5).calls["calls"].sum() - memory == plain / 4
    assert plan_of(card, instrument="", only=("a", "b")).calls["calls_high"].sum() == (plain + memory) / 3
    ablated = plan_of(card, instrument="", ablate=("lora_rank=8",)).calls
    assert ablated["calls"].sum() - memory == plain * 3 // 2
    assert ablated["calls_low"].sum() <= plain
    pairs = PLANTED[1]
    told = plan_of(pairs, models=("openai/m", "hf/x"), subsets="single", controls=False, most=50, draws=3).calls
    assert told.select("model", "where", "calls").rows() == [("openai/m", "served", 1050), ("hf/x", "local", 1050)]
    learnt = plan_of(pairs, learn="finetune")
    assert learnt.calls.filter(step="replies_taught")["calls"][0] == 3 * 250 * 2  # three arms, 250 pairs, two draws
    assert learnt.training["step"].to_list() == ["base", "taught"]


def test_real_posts_whose_communities_nobody_named_are_planned_to_stop_there(tmp_path: Path) -> None:
    file = tmp_path / "posts.csv"
    file.write_text("person,text\n" + "".join(f"p{i},what a fine day it is\n" for i in range(50)))
    stops = plan_of(PLANTED[0], posts=file, columns={"person": "person", "text": "text"}, namer="openai/m")
    assert stops.calls["calls_high"].to_list() == [30]
    assert "for a person to name them" in " ".join(stops.notes)
    goes = plan_of(PLANTED[0], posts=file, columns={"person": "person", "text": "text"}, as_found=True)
    assert goes.calls["calls_low"].sum() < goes.calls["calls"].sum() < goes.calls["calls_high"].sum()


@pytest.mark.slow
@pytest.mark.parametrize("card", PLANTED[2:], ids=lambda card: card.slug)
def test_a_questionnaires_differences_are_about_as_sure_as_was_planned(card: Card, ran: Callable[..., Any]) -> None:
    folder = ran(card.slug).folder / "steps"
    replies = frames.replies(pl.read_parquet(folder / "replies" / "frame.parquet"))
    whole = scored(replies, read(Path(systems.SYSTEMS / card.shelf / card.slug)))
    planned = plan_of(card).comparisons.row(0, named=True)
    doubt = paired(2**0.5, n=planned["n"], clusters=[(planned["clusters"], planned["icc"])])
    own = whole.filter(measure=planned["measure"]).group_by("community").agg(pl.col("value").std(), n=pl.len())
    assert own["n"].unique().to_list() == [planned["n"]]
    found = pl.read_parquet(folder / "validity" / "frame.parquet").filter(line="difference", measure=planned["measure"])
    sure = found.select((pl.col("high") - pl.col("low")) / 2 / 2.201).to_series()  # t of 11 degrees of freedom
    spread = float(own["value"].to_numpy().mean())
    assert (sure / spread / doubt.se).mean() == pytest.approx(1.0, abs=0.35)
