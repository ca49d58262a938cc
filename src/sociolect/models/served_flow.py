"""How many calls may be in flight: more while it goes well, half when the server is slow, one when nothing is answered."""

from dataclasses import dataclass, field

FIRST = 8  # calls at the start; ours, like the three numbers below
OPENS = 20  # failures in a row, with no answer between, that open the circuit
CALLS = 10  # of at least so many different calls, or of all that may be in flight
LONGEST = 60.0  # seconds: a pause doubles up to here


@dataclass(slots=True)
class Flow:
    """The state of one conversation with a server: additive increase, multiplicative decrease, and a circuit breaker.

    The number in flight doubles per round until the first trouble, then grows by one per round (Chiu and Jain 1989). It halves
    at most once per round: calls begun before a cut say nothing about what came of it. An open circuit lets one call at a
    time through; the first answer closes it, `tries` failures in a row end the run.
    """

    most: int
    tries: int
    adaptive: bool = True
    size: float = 0.0
    begun: int = 0
    answered: int = 0
    _cut: int = 0
    _doubling: bool = True
    _row: int = 0
    _calls: set[int] = field(default_factory=set)
    _opened: int | None = None
    _probes: int = 0

    def __post_init__(self) -> None:
        self.size = float(min(self.most, FIRST) if self.adaptive else self.most)

    @property
    def room(self) -> int:
        """How many calls may be in flight now."""
        return 1 if self._opened is not None else max(1, int(self.size))

    def begin(self) -> int:
        """The number of the try that begins."""
        self.begun += 1
        return self.begun

    def well(self) -> None:
        """An answer came."""
        self.answered += 1
        if self._opened is not None:
            self._opened, self._doubling = None, True
            self.size = 1.0 if self.adaptive else float(self.most)
        self._row, self._probes = 0, 0
        self._calls.clear()
        if self.adaptive:
            self.size = min(float(self.most), self.size + (1.0 if self._doubling else 1.0 / self.size))

    def badly(self, call: int, begun: int, *, slow: bool) -> bool:
        """A try failed; True where the run has to end because one probe after another fails."""
        if self._opened is not None:
            self._probes += begun > self._opened
            return self._probes >= self.tries
        self._row += 1
        self._calls.add(call)
        if self._row >= OPENS and len(self._calls) >= min(CALLS, self.most):
            self._opened, self._probes = self.begun, 0
        elif self.adaptive and slow and begun > self._cut:
            self.size, self._cut, self._doubling = max(1.0, self.size / 2), self.begun, False
        return False

    def hold(self, pause: float) -> float:
        """The seconds before the next probe of an open circuit; 0 while it is closed."""
        return 0.0 if self._opened is None else min(LONGEST, pause * 2**self._probes)

    def failed(self) -> str:
        """What an open circuit has seen, in words."""
        return f"{self._row} calls in a row failed, then {self._probes} single ones"
