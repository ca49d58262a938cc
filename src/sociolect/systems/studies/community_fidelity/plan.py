"""What community fidelity will train, ask and be able to show, before it reads a post."""

from collections.abc import Mapping, Sequence
from functools import partial
from math import comb
from pathlib import Path
from typing import Any

from sociolect.align.templates import templates as all_templates
from sociolect.compare.detectable import detectable, paired, share
from sociolect.elicit.variants import calls, variants
from sociolect.load.planted_tasks import tasks
from sociolect.measure import instrument as engine
from sociolect.measure.instrument import Instrument
from sociolect.systems import planned, planned_table, questionnaire_plan
from sociolect.systems.studies.community_fidelity import ablations, align, screener
from sociolect.systems.studies.community_fidelity.panel import PAIRS
from sociolect.systems.studies.community_fidelity.sizes import Dial, dial

PLANTED = 6  # communities of a planted society (`load.planted`)
POST = 60.0  # characters of a planted post
BLOCK = 115.0  # characters that one post shown in a prompt takes, with its layout: 20 words
REQUEST = 55.0  # characters of a template with its topic
LEARNT = planned.Range(0.4, 0.25, 0.5)  # the training side; found communities hold all or some of its posts
CONTEXT = planned.Range(
    2.4, 1.6, 3.0
)  # ours: half of a base's examples stand after 80 tokens of posts, so they are that much longer
SD = 0.5  # of the difference in rightness of one reply in two arms: as at tiny
ICC = 0.01, 0.03  # ours: the share of it that topics hold, and templates: on a planted society, and on real posts
LEFT = 0.83  # of each arm's replies are kept and levelled, as at tiny
SECONDS = 2.5e-3, 20.0  # of measuring and comparing one reply, and once: measured at tiny


def plan(
    *,
    size: str = "tiny",
    posts: Path | None = None,
    columns: Mapping[str, str] | None = None,
    finder: str = "leiden",
    merge: Path | None = None,
    as_found: bool = False,
    namer: str | None = None,
    only: Sequence[str] = (),
    most: int = 6,
    topics: Path | None = None,
    base: str | None = None,
    lora_rank: int | None = None,
    templates: int = 20,
    temperature: float | None = None,
    examples_n: int | None = None,
    canaries: int = 0,
    general: Path | None = None,
    mix: Sequence[float] = (),
    ablate: Sequence[str] = (),
    instrument: str | None = None,
    instrument_text: Path | None = None,
    sensitive: bool = False,
    null: bool = False,
    seed: int = 0,
    **_: Any,
) -> planned.Plan:
    """Calls by arm, tokens learnt from, and the least difference of each comparison; ranges over communities not yet found."""
    at, plants = dial(size, temperature=temperature, examples_n=examples_n), posts is None
    n, chars, notes = _posts(posts, columns or {}, at)
    if not (plants or as_found or merge or finder == "declared"):
        return _named(namer, n, notes)
    k, why = _communities(only, most, plants=plants and not null)
    topic, told = _topics(topics, at, plants=plants)
    many = k.times(topic).times(min(templates, all_templates().height) * at.draws)
    name, kind = base or f"scratch/{size if size == 'tiny' else 'small'}", _kind(base, size)
    reply = planned.Range(min(chars / kind.chars[0] + 1, at.tokens), 1, at.tokens)
    shown = {arm: REQUEST + (BLOCK * at.exemplars if arm == "in_context" else 0) for arm in align.ARMS}
    ask: Any = partial(planned.asked, where="local", reply=reply, chars=kind.chars)
    rows = [ask(f"replies_{arm}", name, "generate", many, prompt=shown[arm]) for arm in align.ARMS]
    card = screener.opened(
        instrument if instrument is not None else "planted10" * plants, instrument_text, sensitive=sensitive
    )
    if card is not None:
        rows += _screened(card, name, k, kind, draws=screener.DRAWS[size], seed=seed)
    rows.append(_memory(name, k, kind, chars, at=at))
    if canaries:
        count = planned.Range(3 * canaries, 0, 3 * canaries * (2 * k.high + 1))
        rows.append(planned.asked("canaries", name, "logprobs", count, where="local", prompt=REQUEST, reply=reply.times(100), chars=kind.chars))  # fmt: skip
    extra = planned.Range(0, 0, 0)
    if mix:
        general_n = tasks().height if general is None else planned_table.sized(general).rows.likely
        rows.append(planned.asked("versatility", name, "generate", k.times(2 * general_n * len(mix)), where="local", prompt=40, reply=planned.Range(4, 1, 40), chars=kind.chars))  # fmt: skip
        extra = planned.Range(len(mix) - 1, len(mix) - 1, len(mix) - 1)
    for arm, repeated in _ablated(ablate, mix):
        rows.append(ask(f"{arm} of branches", name, "generate", many.times(repeated), prompt=shown[arm]))
    again = extra._replace(likely=extra.likely + len(ablate), low=extra.low, high=extra.high + len(ablate))
    training = _training(n, k, at, (name, kind), chars=chars, rank=lora_rank, own=base is None, again=again)
    heard = sum(int(str(r["calls"])) for r in rows)
    return planned.made_of(
        calls=rows,
        training=training,
        comparisons=_comparisons(k, topic, at, card, templates=templates, size=size, plants=plants),
        work={
            "measuring and comparing": (SECONDS[0] * (heard + 2 * at.posts * k.likely) + SECONDS[1])
            * (1 + again.likely)
        },
        memory=planned.Range(9e8 + 1500 * n.likely, 5e8 + 500 * n.low, 2e9 + 6000 * n.high),
        notes=[*notes, *why, *told, *_said(ablate, plants=plants)],
    )


