"""The energy side of a decision: connectors, starts, meter values, stops and ends, as the pile reports them."""

from __future__ import annotations

from dataclasses import replace

from kiosk.metering.judge import judge, plausible
from kiosk.metering.reading import Delivered, Limits, Reading, Verdict
from kiosk.session import facts as f
from kiosk.session import limit, pauses, signed
from kiosk.session.cost import accrual_end
from kiosk.session.deadlines import lost_at
from kiosk.session.decision import Decision
from kiosk.session.inputs import (
    ConnectorChanged,
    ConnectorStatus,
    Done,
    MeterRead,
    Ok,
    Refused,
    Result,
    SignedRead,
    TxEnded,
    TxStarted,
)
from kiosk.session.money import declined_offline
from kiosk.session.requests import orphan_stop
from kiosk.session.reviews import counts_on, told_of_expiry
from kiosk.session.sellable import able
from kiosk.session.state import FLOWING, Kiosk, Orphan, Session, Stage, Start, Stop
from kiosk.values import ConnectorId, Digest, Moment, RequestRef

_PLUGGED = frozenset({ConnectorStatus.PREPARING, ConnectorStatus.SUSPENDED_EV, ConnectorStatus.SUSPENDED_EVSE, ConnectorStatus.CHARGING})
_GONE = frozenset({ConnectorStatus.AVAILABLE})
_UNPLUGGED = "EVDisconnected"  # OCPP 1.6 7.36: the cable is out, whenever the connector's own report may come
_LONGEST_STOP_S = 600
_TO_CAPTURE_S = 3_600  # before the reservation falls
_CLOCKS_APART_MS = 600_000


def transaction_for(k: Kiosk, i: TxStarted) -> int:
    """The transaction id to answer a StartTransaction with, once its facts are in. Raises LookupError when they are not."""
    session = session_with_tag(k, i.id_tag)
    if session and session.transaction is not None and _told_before(session, i):
        return session.transaction
    orphan = _orphan(k, i)
    if orphan is None:
        raise LookupError(f"no transaction was recorded for {i.pile} connector {i.number}")
    return orphan.transaction


def session_with_tag(k: Kiosk, id_tag: str) -> Session | None:
    """The sale that a fresh idTag was made for (case-insensitive: OCPP 1.6 CiString20)."""
    wanted = id_tag.upper()
    sessions = (*k.sessions.values(), *k.recent)
    return next((s for s in sessions if any(x.id_tag.upper() == wanted for x in s.starts)), None) if wanted else None


# --- connectors ---------------------------------------------------------------------------------------------------------------


def connector_changed(d: Decision, i: ConnectorChanged) -> None:
    connector = d.k.setup.by_number.get((i.pile, i.number))
    if connector is None:
        return
    _start_anew(d, connector.id, i.status)
    before = d.k.connectors.get(connector.id)
    if before is not None and (before.status, before.error) == (i.status, i.error):
        return
    d.note(f.ConnectorReported(d.at, connector.id, i.status, i.error))
    for s in tuple(d.k.sessions.values()):
        if s.connector == connector.id:
            _status(d, s, i)


def _status(d: Decision, s: Session, i: ConnectorChanged) -> None:
    status = i.status
    pause = s.resting
    if s.stage in FLOWING:
        by = {ConnectorStatus.SUSPENDED_EV: "car", ConnectorStatus.SUSPENDED_EVSE: "pile"}.get(status, "")
        if by and (pause is None or by != pause.by):
            d.note(f.DeliveryPaused(d.at, s.id, by))
        elif pause is not None and status is ConnectorStatus.CHARGING:
            d.note(f.DeliveryResumed(d.at, s.id, i.since if pause.lost is None else pauses.seen_until(s, pause)))
    elif s.stage is Stage.ENDED and (status in _GONE or (s.unseen_since is not None and status in _PLUGGED)):
        d.note(f.Vacated(d.at, s.id))  # a cable that is in again after nobody looked is another car's


# --- starting -----------------------------------------------------------------------------------------------------------------


def seek_start(d: Decision, s: Session) -> None:
    """Paid and not yet started: wait for the cable, ask the pile, ask again when the cable came only after a start in advance."""
    if not s.covered or s.transaction is not None or s.given_up:
        return
    reported = d.k.connectors.get(s.connector)
    plugged = reported is not None and reported.status in _PLUGGED
    if s.stage is Stage.PAYING:
        d.note(f.PlugAwaited(d.at, s.id, d.at.plus(d.policy.plug_s)))
        s = d.k.sessions[s.id]
    if s.stage is not Stage.WAITING_FOR_PLUG or s.plug_until is None:
        return
    if plugged and (not s.starts or s.start_lapsed):
        _request_start(d, s, True, d.at.plus(d.policy.start_s))
    elif not s.starts and s.stage_at and d.at.reached(s.stage_at.plus(d.policy.start_ahead_s)):
        _request_start(d, s, False, s.plug_until)


