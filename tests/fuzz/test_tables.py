"""Every reader of tables under fire: posts, pairs, surveys, labels, saved answers, survey files, dialogues."""

import gzip
import io
import json
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sociolect.load.answers import answers
from sociolect.load.comment_pairs import comment_pairs
from sociolect.load.dialogre import dialogre
from sociolect.load.doctor import doctor
from sociolect.load.doctor.told import as_json
from sociolect.load.guess import guess
from sociolect.load.labelled import labelled
from sociolect.load.qsf import qsf
from sociolect.load.survey import survey
from sociolect.load.table import table
from sociolect.report.form import Question, mark
from sociolect.systems.planned_table import sized

COLUMNS = ["id", "who", "body", "to", "when", "n"]
ROWS = [
    ["1", "ann", "hello, world", "", "2020-01-01T10:00:00Z", "1"],
    ["2", "bo", 'so "good"\nsaid @ann', "1", "2020-01-01 11:00", "2.5"],
    ["3", "cy", "caf\u00e9 http://a.b/ann mail a@b.org", "2", "2020-01-02", "3"],
    ["4", "ann", "bye", "9", "", "x"],
]
CSV = "\n".join(",".join('"' + c.replace('"', '""') + '"' for c in row) for row in [COLUMNS, *ROWS]).encode() + b"\n"
TSV = "\n".join("\t".join(c.replace("\n", " ") for c in row) for row in [COLUMNS, *ROWS]).encode() + b"\n"
JSONL = b"\n".join(json.dumps(dict(zip(COLUMNS, row, strict=True))).encode() for row in ROWS) + b"\n"
ROLES: dict[str, Any] = {"post": "id", "person": "who", "text": "body", "parent": "to", "time": "when", "keep": ["n"]}


# zlib, not gzip, says what is wrong with it
BROKEN = b"\x1f\x8b\x08\x00\x00\x00nan\x02\x033\xe02\xe4\x02\x00\xc7\xef\xbb\xbf\x00"


def parquet() -> bytes:
    held = io.BytesIO()
    pl.DataFrame(dict(zip(COLUMNS, map(list, zip(*ROWS, strict=True)), strict=True))).write_parquet(held)
    return held.getvalue()


def at(path: Path, read: Any, data: bytes) -> object:
    path.write_bytes(data)
    return read(path)


@pytest.mark.parametrize(
    ("name", "seeds"),
    [
        ("posts.csv", [CSV, CSV.replace(b"\n", b"\r\n"), b"\xef\xbb\xbf" + CSV]),
        ("posts.tsv", [TSV]),
        ("posts.jsonl", [JSONL]),
        ("posts.csv.gz", [gzip.compress(CSV, mtime=0)]),
        ("posts.parquet", [parquet()]),
    ],
)
def test_posts(tmp_path: Path, fuzz: Any, name: str, seeds: list[bytes]) -> None:
    fuzz(seeds, partial(at, tmp_path / name, partial(table, key=tmp_path / "key", **ROLES)), n=80)


def test_posts_with_ties_and_links(tmp_path: Path, fuzz: Any) -> None:
    (tmp_path / "posts.csv").write_bytes(CSV)
    more: dict[str, Any] = {"tie_source": "a", "tie_target": "b", "tie_weight": "w", "tie_kind": "k"}

    def ties(path: Path) -> object:
        return table(tmp_path / "posts.csv", **ROLES, ties=path, **more, key=tmp_path / "key")

    def links(path: Path) -> object:
        return table(
            tmp_path / "posts.csv", **ROLES | {"parent": None}, links=path, link_child="a", link_parent="b", key=tmp_path / "key"
        )  # fmt: skip

    fuzz([b"a,b,w,k\nann,bo,2,mention\nbo,cy,,reply\n"], partial(at, tmp_path / "ties.csv", ties), n=40)
    fuzz([b"a,b\n2,1\n3,2\n3,1\n"], partial(at, tmp_path / "links.csv", links), n=40)


def test_guess(tmp_path: Path, fuzz: Any) -> None:
    fuzz([CSV], partial(at, tmp_path / "posts.csv", guess), n=40)
    fuzz([JSONL], partial(at, tmp_path / "posts.jsonl", guess), n=40)


