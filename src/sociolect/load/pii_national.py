"""National identity numbers of 22 countries: the form each is written in, and its check."""

import re
from collections.abc import Callable

from sociolect.load.pii_checks import dated, luhn

_ODD = dict(
    zip(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23),
        strict=True,
    )
)  # fmt: skip
# Verhoeff's scheme (1969): the dihedral group of order 10, and a permutation of its digits
_D = ("0123456789", "1234067895", "2340178956", "3401289567", "4012395678", "5987604321", "6598710432", "7659821043", "8765932104", "9876543210")  # fmt: skip
_P = ("0123456789", "1576283094", "5803796142", "8916043527", "9453126870", "4286573901", "2793806415", "7046913258")


def verhoeff(digits: str) -> bool:
    """Whether the last digit checks the others.

    >>> verhoeff("2363"), verhoeff("2364")
    (True, False)
    """
    check = 0
    for i, d in enumerate(reversed(digits)):
        check = int(_D[check][int(_P[i % 8][int(d)])])
    return check == 0


def weighed(digits: str, weights: str) -> int:
    """The sum of the digits, each by its weight; two weights are parted by a space."""
    return sum(int(d) * int(w) for d, w in zip(digits, weights.split(), strict=False))


def _spain(s: str) -> bool:
    number = str("XYZ".find(s[0])) + s[1:-1] if s[0] in "XYZ" else s[:-1]
    return "TRWAGMYFPDXBNJZSQVHLCKE"[int(number) % 23] == s[-1]


def _italy(s: str) -> bool:
    even = sum(int(c) if c.isdigit() else ord(c) - 65 for c in s[1:15:2])
    return chr((even + sum(_ODD[c] for c in s[0:15:2])) % 26 + 65) == s[15]


def _brazil(s: str) -> bool:
    first = -weighed(s, "10 9 8 7 6 5 4 3 2") % 11 % 10
    return int(s[9]) == first and int(s[10]) == -weighed(s, "11 10 9 8 7 6 5 4 3 2") % 11 % 10 and len(set(s)) > 1


def _chile(s: str) -> bool:
    total = sum(int(d) * (2 + i % 6) for i, d in enumerate(reversed(s[:-1])))
    return "0123456789K"[-total % 11] == s[-1]


def _china(s: str) -> bool:
    return dated(s[6:14], "ymd") and "10X98765432"[weighed(s[:17], "7 9 10 5 8 4 2 1 6 3 7 9 10 5 8 4 2") % 11] == s[17]


def _poland(s: str) -> bool:
    month = int(s[2:4]) % 20  # the century is added to the month
    return dated(f"{s[:2]}{month:02}{s[4:6]}", "ymd") and weighed(s, "1 3 7 9 1 3 7 9 1 3 1") % 10 == 0


def _norway(s: str) -> bool:
    day = int(s[:2]) % 40  # a D-number adds 40 to the day
    first, second = weighed(s, "3 7 6 1 8 9 4 5 2 1"), weighed(s, "5 4 3 2 7 6 5 4 3 2 1")
    return dated(f"{day:02}{s[2:6]}", "dmy") and first % 11 == 0 and second % 11 == 0


def _belgium(s: str) -> bool:
    return dated(s[:6], "ymd") and int(s[9:]) in {97 - int(s[:9]) % 97, 97 - int("2" + s[:9]) % 97}


def _turkey(s: str) -> bool:
    odd, even = sum(map(int, s[0:9:2])), sum(map(int, s[1:8:2]))
    return int(s[9]) == (7 * odd - even) % 10 and int(s[10]) == sum(map(int, s[:10])) % 10


def _germany(s: str) -> bool:
    product = 10
    for d in s[:10]:  # ISO 7064, MOD 11,10
        product = ((int(d) + product) % 10 or 10) * 2 % 11
    return (11 - product) % 10 == int(s[10])


