"""Many short examples as one long row of tokens: nothing is padded, nothing is read twice, and none sees another."""

from collections.abc import Iterator, Sequence
from math import fsum
from typing import Any, NamedTuple

import numpy as np

from sociolect.errors import ModelError
from sociolect.models.memory import fitting

ATTENTION = "sociolect_packed"


class Encoded(NamedTuple):
    """An example as token ids; the reply ends with the end token."""

    prompt: tuple[int, ...]
    reply: tuple[int, ...]

    @property
    def tokens(self) -> int:
        return len(self.prompt) + len(self.reply)


class Pack(NamedTuple):
    """Examples side by side: T tokens, of which K predict a token of a reply.

    A prompt that several examples share stands once; the replies to it all look back at that one. `gathers` puts every
    example's tokens into rows of like length (a row of indices per example), `scatter` brings them back into T.
    """

    ids: Any  # (1, T)
    positions: Any  # (1, T), from 0 in every example
    gathers: tuple[Any, ...]  # each (examples, length)
    scatter: Any  # (T,)
    keep: Any  # (K,), where a reply's token is predicted
    targets: Any  # (K,), which token it is


def batches(rows: Sequence[Encoded], tokens: int, rng: np.random.Generator) -> list[list[int]]:
    """Which examples go together: a random order, cut before a batch would exceed that many tokens.

    >>> rows = [Encoded((1,), (2, 3))] * 5
    >>> [len(batch) for batch in batches(rows, 6, np.random.default_rng(0))]
    [2, 2, 1]
    """
    out: list[list[int]] = []
    size = 0
    for i in map(int, rng.permutation(len(rows))):
        size += rows[i].tokens
        if not out or size > tokens:
            out.append([])
            size = rows[i].tokens
        out[-1].append(i)
    return out


def packed(rows: Sequence[Encoded], device: str = "cpu") -> Pack:
    """The examples as one pack, on a device.

    >>> pack = packed([Encoded((1, 2), (3, 9)), Encoded((1, 2), (4, 5, 9))])
    >>> pack.ids.tolist(), pack.positions.tolist()
    ([[1, 2, 3, 4, 5]], [[0, 1, 2, 2, 3]])
    >>> pack.keep.tolist(), pack.targets.tolist()
    ([1, 2, 1, 3, 4], [3, 9, 4, 5, 9])
    """
    import torch

    ids: list[int] = []
    positions: list[int] = []
    keep: list[int] = []
    targets: list[int] = []
    starts: dict[tuple[int, ...], int] = {}
    where: list[list[int]] = []
    for row in sorted(rows, key=lambda row: row.tokens):
        n = len(row.prompt)
        if row.prompt not in starts:
            starts[row.prompt] = len(ids)
            ids += row.prompt
            positions += range(n)
        begin, at = starts[row.prompt], len(ids)
        # The last token of a reply predicts nothing, so it is never read.
        ids += row.reply[:-1]
        positions += range(n, n + len(row.reply) - 1)
        keep += [begin + n - 1, *range(at, len(ids))]
        targets += row.reply
        where.append([*range(begin, begin + n), *range(at, len(ids))])
    gathers, scatter = _rows(where, len(ids))

    def tensor(values: Any) -> Any:
        return torch.as_tensor(np.asarray(values, dtype=np.int64)).to(device)

    return Pack(
        tensor([ids]),
        tensor([positions]),
        tuple(map(tensor, gathers)),
        tensor(scatter),
        tensor(keep),
        tensor(targets),
    )


def loss(module: Any, rows: Sequence[Encoded], *, packing: bool, device: str = "cpu") -> tuple[Any, int]:
    """The mean loss over the tokens of the replies, in nats, and how many they are. Prompts teach nothing."""
    from torch.nn.functional import cross_entropy

    if not packing:
        return _padded_loss(module, rows, device)
    pack = packed(rows, device)
    logits = module(
        input_ids=pack.ids, position_ids=pack.positions, use_cache=False, logits_to_keep=pack.keep, packed=pack
    ).logits[0]
    return cross_entropy(logits.float(), pack.targets), len(pack.targets)


