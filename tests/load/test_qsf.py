"""A Qualtrics survey file becomes a card that reads, and its answers score: the file is built by hand, as Qualtrics writes it."""

import json
import tomllib
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sociolect.errors import InputError, UsageError
from sociolect.load.qsf import Imported, qsf
from sociolect.load.qsf import written as import_into
from sociolect.load.survey import survey
from sociolect.load.toml import toml
from sociolect.measure.instrument import items, read, score

AGREE = {"1": {"Display": "Disagree"}, "2": {"Display": "Neither"}, "3": {"Display": "Agree"}}


def sq(qid: str, tag: str, kind: str, selector: str, **more: Any) -> dict[str, Any]:
    payload = {
        "QuestionID": qid,
        "DataExportTag": tag,
        "QuestionText": f"<div>Text of <b>{tag}</b>&nbsp;&amp; more</div>",
        "QuestionType": kind,
        "Selector": selector,
        "Configuration": {"QuestionDescriptionOption": "UseText"},
        "Validation": {"Settings": {"ForceResponse": "OFF", "Type": "None"}},
        "Language": [],
        **more,
    }
    return {"SurveyID": "SV_1", "Element": "SQ", "PrimaryAttribute": qid, "Payload": payload}


def number(low: object, high: object) -> dict[str, Any]:
    return {"Settings": {"Type": "ContentType", "ContentType": "ValidNumber", "ValidNumber": {"Min": low, "Max": high, "NumDecimals": "0"}}}  # fmt: skip


QUESTIONS = [
    sq("QID1", "intro", "DB", "TB"),
    sq("QID2", "mood", "MC", "SAVR", SubSelector="TX", Choices=AGREE, ChoiceOrder=["1", "2", 3], RecodeValues={"1": "5", "2": "3", "3": "1"}, QuestionJS="Qualtrics.SurveyEngine.addOnload()"),
    sq("QID3", "Q3", "Matrix", "Likert", SubSelector="SingleAnswer", Choices={"1": {"Display": "I greet."}, "4": {"Display": "I hide."}}, ChoiceOrder=[1, 4], Answers=AGREE, AnswerOrder=[1, 2, 3], ChoiceDataExportTags=False, Randomization={"Type": "All"}),
    sq("QID4", "bag", "TE", "SL", Validation=number("0", "40")),
    sq("QID5", "story", "TE", "ESTB"),
    sq("QID6", "which", "MC", "MAVR", Choices=AGREE, ChoiceOrder=["1", "2", "3"]),
    sq("QID7", "heat", "Slider", "HSLIDER", Choices={"1": {"Display": "Today"}}, ChoiceOrder=["1"], Configuration={"CSSliderMin": 0, "CSSliderMax": 10}, DisplayLogic={"0": {}}),
    sq("QID8", "side", "MC", "SAHR", Choices={"1": {"Display": "left"}, "2": {"Display": "right"}, "3": {"Display": "Other", "TextEntry": "true"}}, ChoiceOrder=[1, 3, 2], QuestionText="Which side, ${q://QID2/ChoiceGroup}? <img src='x.png'>"),
    sq("QID9", "old", "MC", "SAVR", Choices=AGREE, ChoiceOrder=[1, 2, 3]),
    sq("QID10", "rank", "RO", "DND", Choices=AGREE, ChoiceOrder=[1, 2, 3]),
    sq("QID11", "sbs", "SBS", "SBSMatrix", Choices=AGREE),
    sq("QID12", "any", "TE", "SL", Validation=number("", "")),
    sq("QID13", "multi", "Matrix", "Likert", SubSelector="MultipleAnswer", Choices=AGREE, Answers=AGREE),
]  # fmt: skip


