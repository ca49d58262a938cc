"""Models behind an OpenAI-compatible endpoint."""

import os
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from random import Random
from typing import Any

from sociolect.errors import ModelError, UsageError, needs
from sociolect.models.model import Chat, streams

PASSING = frozenset({408, 409, 425, 429, 500, 502, 503, 504})  # faults that may be gone in a moment


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

    def generate(
        self, chats: Sequence[Chat], *, tokens: int = 256, temperature: float = 1.0, top_p: float = 1.0, seed: int = 0
    ) -> list[str]:
        """One reply per chat. The seed goes with each request; whether the server honours it, only the server knows.

        Raises ModelError where a call still fails after its tries, or comes back without a text: nothing answers in the
        model's place.
        """
        httpx = _httpx()
        headers = {}
        if self.key:
            secret = os.environ.get(self.key, "").strip()
            if not secret:
                raise ModelError(f"{self.name} needs a key: set the environment variable {self.key}")
            headers["authorization"] = f"Bearer {secret}"
        bodies = [
            {
                "model": self.model,
                "messages": [{"role": m.role, "content": m.text} for m in chat],
                "max_tokens": tokens,
                "temperature": temperature,
                "top_p": top_p,
                "seed": stream % 2**31,
                **self.extra,
            }
            for chat, stream in zip(chats, streams(chats, seed), strict=True)
        ]
        with (
            httpx.Client(timeout=self.timeout, headers=headers, follow_redirects=False) as client,
            ThreadPoolExecutor(self.workers) as pool,
        ):
            calls = [pool.submit(self._ask, client, body) for body in bodies]
            try:
                return [call.result() for call in calls]
            except BaseException:
                # One call that cannot be mended ends them all: those not yet sent are not paid for.
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def logprobs(self, chats: Sequence[Chat], options: Sequence[Sequence[str]]) -> list[list[float]]:
        """Not to be had: chat endpoints do not weigh a given reply."""
        raise ModelError(
            f"{self.name} cannot weigh options: chat endpoints give no log-probability of a text they did not write; ask for "
            "free text, or open the weights with hf/<folder or hub id>"
        )

    def _ask(self, client: Any, body: Mapping[str, Any]) -> str:
        import httpx

        fault = ""
        for attempt in range(self.tries):
            wait = self.pause * 2**attempt
            try:
                answer = client.post(f"{self.url}/chat/completions", json=body)
                if answer.status_code == 200:
                    return _text(answer)
                fault = f"status {answer.status_code}: {answer.text[:200]}"
                if answer.status_code not in PASSING:
                    raise ModelError(f"{self.name} refused the call, {fault}")
                wait = max(wait, _after(answer.headers.get("retry-after")))
            except (httpx.TransportError, _Torn) as error:
                fault = f"{type(error).__name__}: {error}"
            if attempt + 1 < self.tries:
                # Callers that failed together must not come back together; the wait touches no byte of any result.
                time.sleep(wait * (1 + 0.25 * Random().random()))
        raise ModelError(f"{self.name} did not answer in {self.tries} tries; the last fault was {fault}")


class _Torn(Exception):
    """An answer that came, but not as one."""


def _text(answer: Any) -> str:
    """The reply in an answer; one that holds none is asked for again."""
    try:
        text = answer.json()["choices"][0]["message"]["content"]
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise _Torn(f"an answer without a reply ({error!r}): {answer.text[:200]!r}") from error
    if not isinstance(text, str):
        raise _Torn(f"an answer whose reply is {type(text).__name__}, not text: {answer.text[:200]!r}")
    return text


def _after(told: str | None) -> float:
    """The seconds a server asks to wait; 0 where it does not say it in seconds."""
    try:
        return min(600.0, max(0.0, float(told or 0)))
    except ValueError:
        return 0.0


def _httpx() -> Any:
    try:
        import httpx
    except ImportError as error:
        raise needs("a served model", "serve") from error
    return httpx


def served(
    model: str,
    *,
    url: str = "https://api.openai.com/v1",
    key: str | None = "OPENAI_API_KEY",
    workers: int = 8,
    tries: int = 5,
    timeout: float = 120.0,
    pause: float = 1.0,
    extra: Mapping[str, Any] | None = None,
    name: str | None = None,
) -> Served:
    """A model behind `url`/chat/completions: `workers` calls at once, each tried up to `tries` times.

    A call is tried again after a time-out, a broken answer and the statuses 408, 409, 425, 429 and 5xx, with a pause that
    doubles from `pause` seconds, or as long as the server's Retry-After says. The key is read from the environment variable
    named by `key` at each call (None sends none). `extra` goes into each request as it stands.
    """
    if not url.startswith(("http://", "https://")):
        raise UsageError(f"url is {url!r}; due is http://... or https://...")
    if workers < 1 or tries < 1:
        raise UsageError(f"workers={workers}, tries={tries}: due is 1 or more")
    return Served(
        name or f"openai/{model}", url.rstrip("/"), model, key, workers, tries, timeout, pause, dict(extra or {})
    )
