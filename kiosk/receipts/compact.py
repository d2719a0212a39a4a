"""A whole receipt or credit note in a short text, to be carried away by a phone's camera where there is no network.

A tag and base32 of a deflated list: only characters of the QR code's alphanumeric mode (5.5 bits each), and safe in a URL. The dictionary
and the order of a list belong to its tag for ever: `PILEPAY1` is a receipt, `PILEPAY2` a receipt with what a plain one lacks (discounts,
signed meter data, notices), `PILEPAY3` one that is owed on an account, `PILEPAY4` one whose energy was billed in steps, `PILEPAYC1` a
credit note, `PILEPAYC2` one for an account. Another order is another tag.
"""

from __future__ import annotations

import json
import logging
import zlib
from base64 import b32decode, b32encode
from collections.abc import Callable
from dataclasses import astuple, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from kiosk.receipts.content import Document
from kiosk.receipts.credit_note import Corrected, CreditNote, RefundReferences
from kiosk.receipts.receipt import (
    CardShown,
    Discounted,
    Item,
    Place,
    Receipt,
    ReceiptError,
    Reduction,
    References,
    Seller,
    Verification,
)
from kiosk.receipts.vat import Tax
from kiosk.values import Money, SessionId, ValuesError

log = logging.getLogger(__name__)

TAG = "PILEPAY1"
FULL_TAG = "PILEPAY2"
ACCOUNT_TAG = "PILEPAY3"
STEPS_TAG = "PILEPAY4"
NOTE_TAG = "PILEPAYC1"
ACCOUNT_NOTE_TAG = "PILEPAYC2"
MOST_CHARACTERS = 1_800
MOST_BYTES = 16_384

_DICTIONARY = (
    b'beyond_holdwaivedMIN_PRICEMAX_PRICEdiscountUSDCHFSEKGBP"en","Europe/London"amexgirocardmaestroICCchipmc'
    b'"A0000000041010","A0000000043060",,"GmbH","DE*"0800 '
    b'"visa","","A0000000031010","Contactless","contactless",null,"EUR","de","Europe/Berlin",[["ENERGY","0.","19",["TIME",["PARKING_TIME","0.'
    b'["FLAT",1,"19",'
)


def compact(document: Document) -> str:
    """The document as text for a QR code. Raises `ReceiptError` when it would be longer than a code on the screen can carry."""
    tag, flat = _tagged(document)
    body = json.dumps(flat, ensure_ascii=False, separators=(",", ":")).encode()
    deflate = zlib.compressobj(9, wbits=-15, zdict=_DICTIONARY)
    packed = deflate.compress(body) + deflate.flush()
    check = zlib.crc32(body).to_bytes(4, "big")
    text = tag + b32encode(check + packed).decode().rstrip("=")
    if len(text) > MOST_CHARACTERS:
        raise ReceiptError(f"{document.label} makes {len(text)} characters, a code carries {MOST_CHARACTERS}")
    return text


def _tagged(document: Document) -> tuple[str, list[Any]]:
    if isinstance(document, CreditNote):
        flat = _flat_note(document)
        return (ACCOUNT_NOTE_TAG, [*flat, document.contract]) if document.contract else (NOTE_TAG, flat)
    flat, more = _flat(document), _more(document)
    if document.step_mwh:
        return STEPS_TAG, [*flat, more, document.contract, document.step_mwh]
    if document.contract:
        return ACCOUNT_TAG, [*flat, more, document.contract]
    return (FULL_TAG, [*flat, more]) if any(more) else (TAG, flat)


def code_text(document: Document) -> str:
    """The same, or nothing when the document is too long for a code: it is shown without one then."""
    try:
        return compact(document)
    except ReceiptError as error:
        log.info("no code: %s", error)
        return ""


