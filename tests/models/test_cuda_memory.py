"""Memory that runs out: the same words and weights in parts, what fitted is remembered, one line where nothing fits.

There is no GPU here: a hook on the model raises what torch raises on one, above so many tokens.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from sociolect.errors import ModelError
from sociolect.models import memory
from sociolect.models.decode import continue_, weigh

# torch's own words, out of c10/cuda/CUDACachingAllocator.cpp
FULL = (
    "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 8.00 GiB of which 1.50 GiB is free. "
    "Including non-PyTorch memory, this process has 6.50 GiB memory in use."
)
ENDS = (3, 9, 17, 31)
Limited = Callable[[int], list[int]]


@pytest.fixture(scope="module")
def module() -> Any:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=60, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, initializer_range=0.3, eos_token_id=3, bos_token_id=None,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return LlamaForCausalLM(config).eval()


@pytest.fixture
def limited(module: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Limited]:
    """A call that lets the model read so many rows at once and no more; out comes a list of how many it was given."""
    import torch

    monkeypatch.setattr(memory, "_HOLDS", {})
    handles = []

    def limit(most: int) -> list[int]:
        seen: list[int] = []

        def hook(_: Any, args: Any, kwargs: Any) -> None:
            seen.append(len(kwargs["input_ids"]))
            if seen[-1] > most:
                raise torch.OutOfMemoryError(FULL)

        handles.append(module.register_forward_pre_hook(hook, with_kwargs=True))
        return seen

    yield limit
    for handle in handles:
        handle.remove()


def prompts(count: int) -> list[list[int]]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 60, n).tolist() for n in sorted(rng.integers(2, 12, count))]


def words(module: Any, temperature: float, count: int = 12) -> list[list[int]]:
    import torch

    with torch.inference_mode():
        return continue_(
            module, prompts(count), range(count), [5 + i for i in range(count)], ends=ENDS, pad=0,
            temperature=temperature, top_p=0.95, top_k=None,
        )  # fmt: skip


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_texts_are_the_same_in_parts(module: Any, limited: Limited, temperature: float) -> None:
    due = words(module, temperature)
    assert len({len(ids) for ids in due}) > 3, "rows that all end alike would hide a mix-up"
    seen = limited(3)
    assert words(module, temperature) == due
    assert max(seen) == 12


def test_what_fitted_is_tried_once(module: Any, limited: Limited) -> None:
    seen = limited(3)
    words(module, 0.0)
    tries = sum(rows > 3 for rows in seen)
    assert tries >= 2, "12 rows, then 6 or so: halved more than once"
    seen.clear()
    words(module, 0.0)
    assert max(seen) <= 3
    assert len(memory._HOLDS) == 1


def test_weights_of_options_are_the_same_in_parts(module: Any, limited: Limited) -> None:
    options = [[[5, 6, 3], [7, 3]], [[8, 3]], [[5, 3], [9, 9, 3], [4, 3]], [[6, 7, 3]]]
    due = weigh(module, prompts(4), options, pad=0)
    seen = limited(3)
    found = weigh(module, prompts(4), options, pad=0)
    assert [len(row) for row in found] == [2, 1, 3, 1]
    assert max(seen) > 3
    np.testing.assert_allclose(np.concatenate(found), np.concatenate(due), rtol=1e-5)


def test_a_row_that_does_not_fit_is_one_line_with_what_was_due(module: Any, limited: Limited) -> None:
    limited(0)
    with pytest.raises(ModelError) as error:
        words(module, 0.0)
    said = str(error.value)
    size = sum(p.numel() * 4 for p in module.parameters()) / 1024
    assert "2.00 GiB more were due, 1.50 GiB of 8.00 GiB were free" in said
    assert "generation runs out of memory on cpu with a single row of 7 tokens" in said
    assert f"the weights take {size:.2f} KiB" in said
    assert "\n" not in said
    with pytest.raises(ModelError, match="weighing runs out of memory on cpu with a single row of 4 tokens"):
        weigh(module, [[1, 2]], [[[4, 3]]], pad=0)


def test_without_a_shortage_a_batch_is_read_whole(module: Any, limited: Limited) -> None:
    seen = limited(12)
    words(module, 1.0)
    assert seen[0] == 12
    assert memory._HOLDS == {}


def test_another_fault_is_not_taken_for_a_shortage(module: Any, limited: Limited) -> None:
    def hook(*_: Any) -> None:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    handle = module.register_forward_pre_hook(hook)
    try:
        with pytest.raises(RuntimeError, match="illegal memory access"):
            words(module, 0.0)
    finally:
        handle.remove()
    assert memory._HOLDS == {}


def test_what_must_fit_whole_is_one_line_where_it_does_not() -> None:
    import torch

    with pytest.raises(ModelError) as error, memory.fitting("the model", "cuda:1"):
        raise torch.OutOfMemoryError(FULL)
    assert str(error.value).startswith("the model does not fit on cuda:1: 2.00 GiB more were due, 1.50 GiB of 8.00 GiB")
    with pytest.raises(ModelError, match="on cuda: CUDA error: out of memory"), memory.fitting("the model", "cuda"):
        raise torch.OutOfMemoryError("CUDA error: out of memory. Compile with more.")
