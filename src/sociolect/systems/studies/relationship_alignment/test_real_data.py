"""The study on real pairs, by its examples: CaSiNo against lme4, liking permuted, DialogRE, OffMyChest. Nothing of the data is quoted."""

import subprocess
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from shutil import which
from typing import Any

import numpy as np
import polars as pl
import pytest

from sociolect import arguments, systems
from sociolect.compare.mixed_effects import mixed_effects
from sociolect.compare.model_tests import wald
from sociolect.measure.tone import wide
from sociolect.report.page import write
from sociolect.seeds import substream
from sociolect.systems.studies.relationship_alignment import people, prepare
from sociolect.systems.studies.relationship_alignment import terms as of
from sociolect.tones import TONES
from sociolect.workspace import workspace

# One worker runs all of these: they share their runs.
pytestmark = [pytest.mark.realdata, pytest.mark.slow, pytest.mark.xdist_group("relationship_alignment_real_data")]
EXAMPLES = Path(__file__).parents[5] / "examples"
WORDS = {"reader": "words", "goemotions": None, "offmychest": None, "audit": None}
R = """
suppressMessages(library(lme4))
args <- commandArgs(TRUE)
d <- read.csv(args[1])
tight <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhobeg = .1, rhoend = 1e-10, maxfun = 1e5), calc.derivs = FALSE)
first <- lmer(y ~ 0 + . - group + (1 | group), d, control = tight)
fit <- lmer(y ~ 0 + . - group + (1 | group), d, control = tight, start = getME(first, "theta"))
at <- lmer(y ~ 0 + . - group + (1 | group), d, start = as.numeric(args[3]), control = lmerControl(optimizer = NULL))
v <- as.data.frame(VarCorr(fit))
errors <- function(f) sqrt(diag(as.matrix(vcov(f))))
out <- c(fixef(fit), errors(fit), fixef(at), errors(at), v$vcov, REMLcrit(fit), REMLcrit(at))
writeLines(formatC(out, digits = 15, format = "g"), args[2])
"""


class Ran:
    """A run of an example: its folder, its tables by name, and all that its page says."""

    def __init__(self, folder: Path, page: Any) -> None:
        self.folder, self.page = folder, page
        self.tables: Mapping[str, pl.DataFrame] = page.tables
        self.titles = [s.title for s in page.sections]
        self.notes = {s.title: s.prose for s in page.sections if s.level}


@pytest.fixture(scope="module")
def example(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Ran]:
    """Runs an example as the command does, some keywords replaced, once for each."""

    @cache
    def run(name: str, **over: Any) -> Ran:
        slug, said = arguments.study(EXAMPLES / f"{name}.toml", data)
        card = systems.find(slug)
        made = arguments.keywords(card, {k: v for k, v in (said | over).items() if v is not None})
        folder = tmp_path_factory.mktemp(name)
        with workspace(folder, system=slug, keywords=arguments.resolved(card, made)) as work:
            page = card.run(work, **made)
            write(page, folder / "report.html")
        return Ran(folder, page)

    return run


@pytest.fixture(scope="module")
def casino(example: Callable[..., Ran]) -> Ran:
    return example("casino", **WORDS)


@pytest.fixture(scope="module")
def part_one(casino: Ran) -> tuple[pl.DataFrame, of.Block]:
    """People's rows of the run, as Part I regresses them, and the block."""
    scored = wide(pl.read_parquet(casino.folder / "steps" / "tones_0" / "frame.parquet"))  # type: ignore[arg-type]  # a scores frame
    rows = prepare.prepared(scored, eps=prepare.offsets(scored))
    block = of.designed(rows, group="thread")
    return of.complete(rows, block, block.tones), block


def count(ran: Ran, outcome: str, reason: str) -> int:
    return int(ran.tables["loading"].filter(outcome=outcome, reason=reason)["count"].item())


def test_casino_is_counted_as_it_was_measured(casino: Ran) -> None:
    assert count(casino, "found", "comments") == 10_817
    assert count(casino, "left out", "comment by or to someone under 18") == 46  # 22 by, and those to them
    assert count(casino, "kept", "comments") == 10_771
    # nine comments by people of another gender: fewer than ten people, so nothing is said of them
    assert count(casino, "emptied", "commenter_gender of fewer than 10 people") == 9
    told = casino.tables["traits"]
    assert told.filter(trait="closeness")["comments"].sum() == 10_771
    assert casino.tables["slopes"].filter(arm="people")["n"].unique().to_list() == [10_753]
    assert "may have made the liking" in casino.notes["About these data"]


def test_casino_has_part_one_the_split_and_the_grid(casino: Ran) -> None:
    gain = casino.tables["gain"]
    assert gain.height == len(TONES)
    assert gain["df"].unique().to_list() == [8]
    split = casino.tables["within_between"]
    assert split["contrast"].str.contains("[within thread]", literal=True).any()
    # in a talk of two the poster's deviation is the commenter's with its sign turned: one of them stands
    assert not split["contrast"].str.contains("poster").any()
    assert {"primary", "within post", "fractional logit", "commenter effect", "age spline"} <= {
        *casino.tables["grid"]["arm"]
    }
    assert casino.tables["grid"].filter(contrast="not fitted").height == 0


