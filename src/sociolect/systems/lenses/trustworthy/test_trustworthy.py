"""The recipe from end to end: nine measures fill nine cells, the planted gains come back, and each keyword does something."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from sociolect import systems
from sociolect.compare.coverage import coverage
from sociolect.errors import UsageError
from sociolect.report.page import write
from sociolect.systems import lens
from sociolect.systems.lenses.trustworthy import elicit, plan, players, recipe
from sociolect.systems.lenses.trustworthy.test_load import finished, released
from sociolect.workspace import workspace

CARD = systems.read(Path(__file__).parent)
EIGHT = {"miscalibration", "violence", "unlawful_conduct", "mental_health", "privacy_violation", "cyber_attack",
         "limited_causal_reasoning", "prompt_attacks"}  # fmt: skip
NINE = EIGHT | {"inconsistency"}


def run(folder: Path, **keywords: Any) -> Any:
    with workspace(folder, system="trustworthy", keywords={}) as work:
        page = recipe.run(work, **keywords)
        write(page, folder / "report.html")
    return page


@pytest.fixture
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(recipe.SIZES, "tiny", recipe.Dial(20, 60, 1))


@pytest.mark.slow
def test_nine_measures_fill_exactly_their_nine_cells_and_eight_fill_eight(made: Any) -> None:
    told = made.page.tables
    cells = told["cells"]
    assert set(cells.filter(state="filled")["cell"]) == NINE
    assert told["covered"].filter(group="all").row(0) == ("all", 29, 9, 0, 20)
    assert "9 of 29 cells" in made.page.summary
    assert made.page.sections[0].figure.count("stroke-dasharray") == 20
    without = coverage(lens.read(Path(__file__).with_name("lens.toml")), told["measured"].filter(pl.col("measure") != "typo:stable"))  # fmt: skip
    assert set(without.filter(state="filled")["cell"]) == EIGHT


@pytest.mark.slow
def test_the_claims_and_the_planted_gains_come_back(made: Any) -> None:
    told = made.page.tables
    assert told["claims"].select("here", "same sign?").rows()[:3] == [(7.0, "yes"), (29.0, "yes"), (8.0, "yes")]
    assert told["claims"]["same sign?"].to_list()[3:] == ["planted: yes"] * 2
    gained = {r["measure"]: r for r in told["gained"].iter_rows(named=True)}
    for measure, true in (("typo:consistent", 0.1), ("safe", 0.85 * 0.32), ("causal:right", 0.0), ("calibrated", 0.0)):
        assert gained[measure]["low"] < true < gained[measure]["high"], measure
    calibration = {r["contrast"]: r for r in told["calibration"].iter_rows(named=True)}
    for arm in ("aligned", "base"):
        assert calibration[arm]["low"] < 0.2 < calibration[arm]["high"]
        assert calibration[arm]["gap to own probability"] == pytest.approx(0.2, abs=0.005)
    corrected = {r["contrast"]: r for r in told["corrected"].iter_rows(named=True)}
    said = pl.read_parquet(made.folder / "steps/replies/frame.parquet").filter(condition=elicit.SAFE)
    for arm in ("aligned", "base", "refuse"):
        true = float(np.mean(said.filter(community=arm)["text"].to_numpy() != players.HELPED))
        assert corrected[f"{arm}, corrected"]["low"] <= true <= corrected[f"{arm}, corrected"]["high"]
    assert told["controls"]["within two"].all()


@pytest.mark.slow
def test_baselines_are_printed_and_the_refuser_is_flagged(made: Any) -> None:
    told = made.page.tables
    causal = dict(told["baselines"].filter(measure="causal:right").select("contrast", "estimate").rows())
    assert causal["always yes"] == pytest.approx(17 / 48)
    assert causal["always no"] == pytest.approx(31 / 48)
    assert "refuses harmless requests" in told["flags"].filter(arm="refuse")["flag"].to_list()
    assert told["flags"].filter(pl.col("arm").is_in(["aligned", "base"])).is_empty()
    assert (
        told["attrition"].select(pl.sum_horizontal("answered", "refused", "unparsed", "blank")).to_series()
        == told["attrition"]["asked"]
    ).all()


@pytest.mark.slow
def test_no_request_stands_on_the_page(made: Any) -> None:
    html = made.bytes["report.html"].decode() + "".join(b.decode() for n, b in made.bytes.items() if n.endswith(".csv"))
    for some in elicit.bank()["requests"].values():
        assert not [r for r in some if r[:40] in html]
    assert "because the forecast" not in html


@pytest.mark.slow
def test_the_plan_counts_what_is_asked(made: Any) -> None:
    calls = plan.plan().calls
    for step, kind in (("replies", "generate"), ("replies", "logprobs"), ("verdicts", "generate")):
        some = calls.filter(step=step, kind=kind)
        rows = pl.read_parquet(made.folder / "steps" / step / "frame.parquet")
        own = pl.col("condition") == elicit.OWN
        here = rows.filter(own if kind == "logprobs" else ~own).height
        assert some["calls_low"].sum() <= here <= some["calls_high"].sum(), (step, kind)
    asked = calls.filter(step="replies", kind="generate")
    assert asked["calls"].sum() == pl.read_parquet(made.folder / "steps/replies/frame.parquet").filter(~own).height
    least = dict(plan.plan().comparisons.select("measure", "detectable").rows())
    assert 0 < least["typo:consistent"] < least["safe:violence"]
    assert plan.plan(run=Path("x")).calls.is_empty()


@pytest.mark.usefixtures("little")
def test_named_models_are_asked_and_judged(tmp_path: Path) -> None:
    models = {"aligned": "scripted/constant", "base": "scripted/refuse"}
    page = run(tmp_path / "a", models=models)
    told = page.tables
    assert [s.title for s in page.sections if s.level == "note"] == ["No safe ratio"]
    assert "safe:violence" not in told["measured"]["measure"].to_list()
    assert told["claims"]["same sign?"].to_list()[3:] == ["not measured", "not measured"]  # the refuser has no answer
    assert [s.title for s in page.sections if s.level == "warning"] == ["Arms whose numbers mislead"]
    judged = run(tmp_path / "b", models=models, judge="scripted/echo")
    assert set(judged.tables["verdicts"]["unparsed"]) == {30}
    assert "The judge is not corrected" in [s.title for s in judged.sections]
    (tmp_path / "l.csv").write_text("model,item,safe\naligned,violence/0,1\naligned,violence/1,0\n")
    labelled = run(tmp_path / "c", models=models, judge="scripted/echo", labels=tmp_path / "l.csv")
    assert "corrected" in labelled.tables
    with pytest.raises(UsageError, match="would judge its own"):
        run(tmp_path / "d", models=models, judge="scripted/constant")
    own = run(tmp_path / "e", models=models, judge="scripted/constant", own_judge=True)
    assert set(own.tables["verdicts"]["harmful"]) == {30}


@pytest.mark.usefixtures("little")
def test_sentences_rate_lens_and_seed_change_what_is_asked(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text(
        "scenario,other\n" + "".join(f"Sentence number {i} is here.,Other thing {i} came.\n" for i in range(12))
    )
    (tmp_path / "lens.toml").write_text(
        '[[cell]]\nid = "a"\ngroup = "g"\ntitle = "A"\nmeaning = "m"\nevidence = "mine"\nfilled_by = ["helpful"]\n'
    )
    page = run(tmp_path / "a", sentences=tmp_path / "s.csv", cells=tmp_path / "lens.toml", rate=1.0, seed=2)
    told = page.tables
    assert told["covered"].row(0) == ("g", 1, 1, 0, 0)
    assert told["measured"].filter(measure="typo:consistent", contrast="base")["n"].item() == 12
    prompts = pl.read_parquet(tmp_path / "a/steps/replies/frame.parquet")["prompt"].to_list()
    assert [p for p in prompts if "Sentence number 3" in p]
    run(tmp_path / "b", sentences=tmp_path / "s.csv", column="other", rate=0.2, seed=2)
    others = (
        pl.read_parquet(tmp_path / "b/steps/replies/frame.parquet").filter(condition=elicit.CLEAN)["prompt"].to_list()
    )
    assert [p for p in others if "Other thing 3 came" in p]


def test_a_finished_run_is_held_against_the_lens(tmp_path: Path) -> None:
    page = run(tmp_path / "out", run=finished(tmp_path / "in"))
    told = page.tables
    filled = told["cells"].filter(state="filled").select("cell", "measure", "estimate", "sign").rows()
    assert filled == [
        ("toxicity", "toxicity", pytest.approx(0.35), "-"),
        ("prompt_attacks", "typo:consistent", 0.9, "+"),
    ]
    assert "2 of 29 cells" in page.summary
    assert "some_study" in page.summary
    assert told["aside"]["count"].to_list() == [1, 1]


def test_judged_answers_are_held_against_the_lens(tmp_path: Path) -> None:
    page = run(tmp_path / "out", answers=released(tmp_path / "safety.jsonl"))
    told = page.tables
    assert told["unplaced"].rows() == [("safety:theft", 2)]
    assert told["bounds"]["best"].to_list() == pytest.approx([0.7, 1.0])
    assert "0 of 29 cells" in page.summary


def test_a_run_of_this_system_is_held_like_any_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(recipe.SIZES, "tiny", recipe.Dial(20, 60, 1))
    first = run(tmp_path / "first")
    again = run(tmp_path / "again", run=tmp_path / "first")
    assert set(again.tables["cells"].filter(state="filled")["cell"]) == NINE
    assert first.tables["covered"].equals(again.tables["covered"])


def test_keywords_that_cannot_go_together_are_all_said(tmp_path: Path) -> None:
    with workspace(tmp_path, system="trustworthy", keywords={}) as work:
        with pytest.raises(UsageError) as error:
            recipe.run(work, size="full", rate=0.0, judge="scripted/echo", labels=None, column="x", own_judge=False)
        for said in ("--size full asks models of your own", "--rate 0", "--judge reads", "--column is one"):
            assert said in str(error.value)
        with pytest.raises(UsageError) as error:
            recipe.run(work, run=tmp_path, answers=tmp_path, models={"a": "b"}, labels=tmp_path, own_judge=True)
        for said in ("two pages", "ask nobody", "--labels correct", "--own-judge allows"):
            assert said in str(error.value)
        with pytest.raises(UsageError, match="--size huge"):
            recipe.run(work, size="huge")  # type: ignore[arg-type]  # the fault under test
