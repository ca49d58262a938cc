"""A model with a community's posts in its prompt, and not a weight changed."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import polars as pl

from sociolect import text
from sociolect.align.layout import exemplar, laid_out
from sociolect.align.templates import topic_words
from sociolect.errors import RefusedError, UsageError
from sociolect.frames import Examples
from sociolect.models.model import Chat, Model, streams, user
from sociolect.seeds import derive, substream

Fill = Literal["random", "lowest"]


def in_context(
    model: Model,
    examples: Examples,
    *,
    budget: int = 8_000,  # Sec. 5.1
    words: int = 20,  # Sec. 5.1
    exemplars: int = 250,  # Sec. 5.1
    fill: Fill = "random",  # Sec. 5.1; "lowest", by perplexity, is what its code does
    guard: Collection[str] | None = None,
    seed: int = 0,
) -> Model:
    """The same model, shown a block of the community's posts before every request.

    Each request draws up to `exemplars` posts of its own, cut to their first `words` words: first those on its topic (they
    say its words, or their `topic` column does), then a fill. `fill="random"` is seeded by the request and by how often it
    came before; "lowest" takes the posts of lowest perplexity (the column `perplexity` where there is one, else the model's
    own). The block fits `budget`: tokens of the whole prompt where the model has a tokenizer, never more than its context
    leaves beside the reply, else words. System prompt and decoding pass through untouched.

    `guard` names the people and posts that were held out: examples that hold one are refused. Raises RefusedError without
    examples and where not one post fits, UsageError for several communities (align `each` by itself).
    Source: arXiv 2408.09366, Sec. 5.1.
    """
    if fill not in ("random", "lowest") or min(budget, words, exemplars) < 1:
        raise UsageError(
            f"fill={fill!r}, budget={budget}, words={words}, exemplars={exemplars}: fill is random or lowest, the others at least 1"
        )
    shown = _shown(examples, guard)
    if fill == "lowest":
        shown = shown.sort(_perplexity(model, shown), "reply")
    posts = [exemplar(reply, words) for reply in shown["reply"].to_list()]
    topics = shown["topic"].to_list() if "topic" in shown.columns else [None] * shown.height
    # A post is found by all its words, and shown by its first ones; two that are shown alike are shown once.
    first = {p: i for i, p in reversed(list(enumerate(posts))) if p}
    kept = sorted(first.values())
    return InContext(
        model,
        tuple(posts[i] for i in kept),
        tuple(frozenset(text.words(shown["reply"][i])) for i in kept),
        tuple(frozenset(text.words(topics[i] or "")) for i in kept),
        budget,
        exemplars,
        fill,
        seed,
    )


@dataclass(frozen=True)
class InContext:
    """A model that sees posts before each request; everything else is the inner model's."""

    model: Model
    posts: tuple[str, ...]
    says: tuple[frozenset[str], ...]
    topics: tuple[frozenset[str], ...]
    budget: int
    exemplars: int
    fill: Fill
    seed: int

    @property
    def name(self) -> str:
        return f"{self.model.name}+in_context"

    def generate(
        self, chats: Sequence[Chat], *, tokens: int = 256, temperature: float = 1.0, top_p: float = 1.0, seed: int = 0
    ) -> list[str]:
        draws = streams(chats, derive(self.seed, "exemplars", seed))
        shown = [self.shown(chat, draw=draw, spare=tokens) for chat, draw in zip(chats, draws, strict=True)]
        return self.model.generate(shown, tokens=tokens, temperature=temperature, top_p=top_p, seed=seed)

    def logprobs(self, chats: Sequence[Chat], options: Sequence[Sequence[str]]) -> list[list[float]]:
        # Weighing is no draw: the same chat sees the same posts every time.
        shown = []
        for chat, said in zip(chats, options, strict=True):
            spare = max((self._length(user(option)) for option in said), default=0)
            shown.append(self.shown(chat, draw=streams([chat], derive(self.seed, "exemplars"))[0], spare=spare))
        return self.model.logprobs(shown, options)

    def shown(self, chat: Chat, *, draw: int, spare: int) -> Chat:
        """The chat with posts before its last request, as many as fit beside a reply of `spare` tokens."""
        request = chat[-1].text
        block: list[str] = []
        size = self._length(chat)
        context = getattr(self.model, "context", None)
        room = min(self.budget, context - spare) if context else self.budget
        for i in self._order(request, draw):
            if len(block) == self.exemplars or (size := size + self._sizes[i]) > room:
                break
            block.append(self.posts[i])

        def laid() -> Chat:
            return (*chat[:-1], chat[-1]._replace(text=laid_out(block, request)))

        # Pieces cut apart may take a few tokens less than the whole, so the whole is held against the room.
        while block and self._length(laid()) > room:
            block.pop()
        if not block:
            # Without a post this would be the bare model under another name.
            raise RefusedError(
                f"{self.name} has room for {room} tokens or words and cannot show a single post before a request of "
                f"{self._length(chat)} beside a reply of {spare}: ask for shorter replies, cut `words`, or take a longer context"
            )
        return laid()

    def _order(self, request: str, draw: int) -> Iterator[int]:
        hits = self._hits(frozenset(topic_words(request)))
        chance = substream(draw, "fill").permutation(len(self.posts))
        # Among the hits chance decides under either fill: only the fill is said to be the lowest.
        near = chance[hits[chance] > 0]
        fill = chance if self.fill == "random" else np.arange(len(self.posts))
        yield from map(int, near[np.argsort(-hits[near], kind="stable")])
        yield from map(int, fill[hits[fill] == 0])

    def _hits(self, topic: frozenset[str]) -> np.ndarray:
        """How well each post meets a topic: how many of its words it says, all of them where its topic column says so."""
        if topic not in self._met:
            met = [
                len(topic & said) + len(topic) * bool(on and on <= topic)
                for said, on in zip(self.says, self.topics, strict=True)
            ]
            self._met[topic] = np.array(met, dtype=np.int64)
        return self._met[topic]

    @cached_property
    def _met(self) -> dict[frozenset[str], np.ndarray]:
        return {}

    def _length(self, chat: Chat) -> int:
        ids = getattr(self.model, "prompt_ids", None)
        return len(ids(chat)) if ids else sum(len(m.text.split()) for m in chat)

    @cached_property
    def _sizes(self) -> list[int]:
        """How much longer each post makes a prompt: tokens, or words."""
        bare = self._length(user(laid_out(["a"], "b")))
        return [max(1, self._length(user(laid_out(["a", post], "b"))) - bare) for post in self.posts]


