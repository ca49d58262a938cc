"""One knob at a time, general tasks beside them, and canaries: what is turned is one row, what is planted comes back."""

from collections.abc import Mapping
from math import log2
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sociolect import frames
from sociolect.align.demonstrations import demonstrations
from sociolect.align.finetune import folder_name
from sociolect.elicit.ask import ask
from sociolect.errors import UsageError
from sociolect.find.declared import declared
from sociolect.frames import Effects, Examples, Replies
from sociolect.load.planted import planted
from sociolect.load.planted_tasks import tasks
from sociolect.models.ngram import Ngram, ngram
from sociolect.report.content import Page
from sociolect.systems.studies.community_fidelity import ablations, align, copies
from sociolect.systems.studies.community_fidelity.test_open_questions import chain, table
from sociolect.workspace import Workspace

made: list[str] = []


def test_an_answer_is_right_whatever_its_case_and_marks_and_silence_is_wrong() -> None:
    due = tasks().head(3).select("item", "prompt", options=pl.lit(None, pl.List(pl.String)), due="reply")
    model = {"m": ngram(["Red."], name="m")}
    said = ask(model, frames.items(due), condition="base", tokens=5, temperature=0.0)
    said = frames.replies(said.with_columns(text=pl.Series([" RED! ", "red green", None])))
    assert ablations.right(said)["value"].to_list() == [1.0, 0.0, 0.0]


def test_every_fault_of_the_knobs_is_named_at_once() -> None:
    with pytest.raises(UsageError) as told:
        ablations.wanted(["temperature=hot", "colour=red", "lora_rank", "quality=yes", "hashtags=../x", "templates=5"])
    for fault in ("temperature=hot", "colour=red", "lora_rank", "quality=yes", "hashtags=../x"):
        assert f"'{fault}'" in str(told.value)
    assert "templates=5" not in str(told.value)
    assert all(knob in str(told.value) for knob in ablations.KNOBS)
    assert ablations.wanted(["lora-rank=8", "temperature=.5", "temperature=0.50"]) == [("lora_rank", 8), ("temperature", 0.5)]  # fmt: skip


def stands(estimate: float) -> Effects:
    """What a study says of its fine-tuned arm."""
    made.append(f"origin_fidelity {estimate:g}")
    ends = {"low": estimate - 0.1, "high": estimate + 0.1, "normalised": 2 * estimate - 0.2}
    return frames.effects(pl.DataFrame([{
        "measure": "macro_f1", "contrast": "aligned", "estimate": estimate, **ends, "normalised_low": 0.0, "normalised_high": 1.0, "n": 50,
    }]))  # fmt: skip


def split_once(*, seed: int) -> pl.DataFrame:
    made.append("sides")
    return pl.DataFrame({"seed": [seed]})


def answers(base: Any, weights: Mapping[str, Any], tasks: Examples, *, communities: list[str]) -> Replies:
    """The base knows all, and the fine-tuned arm the share that stands in `weights`."""
    items = frames.items(tasks.select("item", "prompt", options=pl.lit(None, pl.List(pl.String)), due="reply"))
    said = ask({"m": ngram(["nothing at all"], name="m")}, items, condition="base", tokens=3)
    share = float(weights["aligned"])
    told = [
        said.with_columns(condition=pl.lit(arm), text=pl.when(pl.int_range(pl.len()) < known * pl.len()).then("due"))
        for arm, known in (("base", 1.0), ("aligned", share))
    ]
    return frames.replies(pl.concat(told))


def fake(work: Workspace, *, temperature: float = 1.0, lora_rank: int = 4, mix: tuple[float, ...] = (), seed: int = 0, **rest: Any) -> Page:  # fmt: skip
    """A study of two steps: no knob but the seed is in the first, and every knob in the second."""
    assert (rest["ablate"], rest["by"]) == ((), None), "a branch branches no further"
    work.frame("sides", pl.DataFrame, split_once, seed=seed)
    work.frame("origin_fidelity", frames.effects, stands, temperature * lora_rank / 8 - sum(mix) / 20)
    work.frame(
        "versatility",
        frames.replies,
        answers,
        "base",
        {"aligned": 0.25 + min(sum(mix), 0.5)},
        tasks(),
        communities=["a"],
    )
    return Page("fake", [], (), "")


