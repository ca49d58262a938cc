"""Where the local models of a run stand, and in which number format: said once, taken by every model that is opened."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from sociolect.errors import UsageError, needs

DTYPES = {"fp32": "float32", "bf16": "bfloat16"}
_DEVICE = re.compile(r"cpu|cuda(:\d+)?")


class Placement(NamedTuple):
    """A device as torch names it (cpu, cuda, cuda:1), and the format of the weights (fp32, bf16)."""

    device: str = "cpu"
    dtype: str = "fp32"


_said: list[Placement] = []


def placement() -> Placement:
    """Where a local model stands that is opened now: the CPU in fp32, unless something else was said.

    >>> placement()
    Placement(device='cpu', dtype='fp32')
    """
    return _said[-1] if _said else Placement()


@contextmanager
def placed(device: str = "cpu", dtype: str = "fp32") -> Iterator[Placement]:
    """Local models that are opened inside stand there. Whether the device is there is seen when one is opened.

    Steps of a workspace and answers in its journal are known by it, so none is taken for one that was made elsewhere.
    Raises UsageError for what names no device or format.

    >>> with placed("cuda", "bf16"):
    ...     placement()
    Placement(device='cuda', dtype='bf16')
    """
    faults = [] if _DEVICE.fullmatch(device) else [f"device is {device!r}; due is cpu, cuda or cuda:<number>"]
    faults += [] if dtype in DTYPES else [f"dtype is {dtype!r}; due is one of {', '.join(DTYPES)}"]
    if faults:
        raise UsageError("; ".join(faults))
    one = Placement(device, dtype)
    _said.append(one)
    try:
        yield one
    finally:
        _said.pop()


def there(device: str, dtype: str) -> None:
    """Nothing where this machine has the device; ModelError where it has not, MissingExtra where torch is not installed.

    The CPU is always there: nothing is loaded to see it.
    """
    if device == "cpu":
        return
    try:
        from sociolect.models.device import checked

        checked(device, dtype, None)
    except ImportError as error:
        raise needs(f"device {device!r}", "train") from error


def aside(one: Placement) -> dict[str, str]:
    """What tells a step made there from one made on a CPU in fp32; empty for the latter. The number of a device says nothing.

    >>> aside(Placement("cuda:1", "bf16")), aside(Placement())
    ({'device': 'cuda', 'dtype': 'bf16'}, {})
    """
    return {} if one == Placement() else {"device": one.device.partition(":")[0], "dtype": one.dtype}
