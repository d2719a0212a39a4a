"""Which open request is attempted now, which later, and how: bookkeeping without loop or disk.

An attempt ends in `Done`, `Refused`, `NotSent` or `Unknown`; whether there is another one, and when, is decided here on product time. A
request that was open when the kiosk started may have been attempted by the process before it, and is treated so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from kiosk.journal.state import Retry
from kiosk.session.inputs import Done, NotSent, Refused, Result, Unknown
from kiosk.session.requests import AbortPreauthorization, Modify, Preauthorize, Recovery, Request
from kiosk.values import Moment, Money, RequestRef


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between attempts: `query_s` for questions, doubling from `first_s` to `most_s` for everything else."""

    query_s: int = 5
    first_s: int = 2
    most_s: int = 300


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to make now. `again`: an earlier one may have reached the far end, so the request's recovery applies."""

    request: Request
    again: bool


@dataclass(frozen=True, slots=True)
class Waiting:
    """One open request, for people. `operation` and `amount` where it is about money; `words` are those of the last attempt."""

    ref: str
    kind: str
    operation: str
    amount: Money | None
    age_s: int
    attempts: int
    words: str
    next_try: Moment | None
    deadline: Moment | None


@dataclass(slots=True)
class _Case:
    request: Request
    since: Moment
    words: str = ""
    attempts: int = 0
    reached: bool = False  # an attempt may have reached the far end
    next_at: Moment | None = None
    running: bool = False


@dataclass(slots=True)
class Effects:
    """The open requests and their attempts."""

    pace: Pace
    cases: dict[RequestRef, _Case] = field(default_factory=dict)

    def restore(self, requests: Iterable[Request], retries: Iterable[Retry], at: Moment) -> None:
        """The requests that were open when the kiosk stopped. Each may have been attempted.

        Its pace goes on, so that a brown-out loop stays slow.
        """
        known = {RequestRef(r.ref): r for r in retries}
        for request in requests:
            retry = known.get(request.ref)
            case = _Case(request, at, retry.last_error if retry else "", attempts=retry.attempts if retry else 0, reached=True)
            if retry and retry.next_try > at.utc_ms:
                case.next_at = at.plus(min(self.pace.most_s, -(-(retry.next_try - at.utc_ms) // 1_000)))
            self.cases[request.ref] = case

    def ready(self, requests: Iterable[Request], at: Moment) -> tuple[Attempt, ...]:
        """The attempts to make now; they count as running until `ended`.

        Requests that are no longer open are forgotten when their attempt has ended.
        """
        wanted = {r.ref: r for r in requests}
        for ref in [ref for ref, case in self.cases.items() if ref not in wanted and not case.running]:
            del self.cases[ref]
        attempts = []
        for ref, request in wanted.items():
            case = self.cases.setdefault(ref, _Case(request, at))
            if case.running or (case.next_at is not None and not at.reached(case.next_at)) or self._lane_taken(request):
                continue
            case.running = True
            attempts.append(Attempt(request, case.reached))
        return tuple(attempts)

    def ended(self, request: Request, result: Result, at: Moment) -> Retry | None:
        """An attempt came to its end. The row to keep for it, or None when the request is done with."""
        case = self.cases.setdefault(request.ref, _Case(request, at))
        case.running = False
        case.attempts += 1
        case.reached = case.reached or not isinstance(result, NotSent)
        if isinstance(result, Done | Refused):
            case.next_at = at.plus(self._wait(case))  # should the decision leave it open
            return None
        wait = self._wait(case)
        case.next_at = at.plus(wait)
        case.words = _words(result)
        return Retry(request.ref, case.attempts, at.utc_ms + wait * 1_000, _words(result), at.utc_ms)

    def queue(self, at: Moment) -> tuple[Waiting, ...]:
        """What is open, the most urgent first."""
        rows = [_waiting(case, at) for case in self.cases.values()]
        return tuple(sorted(rows, key=lambda row: (row.deadline is None, row.deadline.utc_ms if row.deadline else 0, -row.age_s)))

    def flush(self, at: Moment) -> None:
        """Try everything that waits again now. Attempts made so far still count."""
        for case in self.cases.values():
            if case.next_at is not None:
                case.next_at = at

    def next_at(self, at: Moment) -> Moment | None:
        """When the next attempt is due."""
        waiting = [c.next_at for c in self.cases.values() if c.next_at is not None and not c.running]
        return min(waiting, key=at.ms_until, default=None)

    def _wait(self, case: _Case) -> int:
        if case.request.recovery is Recovery.QUERY:
            return self.pace.query_s
        return int(min(self.pace.most_s, self.pace.first_s << min(case.attempts - 1, 16)))

    def _lane_taken(self, request: Request) -> bool:
        """A terminal has one dialogue at a time: a new one waits for the one before and for its abort, a question about one does not."""
        if not isinstance(request.body, Preauthorize) or self.cases[request.ref].reached:
            return False
        under_way = (c for c in self.cases.values() if c.running and not c.reached)
        return any(isinstance(c.request.body, Preauthorize | AbortPreauthorization) for c in under_way)


def _waiting(case: _Case, at: Moment) -> Waiting:
    body = case.request.body
    operation, amount = (body.operation, body.amount) if isinstance(body, Modify) else ("", None)
    since = case.request.since or case.since
    return Waiting(
        case.request.ref,
        case.request.kind,
        operation,
        amount,
        at.ms_since(since) // 1_000,
        case.attempts,
        case.words,
        case.next_at,
        case.request.deadline,
    )


def _words(result: NotSent | Unknown) -> str:
    return f"{type(result).__name__}: {result.detail}" if result.detail else type(result).__name__
