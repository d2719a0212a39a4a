"""How an acquirer tells its customers what became of their requests: signed items, in one patient queue for each endpoint.

A queue waits behind the message its endpoint does not take: so does Adyen's (docs.adyen.com development-resources/webhooks/troubleshoot).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from kiosk.values import Money

_RETRY_SECONDS = (9, 18, 27, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 28_800)
_GIVE_UP_MS = 30 * 86_400_000


@dataclass(frozen=True, slots=True)
class Item:
    """One event of one payment, before it is signed."""

    event: str
    psp_reference: str
    original_reference: str
    merchant_reference: str
    amount: Money
    success: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Webhook:
    """A message to be posted to `endpoint`; `number` names it there, `attempt` counts from 1."""

    endpoint: str
    number: int
    attempt: int
    body: bytes


@dataclass
class _Waiting:
    number: int
    body: bytes
    created_ms: int
    due_ms: int
    attempts: int = 0


@dataclass
class _Queue:
    waiting: list[_Waiting] = field(default_factory=list)
    under_way: int | None = None


class Mailroom:
    """The webhooks of one merchant account, signed with `hmac_key` (hex)."""

    def __init__(self, hmac_key: str, merchant_account: str) -> None:
        self._hmac_key = bytes.fromhex(hmac_key)
        self._merchant_account = merchant_account
        self._queues: dict[str, _Queue] = {}
        self._count = 0

    def subscribe(self, endpoints: Sequence[str]) -> None:
        self._queues = {name: self._queues.get(name) or _Queue() for name in endpoints}

    def put(self, item: Item, now_ms: int, due_ms: int) -> None:
        """Have `item` posted to every endpoint from `due_ms` on."""
        self._count += 1
        body = self._message(item, now_ms)
        for queue in self._queues.values():
            queue.waiting.append(_Waiting(self._count, body, now_ms, due_ms))
            queue.waiting.sort(key=lambda w: (not w.attempts, w.due_ms))

    def due(self, now_ms: int) -> tuple[Webhook, ...]:
        found = []
        for endpoint, queue in self._queues.items():
            head = _head(queue)
            if head and head.due_ms <= now_ms:
                queue.under_way = head.number
                head.attempts += 1
                found.append(Webhook(endpoint, head.number, head.attempts, head.body))
        return tuple(found)

    def next_due(self) -> int | None:
        return min((head.due_ms for head in map(_head, self._queues.values()) if head), default=None)

    def accepted(self, webhook: Webhook) -> None:
        queue = self._queues.get(webhook.endpoint, _Queue())
        queue.under_way = None
        queue.waiting = [w for w in queue.waiting if w.number != webhook.number]

    def unanswered(self, webhook: Webhook, now_ms: int) -> None:
        queue = self._queues.get(webhook.endpoint, _Queue())
        queue.under_way = None
        for w in queue.waiting:
            if w.number == webhook.number:
                w.due_ms = now_ms + 1_000 * _RETRY_SECONDS[min(w.attempts, len(_RETRY_SECONDS)) - 1]
        queue.waiting = [w for w in queue.waiting if w.due_ms - w.created_ms < _GIVE_UP_MS]

    def _message(self, item: Item, now_ms: int) -> bytes:
        signed: dict[str, object] = {
            "pspReference": item.psp_reference,
            "originalReference": item.original_reference,
            "merchantAccountCode": self._merchant_account,
            "merchantReference": item.merchant_reference,
            "amount": {"value": item.amount.minor, "currency": item.amount.currency},
            "eventCode": item.event,
            "success": "true" if item.success else "false",
        }
        rest = {
            "eventDate": datetime.fromtimestamp(now_ms // 1_000, UTC).isoformat(),
            "reason": item.reason,
            "additionalData": {"hmacSignature": signature(signed, self._hmac_key)},
        }
        return json.dumps({"live": "false", "notificationItems": [{"NotificationRequestItem": signed | rest}]}).encode()


def signature(item: dict[str, object], hmac_key: bytes) -> str:
    """HMAC-SHA256 over the eight signed values of an item, joined by colons, in base64."""
    amount = item["amount"]
    assert isinstance(amount, dict)
    values = [item.get(k, "") for k in ("pspReference", "originalReference", "merchantAccountCode", "merchantReference")]
    values += [amount["value"], amount["currency"], item["eventCode"], item["success"]]
    digest = hmac.new(hmac_key, ":".join(map(str, values)).encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def _head(queue: _Queue) -> _Waiting | None:
    """What is next in line, unless one is under way."""
    return queue.waiting[0] if queue.waiting and queue.under_way is None else None
