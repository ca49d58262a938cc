"""The recipe's one dial: how many interviews, voters, draws and planted replications."""

from typing import NamedTuple


class Dial(NamedTuple):
    """What `size` turns."""

    interviews: int  # of each community
    voters: int
    draws: int  # of the bootstrap over voters
    shuffles: int  # halves drawn where groups are compared
    seeds: int  # replications of the planted vote
    firsts: int  # replications that the share of the planted top first rests on


SIZES = {
    "tiny": Dial(24, 200, 1000, 200, 20, 100),
    "small": Dial(60, 500, 2000, 1000, 100, 500),
    "full": Dial(500, 500, 2000, 1000, 100, 500),  # [abstract] 500 participants
}
