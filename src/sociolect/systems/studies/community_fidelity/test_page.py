"""What the page says: nothing that its interval does not carry, and nothing about fewer than ten people."""

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any, cast

import polars as pl
import pytest

from sociolect import frames
from sociolect.frames import Effects, Members, Replies, Scores, Society
from sociolect.systems.studies.community_fidelity import page
from sociolect.systems.studies.community_fidelity.findings import Findings, headlines, verdict, warnings


def effects(rows: Sequence[tuple[str, str, float | None, float | None, float | None]], **columns: Any) -> Effects:
    names = {"measure": pl.String, "contrast": pl.String, "estimate": pl.Float64, "low": pl.Float64, "high": pl.Float64}
    return frames.effects(pl.DataFrame(rows, schema=names, orient="row").with_columns(n=pl.lit(9, pl.Int64), **columns))


def findings(**given: Any) -> Findings:
    """Findings of which only what is given counts."""
    society = Society(*(cast(Any, frames.empty(name)) for name in ("people", "posts", "ties")))
    flags = effects([], flag=pl.lit(None, pl.String))
    told: dict[str, Any] = {
        "society": society,
        "structure": None,
        "bounded": flags,
        "near": None,
        "moods": None,
    } | given
    return Findings(**{f.name: told.get(f.name, pl.DataFrame()) for f in fields(Findings)})


ORIGIN = [("macro_f1", "aligned", 0.6, 0.5, 0.7), ("macro_f1", "human", 0.7, 0.6, 0.8)]


@pytest.mark.parametrize(
    ("low", "high", "says"),
    [(0.01, 0.3, "of the fine-tuned models"), (-0.3, -0.01, "of the prompted models"), (-0.1, 0.1, "No difference"),
     (0.0, 0.2, "No difference"), (None, None, "No interval")],
)  # fmt: skip
def test_a_difference_is_claimed_only_where_the_interval_excludes_0(
    low: float | None, high: float | None, says: str
) -> None:
    assert says in verdict(effects([("macro_f1", "aligned - in_context", 0.1, low, high)]))
    assert "No interval" in verdict(effects([]))


def test_headlines_carry_their_doubt() -> None:
    told = [(h.value, h.doubt) for h in headlines(findings(effects=effects(ORIGIN)))]
    missing = ("not available", "no interval")
    assert told == [("0.60", "[0.50, 0.70]"), missing, missing, ("0.70", "[0.60, 0.80]"), missing]


def test_warnings_are_loud_where_due_and_silent_where_all_is_well() -> None:
    assert warnings(findings(effects=effects(ORIGIN)), 6) == []

    def told(**given: Any) -> str:
        (section,) = warnings(findings(**{"effects": effects(ORIGIN)} | given), 6)
        assert section.level == "warning"
        return section.prose

    found = [("modularity", "found", 0.4, 0.4, 0.4), ("agreement of seeds", "found", 0.5, 0.4, 0.6)]
    assert told(structure=effects(found, p=pl.lit(0.4))).startswith("No communities")
    caricature = effects([("macro_f1", "aligned", 0.9, 0.8, 1.0)], flag=pl.lit("caricature"))
    assert "Caricature" in told(bounded=caricature)
    assert "macro_f1 of aligned" in told(bounded=caricature)
    assert "no arm reaches an origin F1 of .3" in told(
        effects=effects([("macro_f1", "aligned", 0.2, 0.1, 0.29), ORIGIN[1]])
    )
    assert "no ceiling" in told(effects=effects([ORIGIN[0], ("macro_f1", "human", 0.2, 0.1, 0.3)]))
    people = pl.DataFrame({"person": ["a"], "anonymous": [True]})
    assert "no authors" in told(society=replace(findings().society, people=frames.people(people)))


# privacy


def kept(**people: int) -> Replies:
    """Kept replies: one by each of so many people of a community, and twenty by its model."""
    rows = [("human", f"{c}{i}", c) for c, n in people.items() for i in range(n)]
    rows += [("aligned", "base", c) for c in people for _ in range(20)]
    said = pl.DataFrame(rows, orient="row", schema=["condition", "speaker", "community"]).with_row_index("n")
    human = pl.col("condition") == "human"
    return frames.replies(
        said.select(
            pl.exclude("n"), source=pl.when(human).then(pl.lit("human")).otherwise(pl.lit("model")),
            item=pl.format("t{}", "n"), draw=pl.lit(0, pl.Int64), turn=pl.lit(0, pl.Int64),
            prompt=pl.lit(None, pl.String), text=pl.format("{} said {}", "community", "n"),
        )
    )  # fmt: skip


def test_no_text_of_fewer_than_ten_people_is_shown_and_none_of_a_sensitive_study() -> None:
    said = findings(kept=kept(nine=9, ten=10))
    (shown,) = page._examples(said, sensitive=False, seed=1)
    assert shown.quotes is not None
    assert set(shown.quotes["community"]) == {"ten"}
    assert set(shown.quotes["speaker"]) == {"human", "aligned"}
    assert page._examples(findings(kept=kept(nine=9)), sensitive=False, seed=1) == []
    (hidden,) = page._examples(said, sensitive=True, seed=1)
    assert hidden.quotes is None
    assert hidden.table is None


@pytest.mark.parametrize(
    "column",
    ["people", "train"],
)
def test_no_number_about_fewer_than_ten_people_is_shown(column: str) -> None:
    sizes = pl.DataFrame({"community": ["red", "tiny"], "people": [12, 3], "train": [24, 6], "judge": [24, 6],
                          "reference": [24, 6], "left_out": [None, "fewer than 10 people"]})  # fmt: skip
    said = findings(sizes=sizes, members=Members(pl.DataFrame()), origin=cast(Scores, pl.DataFrame()))
    (table,) = [s.table for s in page._communities(said, (), False, 1) if s.name == "communities"]
    assert table is not None
    assert table.filter(pl.col("community") == "tiny")[column].to_list() == [None]