def _start_anew(d: Decision, connector: ConnectorId, status: ConnectorStatus) -> None:
    """A start from before the kiosk's restart may never have left it. A pile that now reports the cable, and no delivery, is asked anew."""
    s = d.k.at(connector)
    if s is None or status is not ConnectorStatus.PREPARING or s.transaction is not None or not s.starts or not s.covered:
        return
    last = s.starts[-1]
    asked_before = last.asked_at is not None and d.k.started_at is not None and d.k.started_at.ms_since(last.asked_at) > 0
    if asked_before and not last.answered and s.stage in (Stage.WAITING_FOR_PLUG, Stage.START_REQUESTED):
        _request_start(d, s, True, d.at.plus(d.policy.start_s))


def _request_start(d: Decision, s: Session, plugged: bool, until: Moment) -> None:
    request = RequestRef(f"{s.id}-S{len(s.starts) + 1}")
    id_tag = s.starts[0].id_tag if s.starts else d.ids.id_tag()
    d.note(f.StartRequested(d.at, s.id, request, id_tag, plugged, until))


def start_answered(d: Decision, s: Session, start: Start, result: Result) -> None:
    if start.answered or s.transaction is not None:
        return
    match result:
        case Done(Ok()):
            d.note(f.StartAccepted(d.at, s.id, start.request))
        case Refused(code=code, detail=detail):
            d.note(f.StartRefused(d.at, s.id, start.request, code, detail))
            # Without a cable a pile may refuse for now; one that has the earlier start, or may have it, refuses the later; an earlier one
            # is history.
            others = (other for other in s.starts if other.request != start.request)
            doubtful = start is not s.starts[-1] or not start.plugged or any(not other.answered or other.promised for other in others)
            if not s.given_up and not doubtful and s.stage is not Stage.START_FAILED:
                start_failed(d, d.k.sessions[s.id], "pile_refused")


def start_failed(d: Decision, s: Session, why: str) -> None:
    """Nothing came of a start. What is reserved serves for another try, as long as the plug could still do it."""
    if len(s.starts) < d.policy.most_starts and able(d.k, s.connector):
        d.note(f.StartFailed(d.at, s.id, why, d.at.plus(d.policy.retry_s)))
    else:
        d.note(f.SessionGivenUp(d.at, s.id, why))


def start_again(d: Decision, s: Session) -> None:
    """The driver wants another try under the same reservation."""
    if s.stage is Stage.START_FAILED:
        d.note(f.PlugAwaited(d.at, s.id, d.at.plus(d.policy.plug_s)))


def tx_started(d: Decision, i: TxStarted) -> None:
    s = session_with_tag(d.k, i.id_tag)
    if s is not None and s.transaction is not None and _told_before(s, i):
        return
    meant = s is not None and s.transaction is None and s.closed_at is None and _at(d.k, s, i)
    if s is None or not meant:
        if _orphan(d.k, i) is None:
            d.note(f.OrphanTransactionStarted(d.at, i.pile, i.number, d.ids.transaction(), i.begin, i.frame))
        return
    late = bool(s.given_up)
    d.note(f.DeliveryStarted(d.at, s.id, d.ids.transaction(), i.begin, i.frame, late))
    if late:
        d.note(f.ReviewOpened(d.at, s.id, "late_start", "the pile began after the sale was given up", None))
        request_stop(d, d.k.sessions[s.id], "late_start")
    else:
        limit.foresee(d, d.k.sessions[s.id], replace(i.begin, power_w=None))


def _told_before(s: Session, i: TxStarted) -> bool:
    """Whether this is the start we know, told again: the register stands where it stood, and while it runs the pile's clock may differ."""
    same = s.begin is not None and s.begin.mwh == i.begin.mwh
    return same and (s.ended_at is None or (s.begin is not None and s.begin.utc_ms == i.begin.utc_ms))


def _at(k: Kiosk, s: Session, i: TxStarted) -> bool:
    """Whether a transaction runs on the sale's own plug. A connector that left the configuration is believed."""
    connector = k.setup.by_id.get(s.connector)
    return connector is None or (connector.pile, connector.number) == (i.pile, i.number)


