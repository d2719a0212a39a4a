"""The JSON schemas of OCPP, compiled once: strict for what we send, a note for what we receive."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources

from jsonschema_rs import Draft4Validator, ValidationError, ValidationErrorKind

from kiosk.ocpp.frames import Json

# OCPP-J 1.6 4.2.3, in the spelling of the standard.
_CODES = {
    "Required": "OccurenceConstraintViolation",
    "MinItems": "OccurenceConstraintViolation",
    "MaxItems": "OccurenceConstraintViolation",
    "Type": "TypeConstraintViolation",
    "Enum": "PropertyConstraintViolation",
    "MaxLength": "PropertyConstraintViolation",
    "MultipleOf": "PropertyConstraintViolation",
}


class Schemas:
    """The messages of one OCPP version, by the name of their schema file (`StopTransaction`, `StopTransactionResponse`)."""

    def __init__(self, version: str) -> None:
        folder = resources.files("ocpp").joinpath(version, "schemas")
        self._validators = {
            entry.name.removesuffix(".json"): Draft4Validator(json.loads(entry.read_text(encoding="utf-8-sig")))
            for entry in folder.iterdir()
            if entry.name.endswith(".json")
        }

    def knows(self, name: str) -> bool:
        return name in self._validators

    def violation(self, name: str, payload: Mapping[str, Json]) -> tuple[str, str] | None:
        """The OCPP error code and a description without values, or None when `payload` keeps to the schema."""
        try:
            self._validators[name].validate(payload)
        except ValidationError as error:
            where = "/".join(str(step) for step in error.instance_path) or "payload"
            return _code(error.kind), f"{where}: {type(error.kind).__name__.rpartition('_')[2]}"
        except (ValueError, TypeError, OverflowError):
            return "FormationViolation", "payload: cannot be read"
        return None


def _code(kind: ValidationErrorKind) -> str:
    return _CODES.get(type(kind).__name__.rpartition("_")[2], "FormationViolation")


@cache
def schemas(version: str) -> Schemas:
    """Those of `v16` and its kin, as the `ocpp` package names them."""
    return Schemas(version)
