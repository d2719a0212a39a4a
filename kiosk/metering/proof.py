"""Weigh the signed values of one delivery: whether the meter signed them, and whether one charging process may be billed by them.

The key is the meter's own as it was registered before, never one that came with the values: with that, anybody could sign. Without it
nothing is valid.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kiosk.metering.billing import Profile, billable
from kiosk.metering.containers import SignedValue, read
from kiosk.metering.ocmf import MeteringError
from kiosk.metering.reading import Reading, Validity
from kiosk.metering.verify import Checked, check

ENCODING = "OCMF"
_MOST_VALUES = 256  # each costs a computation, and comes from the network
_KEY_SHOWN = 16  # digits of the fingerprint that tell one key from another
_CLOCKS = frozenset({"S"})
_FISCAL = "F"


@dataclass(frozen=True, slots=True)
class Proof:
    """What the values prove. `validity` is the worst of the signatures' and says nothing about the content.

    `reasons` are codes of `billing.WHY` and of `Checked.reason`; without any, `begin` to `end`, `mwh` in all, may be billed. `key` is the
    fingerprint of the key they were checked with, in short; `source` the serial numbers of gateway and meter; `first_page` and `last_page`
    the page numbers. `timed` tells that the meter's clock was synchronised at every reading.
    """

    validity: Validity
    reasons: tuple[str, ...]
    key: str = ""
    source: str = ""
    first_page: int | None = None
    last_page: int | None = None
    begin: Reading | None = None
    end: Reading | None = None
    mwh: int = 0
    timed: bool = False


def prove(containers: Sequence[bytes], key: str | bytes, profile: Profile = Profile.ENERGY, serial: str = "") -> Proof:
    """Weigh the containers of one delivery, in any order. `key` is the meter's public key, empty when none is registered; `serial` the
    meter's serial number where it is known."""
    if not containers:
        return Proof(Validity.UNVERIFIABLE, ("no_value",))
    if not key:
        return Proof(Validity.UNVERIFIABLE, ("key_not_configured",))
    try:
        values = [value for container in containers for value in read(container).values]
    except MeteringError:
        return Proof(Validity.UNVERIFIABLE, ("unreadable",))
    once = list({(value.record, value.format): value for value in values}.values())
    if len(once) > _MOST_VALUES:
        return Proof(Validity.UNVERIFIABLE, ("too_many",))
    return _weighed(once, key, profile, serial)


def _weighed(values: Iterable[SignedValue], key: str | bytes, profile: Profile, serial: str) -> Proof:
    checked = [check(value, key) for value in values]
    used = next((value.fingerprint[:_KEY_SHOWN] for value in checked if value.fingerprint), "")
    for validity in (Validity.INVALID, Validity.UNVERIFIABLE):
        if failed := [value.reason for value in checked if value.validity is validity]:
            return Proof(validity, tuple(dict.fromkeys(failed)), used)
    told = _of_transaction(checked)
    records = [value.record for value in told if value.record is not None]
    billing = billable(told, profile)
    other = bool(serial) and any(record.payload.meter_serial != serial for record in records)
    pages = [record.payload.pagination.number for record in records if record.payload.pagination is not None]
    payload = records[0].payload
    clocks = {reading.at.clock for record in records for reading in record.payload.readings if reading.at is not None}
    return Proof(
        Validity.VALID,
        (*billing.reasons, "other_meter") if other else billing.reasons,
        used,
        " ".join(name for name in (payload.gateway_serial, payload.meter_serial) if name),
        min(pages, default=None),
        max(pages, default=None),
        billing.begin,
        billing.end,
        billing.mwh,
        timed=clocks == _CLOCKS,
    )


def _of_transaction(checked: Sequence[Checked]) -> list[Checked]:
    """Without the records that their signer counts as fiscal, apart from transactions, if there are others: some piles send both."""
    rest = [value for value in checked if _page_context(value) != _FISCAL]
    return rest or list(checked)


def _page_context(value: Checked) -> str:
    page = value.record.payload.pagination if value.record is not None else None
    return "" if page is None else page.context
