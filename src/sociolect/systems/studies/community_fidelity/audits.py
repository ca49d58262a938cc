"""Is it content or form, and is a difference more than chance: the format audit and the permutation tests."""

import polars as pl

from sociolect import frames
from sociolect.compare.differences import means
from sociolect.compare.origin import f1_effects
from sociolect.compare.permutation import permutations
from sociolect.errors import RefusedError
from sociolect.frames import Effects, Posts, Replies, Scores
from sociolect.measure.format import audit, features
from sociolect.measure.scoring import score
from sociolect.measure.style import normalise
from sociolect.report import plots
from sociolect.report.content import Section
from sociolect.systems.studies.community_fidelity import measure
from sociolect.systems.studies.community_fidelity.chain import Chain

ARMS = ("base", "in_context", "aligned", "shuffled")
PAIR = ("aligned", "in_context")


def sections(chain: Chain) -> list[Section]:
    return [*_format(chain), *_tested(chain)]


def plain(replies: Replies) -> Replies:
    """The replies in plain form (`measure.style.normalise`): what is left when form is taken away."""
    texts = pl.Series([None if t is None else normalise(t) or None for t in replies["text"]], dtype=pl.String)
    return frames.replies(replies.with_columns(text=texts))


def plain_origin(kept: Replies, judged: Posts, *, seed: int) -> Scores:
    """Origin scores of plain texts by a judge that learnt plain texts."""
    bare = judged.with_columns(text=pl.Series([normalise(t) for t in judged["text"]], dtype=pl.String))
    # a post of quotation marks and hash signs alone has no plain form
    return measure.origins(plain(kept), frames.posts(bare.filter(pl.col("text") != "")), seed=seed)


def plain_effects(chain: Chain) -> Effects:
    """The origin F1 of every arm in plain form, and the paired difference of the two main arms."""
    scores = chain.workspace.frame(
        "plain_origin", frames.scores, plain_origin, chain.kept, chain.judged, seed=chain.seed
    )
    by = {"labels": chain.communities, "clusters": measure.RIDERS, "seed": chain.seed}
    return chain.workspace.frame(
        "plain_effects", frames.effects, f1_effects, scores, arms=[*ARMS, "human"], pairs=(PAIR,), **by
    )


def _format(chain: Chain) -> list[Section]:
    form = features(chain.kept)
    average = means(
        measure.ridden(score(chain.kept, {f"form:{c}": form[c].cast(pl.Float64) for c in form.columns}), chain.kept),
        clusters=measure.RIDERS, seed=chain.seed,
    )  # fmt: skip
    out = []
    try:
        found = audit(chain.kept, arms=ARMS, seed=chain.seed)
        told = means(
            measure.ridden(found.scores, chain.kept), by=("measure",), clusters=measure.RIDERS, seed=chain.seed
        )
        told = frames.effects(told.with_columns(contrast=pl.col("measure").str.split(":").list.get(1)))
        prose = """A classifier that sees form alone (case, quotation marks, hashtags, links, length, preamble, line breaks) tells each arm from people. .5 is a coin; \
far above it, an arm can look different for its form alone. `features` names what gives it away."""
        shown = told.filter(~pl.col("measure").str.ends_with(":auc"))
        out.append(
            Section(
                "Format audit: can form alone tell them apart?",
                prose,
                table=told.drop("method"),
                name="format",
                figure=plots.forest(shown, reference=0.5),
            )
        )
        out.append(Section("What gives an arm away", "", table=found.features, name="format_features"))
    except RefusedError as error:
        out.append(Section("Format audit: not measured", str(error), level="note"))
    raw = "The same posts lower-cased, without quotation marks and hash signs, judged by a classifier of such posts: what is left is content."
    whole = plain_effects(chain)
    shown = whole.filter((pl.col("measure") == "macro_f1") & ~pl.col("contrast").str.contains("/"))
    out.append(
        Section(
            "Origin in plain form",
            raw,
            table=whole.drop("method"),
            name="plain_origin",
            figure=plots.forest(shown, reference=None),
        )
    )
    out.append(Section("Form of each arm", "Means with intervals.", table=average.drop("method"), name="form"))
    return out


def _tested(chain: Chain) -> list[Section]:
    if not chain.tones:
        return []
    scores = frames.scores(pl.concat(chain.tones, how="diagonal"))
    found = chain.workspace.frame(
        "permutations", frames.effects, permutations, scores, between=PAIR, clusters=measure.RIDERS, seed=chain.seed
    )
    prose = """Do the two arms differ in emotion and toxicity, community by community? Whole topics and templates change sides; p is Holm-adjusted over \
all rows. `chance` is what the number comes to where sides mean nothing. There is no interval: a test, not an estimate."""
    return [
        Section(
            "Permutation tests, arm against arm", prose, table=found.drop("low", "high", "method"), name="permutations"
        )
    ]
