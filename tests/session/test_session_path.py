"""The path of a sale, from the agreed price to the closed books."""

from world import PER_KWH_AND_STAY, A, B, World, code_digest, names

from kiosk.session import inputs as i
from kiosk.session.facts import CaptureRequested, ModificationSubmitted, PlugAwaited, PrintRequested, ReceiptIssued, StartRequested
from kiosk.session.inputs import ConnectorStatus
from kiosk.session.state import ModificationState, Stage
from kiosk.values import Money


def test_a_charge_is_sold_and_captured_to_the_cent() -> None:
    w = World()
    transaction = w.deliver()
    w.now = w.now.plus(1_800)
    w.end(transaction, 131)
    assert w.session.priced is not None
    assert w.session.priced.charge == Money(1_550, "EUR")
    capture = w.request("Modify")
    assert capture.body.amount == Money(1_550, "EUR")
    facts = w.answer("Modify", i.Done(i.Accepted("CAP1")))
    assert names(facts) == ["ModificationSubmitted", "ReceiptIssued", "PrintRequested"]
    w.answer("PrintReceipt", i.Done(i.Printed("printed")))
    w.status(1, ConnectorStatus.AVAILABLE)
    assert w.k.sessions == {}
    assert w.session.closed_at is not None
    assert w.kinds() == []


def test_approval_and_start_share_one_decision_when_the_car_is_plugged_in() -> None:
    w = World()
    w.status(1, ConnectorStatus.PREPARING)
    w.accept()
    facts = w.answer("Preauthorize", i.Done(i.Approval(Money(5_000, "EUR"), "PSP1", "T.PSP1", i.CardFacts())))
    assert names(facts) == ["PaymentAuthorized", "StopCodeIssued", "PlugAwaited", "StartRequested"]


def test_paying_first_waits_for_the_cable() -> None:
    w = World()
    w.pay()
    assert w.session.stage is Stage.WAITING_FOR_PLUG
    assert any(isinstance(fact, PlugAwaited) for fact in w.facts)
    facts = w.status(1, ConnectorStatus.PREPARING)
    assert names(facts) == ["ConnectorReported", "StartRequested"]


def test_a_pile_that_reports_no_cable_is_asked_in_advance() -> None:
    w = World()
    w.pay()
    w.wait(14)
    assert not w.session.starts
    w.wait(1)
    assert [s.plugged for s in w.session.starts] == [False]


def test_the_price_waits_while_a_stay_may_still_cost() -> None:
    w = World()
    transaction = w.deliver(tariff=PER_KWH_AND_STAY)
    w.now = w.now.plus(1_800)
    w.end(transaction, 110)
    assert w.session.priced is None
    w.wait(1_200)
    w.status(1, ConnectorStatus.AVAILABLE)
    assert w.session.priced is not None
    assert w.session.priced.charge == Money(500 + 100, "EUR")  # 20 min, of which 10 are free, at 0.10


def test_a_stay_stops_costing_at_its_cap() -> None:
    w = World()
    transaction = w.deliver(tariff=PER_KWH_AND_STAY)
    w.now = w.now.plus(1_800)
    w.end(transaction, 110)
    w.wait(600 + 7_200)
    assert w.session.priced is not None
    assert w.session.priced.charge == Money(500 + 1_200, "EUR")
    assert w.kinds() == ["Modify"]


def test_charging_stops_before_the_reserved_amount_is_used_up() -> None:
    w = World()
    transaction = w.deliver()
    w.now = w.now.plus(3_600)
    w.give(i.MeterRead("PILE-1", 1, transaction, w.reading(197)))
    assert w.kinds() == []
    w.give(i.MeterRead("PILE-1", 1, transaction, w.reading(198)))
    assert w.kinds() == ["StopDelivery"]
    assert w.session.stops[0].by == "limit"


def test_the_stop_code_proves_and_then_stops() -> None:
    w = World()
    w.deliver()
    session = w.session.id
    w.give(i.StopAsked(session, "code"))
    assert w.kinds() == []
    w.give(i.StopCodeTyped(session, code_digest(session, "4719")))
    w.give(i.StopAsked(session, "code"))
    assert w.kinds() == ["StopDelivery"]


def test_three_wrong_codes_lock_for_a_minute() -> None:
    w = World()
    w.deliver()
    session = w.session.id
    for _ in range(3):
        w.give(i.StopCodeTyped(session, code_digest(session, "0000")))
    w.give(i.StopCodeTyped(session, code_digest(session, "4719")))
    assert not w.session.proved_by
    w.wait(60)
    w.give(i.StopCodeTyped(session, code_digest(session, "4719")))
    assert w.session.proved_by == "code"


def test_one_connector_is_sold_while_the_other_charges() -> None:
    w = World()
    first = w.deliver(A)
    second = w.deliver(B)
    assert first != second
    assert {s.connector for s in w.k.sessions.values()} == {A, B}


def test_receipt_numbers_have_no_gap() -> None:
    w = World()
    for number in (1, 2, 3):
        transaction = w.deliver()
        w.now = w.now.plus(600)
        w.end(transaction, 110)
        w.answer("Modify", i.Done(i.Accepted(f"CAP{number}")))
        w.answer("PrintReceipt", i.Done(i.Printed("printed")))
        w.status(1, ConnectorStatus.AVAILABLE)
    assert [f.number for f in w.facts if isinstance(f, ReceiptIssued)] == [1, 2, 3]


def test_a_confirmation_after_the_sale_closed_is_still_recorded() -> None:
    w = World()
    transaction = w.deliver()
    w.now = w.now.plus(600)
    w.end(transaction, 110)
    request = w.request("Modify")
    w.answer("Modify", i.Done(i.Accepted("CAP1")))
    w.answer("PrintReceipt", i.Done(i.Printed("printed")))
    w.status(1, ConnectorStatus.AVAILABLE)
    confirmation = i.Confirmation(request.ref, "CAP1", "capture", True)
    w.give(confirmation)
    assert w.session.modifications[request.ref].state is ModificationState.CONFIRMED
    assert w.give(confirmation) == ()


def test_everything_of_one_decision_lies_in_the_order_of_cause() -> None:
    w = World()
    transaction = w.deliver()
    w.now = w.now.plus(600)
    facts = w.end(transaction, 110)
    assert names(facts)[-2:] == ["Priced", "CaptureRequested"]
    order = [type(x) for x in w.facts]
    assert order.index(StartRequested) < order.index(CaptureRequested)
    assert ModificationSubmitted not in order
    assert PrintRequested not in order
