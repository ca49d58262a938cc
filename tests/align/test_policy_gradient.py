"""Practice on a transformer of a few thousand weights: what is paid becomes likelier, to the same bytes, and nothing else teaches."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.align.test_finetune import llama

from sociolect import frames
from sociolect.align.best_of_n import best_of_n, furthest, ranked
from sociolect.align.interpolated import at_kl, interpolated, kl_along
from sociolect.align.policy_gradient import Settings, _learnt, policy_gradient
from sociolect.align.practised import Episode, advantages, encoded, episodes, log_probabilities
from sociolect.align.reward import hidden_states
from sociolect.align.tilted import kl_of
from sociolect.elicit.ask import ask
from sociolect.errors import InputError, ModelError, RefusedError, UsageError
from sociolect.frames import KEYS, Replies, Scores
from sociolect.models.journal import journal, using
from sociolect.models.local import Local, local
from sociolect.models.model import Chat, Model, user
from sociolect.models.scripted import scripted
from sociolect.models.weights import Weights

ITEMS = frames.items(
    pl.DataFrame(
        {"item": ["a", "b"], "prompt": ["say it", "tell us"], "options": [None, None]},
        schema_overrides={"options": pl.List(pl.String)},
    )
)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Local:
    return llama(tmp_path_factory.mktemp("practice"))


def evens(model: Model, draws: int = 16, temperature: float = 1.0) -> tuple[Replies, Scores]:
    """Replies of four tokens, each scored by its share of words with an even number."""
    said = ask({"pupil": model}, ITEMS, draws=draws, tokens=4, temperature=temperature)
    worth = [share(text) for text in said["raw"]]
    return said, frames.scores(said.select(*KEYS).with_columns(measure=pl.lit("even"), value=pl.Series(worth)))


def share(text: str | None) -> float:
    words = [w for w in (text or "").split() if w[:1] == "w" and w[1:].isdigit()]
    return sum(int(w[1:]) % 2 == 0 for w in words) / 4


def mean(model: Model) -> float:
    return float(evens(model, 64)[1]["value"].to_numpy().mean())


def test_what_is_paid_becomes_likelier_to_the_same_bytes_and_the_same_journal(base: Local, tmp_path: Path) -> None:
    how: dict[str, Any] = {"steps": 12, "rate": 5e-3, "kl": 0.0, "seed": 1}
    with journal(tmp_path / "j.sqlite") as book, using(book):
        taught = policy_gradient(base, evens, folder=tmp_path / "one/pupil", **how)
        paid = book.count()
    rounds_left = iter(range(5))

    def killed(model: Model) -> tuple[Replies, Scores]:
        if next(rounds_left, None) is None:
            raise KeyboardInterrupt
        return evens(model)

    with journal(tmp_path / "k.sqlite") as book, using(book):
        with pytest.raises(KeyboardInterrupt):
            policy_gradient(base, killed, folder=tmp_path / "two/pupil", **how)
        assert not (tmp_path / "two/pupil").exists()
        assert 0 < book.count() < paid
        again = policy_gradient(base, evens, folder=tmp_path / "two/pupil", **how)
        assert book.count() == paid  # it went the same way, and paid for no reply twice
    assert mean(taught) > mean(base) + 0.1
    assert (tmp_path / "one/pupil/model.safetensors").read_bytes() == (
        tmp_path / "two/pupil/model.safetensors"
    ).read_bytes()
    assert taught.name == "scratch/test@pupil"
    assert again.logprobs([user("say it")], [["w1"]]) == taught.logprobs([user("say it")], [["w1"]])
    rounds = json.loads((tmp_path / "one/pupil/card.json").read_text())["rounds"]
    assert [r["replies"] for r in rounds] == [32] * 12
    assert rounds[0]["kl"] == pytest.approx(0.0, abs=1e-5)
    assert rounds[-1]["kl"] > 0.2
    assert rounds[-1]["score"] > rounds[0]["score"]
    assert len({r["score"] for r in rounds}) > 6  # every round draws anew


def bandit(base: Local, odds: dict[str, float]) -> Local:
    """A model that says one word whatever it is asked, with these chances; its weights are the words' logits."""
    import torch

    class Bandit(torch.nn.Module):  # type: ignore[misc]  # torch is untyped here
        def __init__(self) -> None:
            super().__init__()
            self.generation_config = base.module.generation_config  # where a model finds its end tokens
            logits = torch.full((len(base.tokenizer),), -1e9)
            for word, chance in odds.items():
                logits[base.reply_ids(word)[0]] = float(np.log(chance))
            self.logits = torch.nn.Parameter(logits)

        def forward(self, input_ids: Any, use_cache: bool) -> Any:
            return SimpleNamespace(logits=self.logits.expand(*input_ids.shape, -1))

    return replace(base, weights=Weights(base.folder, known=Bandit()))


