"""When a charge rested, in the time of the registers, and that it goes on though the pile's word of it is late or lost.

A pause is billed as far as it was seen. Whoever was not seen to rest charged, for all we know: the driver pays for no stay that nobody saw.
"""

from __future__ import annotations

from kiosk.metering.reading import Reading
from kiosk.pricing import usage as use
from kiosk.session.state import Pause, Session
from kiosk.values import Moment

_CLOCKS_APART_MS = 600_000  # beyond which one of two clocks is wrong
_AT_REST_MS = 30_000  # a car that ends its charge lowers its power first, and its pile may say so a little early
_WATT_MS_PER_MWH = 3_600
_STANDBY_W = 500  # what a car that does not charge may draw; the least charge is 6 A of one phase, 1.4 kW (IEC 61851-1)


def located(s: Session, p: Pause) -> use.Pause:
    """A pause in the time of the registers. How long it was is counted since boot, for a clock may be set meanwhile."""
    begin = _by_the_register(s, p.begin)
    if p.end is None:
        return use.Pause(begin, None, p.by)
    one_boot = p.begin.boot_id == p.end.boot_id
    end = begin + max(0, p.end.ms_since(p.begin)) if one_boot else _by_the_register(s, p.end)
    return use.Pause(begin, end if p.until is None else max(begin, min(end, p.until)), p.by)


def seen_at_rest(s: Session) -> bool:
    """Whether the last value that was noted was read in the pause that lasts, after the flow had come to rest."""
    pause, last = s.resting, s.last_reading
    return pause is not None and last is not None and last.utc_ms >= _rest_ms(s, pause)


def goes_on(s: Session, reading: Reading, most_w: int) -> bool:
    """Whether a value shows that energy flows in the pause that lasts: more than can have flowed before it, and than a car needs that only
    stands by. `most_w` is the connector's power."""
    pause, last = s.resting, s.last_reading
    if pause is None or last is None:
        return False
    whole_ms = reading.utc_ms - last.utc_ms
    before_ms = min(max(0, _rest_ms(s, pause) - last.utc_ms), whole_ms)
    return (reading.mwh - last.mwh) * _WATT_MS_PER_MWH > most_w * before_ms + _STANDBY_W * (whole_ms - before_ms)


def seen_until(s: Session, pause: Pause) -> int:
    """Until when the pause that lasts was seen, in the time of the registers: the last value that stood still, or that we lost the pile."""
    if s.last_reading is not None and seen_at_rest(s):
        return s.last_reading.utc_ms
    return _rest_ms(s, pause) if pause.lost is None else _by_the_register(s, pause.lost)


def _rest_ms(s: Session, pause: Pause) -> int:
    return _by_the_register(s, pause.begin) + _AT_REST_MS


def _by_the_register(s: Session, moment: Moment) -> int:
    """When a pause was, in the time of the registers: by values of the same boot that did not wait on their way. While there are none
    our wall clock serves; it may be set while a car charges, so it counts from the start of the delivery, where one process saw both."""
    heard = next((h for h in s.registers if h.sure and h.at.boot_id == moment.boot_id), None)
    if heard is not None:
        return heard.utc_ms - moment.ms_until(heard.at)
    began = s.started_at
    if began is None or s.begin is None or began.boot_id != moment.boot_id:
        return moment.utc_ms
    since_ms = moment.ms_since(began)
    if abs(began.utc_ms - s.begin.utc_ms) <= _CLOCKS_APART_MS:
        return began.utc_ms + since_ms
    return max(moment.utc_ms, s.begin.utc_ms + since_ms)
