"""Where a local model runs and how it attends: CPU or CUDA, PyTorch's attention or FlashAttention."""

import re
from collections.abc import Iterable
from typing import Any

from sociolect.errors import ModelError, UsageError
from sociolect.models.memory import fitting
from sociolect.models.threads import patient_torch

ATTENTIONS = ("eager", "sdpa", "flash_attention_2", "flash_attention_3")
# Ours, of the logits' own spread: in small models rounding to bf16 made .01 to .07, padding that is read 1.1 and more.
AGREES = 0.3


def checked(device: str, dtype: str, attention: str | None) -> None:
    """Nothing, or an error for what this machine cannot do: UsageError for a word, ModelError for what is not there.

    Devices are `cpu`, `cuda` and `cuda:1`. FlashAttention wants CUDA and bf16.
    """
    torch = patient_torch()

    place, _, number = device.partition(":")
    faults = []
    if not re.fullmatch(r"cpu|cuda(:\d+)?", device):
        faults.append(f"device is {device!r}; due is cpu, cuda or cuda:<number>")
    if attention is not None and attention not in ATTENTIONS:
        faults.append(f"attention is {attention!r}; due is one of {', '.join(ATTENTIONS)}")
    if (attention or "").startswith("flash") and (place != "cuda" or dtype != "bf16"):
        faults.append(f"attention={attention!r} wants device='cuda' and dtype='bf16', not {device!r} and {dtype!r}")
    if faults:
        raise UsageError("; ".join(faults))
    if place == "cpu":
        return
    if not torch.cuda.is_available():
        built = f"is built for CUDA {torch.version.cuda}" if torch.version.cuda else "is built without CUDA"
        raise ModelError(
            f"device is {device!r}, and torch sees no GPU: torch {torch.__version__} {built}; install a build for CUDA and "
            "its driver, or take device='cpu'"
        )
    if number and int(number) >= torch.cuda.device_count():
        raise ModelError(
            f"device is {device!r}, and torch sees {torch.cuda.device_count()} GPUs, numbered from 0: "
            "look at CUDA_VISIBLE_DEVICES"
        )


def on_device(module: Any, device: str, attention: str | None = None) -> Any:
    """The module on the device, ready to be asked, attending as it was told to.

    Unless told, a model attends as transformers has it do: by PyTorch's `scaled_dot_product_attention`, which on CUDA
    picks the fastest kernel that takes its inputs. In bf16 on CUDA it is FlashAttention 3 or 2 where that package is
    installed and, on a small batch with padding and a cache, says what the model said before. `attention` asks for one.

    32-bit matrices are multiplied in 32 bits on CUDA too (TF32 stays off, as PyTorch has it): who asks for fp32 asks for
    its digits, and who wants speed takes bf16. Raises ModelError where the weights do not fit, or where what was asked
    for is not installed, not for this model, or says something else.
    """
    torch = patient_torch()

    with fitting("the model", device):
        module = module.to(device).eval()
    own = str(module.config._attn_implementation)
    if attention is not None:
        if attention != own and (fault := _set(module, attention)):
            raise ModelError(f"attention={attention!r} cannot be had: {fault}; take attention={own!r}")
    elif module.device.type == "cuda" and module.dtype == torch.bfloat16 and own == "sdpa":
        first(module, _installed())
    return module


def first(module: Any, kinds: Iterable[str]) -> None:
    """Sets the first of these kinds of attention that says what the model says; where none does, nothing changes."""
    for kind in kinds:
        if not _set(module, kind):
            return


def _installed() -> list[str]:
    """The kinds of FlashAttention that are installed here, the fastest first; nothing is fetched for it."""
    from transformers import utils

    found = [(n, getattr(utils, f"is_flash_attn_{n}_available", lambda: False)()) for n in (3, 2)]
    return [f"flash_attention_{n}" for n, there in found if there]


def _set(module: Any, kind: str) -> str | None:
    """What stands against attending that way, in a line; None where nothing does, and then the module attends so."""
    own = module.config._attn_implementation
    due = _said(module)
    fault = None
    try:
        module.set_attn_implementation(kind)
        apart = float((_said(module) - due).square().mean().sqrt() / due.std())
        if module.config._attn_implementation == own:
            fault = f"{type(module).__name__} does not let its attention be chosen"
        elif not apart <= AGREES:
            fault = f"its logits lie {apart:.2f} standard deviations from those of {own}"
    except (ImportError, ValueError, TypeError, RuntimeError, OSError) as error:
        fault = (str(error).strip().splitlines() or [type(error).__name__])[0]
    if fault:
        module.set_attn_implementation(own)
    return fault


def _said(module: Any) -> Any:
    """The logits after two prompts of unlike length, left-padded as in `decode`, at once and after two words more."""
    torch = patient_torch()

    from sociolect.models.decode import begin, read

    words = int(module.config.get_text_config(decoder=True).vocab_size)
    prompts = [[(7 * i + 3) % words for i in range(n)] for n in (5, 23)]
    with torch.inference_mode():
        past, mask, first = begin(module, prompts, 0)
        mask = torch.cat([mask, mask.new_ones(2, 2)], 1)
        ids = torch.tensor([[1 % words, 2 % words]] * 2, device=module.device)
        after = read(module, ids, mask, past, last=False)
    return torch.cat([first[:, None], after], 1).float()
