"""What a person needs to see to name, merge and drop communities. It suggests; it never merges."""

from collections.abc import Sequence
from itertools import combinations
from math import fsum
from pathlib import Path

import polars as pl

from sociolect import text
from sociolect.errors import RefusedError
from sociolect.find.words import LEAST, WORDS, by_members, exemplars, typical, used
from sociolect.frames import Members, Posts
from sociolect.measure.duplicates import near_duplicates
from sociolect.models.model import Model, user
from sociolect.models.open import open_model
from sociolect.report.content import Page, Section
from sociolect.seeds import substream

SAMPLE, RESAMPLES = 200, 5  # [paper] 200 posts a cluster; dossier: five resamples
SHOWN = 30  # ours: the largest clusters; a person reads no more


def suggestions(posts: Posts, members: Members, *, namer: Model | None = None, seed: int = 0) -> pl.DataFrame:
    """One row per cluster, the largest first: what it talks about, and how sure that is.

    Columns community, people, posts, keywords (log-odds), agreement (mean Jaccard index of the keywords of five resamples of
    200 posts: 1 is always the same words), language (the most common one of 200 posts) and its share, repeats (share of
    200 posts that nearly repeat another), summary (one sentence by `namer`, null without one).
    Clusters of fewer than ten people are not told.
    """
    said = by_members(posts, members).sort("post")
    sizes = said.group_by("community").agg(people=pl.col("person").n_unique(), posts=pl.len())
    sizes = sizes.filter(pl.col("people") >= LEAST).sort("posts", "community", descending=[True, False]).head(SHOWN)
    known = sizes["community"].to_list()
    counts = used(by_members(posts, members), people=True)
    told = counts.filter(pl.col("people") >= LEAST).select("community", "word")
    whole = typical(counts.drop("people"), told, most=WORDS, prior=500.0)
    inside = said.filter(pl.col("community").is_in(known))
    tops, samples = [], []
    for k in range(RESAMPLES):
        drawn = inside.with_columns(u=substream(seed, "names", k).random(inside.height))
        drawn = drawn.filter(pl.col("u").rank("ordinal").over("community") <= SAMPLE)
        samples.append(drawn)
        tops.append(_words(typical(used(drawn), told, most=WORDS, prior=500.0)))
    rows = []
    for community in known:
        texts = samples[0].filter(community=community)["text"].to_list()
        language, share = _language(texts)
        rows.append((
            community, ", ".join(whole.filter(community=community)["word"]),
            _agreement([set(top.get(community, [])) for top in tops]), language, share, _repeats(texts),
        ))  # fmt: skip
    names = ("community", "keywords", "agreement", "language", "language share", "repeats")
    kinds = (pl.String, pl.String, pl.Float64, pl.String, pl.Float64, pl.Float64)
    table = sizes.join(
        pl.DataFrame(rows, schema=dict(zip(names, kinds, strict=True)), orient="row"), on="community", how="left"
    )
    said_of = _summaries(namer, samples[0], known, seed) if namer else [None] * len(known)
    return table.with_columns(summary=pl.Series(said_of, dtype=pl.String))


def proposal(table: pl.DataFrame) -> str:
    """The file a person edits: every cluster under a name of its own, with what it talks about beside it."""
    lines = [
        "# One line per community: name = [clusters]. Merge by putting clusters in one list; drop what is spam or off-topic.",
        "# Every cluster must be named or dropped, once. Then say why, and run again with --merge and this file.",
    ]
    for row in table.iter_rows(named=True):
        about = f"{row['people']} people, {row['posts']} posts, {row['language']}: {row['keywords']}"
        lines.append(f'{row["community"]} = ["{row["community"]}"]  # {" ".join(text.clean(about).split())}')
    return "\n".join([*lines, "drop = []", 'why = ""', ""])


