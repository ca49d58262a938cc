"""The psychometric screener: the same questions put to every community's model and to the untouched base.

It reports communities, never a speaker: a screener answered by a model measures text, not people.
"""

from pathlib import Path

import polars as pl

from sociolect import frames
from sociolect.align.finetune import folder_name
from sociolect.compare.criteria import criteria
from sociolect.compare.ranking import majority, pairs, ranking, spearman
from sociolect.compare.validity import validity
from sociolect.errors import InputError, RefusedError, UsageError
from sociolect.frames import Effects, Replies, Scores
from sociolect.measure import instrument as engine
from sociolect.measure.instrument import Instrument
from sociolect.models.local import local
from sociolect.models.model import Model
from sociolect.report import plots
from sociolect.report.content import Section
from sociolect.seeds import substream
from sociolect.systems import SYSTEMS, catalog, questionnaire, questionnaire_page
from sociolect.systems.studies.community_fidelity import align
from sociolect.systems.studies.community_fidelity.chain import Chain

DRAWS = {"tiny": 1, "small": 5, "full": 50}  # of each item, order and template; Sec. 5.3 asks 50 times in all
TEMPLATES = 6
FEW = 10  # communities: a correlation over fewer says little


def opened(name: str, text: Path | None, *, sensitive: bool) -> Instrument | None:
    """The instrument of that slug or folder; None without a name.

    Raises UsageError for an unknown one, and for a sensitive one in a study that was not declared sensitive.
    """
    if not name:
        if text is not None:
            raise UsageError("--instrument-text is the wording of an instrument: name it with --instrument")
        return None
    shelf = {c.slug for c in catalog().values() if c.shelf == "instruments"}
    known = {slug for slug in shelf if (SYSTEMS / "instruments" / slug / "instrument.toml").is_file()}
    folder = SYSTEMS / "instruments" / name if name in known else Path(name)
    if not (folder / "instrument.toml").is_file():
        raise UsageError(
            f"--instrument {name}: no such instrument and no such folder; there are: {', '.join(sorted(known))}"
        )
    card = engine.read(folder, text=text)
    if card.sensitive and not sensitive:
        raise UsageError(
            f"{card.id} screens for illness: say --sensitive, so that pages are aggregate-only and adapters not shareable"
        )
    return card


def asked(
    base: Path | str, aligned: Path, communities: list[str], card: Instrument, *, draws: int, seed: int
) -> Replies:
    """Every item in both option orders and six templates, sampled and weighed, by each community's model and by the base."""
    whole = align.opened(base)
    parts = []
    for name in [*communities, questionnaire_page.CONTROL]:
        model: Model = whole
        if name != questionnaire_page.CONTROL:  # one adapter in memory at a time
            model = local(whole.folder, adapter=aligned / folder_name(name), name=f"base@{name}")
        for mode in ("sampled", "logprob"):
            told = questionnaire.asked(
                card, {name: model}, draws=draws, templates=[str(i) for i in range(TEMPLATES)], mode=mode, seed=seed,
            )  # fmt: skip
            parts.append(told)
    return frames.replies(pl.concat(parts, how="diagonal_relaxed"))


def drawn(replies: Replies, *, draws: int, seed: int) -> Replies:
    """Answers drawn from the weights that a model lays on the options: mode `drawn`, `draws` for each weighed prompt.

    A model too small to follow "answer with the letter" still weighs the letters; how much of its mass lies on them at all
    is on the validity card (answer mass). Questions for a number have no weights: their sampled answers stand in.
    """
    weighed = replies.filter((pl.col("mode") == "logprob") & pl.col("shares").is_not_null()).sort(*frames.KEYS)
    parts = []
    for k in range(draws):
        u = substream(seed, "screener", "drawn", k).random(weighed.height)
        cuts = weighed.select(pl.col("shares").list.eval(pl.element().cum_sum())).to_series().to_list()
        at = [min(sum(c <= x for c in some), len(some) - 1) for some, x in zip(cuts, u, strict=True)]
        choice = [shown[i] for shown, i in zip(weighed["shown"].to_list(), at, strict=True)]
        parts.append(weighed.with_columns(
            choice=pl.Series(choice, dtype=pl.String), position=pl.Series(at, dtype=weighed.schema["position"]), draw=pl.lit(k, pl.Int64),
            shares=pl.lit(None, weighed.schema["shares"]), outcome=pl.lit("answered"), mode=pl.lit("drawn"),
            condition=pl.col("condition").str.replace("/logprob$", "/drawn"),
        ))  # fmt: skip
    numbers = replies.filter((pl.col("mode") == "sampled") & (pl.col("answer") == "number"))
    parts.append(numbers.with_columns(mode=pl.lit("drawn"), condition=pl.col("condition") + "/drawn"))
    return frames.replies(pl.concat(parts, how="diagonal_relaxed"))


