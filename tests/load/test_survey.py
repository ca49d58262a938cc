"""A table of answers becomes replies, and whatever does not is listed."""

from pathlib import Path

import polars as pl
import pytest

from sociolect.errors import InputError, UsageError
from sociolect.load.survey import Survey, survey

AGREE = {"Strongly disagree": "1", "Disagree": "2", "Agree": "3"} | {n: n for n in "123"}
QUALTRICS = """StartDate,Status,IPAddress,ResponseId,Q3_1,Q3_2,weight,group
Start Date,Response Type,IP Address,Response ID,"How far do you agree? - I greet, mostly
",How far? - I keep to myself,What does your bag weigh?,Group
"{""ImportId"":""startDate"",""timeZone"":""UTC""}","{""ImportId"":""status""}","{""ImportId"":""ipAddress""}","{""ImportId"":""_recordId""}","{""ImportId"":""QID3_1""}","{""ImportId"":""QID3_2""}","{""ImportId"":""QID4_TEXT""}","{""ImportId"":""group""}"
2024-01-01,Survey Preview,,R_0,Agree,Agree,5,red
2024-01-02,IP Address,192.0.2.1,R_1,strongly  disagree,Agree,5.5,red
2024-01-02,IP Address,192.0.2.2,R_2,Agree,-99,,blue
2024-01-02,IP Address,192.0.2.3,R_3,Other: ask my neighbour Ann,2,8,
2024-01-02,Spam,192.0.2.4,R_4,Agree,Agree,5,red
"""


def read(tmp_path: Path, text: str, **said: object) -> Survey:
    path = tmp_path / "answers.csv"
    path.write_text(text)
    return survey(path, key=tmp_path / "key", **said)  # type: ignore[arg-type]


def left(found: Survey) -> dict[tuple[str, str], int]:
    return {(column, reason): n for column, reason, n in found.left_out.rows()}


def test_a_qualtrics_export_keeps_respondents_alone(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        QUALTRICS,
        person="ResponseId",
        community="group",
        items={"Q3_1": "a", "Q3_2": "b", "weight": "kg"},
        options={"a": AGREE, "b": AGREE},
    )
    said = found.replies.select("community", "item", "choice", "outcome").rows()
    assert said == [
        ("red", "a", "1", "answered"),
        ("red", "b", "3", "answered"),
        ("red", "kg", "5.5", "answered"),
        ("blue", "a", "3", "answered"),
        ("blue", "b", None, "blank"),
        ("blue", "kg", None, "blank"),
    ]
    assert left(found) == {
        ("Status", "rows of previews, tests and spam"): 2,
        ("group", "rows without it"): 1,
        ("StartDate", "not asked for"): 3,
        ("IPAddress", "not asked for"): 3,
    }
    assert set(found.replies["source"]) == {"human"}
    assert found.replies["prompt"].null_count() == 6


def test_what_is_no_option_is_counted_and_quoted_only_where_ten_say_it(tmp_path: Path) -> None:
    rows = ["maybe"] * 10 + ["Ann from next door"] * 9 + ["Bob from next door", "agree", "", "  ", "3.0"]
    text = "who,1\n" + "".join(f"p{n},{cell}\n" for n, cell in enumerate(rows))
    found = read(tmp_path, text, person="who", everyone="all", items=["1"], options={"1": AGREE})
    assert found.replies["outcome"].to_list() == ["unparsed"] * 20 + ["answered", "blank", "blank", "answered"]
    assert found.replies["choice"].to_list()[20:] == ["3", None, None, "3"]
    assert left(found) == {
        ("1", "'maybe' is no option of item 1"): 10,
        ("1", "rarer answers that are no option of item 1"): 10,
    }
    assert not any("Ann" in str(row) for row in [*found.replies.rows(), *found.left_out.rows()])