def elements(flow: bool = True) -> list[dict[str, Any]]:
    def block(name: str, kind: str, ids: list[int], **more: Any) -> dict[str, Any]:
        inside = [{"Type": "Question", "QuestionID": f"QID{n}"} for n in ids]
        return {"Type": kind, "Description": f"Block {name}", "ID": f"BL_{name}", "BlockElements": inside, **more}

    blocks = [
        block("one", "Default", [1, 2, 3]),
        block("trash", "Trash", [9]),
        block(
            "two",
            "Standard",
            [5, 6, 7, 8, 10, 11, 12, 13],
            Options={"Looping": "Static", "RandomizeQuestions": "false"},
        ),
        block("three", "Standard", [4]),
    ]
    blocks[0]["BlockElements"].insert(1, {"Type": "Page Break"})
    blocks[3]["BlockElements"][0]["SkipLogic"] = [{"SkipLogicID": 1}]
    branch = {
        "Type": "Branch",
        "FlowID": "FL_4",
        "BranchLogic": {},
        "Flow": [{"Type": "Standard", "ID": "BL_two", "FlowID": "FL_5"}],
    }
    flowing = {
        "Type": "Root",
        "FlowID": "FL_1",
        "Flow": [
            {"Type": "EmbeddedData", "FlowID": "FL_2", "EmbeddedData": []},
            {"Type": "Block", "ID": "BL_three", "FlowID": "FL_6"},
            {"Type": "Standard", "ID": "BL_one", "FlowID": "FL_3"},
            branch,
        ],
    }
    found = [
        {"Element": "BL", "PrimaryAttribute": "Survey Blocks", "Payload": {str(n): b for n, b in enumerate(blocks)}},
        {"Element": "SO", "PrimaryAttribute": "Survey Options", "Payload": {"BackButton": "false"}},
        *QUESTIONS,
    ]
    return [*found, {"Element": "FL", "PrimaryAttribute": "Survey Flow", "Payload": flowing}] if flow else found


def written(tmp_path: Path, said: object) -> Path:
    path = tmp_path / "made.qsf"
    path.write_text(json.dumps(said), encoding="utf-8-sig")
    return path


@pytest.fixture
def found(tmp_path: Path) -> Imported:
    entry = {"SurveyID": "SV_1", "SurveyName": "Bags & moods", "SurveyLanguage": "EN"}
    return qsf(written(tmp_path, {"SurveyEntry": entry, "SurveyElements": elements()}))


def test_choices_matrices_sliders_and_numbers_become_items_in_the_order_of_the_flow(
    tmp_path: Path, found: Imported
) -> None:
    assert found.items == ("bag", "mood", "Q3_1", "Q3_4", "heat_1", "side")
    (tmp_path / "instrument.toml").write_text(found.structure)
    (tmp_path / "mine.toml").write_text(found.wording)
    card = read(tmp_path, text=tmp_path / "mine.toml")
    assert (card.id, card.title, card.language, card.status) == (
        "Bags_moods",
        "Bags & moods",
        "en",
        "unvalidated paraphrase",
    )
    assert card.sensitive, "until its user says otherwise"
    asked = items(card)
    assert asked["prompt"].to_list()[:3] == ["Text of bag & more", "Text of mood & more", "Text of Q3 & more\nI greet."]
    assert asked["options"].to_list() == [
        None,
        ["5", "3", "1"],
        ["1", "2", "3"],
        ["1", "2", "3"],
        None,
        ["1", "3", "2"],
    ]
    assert asked["wording"].to_list()[5] == ["left", "Other", "right"]
    assert asked.select("low", "high").rows()[0] == (0, 40)
    assert asked.select("low", "high").rows()[4] == (0, 10)
    assert card.items[1].scores == {"5": 5, "3": 3, "1": 1}
    assert card.items[5].scores == {}, "1, 3, 2 neither rises nor falls"


def test_everything_else_is_listed(found: Imported) -> None:
    assert set(found.left_out.rows()) == {
        ("FL_2", "flow element EmbeddedData"),
        ("FL_4", "branch logic: its blocks are taken as if they were always shown"),
        ("Block three", "skip logic: every question is taken"),
        ("Block two", "loop and merge: its questions are taken once"),
        ("old", "in the trash, or in no block that is shown"),
        ("intro", "text or a picture without an answer"),
        ("mood", "JavaScript"),
        ("Q3", "options or rows in random order (All): taken in the order written"),
        ("story", "text entry that need not be a number between two bounds (ESTB)"),
        ("which", "several answers at once (MC MAVR)"),
        ("heat", "display logic: taken as if it were always shown"),
        ("side", "an option with a text entry: imported without the text"),
        ("side", "option values that neither rise nor fall in the order shown: imported as nominal, without scores"),
        ("side", "piped text: ${...} stands in the wording"),
        ("side", "pictures, sound or film in the wording"),
        ("rank", "question of type RO DND"),
        ("sbs", "question of type SBS SBSMatrix"),
        ("any", "text entry that need not be a number between two bounds (SL)"),
        ("multi", "matrix of another form than one answer a row (Likert MultipleAnswer)"),
    }