def _posts(posts: Path | None, columns: Mapping[str, str], at: Dial) -> tuple[planned.Range, float, list[str]]:
    """How many posts are read, and the characters of one."""
    if posts is None:
        n = at.people * at.originals
        return planned.Range(n * 1.4, n, n * 2), POST, []
    found = planned_table.sized(posts, columns.get("text", "text"))
    note = [f"{posts.name} was read by its head: its rows are estimated."] * (found.rows.low != found.rows.high)
    return found.rows, min(found.chars or POST, 240.0), note


def _communities(only: Sequence[str], most: int, *, plants: bool) -> tuple[planned.Range, list[str]]:
    if only:
        return planned.Range(*[float(len(only))] * 3), []
    if plants:
        likely = float(min(PLANTED, most))
        return planned.Range(likely, min(2, likely), most), [f"{PLANTED} communities are planted; how many are found is not known before: 2 to {most}."]  # fmt: skip
    return planned.Range(min(most, 5), 2, most), [
        f"How many communities are found and large enough is not known before: 2 to {most}."
    ]


def _topics(file: Path | None, at: Dial, *, plants: bool) -> tuple[planned.Range, list[str]]:
    if file is not None:
        return planned_table.sized(file).rows, []
    if plants:
        return planned.Range(*[float(min(at.topics, 12))] * 3), []
    return planned.Range(at.topics, 1, at.topics), [f"Topics are words that all communities share: {at.topics} at most, fewer where they share less."]  # fmt: skip


def _kind(base: str | None, size: str) -> planned.Weights:
    return planned.weighed(base) if base else planned.SCRATCH["tiny" if size == "tiny" else "small"]


def _named(namer: str | None, n: planned.Range, notes: Sequence[str]) -> planned.Plan:
    """A run on posts whose communities nobody has named yet stops when they are found: a call a cluster to the namer."""
    said = "The run stops once communities are found, for a person to name them; plan again with --merge or --as-found."
    rows = []
    if namer:
        rows = [
            planned.asked(
                "names",
                namer,
                "generate",
                planned.Range(8, 1, 30),
                where=planned.standing(namer),
                prompt=1500,
                reply=planned.Range(30, 5, 60),
            )
        ]
    return planned.made_of(
        calls=rows, work={"finding": 5e-5 * n.likely + 5}, memory=planned.Range(4e8 + 1500 * n.likely, 2e8, 1e9 + 6000 * n.high), notes=[*notes, said]
    )  # fmt: skip


def _screened(
    card: Instrument, name: str, k: planned.Range, kind: planned.Weights, *, draws: int, seed: int
) -> list[dict[str, object]]:
    found = variants(engine.items(card), orders=("forward", "reversed"), templates=[str(i) for i in range(screener.TEMPLATES)],
                     placebo=True, seed=seed)  # fmt: skip
    speakers = planned.Range(k.likely + 1, k.low + 1, k.high + 1)  # and the untouched base
    prompt = sum(len(p) for v in found.values() for p in v["prompt"]) / sum(v.height for v in found.values())
    out = []
    for mode, reply in (("sampled", questionnaire_plan.ANSWER), ("logprob", planned.Range(10, 2, 20))):
        one = calls(found, draws=draws, modes=(mode,), models=1)
        out.append(planned.asked("screened", name, "logprobs" if mode == "logprob" else "generate", speakers.times(one), where="local",
                         prompt=prompt, reply=reply, chars=kind.chars))  # fmt: skip
    return out