@pytest.mark.parametrize("kl", [0.0, 0.5])
def test_a_step_is_the_gradient_of_a_bandit_in_closed_form_and_its_kl_is_exact(base: Local, kl: float) -> None:
    """d/d logit_j of E[r] - kl KL(pi, ref) is pi_j (g_j - E[g]), g = r - kl log(pi / ref); leaving one out makes it n / (n - 1) of it.

    Eight replies of two words, as many of each as their chances say, so that the mean over replies is the expectation.
    """
    import torch

    pi, ref, worth = np.array([0.25, 0.75]), np.array([0.5, 0.5]), np.array([1.0, 0.2])
    words = ("w1", "w2")
    now, before = (bandit(base, dict(zip(words, odds.tolist(), strict=True))) for odds in (pi, ref))
    said = [Episode(user("go"), words[k], float(worth[k]), 1) for k in (0, 0, 1, 1, 1, 1, 1, 1)]
    start = now.module.logits.detach().clone()
    step = torch.optim.SGD(now.module.parameters(), lr=1.0)
    found = _learnt(before, now.module, said, step, Settings(1, 1.0, kl, 1e9, None, None, 16, 0))
    gain = worth - kl * np.log(pi / ref)
    due = 8 / 7 * pi * (gain - pi @ gain)
    moved = (now.module.logits.detach() - start).numpy()
    places = [base.reply_ids(w)[0] for w in words]
    assert moved[places] == pytest.approx(due, abs=1e-6)
    assert np.abs(np.delete(moved, places)).max() == 0
    assert found["kl"] == pytest.approx(float(pi @ np.log(pi / ref)), abs=1e-6)
    assert found["score"] == pytest.approx(float(pi @ worth))
    assert found["gradient"] == pytest.approx(float(np.linalg.norm(due)), abs=1e-6)


def test_a_price_on_distance_keeps_it_near_and_until_ends_it(base: Local, tmp_path: Path) -> None:
    how: dict[str, Any] = {"steps": 12, "rate": 5e-3, "seed": 1}
    policy_gradient(base, evens, folder=tmp_path / "dear", kl=2.0, **how)
    policy_gradient(base, evens, folder=tmp_path / "free", kl=0.0, **how)
    policy_gradient(base, evens, folder=tmp_path / "short", kl=0.0, until=0.05, **how)
    dear, free, short = (
        json.loads((tmp_path / n / "card.json").read_text())["rounds"] for n in ("dear", "free", "short")
    )
    assert dear[-1]["kl"] < 0.5 * free[-1]["kl"]
    assert len(short) < 12
    assert short[-1]["kl"] >= 0.05 > short[-2]["kl"]


def test_a_constant_score_teaches_nothing_beyond_rounding(base: Local, tmp_path: Path) -> None:
    def flat(model: Model) -> tuple[Replies, Scores]:
        said, scores = evens(model)
        return said, frames.scores(scores.with_columns(value=pl.lit(0.7)))

    policy_gradient(base, flat, folder=tmp_path / "flat", steps=2, kl=0.0, rate=1e-2)
    rounds = json.loads((tmp_path / "flat/card.json").read_text())["rounds"]
    assert rounds[0]["gradient"] == pytest.approx(0.0, abs=1e-6)


