from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sociolect.align.lora import copied
from sociolect.align.packing import ATTENTION, Encoded, batches, can_pack, loss, packed

token = st.integers(0, 60)
prompts = st.sampled_from([(2, 3), (2, 4), (5, 6, 7, 8), (9,)])
rows = st.lists(
    st.builds(Encoded, prompts, st.lists(token, min_size=1, max_size=30).map(tuple)), min_size=1, max_size=12
)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def tiny(kind: str = "Llama", **changes: object) -> Any:
    import torch
    import transformers

    sizes = {
        "vocab_size": 80, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
        "num_key_value_heads": 2, "initializer_range": 0.5,
    }  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return getattr(transformers, f"{kind}ForCausalLM")(
            getattr(transformers, f"{kind}Config")(**sizes | changes)
        ).eval()


@pytest.fixture(scope="module")
def both() -> tuple[Any, Any]:
    """Two copies of a model: one that attends packed, one as transformers does."""
    plain, ours = (copied(tiny(), frozen=False) for _ in range(2))
    assert can_pack(ours, [Encoded((2, 3), (4, 5, 6)), Encoded((2,), (4,))], "cpu")
    assert ours.config._attn_implementation == ATTENTION
    assert plain.config._attn_implementation == "sdpa"
    return ours, plain


@settings(max_examples=20, deadline=None)
@given(rows=rows)
def test_packed_loss_and_gradient_equal_those_of_each_example_alone(both: tuple[Any, Any], rows: list[Encoded]) -> None:
    import torch

    ours, plain = both
    ours.zero_grad()
    plain.zero_grad()
    seen, n = loss(ours, rows, packing=True)
    due, count = 0.0, 0
    for row in rows:
        # The reference is transformers' own: no packing, no padding, labels of -100 on the prompt.
        ids = torch.tensor([[*row.prompt, *row.reply]])
        labels = torch.tensor([[-100] * len(row.prompt) + list(row.reply)])
        value = plain(input_ids=ids, labels=labels).loss * len(row.reply)
        value.backward()
        due, count = due + value.item(), count + len(row.reply)
    seen.backward()
    assert n == count
    assert seen.item() == pytest.approx(due / count, abs=1e-4)
    for (name, a), (_, b) in zip(ours.named_parameters(), plain.named_parameters(), strict=True):
        assert torch.allclose(a.grad * count, b.grad, atol=1e-4 * count), name
    padded, n = loss(plain, rows, packing=False)
    assert (padded.item(), n) == (pytest.approx(due / count, abs=1e-4), count)


@given(rows=rows)
def test_a_pack_holds_every_prompt_once_and_no_padding(rows: list[Encoded]) -> None:
    pack = packed(rows)
    shared = sum(map(len, {row.prompt for row in rows}))
    assert pack.ids.shape == (1, shared + sum(len(row.reply) - 1 for row in rows))
    assert sorted(pack.targets.tolist()) == sorted(t for row in rows for t in row.reply)
    flat = np.concatenate([gather.numpy().ravel() for gather in pack.gathers])
    assert (flat[pack.scatter.numpy()] == np.arange(pack.ids.shape[1])).all()


def test_a_prompt_teaches_nothing(both: tuple[Any, Any]) -> None:
    """With equal replies, the gradient of the output rows of prompt-only words is what softmax alone leaves, never a target's."""
    import torch

    ours, _ = both
    value, n = loss(ours, [Encoded((10, 11, 12), (20, 1))], packing=True)
    with torch.no_grad():
        pack = packed([Encoded((10, 11, 12), (20, 1))])
        logits = ours(input_ids=pack.ids, position_ids=pack.positions, packed=pack).logits[0]
    known = -(logits[2].log_softmax(-1)[20] + logits[3].log_softmax(-1)[1]) / 2
    assert n == 2
    assert value.item() == pytest.approx(known.item(), abs=1e-6)


def test_batches_hold_every_example_once_and_keep_to_their_tokens() -> None:
    rng = np.random.default_rng(0)
    examples = [Encoded((1,) * 5, (2,) * int(n)) for n in rng.integers(1, 60, 300)]
    made = batches(examples, 128, rng)
    assert sorted(i for batch in made for i in batch) == list(range(300))
    assert all(sum(examples[i].tokens for i in batch) <= 128 for batch in made)
    assert len(batches([Encoded((1,), (2,) * 500)] * 3, 128, rng)) == 3


@pytest.mark.parametrize(("kind", "changes", "packs"), [
    ("Llama", {}, True),
    ("Llama", {"num_key_value_heads": 4, "attention_bias": True}, True),
    ("Mistral", {"sliding_window": 64}, True),
    ("Mistral", {"sliding_window": 4}, False),
    ("Qwen3", {"head_dim": 16}, True),
    ("Gemma2", {"head_dim": 8, "attn_logit_softcapping": 0.5, "num_key_value_heads": 4}, False),
])  # fmt: skip
def test_a_model_that_attends_otherwise_is_found_out(kind: str, changes: dict[str, object], packs: bool) -> None:
    module = tiny(kind, **changes)
    own = module.config._attn_implementation
    assert can_pack(module, [Encoded((2, 3), tuple(range(20, 60))), Encoded((2,), (4,))], "cpu") == packs
    assert module.config._attn_implementation == (ATTENTION if packs else own)
