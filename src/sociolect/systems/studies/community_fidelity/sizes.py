"""The study's one dial, and the columns it reads."""

from typing import NamedTuple

from sociolect.errors import UsageError


class Dial(NamedTuple):
    """What `size` turns: how much there is of everything, and how replies are drawn."""

    people: int  # of the planted society, and how many originals each of them writes
    originals: int
    corpus: int  # training posts of each community that the base model learns from, at most
    posts: int  # of each community that an arm learns from or is shown, and of each held-out side, at most
    topics: int
    draws: int  # of each template on each topic
    epochs: int
    rate: float
    tokens: int
    exemplars: int
    decoding: dict[str, float]


# [code] the framework's defaults, never overridden; top-k 50 goes with them. They sharpen: a model that knows the whole
# distribution of its community, as one trained on a planted one does, becomes a caricature of it. So tiny draws plainly.
SHARP, PLAIN = {"temperature": 0.95, "top_p": 0.7}, {"temperature": 1.0, "top_p": 1.0}
SIZES = {
    "tiny": Dial(720, 12, corpus=1000, posts=400, topics=9, draws=1, epochs=3, rate=1e-3, tokens=40, exemplars=12, decoding=PLAIN),
    "small": Dial(3000, 20, corpus=5000, posts=1000, topics=12, draws=2, epochs=3, rate=5e-4, tokens=80, exemplars=20, decoding=SHARP),
    "full": Dial(20_000, 20, corpus=50_000, posts=10_000, topics=27, draws=50, epochs=3, rate=2e-5, tokens=512, exemplars=250, decoding=SHARP),
}  # fmt: skip
ROLES = (
    "post", "person", "text", "thread", "parent", "time", "kind", "topic", "community", "scope",
    "link_child", "link_parent", "tie_source", "tie_target", "tie_kind", "tie_weight",
)  # fmt: skip


def dial(size: str, *, temperature: float | None = None, examples_n: int | None = None) -> Dial:
    """The dial at a size, with the knobs that were turned by hand."""
    if (temperature is not None and temperature < 0) or (examples_n is not None and examples_n < 1):
        raise UsageError(f"--temperature {temperature}, --examples-n {examples_n}: due are 0 or more, and 1 or more")
    at = SIZES[size]
    if temperature is not None:
        at = at._replace(decoding=at.decoding | {"temperature": temperature})
    return at._replace(exemplars=examples_n) if examples_n is not None else at
