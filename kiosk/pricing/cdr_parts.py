"""What a CDR says beside energy and money: who charged where, by which right, proven by which meter values (OCPI mod_cdrs)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kiosk.pricing.wire import Wire, given

_AUTH_METHODS = ("AUTH_REQUEST", "COMMAND", "WHITELIST")
_TOKEN_TYPES = ("AD_HOC_USER", "APP_USER", "EMAID", "OTHER", "RFID")
_FORMATS = ("SOCKET", "CABLE")
_POWER_TYPES = ("AC_1_PHASE", "AC_2_PHASE", "AC_2_PHASE_SPLIT", "AC_3_PHASE", "DC")
_NATURES = ("Start", "End", "Intermediate")
_MOST_SIGNED = 5_000


@dataclass(frozen=True, slots=True)
class CdrToken:
    """A card at the kiosk is an `AD_HOC_USER`, its `uid` ours alone: never a card number."""

    country_code: str
    party_id: str
    uid: str
    type: str
    contract_id: str


@dataclass(frozen=True, slots=True)
class CdrLocation:
    """`country` is ISO 3166 alpha-3; coordinates are decimal degrees as text."""

    id: str
    address: str
    city: str
    country: str
    latitude: str
    longitude: str
    evse_uid: str
    evse_id: str
    connector_id: str
    connector_standard: str
    connector_format: str
    connector_power_type: str
    name: str = ""
    postal_code: str = ""


@dataclass(frozen=True, slots=True)
class SignedValue:
    """`signed_data` is the meter's own text, unchanged."""

    nature: str
    plain_data: str
    signed_data: str


@dataclass(frozen=True, slots=True)
class SignedData:
    encoding_method: str
    signed_values: tuple[SignedValue, ...]
    public_key: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class CdrHead:
    """`tax_name` is what the tax is called on a 2.3.0 CDR."""

    id: str
    token: CdrToken
    auth_method: str
    location: CdrLocation
    last_updated_utc_ms: int
    session_id: str = ""
    authorization_reference: str = ""
    meter_id: str = ""
    invoice_reference_id: str = ""
    remark: str = ""
    signed: SignedData | None = None
    tax_name: str = "VAT"


def faults_of(head: CdrHead) -> Iterator[str]:
    """What OCPI does not allow in `head`, one sentence each."""
    t, place = head.token, head.location
    needed = (
        ("id", head.id, 36), ("cdr_token.uid", t.uid, 36), ("cdr_token.contract_id", t.contract_id, 36),
        ("cdr_location.id", place.id, 36), ("cdr_location.address", place.address, 45), ("cdr_location.city", place.city, 45),
        ("cdr_location.evse_uid", place.evse_uid, 36), ("cdr_location.evse_id", place.evse_id, 48),
        ("cdr_location.connector_id", place.connector_id, 36), ("cdr_location.connector_standard", place.connector_standard, 64),
    )  # fmt: skip
    maybe = (
        ("session_id", head.session_id, 36), ("authorization_reference", head.authorization_reference, 36),
        ("meter_id", head.meter_id, 255), ("invoice_reference_id", head.invoice_reference_id, 39), ("remark", head.remark, 255),
        ("cdr_location.name", place.name, 255), ("cdr_location.postal_code", place.postal_code, 10),
    )  # fmt: skip
    for path, text, most in (*needed, *maybe):
        if len(text) > most:
            yield f"{path}: {len(text)} characters, OCPI takes {most}: shorten it"
    yield from (f"{path}: is missing" for path, text, _ in needed if not text)
    words = (
        ("auth_method", head.auth_method, _AUTH_METHODS), ("cdr_token.type", t.type, _TOKEN_TYPES),
        ("cdr_location.connector_format", place.connector_format, _FORMATS),
        ("cdr_location.connector_power_type", place.connector_power_type, _POWER_TYPES),
    )  # fmt: skip
    for path, word, known in words:
        if word not in known:
            yield f"{path}: {word!r} is not one of {', '.join(known)}"
    patterns = (
        ("cdr_token.country_code", t.country_code, "[A-Z]{2}"), ("cdr_token.party_id", t.party_id, "[A-Z0-9]{3}"),
        ("cdr_location.country", place.country, "[A-Z]{3}"), ("cdr_location.coordinates.latitude", place.latitude, r"-?\d{1,2}\.\d{5,7}"),
        ("cdr_location.coordinates.longitude", place.longitude, r"-?\d{1,3}\.\d{5,7}"),
    )  # fmt: skip
    for path, text, pattern in patterns:
        if not re.fullmatch(pattern, text):
            yield f"{path}: {text!r} is not of the form {pattern}"
    for i, value in enumerate(head.signed.signed_values if head.signed else ()):
        if value.nature not in _NATURES:
            yield f"signed_data.signed_values[{i}].nature: {value.nature!r} is not one of {', '.join(_NATURES)}"
        if len(value.signed_data) > _MOST_SIGNED:
            yield f"signed_data.signed_values[{i}].signed_data: {len(value.signed_data)} characters, OCPI takes {_MOST_SIGNED}"
    if head.signed is not None and not head.signed.signed_values:
        yield "signed_data.signed_values: is empty: leave signed_data out"


def token_body(t: CdrToken) -> dict[str, Wire]:
    return {"country_code": t.country_code, "party_id": t.party_id, "uid": t.uid, "type": t.type, "contract_id": t.contract_id}


def location_body(place: CdrLocation) -> dict[str, Wire]:
    return given(
        {
            "id": place.id,
            "name": place.name or None,
            "address": place.address,
            "city": place.city,
            "postal_code": place.postal_code or None,
            "country": place.country,
            "coordinates": {"latitude": place.latitude, "longitude": place.longitude},
            "evse_uid": place.evse_uid,
            "evse_id": place.evse_id,
            "connector_id": place.connector_id,
            "connector_standard": place.connector_standard,
            "connector_format": place.connector_format,
            "connector_power_type": place.connector_power_type,
        }
    )


def signed_body(signed: SignedData | None) -> dict[str, Wire] | None:
    if signed is None:
        return None
    values: list[Wire] = [{"nature": v.nature, "plain_data": v.plain_data, "signed_data": v.signed_data} for v in signed.signed_values]
    return given(
        {
            "encoding_method": signed.encoding_method,
            "public_key": signed.public_key or None,
            "signed_values": values,
            "url": signed.url or None,
        }
    )
