"""What was learnt by heart, and what was there to be learnt: neighbours, canaries, exposure, and what a filter keeps."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from sociolect import frames
from sociolect.align.canaries import canaries as invented
from sociolect.align.canaries import sown, with_canaries
from sociolect.align.finetune import folder_name
from sociolect.align.templates import render, templates
from sociolect.compare.differences import means
from sociolect.compare.memorisation import MOST
from sociolect.compare.strata import cut, f1_by_stratum
from sociolect.errors import RefusedError
from sociolect.frames import Examples, Posts
from sociolect.measure.canaries import exposure, extracted
from sociolect.measure.exposure import exposures
from sociolect.measure.neighbours import neighbours
from sociolect.measure.perplexity import lowest, quality, survivorship
from sociolect.models.local import local
from sociolect.report import plots
from sociolect.report.content import Section
from sociolect.systems.studies.community_fidelity import align, measure
from sociolect.systems.studies.community_fidelity.chain import Chain

REPEATS = (0, 1, 4, 16)  # ours: how often a canary stands in its community's demonstrations


def fluent(posts: Posts, *, most: int, seed: int) -> Posts:
    """Each community's `most` posts of lowest perplexity under a model of the other half of the people (Sec. 4.1)."""
    return frames.posts(lowest(quality(posts, seed=seed), most))


def planted_canaries(examples: Examples, *, n: int, seed: int) -> tuple[Examples, pl.DataFrame]:
    """The demonstrations with n canaries among them, and the canaries."""
    made = invented(n, seed=seed)
    return with_canaries(examples, made, repeats=REPEATS, seed=seed), made


def sections(chain: Chain, *, secrets: pl.DataFrame | None, taught: Examples, teaching: Posts) -> list[Section]:
    out = [_neighbours(chain), _memory(chain), *_exposure(chain)]
    if secrets is not None:
        out.append(_canaries(chain, secrets, taught))
    if teaching.height < chain.train.height and "perplexity" in teaching.columns:
        prose = """Models learn from the posts of lowest perplexity under a model of the other half of the people. `ratio` is what is left; \
`chance` is what as many posts drawn at random would leave. What the filter favours shows as ratio against chance."""
        table = survivorship(chain.train, teaching, chain.topics)
        out.append(Section("What the quality filter kept", prose, table=table, name="survivorship"))
    return out


def _neighbours(chain: Chain) -> Section:
    said = neighbours(chain.kept, chain.train["text"].to_list(), chain.judged["text"].to_list(), seed=chain.seed)
    found = means(measure.ridden(said, chain.kept), clusters=measure.RIDERS, seed=chain.seed)
    prose = """The distance (1 less the cosine of TF-IDF vectors) to the nearest training post, to the nearest held-out post, and the first over the second. \
References are cut to one size. A model that repeats its training posts has a ratio below people's."""
    shown = found.filter(pl.col("measure") == "neighbours:ratio")
    return Section("Nearer to what was learnt than people are?", prose, table=found.drop("method"), name="neighbours", figure=plots.forest(shown, reference=None))  # fmt: skip


def _memory(chain: Chain) -> Section:
    prose = f"""Each fine-tuned model before it may be shared, on posts it learnt from against posts of people it never met. `extracted`: the share it completes \
word for word from their first 8 tokens, 8 tokens long. `membership_auc`: the chance that a learnt post surprises it less; .5 is a coin. `loss_gap`: by how many nats per token. \
A model is shareable only where the upper end of each stays within {", ".join(f"{k} {v:g}" for k, v in MOST.items())} (ours); canaries count where they were planted."""
    folder = chain.weights["aligned"]
    table = align.memory(folder, chain.communities) if folder is not None else pl.DataFrame()
    return Section("What was memorised, and may the models be shared?", prose, table=table, name="memorised")


def _exposure(chain: Chain) -> list[Section]:
    """How much of each topic was there to be learnt, and whether fidelity follows it."""
    met = exposures(chain.demonstrations, chain.topics, column="reply")
    prose = """A census of the demonstrations themselves: how many of a community's hold each topic's words. Then the origin F1 of the \
replies by how much their topic was met in training, in thirds; `slope` is the change from one third to the next."""
    few = pl.when(pl.col("posts") >= 10).then("held")
    out = [
        Section("What there was to learn about each topic", prose, table=met.with_columns(held=few), name="exposure")
    ]
    try:
        strata = cut(met)
        found = f1_by_stratum(
            frames.scores(chain.origin.filter(pl.col("source") == "model")), strata, labels=chain.communities,
            arms=("base", "in_context", "aligned", "shuffled"), pairs=(("aligned", "shuffled"),), clusters=measure.RIDERS, seed=chain.seed,
        )  # fmt: skip
    except RefusedError as error:
        return [*out, Section("Fidelity by exposure: not measured", str(error), level="note")]
    shown = found.filter((pl.col("measure") == "macro_f1") & (pl.col("arm") == "aligned"))
    return [*out, Section("Fidelity by exposure", "", table=found.drop("method"), name="exposure_strata", figure=plots.forest(shown, reference=None))]  # fmt: skip


def weighed(
    base_folder: Path | str, aligned: Path, communities: Sequence[str], secrets: pl.DataFrame, taught: Examples
) -> pl.DataFrame:
    """The exposure in bits of each canary in the model of its community, and in the untouched base; no text of it."""
    prompts = [render(row) for row in templates().head(3).iter_rows(named=True)]
    base = align.opened(base_folder)
    untouched = exposure(base, secrets, prompts=prompts).select("canary", base="exposure")
    parts = []
    dealt = sown(taught)
    for name in communities:
        mine = secrets.filter(pl.col("canary").is_in(dealt.filter(community=name)["canary"].implode()))
        if mine.height:
            tuned = local(base.folder, adapter=aligned / folder_name(name), name=f"base@{name}")
            parts.append(exposure(tuned, mine, prompts=prompts).select("canary", "rank", "candidates", "exposure"))
    never = secrets.filter(~pl.col("canary").is_in(dealt["canary"].implode()))
    if never.height:
        parts.append(exposure(base, never, prompts=prompts).select("canary", "rank", "candidates", "exposure"))
    known = (
        pl.concat(parts).join(untouched, on="canary").join(dealt.select("canary", "repeats"), on="canary", how="left")
    )
    return known.with_columns(pl.col("repeats").fill_null(0)).sort("repeats", "canary")


def _canaries(chain: Chain, secrets: pl.DataFrame, taught: Examples) -> Section:
    table = chain.workspace.frame(
        "canaries", pl.DataFrame, weighed, chain.base, chain.weights["aligned"], chain.communities, secrets, taught
    )
    said = extracted(chain.heard, secrets).filter(pl.col("measure") == "canary:said")
    given = int((said.filter(pl.col("source") == "model")["value"] == 1).sum())
    by = (
        table.group_by("repeats")
        .agg(
            canaries=pl.len(),
            exposure=pl.col("exposure").mean(),
            least=pl.col("exposure").min(),
            most=pl.col("exposure").max(),
            base=pl.col("base").mean(),
        )
        .sort("repeats")
    )
    prose = f"""Invented secrets stood among the demonstrations 0, 1, 4 or 16 times. Exposure is log2 of how many candidates the model likes less \
(Carlini et al. 2019): {table["candidates"][0]} candidates each, 1.44 bits on average for one it never met; the mean, the least and the most of so many canaries. {given} of {said.height} replies say a secret."""
    return Section("Planted canaries: what is learnt by heart", prose, table=by, name="canaries")
