"""Which open request is attempted now, which later, and how: bookkeeping without loop or disk.

An attempt ends in `Done`, `Refused`, `NotSent` or `Unknown`; whether there is another one, and when, is decided here on product time. A
request that was open when the kiosk started may have been attempted by the process before it, and is treated so.

Requests to the acquirer go out in the order of their deadlines. While the acquirer cannot be reached one of them tries at a time, the most
urgent first and each once before any tries again, so that one which it will never take does not stop the rest; once one goes through, all
others follow.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from kiosk.journal.state import Retry
from kiosk.session.inputs import Done, NotSent, Refused, Result, Unknown
from kiosk.session.requests import AbortPreauthorization, Modify, Preauthorize, Recovery, Request
from kiosk.values import Moment, Money, RequestRef

_NOT_SENT = NotSent.__name__


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between attempts: `query_s` for questions, doubling from `first_s` to `most_s` for everything else."""

    query_s: int = 5
    first_s: int = 2
    most_s: int = 300

    def wait(self, failures: int) -> int:
        """Seconds after the attempt that failed as number `failures`."""
        return int(min(self.most_s, self.first_s << min(failures - 1, 16)))


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to make now. `again`: an earlier one may have reached the far end, so the request's recovery applies."""

    request: Request
    again: bool


@dataclass(frozen=True, slots=True)
class Queued:
    """An open request as people are told of it. `next_s`: seconds until it is tried again, 0 when it is under way or due; `words` are those
    of its last attempt, `operation` says which way the money goes."""

    ref: RequestRef
    kind: str
    operation: str
    amount: Money | None
    age_s: int
    attempts: int
    words: str
    next_s: int
    deadline: Moment | None


@dataclass(slots=True)
class _Case:
    request: Request
    attempts: int = 0
    reached: bool = False  # an attempt may have reached the far end
    next_at: Moment | None = None
    running: bool = False
    words: str = ""

    @property
    def for_acquirer(self) -> bool:
        return isinstance(self.request.body, Modify)

    @property
    def spent(self) -> bool:
        """What must not be done twice was tried, and the decision on that is perhaps still on its way to the disk."""
        return self.attempts > 0 and self.request.recovery is Recovery.NEVER_AGAIN

    def due(self, at: Moment) -> bool:
        return not self.running and not self.spent and (self.next_at is None or at.reached(self.next_at))


@dataclass(slots=True)
class _Outage:
    """While the acquirer cannot be reached. `tried` are the requests that have had their turn since all had one."""

    failures: int = 1
    next_at: Moment | None = None
    tried: set[RequestRef] = field(default_factory=set)
    probe: RequestRef | None = None  # the one that tries now


