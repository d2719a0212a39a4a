"""A whole receipt in a short text, to be carried away by a phone's camera where there is no network.

`PILEPAY1` and base32 of a deflated list: only characters of the QR code's alphanumeric mode (5.5 bits each), and safe in a URL. The
dictionary and the order of the list belong to version 1 for ever; another order is another version.
"""

from __future__ import annotations

import json
import zlib
from base64 import b32decode, b32encode
from decimal import Decimal, InvalidOperation
from typing import Any

from kiosk.receipts.receipt import CardShown, Item, Place, Receipt, ReceiptError, Reduction, References, Seller
from kiosk.receipts.vat import Tax
from kiosk.values import Money, SessionId, ValuesError

TAG = "PILEPAY1"
MOST_CHARACTERS = 1_800
MOST_BYTES = 16_384

_DICTIONARY = (
    b'beyond_holdwaivedMIN_PRICEMAX_PRICEdiscountUSDCHFSEKGBP"en","Europe/London"amexgirocardmaestroICCchipmc'
    b'"A0000000041010","A0000000043060",,"GmbH","DE*"0800 '
    b'"visa","","A0000000031010","Contactless","contactless",null,"EUR","de","Europe/Berlin",[["ENERGY","0.","19",["TIME",["PARKING_TIME","0.'
    b'["FLAT",1,"19",'
)


def compact(receipt: Receipt) -> str:
    """The receipt as text for a QR code. Raises `ReceiptError` when it would be longer than a code on the screen can carry."""
    body = json.dumps(_flat(receipt), ensure_ascii=False, separators=(",", ":")).encode()
    deflate = zlib.compressobj(9, wbits=-15, zdict=_DICTIONARY)
    packed = deflate.compress(body) + deflate.flush()
    check = zlib.crc32(body).to_bytes(4, "big")
    text = TAG + b32encode(check + packed).decode().rstrip("=")
    if len(text) > MOST_CHARACTERS:
        raise ReceiptError(f"receipt {receipt.label} makes {len(text)} characters, a code carries {MOST_CHARACTERS}")
    return text


def expand(text: str) -> Receipt:
    """The receipt in `text`. Raises `ReceiptError` when it is none, is damaged, or does not add up."""
    if not text.startswith(TAG):
        raise ReceiptError(f"not a receipt: it does not begin with {TAG}")
    data = text[len(TAG) :]
    try:
        raw = b32decode(data + "=" * (-len(data) % 8))
        inflate = zlib.decompressobj(wbits=-15, zdict=_DICTIONARY)
        body = inflate.decompress(raw[4:], MOST_BYTES)
        if not inflate.eof or zlib.crc32(body).to_bytes(4, "big") != raw[:4]:
            raise ReceiptError("the receipt is damaged: its check sum does not match")
        return _full(json.loads(body))
    except (ValueError, TypeError, zlib.error, InvalidOperation, ValuesError) as error:
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
        [[None if t.rate is None else str(t.rate), t.tax.minor, t.gross.minor] for t in r.taxes],
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
        taxes=tuple(
            Tax(None if rate is None else Decimal(rate), Money(share - tax, currency), Money(tax, currency), Money(share, currency))
            for rate, tax, share in vat
        ),
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
