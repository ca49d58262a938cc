"""One base model taught by every community in turn: all its weights, or a low-rank adapter beside them."""

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from sociolect.align.distributed import digested, trained_by
from sociolect.align.jobs import Job, job, ours, run, seen_card
from sociolect.align.shareable import DECLARED, UNTESTED
from sociolect.align.training import Plan
from sociolect.align.workers import side_by_side
from sociolect.cluster.folders import content
from sociolect.cluster.session import session
from sociolect.errors import ModelError, RefusedError, UsageError, needs
from sociolect.frames import Examples
from sociolect.models.local import Local, local
from sociolect.models.model import Model
from sociolect.models.quiet import no_bars
from sociolect.models.weights import digest

Progress = Callable[[str, int, int], None]  # community, steps done, steps in all


def finetune(
    model: Model,
    examples: Examples,
    *,
    folder: Path,
    lora_rank: int | None = None,  # Sec. 4.2: every weight; LoRA is a variant
    lora_alpha: float = 16,
    epochs: int = 3,  # Sec. 4.2
    rate: float = 2e-5,  # the paper's code; small models trained from nothing want about 1e-3
    batch_tokens: int = 4096,  # about the 64 posts of the paper's code
    warmup: int = 20,  # the paper's code; at most a fifth of all steps
    weight_decay: float = 0.0,  # the paper's code
    clip: float = 1.0,  # the paper's code
    held_out: float = 0.1,  # the paper's code
    context: int = 1024,  # the paper's code
    shareable: bool = True,
    save_every: float = 60.0,
    progress: Progress | None = None,
    seed: int = 0,
) -> Local:
    """The model taught by one community: it writes the replies where it reads the prompts. Left in `folder`.

    Only the tokens of the replies teach, and all of them weigh the same. `lora_rank=None` trains every weight, a number
    trains an adapter of that rank on all linear layers. See `finetune_each` for what lies in the folder, for resuming and
    for errors; UsageError where the examples are of several communities. Source: arXiv 2408.09366, Sec. 4.2.
    """
    names = examples["community"].unique().sort().to_list()
    if len(names) > 1:
        raise UsageError(
            f"finetune takes one community, not {len(names)} ({', '.join(names[:3])}, ...): use finetune_each"
        )
    plan = Plan(lora_rank, lora_alpha, epochs, rate, batch_tokens, warmup, weight_decay, clip, held_out, context, seed)
    places = {str(name): Path(folder) for name in names}
    made = _finetuned(
        model, examples, places, plan, shareable=shareable, save_every=save_every, progress=progress, workers=1
    )
    return next(iter(made.values()))


def finetune_each(
    model: Model,
    examples: Examples,
    *,
    folder: Path,
    lora_rank: int | None = None,
    lora_alpha: float = 16,
    epochs: int = 3,
    rate: float = 2e-5,
    batch_tokens: int = 4096,
    warmup: int = 20,
    weight_decay: float = 0.0,
    clip: float = 1.0,
    held_out: float = 0.1,
    context: int = 1024,
    shareable: bool = True,
    save_every: float = 60.0,
    progress: Progress | None = None,
    workers: int = 2,
    seed: int = 0,
) -> dict[str, Local]:
    """The model taught by each community by itself, by community name: one base, many in one run, a subfolder for each.

    A subfolder holds full weights or a PEFT adapter, all safetensors, and `card.json`: what was learnt from, with which
    settings, and the loss in nats per reply token after every epoch, on what was learnt and on the people held out.
    Communities are trained `workers` at a time, each on one thread, so that on a CPU bytes depend on neither; on a GPU they
    go one by one, and the last digits are the GPU's own. Full weights take 16 bytes each while they learn.

    The card says that the model is not to be shared: `shareable.judged` says otherwise, once what it memorised was tested.
    `shareable=False` declares that it never may be.

    A run that was stopped goes on where it stood (the state is written every `save_every` seconds) and ends with the same
    bytes; a community whose card says it is done, under the same base, examples and settings, is not trained again.
    Raises RefusedError for communities of fewer than 2 examples, ModelError where the loss is no number.
    """
    names = [str(name) for name in examples["community"].unique().sort().to_list()]
    plan = Plan(lora_rank, lora_alpha, epochs, rate, batch_tokens, warmup, weight_decay, clip, held_out, context, seed)
    places = {name: Path(folder) / folder_name(name) for name in names}
    return _finetuned(
        model, examples, places, plan, shareable=shareable, save_every=save_every, progress=progress, workers=workers
    )


def folder_name(community: str) -> str:
    """A folder's name for a community: its own where that is safe everywhere, else what is safe of it and a digest.

    >>> folder_name("keto"), folder_name("r/Keto"), folder_name("../../keto")
    ('keto', 'r-keto-e1eb89bc', 'keto-f0732455')
    """
    safe = "".join(c if c.isascii() and (c.isalnum() or c in "_-") else "-" for c in community.lower())
    safe = "-".join(part for part in safe.split("-") if part)[:40]
    # Some systems know no case, some keep these names for devices.
    if (
        safe
        and safe == community
        and safe
        not in {
            "con",
            "prn",
            "aux",
            "nul",
            *(f"{d}{i}" for d in ("com", "lpt") for i in range(10)),
        }
    ):
        return safe
    return f"{safe or 'community'}-{sha256(community.encode()).hexdigest()[:8]}"


