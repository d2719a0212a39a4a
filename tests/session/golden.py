"""A story in which every kind of fact happens, and the golden journal of a release made from it.

`python tests/session/golden.py 0.2.0` writes that of a new release. The file of a release never changes again.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from world import PER_KWH_AND_STAY, A, B, World, approval, code_digest

from kiosk.metering.reading import Reading
from kiosk.session import codec
from kiosk.session import inputs as i
from kiosk.session.codec import Encoded
from kiosk.session.facts import Fact
from kiosk.session.inputs import ConnectorStatus
from kiosk.values import Digest, Moment, Money

FOLDER = Path(__file__).parent.parent / "vectors" / "journal"
CARD = i.CardFacts("mc", "4821", "123456", "A0000000041010", "contactless", Digest("ab" * 32))


def a_long_day() -> World:
    w = World()
    w.give(i.PileBooted("PILE-1", "Lindenhof Energy", "LE-150"))
    _second_card_charge_and_a_copy(w)
    _unknown_money(w)
    _walked_away(w)
    _late_start(w)
    _energy_nobody_sold(w)
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
    w.give(i.Outcome("K417-00000000000000000000009999-P1", i.Done(approval(5_000, "PSP0000000000003"))))
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


def _still_charging(w: World) -> None:
    w.pay(A, minor=1_500)
    w.status(1, ConnectorStatus.PREPARING)
    w.give(i.TxStarted("PILE-1", 1, w.session.starts[0].id_tag, w.reading(200)))
    w.wait(60)
    w.meter(202)


if __name__ == "__main__":
    write(a_long_day().facts, FOLDER / f"golden-{sys.argv[1]}.jsonl")
