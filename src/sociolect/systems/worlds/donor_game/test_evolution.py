"""The evolution without words: the dossier's acceptance, its control, and the same game as the one that is played in words."""

import numpy as np
import polars as pl
import pytest

from sociolect.elicit.play import play
from sociolect.errors import UsageError
from sociolect.models.model import Chat
from sociolect.models.scripted import scripted
from sociolect.systems.worlds.donor_game import claims, compare, measure
from sociolect.systems.worlds.donor_game.elicit import DonorGame, legible
from sociolect.systems.worlds.donor_game.evolution import NUMERIC, evolve, game
from sociolect.systems.worlds.donor_game.players import Planted
from sociolect.systems.worlds.donor_game.schedule import rounds


@pytest.fixture(scope="module")
def acts() -> pl.DataFrame:
    return evolve(seed=0)


@pytest.fixture(scope="module")
def runs(acts: pl.DataFrame) -> pl.DataFrame:
    return measure.per_run(acts, bound=15360.0)


@pytest.mark.parametrize(
    ("share", "schedule", "mean"),
    [
        (1.0, "released", 15360), (1.0, "alternating", 30720), (0.0, "released", 10), (0.0, "alternating", 10),
        (0.5, "released", 341.171875), (0.5, "alternating", 393.90625),
    ],
)  # fmt: skip
def test_the_closed_forms_of_the_dossier(share: float, schedule: str, mean: float) -> None:
    done = game(np.tile([share, share, 0.0, 0.0], (3, 12, 1)), rounds(12, schedule))
    assert done.final.mean(1) == pytest.approx([mean] * 3, rel=1e-9)


def test_the_acceptance_of_the_dossier_with_intervals(runs: pl.DataFrame) -> None:
    """No trace <= .06, trace <= .15, punishment - no trace >= .15 beyond doubt, control >= .4; two more root seeds likewise."""
    ends, contrasts = compare.ends(runs), compare.contrasts(runs)
    told = claims.expected(ends, contrasts, last=10)
    assert told.height == 4
    assert told["holds"].to_list() == [True] * 4
    gain = contrasts.filter(measure="donated", contrast="numeric: punishment - no trace").row(0, named=True)
    assert gain["low"] > 0
    assert gain["n"] == 20
    for seed in (1, 2):
        last = measure.per_run(evolve(seed=seed), bound=15360.0).filter(generation=10)
        mean = {c: float(last.filter(condition=c)["donated"].to_numpy().mean()) for c in NUMERIC}
        assert mean["no trace"] <= 0.06
        assert mean["trace"] <= 0.15
        assert mean["punishment"] - mean["no trace"] >= 0.15
        assert mean["random"] >= 0.4


def test_the_numbers_measured_beforehand_come_back(runs: pl.DataFrame) -> None:
    """The dossier: generation 10, no trace .021 (SD .012), trace .069 (SD .037), with punishment .337 (SD .245)."""
    last = runs.filter(generation=10)
    for condition, mean, sd in (("no trace", 0.021, 0.012), ("trace", 0.069, 0.037), ("punishment", 0.337, 0.245)):
        found = last.filter(condition=condition)["donated"].to_numpy()
        assert found.mean() == pytest.approx(mean, abs=3 * sd / 20**0.5)


def test_who_gives_more_is_ranked_so_though_it_ends_poorer() -> None:
    """The dossier: "always 90%" among "always 0" by donated share; by wealth it loses within one game of mixed pairs."""
    genes = np.zeros((1, 12, 4))
    genes[0, ::2, :2] = 0.9
    done = game(genes, rounds(12))
    donors = np.array([donor for pairs in rounds(12) for donor, _ in pairs])
    given = [float(np.nanmean(done.share[0, donors == who])) for who in range(12)]
    assert min(given[::2]) == pytest.approx(0.9)
    assert max(given[1::2]) == 0.0
    assert done.final[0, ::2].max() < done.final[0, 1::2].min()


@pytest.mark.parametrize("punish", [False, True])
def test_words_and_arrays_play_the_same_game(punish: bool) -> None:
    """The same genes through prompts, replies and the parser; to the last digits where none depends on a printed percentage."""
    rng = np.random.default_rng(3)
    names = [f"1_{k}" for k in range(1, 13)]
    for slopes, within in ((0.0, 1e-9), (1.0, 0.05)):  # what is seen is printed in whole percents
        genes = np.round(rng.uniform([0, 0, -slopes, 0], [1, 1, slopes, 0.5 * slopes], (12, 4)), 3)
        player = Planted(
            strategies={who: (a, b, c, d) for who, (a, b, c, d) in zip(names, genes.tolist(), strict=True)}
        )
        state = play(DonorGame(punish=punish), dict.fromkeys(names, player), legible=legible).states[0]
        done = game(genes[None], rounds(12), punish=punish)
        assert [one.kind == "punish" for one in state.done] == done.punished[0].tolist()
        assert done.punished.any() == (punish and slopes > 0)
        assert [state.purse[who] for who in names] == pytest.approx(done.final[0].tolist(), rel=within)


def test_a_run_depends_on_its_own_seed_alone() -> None:
    few, more = evolve(seeds=2, generations=2, conditions=("trace",)), evolve(seeds=3, generations=2)
    assert few.equals(more.filter(pl.col("run") < 2, condition="trace"))
    first = more.filter(generation=1, match=1, round=1).pivot("condition", index=["run", "speaker"], values="share")
    assert first["trace"].equals(first["no trace"].rename("trace"))  # conditions begin alike
    assert not evolve(seeds=2, generations=2, conditions=("trace",), seed=1).equals(few)


def test_survivors_are_the_better_half_over_both_games_and_heirs_are_near_one_of_them() -> None:
    acts = evolve(seeds=4, generations=2, conditions=("no trace",))
    for run in range(4):
        one = (
            acts.filter(run=run, generation=1)
            .unique(["match", "speaker"])
            .group_by("speaker")
            .agg(pl.col("final").sum())
        )
        best = set(one.sort("final", descending=True)["speaker"][:6])
        here = set(acts.filter(run=run, generation=2)["speaker"])
        assert here & set(one["speaker"]) == best
        assert {s.split("_")[0] for s in here - best} == {"2"}


def test_keywords_change_what_happens_and_faults_are_refused() -> None:
    base = evolve(seeds=2, generations=2, conditions=("trace",))
    for other in ({"schedule": "alternating"}, {"multiplier": 3.0}, {"endowment": 5.0}, {"agents": 8}):
        assert not evolve(seeds=2, generations=2, conditions=("trace",), **other).equals(base)
    with pytest.raises(UsageError, match="no condition of numeric evolution 'refusal'"):
        evolve(conditions=("refusal",))
    with pytest.raises(UsageError, match="seeds=0"):
        evolve(seeds=0)


def test_an_echo_of_the_prompt_cannot_be_read() -> None:
    """What the prompt itself holds is neither a strategy nor an answer."""

    def echo(chat: Chat) -> str:
        return chat[-1].text

    played = play(DonorGame(), dict.fromkeys(["a", "b"], scripted(echo)), legible=legible)
    assert played.replies.filter(phase="strategy")["outcome"].to_list() == ["invalid"] * 2
    assert {done.kind for done in played.states[0].done} == {"invalid"}
