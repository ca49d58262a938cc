"""What a number was made with: the code, the libraries, the machine."""

import os
import platform
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from sociolect.fingerprint import fingerprint

LIBRARIES = (
    "polars",
    "numpy",
    "scipy",
    "scikit-learn",
    "igraph",
    "numba",
    "rapidfuzz",
    "torch",
    "transformers",
    "tokenizers",
    "peft",
)
PRESENT = {"report", "cli", "explore", "keep"}  # rooms that show numbers and make none


@cache
def code() -> str:
    """A hash of the code that makes numbers: every floor of the package except the page and the command line."""
    root = Path(__file__).parent
    made = (p for p in sorted(root.rglob("*.py")) if p.relative_to(root).parts[0] not in PRESENT)
    return fingerprint([(str(p.relative_to(root)), p.read_text()) for p in made if not p.name.startswith("test_")])


@cache
def libraries() -> dict[str, str]:
    """The installed versions of the libraries that compute; those not installed are left out."""
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def versions() -> dict[str, str]:
    """The versions of Python, of this package, and of the libraries that compute."""
    return {"python": sys.version.split()[0], "sociolect": version("sociolect"), **libraries()}


def hardware() -> dict[str, Any]:
    """What the run stood on: bytes may differ on another machine, numbers should not."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else None
    return {
        "machine": platform.machine(),
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "memory_bytes": memory,
    }


def peak_memory() -> int | None:
    """The most bytes this process has held at once; None where the system does not say."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
