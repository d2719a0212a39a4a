"""Write Terminal API messages: the requests a kiosk makes, their JSON, and the sealed envelope they travel in.

Amounts are decimal numbers of major units on this wire, so JSON is read with `Decimal` and written by hand: no float ever holds money.
Shapes follow Adyen's Terminal API description, version 1 (nexo protocol 3.0).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import NoReturn, cast

from hardware.api import Farewell, IdentifyOrder, PreauthorizationOrder
from hardware.terminals.adyen.nexo import NexoError, NexoKey, seal, unseal
from kiosk.values import Money

Json = Mapping[str, object]

REQUEST = "SaleToPOIRequest"
RESPONSE = "SaleToPOIResponse"
PAYMENT = "Payment"
TRANSACTION_STATUS = "TransactionStatus"
ABORT = "Abort"
DIAGNOSIS = "Diagnosis"
CARD_ACQUISITION = "CardAcquisition"
ENABLE_SERVICE = "EnableService"

# Predefined pictures of the terminal, by which a finished identification is told to whoever holds the card.
FAREWELLS: Mapping[Farewell, str] = {Farewell.ACCEPTED: "AcceptedAnimated", Farewell.DECLINED: "DeclinedAnimated"}
PREAUTHORIZATION = "authorisationType=PreAuth&manualCapture=true"

_SERVICE_ID = re.compile(r"[A-Za-z0-9]{1,10}")
_LANGUAGE = re.compile(r"[a-z]{2}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_IDENTITY = ("MessageClass", "MessageCategory", "MessageType", "ServiceID", "SaleID", "POIID")


class MessageError(Exception):
    """A message is not what the Terminal API allows. The text names the fault, never the content."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request, and what its answer must name to be its answer."""

    category: str
    service_id: str
    sale_id: str
    poi_id: str
    body: Json

    def header(self, message_type: str = "Request") -> dict[str, object]:
        return {
            "ProtocolVersion": "3.0",
            "MessageClass": "Service",
            "MessageCategory": self.category,
            "MessageType": message_type,
            "ServiceID": self.service_id,
            "SaleID": self.sale_id,
            "POIID": self.poi_id,
        }

    def message(self) -> dict[str, object]:
        return {REQUEST: {"MessageHeader": self.header(), f"{self.category}Request": self.body}}


@dataclass(frozen=True, slots=True)
class Opened:
    """A message that was read. `sealed` says whether its sender proved to hold the shared key."""

    message: Json
    sealed: bool


# --- requests ---------------------------------------------------------------------------------------------------------------------


def payment(order: PreauthorizationOrder, sale_id: str, poi_id: str) -> Request:
    """Reserve `order.amount`, to be captured later by hand; ask for what recognises the card again."""
    transaction: dict[str, object] = {"AmountsReq": {"Currency": order.amount.currency, "RequestedAmount": order.amount.decimal()}}
    if _LANGUAGE.fullmatch(order.language):
        transaction["TransactionConditions"] = {"CustomerLanguage": order.language}
    body = {
        "SaleData": {
            "SaleTransactionID": {"TransactionID": order.reference, "TimeStamp": timestamp(order.utc_ms)},
            "TokenRequestedType": "Customer",
            "SaleToAcquirerData": PREAUTHORIZATION,
        },
        "PaymentTransaction": transaction,
    }
    return _request(PAYMENT, order.service_id, sale_id, poi_id, body)


def transaction_status(order: PreauthorizationOrder, service_id: str, sale_id: str, poi_id: str) -> Request:
    """Ask what became of `order`, in a dialogue of its own."""
    body = {"ReceiptReprintFlag": False, "MessageReference": _reference(order, sale_id)}
    return _request(TRANSACTION_STATUS, service_id, sale_id, poi_id, body)


def card_acquisition(order: IdentifyOrder, sale_id: str, poi_id: str) -> Request:
    """Ask for a card and what recognises it. The terminal reads a contactless card only when an amount is named, be it nothing."""
    amount = order.amount.decimal() if order.amount is not None else Decimal(0)
    transaction: dict[str, object] = {"TotalAmount": amount}
    if _LANGUAGE.fullmatch(order.language):
        transaction["CustomerLanguage"] = order.language
    body = {
        "SaleData": {
            "SaleTransactionID": {"TransactionID": order.reference, "TimeStamp": timestamp(order.utc_ms)},
            "TokenRequestedType": "Customer",
        },
        "CardAcquisitionTransaction": transaction,
    }
    return _request(CARD_ACQUISITION, order.service_id, sale_id, poi_id, body)


def release(service_id: str, farewell: Farewell, sale_id: str, poi_id: str) -> Request:
    """Finish a card acquisition that no payment follows. It names none: a terminal holds at most one."""
    output = {
        "Device": "CustomerDisplay",
        "InfoQualify": "Display",
        "OutputContent": {"OutputFormat": "MessageRef", "PredefinedContent": {"ReferenceID": FAREWELLS[farewell]}},
    }
    return _request(ENABLE_SERVICE, service_id, sale_id, poi_id, {"TransactionAction": "AbortTransaction", "DisplayOutput": output})


