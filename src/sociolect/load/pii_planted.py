"""Personal information of nobody: numbers and addresses of every kind as people write them in some twenty countries, inside sentences.

What `pii` is measured on. Every number is drawn; check digits are computed here by trying digits against a check, so a number is valid and
belongs to nobody known.
"""

from collections.abc import Callable
from string import ascii_uppercase
from typing import NamedTuple

import numpy as np

from sociolect.load import pii_checks as checks
from sociolect.load.pii_national import country
from sociolect.seeds import substream

FRAMES = (
    "{}", "as I said: {}", "it is {} if you need it", "my details are {}, thanks", "({})", "she sent {} to everyone in here!", "Siehe {}.",
    "voici {} merci", "hola, es {} gracias", "here: {}; please delete it", "lol who posts {} in public", "{} is mine",
)  # fmt: skip
# As ITU-T E.123 and each country's own habit write them; 9 is a digit.
PHONES = (
    "+44 20 7946 0999", "020 7946 0999", "07700 900999", "(555) 999-9999", "555-999-9999", "+1 555 999 9999", "+1.555.999.9999",
    "01 99 99 99 99", "06.99.99.99.99", "+33 6 99 99 99 99", "030/99999999", "0171 9999999", "+49 30 99999999", "612 999 999",
    "+34 612 999 999", "06-99999999", "+31 6 99999999", "87658 99999", "+91 87658 99999", "090-9999-9999", "+81 90-9999-9999",
    "010-9999-9999", "138 9999 9999", "(11) 99999-9999", "+55 11 99999-9999", "8 (495) 999-99-99", "+7 495 999-99-99",
    "0412 999 999", "+61 412 999 999", "0664 9999999", "070-999 99 99", "079 999 99 99", "082 999 9999", "0532 999 99 99", "3999999999",
)  # fmt: skip
IBANS = (("DE", "18n"), ("GB", "4a14n"), ("FR", "23n"), ("ES", "20n"), ("IT", "1a22n"), ("NL", "4a10n"), ("CH", "17n"), ("PL", "24n"),
         ("NO", "11n"), ("BE", "12n"), ("AT", "16n"), ("SE", "20n"), ("TR", "22n"), ("SA", "20n"), ("PT", "21n"))  # fmt: skip
CARDS = (
    "4999 9999 9999 9999",
    "4999999999999999",
    "5199-9999-9999-9999",
    "3799 999999 99999",
    "6011999999999999",
    "3530 9999 9999 9999",
)
NATIONAL = (
    "99999999A", "X9999999A", "999.999.999-99", "99.999.999-9", "DDMMYY-999A", "YYMMDD-9999", "YYMMDD99999", "DDMMYY99999", "19999999999",
    "YY.MM.DD-999.99", "119999YYYYMMDD9999", "YYMMDD-1999999", "YYMMDD9999089", "219-09-9999", "AB 99 99 99 C", "999-999-999", "2999 9999 9999",
    "ABCPA9999A", "99 999 999 999", "1 YY MM 75 999 999 99", "AAAAAAYYAMMA999A", "AAAAYYMMDDHDFAAA99",
)  # fmt: skip
DAYS = ("03/05/1984", "3 May 1984", "May 3, 1984", "1984-05-03", "03.05.1984", "3 mai 1984", "3 de mayo de 1984")
BORN = (
    "born {}",
    "DOB: {}",
    "date of birth {}",
    "geboren am {}",
    "née le {}",
    "fecha de nacimiento: {}",
    "my birthday is {}",
)
PLACES = (
    "51.50999, -0.12999",
    "48.85999,2.35999",
    "-33.86999, 151.20999",
    "40°26'46\"N 79°58'56\"W",
    "35.68999 139.69999",
)
STREETS = (
    "99 Baker Street", "1999 North Elm Ave", "99 Oak Tree Lane", "Hauptstraße 99", "Bahnhofstr. 9", "9 rue de la Paix", "Calle Mayor 99",
    "Via Roma, 99", "Rua Augusta 999", "Keizersgracht 99", "Storgatan 9", "ul. Nowa 9", "99 Long Road",
)  # fmt: skip
# What looks like one and is none.
NOTHING = (
    "on 2013-02-23 at 15:50", "1361634829 seconds", "version 1.2.3.4.5", "v10.2.33", "it cost 1,299.00 USD", "scored 3-1 and 102-98",
    "id 1490999999999999999", "pages 123-145", "it took 12 345 678 steps", "2020/12/31 23:59:59", "std::vector::push", "0.123456 of 1.0",
    "order 99-9999", "call 911 now", "a ratio of 1:2:3", "99 Red Balloons", "the year 1984", "x = 3.14159265", "ISBN 978-3-16-148410-1",
    "commit 9f8e7d6c5b4a", "chapter 4.3.2.1a", "room 101, floor 3", "12:34:56.789", "1600x1200 px", "IP camera 4000", "E45.2 diagnosis",
)  # fmt: skip


