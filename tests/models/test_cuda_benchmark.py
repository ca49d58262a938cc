"""The benchmark for GPUs runs; its count of operations is that of PyTorch's own counter."""

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sociolect.align.lora import copied
from sociolect.align.packing import Encoded, can_pack, loss


@pytest.fixture(scope="module")
def gpu() -> Any:
    file = Path(__file__).parents[2] / "benchmarks" / "gpu.py"
    spec = importlib.util.spec_from_file_location("gpu", file)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_it_runs_small_and_says_so_where_there_is_no_gpu(
    gpu: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    gpu.main(["--small"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines[2:]] == [
        "training, every weight", "training, LoRA of rank 8", "generation, 1 rows", "generation, 4 rows",
    ]  # fmt: skip
    assert "unknown card" in lines[1]
    assert all("tokens/s" in line and line.count("%") == 1 for line in lines[2:])
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    gpu.main([])
    assert capsys.readouterr().out == "no GPU here: not measured\n"


def test_operations_are_those_that_torch_counts_and_attention_that_of_the_paper(gpu: Any) -> None:
    from torch.utils.flop_counter import FlopCounterMode
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(**gpu.SMALL)
    source = LlamaForCausalLM(config).eval()
    words = np.random.default_rng(0).integers(0, 96, (3, 13)).tolist()
    rows = [Encoded(tuple(row[:4]), tuple(row[4:])) for row in words]
    assert can_pack(source, rows, "cpu")
    module = copied(source, frozen=False)
    with FlopCounterMode(display=False) as counter:
        loss(module, rows, packing=True)[0].backward()
    seen = sum(n for op, n in counter.get_flop_counts()["Global"].items() if "attention" not in str(op))
    lengths, kept = [12] * 3, 27
    # arXiv 2204.02311, appendix B: 12 layers * width * length a token; a causal mask leaves half of it
    attention = 12 * 2 * 32 * 12 * 36 / 2
    assert gpu.needed(config, lengths, kept, rank=None) == seen + attention
    adapters = 6 * 36 * 2 * 8 * (4 * 32 + 2 * (32 + 16) + 3 * (32 + 64))
    assert gpu.needed(config, lengths, kept, rank=8) == seen * 4 / 6 + attention + adapters


def test_a_llama_of_1b_has_its_weights_and_a_card_its_sheet(gpu: Any) -> None:
    # Llama-3.2-1B's model card: 1.23B parameters
    h, inner, words = 2048, 8192, 128256
    per_layer = 2 * h * h + 2 * h * 512 + 3 * h * inner + 2 * h
    weights = words * h + 16 * per_layer + h
    assert weights == 1_235_814_400
    from transformers import LlamaConfig

    config = LlamaConfig(**gpu.LLAMA)
    # 16 layers * 2 * 8 heads * 64 * 2 bytes = 32 KiB a token
    assert gpu.read(config, weights, 64, 192) == 2 * weights + 64 * 192 * 32768
    assert gpu.sheet("NVIDIA H100 80GB HBM3") == (989.5e12, 3.35e12)
    assert gpu.sheet("NVIDIA H200") == (989.5e12, 4.8e12)
    assert gpu.sheet("NVIDIA L4") == (121e12, 300e9)
    assert gpu.sheet("NVIDIA L40S") == (362.05e12, 864e9)
    assert gpu.sheet("NVIDIA RTX A4000") is None
