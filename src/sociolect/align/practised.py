"""What a round of practice teaches: which replies were the model's own, what each earned, and by how much it beat the others."""

from collections import Counter, defaultdict, deque
from collections.abc import Hashable, Sequence
from math import fsum, isnan
from typing import Any, NamedTuple

from sociolect.errors import InputError, RefusedError
from sociolect.frames import KEYS, Replies, Scores
from sociolect.models.local import Local
from sociolect.models.model import Chat


class Episode(NamedTuple):
    """A reply of the model's own: the chat it was asked in, its words, its score, and the tokens it was given."""

    chat: Chat
    text: str
    score: float
    tokens: int


def episodes(
    replies: Replies, scores: Scores, said: Sequence[tuple[Chat, str, int]]
) -> tuple[list[Episode], dict[str, int]]:
    """The replies that teach, in the order of their keys, and how many do not by reason.

    A reply is the model's own where what it noted (`said`: chat, words as they came, tokens) has its prompt and its `raw`
    words, or its `text` where there is no raw. It earns the score with its seven keys; where scores are one for each episode
    (as the tally of a game: all at turn 0), the score of its episode. Raises InputError for scores of several measures, or
    more than one for a reply; RefusedError where fewer than two replies teach.
    """
    if (measures := scores["measure"].n_unique()) > 1:
        raise InputError(f"practice gives {measures} measures: it learns one number per reply, so filter them")
    words = "raw" if "raw" in replies.columns else "text"
    whole = [k for k in KEYS if k != "turn"]
    found = replies.sort(*KEYS).join(scores.select(*KEYS, "value"), on=list(KEYS), how="left", maintain_order="left")
    one_each = scores.select(whole).n_unique() == scores.height
    if one_each and (scores["turn"] == 0).all() and replies["turn"].n_unique() > 1:
        found = replies.sort(*KEYS).join(scores.select(*whole, "value"), on=whole, how="left", maintain_order="left")
    noted: defaultdict[tuple[str, str], deque[tuple[Chat, int]]] = defaultdict(deque)
    for chat, text, tokens in said:
        noted[chat[-1].text, text].append((chat, tokens))
    kept, left = [], Counter[str]()
    for prompt, text, value in found.select("prompt", words, "value").iter_rows():
        mine = noted.get((prompt, text or ""))
        if not mine:
            left["not its own words"] += 1
        elif value is None or isnan(value):
            left["without a score"] += 1
            mine.popleft()
        else:
            chat, tokens = mine.popleft()
            kept.append(Episode(chat, text or "", float(value), tokens))
    if len(kept) < 2:
        told = ", ".join(f"{n} {why}" for why, n in sorted(left.items())) or "there were none"
        raise RefusedError(f"{len(kept)} replies of this round teach, two are due: {told}")
    return kept, {f"left out: {why}": n for why, n in sorted(left.items())}


def advantages(chats: Sequence[Hashable], returns: Sequence[float]) -> list[float]:
    """Each return minus the mean of the others to the same chat; of all others where its chat was asked once.

    >>> advantages(["a", "a", "a", "b"], [1.0, 0.0, 0.5, 0.5])
    [0.75, -0.75, 0.0, 0.0]
    """
    groups: defaultdict[Hashable, list[float]] = defaultdict(list)
    for chat, value in zip(chats, returns, strict=True):
        groups[chat].append(value)
    total = fsum(returns)
    sums = {chat: fsum(values) for chat, values in groups.items()}
    out = []
    for chat, value in zip(chats, returns, strict=True):
        n, sum_ = (len(groups[chat]), sums[chat]) if len(groups[chat]) > 1 else (len(returns), total)
        out.append(value - (sum_ - value) / (n - 1) if n > 1 else 0.0)
    return out


Row = tuple[list[int], list[int]]  # the tokens of a chat, and of the reply to it


def encoded(model: Local, one: Episode) -> Row:
    """The tokens of the chat and of the reply; a reply that filled its limit was cut, and drew no end."""
    tail = model.reply_ids(one.text)
    return model.prompt_ids(one.chat), tail[:-1] if len(tail) > one.tokens else tail


def parts_of(rows: Sequence[Row], most: int) -> list[list[int]]:
    """Which rows go through the model together: by length and words, so that their order changes nothing."""
    order = sorted(range(len(rows)), key=lambda i: (len(rows[i][0]) + len(rows[i][1]), rows[i]))
    return [order[k : k + most] for k in range(0, len(order), most)]


def log_probabilities(module: Any, rows: Sequence[Row]) -> Any:
    """The log-probability of each reply's tokens after its prompt, summed, in nats: a tensor (rows,)."""
    logp, ids, real = words(module, rows)
    return (logp.gather(2, ids[..., None])[..., 0] * real).sum(1)


def words(module: Any, rows: Sequence[Row]) -> tuple[Any, Any, Any]:
    """The log-probabilities of every word at every place, the word that stands there, and 1 where it is of the reply."""
    import torch

    width = max(len(head) + len(tail) for head, tail in rows)
    device = next(module.parameters()).device
    # Causal attention looks left alone, so padding on the right needs no mask.
    ids = torch.tensor([[*h, *t, *[0] * (width - len(h) - len(t))] for h, t in rows], device=device)
    real = torch.tensor(
        [[0.0] * (len(h) - 1) + [1.0] * len(t) + [0.0] * (width - len(h) - len(t)) for h, t in rows], device=device
    )
    logits = module(input_ids=ids, use_cache=False).logits[:, :-1].float()
    return torch.log_softmax(logits, -1), ids[:, 1:], real
