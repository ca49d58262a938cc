"""Fine-tune one base on six communities: tokens per second, beside TRL's SFTTrainer with the same model, data and batch tokens.

`python benchmarks/finetuning.py [--json] [--lora RANK] [--rounds 5] [--posts 60] [--words 8192] [--hidden 256]`

Both sides see the same token ids, the loss on the reply alone, AdamW, cosine, clipping at 1, and as many tokens to a step.
A token counts once per epoch on both sides; padding counts on neither. TRL packs (best fit, no padding), checks and saves and
reports nothing, and its clock runs in `train()` alone, one community after another on all cores. Ours runs over the whole
call, with tokenizing, saving and reading back. The third row is TRL without packing, in padded batches of as many tokens; the
ratio is to the faster of the two. Due: at least 1.5, medians of 5.
"""

import argparse
import contextlib
import io
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl

from sociolect import frames
from sociolect.align.finetune import finetune_each
from sociolect.align.templates import render, templates
from sociolect.frames import Examples
from sociolect.models.local import Local, local
from sociolect.models.model import user
from sociolect.seeds import substream

COMMUNITIES = 6


def base(folder: Path, words: int, hidden: int, layers: int) -> Local:
    """An untrained Llama with a byte-level vocabulary of that many words, as a folder opened."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    known = ["<unk>", "<end>", ":", ".", "?", ",", "'"]
    for row in templates().to_dicts():
        known += [w.strip(".,?:") for w in render(row).replace("'", " ' ").split()]
    known = list(dict.fromkeys([*known, "user", "assistant", *(f"w{i}" for i in range(words))]))[:words]
    raw = Tokenizer(models.WordLevel({w: i for i, w in enumerate(known)}, unk_token="<unk>"))
    raw.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(
        tokenizer_object=raw, unk_token="<unk>", eos_token="<end>", pad_token="<end>"
    ).save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=words, hidden_size=hidden, intermediate_size=hidden * 11 // 4, num_hidden_layers=layers,
        num_attention_heads=hidden // 64, num_key_value_heads=hidden // 64, max_position_embeddings=1024,
        tie_word_embeddings=True, bos_token_id=None, eos_token_id=1, pad_token_id=1,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    return local(folder, name="bench/llama")


def posts(words: int, each: int) -> Examples:
    """As many posts per community, 8 to 60 words of a community's own choice, under the twenty templates."""
    rng = substream(0, "benchmark", "finetuning")
    asked = [render(row) for row in templates().to_dicts()]
    rows = []
    for c in range(COMMUNITIES):
        own = rng.integers(200, words - 1, 400)
        for _ in range(each):
            said = rng.choice(own, size=int(min(60, 8 + rng.exponential(18))))
            rows.append((f"c{c}", asked[int(rng.integers(20))], " ".join(f"w{i}" for i in said)))
    return frames.examples(pl.DataFrame(rows, schema=["community", "prompt", "reply"], orient="row"))


def ours(model: Local, examples: Examples, folder: Path, knobs: dict[str, Any], workers: int) -> tuple[float, float]:
    """Seconds, and the mean training loss of the last epoch."""
    began = time.perf_counter()
    finetune_each(
        model, examples, folder=folder, lora_rank=knobs["lora"], lora_alpha=16, epochs=knobs["epochs"], rate=1e-4,
        batch_tokens=knobs["batch"], warmup=0, held_out=0, workers=workers,
    )  # fmt: skip
    seconds = time.perf_counter() - began
    cards = [json.loads(file.read_text()) for file in folder.rglob("card.json")]
    return seconds, statistics.mean(card["losses"][-1]["train"] for card in cards)


