"""OCPP-J frames: text to CALL, CALLRESULT or CALLERROR and back.

Reading is soft: whatever can be made out of a frame is, because a refused StopTransaction is a lost sale. Numbers with a fraction become
`Decimal`, so that no register value passes through binary floating point.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import NoReturn, TypeAlias

Json: TypeAlias = "bool | int | float | Decimal | str | list[Json] | dict[str, Json] | None"
Payload: TypeAlias = "dict[str, Json]"

_CALL, _RESULT, _ERROR = 2, 3, 4
_ID_IN_RUBBLE = re.compile(r'^\s*\[\s*2\s*,\s*"([^"\\]{1,36})"')
_NO_ID = "-1"  # OCPP-J 2.0.1 4.2.3: a CALLERROR to a CALL whose id cannot be read


@dataclass(frozen=True, slots=True)
class Call:
    """A request. `raw` is the text as received, empty for one of ours."""

    id: str | int
    action: str
    payload: Payload
    raw: str = ""


@dataclass(frozen=True, slots=True)
class CallResult:
    id: str | int
    payload: Payload


@dataclass(frozen=True, slots=True)
class CallError:
    id: str | int
    code: str
    description: str


@dataclass(frozen=True, slots=True)
class Malformed:
    """Not a frame of OCPP-J. `error` is the CALLERROR it deserves, if any; `why` is for the operator."""

    why: str
    error: CallError | None = None


Frame = Call | CallResult | CallError | Malformed


def _fraction(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        return Decimal("NaN")


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


_DECODER = json.JSONDecoder(parse_float=_fraction, parse_constant=_no_constant)
_ENCODER = json.JSONEncoder(check_circular=False, separators=(",", ":"), allow_nan=False)


def decode(raw: str) -> Frame:
    """The frame in `raw`. Never raises."""
    try:
        body = _DECODER.decode(raw)
    except (ValueError, RecursionError):
        found = _ID_IN_RUBBLE.match(raw[:256])
        return _formation(found.group(1) if found else _NO_ID, "not JSON")
    if not isinstance(body, list):
        return _formation(_NO_ID, "a frame must be a JSON array")
    kind = body[0] if body else None
    if kind not in (_CALL, _RESULT, _ERROR) or isinstance(kind, bool | Decimal):
        # OCPP-J 1.6 4.1.3: an unknown message type is ignored.
        return Malformed("unknown message type")
    name = body[1] if len(body) > 1 else None
    if isinstance(name, bool) or not isinstance(name, str | int):
        return _formation(_NO_ID, "a frame without a message id") if kind == _CALL else Malformed("an answer without a message id")
    if kind == _CALL:
        return _call(name, body, raw)
    if kind == _RESULT:
        return CallResult(name, _object(body[2] if len(body) > 2 else None))
    code, description = (str(part) for part in (*body[2:4], "", "")[:2])
    return CallError(name, code[:64], description[:255])


def _call(name: str | int, body: list[Json], raw: str) -> Frame:
    if len(body) < 3 or not isinstance(body[2], str):
        return _formation(name, "a CALL needs an action")
    if len(body) < 4:
        return _formation(name, f"a CALL needs a payload ({body[2][:50]})")
    return Call(name, body[2], _object(body[3]), raw)


def _object(value: Json) -> Payload:
    return value if isinstance(value, dict) else {}


def _formation(name: str | int, why: str) -> Malformed:
    return Malformed(why, CallError(name, "FormationViolation", why))


def encode_call(name: str, action: str, payload: Mapping[str, Json]) -> str:
    return _ENCODER.encode([_CALL, name, action, payload])


def encode_result(name: str | int, payload: Mapping[str, Json]) -> str:
    return _ENCODER.encode([_RESULT, name, payload])


def encode_error(error: CallError) -> str:
    return _ENCODER.encode([_ERROR, error.id, error.code, error.description, {}])
