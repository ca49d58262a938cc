"""Devices and attention: what is not here is refused in one line, and no kernel is taken that says something else.

FlashAttention wants a GPU. What stands in for it here follows its documented meaning (flash_attn_varlen_func: each
sequence by itself, the causal mask aligned to the bottom right), under transformers' own padding and unpadding.
"""

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from sociolect.errors import ModelError, UsageError
from sociolect.models.decode import weigh
from sociolect.models.device import checked, first, on_device

KIND = "varlen_stand_in"  # transformers looks for a package of its own behind a name with flash in it


def llama(**changes: object) -> Any:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    sizes = {
        "vocab_size": 60, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
        "num_key_value_heads": 2, "initializer_range": 0.5,
    }  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return LlamaForCausalLM(LlamaConfig(**sizes | changes)).eval()


def attended(q: Any, k: Any, v: Any, softmax_scale: float | None = None, causal: bool = False, **_: Any) -> Any:
    """Attention by its formula: one sequence, length x heads x width; the last query sees the last key."""
    import torch

    k, v = (part.repeat_interleave(q.shape[1] // k.shape[1], 1) for part in (k, v))
    scores = torch.einsum("qhd,khd->hqk", q, k) * (softmax_scale or q.shape[-1] ** -0.5)
    if causal:
        ahead = torch.arange(len(k))[None] > torch.arange(len(q))[:, None] + len(k) - len(q)
        scores = scores.masked_fill(ahead, float("-inf"))
    return torch.einsum("hqk,khd->qhd", scores.softmax(-1), v)


@pytest.fixture
def flash(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The stand-in under its name; out comes a list of how many sequences each call of the padded kind had."""
    import torch
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers import modeling_flash_attention_utils as utils
    from transformers.integrations.flash_attention import flash_attention_forward
    from transformers.masking_utils import flash_attention_mask

    seen: list[int] = []

    def alike(q: Any, k: Any, v: Any, **said: Any) -> Any:
        return torch.stack([attended(*one, **said) for one in zip(q, k, v, strict=True)])

    def varlen(q: Any, k: Any, v: Any, cu_seqlens_q: Any, cu_seqlens_k: Any, **said: Any) -> Any:
        at, to = (ends.tolist() for ends in (cu_seqlens_q, cu_seqlens_k))
        seen.append(len(at) - 1)
        return torch.cat(
            [
                attended(q[a:b], k[c:d], v[c:d], **said)
                for a, b, c, d in zip(at, at[1:], to, to[1:], strict=False)
            ]
        )  # fmt: skip

    def keywords(*, softmax_scale: float | None, is_causal: bool, query_length: int, **_: Any) -> dict[str, Any]:
        return {"softmax_scale": softmax_scale, "causal": is_causal and query_length != 1}

    kernels = ((alike, varlen, None, utils._pad_input, utils._unpad_input), (keywords, dict))
    monkeypatch.setattr(utils, "lazy_import_flash_attention", lambda *_, **__: kernels)
    AttentionInterface.register(KIND, flash_attention_forward)
    AttentionMaskInterface.register(KIND, flash_attention_mask)
    return seen


def test_padding_and_cache_are_read_by_flash_attention_as_each_text_alone(flash: list[int]) -> None:
    import torch

    module = on_device(llama(), "cpu", KIND)
    assert module.config._attn_implementation == KIND
    prompts, options = [[5, 6, 7, 8, 9, 11], [4], [7, 2, 1]], [[[8, 9, 3], [7]], [[9, 1]], [[3, 3, 3, 3]]]
    flash.clear()
    found = weigh(module, prompts, options, pad=0)
    assert max(flash) == 4, "the four options go on side by side, left-padded"
    plain = llama(attn_implementation="eager")
    for prompt, offered, got in zip(prompts, options, found, strict=True):
        for option, value in zip(offered, got, strict=True):
            with torch.inference_mode():
                logp = plain(input_ids=torch.tensor([prompt + option])).logits[0].log_softmax(-1)
            due = sum(float(logp[len(prompt) - 1 + i, word]) for i, word in enumerate(option))
            assert value == pytest.approx(due, rel=1e-4)


def test_an_attention_that_reads_padding_is_found_out(flash: list[int]) -> None:
    from transformers import AttentionInterface
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    # Registered without a mask of its own, so that padding is seen as words are.
    AttentionInterface.register("reads_padding", sdpa_attention_forward)
    module = llama()
    with pytest.raises(
        ModelError, match=r"cannot be had: its logits lie \d\.\d\d standard deviations from those of sdpa"
    ):
        on_device(module, "cpu", "reads_padding")
    assert module.config._attn_implementation == "sdpa"
    first(module, ["flash_attention_9", "reads_padding", KIND, "eager"])
    assert module.config._attn_implementation == KIND


def test_what_is_not_installed_is_said_and_leaves_the_model_as_it_was() -> None:
    if importlib.util.find_spec("flash_attn"):
        pytest.skip("flash_attn is installed here")
    module = llama()
    with pytest.raises(ModelError, match="attention='flash_attention_2' cannot be had: .*; take attention='sdpa'"):
        on_device(module, "cpu", "flash_attention_2")
    assert module.config._attn_implementation == "sdpa"
    assert on_device(module, "cpu").config._attn_implementation == "sdpa"


def test_a_device_or_attention_that_is_none_is_named_with_all_others(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    with pytest.raises(UsageError) as error:
        checked("cuda:x", "fp32", "flash")
    assert "device is 'cuda:x'; due is cpu, cuda or cuda:<number>" in str(error.value)
    assert "attention is 'flash'; due is one of eager, sdpa" in str(error.value)
    for device in ("cuda:", "cpu:0", "mps", ""):
        with pytest.raises(UsageError, match="due is cpu, cuda or cuda:<number>"):
            checked(device, "fp32", None)
    for device, dtype in (("cpu", "bf16"), ("cuda", "fp32")):
        with pytest.raises(UsageError, match="wants device='cuda' and dtype='bf16'"):
            checked(device, dtype, "flash_attention_2")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ModelError, match="device is 'cuda', and torch sees no GPU"):
        checked("cuda", "bf16", None)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    checked("cuda:1", "bf16", "flash_attention_3")
    with pytest.raises(ModelError, match="device is 'cuda:2', and torch sees 2 GPUs, numbered from 0"):
        checked("cuda:2", "bf16", None)


def test_local_refuses_before_it_reads_anything(tmp_path: Path) -> None:
    from sociolect.models.local import local

    with pytest.raises(UsageError, match="device is 'tpu'"):
        local(tmp_path / "nothing", device="tpu")
    with pytest.raises(UsageError, match="attention is 'fast'"):
        local(tmp_path / "nothing", attention="fast")


def test_weights_that_do_not_fit_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    module = llama()

    def full(*_: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 500.00 MiB. GPU 0 has no more.")

    monkeypatch.setattr(module, "to", full)
    with pytest.raises(ModelError, match="the model does not fit on cuda: 500.00 MiB more were due"):
        on_device(module, "cuda")
