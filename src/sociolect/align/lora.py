"""Low-rank adaptation: a frozen weight, and a small product beside it that learns. Hu et al. 2021, arXiv 2106.09685."""

import copy
import json
from pathlib import Path
from typing import Any

from sociolect.errors import ModelError
from sociolect.seeds import derive


def copied(module: Any, *, frozen: bool) -> Any:
    """A copy of a model to train; where its weights are frozen, they are shared with the original and take no memory."""
    import torch

    memo = {id(p): torch.nn.Parameter(p.data, requires_grad=False) for p in module.parameters()} if frozen else {}
    made = copy.deepcopy(module, memo)
    # Dropout stays off: the published runs have none, and random masks would tie the bytes to the order of threads.
    return made.eval() if frozen else made.eval().requires_grad_()


def adapted(module: Any, *, rank: int, alpha: float, seed: int) -> Any:
    """A copy of a model with a low-rank adapter on every linear layer but the output; only adapters learn.

    The down-projection starts uniform in +-1/sqrt(inputs), the up-projection at 0, as in PEFT: at first nothing changes.
    """
    import torch

    made = copied(module, frozen=True)
    head = made.get_output_embeddings()
    layers = {
        name: layer for name, layer in made.named_modules() if isinstance(layer, torch.nn.Linear) and layer is not head
    }
    if not layers:
        raise ModelError(
            f"{type(module).__name__} has no linear layer to adapt: use lora_rank=None, which trains every weight"
        )
    for name, layer in layers.items():
        draw = torch.Generator().manual_seed(derive(seed, "lora", name))
        down = (torch.rand(rank, layer.in_features, generator=draw) * 2 - 1) * layer.in_features**-0.5
        parent, _, leaf = name.rpartition(".")
        setattr(made.get_submodule(parent), leaf, _with_adapter(layer, down, alpha / rank))
    return made


def _with_adapter(layer: Any, down: Any, scale: float) -> Any:
    import torch
    from torch.nn.functional import linear

    class LowRank(torch.nn.Module):  # type: ignore[misc]  # torch is untyped here
        def __init__(self) -> None:
            super().__init__()
            self.layer = layer
            self.lora_A = torch.nn.Parameter(down.to(layer.weight.device))
            self.lora_B = torch.nn.Parameter(torch.zeros(layer.out_features, len(down), device=layer.weight.device))

        def forward(self, x: Any) -> Any:
            return self.layer(x) + linear(linear(x.to(self.lora_A.dtype), self.lora_A), self.lora_B * scale)

    return LowRank()


def write_adapter(module: Any, folder: Path, *, base: str, rank: int, alpha: float) -> None:
    """The adapter in a folder that PEFT opens: adapter_config.json and adapter_model.safetensors."""
    from safetensors.torch import save_file

    names = {name: p.detach().cpu().contiguous() for name, p in module.named_parameters() if p.requires_grad}
    # The order in which PEFT's loader looks for a weight: its own prefix, the layer, which half, `weight`.
    save_file({f"base_model.model.{name}.weight": p for name, p in names.items()}, folder / "adapter_model.safetensors")
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base,
        "r": rank,
        "lora_alpha": alpha,
        "lora_dropout": 0.0,
        "bias": "none",
        "fan_in_fan_out": False,
        "inference_mode": True,
        "target_modules": sorted({name.rsplit(".", 2)[-2] for name in names}),
    }
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=1, sort_keys=True) + "\n", encoding="utf-8")
