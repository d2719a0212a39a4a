"""Read a signed meter record (OCMF) without touching the bytes that were signed.

A record is `OCMF|payload|signature`. The signature covers the payload's exact bytes, so they are kept as they came and only looked into,
never written anew. Structure is strict, for two programs must not read two things in one record: no second `|`, no key twice, nothing after
the end. Content is lenient: devices leave out fields and add their own.

Source of the rules: Open Charge Metering Format 1.4, SAFE e.V.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation

from kiosk.metering.reading import Reading
from kiosk.values import MWH_PER_KWH

HEADER = b"OCMF"
DEFAULT_ALGORITHM = "ECDSA-secp256r1-SHA256"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EXPONENTS = {"kWh": 6, "Wh": 3}  # to mWh
_MOST_MWH = 10**9 * MWH_PER_KWH
_LONGEST_VALUE = 64
_VALUE = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)
_PAGE = re.compile(r"([A-Z])(0|[1-9]\d{0,17})", re.ASCII)
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:[,.](\d{1,3}))?(Z|[+-]\d\d:?\d\d)(?: ([A-Z]))?", re.ASCII)


class MeteringError(ValueError):
    """Something that claims to be a signed meter value and is not; says what is wrong with it."""


class Number(str):
    """A JSON number as it was written: digits are part of a measurement."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Pagination:
    """`T` numbers the records of transactions, `F` the fiscal ones; each counts up by one without a gap."""

    context: str
    number: int

    def __str__(self) -> str:
        return f"{self.context}{self.number}"


@dataclass(frozen=True, slots=True)
class Stamp:
    """When a value was read by the meter's clock, and what that clock is worth.

    `clock` is U (unknown), I (informative), S (synchronised) or R (relative: the duration is exact, the date informative), empty if it
    is not told.
    """

    utc_ms: int
    text: str
    clock: str


@dataclass(frozen=True, slots=True)
class SignedReading:
    """One entry of `RD`, with the fields it inherits from the one before it.

    `value` is the literal, number or text; `transaction` is TX (B begin, C T S during, X error, E L R A P end); `errors` names what is
    unusable (E energy, t time); `status` is the meter's state, G if good. A field the record does not tell is None.
    """

    at: Stamp | None
    transaction: str | None
    value: str | None
    obis: str | None
    unit: str | None
    current: str | None
    loss: str | None
    errors: str
    status: str | None

    @property
    def is_energy(self) -> bool:
        return self.unit in _EXPONENTS

    def mwh(self) -> int:
        """The energy in mWh, exactly. Raises MeteringError if it is no energy, no whole number of mWh, or below zero."""
        if self.unit not in _EXPONENTS or self.value is None:
            raise MeteringError(f"a reading of {self.value} {self.unit or 'without a unit'} is no energy: expected Wh or kWh")
        return _whole(self._decimal(), _EXPONENTS[self.unit], f"{self.value.strip()} {self.unit}")

    def kwh(self) -> str:
        """The energy in kWh with the digits the meter gave. Raises MeteringError as `mwh` does, but keeps any number of decimals."""
        if self.unit not in _EXPONENTS:
            raise MeteringError(f"a reading of {self.value} {self.unit or 'without a unit'} is no energy: expected Wh or kWh")
        sign, digits, exponent = self._decimal().as_tuple()
        shifted = int(exponent) - (3 if self.unit == "Wh" else 0)
        return f"{Decimal((sign, digits, shifted)):f}"

    def reading(self) -> Reading:
        """As the rest of the product knows it. Raises MeteringError without a time, or as `mwh` does."""
        if self.at is None:
            raise MeteringError("a reading has no time (TM)")
        return Reading(self.at.utc_ms, self.mwh())

    def _decimal(self) -> Decimal:
        text = (self.value or "").strip(" ")
        if len(text) > _LONGEST_VALUE or not _VALUE.fullmatch(text):
            raise MeteringError(f"the reading value (RV) {text[:_LONGEST_VALUE]!r} is no number of at most {_LONGEST_VALUE} characters")
        try:
            value = Decimal(text)
        except InvalidOperation:  # an exponent beyond what the decimal module can hold
            raise MeteringError(f"the reading value (RV) {text!r} is out of range") from None
        if value and not -30 <= value.adjusted() <= 30:
            raise MeteringError(f"the reading value (RV) {text!r} is out of range")
        return value if value else Decimal((0, (0,), max(-30, min(0, int(value.as_tuple().exponent)))))


