"""The study from end to end: planted truth out, nothing in the null, and real posts."""

import gzip
import shutil
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sociolect import arguments, systems
from sociolect.load.planted import planted
from sociolect.models import scratch
from sociolect.report.page import write
from sociolect.systems.studies.community_fidelity import find, sizes
from sociolect.systems.studies.community_fidelity.sizes import SIZES
from sociolect.workspace import workspace

EXAMPLES = Path(__file__).parents[5] / "examples"


def row(folder: Path, step: str, measure: str, contrast: str) -> dict[str, Any]:
    found = pl.read_parquet(folder / "steps" / step / "frame.parquet")
    return found.row(by_predicate=(pl.col("measure") == measure) & (pl.col("contrast") == contrast), named=True)


@pytest.mark.slow
def test_fine_tuning_beats_prompting_between_floor_and_ceiling(ran: Callable[..., Any]) -> None:
    folder = ran("community_fidelity").folder
    gained = row(folder, "origin_effects", "macro_f1", "aligned - in_context")
    assert gained["low"] > 0
    assert "paired" in gained["method"]
    stands = row(folder, "origin_fidelity", "macro_f1", "aligned")
    assert stands["floor_high"] < stands["low"]
    assert stands["high"] < stands["ceiling_low"]
    assert stands["flag"] is None
    assert row(folder, "origin_effects", "macro_f1", "shuffled")["low"] < 1 / 6 + 0.05


@pytest.mark.slow
def test_the_page_finds_the_planted_communities_and_counts_every_reply(ran: Callable[..., Any]) -> None:
    made = ran("community_fidelity")
    tables = made.page.tables
    assert tables["agreement"].filter(measure="adjusted Rand")["value"][0] >= 0.9
    lost = tables["attrition"]
    assert (
        lost["asked"] == lost["kept"] + lost["no answer"] + lost["refused"] + lost["repeated"] + lost["copied"]
    ).all()
    assert set(lost["condition"]) == {"base", "in_context", "aligned", "shuffled", "human"}
    assert lost.filter(pl.col("condition") != "human")["asked"].unique().to_list() == [6 * 9 * 20]
    assert tables["claims"].filter(pl.col("claim").str.contains("ratio"))["same sign?"].to_list() == ["yes"]


@pytest.mark.slow
def test_every_measurement_of_the_study_stands_on_the_page(ran: Callable[..., Any]) -> None:
    made = ran("community_fidelity")
    tables = made.page.tables
    due = {
        "claims", "origin", "origin_fidelity", "profiles", "distances", "frechet_limits", "format", "plain_origin", "form",
        "permutations", "neighbours", "exposure", "exposure_strata", "screener_scores", "screener_claims", "screener_validity",
        "screener_ranks", "screener_criteria", "screener_majority", "attrition", "copies", "keywords", "loading",
    }  # fmt: skip
    assert due <= set(tables)
    near = {
        c: r
        for c, *r in tables["distances"]
        .filter(pl.col("measure") == "kid")
        .select("contrast", "low", "high")
        .iter_rows()
    }
    assert near["aligned - in_context"][1] < 0  # nearer to people
    limits = dict(tables["frechet_limits"].select("arm", "at 1/n = 0").iter_rows())
    assert limits["people"] < limits["aligned"] < limits["shuffled"]
    # form tells nobody apart where every arm writes as people do, and content does so in plain form too
    form = tables["format"].filter(contrast="aligned", measure="format:aligned").row(0, named=True)
    assert form["low"] < 0.5 < form["high"] < 0.6
    plain = tables["plain_origin"].filter(measure="macro_f1", contrast="aligned - in_context").row(0, named=True)
    assert plain["low"] > 0
    # nobody planted an opinion on the questionnaire's items, so none is found
    assert tables["screener_claims"]["claim"].null_count() == tables["screener_claims"].height
    met = tables["exposure"]
    assert met.filter(pl.col("held").is_not_null() & (pl.col("held") > pl.col("posts"))).is_empty()
    for form_ in ("preference", "labels"):
        assert (made.folder / "steps" / "forms" / f"{form_}.html").stat().st_size > 10_000


