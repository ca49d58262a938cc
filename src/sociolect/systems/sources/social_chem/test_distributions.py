"""The distribution mode: exact at its ends, a ceiling that covers, rules of 5 and of 50 apart; and the plan and keywords."""

import numpy as np
import polars as pl
import pytest
from scipy.stats import entropy

from sociolect.errors import RefusedError, UsageError
from sociolect.frames import Items, Replies
from sociolect.systems.sources.social_chem import compare, elicit, planted
from sociolect.systems.sources.social_chem.plan import plan
from sociolect.systems.sources.social_chem.recipe import planted_judges, run
from sociolect.workspace import Workspace


def asked(rules: int = 20, annotators: int = 50, seed: int = 0) -> tuple[Replies, Items]:
    broken = planted.annotations(rules, annotators, seed=seed)
    return elicit.said(broken), elicit.level_items(broken)


def shares(said: Replies) -> np.ndarray:
    wide = said.group_by("item", "choice").len().pivot("choice", index="item", values="len").fill_null(0).sort("item")
    counts = wide.select(c for c in planted.LEVELS if c in wide.columns).to_numpy().astype(float)
    return np.asarray(counts / counts.sum(1, keepdims=True))


def test_the_same_distribution_is_at_0_and_the_modal_level_at_its_entropy() -> None:
    """JS(P, e) = H((P + e) / 2) - H(P) / 2 for a distribution e that has one level alone; entropies by scipy."""
    said, items = asked()
    told = elicit.judged(planted_judges(said, items), items)
    found = {(r["measure"], r["contrast"]): r for r in compare.match(said, told).iter_rows(named=True)}
    js = {c: r["estimate"] for (m, c), r in found.items() if m == "Jensen-Shannon divergence"}
    assert js["same distribution - annotators, 50 each"] == pytest.approx(0, abs=1e-9)
    assert found["Hellinger distance", "same distribution - annotators, 50 each"]["estimate"] == pytest.approx(
        0, abs=1e-7
    )
    p = shares(said)
    modal = np.eye(p.shape[1])[p.argmax(1)]
    due = entropy((p + modal) / 2, base=2, axis=1) - entropy(p, base=2, axis=1) / 2
    assert js["modal level only - annotators, 50 each"] == pytest.approx(float(due.mean()), abs=1e-9)
    assert np.allclose(compare.divergences(p, modal), due, atol=1e-9)
    assert 0 < js[f"{compare.HALVES}, 50 each"] < js["modal level only - annotators, 50 each"]
    for row in found.values():
        assert (row["n"], row["clusters"], row["annotators"]) == (20, 50, "50 each")
        assert row["low"] <= row["estimate"] <= row["high"]


def test_halves_of_fifty_annotators_cover_0_as_often_as_they_say() -> None:
    """95% plus or minus 4 of 200 repeats."""
    covered = []
    for seed in range(200):
        row = compare.halves(asked(8, 50, seed=seed)[0], draws=200, seed=seed).row(0, named=True)
        covered.append(row["low"] <= 0 <= row["high"])
    assert 0.91 <= np.mean(covered) <= 0.99


def test_rules_of_fifty_annotators_are_never_averaged_with_those_of_five() -> None:
    fifty = planted.annotations(4, 50, seed=1)
    five = planted.annotations(6, 5, seed=2).with_columns(pl.col("rule").str.replace("x", "y"))
    one = planted.annotations(3, 1, seed=3).with_columns(pl.col("rule").str.replace("x", "z"))
    broken = pl.concat([fifty, five, one])
    said, items = elicit.said(broken), elicit.level_items(broken)
    told = elicit.judged(planted_judges(said, items), items)
    found = compare.match(said, told).filter(
        pl.col("measure") == "Jensen-Shannon divergence", pl.col("contrast").str.starts_with("modal")
    )
    assert dict(found.select("annotators", "n").rows()) == {"5 each": 6, "50 each": 4}
    with pytest.raises(RefusedError, match="no rule has 5 annotators"):
        compare.match(elicit.said(one), told)


def test_absent_judgements_are_nobody_s_level() -> None:
    broken = planted.annotations(2, 10).with_columns(
        pl.when(pl.col("annotator") != "a00003").then(pl.col(planted.JUDGED)).alias(planted.JUDGED)
    )
    assert elicit.said(broken).height == 18


def test_three_wordings_are_averaged_and_every_one_counts() -> None:
    _, items = asked(2)
    assert items.group_by("rule").len()["len"].to_list() == [3, 3]
    flat = {p: np.full(5, 0.2) for p in items["prompt"]}
    sharp = flat | {items["prompt"][0]: np.array([1.0, 0, 0, 0, 0])}
    told = elicit.judged({"judge": planted.Judge("planted/x", sharp)}, items).filter(rule=items["rule"][0])
    assert told.select(planted.LEVELS).row(0) == pytest.approx((1.4 / 3, *(0.4 / 3,) * 4))
    with pytest.raises(UsageError, match="writes nothing"):
        planted.Judge("planted/x", flat).generate([])


def test_bad_keywords_are_named_all_at_once(tmp_path) -> None:  # type: ignore[no-untyped-def]  # a fixture
    work = Workspace(tmp_path)
    with pytest.raises(UsageError) as fault:
        run(work, size="full", part="action", base="openai/x")
    for said in ("--released", "--base openai/x", "--part action"):
        assert said in str(fault.value)
    with pytest.raises(UsageError, match="name it with --base"):
        run(work, size="full")
    with pytest.raises(UsageError, match="no such file"):
        run(work, released=tmp_path / "none.tsv")
    with pytest.raises(UsageError, match="no size 'tny'"):
        run(work, size="tny")  # type: ignore[arg-type]  # what a caller may write


def test_the_plan_counts_what_the_recipe_makes() -> None:
    tiny, mixed, small = plan(), plan(mix=True), plan(size="small")
    calls = dict(tiny.calls.select("step", "calls").rows())
    assert calls == {"rules": 2400, "rules_flipped": 600, "surprise": 600}
    assert mixed.training["tokens"][0] == 3 * tiny.training["tokens"][0]
    assert dict(small.calls.select("step", "calls").rows())["rules"] == 3600
    assert plan(models={"a": "hf/x"}).calls.filter(step="judged")["calls"].to_list() == [120]
    # 2.80 standard errors of a share at one half, over 300 situations
    assert tiny.comparisons["detectable"][0] == pytest.approx(2.80 * 0.5 / 300**0.5, rel=0.02)


def test_the_commonest_words_of_an_action_are_put_to_a_judge() -> None:
    broken = planted.annotations(1, 5).with_columns(action_text=pl.Series(["b", "a", "b", "c <|end|>", None]))
    for rows in (broken, broken.reverse()):
        items = elicit.level_items(rows)
        assert items["prompt"].to_list() == [p.format(action="b") for p in elicit.PARAPHRASES]
    assert "<|end|>" not in elicit.level_items(broken.filter(pl.col("action_text").str.starts_with("c")))["prompt"][0]
