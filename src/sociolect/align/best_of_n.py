"""The best of n draws by a score: a model that needs no training, and the same policy exactly over a finite set of replies."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log

import numpy as np
import numpy.typing as npt

from sociolect.align.reward import Floats
from sociolect.errors import InputError, ModelError, UsageError
from sociolect.models.model import Chat, Model

Score = Callable[[Sequence[Chat], Sequence[str]], npt.ArrayLike]  # one number for each reply to its chat


def best_of_n(model: Model, score: Score, *, n: int = 16, name: str | None = None) -> "BestOfN":
    """A model that draws n replies of the given one and says the one with the largest score; of equals the first drawn.

    Its KL from the model is at most log n - (n - 1) / n nats, whatever the score (Stiennon et al. 2020, App. G.3), and just
    that where no two scores are alike: best-of-n arms of one n stand at the same KL. A score that is nan, as of a reply that
    cannot be judged, loses to every other. It weighs no options: ModelError.

    >>> from sociolect.models.scripted import scripted
    >>> from sociolect.models.model import user
    >>> long = best_of_n(scripted(["a", "bbb", "cc"]), lambda chats, said: [len(s) for s in said], n=3)
    >>> long.generate([user("go")])
    ['bbb']
    """
    if n < 1:
        raise UsageError(f"n is {n}: 1 or more draws are due")
    return BestOfN(model, score, n, name or f"{model.name}@best-of-{n}")


@dataclass(frozen=True, slots=True)
class BestOfN:
    """A model whose every reply is the best of `n` of another's."""

    model: Model
    score: Score
    n: int
    name: str

    def generate(
        self, chats: Sequence[Chat], *, tokens: int = 256, temperature: float = 1.0, top_p: float = 1.0, seed: int = 0
    ) -> list[str]:
        """The best of n draws for each chat; draws and seeds are the model's own, so that arms with other scores share them."""
        asked = [chat for chat in chats for _ in range(self.n)]
        said = self.model.generate(asked, tokens=tokens, temperature=temperature, top_p=top_p, seed=seed)
        found = np.asarray(self.score(asked, said), dtype=float)
        if found.shape != (len(asked),):
            raise InputError(f"the score gives {found.shape} for {len(asked)} replies: one number for each is due")
        best = np.where(np.isnan(found), -np.inf, found).reshape(len(chats), self.n).argmax(1)
        return [said[k * self.n + int(b)] for k, b in enumerate(best)]

    def logprobs(self, chats: Sequence[Chat], options: Sequence[Sequence[str]]) -> list[list[float]]:
        raise ModelError(f"{self.name} chooses among its own draws: it cannot weigh options that are put to it")


def furthest(n: int) -> float:
    """The KL of best-of-n from its model where no two scores are alike, in nats; an upper bound where some are.

    >>> round(furthest(16), 4), furthest(1)
    (1.8351, 0.0)
    """
    return log(n) - (n - 1) / n


def ranked(scores: npt.ArrayLike, *, n: int = 16) -> Floats:
    """How likely each of a finite set of replies (..., m), drawn evenly with replacement, is the best of n: one row per row of scores.

    The share of the reply at rank k of m is (k/m)^n - ((k-1)/m)^n; equal scores share theirs, as the first drawn of equals does.

    >>> ranked([0.0, 1.0], n=2).tolist(), ranked([1.0, 1.0], n=2).tolist()
    ([0.25, 0.75], [0.5, 0.5])
    """
    s = np.asarray(scores, dtype=float)
    if not np.isfinite(s).all() or n < 1:
        raise InputError(
            f"{int((~np.isfinite(s)).sum())} scores are not finite, and n is {n}: finite ones and 1 or more are due"
        )
    rows = s.reshape(-1, s.shape[-1])
    out = np.empty_like(rows)
    for i, row in enumerate(rows):
        _, place, count = np.unique(row, return_inverse=True, return_counts=True)
        upto = np.cumsum(count) / row.size
        share = (upto**n - (upto - count / row.size) ** n) / count
        out[i] = share[place]
    return out.reshape(s.shape)
