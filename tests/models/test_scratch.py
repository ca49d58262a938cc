import json
from math import log
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from sociolect import frames
from sociolect.errors import InputError, UsageError
from sociolect.models.local import Local
from sociolect.models.model import user
from sociolect.models.scratch import scratch

from .conftest import NEXT, WORDS, bigram_examples, bigram_line

LENGTH = 16


def nats_per_step(model: Local, *, planted: bool) -> float:
    """The mean surprise at each word after the first, over fresh lines of the language."""
    rng = np.random.default_rng(99)
    lines = [bigram_line(rng, LENGTH, planted=planted) for _ in range(60)]
    chat = user("write a line")
    whole = model.logprobs([chat] * 60, [[line] for line in lines])
    return -float(np.mean([w[0] for w in whole])) / LENGTH


def test_learns_a_planted_bigram_language(tmp_path: Path) -> None:
    model = scratch(bigram_examples(700), tmp_path / "m", epochs=6)
    # Per word: the first is one of 20, the other 15 one of three; a line has no end of its own: lengths are 4 to 19.
    entropy = -sum(p * log(p) for p in NEXT)
    truth = (log(20) + (LENGTH - 1) * entropy + log(4)) / LENGTH  # stopping at 16, when 16 to 19 are left: 1 in 4
    found = nats_per_step(model, planted=True)
    assert truth * 0.8 < found < truth * 1.35, (found, truth)
    said = model.generate([user("write a line")] * 20, tokens=40, seed=1)
    words = [w for line in said for w in line.split()]
    assert sum(w in WORDS for w in words) / len(words) > 0.95


@pytest.mark.slow
def test_learns_nothing_from_the_null(tmp_path: Path) -> None:
    model = scratch(bigram_examples(700, planted=False), tmp_path / "m", epochs=6)
    assert nats_per_step(model, planted=False) > log(20) * 0.97


def test_same_seed_same_bytes_whatever_the_row_order(tmp_path: Path) -> None:
    examples = bigram_examples(60)
    mixed = frames.examples(examples.sample(fraction=1.0, shuffle=True, seed=5))
    for name, rows, seed in (("a", examples, 1), ("b", mixed, 1), ("c", examples, 2)):
        scratch(rows, tmp_path / name, epochs=1, seed=seed)
    a, b, c = ({f.name: f.read_bytes() for f in (tmp_path / n).iterdir()} for n in "abc")
    assert a == b
    assert a["model.safetensors"] != c["model.safetensors"]
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]


def test_long_prompts_lose_their_beginning_and_long_replies_are_set_aside(tmp_path: Path) -> None:
    base = bigram_examples(30)
    long = base.head(1).with_columns(prompt=pl.lit("- ash\n" * 400 + "write a line"))
    endless = base.head(1).with_columns(reply=pl.lit("kelp " * 900))
    model = scratch(frames.examples(pl.concat([base, long, endless])), tmp_path / "m", epochs=1)
    card = json.loads((tmp_path / "m" / "card.json").read_text())
    assert (card["prompts_cut"], card["replies_set_aside"], card["examples"]) == (1, 1, 32)
    assert 500_000 < card["weights"] < 1_200_000
    assert model.context == 256
    assert [loss["epoch"] for loss in card["losses"]] == [1]


def test_faults_are_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="did you mean 'tiny'"):
        scratch(bigram_examples(20), tmp_path / "m", size="tin")
    with pytest.raises(InputError, match="3 examples"):
        scratch(bigram_examples(3), tmp_path / "m")


def test_a_loss_over_replies_alone_teaches_what_random_prompts_would_drown(tmp_path: Path) -> None:
    """The reply names one of four words of a prompt whose other words are noise: chance is 1/4."""
    rng = np.random.default_rng(3)
    marks = ["up", "down", "left", "right"]
    rows = [(" ".join([*rng.choice(WORDS, 6), marks[k % 4]]), marks[k % 4]) for k in range(400)]
    made = pl.DataFrame(rows, schema=["prompt", "reply"], orient="row").with_columns(community=pl.lit("red"))
    examples = frames.examples(made)
    heard = {}
    for only in (True, False):
        scratch(examples, tmp_path / str(only), size="micro", replies_only=only, epochs=3, threads=1)
        card = json.loads((tmp_path / str(only) / "card.json").read_text())
        assert card["replies_only"] is only
        assert 30_000 < card["weights"] < 50_000
        heard[only] = card["losses"][-1]
    # over replies alone the loss learnt is the loss held out; over all tokens it is that of the random words
    assert heard[True]["learnt"] < 1.0 < heard[False]["learnt"]
    assert heard[True]["held_out_reply"] < heard[False]["held_out_reply"]
