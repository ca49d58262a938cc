"""Who is to be forgotten in a workspace: keyed digests in `forgotten.json`, and a society without those people."""

import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from hmac import digest
from pathlib import Path
from typing import Any

import polars as pl

from sociolect import frames
from sociolect.errors import WorkspaceError
from sociolect.frames import Society
from sociolect.settle import replaced
from sociolect.traces import PSEUDONYM, Traces, adrift, marks, traces, unmarked

FILE = "forgotten.json"


@dataclass(frozen=True, slots=True)
class Register:
    """The workspace's own key, and the digest of everybody to be forgotten; of `begun` not everything is deleted yet."""

    key: bytes
    people: frozenset[str] = frozenset()
    begun: frozenset[str] = frozenset()
    run: int = 6

    def digest(self, person: str) -> str:
        """HMAC-SHA256 of a pseudonym under the workspace's own key: it names nobody who has not the pseudonym."""
        return digest(self.key, person.encode("utf-8", "surrogatepass"), "sha256").hex()

    def among(self, people: Iterable[str]) -> set[str]:
        """Those of the people who are to be forgotten."""
        return {p for p in people if self.digest(p) in self.people} if self.people else set()


def read(folder: Path) -> Register:
    """The register of a workspace; an empty one with a new key where nobody was forgotten. Raises WorkspaceError for a torn one."""
    path = folder / FILE
    try:
        said: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return Register(
            bytes.fromhex(said["key"]), frozenset(said["people"]), frozenset(said["begun"]), int(said["words"])
        )
    except FileNotFoundError:
        return Register(secrets.token_bytes(32))
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        # Taken for empty, it would let the forgotten back in.
        raise WorkspaceError(
            f"{path} is torn ({error}): put it back from a copy, or remove it and forget the people again"
        ) from error


def write(folder: Path, register: Register) -> None:
    """Leaves the register in the folder, whole."""
    said = {
        "begun": sorted(register.begun),
        "key": register.key.hex(),
        "people": sorted(register.people),
        "words": register.run,
    }
    replaced(folder / FILE, (json.dumps(said, indent=1) + "\n").encode())


def let_in(society: Society, folder: Path) -> Society:
    """The society as a workspace may hold it: without those whom it is to forget, counted in `set_aside` as forgotten.

    What goes: their rows, ties to them, posts that mention them, and posts that repeat a run of their words.
    """
    if not (folder / FILE).exists():
        return society
    register = read(folder)
    mentioned = society.posts.select(p=pl.col("text").str.extract_all(PSEUDONYM.pattern)).explode("p")["p"].drop_nulls()
    named = [
        society.people["person"],
        society.posts["person"],
        society.ties["source"],
        society.ties["target"],
        mentioned,
    ]
    gone = register.among(set().union(*(set(s.unique()) for s in named)))
    return without(society, traces([society.posts], gone, run=register.run), register) if gone else society


def without(society: Society, known: Traces, register: Register) -> Society:
    """The society without what holds a trace; each post that goes is counted.

    A post that answered one of theirs stays, without a parent; a thread named after one of theirs gets another name.
    """
    threads = society.posts["thread"].unique().to_list()
    names = {t: f"t{register.digest(t)[:16]}" for t in threads if t in known.posts}
    posts = unmarked(adrift(society.posts, known, names), known)
    count = society.posts.height - posts.height
    aside = unmarked(society.set_aside, known)
    before = int(aside.filter(pl.col("reason") == "forgotten")["count"].sum())
    if count + before or marks(society.people, known).any():
        row = {"reason": "forgotten", "count": count + before, "where": FILE, "mend": "nothing to do"}
        aside = pl.concat([aside.filter(pl.col("reason") != "forgotten"), pl.DataFrame([row], schema=frames.SET_ASIDE)])
    return replace(
        society,
        people=frames.people(unmarked(society.people, known)),
        posts=frames.posts(posts),
        ties=frames.ties(unmarked(society.ties, known)),
        set_aside=aside,
    )
