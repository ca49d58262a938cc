"""A small language model trained on the spot, from nothing: tokenizer and transformer both learn from the examples."""

import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import polars as pl

from sociolect.errors import InputError, needs, unknown
from sociolect.frames import Examples
from sociolect.models.local import Local, local
from sociolect.models.model import user
from sociolect.models.pretraining import Corpus, train
from sociolect.models.quiet import lengths_held_here, no_bars
from sociolect.models.threads import patient_torch
from sociolect.models.weights import Weights
from sociolect.seeds import derive, substream

MARKS = ("<|end|>", "<|system|>", "<|user|>", "<|assistant|>")
TEMPLATE = (
    "{% for m in messages %}{{ '<|' + m['role'] + '|>' + m['content'] + '<|end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
HELD_OUT = 0.05  # share of the examples (of the people, where they are known) that only the held-out loss sees


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
    spread: float = 0.02  # standard deviation of the weights at the start; narrow layers learn sooner from larger ones


SIZES = {
    "micro": Size(32, 88, 2, 2, 64, 512, 240, 1e-2, 3, 0.1),  # a grammar of a few dozen words, not a language
    "tiny": Size(128, 352, 3, 4, 256, 1024, 1024, 3e-3, 3),
    "small": Size(256, 704, 4, 4, 512, 8000, 4096, 1.5e-3, 3),
}


def scratch(
    examples: Examples,
    folder: Path,
    *,
    size: str = "tiny",
    epochs: int | None = None,
    rate: float | None = None,
    context: int | None = None,
    replies_only: bool = False,
    threads: int = 2,
    seed: int = 0,
) -> Local:
    """A Llama-architecture model trained on the examples, written to `folder` as an ordinary Hugging Face model, and opened.

    The loss is over every token, prompt and reply, since a model that starts from nothing learns its language from both.
    Sequences of like length share a batch, so that nothing is padded away and no text sees another. A prompt too long for
    the context loses its beginning, never its reply; a reply too long for the context is set aside. Both are counted in
    `card.json`, beside sizes, seed and losses. The weights kept are those of the epoch with the lowest held-out loss.
    `context`, in tokens, is the size's own unless said. With `replies_only` the loss is over the replies alone: for prompts
    that are drawn at random, whose words nobody can foretell and whose loss would drown what is to be learnt.
    What a column `held_out` marks, else a twentieth of the people (of the examples), is never learnt from.
    The examples are sorted by content first: row order changes no byte.

    Raises UsageError for an unknown size, InputError where nothing can be learnt from.
    """
    try:
        torch = patient_torch()
        import transformers  # noqa: F401  # asked for here, so that the error is raised where the caller stands
    except ImportError as error:
        raise needs("scratch", "train") from error
    if size not in SIZES:
        raise unknown("size", size, SIZES)
    dial = SIZES[size]._replace(**({"context": context} if context else {}))
    by = [c for c in ("reply", "prompt", "community", "person", "held_out") if c in examples.columns]
    rows = examples.sort(by, nulls_last=True).select(by)
    if rows.height < 10:
        raise InputError(
            f"scratch has {rows.height} examples; a language wants 10 at the very least, thousands to be fluent"
        )
    tokenizer = _tokenizer([*rows["prompt"], *rows["reply"]], dial)
    marks = {"bos_token_id": None, "eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(seed, "scratch", "weights"))
        module = fresh(dial._replace(words=len(tokenizer)), **marks)
    model = Local(f"scratch/{size}", Weights(folder, known=module), tokenizer, threads=threads)
    corpus = _corpus(model, list(rows["prompt"]), list(rows["reply"]), dial.context)
    if len(corpus.sequences) < 10:
        raise InputError(
            f"{corpus.aside} of {rows.height} replies are longer than the {dial.context} tokens of {size!r}"
        )
    out = _held_out(rows, seed).to_list()
    held = {i for i, row in enumerate(corpus.rows) if out[row]}
    passes = epochs or dial.epochs
    losses = train(
        model,
        corpus,
        held,
        tokens=dial.batch,
        epochs=passes,
        rate=rate or dial.rate,
        replies_only=replies_only,
        seed=seed,
    )
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
        "replies_only": replies_only,
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
    return lengths_held_here(tokenizer)


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


def fresh(dial: Size, **marks: int | None) -> Any:
    """A transformer of this size that has learnt nothing, its weights drawn by torch's generator."""
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=dial.words,
        hidden_size=dial.hidden,
        intermediate_size=dial.inner,
        num_hidden_layers=dial.layers,
        num_attention_heads=dial.heads,
        num_key_value_heads=dial.heads,
        max_position_embeddings=dial.context,
        tie_word_embeddings=True,
        initializer_range=dial.spread,
        **marks,
    )
    return LlamaForCausalLM(config).float()


def _write(folder: Path, module: Any, tokenizer: Any, card: dict[str, Any]) -> None:
    """The folder, whole or not at all: its files are made beside it and moved in, the weights last."""
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as made, no_bars():
        module.save_pretrained(made, safe_serialization=True)
        tokenizer.save_pretrained(made)
        (Path(made) / "card.json").write_text(json.dumps(card, indent=1) + "\n")
        for file in sorted(Path(made).iterdir(), key=lambda f: f.suffix == ".safetensors"):
            file.replace(folder / file.name)
