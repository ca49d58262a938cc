"""A vLLM server that is asked in tokens, as an engine of this process is: the same study runs on either."""

import math
import os
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from sociolect.errors import ModelError
from sociolect.models.served import Served
from sociolect.models.served_faults import Torn
from sociolect.models.served_replies import choice_of

URL = "SOCIOLECT_VLLM_URL"  # the environment variable that says where the server is
KEY = "VLLM_API_KEY"  # the one that the server reads its own key from

# A server fills in what a request leaves out from the model's generation_config.json, and would draw otherwise than asked.
PLAIN = {"min_p": 0.0, "repetition_penalty": 1.0, "presence_penalty": 0.0, "frequency_penalty": 0.0}
TOKENS = {"return_token_ids": True, "add_special_tokens": False}


def address() -> str | None:
    """Where the environment says that a vLLM server is; None where it says nothing."""
    return os.environ.get(URL, "").strip() or None


class Server(NamedTuple):
    """A model of a vLLM server, asked through its /completions; `context` is how many tokens it takes."""

    served: Served
    context: int

    def room(self) -> int:
        """How many tokens a prompt and its reply may have together."""
        return self.context

    def continued(
        self,
        prompts: Sequence[Sequence[int]],
        seeds: Sequence[int],
        limits: Sequence[int],
        *,
        ends: Sequence[int],
        temperature: float,
        top_p: float,
        top_k: int | None,
    ) -> list[list[int]]:
        """What each prompt goes on to say, at most `limits` tokens with its end token; each draws by its own seed."""

        def body(i: int) -> dict[str, Any]:
            how = {"temperature": temperature, "top_p": top_p, "top_k": top_k or 0, "seed": seeds[i]}
            stop = {"max_tokens": limits[i], "stop_token_ids": list(ends), "ignore_eos": True}
            return self._said(prompts[i]) | how | stop

        return self._posted(len(prompts), body, lambda _, data: _tokens(data), max(limits, default=1))

    def numbers(self, prompts: Sequence[Sequence[int]], nexts: Sequence[Sequence[int]]) -> list[list[float]]:
        """The log-probability of each token of `nexts` as the next one of its prompt, of the bare model at temperature 1.

        A reply of one token that may be no other tells that token's number. Raises ModelError where the server gives the
        numbers of what is left to choose from instead of the model's.
        """
        asked = [(i, token) for i, due in enumerate(nexts) for token in due]

        def body(k: int) -> dict[str, Any]:
            i, token = asked[k]
            one = {"temperature": 0.0, "max_tokens": 1, "logprobs": 0, "allowed_token_ids": [token]}
            return self._said(prompts[i]) | one

        def read(k: int, data: Any) -> float:
            told, numbers = _tokens(data), (choice_of(data).get("logprobs") or {}).get("token_logprobs")
            if told != [asked[k][1]] or not isinstance(numbers, list) or len(numbers) != 1:
                raise ModelError(
                    f"{self.served.name} gives no log-probability to a token it was asked for: it is no vLLM server, or an old one"
                )
            return float(numbers[0])

        told = iter(self._posted(len(asked), body, read, 1))
        found = [[next(told) for _ in due] for due in nexts]
        if any(len(row) > 1 and sum(map(math.exp, row)) > 1.01 for row in found):
            raise ModelError(
                f"{self.served.name} gives log-probabilities after its filters: start the server with --logprobs-mode raw_logprobs"
            )
        return found

    def _said(self, ids: Sequence[int]) -> dict[str, Any]:
        return {"model": self.served.model, "prompt": list(ids), **PLAIN, **TOKENS, **self.served.extra}

    def _posted(
        self, count: int, body: Callable[[int], dict[str, Any]], read: Callable[[int, Any], Any], tokens: int
    ) -> list[Any]:
        found = dict(pair for group in self.served._post(range(count), body, read, tokens) for pair in group)
        return [found[i].what for i in range(count)]


def _tokens(data: Any) -> list[int]:
    told = choice_of(data).get("token_ids")
    if not isinstance(told, list) or not all(isinstance(one, int) for one in told):
        raise Torn("an answer without token_ids, which a vLLM server gives where return_token_ids is asked for")
    return told
