"""A small language model trained on the spot, from nothing: tokenizer and transformer both learn from the examples."""

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from sociolect.errors import InputError, needs, unknown
from sociolect.frames import Examples
from sociolect.models.local import Local, local
from sociolect.models.model import user
from sociolect.models.quiet import no_bars
from sociolect.models.threads import fixed_threads, patient_torch
from sociolect.seeds import derive, substream

MARKS = ("<|end|>", "<|system|>", "<|user|>", "<|assistant|>")
TEMPLATE = (
    "{% for m in messages %}{{ '<|' + m['role'] + '|>' + m['content'] + '<|end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
HELD_OUT = 0.05  # share of the examples (of the people, where they are known) that only the held-out loss sees
UNSEEN = -100  # the label torch's cross-entropy leaves out


class Size(NamedTuple):
    """What one word of the `size` dial stands for; `batch` is tokens per step, `rate` the peak learning rate."""

    hidden: int
    inner: int
    layers: int
    heads: int
    context: int
    words: int
    batch: int
    rate: float
    epochs: int


SIZES = {
    "tiny": Size(128, 352, 3, 4, 256, 1024, 1024, 3e-3, 3),
    "small": Size(256, 704, 4, 4, 512, 8000, 4096, 1.5e-3, 3),
}


class Corpus(NamedTuple):
    """Each example as tokens, its row, where its reply starts, how many prompts were cut and replies set aside."""

    sequences: list[list[int]]
    rows: list[int]
    starts: list[int]
    cut: int
    aside: int


def scratch(
    examples: Examples,
    folder: Path,
    *,
    size: str = "tiny",
    epochs: int | None = None,
    rate: float | None = None,
    threads: int = 2,
    seed: int = 0,
) -> Local:
    """A Llama-architecture model trained on the examples, written to `folder` as an ordinary Hugging Face model, and opened.

    The loss is over every token, prompt and reply, since a model that starts from nothing learns its language from both.
    Sequences of like length share a batch, so that nothing is padded away and no text sees another. A prompt too long for
    the context loses its beginning, never its reply; a reply too long for the context is set aside. Both are counted in
    `card.json`, beside sizes, seed and losses. The weights kept are those of the epoch with the lowest held-out loss.
    What a column `held_out` marks, else a twentieth of the people (of the examples), is never learnt from.
    The examples are sorted by content first: row order changes no byte.

    Raises UsageError for an unknown size, InputError where nothing can be learnt from.
    """
    try:
        torch = patient_torch()
        import transformers
    except ImportError as error:
        raise needs("scratch", "train") from error
    if size not in SIZES:
        raise unknown("size", size, SIZES)
    dial = SIZES[size]
    by = [c for c in ("reply", "prompt", "community", "person", "held_out") if c in examples.columns]
    rows = examples.sort(by, nulls_last=True).select(by)
    if rows.height < 10:
        raise InputError(
            f"scratch has {rows.height} examples; a language wants 10 at the very least, thousands to be fluent"
        )
    tokenizer = _tokenizer([*rows["prompt"], *rows["reply"]], dial)
    config = transformers.LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=dial.hidden,
        intermediate_size=dial.inner,
        num_hidden_layers=dial.layers,
        num_attention_heads=dial.heads,
        num_key_value_heads=dial.heads,
        max_position_embeddings=dial.context,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(seed, "scratch", "weights"))
        module = transformers.LlamaForCausalLM(config).float()
    model = Local(f"scratch/{size}", folder, module, tokenizer, threads=threads)
    corpus = _corpus(model, list(rows["prompt"]), list(rows["reply"]), dial.context)
    if len(corpus.sequences) < 10:
        raise InputError(
            f"{corpus.aside} of {rows.height} replies are longer than the {dial.context} tokens of {size!r}"
        )
    out = _held_out(rows, seed).to_list()
    held = {i for i, row in enumerate(corpus.rows) if out[row]}
    passes = epochs or dial.epochs
    losses = _train(model, corpus, held, dial, epochs=passes, rate=rate or dial.rate, seed=seed)
    card = {
        "model": f"scratch/{size}",
        "weights": sum(p.numel() for p in module.parameters()),
        "words": len(tokenizer),
        "context": dial.context,
        "examples": rows.height,
        "held_out": len(held),
        "tokens": sum(map(len, corpus.sequences)),
        "prompts_cut": corpus.cut,
        "replies_set_aside": corpus.aside,
        "epochs": passes,
        "rate": rate or dial.rate,
        "batch_tokens": dial.batch,
        "threads": threads,
        "seed": seed,
        "losses": losses,
    }
    _write(folder, module, tokenizer, card)
    return local(folder, threads=threads, name=f"scratch/{size}")


