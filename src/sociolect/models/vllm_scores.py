"""The log-probability of whole options out of those of next tokens."""

from collections.abc import Callable, Sequence
from itertools import islice

Ids = tuple[int, ...]
Numbers = Callable[[Sequence[Sequence[int]], Sequence[Sequence[int]]], list[list[float]]]

MOST = 128  # tokens that one request may ask about: `MAX_LOGPROB_TOKEN_IDS` in vLLM's sampling_params.py
AT_ONCE = 4096  # requests that are made at once: ours


def summed(numbers: Numbers, prompts: Sequence[Ids], options: Sequence[Ids]) -> list[float]:
    """The summed log-probability of each option's tokens after its prompt, in nats.

    Each place where options of a prompt part is one request for the next tokens' numbers, and what comes before it is
    read from vLLM's cache. (The numbers that vLLM gives of a prompt itself mix rows and requests where an adapter is worn,
    read the prompt anew for each option, and hold all words at all its places in memory.)

    >>> halves = lambda prompts, nexts: [[-0.5 * len(p) for _ in due] for p, due in zip(prompts, nexts)]
    >>> summed(halves, [(7,), (7,)], [(1, 0), (2, 0)])
    [-1.5, -1.5]
    """
    places: dict[tuple[Ids, Ids], list[int]] = {}
    for prompt, option in zip(prompts, options, strict=True):
        for i, token in enumerate(option):
            due = places.setdefault((prompt, option[:i]), [])
            if token not in due:
                due.append(token)
    rows = iter([(*at, due[i : i + MOST]) for at, due in places.items() for i in range(0, len(due), MOST)])
    found: dict[tuple[Ids, Ids, int], float] = {}
    while some := list(islice(rows, AT_ONCE)):
        told = numbers([(*prompt, *head) for prompt, head, _ in some], [due for *_, due in some])
        for (prompt, head, due), row in zip(some, told, strict=True):
            found.update(((prompt, head, token), number) for token, number in zip(due, row, strict=True))
    return [
        sum(found[prompt, option[:i], token] for i, token in enumerate(option))
        for prompt, option in zip(prompts, options, strict=True)
    ]
