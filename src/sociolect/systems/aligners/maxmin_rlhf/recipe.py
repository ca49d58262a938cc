"""MaxMin-RLHF: groups found by what people choose, a reward for each, a policy for the worst off, one page (arXiv 2402.08925)."""

from pathlib import Path
from typing import Any, Literal, NamedTuple

import polars as pl

from sociolect import frames
from sociolect.align.best_of_n import furthest
from sociolect.errors import UsageError
from sociolect.models.open import folders
from sociolect.report.content import Page
from sociolect.seeds import derive
from sociolect.systems.aligners.maxmin_rlhf import compare, elicit, measure, polis, reviews
from sociolect.systems.aligners.maxmin_rlhf.align import ARMS
from sociolect.systems.aligners.maxmin_rlhf.page import Found, page
from sociolect.workspace import Workspace


class Size(NamedTuple):
    """How much is done at a size: minorities beside the majority, runs, starts; of the reviews, what is learnt from and asked."""

    minority: tuple[int, ...]
    runs: int
    starts: int
    examples: int
    epochs: int
    films: int
    draws: int
    said: int
    steps: int


SIZES = {
    "tiny": Size((8, 40), 3, 3, 240, 4, 16, 24, 2, 0),
    "small": Size((4, 8, 20, 40), 20, 6, 3000, 6, 24, 64, 8, 80),
    "full": Size((4, 8, 20, 40), 20, 6, 3000, 6, 24, 64, 8, 200),
}
PRACTICE = 16  # ours: replies to a prompt in a round of practice
PRACTISED = ("single", "max-min", "per-sample min")


def run(
    workspace: Workspace,
    *,
    size: Literal["tiny", "small", "full"] = "tiny",
    majority: int = 40,
    minority: tuple[int, ...] = (),
    pairs: int = 25,
    groups: int | None = 2,
    rho: float = -0.6,
    kl: float = 1.0,
    n: int = 16,
    runs: int | None = None,
    starts: int | None = None,
    rate: float | None = None,
    null: bool = False,
    models: dict[str, str] | None = None,
    votes: Path | None = None,
    seed: int = 0,
) -> Page:
    """The page of the method: in exact form on planted replies, with a language model on planted reviews, and on the `votes` of a conversation.

    The README beside this file says what each keyword asks.
    """
    at = SIZES[size]
    base_name = (models or {}).get("base")
    _checked(size, models, rate=rate, groups=groups, n=n, runs=runs, starts=starts)
    sizes = tuple((majority, m) for m in minority or at.minority)
    runs, starts = runs or at.runs, starts or at.starts
    planted: dict[str, Any] = {"runs": runs, "starts": starts, "pairs": pairs, "rho": rho, "null": null, "seed": seed}

    # The exact form: every claim is checked without a language model.
    wins = workspace.frame("exact", pl.DataFrame, measure.exact, sizes, groups=groups, kl=kl, **planted)
    found = workspace.frame("groups", pl.DataFrame, measure.found, sizes, most=measure.MOST, **planted)
    fared = workspace.frame("exact_effects", frames.effects, compare.fared, wins, unit="run", seed=seed)
    told = workspace.frame("groups_effects", frames.effects, compare.over_runs, found, seed=seed)

    # The language-model form: half of the prompts teach, the others are asked.
    base: elicit.Base
    if base_name:
        base = base_name, folders([base_name])
    else:
        base = workspace.files("base", reviews.base, at.examples, films=at.films, epochs=at.epochs, seed=seed)
    asking: dict[str, Any] = {"tokens": reviews.TOKENS, "seed": derive(seed, "reviews")}
    reference = workspace.frame(
        "reference", frames.replies, elicit.drawn, base, reviews.items(at.films), draws=at.draws, **asking
    )
    teach, ask = reviews.items(at.films, part=0), reviews.items(at.films, part=1)
    shown = frames.replies(reference.filter(pl.col("item").is_in(teach["item"].to_list())))
    learned = workspace.frame(
        "review_rewards", pl.DataFrame, elicit.rewards, base, shown, sizes[0], pairs=pairs, null=null, groups=groups or 2,
        starts=starts, n=n, seed=seed,
    )  # fmt: skip
    arms = tuple(a for a in ARMS if a == "per-sample min" or a in set(learned["reward"]))
    said = workspace.frame(
        "best_of_n", frames.replies, elicit.best, base, ask, learned, arms, n=n, draws=at.said, **asking
    )
    spoken = workspace.frame("spoken", pl.DataFrame, reviews.judged, said, reference, setting=f"best of {n}", null=null)
    practised = None
    if at.steps:
        how = {"steps": at.steps, "draws": PRACTICE, "rate": rate or (1e-6 if base_name else 2e-4), "kl": kl}
        pupils = {
            arm: workspace.files(
                f"practised_{arm.replace(' ', '_')}", elicit.practised, base, teach, learned, arm, **how, **asking
            )
            for arm in PRACTISED
        }
        practised = workspace.frame(
            "practised", frames.replies, elicit.after_practice, base, pupils, ask, kl=kl, draws=at.said, **asking
        )
        more = workspace.frame(
            "practised_wins", pl.DataFrame, reviews.judged, practised, reference, setting="policy gradient", null=null
        )
        spoken = pl.concat([spoken, more])
    spoken_effects = workspace.frame("spoken_effects", frames.effects, compare.fared, spoken, unit="item", seed=seed)
    further = []
    if votes is not None:
        heard = workspace.frame(
            "polis", pl.DataFrame, polis.fared, votes, groups=groups or 2, starts=starts, kl=kl, seed=seed
        )
        further.append(polis.section(heard, polis.read(votes).left))
    made = (
        ("size", size), ("users", ", ".join(f"{a}:{b}" for a, b in sizes)), ("pairs per user", str(pairs)),
        ("groups learnt", "by held-out likelihood" if groups is None else str(groups)), ("correlation of rewards", f"{rho:g}"),
        ("KL of every exact arm", f"{kl:g} nats"), ("KL of every best of n", f"{furthest(n):.3f} nats"), ("runs", str(runs)),
        ("starts", str(starts)), ("base", base_name or "scratch/tiny, trained here"), ("seed", str(seed)),
    )  # fmt: skip
    return page(
        Found(fared, told, wins, learned, spoken, spoken_effects, said, practised, sizes, null, n),
        made,
        further=further,
    )


def _checked(size: str, models: dict[str, str] | None, *, rate: float | None, **numbers: int | None) -> None:
    """Raise UsageError, all faults at once."""
    faults = [
        f"--{name} {number}: 1 or more are due" for name, number in numbers.items() if number is not None and number < 1
    ]
    if rate is not None and not rate > 0:
        faults.append(f"--rate {rate:g}: above 0 is due")
    if rate is not None and not SIZES[size].steps:
        faults.append(f"--rate is that of practice, which --size {size} leaves out: choose a larger one")
    if odd := sorted(set(models or {}) - {"base"}):
        faults.append(f"--models {', '.join(odd)}: there is one model, base=<name>")
    if size == "full" and not (models or {}).get("base"):
        faults.append(
            "--size full is the paper's form on a model of your own: name it with --models base=hf/<folder or hub id>"
        )
    if faults:
        raise UsageError("; ".join(faults))
