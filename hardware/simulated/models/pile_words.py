"""What a simulated pile says in OCPP 1.6: payloads made of a connector's condition."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from hardware.simulated.models.pile_connector import Connector, Fault, Transaction

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Payload: TypeAlias = "dict[str, Json]"

REGISTER = "Energy.Active.Import.Register"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def iso(at_ms: int) -> str:
    moment = (_EPOCH + timedelta(milliseconds=at_ms)).isoformat(timespec="milliseconds")
    return moment.removesuffix("+00:00") + "Z"


def status(word: str) -> Payload:
    return {"status": word}


def text(payload: Payload, key: str) -> str:
    value = payload.get(key)
    return value if isinstance(value, str) else ""


def status_notification(connector: Connector, stamp: str) -> Payload:
    payload: Payload = {"connectorId": connector.number, "errorCode": "NoError", "status": connector.status, "timestamp": stamp}
    if connector.emergency:
        payload |= {"errorCode": "OtherError", "info": "emergency stop"}
    return payload


def start_transaction(transaction: Transaction, stamp: str) -> Payload:
    return {
        "connectorId": transaction.number,
        "idTag": transaction.id_tag,
        "meterStart": transaction.begin_mwh // 1_000,
        "timestamp": stamp,
    }


def stop_transaction(
    connector: Connector,
    transaction: Transaction,
    reason: str,
    stamps: tuple[str, str],
    measurands: Sequence[str],
    signed_end: str = "",
) -> Payload:
    """`stamps` are those of begin and end. Register values are attached when `measurands` (StopTxnSampledData) has them, signed ones when
    there are any. OCPP 1.6 6.49 requires a meterStop; piles of the field leave it out."""
    payload: Payload = {
        "idTag": transaction.id_tag,
        "meterStop": connector.shown_mwh // 1_000,
        "timestamp": stamps[1],
        "reason": reason,
    }
    if connector.once(Fault.NO_REGISTER):
        del payload["meterStop"]
        return payload
    begin, end = _signed(transaction.signed_begin, "Transaction.Begin"), _signed(signed_end, "Transaction.End")
    if REGISTER in measurands:
        begin.insert(0, _sampled(REGISTER, _wh(transaction.begin_mwh), "Wh", "Transaction.Begin"))
        end.insert(0, _sampled(REGISTER, _wh(connector.shown_mwh), "Wh", "Transaction.End"))
    if entries := [_entry(stamp, sampled) for stamp, sampled in zip(stamps, (begin, end), strict=True) if sampled]:
        payload["transactionData"] = [*entries]
    return payload


def signed_begin(transaction: Transaction, stamp: str) -> Payload:
    """The signed begin of a transaction, apart from its end."""
    return {"connectorId": transaction.number, "meterValue": [_entry(stamp, _signed(transaction.signed_begin, "Transaction.Begin"))]}


def meter_values(connector: Connector, power_w: int, context: str, stamp: str, measurands: Sequence[str]) -> Payload:
    sampled: list[Json] = []
    for measurand in measurands:
        match measurand:
            case "Energy.Active.Import.Register":
                sampled.append(_sampled(measurand, _wh(connector.shown_mwh), "Wh", context))
            case "Power.Active.Import":
                sampled.append(_sampled(measurand, str(power_w), "W", context))
            case "SoC" if connector.car is not None:
                sampled.append(_sampled(measurand, str(connector.car.soc_percent), "Percent", context))
    return {"connectorId": connector.number, "meterValue": [_entry(stamp, sampled)]}


def _entry(stamp: str, sampled: list[Json]) -> Payload:
    return {"timestamp": stamp, "sampledValue": sampled}


def _signed(value: str, context: str) -> list[Json]:
    return [{"value": value, "context": context, "format": "SignedData", "measurand": REGISTER}] if value else []


def _wh(mwh: int) -> str:
    sign, size = ("-", -mwh) if mwh < 0 else ("", mwh)
    return f"{sign}{size // 1_000}.{size % 1_000:03d}"


def _sampled(measurand: str, value: str, unit: str, context: str) -> Payload:
    return {"value": value, "context": context, "measurand": measurand, "unit": unit}
