"""What every `Acquirer` keeps, whoever is behind it. A driver's test subclasses `AcquirerContract` and gives the fixture `bed`."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest
from payments_bed import Bed, order

from hardware.api import AnswerLost, NotSent
from kiosk.payments.api import Refusal
from kiosk.values import Money

EUR_12 = Money(1234, "EUR")
PAY = "K1-S1-PAY"


class AcquirerContract:
    async def test_a_capture_takes_its_amount_and_frees_the_rest(self, bed: Bed) -> None:
        psp = bed.authorize(PAY, Money(5000, "EUR"))

        submitted = await bed.acquirer.capture(order(psp=psp, amount=EUR_12))

        payment = bed.books().payment(PAY)
        assert payment
        assert payment.captured == EUR_12
        assert not payment.held
        assert submitted.psp_reference
        assert submitted.psp_reference != psp

    async def test_the_same_key_never_captures_twice(self, bed: Bed) -> None:
        capture = order(psp=bed.authorize(PAY), amount=EUR_12)

        first = await bed.acquirer.capture(capture)
        second = await bed.acquirer.capture(capture)

        payment = bed.books().payment(PAY)
        assert payment
        assert first == second
        assert len(payment.modifications) == 1
        assert payment.captured == EUR_12

    async def test_an_answer_lost_after_the_deed_is_found_again_under_the_same_key(self, bed: Bed) -> None:
        capture = order(psp=bed.authorize(PAY), amount=EUR_12)
        bed.fault("drop_answer")

        with pytest.raises(AnswerLost):
            await bed.acquirer.capture(capture)
        await bed.acquirer.capture(capture)

        payment = bed.books().payment(PAY)
        assert payment
        assert len(payment.modifications) == 1

    async def test_a_request_lost_on_the_way_is_never_called_done(self, bed: Bed) -> None:
        capture = order(psp=bed.authorize(PAY), amount=EUR_12)
        bed.fault("drop_request")

        with pytest.raises((AnswerLost, NotSent)):
            await bed.acquirer.capture(capture)

        payment = bed.books().payment(PAY)
        assert payment
        assert not payment.captured
        assert await bed.acquirer.capture(capture)

    async def test_an_order_changed_under_its_key_is_not_sent(self, bed: Bed) -> None:
        capture = order(psp=bed.authorize(PAY), amount=EUR_12)

        with pytest.raises(Refusal) as refused:
            await bed.acquirer.capture(replace(capture, amount=Money(1235, "EUR")))

        payment = bed.books().payment(PAY)
        assert payment
        assert refused.value.code == "body_changed"
        assert not refused.value.retry
        assert not payment.modifications

    async def test_a_cancel_frees_everything(self, bed: Bed) -> None:
        psp = bed.authorize(PAY)

        await bed.acquirer.cancel(order("K1-S1-CAN", psp))

        payment = bed.books().payment(PAY)
        assert payment
        assert payment.cancelled
        assert not payment.held

    async def test_a_payment_known_only_by_our_reference_can_be_cancelled(self, bed: Bed) -> None:
        bed.authorize(PAY)
        bed.authorize("K1-S2-PAY")

        await bed.acquirer.cancel_by_reference(order("K1-S1-CAN", payment=PAY))

        mine, other = bed.books().payment(PAY), bed.books().payment("K1-S2-PAY")
        assert mine
        assert mine.cancelled
        assert other
        assert not other.cancelled

    async def test_an_adjustment_names_the_new_total(self, bed: Bed) -> None:
        psp = bed.authorize(PAY, Money(5000, "EUR"))

        await bed.acquirer.adjust(order("K1-S1-ADJ", psp, Money(8000, "EUR")))
        await bed.acquirer.capture(order("K1-S1-CAP", psp, Money(7900, "EUR")))

        payment = bed.books().payment(PAY)
        assert payment
        assert payment.captured == Money(7900, "EUR")

    async def test_without_the_refund_credential_nothing_is_paid_back(self, bed: Bed) -> None:
        psp = bed.authorize(PAY)
        await bed.acquirer.capture(order(psp=psp, amount=EUR_12))

        with pytest.raises(Refusal) as refused:
            await bed.acquirer.refund(order("K1-S1-REF", psp, EUR_12))

        payment = bed.books().payment(PAY)
        assert payment
        assert refused.value.code == "not_permitted"
        assert not payment.refunded

    async def test_with_it_a_refund_is_paid_back_once(self, bed: Bed) -> None:
        psp = bed.authorize(PAY)
        await bed.refunder.capture(order(psp=psp, amount=EUR_12))
        refund = order("K1-S1-REF", psp, Money(1000, "EUR"))

        await bed.refunder.refund(refund)
        await bed.refunder.refund(refund)

        payment = bed.books().payment(PAY)
        assert payment
        assert payment.refunded == Money(1000, "EUR")

    @pytest.mark.parametrize("amount", [None, Money(0, "EUR"), Money(-1, "EUR")])
    async def test_a_capture_of_nothing_is_not_sent(self, bed: Bed, amount: Money | None) -> None:
        psp = bed.authorize(PAY)

        with pytest.raises(Refusal) as refused:
            await bed.acquirer.capture(order(psp=psp, amount=amount))

        payment = bed.books().payment(PAY)
        assert payment
        assert refused.value.code == "invalid_order"
        assert not payment.modifications

    @pytest.mark.parametrize("fault", ["drop_request", "drop_answer", "error_500", "refuse_captures"])
    async def test_no_credential_shows_in_errors_logs_or_names(self, bed: Bed, fault: str, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        bed.fault(fault)

        with pytest.raises((AnswerLost, NotSent, Refusal)) as failed:
            await bed.acquirer.capture(order(psp=bed.authorize(PAY), amount=EUR_12))

        shown = f"{failed.value!r} {failed.value.__context__!r} {failed.value.__cause__!r} {bed.acquirer!r} {bed.refunder!r} {caplog.text}"
        assert not any(secret in shown for secret in bed.secrets)
