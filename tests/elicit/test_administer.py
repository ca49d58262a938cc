"""Administering: three modes, every outcome kept, and a planted respondent found again through them."""

import math
from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest

from sociolect import frames
from sociolect.compare.bootstrap import bootstrap
from sociolect.elicit.administer import administer, administered
from sociolect.elicit.outcomes import outcomes
from sociolect.elicit.variants import variants
from sociolect.errors import InputError, UsageError
from sociolect.frames import Items, Replies
from sociolect.models.model import Chat
from sociolect.models.respondent import Question, Respondent
from sociolect.models.scripted import scripted

WORDS = ["never", "rarely", "at times", "often", "always"]
IDS = ["o1", "o2", "o3", "o4", "o5"]
STEMS = ["I hum in lifts.", "I hum on stairs."]
SHAPE: dict[str, pl.DataType] = {
    "item": pl.String(), "prompt": pl.String(), "options": pl.List(pl.String), "wording": pl.List(pl.String), "unit": pl.String(),
    "low": pl.Float64(), "high": pl.Float64(),
}  # fmt: skip
CHOICE = frames.items(
    pl.DataFrame(
        [(str(i + 1), s, IDS, WORDS, None, None, None) for i, s in enumerate(STEMS)], schema=SHAPE, orient="row"
    )
)
NUMBER = frames.items(
    pl.DataFrame([("9", "How heavy is your hat?", None, None, "kg", 0.0, 9.0)], schema=SHAPE, orient="row")
)
SCORES = dict(zip(WORDS, range(5), strict=True))
QUESTIONS = {
    **{s: Question(SCORES) for s in STEMS},
    "How heavy is your hat?": Question(unit="kg", high=9, easiness=4, spread=0.5),
}


def respondent(**keywords: float) -> Respondent:
    return Respondent("planted", QUESTIONS, **keywords)  # type: ignore[arg-type]


def only(items: Items, **keywords: object) -> Items:
    return next(iter(variants(items, **keywords).values()))  # type: ignore[arg-type]


def truth(model: Respondent) -> dict[str, float]:
    """The planted shares by option id, with no position bias: adjacent categories, by the closed form."""
    steps = np.arange(5)
    logit = steps * (model.trait + model.acquiescence) - np.concatenate([[0], np.cumsum(np.linspace(-1, 1, 4))])
    p = np.exp(logit) / np.exp(logit).sum()
    return dict(zip(IDS, p, strict=True))


def test_sampled_keeps_choice_outcome_and_place() -> None:
    said = administer(
        {"red": respondent(trait=0.5, refusal=0.1, mumble=0.2)},
        only(CHOICE, orders=("reversed",)),
        condition="x",
        draws=1000,
        seed=1,
    )
    assert said.height == 2000
    share = {k: n / 2000 for k, n in said["outcome"].value_counts().iter_rows()}
    assert share == pytest.approx({"answered": 0.7, "refused": 0.1, "unparsed": 0.2}, abs=0.03)
    silent = said.filter(pl.col("outcome") != "answered")
    assert silent["choice"].null_count() == silent["position"].null_count() == silent.height
    assert said.filter("refused")["outcome"].unique().to_list() == ["refused"]
    held = said.filter(pl.col("choice").is_not_null())
    assert (held["position"] == 4 - held["choice"].str.slice(1).cast(pl.Int64) + 1).all()  # reversed: o5 stands first
    counted = outcomes(said, by=["community"]).row(0, named=True)
    assert counted["asked"] == 2000 == sum(counted[k] for k in ("answered", "refused", "unparsed", "blank"))


@pytest.mark.parametrize("style", ["letters", "numbers", "words", "none", "permuted"])
def test_the_same_person_is_found_whatever_the_labels(style: str) -> None:
    model = respondent(trait=0.6)
    said = administer({"red": model}, only(CHOICE, labels=(style,)), condition=style, draws=1500, seed=2)
    assert said["choice"].null_count() == 0  # each of its ways of speaking is read
    share = {k: n / 3000 for k, n in said["choice"].value_counts().iter_rows()}
    assert share == pytest.approx(truth(model), abs=0.04)


def test_logprob_is_exact_with_its_mass() -> None:
    model = respondent(trait=0.5, refusal=0.1, mumble=0.2)
    for style in ("letters", "words"):
        said = administer(
            {"red": model},
            only(CHOICE, orders=("reversed",), labels=(style,)),
            condition=style,
            mode="logprob",
            draws=9,
        )
        assert said.height == 2  # weighing is no draw
        for row in said.iter_rows(named=True):
            due = [truth(model)[o] for o in row["shown"]]
            assert max(abs(a - b) for a, b in zip(row["shares"], due, strict=True)) < 1e-9
            assert row["mass"] == pytest.approx(0.7 / 2, abs=1e-9)  # half of its answers are the bare label
        assert said["choice"].null_count() == 2


