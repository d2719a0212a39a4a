"""An acquirer such as Adyen, as its customers can observe it: requests in, "received" out, results later by signed webhook.

It keeps the truth about every payment in `Books`, which no kiosk can read: the real one cannot be asked what became of a payment either.
No I/O, no clock, no chance of its own: time and random bits come in, so the same inputs give the same world.
Source: Adyen OpenAPI CheckoutService-v72 and Webhooks-v1, docs.adyen.com on idempotency and on webhook troubleshooting.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from hardware.simulated.models.acquirer_books import Books, Change, Modification, Payment, Terms, booked, objection
from hardware.simulated.models.acquirer_webhooks import Item, Mailroom, Webhook
from kiosk.values import Money

__all__ = ["FAULTS", "Acquirer", "Authorized", "Books", "Chance", "Modification", "Payment", "Response", "Terms", "Webhook"]

DAY_MS = 86_400_000

# What goes wrong on request: name, and what then happens to the next request or webhook.
FAULTS: Mapping[str, str] = {
    "drop_request": "the connection breaks before the request is read",
    "drop_answer": "the request is done, its answer never leaves",
    "error_500": "500, nothing done",
    "error_500_after": "500, although the request is done",
    "unavailable_703": "503: the idempotency store is down, nothing done",
    "transient": "422 with transient-error: true, nothing done",
    "rate_limit": "429, nothing done",
    "html_201": "201 with a web page, the request is done",
    "empty_201": "201 with an empty object, the request is done",
    "slow": "the request is done, the answer comes after `slow_ms`",
    "refuse_captures": "a capture is refused at once with 422",
    "capture_rejected": "a capture is received, then CAPTURE says it failed",
    "capture_fails_later": "a capture is confirmed, then CAPTURE_FAILED takes it back",
    "adjust_rejected": "an adjustment is received, then the issuer refuses it",
    "lose_webhook": "a webhook is never sent",
    "duplicate_webhook": "a webhook is sent twice",
    "late_webhook": "a webhook comes a day later",
    "reorder_webhook": "a webhook comes after the ones behind it",
}


class Chance(Protocol):
    """Where random bits come from; `random.Random` fits."""

    def getrandbits(self, k: int, /) -> int: ...


@dataclass(frozen=True, slots=True)
class Authorized:
    """What the terminal's host tells the acquirer when an issuer reserved money."""

    merchant_account: str
    merchant_reference: str
    psp_reference: str
    amount: Money
    at_ms: int


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP answer. `dropped`: the connection breaks instead. `after_ms`: how long the answer takes."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    after_ms: int = 0
    dropped: bool = False


@dataclass(frozen=True, slots=True)
class _Kept:
    """An answer kept under an idempotency key."""

    request: str
    response: Response
    received_ms: int
    answered_ms: int