def asked(folder: Path, posts: Posts, everyone: Members, *, namer: str | None, sensitive: bool, seed: int) -> Page:
    """The page a run ends with where nobody has looked at the clusters yet, and the file to decide in.

    The file names every cluster; small ones stand in `drop`. A file that is there is left as it is: it may be decided.
    In a sensitive study no post is quoted, and no model is shown any but one that runs here.
    """
    if namer and sensitive and not namer.startswith(("hf/", "scripted/")):
        raise RefusedError(f"this study is sensitive: its posts are not sent to {namer}; name a local model (hf/...)")
    table = suggestions(posts, everyone, namer=open_model(namer) if namer else None, seed=seed)
    quotes = None if sensitive else exemplars(posts, everyone)
    file = folder / "communities.toml"
    small = sorted(set(everyone["community"]) - set(table["community"]))
    if not file.exists():
        listed = ", ".join(f'"{c}"' for c in small)
        file.write_text(proposal(table).replace("drop = []", f"drop = [{listed}]"), encoding="utf-8")
    how = f"""Nobody has named these clusters yet. Read them, then decide: merge what is one community, drop what is none. The \
decisions go into communities.toml in this workspace, one line per community, with a reason; then run the same command with \
--merge and that file. To go on with the clusters as they were found, say --as-found.

{len(small)} clusters of fewer than {LEAST} people, or beyond the {SHOWN} largest, stand in `drop`."""
    sections = [
        Section("What each cluster talks about", how, table=table, name="suggestions", people="people"),
        *([Section("Typical posts", "", quotes=quotes)] if quotes is not None and quotes.height else []),
    ]
    return Page("Communities to be named", sections, (), "Communities were found; a person names them before a model learns from them.")  # fmt: skip


def decided(before: Members, after: Members, why: str) -> pl.DataFrame:
    """What a person decided, cluster by cluster: cluster, people, community (null where dropped), why."""
    joined = before.select("person", cluster="community").join(
        after.select("person", "community"), on="person", how="left"
    )
    counted = joined.group_by("cluster", "community").agg(people=pl.col("person").n_unique())
    few = pl.col("people") < LEAST
    shown = counted.sort("people", "cluster", descending=[True, False])
    return shown.select("cluster", people=pl.when(~few).then("people"), community="community", why=pl.lit(why))


def section(before: Members, after: Members, why: str) -> Section:
    """What a person decided, and why, on the page."""
    table = decided(before, after, why)
    return Section("What a person decided", why, table=table, name="decisions", people="people")


def _words(typical: pl.DataFrame) -> dict[str, list[str]]:
    return dict(typical.group_by("community").agg("word").iter_rows())


def _agreement(tops: Sequence[set[str]]) -> float | None:
    found = [len(a & b) / len(a | b) for a, b in combinations(tops, 2) if a | b]
    return fsum(found) / len(found) if found else None


def _language(texts: Sequence[str]) -> tuple[str, float]:
    import py3langid

    said = [py3langid.classify(t)[0] for t in texts]
    best = max(sorted(set(said)), key=said.count)
    return best, said.count(best) / len(said)


def _repeats(texts: Sequence[str]) -> float:
    pairs = near_duplicates(texts, texts).filter(pl.col("text") != pl.col("other"))
    held = {t for t in texts if texts.count(t) > 1} | set(pairs["text"])
    return sum(t in held for t in texts) / len(texts)


def _summaries(namer: Model, drawn: pl.DataFrame, known: Sequence[str], seed: int) -> list[str | None]:
    """One sentence on each cluster by a model that reads its sample. It is shown to the person who decides, and to nobody else."""
    chats = []
    for community in known:
        posts = "\n".join(
            f"- {text.neutralise(' '.join(text.clean(t).split()))}" for t in drawn.filter(community=community)["text"]
        )
        chats.append(user(f"Here are posts of one online community.\n{posts}\nSay in one sentence what it is about."))
    said = namer.generate(chats, tokens=60, temperature=0.0, seed=seed)
    return [" ".join(text.unwrap(s).split()) or None for s in said]
