"""How fast this machine is at what a run needs: learning a token, reading one, writing one, and everything else."""

import time
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from sociolect.errors import MissingExtra, needs
from sociolect.models.placement import DTYPES, placement
from sociolect.systems.planned_weights import Shape

REFERENCE = 0.11  # seconds that `_work` takes on the machine on which systems state their `work`
SMALL = (
    2_000_000  # weights: up to here the tiny transformer of models/scratch stands for a model, above it the small one
)
SPAN = 32  # tokens of a prompt, and of a reply, in the measurement
LAYERS, HEAD, CARD_ROWS = 2, 64, 128  # of a card: layers of the model's own width, width of a head, rows: 4,096 tokens


class Speed(NamedTuple):
    """Seconds a token for a model of `weights` weights: learnt, read in a prompt, written; and `work`, 1 on the reference machine.

    The first three are None where no model is needed. `card` is the same of a graphics card of this machine.
    """

    work: float
    weights: int | None = None
    learn: float | None = None
    read: float | None = None
    write: float | None = None
    card: "Speed | None" = None


def measured(weights: int | None, *, learns: bool = False, threads: int = 2) -> Speed:
    """The speed of this machine, measured in a second or two; of a model as near to `weights` as models/scratch has one.

    With None nothing of a model is measured. Raises MissingExtra where torch is not installed.
    """
    work = min(_timed(_work) for _ in range(3)) / REFERENCE
    if weights is None:
        return Speed(work)
    try:
        from sociolect.models.scratch import SIZES, fresh
        from sociolect.models.threads import fixed_threads, patient_torch

        torch = patient_torch()
        module = fresh(SIZES["tiny" if weights <= SMALL else "small"]).to(getattr(torch, DTYPES[placement().dtype]))
    except ImportError as error:
        raise _missing() from error
    own = sum(p.numel() for p in module.parameters())
    batch = torch.randint(0, 200, (32, SPAN))
    with fixed_threads(threads):
        learn = _learnt(torch, module, batch) if learns else None
        read, write = _asked(torch, module, batch)
    return Speed(work, own, learn, read, write)


def measured_card(weights: int, built: Shape, device: str, dtype: str, *, learns: bool = False) -> Speed:
    """The speed of a device at a model of this shape, by two layers of it, whose seconds stand for all.

    Raises ModelError where the device is not there, MissingExtra where torch is not installed.
    """
    try:
        from sociolect.models.device import checked
        from sociolect.models.scratch import Size, fresh
        from sociolect.models.threads import patient_torch

        torch = patient_torch()
        checked(device, dtype, None)
    except ImportError as error:
        raise _missing() from error
    heads = max(round(built.hidden / HEAD), 1)
    size = Size(heads * HEAD, round(built.inner), LAYERS, heads, 4 * SPAN, 1024, 0, 0.0, 0)
    module = fresh(size).to(device, getattr(torch, DTYPES[dtype]))
    batch = torch.randint(0, 200, (CARD_ROWS, SPAN), device=device)
    learn = _learnt(torch, module, batch) if learns else None
    read, write = _asked(torch, module, batch)
    times = built.layers / LAYERS
    return Speed(1.0, weights, None if learn is None else learn * times, read * times, write * times)


def _missing() -> MissingExtra:
    return needs("measuring how fast a model runs here", "train")


def _learnt(torch: Any, module: Any, batch: Any) -> float:
    """Seconds a token of forward, backward and a step; the first of two is warming up."""
    optimiser = torch.optim.AdamW(module.parameters(), lr=1e-4)

    def step() -> None:
        module(batch, labels=batch).loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        if module.device.type == "cuda":  # which works on after it was told
            torch.cuda.synchronize(module.device)

    return min(_timed(step) for _ in range(2)) / float(batch.numel())


def _asked(torch: Any, module: Any, batch: Any) -> tuple[float, float]:
    """Seconds a token read and written, by 64 rows at once as `models.local` does."""
    from sociolect.models.decode import continue_

    prompts = batch.repeat(2, 1)[:64].tolist()

    def run(tokens: int) -> None:
        continue_(
            module,
            prompts,
            list(range(len(prompts))),
            [tokens] * len(prompts),
            ends=(),
            pad=0,
            temperature=1.0,
            top_p=1.0,
            top_k=None,
        )

    with torch.inference_mode():
        one, many = (min(_timed(lambda n=n: run(n)) for _ in range(2)) for n in (1, SPAN // 2))
    write = max(many - one, 1e-6) / (len(prompts) * (SPAN // 2 - 1))
    return max(one - write * len(prompts), one / 4) / (len(prompts) * SPAN), write


def _timed(run: Any) -> float:
    begun = time.perf_counter()
    run()
    return time.perf_counter() - begun


def _work() -> None:
    """A little of what the steps without a model do: sort and multiply numbers, group rows, loop over words."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 400))
    for _ in range(3):
        x = np.sort(x @ x / 400, axis=1)
    frame = pl.DataFrame({"g": rng.integers(0, 500, 200_000), "v": rng.normal(size=200_000)})
    frame.group_by("g").agg(mean=pl.col("v").mean(), sd=pl.col("v").std()).sort("g")
    words: dict[str, int] = {}
    for i in range(60_000):
        words[str(i % 997)] = words.get(str(i % 997), 0) + i
