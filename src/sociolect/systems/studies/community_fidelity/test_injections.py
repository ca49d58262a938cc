"""Planted injections: a model that obeys shows the shift it must, one that ignores shows none; the knob turns one table."""

from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sociolect import frames
from sociolect.align.demonstrations import demonstrations
from sociolect.align.in_context import in_context
from sociolect.elicit.ask import ask
from sociolect.errors import UsageError
from sociolect.find.declared import declared
from sociolect.find.words import by_members
from sociolect.frames import Effects, Replies, Scores, Society
from sociolect.load.planted import planted, topics
from sociolect.load.planted_injections import WORD, injected
from sociolect.measure.classifier import Classifier, classifier
from sociolect.measure.origin import origin
from sociolect.measure.scoring import score
from sociolect.models.model import Chat
from sociolect.models.scripted import Scripted
from sociolect.report.content import Page
from sociolect.systems.studies.community_fidelity import ablations, elicit, injections, measure
from sociolect.systems.studies.community_fidelity.load import cleaned, sides
from sociolect.systems.studies.community_fidelity.test_open_questions import chain, table
from sociolect.workspace import Workspace

SHARE = 0.2
ARMS = ("base", "in_context")
ALL = (*ARMS, "aligned", "shuffled")


def parrot(chat: Chat) -> str:
    """Says the last post it was shown again, and where one of the posts orders a word, the word."""
    shown = [line[2:] for line in chat[-1].text.splitlines() if line.startswith("- ")]
    return WORD if any(WORD in line for line in shown) else (shown[-1] if shown else "nothing to say here")


def deaf(chat: Chat) -> str:
    """The same, and never the word: it shows what it was shown without the order before it."""
    shown = [line[2:] for line in chat[-1].text.splitlines() if line.startswith("- ") and WORD not in line]
    return shown[-1] if shown else "nothing to say here"


@cache
def reader() -> Classifier:
    """Who names the communities: it has learnt from other people of the clean world."""
    other = planted(people=150, communities=3, posts=8, largest=1.5, seed=1)
    said = by_members(other.posts, declared(other, column="planted"))
    return classifier(said["text"].to_list(), said["community"].to_list(), groups=said["person"].to_list(), seed=1)


@cache
def world(share: float, script: Any) -> tuple[Scores, list[Scores], Replies]:
    """A planted society with this share of its posts injected, and a scripted model untouched and shown its posts."""
    society = planted(people=240, communities=3, posts=8, largest=1.5, seed=1)
    clean, _ = cleaned(injected(society, share=share, seed=1).posts if share else society.posts, replies=True)
    members = declared(society, column="planted")
    said = by_members(clean.join(sides(society, seed=1).select("post", "side"), on="post"), members)
    train = frames.posts(said.filter(side="train"))
    model, told = Scripted("scripted", script), []
    items = elicit.prompts(topics(n=12), templates=6)
    for (name,), part in sorted(demonstrations(train, members, seed=1).partition_by("community", as_dict=True).items()):
        shown = in_context(model, frames.examples(part), exemplars=4, seed=1)
        for arm, speaker in (("base", model), ("in_context", shown)):
            told.append(ask({str(name): speaker}, items, condition=arm, tokens=40, seed=1))
    replies = frames.replies(pl.concat(told))
    long = score(replies, {"length": replies["text"].str.len_chars().cast(pl.Float64)})
    return measure.ridden(origin(replies, reader()), replies), [measure.ridden(long, replies)], replies


# Without an order the two scripts say the same, so the clean world is the parrot's for both.
def shift(script: Any, share: float = SHARE) -> dict[tuple[str, str], dict[str, Any]]:
    found = injections.shifts(world(0.0, parrot), world(share, script), arms=ARMS, share=share, seed=1)
    return {(row["contrast"], row["measure"]): row for row in found.iter_rows(named=True)}


def test_a_model_that_obeys_shows_the_shift_it_must() -> None:
    found = shift(parrot)
    due = 1 - (1 - SHARE) ** 4  # four posts are shown, each injected by chance
    obeys = found["in_context", "obeys"]
    assert obeys["low"] < due < obeys["high"]
    assert obeys["high"] - obeys["low"] < 0.45
    assert found["in_context", "says the word"]["estimate"] == obeys["estimate"]
    assert found["in_context", "origin macro F1"]["high"] < 0, "one word names no community"
    assert found["in_context", "length"]["high"] < -10
    assert found["in_context", "length"]["p_adjusted"] < 0.05


def test_an_arm_that_sees_no_post_does_not_move() -> None:
    found = shift(parrot)
    for measured in ("origin macro F1", "length", "obeys", "says the word"):
        row = found["base", measured]
        assert row["estimate"] == 0, measured
    assert found["base", "obeys"]["low"] == -found["base", "obeys"]["high"] == pytest.approx(0.025 ** (1 / 72) - 1)
    assert found["base", "obeys"]["method"] == "exact bound: never in either"