def _orphan(k: Kiosk, i: TxStarted) -> Orphan | None:
    same = (i.pile, i.number, i.begin.utc_ms, i.begin.mwh)
    return next((o for o in k.orphans.values() if (o.pile, o.number, o.begin.utc_ms, o.begin.mwh) == same), None)


# --- delivering ---------------------------------------------------------------------------------------------------------------


def meter_read(d: Decision, i: MeterRead) -> None:
    s = delivering(d.k, i)
    if s is None or s.begin is None or s.ended_at is not None:
        return
    last = s.last_reading
    if last is not None and i.reading.utc_ms < last.utc_ms:
        return  # replayed or late
    reading = counted(d.k, s, _not_ahead(i.reading, d.at))
    s = _gone_on(d, s, reading)
    full = limit.used_up(d, s, reading)
    unseen = s.resting is not None and not pauses.seen_at_rest(s)
    due = unseen or s.noted_at is None or d.at.reached(s.noted_at.plus(d.policy.note_s))
    if full or due or s.silent:
        d.note(f.MeterNoted(d.at, s.id, reading))
    if full:
        request_stop(d, d.k.sessions[s.id], "limit")
        return
    limit.ask_for_more(d, s, reading)
    if due or s.limit_at is not None:
        limit.foresee(d, s, reading)  # the sale as it was: its last reading shows the power


def _gone_on(d: Decision, s: Session, reading: Reading) -> Session:
    """The sale after a value that shows a flow in a pause: the pile's word that the car goes on was lost, or is still on its way."""
    last, limits = s.last_reading, _limits(d.k, s)
    if last is None or s.resting is None or not plausible(last, reading, limits) or not pauses.goes_on(s, reading, limits.max_power_w):
        return s
    d.note(f.DeliveryResumed(d.at, s.id, pauses.seen_until(s, s.resting)))
    return d.k.sessions[s.id]


def watch_cover(d: Decision, s: Session) -> None:
    """Nobody stands for what is delivered any more: the issuer declined what the terminal alone had approved."""
    if s.stage in FLOWING and not s.stops and not s.covered:
        request_stop(d, s, "declined")


def watch_limit(d: Decision, s: Session) -> None:
    """The reserved money is used up by now, whatever was heard of the delivery."""
    if s.stage in FLOWING and not s.stops and s.limit_at is not None and d.at.reached(s.limit_at):
        request_stop(d, s, "limit")


def watch_hold(d: Decision, s: Session) -> None:
    """A reservation does not last for ever: half-way a person is told, and a charge that still runs is ended before it falls."""
    for p in s.payments.values():
        if p.expires_at is None or not counts_on(s, p):
            continue
        left_ms, whole_ms = d.at.ms_until(p.expires_at), p.expires_at.ms_since(p.requested_at)
        if left_ms * 2 <= whole_ms and not told_of_expiry(s, p):
            d.note(f.ReviewOpened(d.at, s.id, "hold_expiring", p.ref, p.expires_at))
        if left_ms * 10 <= whole_ms and p is s.payment and s.stage in FLOWING and not s.stops:
            request_stop(d, d.k.sessions[s.id], "hold_expiring")
        if left_ms <= 0 and p.stored:
            declined_offline(d, d.k.sessions[s.id], p, "no issuer was heard of")


def _not_ahead(reading: Reading, at: Moment) -> Reading:
    """A reading stamped far in the future would make every later one look old: then our own time counts."""
    return replace(reading, utc_ms=at.utc_ms) if reading.utc_ms > at.utc_ms + _CLOCKS_APART_MS else reading


def counted(k: Kiosk, s: Session, reading: Reading) -> Reading:
    """The reading on the register that the delivery began with. A register that wrapped, or that counts each session from zero while the
    begin is of the lifetime one, is moved onto it; what cannot be explained stays as it is, and the end decides."""
    if s.begin is None or reading.mwh >= s.begin.mwh:
        return reading
    so_far = judge((), _limits(k, s), begin=s.begin, end=reading, ended_at=reading.utc_ms)
    return so_far.end if so_far.verdict is Verdict.VALID and so_far.end is not None else reading


def signed_read(d: Decision, i: SignedRead) -> None:
    if (s := delivering(d.k, i)) is not None:
        signed.keep(d, s, i)
    elif (s := _session_over(d.k, i)) is not None:
        signed.weigh_anew(d, s, i.signed, _limits(d.k, s))


