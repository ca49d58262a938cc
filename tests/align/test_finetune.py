import json
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import polars as pl
import pytest

from sociolect import frames
from sociolect.align import each
from sociolect.align.finetune import finetune, finetune_each
from sociolect.align.in_context import InContext, in_context
from sociolect.errors import ModelError, RefusedError, UsageError
from sociolect.frames import Examples
from sociolect.models.local import Local, local
from sociolect.models.model import Model, user

WORDS = [f"w{i}" for i in range(60)]
PROMPTS = ["say it", "tell us", "go on please"]


def llama(folder: Path, **changes: object) -> Local:
    """A Llama with a word tokenizer, untrained, in a folder."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    known = ["<unk>", "<end>", "user", "assistant", ":", *{w: 0 for p in PROMPTS for w in p.split()}, *WORDS]
    raw = Tokenizer(models.WordLevel({w: i for i, w in enumerate(known)}, unk_token="<unk>"))
    raw.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=raw, unk_token="<unk>", eos_token="<end>").save_pretrained(folder)
    config = {
        "vocab_size": len(known),
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 64,
        "tie_word_embeddings": True,
        "bos_token_id": None,
        "eos_token_id": 1,
        "pad_token_id": 1,
        # Wide enough that an adapter over frozen output weights can become sure of a word.
        "initializer_range": 0.3,
    }
    with torch.random.fork_rng():
        torch.manual_seed(0)
        LlamaForCausalLM(LlamaConfig(**(config | changes))).save_pretrained(folder)
    return local(folder, name="scratch/test", threads=1)


FAST: dict[str, Any] = {"rate": 1e-2, "epochs": 3, "batch_tokens": 256, "warmup": 2}


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Local:
    return llama(tmp_path_factory.mktemp("base"))


def said(community: str, n: int, seed: int) -> list[str]:
    """Posts of a community: red goes up the words in steps of 1, blue in steps of 7; both use the same words."""
    rng = np.random.default_rng(seed)
    step = {"red": 1, "blue": 7}[community]
    return [" ".join(WORDS[(a + step * i) % 60] for i in range(n_)) for a, n_ in rng.integers(4, 16, (n, 2)) * [4, 1]]


def taught(posts: dict[str, list[str]]) -> Examples:
    """The posts as examples, five to a person."""
    rows = [
        (c, PROMPTS[i % 3], text, f"{c}{i}", f"{c} {i // 5}")
        for c, texts in posts.items()
        for i, text in enumerate(texts)
    ]
    return frames.examples(pl.DataFrame(rows, schema=["community", "prompt", "reply", "post", "person"], orient="row"))


@pytest.fixture(scope="session")
def examples() -> Examples:
    return taught({"red": said("red", 80, 0), "blue": said("blue", 80, 1)})


def worth(model: Model, posts: list[str]) -> float:
    """Nats per word of what the model has not seen."""
    values = model.logprobs([user(PROMPTS[0])] * len(posts), [[post] for post in posts])
    return -sum(v for (v,) in values) / sum(len(post.split()) + 1 for post in posts)


def files(folder: Path) -> Mapping[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in sorted(folder.rglob("*")) if f.is_file()}


@pytest.mark.parametrize("rank", [None, 4])
def test_each_model_knows_its_own_community_and_shuffled_ones_do_not(
    base: Local, examples: Examples, tmp_path: Path, rank: int | None
) -> None:
    fast = FAST | {"epochs": 8} | ({"rate": 5e-2, "lora_alpha": 8} if rank else {})
    models = finetune_each(base, examples, folder=tmp_path / "own", lora_rank=rank, **fast)
    fresh = {c: said(c, 30, 7) for c in ("red", "blue")}
    loss = {(m, c): worth(models[m], fresh[c]) for m in models for c in fresh}
    assert list(models) == ["blue", "red"]
    assert models["red"].name == "scratch/test@red"
    for c, other in (("red", "blue"), ("blue", "red")):
        assert loss[c, c] < worth(base, fresh[c]) - 0.5
        assert loss[c, c] < loss[c, other] - 0.5
    own = [loss[other, c] - loss[c, c] for c, other in (("red", "blue"), ("blue", "red"))]
    assert min(own) > 0.5
    # Every second person of each community: labels that tell nothing.
    dealt = pl.col("person").str.split(" ").list.last().cast(pl.Int64) % 2 == 0
    mixed = examples.with_columns(community=pl.when(dealt).then(pl.lit("red")).otherwise(pl.lit("blue")))
    floor = finetune_each(base, frames.examples(mixed), folder=tmp_path / "floor", lora_rank=rank, **fast)
    none = [
        worth(floor[other], fresh[c]) - worth(floor[c], fresh[c]) for c, other in (("red", "blue"), ("blue", "red"))
    ]
    assert abs(sum(none)) < 0.2 * sum(own)


def test_peft_opens_the_adapter_and_agrees_with_what_was_trained(
    base: Local, examples: Examples, tmp_path: Path
) -> None:
    import torch
    from peft import PeftModel
    from safetensors.torch import load_file
    from transformers import AutoModelForCausalLM

    red = frames.examples(examples.filter(community="red"))
    model = finetune(base, red, folder=tmp_path, lora_rank=4, **FAST)
    opened = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(str(base.folder)), str(tmp_path)).eval()
    # 2 layers x 7 linear maps x 2 halves; the output is not adapted.
    assert len(load_file(tmp_path / "adapter_model.safetensors")) == 28
    ids = torch.tensor([[5, 6, 20, 21, 22]])
    with torch.inference_mode():
        ours, peft, before = (m(input_ids=ids).logits for m in (model.module, opened, base.module))
    assert torch.allclose(ours, peft, atol=1e-4)
    assert (ours - before).abs().max() > 0.1
    # The held-out loss on the card was measured in training; here the read-back adapter is asked for the same.
    card = json.loads((tmp_path / "card.json").read_text())
    assert card["losses"][-1]["held_out"] < card["losses"][0]["held_out"] - 0.5


def test_same_bytes_whatever_the_workers_and_the_order_of_rows(base: Local, examples: Examples, tmp_path: Path) -> None:
    turned = frames.examples(examples.sample(fraction=1, shuffle=True, seed=1))
    for rank in (None, 2):
        one = finetune_each(base, examples, folder=tmp_path / f"one{rank}", lora_rank=rank, workers=1, **FAST)
        finetune_each(base, turned, folder=tmp_path / f"two{rank}", lora_rank=rank, workers=2, **FAST)
        assert files(tmp_path / f"one{rank}") == files(tmp_path / f"two{rank}")
        # Neither does it matter whether communities come together or alone.
        red = frames.examples(examples.filter(community="red"))
        finetune(base, red, folder=tmp_path / f"alone{rank}", lora_rank=rank, **FAST)
        assert files(tmp_path / f"alone{rank}") == files(tmp_path / f"one{rank}" / "red")
        assert one["red"].generate([user(PROMPTS[0])], tokens=5) != one["blue"].generate([user(PROMPTS[0])], tokens=5)
    other = finetune_each(base, examples, folder=tmp_path / "other", lora_rank=2, seed=1, **FAST)
    assert files(tmp_path / "other") != files(tmp_path / "two2")
    assert not any(p.requires_grad is False and p.grad is not None for p in base.module.parameters())
    assert other["red"].module is not base.module


@pytest.mark.parametrize("rank", [None, 2])
def test_stopped_anywhere_it_goes_on_to_the_same_bytes(
    base: Local, examples: Examples, tmp_path: Path, rank: int | None
) -> None:
    finetune_each(base, examples, folder=tmp_path / "whole", lora_rank=rank, **FAST)

    class Killed(BaseException):
        pass

    steps: list[tuple[str, int]] = []
    for at in (5, 12, 14):

        def kill(community: str, done: int, of: int, at: int = at) -> None:
            steps.append((community, done))
            if done == at:
                raise Killed

        with pytest.raises(Killed):
            finetune_each(
                base, examples, folder=tmp_path / "cut", lora_rank=rank, save_every=0, progress=kill, workers=1, **FAST
            )
    finetune_each(
        base, examples, folder=tmp_path / "cut", lora_rank=rank, save_every=0, progress=lambda *a: steps.append(a[:2]),
        workers=1, **FAST,
    )  # fmt: skip
    assert files(tmp_path / "cut") == files(tmp_path / "whole")
    # Nothing is trained twice: each stop goes on at the step after the last one saved.
    assert len(steps) == len(set(steps))


def test_what_is_done_is_not_done_again_and_what_changed_is(base: Local, examples: Examples, tmp_path: Path) -> None:
    steps: list[str] = []
    knobs = FAST | {"folder": tmp_path, "lora_rank": 2, "progress": lambda c, done, of: steps.append(c)}
    finetune_each(base, examples, **knobs)
    first, seen = files(tmp_path), len(steps)
    finetune_each(base, examples, **knobs)
    assert (files(tmp_path), len(steps)) == (first, seen)
    changed = examples.with_columns(reply=pl.when(pl.col("post") == "red3").then(pl.lit("w1 w2")).otherwise("reply"))
    steps.clear()
    finetune_each(base, frames.examples(changed), **knobs)
    assert set(steps) == {"red"}
    assert files(tmp_path / "red") != {k[4:]: v for k, v in first.items() if k.startswith("red")}


def test_the_card_says_how_it_was_made(base: Local, examples: Examples, tmp_path: Path) -> None:
    finetune_each(base, examples, folder=tmp_path, lora_rank=2, seed=5, shareable=False, **FAST)
    card = json.loads((tmp_path / "red" / "card.json").read_text())
    due = {
        "community": "red", "base": "scratch/test", "method": "lora", "lora_rank": 2, "epochs": 3, "rate": 0.01, "seed": 5,
        "shareable": False, "examples": 80, "replies_cut": 0, "dtype": "fp32",
    }  # fmt: skip
    assert {k: card[k] for k in due} == due
    # A tenth, in whole people of five posts.
    assert card["held_out_examples"] == 10
    assert [row["epoch"] for row in card["losses"]] == [0, 1, 2, 3]
    assert card["losses"][0]["train"] is None
    assert card["losses"][3]["train"] < card["losses"][1]["train"] < card["losses"][0]["held_out"]
    assert str(tmp_path) not in "".join(f.read_text() for f in tmp_path.rglob("*.json"))
    assert {f.suffix for f in tmp_path.rglob("*") if f.is_file()} == {".json", ".safetensors"}


def test_whole_people_are_held_out_and_general_rows_never(base: Local, tmp_path: Path) -> None:
    own = taught({"red": said("red", 40, 0)})
    general = own.with_columns(post=pl.lit(None, pl.String), person=pl.lit(None, pl.String), reply=pl.lit("w1 w2 w3"))
    finetune(base, frames.examples(pl.concat([own, general])), folder=tmp_path / "a", epochs=1, held_out=0.2)
    card = json.loads((tmp_path / "a" / "card.json").read_text())
    # A fifth of 40 posts is 8: two people of five posts each.
    assert (card["examples"], card["held_out_examples"]) == (80, 10)
    finetune(base, own, folder=tmp_path / "b", epochs=1, held_out=0)
    assert json.loads((tmp_path / "b" / "card.json").read_text())["losses"][1]["held_out"] is None
    with pytest.raises(RefusedError, match="1 of 41 examples are posts"):
        finetune(base, frames.examples(pl.concat([own.head(1), general])), folder=tmp_path / "c", epochs=1)


def test_long_replies_are_cut_and_counted_and_long_prompts_refused(base: Local, tmp_path: Path) -> None:
    long = taught({"red": [*said("red", 9, 0), " ".join(["w1"] * 99)]})
    finetune(base, long, folder=tmp_path / "a", epochs=1)
    assert json.loads((tmp_path / "a" / "card.json").read_text())["replies_cut"] == 1
    wordy = frames.examples(long.with_columns(prompt=pl.lit("go on " * 40)))
    with pytest.raises(ModelError, match="a prompt of 84 tokens leaves no room for a reply in 64"):
        finetune(base, wordy, folder=tmp_path / "b", epochs=1)


def test_faults_are_named(base: Local, examples: Examples, tmp_path: Path) -> None:
    few = frames.examples(pl.concat([examples, taught({"red": ["w1"]}).with_columns(community=pl.lit("lonely"))]))
    with pytest.raises(RefusedError, match="'lonely' has 1"):
        finetune_each(base, few, folder=tmp_path)
    with pytest.raises(RefusedError, match="no examples at all"):
        finetune(base, frames.examples(examples.clear()), folder=tmp_path)
    with pytest.raises(UsageError, match=r"not 2 \(blue, red"):
        finetune(base, examples, folder=tmp_path)
    with pytest.raises(UsageError, match="lora_rank=0 is not .*; epochs=0 is not at least 1"):
        finetune_each(base, examples, folder=tmp_path, lora_rank=0, epochs=0)
    with pytest.raises(ModelError, match=r"community '(red|blue)': at step \d+ of \d+ the loss is"):
        finetune_each(base, examples, folder=tmp_path / "far", **FAST | {"rate": 1e30})
    assert not list((tmp_path / "far").rglob("card.json"))
    with pytest.raises(RefusedError, match="holds what 'blue' learnt, not 'red'"):
        each(lambda model, part: finetune(model, part, folder=tmp_path / "one", epochs=1), base, examples)

    class Scripted:
        name = "scripted/none"

    with pytest.raises(ModelError, match="scripted/none has no weights"):
        finetune_each(cast(Model, Scripted()), examples, folder=tmp_path)


def test_files_of_others_are_left_alone_and_older_ones_of_ours_never_mixed_in(
    base: Local, examples: Examples, tmp_path: Path
) -> None:
    red = frames.examples(examples.filter(community="red"))
    before = files(Path(base.folder))
    with pytest.raises(RefusedError, match="holds files that no fine-tuning made"):
        finetune(base, red, folder=Path(base.folder))
    assert files(Path(base.folder)) == before
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").touch()
    with pytest.raises(RefusedError, match="give 'red' an empty folder"):
        finetune(base, red, folder=tmp_path / "mine")
    # A folder that changes its method holds nothing of the other one afterwards.
    finetune(base, red, folder=tmp_path / "a", lora_rank=2, **FAST)
    finetune(base, red, folder=tmp_path / "a", **FAST)
    finetune(base, red, folder=tmp_path / "b", **FAST)
    assert files(tmp_path / "a") == files(tmp_path / "b")


@pytest.mark.slow
def test_killed_by_the_system_it_goes_on_to_the_same_bytes(base: Local, examples: Examples, tmp_path: Path) -> None:
    code = """
