"""Generated tokens per second: `Local.generate` against transformers' own batched `generate`, on equal greedy text.

Same module (Llama, 14M random weights, fp32), same prompts (10 to 120 words), same batch of 64, same 2 threads, one process,
rounds taken in turn. Only tokens up to a row's end token count, for either side. Random weights seldom say one given end
token, so a set of them ends a reply; replies end at many lengths, as real ones do.

    python benchmarks/generation.py [rounds]
"""

import sys
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from sociolect.models.local import Local
from sociolect.models.model import Chat, user
from sociolect.models.scratch import SIZES, _tokenizer
from sociolect.models.threads import fixed_threads, patient_torch
from sociolect.models.weights import Weights

PROMPTS, TOKENS, BATCH, THREADS, ROUNDS = 128, 96, 64, 2, 5


def model(words: list[str]) -> Local:
    torch = patient_torch()
    import transformers

    tokenizer = _tokenizer([" ".join(words)] * 3, SIZES["small"]._replace(words=8000))
    tokenizer.padding_side = "left"
    config = transformers.LlamaConfig(
        vocab_size=8000,
        hidden_size=384,
        intermediate_size=1024,
        num_hidden_layers=6,
        num_attention_heads=6,
        num_key_value_heads=6,
        max_position_embeddings=512,
        tie_word_embeddings=False,
        initializer_range=0.06,
        bos_token_id=None,
        eos_token_id=[0, *range(4, 8000, 50)],
        pad_token_id=0,
    )
    torch.manual_seed(0)
    module = transformers.LlamaForCausalLM(config).eval()
    module.generation_config.eos_token_id = config.eos_token_id
    return Local("bench", Weights("", known=module), tokenizer, batch=BATCH, threads=THREADS)


def peer(ours: Local, chats: list[Chat]) -> tuple[list[str], int, list[int]]:
    """What transformers says, in the order given; how many tokens of it count; how long each reply is."""
    import torch

    said, lengths = [], []
    with fixed_threads(THREADS), torch.inference_mode():
        for start in range(0, len(chats), BATCH):
            told = [[{"role": m.role, "content": m.text} for m in chat] for chat in chats[start : start + BATCH]]
            texts = [ours.tokenizer.apply_chat_template(t, tokenize=False, add_generation_prompt=True) for t in told]
            batch = ours.tokenizer(texts, return_tensors="pt", padding=True, return_token_type_ids=False)
            out = ours.module.generate(
                **batch,
                max_new_tokens=TOKENS,
                do_sample=False,
                use_cache=True,
                eos_token_id=list(ours.ends),
                pad_token_id=0,
            )
            for row in out[:, batch["input_ids"].shape[1] :].tolist():
                end = next((i for i, t in enumerate(row) if t in ours.ends), None)
                ids = row if end is None else row[:end]
                lengths.append(len(ids) + (end is not None))
                said.append(str(ours.tokenizer.decode(ids, skip_special_tokens=True)).strip())
    return said, sum(lengths), lengths


def timed(call: Any) -> tuple[float, Any]:
    start = perf_counter()
    got = call()
    return perf_counter() - start, got


def main() -> None:
    rng = np.random.default_rng(0)
    words = ["".join(rng.choice(list("abcdefghijklmnopqrstuvwxyz"), size=rng.integers(2, 9))) for _ in range(6000)]
    ours = model(words)
    chats = [user(" ".join(rng.choice(words[:800], size=int(rng.integers(5, 60))))) for _ in range(PROMPTS)]
    by_length = sorted(chats, key=lambda c: len(ours.prompt_ids(c)))
    said, count, lengths = peer(ours, chats)
    same = sum(a == b for a, b in zip(ours.generate(chats, tokens=TOKENS, temperature=0), said, strict=True))
    sizes = [len(ours.prompt_ids(c)) for c in chats]
    print(f"prompts {min(sizes)}-{max(sizes)} tokens, replies {min(lengths)}-{max(lengths)}, median {median(lengths)}")
    print(f"same greedy text: {same} of {len(chats)}; tokens that count: {count}")
    takes: dict[str, list[float]] = {"ours": [], "transformers, as given": [], "transformers, sorted": []}
    for _ in range(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS):
        takes["ours"].append(timed(lambda: ours.generate(chats, tokens=TOKENS, temperature=0))[0])
        takes["transformers, as given"].append(timed(lambda: peer(ours, chats))[0])
        takes["transformers, sorted"].append(timed(lambda: peer(ours, by_length))[0])
    for name, seconds in takes.items():
        ratio = median(seconds) / median(takes["ours"])
        print(f"{name:24} {count / median(seconds):7.0f} tokens/s   ours is {ratio:.2f}x")


if __name__ == "__main__":
    main()
