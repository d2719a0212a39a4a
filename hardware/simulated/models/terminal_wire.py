"""What a simulated terminal says: responses and notifications in the shapes of the Terminal API, and the cards people hold to it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Protocol
from urllib.parse import parse_qsl, quote

from hardware.terminals.adyen import messages
from hardware.terminals.adyen.messages import Json, MessageError
from kiosk.values import Money

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_DIGITS = "0123456789"
_IDENTITY = ("ServiceID", "SaleID", "POIID")


class RandomSource(Protocol):
    """Where the terminal's ids come from; a seeded `random.Random` makes a whole run repeatable."""

    def choice(self, seq: str, /) -> str: ...


class CardKind(Enum):
    GOOD = "good"
    DECLINING = "declining"
    PARTIAL = "partial"  # the issuer grants half
    WALLET = "wallet"  # a phone with the good card in it: the same account reference, and no alias
    OTHER = "other"  # a good card of somebody else
    ALIAS_ONLY = "alias_only"  # its scheme knows no account reference
    LATE_REFERENCE = "late_reference"  # its account reference comes only with the host's answer: a mere reading has the alias alone
    SILVER = "silver"  # good cards of two drivers who are known to the operator
    GOLD = "gold"
    ANONYMOUS = "anonymous"  # it pays, and nothing of it is the same twice


@dataclass(frozen=True, slots=True)
class TestCard:
    """A card as a terminal describes it, number masked. The same card is described the same each time it is held to a terminal."""

    __test__ = False

    brand: str
    variant: str
    bin: str
    last4: str
    account_reference: str
    alias: str
    application_id: str
    reference_from_host: bool = False


_GOOD_ACCOUNT = "50014LBVPPP7M1IH4HDZE3BNO3TAR"
CARDS: Mapping[CardKind, TestCard] = {
    CardKind.GOOD: TestCard("mc", "mccredit", "541333", "9999", _GOOD_ACCOUNT, "K182596230843790", "A0000000041010"),
    CardKind.DECLINING: TestCard("visa", "visa", "476173", "0119", "V0010013018036776997406844724", "M469509594859802", "A0000000031010"),
    CardKind.PARTIAL: TestCard(
        "visa", "visadebit", "400102", "0044", "V0010013020186645382734107725", "P120073344519287", "A0000000031010"
    ),
    CardKind.WALLET: TestCard("mc", "mc_applepay", "520424", "7513", _GOOD_ACCOUNT, "", "A0000000041010"),
    CardKind.OTHER: TestCard("mc", "mcdebit", "541333", "0226", "50010R6F4CH3ZXTWS1GAY0OUM7KDE", "C301947751820366", "A0000000041010"),
    CardKind.ALIAS_ONLY: TestCard("girocard", "girocard", "672597", "3308", "", "F774120965328810", "A0000003591010"),
    CardKind.LATE_REFERENCE: TestCard(
        "visa", "visacredit", "450875", "1019", "V0010013021298471650332914482", "R665120934471908", "A0000000031010", True
    ),
    CardKind.SILVER: TestCard(
        "visa", "visacredit", "476173", "2005", "V0010013024417702955381624410", "S120993847561028", "A0000000031010"
    ),
    CardKind.GOLD: TestCard("mc", "mccredit", "541333", "2020", "50016GJ7Q2WBX0RDL94TZVE1HKYSC", "G774410295638827", "A0000000041010"),
    CardKind.ANONYMOUS: TestCard("girocard", "girocard", "672597", "5121", "", "", "A0000003591010"),
}


@dataclass(frozen=True, slots=True)
class Authorization:
    """A payment that was approved. The acquirer learns it from the terminal's host, whatever becomes of the answer to the kiosk.

    With `offline` the terminal approved by itself: nobody else knows of it until it is forwarded, and it has no PSP reference till then.
    """

    merchant_reference: str
    psp_reference: str
    tender_reference: str
    amount: Money
    requested: Money
    poi_id: str
    brand: str
    last4: str
    auth_code: str
    at_ms: int
    preauth: bool
    manual_capture: bool
    offline: bool = False


