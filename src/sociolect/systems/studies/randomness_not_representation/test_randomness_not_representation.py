"""The recipe from end to end: planted habits are found on the page, every keyword changes something, the plan counts what is asked."""

from pathlib import Path

import polars as pl
import pytest

from sociolect.errors import UsageError
from sociolect.report.content import Page
from sociolect.report.page import write
from sociolect.systems.studies.randomness_not_representation import load, measure, players, vsm
from sociolect.systems.studies.randomness_not_representation.plan import plan
from sociolect.systems.studies.randomness_not_representation.recipe import run
from sociolect.workspace import Workspace


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Page, Path]:
    folder = tmp_path_factory.mktemp("audit")
    return run(Workspace(folder)), folder


def table(page: Page, name: str) -> pl.DataFrame:
    found = next(s.table for s in page.sections if s.name == name)
    assert found is not None
    return found


def test_every_habit_is_found_where_it_is_planted_and_nowhere_else(made: tuple[Page, Path]) -> None:
    effects, habits = table(made[0], "effects"), table(made[0], "habits")
    steady = pl.concat([t.filter(who="steady") for t in (effects, habits, table(made[0], "shifts"))])
    assert steady["estimate"].to_list() == [0.0] * steady.height
    sure = habits.filter(pl.col("p_adjusted") < 0.05).select("who", "line").rows()
    assert set(sure) == {("first", "position"), ("agreeable", "acquiescence")}
    pull = habits.filter(who="first", line="position").row(0, named=True)
    assert pull["low"] < players.POSITION < pull["high"]
    assert effects.filter(pl.col("p_adjusted") < 0.05).select("who", "factor").rows() == [("first", "order")]


def test_voices_and_clusters_are_what_was_planted(made: tuple[Page, Path]) -> None:
    steer = table(made[0], "steering")
    ratio = dict(steer.filter(measure="steer ratio").select("speaker", "estimate").iter_rows())
    assert ratio["planted/half"] == pytest.approx(players.HALF, abs=0.1)
    assert ratio["planted/faithful"] == pytest.approx(1.0, abs=0.1)
    p = dict(steer.filter(measure="target distance").select("speaker", "p").iter_rows())
    assert p["planted/faithful"] < 0.01
    assert p["planted/mixed"] > 0.2
    held = dict(
        table(made[0], "extrapolation")
        .filter(pl.col("contrast").str.starts_with("all held out"))
        .select("of", "estimate")
        .iter_rows()
    )
    assert held["planted/grouped"] > 0.9
    assert abs(held["planted/alike"]) < 0.15


def test_shares_of_item_country_form_and_residual_are_printed_for_a_model_trained_on_the_spot(
    made: tuple[Page, Path],
) -> None:
    shares = table(made[0], "variance").filter(of="ngram/answers").select("contrast", "share").to_dicts()
    found = {row["contrast"]: row["share"] for row in shares}
    assert {"item", "community", "format", "residual"} <= set(found)
    assert sum(found.values()) == pytest.approx(1.0)
    faithful = {r["contrast"]: r["share"] for r in table(made[0], "variance").filter(of="planted/faithful").to_dicts()}
    assert faithful["format"] + faithful["item x format"] < 0.02
    assert faithful["community"] + faithful["item x community"] > 0.3


def test_the_persona_that_is_heeded_is_chosen_and_gains(made: tuple[Page, Path]) -> None:
    chosen = table(made[0], "prompts")
    heeds = chosen.filter(contrast="planted/heedful", measure="gain").row(0, named=True)
    assert heeds["persona"] == "inside"
    assert heeds["estimate"] > 0.05
    same = chosen.filter(contrast="planted/faithful", measure="gain").row(0, named=True)
    assert same["low"] <= 0 <= same["high"]


