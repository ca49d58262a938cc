"""Learning from comments: no pair asked about was learnt, the prompts are the very ones, and what is taught is learnt."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sociolect import frames
from sociolect.errors import InputError, RefusedError, UsageError
from sociolect.frames import Replies
from sociolect.models import scratch
from sociolect.models.local import Local, local
from sociolect.models.model import Chat, Model, user
from sociolect.models.scripted import scripted
from sociolect.models.threads import patient_torch
from sociolect.systems.studies.relationship_alignment.elicit import prompts
from sociolect.systems.studies.relationship_alignment.learn import (
    ARMS,
    Arm,
    commented,
    examples,
    sides,
    taught,
    train_base,
)

FAST: dict[str, Any] = {"rate": 1e-2, "epochs": 8, "batch_tokens": 1024, "warmup": 4, "held_out": 0.0}


def people(n: int = 200, *, posts: int = 40, commenters: int = 30, **columns: Any) -> Replies:
    """Comments whose one word is the closeness of the two people; nothing else of them is known."""
    close = ["stranger", "close"]
    rows = {
        "item": [f"c{i:04}" for i in range(n)],
        "post": [f"s{i % posts}" for i in range(n)],
        "post_text": [f"note {i % posts}" for i in range(n)],
        "commenter": [f"p{(i * 7 + i // posts) % commenters}" for i in range(n)],
        "closeness": [close[(i // 3) % 2] for i in range(n)],
        "text": [("hello", "dear")[(i // 3) % 2] for i in range(n)],
        "commenter_gender": [None] * n, "poster_gender": [None] * n,
        "commenter_age": [None] * n, "poster_age": [None] * n,
    }  # fmt: skip
    text = dict.fromkeys(("commenter_gender", "poster_gender"), pl.String)
    frame = pl.DataFrame(
        rows | columns, schema_overrides=text | dict.fromkeys(("commenter_age", "poster_age"), pl.Float64)
    )
    return frames.replies(
        frame.with_columns(
            speaker=pl.col("commenter").fill_null("unknown"), source=pl.lit("human"), community=pl.lit("everyone"),
            condition=pl.lit("observed"), draw=pl.lit(0, pl.Int64), turn=pl.lit(0, pl.Int64), prompt=pl.lit(None, pl.String),
        )
    )  # fmt: skip


# --- sides


def test_no_post_and_no_commenter_is_on_both_sides_and_all_are_counted() -> None:
    pairs = people(n=600, posts=60, commenters=50)
    for seed in range(5):
        made = sides(pairs, asked=0.4, seed=seed)
        for column in ("post", "commenter", "item"):
            assert not {*made.learnt[column]} & {*made.asked[column]}
        counts = dict(made.counts.iter_rows())
        assert counts["learnt"] == made.learnt.height
        assert counts["asked"] == made.asked.height
        assert sum(counts.values()) == pairs.height
        # a share s of both is asked, (1 - s) of both is learnt from
        assert made.asked.height / pairs.height == pytest.approx(0.16, abs=0.07)
        assert made.learnt.height / pairs.height == pytest.approx(0.36, abs=0.1)
    again = sides(frames.replies(pairs.reverse()), asked=0.4, seed=4)
    assert again.learnt.equals(made.learnt)
    assert again.asked.equals(made.asked)
    assert made.learnt.columns == pairs.columns


def test_posts_of_the_same_words_are_one_post_and_an_unknown_commenter_is_set_aside() -> None:
    pairs = people(n=600, posts=60, commenters=50)
    twins = pairs.with_columns(
        post_text=pl.when(pl.col("post").str.ends_with("1")).then(pl.lit("Happy birthday!")).otherwise("post_text"),
        commenter=pl.when(pl.col("item") != "c0000").then("commenter"),
    )
    for seed in range(6):
        made = sides(frames.replies(twins), seed=seed)
        both = [set(part.filter(post_text="Happy birthday!")["post"]) for part in (made.learnt, made.asked)]
        assert not (both[0] and both[1])
        assert dict(made.counts.iter_rows())["set aside: commenter unknown"] == 1


def test_sides_that_cannot_be_are_refused() -> None:
    with pytest.raises(UsageError, match="asked=1: due is a share between 0 and 1"):
        sides(people(), asked=1)
    with pytest.raises(RefusedError, match="0 to ask about are left of 200|0 pairs to learn from"):
        sides(people(commenters=1))


# --- examples and arms


@pytest.mark.parametrize("condition", ["none", "all", "false"])
def test_an_example_is_the_very_prompt_and_the_very_comment(condition: str) -> None:
    pairs = people(text=[f"  said {i}\n* " for i in range(200)])
    made = examples(pairs, condition, template="role", seed=3)
    asked = dict(prompts(pairs, condition, template="role", seed=3).select("item", "prompt").iter_rows())
    said = dict(pairs.select("item", "text").iter_rows())
    assert made.height == pairs.height
    assert set(made["community"]) == {"everyone"}
    for item, prompt, reply in made.select("item", "prompt", "reply").iter_rows():
        assert (prompt, reply) == (asked[item], said[item])
    assert made["person"].n_unique() == pairs["commenter"].n_unique()


def test_what_cannot_be_taught_is_refused() -> None:
    with pytest.raises(UsageError, match="thoughts"):
        examples(people(), "all", prompting="reason")
    with pytest.raises(InputError, match="1 pairs have no comment"):
        examples(people(n=2, text=["x", " "]), "all")


def test_arms_are_conditions_of_one_speaker_asked_alike() -> None:
    pairs = people(n=20)
    models: dict[str, Model] = {arm: scripted(lambda _, arm=arm: f"by {arm}") for arm in ARMS}  # type: ignore[misc]  # a default binds the arm
    said = commented(models, pairs, draws=2, seed=1)
    assert said.height == 3 * 2 * 20
    assert set(said["speaker"]) == {"base"}
    assert set(said["context"]) == {"all"}
    assert (said["text"] == "by " + said["condition"]).all()
    asked = {
        part["condition"][0]: part.sort("item", "draw")["prompt"].to_list() for part in said.partition_by("condition")
    }
    assert asked["prompted"] == asked["finetuned"] == asked["finetuned_none"]
    with pytest.raises(UsageError, match="no model for the arm finetuned, finetuned_none; there are: prompted"):
        commented({"prompted": models["prompted"]}, pairs)


# --- training


def untrained(folder: Path, texts: Sequence[str]) -> None:
    """A very small Llama with the words of these texts, in a folder."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    torch = patient_torch()
    found = dict.fromkeys(w for t in texts for w in re.findall(r"\w+|[^\w\s]+", t))
    known = ["<unk>", "<end>", "user", "assistant", ":", *(w for w in found if w not in {"user", "assistant", ":"})]
    raw = Tokenizer(models.WordLevel({w: i for i, w in enumerate(known)}, unk_token="<unk>"))
    raw.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=raw, unk_token="<unk>", eos_token="<end>").save_pretrained(folder)
    config = LlamaConfig(
        vocab_size=len(known), hidden_size=32, intermediate_size=48, num_hidden_layers=1, num_attention_heads=4,
        num_key_value_heads=4, max_position_embeddings=128, tie_word_embeddings=True, bos_token_id=None,
        eos_token_id=1, pad_token_id=1, initializer_range=0.1,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(0)
        LlamaForCausalLM(config).save_pretrained(folder)


def knows(model: Model, pairs: Replies) -> float:
    """The share of pairs after whose full prompt the right word is the likelier of the two."""
    asked = prompts(pairs, "all", order="fixed").join(pairs.select("item", "text"), on="item", suffix="_said")
    chats: list[Chat] = [user(p) for p in asked["prompt"]]
    weights = model.logprobs(chats, [["hello", "dear"]] * len(chats))
    right: list[bool] = [("hello", "dear")[a < b] == said for (a, b), said in zip(weights, asked["text"], strict=True)]
    return sum(right) / len(right)


def test_the_relation_in_training_is_learnt_and_without_it_is_not(tmp_path: Path) -> None:
    learnt, asked, _ = sides(people(), asked=0.4, seed=1)
    wording = {"order": "fixed"}
    words = [*prompts(people(), "all")["prompt"], "hello dear"]
    untrained(tmp_path / "base", words)
    models = taught(tmp_path / "base", learnt, tmp_path / "arms", wording=wording, **FAST)
    assert list(models) == ["prompted", "finetuned", "finetuned_none"]
    assert knows(models["finetuned"], asked) > 0.95
    for blind in ("prompted", "finetuned_none"):  # says one of the two words to everybody, or nearly so
        assert knows(models[blind], asked) < 0.75
    # the same words dealt among the same pairs: nothing of the relation is in them, and nothing is learnt
    dealt = frames.replies(learnt.with_columns(pl.col("text").shuffle(seed=1)))
    idle = taught(tmp_path / "base", dealt, tmp_path / "null", arms={"x": ARMS["finetuned"]}, wording=wording, **FAST)
    assert knows(idle["x"], asked) < 0.75
    cards = {c: json.loads((tmp_path / "arms" / c / "card.json").read_text()) for c in ("all", "none")}
    assert cards["all"]["examples"] == cards["none"]["examples"] == learnt.height
    assert cards["all"]["base_digest"] == cards["none"]["base_digest"]
    # arms taught in one condition share one training, which is not done again
    before = (tmp_path / "arms" / "all" / "model.safetensors").stat().st_mtime_ns
    two = {"x": Arm("all", "none"), "y": Arm("all", "all")}
    again = taught(tmp_path / "base", learnt, tmp_path / "arms", arms=two, wording=wording, **FAST)
    assert again["x"] is again["y"]
    assert (tmp_path / "arms" / "all" / "model.safetensors").stat().st_mtime_ns == before


def test_the_base_has_read_the_words_of_facts_and_nothing_true(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = scratch.SIZES["tiny"]._replace(hidden=32, inner=48, layers=1, words=400, epochs=1)
    monkeypatch.setitem(scratch.SIZES, "tiny", small)
    pairs = people(n=40)
    model = train_base(pairs, tmp_path / "base", threads=1)
    assert isinstance(model, Local)
    card = json.loads((tmp_path / "base" / "card.json").read_text())
    assert card["examples"] == 2 * pairs.height
    assert card["prompts_cut"] == card["replies_set_aside"] == 0
    assert local(tmp_path / "base").logprobs([user("x")], [["hello"]])[0][0] < 0