def expand(text: str) -> Document:
    """The document in `text`. Raises `ReceiptError` when it is none, is damaged, or does not add up."""
    known: tuple[tuple[str, Callable[[Any], Document]], ...] = (
        (TAG, _full),
        (FULL_TAG, _full_with_more),
        (ACCOUNT_TAG, _full_on_account),
        (STEPS_TAG, _full_in_steps),
        (NOTE_TAG, _full_note),
        (ACCOUNT_NOTE_TAG, _full_account_note),
    )
    found = next(((text.removeprefix(tag), full) for tag, full in known if text.startswith(tag)), None)
    if found is None:
        raise ReceiptError(f"not a receipt: it begins with none of {', '.join(tag for tag, _ in known)}")
    data, full = found
    try:
        raw = b32decode(data + "=" * (-len(data) % 8))
        inflate = zlib.decompressobj(wbits=-15, zdict=_DICTIONARY)
        body = inflate.decompress(raw[4:], MOST_BYTES)
        if not inflate.eof or zlib.crc32(body).to_bytes(4, "big") != raw[:4]:
            raise ReceiptError("the receipt is damaged: its check sum does not match")
        return full(json.loads(body))
    except (ValueError, TypeError, IndexError, zlib.error, InvalidOperation, ValuesError) as error:
        raise ReceiptError(f"the receipt is damaged: {error}") from error


def _flat(r: Receipt) -> list[Any]:
    return [
        r.number,
        r.copy,
        r.language,
        r.zone,
        r.captured.currency,
        [r.seller.name, *r.seller.address],
        [r.seller.tax_id, r.seller.helpline, r.seller.number_prefix],
        [r.place.name, *r.place.address],
        [r.place.evse_id, r.place.plug],
        r.session,
        # times as steps: the first is long, the others are short
        [r.begin_ms, r.end_ms - r.begin_ms, None if r.left_ms is None else r.left_ms - r.begin_ms, r.issued_ms - r.begin_ms, r.charging_s],
        [r.register_begin, r.register_end - r.register_begin, r.mwh],
        [[i.code, i.units, str(i.unit_price), None if i.vat is None else str(i.vat), i.amount.minor] for i in r.items],
        [[x.code, x.amount.minor] for x in r.reductions],
        _flat_taxes(r.taxes),
        [r.held.minor, r.captured.minor, int(r.gross), int(r.trusted)],
        [r.card.brand, r.card.last4, r.card.auth_code, r.card.application_id, r.card.entry_mode],
        [r.references.payment, r.references.psp, r.references.tender, r.references.capture],
        [r.tariff_id, r.tariff_hash, r.checkpoint],
    ]


def _full(flat: Any) -> Receipt:
    (
        number,
        copy,
        language,
        zone,
        currency,
        seller,
        selling,
        place,
        plug,
        session,
        times,
        meter,
        items,
        less,
        vat,
        money,
        card,
        names,
        tariff,
    ) = flat
    begin, end, left, issued, charging = times
    register, went, mwh = meter
    held, captured, gross, trusted = money
    return Receipt(
        number=number,
        copy=copy,
        issued_ms=begin + issued,
        language=language,
        zone=zone,
        seller=Seller(seller[0], tuple(seller[1:]), *selling),
        place=Place(place[0], tuple(place[1:]), *plug),
        session=SessionId(session),
        begin_ms=begin,
        end_ms=begin + end,
        left_ms=None if left is None else begin + left,
        charging_s=charging,
        mwh=mwh,
        register_begin=register,
        register_end=register + went,
        items=tuple(
            Item(code, units, Decimal(price), None if rate is None else Decimal(rate), Money(minor, currency))
            for code, units, price, rate, minor in items
        ),
        reductions=tuple(Reduction(code, Money(minor, currency)) for code, minor in less),
        taxes=_full_taxes(vat, currency),
        gross=bool(gross),
        held=Money(held, currency),
        captured=Money(captured, currency),
        card=CardShown(*card),
        references=References(*names),
        tariff_id=tariff[0],
        tariff_hash=tariff[1],
        trusted=bool(trusted),
        checkpoint=tariff[2],
    )


def _flat_taxes(taxes: tuple[Tax, ...]) -> list[Any]:
    return [[None if t.rate is None else str(t.rate), t.tax.minor, t.gross.minor] for t in taxes]


