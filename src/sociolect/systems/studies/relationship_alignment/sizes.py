"""The study's one dial."""

from typing import NamedTuple


class Dial(NamedTuple):
    """What `size` turns: the planted society, how many pairs models are asked about, and how they are asked."""

    pairs: int
    posts: int
    commenters: int
    asked: int
    draws: int
    tokens: int
    epochs: int
    rate: float
    replications: int  # of the power simulation


# Temperature 1, top-p 1 at every size: ours, the paper's decoding is not known; every condition shares it.
SIZES = {
    "tiny": Dial(4000, 1000, 800, asked=4000, draws=2, tokens=120, epochs=3, rate=1e-3, replications=400),
    "small": Dial(20_000, 5000, 4000, asked=2000, draws=2, tokens=120, epochs=3, rate=5e-4, replications=1000),
    "full": Dial(665_000, 150_000, 100_000, asked=665_000, draws=2, tokens=256, epochs=3, rate=2e-5, replications=2000),
}
