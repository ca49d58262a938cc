"""Models behind an OpenAI-compatible endpoint."""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal
from urllib.parse import urlsplit

from sociolect.errors import BudgetError, InputError, ModelError, UsageError
from sociolect.models.answer import Answer
from sociolect.models.journal import session
from sociolect.models.journaled import heard, weighed
from sociolect.models.model import Chat, streams
from sociolect.models.prices import Price, price_of
from sociolect.models.purse import Purse
from sociolect.models.served_client import post_all
from sociolect.models.served_faults import redacted
from sociolect.models.served_logprobs import END, TOP, WAY_OUT, echoed, first_tokens
from sociolect.models.served_replies import STOPS, chat_answer, messages, plain, plain_answer, usage
from sociolect.models.served_talk import Endpoint, Heard, Job
from sociolect.points import point

# What `extra` may not set: the words, the length, how many, and the way they come.
OURS = frozenset(
    [
        "model",
        "messages",
        "prompt",
        "max_tokens",
        "max_completion_tokens",
        "stream",
        "n",
        "best_of",
        "echo",
        "logprobs",
        "top_logprobs",
    ]
)
AROUND = 512  # tokens that a server's chat template may add to a prompt, at most


@dataclass(frozen=True, slots=True)
class Served:
    """A model that somebody else runs. `key` is the name of the environment variable that holds the key, never the key."""

    name: str
    url: str
    model: str
    key: str | None
    workers: int = 8
    tries: int = 5
    timeout: float = 120.0
    pause: float = 1.0
    extra: Mapping[str, Any] = field(default_factory=dict)
    api: Literal["chat", "completions"] = "chat"
    connect: float = 10.0
    adaptive: bool = True
    tokens_as: str = "max_tokens"
    price: Price | None = None

    @property
    def version(self) -> str:
        """What tells this endpoint from another of the same name: where it is, and what goes into each request."""
        return json.dumps([self.url, self.model, self.api, self.tokens_as, self.extra], sort_keys=True, default=str)

    def generate(
        self, chats: Sequence[Chat], *, tokens: int = 256, temperature: float = 1.0, top_p: float = 1.0, seed: int = 0
    ) -> list[str]:
        """One reply per chat. The seed goes with each request; whether the server honours it, only the server knows.

        Raises ModelError where a call still fails after its tries, or comes back without a text: nothing answers in the
        model's place. Raises BudgetError where the run's budget is reached, or the price is unknown under one.
        """
        _check(tokens, temperature, top_p)
        sampling = {"tokens": tokens, "temperature": float(temperature), "top_p": float(top_p), "seed": seed}
        ask = partial(
            self._answers, chats, tokens=tokens, temperature=float(temperature), top_p=float(top_p), seed=seed
        )
        return heard(self, chats, ask, sampling)

    def answers(
        self,
        chats: Sequence[Chat],
        *,
        due: Sequence[int],
        tokens: int = 256,
        temperature: float = 1.0,
        top_p: float = 1.0,
        seed: int = 0,
    ) -> Iterator[tuple[int, Answer]]:
        """The answers to the chats at the positions `due`, each once and as they come.

        A draw's seed is made of all chats, so it does not depend on what is due. Who leaves early cancels what is in flight.
        """
        _check(tokens, temperature, top_p)
        for group in self._answers(chats, due, tokens=tokens, temperature=temperature, top_p=top_p, seed=seed):
            yield from group

    def logprobs(self, chats: Sequence[Chat], options: Sequence[Sequence[str]]) -> list[list[float]]:
        """The log-probability of each option as the next message, in nats, where the server can tell.

        A completions endpoint that repeats the prompt with a number per token gives it whole: the option and the line end
        behind it, after the chat as plain lines. A chat endpoint gives the twenty likeliest first tokens: an option's
        number is its first token's, and only where that token tells it from the others. Raises ModelError for what could
        not be had: a server without log-probabilities, options that begin alike, an option that is not among the twenty.
        """
        if len(chats) != len(options) or not all(options):
            raise InputError(f"{len(chats)} chats, {len(options)} lists of options: due is one non-empty list per chat")
        return weighed(self, chats, options, self._echoed if self.api == "completions" else self._first_tokens)

    def _answers(
        self, chats: Sequence[Chat], due: Sequence[int], *, tokens: int, temperature: float, top_p: float, seed: int
    ) -> Iterator[list[tuple[int, Answer]]]:
        seeds, secret, price = streams(chats, seed), self._secret(), self._price()

        def body(i: int) -> dict[str, Any]:
            return {
                self.tokens_as: tokens,
                "temperature": temperature,
                "top_p": top_p,
                "seed": seeds[i] % 2**31,
                **self._asked(chats[i]),
                **({"stop": list(STOPS)} if self.api == "completions" else {}),
            }

        def read(_: int, data: Any) -> Answer:
            answer = (plain_answer if self.api == "completions" else chat_answer)(data)
            cost = _spent(price, data)
            if secret:
                told = (None if one is None else redacted(one, secret) for one in (answer.model, answer.finish))
                answer = answer._replace(text=redacted(answer.text, secret), model=next(told), finish=next(told))
            return answer._replace(price=cost)

        for group in self._post(due, body, read, tokens):
            point("served answered")
            yield [(i, one.what._replace(attempts=one.attempts, seconds=one.seconds)) for i, one in group]

    def _echoed(self, chats: Sequence[Chat], options: Sequence[Sequence[str]]) -> list[list[float]]:
        asked = [(plain(chat), f" {option}{END}") for chat, some in zip(chats, options, strict=True) for option in some]

        def body(i: int) -> dict[str, Any]:
            # One token more is asked for than is needed: some servers read 0 as no limit, and it shows what the numbers are.
            said = {self.tokens_as: 1, "temperature": 0.0, "echo": True, "logprobs": 2}
            return {**said, "model": self.model, "prompt": "".join(asked[i])}

        def read(i: int, data: Any) -> Any:
            return echoed(data, *asked[i], self.name)

        found = dict(pair for group in self._post(range(len(asked)), body, read, 1) for pair in group)
        if found and not any(one.what.checked for one in found.values()):
            raise ModelError(
                f"{self.name} gives log-probabilities, but nothing shows that they are its tokens': {WAY_OUT}"
            )
        left = (found[i].what.nats for i in range(len(asked)))
        return [[next(left) for _ in some] for some in options]

    def _first_tokens(self, chats: Sequence[Chat], options: Sequence[Sequence[str]]) -> list[list[float]]:
        def body(i: int) -> dict[str, Any]:
            said = {self.tokens_as: 1, "temperature": 1.0, "top_p": 1.0, "logprobs": True, "top_logprobs": TOP}
            return {**said, **self._asked(chats[i])}

        def read(i: int, data: Any) -> Any:
            return first_tokens(data, options[i], self.name)

        found = dict(pair for group in self._post(range(len(chats)), body, read, 1) for pair in group)
        return [found[i].what for i in range(len(chats))]

    def _asked(self, chat: Chat) -> dict[str, Any]:
        """What every request says; a keyword that `extra` sets to None is left out."""
        words = {"prompt": plain(chat)} if self.api == "completions" else {"messages": messages(chat)}
        return {"model": self.model, **words, **self.extra}

    def _post(
        self,
        due: Sequence[int],
        body: Callable[[int], dict[str, Any]],
        read: Callable[[int, Any], Any],
        tokens: int,
    ) -> Iterator[list[tuple[int, Heard]]]:
        purse, price = self._purse(), self._price()

        def data(i: int) -> bytes:
            return json.dumps({k: v for k, v in body(i).items() if v is not None}).encode()

        def worst(said: bytes) -> float:
            # No tokenizer makes more tokens than there are bytes.
            return price.of(len(said) + AROUND, tokens) if price else 0.0

        minded = purse is not None and purse.limit is not None
        if minded and price is None:
            raise BudgetError(
                f"the price of {self.name} is unknown, so no budget can be kept: give it in a file of prices "
                f'(["{self.model}"] prompt = ..., reply = ..., per million tokens)'
            )
        job = Job(data, read, worst if minded else None, partial(_spent, price))
        yield from post_all(self._endpoint(), due, job, purse)

    def _endpoint(self) -> Endpoint:
        path = "completions" if self.api == "completions" else "chat/completions"
        return Endpoint(
            self.name, f"{self.url}/{path}", self._secret(), self.workers, self.tries, self.timeout, self.connect,
            self.pause, self.adaptive,
        )  # fmt: skip

    def _secret(self) -> str | None:
        if not self.key:
            return None
        secret = os.environ.get(self.key, "").strip()
        if not secret:
            raise ModelError(f"{self.name} needs a key: set the environment variable {self.key}")
        if not (secret.isascii() and secret.isprintable()):
            raise ModelError(f"the environment variable {self.key} holds no key: a key is one line of plain letters")
        return secret

    def _price(self) -> Price | None:
        book = session()
        return self.price or price_of(self.name, self.model, book.prices if book else None)

    def _purse(self) -> Purse | None:
        book = session()
        purse: Purse | None = book.purse if book else None
        return purse


