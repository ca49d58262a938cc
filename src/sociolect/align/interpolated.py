"""A taught model brought to a given distance from its base: between their weights, at the KL at which arms are to be compared."""

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from math import fsum
from typing import NamedTuple

from sociolect.align.lora import copied
from sociolect.align.practised import Episode, encoded, parts_of, words
from sociolect.errors import RefusedError, UsageError
from sociolect.models.local import Local
from sociolect.models.model import Chat
from sociolect.models.threads import fixed_threads
from sociolect.models.weights import Weights


class Interpolated(NamedTuple):
    """The model, how far it is on the way from the base (0) to the taught model (1), and its KL from the base, in nats."""

    model: Local
    share: float
    kl: float


def kl_along(
    policy: Local, reference: Local, chats: Sequence[Chat], replies: Sequence[str], *, tokens: int
) -> list[float]:
    """How far the policy is from the reference along each of these replies, in nats: the KL of the next word, summed over words.

    Over the policy's own draws its mean is the KL of whole replies, with less noise than the mean of log-ratios, for the
    next word is summed over exactly (the chain rule of KL). `tokens` is the limit that the replies were drawn with.
    """
    import torch

    rows = [encoded(policy, Episode(chat, text, 0.0, tokens)) for chat, text in zip(chats, replies, strict=True)]
    out = [0.0] * len(rows)
    first, second = policy.module, reference.module  # on a GPU each would make room for the other, part by part
    with fixed_threads(policy.threads), torch.inference_mode():
        for part in parts_of(rows, policy.batch):
            some = [rows[i] for i in part]
            (mine, _, real), (theirs, *_) = words(first, some), words(second, some)
            apart = ((mine.exp() * (mine - theirs)).sum(-1) * real).sum(1)
            for i, value in zip(part, apart.tolist(), strict=True):
                out[i] = value
    return out


def interpolated(base: Local, taught: Local, share: float) -> Local:
    """The model whose weights lie this share of the way from the base's to the taught model's; in memory alone."""
    import torch

    module = copied(base.module, frozen=False).requires_grad_(False)
    with torch.no_grad():
        ends = taught.module.state_dict()
        for name, weight in module.state_dict().items():
            if weight.is_floating_point():
                weight.lerp_(ends[name].to(weight.dtype), share)
    known = sha256(f"{base.version} {taught.version} {share!r}".encode()).hexdigest()[:16]
    return replace(base, name=taught.name, weights=Weights(known, None, base.dtype, base.device, known=module))


def at_kl(
    base: Local, taught: Local, chats: Sequence[Chat], *, kl: float, tokens: int, within: float = 0.005, tries: int = 14, seed: int = 0
) -> Interpolated:  # fmt: skip
    """The model between base and taught whose KL from the base is `kl` nats, over its own draws for these chats.

    The share of the way is found by bisection, every try with the same random numbers. Weights are averaged as in Wortsman et al. 2022
    (arXiv 2109.01903). Raises RefusedError where the taught model itself is nearer than that: it has to be taught
    further; and where no share comes within `within` nats.
    """
    if not kl > 0 or not within > 0:
        raise UsageError(f"kl is {kl:g} and within {within:g}: both above 0 are due")

    def measured(share: float) -> Interpolated:
        model = interpolated(base, taught, share)
        said = model.generate(chats, tokens=tokens, seed=seed)
        return Interpolated(model, share, fsum(kl_along(model, base, chats, said, tokens=tokens)) / len(chats))

    low, high, here = 0.0, 1.0, measured(1.0)
    if here.kl < kl - within:
        raise RefusedError(
            f"{taught.name} is {here.kl:.3g} nats from its base, not {kl:g}: teach it further, or ask for less"
        )
    for _ in range(tries):
        if abs(here.kl - kl) <= within:
            return here
        low, high = (low, here.share) if here.kl > kl else (here.share, high)
        here = measured((low + high) / 2)
    raise RefusedError(
        f"no model between {base.name} and {taught.name} is within {within:g} of {kl:g} nats: ask over more chats"
    )
