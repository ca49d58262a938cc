"""What the page says: nothing that an interval does not carry, warnings where they are due, nothing about fewer than ten people."""

from dataclasses import fields, replace
from typing import Any, cast

import polars as pl
import pytest

from sociolect.report.content import Page, Section
from sociolect.report.page import render
from sociolect.systems.studies.relationship_alignment import page
from sociolect.systems.studies.relationship_alignment.cautions import cautions
from sociolect.systems.studies.relationship_alignment.study import Study
from sociolect.systems.studies.relationship_alignment.terms import Block
from sociolect.tones import TONES

BLOCK = Block(("closeness",), "post", (), TONES)


def context(
    low: float | None, high: float | None, *, corrected: tuple[float, float] | None = None, **tones: float
) -> pl.DataFrame:
    middle = None if low is None or high is None else (low + high) / 2
    rows = [("mean over tones", middle, low, high), *((t, v, v - 0.01, v + 0.01) for t, v in tones.items())]
    made = pl.DataFrame(rows, schema=["measure", "estimate", "low", "high"], orient="row", strict=False)
    ends = corrected or (None, None)
    fixed = {"corrected": ends[0], "corrected low": ends[0], "corrected high": ends[1]}
    return made.with_columns(pl.lit("m").alias("model"), *(pl.lit(v, pl.Float64).alias(k) for k, v in fixed.items()))


def kappa(*arms: tuple[str, float | None, float | None, float | None]) -> pl.DataFrame:
    kinds = {"arm": pl.String, **dict.fromkeys(("estimate", "low", "high"), pl.Float64)}
    return pl.DataFrame(arms, schema=kinds, orient="row").with_columns(measure=pl.lit("all tones"))


def betas(*rows: tuple[str, str, float, float], reliability: float | None = 0.7) -> pl.DataFrame:
    made = pl.DataFrame(rows, schema=["model", "condition", "low", "high"], orient="row")
    return made.with_columns(reliability=pl.lit(reliability, pl.Float64))


def people(*, posts: int = 60, **columns: Any) -> pl.DataFrame:
    """A comment on each post, by people of its own unless `columns` says otherwise."""
    ids = [f"{i:03}" for i in range(posts)]
    told: dict[str, Any] = {"source": "human", "post": ids, "thread": ids, "commenter": ids, "poster": ids} | columns
    tones = {t: [i / posts for i in range(posts)] for t in TONES}
    return pl.DataFrame(tones | {k: [v] * posts if isinstance(v, str) else v for k, v in told.items()})


def study(table: pl.DataFrame | None = None, **given: Any) -> Study:
    """A study of which only what is given counts."""
    rows = people() if table is None else table
    told: dict[str, Any] = {"wide": rows, "table": rows, "block": BLOCK, "speakers": ("m",), "replies": (), "weak": ()}
    whole: dict[str, Any] = {f.name: (told | given).get(f.name) for f in fields(Study)}
    return Study(**whole)


def titles(s: Study, **found: pl.DataFrame) -> list[str]:
    made = cautions(s, found, audited=True)
    assert all(w.level == "warning" for w in made)
    return [w.title for w in made]


@pytest.mark.parametrize(
    ("low", "high", "corrected", "says"),
    [(0.01, 0.05, (0.02, 0.09), "nearer to people"), (-0.05, -0.01, (-0.09, -0.02), "farther from people"),
     (0.01, 0.05, (-0.02, 0.09), "raw likeness changes"), (0.01, 0.05, (-0.09, -0.02), "raw likeness changes"),
     (0.01, 0.05, None, "raw likeness changes"), (-0.01, 0.05, (0.02, 0.09), "not decided"), (0.0, 0.05, None, "not decided"),
     (-0.05, 0.0, None, "not decided"), (None, None, None, "not decided")],
)  # fmt: skip
def test_the_first_sentence_claims_no_more_than_both_intervals(
    low: float | None, high: float | None, corrected: tuple[float, float] | None, says: str
) -> None:
    """A change that noise of drawing alone may have made is no change in likeness."""
    assert says in page.verdict({"context": context(low, high, corrected=corrected)})


def test_without_models_or_traits_the_first_sentence_says_so() -> None:
    assert "No model was asked" in page.verdict({"gain": pl.DataFrame()})
    assert page.verdict({}) == "Nothing is known of the relation."


def test_headlines_carry_their_doubt_and_what_was_not_measured_is_none() -> None:
    found = {
        "gain": pl.DataFrame({"p_holm": [0.01, 0.2, 0.05]}),
        "kappa": kappa(("none", None, None, None), ("age", 0.5, 0.4, 0.6), ("all", 1.5, 1.4, 1.62)),
        "context": context(0.01, 0.05),
    }
    told = [(h.value, h.doubt, h.table) for h in page.headlines(found)]
    assert told == [
        ("2 of 3", "Holm, 5 %", "gain"), ("1.50", "[1.40, 1.62]", "kappa"), ("0.03", "[0.01, 0.05]", "context"),
    ]  # fmt: skip
    assert page.headlines({}) == []