def _memory(name: str, k: planned.Range, kind: planned.Weights, chars: float, *, at: Dial) -> dict[str, object]:
    """What each taught model is weighed on for what it memorised: posts it learnt from, and as many of people it did not."""
    tested = min(200, at.posts // 4)
    likely, short, long = kind.chars
    reply = planned.Range(chars / likely, chars / long, chars / short)
    count = k.times(planned.Range(2, 1, 2)).times(tested)
    return planned.asked(
        "aligned", name, "logprobs", count, where="local", prompt=REQUEST, reply=reply, chars=kind.chars
    )


def _ablated(ablate: Sequence[str], mix: Sequence[float]) -> list[tuple[str, planned.Range]]:
    """How often each arm is asked again in branches: a rank changes the taught arms alone; what a prompt repeats may stand in the journal."""
    whole, part = 0, len(mix[1:])
    for knob, _ in ablations.wanted(ablate):
        whole, part = (whole, part + 1) if knob == "lora_rank" else (whole + 1, part)
    again = {"base": whole, "in_context": whole, "aligned": whole + part, "shuffled": whole + part}
    return [(arm, planned.Range(n, 0, n)) for arm, n in again.items() if n]


def _training(
    n: planned.Range,
    k: planned.Range,
    at: Dial,
    model: tuple[str, planned.Weights],
    *,
    chars: float,
    rank: int | None,
    own: bool,
    again: planned.Range,
) -> list[dict[str, object]]:
    name, kind = model
    likely, short, long = kind.chars
    post = planned.Range((chars + REQUEST) / likely, (chars + 30) / long, (chars + 90) / short)
    taken = planned.Range(*(min(at.posts, x * side / max(c, 1)) for x, side, c in zip(n, LEARNT, k, strict=True)))
    rows = []
    if own:
        corpus = planned.Range(*(min(at.corpus * c, x * side) for x, side, c in zip(n, LEARNT, k, strict=True)))
        rows.append(
            planned.learnt("base", name, kind.weights, corpus.times(post).times(CONTEXT).times(3), method="scratch")
        )
    each = k.times(taken).times(post).times(at.epochs)
    rows += [planned.learnt(arm, name, kind.weights, each, rank=rank, parts=k) for arm in ("aligned", "shuffled")]
    if again.high:
        times = again.times(2)
        rows.append(
            planned.learnt("in branches", name, kind.weights, each.times(times), rank=rank, parts=k.times(times))
        )
    return rows


def _comparisons(
    k: planned.Range,
    topic: planned.Range,
    at: Dial,
    card: Instrument | None,
    *,
    templates: int,
    size: str,
    plants: bool,
) -> list[dict[str, object]]:
    """Origin of posts (a right and a wrong name: a difference has the sd of two shares near 1/2, half of it shared), preference, screener."""
    n = max(int(LEFT * k.likely * topic.likely * templates * at.draws), 4)
    out: list[dict[str, object]] = []
    icc, counts = ICC[not plants], (max(int(topic.likely), 2), templates)
    for contrast in ("aligned - in_context", "aligned - shuffled", "in_context - base"):
        doubt = paired(SD, n=n, clusters=[(c, icc) for c in counts])
        out.append({
            "measure": "origin, accuracy and weighted F1", "contrast": contrast, "unit": "share", "n": n, "clusters": min(counts), "sd": SD,
            "icc": icc, "family": 3, "level": 0.05, "detectable": detectable(doubt, family=3),
        })  # fmt: skip
    pairs = int(PAIRS[size] * k.likely)
    out.append({
        "measure": "preference of people", "contrast": "aligned over in_context", "unit": "share above 1/2", "n": pairs, "clusters": pairs,
        "sd": 0.5, "icc": 0.0, "family": 1, "level": 0.05, "detectable": share(pairs),
    })  # fmt: skip
    if card is not None and k.likely >= 2:
        said = f"any two of {int(k.likely)} communities"
        asked_of = screener.TEMPLATES * 2 * screener.DRAWS[size]
        out += questionnaire_plan.differences(
            card, pairs=[said], n=asked_of, templates=screener.TEMPLATES, family=comb(int(k.likely), 2)
        )
    return out


def _said(ablate: Sequence[str], *, plants: bool) -> list[str]:
    out = [
        f"Differences of origin: rightness in two arms is taken to differ by {SD:g} (sd), topics and templates to hold {ICC[not plants]:g} of it each, "
        f"and {LEFT:.0%} of the replies to be kept. Holm over the three pairs of arms.",
        "A reply is taken to be as long as a post.",
    ]
    if ablate:
        out.append(
            "Ablations run the study again in branches: what is asked in the same words may stand in the journal, so calls may be fewer."
        )
    return out