def test_claims_and_outcomes(made: tuple[Page, Path]) -> None:
    page, _ = made
    verdicts = table(page, "claims")["same sign?"].to_list()
    assert len(verdicts) == 4
    assert verdicts[1:3] == ["yes", "yes"]
    counts = table(page, "outcomes")
    assert (counts["asked"] == counts["answered"] + counts["refused"] + counts["unparsed"] + counts["blank"]).all()
    assert counts.filter(speaker="planted/moody").select(pl.col("refused") + pl.col("unparsed")).item() > 0
    calls = plan().calls
    assert dict(calls.select("step", "calls").iter_rows()) == {
        step: counts.filter(arm=arm)["asked"].sum()
        for step, arm in (("plain", "forms"), ("personas", "personas"), ("letters", "letters"), ("values", "values survey"), ("prompts", "prompts"), ("saved", "case study"))
    }  # fmt: skip


def test_letters_are_moved_by_what_is_changed_only_where_it_should(made: tuple[Page, Path]) -> None:
    found = table(made[0], "letters").filter(line="effect")
    assert {"taste", "tired"} == set(found["who"])
    assert found.height == 2 * 9 * 8 // 2  # nine ways, in pairs, for two players


def test_the_page_is_written_and_nothing_is_made_twice(made: tuple[Page, Path], tmp_path: Path) -> None:
    page, folder = made
    write(page, tmp_path / "report.html")
    said = (tmp_path / "report.html").read_text()
    assert said.index("<svg") < said.rindex("What the paper claims")
    again: list[str] = []
    run(Workspace(folder, again.append))
    assert again == []


def test_keywords_are_checked_all_at_once(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--draws 0.*--temperature.*--size full"):
        run(Workspace(tmp_path), size="full", draws=0, temperature=-1)
    with pytest.raises(UsageError, match="--values and --letters"):
        run(Workspace(tmp_path), size="small", models={"m": "scripted/echo"})


def test_models_draws_and_temperature_reach_the_replies(tmp_path: Path) -> None:
    """Players that no script gives an opinion: one takes its first words for an answer, one refuses; both are counted."""
    from sociolect.systems.studies.randomness_not_representation import arms

    items = load.invented(most=2).items
    how = {"names": {"no": "scripted/refuse", "yes": "scripted/constant"}, "seed": 0}
    said = arms.plain(items, **how, draws=2, temperature=0.0)  # type: ignore[arg-type]  # keywords
    assert said.height == 2 * 2 * 11 * 2
    assert dict(said.group_by("community", "outcome").len().select("community", "outcome").iter_rows()) == {
        "no": "refused",
        "yes": "unparsed",
    }
    assert said["choice"].null_count() == said.height
    # a form asked again is the next draw of the same condition, and no condition of its own
    assert said.filter(pl.col("draw") >= 2).height == 2 * 2 * 2
    assert "retest" not in set(said["condition"])


def test_wording_of_the_values_survey_is_the_users_own(tmp_path: Path) -> None:
    own = tmp_path / "values.toml"
    own.write_text("[items]\n" + "\n".join(f'{i} = "Own words {i}"' for i in range(1, 25)))
    assert vsm.items(own)["prompt"][6] == "Own words 7"
    assert vsm.items()["prompt"][6] == "Question 7 of 24."
    own.write_text("[items]\n1 = 'x'")
    with pytest.raises(Exception, match="item 24 is missing"):
        vsm.items(own)


def test_indices_are_the_published_formulas() -> None:
    """Each index by hand from one item moved by one point; the constant is 0."""
    flat = dict.fromkeys(range(1, 25), 3.0)
    moved = {(7, "PDI"): 35, (23, "PDI"): -25, (1, "IDV"): -35, (9, "IDV"): 35, (5, "MAS"): 35, (10, "MAS"): -35, (18, "UAI"): 40, (24, "UAI"): -25,
             (13, "LTO"): 40, (22, "LTO"): -25, (12, "IVR"): 35, (16, "IVR"): -40}  # fmt: skip
    assert set(measure.indices(flat).values()) == {0.0}
    for (item, name), due in moved.items():
        found = measure.indices(flat | {item: 4.0})
        assert {k: v for k, v in found.items() if v} == {name: float(due)}
    assert measure.indices(flat | {7: None})["PDI"] is None
