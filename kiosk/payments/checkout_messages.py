"""What we say to Adyen's Checkout API (v72) and what its answers mean, without any I/O.

An answer is believed only when it says `received` and names the change. Whatever else comes back with a success status, and every failure
that may have been processed, is a lost answer: Adyen does a key once, so sending it again is safe, and calling it a decline is not.
Source: Adyen OpenAPI CheckoutService-v72, docs.adyen.com development-resources/api-idempotency.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from hardware.api import AnswerLost
from kiosk.payments.api import ModificationOrder, Refusal, Submitted, refuse_changed
from kiosk.values import Money

_PSP_REFERENCE = re.compile(r"[A-Za-z0-9]{1,64}")
_REFERENCE = re.compile(r"[!-~]{1,80}")
_KEY = re.compile(r"[!-~]{1,64}")
_LONG_NUMBER = re.compile(r"\d(?:[ -]?\d){11,}")

_IN_FLIGHT = "704"  # an attempt with this key is being processed, or was
_NO_KEY_STORE = "703"  # the key could not be kept, so nothing was done

_CREATED = 201
_TOO_MANY = 429


class Operation(Enum):
    """A change Checkout knows: the name of our call, and the last part of its path."""

    CAPTURE = "captures"
    CANCEL = "cancels"
    CANCEL_BY_REFERENCE = ""
    ADJUST = "amountUpdates"
    REFUND = "refunds"


@dataclass(frozen=True, slots=True)
class CheckoutRequest:
    """A POST: `path` below the API's versioned base, `body` to be sent as JSON."""

    path: str
    body: Mapping[str, object]


def request(operation: Operation, order: ModificationOrder, merchant_account: str) -> CheckoutRequest:
    """How `order` is put to Checkout. Raises `Refusal` when it cannot be: nothing malformed leaves the kiosk."""
    refuse_changed(order)
    _require(order, _KEY.fullmatch(order.key), "its idempotency key is not 1-64 printable ASCII characters")
    _require(order, _REFERENCE.fullmatch(order.reference), "its reference is not 1-80 printable ASCII characters")
    body: dict[str, object] = {"merchantAccount": merchant_account, "reference": order.reference}
    if operation in {Operation.CANCEL, Operation.CANCEL_BY_REFERENCE}:
        _require(order, order.amount is None, "a cancel gives back everything and takes no amount")
    else:
        body["amount"] = _amount(order)
    if operation is Operation.CANCEL_BY_REFERENCE:
        _require(order, _REFERENCE.fullmatch(order.payment_reference), "the payment's reference is not 1-80 printable ASCII characters")
        return CheckoutRequest("/cancels", body | {"paymentReference": order.payment_reference})
    _require(order, _PSP_REFERENCE.fullmatch(order.psp_reference), "the payment's psp reference is not letters and digits")
    return CheckoutRequest(f"/payments/{order.psp_reference}/{operation.value}", body)


def judge(status: int, headers: Mapping[str, str], body: bytes, secrets: Sequence[str] = ()) -> Submitted:
    """What an answer means. Raises `AnswerLost` or `Refusal`; `secrets` never appear in what they say."""
    answer = _object(body)
    if status == _CREATED:
        return _submitted(answer)
    code = _text(answer.get("errorCode"), secrets)
    said = _said(status, code, answer, body, secrets)
    if _header(headers, "transient-error").lower() == "true" or code == _IN_FLIGHT:
        raise AnswerLost(f"{said}; send it again under the same key")
    if status == _TOO_MANY or code == _NO_KEY_STORE:
        raise Refusal("try_later", f"{said}; nothing was done", retry=True)
    if status >= 500 or status < 400 or status in {408, 425}:
        raise AnswerLost(f"{said}; it may have been done: send it again under the same key")
    raise Refusal(_REFUSALS.get(status, "rejected"), f"{said}; {_MENDS.get(status, 'see the order and the payment in the Customer Area')}")


_REFUSALS = {401: "unauthorized", 403: "not_permitted", 404: "not_found"}
_MENDS = {
    401: "check the API key",
    403: "check the API key's roles and the merchant account",
    404: "check the acquirer's address in the configuration",
}


def _submitted(answer: Mapping[str, object]) -> Submitted:
    psp_reference = answer.get("pspReference")
    if answer.get("status") != "received" or not isinstance(psp_reference, str) or not psp_reference:
        raise AnswerLost("the acquirer answered 201 without saying what it received; send it again under the same key")
    if not _PSP_REFERENCE.fullmatch(psp_reference):
        raise AnswerLost("the acquirer answered 201 with a psp reference that is none; send it again under the same key")
    return Submitted(psp_reference)


def _amount(order: ModificationOrder) -> dict[str, object]:
    amount = order.amount
    if not isinstance(amount, Money) or amount.minor <= 0:
        raise Refusal("invalid_order", f"order {order.reference} was not sent: its amount {amount} is not above zero")
    return {"value": amount.minor, "currency": amount.currency}


def _require(order: ModificationOrder, fine: object, complaint: str) -> None:
    if not fine:
        raise Refusal("invalid_order", f"order {order.reference[:80]!r} was not sent: {complaint}")


def _object(body: bytes) -> Mapping[str, object]:
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _header(headers: Mapping[str, str], name: str) -> str:
    return next((v for k, v in headers.items() if k.lower() == name), "")


def _said(status: int, code: str, answer: Mapping[str, object], body: bytes, secrets: Sequence[str]) -> str:
    words = _text(answer.get("message"), secrets) or (f"{len(body)} bytes we cannot read" if body and not answer else "nothing more")
    return f"the acquirer answered {status}{f' (code {code})' if code else ''}: {words}"


def _text(value: object, secrets: Sequence[str]) -> str:
    """A peer's words made fit for a log: short, printable, without our secrets and without anything as long as a card number."""
    if not isinstance(value, str):
        return ""
    for secret in secrets:
        value = value.replace(secret, "***")
    value = _LONG_NUMBER.sub("***", value)
    return "".join(c if c.isprintable() else " " for c in value)[:200]