# Country, form, and the check of its letters and digits. Bare runs of digits stand here only where two checks hold them, or a
# check and a date; others must be written in groups, or after the word that names them.
NATIONAL: tuple[tuple[str, str, Callable[[str], bool]], ...] = (
    ("ES", r"\b(?:[XYZ]-?\d{7}|\d{8})-?[A-Z]\b", _spain),
    ("IT", r"\b[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]\b", _italy),
    ("FR", r"\b[12] ?\d{2} ?(?:0[1-9]|1[0-2]|[2-9]\d) ?(?:\d{2}|2[AB]) ?\d{3} ?\d{3} ?\d{2}\b",
     lambda s: 97 - int(s[:13].replace("2A", "19").replace("2B", "18")) % 97 == int(s[13:])),
    ("BR", r"\b\d{3}\.\d{3}\.\d{3}-\d{2}\b", _brazil),
    ("CL", r"\b\d{1,2}\.\d{3}\.\d{3}-[\dkK]\b", _chile),
    ("SE", r"\b(?:19|20)?\d{6}[-+]\d{4}\b", lambda s: dated(s[-10:-4], "ymd") and luhn(s[-10:])),
    ("FI", r"\b\d{6}[-+A-FU-Y]\d{3}[0-9A-FHJ-NPR-Y]\b",
     lambda s: dated(s[:6], "dmy") and "0123456789ABCDEFHJKLMNPRSTUVWXY"[int(s[:6] + s[-4:-1]) % 31] == s[-1]),
    ("DK", r"\b\d{6}-\d{4}\b", lambda s: dated(s[:6], "dmy")),
    ("PL", r"\b\d{11}\b", _poland),
    ("NO", r"\b\d{6} ?\d{5}\b", _norway),
    ("TR", r"\b[1-9]\d{10}\b", _turkey),
    ("BE", r"\b\d{2}[. ]?\d{2}[. ]?\d{2}[- ]?\d{3}[. ]?\d{2}\b", _belgium),
    ("CN", r"\b[1-9]\d{5}(?:19|20)\d{9}[\dXx]\b", _china),
    ("KR", r"\b\d{6}-[1-8]\d{6}\b", lambda s: dated(s[:6], "ymd")),
    ("ZA", r"\b\d{6} ?\d{4} ?[012]\d{2}\b", lambda s: dated(s[:6], "ymd") and luhn(s)),
    ("MX", r"\b[A-Z][AEIOUX][A-Z]{2}\d{6}[HMX][A-Z]{5}[A-Z\d]\d\b", lambda s: dated(s[4:10], "ymd")),
    ("US", r"\b(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}\b", lambda s: True),
    ("GB", r"\b(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D]\b", lambda s: True),
    ("CA", r"(?<![\d(] )(?<![\d(])\b[1-79]\d{2}[- ]\d{3}[- ]\d{3}\b(?![- ]\d)", luhn),
    ("IN", r"\b[2-9]\d{3}[ -]\d{4}[ -]\d{4}\b", verhoeff),
    ("IN", r"\b[A-Z]{3}[ABCFGHJLPT][A-Z]\d{4}[A-Z]\b", lambda s: True),
    ("DE", r"\b[1-9]\d ?\d{3} ?\d{3} ?\d{3}\b", _germany),
    ("NL", r"(?i)(?<=bsn )\d{9}\b|(?<=bsn: )\d{9}\b|(?<=burgerservicenummer )\d{9}\b|(?<=burgerservicenummer: )\d{9}\b",
     lambda s: weighed(s[:8], "9 8 7 6 5 4 3 2") % 11 == int(s[8])),
)  # fmt: skip
# Every text that holds one of them passes this.
QUICK = (
    r"[0-9]{6}|[0-9][ .\-][0-9]{2,}|[0-9]{4}-?[A-Za-z]|[A-Z]{2} ?[0-9]{2} ?[0-9]{2}|[XYZ]-?[0-9]{7}|[A-Z]{6}[0-9]{2}"
)


def country(said: str) -> str | None:
    """The country whose number it is; null where it is none.

    >>> country("12345678Z"), country("12345678A")
    ('ES', None)
    """
    for name, form, check in _FORMS:
        if form.search(said) and check(re.sub(r"[ .+\-]", "", said).upper()):
            return name
    return None


def spans(text: str) -> list[tuple[int, int]]:
    """Where the text holds such numbers, from the left, none overlapping."""
    found = [
        m.span()
        for _, form, check in _FORMS
        for m in form.finditer(text)
        if check(re.sub(r"[ .+\-]", "", m[0]).upper())
    ]
    out: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if not out or start >= out[-1][1]:
            out.append((start, end))
    return out


_FORMS = tuple((name, re.compile(form), check) for name, form, check in NATIONAL)
