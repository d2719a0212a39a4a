"""A story in which every kind of fact happens, and the golden journal of a release made from it.

`python tests/session/golden.py 0.2.0` writes that of a new release. The file of a release never changes again.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from world import PER_KWH_AND_STAY, SETUP, A, B, World, approval, code_digest, quote

from kiosk.metering.reading import Reading
from kiosk.session import codec
from kiosk.session import inputs as i
from kiosk.session.codec import Encoded
from kiosk.session.facts import Fact
from kiosk.session.inputs import ConnectorStatus
from kiosk.session.setup import Offline
from kiosk.values import ConnectorId, Digest, Moment, Money

FOLDER = Path(__file__).parent.parent / "vectors" / "journal"
SILVER = '[{"funded_by":"operator","name":"Silver","percent":5,"type":"LOYALTY"}]'
CARD = i.CardFacts("mc", "4821", "123456", "A0000000041010", "contactless", Digest("ab" * 32))


def a_long_day() -> World:
    w = World()
    w.give(i.PileBooted("PILE-1", "Lindenhof Energy", "LE-150"))
    _second_card_charge_and_a_copy(w)
    _unknown_money(w)
    _walked_away(w)
    _late_start(w)
    _energy_nobody_sold(w)
    _more_reserved_and_some_paid_back(w)
    _tried_again(w)
    _a_person_decides(w)
    _nobody_decides(w)
    _while_cards_are_away(w)
    _the_meter_signs(w)
    _on_account(w)
    _still_charging(w)
    return w


def write(facts: Iterable[Fact], file: Path) -> None:
    with file.open("w", encoding="utf-8") as out:
        for fact in facts:
            e = codec.encode(fact)
            at = (e.at.utc_ms, e.at.boot_id, e.at.mono_ns, e.at.trusted)
            row = {"stream": e.stream, "kind": e.kind, "version": e.version, "at": at, "body": e.body.decode()}
            out.write(json.dumps(row, ensure_ascii=False) + "\n")


def read(file: Path) -> Iterator[Encoded]:
    for line in file.read_text("utf-8").splitlines():
        row = json.loads(line)
        yield Encoded(row["stream"], row["kind"], row["version"], Moment(*row["at"]), row["body"].encode())


def _second_card_charge_and_a_copy(w: World) -> None:
    session = w.accept(A, PER_KWH_AND_STAY)
    w.wait(8)
    w.answer("Preauthorize", i.Refused("refused", "05 do not honour"))
    w.wait(5)
    w.give(i.AnotherCard(session))
    w.wait(9)
    w.answer("Preauthorize", i.Done(i.Approval(Money(5_000, "EUR"), "PSP0000000000001", "T1.PSP1", CARD)))
    w.wait(15)
    w.answer("StartDelivery", i.Done(i.Ok()))
    w.wait(5)
    w.status(1, ConnectorStatus.PREPARING)
    begin = Reading(w.now.utc_ms, 100_000_000, 0, 21)
    w.give(i.TxStarted("PILE-1", 1, w.session.starts[-1].id_tag, begin, Digest("cd" * 32)))
    transaction = w.session.transaction
    assert transaction is not None
    w.status(1, ConnectorStatus.CHARGING)
    w.wait(60)
    w.give(i.MeterRead("PILE-1", 1, transaction, Reading(w.now.utc_ms, 102_000_000, 120_000, 24)))
    w.wait(60)
    w.status(1, ConnectorStatus.SUSPENDED_EV)
    w.wait(120)
    w.status(1, ConnectorStatus.CHARGING)
    w.give(i.PileLost("PILE-1"))
    w.wait(300)
    w.give(i.PileConnected("PILE-1"))
    w.give(i.StopCodeTyped(session, code_digest(session, "0000")))
    w.give(i.StopCodeTyped(session, code_digest(session, "4719")))
    w.give(i.StopAsked(session, "code"))
    w.wait(1)
    w.answer("StopDelivery", i.Done(i.Ok()))
    w.wait(2)
    w.give(i.TxEnded("PILE-1", transaction, "", None, Reading(w.now.utc_ms, 112_345_000), "Remote", Digest("ef" * 32)))
    w.status(1, ConnectorStatus.FINISHING)
    w.wait(1_200)
    w.status(1, ConnectorStatus.AVAILABLE)
    w.wait(2)
    capture = w.request("Modify").ref
    w.answer("Modify", i.Done(i.Accepted("CAP0000000000001")))
    w.wait(3)
    w.answer("PrintReceipt", i.Done(i.Printed("printed")))
    w.give(i.ReprintAsked(session))
    w.answer("PrintReceipt", i.NotSent("no paper"))
    w.wait(3_600)
    w.give(i.Confirmation(capture, "CAP0000000000001", "capture", True))
    w.wait(86_400)
    w.give(i.Confirmation(capture, "CAP0000000000001", "capture", False, "insufficient balance"))


def _unknown_money(w: World) -> None:
    w.accept(B)
    w.wait(5)
    w.restart()
    payment = w.request("Preauthorize").ref
    w.wait(300)
    w.answer("Modify", i.Done(i.Accepted("X0000000000000001")))
    w.give(i.Outcome(payment, i.Done(approval(5_000, "PSP0000000000002"))))
    w.answer("Modify", i.Refused("rejected", "422"))
    w.give(i.ReviewClosed(w.session.id, "cancel_refused", "settled", "R. Yilmaz", "released in the acquirer's pages"))
    w.give(i.Outcome("K417-00000000000000000000009999-P1", i.Done(approval(5_000, "PSP0000000000003"))))
    w.answer("Modify", i.Done(i.Accepted("X0000000000000003")))
    w.give(i.Confirmation("K418-elsewhere", "PSPX", "capture", True))


def _walked_away(w: World) -> None:
    w.give(i.DriverCancelled(w.accept(B)))
    w.answer("AbortPreauthorization", i.Done(i.Ok()))
    w.answer("Preauthorize", i.Refused("aborted"))
    session = w.accept(B)
    w.answer("Preauthorize", i.NotSent("connection refused"))
    w.give(i.DriverCancelled(session))


def _late_start(w: World) -> None:
    w.pay(B)
    w.status(2, ConnectorStatus.PREPARING)
    w.answer("StartDelivery", i.Refused("rejected", "Rejected"))
    w.wait(60)
    w.give(i.TxStarted("PILE-1", 2, w.session.starts[0].id_tag, w.reading(4_321)))
    w.wait(40)
    assert w.session.transaction is not None
    w.end(w.session.transaction, 4_321)
    w.status(2, ConnectorStatus.AVAILABLE)
    w.wait(43_200)
    w.answer("Modify", i.Done(i.Accepted("X0000000000000004")))


def _energy_nobody_sold(w: World) -> None:
    w.give(i.TxStarted("PILE-1", 2, "04A1B2C3", w.reading(4_321), Digest("01" * 32)))
    w.answer("StopDelivery", i.Done(i.Ok()))
    w.wait(20)
    w.end(next(iter(w.k.orphans)), 4_322)


def _charging(w: World, connector: ConnectorId, kwh: int) -> int:
    number = SETUP.by_id[connector].number
    w.status(number, ConnectorStatus.PREPARING)
    w.answer("StartDelivery", i.Done(i.Ok()))
    w.give(i.TxStarted("PILE-1", number, w.session.starts[-1].id_tag, w.reading(kwh)))
    w.status(number, ConnectorStatus.CHARGING)
    assert w.session.transaction is not None
    return w.session.transaction


def _more_reserved_and_some_paid_back(w: World) -> None:
    w.step, w.most = Money(1_000, "EUR"), Money(4_000, "EUR")
    session = w.pay(A, minor=1_000)
    w.step = w.most = None
    transaction = _charging(w, A, 200)
    for kwh in (204, 210, 214):
        w.skip(240)
        w.give(i.MeterRead("PILE-1", 1, transaction, Reading(w.now.utc_ms, kwh * 1_000_000, 90_000, 40)))
    adjusted = w.request("Modify").ref
    w.answer("Modify", i.Done(i.Accepted("ADJ0000000000001")))
    w.give(i.Confirmation(adjusted, "ADJ0000000000001", "adjust", True, "", Money(2_000, "EUR")))
    w.give(i.CardRecognised(session))
    w.give(i.StopAsked(session, "card"))
    w.answer("StopDelivery", i.Done(i.Ok()))
    w.skip(10)
    w.end(transaction, 214)
    w.settle()
    payment = w.session.last_payment
    assert payment is not None
    w.give(i.RefundAsked(session, Money(150, "EUR"), "R. Yilmaz", "goodwill", "order 1"))
    refund = w.request("Modify").ref
    w.answer("Modify", i.Done(i.Accepted("R0000000000000001")))
    w.give(i.Confirmation(refund, "R0000000000000001", "refund", True, "", Money(150, "EUR")))
    w.give(i.Confirmation(payment.ref, "CA0000000000001", "refund", True, "", Money(50, "EUR")))


def _tried_again(w: World) -> None:
    session = w.pay(B)
    w.status(2, ConnectorStatus.PREPARING)
    w.answer("StartDelivery", i.Refused("rejected", "Rejected"))
    w.wait(20)
    w.give(i.StartAgain(session))
    w.give(i.TxStarted("PILE-1", 2, w.session.starts[0].id_tag, w.reading(4_322)))
    w.skip(1_800)
    assert w.session.transaction is not None
    w.end(w.session.transaction, 4_325)
    w.answer("Modify", i.Refused("rejected", "try again"))
    w.give(i.ReviewClosed(session, "capture_refused", "retry", "R. Yilmaz", "the acquirer is back"))
    w.answer("Modify", i.Done(i.Accepted("CAP0000000000003")))
    w.status(2, ConnectorStatus.AVAILABLE)


def _a_person_decides(w: World) -> None:
    session = w.pay(A)
    transaction = _charging(w, A, 300)
    w.skip(600)
    w.end(transaction, 54_000)
    w.give(i.ReviewClosed(session, "meter_unproven", "capture", "R. Yilmaz", "read at the pile", 4_000_000))
    w.settle()


def _nobody_decides(w: World) -> None:
    w.pay(A)
    transaction = _charging(w, A, 400)
    w.skip(600)
    w.end(transaction, 54_000)
    w.status(1, ConnectorStatus.AVAILABLE)
    w.wait(2 * 86_400)
    w.wait(2 * 86_400)
    w.answer("Modify", i.Done(i.Accepted("X0000000000000005")))


def _while_cards_are_away(w: World) -> None:
    terms = Offline("capped", Money(3_000, "EUR"), Money(9_000, "EUR"))
    w.reconfigure(replace(SETUP, policy=replace(SETUP.policy, offline=terms)))
    w.give(i.TerminalHealth(True, False, "no line"))
    w.accept(A)
    w.answer("Preauthorize", i.Done(i.Approval(Money(5_000, "EUR"), "", "T6", CARD, offline=True)))
    transaction = _charging(w, A, 500)
    w.skip(600)
    w.end(transaction, 503)
    payment = w.session.last_payment
    assert payment is not None
    w.give(i.Confirmation(payment.ref, "PSP0000000000006", "authorisation", True, "", Money(5_000, "EUR")))
    w.settle()
    w.reconfigure(replace(SETUP, policy=replace(SETUP.policy, offline=Offline("free"))))
    w.accept(B)
    w.status(2, ConnectorStatus.AVAILABLE)
    transaction = _charging(w, B, 4_325)
    w.skip(600)
    w.end(transaction, 4_327)
    w.status(2, ConnectorStatus.AVAILABLE)
    w.reconfigure(SETUP)
    w.give(i.TerminalHealth(True, True))
    w.give(i.DiskState(True))
    w.give(i.DiskState(False))


def _the_meter_signs(w: World) -> None:
    w.reconfigure(replace(SETUP, policy=replace(SETUP.policy, signed="check")))
    transaction = w.deliver(at_kwh=600)
    begin, end = (i.SignedData(b"OCMF|", Digest(name * 32)) for name in ("b1", "e1"))
    w.give(i.SignedRead("PILE-1", 1, transaction, (begin,)))
    w.skip(600)
    w.give(i.TxEnded("PILE-1", transaction, "", None, w.reading(603), "Local", None, (begin, end)))
    w.settle()
    w.reconfigure(SETUP)


def _on_account(w: World) -> None:
    w.give(i.ReaderHealth(True))
    tag = i.Account(Digest("a1" * 32), "C-1001", "depot", False, Money(3_000, "EUR"), 40_000_000)
    session = w.ids.session()
    w.give(i.TagAccepted(session, A, quote(hold=0), tag))
    transaction = _charging(w, A, 700)
    w.skip(600)
    w.give(i.TagRecognised(session, tag))
    w.give(i.StopAsked(session, "tag"))
    w.end(transaction, 703, "Remote")
    w.status(1, ConnectorStatus.AVAILABLE)
    w.answer("PrintReceipt", i.Done(i.Printed("printed")))
    w.give(i.RefundAsked(session, Money(50, "EUR"), "olga", "price", "1"))


def _still_charging(w: World) -> None:
    w.pay(A, minor=1_500)
    w.status(1, ConnectorStatus.PREPARING)
    w.give(i.TxStarted("PILE-1", 1, w.session.starts[0].id_tag, w.reading(200)))
    w.wait(60)
    w.meter(202)
    w.give(i.DiscountsOffered(w.session.id, SILVER, "card"))


if __name__ == "__main__":
    write(a_long_day().facts, FOLDER / f"golden-{sys.argv[1]}.jsonl")
