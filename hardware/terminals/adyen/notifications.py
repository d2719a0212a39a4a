"""Hear what a terminal tells unasked, so that the kiosk's screen can say "card seen, asking your bank" while it happens.

A terminal posts its notifications to the kiosk as best it can: they may be lost, late, twice, or sent again by a stranger who recorded
them. So they only ever choose words on a screen; what became of the money is in the answer to the payment alone, and an outcome told
here is not even read.
A notification counts only when it is sealed with our key and names our terminal and our kiosk: set `encrypted` for its URL in the
terminal's settings. The terminal wants no content in return and does not send again.
Source: docs.adyen.com point-of-sale, display notifications and event notifications; Adyen OpenAPI TerminalAPI-v1.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import logging
import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import parse_qsl

from hardware.api import EventKind, TerminalEvent
from hardware.terminals.adyen import messages
from hardware.terminals.adyen.messages import REQUEST, Json, MessageError
from hardware.terminals.adyen.nexo import NexoError, NexoKey

log = logging.getLogger(__name__)

LARGEST_NOTIFICATION = 64 * 1024
_REMEMBERED = 256
_MOST_PAIRS = 32

_NOBODY = "null"  # the SaleID of an event that belongs to no sale
_SERVICE_ID = re.compile(r"[A-Za-z0-9]{1,10}")
_TENDER = re.compile(r"(?=\d*[A-Za-z])[A-Za-z0-9]{4,40}")  # with a letter, which no card number has
_NAME = re.compile(r"[A-Za-z_]{1,40}")


_DISPLAYED = {
    "TENDER_CREATED": EventKind.READY,
    "CARD_PRESENTED": EventKind.CARD_PRESENTED,
    "CARD_SWIPED": EventKind.CARD_PRESENTED,
    "CARD_INSERTED": EventKind.CARD_INSERTED,
    "WAIT_FOR_PIN": EventKind.PIN_WANTED,
    "PIN_ENTERED": EventKind.PIN_ENTERED,
    "TENDER_FINAL": EventKind.FINAL,
    "CARD_REMOVED": EventKind.CARD_REMOVED,
}
_NOTIFIED = {
    "CardInserted": EventKind.CARD_INSERTED,
    "CardRemoved": EventKind.CARD_REMOVED,
    "UseAnotherCardForPreauth": EventKind.ANOTHER_CARD,
    "BeginMaintenance": EventKind.AWAY,
    "Shutdown": EventKind.AWAY,
    "OutOfOrder": EventKind.AWAY,
    "EndMaintenance": EventKind.BACK,
    "Initialised": EventKind.BACK,
    "SecurityAlarm": EventKind.ALARM,
}


@dataclass(frozen=True, slots=True)
class Reply:
    """The HTTP answer to a notification."""

    status: int
    body: bytes = b""


class NotificationRefused(Exception):
    """A notification that is not believed. `status` is the HTTP answer: 400 malformed, 403 not from our terminal to us, 413 too large."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        super().__init__(detail)
        self.status = status


