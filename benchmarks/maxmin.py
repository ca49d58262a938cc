"""Not time: the table of the MaxMin-RLHF dossier over 20 planted societies a row, beside what was measured before.

Both sides: two groups of users, EM from six starts, policies over 200 replies at 1 nat. Due: mean win rates within .02 of the
dossier's (majority / minority), ARI .9 or more with 10 pairs per user or more, the minority's gain .20 or more at 40:8 on
average and .15 or more in every society, the balanced control within .05, the null within .02. There is no peer: the
authors' code trains language models.
"""

import sys
from typing import Any

import polars as pl

from sociolect.systems.aligners.maxmin_rlhf import measure
from sociolect.systems.aligners.maxmin_rlhf.load import GROUPS

ROWS = (
    ((40, 4), 25, 1.00, (0.82, 0.32), (0.66, 0.65), (0.65, 0.64)),
    ((40, 8), 25, 1.00, (0.82, 0.35), (0.66, 0.65), (0.65, 0.64)),
    ((40, 20), 25, 1.00, (0.78, 0.47), (0.66, 0.66), (0.64, 0.64)),
    ((40, 40), 25, 1.00, (0.65, 0.67), (0.66, 0.66), (0.64, 0.65)),
    ((40, 8), 5, 0.89, (0.82, 0.34), (0.67, 0.63), (0.65, 0.62)),
)
ARMS = ("single", "max-min", "per-sample min")


def main(runs: int = 20) -> None:
    print(f"{'users':>6} pairs   ARI (due) " + "".join(f"{arm:>26}" for arm in ARMS) + "   minority gain (SD, worst)")
    for sizes, pairs, ari, *due in ROWS:
        told: dict[str, Any] = {"runs": runs, "starts": 6, "pairs": pairs, "rho": -0.6, "null": False, "seed": 0}
        wins = measure.exact([sizes], groups=2, kl=1.0, **told).pivot("arm", index=["run", "group"], values="win")
        rand = measure.found([sizes], most=2, **told).filter(measure="adjusted Rand")["value"].to_numpy().mean()
        mean = {g: wins.filter(group=g).select(pl.col(ARMS).mean()).row(0, named=True) for g in GROUPS}
        said = "".join(f"{mean['majority'][a]:12.3f}/{mean['minority'][a]:.3f} ({d[0]:.2f}/{d[1]:.2f})"[-26:].rjust(26) for a, d in zip(ARMS, due, strict=True))  # fmt: skip
        gain = wins.filter(group="minority").select(pl.col("max-min") - pl.col("single")).to_series().to_numpy()
        print(f"{sizes[0]:>3}:{sizes[1]:<2} {pairs:>5}  {rand:.2f} ({ari:.2f}) {said}   {gain.mean():+.3f} ({gain.std(ddof=1):.3f}, {gain.min():+.3f})")  # fmt: skip
    null = measure.exact([(40, 8)], groups=2, kl=1.0, runs=runs, starts=6, pairs=25, rho=-0.6, null=True, seed=0)
    wide = (
        null.pivot("arm", index=["run", "group"], values="win")
        .select(pl.col("max-min") - pl.col("single"))
        .to_series()
        .to_numpy()
    )
    print(f"null, 40:8: gain {wide.mean():+.4f}, at most {abs(wide).max():.4f} (due: within .02)")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
