"""The inner loop of `local`: many prompts in, their continuations or their log-probabilities out.

Rows are left-padded and keep a key-value cache that grows in blocks. A row that has ended leaves the batch. A prompt
that several rows share is read once.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from inspect import signature
from typing import Any

import numpy as np

BLOCK = 64  # columns by which a cache grows: one copy in 64 steps instead of one per step


@cache
def _layer() -> Any:
    """A cache layer that writes in place: transformers' own copies all keys and values at each step."""
    import torch
    from transformers.cache_utils import DynamicLayer

    class Slab(DynamicLayer):  # type: ignore[misc]  # transformers is not followed by mypy
        room: Any = None

        def _widen(self, like: Any, rows: int, columns: int) -> None:
            shape = (rows, like.shape[1], columns, like.shape[3])
            self.room = [like.new_empty(shape) for _ in range(2)]

        def update(self, key_states: Any, value_states: Any, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
            used = self.get_seq_length() if self.is_initialized else 0
            total = used + key_states.shape[2]
            if self.room is None or self.room[0].shape[2] < total:
                old = (self.keys, self.values)
                shape = (*key_states.shape[:2], total + BLOCK, key_states.shape[3])
                self.room = [
                    key_states.new_empty(shape),
                    value_states.new_empty((*shape[:3], value_states.shape[3])),
                ]
                if used:
                    for room, was in zip(self.room, old, strict=True):
                        room[:, :, :used] = was
            self.room[0][:, :, used:total] = key_states
            self.room[1][:, :, used:total] = value_states
            self.keys, self.values = self.room[0][:, :, :total], self.room[1][:, :, :total]
            self.is_initialized = True
            return self.keys, self.values

        def batch_select_indices(self, indices: Any) -> None:
            total = self.get_seq_length()
            new = []
            for room in self.room:
                fresh = room.new_empty((len(indices), *room.shape[1:]))
                torch.index_select(room[:, :, :total], 0, indices, out=fresh[:, :, :total]) if False else None
                fresh[:, :, :total] = room[:, :, :total].index_select(0, indices)
                new.append(fresh)
            self.room = new
            self.keys, self.values = new[0][:, :, :total], new[1][:, :, :total]

    return Slab
