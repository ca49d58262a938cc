"""The inner loop of `local`: many prompts in, their continuations or their log-probabilities out.

Rows are left-padded and keep a key-value cache that grows in blocks. A row that has ended leaves the batch. A prompt
that several rows share is read once. Where a GPU's memory does not hold a batch, its rows go in parts by halves.

Random numbers are drawn on the CPU, by each row's own seed, and probabilities are taken in 32 bits, whatever the weights
have: so a draw depends neither on the batch nor on the device. On a GPU the logits' last digits do depend on the batch, on
the kernels and on the card: most texts are the same there from run to run, and none is promised to be.
"""

from collections.abc import Sequence
from functools import cache
from inspect import signature
from typing import Any

import numpy as np

from sociolect.models.memory import divided

BLOCK = 64  # columns by which a cache grows: one copy in 64 steps instead of one per step
DEAD = 0.1  # share of ended rows above which the rest move together: moving costs about as much as a step


@cache
def _slab() -> Any:
    """A cache layer that writes in place: transformers' own copies all keys and values at each step."""
    from transformers.cache_utils import DynamicLayer

    class Slab(DynamicLayer):  # type: ignore[misc]  # transformers is not followed by mypy
        room: Any = None

        def _show(self, total: int) -> None:
            self.keys, self.values = self.room[0][:, :, :total], self.room[1][:, :, :total]
            self.is_initialized = True

        def update(self, key_states: Any, value_states: Any, *_: Any, **__: Any) -> tuple[Any, Any]:
            used = self.keys.shape[2] if self.is_initialized else 0
            total = used + key_states.shape[2]
            if self.room is None or self.room[0].shape[2] < total:
                self.room = [s.new_empty(*s.shape[:2], total + BLOCK, s.shape[3]) for s in (key_states, value_states)]
                if used:
                    self.room[0][:, :, :used], self.room[1][:, :, :used] = self.keys, self.values
            self.room[0][:, :, used:total], self.room[1][:, :, used:total] = key_states, value_states
            self._show(total)
            return self.keys, self.values

        def batch_select_indices(self, indices: Any) -> None:
            total = self.keys.shape[2]
            fresh = [r.new_empty(len(indices), *r.shape[1:]) for r in self.room]
            for new, old in zip(fresh, self.room, strict=True):
                new[:, :, :total] = old[:, :, :total].index_select(0, indices)
            self.room = fresh
            self._show(total)

    return Slab


def new_cache(module: Any) -> Any:
    """An empty key-value cache: in-place layers where every layer sees the whole past, transformers' own otherwise."""
    from transformers.cache_utils import Cache, DynamicCache, DynamicLayer

    stock = DynamicCache(config=module.config)
    plain = stock.layers and all(type(layer) is DynamicLayer for layer in stock.layers)
    return Cache(layers=[_slab()() for _ in stock.layers]) if plain else stock


@cache
def _takes(kind: Any) -> frozenset[str]:
    """The keywords that a kind of module reads."""
    return frozenset(signature(kind.forward).parameters)


def read(module: Any, ids: Any, mask: Any, past: Any, *, last: bool) -> Any:
    """The logits of new tokens: rows x new tokens x words, or of the last token alone. `mask` covers past and new."""
    kind: Any = type(module)
    takes, extra = _takes(kind), dict[str, Any]()
    if "position_ids" in takes:
        places = mask.cumsum(1)[:, -ids.shape[1] :] - 1
        extra["position_ids"] = places.clamp_(min=0)
    if last and "logits_to_keep" in takes:
        extra["logits_to_keep"] = 1
    out = module(input_ids=ids, attention_mask=mask, past_key_values=past, use_cache=True, **extra)
    return out.logits[:, -1:] if last else out.logits


def begin(module: Any, prompts: Sequence[Sequence[int]], pad: int) -> tuple[Any, Any, Any]:
    """Each distinct prompt read once, then handed to its rows: the cache, the mask, the logits of what comes next."""
    import torch

    distinct = list(dict.fromkeys(map(tuple, prompts)))
    where = {p: i for i, p in enumerate(distinct)}
    width = max(map(len, distinct))
    ids = torch.tensor([[pad] * (width - len(p)) + list(p) for p in distinct], device=module.device)
    mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in distinct], device=module.device)
    past = new_cache(module)
    logits = read(module, ids, mask, past, last=True)[:, -1]
    if len(distinct) < len(prompts):
        rows = torch.tensor([where[tuple(p)] for p in prompts], device=module.device)
        past.batch_select_indices(rows)
        mask, logits = mask[rows], logits[rows]
    return past, mask, logits


def pick(logits: Any, uniform: Any, *, temperature: float, top_p: float, top_k: int | None) -> Any:
    """The next token of each row: the likeliest at temperature 0, else the one whose share of the unit line holds `uniform`.

    The shares lie in the order of the vocabulary, not of the probabilities: a last bit that differs moves a border by
    a hair and cannot swap two neighbours. Filters in transformers' order: temperature, top-k, top-p.
    """
    import torch

    if temperature == 0:
        return logits.argmax(-1)
    shares = torch.softmax(logits.float() / temperature, -1)
    if top_k is not None and top_k < shares.shape[1]:
        shares = shares * (shares >= shares.topk(top_k).values[:, -1:])
    if top_p < 1:
        falling = shares.sort(dim=-1, descending=True).values
        total = falling.cumsum(-1, dtype=torch.float64)
        kept = (total - falling) < top_p * total[:, -1:]
        least = falling.masked_fill(~kept, 2.0).amin(-1, keepdim=True)
        shares = shares * (shares >= least)
    line = shares.cumsum(-1, dtype=torch.float64)
    found = torch.searchsorted(line, uniform[:, None] * line[:, -1:], right=True)
    return found[:, 0].clamp(max=shares.shape[1] - 1)


