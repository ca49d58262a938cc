"""From a folder or a hub id to a model that vLLM runs, with everything that can be seen beforehand looked at."""

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sociolect.errors import ModelError, UsageError, needs
from sociolect.models import chats as layout
from sociolect.models.placement import DTYPES
from sociolect.models.quiet import lengths_held_here, no_bars
from sociolect.models.served import served
from sociolect.models.vllm_adapter import rank_of
from sociolect.models.vllm_engine import RANKS
from sociolect.models.vllm_model import Vllm
from sociolect.models.vllm_server import KEY, URL, address
from sociolect.models.weights import SAFE, Weights

WORKERS = 64  # calls in flight at a server: ours; it puts them together in batches


def vllm(
    folder: Path | str,
    *,
    adapter: Path | str | None = None,
    dtype: str = "bf16",
    tensor_parallel: int = 1,
    memory: float = 0.9,
    context: int | None = None,
    lora_rank: int | None = 64,
    batch: int = 1024,
    top_k: int | None = None,
    name: str | None = None,
    other_base: bool = False,
    stale: bool = False,
    url: str | None = None,
    **settings: Any,
) -> Vllm:
    """A model from a folder or a hub id for a vLLM engine, with an adapter folder laid over it: LoRA or full weights.

    Models of one base and the same settings share an engine. `tensor_parallel` GPUs hold the weights together; `memory` is
    the share of each that the engine takes; `context` is the model's own length unless said; `lora_rank` is the highest
    rank that the engine has room for, None where the base takes no adapters; `batch` replies are asked for between two
    commits to the journal. Weights are read from safetensors alone and no code that came with a model is run.

    With `url`, or $SOCIOLECT_VLLM_URL, a vLLM server answers instead, and `settings` are those of `served`: nothing but
    tokenizer and configuration is read here, and vLLM need not be installed. The server is to know the base as `folder`
    says it (its --served-model-name), and an adapter by the last part of its folder (--lora-modules). $VLLM_API_KEY is
    sent where it is set.

    Raises MissingExtra where vLLM is not installed, UsageError for a setting that cannot be, ModelError where the folder
    is no such model, is marked stale and `stale` does not allow it, or holds an adapter of another base.
    """
    where = url or address()
    if find_spec("transformers") is None or (where is None and find_spec("vllm") is None):
        raise needs("a vllm model", "vllm")
    faults = [] if dtype in DTYPES else [f"dtype is {dtype!r}; due is one of {', '.join(DTYPES)}"]
    if tensor_parallel < 1 or batch < 1 or (context is not None and context < 2):
        faults.append(f"tensor_parallel={tensor_parallel}, batch={batch}, context={context}: due are 1+, 1+ and 2+")
    if not 0 < memory <= 1:
        faults.append(f"memory={memory}: due is the share of a GPU, above 0 and at most 1")
    if lora_rank is not None and lora_rank not in RANKS:
        faults.append(f"lora_rank={lora_rank}: due is None or one of {', '.join(map(str, RANKS))}")
    if settings and where is None:
        faults.append(f"{', '.join(sorted(settings))}: said to a server, and no url= and no ${URL} says where one is")
    if faults:
        raise UsageError("; ".join(faults))
    here, laid = Path(folder).expanduser(), None if adapter is None else Path(adapter).expanduser()
    said = name or (f"vllm/{here.name}" if here.is_dir() else f"vllm/{folder}") + (f"@{laid.name}" if laid else "")
    asked = None
    if where is not None:
        how = {"key": KEY if os.environ.get(KEY) else None, "workers": WORKERS, **settings}
        asked = served(laid.name if laid else str(folder), url=where, name=said, api="completions", **how)
        laid = laid if laid is not None and laid.is_dir() else None  # the server has it
    weights = Weights(here if here.is_dir() else str(folder), laid, dtype)
    if laid is not None and not weights.lora and not (laid / "config.json").exists():
        raise ModelError(
            f"{laid.name!r} is no adapter: neither adapter_config.json (LoRA) nor config.json (full weights)"
        )
    if old := [at.name for at in (here, laid) if at is not None and (at / "stale.json").exists() and not stale]:
        raise ModelError(
            f"{' and '.join(old)} may have learnt from somebody who was forgotten since: train it anew, or say stale=True"
        )
    if laid is not None and weights.lora:
        rank = rank_of(laid, weights.base, other_base=other_base)
        if asked is None and (lora_rank is None or rank > lora_rank):
            fit = next((r for r in RANKS if r >= rank), None)
            raise ModelError(
                f"the adapter {laid.name!r} has rank {rank}, and the engine of {said} takes {lora_rank or 'none'}: "
                + (f"say lora_rank={fit} for every model of this base" if fit else "vllm has room for 512 at most")
            )
    whole = laid if laid is not None and not weights.lora else weights.base
    if asked is None and isinstance(whole, Path) and not any(whole.glob("*.safetensors")):
        raise ModelError(f"{said} has no *.safetensors in {whole.name!r}; other formats can run code and are not read")
    from transformers import AutoTokenizer

    own = laid is not None and (laid / "tokenizer_config.json").exists()
    try:
        with no_bars():
            tokenizer = AutoTokenizer.from_pretrained(str(laid if own else weights.base), **SAFE)
            ends = layout.ends(tokenizer, weights.generation_config)
            _ = weights.config
    except (OSError, ValueError) as error:
        raise ModelError(f"{said} cannot be opened: {str(error).strip().splitlines()[0]}") from error
    return Vllm(
        name=said,
        weights=weights,
        tokenizer=lengths_held_here(tokenizer),
        ends=ends,
        tensor_parallel=tensor_parallel,
        memory=memory,
        context=context,
        lora_rank=lora_rank,
        batch=batch,
        top_k=top_k,
        served=asked,
    )
