"""What a model kept of single posts: whether it completes them word for word, and how much likelier it finds them."""

from collections.abc import Sequence

import polars as pl

from sociolect import frames
from sociolect.errors import InputError, ModelError, UsageError
from sociolect.frames import Scores
from sociolect.models.local import Local
from sociolect.models.model import Model, user
from sociolect.seeds import substream

ROWS = 64  # posts completed at once


def memorised(
    model: Model,
    learnt: pl.DataFrame,
    held_out: pl.DataFrame,
    *,
    prefix: int = 8,
    span: int = 8,  # ours: Carlini et al. take 50 and 50 tokens of long documents, which few posts have
    n: int = 200,
    seed: int = 0,
) -> Scores:
    """Two measures for each post, of what a model learnt and of what others said that it did not: condition `learnt`, `held out`.

    `memory:extracted` is 1.0 where the first `prefix` tokens of the post, after its prompt, make the model go on with the next
    `span` tokens exactly, taking the likeliest each time (Carlini et al. 2023, arXiv 2202.07646, Def. 3.1); null where a
    post is shorter than both. `memory:nats` is the loss in nats per token of the whole post after its prompt: members of a
    training set lose less (Yeom et al. 2018, arXiv 1709.01604, Sec. 3.3); null where the model has no room for the post. `speaker` is the author and `item` the post.

    Both frames have columns prompt, reply, person, post, as demonstrations do; at most `n` posts are drawn of each. Nothing
    said is in the scores. Raises InputError where a column is missing or an author stands on both sides, ModelError for a
    model without weights here: a prefix cannot be put into its mouth.
    """
    if prefix < 1 or span < 1 or n < 2:
        raise UsageError(f"prefix={prefix}, span={span}, n={n}: due are 1 or more, 1 or more, and 2 or more")
    if not isinstance(model, Local):
        raise ModelError(
            f"{model.name} has no weights here: what it memorised cannot be tested; take an hf/ or scratch/ model"
        )
    sides = {"learnt": learnt, "held out": held_out}
    _check(sides)
    parts = []
    for name, rows in sides.items():
        drawn = _drawn(rows, n, seed, name)
        said = drawn["reply"].to_list()
        ids = [model.reply_ids(text) for text in said]
        prompts = [user(prompt) for prompt in drawn["prompt"]]
        heads = [model.prompt_ids(prompt) for prompt in prompts]
        fits = [i for i, head in enumerate(heads) if len(head) + len(ids[i]) <= model.context]
        weighed = model.logprobs([prompts[i] for i in fits], [[said[i]] for i in fits])
        nats: list[float | None] = [None] * drawn.height
        for i, (total,) in zip(fits, weighed, strict=True):
            nats[i] = -total / len(ids[i])
        values: dict[str, list[float | None]] = {
            "memory:extracted": _extracted(model, heads, ids, prefix, span),
            "memory:nats": nats,
        }
        keyed = drawn.select(
            speaker="person", source=pl.lit("human"), community="community", item="post", condition=pl.lit(name),
            draw=pl.lit(0, pl.Int64), turn=pl.lit(0, pl.Int64),
        )  # fmt: skip
        parts += [
            keyed.with_columns(measure=pl.lit(m), value=pl.Series("value", v, dtype=pl.Float64))
            for m, v in values.items()
        ]
    return frames.scores(pl.concat(parts))


def _extracted(
    model: Local, prompts: Sequence[list[int]], replies: Sequence[list[int]], prefix: int, span: int
) -> list[float | None]:
    """1.0 where the model goes on exactly as the post does; None where the post, without its end token, is too short."""
    import torch

    from sociolect.models.decode import continue_
    from sociolect.models.threads import fixed_threads

    due = prefix + span
    long = [i for i, r in enumerate(replies) if len(r) - 1 >= due and len(prompts[i]) + due <= model.context]
    # Of one length side by side, so that no row waits for another.
    long.sort(key=lambda i: (len(prompts[i]), prompts[i], replies[i]))
    found: list[float | None] = [None] * len(replies)
    with fixed_threads(model.threads), torch.inference_mode():
        for start in range(0, len(long), ROWS):
            some = long[start : start + ROWS]
            went_on = continue_(
                model.module, [prompts[i] + replies[i][:prefix] for i in some], [0] * len(some), [span] * len(some),
                ends=model.ends, pad=int(model.tokenizer.pad_token_id or 0), temperature=0.0, top_p=1.0, top_k=None,
            )  # fmt: skip
            for i, said in zip(some, went_on, strict=True):
                found[i] = float(said == replies[i][prefix:due])
    return found


def _drawn(rows: pl.DataFrame, n: int, seed: int, name: str) -> pl.DataFrame:
    ordered = rows.sort("post")
    kept = substream(seed, "memorised", name).permutation(ordered.height)[:n]
    return ordered[sorted(kept.tolist())]


def _check(sides: dict[str, pl.DataFrame]) -> None:
    due = ("community", "prompt", "reply", "person", "post")
    faults = [
        f"the {name} posts have no column {c!r}" for name, rows in sides.items() for c in due if c not in rows.columns
    ]
    if not faults:
        for name, rows in sides.items():
            faults += [f"there are no {name} posts"] if rows.is_empty() else []
            if nulls := rows.select(pl.any_horizontal(pl.col(due).is_null()).sum()).item():
                faults.append(f"{nulls} {name} rows are nobody's post: leave mixed-in rows and canaries out")
        both = set(sides["learnt"]["person"].drop_nulls()) & set(sides["held out"]["person"].drop_nulls())
        faults += [f"{len(both)} authors stand on both sides"] if both else []
    if faults:
        raise InputError(f"memory cannot be tested: {'; '.join(faults)}")
