"""One model, one community, from the first step to the last; stopped anywhere, it goes on to the same bytes."""

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sociolect.align.gradients import gradients, losses
from sociolect.align.packing import Encoded, batches
from sociolect.errors import ModelError
from sociolect.models.memory import fitting
from sociolect.points import point
from sociolect.seeds import substream
from sociolect.settle import synced


@dataclass(frozen=True, slots=True)
class Plan:
    """How one training goes: what is said of it on the card."""

    lora_rank: int | None
    lora_alpha: float
    epochs: int
    rate: float
    batch_tokens: int
    warmup: int
    weight_decay: float
    clip: float
    held_out: float
    context: int
    seed: int

    def card(self) -> dict[str, Any]:
        return asdict(self)


def train(
    module: Any,
    learnt: Sequence[Encoded],
    held: Sequence[Encoded],
    plan: Plan,
    *,
    resume: Path,
    key: str,
    packing: bool = True,
    device: str = "cpu",
    dtype: str = "fp32",
    save_every: float = 60.0,
    each_step: Callable[[int, int], None] = lambda done, steps: None,
) -> list[dict[str, float | int | None]]:
    """Trains the module's learnable weights in place; out comes a row per epoch: epoch, rate, train, held_out.

    Losses are nats per reply token; row 0 is the model before. AdamW, linear warm-up, cosine down to 0 at the last step.
    The state is kept in `resume` every `save_every` seconds; a state made under another `key` is not taken up.
    Raises ModelError when the loss or the gradient is not finite, or where a GPU's memory does not hold one example.

    With `dtype="bf16"` matrices are multiplied in bfloat16 under autocast; what learns (every weight, or the adapter) and
    the optimiser's moments are kept in 32 bits, and so are the loss and its softmax. On a CPU the same seed gives the same
    bytes; on a GPU sums run in no fixed order, so the last digits of the weights differ from run to run.
    """
    import torch

    weights = {name: p for name, p in module.named_parameters() if p.requires_grad}
    adam = torch.optim.AdamW(
        weights.values(), lr=plan.rate, betas=(0.9, 0.999), weight_decay=plan.weight_decay, fused=True
    )
    order = [
        (epoch, batch, last)
        for epoch in range(1, plan.epochs + 1)
        for batches_ in [batches(learnt, plan.batch_tokens, substream(plan.seed, "order", epoch))]
        for batch, last in zip(batches_, [False] * (len(batches_) - 1) + [True], strict=True)
    ]
    warmup = min(plan.warmup, len(order) // 5)
    half = torch.autocast(torch.device(device).type, dtype=torch.bfloat16, enabled=dtype == "bf16")

    def measured(rows: Sequence[Encoded]) -> float | None:
        total, count = 0.0, 0
        with torch.no_grad(), half:
            for batch in batches(rows, plan.batch_tokens, substream(0, "held out")):
                for value, n in losses(module, [rows[i] for i in batch], packing=packing, device=device):
                    total, count = total + value * n, count + n
        return total / count if count else None

    done, total, count, history = _load(resume, key, weights, adam)
    if not history:
        history = [{"epoch": 0, "rate": None, "train": None, "held_out": measured(held)}]
    saved = time.monotonic()
    for step in range(done, len(order)):
        epoch, batch, last = order[step]
        rate = plan.rate * _schedule(step, len(order), warmup)
        for group in adam.param_groups:
            group["lr"] = rate
        seen, n = gradients(module, [learnt[i] for i in batch], packing=packing, device=device, half=half)
        norm = torch.nn.utils.clip_grad_norm_(weights.values(), plan.clip)
        if not (math.isfinite(seen) and math.isfinite(float(norm))):
            raise ModelError(
                f"at step {step + 1} of {len(order)} the loss is {seen} and the gradient {float(norm)}: training has run away "
                f"at rate {plan.rate:g}; lower the rate, or raise warmup"
            )
        with fitting("the optimiser's state", device):
            adam.step()
        adam.zero_grad(set_to_none=True)
        total, count = total + seen * n, count + n
        if last:
            history.append({"epoch": epoch, "rate": rate, "train": total / count, "held_out": measured(held)})
            total, count = 0.0, 0
        if time.monotonic() - saved >= save_every and step + 1 < len(order):
            state = {"step": step + 1, "total": total, "count": count, "history": history}
            _save(resume, key, weights, adam, state)
            saved = time.monotonic()
        each_step(step + 1, len(order))
    return history


def _schedule(step: int, steps: int, warmup: int) -> float:
    """The share of the peak rate at a step, from 0: up in a line, down along a cosine.

    >>> [round(_schedule(step, 10, 2), 3) for step in (0, 1, 2, 6, 9)]
    [0.5, 1.0, 1.0, 0.5, 0.038]
    """
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))


def _save(file: Path, key: str, weights: dict[str, Any], adam: Any, state: dict[str, Any]) -> None:
    from safetensors.torch import save_file

    tensors = {f"weight.{name}": p.detach() for name, p in weights.items()}
    for name, p in weights.items():
        tensors |= {f"{k}.{name}": adam.state[p][k] for k in ("exp_avg", "exp_avg_sq", "step")}
    note = {"key": key, "state": json.dumps(state)}
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part")
    point("checkpoint write")
    save_file({k: t.cpu().contiguous() for k, t in tensors.items()}, part, metadata=note)
    synced([part])
    point("checkpoint rename")
    part.replace(file)
    point("checkpoint renamed")


def _load(file: Path, key: str, weights: dict[str, Any], adam: Any) -> tuple[int, float, int, list[Any]]:
    """Where a stopped training stood; the very beginning where there is none, or it was another training, or it is torn."""
    import torch
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, "pt") as held:
            note = held.metadata() or {}
            if note.get("key") != key:
                return 0, 0.0, 0, []
            state = json.loads(note["state"])
            with torch.no_grad():
                for name, p in weights.items():
                    p.copy_(held.get_tensor(f"weight.{name}"))
                    moments = {k: held.get_tensor(f"{k}.{name}").to(p.device) for k in ("exp_avg", "exp_avg_sq")}
                    adam.state[p] = {"step": held.get_tensor(f"step.{name}").to(p.device), **moments}
    except (OSError, SafetensorError):
        return 0, 0.0, 0, []
    return int(state["step"]), float(state["total"]), int(state["count"]), list(state["history"])
