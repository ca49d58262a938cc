"""The recipe from end to end: planted habits are found on the page, every keyword changes something, the plan counts what is asked."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from sociolect.errors import RefusedError, UsageError
from sociolect.report.content import Page
from sociolect.report.page import write
from sociolect.systems.studies.randomness_not_representation import compare, load, measure, players, vsm
from sociolect.systems.studies.randomness_not_representation.page import _summary
from sociolect.systems.studies.randomness_not_representation.plan import plan
from sociolect.systems.studies.randomness_not_representation.recipe import run
from sociolect.workspace import Workspace


@pytest.fixture
def made(ran: Callable[..., Any]) -> tuple[Page, Path]:
    one = ran("randomness_not_representation")
    return one.page, one.folder


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
    # the largest of fifteen effects on sixteen questions may be above or below one deviation; the others were planted
    assert verdicts == ["planted: undecided", *["planted: yes"] * 3]
    study = table(page, "case_study")
    fragile = {
        who: compare.fragile(study.filter(of=f"planted/{who}"))["broken"].sum()
        for who in ("indifferent", "leaning", "torn")
    }
    assert fragile["indifferent"] == fragile["leaning"] == 0
    assert fragile["torn"] > 0
    counts = table(page, "outcomes")
    assert (counts["asked"] == counts["answered"] + counts["refused"] + counts["unparsed"] + counts["blank"]).all()
    assert counts.filter(speaker="planted/moody").select(pl.col("refused") + pl.col("unparsed")).item() > 0
    calls = plan().calls
    assert dict(calls.select("step", "calls").iter_rows()) == {
        step: counts.filter(arm=arm)["asked"].sum()
        for step, arm in (("plain", "forms"), ("personas", "personas"), ("letters", "letters"), ("values", "values survey"), ("prompts", "prompts"), ("saved", "case study"))
    }  # fmt: skip


def test_letters_are_moved_by_what_is_changed_only_where_it_should(made: tuple[Page, Path]) -> None:
    found = table(made[0], "letters")
    changes = ["4", "6", "absolute", "applicant", "bulk", "coach", "growing", "reasons"]
    for who in ("taste", "tired"):
        assert found.filter(who=who, line="effect")["change"].to_list() == changes
    assert found.height == 2 * 2 * len(changes)
    # whoever has a taste keeps it in every role, with reasons, and in every context
    kept = found.filter(pl.col("change").is_in(["applicant", "bulk", "coach", "growing", "reasons"]), who="taste")
    assert kept["estimate"].to_list() == [0.0] * 10


def test_a_change_is_told_as_the_base_less_it_whichever_stood_first() -> None:
    rows = [("effect", "way: base - coach, m", 0.2, 0.1, 0.4), ("effect", "way: absolute - base, m", 0.2, 0.1, 0.4),
            ("shift", "way: absolute - base, m", 0.3, 0.2, 0.4), ("effect", "way: absolute - coach, m", 0.9, 0.8, 1.0)]  # fmt: skip
    stable = pl.DataFrame(rows, schema=["line", "contrast", "estimate", "low", "high"], orient="row").with_columns(
        who=pl.lit("m"), p=pl.lit(0.03), p_adjusted=pl.lit(1.0), n=pl.lit(9), left_out=pl.lit(0), method=pl.lit("")
    )
    found = compare.beside_base(stable)  # type: ignore[arg-type]  # the columns it reads
    assert found.select("line", "change", "estimate", "low", "high", "p_adjusted").rows() == [
        ("effect", "absolute", -0.2, -0.4, -0.1, 0.06), ("effect", "coach", 0.2, 0.1, 0.4, 0.06), ("shift", "absolute", 0.3, 0.2, 0.4, 0.03),
    ]  # fmt: skip


def _lined(p: list[float], size: list[float]) -> Any:
    rows = [("effect", "order", f"m{i}", q, x, x - 0.2, x + 0.2) for i, (q, x) in enumerate(zip(p, size, strict=True))]
    kinds = ["line", "factor", "who", "p_adjusted", "in_spreads", "spread_low", "spread_high"]
    stable = pl.DataFrame(rows, schema=kinds, orient="row").with_columns(contrast="who")
    return SimpleNamespace(plain=SimpleNamespace(stability=stable), planted=False, yardstick=0.25)


@pytest.mark.parametrize(("p", "size", "said"), [
    ([0.5], [0.1], "1 effect of the form of a question on the models named: none is told from chance, and none is surely larger than one such deviation, 0.250 of the scale."),
    ([0.01, 0.5], [-1.5, 0.1], "2 effects of the form of a question on the models named: 1 is told from chance, most of all that of order on m0 (−1.50 standard deviations between countries), and 1 is surely larger than one such deviation, 0.250 of the scale."),
    ([0.01, 0.01], [1.5, 2.5], "2 effects of the form of a question on the models named: 2 are told from chance, most of all that of order on m1 (2.50 standard deviations between countries), and 2 are surely larger than one such deviation, 0.250 of the scale."),
])  # fmt: skip
def test_the_summary_is_english_for_none_one_and_more(p: list[float], size: list[float], said: str) -> None:
    assert _summary(_lined(p, size)) == said


def test_a_claim_counts_as_fragile_where_the_scales_differ_beyond_chance() -> None:
    rows = [
        ("a", 0.5, 0.0, 0.0),
        ("a", 0.5, 0.0, 1.0),
        ("a", 1.0, 0.0, 1.0),
        ("a", 1.0, 0.5, 1.0),
        ("a", 0.0, 0.0, 0.0),
    ]
    claims = pl.DataFrame(rows, schema=["of", "sure", "reversed", "apart"], orient="row")
    assert compare.fragile(claims).rows() == [("a", 4, 2)]


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
    with pytest.raises(UsageError, match="planted players know the survey by number alone"):
        run(Workspace(tmp_path), values=tmp_path / "own.toml")
    with pytest.raises(UsageError, match="--values and --letters"):
        run(Workspace(tmp_path), size="small", models={"m": "scripted/echo"})


def test_a_model_that_nobody_can_read_is_refused_by_what_came(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match=r"none of \d+ replies gives an option \(\d+ refused\)"):
        run(Workspace(tmp_path), models={"mine": "scripted/refuse"})


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
