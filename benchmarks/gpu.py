"""Training and generation on a GPU: tokens per second of a 1B Llama with random weights, beside what the card can do.

`python benchmarks/gpu.py [--small]`

The configuration is that of Llama-3.2-1B (1.24 billion weights), in bf16; nothing is downloaded. Training runs through
`align.training.train`, every weight and LoRA of rank 8, in packed rows of 512 tokens, 16,384 to a step, the first steps left
out. Generation runs through `models.decode.continue_`, prompts of 128 tokens, the time of the first token taken off.

Two limits stand beside it: the card's data sheet (by its name; none for an unknown card), and a matrix product and a copy
measured here in the same minute. Training: the operations that the mathematics needs, per second, over those of the card
(model FLOPs utilisation: what is computed again for memory counts as nothing, Chowdhery et al. 2022, arXiv 2204.02311,
appendix B). Generation: the time that a step needs at least, reading weights and cache once and multiplying, over the time
it took. Where there is no GPU nothing is measured. `--small` runs the same code on the CPU with a model of a few thousand
weights, to see that it runs: its figures mean nothing.
"""

import argparse
import re
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from sociolect.align.checkpointing import recomputed
from sociolect.align.lora import adapted, copied
from sociolect.align.packing import Encoded, can_pack
from sociolect.align.training import Plan, train
from sociolect.models.decode import continue_
from sociolect.models.device import on_device
from sociolect.models.threads import patient_torch

# Dense bf16 TFLOP/s (half of what a sheet says "with sparsity") and GB/s, from NVIDIA's data sheets and, for GeForce, its
# architecture papers (GA102, Ada). The first name that is found counts.
SHEETS = {
    r"B200": (2250, 8000),
    r"H200 NVL": (835.5, 4800),
    r"H200": (989.5, 4800),
    r"H100 NVL": (835.5, 3900),
    r"H100 PCIe": (756, 2000),
    r"H100 80GB HBM3": (989.5, 3350),
    r"A100.*SXM.*80GB": (312, 2039),
    r"A100.*80GB PCIe": (312, 1935),
    r"A100.*40GB": (312, 1555),
    r"L40S": (362.05, 864),
    r"L4\b": (121, 300),
    r"A10\b": (125, 600),
    r"RTX 4090\b": (165.2, 1008),
    r"RTX 3090\b": (71, 936),
}
RANK = 8
LLAMA = {  # Llama-3.2-1B's config.json
    "vocab_size": 128256, "hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16,
    "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 64, "tie_word_embeddings": True,
    "max_position_embeddings": 4096,
}  # fmt: skip
SMALL = {
    "vocab_size": 96, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8, "tie_word_embeddings": True,
}  # fmt: skip


class Limit(NamedTuple):
    """What a card can do: floating point operations and bytes a second."""

    flops: float
    bytes: float


def sheet(name: str) -> Limit | None:
    """What the data sheet says of a card of that name; None for one that is not listed.

    >>> sheet("NVIDIA A100-SXM4-80GB"), sheet("NVIDIA A10G")
    (Limit(flops=312000000000000.0, bytes=2039000000000.0), None)
    """
    found = [Limit(tera * 1e12, giga * 1e9) for known, (tera, giga) in SHEETS.items() if re.search(known, name)]
    return found[0] if found else None


def needed(config: Any, lengths: Sequence[int], kept: int, *, rank: int | None) -> float:
    """The operations that one training step needs: rows of those lengths, of which `kept` tokens predict.

    A weight that learns takes 6 a token (2 forward, 4 back), a frozen one 4; causal attention 6 * length^2 * width a layer.
    """
    h, inner, layers = config.hidden_size, config.intermediate_size, config.num_hidden_layers
    width, keys = config.num_attention_heads * config.head_dim, config.num_key_value_heads * config.head_dim
    shapes = [(h, width), (h, keys), (h, keys), (width, h), (h, inner), (h, inner), (inner, h)]
    tokens, each = sum(lengths), 6 if rank is None else 4
    matrices = each * layers * sum(a * b for a, b in shapes) * tokens + each * config.vocab_size * h * kept
    adapters = 6 * layers * sum(rank * (a + b) for a, b in shapes) * tokens if rank else 0
    return float(matrices + adapters + 6 * layers * width * sum(n * n for n in lengths))


def read(config: Any, weights: int, rows: int, length: float) -> float:
    """The bytes that one step of generation reads at least, in bf16: every weight once, and the keys and values of each row."""
    cache = 2 * config.num_hidden_layers * config.num_key_value_heads * config.head_dim * length
    return float(2 * (weights + rows * cache))