@pytest.mark.slow
def test_nothing_is_claimed_where_nothing_is_planted(ran: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    less = SIZES["tiny"]._replace(originals=4, corpus=300, posts=200, exemplars=5)
    monkeypatch.setitem(sizes.SIZES, "tiny", less)
    # The base reads its posts once, and nobody plants an opinion on the screener's items in any run.
    monkeypatch.setitem(scratch.SIZES, "tiny", scratch.SIZES["tiny"]._replace(epochs=1))
    made = ran("community_fidelity", null=True, instrument="")
    gained = row(made.folder, "origin_effects", "macro_f1", "aligned - in_context")
    assert gained["low"] <= 0 <= gained["high"]
    assert "No difference" in made.page.summary
    told = [s.prose for s in made.page.sections if s.level == "warning"]
    assert any("No communities" in t for t in told)
    asked = made.page.tables["claims"]
    assert asked.filter(pl.col("claim").str.contains("ratio|closer"))["same sign?"].is_in(["undecided"]).all()


def test_leiden_recovers_the_planted_communities() -> None:
    society = planted(people=720, communities=6, posts=2, largest=3.0, seed=5)
    from sociolect.find.declared import declared
    from sociolect.find.quality import adjusted_rand

    members = find.engine("leiden", 1.0)(society, seed=1)
    assert adjusted_rand(members, declared(society, column="planted")).value >= 0.9


def head(table: Path, rows: int, folder: Path) -> Path:
    """The first rows of a packed table of emotions, beside the names of its labels."""
    shutil.copy(table.parent / "ekman_labels.txt", folder)
    with (
        gzip.open(table, "rt", encoding="utf-8") as whole,
        gzip.open(folder / table.name, "wt", encoding="utf-8") as cut,
    ):
        cut.writelines(islice(whole, rows))
    return folder / table.name


@pytest.mark.slow
@pytest.mark.realdata
@pytest.mark.parametrize("example", ["reddit_diet_body", "irc", "slack"])
def test_real_posts_run_to_a_page(example: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The documented command, two of the three with less of everything: the chain runs, whatever the texts are like."""
    # most of a run's time is the base model's: here it reads its posts once, not three times over
    monkeypatch.setitem(scratch.SIZES, "tiny", scratch.SIZES["tiny"]._replace(epochs=1))
    if example != "slack":
        less = SIZES["tiny"]._replace(corpus=250, posts=150, topics=8, tokens=32, exemplars=5)
        if example == "irc":  # nothing is claimed of its models
            less = less._replace(corpus=120, posts=90, topics=5)
        monkeypatch.setitem(sizes.SIZES, "tiny", less)
    # Pseudonyms decide who falls on which side: another key is another split.
    key = tmp_path / "key"
    key.write_text("5" * 64 + "\n")
    key.chmod(0o600)
    monkeypatch.setenv("SOCIOLECT_KEY_FILE", str(key))
    slug, said = arguments.study(EXAMPLES / f"{example}.toml", data)
    said = {k: v for k, v in said.items() if k != "instrument"}  # met in the planted run
    if example != "slack":  # its aligned arm stands out from shuffled by little: it is asked as often as the study asks
        said["templates"] = "10"
    if example != "reddit_diet_body":  # the readers of tone are met there
        said = {k: v for k, v in said.items() if not k.startswith(("emotion", "toxicity"))}
    else:
        said["emotion"] = str(head(data / said["emotion"], 8000, tmp_path))
        said["only"] = said["only"][:4]  # half of a run's time is teaching them, one by one
    card = systems.find(slug)
    folder = tmp_path / "run"
    with workspace(folder, system=slug, keywords={}) as work:
        page = card.run(work, **arguments.keywords(card, said))
        write(page, folder / "report.html")
    tables = page.tables
    assert (tables["attrition"]["kept"] > 0).all()
    assert tables["copies"].filter(measure="overlap:copied").height == 5
    spoken = pl.read_parquet(folder / "steps/origin/frame.parquet")["community"].unique()
    if example == "reddit_diet_body":
        assert set(spoken) == {"loseit", "keto", "fasting", "gainit"}
        # Dossier, section 9, for the first 20 words; here 150 posts of a community teach the judge its first 40.
        assert row(folder, "origin_effects", "macro_f1", "human")["estimate"] >= 0.6
    else:
        assert tables["agreement"].filter(measure="homogeneity")["value"][0] >= 0.8
    if example != "irc":  # there the reply network's communities hardly differ in what they say: nothing is claimed
        assert row(folder, "origin_effects", "macro_f1", "aligned - shuffled")["low"] > 0
    # No pseudonym stands on the page, and where the study is sensitive no text does.
    html = (folder / "report.html").read_text()
    known = pl.read_parquet(folder / "steps/society/people.parquet")["person"]
    assert not [p for p in known if len(p) > 8 and p in html]
    assert not (page.sensitive and "<blockquote" in html)
