"""What teaches a tuned twin and what tests it never meet; the comparison tells a twin that learnt from one that did not."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import polars as pl
import pytest

from sociolect import frames
from sociolect.errors import RefusedError, UsageError
from sociolect.frames import Society
from sociolect.models.scripted import scripted
from sociolect.systems.worlds.debate import align, claims
from sociolect.systems.worlds.debate.planted import planted
from sociolect.systems.worlds.debate.test_debate import row, run
from sociolect.workspace import workspace


def test_examples_are_the_prompts_of_mode_1_with_what_the_people_said() -> None:
    society = planted(groups=2)
    rows = align.examples(society)
    said = society.posts.filter(pl.col("phase").is_in(["post", "chat"]))
    assert sorted(rows["reply"]) == sorted(said["text"])
    assert rows["prompt"].str.contains("You are one of four people").all()
    assert rows["prompt"].str.contains("write your (post|message number)").all()
    assert rows["round"].unique().sort().to_list() == [1, 2, 3]
    finals = society.posts.filter(phase="final")["text"]
    assert not [p for p in rows["prompt"] for f in finals if f in p]
    other = align.examples(
        society, player=scripted(lambda c: "0.5" if "Answer with one of" in c[-1].text else "something else")
    )
    assert other["prompt"].to_list() == rows["prompt"].to_list()
    assert other["reply"].unique().to_list() == ["something else"]


@pytest.mark.parametrize(
    ("by", "column", "held"), [("group", "session", 5), ("topic", "topic", 1), ("round", "round", 1)]
)
def test_what_is_held_out_is_never_learnt(by: Any, column: str, held: int) -> None:
    rows = align.examples(planted(groups=20))
    out = align.held_out(rows, by=by, seed=3)
    taught, tested = set(rows.filter(~out)[column]), set(rows.filter(out)[column])
    assert not taught & tested
    assert len(tested) == held
    assert align.held_out(rows, by=by, seed=3).equals(out)
    if by == "group":
        assert not align.held_out(rows, by=by, seed=4).equals(out)


def test_too_few_groups_cannot_be_split() -> None:
    rows = align.examples(planted(groups=5))
    with pytest.raises(RefusedError, match="5 groups cannot be split: 6 or more"):
        align.held_out(rows, by="group")
    with pytest.raises(RefusedError, match="a split by topic holds out 1 groups: 3 or more"):
        align.held_out(rows, by="topic")


def test_a_twin_that_learnt_is_told_from_its_base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Training is replaced by its ideal: the tuned model knows what every person says, the base talks on and on."""
    society = planted(groups=8, seed=0)
    known = {r["prompt"]: r["reply"] for r in align.examples(society).iter_rows(named=True)}

    def answer(words: Any) -> Any:
        return scripted(lambda c: "0.5" if "Answer with one of" in c[-1].text else words(c[-1].text))

    base = answer(lambda _: "I agree " + "so much " * 30)
    tuned = answer(lambda prompt: known.get(prompt, "I cannot tell"))
    taught: list[int] = []

    def learn(model: Any, rows: pl.DataFrame, *, folder: Path, **_: Any) -> None:
        taught.append(rows.height)
        folder.mkdir()

    monkeypatch.setattr(align, "scratch", lambda rows, folder, **_: (folder / "card.json").write_text("{}"))
    monkeypatch.setattr(align, "finetune", learn)
    monkeypatch.setattr(align, "open_model", lambda name, **_: base)
    monkeypatch.setattr(align, "local", lambda folder: tuned)
    posts = frames.posts(society.posts.with_columns(stance=pl.lit(0.5)))
    read = Society(society.people, posts, society.ties)
    with workspace(tmp_path, system="debate", keywords={}) as work:
        knobs: dict[str, Any] = {"tokens": 64, "encoder": None, "dims": 10, "seed": 0}
        found = align.study(work, read, "scratch/tiny", None, split="group", **knobs)
        rounds = align.study(work.branch("rounds"), read, "scratch/tiny", None, split="round", **knobs)
    assert taught == [5 * 36, 8 * 24]
    assert (found.taught, found.tested) == (5 * 36, 3 * 36)
    measures = {"rouge_l": 1, "absolute length difference": -1}
    for told, groups in ((found, 3), (rounds, 8)):
        for measure, way in measures.items():
            gain = row(told.effects, measure=measure, contrast="twin, tuned - base")
            assert gain["n"] == groups
            assert way * gain["low"] > 0 < way * gain["high"]
    far = claims._tuning(cast(Any, SimpleNamespace(tuned=rounds)))
    assert (far.same, far.n) == ("no", 8)  # an ideal twin gains in meaning too
    assert "surface improves, so does meaning" in far.why
    rows = rounds.effects.filter(~pl.col("measure").is_in(["cosine", "stance distance"]))
    alone = claims._tuning(cast(Any, SimpleNamespace(tuned=rounds._replace(effects=frames.effects(rows)))))
    assert (alone.same, alone.estimate) == ("undecided", far.estimate)
    turned = frames.effects(rows.with_columns(estimate=-pl.col("estimate"), low=-pl.col("high"), high=-pl.col("low")))
    assert claims._tuning(cast(Any, SimpleNamespace(tuned=rounds._replace(effects=turned)))).same == "no"
    said = pl.read_parquet(tmp_path / "branches" / "rounds" / "steps" / "replies_tuned" / "frame.parquet")
    assert said["phase"].str.contains("3$").all()  # what was taught is not asked


def test_a_base_without_weights_is_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="base 'openai/x' has no weights to train"):
        run(tmp_path, groups=4, tune=True, base="openai/x", turns=1)
