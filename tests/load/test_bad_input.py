"""Each way in which a file can be bad ends in one clear line, or is counted."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sociolect.errors import InputError
from sociolect.frames import Society
from sociolect.load.table import table

GOOD = b"id,who,body,to\n1,ann,hello,\n2,bo,yes,1\n"


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "key"


def load(path: Path, key: Path, **more: Any) -> Society:
    said: dict[str, Any] = {
        "post": "id",
        "person": "who",
        "text": "body",
        "parent": "to",
        "key": key,
        "keep_ids": "test",
    }
    return table(path, **(said | more))


def aside(society: Society) -> dict[str, tuple[int, str]]:
    found = {r: (n, w) for r, n, w in society.set_aside.select("reason", "count", "where").iter_rows()}
    return {r: v for r, v in found.items() if not r.startswith("ids, texts")}


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("posts.csv", b"", "posts.csv is empty: it has no header and no rows"),
        ("posts.csv", b"id,who,body,to\n", "posts.csv has a header and no rows that can be read"),
        ("posts.csv", b"\n1,2\n", "begins with an empty line"),
        (
            "posts.csv",
            gzip.compress(GOOD, mtime=0),
            "should hold text by its name, and holds gzip: rename it to posts.csv.gz",
        ),
        ("posts.csv.gz", GOOD, "should hold gzip by its name, and holds text: rename it to posts.csv"),
        ("posts.csv", "id,who".encode("utf-16"), "holds UTF-16 text: convert it: iconv"),
        ("posts.csv", b"PK\x03\x04....", "holds a zip or spreadsheet file: unpack it, or export it as csv"),
        ("posts.parquet", GOOD, "should hold parquet by its name, and holds text"),
        ("posts.parquet", b"PAR1garbage", "is a broken parquet file"),
        ("posts.xlsx", GOOD, "no table this reads: name it .csv"),
        ("posts.jsonl", b'[{"id": 1}]\n', "is one JSON array, not one object a line: jq"),
        (
            "posts.jsonl",
            b'{"id": 1, "who": {"name": "a"}, "body": "b", "to": null}\n',
            "column 'who' (person) holds lists or objects",
        ),
        ("posts.jsonl", b"nothing\nat all\n", "holds no JSON object"),
        ("posts.csv", b"id,who,body,to,who\n1,ann,hello,,x\n", "column 'who' (person) comes 2 times"),
        ("posts.csv", b"id,who,body,to\n1,,hello,\n", "no post of posts.csv can be let in: 1 x post without an author"),
        ("posts.csv", b"id,who,bodi,to\n1,a,b,\n", "no column 'body' (text); did you mean 'bodi'?"),
    ],
)
def test_refused_in_one_line(tmp_path: Path, key: Path, name: str, content: bytes, line: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError) as error:
        load(tmp_path / name, key)
    assert line in str(error.value)
    assert "\n" not in str(error.value)


def test_a_path_that_is_no_file(tmp_path: Path, key: Path) -> None:
    (tmp_path / "posts.csv").write_bytes(GOOD)
    with pytest.raises(InputError, match=r"no file .*post.csv'; did you mean .*posts.csv'\?"):
        load(tmp_path / "post.csv", key)
    with pytest.raises(InputError, match="is a folder, not a table"):
        load(tmp_path, key)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_no_leave_to_read(tmp_path: Path, key: Path) -> None:
    (tmp_path / "posts.csv").write_bytes(GOOD)
    (tmp_path / "posts.csv").chmod(0)
    with pytest.raises(InputError, match="cannot be read .*chmod u"):
        load(tmp_path / "posts.csv", key)


def test_leave_to_read_is_asked_of_the_system(tmp_path: Path, key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "posts.csv").write_bytes(GOOD)

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refused)
    with pytest.raises(InputError, match=r"cannot be read \(Permission denied\)"):
        load(tmp_path / "posts.csv", key)


def test_all_that_is_missing_at_once_with_what_may_be_meant(tmp_path: Path) -> None:
    (tmp_path / "posts.csv").write_text("author_id,body,n\nx1,some words here,1\nx2,more words here,2\n")
    with pytest.raises(InputError) as error:
        table(tmp_path / "posts.csv", time="whenn", keep=["m"])
    said = str(error.value)
    assert (
        "the column 'author_id' may be it: say person='author_id', or anonymous=True where the file has no authors"
        in said
    )
    assert "the column 'body' may be it: say text='body'" in said
    assert "no column 'whenn' (time); there are: author_id, body, n" in said
    assert "no column 'm' (keep)" in said


def test_a_truncated_gzip_says_how_far_it_read(tmp_path: Path, key: Path) -> None:
    rows = b"".join(b"%d,ann,%s,\n" % (n, os.urandom(20).hex().encode()) for n in range(5000))
    whole = gzip.compress(b"id,who,body,to\n" + rows)
    (tmp_path / "posts.csv.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(
        InputError, match=r"posts.csv.gz is a broken gzip file \(.*\): [\d,]+ bytes, [\d,]+ whole lines could be read"
    ):
        load(tmp_path / "posts.csv.gz", key)
    (tmp_path / "posts.csv.gz").write_bytes(whole[:-8] + b"\0" * 8)
    with pytest.raises(InputError, match="broken gzip file .*CRC"):
        load(tmp_path / "posts.csv.gz", key)


def test_rows_that_cannot_be_posts_are_counted(tmp_path: Path, key: Path) -> None:
    (tmp_path / "posts.csv").write_text(
        "id,who,body,to\n1,ann,hello,\n1,ann,hello,\n1,ann,other,\n2,,x,1\n3,bo,,1\n4,bo,  ,1\n,bo,x,\n"
        "5,[deleted],gone,\n6,bo,[removed],\n7,bo,to nobody,99\n8,cy,ring,9\n9,cy,ring too,8\n10,cy,self,10\n11,cy,on 3,3\n"
    )
    society = load(tmp_path / "posts.csv", key)
    assert society.posts["post"].to_list() == ["1", "7", "8", "9", "10", "11"]
    assert aside(society) == {
        "post without an id": (1, "posts.csv, row 7"),
        "row that repeats a post word for word": (1, "posts.csv, row 2"),
        "row with another post's id and other content": (1, "posts.csv, row 3"),
        "cycle of replies, cut at one post": (2, "posts.csv, row 11"),
        "post without an author": (2, "posts.csv, row 4"),
        "post without text": (3, "posts.csv, row 5"),
        "reply to a post that is not here": (2, "posts.csv, row 10"),
    }
    parents = dict(society.posts.select("post", "parent").iter_rows())
    assert parents == {"1": None, "7": None, "8": None, "9": "8", "10": None, "11": None}
    # the conversation is known although the post in between says nothing
    assert dict(society.posts.select("post", "thread").iter_rows())["11"] == "1"


@pytest.mark.parametrize("zipped", [False, True])
def test_bytes_that_are_no_text_are_counted(tmp_path: Path, key: Path, zipped: bool) -> None:
    content = b"id,who,body,to\n1,ann,he\x00llo,\n2,bo,caf\xe9,1\n3,bo,fine,1\n4,bo,\xff\xfe,1\n"
    path = tmp_path / ("posts.csv.gz" if zipped else "posts.csv")
    path.write_bytes(gzip.compress(content) if zipped else content)
    society = load(path, key)
    assert society.posts["text"].to_list() == ["hello", "caf\ufffd", "fine", "\ufffd\ufffd"]
    assert aside(society) == {
        "NUL byte taken out of a line": (1, f"{path.name}, line 2"),
        "line with bytes that are no UTF-8, shown as \ufffd": (2, f"{path.name}, line 3"),
    }


def test_nul_written_as_an_escape(tmp_path: Path, key: Path) -> None:
    (tmp_path / "posts.jsonl").write_text('{"id": 1, "who": "a", "body": "x\\u0000y", "to": null}\n')
    society = load(tmp_path / "posts.jsonl", key)
    assert society.posts["text"].item() == "xy"
    assert aside(society) == {"NUL character taken out of a text": (1, "posts.jsonl, row 1")}


def test_broken_json_lines(tmp_path: Path, key: Path) -> None:
    good = [{"id": n, "who": "a", "body": f"t{n}", "to": n - 1 or None, "more": {"x": [1]}} for n in range(1, 4)]
    lines = [json.dumps(good[0]), "{broken", "", json.dumps(good[1]), '["a"]', json.dumps(good[2]), '{"id": 4, "who"']
    (tmp_path / "posts.jsonl").write_text("\n".join(lines))
    society = load(tmp_path / "posts.jsonl", key)
    assert society.posts.select("post", "parent").rows() == [("1", None), ("2", "1"), ("3", "2")]
    assert aside(society) == {"line that is no JSON object": (3, "posts.jsonl, line 2")}


def test_a_key_that_comes_up_late(tmp_path: Path, key: Path) -> None:
    lines = [
        json.dumps({"id": n, "who": "a", "body": "t"} | ({"to": 1} if n == 11_000 else {})) for n in range(1, 11_001)
    ]
    (tmp_path / "posts.jsonl").write_text("\n".join(lines))
    assert load(tmp_path / "posts.jsonl", key).posts["parent"].drop_nulls().to_list() == ["1"]


def test_ragged_rows_and_stray_marks(tmp_path: Path, key: Path) -> None:
    (tmp_path / "posts.csv").write_bytes(
        b'id,who,body,to\r\n1,ann,5" disk,\r\n2,bo,short\r\n3,bo,one,too,many\r\n4,bo,"never closed,\r\n\r\n5,cy,"two\r\nlines, ""q""",1\r\n'
    )
    society = load(tmp_path / "posts.csv", key)
    assert society.posts.select("post", "text").rows() == [("1", '5" disk'), ("5", 'two\r\nlines, "q"')]
    assert aside(society) == {
        "row with too few or too many fields, or a stray quotation mark": (3, "posts.csv, line 3")
    }


