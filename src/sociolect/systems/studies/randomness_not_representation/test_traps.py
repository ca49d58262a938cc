"""What went wrong in the released code, and does not here: answer strings, scorers, joins, retries, seeds."""

from itertools import permutations

import polars as pl
import pytest

from sociolect.elicit.administer import administered
from sociolect.elicit.parse import parse
from sociolect.elicit.variants import variants
from sociolect.errors import InputError, RefusedError
from sociolect.models.scripted import scripted
from sociolect.systems.studies.randomness_not_representation import case, elicit, implicit, load, optimise, players
from sociolect.systems.studies.randomness_not_representation.bulk import together
from sociolect.systems.studies.randomness_not_representation.measure import absolute, comparative, preferred, scaled

WORDS = ["Completely disagree", "Mostly disagree", "Mostly agree", "Completely agree"]
SHORT = ["Disagree", "Agree", "Neither agree nor disagree"]
ABLE = ["I am unable to trust them", "I cannot say", "I trust them"]
# forty replies: options shown, labels, what was said, which place was meant (None: cannot be told)
NASTY: list[tuple[list[str], str, str, int | None]] = [
    (SHORT, "ABC", "disagree.", 0), (SHORT, "ABC", "Disagree", 0), (SHORT, "ABC", "agree", 1), (SHORT, "ABC", "DISAGREE!", 0),
    (SHORT, "ABC", "Neither agree nor disagree", 2), (SHORT, "ABC", "neither", None), (SHORT, "ABC", "I disagree", 0),
    (SHORT, "ABC", "agree or disagree", None), (SHORT, "ABC", "I do not agree", None), (SHORT, "ABC", "agreed upon by all", None),
    (SHORT, "123", "2", 1), (SHORT, "123", "2.", 1), (SHORT, "123", "(2) Agree", 1), (SHORT, "123", "2. Disagree", None),
    (SHORT, "123", "12", None), (SHORT, "123", "2 or 3", None), (SHORT, "123", "0", None), (SHORT, "123", "4", None),
    (WORDS, "ABCD", "agree", None), (WORDS, "ABCD", "disagree", None), (WORDS, "ABCD", "Completely", None),
    (WORDS, "ABCD", "Mostly agree", 2), (WORDS, "ABCD", "mostly   disagree", 1), (WORDS, "ABCD", "C) Mostly agree", 2),
    (WORDS, "ABCD", "D. Mostly agree", None), (WORDS, "ABCD", "Completely agree.\n", 3), (WORDS, "ABCD", "**A**", 0),
    (WORDS, "ABCD", "a", 0), (WORDS, "ABCD", "A.", 0), (WORDS, "ABCD", "A, B", None), (WORDS, "ABCD", "The answer is B.", 1),
    (WORDS, "ABCD", "Mostly agree, but completely disagree on taxes", None), (WORDS, "ABCD", "Incompletely agree", None),
    (WORDS, "ABCD", "Somewhat agree", None), (WORDS, "ABCD", "", None),
    (ABLE, "ABC", "I cannot say", 1), (ABLE, "ABC", "I am unable to trust them.", 0), (ABLE, "ABC", "B", 1),
    (ABLE, "ABC", "I trust them", 2), (ABLE, "ABC", "I cannot trust them", None),
]  # fmt: skip


def test_forty_nasty_answers() -> None:
    """In the release option words match by substring in either direction, so that "disagree." is "agree"."""
    assert len(NASTY) == 40
    read = [
        (said, due, found)
        for words, labels, said, due in NASTY
        for found in [
            parse(
                said,
                labels=list(labels),
                wording=words,
                ids=[str(i) for i in range(len(words))],
                prompt="Trust in others.",
            )
        ]
        if found != (None if due is None else str(due))
    ]
    assert read == []


def test_an_option_that_holds_words_of_refusal_is_an_answer() -> None:
    """In the release "cannot" and "unable to" make a refusal of an answer that quotes its option."""
    rows = [("q", "Do you trust them?", ["I am unable to trust them", "I cannot say", "I trust them"], "x")]
    items = load._items(rows)
    for option in rows[0][2]:
        said = administered({"m": scripted([option])}, {n: v for n, v in elicit.forms(items).items() if "text" in n})
        assert said["outcome"].unique().to_list() == ["answered"], option
        assert said["choice"].unique().to_list() == [option]
    no = administered({"m": scripted(["I'm sorry, but I can't help with that."])}, elicit.forms(items))
    assert no["outcome"].unique().to_list() == ["refused"]


def test_a_failed_reply_is_null_in_its_own_form_and_is_asked_once() -> None:
    """In the release a failure becomes "A", and the retry of a question about words asks for the label."""
    asked: list[str] = []

    def mumble(chat: object) -> str:
        asked.append(chat[-1].text)  # type: ignore[index]  # a chat
        return "It depends."

    items = load.invented(most=3).items
    said = elicit.asked({"m": scripted(mumble)}, elicit.forms(items))
    assert said["choice"].null_count() == said.height == len(asked) == 27
    assert said["outcome"].unique().to_list() == ["unparsed"]
    for template, system in elicit.TASK.items():
        rows = said.filter(template=template)
        words = elicit.FORMS[template].rpartition("\n")[2]
        assert all(p.endswith(words) for p in rows["prompt"]), system


@pytest.mark.parametrize("points", [4, 5])
def test_whoever_is_indifferent_gives_every_country_half(points: int) -> None:
    """One released scorer takes 6 - r for the first and r - 1 for the second place: .625 on five points, .667 on four."""
    countries = ["a", "b", "c"]
    for rating in range(1, points + 1) if points == 4 else (3,):
        rows = [(x, y, rating, points) for x, y in permutations(countries, 2)]
        found = preferred(pl.DataFrame(rows, schema=["first", "second", "rating", "points"], orient="row"))
        assert dict(found.group_by("community").agg(pl.col("value").mean()).iter_rows()) == pytest.approx(
            dict.fromkeys(countries, 0.5)
        )


