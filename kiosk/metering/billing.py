"""Say whether signed values may be billed: the signatures hold, and together they tell one whole charging process without a fault.

A valid signature only says who wrote the record. The record itself may say that the meter failed, that pages are missing, or that its clock
is not good enough to bill time by. Then nothing is billed from it, and a person decides.

Source of the rules: Open Charge Metering Format 1.4, sections on signing and verification, pagination, and readings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise
from types import MappingProxyType

from kiosk.metering.ocmf import MeteringError, Record, SignedReading
from kiosk.metering.reading import Reading, Validity
from kiosk.metering.verify import Checked

WHY: Mapping[str, str] = MappingProxyType(
    {
        "no_value": "there is no signed value",
        "unreadable": "the container cannot be read",
        "not_valid": "not every signature is valid",
        "several_keys": "the values are signed with different keys",
        "no_source": "neither the gateway's nor the meter's serial number is told",
        "several_sources": "the values come from different gateways or meters",
        "no_pagination": "a record has no page number",
        "not_transaction": "a record is not of the transaction context (T)",
        "pages_missing": "the page numbers do not follow one another",
        "no_register": "there is no reading of imported energy",
        "several_registers": "readings of several energy registers, and nothing says which is billed",
        "no_begin": "the first reading is not the begin of a transaction",
        "no_end": "the last reading is not the end of a transaction",
        "not_one_transaction": "in between, a transaction ends or begins, or a reading has no reason that is known",
        "exception": "an error during charging: from there on the values are unusable",
        "energy_error": "the meter flags the energy as unusable",
        "meter_status": "the meter was not in good state",
        "no_time": "a reading has no time",
        "not_exact": "a value is no exact number of milliwatt-hours",
        "backwards": "the register runs backwards",
        "time_error": "the meter flags the time as unusable",
        "clock": "the clock is not synchronised, so that time may not be billed",
        "clock_backwards": "the clock runs backwards",
        "too_many": "more signed values than any transaction has",
        "key_not_configured": "the meter's public key is not configured",
        "other_meter": "the values are not of the meter that is configured",
        "page_used": "the page numbers are not above those of an earlier sale",
        "other_time": "the values are not of the time of this sale",
        "too_late": "the values came after the sale was settled",
        "contradicts": "the signed values and the registers differ by more than their resolution",
        "implausible": "more than the connector can give in that time",
    }
)

_BEGIN, _ENDS, _DURING, _EXCEPTION = "B", frozenset("ELRAP"), frozenset("CST"), "X"
_OBIS = re.compile(r"[^:]*:0?([0-9A-F]+)\.", re.IGNORECASE)
_EXPORTS = frozenset({"2", "C0", "C1", "C2", "C3"})  # OBIS quantity: active energy to the grid; OCMF's own codes for the same


class Profile(Enum):
    """What the tariff bills by."""

    ENERGY = "energy"
    ENERGY_AND_TIME = "energy and time"


@dataclass(frozen=True, slots=True)
class Billing:
    """Whether the values may be billed, and if not, every reason: codes of `WHY`.

    `begin` and `end` are the first and the last reading as far as they can be read; `mwh` is what lies between, 0 unless `yes`.
    """

    yes: bool
    reasons: tuple[str, ...]
    begin: Reading | None = None
    end: Reading | None = None
    mwh: int = 0


def billable(values: Sequence[Checked], profile: Profile = Profile.ENERGY) -> Billing:
    """Whether the values of one transaction may be billed. Never yes unless every signature is valid and all are of one key."""
    if not values:
        return Billing(False, ("no_value",))
    records = [value.record for value in values if value.record is not None and value.validity is Validity.VALID]
    if len(records) != len(values):
        return Billing(False, ("not_valid",))
    several = ["several_keys"] if len({value.fingerprint for value in values}) > 1 else []
    pages = _in_order(records)
    readings = tuple(reading for record in pages for reading in record.payload.readings)
    track, register = _register(readings)
    exact = _readings(track)
    reasons = [*several, *_one_source(pages), *_pages(pages), *register, *_course(track), *_flags(readings), *_amounts(track, exact)]
    if profile is Profile.ENERGY_AND_TIME:
        reasons += _time(readings, track)
    begin, end = (exact[0], exact[-1]) if exact else (None, None)
    if reasons or begin is None or end is None:
        return Billing(False, tuple(dict.fromkeys(reasons)), begin, end)
    return Billing(True, (), begin, end, end.mwh - begin.mwh)


def _in_order(records: Sequence[Record]) -> list[Record]:
    """The records by page number; one that was sent twice counts once."""
    once = list({record.signed: record for record in records}.values())
    return sorted(once, key=lambda record: -1 if record.payload.pagination is None else record.payload.pagination.number)


def _one_source(records: Sequence[Record]) -> Iterator[str]:
    sources = {(record.payload.gateway_serial or "", record.payload.meter_serial or "") for record in records}
    if ("", "") in sources:
        yield "no_source"
    if len(sources) > 1:
        yield "several_sources"


def _pages(records: Sequence[Record]) -> Iterator[str]:
    pages = [record.payload.pagination for record in records]
    numbers = [page.number for page in pages if page is not None]
    if len(numbers) < len(pages):
        yield "no_pagination"
    if any(page is not None and page.context != "T" for page in pages):
        yield "not_transaction"
    if any(after != before + 1 for before, after in pairwise(numbers)):
        yield "pages_missing"


def _register(readings: Sequence[SignedReading]) -> tuple[tuple[SignedReading, ...], list[str]]:
    """The readings of the imported energy, a repeated one once; and what is wrong with that choice."""
    energy = [reading for reading in readings if reading.is_energy and not _is_export(reading.obis)]
    if not energy:
        return (), ["no_register"]
    wrong = ["several_registers"] if len({reading.obis for reading in energy}) > 1 else []
    return tuple(dict.fromkeys(energy)), wrong


def _is_export(obis: str | None) -> bool:
    match = _OBIS.match(obis or "")
    return match is not None and match[1].upper() in _EXPORTS


def _readings(track: Sequence[SignedReading]) -> tuple[Reading, ...] | None:
    try:
        return tuple(reading.reading() for reading in track)
    except MeteringError:
        return None


def _course(track: Sequence[SignedReading]) -> Iterator[str]:
    if not track:
        return
    if track[0].transaction != _BEGIN:
        yield "no_begin"
    if len(track) < 2 or track[-1].transaction not in _ENDS:
        yield "no_end"
    if any(reading.transaction not in _DURING | {_EXCEPTION} for reading in track[1:-1]):
        yield "not_one_transaction"


def _flags(readings: Sequence[SignedReading]) -> Iterator[str]:
    if any(reading.transaction == _EXCEPTION for reading in readings):
        yield "exception"
    if any("E" in reading.errors for reading in readings):
        yield "energy_error"
    if any(reading.status != "G" for reading in readings):
        yield "meter_status"


def _amounts(track: Sequence[SignedReading], exact: Sequence[Reading] | None) -> Iterator[str]:
    if any(reading.at is None for reading in track):
        yield "no_time"
    elif exact is None:
        yield "not_exact"
    elif any(after.mwh < before.mwh for before, after in pairwise(exact)):
        yield "backwards"


def _time(readings: Sequence[SignedReading], track: Sequence[SignedReading]) -> Iterator[str]:
    """Time is billed by a synchronised clock, or by one that measures the duration (R), whose begin may be informative only."""
    if any("t" in reading.errors for reading in readings):
        yield "time_error"
    stamps = [reading.at for reading in track if reading.at is not None]
    if any(after.utc_ms < before.utc_ms for before, after in pairwise(stamps)):
        yield "clock_backwards"
    clocks = [stamp.clock for stamp in stamps]
    relative = clocks[:1] == ["I"] and all(clock == "R" for clock in clocks[1:])
    if not relative and any(clock not in {"S", "R"} for clock in clocks):
        yield "clock"
