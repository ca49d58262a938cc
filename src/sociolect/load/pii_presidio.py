"""What Presidio's recognisers of patterns find where our rules found nothing; no language model is loaded or fetched."""

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from typing import Any

import polars as pl

from sociolect.errors import needs

_SCORE = 0.4  # ours: below it stand bare runs of digits without a check
_REGIONS = (
    "US", "GB", "DE", "FR", "ES", "IT", "NL", "BE", "CH", "AT", "PL", "SE", "NO", "DK", "FI", "PT", "BR", "MX", "CL", "IN", "JP", "KR",
    "CN", "ZA", "TR", "AU", "CA", "IE",
)  # fmt: skip
# Presidio's entities and our kinds
_ENTITIES = {
    "CREDIT_CARD": "card", "IBAN_CODE": "iban", "EMAIL_ADDRESS": "email", "IP_ADDRESS": "ip", "MAC_ADDRESS": "mac", "CRYPTO": "crypto",
    "PHONE_NUMBER": "phone", "US_SSN": "national", "US_ITIN": "national", "UK_NHS": "national", "UK_NINO": "national",
    "ES_NIF": "national", "ES_NIE": "national", "IT_FISCAL_CODE": "national", "PL_PESEL": "national", "SG_NRIC_FIN": "national",
    "AU_TFN": "national", "AU_MEDICARE": "national", "IN_PAN": "national", "IN_AADHAAR": "national", "KR_RRN": "national",
    "FI_PERSONAL_IDENTITY_CODE": "national", "TH_TNIN": "national", "SE_PERSONNUMMER": "national", "TR_NATIONAL_ID": "national",
    "ZA_ID_NUMBER": "national", "CA_SIN": "national", "DE_TAX_ID": "national",
}  # fmt: skip
_RECOGNISERS = (
    "CreditCard", "Iban", "Email", "Ip", "MacAddress", "Crypto", "UsSsn", "UsItin", "Nhs", "UkNino", "EsNif", "EsNie", "ItFiscalCode",
    "PlPesel", "SgFin", "AuTfn", "AuMedicare", "InPan", "InAadhaar", "KrRrn", "FiPersonalIdentityCode", "ThTnin", "SePersonnummer",
    "TrNationalId", "ZaIdNumber", "CaSin", "DeTaxId",
)  # fmt: skip


def recognised(texts: pl.Series, kinds: Sequence[str]) -> tuple[pl.Series, dict[str, int]]:
    """The texts with masks in the place of what the recognisers know of these kinds, and how many of each were masked.

    Raises MissingExtra where Presidio is not installed. It reads about fifty texts with a digit in a second.
    """
    from sociolect.load.pii import mask

    asked = [(one, entity) for one, entity in _recognisers() if set(map(_kind, entity)) & set(kinds)]
    rows = texts.str.contains(r"[0-9@]").fill_null(value=False).arg_true()
    said, counts = [], dict.fromkeys(kinds, 0)
    for text in texts.gather(rows).to_list():
        found = [
            (hit.start, hit.end, _kind(hit.entity_type))
            for one, entity in asked
            for hit in one.analyze(text, entity, None)
            if hit.score >= _SCORE and _kind(hit.entity_type) in kinds
        ]
        made, last = "", 0
        # the longest of those that begin together, from the left
        for start, end, kind in sorted(found, key=lambda f: (f[0], -f[1])):
            if start >= last:
                made, last = f"{made}{text[last:start]}{mask(kind)}", end
                counts[kind] += 1
        said.append(made + text[last:])
    return texts.clone().scatter(rows, pl.Series(said, dtype=pl.String)), counts


def _kind(entity: str) -> str:
    return _ENTITIES.get(entity, "")


@cache
def _recognisers() -> list[tuple[Any, list[str]]]:
    try:
        known = import_module("presidio_analyzer.predefined_recognizers")
    except ImportError as error:
        raise needs('pii(engine="presidio")', "privacy") from error
    made = [getattr(known, f"{name}Recognizer")() for name in _RECOGNISERS if hasattr(known, f"{name}Recognizer")]
    made.append(known.PhoneRecognizer(supported_regions=_REGIONS))
    return [(one, [e for e in one.supported_entities if e in _ENTITIES]) for one in made]