@given(
    st.lists(st.text(st.sampled_from('ab ",\n\r\té\u2028'), max_size=8), min_size=1, max_size=8),
    st.sampled_from(["csv", "tsv"]),
)
@example(said=["\n\t"], form="tsv")
@example(said=["a\nb\tc", '"', 'say "x"'], form="tsv")
@settings(max_examples=60)
def test_what_is_written_well_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, said: list[str], form: str
) -> None:
    folder = tmp_path_factory.mktemp("back")
    frame = pl.DataFrame({"who": [f"p{n}" for n in range(len(said))], "body": said})
    frame = pl.concat([frame, pl.DataFrame({"who": ["z"], "body": ["there"]})])
    frame.write_csv(folder / f"t.{form}", separator="\t" if form == "tsv" else ",")
    society = table(folder / f"t.{form}", person="who", text="body", keep_ids="test")
    due = frame.filter(pl.col("body").str.strip_chars() != "")
    assert society.posts["text"].to_list() == due["body"].str.normalize("NFC").to_list()


def test_a_tsv_that_two_readings_fit(tmp_path: Path) -> None:
    """Marks that hold lines together everywhere are quotation, and that is said; one that cannot be makes all of them words."""
    path = tmp_path / "t.tsv"
    path.write_text('who\tbody\np1\t"up\nand\tdown"\np2\t"right"\n')
    society = table(path, person="who", text="body", keep_ids="test")
    assert society.posts["text"].to_list() == ["up\nand\tdown", "right"]
    assert aside(society) == {"line end inside quotation marks, read as part of a text": (1, "t.tsv, line 2")}
    path.write_text('who\tbody\np1\t"up\nand\tdown"\np2\tso "right"\n')
    society = table(path, person="who", text="body", keep_ids="test")
    assert society.posts["text"].to_list() == ['"up', 'down"', 'so "right"']
    assert aside(society) == {}
    path.write_text('who\tbody\np1\tup\np2\t"right"\n')
    assert table(path, person="who", text="body", keep_ids="test").posts["text"].to_list() == ["up", '"right"']


