"""How near each arm's texts come to people's as whole corpora, by seven measures, between floor and ceiling."""

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.compare.corpora import ALL, corpora
from sociolect.compare.frechet import extrapolated
from sociolect.compare.manifold import MEASURES, NEAREST
from sociolect.errors import RefusedError
from sociolect.frames import Effects, Posts, Replies, Vectors
from sociolect.measure.embedding import embedding, space
from sociolect.report import plots
from sociolect.report.content import Section
from sociolect.seeds import substream
from sociolect.systems.studies.community_fidelity import measure
from sociolect.systems.studies.community_fidelity.chain import Chain

ARMS = ("base", "in_context", "aligned")
MOST = 50  # dimensions of the offline space; ours: posts are short
SHARE = 4  # texts a dimension: a covariance of fewer means little

PROSE = """Texts become vectors{space}. Every arm is held against one half of the reference people of the same community, at equal \
n; the other half is the ceiling, models of shuffled communities are the floor. Lower is nearer for frechet, kid, mmd and the \
two-sample test (c2st); higher for mauve, precision, recall, density and coverage. `normalised` is 0 at the floor and 1 at the ceiling either way."""


def vectors(
    kept: Replies, halves: pl.DataFrame, judged: Posts, *, embedding_name: str, dims: int, seed: int
) -> pl.DataFrame:
    """The kept replies in a space that knows people of the judge side only: neither arm nor reference has shaped it."""
    found = embedding(kept, space(embedding_name, judged["text"].to_list(), dims=dims, seed=seed))
    return found.join(halves, on="speaker", how="left")


def smallest(kept: Replies) -> int:
    """The least number of texts on any side: people fall into two halves."""
    sizes = kept.group_by("source", "condition", "community").len()
    half = pl.when(pl.col("source") == "human").then(pl.col("len") // 2).otherwise("len")
    return int(min(sizes.select(half).to_series().to_list()))


def placed(chain: Chain, embedding_name: str) -> Vectors:
    """The kept replies as vectors, made once."""
    dims = max(2, min(MOST, smallest(chain.kept) // SHARE))
    return chain.workspace.frame("vectors", frames.vectors, vectors, chain.kept, chain.halves, chain.judged, embedding_name=embedding_name, dims=dims, seed=chain.seed)  # fmt: skip


def effects(chain: Chain, made: Vectors, *, reference: str) -> Effects:
    """Every measure of every arm, by community and on average (`compare.corpora`)."""
    # A model's own dimensions may be more than there are texts: then there is no Frechet distance. Nearest neighbours need a
    # neighbourhood that stays when a group is left out. What is not measured is named on the page.
    n, width = smallest(chain.kept), made["vector"].list.len()[0]
    asked = [m for m in ALL if (m != "frechet" or n > 1.25 * width) and (m not in MEASURES or n >= 4 * NEAREST)]
    return chain.workspace.frame(
        "distances", frames.effects, corpora, made, arms=ARMS, reference=reference, measures=asked, clusters=measure.RIDERS,
        seed=chain.seed,
    )  # fmt: skip


def limits(vectors: pl.DataFrame, *, seed: int) -> pl.DataFrame:
    """The Frechet distance at n and carried to 1/n = 0, per arm and for people's other half: means over communities.

    It grows as n falls, even where nothing differs (Chong and Forsyth 2020): a line over several n takes that out. Communities
    with fewer than three texts a dimension are left out; `n` is the texts of a side, over the others.
    """
    side = pl.when(pl.col("condition") == "human").then(pl.col("half")).otherwise("condition")
    ordered = vectors.with_columns(_side=side).sort(*frames.KEYS)
    of = {
        k: np.array(part["vector"].to_list())
        for k, part in ordered.partition_by("community", "_side", as_dict=True).items()
    }
    rows = []
    for arm in (*ARMS, "shuffled", "a"):
        found = []
        for community in sorted({c for c, _ in of}):
            pair = of[community, arm], of[community, "b"]
            n = min(map(len, pair))
            if n < 3 * pair[0].shape[1]:
                continue
            drawn = [
                v[substream(seed, "limits", str(community), arm, k).choice(len(v), n, replace=False)]
                for k, v in enumerate(pair)
            ]
            line = extrapolated(*drawn, seed=seed)
            found.append((line.values[-1], line.estimate, n))
        if found:
            at, limit, n_of = zip(*found, strict=True)
            rows.append(("people" if arm == "a" else arm, float(np.mean(at)), float(np.mean(limit)), sum(n_of)))
    schema = {"arm": pl.String, "at this n": pl.Float64, "at 1/n = 0": pl.Float64, "n": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def sections(chain: Chain, *, embedding_name: str, reference: str) -> list[Section]:
    made = placed(chain, embedding_name)
    try:
        found = effects(chain, made, reference=reference)
    except RefusedError as error:
        return [Section("Corpus distances: not measured", str(error), level="note")]
    where = " by TF-IDF and singular value decomposition, fitted to the judge side's people" if embedding_name == "lsa" else f" by {embedding_name}"  # fmt: skip
    told = PROSE.format(space=where) + (
        "\n\nThe reference is drawn from all communities pooled: a variant." if reference == "pooled" else ""
    )
    absent = [m for m in ALL if m not in found["measure"]]
    missing = f"\n\nToo few texts for {', '.join(absent)}." if absent else ""
    mean = found.filter(pl.col("community").is_null())
    told_of = mean.filter(pl.col("normalised_low").is_not_null()).sort(
        pl.col("measure").cast(pl.Enum(ALL)), maintain_order=True
    )
    shown = told_of.select(
        "measure", "contrast", estimate="normalised", low="normalised_low", high="normalised_high", n="n"
    )
    figure = plots.forest(shown, reference=None) if shown.height else ""
    out = [
        Section(
            "Corpus distances: how near to people as a whole",
            told + missing,
            table=found,
            name="distances",
            figure=figure,
        )
    ]
    far = limits(made, seed=chain.seed)
    if far.height:
        prose = "The distance grows as n falls, for people against people too. Carried to 1/n = 0 it does not; this table has no interval."
        out.append(Section("Frechet distance, carried to unlimited n", prose, table=far, name="frechet_limits"))
    return out