class DisplayListener:
    """Takes the notifications of one terminal and tells `heard` each event once.

    `login` is the name and password the terminal was given for the URL, if any. `heard` is called from `receive` and must not wait.
    """

    def __init__(
        self, key: NexoKey, poi_id: str, sale_id: str, heard: Callable[[TerminalEvent], None], *, login: tuple[str, str] | None = None
    ) -> None:
        self._key = key
        self._poi_id = poi_id
        self._sale_id = sale_id
        self._heard = heard
        self._login = ":".join(login).encode() if login else None
        self._recent: deque[tuple[object, ...]] = deque(maxlen=_REMEMBERED)

    def receive(self, body: bytes, authorization: str = "") -> Reply:
        """Take the body of one POST; `authorization` is its HTTP header. Read at most `LARGEST_NOTIFICATION` + 1 bytes for it."""
        try:
            self._check_login(authorization)
            told = tuple(self._told(body))
        except NotificationRefused as refused:
            log.warning("notification refused: %s", refused)
            return Reply(refused.status)
        for identity, event in told:
            if identity in self._recent:
                log.debug("the terminal told %s again", event.name)
                continue
            self._recent.append(identity)
            log.debug("the terminal told %s of dialogue %s", event.name, event.service_id or "none")
            self._heard(event)
        return Reply(HTTPStatus.OK)

    def _check_login(self, authorization: str) -> None:
        if self._login is None:
            return
        scheme, _, encoded = authorization.partition(" ")
        try:
            given = base64.b64decode(encoded, validate=True) if scheme.lower() == "basic" else b""
        except (binascii.Error, ValueError):
            given = b""
        if not hmac.compare_digest(given, self._login):
            raise NotificationRefused(HTTPStatus.FORBIDDEN, "it has not our name and password: compare the URL in the terminal's settings")

    def _told(self, body: bytes) -> Iterator[tuple[tuple[object, ...], TerminalEvent]]:
        """The events in a message, each with what tells it from every other. Raises `NotificationRefused`."""
        content = self._content(body)
        header = _object(content, "MessageHeader")
        kind = tuple(header.get(name) for name in ("MessageClass", "MessageCategory", "MessageType"))
        sale_id = header.get("SaleID")
        if header.get("POIID") != self._poi_id:
            raise NotificationRefused(HTTPStatus.FORBIDDEN, "it is of another terminal than ours")
        if sale_id != self._sale_id and (sale_id != _NOBODY or kind[1] != "Event"):
            raise NotificationRefused(HTTPStatus.FORBIDDEN, "it is for another kiosk than this one")
        service_id = _matching(_SERVICE_ID, header.get("ServiceID"))
        if kind == ("Device", "Display", "Request"):
            events = _displayed(_object(content, "DisplayRequest"), service_id)
        elif kind == ("Event", "Event", "Notification"):
            events = _notified(_object(content, "EventNotification"), service_id)
        else:
            raise NotificationRefused(HTTPStatus.BAD_REQUEST, "it is neither a display request nor an event")
        for stamp, event in events:
            yield (header.get("DeviceID"), service_id, event.name, event.tender_reference, stamp), event

    def _content(self, body: bytes) -> Json:
        if len(body) > LARGEST_NOTIFICATION:
            raise NotificationRefused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"it is longer than {LARGEST_NOTIFICATION} bytes")
        try:
            opened = messages.opened(body, self._key)
        except NexoError as error:
            raise NotificationRefused(HTTPStatus.FORBIDDEN, str(error)) from error
        except MessageError as error:
            raise NotificationRefused(HTTPStatus.BAD_REQUEST, str(error)) from error
        if not opened.sealed:
            raise NotificationRefused(
                HTTPStatus.FORBIDDEN,
                "it came unsealed, so it may be anybody's: switch encryption on for its URL in the terminal's settings",
            )
        return _object(opened.message, REQUEST)


def _displayed(request: Json, service_id: str) -> Iterator[tuple[str, TerminalEvent]]:
    """The progress in a DisplayRequest: form-encoded pairs where a display would find the reference of a text."""
    outputs = request.get("DisplayOutput")
    for output in outputs if isinstance(outputs, list) else [outputs]:
        reference = _optional(_optional(_optional(output, "OutputContent"), "PredefinedContent"), "ReferenceID")
        if not isinstance(reference, str):
            continue
        try:
            pairs = dict(parse_qsl(reference, max_num_fields=_MOST_PAIRS))
        except ValueError as error:
            raise NotificationRefused(HTTPStatus.BAD_REQUEST, "its ReferenceID has more pairs than any event") from error
        name = pairs.get("event", "")
        tender = pairs.get("TransactionID", "").partition(".")[0]  # the acquirer's reference may follow after a point
        event = TerminalEvent(_DISPLAYED.get(name, EventKind.OTHER), _matching(_NAME, name), service_id, _matching(_TENDER, tender))
        yield pairs.get("TimeStamp", ""), event


def _notified(notification: Json, service_id: str) -> Iterator[tuple[str, TerminalEvent]]:
    name = notification.get("EventToNotify")
    if not isinstance(name, str):
        raise NotificationRefused(HTTPStatus.BAD_REQUEST, "it does not say which event it tells")
    yield str(notification.get("TimeStamp")), TerminalEvent(_NOTIFIED.get(name, EventKind.OTHER), _matching(_NAME, name), service_id)


def _object(parent: object, name: str) -> Json:
    found = _optional(parent, name)
    if not isinstance(found, Mapping):
        raise NotificationRefused(HTTPStatus.BAD_REQUEST, f"it holds no {name}")
    return found


def _optional(parent: object, name: str) -> object:
    return parent.get(name) if isinstance(parent, Mapping) else None


def _matching(pattern: re.Pattern[str], value: object) -> str:
    """Only what looks like what it should be is kept: nothing else can get into a log or onto a screen."""
    return value if isinstance(value, str) and pattern.fullmatch(value) else ""
