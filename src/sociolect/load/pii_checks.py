"""Whether a run of digits and letters is the number it looks like: check digits, prefixes, lengths and dates."""

import re
from hashlib import sha256
from ipaddress import ip_address

_ALNUM = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
# Prefixes and lengths of the networks (ISO/IEC 7812; each network's published range)
_CARDS = (
    (r"4", (13, 16, 19)),
    (r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720", (16,)),
    (r"3[47]", (15,)),
    (r"6011|65|64[4-9]", (16, 17, 18, 19)),
    (r"36|3[89]|30[0-5]", (14,)),
    (r"35(?:2[89]|[3-8])", (16, 17, 18, 19)),
    (r"62", (16, 17, 18, 19)),
)
# Length by country (SWIFT IBAN registry)
_IBANS = dict(
    pair.split(":")
    for pair in [
        "AD:24",
        "AE:23",
        "AL:28",
        "AT:20",
        "AZ:28",
        "BA:20",
        "BE:16",
        "BG:22",
        "BH:22",
        "BR:29",
        "BY:28",
        "CH:21",
        "CR:22",
        "CY:28",
        "CZ:24",
        "DE:22",
        "DK:18",
        "DO:28",
        "EE:20",
        "EG:29",
        "ES:24",
        "FI:18",
        "FO:18",
        "FR:27",
        "GB:22",
        "GE:22",
        "GI:23",
        "GL:18",
        "GR:27",
        "GT:28",
        "HR:21",
        "HU:28",
        "IE:22",
        "IL:23",
        "IQ:23",
        "IS:26",
        "IT:27",
        "JO:30",
        "KW:30",
        "KZ:20",
        "LB:28",
        "LC:32",
        "LI:21",
        "LT:20",
        "LU:20",
        "LV:21",
        "LY:25",
        "MC:27",
        "MD:24",
        "ME:22",
        "MK:19",
        "MR:27",
        "MT:31",
        "MU:30",
        "NL:18",
        "NO:15",
        "PK:24",
        "PL:28",
        "PS:29",
        "PT:25",
        "QA:29",
        "RO:24",
        "RS:22",
        "SA:24",
        "SC:31",
        "SE:24",
        "SI:19",
        "SK:24",
        "SM:27",
        "ST:25",
        "SV:28",
        "TL:23",
        "TN:24",
        "TR:26",
        "UA:29",
        "VA:22",
        "VG:24",
        "XK:20",
    ]
)


def luhn(digits: str) -> bool:
    """Whether the last digit checks the others (ISO/IEC 7812-1, annex B).

    >>> luhn("79927398713"), luhn("79927398710")
    (True, False)
    """
    doubled = [int(d) * (1 + i % 2) for i, d in enumerate(reversed(digits))]
    return sum(d - 9 * (d > 9) for d in doubled) % 10 == 0


def card(said: str) -> bool:
    """Whether it is a payment card's number: a network's prefix and length, and its check digit."""
    digits = re.sub(r"\D", "", said)
    fits = any(len(digits) in lengths and re.match(prefix, digits) for prefix, lengths in _CARDS)
    return fits and len(set(digits)) > 1 and luhn(digits)


def iban(said: str) -> bool:
    """Whether it is an account number: its country's length, and 1 modulo 97 (ISO 13616, ISO 7064).

    >>> iban("GB82 WEST 1234 5698 7654 32"), iban("GB82 WEST 1234 5698 7654 33")
    (True, False)
    """
    bare = re.sub(r"[^A-Za-z0-9]", "", said).upper()
    if str(len(bare)) != _IBANS.get(bare[:2]):
        return False
    return int("".join(str(_ALNUM.index(c)) for c in bare[4:] + bare[:4])) % 97 == 1


def wallet(said: str) -> bool:
    """Whether it is an address of money: 0x and 40 hexadecimal digits, a bech32 form, or base58 with its check (Bitcoin)."""
    if said.startswith(("0x", "bc1")):
        return True
    number = 0
    for c in said:
        number = number * 58 + _BASE58.index(c)
    if number >= 1 << 200:
        return False
    raw = number.to_bytes(25, "big")
    return sha256(sha256(raw[:21]).digest()).digest()[:4] == raw[21:]


def internet(said: str) -> bool:
    """Whether it is an IP address of somebody: not this machine's own, and no version, time or C++ name that looks like one."""
    try:
        found = ip_address(said.strip(".:") if said.count(":") < 2 else said)
    except ValueError:
        return False
    if found.version == 6 and len([g for g in said.split(":") if g]) < 3:
        return False
    return not (found.is_loopback or found.is_unspecified)


def place(said: str) -> bool:
    """Whether two numbers are a latitude and a longitude."""
    first, second = (float(n) for n in re.findall(r"-?\d+\.\d+", said)[:2])
    return abs(first) <= 90 and abs(second) <= 180


def dated(said: str, form: str) -> bool:
    """Whether six or eight digits can be a day: `form` is the order of y, m and d, as in ymd, dmy.

    >>> dated("311299", "dmy"), dated("991331", "ymd")
    (True, False)
    """
    at, got = 0, {}
    for part in form:
        wide = len(said) - 4 if part == "y" else 2
        got[part], at = int(said[at : at + wide]), at + wide
    return 1 <= got["m"] <= 12 and 1 <= got["d"] <= 31


def phone(said: str) -> bool:
    """Whether it has as many digits as telephone numbers have (ITU-T E.164: 15 at most), and is no date."""
    digits = re.sub(r"\D", "", said)
    other = r"\d{1,2}[./\-]\d{1,2}[./\-]\d{4}\b|\d{4}[./\-]\d{1,2}[./\-]\d{1,2}\b|\d+\.\d+$"  # a date, a decimal number
    return 7 <= len(digits) <= 15 and not re.match(other, said.strip())
