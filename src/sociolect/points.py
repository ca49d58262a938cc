"""Places where a run may be killed: the kill sweep visits each of them."""

import os
import signal
from collections import Counter

_passed: Counter[str] = Counter()


def point(name: str) -> None:
    """Nothing, unless the environment asks for a kill here.

    `SOCIOLECT_KILL=write#3` kills this process, as a power cut would, when it passes the third point of the name `write`.
    `any#3` is the third point of whatever name.
    `SOCIOLECT_POINTS=FILE` appends each point as it is passed, so that a sweep knows where there is to kill.
    """
    kill, log = os.environ.get("SOCIOLECT_KILL"), os.environ.get("SOCIOLECT_POINTS")
    if not kill and not log:
        return
    _passed[name] += 1
    here = f"{name}#{_passed[name]}"
    if log:
        with open(log, "a", encoding="utf-8") as file:
            file.write(f"{here}\n")
    if kill in {here, f"any#{_passed.total()}"}:
        os.kill(os.getpid(), signal.SIGKILL)
