"""The hard stop: money is held before a call and settled after it, so that the limit is never passed."""

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from sociolect.errors import BudgetError, UsageError

_UNIT = 10**12  # money is counted in whole millionths of a millionth: sums of floats drift


@dataclass(slots=True)
class Purse:
    """What a run may spend, shared by all its models and threads; `limit=None` counts and never stops.

    What a call may cost at worst is held before it is sent. What it did cost is booked after it; where nobody knows, the
    worst is booked. So spent and held money together never pass the limit. `kept` is told, before a call is sent, the most
    that may be gone by then: who is killed has it written down.

    >>> purse = Purse(1.0)
    >>> purse.reserve(0.75); purse.settle(0.75, 0.25); purse.left
    0.75
    """

    limit: float | None
    kept: Callable[[float], None] | None = None
    _spent: int = 0
    _held: int = 0
    _most: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.limit is not None and not (math.isfinite(self.limit) and self.limit >= 0):
            raise UsageError(f"the budget is {self.limit}; due is money, 0 or more")

    @property
    def spent(self) -> float:
        """The money that is gone, and what may be: a call whose cost nobody knows counts at its worst."""
        return self._spent / _UNIT

    @property
    def held(self) -> float:
        """The money held for calls in flight."""
        return self._held / _UNIT

    @property
    def left(self) -> float | None:
        """What may still be held; None without a limit."""
        return None if self.limit is None else self.limit - (self._spent + self._held) / _UNIT

    def reserve(self, worst: float) -> None:
        """Holds the most a call can cost. Raises BudgetError, and holds nothing, where that would pass the limit."""
        due = _units(worst)
        with self._lock:
            if self.limit is not None and self._spent + self._held + due > math.floor(self.limit * _UNIT):
                raise BudgetError(
                    f"the budget of {self.limit:g} is reached: {self.spent:.6g} is spent, {self.held:.6g} is held for calls in "
                    f"flight, and the next call may cost {worst:.6g}; what was answered is kept: raise the budget and resume"
                )
            gone = self._spent + self._held + due
            if self.kept and gone > self._most:
                self.kept(gone / _UNIT)
                self._most = gone
            self._held += due

    def settle(self, worst: float, spent: float | None) -> None:
        """Books what a call did cost in place of what was held for it; None books the worst."""
        with self._lock:
            self._held -= _units(worst)
            self._spent += _units(worst if spent is None else spent)


def _units(money: float) -> int:
    if not (math.isfinite(money) and money >= 0):
        raise UsageError(f"a call is said to cost {money}; due is money, 0 or more")
    return math.ceil(money * _UNIT)