@dataclass(frozen=True, slots=True)
class Forwarded:
    """What the host made of a payment the terminal had approved by itself; `refusal` is empty when it was booked."""

    record: Authorization
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a request came to nothing: the error condition, and the words in `AdditionalResponse`."""

    condition: str
    extra: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Sale:
    """What a payment request asked for."""

    reference: str
    stamp: str
    amount: Money
    preauth: bool
    manual_capture: bool

    @classmethod
    def of(cls, body: Json) -> Sale | Failure:
        """What a payment request asks for, or what is wrong with it."""
        data = inside(body, "SaleData") or {}
        transaction = inside(data, "SaleTransactionID") or {}
        amounts = inside(inside(body, "PaymentTransaction"), "AmountsReq") or {}
        reference, stamp = transaction.get("TransactionID"), transaction.get("TimeStamp")
        if not isinstance(reference, str) or not isinstance(stamp, str):
            return Failure("MessageFormat", {"errors": "At SaleToPOIRequest.PaymentRequest.SaleData, field SaleTransactionID: Missing"})
        try:
            amount = messages.money(amounts.get("RequestedAmount"), amounts.get("Currency"))
        except MessageError as error:
            return Failure("MessageFormat", {"errors": f"At SaleToPOIRequest.PaymentRequest.PaymentTransaction.AmountsReq: {error}"})
        pairs = str(data.get("SaleToAcquirerData") or "")
        if pairs and not all("=" in pair for pair in pairs.split("&")):
            return Failure("NotAllowed", {"message": "Sale to Acquirer Data: NotAllowed Value: extra data"})
        options = dict(parse_qsl(pairs))
        return cls(reference, stamp, amount, options.get("authorisationType") == "PreAuth", options.get("manualCapture") == "true")


@dataclass(frozen=True, slots=True)
class Acquisition:
    """What a card acquisition request asked for: a card, and no money."""

    reference: str
    stamp: str

    @classmethod
    def of(cls, body: Json) -> Acquisition | Failure:
        """What the request asks for, or what is wrong with it."""
        transaction = inside(inside(body, "SaleData"), "SaleTransactionID") or {}
        reference, stamp = transaction.get("TransactionID"), transaction.get("TimeStamp")
        if not isinstance(reference, str) or not isinstance(stamp, str):
            return Failure("MessageFormat", {"errors": "At CardAcquisitionRequest.SaleData, field SaleTransactionID: Missing"})
        if "TotalAmount" not in (inside(body, "CardAcquisitionTransaction") or {}):
            return Failure("NotAllowed", {"message": "no contactless card is read without TotalAmount"})
        return cls(reference, stamp)


def inside(parent: object, name: str) -> Json | None:
    """The object of this name in `parent`, if both are objects."""
    found = parent.get(name) if isinstance(parent, Mapping) else None
    return found if isinstance(found, Mapping) else None


def draw(random: RandomSource, length: int, alphabet: str = _LETTERS + _DIGITS) -> str:
    return "".join(random.choice(alphabet) for _ in range(length))


def tender_reference(random: RandomSource, now_ms: int) -> str:
    """Four characters and the time, as terminals number their tenders."""
    return f"{draw(random, 4)}{now_ms:015d}"


def auth_code(random: RandomSource) -> str:
    return draw(random, 6, _DIGITS)


class Wire:
    """Writes the responses of one terminal. `additional_json` is the account setting for base64 JSON instead of form-encoded pairs."""

    def __init__(self, poi_id: str, *, additional_json: bool) -> None:
        self._poi_id = poi_id
        self._additional_json = additional_json

    def response(self, header: Json, body: Json) -> dict[str, object]:
        category = str(header.get("MessageCategory"))
        return {messages.RESPONSE: {"MessageHeader": self._header(header), f"{category}Response": body}}

    def failure(self, header: Json, failure: Failure, **more: object) -> dict[str, object]:
        return self.response(header, {"Response": self._failed(failure), **more})

    def approved(self, header: Json, sale: Sale, card: TestCard, record: Authorization) -> dict[str, object]:
        stamp = messages.timestamp(record.at_ms)
        acquirer: dict[str, object] = {"MerchantID": "SimulatedMerchant", "AcquirerPOIID": self._poi_id}
        if not record.offline:
            acquirer["ApprovalCode"] = record.auth_code
            acquirer["AcquirerTransactionID"] = {"TransactionID": record.psp_reference, "TimeStamp": stamp}
        result = {
            "PaymentType": "Normal",
            "OnlineFlag": not record.offline,
            "AmountsResp": {"AuthorizedAmount": record.amount.decimal(), "Currency": record.amount.currency},
            "PaymentAcquirerData": acquirer,
            "PaymentInstrumentData": _instrument(card),
        }
        response = {
            "Result": "Success" if record.amount == sale.amount else "Partial",
            "AdditionalResponse": self._additional(_about(card, sale, record, stamp)),
        }
        tender = record.tender_reference if record.offline else f"{record.tender_reference}.{record.psp_reference}"
        return self.response(header, {"Response": response, **_sale_data(sale, tender, stamp), "PaymentResult": result})

    def acquired(self, header: Json, asked: Acquisition, card: TestCard, tender: str, now_ms: int) -> dict[str, object]:
        """A card was read; the terminal keeps it until it is told to let go."""
        response = {"Result": "Success", "AdditionalResponse": self._additional(_recognised(card, asked_host=False))}
        read = {"PaymentBrand": [card.brand], "PaymentInstrumentData": _instrument(card)}
        return self.response(header, {"Response": response, **_sale_data(asked, tender, messages.timestamp(now_ms)), **read})

    def declined(self, header: Json, sale: Sale | Acquisition, failure: Failure, tender: str, now_ms: int) -> dict[str, object]:
        return self.failure(header, failure, **_sale_data(sale, tender, messages.timestamp(now_ms)))

    def reject(self, details: str) -> dict[str, object]:
        """The notification that stands for an answer to something that is no request."""
        header = {
            "ProtocolVersion": "3.0",
            "MessageClass": "Event",
            "MessageCategory": "Event",
            "MessageType": "Notification",
            "SaleID": "null",
            "POIID": self._poi_id,
            "DeviceID": "1",
        }
        event = {"EventToNotify": "Reject", "EventDetails": f"message={quote(details)}"}
        return {messages.REQUEST: {"MessageHeader": header, "EventNotification": event}}

    def progress(self, payment: Json, tender: str, event: str, number: int, now_ms: int) -> dict[str, object]:
        """The notification that a payment, known by its header, has come as far as `event`; the terminal's `number`th."""
        header = {
            "ProtocolVersion": "3.0",
            "MessageClass": "Device",
            "MessageCategory": "Display",
            "MessageType": "Request",
            **{name: payment.get(name) for name in _IDENTITY},
            "DeviceID": str(number),
        }
        reference = f"TransactionID={tender}&TimeStamp={quote(messages.timestamp(now_ms))}&event={event}"
        output = {
            "Device": "CashierDisplay",
            "InfoQualify": "Status",
            "OutputContent": {"OutputFormat": "MessageRef", "PredefinedContent": {"ReferenceID": reference}},
            "ResponseRequiredFlag": False,
        }
        return {messages.REQUEST: {"MessageHeader": header, "DisplayRequest": {"DisplayOutput": [output]}}}

    def _header(self, request: Json) -> dict[str, object]:
        return {
            "ProtocolVersion": "3.0",
            "MessageClass": "Service",
            "MessageCategory": request.get("MessageCategory"),
            "MessageType": "Response",
            **{name: request.get(name) for name in _IDENTITY},
        }

    def _failed(self, failure: Failure) -> dict[str, object]:
        return {"Result": "Failure", "ErrorCondition": failure.condition, "AdditionalResponse": self._additional(failure.extra)}

    def _additional(self, pairs: Mapping[str, str]) -> str:
        if self._additional_json:
            return base64.b64encode(messages.encode({"additionalData": dict(pairs)})).decode()
        return "&".join(f"{name}={quote(value)}" for name, value in pairs.items())


