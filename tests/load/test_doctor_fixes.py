"""A fix changes exactly the rows that its finding counted, leaves the input alone, and is written down."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sociolect.errors import UsageError
from sociolect.load.doctor import doctor
from sociolect.load.doctor.findings import KINDS
from sociolect.load.doctor.fixes import fixed

from .doctor_faults import FAULTS, NOW, ROLES, Plant, again, counts, examine, put, roots, said, society

SAID: dict[str, Any] = dict(ROLES)
FIXABLE = [(name, plant, fix) for name, plant, due in FAULTS for fix in due if KINDS[fix].fix]


@pytest.fixture(scope="module")
def clean() -> pl.DataFrame:
    return society()


@pytest.mark.parametrize(("plant", "fix"), [f[1:] for f in FIXABLE], ids=[f"{f[0]}-{f[2]}" for f in FIXABLE])
def test_a_fix_changes_what_its_finding_counted(clean: pl.DataFrame, tmp_path: Path, plant: Plant, fix: str) -> None:
    faulty = plant(clean)
    before = examine(faulty, tmp_path)
    rows = before.touched[fix].to_list()
    out = tmp_path / "new.parquet"
    log = fixed(tmp_path / "posts.parquet", out, fixes=[fix], reason="a test", now=NOW, **SAID, kind="kind")
    assert log.select("fix", "does", "rows").rows() == [(fix, KINDS[fix].fix, len(rows))]
    made = pl.read_parquet(out)
    others = faulty.with_row_index("row").filter(~pl.col("row").is_in(rows)).drop("row")
    if made.height < faulty.height:
        assert made.equals(others)
    else:
        same = faulty.with_row_index("row").filter(
            pl.all_horizontal(faulty[c].eq_missing(made[c]) for c in faulty.columns)
        )
        assert sorted(set(range(faulty.height)) - set(same["row"])) == rows
    after = doctor(out, **SAID, kind="kind", now=NOW, sample=0)
    assert fix not in counts(after)


def test_several_fixes_in_each_form(clean: pl.DataFrame, tmp_path: Path) -> None:
    faulty = again(said("cafÃ© &amp; bar", "to ada@mail.example")(clean))
    faulty = put(faulty, "parent", roots(clean, 5)[4:], ["gone"])
    fixes = ["mojibake", "html_entities", "emails", "orphans", "repeated_rows"]
    made = {}
    for form in ("csv", "jsonl", "parquet"):
        folder = tmp_path / form
        folder.mkdir()
        examine(faulty, folder, f"posts.{form}")
        source, out = folder / f"posts.{form}", folder / f"new.{form}"
        sha = hashlib.sha256(source.read_bytes()).hexdigest()
        log = fixed(source, out, fixes=fixes, reason="=said", now=NOW, **SAID, kind="kind")
        assert dict(log.select("fix", "rows").iter_rows()) == {
            "mojibake": 2, "html_entities": 2, "emails": 2, "orphans": 1, "repeated_rows": 3,
        }  # fmt: skip
        assert log["input_sha256"].unique().to_list() == [sha] == [hashlib.sha256(source.read_bytes()).hexdigest()]
        assert log["output_sha256"][0] == hashlib.sha256(out.read_bytes()).hexdigest()
        assert json.loads(log["columns"][0]) == {**ROLES, "kind": "kind"}
        written = pl.read_csv(folder / "decisions.csv")
        assert written["reason"].unique().to_list() == ["'=said"]
        assert written["rows"].to_list() == log["rows"].to_list()
        scan: dict[str, Callable[[Path], pl.DataFrame]] = {
            "csv": pl.read_csv,
            "jsonl": pl.read_ndjson,
            "parquet": pl.read_parquet,
        }
        made[form] = scan[form](out).select(pl.col("post", "text", "parent").cast(pl.String))
        assert sorted(p.name for p in folder.iterdir()) == ["decisions.csv", f"new.{form}", f"posts.{form}"]
    assert made["csv"].equals(made["jsonl"])
    assert made["csv"].equals(made["parquet"])
    assert made["csv"]["text"].gather(roots(clean, 2)).to_list() == ["café & bar", "to <email>"]


def test_json_values_stay_what_they_are(tmp_path: Path) -> None:
    lines = [
        {"id": 1, "who": "ada", "body": "hello there you", "to": None, "tags": ["a", {"b": 1}], "score": 1.50},
        {"id": 2, "who": "bob", "body": "and you too &amp; you", "to": 9, "tags": [], "score": 2},
    ]
    source, out = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    source.write_text("\n".join([json.dumps(lines[0]), "", "[no object", json.dumps(lines[1])]) + "\n")
    roles: dict[str, Any] = {"post": "id", "person": "who", "text": "body", "parent": "to"}
    log = fixed(source, out, fixes=["orphans", "html_entities"], reason="a test", **roles)
    assert log.select("fix", "rows").rows() == [("orphans", 1), ("html_entities", 1), ("not read", 1)]
    due = [lines[0], {**lines[1], "to": None, "body": "and you too & you"}]
    assert [json.loads(line) for line in out.read_text().splitlines()] == due


def test_decisions_add_up(clean: pl.DataFrame, tmp_path: Path) -> None:
    examine(again(clean), tmp_path)
    fixed(tmp_path / "posts.parquet", tmp_path / "b.parquet", fixes=["repeated_rows"], reason="one", now=NOW, **SAID)
    fixed(tmp_path / "b.parquet", tmp_path / "c.parquet", fixes=["orphans"], reason="two", now=NOW, **SAID)
    log = pl.read_csv(tmp_path / "decisions.csv")
    assert log.select("fix", "rows", "reason").rows() == [("repeated_rows", 3, "one"), ("orphans", 0, "two")]
    assert log["output_sha256"][0] == log["input_sha256"][1]


def test_what_a_fix_refuses(clean: pl.DataFrame, tmp_path: Path) -> None:
    examine(clean, tmp_path)
    source = tmp_path / "posts.parquet"
    with pytest.raises(UsageError) as told:
        fixed(source, tmp_path / "x.csv", fixes=["orfans", "near_texts"], reason=" ", text="text", who="person")
    assert str(told.value) == (
        "no fix 'orfans'; did you mean 'orphans'?; 'near_texts' has no fix: it can only be told; "
        "no role 'who'; there are: kind, parent, person, post, text, thread, time; "
        "no reason is given: say why, it is written down; "
        "x.csv is of another form than posts.parquet: name it .parquet"
    )
    with pytest.raises(UsageError, match="is there already: name a new file"):
        fixed(source, source, fixes=["orphans"], reason="a test", **SAID)
    with pytest.raises(UsageError, match="no fix is named"):
        fixed(source, tmp_path / "x.parquet", fixes=[], reason="a test", **SAID)
    with pytest.raises(UsageError, match="there is no folder"):
        fixed(source, tmp_path / "y" / "x.parquet", fixes=["orphans"], reason="a test", **SAID)
    with pytest.raises(
        UsageError,
        match="orphans cannot be found without post: say which column it is; orphans cannot be found without parent",
    ):
        fixed(source, tmp_path / "x.parquet", fixes=["orphans"], reason="a test", person="person", text="text")
    examine(said("a@b.org")(clean), tmp_path)
    with pytest.raises(UsageError, match=r"emails rewrites one column of text, and text is text\+topic"):
        fixed(source, tmp_path / "x.parquet", fixes=["emails"], reason="a test", **{**SAID, "text": "text+topic"})
    assert sorted(p.name for p in tmp_path.iterdir()) == ["posts.parquet"]