def test_ids_that_a_float_has_bent(tmp_path: Path, key: Path) -> None:
    pl.DataFrame({"id": [1, 2], "who": [7.0, 8.0], "body": ["a", "b"], "to": [None, 1.0]}).write_parquet(
        tmp_path / "t.parquet"
    )
    society = load(tmp_path / "t.parquet", key)
    assert society.posts.select("person", "parent").rows() == [("7", None), ("8", "1")]
    pl.DataFrame({"id": [1, 2], "who": [7.0, 8.0], "body": ["a", "b"], "to": [None, 1.0]}).write_csv(tmp_path / "t.csv")
    society = load(tmp_path / "t.csv", key)
    assert society.posts["parent"].to_list() == [None, "1"]
    assert aside(society) == {"parent id written as a float (12.0), read as 12": (1, "t.csv")}
    pl.DataFrame({"id": [1e17, 2.0], "who": "a", "body": "b", "to": None}).write_parquet(tmp_path / "t.parquet")
    with pytest.raises(InputError, match=r"'id' holds ids as floats beyond 2\*\*53"):
        load(tmp_path / "t.parquet", key)


def test_wrong_types(tmp_path: Path, key: Path) -> None:
    pl.DataFrame({"id": [1], "who": ["a"], "body": [["b"]], "to": [None]}).write_parquet(tmp_path / "t.parquet")
    with pytest.raises(InputError, match=r"column 'body' \(text\) is List\(String\), not text"):
        load(tmp_path / "t.parquet", key)


