"""The engine as it is called: coverage in planted worlds, kinds of errors, the Mundlak split, and every bad input."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.special import stdtrit

from sociolect.compare import mixed_effects as module
from sociolect.compare.mixed_effects import MixedEffects, mixed_effects
from sociolect.compare.model_tests import wald
from sociolect.errors import InputError, RefusedError, UsageError

REPEATS = 500  # outcomes over one design: a replication each


def _world(groups: int, size: int, *, tau: float = 0.5, slope: float = 0.3, seed: int = 1) -> pl.DataFrame:
    """Posts with an intercept, rows with x (varying inside a post), z (of the post) and a category; 500 outcomes."""
    generator = np.random.default_rng(seed)
    n = groups * size
    post = np.repeat(np.arange(groups), size)
    x, z = generator.normal(size=n), generator.normal(size=groups)[post]
    close = generator.integers(0, 3, n)
    mean = 1 + slope * x - 0.2 * z + slope * np.array([0, 0.5, -1])[close]
    y = mean[:, None] + generator.normal(0, tau, (groups, REPEATS))[post] + generator.normal(size=(n, REPEATS))
    columns = {f"y{j}": y[:, j] for j in range(REPEATS)}
    names = np.array(["stranger", "not_close", "close"])[close]
    return pl.DataFrame({"post": [f"p{g}" for g in post], "x": x, "z": z, "closeness": names, "nothing": generator.normal(size=n),
                         "none": generator.normal(size=groups)[post], **columns})  # fmt: skip


OUTCOMES = [f"y{j}" for j in range(REPEATS)]


def _share(fit: MixedEffects, column: str, truth: float) -> float:
    found = fit.summary(columns=[column])
    return float(((found["low"] <= truth) & (truth <= found["high"])).to_numpy().mean())


@pytest.mark.parametrize("errors", ["model", "CR1"])
def test_intervals_cover_what_was_planted(errors: Any) -> None:
    fit = mixed_effects(
        _world(80, 5), "~ x + z + closeness + nothing + none + (1 | post)", outcomes=OUTCOMES, errors=errors
    )
    for column, truth in (("x", 0.3), ("z", -0.2), ("closeness[T.close]", -0.3), ("closeness[T.not_close]", 0.15)):
        assert 0.92 <= _share(fit, column, truth) <= 0.98, column
        # the mean of 500 estimates lies within four standard errors of the truth
        found = fit.summary(columns=[column])
        assert abs(found["estimate"].mean() - truth) < 4 * found["se"].mean() / REPEATS**0.5  # type: ignore[operator]  # numbers
    # the joint test in the null; 4,800 worlds of this size: .055 model-based, .063 with CR1, .048 with CR2 (before Hotelling's T2)
    rejected = (wald(fit, ["nothing", "none"])["p"] < 0.05).mean()
    assert 0.02 <= rejected <= 0.09  # type: ignore[operator]  # a number


@pytest.mark.parametrize("groups", [8, 20])
def test_few_clusters_keep_their_level_with_cr2(groups: int) -> None:
    """The joint test of three columns: 2,500 worlds of 8, 10 and 20 clusters reject .032, .037 and .040."""
    fit = mixed_effects(
        _world(groups, 12, slope=0.0, seed=groups), "~ x + closeness", outcomes=OUTCOMES[:250], errors="CR2", cluster="post"
    )  # fmt: skip
    assert 0.91 <= _share(fit, "x", 0.0) <= 0.985
    found = fit.summary(columns=["x"])
    assert 0.015 <= (found["p"] < 0.05).mean() <= 0.09  # type: ignore[operator]  # a number
    assert ("few clusters" in found["method"][0]) == (groups < 10)
    assert 0.012 <= (wald(fit, ["x", "closeness"])["p"] < 0.05).mean() <= 0.08  # type: ignore[operator]  # a number


def test_two_crossed_clusters_keep_the_level_of_a_joint_test() -> None:
    """1,000 rows in 300 posts by 250 people, effects of both: G - 1 degrees would reject .12 of the worlds."""
    rng = np.random.default_rng(8)
    post, person = (rng.choice(g, 1000, p=rng.dirichlet(np.ones(g))) for g in (300, 250))
    columns = {f"a{j}": rng.normal(size=300)[post] for j in range(4)} | {
        f"b{j}": rng.normal(size=250)[person] for j in range(4)
    }
    y = (
        0.5 * rng.normal(size=(300, 400))[post]
        + 0.5 * rng.normal(size=(250, 400))[person]
        + rng.normal(size=(1000, 400))
    )
    rows = pl.DataFrame({"post": post, "person": person, **columns, **{f"y{j}": y[:, j] for j in range(400)}})
    fit = mixed_effects(
        rows, f"~ {' + '.join(columns)}", outcomes=OUTCOMES[:400], errors="CR1", cluster=["post", "person"]
    )
    found = wald(fit, list(columns))
    assert 0.02 <= (found["p"] < 0.05).mean() <= 0.085  # type: ignore[operator]  # a number
    assert found["df2"].max() < 60  # type: ignore[operator]  # a number


ROWS = _world(30, 6).select("post", "x", "z", "closeness", "y0", "y1").with_columns(
    w=np.random.default_rng(2).uniform(0.2, 3, 180), thread=pl.Series([f"t{i % 7}" for i in range(180)]),
    tone=np.random.default_rng(3).uniform(0.0, 1.0, 180), pair=pl.Series([f"r{i}" for i in range(180)]),
)  # fmt: skip
FORMULA = "y0 ~ x + z + closeness + (1 | post)"


@pytest.mark.parametrize(
    "keywords",
    [{}, {"weights": "w"}, {"errors": "CR1"}, {"errors": "CR2"}, {"errors": "bootstrap", "draws": 200},
     {"within": "post"}, {"weights": "w", "weighting": "sampling"}, {"errors": "CR1", "cluster": ["post", "thread"]}],
    ids=lambda k: "-".join(map(str, k)) or "plain",
)  # fmt: skip
def test_row_order_and_group_names_change_no_digit(keywords: Mapping[str, Any]) -> None:
    here = mixed_effects(ROWS, FORMULA, **keywords).summary()
    turned = ROWS.sample(fraction=1, shuffle=True, seed=4)
    there = mixed_effects(turned, FORMULA, **keywords).summary()
    # names that keep their order: a bootstrap draws clusters by the order of their names
    renamed = mixed_effects(turned.with_columns(post="a" + pl.col("post")), FORMULA, **keywords).summary()
    for column in ("estimate", "low", "high", "se", "df"):
        for other in (there, renamed):
            assert other[column].to_numpy() == pytest.approx(here[column].to_numpy(), rel=1e-10, abs=1e-11), column


def test_the_summary_is_an_effects_frame_with_its_doubt() -> None:
    fit = mixed_effects(
        ROWS, "~ x + z + closeness + (1 | post)", outcomes=["y0", "log(tone + eps)"], constants={"eps": 0.01}
    )
    found = fit.summary(columns=["closeness", "x"])
    assert found["measure"].unique(maintain_order=True).to_list() == ["y0", "log(tone + eps)"]
    assert found["contrast"].to_list()[:3] == ["closeness[T.close]", "closeness[T.not_close]", "x"]
    row = found.row(0, named=True)
    reach = -stdtrit(row["df"], 0.025) * row["se"]
    assert (row["low"], row["high"]) == pytest.approx((row["estimate"] - reach, row["estimate"] + reach))
    assert (row["n"], row["clusters"], row["left_out"]) == (180, 30, 0)
    assert row["method"] == "REML, random intercept of post, model errors"
    with pytest.raises(UsageError, match="no column 'closenes'; did you mean 'closeness'"):
        fit.summary(columns=["closenes"])


def test_an_interval_of_another_level_is_wider() -> None:
    wide, narrow = (mixed_effects(ROWS, FORMULA, level=level).summary() for level in (0.99, 0.5))
    assert ((wide["high"] - wide["low"]) > 2 * (narrow["high"] - narrow["low"])).all()


def test_sampling_weights_take_no_notice_of_their_scale() -> None:
    def found(factor: float) -> pl.DataFrame:
        rows = ROWS.with_columns(pl.col("w") * factor)
        return mixed_effects(rows, "y0 ~ x + z", weights="w", weighting="sampling", cluster="post").summary()

    here, there = found(1.0), found(1000.0)
    assert here["se"].to_numpy() == pytest.approx(there["se"].to_numpy(), rel=1e-9)
    assert "CR2 errors; sampling weights" in here["method"][0]  # 30 clusters: fewer than 100
    many = ROWS.with_columns(post=pl.Series([f"p{i % 100}" for i in range(180)]))
    assert mixed_effects(many, "y0 ~ x", weights="w", weighting="sampling", cluster="post").errors == "CR1"


def test_weighted_clusters_too_large_for_cr2_take_cr1(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: Mapping[str, Any] = {"weights": "w", "weighting": "sampling"}
    assert mixed_effects(ROWS, FORMULA, **asked).errors == "CR2"
    monkeypatch.setattr(module, "LARGEST", 5)  # rows of a cluster; there are six
    assert mixed_effects(ROWS, FORMULA, **asked).errors == "CR1"


def test_a_two_way_covariance_that_is_an_upper_bound_says_so() -> None:
    i = np.arange(16)
    y = np.where((i // 4 + i % 4) % 2, 1.0, -1.0) + 1e-3 * np.cos(i)
    rows = pl.DataFrame(
        {"x": np.tile([1.0, -1], 8), "a": i // 4, "b": i % 4, "y": y, "z": np.cos(i**2.0) + i // 4 + i % 4}
    )
    fit = mixed_effects(rows, "~ x", outcomes=["y", "z"], errors="CR1", cluster=["a", "b"])
    said = fit.summary(columns=["x"])["method"].to_list()
    assert [method.endswith("; two-way errors, upper bound") for method in said] == [True, False]


def test_the_bootstrap_agrees_with_the_sandwich() -> None:
    rows = _world(100, 5).select("post", "x", "z", "closeness", "y0")
    boot = mixed_effects(rows, FORMULA, errors="bootstrap", draws=400, seed=3)
    robust = mixed_effects(rows, FORMULA, errors="CR1")
    assert boot.summary()["se"].to_numpy() == pytest.approx(robust.summary()["se"].to_numpy(), rel=0.2)
    assert boot.summary()["low"].to_list() == mixed_effects(rows, FORMULA, errors="bootstrap", draws=400, seed=3).summary()["low"].to_list()  # fmt: skip
    assert boot.interval is not None


def test_within_and_between_are_told_apart() -> None:
    """Planted: x works .5 inside posts and -1 between them; a random intercept alone mixes the two."""
    generator = np.random.default_rng(6)
    post = np.repeat(np.arange(400), 5)
    between = generator.normal(size=400)[post]
    inside = generator.normal(size=2000)
    inside -= np.repeat(inside.reshape(400, 5).mean(1), 5)
    y = 0.5 * inside - between + generator.normal(size=400)[post] * 0.3 + generator.normal(size=2000) * 0.5
    rows = pl.DataFrame({"post": post, "x": inside + between, "z": between**2, "y": y})
    fit = mixed_effects(rows, "y ~ x + z + (1 | post)", within="post")
    assert fit.columns == ("Intercept", "x [within post]", "x [between post]", "z")
    assert fit.terms == {"Intercept": (0,), "x [within post]": (1,), "x [between post]": (2,), "z": (3,)}
    found = dict(zip(fit.columns, fit.fit.beta[:, 0], strict=True))
    assert found["x [within post]"] == pytest.approx(0.5, abs=0.04)
    assert found["x [between post]"] == pytest.approx(-1, abs=0.06)
    mixed = mixed_effects(rows, "y ~ x + (1 | post)").fit.beta[1, 0]
    assert -0.9 < mixed < 0.48  # three and more standard errors from both
    # the within coefficient is that of fixed effects: least squares of deviations on deviations
    left = y - np.repeat(y.reshape(400, 5).mean(1), 5)
    assert found["x [within post]"] == pytest.approx(float(inside @ left / (inside @ inside)), rel=1e-9)


def test_a_mean_that_is_the_same_in_every_group_is_not_split_off() -> None:
    rows = pl.DataFrame(
        {"post": np.repeat(np.arange(30), 4), "arm": np.tile(["a", "b"], 60), "y": np.cos(np.arange(120) ** 2)}
    )
    fit = mixed_effects(rows, "y ~ arm + (1 | post)", within="post")
    assert fit.columns == ("Intercept", "arm[T.b] [within post]")


def test_every_row_left_out_is_counted() -> None:
    gaps = ROWS.with_row_index("i").with_columns(
        x=pl.when(pl.col("i") < 3).then(None).otherwise("x"), y0=pl.when(pl.col("i").is_between(2, 6)).then(None).otherwise("y0"),
        post=pl.when(pl.col("i") == 9).then(None).otherwise("post"), w=pl.when(pl.col("i") > 177).then(0.0).otherwise("w"),
        z=pl.when(pl.col("i") == 11).then(float("nan")).otherwise("z"),
    )  # fmt: skip
    fit = mixed_effects(gaps, FORMULA, weights="w")
    assert fit.left_out == {"y0": 5, "x": 2, "post": 1, "w = 0": 2, "z (nan)": 1}
    assert fit.n + sum(fit.left_out.values()) == 180
    assert fit.summary()["left_out"].to_list()[0] == 11
    kept = gaps.filter(pl.col("w") > 0).drop_nulls().filter(pl.col("z").is_not_nan())
    assert fit.fit.beta == pytest.approx(mixed_effects(kept, FORMULA, weights="w").fit.beta, rel=1e-12)


@pytest.mark.parametrize(
    ("change", "formula", "keywords", "error", "says"),
    [
        ({"pair2": "pair"}, "y0 ~ x + (1 | pair2)", {}, RefusedError, "each of the 180 groups has one row"),
        ({"k": pl.lit(4.0)}, "y0 ~ x + k + (1 | post)", {}, RefusedError, "'k' is constant, aliased with 'Intercept'"),
        ({"k": pl.lit("a")}, "y0 ~ x + k", {}, RefusedError, "column 'k' holds 'a' only"),
        ({"k": 2 * pl.col("x") - 1}, "y0 ~ x + k + (1 | post)", {}, RefusedError, "'k' is made up by 'x'"),
        ({"k": 2 * pl.col("x") - 1}, "y0 ~ x + k + (1 | post) + (1 | thread)", {}, RefusedError, "'k' is made up by 'x'"),
        ({"w": pl.lit(0.0)}, "y0 ~ x", {"weights": "w"}, InputError, "weights 'w' are 0 in every complete row"),
        ({"w": -pl.col("w")}, "y0 ~ x", {"weights": "w"}, InputError, "180 negative"),
        ({"w": pl.lit(None, dtype=pl.Float64)}, "y0 ~ x", {"weights": "w"}, InputError, "180 missing"),
        ({"tone": pl.col("tone").round(1)}, "log(tone) ~ x", {}, InputError, r"'log\(tone\)' is infinite or undefined in \d+ rows"),
        ({"z": pl.lit(None, dtype=pl.Float64)}, "y0 ~ z", {}, RefusedError, "no row is complete: z 180"),
        ({}, "pair ~ x", {}, InputError, "'pair' is String, not a number"),
        ({}, "y0 ~ x + pair", {}, RefusedError, "180 rows cannot tell 181 columns apart"),
        ({}, "y0 ~ x + (1 | posts)", {}, InputError, "column 'posts' is missing; did you mean 'post'"),
        ({}, "y0 ~ x", {"weights": "ww"}, InputError, "column 'ww' is missing"),
        ({}, "y0 ~ x", {"errors": "CR1"}, UsageError, "CR1 errors need clusters"),
        ({}, "y0 ~ x", {"errors": "CR9", "cluster": "post"}, UsageError, "no errors 'CR9'"),
        ({}, "y0 ~ x", {"cluster": "post"}, UsageError, "errors are model-based"),
        ({"one": pl.lit("a")}, "y0 ~ x", {"cluster": "one", "errors": "CR1"}, RefusedError, "'one' holds all rows"),
        ({}, "y0 ~ x", {"cluster": ["post", "thread"], "errors": "CR2"}, UsageError, "CR2 errors take one cluster"),
        ({}, "y0 ~ x", {"weighting": "sampling"}, UsageError, "name it in `weights`"),
        ({}, "y0 ~ x", {"weighting": "survey"}, UsageError, "no weighting 'survey'"),
        ({}, "y0 ~ x", {"weighting": "sampling", "weights": "w", "errors": "model"}, RefusedError, "sampling weights are not"),
        ({}, "y0 ~ x", {"weighting": "sampling", "weights": "w"}, UsageError, "need clusters"),
        ({}, "y0 ~ x", {"level": 95.0}, UsageError, "level is 95.0"),
        ({}, "y0 ~ x + (1 | post)", {"errors": "bootstrap", "draws": 10}, UsageError, "draws is 10"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_with_its_reason(
    change: Mapping[str, Any], formula: str, keywords: Mapping[str, Any], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        mixed_effects(ROWS.with_columns(**change), formula, **keywords)


def test_a_frame_without_rows_is_refused() -> None:
    with pytest.raises(RefusedError, match="no row is complete: there are none"):
        mixed_effects(ROWS[:0], "y0 ~ x")


def test_categories_may_be_enums_and_groups_any_type() -> None:
    plain = mixed_effects(ROWS, FORMULA)
    other = ROWS.with_columns(
        pl.col("closeness").cast(pl.Enum(["stranger", "close", "not_close", "never"])),
        post=pl.col("post").str.slice(1).cast(pl.Int32),
    )
    found = mixed_effects(other, FORMULA)
    assert found.fit.beta == pytest.approx(plain.fit.beta, rel=1e-12)
    assert mixed_effects(ROWS.with_columns(pl.col("post").cast(pl.Categorical)), FORMULA).sizes == (30,)


def test_a_group_may_be_a_column_too() -> None:
    assert len(mixed_effects(ROWS, "y0 ~ x + thread + (1 | thread)", reml=False).columns) == 8