@dataclass(slots=True)
class Effects:
    """The open requests and their attempts."""

    pace: Pace
    cases: dict[RequestRef, _Case] = field(default_factory=dict)
    _outage: _Outage | None = None

    def restore(self, requests: Iterable[Request], retries: Iterable[Retry], at: Moment) -> None:
        """The requests that were open when the kiosk stopped. Each may have been attempted.

        Its pace goes on, so that a brown-out loop stays slow, and an outage of the acquirer is still one.
        """
        known = {RequestRef(r.ref): r for r in retries}
        last: Retry | None = None
        for request in requests:
            retry = known.get(request.ref)
            case = _Case(request, attempts=retry.attempts if retry else 0, reached=True, words=retry.last_error if retry else "")
            if retry and retry.next_try > at.utc_ms:
                case.next_at = at.plus(min(self.pace.most_s, -(-(retry.next_try - at.utc_ms) // 1_000)))
            if retry and case.for_acquirer and (last is None or retry.updated > last.updated):
                last = retry
            self.cases[request.ref] = case
        if last is not None and last.last_error.startswith(_NOT_SENT):
            self._outage = _Outage()

    def ready(self, requests: Iterable[Request], at: Moment) -> tuple[Attempt, ...]:
        """The attempts to make now; they count as running until `ended`.

        Requests that are no longer open are forgotten when their attempt has ended.
        """
        wanted = {r.ref: r for r in requests}
        for ref in [ref for ref, case in self.cases.items() if ref not in wanted and not case.running]:
            del self.cases[ref]
        attempts, waiting = [], []
        for ref, request in wanted.items():
            case = self.cases.get(ref)
            if case is None:
                case = self.cases[ref] = _Case(request)
            if not case.due(at):
                continue
            if case.for_acquirer:
                waiting.append(case)
            elif not self._lane_taken(request):
                attempts.append(_begun(case))
        return (*attempts, *(_begun(case) for case in self._turns(waiting, at))) if waiting else tuple(attempts)

    def ended(self, request: Request, result: Result, at: Moment) -> Retry | None:
        """An attempt came to its end. The row to keep for it, or None when the request is done with."""
        case = self.cases.setdefault(request.ref, _Case(request))
        case.running = False
        case.attempts += 1
        case.reached = case.reached or not isinstance(result, NotSent)
        wait = self.pace.query_s if request.recovery is Recovery.QUERY else self.pace.wait(case.attempts)
        case.next_at = at.plus(wait)  # after `Done` or `Refused` too, should the decision leave it open
        if case.for_acquirer:
            self._acquirer_said(case, result, at)
        case.words = _words(result) if isinstance(result, NotSent | Unknown) else ""
        if not case.words:
            return None
        return Retry(request.ref, case.attempts, at.utc_ms + wait * 1_000, case.words, at.utc_ms)

    def next_at(self, at: Moment) -> Moment | None:
        """When the next attempt is due."""
        outage = self._outage
        moments, held = [], []
        for case in self.cases.values():
            if case.running or case.spent:
                continue
            if outage is not None and case.for_acquirer:
                held.append(case.next_at or at)
            elif case.next_at is not None:
                moments.append(case.next_at)
        if outage is not None and held and outage.probe is None:
            soonest = min(held, key=at.ms_until)
            moments.append(soonest if outage.next_at is None else max(soonest, outage.next_at, key=at.ms_until))
        return min(moments, key=at.ms_until, default=None)

    # --- what people see and can do -----------------------------------------------------------------------------------------------

    def queue(self, at: Moment) -> tuple[Queued, ...]:
        """What is open, the most urgent first."""
        rows = []
        for case in sorted(self.cases.values(), key=lambda c: _urgency(c, at)):
            body, since = case.request.body, case.request.since
            due = None if case.running else case.next_at
            rows.append(
                Queued(
                    case.request.ref,
                    case.request.kind,
                    body.operation if isinstance(body, Modify) else "",
                    body.amount if isinstance(body, Modify | Preauthorize | AbortPreauthorization) else None,
                    0 if since is None else at.ms_since(since) // 1_000,
                    case.attempts,
                    case.words,
                    0 if due is None else max(0, -(-at.ms_until(due) // 1_000)),
                    case.request.deadline,
                )
            )
        return tuple(rows)

    def flush(self, at: Moment) -> None:
        """Somebody does not want to wait: all that is open is due now. How often each was tried stays known."""
        for case in self.cases.values():
            case.next_at = at
        if self._outage is not None:
            self._outage.next_at = at
            self._outage.tried.clear()

    # --- the acquirer -------------------------------------------------------------------------------------------------------------

    def _turns(self, waiting: list[_Case], at: Moment) -> list[_Case]:
        """Which of the acquirer's requests that are due may try now."""
        waiting.sort(key=lambda case: _urgency(case, at))
        outage = self._outage
        if outage is None:
            return waiting
        if outage.probe is not None or (outage.next_at is not None and not at.reached(outage.next_at)):
            return []
        if all(case.request.ref in outage.tried for case in waiting):
            outage.tried.clear()
        turn = next(case for case in waiting if case.request.ref not in outage.tried)
        outage.probe = turn.request.ref
        return [turn]

    def _acquirer_said(self, case: _Case, result: Result, at: Moment) -> None:
        ref, outage = case.request.ref, self._outage
        if outage is not None and outage.probe == ref:
            outage.probe = None
            outage.tried.add(ref)
            if isinstance(result, NotSent | Unknown):
                outage.failures += 1
                outage.next_at = at.plus(self.pace.wait(outage.failures))
        if isinstance(result, NotSent):
            if outage is None:
                self._outage = outage = _Outage(next_at=at.plus(self.pace.first_s))
            outage.tried.add(ref)
        elif outage is not None and isinstance(result, Done | Refused):
            self._outage = None
            for other in self.cases.values():
                if other is not case and other.for_acquirer and other.words.startswith(_NOT_SENT):
                    other.next_at = None

    def _lane_taken(self, request: Request) -> bool:
        """A terminal has one dialogue at a time: a new one waits for the one before and for its abort, a question about one does not."""
        if not isinstance(request.body, Preauthorize) or self.cases[request.ref].reached:
            return False
        under_way = (c for c in self.cases.values() if c.running and not c.reached)
        return any(isinstance(c.request.body, Preauthorize | AbortPreauthorization) for c in under_way)


def _begun(case: _Case) -> Attempt:
    case.running = True
    return Attempt(case.request, case.reached)


def _urgency(case: _Case, at: Moment) -> tuple[bool, int]:
    """What has no deadline comes last."""
    deadline = case.request.deadline
    return (True, 0) if deadline is None else (False, at.ms_until(deadline))


def _words(result: NotSent | Unknown) -> str:
    return f"{type(result).__name__}: {result.detail}" if result.detail else type(result).__name__
