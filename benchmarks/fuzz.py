"""Every reader under random fire for as long as you like: what CI does with fixed cases (`tests/fuzz`), with ever new ones.

    python benchmarks/fuzz.py [--minutes 10] [--cases 400] [--only NAME] [--json]

Due: no case ends in anything but a value or an error of one line, within 2 s and 500 MB. Each round gives every reader so
many new cases and counts them; it prints the shrunken case of each fault, which then belongs into the test as `known`.
A reader that takes the whole process down (a segmentation fault in a library) shows as a round without a summary.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def round_of(cases: int, seed: int, only: str) -> tuple[int, str]:
    """The exit status and the words of one round over all readers."""
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run(
            [sys.executable, "-m", "pytest", "-n", "0", "tests/fuzz", f"--hypothesis-seed={seed}", "--tb=short", f"--basetemp={folder}/t",
             *(["-k", only] if only else [])],
            cwd=ROOT, capture_output=True, text=True, check=False, env={**os.environ, "SOCIOLECT_FUZZ": str(cases)},
        )  # fmt: skip
    return run.returncode, run.stdout


def main() -> int:
    said = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    said.add_argument("--minutes", type=float, default=10)
    said.add_argument("--cases", type=int, default=400)
    said.add_argument("--only", default="")
    said.add_argument("--json", action="store_true")
    args = said.parse_args()
    begun, rounds, faults, readers = time.monotonic(), 0, 0, 0
    while rounds == 0 or time.monotonic() - begun < 60 * args.minutes:
        status, words = round_of(args.cases, int(time.time()), args.only)
        rounds += 1
        counts = {
            what: int(n) for n, what in re.findall(r"(\d+) (passed|failed)", words.splitlines()[-1] if words else "")
        }
        readers += sum(counts.values())
        faults += counts.get("failed", 0) + (not counts)
        if status:
            print(words, file=sys.stderr)
    found = {
        "minutes": round((time.monotonic() - begun) / 60, 1),
        "rounds": rounds,
        "tests": readers,
        "cases_each": args.cases,
        "faults": faults,
    }
    print(json.dumps(found) if args.json else "\n".join(f"{k:<12}{v:>10}" for k, v in found.items()))
    return int(faults > 0)


if __name__ == "__main__":
    raise SystemExit(main())
