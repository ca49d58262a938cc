"""The debate's simulated studies in full: influence of partners, its interval, convergence, and the null lines.

    python benchmarks/debate.py [--groups 31] [--replications 2000] [--json]

One line per figure of the dossier of arXiv 2510.25110: what is due, what comes, and its standard error. There is no peer: the
truth is planted. `cpu` is the time of all of them together.
"""

import argparse
import json
from time import process_time

import numpy as np

from sociolect.seeds import substream
from sociolect.systems.worlds.debate import convergence, regression
from sociolect.systems.worlds.debate.influence import corrected, influence
from sociolect.systems.worlds.debate.simulate import studies, true_shares, unmoved

POWER = {0.0: "<= .08 (dossier .03)", 0.15: "dossier .43", 0.3: ">= .70 (dossier .745)"}
MEASURED = {(0.6, 0.0): 0.006, (0.6, 0.1): 0.095, (0.6, 0.3): 0.218, (0.8, 0.0): 0.004, (0.8, 0.1): 0.092, (0.8, 0.3): 0.216,
            (1.0, 0.0): 0.0, (1.0, 0.1): 0.089, (1.0, 0.3): 0.207}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--groups", type=int, default=31)
    parser.add_argument("--replications", type=int, default=2000)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    began = process_time()
    rows = [
        *moved(asked.groups, asked.replications),
        *converged(asked.groups, asked.replications),
        *lines(asked.groups),
    ]
    took = process_time() - began
    if asked.json:
        print(json.dumps({"figures": rows, "cpu_s": took, "groups": asked.groups, "replications": asked.replications}))
        return
    for row in rows:
        print(f"{row['what']:66} {row['here']:8.3f}  se {row['se']:.3f}  due {row['due']}")
    print(f"cpu {took:.1f} s")


def moved(groups: int, replications: int) -> list[dict[str, object]]:
    """The corrected coefficient of the partners' sum, and how often its interval holds the truth."""
    rows = []
    for (rho, share), measured in MEASURED.items():
        made = studies(
            substream(0, "influence", str(rho), str(share)),
            groups=groups,
            replications=replications,
            share=share,
            reliability=rho,
        )
        raw, truth = influence(made.initial, made.final), true_shares(share)[1]
        right = corrected(raw, rho)
        name = f"b / reliability, reliability {rho:g}, w = {share:g}"
        rows.append(row(name, right.estimate, f"{truth:.3f} +- .02 (dossier {measured:.3f})"))
        if rho < 1 or share:
            rows.append(
                row(
                    f"  interval holds the truth, {rho:g}, {share:g}",
                    (right.low <= truth) & (truth <= right.high),
                    ".95 +- .04",
                )
            )
    made = studies(substream(0, "first"), groups=groups, replications=replications, reliability=0.6)
    for name, partners, due in (("sum", None, ".045"), ("first partner", [0], ".07")):
        b = influence(made.initial, made.final, partners=partners).estimate
        rows.append(
            {"what": f"SD of b, {name}", "here": float(b.std()), "se": float(b.std() / (2 * len(b)) ** 0.5), "due": due}
        )
    return rows


def converged(groups: int, replications: int) -> list[dict[str, object]]:
    """How often the difference of the changes of spread is found: people not moved, twins by w, reliability .6."""
    rows = []
    for share, due in POWER.items():
        draw = substream(0, "convergence", str(share))
        one, two = (
            studies(draw, groups=groups, replications=replications, share=w, reliability=0.6) for w in (0.0, share)
        )
        p = convergence.found((one.initial, one.final), (two.initial, two.final))
        rows.append(row(f"power of the difference of changes of SD, w = {share:g}", p <= 0.05, due))
    return rows


def lines(groups: int) -> list[dict[str, object]]:
    """The correlations of groups that nobody moved: two reports of many groups, and the null of one study's own groups."""
    rows = []
    for rho in (0.6, 0.8):
        many = studies(substream(0, "lines", str(rho)), groups=groups, replications=2000, reliability=rho)
        found, due = regression.correlations(*many), regression.closed_form(rho)
        last = unmoved(many.initial[0], substream(0, "null", str(rho)), reliability=rho, draws=2000)
        own = regression.correlations(np.broadcast_to(many.initial[0], last.shape), last)
        for k, measure in enumerate(regression.MEASURES[:2]):
            rows.append(row(f"{measure}, no influence, reliability {rho:g}", found[:, k], f"{due[k]:.3f}"))
            rows.append(row("  null of one study's own groups", own[:, k], f"{due[k]:.3f}, and what its groups share"))
    return rows


def row(what: str, values: np.ndarray, due: str) -> dict[str, object]:
    return {"what": what, "here": float(values.mean()), "se": float(values.std() / len(values) ** 0.5), "due": due}


if __name__ == "__main__":
    main()
