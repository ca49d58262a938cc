"""Language models whose weights are here: any Hugging Face causal model, in a folder or by its hub id."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from sociolect.cluster.folders import content
from sociolect.cluster.session import session
from sociolect.errors import InputError, ModelError, UsageError, needs
from sociolect.fingerprint import fingerprint
from sociolect.models import chats as layout
from sociolect.models.answer import Answer
from sociolect.models.device import checked
from sociolect.models.distributed import worked
from sociolect.models.journal import session as journal_session
from sociolect.models.journaled import heard, weighed
from sociolect.models.model import Chat, streams
from sociolect.models.placement import DTYPES, placement
from sociolect.models.quiet import lengths_held_here, no_bars
from sociolect.models.threads import patient_torch
from sociolect.models.weights import Weights


@dataclass(frozen=True, slots=True)
class Local:
    """A model whose weights are here. Where a cluster is open (`sociolect.cluster`) its batches are worked there.

    `batch` rows are decoded at once; `threads` is fixed so that bytes do not depend on the machine's cores; `top_k`
    narrows every draw; `ends` are the tokens at which a reply ends, the first the one that replies are taught to end with.
    """

    name: str
    weights: Weights
    tokenizer: Any
    batch: int = 64
    threads: int = 2
    top_k: int | None = None
    ends: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "ends", layout.ends(self.tokenizer, self.weights.generation_config))

    @property
    def module(self) -> Any:
        """transformers' own module, in this process's memory."""
        return self.weights.module

    @property
    def folder(self) -> Path | str:
        """The folder or hub id of the base."""
        return self.weights.base

    @property
    def adapter(self) -> Path | None:
        """The folder laid over the base."""
        return self.weights.adapter

    @property
    def device(self) -> str:
        return self.weights.device

    @property
    def dtype(self) -> str:
        return self.weights.dtype

    def prompt_ids(self, chat: Chat) -> list[int]:
        """The tokens of a chat up to where the reply begins: the chat template, or one line `role: text` per message."""
        return layout.prompt_ids(self.tokenizer, chat)

    def reply_ids(self, text: str) -> list[int]:
        """The tokens of a reply with the end token at which generation stops."""
        if not self.ends:
            raise ModelError(f"{self.name} has no end token: nothing tells where a reply ends; set eos_token_id")
        return layout.reply_ids(self.tokenizer, text, self.ends[0])

    @property
    def context(self) -> int:
        """How many tokens a prompt and its reply may have together."""
        config = self.weights.config.get_text_config(decoder=True)
        return int(getattr(config, "max_position_embeddings", None) or getattr(config, "n_positions", None) or 2**31)

    def generate(
        self, chats: Sequence[Chat], *, tokens: int = 256, temperature: float = 1.0, top_p: float = 1.0, seed: int = 0
    ) -> list[str]:
        """One reply per chat, of at most `tokens` tokens and never beyond the model's context.

        Raises ModelError where a prompt leaves no room to reply; a prompt is never cut.
        """
        if tokens < 1 or temperature < 0 or not 0 < top_p <= 1:
            raise UsageError(f"tokens={tokens}, temperature={temperature}, top_p={top_p}: due are 1+, 0+ and 0 to 1")
        ask = partial(self._answers, chats, tokens=tokens, temperature=temperature, top_p=top_p, seed=seed)
        sampling = {"tokens": tokens, "temperature": float(temperature), "top_p": float(top_p), "seed": seed}
        return heard(self, chats, ask, sampling)

    def _answers(
        self, chats: Sequence[Chat], due: Sequence[int], *, tokens: int, temperature: float, top_p: float, seed: int
    ) -> Iterator[list[tuple[int, Answer]]]:
        """The replies that are due, batch by batch; what stands together in a batch does not depend on what is due."""
        from sociolect.models.decode import continue_

        prompts, seeds, wanted = self._prompts(chats), streams(chats, seed), set(due)
        work = [rows for rows in _batches(prompts, [1] * len(chats), self.batch, seeds) if not wanted.isdisjoint(rows)]
        do = partial(continue_, ends=self.ends, pad=self._pad, temperature=temperature, top_p=top_p, top_k=self.top_k)

        def piece(k: int) -> tuple[object, ...]:
            rooms = [min(tokens, self.context - len(prompts[i])) for i in work[k]]
            return [prompts[i] for i in work[k]], [seeds[i] for i in work[k]], rooms

        for k, ids in worked(do, self.weights, len(work), piece, threads=self.threads):
            said = [layout.reply_text(self.tokenizer, row) for row in ids]
            yield [
                (i, Answer(text, prompt_tokens=len(prompts[i]), reply_tokens=len(row)))
                for i, text, row in zip(work[k], said, ids, strict=True)
            ]

    def logprobs(self, chats: Sequence[Chat], options: Sequence[Sequence[str]]) -> list[list[float]]:
        """The log-probability of each option as the whole next message, in nats: its tokens and its end token summed."""
        if len(chats) != len(options) or not all(options):
            raise InputError(f"{len(chats)} chats, {len(options)} lists of options: due is one non-empty list per chat")
        return weighed(self, chats, options, self._weigh)

    def _weigh(self, chats: Sequence[Chat], options: Sequence[Sequence[str]]) -> list[list[float]]:
        from sociolect.models.decode import weigh

        prompts = self._prompts(chats)
        offered = [tuple(tuple(self.reply_ids(o)) for o in some) for some in options]
        if long := [i for i, p in enumerate(prompts) if len(p) + max(map(len, offered[i])) > self.context]:
            raise ModelError(
                f"{len(long)} prompts and their options are longer than the {self.context} tokens of {self.name}"
            )
        found: dict[tuple[tuple[int, ...], tuple[tuple[int, ...], ...]], list[float]] = {}
        asked = list(dict.fromkeys((tuple(p), o) for p, o in zip(prompts, offered, strict=True)))
        work = list(_batches([list(p) for p, _ in asked], [len(o) for _, o in asked], self.batch, [0] * len(asked)))

        def piece(k: int) -> tuple[object, ...]:
            return [asked[i][0] for i in work[k]], [asked[i][1] for i in work[k]]

        for k, sums in worked(partial(weigh, pad=self._pad), self.weights, len(work), piece, threads=self.threads):
            found.update(zip([asked[i] for i in work[k]], sums, strict=True))
        return [list(found[tuple(p), o]) for p, o in zip(prompts, offered, strict=True)]

    @property
    def version(self) -> str:
        """What tells this model from another of its name: the digest of its weights, and what else changes its words."""
        known = [content(at) if isinstance(at, Path) else str(at) for at in (self.folder, self.adapter)]
        commit = self.weights.commit or ""
        # the number of a device changes no word; its kind changes the last digits, and so a word now and then
        kind, attention = self.device.partition(":")[0], self.weights.attention
        aside = [*[kind] * (kind != "cpu"), *[attention] * (attention is not None)]
        return fingerprint([*known, commit, self.dtype, self.threads, self.top_k, *aside])

    @property
    def _pad(self) -> int:
        return int(self.tokenizer.pad_token_id or 0)

    def _prompts(self, chats: Sequence[Chat]) -> list[list[int]]:
        """The tokens of each chat, or an error that says which are too long and by how much."""
        known = {chat: self.prompt_ids(chat) for chat in dict.fromkeys(chats)}
        long = [len(ids) - self.context + 1 for ids in known.values() if len(ids) >= self.context]
        if long:
            raise ModelError(
                f"{len(long)} of {len(known)} prompts do not fit the {self.context} tokens of {self.name} with room for a "
                f"reply: the longest is {max(long)} tokens over; shorten it, or take a model with a longer context"
            )
        return [known[chat] for chat in chats]


def _batches(prompts: list[list[int]], sizes: list[int], most: int, seeds: list[int]) -> Iterator[list[int]]:
    """Which prompts go together: sorted by length and words, so that neither order nor padding matters."""
    taken, rows = 0, list[int]()
    for i in sorted(range(len(prompts)), key=lambda i: (len(prompts[i]), prompts[i], seeds[i])):
        if rows and taken + sizes[i] > most:
            yield rows
            taken, rows = 0, []
        rows.append(i)
        taken += sizes[i]
    if rows:
        yield rows


def local(
    folder: Path | str,
    *,
    adapter: Path | str | None = None,
    dtype: str | None = None,
    device: str | None = None,
    batch: int = 64,
    threads: int = 2,
    top_k: int | None = None,
    name: str | None = None,
    stale: bool = False,
    attention: str | None = None,
) -> Local:
    """A model opened from a folder or a hub id, with an adapter folder laid over it: LoRA (merged in) or full weights.

    Where no device and no dtype is said they are those of the run (`models.placement`): the CPU and fp32, if it says none.
    `attention` is eager, sdpa, flash_attention_2 or flash_attention_3; `models.device` says which is taken unless told.
    Weights are read from safetensors alone and no code that came with a model is run. Raises ModelError where the folder
    is not such a model, or is marked stale since somebody was forgotten and `stale` does not allow it, MissingExtra where transformers is not installed.
    """
    try:
        patient_torch()
        import transformers  # noqa: F401  # asked for here, so that the error is raised where the caller stands
    except ImportError as error:
        raise needs("a local model", "train") from error
    device, dtype = device or placement().device, dtype or placement().dtype
    if dtype not in DTYPES:
        raise UsageError(f"dtype is {dtype!r}; due is one of {', '.join(DTYPES)}")
    here = Path(folder).expanduser()
    laid = Path(adapter).expanduser() if adapter is not None else None
    weights = Weights(here if here.is_dir() else str(folder), laid, dtype, device, attention)
    if laid is not None and not weights.lora and not (laid / "config.json").exists():
        raise ModelError(
            f"{laid.name!r} is no adapter: neither adapter_config.json (LoRA) nor config.json (full weights)"
        )
    if old := [at.name for at in (here, laid) if at is not None and (at / "stale.json").exists() and not stale]:
        raise ModelError(
            f"{' and '.join(old)} may have learnt from somebody who was forgotten since: train it anew, or say stale=True"
        )
    # on a cluster the workers read the weights, and where answers are read back nobody does: this machine may have no room
    elsewhere = session() is not None or ((book := journal_session()) is not None and book.replay)
    if not elsewhere:
        checked(device, dtype, attention)
    try:
        with no_bars():
            tokenizer = tokenizer_of(weights)
            _ = weights.config if elsewhere or device != "cpu" else weights.module
    except (OSError, ValueError, RuntimeError) as error:
        if isinstance(error, ModelError):
            raise
        raise ModelError(f"{name or folder} cannot be opened: {str(error).strip().splitlines()[0]}") from error
    base = name or (f"hf/{here.name}" if here.is_dir() else f"hf/{folder}")
    return Local(
        name=base if laid is None or name else f"{base}@{laid.name}",
        weights=weights,
        tokenizer=tokenizer,
        batch=batch,
        threads=threads,
        top_k=top_k,
    )


def tokenizer_of(weights: Weights) -> Any:
    """The tokenizer that goes with the weights: the adapter's own where it has one, else the base's."""
    import transformers

    own = weights.adapter is not None and (weights.adapter / "tokenizer_config.json").exists()
    at = str(weights.adapter if own else weights.base)
    return lengths_held_here(transformers.AutoTokenizer.from_pretrained(at, **weights.how))