def test_answers_as_labels_and_as_codes_score_alike(tmp_path: Path, found: Imported) -> None:
    own = '[[subscale]]\nid = "s"\nitems = ["Q3_1", "Q3_4", "heat_1"]\nhow = "sum"\nlow = 2\nhigh = 16\n'
    structure = found.structure
    for name in ("Q3_1", "Q3_4", "heat_1"):
        structure = structure.replace(f'id = "{name}"\nscored = false', f'id = "{name}"')
    (tmp_path / "instrument.toml").write_text(structure + own)
    card = read(tmp_path)
    values = []
    for n, cells in enumerate(("Agree,Neither,7,12", "3,2,7,12")):
        path = tmp_path / f"export{n}.csv"
        path.write_text(f"who,Q3_1,Q3_4,heat_1,bag\nada,{cells}\n")
        given = survey(path, person="who", everyone="all", items={i: i for i in ("Q3_1", "Q3_4", "heat_1", "bag")}, options=found.labels, key=tmp_path / "key")  # fmt: skip
        values.append(score(given.replies, card).select("measure", "value").rows())
    assert values[0] == values[1]
    assert dict(values[0])["Bags_moods:s"] == 3 + 2 + 7
    assert dict(values[0])["Bags_moods:bag"] == 12


def test_without_a_flow_blocks_come_in_their_order(tmp_path: Path) -> None:
    found = qsf(written(tmp_path, {"SurveyElements": elements(flow=False)}))
    assert found.items == ("mood", "Q3_1", "Q3_4", "heat_1", "side", "bag")


def test_words_that_are_other_options_codes_are_read_as_codes(tmp_path: Path) -> None:
    turned = sq("QID1", "a", "MC", "SAVR", Choices={"1": {"Display": "2"}, "2": {"Display": "1"}}, ChoiceOrder=[1, 2])
    blocks = {
        "Element": "BL",
        "Payload": [{"Type": "Default", "ID": "B", "BlockElements": [{"Type": "Question", "QuestionID": "QID1"}]}],
    }
    found = qsf(written(tmp_path, {"SurveyElements": [blocks, turned]}))
    assert found.labels == {"a": {"1": "1", "2": "2"}}
    assert found.left_out["reason"].to_list() == [
        "options whose words are other options' codes: its answers are read as codes"
    ]


@pytest.mark.parametrize(
    ("said", "due"),
    [
        ([1], "it has no SurveyElements"),
        ({"SurveyElements": 3}, "it has no SurveyElements"),
        ({"SurveyElements": [1, {"Element": "SQ", "Payload": "x"}]}, "no question could be imported"),
        ({"SurveyElements": [QUESTIONS[0]]}, "intro: in the trash, or in no block"),
    ],
)
def test_what_is_no_survey_is_refused(tmp_path: Path, said: object, due: str) -> None:
    with pytest.raises(InputError, match=due):
        qsf(written(tmp_path, said))
    (tmp_path / "made.qsf").write_text("{")
    with pytest.raises(InputError, match="cannot be read as a QSF"):
        qsf(tmp_path / "made.qsf")


def test_toml_comes_back_as_it_went(tmp_path: Path) -> None:
    """The reader is Python's own tomllib."""
    said = {
        "a": 'q"\\\n\t\x7fé',
        "n": [1, 2.5, True],
        "t": {"x y": {"1": "one"}, "e": {}},
        "l": [{"k": 1, "in": {"a": "b"}}, {"k": 2}],
    }
    assert tomllib.loads(toml(said)) == said


def test_an_import_is_a_folder_that_reads_and_is_never_written_over(tmp_path: Path) -> None:
    path, folder = (
        written(tmp_path, {"SurveyEntry": {"SurveyName": "Tea"}, "SurveyElements": elements()}),
        tmp_path / "tea",
    )
    left = import_into(path, folder)
    assert left.height == qsf(path).left_out.height > 0
    assert pl.read_csv(folder / "left_out.csv").height == left.height
    card = read(folder, text=folder / "wording.toml")
    assert [one.id for one in card.items] == list(qsf(path).items)
    assert card.status == "unvalidated paraphrase"
    with pytest.raises(UsageError, match="holds an instrument already"):
        import_into(path, folder)