def _session_over(k: Kiosk, i: SignedRead) -> Session | None:
    """The sale whose delivery is over that a signed value names: a pile may tell the signed end apart, after the end."""
    everyone = (*k.sessions.values(), *k.recent)
    return next((s for s in everyone if s.transaction is not None and s.transaction == i.transaction and s.ended_at is not None), None)


def delivering(k: Kiosk, i: MeterRead | SignedRead) -> Session | None:
    """The delivery that a meter value belongs to: by its transaction, or by its connector when it names none."""
    connector = k.setup.by_number.get((i.pile, i.number))
    flowing = (s for s in k.sessions.values() if s.stage in FLOWING)
    if i.transaction is not None:
        return next((s for s in flowing if s.transaction == i.transaction), None)
    return next((s for s in flowing if connector and s.connector == connector.id), None)


def request_stop(d: Decision, s: Session, by: str) -> None:
    """Ask the pile to end the transaction."""
    if s.transaction is None or s.ended_at is not None:
        return
    request = RequestRef(f"{s.id}-E{len(s.stops) + 1}")
    patience = min(d.policy.stop_s << min(len(s.stops), 8), _LONGEST_STOP_S)
    d.note(f.StopRequested(d.at, s.id, request, s.transaction, by, d.at.plus(patience)))


def stop_answered(d: Decision, s: Session, stop: Stop, result: Result) -> None:
    if stop.answered:
        return
    match result:
        case Done(Ok()):
            d.note(f.StopAnswered(d.at, s.id, stop.request, True, ""))
        case Refused(code=code, detail=detail):
            d.note(f.StopAnswered(d.at, s.id, stop.request, False, f"{code} {detail}".strip()))


def insist_on_stop(d: Decision, s: Session) -> None:
    """A stop that led to nothing in time is asked for again, and the operator is told once."""
    stop = s.stops[-1] if s.stops else None
    connector = d.k.setup.by_id.get(s.connector)
    if stop is None or s.ended_at is not None or not d.at.reached(stop.until) or connector is None or connector.pile not in d.k.online:
        return
    if not any(r.code == "stop_unanswered" for r in s.reviews):
        d.note(f.ReviewOpened(d.at, s.id, "stop_unanswered", stop.request, None))
    request_stop(d, d.k.sessions[s.id], stop.by)


def orphan_stop_answered(d: Decision, request: RequestRef, result: Result) -> None:
    orphan = next((o for o in d.k.orphans.values() if orphan_stop(d.k, o.transaction) == request and not o.stop_answered), None)
    if orphan is None:
        return
    match result:
        case Done(Ok()):  # a refusal leaves it open: it is asked again, ever more rarely
            d.note(f.OrphanStopAnswered(d.at, orphan.transaction, True, ""))


# --- ending -------------------------------------------------------------------------------------------------------------------


def tx_ended(d: Decision, i: TxEnded) -> None:
    s = _session_ended(d.k, i)
    if s is None:
        d.note(f.OrphanTransactionEnded(d.at, i.pile, _orphan_ended(d.k, i), i.end, i.reason, i.frame))
        return
    if s.ended_at is not None or s.closed_at is not None:
        _ended_again(d, s, i)
        return
    end, estimated = i.end, i.estimated
    if end is None and s.readings:
        end, estimated = s.readings[-1], True
    if end is not None and s.transaction is not None:
        s = _gone_on(d, s, end)
    if s.transaction is None:
        begin = i.begin or i.end or Reading(d.at.utc_ms, 0)
        d.note(f.DeliveryStarted(d.at, s.id, d.ids.transaction(), begin, i.frame, bool(s.given_up)))
        delivered = judge((), _limits(d.k, s), begin=i.begin, end=i.end, ended_at=d.at.utc_ms)
        s = d.k.sessions[s.id]
    else:
        delivered = judge(s.readings, _limits(d.k, s), begin=_begun(s, i), end=end, ended_at=d.at.utc_ms)
    delivered = signed.weigh(d, s, i.signed, delivered, _limits(d.k, s))
    if estimated and end is not None and delivered.verdict is Verdict.VALID:
        d.note(f.ReviewOpened(d.at, s.id, "meter_estimated", "the end tells no register; the last value heard counts", None))
    _end(d, d.k.sessions[s.id], i.reason, delivered, i)


def _begun(s: Session, i: TxEnded) -> Reading | None:
    """The register at the begin: as the end tells it, for both then come from one register. An end that leaves no time in between, from a
    pile that lost its clock on the way, has not moved the begin: that was told when it was."""
    if i.begin is None or s.begin is None or i.end is None or i.begin.utc_ms < i.end.utc_ms:
        return i.begin or s.begin
    return replace(i.begin, utc_ms=s.begin.utc_ms)


