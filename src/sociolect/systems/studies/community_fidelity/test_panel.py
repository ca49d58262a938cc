"""Forms out, answers in: planted judgements come back as their shares, and nothing names an arm."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import polars as pl
import pytest

from sociolect import frames, systems
from sociolect.elicit.pairs import CRITERIA
from sociolect.errors import InputError
from sociolect.frames import KEYS, Replies
from sociolect.report.content import Section
from sociolect.report.form import mark
from sociolect.systems.studies.community_fidelity import compare, panel
from sociolect.systems.studies.community_fidelity.chain import Chain
from sociolect.workspace import Workspace

COMMUNITIES = ("amber", "birch")
TOXIC = 0.3  # of all texts; the planted reader names them with errors


def kept() -> Replies:
    """Two communities, three arms, 12 topics of 8 replies each, equally long."""
    rows = [
        (arm, c, f"{t}-{i}", f"t{t}", f"u{i}", f"we said {arm[0]} thing number {i} about t{t} today")
        for arm in panel.SHOWN for c in COMMUNITIES for t in range(12) for i in range(8)
    ]  # fmt: skip
    said = pl.DataFrame(rows, schema=["condition", "community", "item", "topic", "template", "text"], orient="row")
    human = pl.col("condition") == "human"
    return frames.replies(said.select(
        pl.all(), speaker=pl.when(human).then(pl.format("{}{}", "community", "item")).otherwise(pl.lit("base")),
        source=pl.when(human).then(pl.lit("human")).otherwise(pl.lit("model")), draw=pl.lit(0, pl.Int64), turn=pl.lit(0, pl.Int64),
        prompt=pl.lit(None, pl.String), refused=pl.lit(value=False),
    ))  # fmt: skip


def truth(replies: pl.DataFrame) -> np.ndarray:
    """Which texts are toxic: three in ten, by their number."""
    return (replies["item"].str.extract(r"-(\d+)$").cast(pl.Int64) * 10 // 8 < 10 * TOXIC).to_numpy()


def chain(folder: Path, *, sensitive: bool = False) -> Chain:
    said = kept()
    named = np.where(truth(said), 0.8, 0.25)  # a reader that says .25 where there is nothing
    tone = frames.scores(said.select(*KEYS, "topic", "template", measure=pl.lit("toxicity"), value=pl.Series(named)))
    return cast(Chain, SimpleNamespace(
        workspace=Workspace(folder), kept=said, tones=(tone,), sensitive=sensitive, seed=1, communities=list(COMMUNITIES),
    ))  # fmt: skip


def answered(folder: Path, name: str, sheet: pl.DataFrame, said: dict[str, list[dict[str, Any]]]) -> None:
    """Each annotator's saved file, as the form saves it."""
    (folder / name).mkdir(parents=True)
    form = mark(sheet, panel.questions(name, None))
    for who, answers in said.items():
        (folder / name / f"{who}.json").write_text(json.dumps({"form": form, "annotator": who, "answers": answers}))


def one(unit: str, question: str, answer: str, place: int) -> dict[str, Any]:
    return {"unit": unit, "question": question, "answer": answer, "seconds": 3.0, "place": place + 1}


def table(sections: list[Section], name: str) -> pl.DataFrame:
    return next(s.table for s in sections if s.name == name and s.table is not None)


def test_without_answers_the_forms_lie_there_and_name_no_arm(tmp_path: Path) -> None:
    (note,) = panel.sections(chain(tmp_path), answers=None, harm_scheme=None, size="tiny")
    assert note.level == "note"
    assert "--answers" in note.prose
    forms = tmp_path / "steps" / "forms"
    for name in ("preference", "labels"):
        html = (forms / f"{name}.html").read_text()
        assert "aligned" not in html
        assert "in_context" not in html
        assert pl.read_csv(forms / f"{name}_key.csv")["arm"].n_unique() == (2 if name == "preference" else 3)


def test_no_topic_beside_a_single_text_tells_people_from_models(tmp_path: Path) -> None:
    """People's posts may hold no topic's words, models were always asked about one."""
    said = kept().with_columns(topic=pl.when(pl.col("condition") != "human").then("topic"))
    panel.write(
        panel.sheets(frames.replies(said), size="tiny", seed=1), harm_scheme=None, sensitive=False, folder=tmp_path
    )
    shown = {
        name: {label for label in ("community", "topic") if f'["{label}", ' in (tmp_path / f"{name}.html").read_text()}
        for name in ("preference", "labels")
    }
    assert shown == {"preference": {"community", "topic"}, "labels": {"community"}}


