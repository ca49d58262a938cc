"""Language models that vLLM runs, in this process or on a server: one engine per base, an adapter for each community on it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sociolect.cluster.folders import content
from sociolect.errors import InputError, ModelError, UsageError
from sociolect.fingerprint import fingerprint
from sociolect.models import chats as layout
from sociolect.models.answer import Answer
from sociolect.models.journaled import heard, weighed
from sociolect.models.model import Chat, streams
from sociolect.models.placement import DTYPES
from sociolect.models.served import Served
from sociolect.models.vllm_engine import Engine, Lora, Run
from sociolect.models.vllm_scores import summed
from sociolect.models.vllm_server import Server
from sociolect.models.weights import Weights

COLDEST, HOTTEST = 0.01, 2.0  # vLLM raises a lower temperature to this one in silence, and takes none above


@dataclass(frozen=True, slots=True)
class Vllm:
    """A model in a vLLM engine, or on the vLLM server that `served` calls. An engine of this process starts when the first answer is due that no journal holds.

    Chats become the same tokens as in `Local`, replies end at the same tokens, and each chat draws by a seed of its own.
    What is drawn is still not byte for byte the same from run to run: on a GPU the last bits of a logit depend on what
    stands in a batch together, and a draw or a close choice can turn on them. VLLM_BATCH_INVARIANT=1 in the environment
    makes them independent of the batch where vLLM has such kernels for the card. The random numbers are vLLM's, so
    draws are others than `Local`'s; at temperature 0, and in log-probabilities, the two agree up to rounding.
    """

    name: str
    weights: Weights
    tokenizer: Any
    ends: tuple[int, ...]
    tensor_parallel: int = 1
    memory: float = 0.9
    context: int | None = None
    lora_rank: int | None = 64
    batch: int = 1024
    top_k: int | None = None
    served: Served | None = None

    def generate(
        self, chats: Sequence[Chat], *, tokens: int = 256, temperature: float = 1.0, top_p: float = 1.0, seed: int = 0
    ) -> list[str]:
        """One reply per chat, of at most `tokens` tokens and never beyond the model's context.

        Raises ModelError where a prompt leaves no room to reply; a prompt is never cut. Raises UsageError for temperatures
        that vLLM does not draw at: those below .01 but 0, and those above 2.
        """
        faults = []
        if tokens < 1 or not 0 < top_p <= 1:
            faults.append(f"tokens={tokens}, top_p={top_p}: due are 1+ and 0 to 1")
        if temperature != 0 and not COLDEST <= temperature <= HOTTEST:
            faults.append(f"temperature={temperature}: vllm takes 0, or {COLDEST} to {HOTTEST}")
        if faults:
            raise UsageError("; ".join(faults))
        ask = partial(self._answers, chats, tokens=tokens, temperature=temperature, top_p=top_p, seed=seed)
        sampling = {"tokens": tokens, "temperature": float(temperature), "top_p": float(top_p), "seed": seed}
        return heard(self, chats, ask, sampling)

    def _answers(
        self, chats: Sequence[Chat], due: Sequence[int], *, tokens: int, temperature: float, top_p: float, seed: int
    ) -> Iterator[list[tuple[int, Answer]]]:
        engine, seeds = self.engine(), streams(chats, seed)
        room = engine.room()
        prompts = dict(zip(due, self._prompts([chats[i] for i in due], room), strict=True))
        # like prompts side by side: what they share is read once
        rows = sorted(due, key=lambda i: (prompts[i], seeds[i]))
        for start in range(0, len(rows), self.batch):
            some = rows[start : start + self.batch]
            ids = engine.continued(
                [prompts[i] for i in some],
                [seeds[i] for i in some],
                [min(tokens, room - len(prompts[i])) for i in some],
                ends=self.ends,
                temperature=float(temperature),
                top_p=float(top_p),
                top_k=self.top_k,
            )
            ids = [row[:-1] if row and row[-1] in self.ends else row for row in ids]
            said = [layout.reply_text(self.tokenizer, row) for row in ids]
            yield [
                (i, Answer(text, prompt_tokens=len(prompts[i]), reply_tokens=len(row)))
                for i, text, row in zip(some, said, ids, strict=True)
            ]

    def logprobs(self, chats: Sequence[Chat], options: Sequence[Sequence[str]]) -> list[list[float]]:
        """The log-probability of each option as the whole next message, in nats: its tokens and its end token summed."""
        if len(chats) != len(options) or not all(options):
            raise InputError(f"{len(chats)} chats, {len(options)} lists of options: due is one non-empty list per chat")
        return weighed(self, chats, options, self._weigh)

    def _weigh(self, chats: Sequence[Chat], options: Sequence[Sequence[str]]) -> list[list[float]]:
        if not self.ends:
            raise ModelError(f"{self.name} has no end token: nothing tells where a reply ends; set eos_token_id")
        engine = self.engine()
        room = engine.room()
        prompts = [tuple(ids) for ids in self._prompts(chats, room)]
        offered = [[tuple(layout.reply_ids(self.tokenizer, o, self.ends[0])) for o in some] for some in options]
        if long := [p for p, some in zip(prompts, offered, strict=True) if len(p) + max(map(len, some)) > room]:
            raise ModelError(f"{len(long)} prompts and their options are longer than the {room} tokens of {self.name}")
        asked = sorted({(p, o) for p, some in zip(prompts, offered, strict=True) for o in some})
        sums = summed(engine.numbers, [p for p, _ in asked], [o for _, o in asked])
        found = dict(zip(asked, sums, strict=True))
        return [[found[p, o] for o in some] for p, some in zip(prompts, offered, strict=True)]

    @property
    def version(self) -> str:
        """What tells this model from another of its name: the digest of its weights, and what else changes its words."""
        at, commit = self.weights, self.weights.commit or ""
        known = [_digested(at.base), _digested(at.adapter), commit, at.dtype]
        where = self.served.version if self.served else ""
        return fingerprint(["vllm", *known, self.tensor_parallel, self.context, self.top_k, where])

    def engine(self) -> Engine | Server:
        """Who answers: a server, or the engine of this process, which starts when it is first asked."""
        at = self.weights
        if self.served is not None:
            return Server(self.served, self.context or _length(at.config))
        whole = at.base if at.adapter is None or at.lora else at.adapter
        worn = Lora(at.adapter.resolve(), content(at.adapter)) if at.adapter is not None and at.lora else None
        how = (DTYPES[at.dtype], self.tensor_parallel, self.memory, self.context, self.lora_rank)
        return Engine(Run(str(whole), _digested(whole), *how), worn)

    def _prompts(self, chats: Sequence[Chat], room: int) -> list[list[int]]:
        """The tokens of each chat, or an error that says which are too long and by how much."""
        known = {chat: layout.prompt_ids(self.tokenizer, chat) for chat in dict.fromkeys(chats)}
        if long := [len(ids) - room + 1 for ids in known.values() if len(ids) >= room]:
            raise ModelError(
                f"{len(long)} of {len(known)} prompts do not fit the {room} tokens of {self.name} with room for a "
                f"reply: the longest is {max(long)} tokens over; shorten it, or take a model with a longer context"
            )
        return [known[chat] for chat in chats]


def _length(config: Any) -> int:
    said = config.get_text_config(decoder=True)
    return int(getattr(said, "max_position_embeddings", None) or getattr(said, "n_positions", None) or 2**31)


def _digested(at: Path | str | None) -> str:
    return content(at) if isinstance(at, Path) else str(at)
