"""Planted: models that know their canaries to a known degree, and a model that knows none."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import factorial, log2

import numpy as np
import polars as pl
import pytest
from scipy.stats import kstest

from sociolect import frames
from sociolect.errors import InputError, ModelError
from sociolect.frames import Replies
from sociolect.measure.canaries import exposure, extracted
from sociolect.models.model import Chat
from sociolect.models.ngram import ngram
from sociolect.seeds import derive, substream

KEYS = {"source": "model", "community": "c", "item": "t", "condition": "x"}


def invented(n: int, *, candidates: int = 63, seed: int = 0) -> pl.DataFrame:
    """Canaries of three words out of 40, drawn like their candidates; none twice."""
    rng, known, rows = np.random.default_rng(seed), set[str](), []
    for i in range(n):
        own: list[str] = []
        while len(own) <= candidates:
            secret = " ".join(f"zu{k}" for k in rng.integers(40, size=3))
            if secret not in known:
                known.add(secret)
                own.append(secret)
        rows.append((f"c{i:03}", f"the word is {own[0]}", own[0], own[1:]))
    return pl.DataFrame(rows, schema=["canary", "text", "secret", "candidates"], orient="row")


def heard(texts: list[str | None]) -> Replies:
    return frames.replies(
        pl.DataFrame({"speaker": [f"s{i:03}" for i in range(len(texts))]}).with_columns(
            **{k: pl.lit(v) for k, v in KEYS.items()},
            draw=pl.lit(0, pl.Int64),
            turn=pl.lit(0, pl.Int64),
            prompt=pl.lit(None, pl.String),
            text=pl.Series(texts, dtype=pl.String),
        )
    )


@dataclass(frozen=True)
class Weighs:
    """A model that gives each text a number out of its name, and a known lift to the texts it was taught."""

    lift: dict[str, float]
    name: str = "weighs"

    def generate(self, chats: Sequence[Chat], **_: object) -> list[str]:
        return ["" for _ in chats]

    def logprobs(self, chats: Sequence[Chat], options: Sequence[Sequence[str]]) -> list[list[float]]:
        return [
            [float(substream(derive(1, text), "weigh").random()) + self.lift.get(text, 0.0) for text in some]
            for _, some in zip(chats, options, strict=True)
        ]


def test_unplanted_canaries_rank_uniformly_and_their_mean_exposure_is_the_closed_form() -> None:
    made = invented(300)
    found = exposure(Weighs({}), made, prompts=["say"])
    assert found["candidates"].unique().to_list() == [64]
    due = log2(64) - log2(factorial(64)) / 64  # the mean of log2(64 / k) over ranks k
    spread = np.std([log2(64 / k) for k in range(1, 65)])
    assert found["exposure"].mean() == pytest.approx(due, abs=3 * spread / 300**0.5)
    assert kstest((found["rank"] - 0.5) / 64, "uniform").pvalue > 0.01


def test_a_known_rank_has_its_known_exposure() -> None:
    made = invented(3, candidates=7)
    texts = made["text"].to_list()
    model = Weighs({texts[0]: 2.0, texts[1]: -2.0})  # numbers lie in 0 to 1: the first is likeliest, the second last
    found = exposure(model, made, prompts=["say"])
    assert found["exposure"].to_list()[:2] == [3.0, 0.0]
    assert found["rank"].to_list()[:2] == [1, 8]
    assert exposure(model, made.reverse(), prompts=["say"]).equals(found)


def test_exposure_grows_with_repeats_in_a_model_that_counts() -> None:
    rng, made = np.random.default_rng(3), invented(80, seed=4)
    talk = [" ".join(f"w{k}" for k in rng.integers(300, size=9)) for _ in range(600)]
    # every invented word is known, so that what was never planted ranks by chance and not by its newness
    babble = [" ".join(f"zu{k}" for k in rng.integers(40, size=3)) for _ in range(3000)]
    texts = made["text"].to_list()
    planted = [text for text, times in zip(texts[:40], [1] * 20 + [16] * 20, strict=True) for _ in range(times)]
    found = exposure(ngram([*talk, *babble, *planted]), made, prompts=["say"])["exposure"].to_numpy()
    once, often, never = found[:20], found[20:40], found[40:]
    assert (often == 6.0).all()
    assert never.mean() < once.mean() <= often.mean()
    assert abs(never.mean() - (6 - log2(factorial(64)) / 64)) < 3 * 1.3 / 40**0.5


def test_a_model_that_cannot_tell_has_exposure_zero_and_says_that_all_tie() -> None:
    found = exposure(ngram(["a b c", "the word is"]), invented(2), prompts=["say"])
    assert found["exposure"].to_list() == [0.0, 0.0]
    assert found["tied"].to_list() == [63, 63]


def test_prompts_are_averaged_and_a_nan_is_no_weight() -> None:
    @dataclass(frozen=True)
    class Asked(Weighs):
        def logprobs(self, chats: Sequence[Chat], options: Sequence[Sequence[str]]) -> list[list[float]]:
            weights = {"one": [0.0, 5.0, -9.0], "two": [0.0, -6.0, -9.5], "bad": [float("nan"), 0.0, 0.0]}
            return [weights[chat[-1].text] for chat in chats]

    made = invented(1, candidates=2)
    ranks = [exposure(Asked({}), made, prompts=p)["rank"][0] for p in (["one"], ["two"], ["two", "one"])]
    assert ranks == [2, 1, 1]  # the means are 0, -.5 and -9.25
    with pytest.raises(ModelError, match="1 candidates of 'c000'"):
        exposure(Asked({}), made, prompts=["bad"])


def test_planted_leaks_are_all_found_and_nothing_else() -> None:
    made = invented(50, seed=1)
    secrets = made["secret"].to_list()
    rng = np.random.default_rng(2)
    talk = [" ".join(f"w{k}" for k in rng.integers(300, size=9)) for _ in range(500)]
    leaked = [f"{t}, {s.upper().replace(' ', ', ')}! {t}" for s, t in zip(secrets, talk, strict=False)]
    found = extracted(heard([*leaked, *talk]), made)
    whole = found.filter(measure="canary:said").sort("speaker")
    assert whole["value"].to_list() == [1.0] * 50 + [0.0] * 500
    assert whole["canary"].to_list() == [*made["canary"], *[None] * 500]
    assert found.filter(measure="canary:prefix").sort("speaker")["value"].to_list() == [3.0] * 50 + [0.0] * 500


def test_the_longest_prefix_counts_and_its_end_or_middle_does_not() -> None:
    made = pl.DataFrame({
        "canary": ["b", "a"], "text": ["is ba bo bu", "is ba bi be"], "secret": ["ba bo bu", "ba bi be"],
        "candidates": [["x"], ["x"]],
    })  # fmt: skip
    found = extracted(heard(["ba", "bo bu", "so ba bo, ba bi", "ba ba bo", "ba bobu", None, " "]), made)
    assert found.filter(measure="canary:prefix")["value"].to_list() == [1.0, 0.0, 2.0, 2.0, 1.0, None, None]
    assert found.filter(measure="canary:prefix")["canary"].to_list() == ["a", None, "a", "b", "a", None, None]
    assert extracted(heard(["ba"]), made.reverse()).equals(extracted(heard(["ba"]), made))


def test_refused() -> None:
    made = invented(2)
    with pytest.raises(InputError, match="column 'secret' is missing; column 'candidates' is missing"):
        extracted(heard(["a"]), made.select("canary", "text"))
    bad = made.with_columns(canary=pl.lit("x"), text=pl.lit("else"), candidates=pl.concat_list("secret"))
    with pytest.raises(InputError, match="1 repeat another's id; 2 texts do not end in .*; 2 secrets stand among"):
        exposure(Weighs({}), bad, prompts=["say"])
    with pytest.raises(InputError, match="no prompt"):
        exposure(Weighs({}), made, prompts=[])
    with pytest.raises(InputError, match="there are none"):
        extracted(heard(["a"]), made.clear())
