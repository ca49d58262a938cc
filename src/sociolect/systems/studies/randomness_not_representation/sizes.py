"""What `size` turns, for the recipe and its plan."""

from typing import NamedTuple


class Dial(NamedTuple):
    items: int | None  # of arm A that are asked; None: all
    steered: int | None  # of arm D's one-form items that are asked, where there are data
    resamples: int
    permutations: int
    countries: int  # that answer the values survey at most
    values: int  # draws of each of its items
    starts: int  # of k-means
    saved: int  # countries of the case study
    letters: int  # cover letters
    pairs: int  # of letters per dimension


SIZES = {
    "tiny": Dial(16, 20, 400, 1000, 18, 3, 4, 6, 2, 2),
    "small": Dial(None, 60, 1000, 2000, 48, 5, 10, 8, 10, 10),
    "full": Dial(
        None, None, 1000, 2000, 111, 5, 10, 11, 100, 30
    ),  # dossier: 77 items, 180, 11 countries, 100 letters, 30 pairs
}
# dossier, E: eleven countries, which the paper's data name; ours are invented where there are no data
COUNTRIES = tuple(f"Country {i:03}" for i in range(1, 112))
