"""A card says what its system is, or every fault at once."""

from pathlib import Path
from typing import Any

import pytest
import typer

from sociolect.cli import app
from sociolect.errors import CardError
from sociolect.systems import NEAR, catalog, read

WHOLE = 'title = "T"\npaper = "arXiv 1"\nneeds = ["train"]\nnear = "method"\n[[claim]]\nid = "a"\nwhat = "w"\nwhere = "abstract"\nsign = "+"\n'


def folder(tmp_path: Path, card: str, shelf: str = "worlds") -> Path:
    made = tmp_path / shelf / "tea"
    made.mkdir(parents=True)
    (made / "card.toml").write_text(card)
    (made / "recipe.py").write_text("")
    (made / "elicit.py").write_text("")
    return made


def test_a_whole_card_is_read(tmp_path: Path) -> None:
    card = read(folder(tmp_path, WHOLE))
    assert (card.shelf, card.slug, card.near, card.needs, card.verbs) == (
        "worlds",
        "tea",
        "method",
        ("train",),
        ("elicit",),
    )
    assert card.claims[0].value is None


@pytest.mark.parametrize("near", ["", 'near = "close"\n', "near = 3\n"])
def test_a_card_says_how_near_it_comes(tmp_path: Path, near: str) -> None:
    with pytest.raises(
        CardError, match=r"tea/card\.toml: 'near' is .*: it says how near the system comes, with one of numbers, "
    ):
        read(folder(tmp_path, WHOLE.replace('near = "method"\n', near)))


def test_every_fault_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(CardError) as error:
        read(folder(tmp_path, 'title = 3\nnear = "x"\nneeds = "train"\n[[claim]]\nid = "a"\n', "wolrds"))
    for due in (
        "'title' is missing",
        "'paper' is missing",
        "shelf 'wolrds'",
        "'near'",
        "'needs'",
        "claim 1 lacks what, where, sign",
    ):
        assert due in str(error.value)


def test_the_ids_of_a_card_s_claims_differ_and_every_system_says_how_near_it_comes() -> None:
    for card in catalog().values():
        ids = [claim.id for claim in card.claims]
        assert len(ids) == len(set(ids)), card.slug
        assert card.near in NEAR


def test_no_keyword_of_a_recipe_is_an_option_of_the_command_that_runs_it() -> None:
    """`run --data` is the folder of a study file's paths: a recipe's own `data` could never be said."""
    commands: Any = typer.main.get_command(app)
    options = {p.name for name in ("run", "plan", "demo") for p in commands.commands[name].params}
    assert {"out", "data", "budget"} <= options
    taken = {card.slug: sorted(options & set(card.keywords)) for card in catalog().values()}
    assert {slug: names for slug, names in taken.items() if names} == {}
