"""Training where memory runs out: the loss, the gradient and the weights of a step that fitted, from layers computed twice
and from parts. There is no GPU here: a hook on the model raises what torch raises on one, above so many tokens.
"""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sociolect.align import gradients as ours
from sociolect.align.checkpointing import recomputed
from sociolect.align.gradients import gradients, losses
from sociolect.align.lora import adapted, copied
from sociolect.align.packing import Encoded, can_pack, loss
from sociolect.align.training import Plan, train
from sociolect.errors import ModelError
from sociolect.models import memory

FULL = (
    "CUDA out of memory. Tried to allocate 3.00 GiB. GPU 0 has a total capacity of 8.00 GiB of which 1.00 GiB is free."
)
PLAN = Plan(None, 16, 2, 1e-2, 60, 1, 0.0, 1.0, 0.0, 64, 0)
Limit = Callable[[Any, int], list[int]]


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is known of what fits."""
    monkeypatch.setattr(memory, "_HOLDS", {})
    monkeypatch.setattr(ours, "_SHORT", set())


@pytest.fixture(scope="module")
def base() -> Iterator[Any]:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=60, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, initializer_range=0.3,
    )  # fmt: skip
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield LlamaForCausalLM(config).eval()
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def rows() -> list[Encoded]:
    """Twelve examples of 5 to 12 tokens, most of them of one prompt."""
    rng = np.random.default_rng(0)
    asks = [(5, 6, 7), (5, 6, 7), (8, 9)]
    return [Encoded(asks[i % 3], (*map(int, rng.integers(3, 60, rng.integers(2, 9))), 1)) for i in range(12)]


def learner(base: Any, rows: list[Encoded], *, packing: bool = True, rank: int | None = None) -> Any:
    source = copied(base, frozen=True)
    assert not packing or can_pack(source, rows, "cpu")
    if rank is None:
        return copied(source, frozen=False)
    module = adapted(source, rank=rank, alpha=8, seed=0)
    for weight in module.parameters():
        # at 0, as it begins, the up-projection would leave no gradient to the other half
        weight.data += 0.1 * weight.requires_grad
    return module


def limit(module: Any, most: int) -> list[int]:
    """The model takes so many tokens at once and no more; out comes a list of how many it was given."""
    import torch

    seen: list[int] = []

    def hook(_: Any, args: Any, kwargs: Any) -> None:
        seen.append(kwargs["input_ids"].numel())
        if seen[-1] > most:
            raise torch.OutOfMemoryError(FULL)

    module.register_forward_pre_hook(hook, with_kwargs=True)
    return seen


def found(module: Any, rows: list[Encoded], *, packing: bool = True, half: Any = None) -> tuple[float, dict[str, Any]]:
    """Loss and gradients by our step."""
    value, n = gradients(module, rows, packing=packing, device="cpu", half=half or nullcontext())
    assert n == sum(len(row.reply) for row in rows)
    return value, {name: p.grad for name, p in module.named_parameters() if p.requires_grad}


def whole(module: Any, rows: list[Encoded], *, packing: bool = True) -> tuple[float, dict[str, Any]]:
    """Loss and gradients of all rows in one backward pass, as torch makes them."""
    value, _ = loss(module, rows, packing=packing)
    value.backward()
    return float(value.detach()), {name: p.grad for name, p in module.named_parameters() if p.requires_grad}


@pytest.mark.parametrize("packing", [True, False])
@pytest.mark.parametrize("rank", [None, 2])
def test_layers_computed_again_leave_every_bit_of_the_gradient(
    base: Any, rows: list[Encoded], packing: bool, rank: int | None
) -> None:
    import torch

    due, grads = whole(learner(base, rows, packing=packing, rank=rank), rows, packing=packing)
    module, passes = learner(base, rows, packing=packing, rank=rank), []
    module.model.layers[0].mlp.register_forward_pre_hook(lambda *_: passes.append(1))
    assert recomputed(module)
    assert not recomputed(module), "it is done once"
    value, again = found(module, rows, packing=packing)
    assert len(passes) == 2, "once forward, once on the way back"
    assert value == due
    assert all(torch.equal(again[name], grads[name]) for name in grads)
    assert max(float(g.abs().max()) for g in grads.values()) > 1e-4


def test_without_a_shortage_a_step_is_one_pass_and_bit_for_bit_the_plain_one(base: Any, rows: list[Encoded]) -> None:
    import torch

    due, grads = whole(learner(base, rows), rows)
    module = learner(base, rows)
    seen = limit(module, 10**6)
    value, again = found(module, rows)
    assert len(seen) == 1
    assert value == due
    assert all(torch.equal(again[name], grads[name]) for name in grads)
    assert not ours._SHORT
    assert not memory._HOLDS


@pytest.mark.parametrize("packing", [True, False])
def test_parts_add_up_to_the_loss_and_gradient_of_the_whole(base: Any, rows: list[Encoded], packing: bool) -> None:
    due, grads = whole(learner(base, rows, packing=packing), rows, packing=packing)
    module = learner(base, rows, packing=packing)
    seen = limit(module, 30)
    value, again = found(module, rows, packing=packing)
    assert value == pytest.approx(due, rel=1e-6)
    for name, grad in grads.items():
        np.testing.assert_allclose(again[name], grad, rtol=1e-3, atol=1e-6 * float(grad.abs().max() + 1))
    short = [n for n in seen if n > 30]
    assert short[0] == short[1], "after the first shortage the same tokens are tried with layers computed again"
    assert short[-1] < short[1], "after the second they are halved"
    assert sum(n <= 30 for n in seen) >= 3

    seen.clear()
    module.zero_grad()
    found(module, rows, packing=packing)
    assert max(seen) <= 30, "what fitted is remembered"
    other = learner(base, rows, packing=packing)
    seen = limit(other, 30)
    found(other, rows, packing=packing)
    assert max(seen) <= 30, "also for the next community"
    assert not recomputed(other), "whose layers are computed again from its first step"


def test_a_gradient_that_was_half_made_is_thrown_away(base: Any, rows: list[Encoded]) -> None:
    import torch

    due, grads = whole(learner(base, rows), rows)
    module, times = learner(base, rows), []

    def once(_: Any) -> None:
        times.append(module.model.layers[1].mlp.down_proj.weight.grad is not None)
        if len(times) == 1:
            raise torch.OutOfMemoryError(FULL)

    module.model.layers[0].self_attn.q_proj.weight.register_hook(once)
    value, again = found(module, rows)
    assert times[0], "the later layer had its gradient when memory ran out"
    assert value == due
    assert all(torch.equal(again[name], grads[name]) for name in grads)


def test_bf16_keeps_weights_gradients_and_loss_in_32_bits(base: Any, rows: list[Encoded]) -> None:
    import torch

    due, grads = whole(learner(base, rows), rows)
    half = torch.autocast("cpu", dtype=torch.bfloat16)
    plain, module = learner(base, rows), learner(base, rows)
    value, first = found(plain, rows, half=half)
    recomputed(module)
    again = found(module, rows, half=half)
    assert 0 < abs(value - due) < 0.02 * due, "matrices are multiplied in 16 bits"
    assert again[0] == value
    assert all(grad.dtype == torch.float32 for grad in first.values())
    assert all(torch.equal(again[1][name], first[name]) for name in first)
    cosine = torch.nn.functional.cosine_similarity(
        *(torch.cat([g[n].flatten() for n in grads]) for g in (grads, first)), 0
    )
    assert float(cosine) > 0.99


def test_an_example_that_does_not_fit_is_one_line(base: Any, rows: list[Encoded]) -> None:
    module = learner(base, rows)
    limit(module, 1)
    with pytest.raises(ModelError) as error:
        found(module, rows)
    said = str(error.value)
    assert f"training runs out of memory on cpu with a single row of {rows[0].tokens} tokens" in said
    assert "3.00 GiB more were due, 1.00 GiB of 8.00 GiB were free" in said
    assert "\n" not in said
    assert all(p.grad is None for p in module.parameters())


def test_the_measured_loss_is_the_same_in_parts(base: Any, rows: list[Encoded]) -> None:
    import torch

    module = learner(base, rows)
    with torch.no_grad():
        ((due, count),) = losses(module, rows, packing=True, device="cpu")
        seen = limit(module, 30)
        parts = losses(module, rows, packing=True, device="cpu")
    assert len(parts) >= 3
    assert sum(n for _, n in parts) == count
    assert max(seen[1:]) < seen[0]
    assert sum(value * n for value, n in parts) / count == pytest.approx(due, rel=1e-6)


def trained(base: Any, rows: list[Encoded], folder: Path, most: int) -> tuple[list[Any], dict[str, Any], list[int]]:
    module = learner(base, rows)
    seen = limit(module, most)
    history = train(module, rows[:9], rows[9:], PLAN, resume=folder / "resume.safetensors", key="")
    return history, dict(module.named_parameters()), seen


def test_a_training_in_parts_ends_with_the_weights_of_one_that_fitted(
    base: Any, rows: list[Encoded], tmp_path: Path
) -> None:
    due, weights, _ = trained(base, rows, tmp_path, 10**6)
    history, again, seen = trained(base, rows, tmp_path, 25)
    assert sum(n > 25 for n in seen) >= 2
    assert [row["epoch"] for row in history] == [0, 1, 2]
    for one, other in zip(due, history, strict=True):
        assert other["held_out"] == pytest.approx(one["held_out"], rel=1e-4)
        assert one["train"] is None or other["train"] == pytest.approx(one["train"], rel=1e-4)
    moved = max(float((weights[n] - p).detach().abs().max()) for n, p in base.named_parameters())
    apart = max(float((weights[n] - again[n]).detach().abs().max()) for n in weights)
    assert moved > 1e-2
    # AdamW's first steps follow the sign of a gradient: where that is all but 0, rounding decides
    assert apart < 0.1 * moved


def test_the_optimisers_state_must_fit(
    base: Any, rows: list[Encoded], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    def full(*_: Any, **__: Any) -> None:
        raise torch.OutOfMemoryError(FULL)

    monkeypatch.setattr(torch.optim.AdamW, "step", full)
    with pytest.raises(ModelError, match="the optimiser's state does not fit on cpu: 3.00 GiB more were due"):
        trained(base, rows, tmp_path, 10**6)


def test_memory_that_runs_out_is_no_sign_that_a_model_cannot_be_packed(base: Any, rows: list[Encoded]) -> None:
    module = copied(base, frozen=True)
    limit(module, 12)
    with pytest.raises(
        ModelError, match="the trial of four examples in a pack does not fit on cpu: 3.00 GiB more were due"
    ):
        can_pack(module, rows, "cpu")
