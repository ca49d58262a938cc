"""A thousand Donor Games of twelve players at once: seconds with scripted players, and the share of time outside a model.

    python benchmarks/donor_game.py [--games 1000] [--talked 4] [--json]

Scripted: `--games` populations of 12 play both games of a generation (12 strategies and 144 gifts each) with the same two
replies of a script, so that nearly all of the time is the loop's, the world's and the frames'. Due: under 30 s.
Talked: `--talked` populations of 12 play a generation with `scratch/tiny`, trained here on the game's own prompts (context
1,280 tokens), replies of 48 tokens at most; the time inside `generate` is the model's. Due: under 20 % of the wall time outside.
Numeric: the recipe's evolution, 20 seeds x 4 conditions x 10 generations. Due: about 2 s. There is no peer.
"""

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import polars as pl

from sociolect import frames
from sociolect.models.model import Chat
from sociolect.models.scripted import scripted
from sociolect.systems.worlds.donor_game.evolution import evolve
from sociolect.systems.worlds.donor_game.played import played
from sociolect.systems.worlds.donor_game.players import Planted

ASKED = 156  # of one population in its first generation


@dataclass
class Clocked:
    """A model that counts the seconds spent in it."""

    inside: Any
    name: str = "clocked"
    seconds: list[float] = field(default_factory=list)

    def generate(self, chats: Sequence[Chat], **asking: Any) -> list[str]:
        began = perf_counter()
        said: list[str] = self.inside.generate(chats, **asking)
        self.seconds.append(perf_counter() - began)
        return said

    def logprobs(self, chats: Sequence[Chat], options: Sequence[Sequence[str]]) -> list[list[float]]:
        found: list[list[float]] = self.inside.logprobs(chats, options)
        return found


def reply(chat: Chat) -> str:
    """The same strategy and the same small gift from everybody."""
    return "It pays. Answer: 0.5" if "You have " in chat[-1].text else "My strategy will be to give a little."


def scripted_games(games: int) -> dict[str, float]:
    player = Clocked(scripted(reply))
    began, used = perf_counter(), process_time()
    said = played(player, community="scripted", conditions=("trace",), runs=games, number=1, seed=1)
    seconds = perf_counter() - began
    assert said.height == ASKED * games
    assert said.filter(pl.col("outcome") != "answered").height < said.height / 10
    inside = sum(player.seconds)
    return {
        "games": games,
        "seconds": seconds,
        "cpu_s": process_time() - used,
        "outside": 1 - inside / seconds,
        "replies": said.height,
    }


def talked_games(games: int) -> dict[str, float]:
    from sociolect.models.scratch import scratch

    taught = played(Planted(), community="planted", conditions=("trace",), runs=4, number=2, seed=2)
    examples = taught.select("community", "prompt", reply=pl.col("text"))
    with tempfile.TemporaryDirectory() as folder:
        model = Clocked(scratch(frames.examples(examples), Path(folder) / "model", context=1280, epochs=1, seed=1))
        began = perf_counter()
        said = played(
            model, community="talked", conditions=("trace",), runs=games, number=1, tries=1, tokens=48, seed=3
        )
        seconds = perf_counter() - began
    unread = said.filter(pl.col("outcome") != "answered").height / said.height
    return {
        "games": games,
        "seconds": seconds,
        "outside": 1 - sum(model.seconds) / seconds,
        "unreadable": unread,
        "replies": said.height,
    }


def numeric() -> dict[str, float]:
    began = perf_counter()
    rows = evolve().height
    return {"seconds": perf_counter() - began, "acts": rows}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--games", type=int, default=1000)
    parser.add_argument("--talked", type=int, default=4, help="games with scratch/tiny; 0 leaves them out")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    found = {"numeric": numeric(), "scripted": scripted_games(asked.games)}
    if asked.talked:
        found["scratch/tiny"] = talked_games(asked.talked)
    if asked.json:
        print(json.dumps(found))
        return
    print(f"numeric evolution: {found['numeric']['seconds']:.2f} s, due about 2 s")
    one = found["scripted"]
    print(f"{asked.games} games x 12 scripted: {one['seconds']:.1f} s (cpu {one['cpu_s']:.1f} s), due under 30 s; "
          f"{1e6 * one['seconds'] / one['replies']:.0f} us a reply")  # fmt: skip
    if asked.talked:
        one = found["scratch/tiny"]
        print(f"{asked.talked} games x 12 of scratch/tiny: {one['seconds']:.1f} s, outside the model {one['outside']:.1%}, due under 20 %; "
              f"unreadable {one['unreadable']:.0%}")  # fmt: skip


if __name__ == "__main__":
    main()
