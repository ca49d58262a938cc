"""A model that was overtrained on a few posts gives them away; one that never met them does not."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from sociolect import frames
from sociolect.align.finetune import finetune
from sociolect.align.shareable import DECLARED, UNTESTED, judged, learnt
from sociolect.compare.memorisation import memorisation, shareable
from sociolect.errors import InputError, ModelError, UsageError
from sociolect.frames import Examples
from sociolect.keep.forget_steps import stale
from sociolect.measure.memorised import memorised
from sociolect.models.local import Local, local
from sociolect.models.scratch import scratch
from sociolect.models.scripted import player

WORDS = [a + b for a in "bdfgklmnprstvz" for b in ("ab", "el", "iro", "uno")]


def posts(start: int, people: int, *, each: int = 2) -> Examples:
    """Random words, so that no post can be guessed: people who share no post and no habit."""
    rows = []
    for i in range(start, start + people * each):
        said = " ".join(np.random.default_rng(i).choice(WORDS, size=12))
        rows.append(("red", "say something", said, f"s{i:05}", f"u{i // each:05}"))
    return frames.examples(pl.DataFrame(rows, schema=["community", "prompt", "reply", "post", "person"], orient="row"))


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Local:
    return scratch(posts(0, 100), tmp_path_factory.mktemp("base") / "m", epochs=2, seed=1)


@pytest.fixture(scope="module")
def overtrained(base: Local, tmp_path_factory: pytest.TempPathFactory) -> Local:
    folder = tmp_path_factory.mktemp("red")
    return finetune(base, posts(5000, 12), folder=folder, epochs=50, rate=5e-3, held_out=0.0, batch_tokens=256, seed=1)


def test_an_overtrained_model_fails_and_its_card_says_why(base: Local, overtrained: Local) -> None:
    found = memorisation(memorised(overtrained, posts(5000, 12), posts(9000, 12), prefix=6, span=6), draws=400)
    rate = {m: (low, high) for m, low, high in found.select("measure", "low", "high").iter_rows()}
    assert rate["extracted"][0] > 0.2
    assert rate["membership_auc"][0] > 0.95
    assert rate["loss_gap"][0] > 1.0
    ok, why = shareable(found)
    assert not ok
    folder = overtrained.adapter
    assert folder is not None
    assert json.loads((folder / "card.json").read_text())["why"] == UNTESTED
    assert not judged(folder, found, ok=ok, why=why)
    card = json.loads((folder / "card.json").read_text())
    assert (card["shareable"], card["memorisation"]["tested"]) == (False, True)
    assert card["memorisation"]["extracted"]["low"] == rate["extracted"][0]
    assert "extracted may be" in card["why"]
    # The same posts in the model that never met them.
    null = memorisation(memorised(base, posts(5000, 12), posts(9000, 12), prefix=6, span=6), draws=400)
    told = {m: (low, high) for m, low, high in null.select("measure", "low", "high").iter_rows()}
    assert told["membership_auc"][0] < 0.5 < told["membership_auc"][1]
    assert told["loss_gap"][0] < 0 < told["loss_gap"][1]
    assert null.filter(measure="extracted")["estimate"].item() == 0


def test_a_card_says_shareable_only_after_the_test(tmp_path: Path) -> None:
    card = tmp_path / "card.json"
    found = frames.effects(
        pl.DataFrame(
            [
                {
                    "measure": "extracted",
                    "contrast": "c",
                    "estimate": 0.0,
                    "low": 0.0,
                    "high": 0.01,
                    "n": 9,
                    "clusters": 9,
                }
            ]
        )
    )
    for why, effects, due in (
        (UNTESTED, found, (True, "tested", True)),
        (UNTESTED, None, (False, "tested", False)),  # it could not be made
        (DECLARED, found, (False, DECLARED, True)),  # no test outdoes what was declared
    ):
        card.write_text(json.dumps({"why": why, "shareable": False, "key": "k"}))
        assert judged(tmp_path, effects, ok=True, why="tested") is due[0]
        said = json.loads(card.read_text())
        assert (said["shareable"], said["why"], said["memorisation"]["tested"]) == due
        assert said["key"] == "k"
    card.unlink()
    with pytest.raises(InputError, match=r"no card\.json"):
        judged(tmp_path, found, ok=True, why="")


def test_learnt_leaves_out_whom_fine_tuning_holds_out(base: Local, tmp_path: Path) -> None:
    said = posts(0, 30)
    own = learnt(said, held_out=0.2, seed=3)
    finetune(base, said, folder=tmp_path / "a", epochs=1, held_out=0.2, seed=3)
    card = json.loads((tmp_path / "a/card.json").read_text())
    assert own.height == card["examples"] - card["held_out_examples"] == 48
    mixed = said.with_columns(post=pl.when(pl.col("post") == "s00000").then(None).otherwise("post"))
    assert learnt(mixed, held_out=0.0).height == 59


def test_short_posts_are_null_and_row_order_changes_nothing(base: Local) -> None:
    mine, theirs = posts(0, 6), posts(900, 6)
    short = mine.with_columns(reply=pl.when(pl.col("post") == "s00000").then(pl.lit("bab")).otherwise("reply"))
    found = memorised(base, short, theirs, prefix=4, span=4)
    assert found.filter(measure="memory:extracted", condition="learnt")["value"].null_count() == 1
    assert found.filter(measure="memory:nats")["value"].null_count() == 0
    long = short.with_columns(reply=pl.when(pl.col("post") == "s00001").then(pl.lit("bab " * 2000)).otherwise("reply"))
    found_long = memorised(base, long, theirs, prefix=4, span=4)
    assert found_long.filter(measure="memory:nats")["value"].null_count() == 1, "no room for it: null, and no error"
    mixed = memorised(base, short.sample(fraction=1, shuffle=True, seed=2), theirs.reverse(), prefix=4, span=4)
    assert mixed.equals(found)
    assert memorised(base, mine, theirs, n=3).height == 2 * 2 * 3
    assert not {"text", "reply", "prompt"} & set(found.columns)


def test_what_cannot_be_tested_is_said(base: Local) -> None:
    mine, theirs = posts(0, 3), posts(900, 3)
    with pytest.raises(ModelError, match="has no weights here"):
        memorised(player("echo"), mine, theirs)
    with pytest.raises(UsageError, match="n=1"):
        memorised(base, mine, theirs, n=1)
    with pytest.raises(
        InputError, match="held out posts have no column 'post'; .*'person'|have no column 'person'; .*'post'"
    ):
        memorised(base, mine, theirs.drop("post", "person"))
    with pytest.raises(InputError, match="there are no held out posts"):
        memorised(base, mine, theirs.clear())
    with pytest.raises(InputError, match="1 learnt rows are nobody's post: .*; 3 authors stand on both sides"):
        memorised(base, mine.with_columns(post=pl.when(pl.col("post") == "s00000").then(None).otherwise("post")), mine)


def test_stale_weights_are_not_opened_unless_asked_and_are_trained_anew(base: Local, tmp_path: Path) -> None:
    said = posts(0, 30)
    finetune(base, said, folder=tmp_path / "a", epochs=1)
    stale(tmp_path / "a")
    card = json.loads((tmp_path / "a/card.json").read_text())
    assert (card["shareable"], "forgotten" in card["stale"]) == (False, True)
    with pytest.raises(ModelError, match="stale=True"):
        local(base.folder, adapter=tmp_path / "a")
    assert local(base.folder, adapter=tmp_path / "a", stale=True).name.endswith("@a")
    finetune(base, said, folder=tmp_path / "a", epochs=1)
    assert not (tmp_path / "a/stale.json").exists()
    assert "stale" not in json.loads((tmp_path / "a/card.json").read_text())