def signed_before(k: Kiosk, i: TxEnded | SignedRead) -> tuple[Digest, ...]:
    """The signed values of the transaction that came before its end, by their names in evidence; before a value that comes after the end,
    all that were weighed there."""
    if isinstance(i, TxEnded):
        s = _session_ended(k, i)
        return s.signed if s is not None else ()
    s = _session_over(k, i)
    if s is None or k.setup.policy.signed == "ignore":
        return ()
    return s.weighed.evidence if s.weighed is not None else s.signed


def _orphan_ended(k: Kiosk, i: TxEnded) -> int:
    """The transaction an end without a sale is about: the one it names, or the only one that the pile can mean by -1."""
    there = [o.transaction for o in k.orphans.values() if o.pile == i.pile]
    return there[0] if i.transaction not in k.orphans and i.transaction <= 0 and len(there) == 1 else i.transaction


def _session_ended(k: Kiosk, i: TxEnded) -> Session | None:
    if i.transaction in k.orphans:
        return None
    everyone = (*k.sessions.values(), *k.recent)
    if s := next((x for x in everyone if x.transaction == i.transaction), None):
        return s
    if s := session_with_tag(k, i.id_tag):
        return s
    if i.transaction > 0 or i.id_tag or i.end is None:
        return None
    # The pile never got our answer to its StartTransaction, and names no tag (OCPP 1.6 errata 3.18): the one start it may mean.
    there = {c.id for c in k.setup.connectors if c.pile == i.pile}
    waiting = [s for s in k.sessions.values() if s.starts and s.transaction is None and s.connector in there]
    return waiting[0] if len(waiting) == 1 else None


def _ended_again(d: Decision, s: Session, i: TxEnded) -> None:
    signed.weigh_late(d, s, i.signed)
    known = s.delivered.end if s.delivered else None
    if i.end is None:
        return
    if (known is not None and known.mwh == counted(d.k, s, i.end).mwh) or any(r.code == "late_end" for r in s.reviews):
        return
    d.note(f.ReviewOpened(d.at, s.id, "late_end", f"the pile now says {i.end.mwh} mWh at its register", None))


def settle_lost(d: Decision, s: Session) -> None:
    """No end of the transaction came and none can be expected: what the journal proves is what counts."""
    if s.stage not in FLOWING:
        return
    if any(d.at.reached(lost) for lost in lost_at(d.k, s)):
        last = s.readings[-1] if s.readings else None  # never heard of is not nothing delivered
        delivered = judge(s.readings, _limits(d.k, s), begin=s.begin, end=last, ended_at=d.at.utc_ms)
        d.note(f.ReviewOpened(d.at, s.id, "meter_estimated", "no end of the transaction came; the last reading counts", None))
        _end(d, s, "lost", signed.lost(d, delivered), None)


def watch_silence(d: Decision, s: Session) -> None:
    if s.stage in FLOWING and not s.silent and s.heard_at and d.at.reached(s.heard_at.plus(d.policy.pile_silent_s)):
        d.note(f.PileSilent(d.at, s.id))
        connector = d.k.setup.by_id.get(s.connector)
        if not s.stops and connector is not None and connector.pile in d.k.online:
            request_stop(d, d.k.sessions[s.id], "silence")  # energy that nobody counts is not sold


def _end(d: Decision, s: Session, reason: str, delivered: Delivered, i: TxEnded | None) -> None:
    stays = i is not None and reason != _UNPLUGGED and delivered.verdict is Verdict.VALID and delivered.mwh
    until = accrual_end(s, delivered, d.at) if stays else None
    cap = d.at.plus(d.policy.longest_stay_s)
    if s.payment is not None and s.payment.expires_at is not None:
        cap = min(cap, s.payment.expires_at.plus(-_TO_CAPTURE_S), key=d.at.ms_until)
    if until is not None and until.utc_ms > cap.utc_ms:
        until = cap
    d.note(f.DeliveryEnded(d.at, s.id, reason, delivered, i.frame if i else None, until))
    reported = d.k.connectors.get(s.connector)
    if reported is not None and reported.status in _GONE:
        d.note(f.Vacated(d.at, s.id))


def _limits(k: Kiosk, s: Session) -> Limits:
    connector = k.setup.by_id.get(s.connector)
    return Limits(connector.max_power_w if connector else 1_000_000)
