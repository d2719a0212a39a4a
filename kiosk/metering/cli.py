"""`pilepay meter verify`: anyone can check a signed meter value on the pile, without a network and without trusting us.

The exit code is the verdict on the signatures alone: 0 all valid, 1 not, 2 wrong use. Whether a value may be billed is printed apart.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import IO, Literal, Protocol, TextIO, TypeVar

from kiosk.metering.billing import WHY, Profile, billable
from kiosk.metering.containers import LARGEST, Container, read
from kiosk.metering.ocmf import MeteringError, SignedReading
from kiosk.metering.reading import Validity
from kiosk.metering.verify import Checked, check, readable_key
from kiosk.values import MWH_PER_KWH

GOOD, BAD, WRONG_USE = 0, 1, 2

_TRANSACTIONS = {
    "B": "begin",
    "C": "charging",
    "X": "error",
    "E": "end",
    "L": "end, stopped locally",
    "R": "end, stopped remotely",
    "A": "end, aborted by an error",
    "P": "end, power failed",
    "S": "suspended",
    "T": "tariff change",
}
_CLOCKS = {"U": "clock unknown", "I": "clock informative", "S": "clock synchronised", "R": "clock relative", "": "clock not told"}


_Amount = TypeVar("_Amount", int, str)


class File(Protocol):
    """Something with a name that can be opened, such as a path."""

    def open(self, mode: Literal["rb"]) -> IO[bytes]: ...


def verify(path: File, public_key: str | bytes | None, out: TextIO, err: TextIO, *, as_json: bool = False) -> int:
    """Check every signed value in a file: OCMF, an OCPP signed meter value or message, or the transparency software's XML.

    `public_key` is the meter's, in any spelling `key_bytes` reads; without it each value's own is used, and the output says so.
    """
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        err.write(f"{path} cannot be read: {error.strerror}\n")
        return WRONG_USE
    if public_key is not None:
        try:
            readable_key(public_key)
        except MeteringError as error:
            err.write(f"--public-key: {_plain(str(error))}\n")
            return WRONG_USE
    try:
        container = read(data)
    except MeteringError as error:
        _refused(str(path), _plain(str(error)), out, err, as_json=as_json)
        return BAD
    checked = [check(value, public_key) for value in container.values]
    if as_json:
        out.write(json.dumps(_report(str(path), container, checked, given=public_key is not None)) + "\n")
    else:
        for line in _lines(str(path), container, checked, given=public_key is not None):
            out.write(line + "\n")
    return GOOD if _overall(checked) is Validity.VALID else BAD


def _refused(path: str, why: str, out: TextIO, err: TextIO, *, as_json: bool) -> None:
    if as_json:
        out.write(json.dumps({"file": path, "error": why, "values": [], "billable": False}) + "\n")
    else:
        err.write(f"{path}: {why}\n")


def _overall(checked: Sequence[Checked]) -> Validity:
    """The worst of all verdicts."""
    for validity in (Validity.INVALID, Validity.UNVERIFIABLE):
        if any(value.validity is validity for value in checked):
            return validity
    return Validity.VALID


def _transactions(checked: Sequence[Checked]) -> dict[str | None, list[Checked]]:
    """The values by the transaction their container names."""
    found: dict[str | None, list[Checked]] = {}
    for value in checked:
        found.setdefault(value.value.transaction, []).append(value)
    return found


# --- for people ---------------------------------------------------------------------------------------------------------------


def _lines(path: str, container: Container, checked: Sequence[Checked], *, given: bool) -> Iterator[str]:
    count = len(checked)
    yield f"{_plain(path)}: {container.kind.value}, {count} signed {'value' if count == 1 else 'values'}"
    if not given and any(value.own_key for value in checked):
        yield "key: none given, so the one beside each value is used: it does not prove whose meter this is"
    for number, value in enumerate(checked, 1):
        yield _plain(f"value {number}: {value.validity.value}: {value.why}{_origin(value)}")
        if value.record is not None:
            yield from (f"  {_shown(reading)}" for reading in value.record.payload.readings)
    transactions = _transactions(checked)
    for name, values in transactions.items():
        of = f" (transaction {_plain(name or 'not named')})" if len(transactions) > 1 else ""
        yield from _billing(values, of)


def _origin(value: Checked) -> str:
    if value.record is None:
        return ""
    payload = value.record.payload
    facts = {
        "page": payload.pagination,
        "gateway": payload.gateway_serial,
        "meter": payload.meter_serial,
        "curve": value.curve,
        "key": value.fingerprint and value.fingerprint[:16],
    }
    return "".join(f", {name} {fact}" for name, fact in facts.items() if fact)


def _shown(reading: SignedReading) -> str:
    at = "no time" if reading.at is None else f"{reading.at.text} ({_CLOCKS.get(reading.at.clock, 'clock ' + reading.at.clock)})"
    reason = _TRANSACTIONS.get(reading.transaction or "", reading.transaction or "no transaction")
    faults = [f"unusable: {reading.errors}"] if reading.errors else []
    faults += [] if reading.status == "G" else [f"meter state {reading.status or 'not told'}"]
    return _plain("  ".join([reason, at, _amount(reading), reading.obis or "", *faults]).rstrip())


def _amount(reading: SignedReading) -> str:
    if not reading.is_energy:
        return f"{(reading.value or 'no value').strip()} {reading.unit or ''}".rstrip()
    try:
        return f"{reading.kwh()} kWh"
    except MeteringError as error:
        return f"no energy: {error}"


def _billing(values: Sequence[Checked], of: str) -> Iterator[str]:
    energy, both = billable(values), billable(values, Profile.ENERGY_AND_TIME)
    yield f"billable{of}: " + (f"yes, {_kwh(energy.mwh)} kWh" if energy.yes else f"no, {_sentences(energy.reasons)}")
    if energy.yes:
        yield f"billable time{of}: " + ("yes" if both.yes else f"no, {_sentences(both.reasons)}")


def _sentences(reasons: Sequence[str]) -> str:
    return "; ".join(WHY[reason] for reason in reasons)


def _kwh(mwh: int) -> str:
    """Exact, with at least the three decimals of a receipt."""
    whole, rest = divmod(mwh, MWH_PER_KWH)
    return f"{whole}.{f'{rest:06}'.rstrip('0').ljust(3, '0')}"


def _plain(text: str) -> str:
    """Without what would steer a terminal: the text is a stranger's."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


