"""Nothing is printed about a category in which fewer than ten people commented, however many comments they wrote."""

from types import SimpleNamespace

import numpy as np
import polars as pl

from sociolect.report.anonymity import anonymous
from sociolect.report.content import Section
from sociolect.systems.studies.relationship_alignment.enough import commenters, counted


def test_people_are_counted_and_not_their_comments() -> None:
    # nine people of forty comments, twelve of twelve, and one whom no category takes
    who = [f"p{i % 9}" for i in range(40)] + [f"q{i}" for i in range(12)] + ["z"]
    found = SimpleNamespace(codes=np.array([0] * 40 + [1] * 12 + [-1]), categories=("not_close, man", "close, man"))
    made = SimpleNamespace(rows=pl.DataFrame({"commenter": who, "ipw": 1.0}), found=found)
    people = commenters(made)  # type: ignore[arg-type]  # the two parts of it that count
    assert people == {"not_close, man": 9, "close, man": 12}
    told = pl.DataFrame(
        {
            "covariate": ["x", "x", "x"],
            "level": [None, None, None],
            "contrast": ["not close, man", "close, man", "close, man - not close, man"],
            "estimate": [0.5, 0.25, 0.1],
        },
        schema_overrides={"level": pl.String},
    )
    table = counted(told, "contrast", people)
    assert table.columns == ["covariate", "level", "contrast", "people", "estimate"]
    shown = anonymous(Section("Means", table=table, people="people", figure="<svg/>"))
    assert shown.table is not None
    assert shown.table["estimate"].to_list() == [None, 0.25, None]
    assert shown.figure == ""
