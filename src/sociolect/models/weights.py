"""The weights of a model: where they are read from, and they themselves once they are wanted."""

import copy
import warnings
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Any

from sociolect.cluster.folders import content
from sociolect.errors import ModelError, needs
from sociolect.models.device import checked, on_device
from sociolect.models.memory import free
from sociolect.models.placement import DTYPES
from sociolect.models.quiet import no_bars
from sociolect.models.threads import patient_torch
from sociolect.record import mapping

SAFE = {"trust_remote_code": False}  # no code that came with a model is run


@dataclass(frozen=True)
class Weights:
    """A base (a folder, or a hub id as text), an adapter folder laid over it, and how both stand in memory.

    They are read when they are first asked for. Pickled, they stay behind, and are read anew where they arrive.
    """

    base: Path | str
    adapter: Path | None = None
    dtype: str = "fp32"
    device: str = "cpu"
    attention: str | None = None
    revision: str | None = None  # the commit of a hub model; its newest unless told
    known: Any = field(default=None, repr=False, compare=False)  # a module in memory that lies in no folder

    @property
    def module(self) -> Any:
        """transformers' own module, ready to be asked. On a GPU there is one at a time: what was asked before makes room."""
        if self.known is not None:
            return self.known
        with patient_torch().inference_mode(False):  # what is read where nothing learns may learn later
            return self._own if self.device == "cpu" else ready(self)

    @cached_property
    def _own(self) -> Any:
        return on_device(read(self), self.device, self.attention)

    @property
    def key(self) -> tuple[str | None, ...]:
        """What tells them from all others in this process: the content of their folders, and how they stand in memory."""
        known = [content(at) if isinstance(at, Path) else at for at in (self.base, self.adapter)]
        return (*known, self.dtype, self.device, self.attention, self.revision)

    @cached_property
    def config(self) -> Any:
        """The model's configuration, read without its weights."""
        from transformers import AutoConfig

        return self.known.config if self.known is not None else AutoConfig.from_pretrained(self.source, **self.how)

    @cached_property
    def commit(self) -> str | None:
        """The commit of a hub model that is read, which its configuration no longer knows; None where it is a folder."""
        from transformers.utils import cached_file, extract_commit_hash

        if self.known is not None or Path(self.source).is_dir():
            return None
        found = extract_commit_hash(cached_file(self.source, "config.json", revision=self.how["revision"]), None)
        return None if found is None else str(found)

    @cached_property
    def generation_config(self) -> Any:
        """How the model is to be asked, likewise; out of the configuration where no file says it."""
        from transformers import GenerationConfig

        if self.known is not None:
            return self.known.generation_config
        try:
            return GenerationConfig.from_pretrained(self.source, revision=self.how["revision"])
        except OSError:
            return GenerationConfig.from_model_config(self.config)

    @property
    def lora(self) -> bool:
        """Whether the adapter is a low-rank one, which needs its base; full weights stand alone."""
        return self.adapter is not None and (self.adapter / "adapter_config.json").exists()

    @property
    def source(self) -> str:
        """Where the configuration and the whole weights lie."""
        return str(self.adapter if self.adapter is not None and not self.lora else self.base)

    @property
    def how(self) -> dict[str, Any]:
        """How transformers is to read them: which commit, and no code."""
        return {**SAFE, "revision": self.revision or "main"}

    def __reduce__(self) -> tuple[Any, ...]:
        if self.known is not None:
            raise ModelError(f"{self.base} lies in the memory of one process alone: write it to a folder first")
        return Weights, (self.base, self.adapter, self.dtype, self.device, self.attention, self.revision)


# What stands in a worker, or in a process with a GPU: one base, on the CPU, and one model ready to be asked.
_base: dict[tuple[str | None, ...], Any] = {}
_ready: dict[tuple[str | None, ...], Any] = {}
_turn = Lock()  # threads that ask two models at once


