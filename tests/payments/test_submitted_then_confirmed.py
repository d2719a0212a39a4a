"""From the order to the acquirer's last word, over real sockets both ways, with what the network does in between."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from payments_bed import ACCOUNT, CAPTURE_KEY, Kept, WallClock, authorizer, endpoint, model, order

from hardware.api import AnswerLost
from hardware.simulated.acquirer_server import AcquirerServer
from hardware.simulated.models.acquirer import FAULTS
from kiosk.payments.adyen_checkout import AdyenCheckout
from kiosk.payments.api import Refusal
from kiosk.payments.webhooks import BasicAuth
from kiosk.values import Money

EUR_12 = Money(1234, "EUR")


@dataclass
class World:
    server: AcquirerServer
    acquirer: AdyenCheckout
    kept: Kept
    clock: WallClock


@asynccontextmanager
async def world(rate: float = 1.0, login: BasicAuth | None = None) -> AsyncIterator[World]:
    clock, kept = WallClock(rate), Kept()
    async with AcquirerServer(model(slow_ms=600), clock) as server, endpoint(kept.receive, clock, login) as url:
        server.set_webhook_targets(url, login=("adyen", "open sesame") if login else None)
        acquirer = AdyenCheckout(ACCOUNT, CAPTURE_KEY, clock, base_url=server.url, timeout_seconds=5 * rate)
        yield World(server, acquirer, kept, clock)
        acquirer.close()


async def test_a_capture_is_submitted_then_confirmed() -> None:
    async with world() as w:
        psp = authorizer(w.server)()
        submitted = await w.acquirer.capture(order(psp=psp, amount=EUR_12))
        await w.kept.until(lambda: bool(w.kept.confirmations))

    (confirmation,) = w.kept.confirmations
    assert confirmation.reference == "K1-S1-CAP"
    assert confirmation.psp_reference == submitted.psp_reference
    assert (confirmation.operation, confirmation.success, confirmation.amount) == ("capture", True, EUR_12)


async def test_every_operation_is_confirmed_as_itself() -> None:
    async with world() as w:
        authorize = authorizer(w.server)
        await w.acquirer.cancel(order("K1-CAN", authorize("K1-P1")))
        adjusted = authorize("K1-P2")
        await w.acquirer.adjust(order("K1-ADJ", adjusted, Money(8000, "EUR")))
        authorize("K1-P3")
        await w.acquirer.cancel_by_reference(order("K1-TEC", payment="K1-P3"))
        await w.kept.until(lambda: len(w.kept.confirmations) == 3)

    said = {(c.reference, c.operation, c.success) for c in w.kept.confirmations}
    assert said == {("K1-CAN", "cancel", True), ("K1-ADJ", "adjust", True), ("K1-P3", "cancel", True)}


async def test_more_than_was_reserved_is_received_and_then_denied() -> None:
    async with world() as w:
        psp = authorizer(w.server)()
        assert await w.acquirer.capture(order(psp=psp, amount=Money(5001, "EUR")))
        await w.kept.until(lambda: bool(w.kept.confirmations))
        payment = w.server.books().payment("K1-S1-PAY")

    assert not w.kept.confirmations[0].success
    assert w.kept.confirmations[0].reason == "Insufficient balance on payment"
    assert payment
    assert not payment.captured


async def test_a_capture_taken_back_by_the_scheme_is_denied_after_it_was_confirmed() -> None:
    async with world() as w:
        psp = authorizer(w.server)()
        w.server.fault("capture_fails_later")
        await w.acquirer.capture(order(psp=psp, amount=EUR_12))
        await w.kept.until(lambda: len(w.kept.confirmations) == 2)

    assert [(c.operation, c.success) for c in w.kept.confirmations] == [("capture", True), ("capture", False)]


async def test_a_confirmation_may_come_before_its_lost_answer_is_asked_again() -> None:
    async with world() as w:
        capture = order(psp=authorizer(w.server)(), amount=EUR_12)
        w.server.fault("drop_answer")
        with pytest.raises(AnswerLost):
            await w.acquirer.capture(capture)
        await w.kept.until(lambda: bool(w.kept.confirmations))
        submitted = await w.acquirer.capture(capture)

    assert [c.psp_reference for c in w.kept.confirmations] == [submitted.psp_reference]


async def test_a_confirmation_that_could_not_be_kept_comes_again() -> None:
    async with world(rate=60) as w:
        w.kept.broken = True
        await w.acquirer.capture(order(psp=authorizer(w.server)(), amount=EUR_12))
        await w.kept.until(lambda: w.kept.refused > 0)
        w.kept.broken = False
        await w.kept.until(lambda: bool(w.kept.confirmations))

    assert len(w.kept.confirmations) == 1


async def test_a_kiosk_that_was_away_hears_it_later() -> None:
    clock, kept = WallClock(60), Kept()
    async with AcquirerServer(model(), clock) as server:
        async with endpoint(kept.receive, clock) as url:
            server.set_webhook_targets(url)
        acquirer = AdyenCheckout(ACCOUNT, CAPTURE_KEY, clock, base_url=server.url, timeout_seconds=300)
        await acquirer.capture(order(psp=authorizer(server)(), amount=EUR_12))
        await clock.sleep(1)
        async with endpoint(kept.receive, clock) as url:
            server.set_webhook_targets(url)
            await kept.until(lambda: bool(kept.confirmations))

    assert len(kept.confirmations) == 1


async def test_a_duplicate_is_passed_on_and_a_lost_one_never_comes() -> None:
    async with world() as w:
        authorize = authorizer(w.server)
        w.server.fault("lose_webhook")
        await w.acquirer.capture(order("K1-LOST", authorize("K1-P1"), EUR_12))
        w.server.fault("duplicate_webhook")
        await w.acquirer.capture(order("K1-TWICE", authorize("K1-P2"), EUR_12))
        await w.kept.until(lambda: len(w.kept.confirmations) == 2)

    assert [c.reference for c in w.kept.confirmations] == ["K1-TWICE", "K1-TWICE"]


async def test_the_endpoints_login_is_used() -> None:
    async with world(login=BasicAuth("adyen", "open sesame")) as w:
        await w.acquirer.capture(order(psp=authorizer(w.server)(), amount=EUR_12))
        await w.kept.until(lambda: bool(w.kept.confirmations))

    assert w.kept.confirmations


async def test_two_kiosks_on_one_merchant_account_do_not_touch_each_others_money() -> None:
    clock, kept = WallClock(), {"K1": Kept(), "K2": Kept()}
    async with (
        AcquirerServer(model(), clock) as server,
        endpoint(kept["K1"].receive, ours=lambda r: r.startswith("K1-")) as first,
        endpoint(kept["K2"].receive, ours=lambda r: r.startswith("K2-")) as second,
    ):
        server.set_webhook_targets(first, second)
        authorize = authorizer(server)
        kiosks = {k: AdyenCheckout(ACCOUNT, CAPTURE_KEY, clock, base_url=server.url) for k in kept}
        for number, (kiosk, acquirer) in enumerate(kiosks.items(), 1):
            captured = order(f"{kiosk}-S1-CAP", authorize(f"{kiosk}-S1-PAY"), Money(1000 + number, "EUR"))
            await acquirer.capture(captured)
            authorize(f"{kiosk}-S2-PAY")
        await kiosks["K1"].cancel_by_reference(order("K1-S2-CAN", payment="K1-S2-PAY"))
        await kept["K1"].until(lambda: len(kept["K1"].confirmations) == 2)
        await kept["K2"].until(lambda: len(kept["K2"].confirmations) == 1)
        books = server.books()
        for acquirer in kiosks.values():
            acquirer.close()

    captured = {p.merchant_reference: p.captured.minor for p in books.payments}
    assert captured == {"K1-S1-PAY": 1001, "K1-S2-PAY": 0, "K2-S1-PAY": 1002, "K2-S2-PAY": 0}
    assert [p.merchant_reference for p in books.payments if p.cancelled] == ["K1-S2-PAY"]
    assert [c.reference for c in kept["K2"].confirmations] == ["K2-S1-CAP"]


async def test_a_key_used_by_the_other_kiosk_is_refused_not_answered() -> None:
    async with world() as w:
        authorize = authorizer(w.server)
        await w.acquirer.capture(order("K1-CAP", authorize("K1-P1"), EUR_12, key="same"))

        with pytest.raises(Refusal):
            await w.acquirer.capture(order("K2-CAP", authorize("K2-P1"), EUR_12, key="same"))

        payment = w.server.books().payment("K2-P1")
    assert payment
    assert not payment.captured


async def test_while_the_first_attempt_is_in_flight_the_second_is_a_lost_answer() -> None:
    clock = WallClock()
    async with AcquirerServer(model(slow_ms=600), clock) as server:
        acquirer = AdyenCheckout(ACCOUNT, CAPTURE_KEY, clock, base_url=server.url, timeout_seconds=0.3)
        capture = order(psp=authorizer(server)(), amount=EUR_12)
        server.fault("slow")
        with pytest.raises(AnswerLost):
            await acquirer.capture(capture)
        with pytest.raises(AnswerLost, match="704"):
            await acquirer.capture(capture)
        await clock.sleep(0.4)
        assert await acquirer.capture(capture)

        payment = server.books().payment("K1-S1-PAY")
        acquirer.close()
    assert payment
    assert len(payment.modifications) == 1


@pytest.mark.parametrize("fault", [f for f in FAULTS if f != "slow"])
async def test_whatever_goes_wrong_once_the_same_order_ends_in_one_capture(fault: str) -> None:
    clock = WallClock()
    async with AcquirerServer(model(), clock) as server:
        acquirer = AdyenCheckout(ACCOUNT, CAPTURE_KEY, clock, base_url=server.url, timeout_seconds=5)
        capture = order(psp=authorizer(server)(), amount=EUR_12)
        server.fault(fault)
        for _ in range(3):
            try:
                await acquirer.capture(capture)
            except (AnswerLost, Refusal):
                continue
        payment = server.books().payment("K1-S1-PAY")
        acquirer.close()

    assert payment
    assert len(payment.modifications) == 1
    assert payment.modifications[0].amount == EUR_12
