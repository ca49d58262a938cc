"""A model that learns by practice: it replies, is scored, and what did better than its other replies becomes likelier."""

import json
import math
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from sociolect.align import Practice
from sociolect.align.jobs import ours, seen_card
from sociolect.align.lora import adapted, copied, write_adapter
from sociolect.align.practised import Episode, advantages, encoded, episodes, log_probabilities, parts_of
from sociolect.errors import ModelError, RefusedError, UsageError, needs
from sociolect.models.local import Local, local
from sociolect.models.model import Chat, Model
from sociolect.models.quiet import no_bars
from sociolect.models.threads import fixed_threads
from sociolect.models.weights import Weights, digest
from sociolect.seeds import derive
from sociolect.settle import synced

CARD = "policy gradient"


class Settings(NamedTuple):
    """How one training goes: what is said of it on the card."""

    steps: int
    rate: float
    kl: float
    clip: float
    until: float | None
    lora_rank: int | None
    lora_alpha: float
    seed: int


def policy_gradient(
    model: Model,
    practice: Practice,
    *,
    folder: Path,
    steps: int = 50,
    rate: float = 1e-5,  # ours; small models trained from nothing want about 1e-3
    kl: float = 0.05,  # the weight of each nat: Ahmadian et al. 2024, Sec. 4
    clip: float = 1.0,
    until: float | None = None,
    lora_rank: int | None = None,
    lora_alpha: float = 16,
    progress: Callable[[int, int], None] | None = None,
    seed: int = 0,
) -> Local:
    """The model taught by so many rounds of practice; left in `folder`, as `finetune` leaves it.

    `practice(model)` lets the model reply and gives the replies with one score each (or, of a game, one score for each seat,
    which all its replies earn). REINFORCE with a leave-one-out baseline: a reply's advantage is its return minus the mean
    return of the other replies to the same chat (of all others where its chat was asked once); its return is the score minus
    `kl` times log pi(reply) / pi_ref(reply). One step of AdamW a round, on fresh replies; with `until` the
    last round is the first whose replies are that many nats from the reference. Kool et al. 2019; Ahmadian et al.
    2024, arXiv 2402.14740, eq. 6 and 9.

    Replies teach that the model wrote in this round, whole and in the chat that it was asked; others (of other players,
    options that were chosen) are counted in `card.json`, beside the mean score and the KL of each round. A round draws on a
    stream of its own, whatever seed the practice names, and its replies stand in the journal under the digest of the weights:
    a run that was killed goes the same way again and pays for no reply twice. Practice must draw at temperature 1, for only
    those draws are the model's own: UsageError. Raises RefusedError where nothing can be learnt from, ModelError where
    the model has no weights, or the gradient is not finite.
    """
    try:
        import torch
    except ImportError as error:
        raise needs("policy_gradient", "train") from error
    said = Settings(steps, rate, kl, clip, until, lora_rank, lora_alpha, seed)
    base = _checked(model, said, folder)
    source = copied(base.module, frozen=True)
    module = (
        copied(source, frozen=False).float()
        if lora_rank is None
        else adapted(source, rank=lora_rank, alpha=lora_alpha, seed=seed)
    )
    weights = [p for p in module.parameters() if p.requires_grad]
    adam = torch.optim.AdamW(weights, lr=rate, weight_decay=0.0)
    history: list[dict[str, float]] = []
    with fixed_threads(base.threads):
        for step in range(steps):
            now = Weights(f"{base.name} {digest(module)}", None, base.dtype, base.device, known=module)
            taught = replace(base, weights=now, name=f"{base.name}@{folder.name}")
            pupil = Practising(taught, derive(seed, "practice", step))
            replies, scores = practice(pupil)
            kept, left = episodes(replies, scores, pupil.said)
            found = _learnt(base, module, kept, adam, said)
            history.append({"round": step + 1, **found, "replies": len(kept), **left})
            if progress:
                progress(step + 1, steps)
            if until is not None and found["kl"] >= until:
                break
    about = {"base": base.name, "method": CARD, **said._asdict(), "torch": str(torch.__version__), "shareable": False}
    _write(base, module, folder, said, about | {"rounds": history})
    with no_bars():
        under = base.adapter if lora_rank and base.adapter else base.folder
        return local(
            under, adapter=folder, dtype=base.dtype, device=base.device, batch=base.batch, threads=base.threads, name=f"{base.name}@{folder.name}"
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Practising:
    """The model as practice meets it: it notes every chat it is asked and what it says there."""

    under: Local
    stream: int
    said: list[tuple[Chat, str, int]] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.under.name

    def generate(
        self, chats: Sequence[Chat], *, tokens: int = 256, temperature: float = 1.0, top_p: float = 1.0, seed: int = 0
    ) -> list[str]:
        if temperature != 1 or top_p != 1:
            raise UsageError(
                f"practice draws at temperature {temperature:g}, top_p {top_p:g}: only draws at 1 and 1 are the model's own"
            )
        # the same numbers in every round would show it the same replies
        texts = self.under.generate(chats, tokens=tokens, seed=derive(self.stream, seed))
        self.said.extend((chat, text, tokens) for chat, text in zip(chats, texts, strict=True))
        return texts

    def logprobs(self, chats: Sequence[Chat], options: Sequence[Sequence[str]]) -> list[list[float]]:
        return self.under.logprobs(chats, options)


def _learnt(base: Local, module: Any, kept: Sequence[Episode], adam: Any, said: Settings) -> dict[str, float]:
    """One step on these replies; their mean score, KL and the gradient's norm."""
    import torch

    rows = [encoded(base, one) for one in kept]
    parts = parts_of(rows, base.batch)
    ratio = [0.0] * len(rows)
    with torch.no_grad():
        for part in parts:
            apart = log_probabilities(module, [rows[i] for i in part]) - log_probabilities(
                base.module, [rows[i] for i in part]
            )
            for i, value in zip(part, apart.tolist(), strict=True):
                ratio[i] = value
    gains = advantages(
        [one.chat for one in kept], [one.score - said.kl * r for one, r in zip(kept, ratio, strict=True)]
    )
    for part in parts:
        logp = log_probabilities(module, [rows[i] for i in part])
        weight = torch.tensor([gains[i] for i in part], dtype=logp.dtype, device=logp.device)
        (-(weight * logp).sum() / len(rows)).backward()
    norm = float(torch.nn.utils.clip_grad_norm_(adam.param_groups[0]["params"], said.clip))
    if not math.isfinite(norm):
        raise ModelError(
            f"the gradient is {norm}: practice has run away at rate {said.rate:g}; lower the rate, or raise kl"
        )
    adam.step()
    adam.zero_grad(set_to_none=True)
    mean = [math.fsum(values) / len(rows) for values in ([one.score for one in kept], ratio)]
    return {"score": mean[0], "kl": mean[1], "gradient": norm}


def _checked(model: Model, said: Settings, folder: Path) -> Local:
    due = {
        "steps": (said.steps >= 1, "1 or more"), "rate": (said.rate > 0, "above 0"), "kl": (said.kl >= 0, "0 or more"),
        "clip": (said.clip > 0, "above 0"), "lora_rank": (said.lora_rank is None or said.lora_rank >= 1, "None or 1 or more"),
    }  # fmt: skip
    if faults := [f"{k}={getattr(said, k)} is not {what}" for k, (fine, what) in due.items() if not fine]:
        raise UsageError("; ".join(faults))
    if not isinstance(model, Local):
        raise ModelError(f"{model.name} has no weights to train: take scratch/<size> or hf/<folder or hub id>")
    if model.top_k is not None:
        raise UsageError(
            f"{model.name} draws among its {model.top_k} likeliest tokens: practice needs its own draws (top_k=None)"
        )
    held = seen_card(folder).get("method", CARD)
    if (
        not ours(folder)
        or held != CARD
        or folder.resolve() in {Path(at).resolve() for at in (model.folder, model.adapter) if at}
    ):
        raise RefusedError(f"{folder.name!r} holds files that no practice made: give it an empty folder")
    if said.lora_rank and model.adapter and (model.adapter / "adapter_config.json").exists():
        raise ModelError(f"{model.name} wears an adapter: lay a second one over its base, or train full weights")
    return model


def _write(base: Local, module: Any, folder: Path, said: Settings, card: dict[str, Any]) -> None:
    """Weights and card, whole or not at all: made beside, then moved in, the card last."""
    import torch

    made = folder / ".part"
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    if said.lora_rank is None:
        with no_bars():
            module.to(getattr(torch, {"fp32": "float32", "bf16": "bfloat16"}[base.dtype])).save_pretrained(made)
            base.tokenizer.save_pretrained(made)
    else:
        name = base.folder.name if isinstance(base.folder, Path) else base.folder
        write_adapter(module, made, base=name, rank=said.lora_rank, alpha=said.lora_alpha)
    (made / "card.json").write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    fresh = sorted(made.iterdir(), key=lambda file: (file.name == "card.json", file.name))
    synced(fresh)
    for old in ("card.json", *(f.name for f in folder.iterdir() if f.is_file())):
        (folder / old).unlink(missing_ok=True)
    for file in fresh:
        file.replace(folder / file.name)
    made.rmdir()
