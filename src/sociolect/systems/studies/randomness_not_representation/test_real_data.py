"""The published subset: 77 questions of 3 to 5 options, 15 countries, and 180 for steering with three countries held out."""

import ast
from pathlib import Path

import polars as pl
import pytest

from sociolect.compare.robustness import between
from sociolect.compare.steerability import steerability
from sociolect.errors import InputError
from sociolect.systems.studies.randomness_not_representation import arms, elicit, load, players


@pytest.fixture
def subset(data: Path) -> Path:
    return data / "globalopinions_subset"


@pytest.mark.realdata
def test_the_published_subset_is_what_the_paper_describes(subset: Path) -> None:
    world = load.published(subset)
    sizes = world.items["options"].list.len().value_counts().sort("options").rows()
    assert sizes == [(3, 6), (4, 70), (5, 1)]
    assert world.people["community"].n_unique() == 15
    assert world.people.select(pl.col("value").is_between(0, 1).all()).item()
    assert 0.05 < between(world.people) < 0.3
    assert load.mapped(subset) == {"kept": 21, "reordered": 56, "rejected": 117}


@pytest.mark.realdata
def test_our_forms_give_every_label_the_place_that_the_subset_gives_it(subset: Path) -> None:
    """616 rows: what a label stands for in the file is what it stands for in our forms."""
    world = load.published(subset)
    shown = {
        (r["item"], r["order"], r["label_style"]): r
        for v in elicit.forms(world.items).values()
        for r in v.iter_rows(named=True)
    }
    rows = load._rows(subset, load.STABILITY)
    assert len(rows) == 616
    for row in rows:
        way, scale = ast.literal_eval(row["variation"]), ast.literal_eval(row["label_to_scale"])
        order = "forward" if way["direction_format"] == "ascending" else "reversed"
        ours = shown[row["question_idx"], order, way["choice_format"]]
        base = shown[row["question_idx"], "forward", way["choice_format"]]["shown"]
        assert {m: 1 + base.index(o) for m, o in zip(ours["labels"], ours["shown"], strict=True)} == scale


@pytest.mark.realdata
def test_steering_questions_and_their_voices(subset: Path) -> None:
    main, held_out = load.steering(subset), load.steering(subset, held_out=True)
    assert (main.items.height, main.people["community"].n_unique(), held_out.people["community"].n_unique()) == (
        180,
        14,
        3,
    )
    assert held_out.people["value"].null_count() > 0  # no mean is made of a missing one
    means = pl.concat([main.people, held_out.people]).drop_nulls()
    items = main.items.filter(pl.col("options").list.len() > 1).sort("item").head(20)
    said = arms.steered(items, means, names={}, draws=2, temperature=1.0, seed=0)  # type: ignore[arg-type]  # some of the items
    assert said["community"].n_unique() == 17
    half = players.voices(items, means, share=0.5)  # type: ignore[arg-type]  # some of the items
    assert len(half) == 17
    people = means.filter(pl.col("item").is_in(items["item"].implode()))
    exact = people.with_columns(speaker=pl.lit("m"))
    assert steerability(exact, people, draws=100).filter(measure="steer ratio")["estimate"].item() == pytest.approx(1.0)


def test_a_folder_without_the_files_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no readable global_opinion_data_stability"):
        load.published(tmp_path)
    with pytest.raises(InputError, match="no global_opinion_data_steerability"):
        load.steering(tmp_path)
