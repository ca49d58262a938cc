"""Language models whose weights are here: any Hugging Face causal model, in a folder or by its hub id."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from sociolect.errors import InputError, ModelError, UsageError, needs
from sociolect.fingerprint import fingerprint, of_folder
from sociolect.models import chats as layout
from sociolect.models.answer import Answer
from sociolect.models.journaled import heard, weighed
from sociolect.models.model import Chat, streams
from sociolect.models.quiet import lengths_held_here, no_bars
from sociolect.models.threads import fixed_threads, patient_torch

NOTES = frozenset({"card.json", "stale.json"})  # what is said of weights, and changes after models were asked
DTYPES = {"fp32": "float32", "bf16": "bfloat16"}


@dataclass(frozen=True, slots=True)
class Local:
    """A model in this process's memory. `module` and `tokenizer` are transformers' own.

    `batch` rows are decoded at once; `threads` is fixed so that bytes do not depend on the machine's cores; `top_k`
    narrows every draw; `ends` are the tokens at which a reply ends, the first the one that replies are taught to end with.
    """

    name: str
    folder: Path | str
    module: Any
    tokenizer: Any
    adapter: Path | None = None
    device: str = "cpu"
    dtype: str = "fp32"
    batch: int = 64
    threads: int = 2
    top_k: int | None = None
    ends: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "ends", layout.ends(self.tokenizer, self.module))

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
        config = self.module.config.get_text_config(decoder=True)
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
        import torch

        from sociolect.models.decode import continue_

        prompts, seeds, wanted = self._prompts(chats), streams(chats, seed), set(due)
        for rows in _batches(prompts, [1] * len(chats), self.batch, seeds):
            if wanted.isdisjoint(rows):
                continue
            with fixed_threads(self.threads), torch.inference_mode():
                ids = continue_(
                    self.module,
                    [prompts[i] for i in rows],
                    [seeds[i] for i in rows],
                    [min(tokens, self.context - len(prompts[i])) for i in rows],
                    ends=self.ends,
                    pad=self._pad,
                    temperature=temperature,
                    top_p=top_p,
                    top_k=self.top_k,
                )
            yield [
                (
                    i,
                    Answer(
                        layout.reply_text(self.tokenizer, row), prompt_tokens=len(prompts[i]), reply_tokens=len(row)
                    ),
                )
                for i, row in zip(rows, ids, strict=True)
            ]

    def logprobs(self, chats: Sequence[Chat], options: Sequence[Sequence[str]]) -> list[list[float]]:
        """The log-probability of each option as the whole next message, in nats: its tokens and its end token summed."""
        if len(chats) != len(options) or not all(options):
            raise InputError(f"{len(chats)} chats, {len(options)} lists of options: due is one non-empty list per chat")
        return weighed(self, chats, options, self._weigh)

    def _weigh(self, chats: Sequence[Chat], options: Sequence[Sequence[str]]) -> list[list[float]]:
        import torch

        from sociolect.models.decode import weigh

        prompts = self._prompts(chats)
        offered = [tuple(tuple(self.reply_ids(o)) for o in some) for some in options]
        if long := [i for i, p in enumerate(prompts) if len(p) + max(map(len, offered[i])) > self.context]:
            raise ModelError(
                f"{len(long)} prompts and their options are longer than the {self.context} tokens of {self.name}"
            )
        found: dict[tuple[tuple[int, ...], tuple[tuple[int, ...], ...]], list[float]] = {}
        asked = list(dict.fromkeys((tuple(p), o) for p, o in zip(prompts, offered, strict=True)))
        with fixed_threads(self.threads), torch.inference_mode():
            for rows in _batches([list(p) for p, _ in asked], [len(o) for _, o in asked], self.batch, [0] * len(asked)):
                sums = weigh(self.module, [asked[i][0] for i in rows], [asked[i][1] for i in rows], pad=self._pad)
                found.update(zip([asked[i] for i in rows], sums, strict=True))
        return [list(found[tuple(p), o]) for p, o in zip(prompts, offered, strict=True)]

    @property
    def version(self) -> str:
        """What tells this model from another of its name: the digest of its weights, and what else changes its words."""
        known = [_digest(at, _state(at)) if isinstance(at, Path) else str(at) for at in (self.folder, self.adapter)]
        commit = str(getattr(self.module.config, "_commit_hash", None) or "")
        return fingerprint([*known, commit, self.dtype, self.threads, self.top_k])

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


def _state(folder: Path) -> frozenset[tuple[str, int, int]]:
    """The files of the folder, their sizes and the times they were written: a clock that goes backwards hides no change."""
    files = ((p, p.stat()) for p in folder.rglob("*") if p.is_file())
    return frozenset((str(p), at.st_size, at.st_mtime_ns) for p, at in files)


@lru_cache(maxsize=64)
def _digest(folder: Path, state: frozenset[tuple[str, int, int]]) -> str:
    """The digest of what makes a folder's words, in this state of its files: weights of gigabytes are read once."""
    return fingerprint(sorted((name, digest) for name, digest in of_folder(folder).items() if name not in NOTES))


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
    dtype: str = "fp32",
    device: str = "cpu",
    batch: int = 64,
    threads: int = 2,
    top_k: int | None = None,
    name: str | None = None,
    stale: bool = False,
) -> Local:
    """A model opened from a folder or a hub id, with an adapter folder laid over it: LoRA (merged in) or full weights.

    Weights are read from safetensors alone and no code that came with a model is run. Raises ModelError where the folder
    is not such a model, or is marked stale since somebody was forgotten and `stale` does not allow it, MissingExtra where transformers is not installed.
    """
    try:
        torch = patient_torch()
        import transformers
    except ImportError as error:
        raise needs("a local model", "train") from error
    if dtype not in DTYPES:
        raise UsageError(f"dtype is {dtype!r}; due is one of {', '.join(DTYPES)}")
    here = Path(folder).expanduser()
    source = str(here) if here.is_dir() else str(folder)
    laid = Path(adapter).expanduser() if adapter is not None else None
    lora = laid is not None and (laid / "adapter_config.json").exists()
    if laid is not None and not lora and not (laid / "config.json").exists():
        raise ModelError(
            f"{laid.name!r} is no adapter: neither adapter_config.json (LoRA) nor config.json (full weights)"
        )
    if old := [at.name for at in (here, laid) if at is not None and (at / "stale.json").exists() and not stale]:
        raise ModelError(
            f"{' and '.join(old)} may have learnt from somebody who was forgotten since: train it anew, or say stale=True"
        )
    weights = str(laid) if laid is not None and not lora else source
    safe = {"trust_remote_code": False}
    own = laid is not None and (laid / "tokenizer_config.json").exists()
    try:
        with no_bars():
            tokenizer = transformers.AutoTokenizer.from_pretrained(str(laid) if own else source, **safe)
            module = transformers.AutoModelForCausalLM.from_pretrained(
                weights, dtype=getattr(torch, DTYPES[dtype]), use_safetensors=True, **safe
            )
            if lora:
                module = _merged(module, laid)
    except (OSError, ValueError, RuntimeError) as error:
        raise ModelError(f"{name or folder} cannot be opened: {str(error).strip().splitlines()[0]}") from error
    if getattr(module, "_is_stateful", False):
        raise ModelError(f"{name or folder} keeps a running state: padded batches would change its words")
    base = name or (f"hf/{here.name}" if here.is_dir() else f"hf/{folder}")
    return Local(
        name=base if laid is None or name else f"{base}@{laid.name}",
        folder=here if here.is_dir() else str(folder),
        module=module.to(device).eval(),
        tokenizer=lengths_held_here(tokenizer),
        adapter=laid,
        device=device,
        dtype=dtype,
        batch=batch,
        threads=threads,
        top_k=top_k,
    )


def _merged(module: Any, folder: Path | None) -> Any:
    """The model with a LoRA adapter added into its weights: as fast as without."""
    try:
        import peft
    except ImportError as error:
        raise needs("a LoRA adapter", "train") from error
    if folder is None or not (folder / "adapter_model.safetensors").exists():
        raise ModelError("the adapter has no adapter_model.safetensors; other formats can run code and are not read")
    return peft.PeftModel.from_pretrained(module, str(folder)).merge_and_unload()