def _spent(price: Price | None, data: Any) -> float | None:
    """What an answer cost; None where the price is unknown, or the server counts no tokens."""
    prompt, reply = usage(data)
    return None if price is None or prompt is None or reply is None else price.of(prompt, reply)


def _check(tokens: int, temperature: float, top_p: float) -> None:
    if tokens < 1 or temperature < 0 or not 0 < top_p <= 1:
        raise UsageError(f"tokens={tokens}, temperature={temperature}, top_p={top_p}: due are 1+, 0+ and 0 to 1")


def served(
    model: str,
    *,
    url: str = "https://api.openai.com/v1",
    key: str | None = "OPENAI_API_KEY",
    api: Literal["chat", "completions"] = "chat",
    workers: int = 8,
    tries: int = 5,
    timeout: float = 120.0,
    connect: float = 10.0,
    pause: float = 1.0,
    adaptive: bool = True,
    tokens_as: str = "max_tokens",
    price: Price | None = None,
    extra: Mapping[str, Any] | None = None,
    name: str | None = None,
) -> Served:
    """A model behind `url`/chat/completions, or `url`/completions with `api="completions"`.

    At most `workers` calls are in flight: fewer while the server is slow, unless `adaptive` is off. Each is tried up to `tries`
    times: again after a time-out, a broken answer and the statuses 408, 409, 425, 429 and 5xx, with a pause that doubles from
    `pause` seconds, or as long as the server's Retry-After says. A try ends after `timeout` seconds whatever comes, one that
    finds no connection after `connect`. The key is read from the environment variable named by `key` at each call (None
    sends none). `tokens_as` is what the server calls the most tokens of a reply (`max_completion_tokens` for some). `price` is
    what tokens cost, where the run's file of prices does not say it. `extra` goes into each request as it stands; a
    keyword set to None there is not sent. Raises UsageError for what cannot be meant.
    """
    parts = urlsplit(url)
    faults = (
        []
        if url.startswith(("http://", "https://")) and parts.hostname
        else [f"url is {url!r}; due is http://... or https://..."]
    )
    if parts.username or parts.password or parts.query or parts.fragment:
        faults = ["url holds a user, a key or a query; due is scheme, host and path: keys come from the environment"]
    if api not in {"chat", "completions"}:
        faults.append(f"api is {api!r}; due is chat or completions")
    if workers < 1 or tries < 1:
        faults.append(f"workers={workers}, tries={tries}: due is 1 or more")
    if not (timeout > 0 and connect > 0 and pause >= 0):
        faults.append(f"timeout={timeout}, connect={connect}, pause={pause}: due are seconds")
    if odd := sorted(OURS & set(extra or {})):
        faults.append(f"extra sets {', '.join(odd)}: these are set by what is asked")
    if faults:
        raise UsageError("; ".join(faults))
    return Served(
        name or f"openai/{model}", url.rstrip("/"), model, key, workers, tries, timeout, pause, dict(extra or {}),
        api, connect, adaptive, tokens_as, price,
    )  # fmt: skip
