"""What people of a small community said is shown by no number; what models said of it is."""

import polars as pl

from sociolect.report.content import Section
from sociolect.systems.studies.community_fidelity.enough import enough


def test_rows_about_nine_people_go_and_the_figure_with_them() -> None:
    contrasts = ["c0 human", "c1 human", "c0 aligned", "c0 aligned - human", "human", "c2 human"]
    clusters = [9, 10, 3, 9, 50, None]
    told = pl.DataFrame({"measure": "m", "contrast": contrasts, "estimate": 0.5, "n": 40, "clusters": clusters})
    made = enough(Section("Moods", "Here.", table=told, figure="<svg/>"))
    assert made.table is not None
    assert made.table["estimate"].to_list() == [None, 0.5, 0.5, None, 0.5, 0.5]
    assert made.table["clusters"].to_list() == [None, 10, 3, None, 50, None]
    assert (made.figure, "2 rows about fewer than 10 people" in made.prose) == ("", True)
    whole = Section("Moods", "Here.", table=told.filter(pl.col("clusters") > 9), figure="<svg/>")
    assert enough(whole) is whole