class Weigher:
    """Weighs as it is told; its replies are not asked for."""

    name = "weigher"

    def __init__(self, p: list[float]) -> None:
        self.p = p

    def generate(
        self, chats: Sequence[Chat], *, tokens: int = 256, temperature: float = 1.0, top_p: float = 1.0, seed: int = 0
    ) -> list[str]:
        raise AssertionError

    def logprobs(self, chats: Sequence[Chat], options: Sequence[Sequence[str]]) -> list[list[float]]:
        assert [list(o) for o in options] == [["A", "B", "C", "D", "E"]] * len(chats)
        return [[math.log(p) if p else float("-inf") for p in self.p] for _ in chats]


def test_answer_mass_stands_before_renormalising_and_no_mass_is_no_answer() -> None:
    said = administer({"red": Weigher([0.1, 0.2, 0.0, 0.2, 0.0])}, only(CHOICE), condition="x", mode="logprob")
    assert said["shares"].to_list()[0] == pytest.approx([0.2, 0.4, 0, 0.4, 0], abs=1e-12)
    assert said["mass"].to_list() == pytest.approx([0.5, 0.5], abs=1e-12)
    none = administer({"red": Weigher([0.0] * 5)}, only(CHOICE), condition="x", mode="logprob")
    assert none["outcome"].to_list() == ["unparsed"] * 2
    assert none["shares"].null_count() == 2
    assert none["mass"].to_list() == [0, 0]


def test_verbalised_keeps_the_stated_shares_their_sum_and_refusals() -> None:
    model = respondent(trait=0.5, refusal=0.25)
    said = administer({"red": model}, only(CHOICE), condition="x", mode="verbalised", draws=200, seed=1)
    assert said["outcome"].value_counts(sort=True)["outcome"].to_list() == ["answered", "refused"]
    told = said.filter(pl.col("outcome") == "answered")
    assert told["stated"].unique().to_list() == [1.0]
    assert told["mass"].null_count() == told.height  # no probability was read
    assert told["shares"].to_list()[0] == pytest.approx([truth(model)[o] for o in IDS], abs=0.01)
    assert said.filter("refused")["shares"].null_count() == said.filter("refused").height
    off = administer(
        {"red": scripted("A: 50\nB: 60\nC: 0\nD: 0\nE: 0")}, only(CHOICE), condition="x", mode="verbalised"
    )
    assert off["outcome"].to_list() == ["unparsed"] * 2


def test_numbers_are_sampled_and_never_weighed() -> None:
    items = only(frames.items(pl.concat([CHOICE, NUMBER])))
    said = administer({"red": respondent()}, items, condition="x", draws=300, seed=1).filter(pl.col("item") == "9")
    assert said["outcome"].unique().to_list() == ["answered"]
    assert said["choice"].cast(pl.Float64).mean() == pytest.approx(4.0, abs=0.15)
    assert said["position"].null_count() == 300
    assert set(administer({"red": respondent()}, items, condition="x", mode="logprob")["item"]) == {"1", "2"}
    with pytest.raises(InputError, match="options are due"):
        administer({"red": respondent()}, only(NUMBER), condition="x", mode="logprob")


def test_blank_refused_unparsed_and_echo() -> None:
    for said, due in (("  ", "blank"), ("I'm sorry, but I can't help with that.", "refused"), ("A or B", "unparsed")):
        found = administer({"red": scripted(said)}, only(CHOICE), condition="x")
        assert found["outcome"].to_list() == [due] * 2
        assert found["choice"].null_count() == 2
    echo = administer({"red": scripted(lambda chat: chat[-1].text)}, only(CHOICE), condition="x")
    assert echo["outcome"].to_list() == ["unparsed"] * 2


def test_the_community_is_named_where_the_framing_says_so_and_nowhere_else() -> None:
    braces = frames.items(CHOICE.with_columns(prompt=pl.lit("I like {community}.")).head(1))
    for framing, due in (("plain", 1), ("named", 1)):
        said = administer({"red": scripted("A")}, only(braces, framings=(framing,)), condition=framing)
        assert said["prompt"][0].count("{community}") == due  # the item's own words stay
        assert ("people of the community red" in said["prompt"][0]) == (framing == "named")


def test_system_words_stand_before_the_question() -> None:
    seen: list[Chat] = []
    model = scripted(lambda chat: seen.append(chat) or "A")  # type: ignore[func-returns-value]
    administer({"red": model}, only(CHOICE), condition="x", system="You are of {community}.")
    assert tuple(seen[0][0]) == ("system", "You are of red.")