def _padded_loss(module: Any, rows: Sequence[Encoded], device: str) -> tuple[Any, int]:
    """The same loss with padding on the right, which causal attention never looks at: for models that cannot be packed."""
    import torch

    width = max(row.tokens for row in rows) - 1
    ids = torch.zeros((len(rows), width), dtype=torch.int64)
    at: list[tuple[int, int]] = []
    targets: list[int] = []
    for i, row in enumerate(rows):
        ids[i, : row.tokens - 1] = torch.tensor([*row.prompt, *row.reply[:-1]])
        at += [(i, j) for j in range(len(row.prompt) - 1, row.tokens - 1)]
        targets += row.reply
    place = torch.tensor(at, device=device)
    logits = module(input_ids=ids.to(device), use_cache=False).logits[place[:, 0], place[:, 1]]
    return torch.nn.functional.cross_entropy(logits.float(), torch.tensor(targets, device=device)), len(targets)


def can_pack(module: Any, rows: Sequence[Encoded], device: str, tolerance: float = 1e-3) -> bool:
    """Whether a model's loss is the same packed as one by one, tried on the shortest and the longest examples.

    What a model does with attention (windows, caps, states) cannot be read off its card; so it is measured. Leaves the
    attention of a module that can be packed set to the packed one.
    """
    import torch

    ordered = sorted(rows, key=lambda row: (row.tokens, row))
    tried = list(dict.fromkeys([*ordered[:2], ordered[len(ordered) // 2], ordered[-1]]))
    own = module.config._attn_implementation
    with fitting("the trial of four examples in a pack", device), torch.inference_mode():
        alone = [_padded_loss(module, [row], device) for row in tried]
        due = fsum(float(value) * n for value, n in alone) / sum(n for _, n in alone)
        try:
            _register()
            module.set_attn_implementation(ATTENTION)
            seen = float(loss(module, tried, packing=True, device=device)[0])
        except torch.OutOfMemoryError:
            raise
        except (TypeError, ValueError, KeyError, RuntimeError, AttributeError, ModelError):
            seen = float("nan")
    if abs(seen - due) <= tolerance * max(1.0, abs(due)):
        return True
    module.set_attn_implementation(own)
    return False


def _rows(where: Sequence[Sequence[int]], tokens: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Rows of indices in groups of like length, and where each token's result stands in them."""
    gathers = []
    scatter = np.zeros(tokens, dtype=np.int64)
    offset = 0
    for group in _alike(where):
        width = len(group[-1])
        rows = np.zeros((len(group), width), dtype=np.int64)
        for i, one in enumerate(group):
            rows[i, : len(one)] = one
            scatter[one] = offset + i * width + np.arange(len(one))
        offset += rows.size
        gathers.append(rows)
    return gathers, scatter


def _alike(where: Sequence[Sequence[int]], ratio: float = 1.5) -> Iterator[Sequence[Sequence[int]]]:
    """Groups of rows, shortest first, of which the longest is at most `ratio` times the shortest."""
    begin = 0
    for i in range(1, len(where) + 1):
        if i == len(where) or len(where[i]) > ratio * len(where[begin]):
            yield where[begin:i]
            begin = i


def _register() -> None:
    from transformers import AttentionInterface

    # No mask is registered under this name, so transformers makes none: T x T would be far larger than the rows.
    AttentionInterface.register(ATTENTION, _attend)


def _attend(
    module: Any,
    query: Any,
    key: Any,
    value: Any,
    mask: Any,
    *,
    scaling: float | None = None,
    packed: Any = None,
    **rest: Any,
) -> tuple[Any, None]:
    """Causal attention inside each example, in rows of like length."""
    import torch
    from torch.nn.functional import scaled_dot_product_attention

    if packed is None:
        raise ModelError("this model does not hand its keywords down to attention, so it cannot be packed")
    tokens = query.shape[2]
    # (1, heads, T, width) is (T, heads * width) in memory: taking rows of that is one copy.
    flat = [part[0].transpose(0, 1).reshape(tokens, -1) for part in (query, key, value)]
    heads = [part.shape[1] for part in (query, key, value)]
    out = []
    for gather in packed.gathers:
        n, width = gather.shape
        index = gather.view(-1)
        q, k, v = (
            part.index_select(0, index).view(n, width, h, -1).transpose(1, 2)
            for part, h in zip(flat, heads, strict=True)
        )
        # Padding stands on the right, where causal attention never looks.
        seen = scaled_dot_product_attention(q, k, v, is_causal=True, scale=scaling, enable_gqa=heads[0] != heads[1])
        out.append(seen.transpose(1, 2).reshape(n * width, -1))
    return torch.cat(out).index_select(0, packed.scatter).view(1, tokens, heads[0], -1), None