def test_lme4_finds_the_same_on_casino(part_one: tuple[pl.DataFrame, of.Block], tmp_path: Path) -> None:
    if (
        which("Rscript") is None
        or subprocess.run(["Rscript", "-e", "library(lme4)"], check=False, capture_output=True).returncode
    ):
        pytest.skip("no Rscript with lme4 here: apt-get install r-base-core r-cran-lme4")
    rows, block = part_one
    said = of.formula(block.terms, groups=block.groups, controls=block.controls)
    every = mixed_effects(rows, said, outcomes=block.tones)
    tone = block.tones[int((every.fit.tau2[0] / every.fit.sigma2).argmax())]  # farthest from the boundary
    fit = mixed_effects(rows, said, outcomes=[tone])
    assert fit.fit.tau2[0, 0] > 0
    names = [f"x{j}" for j in range(fit.x.shape[1])]
    (tmp_path / "fit.R").write_text(R)
    table = pl.DataFrame(fit.x, schema=names).with_columns(y=rows[tone], group=rows["thread"])
    table.write_csv(tmp_path / "d.csv", float_precision=17)
    theta = (fit.fit.tau2[0, 0] / fit.fit.sigma2[0]) ** 0.5
    subprocess.run(
        ["Rscript", "fit.R", "d.csv", "out", repr(float(theta))], cwd=tmp_path, check=True, capture_output=True
    )
    found = np.array([float(x) for x in (tmp_path / "out").read_text().split()])
    p = len(names)
    error = np.sqrt(np.diag(fit.covariance[0]))
    beta, se, beta_at, se_at, rest = np.split(found, [p, 2 * p, 3 * p, 4 * p])
    # lme4 minimises a deviance of some 30,000, whose last digits end its search: theta is good to 1e-5 there, and what
    # hangs on it to a part of that. At our theta all agrees to 1e-6, and its own criterion is no higher there.
    assert (np.abs(beta - fit.fit.beta[:, 0]) / error).max() < 1e-5
    assert np.abs(se / error - 1).max() < 1e-5
    assert (np.abs(beta_at - fit.fit.beta[:, 0]) / error).max() < 1e-6
    assert np.abs(se_at / error - 1).max() < 1e-6
    assert np.abs(rest[:2] / [fit.fit.tau2[0, 0], fit.fit.sigma2[0]] - 1).max() < 1e-4
    assert rest[3] <= rest[2] + 1e-8


def test_permuted_liking_is_found_as_often_as_chance_has_it(part_one: tuple[pl.DataFrame, of.Block]) -> None:
    rows, block = part_one
    each = rows.select("commenter", "closeness").unique().sort("commenter")
    assert each.height == each["commenter"].n_unique()
    bare, hit = rows.drop("closeness"), []
    for i in range(120):
        order = substream(0, "liking", i).permutation(each.height)
        drawn = bare.join(
            each.with_columns(each["closeness"].gather(order)), on="commenter", how="left", maintain_order="left"
        )
        fit = people.slopes(drawn, block, cluster="thread")
        p = wald(fit, [c for c in fit.columns if c.startswith("closeness")])["p"].to_numpy()
        hit.append(p < 0.05)
    # 960 tests, so that .05 is told to about +- .015
    assert 0.035 < np.mean(hit) < 0.065


def test_dialogre_tells_closeness_and_nothing_else(example: Callable[..., Ran]) -> None:
    ran = example("dialogre", goemotions=None, audit=None)
    assert count(ran, "found", "comments") == 21_118
    assert count(ran, "unknown", "commenter_age") == count(ran, "kept", "comments")
    assert {*ran.tables["slopes"]["contrast"]} == {"closeness = not close"}
    known = count(ran, "kept", "comments") - count(ran, "unknown", "closeness")
    assert ran.tables["slopes"].filter(arm="people")["n"].unique().to_list() == [known]
    assert "scripted" in ran.notes["About these data"]


def test_offmychest_learns_from_others_and_claims_nothing_of_a_relation(example: Callable[..., Ran]) -> None:
    ran = example("offmychest", goemotions=None)
    school = ran.tables["schooling"].row(0, named=True)
    assert school["learnt from"] + school["left out"] == 12_860
    assert school["left out"] > 5_000  # two thirds share a post or an author with the table that is read
    auc = dict(ran.tables["reader"].filter(metric="auc").select("tone", "estimate").rows())
    assert auc["emotional_support"] > 0.82
    assert auc["self_disclosure"] > 0.65
    contrasts = {*ran.tables["slopes"]["contrast"]}
    assert {"subreddit = offmychest", "about = wife", "about = several"} <= contrasts
    assert not any("closeness" in c or "commenter" in c for c in contrasts)
    assert set(ran.tables["claims"]["same sign?"]) <= {"not measured", "weak reader, not judged"}
    assert count(ran, "unknown", "closeness") == count(ran, "kept", "comments")
    # nobody's words are on the page
    said = pl.read_parquet(ran.folder / "steps" / "load" / "posts.parquet")["text"].head(200)
    page = (ran.folder / "report.html").read_text("utf-8")
    assert not any(t in page for t in said if len(t) > 30)
