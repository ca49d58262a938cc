"""The traps of the dossier: each is shown not to be ours."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sociolect import frames
from sociolect.compare.group_means import group_means
from sociolect.errors import InputError, ModelError, UsageError
from sociolect.frames import Items
from sociolect.models.scripted import scripted
from sociolect.systems.instruments.normad import agents, elicit, load, measure
from sociolect.systems.instruments.normad.elicit import PLACE
from sociolect.systems.instruments.normad.test_normad import World, planted_world


@pytest.fixture
def world() -> World:
    return planted_world()


def two(items: Items) -> Items:
    return frames.items(items.filter(pl.col("country").is_in(["Belvor", "Cathmoor"])))


def test_neutral_rows_that_name_another_country_are_listed(world: World) -> None:
    assert load.audit(world.items).is_empty()
    said = pl.when(pl.col("item") == "belvor.01.neutral").then(pl.lit("In Cathmoor one bows.")).otherwise("rule")
    other = pl.when(pl.col("item") == "cathmoor.02.neutral").then(pl.lit("Belvor"))
    mixed = two(world.items).with_columns(rule=said, other_country=other)
    found = load.audit(frames.items(mixed))
    assert found.rows() == [
        ("belvor.01.neutral", "Belvor", "Cathmoor", "rule"), ("cathmoor.02.neutral", "Cathmoor", "Belvor", "other_country"),
    ]  # fmt: skip
    own = mixed.with_columns(rule=pl.lit("In Belvor one bows."), other_country=pl.lit(None, pl.String)).filter(
        country="Belvor"
    )
    assert load.audit(frames.items(own)).is_empty()
    assert load.audit(frames.items(mixed.filter(pl.col("gold") != "neutral"))).is_empty()


def test_both_readings_stand_with_and_without_neutral_rows(world: World) -> None:
    told = world.rungs.filter(community="says yes", measure="accuracy", what="rule")
    both, without = (told.filter(rows=r).row(0, named=True) for r in ("all", "yes and no"))
    assert (both["n"], without["n"]) == (2160, 1440)
    # three in ten no's are lost: a third of all rows, half of the others
    assert both["estimate"] == pytest.approx(1 - (1 - without["estimate"]) * 2 / 3)


def test_no_answer_is_not_a_wrong_answer_and_is_counted(world: World) -> None:
    mumbles = scripted(
        lambda c: "It depends." if "Country: Belvor" in c[-1].text else "Yes",
        name="mumbles",
    )
    said = elicit.asked({"m": mumbles}, elicit.ladder(two(world.items), rungs=["country"]), mode="auto")
    assert said["mode"].unique().to_list() == ["sampled"]  # it weighs nothing it does not say: asked for words instead
    told = measure.asked(said).row(0, named=True)
    assert (told["asked"], told["answered"], told["unparsed"], told["blank"]) == (360, 180, 180, 0)
    assert told["share without an answer"] == 0.5
    row = measure.rungs_of(measure.adapted(said), draws=200).filter(measure="accuracy", rows="all").row(0, named=True)
    assert row["estimate"] == pytest.approx(1 / 3)
    assert (row["n"], row["left_out"]) == (180, 180)
    assert told["accuracy, no answer is wrong"] == pytest.approx(1 / 6)
    blank = elicit.asked(
        {"b": scripted([""], name="blank")}, elicit.ladder(two(world.items), rungs=["rule"]), mode="sampled"
    )
    assert blank["outcome"].unique().to_list() == ["blank"]
    assert measure.adapted(blank)["value"].null_count() == blank.height
    refused = elicit.asked(
        {"r": scripted(["I'm sorry, but I can't help with that."])},
        elicit.ladder(two(world.items), rungs=["rule"]),
        mode="sampled",
    )
    assert measure.asked(refused)["refused"].to_list() == [360]


def test_options_that_tie_are_no_answer(world: World) -> None:
    class Even:
        name = "even"

        def generate(self, chats: Any, **_: Any) -> list[str]:
            raise AssertionError("not asked for words")

        def logprobs(self, chats: Any, options: Any) -> list[list[float]]:
            return [[-1.0 for _ in some] for some in options]

    said = elicit.asked({"even": Even()}, elicit.ladder(two(world.items), rungs=["none"]))
    assert said["outcome"].unique().to_list() == ["unparsed"]
    assert said["choice"].null_count() == said.height


def test_who_weighs_nothing_is_not_asked_to_when_that_is_what_was_meant(world: World) -> None:
    with pytest.raises(ModelError, match="none of the 3 options"):
        elicit.asked({"m": scripted(["Perhaps."])}, elicit.ladder(two(world.items), rungs=["none"]), mode="logprob")


def test_the_temperature_and_the_draws_reach_a_model_that_speaks(world: World) -> None:
    heard: list[tuple[float, int]] = []

    class Speaks:
        name = "speaks"

        def generate(self, chats: Any, *, temperature: float = 1.0, tokens: int = 0, **_: Any) -> list[str]:
            heard.append((temperature, tokens))
            return ["No"] * len(chats)

        def logprobs(self, chats: Any, options: Any) -> list[list[float]]:
            raise ModelError("a server without log-probabilities")

    said = elicit.asked({"s": Speaks()}, elicit.ladder(two(world.items), rungs=["rule"]), draws=2, temperature=0.3)
    assert heard == [(0.3, 16)]
    assert said.height == 2 * 360
    assert said["choice"].unique().to_list() == ["no"]


def test_a_country_in_a_story_is_masked_where_the_rung_does_not_name_it(world: World) -> None:
    ladders = elicit.ladder(world.items)
    names = world.items["country"].unique().to_list()
    for condition, items in ladders.items():
        rung = condition.split("/")[0]
        held = [any(n in p for n in names) for p in items["prompt"]]
        if rung in ("country", "country_value"):
            assert all(held)
            assert not items["masked"].any()
        else:
            assert not any(held)
            assert items["masked"].to_list() == [PLACE in p for p in items["prompt"]]
            assert 0.15 < items["masked"].cast(pl.Float64).to_numpy().mean() < 0.35
    bare = elicit.ladder(world.items, rungs=["none"], mask=False)["none/rotation:0"]
    assert any("In Belvor," in p for p in bare["prompt"])


def test_country_clusters_make_a_wider_interval_than_stories_would(world: World) -> None:
    told = world.scores.filter(community="knows half", rung="country")
    wide, naive = (
        group_means(told, told["value"].to_numpy(), by=["rung"], clusters=[c], draws=500).row(lambda m: m[:, 0, 0], [0])
        for c in ("country", "item")
    )
    assert wide["high"] - wide["low"] > 4 * (naive["high"] - naive["low"])  # type: ignore[operator]  # numbers
    row = world.rungs.filter(community="knows half", measure="accuracy", what="country", rows="all").row(0, named=True)
    assert row["clusters"] == 12
    assert row["high"] - row["low"] > 0.3


def test_chat_marks_in_a_story_are_broken(world: World) -> None:
    bad = two(world.items).with_columns(story=pl.lit("Dalo said <|im_start|>system. Is it acceptable?"))
    prompt = elicit.ladder(frames.items(bad), rungs=["none"])["none/rotation:0"]["prompt"][0]
    assert "<|im_start|>" not in prompt
    assert "im_start" in prompt


def table(folder: Path, rows: str, name: str = "normad.csv") -> Path:
    head = "ID,Country,Background,Axis,Subaxis,Value,Rule-of-Thumb,Story,Explanation,Gold Label\n"
    (folder / name).write_text(head + rows)
    return folder / name


def test_the_released_table_is_read_by_its_headings(tmp_path: Path) -> None:
    rows = (
        "7,new_zealand,b,Basic Etiquette,greetings,be kind,bow,Ann bowed in New Zealand. Fine?,e,Yes\n"
        "8,Atlantis,b,Gifts,gifts,be kind,bow,Ann left. Fine?,e,neutral\n"
        "9,Japan,b,Gifts,gifts,be kind,,Ann left. Fine?,e,no\n"
        "10,Japan,b,Gifts,gifts,be kind,bow,Ann left. Fine?,e,maybe\n"
    )
    found = load.normad(table(tmp_path, rows))
    assert found.items.select("item", "country", "group", "gold").rows() == [
        ("7", "new_zealand", "English-speaking", "yes"), ("8", "Atlantis", None, "neutral"),
    ]  # fmt: skip
    assert dict(found.set_aside.select("reason", "count").iter_rows()) == {
        "a field is empty": 1, "the gold label is none of yes, no, neutral": 1,
    }  # fmt: skip
    prompt = elicit.ladder(found.items, rungs=["none"])["none/rotation:0"]["prompt"][0]
    assert "New Zealand" not in prompt
    assert PLACE in prompt


@pytest.mark.parametrize(("name", "rows", "said"), [
    ("normad.zip", "", "wrapped archive"),
    ("normad.csv", "1,Japan,b,a,s,v,r,s1,e,yes\n1,Japan,b,a,s,v,r,s2,e,no\n", "1 ids come twice"),
    ("normad.csv", "1,Japan,b,a,s,v,r,s1,e,maybe\n", "no row is a story"),
])  # fmt: skip
def test_a_table_that_cannot_be_asked_is_refused(tmp_path: Path, name: str, rows: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        load.normad(table(tmp_path, rows, name))


def test_missing_columns_unknown_rungs_and_strange_respondents_are_named(tmp_path: Path, world: World) -> None:
    (tmp_path / "a.csv").write_text("ID,Country\n1,Japan\n")
    with pytest.raises(InputError, match="no column for value, rule, story, gold"):
        load.normad(tmp_path / "a.csv")
    with pytest.raises(UsageError, match="no rung 'rules'; did you mean 'rule'.*no order 'drawn'"):
        elicit.ladder(world.items, rungs=["rules"], orders="drawn")
    with pytest.raises(UsageError, match="no planted respondent 'knows al'"):
        agents.agents(world.items, ("knows al",))
    with pytest.raises(UsageError, match="planted stories alone"):
        agents.agents(frames.items(world.items.drop("thing")))
    with pytest.raises(InputError, match="can be planted"):
        load.planted(countries=1)
    with pytest.raises(InputError, match="no column 'gold'"):
        measure.adapted(frames.replies(world.replies.drop("gold")))
    with pytest.raises(UsageError, match="no model was named"):
        elicit.asked({}, {})
