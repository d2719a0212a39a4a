"""What Checkout's answers mean for the money, and what is never sent to it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from payments_bed import ACCOUNT, order

from hardware.api import AnswerLost
from kiosk.payments.api import Refusal, body_hash
from kiosk.payments.checkout_messages import CheckoutRequest, Operation, judge, request
from kiosk.values import Money

EUR_12 = Money(1234, "EUR")
RECEIVED = {"status": "received", "pspReference": "993617894906488A"}


def test_a_capture_is_put_in_minor_units() -> None:
    made = request(Operation.CAPTURE, order("K1-CAP", "993617894903480A", EUR_12), ACCOUNT)

    assert made == CheckoutRequest(
        "/payments/993617894903480A/captures",
        {"merchantAccount": ACCOUNT, "reference": "K1-CAP", "amount": {"value": 1234, "currency": "EUR"}},
    )


def test_a_cancel_by_reference_names_the_payment_by_our_reference() -> None:
    made = request(Operation.CANCEL_BY_REFERENCE, order("K1-CAN", payment="K1-PAY"), ACCOUNT)

    assert made == CheckoutRequest("/cancels", {"merchantAccount": ACCOUNT, "reference": "K1-CAN", "paymentReference": "K1-PAY"})


@pytest.mark.parametrize(
    ("operation", "path"), [(Operation.CANCEL, "cancels"), (Operation.ADJUST, "amountUpdates"), (Operation.REFUND, "refunds")]
)
def test_each_change_has_its_path(operation: Operation, path: str) -> None:
    amount = None if operation is Operation.CANCEL else EUR_12

    assert request(operation, order("K1-X", "993617894903480A", amount), ACCOUNT).path == f"/payments/993617894903480A/{path}"


@pytest.mark.parametrize(
    "changed",
    [
        {"key": ""},
        {"key": "k" * 65},
        {"key": "two words"},
        {"key": "a\r\nX-Evil: 1"},
        {"reference": ""},
        {"reference": "r" * 81},
        {"psp_reference": ""},
        {"psp_reference": "../cancels"},
        {"psp_reference": "A?x=1"},
        {"amount": None},
        {"amount": Money(0, "EUR")},
    ],
)
def test_a_malformed_order_does_not_leave_the_kiosk(changed: dict[str, object]) -> None:
    sound = replace(order("K1-CAP", "993617894903480A", EUR_12), promised=None)

    with pytest.raises(Refusal) as refused:
        request(Operation.CAPTURE, replace(sound, **changed), ACCOUNT)  # type: ignore[arg-type]

    assert (refused.value.code, refused.value.retry) == ("invalid_order", False)


def test_a_cancel_with_an_amount_is_not_sent() -> None:
    with pytest.raises(Refusal):
        request(Operation.CANCEL, order("K1-CAN", "993617894903480A", EUR_12), ACCOUNT)


@pytest.mark.parametrize(
    "change", [{"amount": Money(1235, "EUR")}, {"amount": Money(1234, "CHF")}, {"key": "other"}, {"reference": "o"}, {"psp_reference": "B"}]
)
def test_whatever_changes_in_an_order_changes_its_hash(change: dict[str, object]) -> None:
    capture = order("K1-CAP", "A", EUR_12)

    assert body_hash(replace(capture, **change)) != body_hash(capture)  # type: ignore[arg-type]


def test_received_is_submitted_under_the_acquirers_reference() -> None:
    assert judge(201, {}, json.dumps(RECEIVED).encode()).psp_reference == "993617894906488A"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>It works</html>",
        b"{}",
        b"[]",
        b'"received"',
        b"\xff\xfe",
        b"[" * 100_000,
        json.dumps(RECEIVED | {"status": "refused"}).encode(),
        json.dumps({"status": "received"}).encode(),
        json.dumps(RECEIVED | {"pspReference": 12}).encode(),
        json.dumps(RECEIVED | {"pspReference": "a b\r\n"}).encode(),
    ],
)
def test_success_without_a_receipt_is_a_lost_answer(body: bytes) -> None:
    with pytest.raises(AnswerLost):
        judge(201, {}, body)


@pytest.mark.parametrize(
    ("status", "code", "headers"),
    [
        (200, "", {}),
        (204, "", {}),
        (307, "", {}),
        (408, "", {}),
        (409, "704", {}),
        (422, "704", {}),
        (422, "905_3", {"Transient-Error": "true"}),
        (500, "905", {}),
        (502, "", {}),
        (503, "", {}),
        (599, "", {}),
    ],
)
def test_what_may_have_been_done_is_a_lost_answer(status: int, code: str, headers: dict[str, str]) -> None:
    with pytest.raises(AnswerLost):
        judge(status, headers, json.dumps({"errorCode": code}).encode())


@pytest.mark.parametrize(("status", "code"), [(429, ""), (503, "703")])
def test_not_now_may_be_tried_again(status: int, code: str) -> None:
    with pytest.raises(Refusal) as refused:
        judge(status, {}, json.dumps({"errorCode": code}).encode())

    assert (refused.value.code, refused.value.retry) == ("try_later", True)


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, "rejected"), (401, "unauthorized"), (403, "not_permitted"), (404, "not_found"), (409, "rejected"), (422, "rejected")],
)
def test_a_plain_no_is_final(status: int, code: str) -> None:
    with pytest.raises(Refusal) as refused:
        judge(status, {"transient-error": "false"}, json.dumps({"errorCode": "167", "message": "Original pspReference required"}).encode())

    assert (refused.value.code, refused.value.retry) == (code, False)
    assert "Original pspReference required" in refused.value.detail


def test_a_peers_words_carry_no_secret_no_card_number_and_no_control_characters() -> None:
    words = "key AQEsecret card 4111 1111 1111 1111 \x1b[31m" + "x" * 1_000

    with pytest.raises(Refusal) as refused:
        judge(422, {}, json.dumps({"message": words, "errorCode": "1234567890123456"}).encode(), ["AQEsecret"])

    assert "AQEsecret" not in refused.value.detail
    assert "1111" not in refused.value.detail
    assert "1234567890123456" not in refused.value.detail
    assert refused.value.detail.isprintable()
    assert len(refused.value.detail) < 400