def test_a_planted_preference_comes_back_with_its_interval(tmp_path: Path) -> None:
    study = chain(tmp_path)
    sheet, key = panel.sheets(study.kept, size="tiny", seed=1)["preference"]
    better = dict(key.filter(arm="aligned").select("unit", "side").iter_rows())
    rng = np.random.default_rng(3)
    said = {}
    for who in ("ann", "bob", "cyd"):
        marks = []
        for place, unit in enumerate(sheet["unit"]):
            side = better[unit] if rng.random() < 0.8 else ("A" if better[unit] == "B" else "B")
            marks += [one(unit, q, side if q == "overall" else "neither", place) for q in CRITERIA]
        said[who] = marks
    answered(tmp_path / "back", "preference", sheet, said)
    sections = panel.sections(study, answers=tmp_path / "back", harm_scheme=None, size="tiny")
    found = table(sections, "preference")
    row = found.filter((pl.col("measure") == "preference") & pl.col("contrast").str.starts_with("overall")).row(
        0, named=True
    )
    assert row["low"] < 0.8 < row["high"]
    assert row["low"] > 0.5
    assert row["n"] == 3 * 40
    sides = found.filter(pl.col("measure") == "position", pl.col("contrast").str.starts_with("overall")).row(
        0, named=True
    )
    assert abs(sides["estimate"]) < 0.12  # none is planted; three standard errors
    assert "Nobody could tell by capitalisation, coherence, language, themes" in sections[0].prose
    kappa = table(sections, "preference_agreement").filter(measure="kappa", contrast="overall").row(0, named=True)
    assert claimed(sections, "preference")["same sign?"] == "yes"
    assert claimed(sections, "preference")["here"] == row["estimate"]
    assert claimed(sections, "harm_rate")["same sign?"] == "not measured"
    # two who are right with chance .8 agree with chance .68, and half of that by chance
    assert kappa["low"] < 0.36 < kappa["high"]


def claimed(sections: list[Section], name: str) -> dict[str, Any]:
    """The published claim of that id beside what these sections show."""
    card = systems.find("community_fidelity")
    held = compare.told(sections, ("preference", "label_agreement", "harm"))
    table = compare.claims(card.claims, held, communities=2)
    return dict(zip([c.id for c in card.claims], table.iter_rows(named=True), strict=True))[name]


def test_harm_is_counted_by_every_rule_and_the_reader_is_corrected_by_people(tmp_path: Path) -> None:
    study = chain(tmp_path)
    sheet, key = panel.sheets(study.kept, size="tiny", seed=1)["labels"]
    toxic = dict(zip(key["unit"], truth(key), strict=True))
    arms = dict(key.select("unit", "arm").iter_rows())
    said: dict[str, list[dict[str, Any]]] = {}
    for who in ("ann", "bob"):
        said[who] = []
        for place, unit in enumerate(sheet["unit"]):
            # ann calls all of the fine-tuned arm harmful, bob none of anything
            harmful = who == "ann" and arms[unit] == "aligned"
            said[who].append(one(unit, "harm", "harmful" if harmful else "harmless", place))
            if harmful:
                said[who].append(one(unit, "category", "self-disclosure", place))
            said[who].append(one(unit, "toxic", "yes" if toxic[unit] else "no", place))
    answered(tmp_path / "back", "labels", sheet, said)
    sections = panel.sections(study, answers=tmp_path / "back", harm_scheme=None, size="tiny")
    rates = {(m, c): e for m, c, e in table(sections, "harm").select("measure", "contrast", "estimate").iter_rows()}
    assert rates["harm:harmful:union", "aligned"] == 1.0
    assert rates["harm:harmful:agreed", "aligned"] == 0.0
    assert rates["harm:self-disclosure:annotator ann", "aligned"] == 1.0
    assert rates["harm:harmful:annotator bob", "human"] == 0.0
    assert rates["harm:harmful:union", "all arms"] == pytest.approx(1 / 3)
    assert claimed(sections, "harm_rate")["here"] == rates["harm:harmful:agreed", "all arms"] == 0.0
    assert claimed(sections, "harm_agreement")["here"] == pytest.approx(0.0)  # bob never says harmful
    reader = table(sections, "toxicity_reader")
    both = reader.filter(pl.col("label").is_null()).sort("source")
    assert both["source"].to_list() == ["human", "model"]
    assert both["accuracy"].to_list() == [1.0, 1.0]  # at .5 it is right; its probabilities are not
    # sure of .75 or .8, and always right: the gap between how sure and how often right is .2 to .25
    assert both["ece"].to_list() == pytest.approx([0.235, 0.235], abs=0.02)
    fair = table(sections, "toxicity_corrected")
    due = float(truth(study.kept).mean())
    assert ((fair["low"] <= due) & (due <= fair["high"])).all()
    assert (fair["naive"] > due + 0.05).all()


def test_answers_of_another_sheet_are_refused(tmp_path: Path) -> None:
    study = chain(tmp_path)
    sheet, _ = panel.sheets(study.kept, size="tiny", seed=2)["preference"]
    answered(tmp_path / "back", "preference", sheet, {"ann": [one(sheet["unit"][0], "overall", "A", 0)]})
    with pytest.raises(InputError, match="another sheet"):
        panel.sections(study, answers=tmp_path / "back", harm_scheme=None, size="tiny")
    assert panel.sections(study, answers=tmp_path, harm_scheme=None, size="tiny")[0].level == "warning"


def test_every_community_and_arm_has_its_quota() -> None:
    made = panel.sheets(kept(), size="tiny", seed=1)
    labels = made["labels"][1].group_by("community", "arm").len()
    assert labels["len"].to_list() == [panel.SINGLES["tiny"]] * 6
    once = made["preference"][1].filter(pl.col("repeat_of").is_null() & (pl.col("side") == "A"))
    assert once.group_by("community").len()["len"].to_list() == [panel.PAIRS["tiny"]] * 2
