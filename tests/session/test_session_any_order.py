"""Every input in every order, sensible or not: what must be true of the money is true after each of them, and in the end all comes to rest.

`PILEPAY_STORIES=5000` tells that many stories instead of a few.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from world import PER_KWH, PER_KWH_AND_STAY, SETUP, World, approval, code_digest, quote

from kiosk.metering.reading import Reading
from kiosk.session import facts as f
from kiosk.session import inputs as i
from kiosk.session.corrections import REASONS, refundable
from kiosk.session.deadlines import next_deadline
from kiosk.session.decisions import DECISIONS
from kiosk.session.evolve import fold
from kiosk.session.facts import Fact, SessionFact
from kiosk.session.faults import FAULTS
from kiosk.session.offline import cards_possible, given_away, room
from kiosk.session.requests import Modify, Request, open_requests
from kiosk.session.reviews import BLOCKING
from kiosk.session.setup import OFFLINE, Offline
from kiosk.session.state import FLOWING, Kiosk, ModificationState, Payment, PaymentState, Session, Stage
from kiosk.values import ConnectorId, Money, SessionId

STORIES = int(os.environ.get("PILEPAY_STORIES", "40"))
pytestmark = pytest.mark.timeout(120 + STORIES)
PICK = st.integers(0, 9)
ASKED = (ModificationState.REQUESTED, ModificationState.SUBMITTED, ModificationState.CONFIRMED)
TAKEN = (ModificationState.SUBMITTED, ModificationState.CONFIRMED, ModificationState.FAILED)
STORED = Money(6_000, "EUR")

AMOUNTS = st.one_of(
    st.none(), st.builds(Money, st.sampled_from([-1, 0, 1, 250, 500, 1_000, 5_000, 9_999]), st.sampled_from(["EUR", "CHF"]))
)
APPROVALS = st.one_of(
    st.builds(approval, st.sampled_from([0, 499, 500, 4_000, 5_000, 6_000]), st.sampled_from(["PSP1", "PSP2", ""])),
    st.builds(lambda minor: replace(approval(minor, ""), offline=True), st.sampled_from([499, 3_000, 5_000])),
    st.just(i.Approval(Money(5_000, "CHF"), "PSP", "T", i.CardFacts())),
)
RESULTS = st.one_of(
    st.builds(i.Done, APPROVALS),
    st.builds(i.Done, st.builds(i.Accepted, st.sampled_from(["ACQ1", "ACQ2", ""]))),
    st.just(i.Done(i.Ok())),
    st.just(i.Done(i.Printed("printed"))),
    st.sampled_from([i.Refused(code) for code in ("refused", "unavailable", "rejected", "never heard of")]),
    st.just(i.NotSent()),
    st.sampled_from([i.Unknown(hint) for hint in ("", "in_progress", "not_found")]),
)
SECONDS = st.sampled_from([0, 1, 15, 30, 60, 61, 300, 1_800, 14_400, 86_400, 345_600])
LUCK = st.lists(st.sampled_from(("good",) * 10 + ("bad", "bad", "lost", "after all", "issuer")), min_size=1, max_size=12)
WISHES = st.sampled_from([i.AnotherCard, i.DriverCancelled, i.MoreTime, i.ReprintAsked, i.StartAgain, i.CardRecognised])


class AnyOrder(RuleBasedStateMachine):
    """One kiosk to which anything may be said."""

    def __init__(self) -> None:
        super().__init__()
        self.w = World()
        self.heard: list[str] = []  # references that were open at some time
        self.told: list[i.Input] = []

    @initialize(offline=st.sampled_from(OFFLINE), grows=st.booleans())
    def under_these_rules(self, offline: str, grows: bool) -> None:
        terms = Offline(offline, Money(3_500, "EUR"), STORED)
        self.w.reconfigure(replace(SETUP, policy=replace(SETUP.policy, offline=terms)))
        if offline != "closed":
            self.give(i.TerminalHealth(True, False))
        if grows:
            self.w.step, self.w.most = Money(1_000, "EUR"), Money(8_000, "EUR")

    def give(self, given: i.Input) -> None:
        before = self.w.k
        facts = self.w.give(given)
        self.told.append(given)
        self.heard += [r.ref for r in open_requests(self.w.k) if r.ref not in self.heard]
        for fact in facts:
            if isinstance(fact, f.PreauthorizationRequested | f.RefundRequested):
                self.may_be_asked(before, fact)

    def may_be_asked(self, before: Kiosk, fact: Fact) -> None:
        if isinstance(fact, f.PreauthorizationRequested):
            s = before.sessions.get(fact.session)
            assert s is None or (s.payment is None and not s.money_open), "one driver, one hold"
        if isinstance(fact, f.RefundRequested):
            assert fact.amount.minor > 0 and fact.request not in before.loose

    # --- what may happen --------------------------------------------------------------------------------------------------------

    def goes_on(self, steps: list[str], kwh: int) -> None:
        for luck in steps:
            if luck == "issuer":
                self.forward(0, kwh % 2 == 0)
            elif luck != "good" and open_requests(self.w.k):
                self.badly(open_requests(self.w.k)[0], luck)
            else:
                self.as_it_should(kwh)

    def badly(self, request: Request, luck: str) -> None:
        if luck == "after all":
            return self.yes_after_all(0, True)
        lost = i.Unknown("not_found" if luck == "bad" else "")
        no = lost if request.kind == "Preauthorize" else i.Refused("rejected")
        return self.give(i.Outcome(request.ref, no if luck == "bad" else lost))

    def as_it_should(self, kwh: int) -> None:
        w = self.w
        if open_requests(w.k):
            return self.well(open_requests(w.k)[0])
        for s in self.held():
            for r in s.reviews:
                if r.open and r.code in BLOCKING and kwh % 5:
                    self.give(i.ReviewClosed(s.id, r.code, DECISIONS[kwh % 4], "Kim", "looked at it", kwh * 1_000_000))
        if "PILE-1" not in w.k.online:
            return self.give(i.PileConnected("PILE-1"))
        for s in w.k.sessions.values():
            number = SETUP.by_id[s.connector].number
            if s.stage is Stage.PAYING:
                return self.give(i.AnotherCard(s.id))
            if s.stage is Stage.WAITING_FOR_PLUG:
                return self.status(number, i.ConnectorStatus.PREPARING)
            if s.stage is Stage.START_REQUESTED:
                return self.give(i.TxStarted("PILE-1", number, s.starts[-1].id_tag, w.reading(100)))
            if s.stage is Stage.START_FAILED:
                return self.give(i.StartAgain(s.id))
            if s.stage in FLOWING:
                return self.charge(0, kwh) if kwh % 3 else self.end_well(0, kwh)
            if s.stage is Stage.ENDED:
                return self.status(number, i.ConnectorStatus.AVAILABLE)
        return self.next_driver(kwh % 2 == 0)

    def next_driver(self, stay: bool) -> None:
        k = self.w.k
        if k.disk_low:
            self.give(i.DiskState(False))
        if not cards_possible(k) and not given_away(k):
            self.give(i.TerminalHealth(True, k.setup.policy.offline.rule != "capped"))
        for c in [c for c in SETUP.connectors if k.at(c.id) is None][:1]:
            self.status(c.number, i.ConnectorStatus.AVAILABLE)
            self.accept(c.id, stay)

    @rule(connector=st.sampled_from([*(c.id for c in SETUP.connectors), ConnectorId("nowhere")]), stay=st.booleans())
    def accept(self, connector: ConnectorId, stay: bool) -> None:
        terms = replace(quote(PER_KWH_AND_STAY if stay else PER_KWH), step=self.w.step, most=self.w.most)
        self.give(i.QuoteAccepted(self.w.ids.session(), connector, terms))

    @rule(pick=PICK, result=RESULTS)
    def answer(self, pick: int, result: i.Result) -> None:
        self.give(i.Outcome(self.reference(pick), result))

    @rule(
        pick=PICK,
        result=st.sampled_from([i.Refused("rejected"), i.Refused("unavailable"), i.NotSent(), i.Unknown(), i.Unknown("not_found")]),
    )
    def bad_answer(self, pick: int, result: i.Result) -> None:
        requests = open_requests(self.w.k)
        if requests:
            self.give(i.Outcome(requests[pick % len(requests)].ref, result))

    @rule(pick=PICK)
    def good_answer(self, pick: int) -> None:
        requests = open_requests(self.w.k)
        if requests:
            self.well(requests[pick % len(requests)])

    def well(self, request: Request) -> None:
        online = self.w.k.terminal is None or self.w.k.terminal.authorizes
        yes = approval(5_000, f"PSP{request.ref[-6:]}") if online else replace(approval(5_000, ""), offline=True)
        good = {"Preauthorize": yes, "Modify": i.Accepted(f"ACQ{len(self.heard)}"), "PrintReceipt": i.Printed("printed")}
        self.give(i.Outcome(request.ref, i.Done(good.get(request.kind, i.Ok()))))

    @rule(pick=PICK, wish=WISHES)
    def driver(self, pick: int, wish: type[i.DriverCancelled]) -> None:
        self.give(wish(self.sale(pick)))

    @rule(pick=PICK, typed=st.sampled_from(["4719", "0000"]), by=st.sampled_from(["code", "card", "operator", "limit"]))
    def stop(self, pick: int, typed: str, by: str) -> None:
        session = self.sale(pick)
        self.give(i.StopCodeTyped(session, code_digest(session, typed)))
        self.give(i.StopAsked(session, by))

    @rule(number=st.integers(0, 3), status=st.sampled_from(i.ConnectorStatus))
    def status(self, number: int, status: i.ConnectorStatus) -> None:
        self.give(i.ConnectorChanged("PILE-1", number, status))

    @rule(pick=PICK, number=st.integers(1, 2), kwh=st.sampled_from([0, 100, 250, 10**9]))
    def start(self, pick: int, number: int, kwh: int) -> None:
        tags = [s.starts[0].id_tag for s in self.held() if s.starts] + ["04A1B2C3", ""]
        self.give(i.TxStarted("PILE-1", number, tags[pick % len(tags)], self.w.reading(kwh)))

    @rule(pick=PICK, more=st.sampled_from([-5, 0, 5, 20, 60, 10_000]), power=st.sampled_from([None, 0, 11_000, 150_000, 10**9, -1]))
    def read(self, pick: int, more: int, power: int | None) -> None:
        for s in self.some_flowing(pick):
            assert s.last_reading is not None
            mwh = max(0, s.last_reading.mwh + more * 1_000_000)
            self.give(i.MeterRead("PILE-1", SETUP.by_id[s.connector].number, s.transaction, Reading(self.w.now.utc_ms, mwh, power)))

    @rule(pick=PICK, kwh=st.integers(0, 90))
    def charge(self, pick: int, kwh: int) -> None:
        for s in self.some_flowing(pick):
            assert s.last_reading is not None
            self.w.skip(kwh * 30)
            reading = Reading(self.w.now.utc_ms, s.last_reading.mwh + kwh * 1_000_000)
            self.give(i.MeterRead("PILE-1", SETUP.by_id[s.connector].number, s.transaction, reading))

    @rule(pick=PICK, kwh=st.sampled_from([0, 99, 100, 130, 54_000, 10**9]), register=st.booleans(), named=st.booleans())
    def end(self, pick: int, kwh: int, register: bool, named: bool) -> None:
        known = [s.transaction for s in self.held() if s.transaction is not None] + [*self.w.k.orphans, 77]
        end = self.w.reading(kwh) if register else None
        self.give(i.TxEnded("PILE-1", known[pick % len(known)] if named else -1, "", None, end, "Local"))

    @rule(pick=PICK, kwh=st.integers(0, 90))
    def end_well(self, pick: int, kwh: int) -> None:
        for s in self.some_flowing(pick):
            assert s.last_reading is not None
            self.w.skip(kwh * 240)
            end = Reading(self.w.now.utc_ms, s.last_reading.mwh + kwh * 1_000_000)
            self.give(i.TxEnded("PILE-1", s.transaction or -1, "", None, end, "Local"))

    @rule(
        news=st.sampled_from(
            [i.PileConnected("PILE-1"), i.PileLost("PILE-1"), i.PileBooted("PILE-1", "V", "M"), i.PileFault("PILE-1", "?")]
        )
    )
    def line(self, news: i.Input) -> None:
        self.give(news)

    @rule(pick=PICK, psp=st.sampled_from(["ACQ1", "NEW", ""]), success=st.booleans(), amount=AMOUNTS)
    def confirm(self, pick: int, psp: str, success: bool, amount: Money | None) -> None:
        """The last word on something asked for, as asked or of another amount."""
        asked = [m for s in self.held() for m in s.modifications.values()] + list(self.w.k.loose.values())
        if asked:
            m = asked[-1 - pick % len(asked)]
            self.give(i.Confirmation(m.request, psp, m.operation.removesuffix("_by_reference"), success, "", amount or m.amount))

    @rule(
        pick=PICK,
        psp=st.sampled_from(["ACQ1", "NEW", "PSP1", ""]),
        operation=st.sampled_from(["capture", "cancel", "refund", "adjust", "authorisation", ""]),
        success=st.booleans(),
        amount=AMOUNTS,
    )
    def confirm_anything(self, pick: int, psp: str, operation: str, success: bool, amount: Money | None) -> None:
        payments = [p.ref for s in self.held() for p in s.payments.values()]
        reference = payments[pick % len(payments)] if payments and pick % 2 else self.reference(pick)
        self.give(i.Confirmation(reference, psp, operation, success, "", amount))

    @rule(pick=PICK, success=st.booleans())
    def forward(self, pick: int, success: bool) -> None:
        stored = [p for s in self.held() for p in s.payments.values() if p.stored or p.code == "offline_declined"]
        if stored:
            p = stored[pick % len(stored)]
            self.give(i.Confirmation(p.ref, f"FWD{pick}", "authorisation", success, "", p.amount))

    @rule(pick=PICK)
    def acquirer_refuses(self, pick: int) -> None:
        asked = [r for r in open_requests(self.w.k) if isinstance(r.body, Modify)]
        if asked:
            self.give(i.Outcome(asked[pick % len(asked)].ref, i.Refused("rejected")))

    @rule(pick=PICK, webhook=st.booleans())
    def yes_after_all(self, pick: int, webhook: bool) -> None:
        """The acquirer did what it refused, or what we took for refused."""
        refused = [m for s in self.held() for m in s.modifications.values() if m.state is ModificationState.REFUSED]
        if refused:
            m = refused[pick % len(refused)]
            word = i.Confirmation(m.request, f"LATE{pick}", m.operation.removesuffix("_by_reference"), True, "", m.amount)
            self.give(word if webhook else i.Outcome(m.request, i.Done(i.Accepted(f"LATE{pick}"))))

    @rule(reachable=st.booleans())
    def terminal_alone(self, reachable: bool) -> None:
        self.give(i.TerminalHealth(reachable, False))

    @rule(pick=PICK, minor=st.sampled_from([1, 100, 250, None]), command=st.sampled_from(["a", "b", "c"]))
    def refund_well(self, pick: int, minor: int | None, command: str) -> None:
        taken = [s for s in self.held() if refundable(self.w.k, s)]
        if taken:
            amount = Money(minor, "EUR") if minor else None
            self.give(i.RefundAsked(taken[pick % len(taken)].id, amount, "Kim", "price", command))

    @rule(pick=PICK, minor=st.sampled_from([1, 100, 500, 9_000]), psp=st.sampled_from(["CA1", "CA2"]), success=st.booleans())
    def refunded_elsewhere(self, pick: int, minor: int, psp: str, success: bool) -> None:
        paid = [p for s in self.held() for p in s.payments.values() if p.approval is not None]
        if paid:
            self.give(i.Confirmation(paid[pick % len(paid)].ref, psp, "refund", success, "", Money(minor, "EUR")))

    @rule(pick=PICK, amount=AMOUNTS, command=st.sampled_from(["a", "b", "c"]), reason=st.sampled_from([*REASONS[:2], "because"]))
    def refund(self, pick: int, amount: Money | None, command: str, reason: str) -> None:
        self.give(i.RefundAsked(self.sale(pick), amount, "Kim", reason, command))

    @rule(
        pick=PICK,
        code=st.sampled_from([*BLOCKING, *BLOCKING, "shortfall", "no such"]),
        decision=st.sampled_from([*DECISIONS, "no such"]),
        by=st.sampled_from(["Kim", "Kim", ""]),
        mwh=st.sampled_from([None, None, -1, 0, 1, 5_000_000, 10**12]),
    )
    def decide_review(self, pick: int, code: str, decision: str, by: str, mwh: int | None) -> None:
        self.give(i.ReviewClosed(self.sale(pick), code, decision, by, "looked at it", mwh))

    @rule(pick=PICK, decision=st.sampled_from(DECISIONS))
    def decide_open_review(self, pick: int, decision: str) -> None:
        waiting = [(s.id, r.code) for s in self.held() for r in s.reviews if r.open and r.code in BLOCKING]
        if waiting:
            session, code = waiting[pick % len(waiting)]
            self.give(i.ReviewClosed(session, code, decision, "Kim", "looked at it", 4_000_000))

    @rule(reachable=st.booleans(), host=st.booleans())
    def terminal(self, reachable: bool, host: bool) -> None:
        self.give(i.TerminalHealth(reachable, host))

    @rule(low=st.booleans())
    def disk(self, low: bool) -> None:
        self.give(i.DiskState(low))

    @rule(down=st.sampled_from([0, 60, 86_400]))
    def restart(self, down: int) -> None:
        if down:
            self.w.reboot(seconds_down=down)
        else:
            self.w.restart()

    @rule(hours=st.sampled_from([-30, -1, 1, 30]))
    def clock_is_set(self, hours: int) -> None:
        self.w.jump(hours)
        self.give(i.TimePassed())

    @rule(seconds=SECONDS)
    def wait(self, seconds: int) -> None:
        self.w.skip(seconds)
        self.give(i.TimePassed())

    @rule()
    def deadline(self) -> None:
        due = next_deadline(self.w.k, self.w.now)
        if due is not None:
            self.wait(max(0, -(-self.w.now.ms_until(due) // 1_000)))

    @precondition(lambda self: self.told)
    @rule(pick=PICK)
    def say_it_again(self, pick: int) -> None:
        self.give(self.told[-1 - pick % len(self.told)])

    # --- what must be true -------------------------------------------------------------------------------------------------------

    @invariant()
    def the_kiosk_comes_to_rest(self) -> None:
        assert self.w.give(i.TimePassed()) == (), "nothing follows that did not follow at once"
        assert len(self.w.ask(i.PileBooted("PILE-9", "", ""))) == 1, "not even when every rule is asked"
        due = next_deadline(self.w.k, self.w.now)
        assert due is None or not self.w.now.reached(due), "a deadline that has come and decides nothing would never let the kiosk rest"

    @invariant()
    def papers_are_numbered_without_a_gap(self) -> None:
        receipts = [x.number for x in self.w.all_of(f.ReceiptIssued)]
        notes = self.w.all_of(f.CreditNoteIssued)
        assert receipts == list(range(1, self.w.k.receipts + 1))
        assert [x.number for x in notes] == list(range(1, self.w.k.credit_notes + 1))
        assert len({x.request for x in notes}) == len(notes)

    @invariant()
    def requests_are_for_money_that_is_there(self) -> None:
        requests = open_requests(self.w.k)
        assert len({r.ref for r in requests}) == len(requests)
        payments = {p.ref: p for s in self.held() for p in s.payments.values()}
        for body in (r.body for r in requests):
            if isinstance(body, Modify) and body.operation != "cancel_by_reference" and (p := payments.get(body.payment)):
                assert p.state is PaymentState.AUTHORIZED

    @invariant()
    def every_sale_is_right(self) -> None:
        for s in self.held():
            self.money_is_right(s)
            self.energy_is_right(s)
            if s.closed_at is not None:
                self.nothing_stays_behind(s)

    @invariant()
    def no_more_is_stored_than_allowed(self) -> None:
        assert sum(m.minor for m in self.w.k.stored.values()) <= STORED.minor
        assert room(self.w.k).minor >= 0

    def money_is_right(self, s: Session) -> None:
        assert sum(p.open for p in s.payments.values()) <= 1
        captures = [m for m in s.modifications.values() if m.operation == "capture"]
        asked = [m for m in captures if m.state in ASKED]
        assert len(asked) <= 1 or any(r.code == "amount_differs" for r in s.reviews)
        for m in captures:
            p = s.payments[m.payment]
            assert s.priced is not None and m.amount == s.priced.charge and m.amount <= s.priced.rating.total
            assert m.amount.minor <= reserved(s, p)
        for p in s.payments.values():
            assert p.usable is None or p.usable.minor <= reserved(s, p)
        refunds = [m for m in s.modifications.values() if m.operation == "refund"]
        taken = sum(m.amount.minor for m in captures if m.state in TAKEN and m.amount)
        ours = sum(m.amount.minor for m in refunds if m.key and m.state in ASKED and m.amount and m.request not in self.refused(s))
        assert ours <= taken
        assert s.receipt is None or captures

    def energy_is_right(self, s: Session) -> None:
        if s.stage in FLOWING and not s.covered:
            assert s.stops, "energy nobody stands for is stopped"
        if s.delivered is not None and s.delivered.mwh and s.vacated_at is not None and not s.free:
            captured = any(m.operation == "capture" for m in s.modifications.values())
            waiting = s.payment is not None and s.payment.stored
            nothing = s.priced is not None and not s.priced.rating.total  # some mWh, and not a cent
            assert captured or s.reviews or waiting or nothing, "energy is captured or looked at"
        if s.free:
            assert not s.payments and not s.modifications

    def nothing_stays_behind(self, s: Session) -> None:
        for p in s.payments.values():
            if p.state is PaymentState.AUTHORIZED:
                about = [m for m in s.modifications.values() if m.payment == p.ref and m.operation not in ("adjust", "refund")]
                assert about, "reserved and forgotten"
                settled = any(r.code in BLOCKING and r.decision == "settled" for r in s.reviews)
                refused = all(m.operation == "capture" and m.state is ModificationState.REFUSED for m in about)
                assert settled or not refused, "neither taken nor let go"
        assert not s.reviewed(*BLOCKING)
        assert not any(m.state is ModificationState.REQUESTED and m.operation in ("capture", "cancel") for m in s.modifications.values())

    def teardown(self) -> None:
        w = self.w
        assert fold(Kiosk(w.k.setup), w.facts) == w.k
        for s in self.everyone():
            self.money_is_right(s)
        for _ in range(14):  # the world behaves again, and time heals
            self.give(i.PileConnected("PILE-1"))
            for _ in range(50):
                requests = [r for r in open_requests(w.k) if r.kind != "Preauthorize"]
                if not requests:
                    break
                self.well(requests[0])
            for s in self.held():
                if s.transaction is not None and s.ended_at is None and s.begin is not None:
                    self.give(i.TxEnded("PILE-1", s.transaction, "", None, replace(s.begin, utc_ms=w.now.utc_ms), "Local"))
            for number in (1, 2):
                self.status(number, i.ConnectorStatus.AVAILABLE)
            self.wait(86_400)
            self.the_kiosk_comes_to_rest()
        assert not w.k.sessions, "nothing is held for ever"
        assert not w.k.stored
        assert not any(m.state is ModificationState.REQUESTED for m in w.k.loose.values())

    # --- what is meant -----------------------------------------------------------------------------------------------------------

    def held(self) -> list[Session]:
        return [*self.w.k.sessions.values(), *self.w.k.recent]

    def everyone(self) -> list[Session]:
        streams = {fact.session for fact in self.w.facts if isinstance(fact, SessionFact)}
        return [s for s in map(self.w.recall, streams) if s is not None]

    def refused(self, s: Session) -> set[str]:
        return {fact.request for fact in self.w.all_of(f.ModificationRefused) if fact.session == s.id}

    def some_flowing(self, pick: int) -> list[Session]:
        flowing = [s for s in self.w.k.sessions.values() if s.stage in FLOWING]
        return [flowing[pick % len(flowing)]] if flowing else []

    def reference(self, pick: int) -> str:
        known = [*reversed(self.heard), "K417-00000000000000000000009999-P1", "K9-foreign"]
        return known[pick % len(known)]

    def sale(self, pick: int) -> SessionId:
        gone = [fact.session for fact in self.w.all_of(f.SessionClosed)][:2]
        known = [*self.w.k.sessions, *(s.id for s in self.w.k.recent), *gone, SessionId("K417-nobody")]
        return known[pick % len(known)]


def copied(step: Callable[..., None]) -> Callable[..., None]:
    def again(self: AnyOrder, steps: list[str], kwh: int) -> None:
        step(self, steps, kwh)

    return again


def reserved(s: Session, p: Payment) -> int:
    """The most that was ever reserved on a card: approved, or adjusted."""
    adjusted = [
        m.amount.minor
        for m in s.modifications.values()
        if m.operation == "adjust" and m.state is ModificationState.CONFIRMED and m.payment == p.ref and m.amount
    ]
    return max([p.approval.authorized.minor if p.approval else 0, *adjusted])


for number in range(12):  # a sale goes on as it should for a while; then something happens to it
    setattr(AnyOrder, f"goes_on_{number}", rule(steps=LUCK, kwh=st.integers(0, 30))(copied(AnyOrder.goes_on)))

AnyOrder.TestCase.settings = settings(
    max_examples=STORIES, stateful_step_count=50, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
TestAnyOrder = AnyOrder.TestCase


def test_every_review_has_a_fault_of_its_own() -> None:
    assert set(BLOCKING) <= FAULTS.keys()
