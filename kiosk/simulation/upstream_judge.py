"""Whether the operator's own system knows of every charge what the kiosk's own books show: once, in order, to the watt-hour, and no more.

What it refused, or left without an answer, may be missing where the kiosk says so itself; a value on the way may be left out, for the end
tells the whole of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from hardware.simulated.models.csms import Payload, Transaction
from kiosk.simulation.books import Books, Charged, Slip, Told

_START, _METER, _STOP = "StartTransaction", "MeterValues", "StopTransaction"


def untrue(books: Books) -> Iterator[tuple[str, str]]:
    """Every broken promise: its rule, and what is wrong."""
    decided = {order.sale for order in books.orders if order.what == "capture" and order.mwh is not None}
    slips = {slip.sale: slip for slip in books.slips if slip.sale and slip.sale not in decided}
    for told in books.upstreams:
        yield from _One(told, [charged for charged in books.charged if charged.kiosk == told.kiosk], slips).everything()


class _One:
    """One kiosk and its system."""

    def __init__(self, told: Told, charged: Sequence[Charged], slips: dict[str, Slip]) -> None:
        self._told = told
        self._charged = charged
        self._slips = slips
        self._asides = {charge: action for charge, action, _ in told.asides}

    def everything(self) -> Iterator[tuple[str, str]]:
        told = self._told
        for what in told.broken:
            yield "told as OCPP has it", f"{told.kiosk}: {what}"
        if told.waiting:
            yield "nothing is left untold", f"{told.kiosk}: {told.waiting} messages still wait"
        for charge, action, why in told.asides:
            if not why or not any(one == action for one, _ in told.befell):
                yield "set aside for a reason", f"{told.kiosk}: {action} of {charge} was set aside: {why or 'nobody says why'}"
        left = list(told.transactions)
        for charged in self._charged:
            mine = next((one for one in left if _meant(one, charged)), None)
            if mine is not None:
                left.remove(mine)
                yield from self._whole(charged, mine)
            elif self._asides.get(charged.name) != _START:
                yield "every charge is told", f"{charged.name} is not in the books of the operator's system, and nobody says why"
        for other in left:
            what = f"{told.kiosk}: transaction {other.transaction} at connector {other.connector} from {other.meter_start} Wh"
            yield "told once", f"{what} is one too many"

    def _whole(self, charged: Charged, mine: Transaction) -> Iterator[tuple[str, str]]:
        aside = charged.name in self._asides
        values = list(charged.values)
        for register in (int(Decimal(value).scaleb(3)) for _, value in mine.values):
            while values and values[0] != register:
                if not aside and not self._left_out(values[0]):
                    yield "every charge is told", f"{charged.name}: the value {values[0]} mWh is missing, and nobody refused it"
                values.pop(0)
            if not values:
                yield "told once", f"{charged.name}: the value {register} mWh is not the kiosk's, or one too many"
                return
            values.pop(0)
        missing = [value for value in values if not self._left_out(value)]
        if missing and not aside:
            yield "every charge is told", f"{charged.name}: the value {missing[0]} mWh is missing, and nobody refused it"
        if mine.meter_stop is None:
            if charged.ended and not aside:
                yield "every charge is told", f"{charged.name}: its end is missing, and nobody says why"
        elif not charged.ended:
            yield "told once", f"{charged.name} was ended for the operator's system, and goes on"
        else:
            yield from self._energy(charged, mine)

    def _energy(self, charged: Charged, mine: Transaction) -> Iterator[tuple[str, str]]:
        slip = self._slips.get(charged.name)
        if charged.mwh is not None:
            sums = {_whole_wh(charged.mwh)} | ({_whole_wh(slip.mwh)} if slip is not None else set())
        else:
            known = [charged.end_mwh] if charged.end_mwh is not None else [charged.begin_mwh, *charged.values]
            sums = {_whole_wh(max(0, register - charged.begin_mwh)) for register in known}
        if sums != {mine.wh} and (charged.mwh is not None or mine.wh not in sums):
            yield "told energy == priced energy", f"{charged.name}: {mine.wh} Wh are told, {sorted(sums)} are the kiosk's"

    def _left_out(self, mwh: int) -> bool:
        return any(action == _METER and mwh in _registers(payload) for action, payload in self._told.befell)


def _meant(one: Transaction, charged: Charged) -> bool:
    begun = (one.connector, one.meter_start) == (charged.connector, charged.begin_mwh // 1_000)
    return begun and one.began in charged.began


def _registers(payload: Payload) -> list[int]:
    return [int(Decimal(sample["value"]).scaleb(3)) for value in payload["meterValue"] for sample in value["sampledValue"][:1]]


def _whole_wh(mwh: int) -> int:
    return -(-mwh // 1_000)
