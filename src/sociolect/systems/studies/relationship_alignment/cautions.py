"""What must not be overlooked on the page, said loudly: one section each, none where all is well."""

from collections.abc import Mapping

import polars as pl

from sociolect.report.content import Section
from sociolect.systems.studies.relationship_alignment.study import Study
from sociolect.tones import TONES

NOISY = 0.3  # a draw's reliability below which its slope says more of noise than of likeness
MANY = 0.1  # the change of every tone's beta beyond which the reader is suspected, not the model


def cautions(s: Study, found: Mapping[str, pl.DataFrame], *, audited: bool) -> list[Section]:
    """The warnings of this run, most serious first."""
    told: dict[str, list[str]] = {}  # what holds of several models is said under one title
    for title, text in (*_reader(s, audited), *_likeness(s, found), *_models(s), *_fits(s, found)):
        told.setdefault(title, []).append(text)
    return [Section(title, "\n\n".join(texts), level="warning") for title, texts in told.items()]


def _reader(s: Study, audited: bool) -> list[tuple[str, str]]:
    if audited:
        return []
    if s.planted:
        return [("Planted words", "Tones are read by the very words that planted comments are made of: no reader of real comments is as good.")]  # fmt: skip
    return [("The reader was not audited", "Nobody knows how well it reads these comments, or models' comments: name labelled ones with --audit before believing a slope.")]  # fmt: skip


def _likeness(s: Study, found: Mapping[str, pl.DataFrame]) -> list[tuple[str, str]]:
    if "betas" not in found:
        return []
    told, first = [], found["betas"].filter(pl.col("condition") != "shuffled")
    for model in s.speakers:
        mine = first.filter(pl.col("model") == model)
        if mine.height and bool((mine["low"].fill_null(0) <= 0).all()):
            told.append(("No likeness", f"{model}: no tone's beta is above 0 in any condition. Its comments have nothing of people's on the same pair."))  # fmt: skip
        noise = mine.group_by("condition").agg(pl.col("reliability").mean()).drop_nulls().sort("condition")
        if any(r < NOISY for r in noise["reliability"]):
            each = ", ".join(f"{c} {r:.2f}" for c, r in noise.rows() if c in ("none", "all") or noise.height < 3)
            told.append(("Noisy draws", f"{model}: two comments on one pair hardly agree (reliability of one: {each}), so raw slopes and their differences are far too small; those corrected for it are wide."))  # fmt: skip
    better = found.get("context", pl.DataFrame())
    if better.height and bool((better.filter(pl.col("measure") != "mean over tones")["estimate"] > MANY).all()):
        told.append(("Every tone improves strongly", f"Telling the relation raises every tone's beta by more than {MANY:g}: does the reader read the told fact and not the tone? See the echoes below."))  # fmt: skip
    return told


def _models(s: Study) -> list[tuple[str, str]]:
    told, people = [], s.human.height
    for said in s.replies:
        name, draws, pairs = said["speaker"][0], said["draw"].n_unique(), said["item"].n_unique()
        if draws < 2:
            told.append(("One draw", f"{name} was asked once for each pair: the noise of drawing is not known, and nothing is corrected for it."))  # fmt: skip
        if pairs < people:
            told.append(("Fewer pairs", f"{name} was asked about {pairs:,} of the {people:,} pairs (--most)."))
        long = said["length"].drop_nulls()
        if long.len() and float((long >= s.at.tokens - 1).mean() or 0.0) > 0.05:  # type: ignore[arg-type]  # a mean of booleans
            told.append(("Cut answers", f"{name}: more than 5 % of its comments run to the limit of {s.at.tokens} tokens."))  # fmt: skip
    return told


def _fits(s: Study, found: Mapping[str, pl.DataFrame]) -> list[tuple[str, str]]:
    told = []
    if dull := [t for t in TONES if t not in s.block.tones]:
        told.append(("Tones left out", f"{', '.join(dull)}: not read, or the same in every comment of people."))
    if s.block.group == "thread":
        told.append(("Grouped by thread", "Most posts have a single comment, so comments are grouped by their thread: what is called post in these tables is the thread."))  # fmt: skip
    edge = found.get("slopes", pl.DataFrame(schema={"method": pl.String, "measure": pl.String}))
    edge = edge.filter(pl.col("method").str.contains("no variance between", literal=True))
    if edge.height:
        told.append(("Fits at the boundary", f"{', '.join(edge['measure'].unique(maintain_order=True))}: no variance between {s.block.group}s was found, so the random intercept does nothing there."))  # fmt: skip
    if "control" in found and bool(((found["control"]["low"] > 0) | (found["control"]["high"] < 0)).any()):
        told.append(("A negative control fails", "A feature of the post that was left out of the weights still differs between commenters: who comments on what hangs on more than the weights know."))  # fmt: skip
    if "depends" in found and (n := found["depends"]["depends_on"].count()):
        told.append(("Conclusions that depend on a choice", f"{n} of {found['depends'].height} conclusions of Part I change their sign under a choice the paper leaves open: see the grid."))  # fmt: skip
    if (few := s.human[s.block.group].n_unique()) < 50:
        told.append(("Few clusters", f"{few} {s.block.group}s: sandwich errors are too small below about 50."))
    return told
