"""Fidelity over time and over groups of people: the same replies, held against each slice of the people held out."""

import polars as pl

from sociolect import frames
from sociolect.compare.slices import sliced
from sociolect.elicit.human import human
from sociolect.errors import RefusedError, UsageError
from sociolect.frames import Effects, Posts, Scores, Society
from sociolect.measure.origin import origin
from sociolect.report import plots
from sociolect.report.content import Section
from sociolect.systems.studies.community_fidelity import align, measure
from sociolect.systems.studies.community_fidelity.chain import Chain
from sociolect.systems.studies.community_fidelity.find import SIDE
from sociolect.systems.studies.community_fidelity.load import drawn

WINDOWS = 3  # ours: of the time after training
SIDES = ("aligned", "shuffled")


def windows(posts: Posts, *, most: int = WINDOWS) -> Posts:
    """The held-out posts with a column `slice`: equally many posts in each window of time, the first window first."""
    place = (pl.col("time").rank("ordinal") - 1) * most // pl.len()
    return frames.posts(
        posts.filter(pl.col("time").is_not_null()).with_columns(slice=pl.format("window {}", place + 1))
    )


def checked(society: Society, column: str) -> None:
    """Raises UsageError where people have no such column."""
    if column not in society.people.columns or column == "person":
        known = ", ".join(c for c in society.people.columns if c != "person")
        raise UsageError(f"--by {column}: no such column of the people; there are: {known or 'none'}")


def groups(chain: Chain, posts: Posts, column: str) -> Posts:
    """The held-out posts with a column `slice`: the value of `column` of their authors; those without one are left out."""
    checked(chain.society, column)
    of = chain.society.people.select("person", slice=pl.col(column).cast(pl.String)).drop_nulls()
    return frames.posts(posts.drop("slice", strict=False).join(of, on="person", how="inner"))


def judged(chain: Chain, judge: Posts, reference: Posts, names: list[str]) -> Scores:
    """Origin scores in each slice: the arms and the slice's people, named by a classifier of the slice's judge side.

    Every slice's classifier learns equally many posts of each community, the same number in all slices: a better taught
    one would find more fidelity. The arms' replies are the same in every slice; their items carry its name.
    """
    here = judge.filter(pl.col("slice").is_in(names))  # a slice too small to tell must not make the others small
    fewest = min(here.group_by("slice", "community").len()["len"].to_list())
    arms = chain.kept.filter(pl.col("condition").is_in(SIDES))
    parts = []
    for name in names:
        taught = drawn(frames.posts(judge.filter(slice=name)), chain.members, most=fewest, even=True, seed=chain.seed)
        reader = measure.judge(taught, seed=chain.seed)
        people = align.topical(frames.posts(reference.filter(slice=name)), chain.topics)
        said = human(frames.posts(people.with_columns(template=pl.lit(None, pl.String))), chain.members)
        shared = [c for c in arms.columns if c in said.columns]
        both = frames.replies(pl.concat([arms.select(shared), said.select(shared)]))
        found = measure.ridden(origin(both, reader), both)
        parts.append(found.with_columns(slice=pl.lit(name), item=pl.format("{}/{}", pl.lit(name), "item")))
    return frames.scores(pl.concat(parts))


def enough(judge: Posts, reference: Posts) -> tuple[list[str], list[str], list[str]]:
    """The slices and the communities that can be told: in each of them five people and ten posts on both sides; what is left out.

    A slice with fewer than two such communities, or fewer than ten people in them, is left out; then the communities that are
    too small in a slice that stays. Where that leaves fewer than two communities, the poorest slice goes, and so on.
    """
    fine: dict[str, set[str]] = {}
    for name in sorted({*judge["slice"], *reference["slice"]}):
        rich = []
        for side in (judge, reference):
            here = (
                side.filter(pl.col("slice") == name)
                .group_by("community")
                .agg(n=pl.len(), people=pl.col("person").n_unique())
            )
            rich.append(set(here.filter((pl.col("n") >= 2 * SIDE) & (pl.col("people") >= SIDE))["community"]))
        fine[name] = rich[0] & rich[1]
    every = list(fine)
    kept = [name for name in every if len(fine[name]) >= 2]  # two communities of five people: ten on each side
    while kept and len(common := set.intersection(*(fine[name] for name in kept))) < 2:
        kept.remove(min(kept, key=lambda name: (len(fine[name]), name)))
    shared = sorted(common) if kept else []
    out = sorted({*judge["community"], *reference["community"]} - set(shared)) if kept else []
    return kept, shared, [n for n in every if n not in kept] + out


def effects(chain: Chain, judge: Posts, reference: Posts) -> tuple[Effects, list[str]]:
    """Fidelity in each slice that has people enough, over the communities that have, and what is left out."""
    names, communities, poor = enough(judge, reference)
    if len(names) < 2:
        raise RefusedError(
            f"{len(names)} slice has {SIDE} people and {2 * SIDE} posts of two communities on both sides, two are due "
            f"(too small: {', '.join(poor) or 'none'}): bring more posts, or take a column with larger groups"
        )
    told = [frames.posts(side.filter(pl.col("community").is_in(communities))) for side in (judge, reference)]
    scores = judged(chain, told[0], told[1], names)
    kept = frames.scores(scores.filter(pl.col("community").is_in(communities)))
    return sliced(kept, slices=names, labels=communities, clusters=measure.RIDERS, seed=chain.seed), poor


def sections(chain: Chain, *, by: str | None, split: str, judge: Posts, reference: Posts) -> list[Section]:
    """Drift after training where the split is by time, and fairness over the groups of a column where one is named."""
    made = []
    if split == "time":
        made.append(_shown(
            chain, windows(judge), windows(reference), name="drift", title="After training: does fidelity fall?",
            prose="Models learn from the earlier half; each later window has a classifier and people of its own. `slope` is "
            "normalised fidelity a window; a fall is claimed only where its interval lies under 0.",
        ))  # fmt: skip
    if by:
        made.append(_shown(
            chain, groups(chain, judge, by), groups(chain, reference, by), name=f"by_{by}", title=f"Fidelity by {by}",
            prose="Each group has a classifier and people of its own, equally large; the replies are the same. `gap` is the most "
            "faithful group less the least. `equivalent`: all groups lie within .05 of another, tested.",
        ))  # fmt: skip
    return made


def _shown(chain: Chain, judge: Posts, reference: Posts, *, name: str, title: str, prose: str) -> Section:
    try:
        found, poor = effects(chain, judge, reference)
    except RefusedError as error:
        return Section(title, f"Not measured: {error}", level="note")
    left = f"\n\nToo small to tell: {', '.join(poor)}." if poor else ""
    shown = found.filter(pl.col("measure") == "fidelity")
    if name != "drift":
        found = frames.effects(found.filter(~pl.col("measure").str.starts_with("slope")))  # groups have no order
    return Section(
        title, prose + left, table=found.drop("method"), name=name, figure=plots.forest(shown, reference=None)
    )