def test_forced_choice_turns_indifference_into_order_and_is_told() -> None:
    """An indifferent responder that ticks the first of two middle options: nothing on five points, a pull on four, .5 for all."""

    def rates(chat: object) -> str:
        return "C" if "Neither" in chat[-1].text else "B"  # type: ignore[index]  # a chat

    scored = case.scores(case.answered({"m": scripted(rates)}, ["a", "b", "c", "d"]))
    means = scored.group_by("community", "points").agg(pl.col("value").mean())["value"].to_list()
    assert means == pytest.approx([0.5] * 8)
    bias = dict(case.order_bias(scored).select("contrast", "estimate").iter_rows())
    assert bias["scripted, 4 points"] == pytest.approx(1 / 6)
    assert bias["scripted, 5 points"] == 0.0
    assert case.claims(scored, draws=100)["reversed"].sum() == 0


def test_ratings_are_scored_by_their_published_scales() -> None:
    assert [comparative(r) for r in range(1, 6)] == [-1.0, -0.5, 0.0, 0.5, 1.0]
    assert (absolute(5, 1), absolute(2, 2), absolute(1, 5)) == (1.0, 0.0, -1.0)
    assert [scaled(r, 4) for r in range(1, 5)] == pytest.approx([0, 1 / 3, 2 / 3, 1])
    for rate, given in ((comparative, (6,)), (absolute, (0, 3)), (scaled, (7, 6))):
        with pytest.raises(InputError, match="outside 1 to"):
            rate(*given)


def test_a_pairs_order_is_drawn_by_seed_and_turned_back() -> None:
    found = implicit.letters(most=2)
    one, two = (implicit.pairs_of(found, points=5, pairs=2, seed=s) for s in (0, 1))
    assert one.equals(implicit.pairs_of(found, points=5, pairs=2, seed=0))
    assert not one.equals(two)
    assert set(one["high_first"]) == {True, False}
    # who always takes the first letter likes the high one exactly where it came first
    said = implicit.answered({"m": scripted(["1"])}, found, pairs=2).filter(manipulation="base")
    values = dict(implicit.scored(said).select("item", "value").iter_rows())
    assert values == {i: 1.0 if first else -1.0 for i, first in one.select("item", "high_first").iter_rows()}


def test_a_prompt_is_never_chosen_for_want_of_answers() -> None:
    """In the release a failed optimisation falls back in silence."""
    world = load.invented(most=4)
    mute = optimise.tried(dict.fromkeys(sorted(world.people["community"].unique()), scripted(["no idea"])), world.items)
    with pytest.raises(RefusedError, match="gave no answer under any persona"):
        optimise.optimised(mute, world.people)


def test_a_missing_mean_gives_no_reward_and_is_counted() -> None:
    world = load.invented(most=6)
    voices = players.voices(world.items, world.people)
    said = optimise.tried(voices, world.items)
    first = world.people["item"].sort()[0]
    holed = world.people.with_columns(
        value=pl.when((pl.col("item") == first) & (pl.col("community") == "Arland")).then(None).otherwise("value")
    )
    assert optimise.optimised(said, holed)["left_out"].unique().to_list() == [len(elicit.PERSONAS)]
    assert optimise.optimised(said, world.people)["left_out"].unique().to_list() == [0]


def test_every_model_answers_for_every_country() -> None:
    """In the release countries are dealt among the models, so that a model and its countries cannot be told apart."""
    from sociolect.systems.studies.randomness_not_representation import arms

    said = arms.values_survey(
        ["x", "y", "z"], names={"a": "scripted/constant", "b": "scripted/refuse"}, text=None, draws=1, seed=0
    )
    assert said.group_by("speaker").agg(pl.col("community").n_unique())["community"].to_list() == [3, 3]


def test_a_heeded_persona_gains_on_the_other_half_of_the_items() -> None:
    world = load.invented()
    flat, voiced = players.voices(world.items, world.people, share=0.0), players.voices(world.items, world.people)
    heeds = {c: players.Swayed("heedful", flat[c], voiced[c], "You grew up") for c in flat}
    found = (
        optimise.optimised(optimise.tried(heeds, world.items, draws=4), world.people, draws=500)
        .filter(measure="gain")
        .row(0, named=True)
    )
    assert found["persona"] == "inside"
    assert found["low"] > 0
    assert found["n"] == 8


def test_answers_in_bulk_are_joined_by_their_number_whatever_their_order() -> None:
    """In the release answers are appended in order of completion, and go to the questions of other rows."""
    pairs = implicit.pairs_of(implicit.letters(most=2), points=5, pairs=2)
    shown = next(iter(variants(pairs, labels=("numbers",)).values()))
    lines = [f"{n}: {1 + n % 5}" for n in range(1, 13)]
    due = [str(1 + n % 5) for n in range(1, 13)]
    for said in (lines, lines[::-1]):
        found = together({"m": scripted(["\n".join(said)])}, shown, condition="bulk", system="")
        assert found["choice"].to_list() == due
    holed = together({"m": scripted(["\n".join([*lines[1:], "3: 1"])])}, shown, condition="bulk", system="")
    assert holed["outcome"].to_list() == ["unparsed", "answered", "unparsed", *["answered"] * 9]
    assert holed["choice"].to_list() == [None, due[1], None, *due[3:]]