def test_doctor(tmp_path: Path, fuzz: Any) -> None:
    roles = {k: v for k, v in ROLES.items() if k != "keep"}

    def read(path: Path) -> object:
        return as_json(doctor(path, **roles, now=datetime(2026, 1, 1, tzinfo=UTC), key=b"k" * 32))

    fuzz([CSV, CSV.replace(b"1", b"2")], partial(at, tmp_path / "posts.csv", read), n=15)
    fuzz([JSONL], partial(at, tmp_path / "posts.jsonl", read), n=10)
    fuzz([parquet()], partial(at, tmp_path / "posts.parquet", read), n=5)


def test_sizes(tmp_path: Path, fuzz: Any) -> None:
    for name, seed in (
        ("p.csv", CSV),
        ("p.jsonl", JSONL),
        ("p.parquet", parquet()),
        ("p.tsv.gz", gzip.compress(TSV, mtime=0)),
    ):
        fuzz([seed], partial(at, tmp_path / name, partial(sized, text="body")), n=30)


def test_comment_pairs(tmp_path: Path, fuzz: Any) -> None:
    seed = b"p,c,who,to,sex,age,tie,t\nI ran,well done,ada,bob,F,33,friend,2020-01-01\nI ran,wow,eve,bob,f,x,none,2020-01-02\nwow,you,bob,eve,M,12,friend,\n"
    roles = {"post_text": "p", "comment_text": "c", "commenter": "who", "poster": "to", "commenter_gender": "sex"}
    roles |= {"commenter_age": "age", "closeness": "tie", "time": "t"}
    read = partial(comment_pairs, columns=roles, closeness={"friend": "close"}, key=tmp_path / "key")
    fuzz([seed], partial(at, tmp_path / "pairs.csv", read), n=80)


def test_survey(tmp_path: Path, fuzz: Any) -> None:
    plain = b"who,town,q1,q2,n\nada,red,Agree,2,5\nbob,blue,,oops,6\nada,red,2,2,7\n"
    qualtrics = b'Status,who,town,q1,q2,n\nResponse,Who,Town,"One, two?",Two,N\n"{""ImportId"":""status""}",a,b,c,d,e\nIP Address,ada,red,Agree,-99,5\nSurvey Preview,x,red,2,2,6\n'
    words = {"agree": "4", "2": "2"}
    read = partial(
        survey, person="who", community="town", items=["1", "2"], options={"1": words, "2": words}, keep="n", key=tmp_path / "key"
    )  # fmt: skip
    fuzz([plain, qualtrics], partial(at, tmp_path / "answers.csv", read), n=80)


def test_labelled(tmp_path: Path, fuzz: Any) -> None:
    (tmp_path / "names.txt").write_text("joy\nfear\n")
    seed = b"what a day\t0,1\noh no\t1\n"
    both = partial(labelled, text="column_1", label="column_2", names=tmp_path / "names.txt", header=False)
    fuzz([seed], partial(at, tmp_path / "t.tsv", both), n=50)

    def beside(path: Path) -> object:
        (tmp_path / "texts.txt").write_text("a\nb\n")
        return labelled(tmp_path / "texts.txt", labels=path)

    fuzz([b"0\n1\n"], partial(at, tmp_path / "labels.txt", beside), n=20)
    fuzz([gzip.compress(b"0\n1\n", mtime=0)], partial(at, tmp_path / "labels.txt.gz", beside), n=60, known=[BROKEN])

    def named(path: Path) -> object:
        (tmp_path / "t.tsv").write_bytes(seed)
        return labelled(tmp_path / "t.tsv", text="column_1", label="column_2", names=path, header=False)

    fuzz([b"joy\nfear\n", b"0\tjoy\n1\tfear\n"], partial(at, tmp_path / "called.txt", named), n=40)