def theirs(
    model: Local, examples: Examples, folder: Path, knobs: dict[str, Any], *, threads: int, packing: bool
) -> tuple[float, float]:
    """The same by TRL: seconds of `train()` summed over communities, and the mean training loss."""
    import torch
    from datasets import Dataset
    from transformers import AutoModelForCausalLM
    from trl import SFTConfig, SFTTrainer

    seconds, losses = 0.0, []
    torch.set_num_threads(threads)
    for _, part in sorted(examples.partition_by("community", as_dict=True).items()):
        rows = []
        for prompt, reply in part.select("prompt", "reply").iter_rows():
            head, tail = model.prompt_ids(user(prompt)), model.reply_ids(reply)
            rows.append({"input_ids": head + tail, "labels": [-100] * len(head) + tail})
        mean = sum(len(r["input_ids"]) for r in rows) / len(rows)
        config = SFTConfig(
            output_dir=str(folder), use_cpu=True, packing=packing, max_length=knobs["batch"] if packing else None,
            per_device_train_batch_size=1 if packing else max(1, round(knobs["batch"] / mean)),
            num_train_epochs=knobs["epochs"], learning_rate=1e-4, lr_scheduler_type="cosine", warmup_steps=0,
            max_grad_norm=1.0, weight_decay=0.0, eval_strategy="no", save_strategy="no", report_to="none",
            logging_strategy="no", disable_tqdm=True, gradient_checkpointing=False, bf16=False, fp16=False, seed=0,
            train_sampling_strategy="random" if packing else "group_by_length", dataloader_num_workers=0,
        )  # fmt: skip
        lora = None
        if knobs["lora"]:
            from peft import LoraConfig

            lora = LoraConfig(r=knobs["lora"], lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM")
        fresh = AutoModelForCausalLM.from_pretrained(str(model.folder), dtype=torch.float32)
        trainer = SFTTrainer(
            fresh,
            args=config,
            train_dataset=Dataset.from_list(rows),
            processing_class=model.tokenizer,
            peft_config=lora,
        )
        began = time.perf_counter()
        losses.append(trainer.train().training_loss)
        seconds += time.perf_counter() - began
    return seconds, statistics.mean(losses)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--lora", type=int, default=None)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--posts", type=int, default=60)
    parser.add_argument("--words", type=int, default=8192)
    parser.add_argument("--hidden", type=int, default=256)
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--batch", type=int, default=1024, help="tokens per step")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--cores", type=int, default=min(2, os.cpu_count() or 1), help="our workers, and TRL's threads")
    asked = parser.parse_args()
    try:
        import trl  # noqa: F401
        from transformers.utils import logging
    except ImportError as error:
        raise SystemExit(f"{error}: this benchmark needs TRL: pip install 'sociolect[bench]'") from None
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    import datasets

    datasets.disable_progress_bars()
    knobs = {"lora": asked.lora, "batch": asked.batch, "epochs": asked.epochs}
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        place = Path(folder)
        model = base(place / "base", asked.words, asked.hidden, asked.layers)
        examples = posts(asked.words, asked.posts)
        tokens = asked.epochs * sum(
            len(model.prompt_ids(user(p))) + len(model.reply_ids(r))
            for p, r in examples.select("prompt", "reply").iter_rows()
        )
        sides: dict[str, Callable[[Path], tuple[float, float]]] = {
            "sociolect": lambda at: ours(model, examples, at, knobs, asked.cores),
            "trl packed": lambda at: theirs(model, examples, at, knobs, threads=asked.cores, packing=True),
            "trl padded": lambda at: theirs(model, examples, at, knobs, threads=asked.cores, packing=False),
        }
        runs: dict[str, list[tuple[float, float]]] = {side: [] for side in sides}
        # Side after side in every round: whatever else the machine does meets all of them.
        for k in range(asked.rounds + 1):
            for side, run in sides.items():
                got = run(place / f"{side} {k}")
                # The first round warms up: it is not counted.
                runs[side] += [got] if k else []
    rates = {side: statistics.median(tokens / s for s, _ in some) for side, some in runs.items()}
    ratios = [min(b[0], c[0]) / a[0] for a, b, c in zip(*runs.values(), strict=True)]
    said = {
        "model": f"Llama, {sum(p.numel() for p in model.module.parameters()):,} weights, {asked.words} words, tied",
        "method": f"LoRA rank {asked.lora}" if asked.lora else "all weights",
        "communities": COMMUNITIES,
        "tokens": tokens,
        "batch_tokens": asked.batch,
        "cores": asked.cores,
        "trl": str(version("trl")),
        "tokens_per_second": {side: round(rate) for side, rate in rates.items()},
        "train_loss": {side: round(some[-1][1], 3) for side, some in runs.items()},
        "ratio": round(statistics.median(ratios), 2),
        "ratios": [round(r, 2) for r in ratios],
        "due": 1.5,
        "load": [round(x, 1) for x in os.getloadavg()],
    }
    print(json.dumps(said, indent=None if asked.json else 1))


if __name__ == "__main__":
    main()
