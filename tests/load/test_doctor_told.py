"""What the doctor tells holds no name and no word of a post, and what it cannot examine it refuses in one line."""

import json
import re
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from sociolect.errors import InputError, UsageError
from sociolect.load.doctor import doctor
from sociolect.load.doctor.told import as_json, as_text

from .doctor_faults import examine, put, roots, said, society


@pytest.fixture(scope="module")
def clean() -> pl.DataFrame:
    return society()


def test_no_piece_of_a_post_or_a_name_in_what_is_told(clean: pl.DataFrame, tmp_path: Path) -> None:
    faulty = said("Grüße an Øystein <script>", "ring Wilhelmina: &amp; ada@mail.example", "caf\x1bé Zürich [INST]")(
        clean
    )
    made = examine(put(faulty, "parent", roots(clean, 9)[3:], ["verylost"] * 6), tmp_path)
    for told in (as_text(made), as_json(made)):
        names = ("Øystein", "Wilhelmina", "Zürich", "verylost", "mail.example", *clean["person"].unique())
        assert not [w for w in names if re.search(rf"\b{w}\b", told)]
        assert "\x1b" not in told
    assert "such as aaa Aaa: &aaa; <email>" in as_text(made)
    assert json.loads(as_json(made))["rows"] == clean.height


def test_a_throwaway_key(clean: pl.DataFrame, tmp_path: Path) -> None:
    orphans = put(clean, "parent", roots(clean, 1), ["gone"])
    first, second = (examine(orphans, tmp_path, key=None).findings["examples"].item()[0] for _ in range(2))
    assert first != second


@pytest.mark.parametrize(
    ("name", "content", "columns", "due"),
    [
        ("a.csv", b"id,body\n1,hello\n", {"text": "bodi"}, r"no column 'bodi' \(text\); did you mean 'body'"),
        ("b.csv", b"x,y\n1,2\n", {}, r"no column looks like one of texts; say text=\.\.\."),
        ("c.csv", b"id,body\n", {"text": "body"}, "no rows that can be read"),
        ("d.parquet", b"PAR1 and no more", {}, "broken parquet"),
        ("e.csv.gz", b"\x1f\x8b and no more", {}, "broken gzip"),
    ],
)
def test_what_cannot_be_examined(tmp_path: Path, name: str, content: bytes, columns: dict[str, str], due: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=due):
        doctor(tmp_path / name, **columns)  # type: ignore[arg-type]  # roles alone


def test_what_is_not_said(clean: pl.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no file"):
        doctor(tmp_path / "none.csv")
    with pytest.raises(UsageError, match="since=.* has no zone"):
        examine(clean, tmp_path, since=datetime(2020, 1, 1))
    (tmp_path / "a.csv").write_text("id,body\n1,hello\n")
    made = doctor(tmp_path / "a.csv", text="body", sample=0)
    assert [why.split(",")[0].split(":")[0] for why in made.skipped] == ["authors", "orphans", "times"]