def _finetuned(
    model: Model,
    examples: Examples,
    places: Mapping[str, Path],
    plan: Plan,
    *,
    shareable: bool,
    save_every: float,
    progress: Progress | None,
    workers: int,
) -> dict[str, Local]:
    try:
        import torch
    except ImportError as error:
        raise needs("finetune", "train") from error
    base = _checked(model, examples, places, plan, workers)
    cluster = session() if base.weights.known is None else None  # what lies in no folder learns where it is
    why = UNTESTED if shareable else DECLARED
    own = base.weights.source
    extra = {
        "base_digest": digest(base.module)
        if cluster is None
        else digested(cluster, base, lora=plan.lora_rank is not None),
        "base_content": content(Path(own)) if Path(own).is_dir() else None,  # known without reading the weights
        "shareable": False,
        "why": why,
        "torch": str(torch.__version__),
    }
    parts = sorted(examples.partition_by("community", as_dict=True).items())
    jobs = [
        job(part, base, community=str(name), folder=places[str(name)], plan=plan, extra=extra)
        for (name,), part in parts
    ]
    if due := [one for one in jobs if not one.done]:
        if cluster is not None:
            trained_by(cluster, due, base, save_every=save_every, progress=progress)
        else:
            _side_by_side(due, base, save_every=save_every, progress=progress, workers=workers)
    with no_bars():
        return {one.community: _opened(base, one.folder, plan) for one in jobs}


def _side_by_side(
    due: Sequence[Job], base: Local, *, save_every: float, progress: Progress | None, workers: int
) -> None:
    """The jobs on this machine: on a CPU in threads, on a GPU one by one."""

    def do(one: Job, still: Callable[[], None]) -> None:
        def each_step(done: int, steps: int) -> None:
            still()
            if progress:
                progress(one.community, done, steps)

        run(one, base, save_every=save_every, each_step=each_step)

    with no_bars():
        side_by_side(due, do, workers=workers if base.device == "cpu" else 1)


def _checked(model: Model, examples: Examples, places: Mapping[str, Path], plan: Plan, workers: int) -> Local:
    """The model as one with weights to train; every fault of the call at once."""
    faults = [
        f"{name}={value!r} is not {due}"
        for name, value, fine, due in (
            ("lora_rank", plan.lora_rank, plan.lora_rank is None or plan.lora_rank >= 1, "None or at least 1"),
            ("lora_alpha", plan.lora_alpha, plan.lora_alpha > 0, "above 0"),
            ("epochs", plan.epochs, plan.epochs >= 1, "at least 1"),
            ("rate", plan.rate, plan.rate > 0, "above 0"),
            ("batch_tokens", plan.batch_tokens, plan.batch_tokens >= 1, "at least 1"),
            ("warmup", plan.warmup, plan.warmup >= 0, "at least 0"),
            ("weight_decay", plan.weight_decay, plan.weight_decay >= 0, "at least 0"),
            ("clip", plan.clip, plan.clip > 0, "above 0"),
            ("held_out", plan.held_out, 0 <= plan.held_out <= 0.5, "between 0 and 0.5"),
            ("context", plan.context, plan.context >= 2, "at least 2"),
            ("workers", workers, workers >= 1, "at least 1"),
        )
        if not fine
    ]
    if faults:
        raise UsageError("; ".join(faults))
    small = {n: c for n, c in examples["community"].value_counts().sort("community").iter_rows() if c < 2}
    if small or not places:
        said = ", ".join(f"{name!r} has {n}" for name, n in small.items()) or "there are no examples at all"
        raise RefusedError(f"a community needs at least 2 examples, to learn from one and hold out one: {said}")
    if not isinstance(model, Local):
        raise ModelError(f"{model.name} has no weights to train: take scratch/<size> or hf/<folder or hub id>")
    for name, folder in places.items():
        read = [Path(at).resolve() for at in (model.folder, model.adapter) if at]
        if folder.resolve() in read or not ours(folder):
            raise RefusedError(f"{folder.name!r} holds files that no fine-tuning made: give {name!r} an empty folder")
        if (other := seen_card(folder).get("community", name)) != name:
            raise RefusedError(
                f"{folder.name!r} holds what {other!r} learnt, not {name!r}: give every community its own folder"
            )
    if plan.lora_rank and model.adapter and (model.adapter / "adapter_config.json").exists():
        raise ModelError(f"{model.name} wears an adapter: lay a second one over its base, or train full weights")
    return model


def _opened(base: Local, folder: Path, plan: Plan) -> Local:
    """The taught model, read back from its folder: what is used is what was written."""
    # Full weights stand alone; an adapter lies over what the base was read from.
    under = base.adapter if plan.lora_rank and base.adapter else base.folder
    return local(
        under,
        adapter=folder,
        dtype=base.dtype,
        device=base.device,
        attention=base.weights.attention,
        batch=base.batch,
        threads=base.threads,
        top_k=base.top_k,
        name=f"{base.name}@{folder.name}",
    )