def test_an_adapter_learns_too_and_lies_over_its_base(base: Local, tmp_path: Path) -> None:
    taught = policy_gradient(
        base, evens, folder=tmp_path / "lora", steps=10, rate=5e-2, kl=0.0, lora_rank=4, lora_alpha=16
    )
    assert (tmp_path / "lora/adapter_config.json").exists()
    assert mean(taught) > mean(base) + 0.05


def test_the_gradient_is_that_of_reinforce_with_a_leave_one_out_baseline() -> None:
    assert advantages(["a"] * 3 + ["b"] * 2, [3.0, 0.0, 0.0, 1.0, 5.0]) == [3.0, -1.5, -1.5, -4.0, 4.0]
    assert sum(advantages(list("abcd"), [1.0, 2.0, 3.0, 10.0])) == pytest.approx(0.0)  # each asked once: all the others


def episode_frames(turns: tuple[int, ...], values: list[float | None]) -> tuple[Replies, Scores]:
    rows = [("s", "model", "c", "game:0", "played", 0, t, f"turn {t}", f"word {t}") for t in turns]
    schema = [*KEYS, "prompt", "text"]
    said = frames.replies(pl.DataFrame(rows, schema=schema, orient="row"))
    told = [(*row[:6], t, "won", v) for row, (t, v) in zip(rows, enumerate(values), strict=False)]
    return said, frames.scores(pl.DataFrame(told, schema=[*KEYS, "measure", "value"], orient="row", schema_overrides={"value": pl.Float64}))  # fmt: skip


def test_the_score_of_a_game_is_earned_by_all_its_turns_and_what_others_said_teaches_nothing() -> None:
    said, scores = episode_frames((0, 1, 2), [4.0])
    noted: list[tuple[Chat, str, int]] = [(user("turn 0"), "word 0", 8), (user("turn 2"), "word 2", 8)]
    kept, left = episodes(said, scores, noted)
    assert [(one.text, one.score) for one in kept] == [("word 0", 4.0), ("word 2", 4.0)]
    assert left == {"left out: not its own words": 1}
    each, own = episode_frames((0, 1, 2), [1.0, None, 3.0])
    kept, left = episodes(each, own, [(user(f"turn {t}"), f"word {t}", 8) for t in range(3)])
    assert [one.score for one in kept] == [1.0, 3.0]
    assert left == {"left out: without a score": 1}
    with pytest.raises(RefusedError, match="1 replies of this round teach, two are due: 2 not its own words"):
        episodes(said, scores, noted[:1])
    two = frames.scores(pl.concat([scores, scores.with_columns(measure=pl.lit("other"))]))
    with pytest.raises(InputError, match="2 measures"):
        episodes(said, two, noted)


def test_between_base_and_pupil_lies_a_model_at_the_kl_that_is_asked(base: Local, tmp_path: Path) -> None:
    taught = policy_gradient(base, evens, folder=tmp_path / "far", steps=14, rate=5e-3, kl=0.0, seed=2)
    chats = [user("say it")] * 96
    near = at_kl(base, taught, chats, kl=0.1, tokens=4, within=0.01, seed=3)
    assert near.kl == pytest.approx(0.1, abs=0.01)
    assert 0 < near.share < 1
    assert mean(base) < mean(near.model)
    assert sum(kl_along(base, base, chats[:4], ["w1 w2"] * 4, tokens=4)) == 0
    ends = [interpolated(base, taught, end) for end in (0.0, 1.0)]
    for model, due in zip(ends, (base, taught), strict=True):
        assert model.logprobs(chats[:1], [["w1 w2", "w3"]]) == due.logprobs(chats[:1], [["w1 w2", "w3"]])
    with pytest.raises(RefusedError, match="teach it further"):
        at_kl(base, taught, chats, kl=50, tokens=4)
    # summed over the next word exactly, or the mean log-ratio of its own draws: the same number, with less noise
    many = chats * 8
    said = taught.generate(many, tokens=4, seed=9)
    rows = [encoded(taught, Episode(chat, text, 0.0, 4)) for chat, text in zip(many, said, strict=True)]
    ratio = (log_probabilities(taught.module, rows) - log_probabilities(base.module, rows)).detach().numpy()
    along = np.array(kl_along(taught, base, many, said, tokens=4))
    assert along.mean() == pytest.approx(ratio.mean(), abs=4 * ratio.std() / len(many) ** 0.5)
    assert along.std() < ratio.std()


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ({"steps": 0, "rate": -1.0}, UsageError, "steps=0 is not 1 or more; rate=-1.0 is not above 0"),
        ({"model": scripted(["a"])}, ModelError, "has no weights to train"),
        ({"practice": partial(evens, temperature=0.5)}, UsageError, "practice draws at temperature 0.5"),
    ],
)
def test_practice_that_cannot_teach_is_refused(
    base: Local, tmp_path: Path, change: dict[str, object], error: type[Exception], said: str
) -> None:
    model, practice = change.pop("model", base), change.pop("practice", evens)
    with pytest.raises(error, match=said):
        policy_gradient(model, practice, folder=tmp_path / "no", **change)  # type: ignore[arg-type]  # wrong on purpose
    (tmp_path / "theirs").mkdir(exist_ok=True)
    (tmp_path / "theirs/notes.txt").write_text("mine")
    with pytest.raises(RefusedError, match="no practice made"):
        policy_gradient(base, evens, folder=tmp_path / "theirs")
    with pytest.raises(UsageError, match="top_k=None"):
        policy_gradient(local(base.folder, top_k=5), evens, folder=tmp_path / "no")