def continue_(
    module: Any,
    prompts: Sequence[Sequence[int]],
    seeds: Sequence[int],
    limits: Sequence[int],
    *,
    ends: Sequence[int],
    pad: int,
    temperature: float,
    top_p: float,
    top_k: int | None,
) -> list[list[int]]:
    """What each row goes on to say, without its end token, at most `limits` tokens; its random numbers come from its seed.

    Raises ModelError where a GPU's memory does not hold a single row.
    """

    def do(some: range) -> list[list[int]]:
        return _continued(
            module,
            [prompts[i] for i in some],
            [seeds[i] for i in some],
            [limits[i] for i in some],
            ends=ends,
            pad=pad,
            temperature=temperature,
            top_p=top_p,
            top_k=top_k,
        )

    sizes = [len(prompt) + limit for prompt, limit in zip(prompts, limits, strict=True)]
    return [ids for some in divided(do, sizes, module=module, work="generation") for ids in some]


def _continued(
    module: Any,
    prompts: Sequence[Sequence[int]],
    seeds: Sequence[int],
    limits: Sequence[int],
    *,
    ends: Sequence[int],
    pad: int,
    temperature: float,
    top_p: float,
    top_k: int | None,
) -> list[list[int]]:
    import torch

    out: list[list[int]] = [[] for _ in prompts]
    line = np.zeros((len(prompts), max(limits)))
    if temperature > 0:
        for row, (seed, limit) in enumerate(zip(seeds, limits, strict=True)):
            line[row, :limit] = np.random.default_rng(seed).random(limit)
    uniform = torch.from_numpy(line).to(module.device)
    past, mask, logits = begin(module, prompts, pad)
    width, rows = mask.shape[1], list(range(len(prompts)))
    mask = torch.cat([mask, mask.new_ones(len(rows), max(limits))], 1)
    stops, over = frozenset(ends), [False] * len(prompts)
    for step in range(max(limits)):
        chosen = pick(logits, uniform[:, step], temperature=temperature, top_p=top_p, top_k=top_k)
        for row, token in zip(rows, chosen.tolist(), strict=True):
            if not over[row]:
                if token not in stops:
                    out[row].append(token)
                over[row] = token in stops or len(out[row]) == limits[row]
        stay = [i for i, row in enumerate(rows) if not over[row]]
        if not stay:
            break
        if len(stay) <= (1 - DEAD) * len(rows):
            kept = torch.tensor(stay, device=module.device)
            past.batch_select_indices(kept)
            chosen, mask, uniform, rows = chosen[kept], mask[kept], uniform[kept], [rows[i] for i in stay]
        logits = read(module, chosen[:, None], mask[:, : width + step + 1], past, last=True)[:, -1]
    return out


def weigh(
    module: Any, prompts: Sequence[Sequence[int]], options: Sequence[Sequence[Sequence[int]]], *, pad: int
) -> list[list[float]]:
    """The summed log-probability of each option's tokens after its prompt, in nats; every prompt is read once.

    Raises ModelError where a GPU's memory does not hold one prompt with its options.
    """

    def do(some: range) -> list[list[float]]:
        return _weighed(module, [prompts[i] for i in some], [options[i] for i in some], pad=pad)

    sizes = [
        sum(len(prompt) + len(option) for option in offered) for prompt, offered in zip(prompts, options, strict=True)
    ]
    return [sums for some in divided(do, sizes, module=module, work="weighing") for sums in some]


def _weighed(
    module: Any, prompts: Sequence[Sequence[int]], options: Sequence[Sequence[Sequence[int]]], *, pad: int
) -> list[list[float]]:
    import torch

    flat = [(i, list(option)) for i, offered in enumerate(options) for option in offered]
    past, mask, logits = begin(module, prompts, pad)
    rows = torch.tensor([i for i, _ in flat], device=module.device)
    width = max(len(o) for _, o in flat)
    ids = torch.tensor([o + [pad] * (width - len(o)) for _, o in flat], device=module.device)
    real = torch.tensor([[1.0] * len(o) + [0.0] * (width - len(o)) for _, o in flat], device=module.device)
    logp = torch.log_softmax(logits.float(), -1)[rows].gather(1, ids[:, :1])
    if width > 1:
        past.batch_select_indices(rows)
        mask = torch.cat([mask[rows], mask.new_ones(len(flat), width - 1)], 1)
        after = read(module, ids[:, :-1], mask, past, last=False)
        logp = torch.cat([logp, torch.log_softmax(after.float(), -1).gather(2, ids[:, 1:, None])[..., 0]], 1)
    sums = iter((logp * real).sum(1).tolist())
    return [[next(sums) for _ in offered] for offered in options]
