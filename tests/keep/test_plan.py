"""Money, time, memory and disk of a plan; what is unknown stays unknown."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sociolect import systems
from sociolect.errors import UsageError, WorkspaceError
from sociolect.keep.plan import Planned, lines, planned, record
from sociolect.keep.plan_speed import Speed, measured
from sociolect.models.prices import Price
from sociolect.systems import Card
from sociolect.systems.planned import SCRATCH, Range, asked, made_of, weighed

SPEED = Speed(work=1.0, weights=1_000_000, learn=1e-4, read=1e-5, write=1e-3)
GAD = systems.find("gad7")
SERVED = {"models": {"a": "openai/m", "b": "openai/m", "base": "openai/n"}}


def total(plan: Planned, what: str) -> tuple[float | None, float | None, float | None]:
    return plan.totals.filter(what=what).select("planned", "low", "high").row(0)


def test_money_is_tokens_times_prices() -> None:
    plan = planned(GAD, SERVED, prices={"m": Price(2.0, 10.0), "openai/n": Price(0.0, 1.0)}, speed=SPEED)
    calls = plan.calls
    (prompt, reply), (_, other) = (
        [int(calls.filter(model=f"openai/{x}")[c].sum()) for c in ("prompt_tokens", "reply_tokens")] for x in "mn"
    )
    due = (prompt * 2 + reply * 10 + other) / 1e6
    assert total(plan, "money")[0] == pytest.approx(due)
    low, high = total(plan, "money")[1:]
    assert low is not None
    assert high is not None
    assert low < due < high


def test_an_endpoint_has_the_price_that_its_calls_will_have() -> None:
    asked = {"models": {"a": "endpoint/http://127.0.0.1:8000/v1#m", "b": "endpoint/http://127.0.0.1:8000/v1#m"}}
    for name in ("endpoint/m", "m"):
        plan = planned(GAD, asked, prices={name: Price(2.0, 0.0)}, speed=SPEED)
        assert total(plan, "money")[0] == pytest.approx(int(plan.calls["prompt_tokens"].sum()) * 2 / 1e6)


def test_an_unknown_price_is_unknown_and_named() -> None:
    plan = planned(GAD, SERVED, prices={"m": Price(2.0, 10.0)}, speed=SPEED)
    known = plan.calls.filter(model="openai/m")["money"].sum()
    assert total(plan, "money") == (None, known, None)
    assert any("openai/n" in note and "openai/m" not in note for note in plan.notes)
    shown = dict(lines(plan))["What gad7 will take"]
    assert shown.filter(what="money")["planned"][0] == "unknown"


def test_what_stands_here_costs_nothing_and_planted_models_are_no_calls() -> None:
    plan = planned(GAD, {}, speed=SPEED)
    assert total(plan, "money") == (0, 0, 0)
    assert total(plan, "calls") == (0, 0, 0)
    assert (total(plan, "scripted calls")[0] or 0) > 1000


def test_a_servers_time_is_unknown_and_so_is_that_of_weights_nobody_has_seen() -> None:
    assert total(planned(GAD, SERVED, speed=SPEED), "time") == (None, None, None)
    plan = planned(GAD, {"models": {"a": "hf/no/such"}}, speed=SPEED)
    assert total(plan, "time") == total(plan, "memory") == (None, None, None)
    assert any("hf/no/such" in note for note in plan.notes)


def test_a_system_without_a_plan_says_so_and_gives_no_number() -> None:
    none = planned(Card("studies", "no_such_system", "", "", (), (), ()), {})
    assert none.totals["planned"].null_count() == none.totals.height > 5
    assert none.notes == (
        "no_such_system has no plan.py: nothing is known before it runs of its calls, its cost or its time.",
    )


def test_time_grows_with_tokens_and_with_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    row = asked(
        "s", "scratch/tiny", "generate", 100, where="local", prompt=400, reply=Range(10, 5, 20), chars=(4.0, 4.0, 4.0)
    )
    made = made_of(calls=[row], work={"rest": 3.0})
    monkeypatch.setattr("sociolect.systems.instruments.gad7.plan.plan", lambda **_: made)
    times = (SCRATCH["tiny"].weights or 0) / 1_000_000
    due = 3.0 * 2 + times * (100 * 100 * 1e-5 + 100 * 10 * 1e-3)
    found = total(planned(GAD, {}, speed=SPEED._replace(work=2.0)), "time")
    assert found[0] == pytest.approx(due)
    assert found[1] == pytest.approx(0.4 * (6 + times * (0.1 + 0.5)))
    assert found[2] == pytest.approx(2.5 * (6 + times * (0.1 + 2.0)))


def earlier(folder: Path, **run: Any) -> Path:
    folder.mkdir()
    said = {"system": "gad7", "keywords": {"size": "tiny"}, "finished": True, "steps": {}} | run
    (folder / "run.json").write_text(json.dumps(said))
    for name, seconds in (("replies", 30.0), ("validity", 10.0)):
        (folder / "steps" / name).mkdir(parents=True)
        (folder / "steps" / name / "step.json").write_text(json.dumps({"seconds": seconds}))
    return folder


def test_an_earlier_run_tells_the_time_in_proportion_to_its_calls(tmp_path: Path) -> None:
    calls = int(planned(GAD, {}, speed=SPEED).calls["calls"].sum())
    alike = earlier(tmp_path / "one")
    assert total(planned(GAD, {}, like=alike), "time")[0] == pytest.approx(36.0)  # .9 of 40 seconds
    half = earlier(tmp_path / "two", plan={"calls": [{"calls": calls // 2}]})
    found = planned(GAD, {}, like=half)
    assert total(found, "time")[0] == pytest.approx(72.0, rel=0.01)
    assert "as two took, times 2" in found.totals.filter(what="time")["how"][0]
    shared = earlier(tmp_path / "three")
    for name in ("steps", "branches/b/steps"):  # a step that a branch shares was made once
        (shared / name / "scores").mkdir(parents=True)
        (shared / name / "scores" / "step.json").write_text(json.dumps({"key": "k", "seconds": 10.0}))
    (shared / "steps" / "replies" / "step.json").write_text("{")  # a torn record says nothing
    assert total(planned(GAD, {}, like=shared), "time")[0] == pytest.approx(0.9 * 20)


def test_an_earlier_run_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a run of phq9, size tiny: due is one of gad7"):
        planned(GAD, {}, like=earlier(tmp_path / "one", system="phq9"))
    with pytest.raises(UsageError, match="size small"):
        planned(GAD, {}, like=earlier(tmp_path / "two", keywords={"size": "small"}))
    with pytest.raises(WorkspaceError, match="did not finish"):
        planned(GAD, {}, like=earlier(tmp_path / "three", finished=False))
    with pytest.raises(WorkspaceError, match=r"is not there"):
        planned(GAD, {}, like=tmp_path / "four")


def test_the_plan_goes_through_json_whole_and_prints_no_empty_table() -> None:
    plan = planned(GAD, SERVED, speed=SPEED)
    back = json.loads(json.dumps(record(plan), allow_nan=False))
    assert [r["what"] for r in back["totals"]] == plan.totals["what"].to_list()
    assert sum(r["calls"] for r in back["calls"]) == plan.calls["calls"].sum()
    assert all(table.height for _, table in lines(plan))
    assert "What is learnt" not in dict(lines(plan))


def test_every_range_holds_its_likely_number() -> None:
    for slug in ("gad7", "relationship_alignment", "minhash_communities", "community_fidelity"):
        told = planned(systems.find(slug), {}, speed=SPEED).totals.drop_nulls()
        assert told.filter((pl.col("low") > pl.col("planned")) | (pl.col("planned") > pl.col("high"))).is_empty(), slug


def test_the_weights_of_a_folder_are_counted_by_its_header(tmp_path: Path) -> None:
    import numpy as np
    from safetensors.numpy import save_file

    save_file(
        {"a": np.zeros((3, 4), dtype=np.float32), "b": np.zeros(5, dtype=np.float32)}, tmp_path / "model.safetensors"
    )
    assert weighed(f"hf/{tmp_path}").weights == 17
    assert weighed("hf/no/such").weights is None


def test_this_machine_is_measured() -> None:
    pytest.importorskip("torch")
    found = measured(100, learns=True, threads=1)
    assert found.weights == SCRATCH["tiny"].weights
    assert found.work > 0
    assert 0 < (found.read or 0) < (found.write or 0) < 1
    assert 0 < (found.learn or 0) < 1
    assert measured(None)[1:] == (None,) * 5


def test_the_guides_plan_counts_as_it_says() -> None:
    guide = Path(__file__).parents[2] / "docs" / "guide" / "plan.md"
    made: dict[str, Any] = {}
    exec(guide.read_text("utf-8").split("```python\n")[1].split("```")[0], made)
    found = made["plan"](models=("openai/m", "scripted/echo"), draws=3).calls
    assert found.select("where", "calls", "prompt_tokens").rows() == [("served", 120, 9000), ("scripted", 120, 9000)]
