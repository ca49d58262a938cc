"""Keywords are checked against the recipe's signature, all faults at once."""

from pathlib import Path
from typing import Any, Literal

import pytest

from sociolect import arguments
from sociolect.errors import InputError, UsageError
from sociolect.report.content import Page
from sociolect.systems import Card


def recipe(
    workspace: object,
    *,
    size: Literal["tiny", "small"] = "tiny",
    posts: Path | None = None,
    columns: dict[str, str] | None = None,
    network: tuple[str, ...] = (),
    rate: float = 0.5,
    seed: int = 0,
    sensitive: bool = False,
) -> Page:
    raise AssertionError


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> Card:
    monkeypatch.setattr(Card, "run", property(lambda self: recipe))
    return Card("studies", "some_study", "t", "p", (), (), ())


def test_words_become_values(card: Card) -> None:
    said = arguments.words(
        [
            "--size",
            "small",
            "--columns=person=a+b,text=c",
            "--network",
            "reply,mention",
            "--rate=2e-3",
            "--sensitive",
            "--seed",
            "-4",
        ]
    )
    made = arguments.keywords(card, said)
    assert made == {
        "size": "small",
        "columns": {"person": "a+b", "text": "c"},
        "network": ("reply", "mention"),
        "rate": 0.002,
        "sensitive": True,
        "seed": -4,
    }


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"sed": "3"}, "no keyword of some_study 'sed'; did you mean 'seed'"),
        ({"seed": "x"}, "--seed: 'x' is not a whole number"),
        ({"size": "huge"}, "--size: 'huge' is none of tiny, small"),
        ({"sensitive": "perhaps"}, "neither true nor false"),
        ({"posts": True}, "--posts: it needs a value"),
        ({"columns": "person"}, "--columns: 'person' is not name=value"),
    ],
)
def test_a_wrong_keyword_is_one_clear_line(card: Card, said: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        arguments.keywords(card, said)


def test_all_faults_at_once(card: Card) -> None:
    with pytest.raises(UsageError, match="'sed'.*--rate"):
        arguments.keywords(card, {"sed": "1", "rate": "fast"})


def test_a_study_file_is_relative_to_itself_or_to_the_data(card: Card, tmp_path: Path) -> None:
    file = tmp_path / "s.toml"
    file.write_text('system = "some_study"\nposts = "a.csv"\nnetwork = ["reply"]\n[columns]\ntext = "body"\n')
    slug, said = arguments.study(file, None)
    assert slug == "some_study"
    assert arguments.keywords(card, said) == {
        "posts": tmp_path / "a.csv",
        "network": ("reply",),
        "columns": {"text": "body"},
    }
    assert arguments.keywords(card, arguments.study(file, Path("/data"))[1])["posts"] == Path("/data/a.csv")


def test_a_study_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no study file"):
        arguments.study(tmp_path / "none.toml", None)
    (tmp_path / "s.toml").write_text("a = ")
    with pytest.raises(InputError, match="cannot be read as a study file"):
        arguments.study(tmp_path / "s.toml", None)
    (tmp_path / "s.toml").write_text("a = 1")
    with pytest.raises(InputError, match="names no system"):
        arguments.study(tmp_path / "s.toml", None)
