"""OCPP 1.6 meter values: registers to exact mWh, power and state of charge for the eye, timestamps to UTC.

Soft: a value that cannot be read is left out, never guessed (OCPP 1.6 7.17, 7.28, 7.31-7.45 for defaults).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from kiosk.metering.reading import Reading
from kiosk.ocpp.frames import Json
from kiosk.session.inputs import SignedData

_REGISTER = "Energy.Active.Import.Register"
_POWER = "Power.Active.Import"
_SOC = "SoC"
_READ = (_REGISTER, _POWER, _SOC)
_SIGNED = "SignedData"
_MOST_SIGNED = 64  # in one message
ENDS = ("Transaction.Begin", "Transaction.End")

_MWH_EXPONENT = {"wh": 3, "kwh": 6}
_WATT_EXPONENT = {"w": 0, "kw": 3}

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# A controller that has not been told the time counts from 1970 or 2000; no pile of ours is older than this.
_EARLIEST_MS = 1_577_836_800_000  # 2020-01-01
_DAY_MS = 86_400_000
_LONGEST_NUMBER = 40  # characters
_MOST_DIGITS = 15  # before the point


@dataclass(frozen=True, slots=True)
class _Sample:
    measurand: str
    value: Decimal
    unit: str
    phase: str
    context: str
    location: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One element of a `meterValue` or `transactionData` list."""

    utc_ms: int
    mwh: int | None
    power_w: int | None
    soc_percent: int | None
    begin_mwh: int | None  # the register of context Transaction.Begin
    end_mwh: int | None


def text(value: Json, longest: int) -> str:
    """A pile's words, safe to store and show: no control characters, no halves of surrogate pairs, bounded."""
    if not isinstance(value, str):
        return "" if value is None or isinstance(value, dict | list | bool) else str(value)[:longest]
    if len(value) <= longest and value.isprintable():
        return value.strip()
    return "".join(c for c in value[: 4 * longest] if c.isprintable()).strip()[:longest]


def number(value: Json) -> Decimal | None:
    """A finite number of sane size, from a JSON number or its text."""
    if isinstance(value, str):
        if len(value) > _LONGEST_NUMBER or "_" in value:
            return None
        try:
            value = Decimal(value.strip())
        except InvalidOperation:
            return None
    elif isinstance(value, int) and not isinstance(value, bool) and value.bit_length() <= 64:
        return Decimal(value)
    if not isinstance(value, Decimal) or not value.is_finite() or value.adjusted() >= _MOST_DIGITS:
        return None
    return value


def integer(value: Json) -> int | None:
    """A whole number that fits 63 bits."""
    found = number(value)
    if found is None or found != found.to_integral_value():
        return None
    return int(found)


def whole(value: Decimal) -> int:
    return int(value.to_integral_value(ROUND_HALF_UP))


def mwh_from_wh(value: Json) -> int | None:
    """A start or stop register in Wh."""
    found = number(value)
    return None if found is None else whole(found.scaleb(3))


def utc_ms(value: Json, received_ms: int, trusted: bool) -> int:
    """The moment `value` names, or that of its reception if it cannot be: no timestamp, before 2020, or a day ahead of a trusted clock."""
    if not isinstance(value, str) or len(value) > 64:
        return received_ms
    try:
        moment = datetime.fromisoformat(value.strip())
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        found = (moment - _EPOCH) // timedelta(milliseconds=1)
    except (ValueError, OverflowError):
        return received_ms
    if found < _EARLIEST_MS or (trusted and found > received_ms + _DAY_MS):
        return received_ms
    return found


def iso(at_ms: int) -> str:
    """`2026-11-22T14:29:03.120Z`."""
    moment = (_EPOCH + timedelta(milliseconds=at_ms)).isoformat(timespec="milliseconds")
    return moment.removesuffix("+00:00") + "Z"


