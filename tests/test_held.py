"""Claims held against what is found: a sign is read off a whole interval, and no equality off a wide one."""

import pytest

from sociolect.errors import InputError
from sociolect.systems import Claim
from sociolect.systems.held import Here, held

UP, DOWN, WIDE = Here(1.0, 0.5, 2.0, 9), Here(-1.0, -2.0, -0.5, 9), Here(0.1, -1.0, 1.0, 9)


@pytest.mark.parametrize(
    ("sign", "value", "here", "due"),
    [
        ("+", None, UP, "yes"), ("+", None, DOWN, "no"), ("+", None, WIDE, "undecided"),
        ("-", None, UP, "no"), ("-", None, DOWN, "yes"), ("-", 3.0, WIDE, "undecided"),
        ("> .2", None, UP, "yes"), ("> 3", None, UP, "no"), ("> 1", None, UP, "undecided"),
        ("< 3", None, UP, "yes"), ("< .25", 0.25, UP, "no"), ("< 1", None, UP, "undecided"),
        ("0", None, WIDE, "undecided"), ("0", None, UP, "no"), ("0", None, WIDE._replace(same="yes"), "yes"),
        ("=", 12.0, Here(12.0), "yes"), ("=", 12.0, Here(11.0), "no"), ("=", 1.5, UP, "undecided"), ("=", 3.0, UP, "no"),
        ("=", None, UP, "not judged"), ("order", None, UP, "not judged"), ("> often", None, UP, "not judged"),
        ("order", None, UP._replace(same="yes"), "yes"), ("+", None, Here(), "not measured"),
        ("+", None, Here(0.0), "no"), ("+", None, Here(2.0), "yes"), ("- or 0", None, DOWN, "not judged"),
    ],
)  # fmt: skip
def test_a_sign_is_read_off_the_whole_interval(sign: str, value: float | None, here: Here, due: str) -> None:
    table = held([Claim("c", "what", value, "abstract", sign)], {"c": here})
    assert table["same sign?"].to_list() == [due]


def test_the_table_keeps_the_order_of_the_card_and_says_what_is_not_measured() -> None:
    card = [Claim(i, f"what {i}", 0.5, "Sec. 3", "+") for i in "zyx"]
    table = held(card, {"x": UP, "y": Here(why="needs two models")})
    assert table["claim"].to_list() == ["what z", "what y", "what x"]
    assert table["same sign?"].to_list() == ["not measured", "not measured", "yes"]
    assert table["what stands here"].to_list() == ["", "needs two models", ""]
    assert table.row(2)[2:6] == (1.0, 0.5, 2.0, 9)


def test_an_unknown_claim_and_an_interval_beside_its_estimate() -> None:
    card = [Claim("gain", "what", None, "abstract", "+")]
    with pytest.raises(InputError, match="no claim 'gains'; did you mean 'gain'"):
        held(card, {"gains": UP})
    with pytest.raises(InputError, match=r"claim 'gain': 1.0 lies outside its interval 2.0 to 3.0"):
        held(card, {"gain": Here(1.0, 2.0, 3.0)})


def test_a_verdict_on_planted_players_says_so() -> None:
    card = [
        Claim(i, i, 7.0, "abstract", s) for i, s in (("up", "+"), ("count", "="), ("never", "+"), ("order", "order"))
    ]
    table = held(card, {"up": UP, "count": Here(7.0), "order": UP._replace(same="no")}, planted=True)
    assert table["same sign?"].to_list() == ["planted: yes", "yes", "not measured", "planted: no"]
