"""What relationship alignment will ask, learn and be able to show, before it reads a pair."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sociolect.compare.detectable import coefficient, contrast_variance, detectable
from sociolect.systems import planned, planned_table
from sociolect.systems.studies.relationship_alignment import arms, learn
from sociolect.systems.studies.relationship_alignment.elicit import conditions
from sociolect.systems.studies.relationship_alignment.sizes import SIZES, Dial
from sociolect.systems.studies.relationship_alignment.wordings import MARKER, fact, laid_out
from sociolect.tones import TONES

KEPT = planned.Range(
    0.95, 0.5, 1.0
)  # ours: the share of a table's pairs that are left: no empty or repeated comment, both people known
POST = 510.0  # characters of a planted post
TYPICAL = {"commenter_gender": "woman", "poster_gender": "man", "commenter_age": "34", "poster_age": "34", "closeness": "not_close"}  # fmt: skip
ASIDE = planned.Range(0.09, 0.06, 0.12)  # pairs on both drawn thirds, of posts and of commenters: .3 x .3
OWN = planned.Range(0.49, 0.42, 0.56)  # pairs on neither: .7 x .7
ICC = 0.35  # what comments on one post share of the tone that the controls leave: as in the planted pairs
COMMENT = planned.Range(40, 3, 120)
COEFFICIENTS = 10  # of the social block: genders of both, both men, two ages and their distance, closeness
# shares of the categories, as planted: a study whose people are otherwise made up shows more, or less
SHARES = {"woman": 0.48, "man": 0.48, "stranger": 0.5, "close": 0.2}
SECONDS = 1.2e-4, 5e-3, 4.0  # of a scripted comment, of reading a pair's tones and its regressions, and once: measured


def _size(
    pairs: Path | None, dialogues: Path | None, posts: Path | None, columns: Mapping[str, str], at: Dial
) -> tuple[planned.Range, float, list[str]]:
    """How many pairs there are, the characters of a post, and what was assumed."""
    if pairs is not None:
        found = planned_table.sized(pairs, columns.get("post_text", "post_text"))
        told = (
            []
            if found.rows.low == found.rows.high
            else [f"{pairs.name} was read by its head: its pairs are estimated."]
        )
        return (
            found.rows.times(KEPT),
            found.chars or POST,
            [*told, "5 % of the pairs (0 to 50 %) are taken to be left out."],
        )
    if dialogues is not None:
        files = sorted(dialogues.glob("*.json*")) if dialogues.is_dir() else [dialogues]
        size = sum(f.stat().st_size for f in files if f.is_file())
        return (
            planned.Range(1 / 300, 1 / 1500, 1 / 80).times(size),
            60.0,
            ["The turns of the dialogues are estimated by their bytes."],
        )
    if posts is not None:
        return planned_table.sized(posts).rows.times(KEPT), POST, []
    return planned.Range(at.pairs, at.pairs * 0.97, at.pairs), POST, []


def plan(
    *,
    size: str = "tiny",
    pairs: Path | None = None,
    dialogues: Path | None = None,
    posts: Path | None = None,
    columns: Mapping[str, str] | None = None,
    where: Mapping[str, str] | None = None,
    models: Sequence[str] = (),
    subsets: str = "blocks",
    controls: bool = True,
    relation: Sequence[str] = (),
    template: str = "feed",
    prompting: str = "plain",
    most: int | None = None,
    draws: int | None = None,
    learn: str = "none",
    base: str | None = None,
    **_: Any,
) -> planned.Plan:
    """Calls by model, training where `learn` asks for it, and the least effect of each kind of social term after Holm."""
    at, plants = SIZES[size], not (pairs or dialogues or posts)
    n, chars, notes = _size(pairs, dialogues, posts, columns or {}, at)
    if where:
        n, notes = n._replace(low=2), [*notes, "--where keeps some of the rows: the plan cannot tell how many."]
    default = () if posts is not None else (f"{arms.PLANTED}?kappa=1.5", arms.WORDS) if plants else (arms.WORDS,)
    names, many = tuple(models) or default, draws or at.draws
    told = arms.wanted(subsets, relation=relation, controls=controls)
    known = conditions(subsets, relation=relation, controls=("placebo", "false") if controls else ())  # type: ignore[arg-type]  # the recipe's Literal
    long = {c: len(_prompt(template, chars, known[c], reason=prompting == "reason")) for c in told}
    thought = planned.Range(3, 1, 1) if prompting == "reason" else planned.Range(1, 1, 1)
    reply = planned.Range(min(COMMENT.likely * thought.likely, at.tokens), COMMENT.low, at.tokens)
    rows, scripted = [], 0.0
    for i, name in enumerate(names):
        some = [c for c in told if c in ("none", "all")] if name == arms.WORDS else told
        each = _least(n, min(most or at.asked, arms.BLIND) if name == arms.WORDS else most or at.asked)
        where_ = planned.standing(name)
        mean = sum(long[c] for c in some) / max(len(some), 1)
        kind = planned.weighed(name).chars if where_ == "local" else planned.CHARS
        count = each.times(len(some) * many)
        if not plants and where_ != "scripted":  # conditions that have nothing to tell of a pair share their prompt
            count = count._replace(low=each.low * many)
        rows.append(
            planned.asked(f"replies_{i}", name, "generate", count, where=where_, prompt=mean, reply=reply, chars=kind)
        )
        scripted += each.likely * len(some) * many * (where_ == "scripted")
    training: list[dict[str, object]] = []
    if learn == "finetune":
        more, training = _learning(
            n, at, size=size, base=base, draws=many, prompt=long.get("all", 500.0), comment=reply
        )
        rows += more
    heard = sum(int(str(r["calls"])) for r in rows)
    return planned.made_of(
        calls=rows,
        training=training,
        comparisons=_comparisons(n, at, plants=plants, posts=posts is not None),
        work={"scripted comments": SECONDS[0] * scripted, "tones and regressions": SECONDS[1] * n.likely * (1 + len(names)) + SECONDS[2]},
        memory=planned.Range(4e8 + 1.2e4 * heard, 2.5e8 + 4e3 * heard, 1e9 + 3e4 * heard),
        disk=planned.Range(5e6 + 500.0 * heard, 2e6 + 100.0 * heard, 2e7 + 1500.0 * heard),
        notes=[*notes, *_said(names, plants=plants)],
    )  # fmt: skip


def _prompt(template: str, chars: float, told: Sequence[str], *, reason: bool) -> str:
    facts = [fact(v, TYPICAL.get(v, "yes")) for v in told]
    return (
        laid_out("feed" if template == "drawn" else template, "x" * round(chars), facts, reason=reason)
        + MARKER * reason
    )


def _least(n: planned.Range, most: int) -> planned.Range:
    return planned.Range(*(min(x, most) for x in n))


def _learning(
    n: planned.Range, at: Dial, *, size: str, base: str | None, draws: int, prompt: float, comment: planned.Range
) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """What the three arms are asked, and the tokens that a base made here and the two taught arms pass through."""
    teaching = arms.TEACHING[size]
    cap = teaching.pairs or 10**12
    told, learnt_from = _least(n.times(ASIDE), cap), _least(n.times(OWN), cap)
    name = base or f"scratch/{teaching.base}"
    kind = planned.weighed(name if base is None or base.startswith("hf/") else f"hf/{base}")
    rows = [
        planned.asked("replies_taught", name, "generate", told.times(draws * len(learn.ARMS)), where="local", prompt=prompt, reply=comment, chars=kind.chars)
    ]  # fmt: skip
    likely, short, long = kind.chars
    tokens = planned.Range((prompt + 500) / likely, (prompt + 60) / long, (prompt + 900) / short)
    passes = teaching.epochs or 3
    training = [planned.learnt("taught", name, kind.weights, learnt_from.times(tokens).times(2 * at.epochs))]
    if base is None:
        training.insert(
            0,
            planned.learnt(
                "base",
                name,
                planned.SCRATCH[teaching.base].weights,
                learnt_from.times(tokens).times(2 * passes),
                method="scratch",
            ),
        )
    return rows, training


def _comparisons(n: planned.Range, at: Dial, *, plants: bool, posts: bool) -> list[dict[str, object]]:
    """The least effect of each kind of term on one tone, in standard deviations of what the controls leave of it."""
    rows, pairs = [], max(int(n.likely), 4)
    groups = min(at.posts, pairs // 2) if plants else max(2, round(pairs / 4))
    clusters = at.commenters if plants else max(2, round(pairs / 5))
    family = COEFFICIENTS * len(TONES)
    man, close = (
        contrast_variance(SHARES["man"], SHARES["woman"]),
        contrast_variance(SHARES["close"], SHARES["stranger"]),
    )
    # with both men in the block, a gender's term is that towards posters who are no men: about half of the pairs
    kinds = [
        ("commenter: man - woman", man * 0.52, False), ("closeness: close - stranger", close, False),
        ("commenter: ten years older", 1.6, False), ("poster: man - woman", man * 0.52, True),
    ]  # fmt: skip
    for contrast, variance, between in kinds:
        if posts and not contrast.startswith("commenter"):
            continue
        doubt = coefficient(
            1.0, n=pairs, groups=groups, icc=ICC, variance=variance, between=between, clusters=min(clusters, groups)
        )
        rows.append({
            "measure": "each tone", "contrast": contrast, "unit": "sd of the tone, given the controls", "n": pairs, "clusters": min(clusters, groups),
            "sd": 1.0, "icc": ICC, "family": family, "level": 0.05, "detectable": detectable(doubt, family=family),
        })  # fmt: skip
    return rows


def _said(names: Sequence[str], *, plants: bool) -> list[str]:
    out = [
        f"Coefficients are taken to be {COEFFICIENTS} for each of {len(TONES)} tones, adjusted by Holm together; comments on one post to share {ICC:g} of a tone.",
        "Shares of genders and of closeness are taken as planted: 48 % men, 20 % close, 50 % strangers.",
    ]
    if arms.WORDS in names:
        out.append(
            f"{arms.WORDS} reads no prompt: it is asked under none and all alone, about {arms.BLIND:,} pairs at most."
        )
    if not plants:
        out.append(
            "Comments are taken to come four to a post; pairs of which nothing is known are asked once, not in every condition."
        )
    return out