def _shown(examples: Examples, guard: Collection[str] | None) -> pl.DataFrame:
    """The examples that may be shown: a community's own posts, in an order of their own."""
    shown = examples.filter(pl.col("post").is_not_null()) if "post" in examples.columns else examples
    if shown.is_empty():
        raise RefusedError(f"in_context has no post to show: {examples.height} examples came, none of them a post")
    if len(names := shown["community"].unique().sort().to_list()) > 1:
        raise UsageError(
            f"in_context takes one community, not {len(names)} ({', '.join(names[:3])}, ...): align each by itself"
        )
    if guard is not None:
        if not (columns := [c for c in ("person", "post") if c in shown.columns]):
            raise RefusedError(
                "in_context cannot keep to the split: the examples have neither a person nor a post column"
            )
        out = set(guard)
        seen = {c: sorted(out & set(shown[c].drop_nulls().to_list())) for c in columns}
        if any(seen.values()):
            said = "; ".join(f"{len(ids)} held-out {c} ids, such as {ids[0]!r}" for c, ids in seen.items() if ids)
            raise RefusedError(
                f"in_context would show what was held out: {said}; make the examples from the training side"
            )
    return shown.sort([c for c in ("reply", "post", "person", "prompt") if c in shown.columns])


def _perplexity(model: Model, shown: pl.DataFrame) -> pl.Series:
    if "perplexity" in shown.columns:
        return shown["perplexity"]
    replies = shown["reply"].to_list()
    weighed = model.logprobs([user(p) for p in shown["prompt"].to_list()], [[r] for r in replies])
    ids = getattr(model, "reply_ids", str.split)
    return pl.Series("perplexity", [-w / max(1, len(ids(r))) for (w,), r in zip(weighed, replies, strict=True)])