def entries(value: Json, received_ms: int, trusted: bool) -> list[Entry]:
    """Every readable element of a list of meter values, in the pile's order."""
    found = []
    for element in value if isinstance(value, list) else []:
        if not isinstance(element, dict):
            continue
        listed = element.get("sampledValue")
        samples = [s for one in (listed if isinstance(listed, list) else [listed]) if (s := _sample(one)) is not None]
        periodic = [s for s in samples if not s.context.startswith("Transaction.")]
        ends = [s for s in samples if s.context in ENDS]
        found.append(
            Entry(
                utc_ms=utc_ms(element.get("timestamp"), received_ms, trusted),
                mwh=_register(periodic or samples),
                power_w=_scaled(samples, _POWER, _WATT_EXPONENT),
                soc_percent=_soc(samples),
                begin_mwh=_register(s for s in ends if s.context == "Transaction.Begin") if ends else None,
                end_mwh=_register(s for s in ends if s.context == "Transaction.End") if ends else None,
            )
        )
    return found


def readings(found: list[Entry]) -> list[Reading]:
    """The registers among `found`. Power and charge of an entry without a register belong to the nearest register before or after it."""
    made: list[Reading] = []
    power: int | None = None
    soc: int | None = None
    for entry in found:
        power = entry.power_w if entry.power_w is not None else power
        soc = entry.soc_percent if entry.soc_percent is not None else soc
        if entry.mwh is not None:
            made.append(Reading(entry.utc_ms, entry.mwh, power, soc))
            power = soc = None
    if made and (power is not None or soc is not None):
        last = made[-1]
        made[-1] = Reading(
            last.utc_ms,
            last.mwh,
            power if last.power_w is None else last.power_w,
            soc if last.soc_percent is None else last.soc_percent,
        )
    return made


def signed(listed: Json, contexts: Collection[str] = ()) -> tuple[SignedData, ...]:
    """The signed values in a list of meter values as they stand there, each once; with `contexts` only those of these."""
    found: dict[bytes, None] = {}
    for element in listed if isinstance(listed, list) else []:
        samples = element.get("sampledValue") if isinstance(element, dict) else None
        for sample in samples if isinstance(samples, list) else [samples]:
            if len(found) < _MOST_SIGNED and (data := _signed(sample, contexts)):
                found[data] = None
    return tuple(SignedData(data) for data in found)


def _signed(sample: Json, contexts: Collection[str]) -> bytes:
    """The bytes of one signed value; nothing for a sample of another kind, and for text that cannot have been signed."""
    if not isinstance(sample, dict) or sample.get("format") != _SIGNED or (contexts and sample.get("context") not in contexts):
        return b""
    value = sample.get("value")
    try:
        return value.encode("utf-8") if isinstance(value, str) else b""
    except UnicodeEncodeError:  # half a character
        return b""


def _sample(value: Json) -> _Sample | None:
    if not isinstance(value, dict) or value.get("format", "Raw") not in ("Raw", None, ""):
        return None
    measurand = value.get("measurand") or _REGISTER
    if not isinstance(measurand, str) or measurand not in _READ:
        return None
    amount = number(value.get("value"))
    if amount is None:
        return None
    return _Sample(
        measurand=measurand,
        value=amount,
        unit=text(value.get("unit"), 20).lower(),
        phase=text(value.get("phase"), 10),
        context=text(value.get("context"), 50),
        location=text(value.get("location"), 20) or "Outlet",
    )


def _register(samples: Iterable[_Sample]) -> int | None:
    return _scaled(samples, _REGISTER, _MWH_EXPONENT)


def _scaled(samples: Iterable[_Sample], measurand: str, exponents: dict[str, int]) -> int | None:
    """The total of one measurand in the finest unit: the value without a phase, else the sum of the phases. The outlet's counts first."""
    unit = next(iter(exponents))
    usable = [s for s in samples if s.measurand == measurand and (s.unit or unit) in exponents]
    at_outlet = [s for s in usable if s.location == "Outlet"] or usable
    chosen = (
        [s for s in at_outlet if not s.phase][:1]
        or [s for s in at_outlet if s.phase in ("L1", "L2", "L3")]
        or [s for s in at_outlet if s.phase in ("L1-N", "L2-N", "L3-N")]
    )
    if not chosen:
        return None
    return whole(sum((s.value.scaleb(exponents[s.unit or unit]) for s in chosen), Decimal(0)))


def _soc(samples: Iterable[_Sample]) -> int | None:
    for sample in samples:
        if sample.measurand == _SOC and 0 <= sample.value <= 100:
            return whole(sample.value)
    return None
