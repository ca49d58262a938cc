"""Any text classifier of the Hugging Face hub, by name or folder, as a reader of emotions or toxicity."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sociolect.errors import ModelError, UsageError, needs
from sociolect.measure.calibration import probabilities
from sociolect.models.quiet import lengths_held_here, no_bars
from sociolect.models.threads import fixed_threads, patient_torch

Floats = NDArray[np.float64]


class Reader(Protocol):
    """What reads labels out of texts: `measure.classifier.Classifier`, `Pretrained`, or anything else of this shape."""

    @property
    def labels(self) -> tuple[str, ...]: ...
    @property
    def multi(self) -> bool: ...
    def probabilities(self, texts: Sequence[str]) -> Floats: ...


@dataclass(frozen=True, slots=True, eq=False)
class Pretrained:
    """A classifier that others trained. `module` and `tokenizer` are transformers' own.

    `multi`: a sigmoid per label, else one softmax. A text is read up to `tokens` tokens; `longer` counts those that go on.
    It is calibrated on no text of ours: `measure.validity.card` says how far its probabilities can be trusted here.
    """

    name: str
    labels: tuple[str, ...]
    multi: bool
    tokens: int
    module: Any = field(repr=False)
    tokenizer: Any = field(repr=False)
    device: str = "cpu"
    batch: int = 32
    threads: int = 2

    def probabilities(self, texts: Sequence[str]) -> Floats:
        """How likely each label is for each text: (n, k) in the order of `labels`; rows sum to 1 unless `multi`.

        Batches go by length and words: the order of the texts changes no byte.
        """
        import torch

        if not texts:
            return np.zeros((0, len(self.labels)))
        known = sorted(set(texts))
        read = self.tokenizer(known, truncation=True, max_length=self.tokens)
        order = sorted(range(len(known)), key=lambda i: (len(read["input_ids"][i]), known[i]))
        z = np.zeros((len(known), len(self.labels)))
        with fixed_threads(self.threads), torch.inference_mode():
            for start in range(0, len(order), self.batch):
                rows = order[start : start + self.batch]
                padded = self.tokenizer.pad({k: [v[i] for i in rows] for k, v in read.items()}, return_tensors="pt")
                z[rows] = self.module(**padded.to(self.device)).logits.double().cpu().numpy()
        place = {t: i for i, t in enumerate(known)}
        return probabilities(z, multi=self.multi)[[place[t] for t in texts]]

    def longer(self, texts: Sequence[str]) -> int:
        """How many of the texts go on after the last token that is read."""
        ids = self.tokenizer(list(texts), truncation=True, max_length=self.tokens + 1)["input_ids"] if texts else []
        return sum(len(row) > self.tokens for row in ids)


def pretrained(
    name: str | Path,
    *,
    rename: Mapping[str, str] | None = None,
    multi: bool | None = None,
    tokens: int | None = None,
    batch: int = 32,
    threads: int = 2,
    device: str = "cpu",
) -> Pretrained:
    """A text classifier by its hub id or folder, as a reader whose labels are those of its config.

    `rename` says what its labels are called here ({"LABEL_1": "toxic"}). `multi` (sigmoid per label, not one softmax)
    follows the config's problem_type unless said, as transformers' own pipeline does: without one, a single label is a
    sigmoid, several are a softmax. `tokens` is all the model takes unless said.

    Weights come from safetensors alone; no code that came with a model is run. Raises ModelError where it cannot be
    opened, has no trained classification head, is a regression, or names no labels that `rename` does not name either;
    UsageError for keywords that do not fit it; MissingExtra without transformers.
    """
    try:
        torch = patient_torch()
        import transformers
    except ImportError as error:
        raise needs("a pretrained classifier", "train") from error
    here = Path(name).expanduser()
    source = str(here) if here.is_dir() else str(name)
    said = f"hf/{here.name}" if here.is_dir() else f"hf/{name}"
    try:
        with no_bars():
            tokenizer = transformers.AutoTokenizer.from_pretrained(source, trust_remote_code=False)
            module, found = transformers.AutoModelForSequenceClassification.from_pretrained(
                source, dtype=torch.float32, use_safetensors=True, trust_remote_code=False, output_loading_info=True
            )
    except (OSError, ValueError, RuntimeError) as error:
        raise ModelError(f"{said} cannot be opened: {str(error).strip().splitlines()[0]}") from error
    # transformers fills absent weights with random ones: a head nobody trained would answer all the same
    if absent := sorted(found["missing_keys"]):
        raise ModelError(f"{said} is no trained text classifier: it has no weights for {', '.join(absent[:3])}")
    config = module.config
    if config.problem_type == "regression" and multi is None:
        raise ModelError(f"{said} is a regression: its numbers are no probabilities; multi=True takes them for logits")
    several = config.problem_type == "multi_label_classification" or config.num_labels == 1
    room = _room(module, tokenizer)
    faults = [f"batch is {batch}, not 1 or more"] if batch < 1 else []
    if tokens is not None and not tokenizer.num_special_tokens_to_add() < tokens <= room:
        faults.append(f"tokens is {tokens}; {said} takes {tokenizer.num_special_tokens_to_add() + 1} to {room}")
    if config.num_labels == 1 and multi is False:
        faults.append(f"multi=False gives the one label of {said} probability 1 always")
    labels, wrong = _labels([str(config.id2label[k]) for k in range(config.num_labels)], rename or {})
    if faults := faults + wrong:
        raise UsageError("; ".join(faults))
    if bare := [v for v in labels if v.startswith("LABEL_") and v[6:].isdigit()]:
        raise ModelError(
            f"{said} does not name its labels ({', '.join(bare)}): look up what they mean, and say rename={{{bare[0]!r}: ...}}"
        )
    return Pretrained(
        said, labels, several if multi is None else multi, tokens or room, module.to(device).eval(),
        lengths_held_here(tokenizer), device, batch, threads,
    )  # fmt: skip


def _labels(found: Sequence[str], rename: Mapping[str, str]) -> tuple[tuple[str, ...], list[str]]:
    """The labels as they are called here, and what is wrong with the renaming."""
    faults = []
    if odd := sorted(set(rename) - set(found)):
        faults.append(f"rename names {', '.join(odd)}; the labels are: {', '.join(found)}")
    labels = tuple(rename.get(v, v) for v in found)
    if twice := sorted({v for v in labels if labels.count(v) > 1}):
        faults.append(f"several labels would be called {', '.join(twice)}")
    return labels, faults


def _room(module: Any, tokenizer: Any) -> int:
    """How many tokens the model takes: RoBERTa and its kin keep their first positions for padding."""
    import torch

    limits = [int(tokenizer.model_max_length), int(getattr(module.config, "max_position_embeddings", 0) or 2**31)]
    for path, part in module.named_modules():
        if (
            path.endswith("position_embeddings")
            and isinstance(part, torch.nn.Embedding)
            and part.padding_idx is not None
        ):
            limits.append(part.num_embeddings - part.padding_idx - 1)
    return min(limits)