def test_reddit_prefixes_are_said_not_guessed(tmp_path: Path, key: Path) -> None:
    (tmp_path / "t.csv").write_text("id,who,body,to\nc1,a,x,t3_q\nc2,b,y,t1_c1\n")
    society = load(tmp_path / "t.csv", key)
    assert society.posts["parent"].null_count() == 2
    assert (
        society.set_aside.filter(reason="reply to a post that is not here")["mend"]
        .item()
        .startswith("parents begin with 't3_'")
    )


def test_a_name_that_is_a_pattern(tmp_path: Path, key: Path) -> None:
    for name in ("posts[1].csv", "a*.csv"):
        (tmp_path / name).write_bytes(GOOD)
        assert load(tmp_path / name, key).posts.height == 2
    pl.read_csv(GOOD).write_parquet(tmp_path / "p[1].parquet")
    assert load(tmp_path / "p[1].parquet", key).posts.height == 2


ENDLESS = """
import sys
from sociolect.errors import InputError
from sociolect.load.table import table
try:
    society = table(sys.argv[1], post="id", person="who", text="body", parent="to", keep_ids="test")
    print(society.posts.height, society.set_aside.rows()[0])
except InputError as error:
    print(error)
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak memory of a process is read from /proc")
@pytest.mark.parametrize("form", ["csv", "jsonl", "csv.gz"])
def test_a_line_of_50_megabytes(tmp_path: Path, form: str) -> None:
    path, long = tmp_path / f"posts.{form}", b"x" * (50 << 20)
    if form == "jsonl":
        row = b'{"id": "%s", "who": "a", "body": "%s", "to": null}\n'
        path.write_bytes(row % (b"1", b"hello") + row % (b"2", long) + row % (b"3", b"bye"))
    else:
        content = GOOD + b"3,cy," + long + b",\n4,cy,bye,\n"
        path.write_bytes(gzip.compress(content, 1) if form == "csv.gz" else content)
    said = subprocess.run(
        [sys.executable, "-c", ENDLESS, str(path)], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    if form == "jsonl":
        assert said[0].startswith("2 ('line too long to be a post', 1, 'posts.jsonl, line 2'")
    else:
        assert f"{path.name}, line 4 is 52,428,8" in said[0]
    assert int(said[1]) < 400_000  # kB; the interpreter and polars take about 120,000 of them
