"""Whatever happens, in whatever order: decide never fails, the facts add up to the state, and the money stays right."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from world import PER_KWH, PER_KWH_AND_STAY, SETUP, World, approval, code_digest, quote

from kiosk.metering.reading import Reading, Verdict
from kiosk.session import facts as f
from kiosk.session import inputs as i
from kiosk.session.deadlines import next_deadline
from kiosk.session.evolve import fold
from kiosk.session.requests import Request, open_requests
from kiosk.session.state import FLOWING, Kiosk, Session, Stage
from kiosk.values import ConnectorId, Digest, Money, SessionId

YEAR_9999_MS = 253_402_300_799_000
PICK = st.integers(0, 7)  # which of the open requests, sales or transactions is meant

RESULTS = st.one_of(
    st.builds(i.Done, st.builds(approval, st.sampled_from([0, 499, 500, 4_000, 5_000, 6_000]))),
    st.just(i.Done(i.Approval(Money(5_000, "CHF"), "PSP", "T", i.CardFacts()))),
    st.just(i.Done(i.Accepted("ACQ"))),
    st.just(i.Done(i.Ok())),
    st.sampled_from([i.Done(i.Printed(word)) for word in ("printed", "unconfirmed", "interrupted")]),
    st.sampled_from([i.Refused(code) for code in ("refused", "aborted", "rejected", "never heard of")]),
    st.just(i.NotSent()),
    st.sampled_from([i.Unknown(hint) for hint in ("", "in_progress", "not_found")]),
)
REGISTERS = st.sampled_from([0, 1, 99, 100, 101, 110, 198, 250, 54_000, 10**9])
STATUSES = st.sampled_from(i.ConnectorStatus)

TAGS = (
    i.Account(Digest("a1" * 32), "C-1", "depot"),
    i.Account(Digest("a2" * 32), "C-1", "depot", True, Money(1_000, "EUR")),
    i.Account(Digest("b1" * 32), "C-2", "depot", False, None, 5_000_000),
)

DISTURBANCES = st.one_of(
    st.tuples(st.just("accept"), st.sampled_from([c.id for c in SETUP.connectors] + ["nowhere"]), st.booleans()),
    st.tuples(st.just("answer"), PICK, RESULTS),
    st.tuples(st.just("good answer"), PICK),
    st.tuples(st.just("answer"), PICK, RESULTS),
    st.tuples(st.just("good answer"), PICK),
    st.tuples(st.just("tag"), st.sampled_from([c.id for c in SETUP.connectors]), PICK, st.booleans()),
    st.tuples(st.just("tag again"), PICK, PICK),
    st.tuples(st.just("reader"), st.booleans()),
    st.tuples(st.just("driver"), PICK, st.sampled_from([i.AnotherCard, i.DriverCancelled, i.MoreTime, i.ReprintAsked])),
    st.tuples(st.just("code"), PICK, st.sampled_from(["4719", "0000"])),
    st.tuples(st.just("stop"), PICK, st.sampled_from(["code", "phone", "operator", "limit", "tag"])),
    st.tuples(st.just("status"), st.integers(0, 3), STATUSES),
    st.tuples(st.just("status"), st.integers(1, 2), STATUSES),
    st.tuples(st.just("start"), PICK, st.integers(0, 3), REGISTERS),
    st.tuples(st.just("read"), PICK, st.booleans(), REGISTERS),
    st.tuples(st.just("end"), PICK, st.booleans(), REGISTERS, st.integers(0, 3)),
    st.tuples(st.just("start well"), PICK),
    st.tuples(st.just("end well"), PICK, st.integers(0, 60)),
    st.tuples(st.just("line"), st.sampled_from([i.PileConnected, i.PileLost])),
    st.tuples(st.just("confirm"), PICK, st.sampled_from(["capture", "cancel", "refund", ""]), st.booleans()),
    st.tuples(st.just("restart"), st.booleans()),
    st.tuples(st.just("wait"), st.sampled_from([0, 1, 30, 60, 300, 1_800, 14_400, 86_400])),
    st.tuples(st.just("deadline")),
)
# A sale goes on as it should for a while; then something happens to it.
STORIES = st.lists(st.tuples(st.integers(0, 9), DISTURBANCES), min_size=1, max_size=12)


class Storm:
    """A world in which anything may be said at any time."""

    def __init__(self) -> None:
        self.w = World()
        self.heard: list[str] = []  # references that were open at some time

    def live(self, story: list[tuple[int, tuple[object, ...]]]) -> None:
        for steps, (name, *args) in story:
            for _ in range(steps):
                self.take("go_on")
            self.take(str(name).replace(" ", "_"), *args)
        assert fold(Kiosk(SETUP), self.w.facts) == self.w.k

    def take(self, name: str, *args: object) -> None:
        getattr(self, name)(*args)
        self.heard += [r.ref for r in open_requests(self.w.k) if r.ref not in self.heard]
        self.check()

    def go_on(self) -> None:
        """The next thing that happens in a world where everything works."""
        w = self.w
        if open_requests(w.k):
            return self.good_answer(0)
        if "PILE-1" not in w.k.online:
            return self.line(i.PileConnected)
        for s in w.k.sessions.values():
            number = SETUP.by_id[s.connector].number
            if s.stage is Stage.WAITING_FOR_PLUG:
                return self.status(number, i.ConnectorStatus.PREPARING)
            if s.stage is Stage.START_REQUESTED:
                return self.start_well(0)
            if s.stage in FLOWING:
                return self.end_well(0, 20)
            if s.stage is Stage.ENDED:
                return self.status(number, i.ConnectorStatus.AVAILABLE)
        return self.accept(SETUP.connectors[len(w.facts) % 2].id, len(w.facts) % 3 == 0)

    # --- what may happen --------------------------------------------------------------------------------------------------------

    def accept(self, connector: str, stay: bool) -> None:
        terms = quote(PER_KWH_AND_STAY if stay else PER_KWH)
        self.w.give(i.QuoteAccepted(self.w.ids.session(), ConnectorId(connector), terms))

    def answer(self, pick: int, result: i.Result) -> None:
        self.w.give(i.Outcome(self._ref(pick), result))

    def good_answer(self, pick: int) -> None:
        requests = open_requests(self.w.k)
        if requests:
            self.well(requests[pick % len(requests)])

    def well(self, request: Request) -> None:
        good = {"Preauthorize": approval(), "Modify": i.Accepted("ACQ"), "PrintReceipt": i.Printed("printed")}
        self.w.give(i.Outcome(request.ref, i.Done(good.get(request.kind, i.Ok()))))

    def driver(self, pick: int, wish: type[i.DriverCancelled]) -> None:
        self.w.give(wish(self._session(pick)))

    def tag(self, connector: ConnectorId, pick: int, waiting: bool) -> None:
        """A tag at a price, or in the place of the card that a sale waits for."""
        asking = [s for s in self.w.k.sessions.values() if s.stage is Stage.PAYING]
        session, place = (asking[0].id, asking[0].connector) if waiting and asking else (self.w.ids.session(), connector)
        self.w.give(i.ReaderHealth(True))
        self.w.give(i.TagAccepted(session, place, quote(PER_KWH, hold=0), TAGS[pick % len(TAGS)]))

    def tag_again(self, pick: int, whose: int) -> None:
        session, tag = self._session(pick), TAGS[whose % len(TAGS)]
        before = self.w.k.find(session)
        proved = [fact.session for fact in self.w.give(i.TagRecognised(session, tag)) if isinstance(fact, f.StopProved)]
        assert not proved or (before is not None and before.account is not None and before.account.contract == tag.contract)

    def reader(self, there: bool) -> None:
        self.w.give(i.ReaderHealth(there))

    def code(self, pick: int, typed: str) -> None:
        session = self._session(pick)
        self.w.give(i.StopCodeTyped(session, code_digest(session, typed)))

    def stop(self, pick: int, by: str) -> None:
        self.w.give(i.StopAsked(self._session(pick), by))

    def status(self, number: int, status: i.ConnectorStatus) -> None:
        self.w.status(number, status)

    def start(self, pick: int, number: int, kwh: int) -> None:
        self.w.give(i.TxStarted("PILE-1", number, self._tag(pick), self.w.reading(kwh)))

    def start_well(self, pick: int) -> None:
        waiting = [s for s in self.w.k.sessions.values() if s.starts and s.transaction is None]
        if waiting:
            s = waiting[pick % len(waiting)]
            number = SETUP.by_id[s.connector].number
            self.w.give(i.TxStarted("PILE-1", number, s.starts[0].id_tag, self.w.reading(100)))

    def read(self, pick: int, named: bool, kwh: int) -> None:
        self.w.give(i.MeterRead("PILE-1", 1 + pick % 2, self._transaction(pick) if named else None, self.w.reading(kwh)))

    def end(self, pick: int, tagged: bool, kwh: int, when: int) -> None:
        times = (self.w.now.utc_ms, 0, YEAR_9999_MS, self.w.now.utc_ms - 3_600_000)
        tag = self._tag(pick) if tagged else ""
        transaction = self._transaction(pick) if pick else -1
        self.w.give(i.TxEnded("PILE-1", transaction, tag, None, Reading(times[when], kwh * 1_000_000), "Local"))

    def end_well(self, pick: int, kwh: int) -> None:
        flowing = [s for s in self.w.k.sessions.values() if s.begin is not None and s.ended_at is None]
        if flowing:
            s = flowing[pick % len(flowing)]
            self.w.wait(kwh * 240)
            end = Reading(self.w.now.utc_ms, s.begin.mwh + kwh * 1_000_000)
            self.w.give(i.TxEnded("PILE-1", s.transaction or -1, "", None, end, "Local"))

    def line(self, news: type[i.PileConnected]) -> None:
        self.w.give(news("PILE-1"))

    def confirm(self, pick: int, operation: str, success: bool) -> None:
        self.w.give(i.Confirmation(self._ref(pick), "ACQ", operation, success))

    def restart(self, powered_off: bool) -> None:
        if powered_off:
            self.w.reboot(seconds_down=60)
        else:
            self.w.restart()

    def wait(self, seconds: int) -> None:
        self.w.wait(seconds)

    def deadline(self) -> None:
        moment = next_deadline(self.w.k, self.w.now)
        if moment is not None:
            left = max(0, -(-self.w.now.ms_until(moment) // 1_000))
            self.w.wait(left)

    # --- what must be true -------------------------------------------------------------------------------------------------------

    def check(self) -> None:
        k = self.w.k
        refs = [r.ref for r in open_requests(k)]
        assert len(refs) == len(set(refs))
        assert self.w.give(i.TimePassed()) == (), "nothing follows that did not follow at once"
        due = next_deadline(k, self.w.now)
        assert due is None or not self.w.now.reached(due), "a deadline that has come and decides nothing would never let the kiosk rest"
        for connector in SETUP.connectors:
            asking = [s for s in k.sessions.values() if s.connector == connector.id and s.money_open]
            assert len(asking) <= 1
            assert all(sum(p.open for p in s.payments.values()) <= 1 for s in asking)
        for s in (*k.sessions.values(), *k.recent):
            self._right(s)
        numbers = [x.number for x in self.w.all_of(f.ReceiptIssued)]
        assert numbers == list(range(1, len(numbers) + 1)) and k.receipts == len(numbers)

    def _right(self, s: Session) -> None:
        captures = [m for m in s.modifications.values() if m.operation == "capture"]
        assert len(captures) <= 1
        for capture in captures:
            payment = s.payments[capture.payment]
            assert payment.approval is not None and s.priced is not None
            assert capture.amount == s.priced.charge and capture.amount <= payment.approval.authorized
            assert s.delivered is not None and s.delivered.mwh and s.delivered.verdict is Verdict.VALID
            assert not any(m.payment == capture.payment and m.operation != "capture" for m in s.modifications.values())
        owed = [fact for fact in self.w.all_of(f.AccountCharged) if fact.session == s.id]
        assert len(owed) == (s.charged is not None)
        if s.charged is not None:
            assert not captures and s.payment is None and s.account is not None and s.priced is not None
            assert s.charged.amount == s.priced.charge and s.account.most in (
                None,
                max(s.charged.amount, s.account.most or s.charged.amount),
            )
            assert s.delivered is not None and s.delivered.mwh and s.delivered.verdict is Verdict.VALID
        if s.delivered is not None and s.delivered.mwh and s.vacated_at is not None:
            assert captures or s.charged or s.reviews, "energy is captured, owed or looked at"
        if s.closed_at is not None:
            held = [p for p in s.payments.values() if p.approval is not None]
            assert all(any(m.payment == p.ref for m in s.modifications.values()) for p in held), "nothing stays reserved unseen"
        assert (s.receipt is None) or captures or s.charged
        assert s.stage is not Stage.PAYING or s.payment is None

    # --- what is meant -----------------------------------------------------------------------------------------------------------

    def _ref(self, pick: int) -> str:
        known = [*reversed(self.heard), "K417-00000000000000000000009999-P1", "K9-foreign"]
        return known[pick % len(known)]

    def _session(self, pick: int) -> SessionId:
        sessions = [*self.w.k.sessions, *(s.id for s in self.w.k.recent), SessionId("K417-nobody")]
        return sessions[pick % len(sessions)]

    def _everyone(self) -> list[Session]:
        return [*self.w.k.sessions.values(), *self.w.k.recent]

    def _tag(self, pick: int) -> str:
        tags = [s.starts[0].id_tag for s in self._everyone() if s.starts] + ["04A1B2C3", ""]
        return tags[pick % len(tags)]

    def _transaction(self, pick: int) -> int:
        known = [s.transaction for s in self._everyone() if s.transaction is not None] + [*self.w.k.orphans, 77]
        return known[pick % len(known)]


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(STORIES)
def test_no_story_breaks_the_kiosk_or_the_money(story: list[tuple[int, tuple[object, ...]]]) -> None:
    Storm().live(story)


@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow])
@given(STORIES)
def test_after_any_story_the_connector_can_be_sold_again(story: list[tuple[int, tuple[object, ...]]]) -> None:
    storm = Storm()
    storm.live(story)
    w = storm.w
    for _ in range(8):  # the world behaves again, and time heals
        while [r for r in open_requests(w.k) if r.kind != "Preauthorize"]:
            for request in open_requests(w.k):
                storm.well(request)
        for s in tuple(w.k.sessions.values()):
            if s.transaction is not None and s.ended_at is None:
                w.give(i.TxEnded("PILE-1", s.transaction, "", None, replace(s.begin, utc_ms=w.now.utc_ms), "Local"))
        w.give(i.PileConnected("PILE-1"))
        for number in (1, 2):
            w.status(number, i.ConnectorStatus.AVAILABLE)
        w.wait(1_800)
    captured = len(w.all_of(f.CaptureRequested))
    w.finish()
    assert len(w.all_of(f.CaptureRequested)) == captured + 1
