"""What holds for every questionnaire on the shelf: cards that read, wording only where it may be, scores that follow ids."""

import re
import shutil
import tomllib
from pathlib import Path

import numpy as np
import pytest

from sociolect.measure.instrument import read
from sociolect.systems import SYSTEMS, catalog
from sociolect.systems.instruments.test_answers import card, scored

SHELF = SYSTEMS / "instruments"
# The shelf also holds benchmarks of other shapes: what has an instrument.toml is a questionnaire.
SLUGS = sorted(
    s for s, one in catalog().items() if one.shelf == "instruments" and (SHELF / s / "instrument.toml").is_file()
)
PROTECTED = {"scoff", "eat26", "wcs", "swed", "mfq30", "mfq2", "pvq21", "pvq_rr", "wvs7_map"}
SENSITIVE = {"phq9", "gad7", "scoff", "eat26", "wcs", "swed"}
# Items and reversed items, counted in the published keys; swed: twelve questions, 11 in four parts; mfq30: two catch items.
FACTS = {
    "eat26": (26, 1),
    "gad7": (7, 0),
    "ipip50": (50, 24),
    "ipip_neo_120": (120, 55),
    "ipip_neo_300": (300, 148),
    "mfq2": (36, 0),
    "mfq30": (32, 0),
    "mini_ipip": (20, 11),
    "phq9": (9, 0),
    "planted10": (10, 5),
    "pvq21": (21, 0),
    "pvq_rr": (57, 0),
    "scoff": (5, 0),
    "swed": (15, 0),
    "wcs": (5, 0),
    "wvs7_map": (14, 2),
}


def answers(slug: str, seed: int, missing: float = 0.0) -> dict[str, str | None]:
    """One respondent's answers drawn at random, some left out."""
    rng = np.random.default_rng(seed)
    said: dict[str, str | None] = {}
    for item in card(SHELF / slug).items:
        chosen = rng.choice(item.options.ids) if item.options else rng.integers(int(item.low or 0), int(item.high or 0))
        said[item.id] = None if rng.random() < missing else str(chosen)
    return said


def test_the_shelf_holds_what_the_dossier_lists() -> None:
    assert set(SLUGS) == set(FACTS)


@pytest.mark.parametrize("slug", SLUGS)
def test_every_card_reads_and_has_the_published_numbers_of_items_and_reversed_items(slug: str) -> None:
    instrument = card(SHELF / slug)
    assert instrument.id == slug
    assert (len(instrument.items), sum(i.key == -1 for i in instrument.items)) == FACTS[slug]


@pytest.mark.parametrize("slug", SLUGS)
def test_every_item_is_in_a_subscale_or_says_that_it_is_not_scored(slug: str) -> None:
    instrument = card(SHELF / slug)
    used = {i for s in instrument.subscales for i in s.items}
    assert {i.id for i in instrument.items if not i.scored} == {i.id for i in instrument.items} - used


@pytest.mark.parametrize("slug", SLUGS)
def test_wording_is_only_where_the_licence_allows(slug: str) -> None:
    instrument, folder = card(SHELF / slug), SHELF / slug
    assert instrument.text_bundled is (slug not in PROTECTED)
    assert (folder / "text.toml").exists() is (slug not in PROTECTED)
    if slug not in PROTECTED:
        assert not any(re.fullmatch(r"item \S+", i.wording) for i in instrument.items)
        return
    made = {
        "__init__.py", "__pycache__", "card.toml", "instrument.toml", "plan.py", "recipe.py", "README.md", f"test_{slug}.py",
    }  # fmt: skip
    assert {p.name for p in folder.iterdir()} <= made
    assert [i.wording for i in instrument.items] == [f"item {i.id}" for i in instrument.items]
    assert all(len((i.facet or "").split()) <= 2 for i in instrument.items)
    table = tomllib.loads((folder / "instrument.toml").read_text())
    assert all(
        set(one) <= {"id", "facet", "options", "key", "score", "answer", "unit", "low", "high", "scored"}
        for one in table["item"]
    )
    assert all(set(one) == {"ids", "score", "direction"} for one in table["options"].values())
    assert "?" not in (folder / "README.md").read_text(), "a question is quoted"