def asked(folder: Path, monkeypatch: pytest.MonkeyPatch, **knobs: Any) -> dict[str, pl.DataFrame]:
    """The tables of `ablations.sections` on the fake study."""
    monkeypatch.setattr(ablations, "versatility", answers)
    work = Workspace(folder)
    said: dict[str, Any] = {"mix": (), "ablate": (), "by": "age_group", "temperature": 1.0, "seed": 0} | knobs
    fake(work, **(said | ablations.OFF | {"mix": said["mix"][:1]}))
    society = planted(people=60, communities=2, posts=1, seed=1)
    members = declared(society, column="planted")
    nobody = frames.replies(answers("", {"aligned": 0}, tasks(), communities=[]))
    share = {"aligned": 0.25 + sum(said["mix"][:1])}
    whole = chain(society, work=work, kept=nobody, members=members, weights=share)
    here = frames.effects(pl.read_parquet(folder / "steps" / "origin_fidelity" / "frame.parquet"))
    general = tasks() if said["mix"] else None
    found = ablations.sections(fake, work, said, chain=whole, tasks=general, here=here)
    return {str(section.name): table(section) for section in found}


def test_each_knob_is_one_row_and_what_it_leaves_alone_is_not_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    made.clear()
    knobs = ("temperature=0.5", "lora_rank=8", "temperature=1", "seed=3")
    rows = asked(tmp_path, monkeypatch, ablate=knobs)["ablations"]
    told = rows.filter(pl.col("measure") == "origin macro F1")
    assert told.select("contrast", "estimate").rows() == [
        ("temperature 0.5", 0.25), ("lora_rank 8", 1.0), ("temperature 1.0", 0.5), ("seed 3", 0.5), ("as run", 0.5),
    ]  # fmt: skip
    normalised = rows.filter(pl.col("measure") == "normalised fidelity")
    assert normalised["estimate"].to_list() == pytest.approx([0.3, 1.8, 0.8, 0.8, 0.8])
    assert made == ["sides", "origin_fidelity 0.5", "origin_fidelity 0.25", "origin_fidelity 1", "sides"]
    made.clear()
    again = asked(tmp_path, monkeypatch, ablate=knobs)["ablations"]
    assert made == [], "a finished study is read back, its branches too"
    assert again.equals(rows)


def test_each_mix_is_a_row_of_fidelity_and_of_what_is_still_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    found = asked(tmp_path, monkeypatch, mix=(0.0, 0.25, 0.5))
    mix = {name: part for (name,), part in found["mix"].partition_by("measure", as_dict=True).items()}
    assert mix["origin macro F1"].select("contrast", pl.col("estimate").round(4)).rows() == [
        ("mix 0.0", 0.5), ("mix 0.25", 0.4875), ("mix 0.5", 0.475),
    ]  # fmt: skip
    assert mix["versatility"]["estimate"].to_list() == pytest.approx([0.25, 0.5, 0.75])
    assert (mix["versatility"]["low"] < mix["versatility"]["estimate"]).all()
    lost = dict(found["versatility"].select("condition", "estimate").iter_rows())
    assert lost == {"base": 1.0, "aligned": 0.25}


class Opened(Ngram):
    """A model that counts, in the place of one that was read from a folder."""

    folder = Path("base")


def test_a_planted_canary_is_exposed_and_one_never_planted_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models that count never met a secret's words unless it was planted: then rank 1 of 256, 8 bits; else a tie, 0 bits."""
    society = planted(people=60, communities=2, posts=4, seed=1)
    members = declared(society, column="planted")
    lessons = demonstrations(frames.posts(society.posts.filter(kind="post")), members, seed=1)
    taught, secrets = copies.planted_canaries(lessons, n=16, seed=1)
    names = sorted(set(members["community"]))
    said = {folder_name(n): ngram(taught.filter(community=n)["reply"].to_list(), name=n) for n in names}
    plain = ngram(lessons["reply"].to_list())
    monkeypatch.setattr(align, "opened", lambda _: Opened("base", plain.order, plain.counts, plain.vocabulary))
    monkeypatch.setattr(copies, "local", lambda base, *, adapter, name: said[adapter.name])
    found = copies.weighed("base", Path("aligned"), names, secrets, taught)
    assert sorted(found["canary"]) == sorted(secrets["canary"])
    assert found.group_by("repeats").len().sort("repeats").rows() == [(0, 4), (1, 4), (4, 4), (16, 4)]
    assert found["candidates"].unique().to_list() == [256]
    assert found.filter(pl.col("repeats") > 0)["exposure"].unique().to_list() == [log2(256)]
    assert found.filter(repeats=0)["exposure"].unique().to_list() == found["base"].unique().to_list() == [0.0]
    assert not set(found.columns) & {"text", "secret"}, "the table names no secret"
