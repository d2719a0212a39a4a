"""Believe what the acquirer says became of a request, and nobody else.

Adyen's results arrive only as signed webhooks. Each item of a message is checked, not just the first, and a message is taken as a whole or
not at all. It is answered "[accepted]" only after the kiosk has committed what it says: until then Adyen sends it again, and it may do so
even after, so the same confirmation can come any number of times.
Source: docs.adyen.com development-resources/webhooks (HMAC over eight values, joined by colons); Adyen OpenAPI Webhooks-v1.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from Adyen.util import generate_notification_sig
from fastapi import APIRouter
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response

from kiosk.payments.api import Clock, PaymentsError
from kiosk.session.inputs import Confirmation
from kiosk.values import Money

log = logging.getLogger(__name__)

LARGEST_MESSAGE = 256 * 1024
_BODY_SECONDS = 10.0

# Operation, and whether the event can be good news: the ones that end in failure are always sent with `success: true`.
_EVENTS: Mapping[str, tuple[str, bool]] = {
    "CAPTURE": ("capture", True),
    "CAPTURE_FAILED": ("capture", False),
    "CANCELLATION": ("cancel", True),
    "TECHNICAL_CANCEL": ("cancel", True),
    "REFUND": ("refund", True),
    "REFUND_FAILED": ("refund", False),
    "REFUNDED_REVERSED": ("refund", False),
    "AUTHORISATION": ("authorisation", True),  # of every payment; news only of one that was approved offline
    "AUTHORISATION_ADJUSTMENT": ("adjust", True),
}


class WebhookRefused(PaymentsError):
    """A message that is not believed. `status` is the HTTP answer: 400 malformed, 401 forged, 403 of another account, 413 too large."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


@dataclass(frozen=True)
class BasicAuth:
    """Name and password Adyen was given for the endpoint."""

    username: str
    password: str = field(repr=False)


def _every(_reference: str) -> bool:
    return True


class Webhooks:
    """Reads the standard webhooks of `merchant_accounts`, signed with one of `hmac_keys` (hex; two while the key is being changed).

    `ours` tells the references of this kiosk: a merchant account has many kiosks, and each may hear of all.
    """

    def __init__(self, hmac_keys: Sequence[str], merchant_accounts: Collection[str], *, ours: Callable[[str], bool] = _every) -> None:
        if not hmac_keys or not all(map(_is_key, hmac_keys)):
            raise PaymentsError("a webhook HMAC key is missing or not 64 hexadecimal digits: copy it from the Customer Area")
        self._hmac_keys = tuple(hmac_keys)
        self._merchant_accounts = frozenset(merchant_accounts)
        self._ours = ours

    def confirmations(self, body: bytes) -> tuple[Confirmation, ...]:
        """What a message confirms; empty when it speaks of other things. Raises `WebhookRefused`."""
        items = [_Item.of(raw) for raw in _raw_items(body)]
        if not all(self._is_signed(item) for item in items):
            raise WebhookRefused(401, "a webhook item is not signed with our HMAC key: was the key changed in the Customer Area?")
        for item in items:
            if item.merchant_account not in self._merchant_accounts:
                raise WebhookRefused(
                    403, f"a webhook for merchant account {item.merchant_account!r}, which is not ours: check the Customer Area"
                )
        return tuple(c for c in map(self._confirmation, items) if c)

    def _is_signed(self, item: _Item) -> bool:
        try:
            given = item.signature.encode()
            return any(hmac.compare_digest(generate_notification_sig(item.signed, key), given) is True for key in self._hmac_keys)
        except UnicodeEncodeError:
            return False

    def _confirmation(self, item: _Item) -> Confirmation | None:
        if item.event not in _EVENTS:
            log.info("webhook %s of %s confirms nothing we asked for", item.event, item.psp_reference)
            return None
        if not self._ours(item.merchant_reference):
            log.debug("webhook %s of %s belongs to another kiosk", item.event, item.psp_reference)
            return None
        operation, can_succeed = _EVENTS[item.event]
        return Confirmation(
            reference=item.merchant_reference,
            psp_reference=item.psp_reference,
            operation=operation,
            success=can_succeed and item.success,
            reason=item.reason,
            amount=item.amount,
        )