class Planted(NamedTuple):
    """A text, the kind that was put into it ("" for none) and what was put."""

    text: str
    kind: str
    said: str


def planted(*, n: int = 200, seed: int = 0) -> list[Planted]:
    """`n` texts of each kind, and as many as all of them that hold nothing.

    >>> some = planted(n=2)
    >>> len(some), some == planted(n=2)
    (48, True)
    """
    out = []
    for kind, make in _MAKE.items():
        rng = substream(seed, "pii", kind)
        for i in range(n):
            said = make(rng, i)
            out.append(Planted(FRAMES[int(rng.integers(len(FRAMES)))].format(said), kind, said))
    rng = substream(seed, "pii", "nothing")
    for i in range(n * len(_MAKE)):
        out.append(
            Planted(FRAMES[i // len(NOTHING) % len(FRAMES)].format(_digits(NOTHING[i % len(NOTHING)], rng)), "", "")
        )
    return out


def _digits(form: str, rng: np.random.Generator) -> str:
    """The form with each 9 a digit, A a letter, YY MM DD a day."""
    day = {"YYYY": f"19{rng.integers(40, 99)}", "YY": f"{rng.integers(40, 99)}", "MM": f"{rng.integers(1, 13):02}", "DD": f"{rng.integers(1, 29):02}"}  # fmt: skip
    for part, value in day.items():
        form = form.replace(part, value)
    return "".join(str(rng.integers(10)) if c == "9" else c for c in form)


def _valid(forms: tuple[str, ...], check: Callable[[str], object]) -> Callable[[np.random.Generator, int], str]:
    def make(rng: np.random.Generator, i: int) -> str:
        form = forms[i % len(forms)]
        while True:
            said = _digits(form, rng)
            said = "".join(ascii_uppercase[rng.integers(26)] if c == "A" and i % len(forms) != 14 else c for c in said)
            if check(said):
                return said

    return make


def _iban(rng: np.random.Generator, i: int) -> str:
    land, form = IBANS[i % len(IBANS)]
    letters, rest = (int(form[0]), form[2:]) if form[1] == "a" else (0, form)
    body = "".join(ascii_uppercase[rng.integers(26)] for _ in range(letters)) + "".join(
        str(rng.integers(10)) for _ in range(int(rest[:-1]))
    )
    said = next(s for d in range(2, 99) if checks.iban(s := f"{land}{d:02}{body}"))
    return " ".join(said[k : k + 4] for k in range(0, len(said), 4)) if rng.random() < 0.5 else said


def _wallet(rng: np.random.Generator, i: int) -> str:
    if i % 2:
        return "0x" + "".join("0123456789abcdef"[rng.integers(16)] for _ in range(40))
    return "bc1q" + "".join("acdefghjklmnpqrstuvwxyz023456789"[rng.integers(32)] for _ in range(38))


def _ip(rng: np.random.Generator, i: int) -> str:
    if i % 3:
        return ".".join(str(rng.integers(1, 255)) for _ in range(4))
    return "2001:db8:" + ":".join(f"{rng.integers(1, 65536):x}" for _ in range(6))


def _mac(rng: np.random.Generator, i: int) -> str:
    return (":", "-")[i % 2].join(f"{rng.integers(256):02x}" for _ in range(6))


def _email(rng: np.random.Generator, i: int) -> str:
    who = ("j.doe{}", "anna_{}", "x{}+news", "müller{}", "o.neil-{}")[i % 5].format(rng.integers(1000))
    return f"{who}@{('example.org', 'mail.example.co.uk', 'posteo.example', 'uni-example.edu')[i % 4]}"


def _url(rng: np.random.Generator, i: int) -> str:
    form = (
        "https://example.org/{}",
        "http://www.example.com/a?b={}",
        "www.example.net/{}",
        "example.com/u/{}",
        "ftp://files.example.org/{}",
    )[i % 5]
    return form.format(rng.integers(10**6))


_MAKE: dict[str, Callable[[np.random.Generator, int], str]] = {
    "url": _url,
    "email": _email,
    "iban": _iban,
    "card": _valid(CARDS, checks.card),
    "crypto": _wallet,
    "mac": _mac,
    "ip": _ip,
    "gps": lambda rng, i: _digits(PLACES[i % len(PLACES)], rng),
    "birth": lambda rng, i: BORN[i % len(BORN)].format(DAYS[i // len(BORN) % len(DAYS)]),
    "national": _valid(NATIONAL, country),
    "street": lambda rng, i: _digits(STREETS[i % len(STREETS)], rng),
    "phone": lambda rng, i: _digits(PHONES[i % len(PHONES)], rng),
}