def test_best_of_n_is_the_law_of_order_statistics_and_its_bound() -> None:
    found = ranked(np.arange(64.0), n=16)
    assert found.sum() == pytest.approx(1.0)
    assert found[-1] == pytest.approx(1 - (63 / 64) ** 16)
    # over many replies the KL nears log n - (n - 1) / n, from below
    for m, within in ((256, 0.06), (20_000, 0.001)):
        kl = float(kl_of(ranked(np.arange(float(m)), n=16), np.full(m, 1 / m)))
        assert furthest(16) - within < kl < furthest(16)
    scores = np.array([0.0, 1.0, 1.0, 3.0])
    drawn = np.random.default_rng(0).integers(4, size=(100_000, 3))
    first = drawn[np.arange(100_000), scores[drawn].argmax(1)]
    assert ranked(scores, n=3) == pytest.approx(np.bincount(first, minlength=4) / 100_000, abs=0.006)


def test_the_best_draw_is_said_and_nan_loses() -> None:
    lines = ["", "one", "one two", "one two three"]
    score: Callable[..., list[float]] = lambda chats, said: [float(len(s.split())) or np.nan for s in said]  # noqa: E731  # shorter than a def
    model = best_of_n(scripted(lines), score, n=4)
    assert model.generate([user("go"), user("on")])[0] == "one two three"
    assert best_of_n(scripted([""]), score, n=2).generate([user("go")]) == [""]
    with pytest.raises(ModelError, match="cannot weigh"):
        model.logprobs([user("go")], [["a"]])
    with pytest.raises(UsageError, match="n is 0"):
        best_of_n(scripted(lines), score, n=0)
    with pytest.raises(InputError, match="one number for each"):
        best_of_n(scripted(lines), lambda chats, said: [1.0], n=2).generate([user("go")])
    with pytest.raises(InputError, match="scores are not finite"):
        ranked([1.0, np.nan])


def test_hidden_states_read_the_whole_reply_and_no_padding(base: Local) -> None:
    chats, texts = [user("say it"), user("tell us"), user("say it")], ["w1", "w1 w2 w3 w4 w5", "w1"]
    found = hidden_states(base, chats, texts)
    assert found.shape == (3, 64)
    assert (found[0] == found[2]).all()
    alone = hidden_states(base, chats[:1], texts[:1])
    assert found[0] == pytest.approx(alone[0], abs=1e-5)
    assert not np.allclose(found[0], hidden_states(base, chats[1:2], texts[:1])[0])
    with pytest.raises(InputError, match="as many are due"):
        hidden_states(base, chats, texts[:1])
    with pytest.raises(InputError, match="do not fit"):
        hidden_states(base, chats[:1], ["w1 " * 80])
