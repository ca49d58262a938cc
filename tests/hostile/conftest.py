"""The whole collection in one page and in one workspace, made once for all tests that look at them."""

import json

import polars as pl
import pytest

from sociolect import frames
from sociolect.explore.atlas import Atlas, atlas
from sociolect.load.hostile import hostile, storable
from sociolect.report.content import Headline, Page, Section

TEXTS = [h.text for h in storable() if len(h.text) <= 400]
LONG = [h.text for h in storable("oversized")]
NAMES = [t for t in TEXTS if t.strip()]


@pytest.fixture(scope="session")
def texts() -> list[str]:
    """Every text of at most 400 characters that UTF-8 can hold."""
    return TEXTS


@pytest.fixture(scope="session")
def names() -> list[str]:
    """Those that are more than space."""
    return NAMES


@pytest.fixture(scope="session")
def hostile_page() -> Page:
    """The collection as posts, names, communities, columns, topics, replies, headings, headlines and how it was made."""
    everything = [h.text for h in hostile() if len(h.text) <= 400]
    rows = pl.DataFrame({"community": TEXTS, "value": [-1.5] * len(TEXTS), "said": TEXTS[::-1]})
    few = pl.DataFrame([[-1.0]] * 40, schema=NAMES[:40])
    speaker = ["human", *NAMES[:5]]
    quotes = pl.DataFrame({"community": [t for t in NAMES[::9] for _ in speaker], "speaker": speaker * len(NAMES[::9])})
    quotes = quotes.with_columns(text=pl.Series((TEXTS * 9)[: quotes.height]))
    return Page(
        everything[0],
        [
            Section("texts", "\n\n".join(everything), table=rows, name="texts", caption=everything[1]),
            Section("long", table=pl.DataFrame({"text": [t[:3_000] for t in LONG]}), name="long"),
            Section("columns", table=few, name="columns", quotes=quotes),
            *(Section(t, t, level="warning" if i % 50 == 0 else "") for i, t in enumerate(everything[::5])),
        ],
        [Headline(t, t, t, "texts") for t in everything[::7]],
        "\n".join(everything),
        made=[(t, t) for t in everything],
    )


@pytest.fixture(scope="session")
def explored(tmp_path_factory: pytest.TempPathFactory) -> Atlas:
    """A workspace of rings: a community of every third short name, of twelve people with hostile names."""
    folder = tmp_path_factory.mktemp("explored")
    groups = dict.fromkeys(t for t in NAMES[::12] if len(t) < 80)
    rows = [(f"{i}.{j}{(NAMES * 2)[i + j]}"[:90] if j else c, c) for i, c in enumerate(groups) for j in range(12)]
    rows = list({p: (p, c) for p, c in rows}.values())
    members = pl.DataFrame(rows, schema=["person", "community"], orient="row")
    ties = pl.concat(
        part.select(source="person", target=pl.col("person").shift(-1, fill_value=part["person"][0]), kind=pl.lit("reply"), weight=1.0)
        for part in members.partition_by("community", maintain_order=True)
    )  # fmt: skip
    posts = members.select(post=pl.format("s{}", pl.int_range(pl.len())), person="person", thread=pl.lit("t"))
    posts = posts.with_columns(
        text=pl.Series((TEXTS * 9)[: posts.height]), parent=pl.lit(None, pl.String), kind=pl.lit("post")
    )
    for name in ("load", "communities"):
        (folder / "steps" / name).mkdir(parents=True)
    made = {"people": frames.people(members.select("person")), "posts": frames.posts(posts), "ties": frames.ties(ties)}
    for part, frame in made.items():
        frame.write_parquet(folder / "steps" / "load" / f"{part}.parquet")
    members.with_columns(stability=1.0).write_parquet(folder / "steps" / "communities" / "frame.parquet")
    run = {"schema": 1, "system": "community_fidelity", "keywords": {}, "finished": True}
    (folder / "run.json").write_text(json.dumps(run))
    return atlas(folder)
