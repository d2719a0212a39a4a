"""The business that a receipt is made out to, as its driver gave it when they asked. It is told at each rendering and kept by nobody here:
a company's name can be erased, the chain of facts cannot."""

from __future__ import annotations

import re
from dataclasses import dataclass

from kiosk.receipts.receipt import ReceiptError

_COUNTRY = re.compile(r"[A-Z]{2}")
# The letters that begin a VAT number are the country's, but for Greece and Northern Ireland.
_VAT_PREFIXES = {"EL": "GR", "XI": "GB"}
_VAT_NUMBER = re.compile(r"([A-Z]{2})[0-9A-Z+*]{2,13}")


@dataclass(frozen=True, slots=True)
class Business:
    """Legal name, postal address line by line, country (ISO 3166), VAT number, and whatever its books want on the invoice: a cost centre,
    a vehicle, an order. Raises `ReceiptError` for what cannot be one."""

    name: str
    address: tuple[str, ...]
    country: str
    vat_id: str = ""
    reference: str = ""

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise ReceiptError("a business has a name")
        if not _COUNTRY.fullmatch(self.country):
            raise ReceiptError(f"{self.country!r} is no country: use two capital letters, such as DE")
        if self.vat_id and not _VAT_NUMBER.fullmatch(self.vat_id):
            raise ReceiptError("a VAT number begins with the two letters of its country and has no spaces, such as DE123456789")


def country_of(vat_id: str) -> str:
    """The country of a VAT number, or nothing when it is another kind of tax number."""
    found = _VAT_NUMBER.fullmatch(vat_id.replace(" ", ""))
    return _VAT_PREFIXES.get(found[1], found[1]) if found else ""