def _about(card: TestCard, sale: Sale, record: Authorization, stamp: str) -> dict[str, str]:
    pairs = {
        "tid": "00000001",
        "AID": card.application_id,
        "transactionType": "GOODS_SERVICES",
        "merchantReference": sale.reference,
        **_recognised(card, asked_host=not record.offline),
        "posAuthAmountCurrency": record.amount.currency,
        "posAuthAmountValue": str(record.amount.minor),
        "iso8601TxDate": stamp,
    }
    if record.offline:
        return {**pairs, "offline": "true"}
    return {**pairs, "pspReference": record.psp_reference, "authCode": record.auth_code, "offline": "false"}


def _recognised(card: TestCard, *, asked_host: bool) -> dict[str, str]:
    pairs = {
        "paymentMethod": card.brand,
        "paymentMethodVariant": card.variant,
        "cardBin": card.bin,
        "cardSummary": card.last4,
        "posEntryMode": "CLESS_CHIP",
    }
    if card.account_reference and (asked_host or not card.reference_from_host):
        pairs["PaymentAccountReference"] = card.account_reference
    return {**pairs, "alias": card.alias, "aliasType": "Default"} if card.alias else pairs


def _instrument(card: TestCard) -> dict[str, object]:
    data = {"PaymentBrand": card.brand, "MaskedPan": f"{card.bin} **** {card.last4}", "EntryMode": ["Contactless"]}
    return {"PaymentInstrumentType": "Card", "CardData": data}


def _sale_data(sale: Sale | Acquisition, tender: str, stamp: str) -> dict[str, object]:
    return {
        "SaleData": {"SaleTransactionID": {"TransactionID": sale.reference, "TimeStamp": sale.stamp}},
        "POIData": {"POITransactionID": {"TransactionID": tender, "TimeStamp": stamp}},
    }
