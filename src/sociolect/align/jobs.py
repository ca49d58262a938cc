"""One community's fine-tuning as a piece of work: what it learns from, where it goes, and what its card says."""

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl

from sociolect.align.lora import adapted, copied, write_adapter
from sociolect.align.packing import Encoded, can_pack
from sociolect.align.training import Plan, train
from sociolect.errors import ModelError, RefusedError
from sociolect.models.local import Local
from sociolect.models.memory import fitting
from sociolect.models.model import user
from sociolect.points import point
from sociolect.record import mapping
from sociolect.seeds import substream
from sociolect.settle import synced


@dataclass(frozen=True, slots=True)
class Job:
    """What a community learns from, what is held out of it, where it goes, and the digest of all that decides the result."""

    community: str
    folder: Path
    plan: Plan
    learnt: Sequence[Encoded]
    held: Sequence[Encoded]
    about: dict[str, Any] = field(hash=False)
    key: str = ""

    @property
    def resume(self) -> Path:
        """How far the training came, where it was stopped."""
        return self.folder / "resume.safetensors"

    @property
    def done(self) -> bool:
        """Whether the folder holds this very result already."""
        if (self.folder / "stale.json").exists():  # it may have learnt from somebody who was forgotten since
            return False
        return seen_card(self.folder).get("key") == self.key and any(self.folder.glob("*model*.safetensors"))


def job(part: pl.DataFrame, base: Local, *, community: str, folder: Path, plan: Plan, extra: dict[str, Any]) -> Job:
    """The examples of one community as token ids, split, counted and digested. The order of the rows changes nothing."""
    rows = sorted_rows(part)
    held = held_out_rows(rows, share=plan.held_out, seed=plan.seed)
    limit = min(plan.context, base.context)
    prompts = {p: tuple(base.prompt_ids(user(p))) for p in rows["prompt"].unique().to_list()}
    sides: tuple[list[Encoded], list[Encoded]] = ([], [])
    cut = 0
    for i, (prompt, reply) in enumerate(rows.select("prompt", "reply").iter_rows()):
        room = limit - len(prompts[prompt])
        if not prompts[prompt] or room < 1:
            raise ModelError(
                f"community {community!r}: a prompt of {len(prompts[prompt])} tokens leaves no room for a reply in {limit} "
                f"(context={plan.context}, {base.name} takes {base.context}): shorten the prompts or raise context"
            )
        said = base.reply_ids(reply)
        cut += len(said) > room
        sides[i in held].append(Encoded(prompts[prompt], tuple(said[:room])))
    about = {
        "community": community,
        "base": base.name,
        "method": "full" if plan.lora_rank is None else "lora",
        **plan.card(),
        "dtype": base.dtype,
        "examples": rows.height,
        "held_out_examples": len(sides[1]),
        "replies_cut": cut,
        "tokens_per_epoch": sum(row.tokens for row in sides[0]),
        "reply_tokens_per_epoch": sum(len(row.reply) for row in sides[0]),
        **extra,
    }
    digest = sha256(json.dumps(about, sort_keys=True).encode())
    for row in (*sides[0], Encoded((), ()), *sides[1]):
        digest.update(repr(row).encode())
    return Job(community, folder, plan, *sides, about, digest.hexdigest())


def run(one: Job, base: Local, *, save_every: float, each_step: Callable[[int, int], None]) -> None:
    """Trains a copy of the base and leaves weights and card in the job's folder, whole or not at all; the card comes last."""
    part = one.folder / ".part"
    made(one, base, part, save_every=save_every, each_step=each_step)
    landed(one, part)