class _Reject(Exception):
    """The way out of a check: the answer that refuses the request."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.response = _error(status, code, message, headers)


_PAYMENT_PATH = re.compile(r"/v\d+/payments/([A-Za-z0-9]+)/(captures|cancels|amountUpdates|refunds|reversals)")
_CANCEL_PATH = re.compile(r"/v\d+/cancels")
_KINDS = {"captures": "capture", "cancels": "cancel", "amountUpdates": "adjust", "refunds": "refund", "reversals": "reversal"}
_FIELDS = {"merchantAccount", "reference", "amount", "paymentReference", "applicationInfo"}
_WITH_AMOUNT = {"capture", "adjust", "refund"}
_REFUNDING = {"refund", "reversal"}
_LARGEST_BODY = 64 * 1024
_TERMS = Terms(hold_life_ms=28 * DAY_MS, technical_cancel_ms=DAY_MS)


class Acquirer:
    """One merchant account at an acquirer.

    `capture_key` may capture, cancel and adjust, `refund_key` everything; `hmac_key` (hex) signs the webhooks, which leave
    `webhook_delay_ms` (from, to) after the request. `key_life_ms` is how long idempotency keys are remembered, `slow_ms` what `slow` means.
    """

    def __init__(
        self,
        chance: Chance,
        *,
        merchant_account: str,
        capture_key: str,
        refund_key: str,
        hmac_key: str,
        webhook_delay_ms: tuple[int, int] = (200, 1_500),
        key_life_ms: int = 7 * DAY_MS,
        terms: Terms = _TERMS,
        slow_ms: int = 45_000,
    ) -> None:
        self._chance = chance
        self.merchant_account = merchant_account
        self._capture_key = capture_key
        self._refund_key = refund_key
        self._webhook_delay_ms = webhook_delay_ms
        self._key_life_ms = key_life_ms
        self._terms = terms
        self._slow_ms = slow_ms
        self._mailroom = Mailroom(hmac_key, merchant_account)
        self.untold: set[str] = set()  # merchant references of the webhooks that were never sent
        self._payments: dict[str, Payment] = {}
        self._strays: list[Modification] = []
        self._kept: dict[str, _Kept] = {}
        self._faults: dict[str, int | None] = {}

    # --- what the world around it does ------------------------------------------------------------------------------------------------

    def authorized(self, record: Authorized) -> None:
        """An issuer reserved money at one of the merchant's terminals."""
        if record.merchant_account != self.merchant_account:
            raise ValueError(f"{record.merchant_account} is not the merchant account {self.merchant_account}")
        if record.psp_reference in self._payments:
            raise ValueError(f"{record.psp_reference} was authorized before")
        nothing = Money.zero(record.amount.currency)
        self._payments[record.psp_reference] = Payment(
            record.merchant_reference, record.psp_reference, record.amount, nothing, nothing, cancelled=False, at_ms=record.at_ms
        )

    def forwarded(self, record: Authorized, refusal: str, now_ms: int) -> None:
        """A terminal forwarded a payment it had approved by itself. The issuer reserves the money now, or does not and says why.

        The merchant hears of it by webhook, under the reference of its own and a PSP reference that is new to it.
        """
        if not refusal:
            self.authorized(record)
        item = Item(
            event="AUTHORISATION",
            psp_reference=record.psp_reference,
            original_reference="",
            merchant_reference=record.merchant_reference,
            amount=record.amount,
            success=not refusal,
            reason=refusal,
        )
        self._post(item, now_ms)

    def handle(self, method: str, path: str, headers: Mapping[str, str], body: bytes, now_ms: int) -> Response:
        """Answer one HTTP request."""
        if self._strikes("drop_request"):
            return _DROPPED
        try:
            return self._keyed(method, path, {k.lower(): v for k, v in headers.items()}, body, now_ms)
        except _Reject as no:
            return no.response

    def books(self) -> Books:
        """The truth, for whoever checks the kiosks. No kiosk sees it."""
        return Books(tuple(self._payments.values()), tuple(self._strays))

    def fault(self, name: str, times: int | None = 1) -> None:
        """Let `FAULTS[name]` happen `times` times, or until `clear_faults` when None."""
        if name not in FAULTS:
            raise ValueError(f"{name!r} is no fault of the acquirer: one of {', '.join(FAULTS)}")
        self._faults[name] = times

    def clear_faults(self) -> None:
        self._faults.clear()

    # --- webhooks ---------------------------------------------------------------------------------------------------------------------

    def subscribe(self, endpoints: Sequence[str]) -> None:
        """Who hears of results: every endpoint of every one. An endpoint keeps its queue under its name; without any, nothing is sent."""
        self._mailroom.subscribe(endpoints)

    def due(self, now_ms: int) -> tuple[Webhook, ...]:
        """What is to be posted now, at most one to an endpoint. Each must be followed by `accepted` or `unanswered`."""
        return self._mailroom.due(now_ms)

    def next_due(self) -> int | None:
        """When `due` will have something, in ms; None while nothing is waiting or every head of a queue is under way."""
        return self._mailroom.next_due()

    def accepted(self, webhook: Webhook) -> None:
        """The endpoint answered 2xx."""
        self._mailroom.accepted(webhook)

    def unanswered(self, webhook: Webhook, now_ms: int) -> None:
        """The endpoint did not: the queue behind waits, and it is posted again after 9 s, 18 s, 27 s, 2 min, 5 min, … for 30 days."""
        self._mailroom.unanswered(webhook, now_ms)

    # --- requests ---------------------------------------------------------------------------------------------------------------------

    def _keyed(self, method: str, path: str, headers: Mapping[str, str], body: bytes, now_ms: int) -> Response:
        kind, psp_reference = self._route(method, path, headers)
        self._refuse_for_now()
        key = headers.get("idempotency-key", "")
        if len(key) > 64:
            raise _Reject(422, "702", "Idempotency-Key is longer than 64 characters")
        request = hashlib.sha256(path.encode() + b"\0" + body).hexdigest()
        kept = self._kept.get(key)
        if key and kept and now_ms - kept.received_ms <= self._key_life_ms:
            return self._again(kept, request, now_ms)
        answer = self._created(kind, psp_reference, key, body, now_ms)
        after_ms = self._slow_ms if self._strikes("slow") else 0
        if key:
            self._kept[key] = _Kept(request, answer, now_ms, now_ms + after_ms)
        return self._spoilt(replace(answer, after_ms=after_ms))

    def _route(self, method: str, path: str, headers: Mapping[str, str]) -> tuple[str, str]:
        by_psp = _PAYMENT_PATH.fullmatch(path)
        if method != "POST" or not (by_psp or _CANCEL_PATH.fullmatch(path)):
            raise _Reject(404, "", f"no {method} {path}")
        kind = _KINDS[by_psp[2]] if by_psp else "technical_cancel"
        key = headers.get("x-api-key", "")
        if key not in {self._capture_key, self._refund_key}:
            raise _Reject(401, "000", "HTTP Status Response - Unauthorized")
        if kind in _REFUNDING and key != self._refund_key:
            raise _Reject(403, "010", "Not allowed")
        return kind, by_psp[1] if by_psp else ""

    def _refuse_for_now(self) -> None:
        if self._strikes("error_500"):
            raise _Reject(500, "905", "Payment details are not supported")
        if self._strikes("unavailable_703"):
            raise _Reject(503, "703", "Required resource temporarily unavailable", {"transient-error": "true"})
        if self._strikes("rate_limit"):
            raise _Reject(429, "", "Too many requests")
        if self._strikes("transient"):
            raise _Reject(422, "905_3", "Could not find an acquirer account", {"transient-error": "true"})

    def _again(self, kept: _Kept, request: str, now_ms: int) -> Response:
        if kept.request != request:
            raise _Reject(422, "702", "Idempotency-Key was used with another request")
        if now_ms < kept.answered_ms:
            raise _Reject(422, "704", "request already processed or in progress")
        return kept.response

    def _created(self, kind: str, psp_reference: str, key: str, body: bytes, now_ms: int) -> Response:
        message = _parsed(body)
        self._require_sound(kind, message)
        payment_reference = str(message.get("paymentReference", ""))
        change = Change(kind, str(message.get("reference", "")), payment_reference, _money(message.get("amount")), key)
        payment = self._find(kind, psp_reference, payment_reference)
        if kind == "capture" and self._strikes("refuse_captures"):
            raise _Reject(422, "167", "Original pspReference required for this operation")
        done = self._book(change, payment, now_ms)
        echo = {k: message[k] for k in ("merchantAccount", "reference", "amount", "paymentReference") if k in message}
        if kind != "technical_cancel":
            echo["paymentPspReference"] = psp_reference
        content = json.dumps({**echo, "pspReference": done.psp_reference, "status": "received"}).encode()
        headers = {"content-type": "application/json", "pspreference": done.psp_reference}
        return Response(201, {**headers, "idempotency-key": key} if key else headers, content)

    def _require_sound(self, kind: str, message: Mapping[str, object]) -> None:
        unknown = message.keys() - _FIELDS
        if unknown:
            raise _Reject(400, "702", f"Unrecognized field {sorted(unknown)[0]!r}")
        if message.get("merchantAccount") != self.merchant_account:
            raise _Reject(403, "901", "Invalid Merchant Account")
        for name in ("reference", "paymentReference"):
            if not isinstance(message.get(name, ""), str) or len(str(message.get(name, ""))) > 80:
                raise _Reject(422, "130", f"{name} is not a string of at most 80 characters")
        if kind == "technical_cancel" and not message.get("paymentReference"):
            raise _Reject(422, "130", "Required field 'paymentReference' is missing")
        if ("amount" in message) != (kind in _WITH_AMOUNT):
            raise _Reject(422, "100", "No amount specified" if kind in _WITH_AMOUNT else "Unrecognized field 'amount'")
        if kind in _WITH_AMOUNT and _money(message["amount"]) is None:
            raise _Reject(422, "137", "Invalid amount specified")

    def _find(self, kind: str, psp_reference: str, payment_reference: str) -> Payment | None:
        if kind == "technical_cancel":
            return next((p for p in self._payments.values() if p.merchant_reference == payment_reference), None)
        if psp_reference not in self._payments:
            raise _Reject(422, "167", "Original pspReference required for this operation")
        return self._payments[psp_reference]

    # --- the books --------------------------------------------------------------------------------------------------------------------

    def _book(self, change: Change, payment: Payment | None, now_ms: int) -> Modification:
        reason = objection(change, payment, now_ms - payment.at_ms if payment else 0, self._terms)
        if not reason and self._strikes_for(change, "capture", "capture_rejected"):
            reason = "Capture was refused"
        if not reason and self._strikes_for(change, "adjust", "adjust_rejected"):
            reason = "Refused"
        later = not reason and self._strikes_for(change, "capture", "capture_fails_later")
        result = "refused" if reason else "failed_later" if later else "booked"
        done = Modification(change.kind, change.reference, self._psp_reference(), change.amount, change.key, now_ms, result, reason)
        if payment is None:
            self._strays.append(done)
        else:
            after = booked(payment, change) if result == "booked" else payment
            self._payments[payment.psp_reference] = replace(after, modifications=(*payment.modifications, done))
        self._announce(change, done, payment, now_ms)
        return done

    def _announce(self, change: Change, done: Modification, payment: Payment | None, now_ms: int) -> None:
        # TECHNICAL_CANCEL names the payment's reference, every other event the change's own when it has one (Webhooks-v1 examples).
        inherited = payment.merchant_reference if payment else change.payment_reference
        item = Item(
            event=_EVENTS[done.kind],
            psp_reference=done.psp_reference,
            original_reference=payment.psp_reference if payment else "",
            merchant_reference=inherited if done.kind == "technical_cancel" else done.reference or inherited,
            amount=done.amount or (payment.authorized if payment else Money.zero("EUR")),
            success=done.result != "refused",
            reason=done.reason,
        )
        self._post(item, now_ms)
        if done.result == "failed_later":
            self._post(replace(item, event="CAPTURE_FAILED", reason="Capture failed at the scheme"), now_ms + 2 * self._webhook_delay_ms[1])

    def _post(self, item: Item, now_ms: int) -> None:
        low, high = self._webhook_delay_ms
        due_ms = now_ms + low + self._chance.getrandbits(32) % (high - low + 1)
        if self._strikes("late_webhook"):
            due_ms += DAY_MS
        if self._strikes("reorder_webhook"):
            due_ms += 10 * high
        if self._strikes("lose_webhook"):
            self.untold.add(item.merchant_reference)
        else:
            self._mailroom.put(item, now_ms, due_ms)
        if self._strikes("duplicate_webhook"):
            self._mailroom.put(item, now_ms, due_ms + high)

    # --- small things -----------------------------------------------------------------------------------------------------------------

    def _psp_reference(self) -> str:
        return "".join("BCDFGHJKLMNPQRSTVWXZ23456789"[self._chance.getrandbits(16) % 28] for _ in range(16))

    def _strikes(self, name: str) -> bool:
        left = self._faults.get(name, 0)
        if left is not None and left > 0:
            self._faults[name] = left - 1
        return left is None or left > 0

    def _strikes_for(self, change: Change, kind: str, name: str) -> bool:
        return change.kind == kind and self._strikes(name)

    def _spoilt(self, answer: Response) -> Response:
        """The answer to a request that was done, as the network or a bad day makes it."""
        if self._strikes("drop_answer"):
            return _DROPPED
        if self._strikes("error_500_after"):
            return _error(500, "905", "Internal error")
        if self._strikes("html_201"):
            return Response(201, {"content-type": "text/html"}, b"<html><body>It works</body></html>", answer.after_ms)
        if self._strikes("empty_201"):
            return Response(201, {"content-type": "application/json"}, b"{}", answer.after_ms)
        return answer


_DROPPED = Response(0, {}, b"", dropped=True)
_EVENTS = {
    "capture": "CAPTURE",
    "cancel": "CANCELLATION",
    "technical_cancel": "TECHNICAL_CANCEL",
    "adjust": "AUTHORISATION_ADJUSTMENT",
    "refund": "REFUND",
    "reversal": "CANCEL_OR_REFUND",
}


def _parsed(body: bytes) -> Mapping[str, object]:
    try:
        message = json.loads(body) if len(body) <= _LARGEST_BODY else None
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, dict):
        raise _Reject(400, "702", "The request could not be parsed")
    return message


def _money(amount: object) -> Money | None:
    if not isinstance(amount, dict) or amount.keys() != {"value", "currency"}:
        return None
    minor, currency = amount["value"], amount["currency"]
    if type(minor) is not int or minor <= 0 or not re.fullmatch("[A-Z]{3}", str(currency)):
        return None
    return Money(minor, str(currency))


def _error(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> Response:
    body = {"status": status, "errorCode": code, "message": message, "errorType": "validation"}
    return Response(status, {"content-type": "application/json", **(headers or {})}, json.dumps(body).encode())
