"""How a small model learns a language from nothing: batches of like lengths, dealt to the threads, the best weights kept."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from math import fsum
from typing import Any, NamedTuple

import numpy as np

from sociolect.models.local import Local
from sociolect.models.threads import fixed_threads
from sociolect.seeds import substream

UNSEEN = -100  # the label torch's cross-entropy leaves out


class Corpus(NamedTuple):
    """Each example as tokens, its row, where its reply starts, how many prompts were cut and replies set aside."""

    sequences: list[list[int]]
    rows: list[int]
    starts: list[int]
    cut: int
    aside: int


def _batches(
    which: Sequence[int], lengths: Sequence[int], tokens: int, rng: np.random.Generator
) -> Iterator[list[int]]:
    """Batches of about so many tokens, each of like lengths; which like lengths meet, and the order, are random."""
    jitter = rng.random(len(which))
    order = [which[k] for k in sorted(range(len(which)), key=lambda k: (lengths[which[k]], jitter[k]))]
    groups: list[list[int]] = [[]]
    for i in order:
        if groups[-1] and (len(groups[-1]) + 1) * lengths[i] > tokens:
            groups.append([])
        groups[-1].append(i)
    for g in rng.permutation(len(groups)):
        yield groups[g]


def _tensors(rows: list[list[int]], starts: list[int] | None) -> tuple[Any, Any]:
    """Right-padded inputs and labels. Causal attention looks left alone, so padding needs no mask."""
    import torch

    width = max(map(len, rows))
    ids = torch.tensor([r + [0] * (width - len(r)) for r in rows])
    labels = torch.tensor([r + [UNSEEN] * (width - len(r)) for r in rows])
    for i, start in enumerate(starts or []):
        labels[i, :start] = UNSEEN
    return ids, labels


def train(
    model: Local,
    corpus: Corpus,
    held: set[int],
    *,
    tokens: int,
    epochs: int,
    rate: float,
    replies_only: bool = False,
    seed: int,
) -> list[dict[str, float]]:
    """Losses per epoch, in nats per token: of everything learnt, and of the replies held out; the best weights stay."""
    import torch

    module, rng = model.module, substream(seed, "scratch", "order")
    sequences = corpus.sequences
    lengths = [len(s) for s in sequences]
    learnt = [i for i in range(len(sequences)) if i not in held]
    plan = [list(_batches(learnt, lengths, tokens, rng)) for _ in range(epochs)]
    steps, warm = sum(map(len, plan)), max(1, sum(map(len, plan)) // 20)
    decayed = [p for p in module.parameters() if p.ndim > 1]
    rest = [p for p in module.parameters() if p.ndim == 1]
    groups = [{"params": decayed, "weight_decay": 0.1}, {"params": rest, "weight_decay": 0.0}]
    adam = torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.95), fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        adam, lambda s: min((s + 1) / warm, 0.1 + 0.45 * (1 + float(np.cos(np.pi * min(1, s / steps)))))
    )
    best, losses = None, []
    weights = list(module.parameters())

    def gradients(rows: list[int]) -> tuple[float, int, Sequence[Any]]:
        starts = [corpus.starts[i] for i in rows] if replies_only else None
        ids, labels = _tensors([sequences[i] for i in rows], starts)
        loss = _loss(module, ids, labels, "sum")
        return float(loss.detach()), int((labels[:, 1:] != UNSEEN).sum()), torch.autograd.grad(loss, weights)

    # The rows of a batch are dealt to the threads, one torch thread each: operations this small gain little from two.
    one_each = {"initializer": torch.set_num_threads, "initargs": (1,)}
    with fixed_threads(1), ThreadPoolExecutor(model.threads, **one_each) as pool:
        for epoch, batches in enumerate(plan, 1):
            module.train()
            total, count = 0.0, 0
            for rows in batches:
                dealt = [part for k in range(model.threads) if (part := rows[k :: model.threads])]
                found = list(pool.map(gradients, dealt))
                words = sum(n for _, n, _ in found)
                for weight, *parts in zip(weights, *(g for *_, g in found), strict=True):
                    weight.grad = sum(parts[1:], parts[0]) / words
                torch.nn.utils.clip_grad_norm_(weights, 1.0)
                adam.step()
                schedule.step()
                total, count = total + fsum(loss for loss, *_ in found), count + words
            module.eval()
            apart = _held_out_loss(module, corpus, sorted(held), tokens)
            losses.append({"epoch": epoch, "learnt": round(total / count, 4), "held_out_reply": round(apart, 4)})
            if best is None or apart < best[0]:
                best = (apart, {k: v.clone() for k, v in module.state_dict().items()})
    if best is not None:
        module.load_state_dict(best[1])
    return losses


def _loss(module: Any, ids: Any, labels: Any, reduction: str = "mean") -> Any:
    from torch.nn.functional import cross_entropy

    logits = module(input_ids=ids, use_cache=False).logits[:, :-1]
    return cross_entropy(logits.flatten(0, 1), labels[:, 1:].flatten(), ignore_index=UNSEEN, reduction=reduction)


def _held_out_loss(module: Any, corpus: Corpus, held: list[int], tokens: int) -> float:
    import torch

    total, count = 0.0, 0
    with torch.inference_mode():
        for rows in _batches(held, [len(s) for s in corpus.sequences], tokens, np.random.default_rng(0)):
            ids, labels = _tensors([corpus.sequences[i] for i in rows], [corpus.starts[i] for i in rows])
            total += float(_loss(module, ids, labels, "sum"))
            count += int((labels[:, 1:] != UNSEEN).sum())
    return total / count
