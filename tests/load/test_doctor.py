"""Each fault planted in a clean society is found with its exact count, and nothing is found in the clean one."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sociolect.load.doctor import doctor
from sociolect.load.doctor.findings import KINDS
from sociolect.load.doctor.links import links
from sociolect.load.doctor.told import as_json, as_text

from .doctor_faults import FAULTS, Plant, again, counts, crowd, examine, put, roots, said, same_id, society, word


@pytest.fixture(scope="module")
def clean() -> pl.DataFrame:
    return society()


def test_nothing_in_the_clean_one(clean: pl.DataFrame, tmp_path: Path) -> None:
    made = examine(clean, tmp_path, sample=150)
    assert counts(made) == {}
    assert made.languages["language"][0] == "en"
    assert made.languages["n"].sum() == 150
    assert made.languages["share"][0] > 0.98
    assert (made.rows, made.first, made.skipped) == (clean.height, clean["time"].min(), ())


@pytest.mark.parametrize(("plant", "due"), [f[1:] for f in FAULTS], ids=[f[0] for f in FAULTS])
def test_planted_faults(clean: pl.DataFrame, tmp_path: Path, plant: Plant, due: dict[str, int]) -> None:
    made = examine(plant(clean), tmp_path)
    assert counts(made) == due
    for name, count in due.items():
        if KINDS[name].unit == "row":
            assert len(made.touched[name]) == made.touched[name].n_unique() == count


def test_even_persons(clean: pl.DataFrame, tmp_path: Path) -> None:
    start = datetime(2025, 3, 1, tzinfo=UTC)
    even = crowd(clean, person="bot", n=20, every=timedelta(hours=7), text=word)
    rows = list(range(clean.height, even.height))
    even = put(even, "time", rows, [start + timedelta(hours=7) * i for i in range(20)])
    assert counts(examine(even, tmp_path)) == {"even_persons": 1}
    assert counts(examine(even[:-1], tmp_path)) == {}


def test_large_person_and_thread(clean: pl.DataFrame, tmp_path: Path) -> None:
    rows = clean.filter(pl.col("parent").is_null()).head(200)
    one = rows.with_columns(person=pl.when(pl.int_range(pl.len()) < 41).then(pl.lit("hub")).otherwise("person"))
    made = examine(one, tmp_path)
    assert counts(made)["large_person"] == 1
    assert len(made.touched["large_person"]) == 41
    assert "large_person" not in counts(examine(put(one, "person", [0], ["someone"]), tmp_path))
    thread = rows.with_columns(thread=pl.when(pl.int_range(pl.len()) < 101).then(pl.lit("t")).otherwise("thread"))
    assert counts(examine(thread, tmp_path))["large_thread"] == 1
    assert "large_thread" not in counts(examine(put(thread, "thread", [0], ["own"]), tmp_path))


def test_times_as_they_are_written(clean: pl.DataFrame, tmp_path: Path) -> None:
    seconds = clean.with_columns((pl.col("time").dt.epoch("s")).cast(pl.String).alias("time"))
    bad = put(seconds, "time", roots(clean, 4), ["1735700000000", "2025-01-02", "soon", "12"])
    for name in ("posts.parquet", "posts.csv", "posts.jsonl"):
        made = examine(bad, tmp_path, name)
        assert counts(made) == {"unread_times": 2, "mixed_times": 2}
    note = made.findings.filter(finding="mixed_times")["note"].item()
    assert note == f"seconds: {clean.height - 4}; date: 1; milliseconds: 1"


def test_ids_of_two_kinds(clean: pl.DataFrame, tmp_path: Path) -> None:
    # base 36, where some are numbers by chance, is one kind; ids with capitals beside numbers are two
    for first, due in (("s", {}), ("S", {"mixed_ids": 2})):
        capital = clean.with_columns(pl.col("post", "parent").str.replace("s", first))
        assert counts(examine(put(capital, "post", roots(clean, 2), ["17", "18"]), tmp_path)) == due


def test_a_table_without_a_header(tmp_path: Path) -> None:
    (tmp_path / "t.tsv").write_text("you never said that to me\t27\tx1\n" + "and so it goes on\t3\tx2\n" * 30)
    made = doctor(tmp_path / "t.tsv", sample=0)
    assert made.findings.row(0, named=True)["finding"] == "data_as_header"
    assert counts(made)["data_as_header"] == 2
    assert made.findings["examples"][0].to_list() == ["aaa aaa aaa aaa aa aa", "27"]
    assert "never" not in as_text(made) + as_json(made)


def test_texts_without_spaces(tmp_path: Path) -> None:
    said = [f"今天天氣很好我們去公園散步{n}次" for n in range(40)]
    pl.DataFrame({"id": range(40), "content": said}).write_csv(tmp_path / "t.csv")
    made = doctor(tmp_path / "t.csv", sample=0)
    assert made.roles == {"post": "id", "text": "content"}
    assert counts(made) == {}


def test_languages(clean: pl.DataFrame, tmp_path: Path) -> None:
    german = [f"das Wetter war am {i}. Tag dort ziemlich schön und wir gingen lange spazieren" for i in range(100)]
    rows = roots(clean, 100)
    made = examine(put(clean, "text", rows, german)[rows + roots(clean, 150)[100:]], tmp_path, sample=150)
    found = made.findings.filter(finding="mixed_languages")
    assert found["of"].item() == 150
    shares = dict(made.languages.select("language", "n").iter_rows())
    assert 95 <= shares["de"] <= 105
    assert found["count"].item() == 150 - shares["de"]


def test_roles_in_doubt(clean: pl.DataFrame, tmp_path: Path) -> None:
    made = examine(clean.rename({"person": "author"}), tmp_path, person="post", post=None, text="topic", kind=None)
    found = made.findings.filter(finding="doubted_roles")
    assert found["count"].item() == 2
    assert (
        found["note"].item()
        == "text='topic': hardly a value has three words; person='post': each row has a value of its own"
    )


def test_lone_surrogates_and_broken_lines(tmp_path: Path) -> None:
    lines = [
        {"id": "1", "author": "ada", "body": "good morning to you"},
        {"id": "2", "author": "bob", "body": "a pair \U0001f600 is whole"},
        {"id": "3", "author": "cyd", "body": "half \ud83d of one"},
    ]
    path = tmp_path / "p.jsonl"
    path.write_text(
        "\n".join([*map(json.dumps, lines), '{"id": "4", "body": "a \\\\ud83d is four signs", "author": "d"}', "[1"])
    )
    made = doctor(path, sample=0)
    assert counts(made)["lone_surrogates"] == 1
    assert made.guessed == ("post", "person", "text")
    assert made.set_aside.select("reason", "count").rows() == [("line that is no JSON object", 1)]
    assert made.rows == 4


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_row_order_changes_nothing(clean: pl.DataFrame, tmp_path: Path, seed: int) -> None:
    faulty = same_id(again(clean))
    for _, plant, _ in FAULTS[:4]:
        faulty = plant(faulty)
    faulty = said("cafÃ© here", "the cafÃ© there", "a@b.org", "<|x|>", "&amp; so")(faulty)
    first, second = (examine(f, tmp_path) for f in (faulty, faulty.sample(fraction=1, shuffle=True, seed=seed)))
    assert first.findings.equals(second.findings)
    assert first.findings.height >= 8


def test_a_long_chain_into_a_cycle() -> None:
    posts = [str(n) for n in range(600)]
    parents = [*posts[1:], "597"]
    rows = pl.DataFrame({"post": posts, "parent": parents}).with_row_index("row")
    found = {f.name: f.rows.to_list() for f in links(rows, bytes(32)) if len(f.rows)}
    assert found == {"reply_cycles": [597, 598, 599]}