@dataclass(frozen=True, slots=True)
class Payload:
    """What was signed. `vendor` holds the names of top-level fields that OCMF does not define."""

    version: str | None  # FV
    gateway: str | None  # GI
    gateway_serial: str | None  # GS
    gateway_version: str | None  # GV
    pagination: Pagination | None  # PG
    meter_vendor: str | None  # MV
    meter_model: str | None  # MM
    meter_serial: str | None  # MS
    meter_firmware: str | None  # MF
    assigned: bool | None  # IS
    level: str | None  # IL
    flags: tuple[str, ...]  # IF
    id_type: str | None  # IT
    id_data: str | None  # ID
    tariff_text: str | None  # TT
    point_type: str | None  # CT
    point_id: str | None  # CI
    readings: tuple[SignedReading, ...]  # RD
    vendor: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Signature:
    """The signature section. `algorithm` is None when the record does not name one; then the default holds."""

    algorithm: str | None  # SA
    encoding: str  # SE: hex or base64
    mime_type: str  # SM
    data: str  # SD


@dataclass(frozen=True, slots=True)
class Record:
    """A record and, in `signed`, the exact bytes its signature covers."""

    signed: bytes
    payload: Payload
    signature: Signature


def parse(record: bytes) -> Record:
    """Read one record; blanks around it are not part of it. Raises MeteringError."""
    parts = record.strip(b" \t\r\n").split(b"|")
    if parts[0] != HEADER:
        raise MeteringError("not an OCMF record: it does not begin with OCMF|")
    if len(parts) != 3:
        raise MeteringError(f"an OCMF record has three sections divided by |, this one has {len(parts)}")
    _, signed, signature = parts
    return Record(signed, _payload(_json_object(signed, "payload")), _signature(_json_object(signature, "signature")))


def _payload(data: Mapping[str, object]) -> Payload:
    readings = data.get("RD")
    if not isinstance(readings, list) or not readings:
        raise MeteringError("the payload's readings (RD) are not a list with at least one entry")
    return Payload(
        version=_text(data, "FV"),
        gateway=_text(data, "GI"),
        gateway_serial=_text(data, "GS"),
        gateway_version=_text(data, "GV"),
        pagination=_pagination(_text(data, "PG")),
        meter_vendor=_text(data, "MV"),
        meter_model=_text(data, "MM"),
        meter_serial=_text(data, "MS"),
        meter_firmware=_text(data, "MF"),
        assigned=_flag(data, "IS"),
        level=_text(data, "IL"),
        flags=_texts(data, "IF"),
        id_type=_text(data, "IT"),
        id_data=_text(data, "ID"),
        tariff_text=_text(data, "TT"),
        point_type=_text(data, "CT"),
        point_id=_text(data, "CI"),
        readings=_readings(readings),
        vendor=tuple(key for key in data if key not in _KNOWN),
    )


_KNOWN = frozenset("FV GI GS GV PG MV MM MS MF IS IL IF IT ID TT CF CCV LC CT CI RD".split())
_SIGNATURE = frozenset(("SA", "SE", "SM", "SD"))
_EXTENSIONS = frozenset("ABCDEFUVWXYZ")
_GROUP = ("RI", "RU")


def _readings(entries: list[object]) -> tuple[SignedReading, ...]:
    """Each entry omits what is equal to the one before it; RI and RU are one group (OCMF, Readings)."""
    before: dict[str, object] = {}
    found = []
    for entry in entries:
        if not isinstance(entry, dict):
            raise MeteringError("a reading in RD is not an object")
        inherited = {key: value for key, value in before.items() if key not in _GROUP or not any(name in entry for name in _GROUP)}
        before = inherited | entry
        found.append(_reading(before))
    return tuple(found)


def _reading(data: Mapping[str, object]) -> SignedReading:
    return SignedReading(
        at=_stamp(_text(data, "TM")),
        transaction=_text(data, "TX"),
        value=_text(data, "RV"),
        obis=_text(data, "RI"),
        unit=_text(data, "RU"),
        current=_text(data, "RT"),
        loss=_text(data, "CL"),
        errors=_text(data, "EF") or "",
        status=_text(data, "ST"),
    )


