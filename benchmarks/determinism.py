"""Same seed, same bytes: every system's tables and page while one thing after another is varied around the run.

    python benchmarks/determinism.py [--systems a,b] [--less] [--json]

Each run is a process of its own (`tests/determinism_run.py`). The first is on two cores, with two threads each of polars, BLAS
and OpenMP, under hash seed 0, its rows as loaded; every other differs from it in what its line says. One line per system and
varied thing: are all tables/*.csv and report.html the same bytes, and which differ. `--less` runs smaller worlds than tiny.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

RUN = Path(__file__).parents[1] / "tests" / "determinism_run.py"
LESS: dict[str, dict[str, Any]] = {
    "community_fidelity": {"people": 240, "originals": 6, "corpus": 120, "posts": 80, "topics": 3, "epochs": 1, "exemplars": 5},
    "relationship_alignment": {"pairs": 600, "posts": 150, "commenters": 120, "asked": 200, "draws": 1, "replications": 100},
    "minhash_communities": {
        "plant": {"people": 400, "fans": 3000, "communities": 4, "size": 60}, "restarts": 2, "pairs": 150, "queries": 2,
    },
    "planted10": {},
}  # fmt: skip
FIRST = {"cores": "2", "rows": "0", "POLARS_MAX_THREADS": "2", "OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2", "PYTHONHASHSEED": "0"}  # fmt: skip
VARIED: dict[str, dict[str, str]] = {
    "again": {},
    "one core": {"cores": "1"},
    "one thread of polars": {"POLARS_MAX_THREADS": "1"},
    "one thread of BLAS": {"OPENBLAS_NUM_THREADS": "1"},
    "one thread of OpenMP": {"OMP_NUM_THREADS": "1"},
    "hash seed 1": {"PYTHONHASHSEED": "1"},
    "hash seed random": {"PYTHONHASHSEED": "random"},
    "row order": {"rows": "7"},
    "all of them": {
        "cores": "1", "rows": "8", "POLARS_MAX_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "random",
    },
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--systems", default=",".join(LESS))
    parser.add_argument("--less", action="store_true")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    rows = []
    for slug in asked.systems.split(","):
        first, took = run(slug, less=asked.less)
        rows.append(
            {"system": slug, "varied": "first", "files": len(first), "same": True, "differ": [], "seconds": took}
        )
        for name, varied in VARIED.items():
            found, took = run(slug, less=asked.less, **varied)
            differ = sorted(n for n in first.keys() | found.keys() if first.get(n) != found.get(n))
            rows.append({"system": slug, "varied": name, "files": len(found), "same": not differ, "differ": differ, "seconds": took})  # fmt: skip
            if not asked.json:
                said = "same" if not differ else "NOT the same: " + ", ".join(differ)
                print(f"{slug:24} {name:22} {len(found):3} files  {took:6.1f} s  {said}", flush=True)
    if asked.json:
        print(json.dumps(rows))
    sys.exit(not all(row["same"] for row in rows))


def run(slug: str, *, less: bool, **varied: str) -> tuple[dict[str, bytes], float]:
    """What one run leaves, by name, and its seconds."""
    told = FIRST | varied
    env = os.environ | {k: v for k, v in told.items() if k.isupper()} | {"OMP_WAIT_POLICY": "PASSIVE", "HF_HUB_OFFLINE": "1"}  # fmt: skip
    size, began = json.dumps(LESS[slug] if less else {}), perf_counter()
    with TemporaryDirectory() as folder:
        words = [sys.executable, str(RUN), slug, folder, told["cores"], told["rows"], size, "{}"]
        subprocess.run(words, env=env, check=True)
        made = {p.name: p.read_bytes() for p in (*Path(folder).glob("tables/*.csv"), Path(folder, "report.html"))}
    return made, round(perf_counter() - began, 1)


if __name__ == "__main__":
    main()