# --- for programs -------------------------------------------------------------------------------------------------------------


def _report(path: str, container: Container, checked: Sequence[Checked], *, given: bool) -> dict[str, object]:
    transactions = [_bill(name, values) for name, values in _transactions(checked).items()]
    return {
        "file": path,
        "format": container.kind.name.lower(),
        "key": "given" if given else "container" if any(value.own_key for value in checked) else "none",
        "verdict": _overall(checked).value,
        "values": [_value(value) for value in checked],
        "billable": all(bill["billable"] for bill in transactions),
        "transactions": transactions,
    }


def _value(value: Checked) -> dict[str, object]:
    payload = value.record.payload if value.record is not None else None
    return {
        "verdict": value.validity.value,
        "reason": value.reason,
        "why": value.why,
        "transaction": value.value.transaction,
        "context": value.value.context,
        "pagination": str(payload.pagination) if payload is not None and payload.pagination is not None else None,
        "gateway_serial": payload.gateway_serial if payload is not None else None,
        "meter_serial": payload.meter_serial if payload is not None else None,
        "curve": value.curve,
        "key_sha256": value.fingerprint,
        "readings": [_reading(reading) for reading in payload.readings] if payload is not None else [],
    }


def _reading(reading: SignedReading) -> dict[str, object]:
    return {
        "time": reading.at.text if reading.at is not None else None,
        "clock": reading.at.clock if reading.at is not None else None,
        "transaction": reading.transaction,
        "kwh": _or_none(reading.kwh),
        "mwh": _or_none(reading.mwh),
        "value": reading.value,
        "unit": reading.unit,
        "obis": reading.obis,
        "errors": reading.errors,
        "status": reading.status,
    }


def _or_none(amount: Callable[[], _Amount]) -> _Amount | None:
    try:
        return amount()
    except MeteringError:
        return None


def _bill(name: str | None, values: Sequence[Checked]) -> dict[str, object]:
    energy, both = billable(values), billable(values, Profile.ENERGY_AND_TIME)
    return {
        "transaction": name,
        "billable": energy.yes,
        "kwh": _kwh(energy.mwh) if energy.yes else None,
        "reasons": list(energy.reasons),
        "billable_time": both.yes,
        "time_reasons": list(both.reasons),
    }