def _signature(data: Mapping[str, object]) -> Signature:
    """The signature section. It is not signed itself, so it holds the four fields and names reserved for extensions, no other; and no
    extension whose name is one letter away from a field that is left out, for then the field's default would hold unnoticed."""
    for name in data.keys() - _SIGNATURE:
        if name[:1] not in _EXTENSIONS or f"S{name[1:]}" in _SIGNATURE - data.keys():
            raise MeteringError(f"the signature section has a field {name[:20]!r}, which is neither OCMF's nor a clear extension")
    signature = _text(data, "SD")
    if not signature:
        raise MeteringError("the signature section has no signature (SD)")
    return Signature(_text(data, "SA"), _text(data, "SE") or "hex", _text(data, "SM") or "application/x-der", signature)


def _pagination(text: str | None) -> Pagination | None:
    if text is None:
        return None
    if (match := _PAGE.fullmatch(text)) is None:
        raise MeteringError(f"the pagination (PG) {text[:40]!r} is not a letter and a number, such as T12")
    return Pagination(match[1], int(match[2]))


def _stamp(text: str | None) -> Stamp | None:
    if text is None:
        return None
    if (match := _TIME.fullmatch(text)) is None:
        raise MeteringError(f"the time (TM) {text[:60]!r} is not written as 2018-07-24T13:22:04,000+0200 S")
    day, clock, fraction, zone, status = match.groups()
    iso = f"{day}T{clock}.{(fraction or '').ljust(3, '0')}{'+00:00' if zone == 'Z' else f'{zone[:3]}:{zone[-2:]}'}"
    try:
        since = datetime.fromisoformat(iso) - _EPOCH
    except (ValueError, OverflowError):
        raise MeteringError(f"the time (TM) {text!r} does not exist") from None
    return Stamp(since // timedelta(milliseconds=1), iso, status or "")


def _whole(value: Decimal, exponent: int, shown: str) -> int:
    """`value` x 10^`exponent` as an integer, exactly: no decimal context may round it on the way."""
    sign, digits, place = value.as_tuple()
    places = int(place) + exponent
    mantissa = int("".join(map(str, digits)))
    if places < 0:
        mantissa, rest = divmod(mantissa, int("1" + "0" * -places))
        if rest:
            raise MeteringError(f"{shown} is finer than 1 mWh, and nothing is rounded here")
        places = 0
    whole = mantissa * int("1" + "0" * places)
    if sign and whole:
        raise MeteringError(f"{shown} is below zero: no energy register is")
    if whole > _MOST_MWH:
        raise MeteringError(f"{shown} is more than any energy register holds")
    return whole


def _json_object(data: bytes, what: str) -> dict[str, object]:
    """A section's JSON object. Numbers stay text, a key that comes twice is an error."""
    try:
        value: object = json.loads(
            data.decode("utf-8"), object_pairs_hook=_unique, parse_int=Number, parse_float=Number, parse_constant=_no_constant
        )
    except MeteringError as error:
        raise MeteringError(f"the {what} section: {error}") from None
    except (ValueError, RecursionError) as error:
        raise MeteringError(f"the {what} section is not JSON in UTF-8: {str(error)[:120]}") from None
    if not isinstance(value, dict):
        raise MeteringError(f"the {what} section is not a JSON object")
    return value


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise MeteringError("a key comes twice, so that two programs could read two things")
    return found


def _no_constant(word: str) -> object:
    raise MeteringError(f"{word} is no JSON number")


def _text(data: Mapping[str, object], key: str) -> str | None:
    """A field's text, or its number as it was written: devices use either for values, serials and versions."""
    value = data.get(key)
    if value is None or isinstance(value, str):
        return value
    raise MeteringError(f"the field {key} is neither text nor a number")


def _flag(data: Mapping[str, object], key: str) -> bool | None:
    value = data.get(key)
    if value is None or isinstance(value, bool):
        return value
    raise MeteringError(f"the field {key} is neither true nor false")


def _texts(data: Mapping[str, object], key: str) -> tuple[str, ...]:
    value = data.get(key)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise MeteringError(f"the field {key} is not a list of texts")
    return tuple(value)