def made(one: Job, base: Local, part: Path, *, save_every: float, each_step: Callable[[int, int], None]) -> None:
    """Trains a copy of the base and writes weights and card into `part`; how far it came stands in the job's folder meanwhile."""
    plan = one.plan
    # This copy shares the weights of the base: only its way of attending may differ.
    source = copied(base.module, frozen=True)
    packing = can_pack(source, one.learnt, base.device)
    with fitting("the weights to train", base.device):
        module = (
            copied(source, frozen=False).float()
            if plan.lora_rank is None
            else adapted(source, rank=plan.lora_rank, alpha=plan.lora_alpha, seed=plan.seed)
        )
    try:
        history = train(
            module,
            one.learnt,
            one.held,
            plan,
            resume=one.resume,
            key=one.key,
            packing=packing,
            device=base.device,
            dtype=base.dtype,
            save_every=save_every,
            each_step=each_step,
        )
    except ModelError as error:
        raise ModelError(f"community {one.community!r}: {error}") from error
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    if plan.lora_rank is None:
        import torch

        module.set_attn_implementation(base.module.config._attn_implementation)
        module.to(getattr(torch, {"fp32": "float32", "bf16": "bfloat16"}[base.dtype])).save_pretrained(part)
        base.tokenizer.save_pretrained(part)
    else:
        # A path would tie the bytes to one machine, so a folder is known by its last name.
        name = base.folder.name if isinstance(base.folder, Path) else base.folder
        write_adapter(module, part, base=name, rank=plan.lora_rank, alpha=plan.lora_alpha)
    card = one.about | {"packed": packing, "losses": history, "key": one.key}
    (part / "card.json").write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def landed(one: Job, part: Path) -> None:
    """Moves weights and card from `part` into the job's folder; the card comes last, and what stood there before goes."""
    fresh = sorted(part.iterdir(), key=lambda file: (file.name == "card.json", file.name))
    synced(fresh)
    point("weights written")
    # What an earlier training left would be read as part of this one: an adapter over full weights, say.
    for old in ("card.json", *(f.name for f in one.folder.iterdir() if f.is_file() and f != one.resume)):
        (one.folder / old).unlink(missing_ok=True)
    for file in fresh:
        point("weights rename")
        file.replace(one.folder / file.name)
    part.rmdir()
    one.resume.unlink(missing_ok=True)


def seen_card(folder: Path) -> dict[str, Any]:
    """The card in a folder; empty where there is none, or it cannot be read."""
    return mapping(folder / "card.json") or {}


def ours(folder: Path) -> bool:
    """Whether a folder is new, empty or holds what a training left: only there may files be replaced."""
    marks = ("card.json", "resume.safetensors", "resume.part", ".part")
    return not folder.exists() or not any(folder.iterdir()) or any((folder / mark).exists() for mark in marks)


def sorted_rows(part: pl.DataFrame) -> pl.DataFrame:
    """A community's examples in the order that counts."""
    return part.sort([c for c in ("reply", "prompt", "post", "person") if c in part.columns], nulls_last=True)


def held_out_rows(rows: pl.DataFrame, *, share: float, seed: int) -> set[int]:
    """Which rows are held out: whole people where they are known, else single rows; never all, never a general one."""
    if share <= 0:
        return set()
    own = (
        [i for i, post in enumerate(rows["post"].to_list()) if post is not None]
        if "post" in rows.columns
        else list(range(rows.height))
    )
    if len(own) < 2:
        raise RefusedError(
            f"{len(own)} of {rows.height} examples are posts; at least 2 are due, to hold one out: use held_out=0"
        )
    people = rows["person"].to_list() if "person" in rows.columns else [None] * rows.height
    units: dict[str, list[int]] = {}
    for i in own:
        units.setdefault(f"row {i}" if people[i] is None else f"person {people[i]}", []).append(i)
    if len(units) < 2:
        units = {f"row {i}": [i] for i in own}
    names = sorted(units)
    due, held = max(1, round(share * len(own))), set[int]()
    for k in substream(seed, "held out").permutation(len(names)):
        unit = units[names[int(k)]]
        # Someone who wrote most of a community would leave nothing to learn from.
        if len(held) < due and len(held) + len(unit) <= max(1, rows.height // 2):
            held |= set(unit)
    return held