import os, signal, sys
import polars as pl
from sociolect import frames
from sociolect.align.finetune import finetune_each
from sociolect.models.local import local
base, table, folder, at = sys.argv[1:]
kill = lambda community, done, of: os.kill(os.getpid(), signal.SIGKILL) if f"{community}{done}" == at else None
finetune_each(local(base, name="scratch/test"), frames.examples(pl.read_parquet(table)), folder=folder, lora_rank=2,
    save_every=0, progress=kill, rate=1e-2, epochs=3, batch_tokens=256, warmup=2)
"""
    examples.write_parquet(tmp_path / "examples.parquet")
    for at, due in (("blue3", -signal.SIGKILL), ("red9", -signal.SIGKILL), ("never", 0)):
        told = [
            sys.executable,
            "-c",
            code,
            str(base.folder),
            str(tmp_path / "examples.parquet"),
            str(tmp_path / "cut"),
            at,
        ]
        assert subprocess.run(told, check=False).returncode == due
    finetune_each(base, examples, folder=tmp_path / "whole", lora_rank=2, **FAST)
    assert files(tmp_path / "cut") == files(tmp_path / "whole")


def test_in_context_keeps_to_the_context_of_real_weights(base: Local, examples: Examples) -> None:
    red = frames.examples(examples.filter(community="red"))
    model = in_context(base, red)
    assert isinstance(model, InContext)
    shown = model.shown(user(PROMPTS[0]), draw=1, spare=20)
    assert 30 < len(base.prompt_ids(shown)) <= 64 - 20
    assert model.generate([user(PROMPTS[0])] * 2, tokens=20) == model.generate([user(PROMPTS[0])] * 2, tokens=20)
    assert model.logprobs([user(PROMPTS[0])], [["w1 w2", "w2"]])[0][0] < 0


def test_names_that_meet_in_one_folder_do_not_collide(base: Local, tmp_path: Path) -> None:
    names = ["r/Keto", "r-keto", "R/keto", "../up", "", "con", "été"]
    rows = pl.concat(
        [taught({"red": said("red", 4, i)}).with_columns(community=pl.lit(n)) for i, n in enumerate(names)]
    )
    models = finetune_each(base, frames.examples(rows), folder=tmp_path / "in", epochs=1)
    made = sorted(f.name for f in (tmp_path / "in").iterdir())
    assert sorted(models) == sorted(names)
    assert len({name.lower() for name in made}) == len(names)
    assert [f.name for f in tmp_path.iterdir()] == ["in"]
    assert "con" not in made


def test_a_taught_model_can_be_taught_again(base: Local, examples: Examples, tmp_path: Path) -> None:
    red, blue = (frames.examples(examples.filter(community=c)) for c in ("red", "blue"))
    full = finetune(base, red, folder=tmp_path / "full", **FAST)
    lora = finetune(full, blue, folder=tmp_path / "lora", lora_rank=2, **FAST)
    again = local(tmp_path / "full", adapter=tmp_path / "lora")
    assert worth(again, said("blue", 9, 3)) == pytest.approx(worth(lora, said("blue", 9, 3)), abs=1e-5)
    with pytest.raises(ModelError, match="wears an adapter"):
        finetune(lora, red, folder=tmp_path / "third", lora_rank=2)
    merged = finetune(lora, red, folder=tmp_path / "merged", **FAST)
    assert worth(merged, said("red", 9, 3)) < worth(lora, said("red", 9, 3))


@pytest.mark.parametrize("kind", ["Mistral", "GPTNeoX"])
def test_other_architectures_learn_too(base: Local, examples: Examples, tmp_path: Path, kind: str) -> None:
    import torch
    import transformers

    sizes = {
        "vocab_size": 76, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
        "max_position_embeddings": 64, "bos_token_id": 1, "eos_token_id": 1, "pad_token_id": 1, "initializer_range": 0.3,
        # A window narrower than the posts: this one cannot be packed.
        **({"sliding_window": 6, "num_key_value_heads": 2} if kind == "Mistral" else {}),
    }  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = getattr(transformers, f"{kind}ForCausalLM")(getattr(transformers, f"{kind}Config")(**sizes))
    module.save_pretrained(tmp_path / "base")
    base.tokenizer.save_pretrained(tmp_path / "base")
    other = local(tmp_path / "base")
    red = frames.examples(examples.filter(community="red"))
    taught_ = finetune(other, red, folder=tmp_path / "taught", lora_rank=4, **FAST | {"epochs": 6})
    assert worth(taught_, said("red", 20, 9)) < worth(other, said("red", 20, 9)) - 0.3


def test_a_prompt_template_of_the_tokenizer_is_used(tmp_path: Path, examples: Examples) -> None:
    model = llama(tmp_path / "base")
    model.tokenizer.chat_template = "{% for m in messages %}user {{ m['content'] }} {% endfor %}assistant :"
    red = frames.examples(examples.filter(community="red"))
    made = finetune(model, red, folder=tmp_path / "red", epochs=1)
    assert made.prompt_ids(user("say it")) == model.prompt_ids(user("say it")) != []