def test_a_well_made_study_has_no_warning() -> None:
    found = {"betas": betas(("m", "none", 0.1, 0.2)), "context": context(0.01, 0.05, funny=0.2, insult=0.05)}
    assert titles(study(), **found) == []


def test_warnings_are_loud_where_due() -> None:
    assert titles(study(), betas=betas(("m", "none", -0.1, 0.2), ("m", "shuffled", 0.1, 0.2))) == ["No likeness"]
    two = betas(("m", "none", 0.1, 0.2), ("n", "none", -0.1, 0.1))
    (said,) = cautions(study(speakers=("m", "n")), {"betas": two}, audited=True)
    assert said.prose.startswith("n: ")
    better = {"betas": betas(("m", "none", 0.1, 0.2)), "context": context(0.1, 0.2, funny=0.11, insult=0.2)}
    assert titles(study(), **better) == ["Every tone improves strongly"]
    less = replace(BLOCK, tones=TONES[1:])
    (dull,) = cautions(study(block=less), {}, audited=True)
    assert dull.prose.startswith(f"{TONES[0]}:")
    assert titles(study(block=replace(BLOCK, group="thread"))) == ["Grouped by thread"]
    assert titles(study(people(posts=49))) == ["Few clusters"]
    assert titles(study(people(posts=50))) == []
    noisy = betas(("m", "none", 0.1, 0.2), ("m", "all", 0.1, 0.2), reliability=0.1)
    assert titles(study(), betas=noisy) == ["Noisy draws"]
    assert [w.title for w in cautions(study(planted=True), {}, audited=False)] == ["Planted words"]
    assert [w.title for w in cautions(study(planted=False), {}, audited=False)] == ["The reader was not audited"]
    turned = pl.DataFrame({"depends_on": ["eps 0.01", None]})
    (said,) = cautions(study(), {"depends": turned}, audited=True)
    assert said.prose.startswith("1 of 2 conclusions")
    assert titles(study(), depends=turned.tail(1)) == []


def shown(table: pl.DataFrame) -> dict[tuple[str, str | None], tuple[int | None, int | None]]:
    """The traits that the page prints: comments and people by trait and value."""
    counts = pl.DataFrame({"outcome": ["found"], "reason": ["comments"], "count": [table.height]})
    aside = pl.DataFrame(schema={"file": pl.String, "reason": pl.String, "count": pl.Int64})
    society = type("S", (), {"set_aside": aside})()
    (made,) = [s for s in page._data(study(table), counts, cast(Any, society)) if s.name == "traits"]
    assert made.table is not None
    return {(t, v): (n, m) for t, v, n, m in made.table.rows()}


def test_no_class_of_fewer_than_ten_people_is_counted_however_much_they_write() -> None:
    near = ["close"] * 9 + ["stranger"] * 10 + ["not_close"] * 41
    # forty-one comments of friends, by nine people
    who = [f"{i:03}" for i in range(19)] + [f"{19 + i % 9:03}" for i in range(41)]
    gender = ["woman"] * 30 + [None] * 30
    told = shown(people(closeness=near, commenter=who, commenter_gender=gender))
    assert told["closeness", "close"] == (None, None)
    assert told["closeness", "not_close"] == (None, None)
    assert told["closeness", "stranger"] == (10, 10)
    # nine people again, whose comments would follow from the others': the page says how many there are in all
    assert told["commenter_gender", None] == (None, None)
    assert told["commenter_gender", "woman"] == (None, None)


def test_a_trait_of_the_poster_counts_posters() -> None:
    few = [f"{i % 9:03}" for i in range(60)]
    assert shown(people(poster=few, poster_gender="man"))["poster_gender", "man"] == (None, None)
    assert shown(people(commenter=few, poster_gender="man"))["poster_gender", "man"] == (60, 60)


def test_every_link_and_headline_of_a_page_leads_to_a_table() -> None:
    found = {"gain": pl.DataFrame({"p_holm": [0.01]}), "kappa": kappa(("none", 1.0, 0.9, 1.1)), "context": context(0.01, 0.05)}  # fmt: skip
    made = Page(
        "t", [Section(n, table=t, name=n) for n, t in found.items()], page.headlines(found), page.verdict(found)
    )
    html, tables = render(made)
    assert set(tables) == set(found)
    assert all(f'href="#table-{n}"'.encode() in html for n in found)
