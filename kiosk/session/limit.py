"""How far a charge may go: it stops before the reserved money, or what an account allows, is used up, and asks for more where the driver
agreed to that.

The margin is what flows until a stop takes effect: the power of now, over one reporting interval and the time a pile needs to stop.
"""

from __future__ import annotations

from dataclasses import replace

from kiosk.metering.reading import Reading
from kiosk.session import facts as f
from kiosk.session.cost import most_at, owes
from kiosk.session.decision import Decision
from kiosk.session.money import request_adjustment
from kiosk.session.state import ModificationState, Session
from kiosk.values import Moment, Money

_MS_PER_HOUR = 3_600_000
_STOP_TAKES_S = 10  # until a pile that was asked to stop gives no more
_MOVED_S = 5  # a limit foreseen that moves by less is not told again


def used_up(d: Decision, s: Session, reading: Reading) -> bool:
    """Whether the charge must stop now."""
    spend = s.spendable
    if s.stops or (spend is None and s.most_mwh is None):
        return False
    ahead = _ahead(reading, _power(d, s, reading), d.policy.report_s + _STOP_TAKES_S)
    if _enough(s, ahead):
        return True
    return spend is not None and (owes(s, reading, spend - d.policy.margin) or owes(s, ahead, spend))


def _enough(s: Session, reading: Reading) -> bool:
    """Whether the account allows no more energy than this."""
    return s.most_mwh is not None and s.begin is not None and reading.mwh - s.begin.mwh >= s.most_mwh


def ask_for_more(d: Decision, s: Session, reading: Reading) -> None:
    """Grow the reservation by a step when half a step is left of it. After a no it stays as it is."""
    payment, quote = s.payment, s.quote
    if payment is None or payment.usable is None or payment.stored or quote is None or quote.step is None or quote.most is None:
        return
    if s.stops or payment.usable >= quote.most or any(_keeps(m.operation, m.state) for m in s.modifications.values()):
        return
    half = Money(quote.step.minor // 2, quote.step.currency)
    ahead = _ahead(reading, _power(d, s, reading), d.policy.report_s + _STOP_TAKES_S)
    if owes(s, ahead, payment.usable - half):
        request_adjustment(d, s, payment, min(payment.usable + quote.step, quote.most))


def _keeps(operation: str, state: ModificationState) -> bool:
    """Whether this adjustment forbids another one: its answer is awaited, or it was no."""
    return operation == "adjust" and state is not ModificationState.CONFIRMED


def foresee(d: Decision, s: Session, reading: Reading) -> None:
    """Note when the money will be used up, if that may be before the next reading is noted or the pile is found silent."""
    spend = s.spendable
    if s.stops or (spend is None and s.most_mwh is None):
        return
    horizon_s = d.policy.note_s + d.policy.pile_silent_s
    when = _when(d, s, reading, None if spend is None else spend - d.policy.margin, horizon_s)
    before = s.limit_at
    if when is None and before is None:
        return
    if when is None or before is None or abs(before.ms_until(when)) > _MOVED_S * 1_000:
        d.note(f.LimitForeseen(d.at, s.id, when))


def foresee_anew(d: Decision, s: Session) -> None:
    """More is reserved than when the end of it was foreseen: look again from the last reading, at the power it had."""
    last = s.last_reading
    if last is None or s.noted_at is None or s.limit_at is None:
        return
    if last is s.begin:
        last = replace(last, power_w=None)
    foresee(d, s, _ahead(last, _power(d, s, last), d.at.ms_since(s.noted_at) // 1_000 + 1))


def _when(d: Decision, s: Session, reading: Reading, spend: Money | None, horizon_s: int) -> Moment | None:
    """The first whole second at which `spend` is owed at the power of now, or all the energy is given that the account allows."""
    furthest = _ahead(reading, _most_power(d, s), horizon_s)
    if not _enough(s, furthest) and (spend is None or most_at(s, furthest) < spend):
        return None
    power = _power(d, s, reading)

    def over(then: Reading) -> bool:
        return _enough(s, then) or (spend is not None and owes(s, then, spend))

    if not over(_ahead(reading, power, horizon_s)):
        return None
    low, high = 0, horizon_s
    while low < high:
        middle = (low + high) // 2
        if over(_ahead(reading, power, middle)):
            high = middle
        else:
            low = middle + 1
    return d.at.plus(low)


def _ahead(reading: Reading, power_w: int, seconds: int) -> Reading:
    """The register if `power_w` flows for `seconds` more."""
    ms = seconds * 1_000
    mwh = reading.mwh + power_w * 1_000 * ms // _MS_PER_HOUR
    return Reading(reading.utc_ms + ms, mwh, reading.power_w, reading.soc_percent)


def _power(d: Decision, s: Session, reading: Reading) -> int:
    """Of now, in W: as the pile says, or as the last two readings show, or else all that the plug can give."""
    most = _most_power(d, s)
    if reading.power_w is not None:
        return max(0, min(reading.power_w, most))
    last = s.last_reading
    if last is None or last.utc_ms >= reading.utc_ms:
        return most
    shown = (reading.mwh - last.mwh) * _MS_PER_HOUR // ((reading.utc_ms - last.utc_ms) * 1_000)
    return max(0, min(most, shown))


def _most_power(d: Decision, s: Session) -> int:
    connector = d.k.setup.by_id.get(s.connector)
    return connector.max_power_w if connector else 1_000_000