def ready(weights: Weights) -> Any:
    """The module, ready to be asked: read once, and kept for as long as no other is asked."""
    with _turn:
        if (key := weights.key) not in _ready:
            _ready.clear()
            free()
            checked(weights.device, weights.dtype, weights.attention)
            if weights.adapter is not None and not weights.lora:
                _base.clear()
                module = read(weights)
            else:
                module = _under(replace(weights, adapter=None, device="cpu", attention=None))
                if weights.lora:
                    module = read(weights, base=module)
                elif weights.device != "cpu" or weights.attention is not None:
                    module = copy.deepcopy(module)  # the base itself stays where it is, and attends as it did
            _ready[key] = on_device(module, weights.device, weights.attention)
        return _ready[key]


def _under(base: Weights) -> Any:
    """The base on the CPU, without an adapter."""
    if (key := base.key) not in _base:
        _base.clear()
        _base[key] = read(base)
    return _base[key]


def read(weights: Weights, base: Any = None) -> Any:
    """The module, on the CPU; a low-rank adapter is added into a copy of `base` where that is in memory already.

    Raises ModelError where there are no such weights, or the adapter was made for others.
    """
    torch = patient_torch()
    import transformers

    if weights.lora and base is not None:
        return merged(copy.deepcopy(base), weights)
    try:
        with no_bars():
            dtype = getattr(torch, DTYPES[weights.dtype])
            module = transformers.AutoModelForCausalLM.from_pretrained(
                weights.source, dtype=dtype, use_safetensors=True, **weights.how
            )
    except (OSError, ValueError, RuntimeError) as error:
        raise ModelError(f"{weights.source} cannot be opened: {str(error).strip().splitlines()[0]}") from error
    if getattr(module, "_is_stateful", False):
        raise ModelError(f"{weights.source} keeps a running state: padded batches would change its words")
    return merged(module, weights) if weights.lora else module


def merged(module: Any, weights: Weights) -> Any:
    """The module with a low-rank adapter added into its weights: as fast as without.

    Raises ModelError where the adapter was made for another base: its card knows the digest of the weights it was laid
    over, its file the names and shapes of the layers.
    """
    try:
        import peft
        from safetensors import safe_open
    except ImportError as error:
        raise needs("a LoRA adapter", "train") from error
    folder = weights.adapter
    if folder is None or not (folder / "adapter_model.safetensors").exists():
        raise ModelError("the adapter has no adapter_model.safetensors; other formats can run code and are not read")
    card = mapping(folder / "card.json") or {}
    if card.get("base_digest") and card.get("dtype") == weights.dtype and card["base_digest"] != digest(module):
        raise ModelError(
            f"adapter {folder.name!r} was made for other weights than {weights.base}: it learnt over {card.get('base')} "
            f"(digest {card['base_digest']}); name that base, or train anew"
        )
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            made = peft.PeftModel.from_pretrained(module, str(folder))
        except (OSError, ValueError, RuntimeError, KeyError) as error:
            said = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise ModelError(
                f"adapter {folder.name!r} does not fit {weights.base}: {said}; name its own base"
            ) from error
    if gaps := [str(w.message) for w in told if "missing adapter keys" in str(w.message)]:
        raise ModelError(f"adapter {folder.name!r} does not fit {weights.base}: {gaps[0][:200]}; name its own base")
    # peft passes over what a shallower base has no layer for
    with safe_open(folder / "adapter_model.safetensors", "pt") as held:
        due = sum("lora_" in name for name in held.keys())  # noqa: SIM118 - no mapping
    if due > (took := sum("lora_" in name for name, _ in made.named_parameters())):
        raise ModelError(
            f"adapter {folder.name!r} does not fit {weights.base}: {due - took} of its {due} matrices are of layers that it "
            "has not; name its own base"
        )
    return made.merge_and_unload()


def digest(module: Any) -> str:
    """Sixteen letters out of the names, types, shapes and bytes of a torch module's weights: other weights are another model."""
    import torch

    found = sha256()
    for name, weight in sorted(module.state_dict().items()):
        found.update(f"{name} {weight.dtype} {tuple(weight.shape)}".encode())
        found.update(weight.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return found.hexdigest()[:16]