def sections(chain: Chain, card: Instrument | None, *, criterion: Path | None, size: str) -> list[Section]:
    """Scores, ranks, criteria, claims and the validity card of the instrument; a note where none was named."""
    if card is None:
        return [
            Section(
                "Screener: not asked",
                "No instrument was named: name one with --instrument (`sociolect list`).",
                level="note",
            )
        ]
    aligned = chain.weights["aligned"]
    assert aligned is not None

    replies = chain.workspace.frame("screened", frames.replies, asked, chain.base, aligned, chain.communities, card, draws=DRAWS[size], seed=chain.seed)  # fmt: skip
    # Settled before anything is heard: a base trained here from nothing cannot follow an instruction.
    mode = "drawn" if isinstance(chain.base, Path) and chain.base.is_relative_to(chain.workspace.folder) else "sampled"
    if mode == "drawn":
        replies = frames.replies(
            pl.concat([replies, drawn(replies, draws=DRAWS[size], seed=chain.seed)], how="diagonal_relaxed")
        )
    scores = questionnaire.scored(replies, card, mode=mode)
    scales = questionnaire.scales(card)
    card_of = chain.workspace.frame(
        "screener_validity", frames.effects, validity, scores, replies, scales=scales, seed=chain.seed
    )
    averages = questionnaire.averages(scores, seed=chain.seed)
    told = questionnaire_page.sections(
        card,
        replies,
        averages,
        card_of,
        questionnaire.claims(card_of),
        varied=questionnaire.split(scores, card, seed=chain.seed),
    )
    shown = [
        Section(
            f"Screener: {s.title}",
            s.prose,
            s.table,
            f"screener_{s.name}" if s.name else "",
            s.caption,
            s.figure,
            None,
            s.level,
        )
        for s in told
    ]
    return [*shown, *_ranked(scores, scales, seed=chain.seed), *_criteria(scores, card, seed=chain.seed), *_majority(replies, card, scales, mode=mode), *_criterion(averages, scales, criterion)]  # fmt: skip


def _subscales(scores: Scores, scales: dict[str, tuple[str, ...]]) -> Scores:
    control = pl.col("community") == questionnaire_page.CONTROL
    return frames.scores(scores.filter(pl.col("measure").is_in(sorted(scales)) & ~control))


def _ranked(scores: Scores, scales: dict[str, tuple[str, ...]], *, seed: int) -> list[Section]:
    """Communities in order, with the ranks that the data allow, and every difference Holm-adjusted."""
    some = _subscales(scores, scales)
    try:
        ranks, differences = ranking(some, seed=seed), pairs(some, seed=seed)
    except RefusedError as error:
        return [Section("Screener: order of communities not measured", str(error), level="note")]
    prose = "Means over replies, ranked; `rank_low` and `rank_high` hold all ranks together in 95 of 100 cases. A claim needs more: see what may be claimed."
    return [
        Section("Screener: order of communities", prose, table=ranks.drop("method"), name="screener_ranks", figure=plots.forest(ranks, reference=None)),
        Section("Screener: differences", "Every pair, Holm-adjusted within its subscale.", table=differences.drop("method"), name="screener_pairs"),
    ]  # fmt: skip


def _criteria(scores: Scores, card: Instrument, *, seed: int) -> list[Section]:
    """How often each rule of the card is met, with the rule's source: rule sets that disagree stand side by side."""
    if not card.rules:
        return []
    met = frames.scores(scores.filter(pl.col("measure").is_in([f"{card.id}:{r.id}" for r in card.rules])))
    if met.is_empty():
        return [Section("Screener: criteria not measured", "No questionnaire was answered whole.", level="note")]
    found = criteria(met, seed=seed)
    source = {f"{card.id}:{r.id}": r.source for r in card.rules}
    table = found.with_columns(source=pl.col("measure").replace_strict(source, default=None)).drop("method")
    prose = "The probability of each criterion over answered questionnaires; `left_out` counts those that leave it undetermined. A flag is computed from its rule, never typed."
    return [Section("Screener: criteria", prose, table=table, name="screener_criteria")]


def _majority(replies: Replies, card: Instrument, scales: dict[str, tuple[str, ...]], *, mode: str) -> list[Section]:
    """The same scores from each item's most frequent answer, as the paper has them: beside the mean, never in its place."""
    plain = frames.replies(replies.filter(~pl.col("placebo"), pl.col("mode") == mode))
    voted = majority(plain)
    found = engine.score(voted, card).filter(pl.col("measure").is_in(sorted(scales)))
    ties = voted.group_by("community").agg(ties=(pl.col("ties").list.len() > 1).sum())
    table = found.select("measure", "community", "value").join(ties, on="community").sort("measure", "community")
    prose = "The most frequent answer to each item, scored. `ties` counts items whose first place is shared: they are no answer. The mean over replies stands above."
    return [Section("Screener: from majority answers", prose, table=table, name="screener_majority")]


def _criterion(averages: Effects | None, scales: dict[str, tuple[str, ...]], file: Path | None) -> list[Section]:
    """Does the order agree with what people coded? Spearman over communities, with a warning where they are few."""
    if file is None or averages is None:
        return []
    try:
        known = pl.read_csv(file)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise InputError(f"{file} cannot be read as a table of communities: {error}") from error
    if missing := {"community", "value"} - set(known.columns):
        raise InputError(f"{file.name} has no column {', '.join(sorted(missing))}: due are community and value")
    rows = []
    for measure in sorted(scales):
        both = (
            averages.filter(measure=measure)
            .join(known.select("community", coded=pl.col("value").cast(pl.Float64)), on="community")
            .drop_nulls(["estimate", "coded"])
        )
        estimate, low, high = spearman(both["estimate"].to_list(), both["coded"].to_list())
        rows.append((measure, "Spearman", estimate, low, high, both.height))
    kinds = [pl.String, pl.String, pl.Float64, pl.Float64, pl.Float64, pl.Int64]
    table = frames.effects(
        pl.DataFrame(
            rows,
            schema=dict(zip(("measure", "contrast", "estimate", "low", "high", "n"), kinds, strict=True)),
            orient="row",
        )
    )
    few = table["n"].to_list() and max(table["n"].to_list()) < FEW
    warn = f"Fewer than {FEW} communities: such a correlation says little. " if few else ""
    return [Section("Screener: against what people coded", warn + "Rank correlation of the community means with the table's values.", table=table, name="screener_criterion", level="warning" if few else "")]  # fmt: skip
