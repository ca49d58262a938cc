"""How large a model is and how it is built, as far as its folder, the hub's local cache or its name tells."""

import json
import re
from pathlib import Path
from typing import NamedTuple

from sociolect.errors import InputError

# "8B", "135M", "1.3b": the end of a name or a mark behind it; "8x7B" and "30B-A3B" name parts of a mixture, and no size
_SIZE = re.compile(r"(?<![\dA-Za-z.])(\d+(?:\.\d+)?)([bBmM])(?![\dA-Za-z])")
_MIXTURE = re.compile(r"\d+x\d|(?<![A-Za-z])A\d", re.IGNORECASE)
ASPECT = 128  # ours: width over depth of a model that is known by its size alone; Llama-3.1-8B has 4096 / 32


class Shape(NamedTuple):
    """A decoder's layers and the widths of its residual stream, inner layer, keys, and vocabulary, each likely, low and high."""

    layers: float
    hidden: float
    inner: float
    kept: tuple[float, float, float]  # width of the keys of one layer, and of its values
    words: tuple[float, float, float]

    def adapter(self, rank: int) -> float:
        """The numbers of a LoRA adapter of this rank on all linear layers: the rank times both sides of each.

        >>> Shape(32, 4096, 14336, (1024.0,) * 3, (128256.0,) * 3).adapter(8)
        20971520.0
        """
        attention = 2 * (self.hidden + self.hidden) + 2 * (self.hidden + self.kept[0])
        return rank * self.layers * (attention + 3 * (self.hidden + self.inner))


def folder_of(name: str) -> Path | None:
    """The folder in which the weights of `hf/...` lie: its own, or the hub's local cache; None where they are not here."""
    rest = name.partition("/")[2]
    for said in (rest, rest.rpartition("@")[0]):
        if said and (at := Path(said).expanduser()).is_dir():
            return at
    if not name.startswith(("hf/", "vllm/")) or rest.count("/") != 1:
        return None
    try:
        from huggingface_hub import try_to_load_from_cache

        found = try_to_load_from_cache(rest.rpartition("@")[0] or rest, "config.json")
    except (ImportError, ValueError):  # without the library there is no cache of it; HFValidationError is a ValueError
        return None
    return Path(found).parent if isinstance(found, str) else None


def counted(name: str) -> int | None:
    """The weights of a model: by the headers of its files where they are here, else by its name, else None.

    >>> counted("hf/meta-llama/Llama-3.1-8B"), counted("hf/a/Mixtral-8x7B"), counted("hf/a/Qwen3-30B-A3B"), counted("hf/gpt2")
    (8000000000, None, None, None)
    """
    at = folder_of(name)
    files = sorted(at.glob("*.safetensors")) if at is not None else []
    if at is not None and files and len(files) >= _shards(at):
        return sum(_numbers(f) for f in files)
    last = name.rpartition("@")[0] or name
    last = last.rpartition("/")[2]
    told = [] if _MIXTURE.search(last) else _SIZE.findall(last)
    if len(told) != 1:
        return None
    size, unit = told[0]
    return round(float(size) * (1e9 if unit in "bB" else 1e6))


def _shards(folder: Path) -> int:
    """How many files the weights are to lie in: fewer are there where a download was cut short."""
    try:
        said = json.loads((folder / "model.safetensors.index.json").read_text("utf-8"))
        return len({*said["weight_map"].values()})
    except FileNotFoundError:
        return 1
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"the index of the weights in {folder.name} cannot be read: {error}") from error


def shape(name: str, weights: float) -> Shape:
    """How a model is built: by its config.json where that is here, else as a model of so many weights usually is.

    A layer of width d has about 12 d^2 weights (Kaplan et al. 2020, arXiv 2001.08361, Sec. 2.1), so that so many weights in
    layers of width 128 times their number make a model of known depth; its keys may be an eighth as wide (grouped queries).
    """
    at = folder_of(name)
    said = _config(at / "config.json") if at is not None else {}
    layers, hidden = said.get("num_hidden_layers", said.get("n_layer")), said.get("hidden_size", said.get("n_embd"))
    if layers and hidden:
        heads = said.get("num_attention_heads") or said.get("n_head") or 1
        kept = float((said.get("num_key_value_heads") or heads) * (said.get("head_dim") or hidden / heads))
        inner = float(said.get("intermediate_size") or said.get("n_inner") or 4 * hidden)
        words = float(said.get("vocab_size") or 50_000)
        return Shape(float(layers), float(hidden), inner, (kept, kept, kept), (words, words, words))
    deep = max((weights / (12 * ASPECT**2)) ** (1 / 3), 1.0)
    wide = (weights / (12 * deep)) ** 0.5
    return Shape(deep, wide, 3.5 * wide, (wide / 4, wide / 8, wide), (128_000.0, 32_000.0, 256_000.0))


def _config(file: Path) -> dict[str, float]:
    try:
        said = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    said = said.get("text_config") or said if isinstance(said, dict) else {}
    return {k: v for k, v in said.items() if isinstance(v, int | float) and not isinstance(v, bool)}


def _numbers(file: Path) -> int:
    """The numbers in a safetensors file, by its header alone."""
    try:
        with file.open("rb") as raw:
            head = json.loads(raw.read(int.from_bytes(raw.read(8), "little")))
    except (OSError, ValueError) as error:
        raise InputError(f"{file.name} cannot be read as weights: {error}") from error
    total = 0
    for name, one in head.items():
        size = 1
        for side in one["shape"] if name != "__metadata__" else (0,):
            size *= side
        total += size
    return total