def routes(
    webhooks: Webhooks,
    receive: Callable[[Sequence[Confirmation]], Awaitable[None]],
    clock: Clock,
    *,
    path: str = "/webhooks/adyen",
    login: BasicAuth | None = None,
) -> APIRouter:
    """The endpoint to mount on core's app.

    `receive` returns once the confirmations are committed; when it raises, Adyen sends them again.
    """

    async def post(request: Request) -> Response:
        if login and not _logged_in(request, login):
            return Response(status_code=401, headers={"WWW-Authenticate": "Basic"})
        try:
            async with clock.timeout(_BODY_SECONDS):
                body = await _body(request)
            confirmations = webhooks.confirmations(body)
        except WebhookRefused as e:
            log.warning("webhook refused: %s", e)
            return PlainTextResponse(str(e), e.status)
        except (TimeoutError, ClientDisconnect):
            log.warning("webhook refused: its body did not arrive within %g s", _BODY_SECONDS)
            return Response(status_code=408)
        if confirmations:
            try:
                await receive(confirmations)
            except Exception:
                log.exception("webhook not taken: its confirmations could not be committed; Adyen will send it again")
                return Response(status_code=500)
        return PlainTextResponse("[accepted]")

    router = APIRouter()
    router.add_api_route(path, post, methods=["POST"], include_in_schema=False, response_model=None)
    return router


@dataclass(frozen=True, slots=True)
class _Item:
    """One NotificationRequestItem, its shape checked and its signature not yet."""

    signed: Mapping[str, object]
    signature: str
    event: str
    psp_reference: str
    merchant_account: str
    merchant_reference: str
    success: bool
    amount: Money
    reason: str

    @classmethod
    def of(cls, raw: Mapping[str, object]) -> _Item:
        additional = raw.get("additionalData")
        signature = additional.get("hmacSignature") if isinstance(additional, dict) else None
        if not isinstance(signature, str) or not signature:
            raise WebhookRefused(401, "a webhook item carries no HMAC signature: switch HMAC on in the Customer Area")
        money = _money(raw.get("amount"))
        event, psp_reference, account = (_word(raw, name) for name in ("eventCode", "pspReference", "merchantAccountCode"))
        original = _word(raw, "originalReference", default="")
        reference = raw.get("merchantReference")
        success = raw.get("success")
        if not isinstance(reference, str) or success not in {"true", "false"}:
            raise WebhookRefused(400, "a webhook item lacks merchantReference or success")
        signed = {
            "pspReference": psp_reference,
            "originalReference": original,
            "merchantAccountCode": account,
            "merchantReference": reference,
            "amount": {"value": money.minor, "currency": money.currency},
            "eventCode": event,
            "success": success,
        }
        reason = raw.get("reason")
        return cls(signed, signature, event, psp_reference, account, reference, success == "true", money, _words(reason))


def _raw_items(body: bytes) -> Sequence[Mapping[str, object]]:
    if len(body) > LARGEST_MESSAGE:
        raise WebhookRefused(413, f"a webhook of more than {LARGEST_MESSAGE} bytes")
    try:
        message = json.loads(body)
        items = [wrapped["NotificationRequestItem"] for wrapped in message["notificationItems"]]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise WebhookRefused(400, "a webhook that is not a list of notification items in JSON") from None
    if not items or not all(isinstance(item, dict) for item in items):
        raise WebhookRefused(400, "a webhook without notification items")
    return items


def _word(raw: Mapping[str, object], name: str, default: str | None = None) -> str:
    """A value that is one word: the signed string joins values by colons, so a colon in one could pass for the next."""
    value = raw.get(name, default)
    if not isinstance(value, str) or ":" in value or (not value and default is None):
        raise WebhookRefused(400, f"a webhook item has no sound {name}")
    return value


def _money(amount: object) -> Money:
    minor, currency = (amount.get("value"), amount.get("currency")) if isinstance(amount, dict) else (None, None)
    if type(minor) is not int or not isinstance(currency, str) or not (len(currency) == 3 and currency.isascii() and currency.isupper()):
        raise WebhookRefused(400, "a webhook item has no sound amount")
    return Money(minor, currency)


def _words(reason: object) -> str:
    """The acquirer's reason: not signed, so only ever shown."""
    if not isinstance(reason, str) or reason == "null":
        return ""
    return "".join(c if c.isprintable() else " " for c in reason)[:200]


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_MESSAGE:
            raise WebhookRefused(413, f"a webhook of more than {LARGEST_MESSAGE} bytes")
    return bytes(body)


def _logged_in(request: Request, login: BasicAuth) -> bool:
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    try:
        given = base64.b64decode(encoded, validate=True) if scheme.lower() == "basic" else b""
    except binascii.Error:
        given = b""
    return hmac.compare_digest(given, f"{login.username}:{login.password}".encode())


def _is_key(key: str) -> bool:
    try:
        return len(bytes.fromhex(key)) == 32
    except ValueError:
        return False