def _full_taxes(flat: Any, currency: str) -> tuple[Tax, ...]:
    return tuple(
        Tax(None if rate is None else Decimal(rate), Money(share - tax, currency), Money(tax, currency), Money(share, currency))
        for rate, tax, share in flat
    )


# --- what a plain receipt lacks ---------------------------------------------------------------------------------------------------------


def _more(r: Receipt) -> list[Any]:
    off = [[i, *astuple(item.off)] for i, item in enumerate(r.items) if item.off]
    return [off, list(r.seller.notices), _serials(r.place), list(astuple(r.verification)) if r.verification else []]


def _serials(place: Place) -> str | list[str]:
    """The pile's serial number, or with the meter's a list of both."""
    return [place.serial, place.meter] if place.meter else place.serial


def _with_serials(place: Place, serials: Any) -> Place:
    serial, meter = serials if isinstance(serials, list) else (serials, "")
    return replace(place, serial=serial, meter=meter)


def _full_with_more(flat: Any) -> Receipt:
    *plain, (off, notices, serials, verification) = flat
    receipt = _full(plain)
    discounted = {i: Discounted(*rest) for i, *rest in off}
    return replace(
        receipt,
        items=tuple(replace(item, off=discounted.get(i)) for i, item in enumerate(receipt.items)),
        seller=replace(receipt.seller, notices=tuple(notices)),
        place=_with_serials(receipt.place, serials),
        verification=Verification(*verification) if verification else None,
    )


def _full_on_account(flat: Any) -> Receipt:
    *full, contract = flat
    return replace(_full_with_more(full), contract=contract)


def _full_in_steps(flat: Any) -> Receipt:
    *full, contract, step_mwh = flat
    return replace(_full_with_more(full), contract=contract, step_mwh=step_mwh)


# --- the credit note ----------------------------------------------------------------------------------------------------------------------


def _flat_note(n: CreditNote) -> list[Any]:
    c = n.corrects
    return [
        n.number,
        n.copy,
        n.language,
        n.zone,
        n.amount.currency,
        [n.seller.name, *n.seller.address],
        [n.seller.tax_id, n.seller.helpline, n.seller.number_prefix],
        [n.place.name, *n.place.address],
        [n.place.evse_id, n.place.plug],
        n.session,
        [c.label, c.begin_ms, c.end_ms - c.begin_ms, c.issued_ms - c.begin_ms, n.issued_ms - c.begin_ms, c.mwh],
        n.reason,
        [n.amount.minor, int(n.trusted)],
        [_flat_taxes(rows) for rows in (n.taxes, n.charged, n.before)],
        list(astuple(n.card)),
        list(astuple(n.references)),
        n.checkpoint,
        list(n.seller.notices),
        _serials(n.place),
    ]


def _full_note(flat: Any) -> CreditNote:
    (
        number,
        copy,
        language,
        zone,
        currency,
        seller,
        (tax_id, helpline, prefix),
        place,
        (evse_id, plug),
        session,
        (label, begin, end, receipt_issued, issued, mwh),
        reason,
        (amount, trusted),
        taxes,
        card,
        names,
        checkpoint,
        notices,
        serials,
    ) = flat
    given, charged, before = (_full_taxes(rows, currency) for rows in taxes)
    return CreditNote(
        number=number,
        copy=copy,
        issued_ms=begin + issued,
        language=language,
        zone=zone,
        seller=Seller(seller[0], tuple(seller[1:]), tax_id, helpline, prefix, tuple(notices)),
        place=_with_serials(Place(place[0], tuple(place[1:]), evse_id, plug), serials),
        session=SessionId(session),
        corrects=Corrected(label, begin + receipt_issued, begin, begin + end, mwh),
        reason=reason,
        amount=Money(amount, currency),
        taxes=given,
        charged=charged,
        before=before,
        card=CardShown(*card),
        references=RefundReferences(*names),
        trusted=bool(trusted),
        checkpoint=checkpoint,
    )


def _full_account_note(flat: Any) -> CreditNote:
    *plain, contract = flat
    return replace(_full_note(plain), contract=contract)
