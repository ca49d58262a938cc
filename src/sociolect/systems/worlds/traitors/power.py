"""How far two models must differ before so many games show it: the spread of blind games, and what it hides."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from sociolect.compare.detectable import Doubt, detectable
from sociolect.errors import UsageError
from sociolect.systems.worlds.traitors.measure import measured
from sociolect.systems.worlds.traitors.rules import FAITHFUL, TRAITORS
from sociolect.systems.worlds.traitors.simulate import simulated, voters

PUBLISHED = 10  # [abstract] games per model
MANY = 90
SHOWN = ("win", "traitors survive", "correct", "lift")
Z = 1.959963984540054


def power_table(
    games: Sequence[int] = (PUBLISHED, MANY),
    *,
    traitors: int = TRAITORS,
    faithful: int = FAITHFUL,
    simulations: int = 20000,
    seed: int = 0,
) -> pl.DataFrame:
    """For each measure and number of games per model: how wide the interval of a difference of two models is, and what shows.

    `sd` is that of one game of blind voters, simulated; `sd_of_mean` that of a model's mean; `half_width` is 1.96 standard errors of
    the difference of two models, which a difference must exceed for its 95 % interval to exclude 0; `detectable` is the
    difference found with a chance of .80. Normal approximations: with ten games a model the truth is a little wider still.
    Raises UsageError for fewer than two games a model.

    >>> found = power_table([10], simulations=4000).filter(measure="traitors survive").row(0, named=True)
    >>> abs(found["half_width"] - 0.27) < 0.027, abs(found["detectable"] - 0.39) < 0.039
    (True, True)
    """
    if min(games) < 2:
        raise UsageError(f"games per model: {min(games)} has no spread, 2 or more are due")
    found = measured(simulated(voters(), traitors=traitors, faithful=faithful, games=simulations, seed=seed))
    rows = []
    for number in sorted(set(games)):
        for measure in SHOWN:
            value, weight = found[measure]
            known = ~np.isnan(value)
            # a pooled mean's influence: a game that lasts longer weighs more
            away = (
                weight[known] / weight[known].mean() * (value[known] - np.average(value[known], weights=weight[known]))
            )
            sd = float(np.sqrt((away**2).mean()))
            error = sd * (2 / number) ** 0.5
            rows.append((measure, number, sd, sd / number**0.5, Z * error, detectable(Doubt(error, error, np.inf))))
    names = ("measure", "games per model", "sd", "sd_of_mean", "half_width", "detectable")
    kinds = (pl.String, pl.Int64, *(pl.Float64,) * 4)
    return pl.DataFrame(rows, schema=dict(zip(names, kinds, strict=True)), orient="row")