def test_in_sequence_the_model_sees_its_own_answers() -> None:
    seen: list[Chat] = []

    def reply(chat: Chat) -> str:
        seen.append(chat)
        return "ABCDE"[len(chat) // 2]

    back = frames.items(only(CHOICE).reverse())  # the order of the rows is the order of asking
    said = administer({"red": scripted(reply)}, back, condition="x", sequence=True, draws=2, system="s")
    assert said.select("item", "draw", "choice").rows() == [
        ("2", 0, "o2"),
        ("2", 1, "o2"),
        ("1", 0, "o3"),
        ("1", 1, "o3"),
    ]
    assert [m.role for m in seen[-1]] == ["system", "user", "assistant", "user"]
    assert seen[-1][2].text == "B"
    with pytest.raises(UsageError, match="logprob gives none"):
        administer({"red": respondent()}, back, condition="x", sequence=True, mode="logprob")


def test_same_seed_same_replies_whatever_the_rows_and_the_company() -> None:
    def asked(items: Items, *names: str, seed: int = 5) -> Replies:
        models = {n: respondent(trait=0.2) for n in names}
        return administer(models, items, condition="x", draws=40, seed=seed)

    one = asked(only(CHOICE), "red")
    two = asked(frames.items(only(CHOICE).reverse()), "blue", "red").filter(pl.col("community") == "red")
    assert one.equals(two)
    assert not one["raw"].equals(asked(only(CHOICE), "red", seed=6)["raw"])
    # a number has the same prompt in each order: it is drawn anew for each condition, not counted twice
    both = administered({"red": respondent()}, variants(NUMBER, orders=("forward", "reversed")), draws=40)
    hat = [part["raw"].to_list() for part in both.partition_by("condition")]
    assert len(hat) == 2
    assert hat[0] != hat[1]


def test_an_unknown_mode_is_named() -> None:
    with pytest.raises(UsageError, match="did you mean 'logprob'"):
        administer({"red": respondent()}, only(CHOICE), condition="x", mode="logprobs")  # type: ignore[arg-type]


def rotated(model: Respondent, draws: int, seed: int) -> pl.DataFrame:
    one = frames.items(CHOICE.head(1))
    parts = [
        administer({"red": model}, v, condition=name, draws=draws, seed=seed)
        for name, v in variants(one, orders=("rotations",)).items()
    ]
    return pl.concat(parts)


def test_mass_moved_to_the_last_position_is_found_and_rotations_spread_it() -> None:
    """Over all k rotations every option stands last once: the last place then gets 1/k + .3 (1 - 1/k) of the answers."""
    model = respondent(trait=0.8, position=0.3)
    said = rotated(model, 500, seed=1)
    last = (said["position"] == 4).mean()
    assert (last - 0.2) / 0.8 == pytest.approx(0.3, abs=0.03)  # type: ignore[operator]
    share = {k: n / said.height for k, n in said["choice"].value_counts().iter_rows()}
    diluted = {o: 0.7 * p + 0.3 / 5 for o, p in truth(respondent(trait=0.8)).items()}
    assert share == pytest.approx(diluted, abs=0.02)


def test_without_a_bias_the_position_effect_covers_zero() -> None:
    """600 worlds of 40 draws in each of 5 rotations; the draw, a seed of its own, is the cluster."""
    worlds, draws = 600, 40
    said = rotated(respondent(trait=0.8), worlds * draws, seed=2).sort("draw", "condition")
    last = (said["position"] == 4).to_numpy().astype(float).reshape(worlds, draws * 5)
    codes = np.repeat(np.arange(draws), 5)
    held = 0
    for w in range(worlds):
        found = bootstrap(lambda x, w=w: (x @ last[w]) / x.sum(1) - 0.2, codes, draws=400, batched=True, seed=w)  # type: ignore[misc]
        held += bool(found.low <= 0 <= found.high)
    assert 0.93 <= held / worlds <= 0.97


def test_sampled_intervals_cover_the_known_distribution() -> None:
    """400 worlds of 100 draws, five options each."""
    worlds, draws = 400, 100
    model = respondent(trait=0.3)
    one = frames.items(CHOICE.head(1))
    said = administer({"red": model}, only(one), condition="x", draws=worlds * draws, seed=3)
    choice = said.sort("draw")["choice"].to_numpy().reshape(worlds, draws)
    due = truth(model)
    held = []
    for w in range(worlds):
        taken = (choice[w][:, None] == np.array(IDS)).astype(float)
        found = bootstrap(lambda x, taken=taken: x @ taken / draws, np.arange(draws), draws=500, batched=True, seed=w)  # type: ignore[misc]
        held.append([bool(lo <= due[o] <= hi) for o, lo, hi in zip(IDS, found.low, found.high, strict=True)])
    assert 0.93 <= np.mean(held) <= 0.97
