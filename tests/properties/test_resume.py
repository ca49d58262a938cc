"""A state machine for resume: whatever is killed, torn or changed on the way, what is read back is what an unbroken run gives.

The machine knows which steps stand whole. A step is made when it is due, and only then; what is read is never another's.
"""

import json
import tempfile
from pathlib import Path
from typing import Any
from unittest import mock

import polars as pl
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from sociolect import frames
from sociolect import workspace as under_test
from sociolect.frames import Members
from sociolect.workspace import Workspace

POINTS = ["step", "made", "rename", "between renames", "renamed"]
MADE: list[str] = []  # the steps made, in order
HALFWAY: list[bool] = []  # whether the next make is killed in its midst


class Killed(BaseException):
    """As if the power had gone: nothing handles it."""


def who(numbers: pl.DataFrame, *, times: int) -> pl.DataFrame:
    """The people `times` over, in communities named by the sum of the numbers."""
    MADE.append("who")
    if HALFWAY and HALFWAY.pop():
        raise Killed
    total = int(numbers["n"].sum()) * times
    return pl.DataFrame({"person": [f"p{i}" for i in range(times)], "community": [f"c{total}"] * times})


def card(members: Members, *, folder: Path, title: str) -> None:
    """A file of the members' names."""
    MADE.append("card")
    (folder / "card.json").write_text(json.dumps([title]))
    if HALFWAY and HALFWAY.pop():
        raise Killed
    (folder / "card.json").write_text(json.dumps([title, *members["community"].to_list()]))


class Resume(RuleBasedStateMachine):
    """Two steps, the second made of the first, in a workspace and in a branch of it."""

    def __init__(self) -> None:
        super().__init__()
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = Path(self.temporary.name)
        self.synced = mock.patch("os.fsync")  # a power cut is not played here, and a thousand syncs take long
        self.synced.start()
        self.stands: dict[tuple[str, str], Any] = {}  # what each place holds whole: the key of what it was made of
        self.kill = ""
        MADE.clear()
        HALFWAY.clear()

    def teardown(self) -> None:
        self.synced.stop()
        self.temporary.cleanup()

    @initialize()
    def begin(self) -> None:
        self.numbers, self.times, self.title = [1, 2], 1, "x"

    @rule(numbers=st.sampled_from([[1, 2], [2, 1], [3], [1, 2, 0]]))
    def change_inputs(self, numbers: list[int]) -> None:
        self.numbers = numbers

    @rule(times=st.integers(1, 3), title=st.sampled_from(["x", "y"]))
    def change_keywords(self, times: int, title: str) -> None:
        self.times, self.title = times, title

    @rule(branch=st.booleans(), where=st.sampled_from(["", "", "halfway", *POINTS]))
    def run(self, branch: bool, where: str) -> None:
        """Both steps, in the workspace or the branch, killed on the way or not."""
        MADE.clear()
        HALFWAY[:] = [True] * (where == "halfway")
        place, self.kill = "b" if branch else "", where
        with mock.patch.object(under_test, "point", self._point):
            self.now = ""
            try:
                held = self._both(place)
            except Killed:
                assert self.now
                assert where
                return
        assert held == self._due()
        assert not (HALFWAY and MADE)  # where nothing is made, nothing is halfway

    def _both(self, place: str) -> tuple[list[Any], list[str]]:
        """Run the steps as a study does, and keep the account of what stands and what was due."""
        work = Workspace(self.folder)
        work = work.branch(place) if place else work
        members = self._step(
            place, "who", lambda: work.frame("who", frames.members, who, self._frame(), times=self.times)
        )
        folder = self._step(place, "card", lambda: work.files("card", card, members, title=self.title))
        return members.rows(), json.loads((folder / "card.json").read_text())

    def _step(self, place: str, name: str, run: Any) -> Any:
        key = (tuple(self.numbers), self.times) if name == "who" else (self.title, self._community())
        above = place and self.stands.get(("", name)) == key
        due = self.stands.get((place, name)) != key and not above
        old, count = self.stands.get((place, name)), MADE.count(name)
        self.now, self.passed = name, ""
        try:
            found = run()
        except Killed:
            if self.passed == "between renames":
                self.stands.pop((place, name), None)
            elif self.passed == "renamed":
                self.stands[place, name] = key
            else:
                assert self.stands.get((place, name)) == old
            raise
        self.stands[place, name] = key
        assert MADE.count(name) - count == due
        return found

    def _point(self, name: str) -> None:
        if name == self.kill:
            self.kill, self.passed = "", name
            raise Killed

    def _frame(self) -> pl.DataFrame:
        return pl.DataFrame({"n": self.numbers})

    def _community(self) -> tuple[str, int]:
        return f"c{sum(self.numbers) * self.times}", self.times

    def _due(self) -> tuple[list[Any], list[str]]:
        """What an unbroken run gives."""
        name, times = self._community()
        return [(f"p{i}", name) for i in range(times)], [self.title, *[name] * times]

    @precondition(lambda self: self.stands)
    @rule(data=st.data(), how=st.sampled_from(["cut", "empty", "gone"]))
    def tear(self, data: st.DataObject, how: str) -> None:
        """A file of a step that stands is cut, emptied or gone."""
        place, name = data.draw(st.sampled_from(sorted(self.stands)))
        folder = self._at(place, name)
        path = data.draw(st.sampled_from(sorted(p for p in folder.iterdir())))
        held = path.read_bytes()
        path.unlink()  # the same step elsewhere may be the same file on the disk
        if how != "gone":
            path.write_bytes(held[: data.draw(st.integers(0, len(held) - 1))] if how == "cut" else b"")
        del self.stands[place, name]

    @rule(branch=st.booleans(), name=st.sampled_from(["who", "card"]), key=st.sampled_from(["", "{", '{"key": "0"}']))
    def leave_a_part(self, branch: bool, name: str, key: str) -> None:
        """What another run, killed, has left behind: of other inputs, or unreadable."""
        folder = self._at("b" if branch else "", name).with_name(f".{name}.part")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "frame.parquet").write_bytes(b"PAR1")
        (folder / "other.json").write_text("[]")
        (folder / "step.json").write_text(key)

    def _at(self, place: str, name: str) -> Path:
        return (self.folder / "branches" / place if place else self.folder) / "steps" / name

    @invariant()
    def what_stands_is_whole(self) -> None:
        for place, name in self.stands:
            said = json.loads((self._at(place, name) / "step.json").read_text())
            assert all((self._at(place, name) / file).stat().st_size == size for file, size in said["bytes"].items())
            assert not (self._at(place, name) / "other.json").exists()


TestResume = Resume.TestCase
TestResume.settings = settings(
    max_examples=25, stateful_step_count=12, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)  # fmt: skip
