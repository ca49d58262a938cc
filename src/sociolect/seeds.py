"""One root seed, named substreams: no two parts of a study ever share random numbers, and none depends on another's draws."""

from hashlib import sha256

import numpy as np


def derive(seed: int, *names: str | int) -> int:
    """A seed of its own, 0 to 2**63 - 1, for a named part of a study.

    >>> derive(1, "split") == derive(1, "split"), derive(1, "split") == derive(1, "fold")
    (True, False)
    """
    return int.from_bytes(sha256("\x1f".join(map(str, (seed, *names))).encode()).digest()[:8], "big") >> 1


def substream(seed: int, *names: str | int) -> np.random.Generator:
    """A generator of its own for a named part of a study.

    >>> float(substream(1, "split").random()) == float(substream(1, "split").random())
    True
    """
    return np.random.default_rng(derive(seed, *names))
