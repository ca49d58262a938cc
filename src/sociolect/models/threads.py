"""torch on a fixed number of threads, and patient ones."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


def patient_torch() -> Any:
    """The torch module. Where it was not loaded before, its threads sleep while they wait instead of spinning.

    Spinning threads on a machine that others use, or two processes of ours, lose most of their time slices to waiting:
    measured at two threads on two busy cores, a training step takes a tenth of the time with sleeping ones.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    import torch

    return torch


@contextmanager
def fixed_threads(threads: int) -> Iterator[None]:
    """Run on so many threads whatever the machine has: sums in another order give other last bits."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