def test_people_come_under_pseudonyms_and_their_rows_are_draws(tmp_path: Path) -> None:
    text = "who,age,q1\nada,30,1\nbob,40,2\nada,30,3\n,50,1\n"
    found = read(tmp_path, text, person="who", everyone="all", items=["1"], keep="age")
    who = found.replies["speaker"].to_list()
    assert who[0] == who[2] != who[1]
    assert all(len(w) == 17 and w.startswith("p") for w in who)
    assert found.replies["draw"].to_list() == [0, 0, 1]
    assert found.replies["age"].to_list() == [30, 40, 30]
    assert left(found) == {
        ("who", "rows without it"): 1,
        ("who", "rows of somebody who answered before: kept as further draws"): 1,
    }
    kept = read(tmp_path, text, person="who", everyone="all", items=["1"], keep_ids="they are public")
    assert kept.replies["speaker"].to_list() == ["ada", "bob", "ada"]
    nobody = read(tmp_path, "1\nx\ny\n", anonymous=True, everyone="all", items=["1"])
    assert nobody.replies["speaker"].to_list() == ["anonymous/r0000001", "anonymous/r0000002"]


def test_columns_are_found_where_they_begin_alike(tmp_path: Path) -> None:
    text = "who,Q1_1,Q1_2,Q2_1,Q2_2,Q2_3\nada,a,b,c,d,e\n"
    found = read(tmp_path, text, person="who", everyone="all", items=["1", "2", "3", "4"])
    assert found.replies["choice"].to_list() == ["c", "d", "e"]
    assert left(found)["", "item 4 has no column 'q2_4'"] == 1
    assert left(found)["Q1_1", "not asked for"] == 1
    with pytest.raises(InputError, match="columns begin with 'q1_' or 'q2_' alike; say items="):
        read(tmp_path, text, person="who", everyone="all", items=["1", "2"])
    with pytest.raises(InputError, match="no column ends in an item's id"):
        read(tmp_path, text, person="who", everyone="all", items=["7"])


def test_parquet_and_gaps_score_alike(tmp_path: Path) -> None:
    pl.DataFrame({"who": ["a", "b"], "1": [2.0, None], "2": [1, 3]}).write_parquet(tmp_path / "a.parquet")
    found = survey(
        tmp_path / "a.parquet",
        person="who",
        everyone="all",
        items=["1", "2"],
        options={"1": AGREE, "2": AGREE},
        key=tmp_path / "key",
    )
    assert found.replies["choice"].to_list() == ["2", "1", None, "3"]


@pytest.mark.parametrize(
    ("said", "due"),
    [
        ({"everyone": "all"}, "say either person="),
        ({"person": "who"}, "say either community="),
        ({"person": "who", "everyone": "all", "community": "town"}, "say either community="),
        ({"person": "whom", "everyone": "all", "items": {"q9": "1"}}, "has no column 'q9' (item 1)"),
        ({"person": "whom", "everyone": "all", "items": {"q9": "1"}}, "has no column 'whom' (person)"),
        ({"person": "who", "everyone": "all", "keep": "who"}, "names people and is asked for twice"),
        ({"person": "who", "everyone": "all", "keep": "text"}, "keep column 'text' has the name of a column"),
        ({"person": "who", "everyone": "all", "items": {"q1": "1", "text": "1"}}, "item 1 is answered by 2 columns"),
        (
            {"person": "who", "everyone": "all", "options": {"1": {"Yes": "1", "yes ": "0"}}},
            "gives two meanings to 'yes' of item 1",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, said: dict[str, object], due: str) -> None:
    with pytest.raises((InputError, UsageError)) as error:
        read(tmp_path, "who,q1,town,text\nada,yes,red,hm\n", **{"items": {"q1": "1"}, **said})
    assert due in str(error.value)


def test_a_table_without_respondents_is_refused(tmp_path: Path) -> None:
    header = "".join(QUALTRICS.splitlines(keepends=True)[:5])
    with pytest.raises(InputError, match="holds nobody's answers"):
        read(tmp_path, header, person="ResponseId", everyone="all", items={"Q3_1": "a"})
