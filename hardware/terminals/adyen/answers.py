"""Judge what a terminal answers: strictly where money is concerned, leniently elsewhere.

An answer counts only when it is sealed with our key, names the request it answers, and says about the money what can be true. Anything
else is `AnswerLost`: the terminal may have acted, so the caller must ask. Nothing here keeps or repeats a card number.

That holds for an error said in clear too ("crypto error (9)", ServiceID "-NULL-", a rejected message). It names no dialogue and proves
nothing: whoever sits between us and the terminal can let our request pass, keep the sealed approval and say it, and a money question
must never end on a stranger's word. So the payment stays unknown, is asked about, and is cancelled at the acquirer by our reference. Wrong
key settings are found before any card is asked for, because the diagnosis fails by the same rule.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from urllib.parse import parse_qsl

from hardware.api import (
    AnswerLost,
    Approved,
    Card,
    Declined,
    DeclineReason,
    DialogueState,
    IdentifyOrder,
    PreauthorizationOrder,
    TerminalHealth,
)
from hardware.terminals.adyen import messages
from hardware.terminals.adyen.messages import PAYMENT, REQUEST, RESPONSE, Json, MessageError, Opened, Request, same_header
from hardware.terminals.adyen.nexo import NexoError, NexoKey
from kiosk.values import Money

_DETAIL_LENGTH = 200
_PAN = re.compile(r"\d(?:[ \-]?\d){11,18}")
_SERVICE_ID = re.compile(r"[A-Za-z0-9]{1,10}")
_FOUR = re.compile(r"\d{4}")
_AID = re.compile(r"[A-F][0-9A-F]{9,31}")  # ISO 7816-4: registered identifiers begin with a letter, which no card number does
_MASKED = re.compile(r"[*xX•.]")
_PSP_REFERENCE = re.compile(r"[A-Za-z0-9]{1,40}")

# `InProgress` and "Communication timeout" say that the outcome is not known yet; they are no refusal, so they are not here.
_REASONS = {
    "Aborted": DeclineReason.ABORTED,
    "Busy": DeclineReason.BUSY,
    "Cancel": DeclineReason.CANCELLED,
    "DeviceOut": DeclineReason.UNAVAILABLE,
    "InvalidCard": DeclineReason.INVALID_CARD,
    "LoggedOut": DeclineReason.UNAVAILABLE,
    "MessageFormat": DeclineReason.NOT_ALLOWED,
    "NotAllowed": DeclineReason.NOT_ALLOWED,
    "PaymentRestriction": DeclineReason.REFUSED,
    "Refusal": DeclineReason.REFUSED,
    "UnavailableDevice": DeclineReason.UNAVAILABLE,
    "UnavailableService": DeclineReason.UNAVAILABLE,
    "UnreachableHost": DeclineReason.UNAVAILABLE,
    "WrongPIN": DeclineReason.WRONG_PIN,
}
# A terminal puts several endings under `Cancel`; its reason number tells them apart. No money is reserved in any of them.
_CANCELS = {"104": DeclineReason.ABORTED, "126": DeclineReason.NO_CARD}
_UNSETTLED = {"InProgress", "Communication timeout"}
# What a terminal says in clear when it could not read our sealed request. Worth a hint to the operator, proof of nothing.
_UNREAD = {"MessageFormat", "NotAllowed"}
_PARTS = ("Communication", "CardReader", "PED", "Security")


class NotUnderstood(AnswerLost):
    """Somebody says in clear that the request could not be read: if it is the terminal, key settings differ or the message is wrong."""


def received(raw: bytes, request: Request, key: NexoKey) -> Json:
    """The authenticated body that answers `request`. Raises `AnswerLost`."""
    try:
        answer = messages.opened(raw, key)
    except (NexoError, MessageError) as error:
        raise AnswerLost(f"the terminal's answer to {request.category} cannot be trusted: {error}") from error
    return body_of(answer, request)


def body_of(answer: Opened, request: Request) -> Json:
    """The body in `answer` that answers `request`. Raises `AnswerLost`, and `NotUnderstood` when the terminal could not read us."""
    if not answer.sealed:
        raise _said_in_clear(answer.message, request)
    content = answer.message.get(RESPONSE)
    body = content.get(f"{request.category}Response") if isinstance(content, Mapping) else None
    if not isinstance(content, Mapping) or not isinstance(body, Mapping):
        raise AnswerLost(f"the terminal's answer holds no {request.category}Response")
    if not same_header(content.get("MessageHeader"), request.header("Response")):
        raise AnswerLost(f"the terminal answered another message than our {request.category}")
    return body


def preauthorized(body: Json, order: PreauthorizationOrder) -> Approved | Declined:
    """The outcome in a PaymentResponse. Raises `AnswerLost` when it is not settled or does not add up."""
    outcome = _outcome(body, order)
    if isinstance(outcome, DialogueState):
        raise AnswerLost("the terminal has not settled the payment yet")
    return outcome


def status(body: Json, order: PreauthorizationOrder, request: Request) -> Approved | Declined | DialogueState:
    """The outcome of `order` in a TransactionStatusResponse.

    The outer result only tells whether the question worked; the payment's own result is in the repeated message.
    """
    response = _object(body, "Response")
    if response.get("Result") != "Success":
        condition = response.get("ErrorCondition")
        if condition == "NotFound":
            return DialogueState.NOT_FOUND
        if condition == "InProgress":
            return DialogueState.IN_PROGRESS
        raise AnswerLost(f"the terminal did not say what became of the payment: {_detail(response)}")
    repeated = _object(body, "RepeatedMessageResponse")
    original = Request(PAYMENT, order.service_id, request.sale_id, request.poi_id, {})
    if not same_header(repeated.get("MessageHeader"), original.header("Response")):
        raise AnswerLost("the terminal told of another payment than the one asked about")
    return _outcome(_object(_object(repeated, "RepeatedResponseMessageBody"), "PaymentResponse"), order)


def identified(body: Json, order: IdentifyOrder) -> Card | Declined:
    """The card in a CardAcquisitionResponse. Raises `AnswerLost` when it does not answer `order` or is not settled."""
    response = _object(body, "Response")
    result = response.get("Result")
    _check_reference(body, order.reference, required=result == "Success")
    if result == "Success":
        return _card(body, {}, additional(response))
    if result != "Failure" or _text(response.get("ErrorCondition")) in _UNSETTLED:
        raise AnswerLost("the terminal did not say what became of the identification")
    return _declined(response)


def released(body: Json) -> Declined | None:
    """What an EnableServiceResponse says of a card acquisition that was to be finished. Raises `AnswerLost`."""
    response = _object(body, "Response")
    result = response.get("Result")
    if result not in ("Success", "Failure"):
        raise AnswerLost("the terminal did not say whether the identification is finished")
    return None if result == "Success" else _declined(response)


def health(body: Json) -> TerminalHealth:
    """What a DiagnosisResponse says. A terminal in a dialogue is well."""
    response = _object(body, "Response")
    state = body.get("POIStatus")
    status = state if isinstance(state, Mapping) else {}
    condition = str(status.get("GlobalStatus") or response.get("ErrorCondition") or response.get("Result"))
    host = _host(body, status)
    if condition == "Busy":
        return TerminalHealth(True, "busy with a dialogue", host, busy=True)
    faults = [part for part in _PARTS if _no(status.get(f"{part}OKFlag"))]
    if response.get("Result") == "Success" and condition in ("OK", "Success") and not faults:
        return TerminalHealth(True, "ready" if host else "ready, but its host cannot be reached", host)
    return TerminalHealth(False, _safe(", ".join([condition, *(f"fault: {name}" for name in faults)])), host)


def _host(body: Json, status: Json) -> bool:
    """Whether a host can be reached; what names none is judged by its communication.

    One of several is enough: a card whose own host is away is refused by the terminal itself, while a kiosk that takes no card at all
    turns drivers away, or by its rule gives energy away.
    """
    hosts = body.get("HostStatus")
    told = [one for one in hosts if isinstance(one, Mapping)] if isinstance(hosts, list) else []
    away = bool(told) and all(_no(one.get("IsReachableFlag")) for one in told)
    return not away and not _no(status.get("CommunicationOKFlag"))


# --- a payment's outcome ----------------------------------------------------------------------------------------------------------


def _outcome(body: Json, order: PreauthorizationOrder) -> Approved | Declined | DialogueState:
    response = _object(body, "Response")
    result = response.get("Result")
    approved = result in ("Success", "Partial")
    _check_reference(body, order.reference, required=approved)
    if approved:
        return _approved(body, additional(response), order)
    if result != "Failure":
        raise AnswerLost("the terminal's answer has no result")
    if _text(response.get("ErrorCondition")) in _UNSETTLED:
        return DialogueState.IN_PROGRESS
    return _declined(response)


def _approved(body: Json, extra: Mapping[str, str], order: PreauthorizationOrder) -> Approved:
    result = _object(body, "PaymentResult")
    amount = _authorized(result, extra, order.amount)
    acquirer = _optional(result, "PaymentAcquirerData")
    offline = _yes(extra.get("offline")) or _no(result.get("OnlineFlag"))
    tender, psp = _references(body, acquirer, extra)
    if not psp and not offline:
        raise AnswerLost("the terminal approved without the acquirer's reference")
    return Approved(amount, psp, tender, _card(result, acquirer, extra), offline)


def _authorized(result: Json, extra: Mapping[str, str], asked: Money) -> Money:
    amounts = _object(result, "AmountsResp")
    try:
        amount = messages.money(amounts.get("AuthorizedAmount"), amounts.get("Currency", asked.currency))
    except MessageError as error:
        raise AnswerLost(f"the terminal approved, but {error}") from error
    if amount.currency != asked.currency:
        raise AnswerLost(f"the terminal approved {amount} where {asked.currency} was asked for")
    if amount.minor <= 0 or amount > asked:
        raise AnswerLost(f"the terminal approved {amount} where {asked} was asked for")
    told = extra.get("posAuthAmountValue", "")
    if told.isdecimal() and extra.get("posAuthAmountCurrency") == amount.currency and told != str(amount.minor):
        raise AnswerLost(f"the terminal approved {amount} and, in the same answer, another amount")
    return amount


def _references(body: Json, acquirer: Json, extra: Mapping[str, str]) -> tuple[str, str]:
    """Tender and PSP reference: `TransactionID` joins them with a point, two other places repeat the second."""
    transaction = _text(_object(_object(body, "POIData"), "POITransactionID").get("TransactionID"))
    tender, _, joined = transaction.partition(".")
    repeated = _text(_optional(acquirer, "AcquirerTransactionID").get("TransactionID"))
    told = {text for text in (joined, repeated, extra.get("pspReference", "")) if text}
    if not tender or not tender.isprintable() or len(told) > 1 or not all(_PSP_REFERENCE.fullmatch(text) for text in told):
        raise AnswerLost("the terminal's references for the payment contradict each other")
    return tender, next(iter(told), "")


def _check_reference(body: Json, ours: str, *, required: bool) -> None:
    reference = _optional(_optional(body, "SaleData"), "SaleTransactionID").get("TransactionID")
    if reference != ours and (required or reference is not None):
        raise AnswerLost("the terminal told of another sale than the one asked about")


# --- the card, as far as it may be known ------------------------------------------------------------------------------------------


def _card(result: Json, acquirer: Json, extra: Mapping[str, str]) -> Card:
    card = _optional(_optional(result, "PaymentInstrumentData"), "CardData")
    modes = card.get("EntryMode")
    alias = _recognition(extra.get("alias"))
    recognition = _recognition(extra.get("PaymentAccountReference"), _text(card.get("PaymentAccountRef")), alias)
    mode = extra.get("posEntryMode") or (_text(modes[0]) if isinstance(modes, list) and modes else "")
    return Card(
        brand=_safe(_text(card.get("PaymentBrand")) or extra.get("paymentMethod", "")),
        last4=_last4(_text(card.get("MaskedPan")), extra.get("cardSummary", "")),
        auth_code=_safe(extra.get("authCode") or _text(acquirer.get("ApprovalCode"))),
        application_id=_application_id(extra.get("AID", "")),
        entry_mode=_safe(mode),
        recognition=recognition,
        alias="" if alias == recognition else alias,
    )


def _last4(masked: str, summary: str) -> str:
    if _MASKED.search(masked) and (tail := re.search(r"\d{4}$", masked)):
        return tail.group()
    return summary if _FOUR.fullmatch(summary) else ""


def _application_id(text: str) -> str:
    return text if _AID.fullmatch(text) else ""


def _recognition(*candidates: str | None) -> str:
    """The first of the payment account reference and the alias that is no card number itself."""
    return next((text for text in candidates if text and text.isprintable() and not _PAN.fullmatch(text)), "")


def _safe(text: str) -> str:
    """Text for people: everything that could be a card number hidden, and nothing in it that cannot be shown or stored."""
    return "".join(c if c.isprintable() else " " for c in _PAN.sub("****", text)[:_DETAIL_LENGTH])


# --- errors -----------------------------------------------------------------------------------------------------------------------


def _declined(response: Json) -> Declined:
    reason = _reason(response)
    running = additional(response).get("serviceId", "") if reason is DeclineReason.BUSY else ""
    return Declined(reason, _detail(response), running if _SERVICE_ID.fullmatch(running) else "")


def _reason(response: Json) -> DeclineReason:
    condition = _text(response.get("ErrorCondition"))
    if condition == "Cancel":
        return _CANCELS.get(additional(response).get("refusalReason", "")[:3], DeclineReason.CANCELLED)
    return _REASONS.get(condition, DeclineReason.OTHER)


def _detail(response: Json) -> str:
    extra = additional(response)
    why = extra.get("refusalReason") or extra.get("message") or extra.get("errors") or ""
    condition = _text(response.get("ErrorCondition")) or "no error condition"
    running = f" (dialogue {extra['serviceId']})" if "serviceId" in extra else ""
    return _safe(f"{condition}: {why}{running}" if why else condition)


def _said_in_clear(message: Json, request: Request) -> AnswerLost:
    """What a message without proof is worth: nothing, or the news that our own could not be read."""
    errors = message.get("errors")
    if isinstance(errors, list) and errors:
        return NotUnderstood(
            f"somebody said in clear that the terminal could not open our message ({_safe(', '.join(map(str, errors)))}): "
            "compare passphrase, key identifier and key version on both sides, and let the terminal fetch its configuration"
        )
    event = _optional(_optional(message, REQUEST), "EventNotification")
    if event.get("EventToNotify") == "Reject":
        return NotUnderstood(f"somebody said in clear that the terminal rejected our message: {_safe(_text(event.get('EventDetails')))}")
    content = _optional(message, RESPONSE)
    response = _optional(_optional(content, f"{request.category}Response"), "Response")
    known = same_header(content.get("MessageHeader"), request.header("Response"))
    if known and response.get("Result") == "Failure" and _text(response.get("ErrorCondition")) in _UNREAD:
        return NotUnderstood(f"somebody said in clear that the terminal could not use our message: {_detail(response)}")
    return AnswerLost(f"the terminal's answer to {request.category} came unsealed: it is not believed")


def additional(response: Json) -> dict[str, str]:
    """`AdditionalResponse`, which is form-encoded pairs or base64 of a JSON object, as the account is set."""
    text = _text(response.get("AdditionalResponse"))
    try:
        found = messages.decode(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError, MessageError):
        return dict(parse_qsl(text)) if text.count("&") < 500 else {}
    inner = found.get("additionalData")
    pairs = {**found, **inner} if isinstance(inner, Mapping) else found
    return {name: _plain(value) for name, value in pairs.items() if not isinstance(value, Mapping | list)}


# --- reading --------------------------------------------------------------------------------------------------------------------


def _object(parent: Json, name: str) -> Json:
    found = parent.get(name)
    if not isinstance(found, Mapping):
        raise AnswerLost(f"the terminal's answer holds no {name}")
    return found


def _optional(parent: Json, name: str) -> Json:
    found = parent.get(name)
    return found if isinstance(found, Mapping) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _yes(value: object) -> bool:
    return value is True or value == "true"


def _no(value: object) -> bool:
    return value is False or value == "false"
