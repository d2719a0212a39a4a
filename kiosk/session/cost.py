"""What a sale costs: the quote's tariff and discounts, applied to what the journal says was used. The same evaluation live and at last."""

from __future__ import annotations

from functools import lru_cache

from kiosk.metering.reading import Delivered, Reading
from kiosk.pricing import usage as use
from kiosk.pricing.ceiling import Ceiling, ceiling
from kiosk.pricing.load import tariff_of
from kiosk.pricing.quote import Quote
from kiosk.pricing.rating import Rating
from kiosk.pricing.terms import billed, grows_until, owed
from kiosk.session.pauses import located
from kiosk.session.state import Session
from kiosk.values import Moment, Money

_NO_LIMIT = 10**12  # minor units that no stay comes to
_WHOLE_SECONDS_MS = 1_000  # begin and end are both cut to their second


def owes(s: Session, reading: Reading, amount: Money) -> bool:
    """Whether `amount` or more is owed if the delivery had this reading now."""
    assert s.quote is not None and s.begin is not None
    return most_at(s, reading) >= amount and owed(s.quote, _usage(s, s.begin, reading, None)) >= amount


def most_at(s: Session, reading: Reading) -> Money:
    """What cannot be exceeded if the delivery had this reading now, discounts or not; far quicker to tell than what is owed."""
    assert s.quote is not None and s.begin is not None
    return _ceiling(s.quote).over(max(0, reading.mwh - s.begin.mwh), max(0, reading.utc_ms - s.begin.utc_ms) + _WHOLE_SECONDS_MS)


@lru_cache(maxsize=64)
def _ceiling(quote: Quote) -> Ceiling:
    return ceiling(tariff_of(quote))


def final(s: Session, at: Moment) -> Rating:
    """The bill of an ended delivery."""
    assert s.quote is not None
    return billed(s.quote, used(s, at))


def used(s: Session, at: Moment) -> use.Usage:
    """What is billed of an ended delivery: begin to end, and the stay after it until the cable was out or the fee stopped growing."""
    assert s.delivered is not None and s.delivered.begin is not None and s.delivered.end is not None
    return _usage(s, s.delivered.begin, s.delivered.end, s.delivered.end.utc_ms + _stay_ms(s, at))


def _stay_ms(s: Session, at: Moment) -> int:
    """How long the car was seen to stay after the end. Nobody saw a stay whose end came late, or of whose end nothing was ever heard: it
    counts from the moment we knew, on our own clock."""
    if s.accrues_until is None or s.ended_at is None or s.stay_since is None:
        return 0
    left = s.unseen_since or s.vacated_at or at
    if left.boot_id != s.stay_since.boot_id:
        return 0  # last seen before a reboot, and the clock may have been set in between
    return min(left.ms_since(s.stay_since), s.accrues_until.ms_since(s.ended_at))


def accrual_end(s: Session, delivered: Delivered, at: Moment) -> Moment | None:
    """Until when a parked car can still add to the bill; None when it cannot."""
    spend = s.payment.usable if s.payment else None
    if s.account is not None and s.quote is not None:
        spend = Money(_NO_LIMIT, s.quote.hold.currency) if s.account.most is None else s.account.most
    if s.quote is None or spend is None or delivered.begin is None or delivered.end is None:
        return None
    usage = _usage(s, delivered.begin, delivered.end, None)
    until = grows_until(s.quote, usage, spend)
    if until is None:
        return None
    return at.plus(max(0, -(-(until - usage.end_utc_ms) // 1_000)))


def _usage(s: Session, begin: Reading, end: Reading, vacated_ms: int | None) -> use.Usage:
    pauses = tuple(located(s, p) for p in s.pauses)
    readings = tuple(r for r in s.readings if begin.utc_ms < r.utc_ms < end.utc_ms)
    return use.usage_from(begin, end, readings=readings, pauses=pauses, vacated_at=vacated_ms)
