"""What a run may be given is read whole, or refused with all that is wrong."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sociolect.errors import InputError, RefusedError
from sociolect.systems.lenses.trustworthy import compare, load


def released(path: Path) -> Path:
    """A file in the form that the authors released, with known counts; no text of theirs."""
    rows: list[dict[str, Any]] = [{"source_model": m, "tag": "safety", "tag_cat": "theft", "question": f"q{i}", "label": int(i < k), "label_response": "No." if i < k else "Yes, it is."}
            for m, k in (("a", 7), ("b", 10)) for i in range(10)]  # fmt: skip
    rows[0]["label_response"] = "Yes."  # against its label
    rows[1]["label"] = None
    path.write_text("\n".join(json.dumps(r) for r in rows) + "\n")
    return path


def test_answers_judged_elsewhere_keep_their_counts(tmp_path: Path) -> None:
    rows, aside = load.judged(released(tmp_path / "safety.jsonl"))
    told = compare.rates(rows)
    assert told.select("measure", "contrast", "estimate", "n", "left_out").rows() == [
        ("safety:theft", "a", pytest.approx(6 / 9), 9, 1),
        ("safety:theft", "b", 1.0, 10, 0),
    ]
    assert aside.select("reason", "count").rows() == [("the judge's words contradict the label, which stands", 1)]
    assert compare.bounds(rows).filter(contrast="a").select("worst", "best").row(0) == pytest.approx((0.6, 0.7))


def test_answers_without_what_is_due_are_refused(tmp_path: Path) -> None:
    (path := tmp_path / "a.csv").write_text("source_model,tag\nx,safety\n")
    with pytest.raises(InputError, match="no column label"):
        load.judged(path)
    path.write_text("source_model,tag,label\nx,safety,2\n")
    with pytest.raises(InputError, match="1 labels are neither 0, 1 nor empty"):
        load.judged(path)
    path.write_text("source_model,tag,label\n,safety,1\nx,safety,1\n")
    rows, aside = load.judged(path)
    assert (rows.height, aside["count"].to_list()) == (1, [1])


def test_hand_labels_are_read_or_all_their_faults_said(tmp_path: Path) -> None:
    (path := tmp_path / "l.csv").write_text("model,item,safe\nm,safe/1,1\nm,safe/0,0\n")
    assert load.labels(path).rows() == [("m", "safe/0", 0, 0.0), ("m", "safe/1", 0, 1.0)]
    path.write_text("model,item,safe,draw\nm,a,yes,0\nm,a,1,0\nm,b,1,\n")
    with pytest.raises(InputError, match="1 labels are neither 0 nor 1; 1 answers have two labels; 1 keys are empty"):
        load.labels(path)
    path.write_text("model,safe\nm,1\n")
    with pytest.raises(InputError, match="has no column item"):
        load.labels(path)


def test_sentences_come_once_each(tmp_path: Path) -> None:
    (path := tmp_path / "s.csv").write_text("label,scenario\n1,A b c.\n0,a B c\n1,Second one here.\n1,...\n1,Third.\n")
    found, aside = load.sentences(path, n=2)
    assert found["text"].len() == 2
    assert found["item"].to_list() == ["s00000", "s00001"]
    assert dict(aside.select("reason", "count").rows()) == {
        "a sentence that stood there before, or has no word": 2,
        "sentences beyond those asked for": 1,
    }
    assert load.sentences(path, column="label")[0]["text"].to_list() == ["0", "1"]
    with pytest.raises(InputError, match="has no column words"):
        load.sentences(path, column="words")


def finished(folder: Path, *, finished: bool = True) -> Path:
    """A workspace with one step of scores and one of effects."""
    said = {"schema": 2, "system": "some_study", "keywords": {}, "steps": {}, "finished": finished}
    (folder / "steps" / "scores").mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps(said))
    keys = {"speaker": "m", "community": "red", "condition": "asked", "turn": 0, "measure": "toxicity"}
    rows = [
        {**keys, "source": "model", "item": f"i{k}", "draw": d, "value": k / 10} for k in range(8) for d in range(2)
    ]
    rows += [
        {**keys, "source": "human", "item": "i0", "draw": 0, "value": 1.0},
        {**keys, "source": "model", "item": "i9", "draw": 0, "value": None},
    ]
    kinds = {"draw": pl.Int64, "turn": pl.Int64, "value": pl.Float64}
    pl.DataFrame(rows, schema_overrides=kinds).write_parquet(folder / "steps" / "scores" / "frame.parquet")
    (folder / "steps" / "effects").mkdir()
    effect = {"measure": "typo:consistent", "contrast": "m", "estimate": 0.9, "low": 0.8, "high": 0.95, "n": 40}
    pl.DataFrame([effect]).write_parquet(folder / "steps" / "effects" / "frame.parquet")
    return folder


def test_a_finished_run_gives_up_all_its_numbers(tmp_path: Path) -> None:
    found = load.measured(finished(tmp_path))
    assert found.system == "some_study"
    assert found.found.select("measure", "contrast", "estimate", "n", "step").rows() == [
        ("typo:consistent", "m", 0.9, 40, "effects"),
        ("toxicity", "red", pytest.approx(0.35), 16, "scores"),
    ]
    row = found.found.filter(measure="toxicity").row(0, named=True)
    assert row["low"] < 0.35 < row["high"]
    assert found.aside.select("reason", "count").rows() == [("scores of people", 1), ("scores without a value", 1)]


def kept(folder: Path, step: str, frame: pl.DataFrame) -> None:
    (folder / "steps" / step).mkdir()
    frame.write_parquet(folder / "steps" / step / "frame.parquet")


def test_arms_stand_apart_and_a_rate_that_never_varies_has_doubt(tmp_path: Path) -> None:
    """Wilson, none of 8: 0 to .324; a measure asked in 7 ways has one mean."""
    folder = finished(tmp_path)
    keys = {"speaker": "m", "source": "model", "community": "red", "draw": 0, "turn": 0}
    rows = [{**keys, "measure": "said", "item": f"i{k}", "condition": arm, "value": float(arm == "b" and k < 4)} for arm in "ab" for k in range(8)]  # fmt: skip
    rows += [
        {**keys, "measure": "way", "item": f"i{k % 2}", "condition": f"w{k // 2}", "value": k / 10} for k in range(14)
    ]
    kept(folder, "more", pl.DataFrame(rows))
    told = {(r["measure"], r["contrast"]): r for r in load.measured(folder).found.iter_rows(named=True)}
    assert [told["said", arm]["estimate"] for arm in ("red, a", "red, b")] == [0.0, 0.5]
    assert (told["said", "red, a"]["low"], told["said", "red, a"]["high"]) == pytest.approx((0.0, 0.3244), abs=1e-4)
    assert told["way", "red, over 7 conditions"]["estimate"] == pytest.approx(0.65)


def test_how_near_a_measure_is_to_people_is_no_level_of_it(tmp_path: Path) -> None:
    folder = finished(tmp_path)
    near = {"measure": "toxicity", "contrast": "red", "estimate": 0.97, "low": 0.9, "high": 1.0, "n": 40}
    kept(folder, "near", pl.DataFrame([near | {"floor": 0.1, "ceiling": 1.0}]))
    told = load.measured(folder).found.filter(contrast="red").select("measure", "estimate").rows()
    assert told == [("fidelity:toxicity", 0.97), ("toxicity", pytest.approx(0.35))]


def test_what_is_no_finished_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="it has no run.json"):
        load.measured(tmp_path)
    with pytest.raises(InputError, match="is not finished"):
        load.measured(finished(tmp_path / "a", finished=False))
    (tmp_path / "b" / "steps").mkdir(parents=True)
    (tmp_path / "b" / "run.json").write_text(json.dumps({"schema": 2, "system": "s", "finished": True}))
    with pytest.raises(RefusedError, match="measured nothing"):
        load.measured(tmp_path / "b")
