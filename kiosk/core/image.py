"""The whole state of a kiosk as bytes and back, so that a start need not fold every fact there ever was.

Works on whatever fields the state has: dataclasses, tuples, mappings (their order is part of the state: rules look at sales in it), sets,
enums, decimals, texts and numbers. Two states have the same bytes exactly when they are the same. The setup is not among them: it is
configuration, and the one of today counts. Bytes are data, never code, and whoever reads them has made sure before that they are ours
(`kiosk.journal.fold`): what does not fit exactly is refused, not guessed.
"""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from enum import Enum
from hashlib import sha256
from pathlib import Path
from typing import Any

import kiosk
from kiosk.pricing.discounts import DiscountLine
from kiosk.pricing.rating import Line
from kiosk.session.setup import Setup
from kiosk.session.state import Kiosk

_SETUP = "setup"
_PURE = ("session", "metering", "pricing")
_SCALARS = (str, int, bool, type(None))
_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


class ImageError(ValueError):
    """Bytes that are no state of this program, or a state with something in it that this module cannot write down."""


def image(k: Kiosk) -> bytes:
    """All of `k` but its setup. Raises `ImageError`."""
    return _COMPACT.encode({name: _plain(getattr(k, name)) for name in _names(Kiosk) if name != _SETUP}).encode()


def restore(data: bytes, setup: Setup) -> Kiosk:
    """The kiosk behind `image`, under `setup`. Raises `ImageError`."""
    try:
        body = json.loads(data)
        readers = {name: read for name, read in _readers(Kiosk).items() if name != _SETUP}
        if body.keys() != readers.keys():
            raise ImageError(f"fields {sorted(body.keys() ^ readers.keys())} do not fit")
        return Kiosk(setup, **{name: read(body[name]) for name, read in readers.items()})
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        raise ImageError(f"this is no state of a kiosk that this program knows: {error}") from error


def setup_image(setup: Setup) -> bytes:
    """All of `setup`, for another process of ours."""
    return _COMPACT.encode(_plain(setup)).encode()


def restore_setup(data: bytes) -> Setup:
    """The setup behind `setup_image`. Raises `ImageError`."""
    try:
        setup = _record(Setup)(json.loads(data))
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError) as error:
        raise ImageError(f"this is no setup that this program knows: {error}") from error
    assert isinstance(setup, Setup)
    return setup


def digest(k: Kiosk) -> str:
    """SHA-256 of `image(k)`, in hex."""
    return sha256(image(k)).hexdigest()


def fingerprint(setup: Setup) -> str:
    """What a state depends on besides the facts: the program that folded them, down to its text, and the connectors it knew.

    The rules of sales are left out: folding reads none of them.
    """
    made_of = sha256(f"{kiosk.__version__}\n{setup.kiosk}\n{setup.currency}\n".encode())
    made_of.update(_COMPACT.encode(_plain(setup.connectors)).encode())
    root = Path(kiosk.__file__).parent
    for file in sorted([root / "values.py", Path(__file__), *(file for room in _PURE for file in (root / room).rglob("*.py"))]):
        text = file.read_bytes()
        made_of.update(f"{file.relative_to(root)} {len(text)}\n".encode() + text)
    return made_of.hexdigest()


# --- to plain values ------------------------------------------------------------------------------------------------------------


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, _SCALARS):
        return value
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    if isinstance(value, Mapping):
        return [[_plain(k), _plain(v)] for k, v in value.items()]
    if isinstance(value, frozenset):
        return sorted(_plain(v) for v in value)
    if isinstance(value, Decimal):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {name: _plain(getattr(value, name)) for name in _names(type(value))}
    raise ImageError(f"a {type(value).__name__} has no place in the state of a kiosk")


_NAMES: dict[type[Any], tuple[str, ...]] = {}


def _names(kind: type[Any]) -> tuple[str, ...]:
    if kind not in _NAMES:
        _NAMES[kind] = tuple(f.name for f in fields(kind))
    return _NAMES[kind]


# --- and back -------------------------------------------------------------------------------------------------------------------

_Reader = Callable[[Any], Any]
_READERS: dict[type[Any], Mapping[str, _Reader]] = {}


def _readers(kind: type[Any]) -> Mapping[str, _Reader]:
    if kind not in _READERS:
        hints = typing.get_type_hints(kind)
        _READERS[kind] = {name: _reader(hints[name]) for name in _names(kind)}
    return _READERS[kind]


def _reader(hint: Any) -> _Reader:
    hint = getattr(hint, "__supertype__", hint)
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        (kind,) = (a for a in args if a is not type(None))
        read = _reader(kind)
        return lambda value: None if value is None else read(value)
    if origin is tuple and args[1:] == (...,):
        item = _reader(args[0])
        return lambda value: tuple(item(v) for v in _list(value))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        key, held = _reader(args[0]), _reader(args[1])
        return lambda value: types.MappingProxyType({key(k): held(v) for k, v in _list(value)})
    if origin is frozenset:
        member = _reader(args[0])
        return lambda value: frozenset(member(v) for v in _list(value))
    if isinstance(hint, type):
        return _of_type(hint)
    raise ImageError(f"no way to read a {hint}")


def _of_type(kind: type[Any]) -> _Reader:
    if issubclass(kind, Enum):
        return kind
    if is_dataclass(kind):
        return _record(kind)
    if kind is Decimal:
        return lambda value: Decimal(_exactly(str, value))
    if kind in (str, int, bool):
        return lambda value: _exactly(kind, value)
    raise ImageError(f"no way to read a {kind.__name__}")


# A record that comes in more than one shape is told by its fields.
_SHAPES: Mapping[type[Any], tuple[type[Any], ...]] = {Line: (Line, DiscountLine)}


def _record(kind: type[Any]) -> _Reader:
    def read(value: Any) -> Any:
        for shape in _SHAPES.get(kind, (kind,)):
            readers = _readers(shape)
            if value.keys() == readers.keys():
                return shape(**{name: part(value[name]) for name, part in readers.items()})
        raise ImageError(f"{kind.__name__}: fields {sorted(value.keys() ^ _readers(kind).keys())} do not fit")

    return read


def _list(value: Any) -> list[Any]:
    found: list[Any] = _exactly(list, value)
    return found


def _exactly(kind: type[Any], value: Any) -> Any:
    if type(value) is not kind:
        raise ImageError(f"{value!r} is no {kind.__name__}")
    return value
