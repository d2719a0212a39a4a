"""The operator's orders: each with a name and a reason, each refused in a plain sentence or journalled, over a socket for one user only."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from core_shelf import Shelf
from world import A, approval, quote

from kiosk.core.effects import Effects, Pace
from kiosk.core.engine import Batch
from kiosk.core.office import Office, OfficeError
from kiosk.core.office_link import OfficeLink, ask
from kiosk.journal.journal import Journal
from kiosk.session import facts as f
from kiosk.session import inputs as i
from kiosk.session.evolve import KEPT_CLOSED
from kiosk.session.inputs import Input
from kiosk.session.requests import open_requests
from kiosk.values import Digest, Moment, SessionId

SIGNED = {"by": "Ada", "reason": "goodwill"}


@dataclass
class Bed:
    """An office over a journal. `effects` have attempted nothing yet."""

    shelf: Shelf
    refunds_here: bool = True
    effects: Effects = field(default_factory=lambda: Effects(Pace()))
    woken: int = 0

    def __post_init__(self) -> None:
        self.office = Office(
            self.effects, self.shelf.archive(), self, lambda: self.shelf.w.k, self._tell, self._wake, refunds_here=self.refunds_here
        )

    def now(self) -> Moment:
        return self.shelf.w.now

    def _wake(self) -> None:
        self.woken += 1

    async def _tell(self, given: Input) -> Batch:
        facts = self.shelf.w.give(given)
        self.shelf.keep()
        return Batch(facts, self.shelf.w.k)

    async def answer(self, **order: object) -> dict[str, Any]:
        """As it goes over the wire."""
        told: dict[str, Any] = json.loads(json.dumps(await self.office.answer(order), default=str))
        return told

    async def refused(self, **order: object) -> str:
        """The sentence an order is refused with; nothing has happened then."""
        before = len(self.shelf.w.facts)
        with pytest.raises(OfficeError) as refusal:
            await self.office.answer(order)
        assert len(self.shelf.w.facts) == before
        return str(refusal.value)


@pytest.fixture
def bed(tmp_path: Path) -> Iterator[Bed]:
    with Journal.open(tmp_path / "journal.db", reserve_bytes=0) as journal:
        yield Bed(Shelf(journal))


def sold(bed: Bed) -> SessionId:
    """A sale of 5.00 EUR."""
    bed.shelf.w.finish()
    bed.shelf.keep()
    return bed.shelf.w.session.id


def leapt(bed: Bed) -> SessionId:
    """A sale whose meter proved nothing, waiting for a person."""
    w = bed.shelf.w
    transaction = w.deliver()
    w.wait(60)
    w.end(transaction, 16_000)
    w.status(1, i.ConnectorStatus.AVAILABLE)
    bed.shelf.keep()
    assert w.reviews() == ["meter_unproven"]
    return w.session.id


# --- orders -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [{}, {"do": "sell"}, {"do": 7}, {"do": None}, {"do": ["refund"]}])
async def test_what_is_no_order_is_told_the_orders_there_are(bed: Bed, order: dict[str, object]) -> None:
    assert "is no order: one of queue, flush, upstream, upstream_again, reviews, decide, refund" in await bed.refused(**order)


@pytest.mark.parametrize("order", [{}, {"session": ""}, {"session": 5}, {"session": "K417\n"}, {"session": "x" * 201}])
@pytest.mark.parametrize("do", ["refund", "decide"])
async def test_a_sale_must_be_named_in_plain_text(bed: Bed, do: str, order: dict[str, object]) -> None:
    assert await bed.refused(do=do, **order) == "session is missing, too long, or no plain text"


@pytest.mark.parametrize("do", ["refund", "decide"])
async def test_a_sale_nobody_made_is_not_found(bed: Bed, do: str) -> None:
    assert await bed.refused(do=do, session="K417-NONE") == "this kiosk has no sale K417-NONE: see `pilepay journal sales`"


# --- refunds ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("long_over", [False, True])
async def test_a_refund_is_ordered_and_signed(bed: Bed, long_over: bool) -> None:
    sale = sold(bed)
    for _ in range(KEPT_CLOSED if long_over else 0):
        sold(bed)
    if long_over:
        assert bed.shelf.w.k.find(sale) is None
    told = await bed.answer(do="refund", session=sale, amount="1.50", command="7", **SIGNED)
    assert told["facts"] == ["RefundRequested"]
    (fact,) = bed.shelf.w.all_of(f.RefundRequested)
    assert (fact.session, fact.amount.minor, fact.by, fact.reason, fact.request) == (sale, 150, "Ada", "goodwill", told["request"])


@pytest.mark.parametrize(
    "amount",
    [
        "0",
        "0.00",
        "-1",
        "+1",
        "1,50",
        "1.505",
        "1e2",
        "1e999999999",
        "NaN",
        "Infinity",
        "1_0",
        " 1",
        "１",
        "",
        "9" * 10_000,
        1.5e300,
        [],
        {},
    ],
)
async def test_what_is_no_amount_is_refused(bed: Bed, amount: object) -> None:
    sale = sold(bed)
    assert "is no amount in EUR" in await bed.refused(do="refund", session=sale, amount=amount, command="7", **SIGNED)


async def test_the_limit_counts_what_is_under_way(bed: Bed) -> None:
    sale = sold(bed)
    await bed.answer(do="refund", session=sale, amount="3.00", command="1", **SIGNED)
    too_much = await bed.refused(do="refund", session=sale, amount="2.01", command="2", **SIGNED)
    assert too_much == "that is more than was captured and is not yet paid back; refundable: 2.00 EUR"
    await bed.answer(do="refund", session=sale, command="3", **SIGNED)
    assert (await bed.refused(do="refund", session=sale, command="4", **SIGNED)).startswith("nothing was captured for this sale, or all")
    assert [fact.amount.minor for fact in bed.shelf.w.all_of(f.RefundRequested)] == [300, 200]


async def test_a_command_given_again_is_refused_whatever_else_it_says(bed: Bed) -> None:
    sale = sold(bed)
    await bed.answer(do="refund", session=sale, amount="1.00", command="7", **SIGNED)
    for amount in ("1.00", "2.00", None):
        again = await bed.refused(do="refund", session=sale, amount=amount, command="7", **SIGNED)
        assert again.startswith("this refund was ordered before; it is made once")


async def test_of_two_refunds_ordered_at_once_the_one_that_is_not_made_is_refused(bed: Bed) -> None:
    sale = sold(bed)
    other = i.RefundAsked(SessionId(sale), None, "Bob", "price", "other")

    async def tell_after_the_other(given: Input) -> Batch:
        bed.shelf.w.give(other)
        return await bed._tell(given)

    late = replace(bed.office, tell=tell_after_the_other)
    with pytest.raises(OfficeError, match="another order about this sale came first"):
        await late.answer({"do": "refund", "session": sale, "command": "7", **SIGNED})
    assert [fact.by for fact in bed.shelf.w.all_of(f.RefundRequested)] == ["Bob"]


async def test_a_refund_wants_a_reason_of_the_list(bed: Bed) -> None:
    sale = sold(bed)
    assert "reasons: not_delivered, price, fault" in await bed.refused(do="refund", session=sale, command="7", by="Ada", reason="because")
    for missing in ("by", "reason", "command"):
        order = {"by": "Ada", "reason": "price", "command": "7", missing: "  "}
        assert await bed.refused(do="refund", session=sale, **order) == f"{missing} is missing, too long, or no plain text"


async def test_a_kiosk_without_the_key_refers_to_where_it_is(bed: Bed) -> None:
    without = Bed(bed.shelf, refunds_here=False)
    assert "refund in the Customer Area" in await without.refused(do="refund", session=sold(bed), command="7", **SIGNED)


async def test_a_sale_that_took_nothing_gives_nothing_back(bed: Bed) -> None:
    session = bed.shelf.pays_with("x")
    bed.shelf.cancelled()
    assert (await bed.refused(do="refund", session=session, command="7", **SIGNED)).startswith("nothing was captured")


# --- reviews ------------------------------------------------------------------------------------------------------------------


async def test_the_list_names_what_waits_until_when(bed: Bed) -> None:
    sale = leapt(bed)
    (row,) = (await bed.answer(do="reviews"))["reviews"]
    assert (row["session"], row["code"], row["alarm"]) == (sale, "meter_unproven", False)
    assert row["deadline_ms"] > row["opened_ms"]
    await bed.answer(do="decide", session=sale, code="meter_unproven", decision="release", **SIGNED)
    assert (await bed.answer(do="reviews"))["reviews"] == []


@pytest.mark.parametrize("kwh", ["-1", "1e400", "1e999999999", "NaN", "much", "1.2345678", "1,5", "", "9" * 10_000, [], {}])
async def test_what_is_no_energy_is_refused(bed: Bed, kwh: object) -> None:
    sale = leapt(bed)
    order = {"session": sale, "code": "meter_unproven", "decision": "capture", "kwh": kwh}
    assert "is no energy in kWh" in await bed.refused(do="decide", **order, **SIGNED)


async def test_a_decision_is_a_fact_with_a_name_and_a_reason(bed: Bed) -> None:
    sale = leapt(bed)
    order = {"session": sale, "code": "meter_unproven", "decision": "capture", "kwh": "2.5", "by": "Ada", "reason": "the car's display"}
    told = await bed.answer(do="decide", **order)
    assert told["facts"][:2] == ["ReviewDecided", "MeterDecided"]
    (fact,) = bed.shelf.w.all_of(f.ReviewDecided)
    assert (fact.decision, fact.mwh, fact.by, fact.reason) == ("capture", 2_500_000, "Ada", "the car's display")
    assert bed.shelf.w.all_of(f.CaptureRequested)[0].amount.minor == 125
    assert (await bed.refused(do="decide", **order)).startswith("this sale has no open review of that code")


@pytest.mark.parametrize(
    ("code", "decision", "sentence"),
    [
        ("meter_unproven", "retry", "this review cannot be decided that way"),
        ("meter_unproven", "settled", "this review cannot be decided that way"),
        ("capture_refused", "retry", "this sale has no open review of that code"),
        ("nonsense", "release", "'nonsense' is no review"),
        ("meter_unproven", "burn", "this review cannot be decided that way"),
    ],
)
async def test_what_cannot_be_decided_is_said(bed: Bed, code: str, decision: str, sentence: str) -> None:
    sale = leapt(bed)
    assert (await bed.refused(do="decide", session=sale, code=code, decision=decision, **SIGNED)).startswith(sentence)


async def test_a_decision_wants_a_name_and_a_reason(bed: Bed) -> None:
    sale = leapt(bed)
    for missing in ("by", "reason"):
        order = {**SIGNED, missing: ""}
        refusal = await bed.refused(do="decide", session=sale, code="meter_unproven", decision="release", **order)
        assert refusal == f"{missing} is missing, too long, or no plain text"


# --- the queue ----------------------------------------------------------------------------------------------------------------


async def test_the_queue_shows_what_waits_and_a_flush_makes_it_due(bed: Bed) -> None:
    w = bed.shelf.w
    w.pay()
    w.give(i.DriverCancelled(w.session.id))
    (attempt,) = bed.effects.ready(open_requests(w.k), w.now)
    bed.effects.ended(attempt.request, i.NotSent("no route to the acquirer"), w.now)
    w.skip(1)
    (row,) = (await bed.answer(do="queue"))["queue"]
    assert (row["operation"], row["attempts"], row["age_s"]) == ("cancel", 1, 1)
    assert row["words"] == "NotSent: no route to the acquirer"
    assert bed.effects.ready(open_requests(w.k), w.now) == ()
    assert bed.woken == 0
    await bed.answer(do="flush")
    assert bed.woken == 1
    assert [a.request for a in bed.effects.ready(open_requests(w.k), w.now)] == [attempt.request]


async def test_the_queue_tells_nothing_of_a_card(bed: Bed) -> None:
    w = bed.shelf.w
    w.accept()
    bed.effects.ready(open_requests(w.k), w.now)
    (row,) = (await bed.answer(do="queue"))["queue"]
    assert row["amount"] == "50.00 EUR"
    w.answer("Preauthorize", i.Done(approval()))
    w.give(i.DriverCancelled(w.session.id))
    bed.effects.ready(open_requests(w.k), w.now)
    assert "4821" not in json.dumps(await bed.answer(do="queue"))


# --- the socket ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
async def link(tmp_path: Path) -> AsyncIterator[Path]:
    async def answer(order: Mapping[str, object]) -> dict[str, Any]:
        if order.get("do") == "refuse":
            raise OfficeError("not today")
        return {"heard": order, "at": Moment(1, "b", 2)}

    path = tmp_path / "office"
    one = OfficeLink(path, answer)
    await one.start()
    yield path
    await one.stop()
    assert not path.exists()


async def test_only_the_kiosks_own_user_may_open_it(link: Path) -> None:
    assert (await asyncio.to_thread(link.stat)).st_mode & 0o777 == 0o600


async def test_an_order_is_answered_and_a_refusal_is_a_sentence(link: Path) -> None:
    assert (await asyncio.to_thread(ask, link, {"do": "queue"}))["heard"] == {"do": "queue"}
    with pytest.raises(OfficeError, match="not today"):
        await asyncio.to_thread(ask, link, {"do": "refuse"})


def _raw(path: Path, data: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX) as one:
        one.settimeout(5)
        one.connect(str(path))
        one.sendall(data)
        one.shutdown(socket.SHUT_WR)
        heard = b""
        while part := one.recv(65_536):
            heard += part
        return heard


@pytest.mark.parametrize("line", [b"rubbish", b"[1]", b'"queue"', b"\xff\xfe", b"[" * 60_000, b"null", b"{"])
async def test_rubbish_is_told_what_an_order_is(link: Path, line: bytes) -> None:
    told = await asyncio.to_thread(_raw, link, line + b"\n" + b'{"do": "queue"}\n')
    first, second = told.splitlines()
    assert json.loads(first) == {"error": "an order is one JSON object on one line"}
    assert json.loads(second)["heard"] == {"do": "queue"}


async def test_a_line_without_end_costs_only_its_own_connection(link: Path) -> None:
    with suppress(ConnectionError):  # it may hang up on whoever still talks
        assert await asyncio.to_thread(_raw, link, b"x" * 1_000_000) == b""
    assert (await asyncio.to_thread(ask, link, {"do": "queue"}))["heard"] == {"do": "queue"}


async def test_a_socket_left_by_a_core_that_died_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "office"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))

    async def answer(order: Mapping[str, object]) -> dict[str, Any]:
        return {}

    one = OfficeLink(path, answer)
    await one.start()
    assert await asyncio.to_thread(ask, path, {}) == {}
    await one.stop()


def test_nobody_at_home_is_said_with_what_to_look_at(tmp_path: Path) -> None:
    with pytest.raises(OfficeError, match="is `pilepay core` up, and are you its user or root"):
        ask(tmp_path / "office", {"do": "queue"})


def test_a_refund_whose_answer_is_lost_says_how_to_repeat_it_once(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dying:
        dying.bind(str(tmp_path / "office"))
        dying.listen()

        def hang_up() -> None:
            dying.accept()[0].close()

        core = threading.Thread(target=hang_up)
        core.start()
        with pytest.raises(OfficeError, match=r"did not answer .* repeat it with --command my-refund"):
            ask(tmp_path / "office", {"do": "refund", "command": "my-refund"})
        core.join()


# --- a sale on account --------------------------------------------------------------------------------------------------------


async def test_an_account_is_relieved_without_a_key_for_the_acquirer(bed: Bed) -> None:
    bed = Bed(bed.shelf, refunds_here=False)
    w = bed.shelf.w
    w.give(i.ReaderHealth(True))
    w.give(i.TagAccepted(w.ids.session(), A, quote(hold=0), i.Account(Digest("a1" * 32), "C-1001")))
    w.status(1, i.ConnectorStatus.PREPARING)
    w.give(i.TxStarted("PILE-1", 1, w.session.starts[-1].id_tag, w.reading(100)))
    assert (await bed.answer(do="stop", session=w.session.id))["facts"] == ["StopRequested"]
    w.skip(600)
    w.end(w.session.transaction, 110, "Remote")
    w.status(1, i.ConnectorStatus.AVAILABLE)
    bed.shelf.keep()
    done = await bed.answer(do="refund", session=w.session.id, amount="2.00", command="1", **SIGNED)
    assert done["facts"] == ["AccountCredited", "CreditNoteIssued"]
    assert "refundable: 3.00 EUR" in await bed.refused(do="refund", session=w.session.id, amount="3.01", command="2", **SIGNED)