def test_a_model_that_ignores_them_shows_none_within_its_interval() -> None:
    found = shift(deaf)
    for (arm, measured), row in found.items():
        if row["low"] is not None:
            assert row["low"] <= 0 <= row["high"], (arm, measured, row)
    assert found["in_context", "obeys"]["estimate"] == 0


def test_obeying_is_saying_the_word_alone_whatever_its_case_and_marks() -> None:
    replies = world(0.0, parrot)[2].head(5)
    said = ["Kumquat!", "a kumquat, they say", "kumquats", None, "kumquat kumquat"]
    found = injections.obedience(frames.replies(replies.with_columns(text=pl.Series(said, dtype=pl.String))))
    assert found.filter(measure="obeys")["value"].to_list() == [1.0, 0.0, 0.0, 0.0, 0.0]
    assert found.filter(measure="says the word")["value"].to_list() == [1.0, 1.0, 0.0, 0.0, 1.0]


def stands(share: float) -> Effects:
    ends = {"low": 0.1, "high": 0.3, "normalised": 0.2, "normalised_low": 0.0, "normalised_high": 1.0, "n": 50}
    return frames.effects(
        pl.DataFrame([{"measure": "macro_f1", "contrast": "aligned", "estimate": 0.2 - share, **ends}])
    )


def made(step: str, arms: tuple[str, ...], share: float) -> pl.DataFrame:
    """A step of the scripted world; the fine-tuned arms say what the arm that is shown posts says, or the untouched one."""
    scores, tones, replies = world(share, parrot)
    frame = {"origin": scores, "toxicity": tones[0], "replies": replies}[step]
    alike = {"base": "base", "in_context": "in_context", "aligned": "in_context", "shuffled": "base"}
    return pl.concat(frame.filter(condition=alike[a]).with_columns(condition=pl.lit(a)) for a in arms)


def fake(work: Workspace, *, injected: float = 0.0, **_: Any) -> Page:
    """A study whose steps are made of the scripted world."""
    for name in ("origin", "toxicity"):
        work.frame(name, frames.scores, made, name, ALL, injected)
    for arm in ALL:
        work.frame(f"replies_{arm}", frames.replies, made, "replies", (arm,), injected)
    work.frame("origin_fidelity", frames.effects, stands, injected)
    return Page("fake", [], (), "")


def test_the_knob_prints_one_table_of_every_arm_and_share(tmp_path: Path) -> None:
    work = Workspace(tmp_path)
    said: dict[str, Any] = {"mix": (), "ablate": (f"injected={SHARE}",), "seed": 1, "injected": 0.0}
    fake(work)
    society = planted(people=60, communities=2, posts=1, seed=1)
    nobody = world(0.0, parrot)[2].clear()
    whole = chain(society, work=work, kept=frames.replies(nobody), members=declared(society, column="planted"))
    sections = {s.name: s for s in ablations.sections(fake, work, said, chain=whole, tasks=None, here=stands(0.0))}
    found = table(sections["injections"])
    assert found.columns[:4] == ["measure", "arm", "share", "shift"]
    assert set(found["arm"]) == {"base", "in_context", "aligned", "shuffled"}
    assert found["share"].unique().to_list() == [SHARE]
    assert found.filter(arm="in_context", measure="obeys")["shift"].item() > 0.4
    assert found.filter(arm="base", measure="obeys")["shift"].item() == 0
    rows = table(sections["ablations"]).filter(measure="origin macro F1")
    assert rows.select("contrast", "estimate").rows() == [("injected 0.2", 0.0), ("as run", 0.2)]
    assert "<svg" in sections["injections"].figure


def test_a_share_is_above_0_and_at_most_1() -> None:
    assert ablations.wanted(["injected=.05", "injected=0.050"]) == [("injected", 0.05)]
    with pytest.raises(UsageError, match=r"not 'injected=0', 'injected=1.1', 'injected=nan'"):
        ablations.wanted(["injected=0", "injected=1.1", "injected=nan"])


def test_a_society_is_itself_without_a_share_and_a_page_of_an_injected_one_warns(tmp_path: Path) -> None:
    society = planted(people=60, communities=2, posts=1, seed=1)
    work = Workspace(tmp_path)
    assert injections.planted_in(work, society, share=0.0, seed=1) is society
    assert not (tmp_path / "steps").exists()
    ordered: Society = injections.planted_in(work, society, share=1.0, seed=1)
    own = ordered.posts.filter(pl.col("kind") != "repost")
    assert own["text"].str.contains(WORD).all()
    assert injections.notice(0.0) == []
    (section,) = injections.notice(0.05)
    assert section.level == "warning"
    assert "0.05 of all posts" in section.prose
