"""The kinds of values `kiosk.toml` has, each with its own check and its own words for the mend.

Money is written in major units (`50.00`) in the site's currency; paths are relative to the file; durations are seconds.
"""

from __future__ import annotations

import ipaddress
import re
from decimal import Decimal
from pathlib import Path
from typing import Annotated, cast
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo

from kiosk.values import Money, ValuesError, exponent


class Section(BaseModel):
    """A table of the file: unknown keys are errors, nothing is converted, nothing changes afterwards."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True, validate_default=True)


class Surroundings(dict[str, object]):
    """What a value needs besides itself: the folder of the file and the site's currency."""

    def __init__(self, folder: Path, currency: str) -> None:
        super().__init__(folder=folder, currency=currency)


def _context(info: ValidationInfo) -> dict[str, object]:
    return cast("dict[str, object]", info.context or {})


def _money(value: object, info: ValidationInfo) -> Money:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("is not an amount: write it in major units without quotes, such as 50.00")
    currency = cast("str", _context(info).get("currency", "EUR"))
    amount = Decimal(value)
    if not amount.is_finite() or not 0 <= amount <= 1_000_000:
        raise ValueError(f"{amount} is out of range")
    money = Money.of(amount, currency)
    if money.decimal() != amount:
        raise ValueError(f"{amount} is finer than {currency} can be paid: write {money.decimal()}")
    return money


def _path(value: object, info: ValidationInfo) -> Path:
    if not isinstance(value, str) or not value:
        raise ValueError("is not a path: write one in quotes, relative to this file or absolute")
    return (cast("Path", _context(info).get("folder", Path())) / value).resolve()


def _socket(path: Path) -> Path:
    if len(str(path).encode()) > 107:
        raise ValueError(f"{path} is longer than the 107 bytes a Unix socket may have: choose a shorter one, such as /run/pilepay/screen")
    return path


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise ValueError(f"{name!r} is no IANA time zone: write one such as Europe/Berlin") from None
    return name


def _currency(code: str) -> str:
    try:
        exponent(code)
    except ValuesError as error:
        raise ValueError(str(error)) from None
    return code


def _host(name: str) -> str:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        if not re.fullmatch(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*", name.lower()):
            raise ValueError(f"{name!r} is no host: write a name or an address, without http:// and without a port") from None
    return name


def _evse_id(text: str) -> str:
    if not re.fullmatch(r"[A-Z]{2}\*?[A-Z0-9]{3}\*?E[A-Z0-9][A-Z0-9*]{0,29}", text):
        raise ValueError(f"{text!r} is no EVSE ID: write one such as DE*LND*E0417*1 (ISO 15118, eMI3)")
    return text


def _vat_number(text: str) -> str:
    if not re.fullmatch(r"[A-Z0-9][A-Z0-9 ./-]{3,23}", text):
        raise ValueError(f"{text!r} is no VAT or tax number: write it as on your invoices, such as DE123456789")
    return text


def _printable(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise ValueError("is empty or has control characters: write plain text on one line")
    return text


Amount = Annotated[Money, BeforeValidator(_money)]
FilePath = Annotated[Path, BeforeValidator(_path)]
SocketPath = Annotated[Path, BeforeValidator(_path), AfterValidator(_socket)]
Zone = Annotated[str, AfterValidator(_zone)]
Currency = Annotated[str, AfterValidator(_currency)]
Host = Annotated[str, AfterValidator(_host)]
Port = Annotated[int, Field(ge=1, le=65_535)]
EvseId = Annotated[str, AfterValidator(_evse_id)]
VatNumber = Annotated[str, AfterValidator(_vat_number)]
Words = Annotated[str, AfterValidator(_printable), Field(max_length=100)]
Notice = Annotated[str, AfterValidator(_printable), Field(max_length=240)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,48}$")]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]
Letter = Annotated[str, Field(pattern=r"^[A-Z]$")]
Seconds = Annotated[int, Field(ge=1, le=30 * 86_400)]