def test_saved_answers(tmp_path: Path, fuzz: Any) -> None:
    sheet = pl.DataFrame({"unit": ["u1", "u2"], "a": ["x", "y"], "b": ["v", "w"]})
    questions = [Question("q", "?"), Question("why", "?", (("s", "style"), ("t", "truth")), when=("q", "A"))]
    form = mark(sheet, questions)
    one = {"unit": "u1", "question": "q", "answer": "A", "seconds": 3.5, "place": 1}
    held = {
        "form": form,
        "annotator": "ada",
        "answers": [one, one | {"question": "why", "answer": "s"}],
    }
    read = partial(answers, sheet=sheet, questions=questions)
    fuzz([json.dumps(held).encode()], partial(at, tmp_path / "a.json", read), shape="json", n=120)
    rows = [[form, "ada", "u1", "q", "B", "2", "1"]]
    lines = ["form,annotator,unit,question,answer,seconds,place", *(",".join(map(str, row)) for row in rows)]
    fuzz(["\n".join(lines).encode()], partial(at, tmp_path / "a.csv", read), n=60)


def test_qsf(tmp_path: Path, fuzz: Any) -> None:
    agree = {"1": {"Display": "no"}, "2": {"Display": "yes"}}
    base = {"QuestionText": "<b>Q</b> &amp;", "DataExportTag": "Q1", "SubSelector": "SingleAnswer"}
    asked: list[dict[str, Any]] = [
        {"QuestionID": "QID1", **base, "QuestionType": "MC", "Selector": "SAVR", "Choices": agree, "ChoiceOrder": [1, "2"],
         "RecodeValues": {"1": "5", "2": "3"}, "Randomization": {"Type": "All"}},
        {"QuestionID": "QID2", **base, "DataExportTag": "Q2", "QuestionType": "Matrix", "Selector": "Likert", "Choices": agree,
         "ChoiceOrder": [1, 2], "Answers": agree, "AnswerOrder": [1, 2], "ChoiceDataExportTags": False},
        {"QuestionID": "QID3", **base, "DataExportTag": "Q3", "QuestionType": "TE", "Selector": "SL",
         "Validation": {"Settings": {"Type": "ContentType", "ContentType": "ValidNumber", "ValidNumber": {"Min": "0", "Max": "9"}}}},
        {"QuestionID": "QID4", **base, "DataExportTag": "Q4", "QuestionType": "Slider", "Selector": "HSLIDER", "Choices": agree,
         "ChoiceOrder": [1], "Configuration": {"CSSliderMin": 0, "CSSliderMax": 10}},
    ]  # fmt: skip
    block = {"Type": "Default", "ID": "BL_1", "Description": "B", "Options": {"Looping": "None", "RandomizeQuestions": "false"},
             "BlockElements": [{"Type": "Question", "QuestionID": q["QuestionID"]} for q in asked]}  # fmt: skip
    flow = {
        "Type": "Root",
        "FlowID": "FL_1",
        "Flow": [{"Type": "Branch", "FlowID": "FL_2", "Flow": [{"Type": "Standard", "ID": "BL_1"}]}],
    }
    elements = [{"Element": "BL", "Payload": [block]}, {"Element": "FL", "Payload": flow}]
    elements += [{"Element": "SQ", "Payload": q} for q in asked]
    held = {"SurveyEntry": {"SurveyName": "S", "SurveyLanguage": "EN"}, "SurveyElements": elements}
    good = json.dumps(held)
    known = [good.replace('"ID": "BL_1"}', '"ID": "\\ud800"}')]  # no file and no terminal can hold it
    known.append(good.replace(': "SingleAnswer"', ": {}").replace('{"Display": "yes"}', '{"TextEntry": []}'))
    read = partial(at, tmp_path / "s.qsf", qsf)
    fuzz([good.encode()], read, shape="json", n=250, known=[one.encode() for one in known])


def test_dialogues(tmp_path: Path, fuzz: Any) -> None:
    said = ["Speaker 1: hi", "Speaker 2, Speaker 3: hey", "you", "Speaker 1: bye"]
    held = json.dumps([[said, [{"x": "Speaker 2", "y": "Speaker 1", "r": ["per:boss"]}]]]).encode()
    fuzz([held], partial(at, tmp_path / "dev.json", dialogre), shape="json", n=100)
    fuzz([gzip.compress(held, mtime=0)], partial(at, tmp_path / "dev.json.gz", dialogre), n=60, known=[BROKEN])
