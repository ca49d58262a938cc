"""Generated tokens per second of a pool of Ray actors with 1 and 2 workers, beside the bare model in one process.

Same weights (Llama, 14M random weights, fp32), same 256 prompts, same batches of 64, one thread a model; the texts are equal, or
it fails. The cluster is real: one raylet of one core for one worker, two of them for two, on loopback. Rounds go in turn; the
first, in which workers start and read the weights, does not count. Due: the pool with 1 worker takes less than 5 % longer.
Then three communities fine-tuned (LoRA) on 1 and 2 workers, and in one process by threads, as many at a time.

    python benchmarks/cluster.py [rounds]
"""

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np
import polars as pl

from generation import model  # type: ignore[import-not-found]  # beside this script, not in a package
from sociolect import frames
from sociolect.align.finetune import finetune_each
from sociolect.cluster.session import cluster
from sociolect.models.local import Local, local
from sociolect.models.model import Chat, user

CHATS, TOKENS, BATCH, ROUNDS = 256, 32, 64, 5


def timed(run: Callable[[], Any]) -> tuple[float, Any]:
    begun = perf_counter()
    made = run()
    return perf_counter() - begun, made


def chats() -> list[Chat]:
    rng = np.random.default_rng(0)
    return [user(" ".join(f"w{i}" for i in rng.integers(0, 2000, rng.integers(10, 60)))) for _ in range(CHATS)]


def examples() -> frames.Examples:
    rng = np.random.default_rng(1)
    rows = [(c, "say it", " ".join(f"w{i}" for i in rng.integers(0, 2000, 40))) for c in "abcd" for _ in range(200)]
    return frames.examples(pl.DataFrame(rows, schema=["community", "prompt", "reply"], orient="row"))


def compared(base: Path, address: str, workers: int, rounds: int) -> None:
    """One line: seconds of the pool over seconds of the bare model, and tokens per second of both."""
    here = local(base, threads=1, batch=BATCH)
    bare = replace(here, weights=replace(here.weights, known=here.module))  # what lies in memory alone is asked here
    asked = chats()
    with cluster(address):
        pool = local(base, threads=1, batch=BATCH)
        took: list[tuple[float, float]] = []
        for k in range(rounds + 1):
            one, due = timed(partial(bare.generate, asked, tokens=TOKENS, seed=k))
            many, said = timed(partial(pool.generate, asked, tokens=TOKENS, seed=k))
            assert said == due, "the pool says something else"
            took += [(one, many)] * (k > 0)
        tokens = sum(len(bare.tokenizer(text)["input_ids"]) for text in due)
    ratios = sorted(many / one for one, many in took)
    each = [tokens / median(side) for side in zip(*took, strict=True)]
    print(
        f"asking, {workers} worker{'s' * (workers > 1)}: {median(ratios):.3f} of the bare model's time "
        f"({ratios[0]:.3f} to {ratios[-1]:.3f}); {each[1]:,.0f} tokens/s beside {each[0]:,.0f}",
        flush=True,
    )


def taught(base: Path, folder: Path, address: str, workers: int) -> None:
    how: dict[str, Any] = {"lora_rank": 8, "epochs": 1, "rate": 1e-3}
    alone, _ = timed(lambda: finetune_each(opened(base), examples(), folder=folder / "alone", workers=workers, **how))
    with cluster(address):
        warm = examples().filter(pl.col("community") < "c").with_columns(pl.col("reply").str.head(20))
        finetune_each(opened(base), frames.examples(warm), folder=folder / "warm", **how)
        there, _ = timed(lambda: finetune_each(opened(base), examples(), folder=folder / "there", **how))
    for file in sorted((folder / "alone").rglob("*.safetensors")):
        assert file.read_bytes() == (folder / "there" / file.relative_to(folder / "alone")).read_bytes()
    print(
        f"teaching four communities, {workers} at a time: {there:.1f} s beside {alone:.1f} s in one process", flush=True
    )
    shutil.rmtree(folder)


def opened(base: Path) -> Local:
    return local(base, threads=1)


def main(rounds: int) -> None:
    os.environ.update({"RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0"})
    from ray.cluster_utils import Cluster

    at: dict[str, Any] = {"num_cpus": 1, "include_dashboard": False, "object_store_memory": 10**8}
    with TemporaryDirectory() as made:
        base = Path(made) / "base"
        random = model([f"w{i}" for i in range(2000)])
        random.module.save_pretrained(base)
        random.tokenizer.save_pretrained(base)
        raylets = Cluster(initialize_head=True, head_node_args={**at, "node_ip_address": "127.0.0.2"})
        compared(base, raylets.address, 1, rounds)
        taught(base, Path(made) / "one", raylets.address, 1)
        raylets.add_node(**at, node_ip_address="127.0.0.3")
        compared(base, raylets.address, 2, rounds)
        taught(base, Path(made) / "two", raylets.address, 2)
        raylets.shutdown()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS)
