"""Real tables are examined to the end, and what is told shows no piece of a post of four letters or more, and no author."""

import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sociolect.load.aside import Aside
from sociolect.load.doctor import doctor
from sociolect.load.doctor.told import as_text
from sociolect.load.read import opened

SETS: dict[str, dict[str, Any]] = {
    "fanchuan_parody/comments.csv.gz": {"post": "comment_id", "person": "user_id", "parent": "parent_comment_id"},
    "goemotions/dev.tsv.gz": {},
    "offmychest/labeled_test.csv.gz": {},
}


@pytest.mark.realdata
@pytest.mark.parametrize("name", SETS)
def test_nothing_of_a_post_is_shown(data: Path, name: str) -> None:
    made = doctor(data / name, sample=50, key=bytes(32), **SETS[name])
    assert made.findings.height
    assert made.findings["count"].min() >= 1  # type: ignore[operator]  # counts are numbers
    assert (made.findings["count"] <= made.findings["of"]).all()
    shown = [e for some in made.findings.filter(pl.col("unit") != "column")["examples"] for e in some]
    shapes = [e for e in shown if not re.match(r"(?:post|person|parent|thread|year) ", e)]
    assert len(shapes) >= 3
    for shape in shapes:
        assert not re.search(r"[^\W\d_]{4}", re.sub(r"<[a-z]+>", "", shape)), shape
    if "person" in made.roles:
        with opened(data / name, Aside()) as source:
            people = source.read([made.roles["person"]]).to_series().cast(pl.String).drop_nulls().unique()
        words = set(re.findall(r"[\w-]+", " ".join(e for e in shown if e.startswith("person "))))
        assert not words & {p for p in people if len(p) > 3}
    assert as_text(made).startswith(name.split("/")[1])
