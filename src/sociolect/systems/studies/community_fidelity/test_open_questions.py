"""The paper's open questions, each by one flag: drift after training, fairness over groups, forgetting."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sociolect import frames
from sociolect.align.demonstrations import demonstrations, shuffled
from sociolect.elicit.ask import ask
from sociolect.errors import RefusedError, UsageError
from sociolect.find.declared import declared
from sociolect.find.words import by_members
from sociolect.frames import Members, Posts, Replies, Society
from sociolect.load.planted import YOUNG, planted, topics
from sociolect.load.planted_tasks import tasks
from sociolect.models import scratch
from sociolect.models.ngram import ngram
from sociolect.report.content import Section
from sociolect.systems.studies.community_fidelity import ablations, align, elicit, slices
from sociolect.systems.studies.community_fidelity.chain import Chain
from sociolect.systems.studies.community_fidelity.load import cleaned, sides
from sociolect.systems.studies.community_fidelity.sizes import SIZES
from sociolect.workspace import Workspace

EMPTY = frames.scores(pl.DataFrame(schema=dict.fromkeys(frames.KEYS, pl.String) | {"measure": pl.String, "value": pl.Float64, "draw": pl.Int64, "turn": pl.Int64}))  # fmt: skip


def chain(society: Society, *, work: Workspace, kept: Replies, members: Members, **more: Any) -> Chain:
    """A chain of what the open questions read; the rest is empty."""
    none: dict[str, Any] = {
        "train": society.posts, "judged": society.posts, "topics": topics(n=12), "demonstrations": tasks(), "base": "none",
        "weights": {}, "heard": kept, "overlaps": EMPTY, "known": kept, "halves": pl.DataFrame(), "origin": EMPTY, "tones": (),
        "dial": SIZES["tiny"], "sensitive": False, "plants": True, "seed": 1,
    }  # fmt: skip
    return Chain(work, society, members, kept=kept, **(none | more))


def heard(society: Society, said: pl.DataFrame, work: Workspace, *, templates: int = 20) -> tuple[Chain, Posts, Posts]:
    """Models that count, taught by the training side and by it shuffled; and the two held-out sides."""
    members = declared(society, column="planted")
    train, judge, reference = (frames.posts(said.filter(side=s)) for s in ("train", "judge", "reference"))
    items = elicit.prompts(topics(n=12), templates=templates)
    told = []
    for arm, dealt in (("aligned", members), ("shuffled", shuffled(members, seed=1))):
        lessons = demonstrations(train, dealt, most=800, seed=1)
        taught = {
            str(name): ngram(part["reply"].to_list(), name=f"{arm}@{name}")
            for (name,), part in sorted(lessons.partition_by("community", as_dict=True).items())
        }
        told.append(ask(taught, items, condition=arm, tokens=40, seed=1))
    return chain(society, work=work, kept=frames.replies(pl.concat(told)), members=members), judge, reference


def split(society: Society, by: str) -> pl.DataFrame:
    """The clean posts with side and community."""
    clean, _ = cleaned(society.posts, replies=True)
    side = sides(society, by=by, seed=1).select("post", "side")
    return by_members(clean.join(side, on="post"), declared(society, column="planted"))


def row(found: pl.DataFrame, measure: str) -> dict[str, Any]:
    return found.row(by_predicate=pl.col("measure") == measure, named=True)


def drifted(drift: float, work: Workspace) -> Section:
    society = planted(people=800, communities=4, posts=16, largest=1.5, drift=drift, seed=1)
    whole, judge, reference = heard(society, split(society, "time"), work, templates=14)
    (section,) = slices.sections(whole, by=None, split="time", judge=judge, reference=reference)
    return section


def table(section: Section) -> pl.DataFrame:
    assert section.table is not None, section.prose
    return section.table


def test_planted_drift_is_a_fall_after_training(tmp_path: Path) -> None:
    found = table(drifted(1.0, Workspace(tmp_path)))
    curve = found.filter(measure="fidelity").sort("contrast")
    assert curve["contrast"].to_list() == ["window 1", "window 2", "window 3"]
    assert curve["estimate"][0] > curve["estimate"][2]
    assert row(found, "slope")["high"] < 0


def test_without_drift_no_fall_is_claimed(tmp_path: Path) -> None:
    slope = row(table(drifted(0.0, Workspace(tmp_path))), "slope")
    assert slope["low"] < 0 < slope["high"]


def test_windows_hold_equally_many_posts_and_leave_out_those_without_a_time() -> None:
    posts = planted(people=60, communities=2, posts=5, seed=3).posts
    known = posts.with_columns(time=pl.when(pl.int_range(pl.len()) > 9).then("time"))
    cut = slices.windows(frames.posts(known))
    assert cut.height == posts.height - 10
    sizes = cut["slice"].value_counts()["count"]
    assert int(sizes.max()) - int(sizes.min()) <= 1  # type: ignore[arg-type]
    ends = cut.group_by("slice").agg(first=pl.col("time").min(), last=pl.col("time").max()).sort("slice")
    assert (ends["first"].shift(-1) >= ends["last"]).drop_nulls().all()


def unequal(variety: float, work: Workspace) -> tuple[Chain, Posts, Posts]:
    """Six communities that learn from 4 young and some 60 older people each, and are held against many of both.

    As planted some communities are old and have next to no young people; here each has 60, and 120 older ones.
    """
    society = planted(people=18_000, posts=6, largest=1.0, strength=0.9, variety=variety, seed=1)
    young = pl.col("age_group") == YOUNG
    place = pl.int_range(pl.len()).over("planted", "age_group")
    crowd = frames.people(society.people.filter(place < pl.when(young).then(60).otherwise(120)))
    society = replace(
        society, people=crowd, posts=frames.posts(society.posts.join(crowd.select("person"), on="person", how="semi"))
    )
    said = split(society, "author").join(crowd.select("person", "age_group"), on="person")
    rank = pl.col("person").rank("dense").over("community", "side", "age_group")
    return heard(
        society, said.filter((pl.col("side") != "train") | ~young | (rank <= 4)).drop("age_group"), work, templates=10
    )


def by_age(variety: float, work: Workspace) -> Section:
    whole, judge, reference = unequal(variety, work)
    (section,) = slices.sections(whole, by="age_group", split="author", judge=judge, reference=reference)
    return section


def test_a_group_few_in_training_that_speaks_otherwise_is_the_least_faithful(tmp_path: Path) -> None:
    found = table(by_age(1.0, Workspace(tmp_path)))
    gap = row(found, "gap")
    assert gap["contrast"] == f"32 and over - {YOUNG}"
    assert gap["low"] > 0.05
    assert gap["equivalent"] is False
    assert not found["measure"].str.starts_with("slope").any(), "groups have no order"


def test_a_group_that_speaks_as_all_do_has_no_gap(tmp_path: Path) -> None:
    assert row(table(by_age(0.0, Workspace(tmp_path))), "gap")["low"] < 0.05


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Chain, Posts, Posts]:
    """Two communities in two regions, and four people on an isle."""
    society = planted(people=200, communities=2, posts=8, largest=1.0, seed=2)
    crowd = society.people.with_columns(
        region=pl.when(pl.int_range(pl.len()) < 4).then(pl.lit("isle")).when(pl.int_range(pl.len()) % 2 == 0).then(pl.lit("north")).otherwise(pl.lit("south")),
        lone=pl.lit("all"),
    )  # fmt: skip
    return heard(
        replace(society, people=frames.people(crowd)),
        split(society, "author"),
        Workspace(tmp_path_factory.mktemp("small")),
    )


def test_a_group_too_small_to_tell_is_named_and_left_out_and_makes_no_other_smaller(
    small: tuple[Chain, Posts, Posts],
) -> None:
    whole, judge, reference = small
    made = slices.sections(whole, by="region", split="author", judge=judge, reference=reference)[0]
    assert "Too small to tell: isle." in made.prose
    assert set(table(made).filter(measure="fidelity")["contrast"]) == {"north", "south"}
    parts = [slices.groups(whole, posts, "region") for posts in (judge, reference)]
    alone = [frames.posts(posts.filter(pl.col("slice") != "isle")) for posts in parts]
    assert slices.effects(whole, *parts)[0].equals(slices.effects(whole, *alone)[0])


def test_one_group_alone_is_a_note_and_no_number(small: tuple[Chain, Posts, Posts]) -> None:
    whole, judge, reference = small
    made = slices.sections(whole, by="lone", split="author", judge=judge, reference=reference)[0]
    assert (made.table, made.level) == (None, "note")
    assert "two are due" in made.prose
    with pytest.raises(RefusedError, match="larger groups"):
        slices.effects(whole, *(slices.groups(whole, posts, "lone") for posts in (judge, reference)))


def test_an_unknown_column_lists_the_columns(small: tuple[Chain, Posts, Posts]) -> None:
    whole, judge, reference = small
    with pytest.raises(UsageError, match=r"--by agegroup: .* planted, age, age_group, gender, country"):
        slices.sections(whole, by="agegroup", split="author", judge=judge, reference=reference)
    with pytest.raises(UsageError, match="--by person"):
        slices.checked(whole.society, "person")


@pytest.mark.slow
def test_fine_tuning_forgets_a_general_task_that_a_mix_keeps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A base that knows the task loses .20 or more of it at mix 0, and stays within .05 at mix 1.

    A model forgets after some 100 steps at the rate it was trained with: hence batches of 512 tokens at 3e-3. The study's own
    steps at tiny are fewer and smaller, and forget nothing. A base learns the tasks by the number of its steps: a third of them
    in smaller batches takes half the time.
    """
    monkeypatch.setitem(scratch.SIZES, "tiny", scratch.SIZES["tiny"]._replace(batch=384))
    society = planted(people=60, communities=2, posts=6, largest=1.0, seed=1)
    members = declared(society, column="planted")
    clean, _ = cleaned(society.posts)
    train = align.topical(frames.posts(by_members(clean, members)), topics(n=9))
    general, names = frames.examples(tasks().head(24)), sorted(set(members["community"]))
    align.train_base(train, general=general, folder=tmp_path / "base", size="tiny", seed=1)
    known = {}
    for mix in (0.0, 1.0):
        taught = align.demonstrate(train, members, name_community=False, most=400, general=general, mix=mix, seed=1)
        folder = tmp_path / f"{mix}"
        align.teach(tmp_path / "base", taught, folder=folder, epochs=3, rate=3e-3, batch_tokens=512, seed=1)
        said = ablations.versatility(tmp_path / "base", {"aligned": folder}, general, communities=names)
        known[mix] = dict(ablations.right(said).group_by("condition").agg(pl.col("value").mean()).iter_rows())
    assert known[0.0]["base"] == known[1.0]["base"] >= 0.9
    assert known[0.0]["aligned"] <= known[0.0]["base"] - 0.20
    assert known[1.0]["aligned"] == pytest.approx(known[1.0]["base"], abs=0.05)
