"""From a model's name to the model."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sociolect.errors import UsageError, unknown
from sociolect.models.local import local
from sociolect.models.model import Model
from sociolect.models.scripted import player
from sociolect.models.served import served
from sociolect.models.vllm_open import vllm

PROVIDERS = {
    "hf": "hf/<hub id or folder>",
    "vllm": "vllm/<hub id or folder>",
    "scratch": "scratch/<micro, tiny or small>, with the folder it was trained into",
    "openai": "openai/<name>",
    "endpoint": "endpoint/<base url>#<name>",
    "scripted": "scripted/<constant, first-option, refuse or echo>",
}


def open_model(name: str, *, folder: Path | str | None = None, **settings: Any) -> Model:
    """The model of that name, `provider/model`; `base@adapter-folder` is a base with an adapter over it.

    `settings` go to `local` (adapter, dtype, device, attention, batch, threads, top_k) or `served` (workers, tries, timeout, key, ...).
    `vllm` takes settings of its own, and those of `served` where `url` or $SOCIOLECT_VLLM_URL says where a server is.
    An endpoint sends no key unless `key` names its environment variable. `folder` is where a `scratch` model was trained.
    Raises UsageError for an unknown provider and for a `scratch` model without a folder: it has to be trained first.

    >>> open_model("scripted/echo").name
    'scripted/echo'
    >>> open_model("hfs/gpt2")
    Traceback (most recent call last):
    sociolect.errors.UsageError: no model provider 'hfs'; did you mean 'hf'?
    """
    provider, slash, rest = name.partition("/")
    if provider not in PROVIDERS:
        raise unknown("model provider", provider, PROVIDERS)
    if not slash or not rest:
        raise UsageError(f"model {name!r} names no model; due is {PROVIDERS[provider]}")
    if provider == "scripted":
        return player(rest)
    if provider == "openai":
        return served(rest, name=name, **settings)
    if provider == "endpoint":
        url, mark, model = rest.rpartition("#")
        if not mark or not model:
            raise UsageError(f"model {name!r} names no model; due is {PROVIDERS[provider]}")
        return served(model, url=url, name=f"endpoint/{model}", **{"key": None, **settings})
    # A folder may hold an @ of its own: what is there counts, not how it is written.
    base, mark, adapter = (rest, "", "") if Path(rest).expanduser().is_dir() else rest.rpartition("@")
    base = base or rest
    if mark:
        settings["adapter"] = adapter
    if provider == "vllm":
        return vllm(base, **settings)
    if provider == "scratch":
        if folder is None:
            raise UsageError(
                f"{name} is trained on the spot: train it with scratch(examples, folder, size={base!r}), "
                "or say the folder it was trained into"
            )
        said = f"{provider}/{base}@{Path(adapter).name}" if mark else name
        return local(folder, **{"name": said, **settings})
    return local(folder or base, **settings)


def folders(names: Iterable[str]) -> list[Path]:
    """The folders that the named models are read from, sorted: a step that takes them is made anew where weights change.

    >>> folders(["hf/gpt2", "scripted/echo", "hf/no-such-folder@nor-this"])
    []
    """
    parts = (Path(part).expanduser() for name in names for part in name.partition("/")[2].split("@") if part)
    return sorted({part for part in parts if part.is_dir()})
