"""A journal of model calls: what was once asked and paid for is not asked again."""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl

from sociolect.errors import ModelError, WorkspaceError
from sociolect.models.model import Chat, Model
from sociolect.text import refuses

WAIT_S = 60.0  # how long a call waits for another process that writes
_TABLE = "CREATE TABLE IF NOT EXISTS calls (key TEXT PRIMARY KEY, value TEXT NOT NULL)"


@dataclass(frozen=True, slots=True)
class Cached:
    """A model behind a journal."""

    model: Model
    path: Path
    version: str = ""

    @property
    def name(self) -> str:
        return self.model.name

    def generate(
        self, chats: Sequence[Chat], *, tokens: int = 256, temperature: float = 1.0, top_p: float = 1.0, seed: int = 0
    ) -> list[str]:
        """The journal's replies where it has them, the model's elsewhere; a repeated chat is another draw, never the same row."""
        setting = {"tokens": tokens, "temperature": temperature, "top_p": top_p, "seed": seed}
        seen: Counter[Chat] = Counter()
        keys = []
        for chat in chats:
            keys.append(self._key("generate", chat, {**setting, "draw": seen[chat]}))
            seen[chat] += 1
        known = self._known(keys)
        # A draw depends on how often its chat came before: with one draw missing, the model is given all of that chat's.
        missing = {chat for chat, key in zip(chats, keys, strict=True) if key not in known}
        due = [i for i, chat in enumerate(chats) if chat in missing]
        if due:
            said = self.model.generate([chats[i] for i in due], **setting)  # type: ignore[arg-type]  # ints and floats by name
            if len(said) != len(due):
                raise ModelError(f"{self.name} gave {len(said)} replies to {len(due)} chats")
            fresh = {keys[i]: text for i, text in zip(due, said, strict=True) if keys[i] not in known}
            bad = pl.DataFrame({"t": list(fresh.values())}, schema={"t": pl.String}).select(refuses(pl.col("t")))["t"]
            self._keep({k: v for (k, v), no in zip(fresh.items(), bad, strict=True) if v.strip() and not no})
            known |= fresh
        return [known[key] for key in keys]

    def logprobs(self, chats: Sequence[Chat], options: Sequence[Sequence[str]]) -> list[list[float]]:
        """The journal's numbers where it has them, the model's elsewhere; weighing is no draw."""
        keys = [self._key("logprobs", c, {"options": list(o)}) for c, o in zip(chats, options, strict=True)]
        known = self._known(keys)
        due = list({key: i for i, key in enumerate(keys) if key not in known}.values())
        if due:
            found = self.model.logprobs([chats[i] for i in due], [options[i] for i in due])
            fresh = {keys[i]: row for i, row in zip(due, found, strict=True)}
            self._keep(fresh)
            known |= fresh
        return [list(known[key]) for key in keys]

    def _key(self, what: str, chat: Chat, setting: dict[str, Any]) -> str:
        told = [self.name, self.version, what, [[m.role, m.text] for m in chat], setting]
        return sha256(json.dumps(told, sort_keys=True).encode("utf-8", "surrogatepass")).hexdigest()

    def _known(self, keys: Sequence[str]) -> dict[str, Any]:
        known: dict[str, Any] = {}
        with self._journal() as journal:
            for start in range(0, len(keys), 500):
                some = keys[start : start + 500]
                marks = ",".join("?" * len(some))
                rows = journal.execute(f"SELECT key, value FROM calls WHERE key IN ({marks})", some)  # noqa: S608 - marks are question marks and nothing else
                known |= {key: json.loads(value) for key, value in rows}
        return known

    def _keep(self, fresh: dict[str, Any]) -> None:
        rows = [(key, json.dumps(value)) for key, value in fresh.items()]
        with self._journal() as journal, journal:
            # The first writer wins: two processes that asked the same thing at once go on with one answer next time.
            journal.executemany("INSERT OR IGNORE INTO calls VALUES (?, ?)", rows)

    @contextmanager
    def _journal(self) -> Iterator[sqlite3.Connection]:
        """The open journal; a torn one is an error with its way out, never an empty one."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            journal = sqlite3.connect(self.path, timeout=WAIT_S)
            try:
                journal.execute("PRAGMA journal_mode=WAL")
                journal.execute(_TABLE)
                yield journal
            finally:
                journal.close()
        except sqlite3.OperationalError as error:
            raise WorkspaceError(f"the journal {self.path.name} is in use or cannot be written: {error}") from error
        except (sqlite3.DatabaseError, json.JSONDecodeError) as error:
            raise WorkspaceError(
                f"the journal {self.path.name} is torn ({error}); move it away to ask everything anew"
            ) from error


def cached(model: Model, path: Path | str, *, version: str = "") -> Cached:
    """The same model, with a journal of its calls in a SQLite file that several processes may share.

    A call is known by the model's name and `version` (give a checkpoint's hash where a name can mean two sets of weights),
    the chat, every decoding setting, the seed, and how often the chat came before in the call. Empty replies, refusals and
    errors are not kept: they are asked again. Raises WorkspaceError for a journal that is torn or locked.
    """
    return Cached(model, Path(path), version)
