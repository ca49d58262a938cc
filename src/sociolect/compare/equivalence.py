"""Equal within a bound, tested: two one-sided tests. A large p of a difference never reads as equal."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from sociolect import frames
from sociolect.compare.interval import FloatArray
from sociolect.errors import InputError, UsageError
from sociolect.frames import Effects

Bound = float | tuple[float, float]
Triple = tuple[npt.ArrayLike, npt.ArrayLike, npt.ArrayLike]
_NODES = (
    100  # of the quadrature over the estimated standard error: within 1e-4 from 2 degrees of freedom on, 1e-6 from 20
)


def tost(effects: pl.DataFrame | Triple, *, bound: Bound, null: float = 0.0, level: float = 0.05) -> Effects:
    """Whether each estimate lies inside the bound: a verdict, the p of two one-sided tests, and their interval.

    `effects` is an effects frame with the columns `se` and, where Student's t is due, `df` (null: normal); or the three
    of them, (estimate, se, df), numbers or arrays (df inf: normal; `n` is then 1, one estimate). `bound` b stands for (null - b, null + b). A ratio has
    null=1 and bound=(.8, 1.25); a log ratio has bound=log(1.25). Schuirmann (1987), doi 10.1007/BF01068419.

    `low` and `high` are the interval at 1 - 2 level, which lies inside the bound just where `p`, the larger of the two
    one-sided p, is at most `level`. `p_different` is the two-sided p of estimate = null. `verdict`:
    "equal" (inside, not told from null), "different but small" (inside, told from null), "different" (told from null, not
    shown to be inside), "undecided, power .43" (neither), "not identified: ...". `power` is the chance of "inside" for a
    true value of `null` at this se. The other columns ride along.

    Raises InputError where a column is missing or se is not above 0, UsageError where the bound does not hold the null.

    >>> found = tost((0.02, 0.03, float("inf")), bound=0.10)
    >>> found["verdict"][0], round(found["p"][0], 4), round(found["high"][0], 4)
    ('equal', 0.0038, 0.0693)
    """
    below, above = _ends(bound, null, level)
    rows = effects if isinstance(effects, pl.DataFrame) else _rows(effects)
    if missing := sorted({"measure", "contrast", "estimate", "se", "n"} - set(rows.columns)):
        raise InputError(
            f"no equivalence without column {', '.join(map(repr, missing))}: bring estimates with their se"
        )
    estimate, se = (rows[c].cast(pl.Float64).fill_null(np.nan).to_numpy() for c in ("estimate", "se"))
    df = rows["df"].cast(pl.Float64).fill_null(np.inf).to_numpy() if "df" in rows.columns else np.full(se.size, np.inf)
    if bad := int(
        (~np.isnan(estimate) & ((se <= 0) | np.isinf(se))).sum() + (df <= 0).sum() + np.isinf(estimate).sum()
    ):
        raise InputError(f"{bad} rows have an infinite estimate, or an se or df that is not above 0")
    with np.errstate(invalid="ignore"):
        p_low, p_high = upper(estimate, se, df, below), upper(-estimate, se, df, -above)
        p_different = 2 * np.minimum(upper(estimate, se, df, null), upper(-estimate, se, df, -null))
        reach = _critical(df, level) * se
        power = tost_power(se, bound=bound, null=null, df=df, level=level)
    p = np.maximum(p_low, p_high)
    told = f"two one-sided tests, {100 * (1 - 2 * level):g} % interval"
    before = pl.col("method").cast(pl.String).fill_null("") if "method" in rows.columns else pl.lit("")
    made = rows.with_columns(
        estimate=pl.Series(estimate), low=pl.Series(estimate - reach), high=pl.Series(estimate + reach), p=pl.Series(p),
        p_low=pl.Series(p_low), p_high=pl.Series(p_high), p_different=pl.Series(p_different), power=pl.Series(power),
        bound_low=pl.lit(below), bound_high=pl.lit(above), verdict=pl.Series(verdicts(p, p_different, power, level=level), dtype=pl.String),
        method=pl.when(before == "").then(pl.lit(told)).otherwise(before + "; " + told),
    )  # fmt: skip
    return frames.effects(made.with_columns(pl.col(pl.Float64).fill_nan(None)))


def verdicts(p: FloatArray, p_different: FloatArray, power: FloatArray, *, level: float = 0.05) -> list[str]:
    """The verdict of each row, out of the p of being inside, the p of differing from the null, and the power of the first.

    >>> verdicts(np.array([0.01, 0.2]), np.array([0.6, 0.6]), np.array([0.9, 0.431]))
    ['equal', 'undecided, power .43']
    """
    out = []
    for inside, apart, chance in zip(p.tolist(), p_different.tolist(), power.tolist(), strict=True):
        if np.isnan(inside) or np.isnan(apart):
            out.append("not identified: no estimate with a standard error")
        elif inside <= level:
            out.append("different but small" if apart <= level else "equal")
        elif apart <= level:
            out.append("different")
        else:
            out.append(f"undecided, power {_short(chance)}")
    return out


def tost_power(
    se: npt.ArrayLike, *, bound: Bound, true: float | None = None, null: float = 0.0, df: npt.ArrayLike = np.inf, level: float = 0.05,
) -> FloatArray:  # fmt: skip
    """The chance that the two one-sided tests both reject, where the true value is `true` (default: `null`).

    Exact for a normal estimate whose squared se is chi-square with `df` degrees of freedom (Phillips 1990, doi
    10.1007/BF01063556): the normal chance of landing inside, averaged over the se that will be estimated.

    >>> float(tost_power(0.03, bound=0.10).round(4)), float(tost_power(0.06, bound=0.10).round(4))
    (0.9087, 0.0174)
    """
    from scipy.special import gammaincinv, ndtr

    below, above = _ends(bound, null, level)
    se, df = np.broadcast_arrays(np.asarray(se, dtype=float), np.asarray(df, dtype=float))
    at = null if true is None else true
    critical = _critical(df, level)
    shape, few = se.shape, np.isfinite(df).ravel()

    def inside(se: FloatArray, room: FloatArray) -> FloatArray:
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(np.maximum(ndtr((above - at) / se - room) - ndtr((below - at) / se + room), 0.0))

    out = inside(se.ravel(), critical.ravel())
    if few.any():
        # The quantiles of chi / sqrt(df) at Gauss-Legendre nodes; v = (1 - cos) / 2 smooths both tails.
        node, weight = np.polynomial.legendre.leggauss(_NODES)
        share = (1 - np.cos(np.pi * (node + 1) / 2)) / 2
        mass = weight * np.pi / 4 * np.sin(np.pi * (node + 1) / 2)
        half = df.ravel()[few, None] / 2
        scale = np.sqrt(gammaincinv(half, share) / half)
        out[few] = inside(se.ravel()[few, None], critical.ravel()[few, None] * scale) @ mass
    return np.asarray(np.where(np.isnan(se), np.nan, out.reshape(shape)))


def upper(estimate: FloatArray, se: FloatArray, df: FloatArray, than: float) -> FloatArray:
    """The one-sided p of "the true value is not above `than`"; df inf is the normal.

    >>> float(upper(np.array(1.96), np.array(1.0), np.array(np.inf), 0.0).round(4))
    0.025
    """
    from scipy.special import ndtr, stdtr

    t = (estimate - than) / se
    return np.asarray(np.where(np.isfinite(df), stdtr(np.where(np.isfinite(df), df, 1.0), -t), ndtr(-t)))


def _critical(df: FloatArray, level: float) -> FloatArray:
    from scipy.special import ndtri, stdtrit

    return np.asarray(-np.where(np.isfinite(df), stdtrit(np.where(np.isfinite(df), df, 1.0), level), ndtri(level)))


def _ends(bound: Bound, null: float, level: float) -> tuple[float, float]:
    below, above = bound if isinstance(bound, tuple) else (null - bound, null + bound)
    faults = [f"bound is {below:g} to {above:g}: it must hold {null:g}"] * (not below < null < above)
    faults += [f"level is {level}: above 0 and below 0.5 is due, such as 0.05"] * (not 0 < level < 0.5)
    if faults:
        raise UsageError("; ".join(faults))
    return float(below), float(above)


def _rows(triple: Triple) -> pl.DataFrame:
    estimate, se, df = (np.atleast_1d(x).ravel() for x in np.broadcast_arrays(*(np.asarray(x, float) for x in triple)))
    names: Sequence[str] = [f"estimate {i}" for i in range(estimate.size)]
    return pl.DataFrame({
        "measure": names, "contrast": "estimate - null", "estimate": estimate, "se": se, "df": df, "n": pl.Series([1] * estimate.size, dtype=pl.Int64),
    }).select("measure", "contrast", "estimate", "n", "se", "df")  # fmt: skip


def _short(share: float) -> str:
    return ">.99" if share > 0.99 else f"{share:.2f}".lstrip("0")
