"""A LoRA adapter's folder, held against the base that it is to be laid over."""

import json
from pathlib import Path
from typing import Any

from sociolect.cluster.folders import content
from sociolect.errors import ModelError, needs
from sociolect.record import mapping

_PREFIX = "base_model.model."  # before every name in a PEFT file


def rank_of(folder: Path, base: Path | str, *, other_base: bool = False) -> int:
    """The highest rank in a PEFT adapter, once it is seen to be safetensors, LoRA, and made for this base.

    The base is known by the last part of its name, as in `base_model_name_or_path`, by the content of its folder, where the
    adapter's card says it, and by the shapes of its weights. `other_base` allows all but other shapes. Raises ModelError with all faults.
    """
    faults = []
    if not (folder / "adapter_model.safetensors").is_file():
        faults.append("it has no adapter_model.safetensors; other formats can run code and are not read")
    said = _config(folder)
    if said.get("peft_type") != "LORA":
        faults.append(f"peft_type is {said.get('peft_type')!r}; due is LORA")
    name, own = Path(str(said.get("base_model_name_or_path") or "")).name, Path(str(base)).name
    if name and name != own and not other_base:
        faults.append(
            f"it was made for {name!r}, not for {own!r}: open that base, or say other_base=True if they are one"
        )
    made_for = (mapping(folder / "card.json") or {}).get("base_content")
    if made_for and isinstance(base, Path) and made_for != content(base) and not other_base:
        faults.append(
            f"it learnt over other files than those of {own!r}: open those, or say other_base=True if the weights are one"
        )
    pattern = said.get("rank_pattern")
    ranks = [said.get("r"), *(pattern.values() if isinstance(pattern, dict) else ())]
    if not all(isinstance(r, int) and r > 0 for r in ranks):
        faults.append(f"r is {said.get('r')!r}; due is a whole number from 1")
    if not faults and isinstance(base, Path) and (odd := _misfits(folder, base)):
        faults.append(f"its shapes are another base's: {', '.join(odd[:3])}{', ...' if len(odd) > 3 else ''}")
    if faults:
        raise ModelError(f"the adapter {folder.name!r} does not go over {own!r}: {'; '.join(faults)}")
    return max(int(r) for r in ranks if r)


def _config(folder: Path) -> dict[str, Any]:
    try:
        said = json.loads((folder / "adapter_config.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"the adapter {folder.name!r} has no adapter_config.json that can be read: {error}") from error
    return said if isinstance(said, dict) else {}


def _misfits(folder: Path, base: Path) -> list[str]:
    """The weights whose two sides are not those of the adapter's halves; a name that the base's files lack says nothing."""
    there, halves = _shapes(sorted(base.glob("*.safetensors"))), _shapes([folder / "adapter_model.safetensors"])
    odd = []
    for name, down in halves.items():
        up = halves.get(name.replace(".lora_A.", ".lora_B."))
        weight = name.removeprefix(_PREFIX).replace(".lora_A.weight", ".weight")
        if ".lora_A." not in name or up is None or weight not in there:
            continue
        # a Conv1D holds its weight the other way round
        if sorted((up[0], down[-1])) != sorted(there[weight]):
            odd.append(f"{weight} is {there[weight][0]} x {there[weight][-1]}, not {up[0]} x {down[-1]}")
    return odd


def _shapes(files: list[Path]) -> dict[str, list[int]]:
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError as error:
        raise needs("a LoRA adapter", "train") from error
    found: dict[str, list[int]] = {}
    for file in files:
        try:
            with safe_open(str(file), framework="numpy") as opened:
                found |= {name: list(opened.get_slice(name).get_shape()) for name in opened.keys()}  # noqa: SIM118  # no mapping
        except (SafetensorError, OSError) as error:
            raise ModelError(f"{file.parent.name}/{file.name} cannot be read: {error}") from error
    return found
