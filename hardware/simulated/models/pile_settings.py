"""The configuration keys of a simulated OCPP 1.6 pile: factory values as in the field, and what it refuses to be told."""

from __future__ import annotations

from collections.abc import Sequence

from hardware.simulated.models.pile_connector import ConnectorSpec

_READ_ONLY = frozenset(("NumberOfConnectors", "ChargingScheduleAllowedChargingRateUnit", "SupportedFeatureProfiles"))
_NUMBERS = frozenset(
    ("ConnectionTimeOut", "HeartbeatInterval", "MeterValueSampleInterval", "TransactionMessageAttempts", "TransactionMessageRetryInterval")
)
_MEASURANDS = frozenset(("Energy.Active.Import.Register", "Power.Active.Import", "SoC"))


class Settings:
    """Keys and values of one pile. They survive a power cut."""

    def __init__(self, connectors: Sequence[ConnectorSpec]) -> None:
        self._measurands = _MEASURANDS if any(spec.dc for spec in connectors) else _MEASURANDS - {"SoC"}  # AC piles cannot ask the car
        self.values = {
            "AllowOfflineTxForUnknownId": "false",
            "AuthorizeRemoteTxRequests": "true",
            "ChargingScheduleAllowedChargingRateUnit": "Power",
            "ConnectionTimeOut": "60",
            "HeartbeatInterval": "300",
            "LocalAuthorizeOffline": "true",
            "LocalPreAuthorize": "false",
            "MeterValueSampleInterval": "60",
            "MeterValuesSampledData": "Energy.Active.Import.Register",
            "NumberOfConnectors": str(len(connectors)),
            "StopTransactionOnEVSideDisconnect": "true",
            "StopTransactionOnInvalidId": "true",
            "StopTxnSampledData": "",
            "SupportedFeatureProfiles": "Core,SmartCharging,RemoteTrigger",
            "TransactionMessageAttempts": "3",
            "TransactionMessageRetryInterval": "10",
        }

    def number(self, key: str) -> int:
        return int(self.values[key])

    def flag(self, key: str) -> bool:
        return self.values[key].lower() == "true"

    def listed(self, key: str) -> list[str]:
        return [part for part in self.values[key].split(",") if part]

    def change(self, key: str, value: str) -> str:
        """The status of a ChangeConfiguration."""
        if key not in self.values:
            return "NotSupported"
        if key in _READ_ONLY:
            return "Rejected"
        if key in _NUMBERS and not value.isdecimal():
            return "Rejected"
        if key.endswith("SampledData") and not set(value.split(",")) - {""} <= self._measurands:
            return "Rejected"
        self.values[key] = value
        return "Accepted"

    def read(self, keys: Sequence[str]) -> tuple[list[tuple[str, str, bool]], list[str]]:
        """Known keys as (key, value, read only), and the unknown ones."""
        asked = list(keys) or list(self.values)
        return [(k, self.values[k], k in _READ_ONLY) for k in asked if k in self.values], [k for k in asked if k not in self.values]
