"""A reward learnt from preferences: Bradley-Terry over the features of replies, and the features that a text model gives."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from sociolect.errors import InputError, RefusedError
from sociolect.models.local import Local
from sociolect.models.model import Chat
from sociolect.models.threads import fixed_threads

Floats = npt.NDArray[np.float64]


def reward(
    chosen: npt.ArrayLike,
    rejected: npt.ArrayLike,
    *,
    l2: float = 0.01,  # ours: the paper is silent
    begin: npt.ArrayLike | None = None,
) -> Floats:
    """The weights w (features,) of the reward w . x under which the chosen replies are likeliest to have been chosen.

    `chosen` and `rejected` (pairs, features) are the two replies of each pair. Minimises the mean over pairs of
    -log sigma(w . (chosen - rejected)) plus l2 / 2 |w|^2 by L-BFGS, from `begin` or from 0 (Bradley and Terry 1952; the
    reward-model loss of Ouyang et al. 2022, eq. 1). One optimum: the penalty makes the problem strictly convex, and it
    weighs as much whether pairs are few or many.
    Raises InputError where shapes differ or a feature is not finite, RefusedError without a pair.

    >>> reward([[1.0]] * 3 + [[0.0]], [[0.0]] * 3 + [[1.0]], l2=1e-9).round(4).tolist()
    [1.0986]
    """
    x = differences(chosen, rejected)
    if not len(x):
        raise RefusedError("there is no pair to learn a reward from: one or more are due")
    if not l2 > 0:
        raise InputError(f"l2 is {l2:g}: above 0 is due, or pairs that a plane parts would have no finite reward")
    at = np.zeros(x.shape[1]) if begin is None else np.asarray(begin, dtype=float)
    return fitted(x, l2=l2, begin=at)


def differences(chosen: npt.ArrayLike, rejected: npt.ArrayLike) -> Floats:
    """The features of the chosen reply minus those of the rejected one (pairs, features), both checked."""
    a, b = np.asarray(chosen, dtype=float), np.asarray(rejected, dtype=float)
    if a.ndim != 2 or a.shape != b.shape:
        raise InputError(f"chosen is {a.shape} and rejected {b.shape}: pairs x features are due, alike")
    if bad := int((~np.isfinite(a) | ~np.isfinite(b)).any(1).sum()):
        raise InputError(
            f"{bad} of {len(a)} pairs have a feature that is no finite number: leave them out, and count them"
        )
    return np.asarray(a - b)


def fitted(x: Floats, *, l2: float, begin: Floats) -> Floats:
    """The same from differences that are already checked; for loops that fit again and again."""
    from scipy.optimize import minimize

    def loss(w: Floats) -> tuple[float, Floats]:
        # einsum, not BLAS: its sums do not depend on how many threads a machine has
        margin = np.einsum("ij,j->i", x, w)
        pull = 1 / (1 + np.exp(np.clip(margin, -500, 500)))
        value = float(np.logaddexp(0, -margin).sum()) / len(x) + l2 / 2 * float((w * w).sum())
        return value, l2 * w - np.einsum("ij,i->j", x, pull) / len(x)

    found = minimize(loss, begin, jac=True, method="L-BFGS-B", options={"ftol": 1e-13, "gtol": 1e-7})
    return np.asarray(found.x, dtype=float)


def log_likelihood(weights: Floats, x: Floats) -> Floats:
    """The log-probability of each choice, log sigma(w . x), in nats: (pairs,) out of differences (pairs, features).

    >>> log_likelihood(np.array([0.0]), np.array([[1.0], [5.0]])).round(4).tolist()
    [-0.6931, -0.6931]
    """
    return np.asarray(-np.logaddexp(0, -np.einsum("ij,j->i", x, weights)))


def accuracy(weights: Floats, x: Floats) -> Floats:
    """For each pair 1 where the chosen reply has the larger reward, 0 where the other has; equal ones count half."""
    return np.asarray((np.sign(np.einsum("ij,j->i", x, weights)) + 1) / 2)


def hidden_states(model: Local, chats: Sequence[Chat], replies: Sequence[str]) -> Floats:
    """What a text model makes of each reply after its chat: (replies, 2 x hidden), its last layer.

    The first half is the mean over the tokens of the reply, the second the state at its end token, which has read it whole:
    where a reward model's head sits. Nothing is drawn. Batches go by length and words, so that order changes no byte.
    Raises InputError where chats and replies are not as many, or a reply is longer than the model's context.
    """
    import torch

    if len(chats) != len(replies):
        raise InputError(f"{len(chats)} chats and {len(replies)} replies: as many are due")
    heads = {chat: model.prompt_ids(chat) for chat in dict.fromkeys(chats)}
    rows = [(tuple(heads[chat]), tuple(model.reply_ids(text))) for chat, text in zip(chats, replies, strict=True)]
    if long := sum(len(head) + len(tail) > model.context for head, tail in rows):
        raise InputError(f"{long} of {len(rows)} replies do not fit the {model.context} tokens of {model.name}")
    order = sorted(dict.fromkeys(rows), key=lambda row: (len(row[0]) + len(row[1]), row))
    found: dict[Any, Floats] = {}
    with fixed_threads(model.threads), torch.inference_mode():
        for begin in range(0, len(order), model.batch):
            part = order[begin : begin + model.batch]
            width = max(len(head) + len(tail) for head, tail in part)
            ids = torch.tensor([[*h, *t, *[0] * (width - len(h) - len(t))] for h, t in part], device=model.device)
            # Causal attention looks left alone, so padding on the right needs no mask.
            last = model.module(input_ids=ids, use_cache=False, output_hidden_states=True).hidden_states[-1].double()
            for row, (head, tail) in enumerate(part):
                said = last[row, len(head) : len(head) + len(tail)]
                found[head, tail] = torch.cat([said.mean(0), said[-1]]).cpu().numpy()
    return np.stack([found[row] for row in rows]) if rows else np.zeros((0, 0))
