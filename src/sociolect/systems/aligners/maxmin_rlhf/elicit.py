"""The language-model form: rewards learnt over a model's own features, and what best-of-n and practice make the model say."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.align.best_of_n import Score, best_of_n, ranked
from sociolect.align.interpolated import at_kl
from sociolect.align.policy_gradient import policy_gradient
from sociolect.align.reward import Floats, hidden_states
from sociolect.align.tilted import same_kl
from sociolect.elicit.ask import ask
from sociolect.errors import ModelError
from sociolect.frames import KEYS, Items, Replies, Scores
from sociolect.models.local import Local, local
from sociolect.models.model import Chat, Model, user
from sociolect.models.open import open_model
from sociolect.seeds import derive
from sociolect.systems.aligners.maxmin_rlhf.align import learnt, scored
from sociolect.systems.aligners.maxmin_rlhf.reviews import chosen_by

# A folder that was trained into; or a name, with the folders that its weights lie in, so that other weights are another step.
Base = Path | tuple[str, list[Path]]
PUPIL = "pupil"  # a step has a file of its own in its folder
L2 = 0.1  # ours: features are many, and each is a standard deviation wide
REWARDS: dict[str, Any] = {"reward": pl.String, "weights": pl.List(pl.Float64), "offset": pl.Float64, "share": pl.List(pl.Float64), "members": pl.List(pl.String)}  # fmt: skip


def opened(base: Base) -> Local:
    """The model in this folder, or of this name; ModelError where its weights are not here."""
    if isinstance(base, tuple):
        model = open_model(base[0])
    else:
        model = open_model("scratch/tiny", folder=base, threads=1, batch=256)
    if not isinstance(model, Local):
        raise ModelError(
            f"{model.name} has no weights here: rewards are learnt over a model's features, so name hf/<folder or hub id>"
        )
    return model


def drawn(base: Base, items: Items, *, draws: int, tokens: int, seed: int) -> Replies:
    """What the model says before anything is learnt: the reference of every arm."""
    return ask({"reference": opened(base)}, items, draws=draws, condition="reference", tokens=tokens, seed=seed)


def rewards(
    base: Base, replies: Replies, sizes: tuple[int, int], *, pairs: int, null: bool, groups: int, starts: int, n: int, seed: int
) -> pl.DataFrame:  # fmt: skip
    """One row per reward: `weights` over the model's features and `offset`, so that over the reference it has mean 0 and sd 1.

    Rows: single, group 1, ... (the largest first, with its members), and the mixtures mean, max-min and Nash, with the
    `share` of each group. Users of the majority and the minority choose among the replies (`reviews.chosen_by`). Mixtures
    are those whose best of `n` does best by the groups found.
    """
    choices = chosen_by(replies, sizes, pairs=pairs, null=null, seed=seed)
    raw = hidden_states(opened(base), [user(p) for p in replies["prompt"]], replies["raw"].to_list())
    mean, sd = raw.mean(0), raw.std(0) + 1e-9
    x = (raw - mean) / sd
    found = learnt(
        x[choices.chosen], x[choices.rejected], choices.names, groups=groups, starts=starts, l2=L2, seed=seed
    )
    own = [found.single, *found.groups.weights]
    worth = np.stack([np.einsum("nf,f->n", x, w) for w in own])
    arms = scored(worth[0], worth[1:], partial(ranked, n=n))
    plain = {"single": own[0] / worth[0].std()}
    plain |= {f"group {k}": w / r.std() for k, (w, r) in enumerate(zip(own[1:], worth[1:], strict=True), 1)}
    parts = np.stack([plain[f"group {k}"] for k in range(1, groups + 1)])
    mixed = {arm: np.einsum("u,uf->f", share, parts) for arm, share in arms.weights.items()}
    members = {f"group {k + 1}": [u for u, g in zip(found.groups.users, found.groups.group, strict=True) if g == k] for k in range(groups)}  # fmt: skip
    rows = [
        (name, (w / sd).tolist(), -float((w / sd * mean).sum()), arms.weights[name].tolist() if name in mixed else None, members.get(name))
        for name, w in (plain | mixed).items()
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=REWARDS, orient="row")


def score_of(arm: str, learned: pl.DataFrame, model: Local, known: dict[Any, Floats] | None = None) -> Score:
    """The score that an arm follows, of any reply: nan for one without a word. `known` keeps features between arms."""
    groups = learned["reward"].str.starts_with("group")
    rows = learned.filter(groups if arm == "per-sample min" else pl.col("reward") == arm)
    weights, offsets = np.array(rows["weights"].to_list()), rows["offset"].to_numpy()
    seen: dict[Any, Floats] = {} if known is None else known

    def score(chats: Sequence[Chat], texts: Sequence[str]) -> Floats:
        due = [one for one in dict.fromkeys(zip(chats, texts, strict=True)) if one not in seen]
        fresh = hidden_states(model, [chat for chat, _ in due], [text for _, text in due]) if due else ()
        seen.update(zip(due, fresh, strict=True))
        x = np.stack([seen[one] for one in zip(chats, texts, strict=True)])
        worth = (np.einsum("nf,uf->un", x, weights) + offsets[:, None]).min(0)
        return np.where([not text.split() for text in texts], np.nan, worth)

    return score


def best(base: Base, items: Items, learned: pl.DataFrame, arms: Sequence[str], *, n: int, draws: int, tokens: int, seed: int) -> Replies:  # fmt: skip
    """What each arm says: the best of `n` draws by its score. All arms choose among the same draws."""
    model, known = opened(base), dict[Any, Floats]()
    told = {
        arm: best_of_n(model, score_of(arm, learned, model, known), n=n, name=f"{model.name}@{arm}") for arm in arms
    }
    return _paired(told, items, draws=draws, condition=f"best of {n}", tokens=tokens, seed=seed)


def _paired(models: Mapping[str, Model], items: Items, **how: Any) -> Replies:
    """What each arm's model says, all on one stream of random numbers: a stream of `ask` goes by the community's name."""
    parts = [ask({"arm": model}, items, **how).with_columns(community=pl.lit(arm)) for arm, model in models.items()]
    return frames.replies(pl.concat(parts))


def practice(model: Model, items: Items, score: Score, *, draws: int, tokens: int) -> tuple[Replies, Scores]:
    """A round of practice: `draws` replies to every item, each with its score; null for one without a word."""
    replies = ask({"pupil": model}, items, draws=draws, condition="practice", tokens=tokens)
    worth = np.asarray(score([user(p) for p in replies["prompt"]], replies["raw"].to_list()), dtype=float)
    # nobody wants a reply without a word: it earns what the worst of the round earns
    worth = np.where(np.isnan(worth), np.nanmin(worth), worth)
    told = replies.select(*KEYS).with_columns(measure=pl.lit("reward"), value=pl.Series(worth))
    return replies, frames.scores(told)


def practised(
    base: Base, items: Items, learned: pl.DataFrame, arm: str, *, steps: int, draws: int, rate: float, kl: float, tokens: int, folder: Path, seed: int
) -> None:  # fmt: skip
    """The model that practice with an arm's score makes of the base, until it is so far from it; in the folder."""
    model = opened(base)
    rounds = partial(practice, items=items, score=score_of(arm, learned, model), draws=draws, tokens=tokens)
    # a little further, so that what lies between it and the base reaches the KL of the comparison
    policy_gradient(
        model,
        rounds,
        folder=folder / PUPIL,
        steps=steps,
        rate=rate,
        kl=0.0,
        until=1.2 * kl,
        seed=derive(seed, "practice"),
    )


def after_practice(
    base: Base, folders: dict[str, Path], items: Items, *, kl: float, draws: int, tokens: int, seed: int
) -> Replies:
    """What each practised model says at this KL from the base (columns `kl` and `share` of the way); never at another."""
    model, parts = opened(base), []
    chats = [user(p) for p in items["prompt"] for _ in range(8 * draws)]
    for arm, folder in folders.items():
        taught = local(
            model.folder, adapter=folder / PUPIL, batch=model.batch, threads=model.threads, name=f"{model.name}@{arm}"
        )
        near = at_kl(model, taught, chats, kl=kl, tokens=tokens, seed=seed)
        said = _paired({arm: near.model}, items, draws=draws, condition="practice", tokens=tokens, seed=seed)
        parts.append(said.with_columns(kl=pl.lit(near.kl), share=pl.lit(near.share)))
    told = pl.concat(parts)
    same_kl(told.unique("community", maintain_order=True)["kl"].to_list(), list(folders))
    return frames.replies(told)