def test_exactly_the_clinical_cards_are_sensitive() -> None:
    assert {s for s in SLUGS if card(SHELF / s).sensitive} == SENSITIVE


@pytest.mark.parametrize("slug", SLUGS)
def test_every_cut_off_and_every_rule_says_where_it_is_from(slug: str) -> None:
    instrument = card(SHELF / slug)
    for source in [c.source for c in instrument.cutoffs] + [r.source for r in instrument.rules]:
        assert re.search(r"\b(19|20)\d\d\b|arXiv \d{4}\.\d{5}|^ours: ", source), source
    assert all(c.population.strip() for c in instrument.cutoffs)
    assert re.search(r"\b(19|20)\d\d\b", instrument.citation) or slug == "planted10"


@pytest.mark.parametrize("slug", ["eat26", "pvq21"])
def test_subscales_cover_every_item_once(slug: str) -> None:
    parts = [s for s in card(SHELF / slug).subscales if s.id != "total"]
    covered = sorted(int(i) for s in parts for i in s.items)
    assert covered == list(range(1, FACTS[slug][0] + 1))


@pytest.mark.parametrize(("factor", "share"), [("E", 0.5), ("A", 0.4), ("C", 0.4), ("ES", 0.8), ("O", 0.3)])
def test_the_reversed_share_of_each_marker_scale(factor: str, share: float) -> None:
    instrument = card(SHELF / "ipip50")
    keys = {i.id: i.key for i in instrument.items}
    (scale,) = (s for s in instrument.subscales if s.id == factor)
    assert sum(keys[i] == -1 for i in scale.items) / 10 == share


def turn(line: str) -> str:
    """A line of a card, its option ids, their scores or their direction the other way round."""
    name, _, value = line.partition(" = ")
    if name in {"ids", "score"}:
        return f"{name} = [{', '.join(reversed(value.strip('[]').split(', ')))}]"
    return {'direction = "up"': 'direction = "down"', 'direction = "down"': 'direction = "up"'}.get(line, line)


def turned(slug: str, folder: Path) -> Path:
    """The same card with every set of options published the other way round, each option keeping its score."""
    shutil.copytree(SHELF / slug, folder / slug)
    path = folder / slug / "instrument.toml"
    lines = [turn(line) for line in path.read_text().splitlines()]
    path.write_text("\n".join(lines))
    return folder / slug


@pytest.mark.parametrize("slug", SLUGS)
def test_options_published_the_other_way_round_score_the_same(slug: str, tmp_path: Path) -> None:
    other = turned(slug, tmp_path)
    before, after = card(SHELF / slug), read(other)
    assert [o.ids for o in after.options] == [o.ids[::-1] for o in before.options]
    for seed in range(3):
        said = answers(slug, seed, missing=0.05 * seed)
        assert scored(other, said) == scored(SHELF / slug, said)


@pytest.mark.parametrize("slug", SLUGS)
def test_scores_stay_within_the_range_that_the_card_declares(slug: str) -> None:
    instrument = card(SHELF / slug)
    for seed in range(5):
        made = scored(SHELF / slug, answers(slug, seed))
        for subscale in instrument.subscales:
            value = made[subscale.id]
            assert value is not None
            assert subscale.low - 1e-9 <= value <= subscale.high + 1e-9


@pytest.mark.parametrize("slug", SLUGS)
def test_the_order_of_the_answers_changes_nothing(slug: str) -> None:
    said = answers(slug, 1, missing=0.1)
    assert scored(SHELF / slug, dict(reversed(said.items()))) == scored(SHELF / slug, said)