def abort(order: PreauthorizationOrder | IdentifyOrder, service_id: str, sale_id: str, poi_id: str) -> Request:
    """Ask the terminal to give `order` up."""
    body = {"AbortReason": "MerchantAbort", "MessageReference": _reference(order, sale_id)}
    return _request(ABORT, service_id, sale_id, poi_id, body)


def diagnosis(service_id: str, sale_id: str, poi_id: str) -> Request:
    """Ask the terminal how it is, and whether it reaches its host."""
    return _request(DIAGNOSIS, service_id, sale_id, poi_id, {"HostDiagnosisFlag": True})


def timestamp(utc_ms: int) -> str:
    """ISO 8601 in UTC with milliseconds."""
    return (_EPOCH + timedelta(milliseconds=utc_ms)).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def money(value: object, currency: object) -> Money:
    """Major units from the wire as money; anything that is not exactly an amount of that currency is refused."""
    if not isinstance(value, int | Decimal) or isinstance(value, bool) or not isinstance(currency, str):
        raise MessageError("an amount is not a number with a currency")
    amount = Decimal(value)
    if not amount.is_finite() or amount.adjusted() > 12 or cast("int", amount.as_tuple().exponent) < -12:
        raise MessageError("an amount is out of all bounds")
    try:
        exact = Money.of(amount, currency)
    except ValueError as error:
        raise MessageError("an amount has no ISO 4217 currency") from error
    if exact.decimal() != amount:
        raise MessageError(f"an amount has more digits than {currency} has")
    return exact


def _reference(order: PreauthorizationOrder | IdentifyOrder, sale_id: str) -> Json:
    category = PAYMENT if isinstance(order, PreauthorizationOrder) else CARD_ACQUISITION
    return {"MessageCategory": category, "SaleID": sale_id, "ServiceID": order.service_id}


def _request(category: str, service_id: str, sale_id: str, poi_id: str, body: Json) -> Request:
    if not _SERVICE_ID.fullmatch(service_id):
        raise MessageError(f"a ServiceID is 1-10 letters and digits, not {len(service_id)} characters of {service_id[:16]!r}")
    return Request(category, service_id, sale_id, poi_id, body)


# --- envelope ---------------------------------------------------------------------------------------------------------------------


def sealed(message: Json, key: NexoKey, nonce: bytes) -> bytes:
    """A message as it travels: its header in clear, all of it encrypted."""
    wrapper, content = _content(message)
    body = seal(encode(message), key, nonce)
    return encode({wrapper: {"MessageHeader": content["MessageHeader"], "NexoBlob": body.blob, "SecurityTrailer": body.trailer}})


def opened(raw: bytes, key: NexoKey) -> Opened:
    """Read a message. When it is sealed, its clear header must be the authenticated one.

    Raises `MessageError` or `NexoError`. A message in clear is handed on as such: the caller decides what may be said in clear.
    """
    message = decode(raw)
    wrapper = next((name for name in (RESPONSE, REQUEST) if name in message), None)
    outer = message.get(wrapper) if wrapper else None
    if not isinstance(outer, Mapping) or "NexoBlob" not in outer:
        return Opened(message, sealed=False)
    inner = decode(unseal(outer["NexoBlob"], outer.get("SecurityTrailer"), key))
    inner_wrapper, content = _content(inner)
    if inner_wrapper != wrapper or not same_header(content["MessageHeader"], outer.get("MessageHeader")):
        raise NexoError("the message's clear header is not the one that was sealed")
    return Opened(inner, sealed=True)


def same_header(one: object, other: object) -> bool:
    """Whether two headers name the same message of the same dialogue."""
    if not isinstance(one, Mapping) or not isinstance(other, Mapping):
        return False
    return all(one.get(name) == other.get(name) for name in _IDENTITY)


def _content(message: Json) -> tuple[str, Json]:
    if len(message) == 1:
        wrapper, content = next(iter(message.items()))
        if wrapper in (REQUEST, RESPONSE) and isinstance(content, Mapping) and isinstance(content.get("MessageHeader"), Mapping):
            return wrapper, content
    raise MessageError("the message is neither a request nor a response with a header")


# --- JSON -------------------------------------------------------------------------------------------------------------------------


def decode(raw: bytes) -> dict[str, object]:
    """A JSON object with exact numbers. Refuses NaN, names given twice and nesting without end."""
    try:
        value: object = _READER.decode(raw.decode(json.detect_encoding(raw), "surrogatepass"))
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise MessageError("the message is no JSON") from error
    if not isinstance(value, dict):
        raise MessageError("the message is no JSON object")
    return cast("dict[str, object]", value)


def encode(message: Json) -> bytes:
    """JSON bytes; a `Decimal` keeps every digit it has."""
    return _encoded(message).encode()


def _encoded(value: object) -> str:
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{json.dumps(str(name))}:{_encoded(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(_encoded(item) for item in value) + "]"
    if isinstance(value, Decimal):
        return format(value, "f")
    if value is None or isinstance(value, str | int):
        return json.dumps(value)
    raise MessageError(f"a {type(value).__name__} has no place in a message")


def _no_number(name: str) -> NoReturn:
    raise MessageError(f"{name} is no number")


def _no_double(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise MessageError("a name is given twice in one object")
    return found


_READER = json.JSONDecoder(parse_float=Decimal, parse_constant=_no_number, object_pairs_hook=_no_double)
