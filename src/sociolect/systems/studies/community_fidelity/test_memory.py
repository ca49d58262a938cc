"""No fine-tuned model is called shareable before what it memorised of people was tested, and found little."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from sociolect import frames
from sociolect.align.canaries import canaries, with_canaries
from sociolect.align.finetune import finetune_each
from sociolect.frames import Examples, Scores
from sociolect.models.model import Model
from sociolect.models.scratch import scratch
from sociolect.systems.studies.community_fidelity import align

WORDS = [a + b for a in "bdfgklmn" for b in ("ab", "el", "iro", "uno")]
LESSON: dict[str, Any] = {"epochs": 1, "rate": 1e-3, "seed": 1}


def said(start: int, people: int, *, community: str = "red") -> Examples:
    rows = []
    for i in range(start, start + people):
        words = " ".join(np.random.default_rng(i).choice(WORDS, size=20))
        rows.append((community, "say", words, f"{community}{i:05}", f"{community}{i}"))
    return frames.examples(pl.DataFrame(rows, schema=["community", "prompt", "reply", "post", "person"], orient="row"))


def null(people: int) -> Scores:
    """Scores of a model that kept nothing: so many authors of three posts on each side."""
    rng = np.random.default_rng(people)
    rows = [
        (
            f"{side}{i // 3}",
            "human",
            "c",
            f"{side}{i}",
            side,
            0,
            0,
            measure,
            float(rng.normal()) if measure == "memory:nats" else 0.0,
        )
        for side in ("learnt", "held out")
        for i in range(3 * people)
        for measure in ("memory:nats", "memory:extracted")
    ]
    return frames.scores(pl.DataFrame(rows, schema=[*frames.KEYS, "measure", "value"], orient="row"))


def test_the_card_follows_the_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = frames.examples(pl.concat([said(0, 12), said(0, 12, community="blue")]))
    apart = frames.examples(pl.concat([said(900, 12), said(900, 12, community="blue")]))
    base = scratch(whole, tmp_path / "base", epochs=1, seed=1).folder
    asked: dict[str, set[str]] = {}

    def memorised(model: Model, own: pl.DataFrame, other: pl.DataFrame, **_: int) -> Scores:
        (community,) = own["community"].unique()
        asked[community] = {*own["post"]}
        assert set(other["post"]) == set(apart.filter(community=community)["post"])
        return null(100 if community == "red" else 10)

    monkeypatch.setattr(align, "memorised", memorised)
    assert isinstance(base, Path)
    align.teach(base, whole, folder=tmp_path / "a", apart=apart, **LESSON)
    told = {n: json.loads((tmp_path / "a" / n / "card.json").read_text()) for n in ("red", "blue")}
    # Only what was learnt from is asked about: a tenth of the people are held out of the training.
    assert len(asked["red"]) == told["red"]["examples"] - told["red"]["held_out_examples"] == 11
    assert told["red"]["shareable"]
    # Ten people are too few to show that nothing is given away.
    assert "extracted may be" in told["blue"]["why"]
    table = align.memory(tmp_path / "a", ["red", "blue"])
    verdicts = dict(table.filter(measure="extracted").select("community", "shareable").iter_rows())
    assert verdicts == {"red": "yes", "blue": "no"}
    # A canary that stood among the demonstrations is part of the verdict.
    secrets = canaries(2, candidates=15, seed=1)
    sown = with_canaries(whole, secrets, repeats=1, seed=1)
    align.teach(base, sown, folder=tmp_path / "a", apart=apart, secrets=secrets, **LESSON)
    card = json.loads((tmp_path / "a/red/card.json").read_text())
    assert card["memorisation"]["canary_exposure"]["n"] == 1
    assert (card["shareable"], "canary_exposure has no interval" in card["why"]) == (False, True)


def test_what_could_not_be_tested_is_not_shareable(tmp_path: Path) -> None:
    base = scratch(said(0, 20), tmp_path / "base", epochs=1, seed=1)
    finetune_each(base, said(0, 20), folder=tmp_path / "a", **LESSON)
    align.teach(tmp_path / "base", said(0, 20), folder=tmp_path / "a", apart=said(900, 1), **LESSON)
    card = json.loads((tmp_path / "a/red/card.json").read_text())
    assert (card["shareable"], card["memorisation"]) == (False, {"tested": False})
    assert "1 of held-out ones" in card["why"]


def test_a_folder_without_a_card_says_no(tmp_path: Path) -> None:
    assert align.memory(tmp_path, ["red"]).row(0, named=True)["shareable"] == "no"