def _tokenizer(texts: Sequence[str], dial: Size) -> Any:
    """A byte-level byte-pair tokenizer of these texts, with a chat template and the marks of the roles."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=dial.words,
        special_tokens=list(MARKS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    raw.train_from_iterator(texts, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw,
        eos_token=MARKS[0],
        pad_token=MARKS[0],
        additional_special_tokens=list(MARKS[1:]),
        model_max_length=dial.context,
    )
    tokenizer.chat_template = TEMPLATE
    return tokenizer


def _corpus(model: Local, prompts: list[str], replies: list[str], context: int) -> Corpus:
    """The examples as tokens that fit the context."""
    heads = {p: model.prompt_ids(user(p)) for p in dict.fromkeys(prompts)}
    sequences, rows, starts, cut, aside = [], [], [], 0, 0
    for row, (prompt, reply) in enumerate(zip(prompts, replies, strict=True)):
        head, tail = heads[prompt], model.reply_ids(reply)
        room = context - len(tail)
        if room < 4:
            aside += 1
            continue
        if len(head) > room:
            cut += 1
            head = [head[0], *head[len(head) - room + 1 :]]
        sequences.append([*head, *tail])
        starts.append(len(head))
        rows.append(row)
    return Corpus(sequences, rows, starts, cut, aside)


def _held_out(examples: pl.DataFrame, seed: int) -> pl.Series:
    """Which examples are never learnt from: those marked `held_out`, else whole people, else examples."""
    if "held_out" in examples.columns:
        return examples["held_out"]
    by_person = "person" in examples.columns and examples["person"].n_unique() > 20
    units = examples["person"].fill_null("") if by_person else pl.int_range(examples.height, eager=True)
    names = units.unique().sort()
    taken = substream(seed, "scratch", "held out").permutation(len(names))[: max(1, round(HELD_OUT * len(names)))]
    return units.is_in(names.gather(taken).implode())


def _batches(
    which: Sequence[int], lengths: Sequence[int], tokens: int, rng: np.random.Generator
) -> Iterator[list[int]]:
    """Batches of about so many tokens, each of like lengths; which like lengths meet, and the order, are random."""
    jitter = rng.random(len(which))
    order = [which[k] for k in sorted(range(len(which)), key=lambda k: (lengths[which[k]], jitter[k]))]
    groups: list[list[int]] = [[]]
    for i in order:
        if groups[-1] and (len(groups[-1]) + 1) * lengths[i] > tokens:
            groups.append([])
        groups[-1].append(i)
    for g in rng.permutation(len(groups)):
        yield groups[g]


def _tensors(rows: list[list[int]], starts: list[int] | None) -> tuple[Any, Any]:
    """Right-padded inputs and labels. Causal attention looks left alone, so padding needs no mask."""
    import torch

    width = max(map(len, rows))
    ids = torch.tensor([r + [0] * (width - len(r)) for r in rows])
    labels = torch.tensor([r + [UNSEEN] * (width - len(r)) for r in rows])
    for i, start in enumerate(starts or []):
        labels[i, :start] = UNSEEN
    return ids, labels


def _train(
    model: Local, corpus: Corpus, held: set[int], dial: Size, *, epochs: int, rate: float, seed: int
) -> list[dict[str, float]]:
    """Losses per epoch, in nats per token: of everything learnt, and of the replies held out; the best weights stay."""
    import torch

    module, rng = model.module, substream(seed, "scratch", "order")
    sequences = corpus.sequences
    lengths = [len(s) for s in sequences]
    learnt = [i for i in range(len(sequences)) if i not in held]
    plan = [list(_batches(learnt, lengths, dial.batch, rng)) for _ in range(epochs)]
    steps, warm = sum(map(len, plan)), max(1, sum(map(len, plan)) // 20)
    decayed = [p for p in module.parameters() if p.ndim > 1]
    rest = [p for p in module.parameters() if p.ndim == 1]
    groups = [{"params": decayed, "weight_decay": 0.1}, {"params": rest, "weight_decay": 0.0}]
    adam = torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.95), fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        adam, lambda s: min((s + 1) / warm, 0.1 + 0.45 * (1 + float(np.cos(np.pi * min(1, s / steps)))))
    )
    best, losses = None, []
    weights = list(module.parameters())

    def gradients(rows: list[int]) -> tuple[float, int, Sequence[Any]]:
        ids, labels = _tensors([sequences[i] for i in rows], None)
        loss = _loss(module, ids, labels, "sum")
        return float(loss.detach()), int((labels[:, 1:] != UNSEEN).sum()), torch.autograd.grad(loss, weights)

    # The rows of a batch are dealt to the threads, one torch thread each: operations this small gain little from two.
    one_each = {"initializer": torch.set_num_threads, "initargs": (1,)}
    with fixed_threads(1), ThreadPoolExecutor(model.threads, **one_each) as pool:
        for epoch, batches in enumerate(plan, 1):
            module.train()
            total, count = 0.0, 0
            for rows in batches:
                dealt = [part for k in range(model.threads) if (part := rows[k :: model.threads])]
                found = list(pool.map(gradients, dealt))
                words = sum(n for _, n, _ in found)
                for weight, *parts in zip(weights, *(g for *_, g in found), strict=True):
                    weight.grad = sum(parts[1:], parts[0]) / words
                torch.nn.utils.clip_grad_norm_(weights, 1.0)
                adam.step()
                schedule.step()
                total, count = total + sum(loss for loss, *_ in found), count + words
            module.eval()
            apart = _held_out_loss(module, corpus, sorted(held), dial.batch)
            losses.append({"epoch": epoch, "learnt": round(total / count, 4), "held_out_reply": round(apart, 4)})
            if best is None or apart < best[0]:
                best = (apart, {k: v.clone() for k, v in module.state_dict().items()})
    if best is not None:
        module.load_state_dict(best[1])
    return losses


def _loss(module: Any, ids: Any, labels: Any, reduction: str = "mean") -> Any:
    from torch.nn.functional import cross_entropy

    logits = module(input_ids=ids, use_cache=False).logits[:, :-1]
    return cross_entropy(logits.flatten(0, 1), labels[:, 1:].flatten(), ignore_index=UNSEEN, reduction=reduction)


def _held_out_loss(module: Any, corpus: Corpus, held: list[int], tokens: int) -> float:
    import torch

    total, count = 0.0, 0
    with torch.inference_mode():
        for rows in _batches(held, [len(s) for s in corpus.sequences], tokens, np.random.default_rng(0)):
            ids, labels = _tensors([corpus.sequences[i] for i in rows], [corpus.starts[i] for i in rows])
            total += float(_loss(module, ids, labels, "sum"))
            count += int((labels[:, 1:] != UNSEEN).sum())
    return total / count


def _write(folder: Path, module: Any, tokenizer: Any, card: dict[str, Any]) -> None:
    """The folder, whole or not at all: its files are made beside it and moved in, the weights last."""
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as made, no_bars():
        module.save_pretrained(made, safe_serialization=True)
        tokenizer.save_pretrained(made)
        (Path(made) / "card.json").write_text(json.dumps(card, indent=1) + "\n")
        for file in sorted(Path(made).iterdir(), key=lambda f: f.suffix == ".safetensors"):
            file.replace(folder / file.name)
