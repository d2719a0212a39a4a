"""The kiosk's hands: every way a far end can answer, or not, put into a result."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from core_bed import HandClock, Printer, Terminal

from hardware.api import AnswerLost, NotSent, PrintResult
from kiosk.core.desk import Desk
from kiosk.core.effects import Attempt
from kiosk.core.performers import Performers
from kiosk.ocpp.seam import Answer
from kiosk.payments.api import ModificationOrder, Refusal, Submitted, body_hash
from kiosk.session import inputs as i
from kiosk.session import requests as r
from kiosk.session.requests import Recovery, Request
from kiosk.values import Digest, Money, PaymentRef, RequestRef, SessionId

EUR = Money(1_550, "EUR")


@dataclass
class Acquirer:
    answer: Submitted | Exception = field(default_factory=lambda: Submitted("CAP1"))
    asked: list[tuple[str, ModificationOrder]] = field(default_factory=list)

    async def capture(self, order: ModificationOrder) -> Submitted:
        return self._take("capture", order)

    async def cancel(self, order: ModificationOrder) -> Submitted:
        return self._take("cancel", order)

    async def cancel_by_reference(self, order: ModificationOrder) -> Submitted:
        return self._take("cancel_by_reference", order)

    async def adjust(self, order: ModificationOrder) -> Submitted:
        return self._take("adjust", order)

    async def refund(self, order: ModificationOrder) -> Submitted:
        return self._take("refund", order)

    def _take(self, what: str, order: ModificationOrder) -> Submitted:
        self.asked.append((what, order))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@dataclass
class Piles:
    answer: Answer | Exception = field(default_factory=lambda: Answer(True))
    asked: list[tuple[object, ...]] = field(default_factory=list)

    async def start(self, pile: str, number: int, id_tag: str) -> Answer:
        return self._take("start", pile, number, id_tag)

    async def stop(self, pile: str, transaction: int) -> Answer:
        return self._take("stop", pile, transaction)

    def _take(self, *asked: object) -> Answer:
        self.asked.append(asked)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Press:
    async def job(self, body: r.PrintReceipt) -> bytes:
        return f"receipt {body.number} copy {body.copy}".encode()


class Ids:
    def service_id(self) -> str:
        return "Q1"


@dataclass
class Hands:
    terminal: Terminal = field(default_factory=Terminal)
    acquirer: Acquirer = field(default_factory=Acquirer)
    piles: Piles = field(default_factory=Piles)
    printer: Printer | None = field(default_factory=Printer)

    async def do(self, body: r.Body, again: bool = False) -> i.Result:
        desk = Desk(self.terminal, HandClock(), HandClock(), Ids(), Digest)
        desk.screen_seen()
        hands = Performers(desk, self.acquirer, self.piles, self.printer, Press())
        return await hands.perform(Attempt(Request(RequestRef("S-1"), "key", Recovery.OBSERVE, body), again))


PREAUTHORIZE = r.Preauthorize(PaymentRef("S-P1"), "77", Money(5_000, "EUR"), "en")
START = r.StartDelivery("PILE-1", 2, "TAG")
STOP = r.StopDelivery("PILE-1", 1_001)
PAPER = r.PrintReceipt(SessionId("S"), 12, 1)


def modify(operation: str) -> r.Modify:
    return r.Modify(operation, "S-P1-C", "PSP1", PaymentRef("S-P1"), EUR, Digest("00"))


async def test_a_preauthorization_asks_for_a_card_the_first_time_and_only_asks_what_became_of_it_again() -> None:
    hands = Hands()
    await hands.do(PREAUTHORIZE)
    await hands.do(PREAUTHORIZE, again=True)
    assert [what for what, _ in hands.terminal.asked] == ["preauthorize", "status Q1"]


async def test_an_abort_goes_to_the_terminal() -> None:
    hands = Hands()
    body = r.AbortPreauthorization(PREAUTHORIZE.payment, "77", PREAUTHORIZE.amount, "en")
    assert await hands.do(body) == i.Done(i.Ok())
    assert hands.terminal.asked[0][0] == "abort Q1"


@pytest.mark.parametrize("operation", ["capture", "cancel", "cancel_by_reference"])
async def test_a_modification_is_the_acquirers_own_call_under_the_journalled_key(operation: str) -> None:
    hands = Hands()
    assert await hands.do(modify(operation)) == i.Done(i.Accepted("CAP1"))
    ((what, order),) = hands.acquirer.asked
    assert what == operation
    assert (order.key, order.reference, order.psp_reference, order.amount, order.promised) == ("key", "S-P1-C", "PSP1", EUR, Digest("00"))
    assert order.promised != body_hash(order)  # the driver is the one who refuses it


@pytest.mark.parametrize(
    ("error", "result"),
    [
        (NotSent("no route"), i.NotSent("no route")),
        (AnswerLost("reset"), i.Unknown(detail="reset")),
        (Refusal("rejected", "422", retry=False), i.Refused("rejected", "422")),
        (Refusal("try_later", "429", retry=True), i.NotSent("429")),
    ],
)
async def test_every_way_an_acquirer_does_not_say_yes(error: Exception, result: i.Result) -> None:
    assert await Hands(acquirer=Acquirer(error)).do(modify("capture")) == result


@pytest.mark.parametrize("body", [START, STOP], ids=["start", "stop"])
@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (Answer(True), i.Done(i.Ok())),
        (Answer(False, "rejected", "Rejected"), i.Refused("rejected", "Rejected")),
        (NotSent("offline"), i.NotSent("offline")),
        (AnswerLost("reset"), i.Unknown(detail="reset")),
    ],
)
async def test_every_answer_of_a_pile(body: r.Body, answer: Answer | Exception, result: i.Result) -> None:
    hands = Hands(piles=Piles(answer))
    assert await hands.do(body) == result
    assert hands.piles.asked == [("start", "PILE-1", 2, "TAG") if body is START else ("stop", "PILE-1", 1_001)]


async def test_a_start_that_may_have_reached_the_pile_is_not_sent_again() -> None:
    hands = Hands(piles=Piles(Answer(True)))
    assert await hands.do(START, again=True) == i.Unknown(detail="the pile's reports decide")
    assert hands.piles.asked == []


@pytest.mark.parametrize("word", PrintResult)
async def test_what_the_printer_says_of_the_paper(word: PrintResult) -> None:
    hands = Hands(printer=Printer(word))
    assert await hands.do(PAPER) == i.Done(i.Printed(word.value))
    assert hands.printer is not None
    assert hands.printer.jobs == [(b"receipt 12 copy 1", 12)]


@pytest.mark.parametrize(
    ("error", "result"),
    [(NotSent("no paper"), i.NotSent("no paper")), (AnswerLost("reset"), i.Unknown(detail="reset"))],
)
async def test_a_printer_that_does_not_say(error: Exception, result: i.Result) -> None:
    assert await Hands(printer=Printer(error)).do(PAPER) == result


async def test_a_missing_printer_took_nothing() -> None:
    assert isinstance(await Hands(printer=None).do(PAPER), i.NotSent)


@pytest.mark.parametrize(("number", "shown"), [(1, 1), (9_999, 9_999), (10_000, 1), (123_456, 3_468)])
async def test_the_printers_own_number_stays_within_its_four_digits(number: int, shown: int) -> None:
    hands = Hands()
    await hands.do(r.PrintReceipt(SessionId("S"), number, 0))
    assert hands.printer is not None
    assert hands.printer.jobs[0][1] == shown
