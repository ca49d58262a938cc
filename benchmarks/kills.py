"""Not time: the main job killed again and again until it ends, and what was lost.

`python benchmarks/kills.py [--system S] [--apart N] [--seed K] [--out FOLDER]`. First the system runs whole, at tiny. Then a second
workspace is run with a SIGKILL at the first point where a run may be killed, run again, killed up to N points later,
and so on to its end. Due: the same tables, page, steps and weights, byte for byte, and the same calls in the journal. Ends with
an error where one differs. The small studies of `tests/kills` are killed at every single point; this shows it of the real job.
"""

import argparse
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from sociolect.fingerprint import of_folder

KEPT = {".parquet", ".csv", ".html", ".safetensors"}


def run(system: str, out: Path, **env: str) -> int:
    command = [sys.executable, "-c", "from sociolect.cli import main; main()", "run", system, "--out", str(out)]
    done = subprocess.run(command, env={**os.environ, **env}, capture_output=True, text=True, check=False)
    if done.returncode not in {0, -signal.SIGKILL}:
        sys.exit(f"the run ended with {done.returncode}: {done.stderr[-500:]}")
    return done.returncode


def made(folder: Path) -> dict[str, str]:
    return {name: digest for name, digest in of_folder(folder).items() if Path(name).suffix in KEPT}


def calls(folder: Path) -> set[tuple[bytes, str]]:
    with sqlite3.connect(folder / "journal.sqlite") as book:
        return set(book.execute("SELECT key, response FROM calls"))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--system", default="community_fidelity")
    parser.add_argument("--apart", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--json", action="store_true")
    said = parser.parse_args()
    with TemporaryDirectory() as held:
        folder = said.out or Path(held)
        began = time.perf_counter()
        run(said.system, folder / "whole")
        whole_s = time.perf_counter() - began
        drawn, killed, at = random.Random(said.seed), 0, 1
        began = time.perf_counter()
        # The page is written by every run anew, so each must come further than the last for there to be an end.
        while run(said.system, folder / "killed", SOCIOLECT_KILL=f"any#{at}"):
            killed, at = killed + 1, at + drawn.randint(1, said.apart)
        seconds = time.perf_counter() - began
        one, other = made(folder / "whole"), made(folder / "killed")
        differ = sorted(n for n in one.keys() | other.keys() if one.get(n) != other.get(n))
        lost = len(calls(folder / "whole") ^ calls(folder / "killed"))
    found = {
        "killed": killed,
        "whole_s": whole_s,
        "with_kills_s": seconds,
        "files": len(one),
        "differ": differ,
        "calls_apart": lost,
    }
    if said.json:
        print(json.dumps(found))
    else:
        print(f"{said.system}: killed {killed} times; {whole_s:.0f} s whole, {seconds:.0f} s with the kills")
        print(f"{len(one)} files, {len(differ)} differ; {lost} journaled calls differ")
    if differ or lost:
        sys.exit(f"lost: {', '.join(differ) or 'calls'}")


if __name__ == "__main__":
    main()
