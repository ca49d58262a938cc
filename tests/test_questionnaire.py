"""The shared recipe: the planted order is found, what may not be claimed is not, and nothing protected reaches a page."""

from pathlib import Path

import polars as pl
import pytest

from sociolect import frames
from sociolect.compare.validity import validity
from sociolect.measure import instrument as engine
from sociolect.measure.instrument import Instrument
from sociolect.models.respondent import Respondent
from sociolect.report.content import Page
from sociolect.report.page import render
from sociolect.systems import SYSTEMS, questionnaire
from sociolect.systems.questionnaire_page import NOT_A_SCREENING
from sociolect.workspace import Workspace

SHELF = SYSTEMS / "instruments"
PLANTED10 = SHELF / "planted10"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("planted10")


@pytest.fixture(scope="module")
def made(home: Path) -> Page:
    return questionnaire.page(Workspace(home), PLANTED10)


@pytest.fixture
def work(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


def table(page: Page, name: str) -> pl.DataFrame:
    found = next(s.table for s in page.sections if s.name == name)
    assert found is not None
    return found


def claimed(card: Instrument, models: dict[str, Respondent], seed: int = 0) -> pl.DataFrame:
    said = questionnaire.asked(card, models, draws=2, seed=seed)
    scores = questionnaire.scored(said, card)
    lines = validity(scores, said, scales=questionnaire.scales(card), draws=400, seed=seed)
    return questionnaire.claims(lines)


def test_the_planted_order_is_recovered_and_claimed(made: Page) -> None:
    scores = table(made, "scores").filter(pl.col("planted_trait").is_not_null())
    for subscale in ("outdoors", "mornings"):
        mine = scores.filter(pl.col("measure") == f"planted10:{subscale}").sort("planted_trait")
        assert mine["community"].to_list() == ["ash", "birch", "cedar", "elm"]
        assert mine["estimate"].is_sorted()
        assert (mine["low"] < mine["estimate"]).all()
    claims = table(made, "claims").filter(~pl.col("measure").str.ends_with("lark"))
    assert claims.height == 2 * 6
    due = [f"{a} scores above {b}" for b, a in (("ash", "elm"), ("ash", "cedar"), ("birch", "elm"))] * 2
    assert set(due) <= set(claims["claim"].drop_nulls())
    order = ["ash", "birch", "cedar", "elm"]
    for said in claims["claim"].drop_nulls():
        first, second = said.split(" scores above ")
        assert order.index(first) > order.index(second)


def test_the_card_finds_the_planted_habits(made: Page) -> None:
    """Acquiescence .3 leans to agreement; 10 % of the mass moved to the last place is a position effect of .1."""
    card = table(made, "validity")
    bias = card.filter(pl.col("line") == "bias")
    assert bias.height == 2 * 5
    assert (bias["low"] > 0).all()
    last = card.filter(pl.col("line") == "position effect", pl.col("contrast").str.starts_with("place 5 of 5"))
    assert last["estimate"].mean() == pytest.approx(0.1, abs=0.03)
    first = card.filter(pl.col("line") == "position effect", pl.col("contrast").str.starts_with("place 1 of 5"))
    assert first["estimate"].mean() == pytest.approx(-0.025, abs=0.03)  # what the last place gains the four others lose
    weighed = card.filter(pl.col("line") == "answer mass")
    assert weighed["estimate"].to_list() == pytest.approx([0.96 / 2] * 2, abs=0.001)
    assert (card.filter(pl.col("line") == "refused")["estimate"] < 0.05).all()


def test_every_reply_is_accounted_for(made: Page) -> None:
    rows = table(made, "outcomes")
    assert (rows["asked"] == rows["answered"] + rows["refused"] + rows["unparsed"] + rows["blank"]).all()
    told = dict(made.made)["calls planned"]
    assert sum(int(part.split()[0]) for part in told.split(", ")) == rows["asked"].sum()


def test_status_and_licence_stand_beside_every_score(made: Page) -> None:
    scores = table(made, "scores")
    assert set(scores["status"]) == {"adapted"}
    assert set(scores["licence"]) == {"own work"}
    assert "Licence: own work, under the licence of this package." in made.sections[0].prose
    assert dict(made.made)["licence"] == "own work, under the licence of this package"
    assert NOT_A_SCREENING in made.summary
    assert NOT_A_SCREENING.encode() in render(made)[0]


def test_nothing_is_claimed_where_nothing_is_planted() -> None:
    card = engine.read(PLANTED10)
    same = questionnaire.respondents(card, dict.fromkeys(("ash", "elm", "base"), 0.2))
    assert claimed(card, same)["claim"].null_count() == 3


def test_a_habit_of_agreeing_is_no_claim_on_a_one_sided_scale() -> None:
    """All of gad7 points one way: the yes-sayers score far higher, and the placebo items tell why."""
    card = engine.read(SHELF / "gad7")
    questions = questionnaire.respondents(card)["ash"].questions
    models = {c: Respondent(c, questions, acquiescence=a) for c, a in (("meek", -0.6), ("yea", 0.6), ("base", 0.0))}
    found = claimed(card, models).filter(pl.col("measure").str.ends_with("total") | (pl.len() == 1))
    assert found.height >= 1
    for row in found.iter_rows(named=True):
        assert row["contrast"] == "yea - meek"
        assert row["low"] > 1
        assert row["claim"] is None
        assert "placebo" in row["failed"]


def test_placeholders_are_said_and_no_wording_is_needed(work: Workspace) -> None:
    page = questionnaire.page(work, SHELF / "scoff", seed=1)
    assert "Asked with placeholders" in [s.title for s in page.sections if s.level == "warning"]
    assert dict(page.made)["wording"] == "placeholders"
    assert table(page, "claims")["claim"].null_count() == table(page, "claims").height > 0
    assert page.sensitive
    render(page)  # a sensitive page that showed what was said would be refused
    assert "Trait and agreement cannot be told apart" in [s.title for s in page.sections]


def test_the_wording_of_a_protected_instrument_reaches_no_page(work: Workspace, tmp_path: Path) -> None:
    card = engine.read(SHELF / "wcs")
    lines = ["[items]", *(f'"{i.id}" = "zebra words {i.id}"' for i in card.items)]
    for options in card.options:
        lines += [f"[options.{options.name}]", *(f'"{o}" = "zebra choice {options.name} {o}"' for o in options.ids)]
    words = tmp_path / "own.toml"
    words.write_text("\n".join(lines))
    page = questionnaire.page(work, SHELF / "wcs", text=words, seed=1)
    html, tables = render(page)
    assert b"zebra" not in html + b"".join(tables.values())
    assert "Asked with placeholders" not in [s.title for s in page.sections]
    asked = pl.read_parquet(work.folder / "steps" / "replies" / "frame.parquet")
    assert asked["prompt"].str.contains("zebra").sum() > 0


def test_named_models_that_never_answer_make_a_page_that_says_so(work: Workspace) -> None:
    """They share one model, so each community is named; they cannot weigh, so the modes are not identified."""
    models = {"ash": "scripted/echo", "elm": "scripted/echo", "base": "scripted/refuse"}
    page = questionnaire.page(work, PLANTED10, models=models)
    assert "No subscale could be scored" in page.sections[0].prose
    rows = table(page, "outcomes")
    assert rows["answered"].sum() == 0
    assert (
        rows.filter(pl.col("arm") == "aligned")["unparsed"].sum()
        == rows.filter(pl.col("arm") == "aligned")["asked"].sum()
    )
    assert rows.filter(pl.col("arm") == "base")["refused"].sum() == rows.filter(pl.col("arm") == "base")["asked"].sum()
    asked = pl.read_parquet(work.folder / "steps" / "replies" / "frame.parquet")
    assert set(asked.filter(pl.col("arm") == "aligned")["framing"]) == {"named", "negated"}
    assert (
        asked.filter(pl.col("community") == "elm", pl.col("framing") == "named")["prompt"]
        .str.contains("community elm")
        .all()
    )
    assert set(asked.filter(pl.col("arm") == "base")["framing"]) == {"plain", "negated"}


def test_scores_rest_on_whole_questionnaires_only(work: Workspace) -> None:
    """What was asked of a few items to learn how the model answers is in no community's mean."""
    card = engine.read(SHELF / "mini_ipip")
    questionnaire.page(work, SHELF / "mini_ipip")
    said = frames.replies(pl.read_parquet(work.folder / "steps" / "replies" / "frame.parquet"))
    scores = questionnaire.scored(said, card)
    whole = scores.filter(pl.col("item") == card.id)
    assert whole.height == 5 * 5 * 12 * 2  # subscales, communities, templates, orders
    assert set(whole["label_style"]) == {"letters"}
    assert not scores["measure"].str.contains("placebo").any()


def test_denied_items_and_placebo_items_are_in_no_score(made: Page, home: Path) -> None:
    said = frames.replies(pl.read_parquet(home / "steps" / "replies" / "frame.parquet"))
    assert said["negated"].any()
    assert said["placebo"].any()
    scores = questionnaire.scored(said, engine.read(PLANTED10))
    assert not scores["negated"].any()
    assert not scores["placebo"].any()
    assert set(scores["mode"]) == {"sampled"}
