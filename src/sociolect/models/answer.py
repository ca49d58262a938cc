"""What came back from one model call, and what is known of it."""

from typing import NamedTuple


class Answer(NamedTuple):
    """A reply; what is not known is None. `price` is money: an unknown price is None, never 0."""

    text: str
    model: str | None = None  # what the server says it ran
    prompt_tokens: int | None = None
    reply_tokens: int | None = None
    price: float | None = None
    attempts: int = 1
    seconds: float | None = None
    finish: str | None = None
