"""Set an OCPP 1.6 controller up for paid charging: nobody charges when the kiosk did not say so, and the meter is reported often.

Only what differs is written, because these settings live in a controller's flash. A controller that refuses a key still charges; what it
refused is reported, so that an installer can judge.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from kiosk.ocpp.dialects.dialect import Ask, CallRefused, Request, Urgency
from kiosk.ocpp.dialects.v16_values import text
from kiosk.ocpp.frames import Payload
from kiosk.ocpp.seam import PileSettings

_log = logging.getLogger(__name__)

_RATE_UNIT = "ChargingScheduleAllowedChargingRateUnit"
# Wanted of a controller that knows them (Signed Meter Values in OCPP 1.0); others sign by settings of their own, or not at all.
_SIGNING = ("SampledDataSignReadings", "SampledDataSignStartedReadings")


@dataclass(frozen=True, slots=True)
class Done:
    """`refused` are the keys the controller did not take, with its words."""

    refused: Mapping[str, str]
    rate_in_ampere: bool


def wishes(settings: PileSettings) -> dict[str, tuple[str, ...]]:
    """Each key with the values to try, best first. A list of measurands is refused as a whole when one is unknown (OCPP 1.6 3.16.4)."""
    register = "Energy.Active.Import.Register"
    return {
        "AuthorizeRemoteTxRequests": ("false",),
        "LocalPreAuthorize": ("false",),
        "LocalAuthorizeOffline": ("false",),
        "AllowOfflineTxForUnknownId": ("false",),
        "StopTransactionOnEVSideDisconnect": ("true",),
        "MeterValueSampleInterval": (str(settings.sample_s),),
        "MeterValuesSampledData": (f"{register},Power.Active.Import,SoC", f"{register},Power.Active.Import", register),
        "StopTxnSampledData": (register,),
        "ConnectionTimeOut": (str(settings.plug_in_s),),
        # A StopTransaction is discarded after this many tries; the default of some controllers is 3.
        "TransactionMessageAttempts": ("100",),
    }


async def configure(ask: Ask, settings: PileSettings) -> Done:
    """Bring the controller's keys to our wishes. Raises `NotSent` or `AnswerLost` when the connection does not last."""
    wanted = wishes(settings)
    signing = _SIGNING if settings.signed else ()
    present = await _read(ask, [*wanted, *signing, _RATE_UNIT])
    wanted |= {key: ("true",) for key in signing if key in present}
    refused = {}
    for key, tries in wanted.items():
        if _same(present.get(key, ""), tries[0]):
            continue
        words = await _set(ask, key, tries)
        if words:
            refused[key] = words
            _log.warning("pile %s did not take %s=%s: %s", settings.identity, key, tries[0], words)
    unit = present.get(_RATE_UNIT, "").lower()
    return Done(refused, rate_in_ampere="current" in unit and "power" not in unit)


async def _read(ask: Ask, keys: list[str]) -> dict[str, str]:
    try:
        answer = await ask(Request("GetConfiguration", {"key": list(keys)}, Urgency.SETTING))
    except CallRefused:
        return {}
    found = {}
    listed = answer.get("configurationKey")
    for entry in listed if isinstance(listed, list) else []:
        if isinstance(entry, dict):
            value = entry.get("value")
            found[text(entry.get("key"), 100)] = str(value).lower() if isinstance(value, bool) else text(value, 500)
    return found


async def _set(ask: Ask, key: str, tries: tuple[str, ...]) -> str:
    """Empty when one of `tries` was taken, else the controller's last words."""
    words = ""
    for value in tries:
        payload: Payload = {"key": key, "value": value}
        try:
            answer = await ask(Request("ChangeConfiguration", payload, Urgency.SETTING))
            words = text(answer.get("status"), 50) or "no status"
        except CallRefused as refused:
            words = text(refused.code, 50)
        if words == "Accepted":
            return ""
        if words in ("RebootRequired", "NotSupported"):
            break
    return words


def _same(present: str, wanted: str) -> bool:
    if "," in wanted or "." in wanted:
        return {part.strip() for part in present.split(",")} == set(wanted.split(","))
    return present.strip().lower() == wanted.lower()