def main(said: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true")
    small = parser.parse_args(said).small
    torch = patient_torch()
    if not (small or torch.cuda.is_available()):
        print("no GPU here: not measured")
        return
    from transformers import LlamaConfig, LlamaForCausalLM

    device = "cpu" if small else "cuda"
    name = "CPU, a model of no size" if small else torch.cuda.get_device_name()
    config = LlamaConfig(**(SMALL if small else LLAMA))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = on_device(LlamaForCausalLM(config).to(torch.bfloat16), device)
    weights, here, due = sum(p.numel() for p in module.parameters()), _measured(device, small), sheet(name)
    print(f"{name}; torch {torch.__version__}; attention {config._attn_implementation}; {weights:,} weights, bf16")
    print(f"  data sheet: {_limit(due)}; measured here: {_limit(here)}")
    for rank in (None, RANK):
        speed, work, memory, twice = _training(module, device, small, rank)
        ratios = _ratios({"sheet": due and work / due.flops, "matrix product": work / here.flops})
        what = "every weight" if rank is None else f"LoRA of rank {rank}"
        print(
            f"training, {what}: {speed:,.0f} tokens/s, {work / 1e12:,.1f} TFLOP/s, {memory / 2**30:.1f} GiB{twice}; {ratios}"
        )
    for rows in (1, 4) if small else (1, 64, 256):
        prompt, tokens = (8, 4) if small else (128, 128)
        took = _generation(module, rows, prompt, tokens)
        bytes_, flops = read(config, weights, rows, prompt + tokens / 2), 2.0 * weights * rows
        least = {
            word: one and max(bytes_ / one.bytes, flops / one.flops) / took
            for word, one in (("sheet", due), ("copy and matrix product", here))
        }
        print(f"generation, {rows} rows: {rows / took:,.0f} tokens/s, {took * 1e3:.2f} ms a step; {_ratios(least)}")


def _training(module: Any, device: str, small: bool, rank: int | None) -> tuple[float, float, float, str]:
    """Tokens a second, operations a second, the most memory that was taken, in bytes, and whether layers ran twice for it."""
    import torch

    rows, length, steps, warm = (4, 16, 4, 1) if small else (32, 512, 12, 4)
    words = np.random.default_rng(0).integers(0, module.config.vocab_size, (rows * steps, length + 1)).tolist()
    learnt = [Encoded(tuple(row[: length // 8]), tuple(row[length // 8 :])) for row in words]
    source = copied(module, frozen=True)
    packing = can_pack(source, learnt, device)
    taught = (
        copied(source, frozen=False).float() if rank is None else adapted(source, rank=rank, alpha=2.0 * rank, seed=0)
    )
    plan = Plan(rank, 16, 1, 1e-5, rows * (length + 1), 2, 0.0, 1.0, 0.0, length + 1, 0)
    stamps = []

    def each_step(done: int, of: int) -> None:
        if device != "cpu":
            torch.cuda.synchronize()
        stamps.append(time.perf_counter())

    if device != "cpu":
        torch.cuda.reset_peak_memory_stats()
    with tempfile.TemporaryDirectory() as folder:
        train(
            taught, learnt, [], plan, resume=Path(folder) / "resume.safetensors", key="", packing=packing, device=device,
            dtype="bf16", save_every=1e9, each_step=each_step,
        )  # fmt: skip
    took = (stamps[-1] - stamps[warm - 1]) / (len(stamps) - warm)
    # The last token of a row is never read: it predicts nothing.
    work = needed(module.config, [length] * rows, rows * (length + 1 - length // 8), rank=rank)
    memory = 0 if device == "cpu" else torch.cuda.max_memory_allocated()
    twice = "" if recomputed(taught) else " (gradient checkpointing)"
    return rows * length / took, work / took, memory, twice


def _generation(module: Any, rows: int, prompt: int, tokens: int) -> float:
    """Seconds a step of `rows` rows, prompts not counted: the lesser of two rounds."""
    import torch

    asked = np.random.default_rng(1).integers(0, module.config.vocab_size, (rows, prompt)).tolist()

    def run(n: int) -> float:
        begun = time.perf_counter()
        with torch.inference_mode():
            # continue_ brings every token to the CPU, so it ends when the GPU does
            continue_(module, asked, range(rows), [n] * rows, ends=(), pad=0, temperature=1.0, top_p=1.0, top_k=None)
        return time.perf_counter() - begun

    run(2)
    one, many = (min(run(n) for _ in range(2)) for n in (1, tokens))
    return max(many - one, 1e-9) / (tokens - 1)


def _measured(device: str, small: bool) -> Limit:
    """A product of two square matrices in bf16, and a copy (read and written), as fast as they go here."""
    import torch

    n, size = (64, 2**16) if small else (8192, 2**30)
    a, b = (torch.randn(n, n, device=device).to(torch.bfloat16) for _ in range(2))
    source = torch.zeros(size, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)

    def least(do: Any) -> float:
        took = []
        for _ in range(2 if small else 20):
            if device != "cpu":
                torch.cuda.synchronize()
            begun = time.perf_counter()
            do()
            if device != "cpu":
                torch.cuda.synchronize()
            took.append(time.perf_counter() - begun)
        return min(took)

    return Limit(2 * n**3 / least(lambda: a @ b), 2 * size / least(lambda: target.copy_(source)))


def _limit(one: Limit | None) -> str:
    return "unknown card" if one is None else f"{one.flops / 1e12:,.1f} TFLOP/s bf16, {one.bytes / 1e9:,.0f} GB/s"


def _ratios(found: dict[str, float | None]) -> str:
    return ", ".join(f"{100 * share:.1f}% of the {word}" for word, share in found.items() if share is not None)


if __name__ == "__main__":
    main()
