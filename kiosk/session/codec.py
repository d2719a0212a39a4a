"""Facts to bytes and back: the words of the journal.

A fact's kind is its class name, its body canonical JSON (sorted keys, no blanks, UTF-8) of everything but its moment and its session, which
are the journal's own columns. A fact that changed its shape gets a higher version here and an upcaster from the old body; the bytes of old
facts are never touched.
"""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from decimal import Decimal
from enum import Enum
from typing import Any

from kiosk.pricing.discounts import DiscountLine
from kiosk.pricing.rating import Line
from kiosk.session import facts
from kiosk.session.facts import Fact, KioskFact, SessionFact
from kiosk.values import Moment, SessionId

KIOSK_STREAM = "kiosk"


class CodecError(ValueError):
    """Bytes that are no fact this program knows. A newer program wrote them, or they are damaged."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """A fact as the journal keeps it."""

    stream: str
    kind: str
    version: int
    at: Moment
    body: bytes


def _quote_that_grows(body: dict[str, Any]) -> dict[str, Any]:
    return {**body, "quote": {**body["quote"], "step": None, "most": None}}


def _quote_without_discounts(body: dict[str, Any]) -> dict[str, Any]:
    return {**body, "quote": {**body["quote"], "discounts_json": "", "discounts_hash": ""}}


def _approval_used_whole(body: dict[str, Any]) -> dict[str, Any]:
    return {**body, "usable": body["approval"]["authorized"], "expires_at": None}


def _confirmed_without_amount(body: dict[str, Any]) -> dict[str, Any]:
    return {**body, "amount": None}


def _review_without_request(body: dict[str, Any]) -> dict[str, Any]:
    return {**body, "request": None}


def _resumed_as_heard(body: dict[str, Any]) -> dict[str, Any]:
    return {**body, "until": None}


# (kind, version) -> the body of the next version
UPCASTERS: Mapping[tuple[str, int], Callable[[dict[str, Any]], dict[str, Any]]] = {
    ("QuoteAgreed", 1): _quote_that_grows,
    ("QuoteAgreed", 2): _quote_without_discounts,
    ("PaymentAuthorized", 1): _approval_used_whole,
    ("DeliveryResumed", 1): _resumed_as_heard,
    ("ModificationConfirmed", 1): _confirmed_without_amount,
    ("ReviewOpened", 1): _review_without_request,
    ("ReviewDecided", 1): _review_without_request,
}
VERSIONS: Mapping[str, int] = {
    "QuoteAgreed": 3,
    "PaymentAuthorized": 2,
    "DeliveryResumed": 2,
    "ModificationConfirmed": 2,
    "ReviewOpened": 2,
    "ReviewDecided": 2,
}

_KINDS: dict[str, type[Any]] = {
    name: kind
    for name, kind in vars(facts).items()
    if isinstance(kind, type) and issubclass(kind, KioskFact | SessionFact) and kind not in (KioskFact, SessionFact)
}
_COLUMNS = ("at", "session")
_CANONICAL = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":"), sort_keys=True)
_READER = json.JSONDecoder()
_AS_IT_IS = (str, int, bool, type(None))
_BARE = frozenset(_AS_IT_IS)


def encode(fact: Fact) -> Encoded:
    """The fact as the journal stores it."""
    kind = type(fact).__name__
    stream = fact.session if isinstance(fact, SessionFact) else KIOSK_STREAM
    body = {name: v if type(v := getattr(fact, name)) in _BARE else _plain(v) for name in _names(type(fact))}
    return Encoded(stream, kind, VERSIONS.get(kind, 1), fact.at, _CANONICAL.encode(body).encode())


def known(kind: str, version: int) -> bool:
    """Whether this program knows such a fact."""
    return kind in _KINDS and version <= VERSIONS.get(kind, 1)


def decode(stored: Encoded) -> Fact:
    """The fact behind stored bytes, lifted to today's version. Raises `CodecError`."""
    kind = _KINDS.get(stored.kind)
    if kind is None or stored.version > VERSIONS.get(stored.kind, 1):
        raise CodecError(f"unknown fact {_name(stored)}: a newer program wrote it, so run that one or a later one")
    try:
        body = _READER.decode(stored.body.decode())
        for version in range(stored.version, VERSIONS.get(stored.kind, 1)):
            body = UPCASTERS[stored.kind, version](body)
        builders = _builders(kind)
        if body.keys() != builders.keys():
            raise CodecError(f"{stored.kind} v{stored.version}: fields {sorted(body.keys() ^ builders.keys())} do not fit")
        values = {name: build(body[name]) for name, build in builders.items()}
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError) as error:
        raise CodecError(f"damaged fact {_name(stored)}: {error}; run `pilepay journal verify`, and restore a copy") from error
    if issubclass(kind, SessionFact):
        values["session"] = SessionId(stored.stream)
    fact = kind(at=stored.at, **values)
    assert isinstance(fact, KioskFact | SessionFact)
    return fact


def _name(stored: Encoded) -> str:
    return f"{stored.kind} v{stored.version} in stream {stored.stream}"


def _plain(value: Any) -> Any:
    kind = type(value)
    if kind in _NAMES or is_dataclass(kind):
        return {name: v if type(v := getattr(value, name)) in _BARE else _plain(v) for name in _names(kind)}
    if isinstance(value, _AS_IT_IS):
        return value
    if isinstance(value, tuple):
        return [v if type(v) in _BARE else _plain(v) for v in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Decimal):
        return str(value)
    raise CodecError(f"a {kind.__name__} has no place in a fact")


_NAMES: dict[type[Any], tuple[str, ...]] = {}


def _names(kind: type[Any]) -> tuple[str, ...]:
    """The fields that make up a body."""
    if kind not in _NAMES:
        skipped = _COLUMNS if issubclass(kind, KioskFact | SessionFact) else ()
        _NAMES[kind] = tuple(f.name for f in fields(kind) if f.name not in skipped)
    return _NAMES[kind]


_Builder = Callable[[Any], Any]
_CACHE: dict[type[Any], dict[str, _Builder]] = {}


def _builders(kind: type[Any]) -> dict[str, _Builder]:
    if kind not in _CACHE:
        hints = typing.get_type_hints(kind)
        _CACHE[kind] = {name: _builder(hints[name]) for name in _names(kind)}
    return _CACHE[kind]


def _builder(hint: Any) -> _Builder:
    hint = getattr(hint, "__supertype__", hint)
    origin = typing.get_origin(hint)
    if origin is types.UnionType or origin is typing.Union:
        return _optional(typing.get_args(hint))
    if origin is tuple:
        return _list_of(_builder(typing.get_args(hint)[0]))
    if hint is Decimal:
        text = _exactly(str)
        return lambda value: Decimal(text(value))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint
    if isinstance(hint, type) and is_dataclass(hint):
        return _record(hint)
    if hint in (str, int, bool):
        return _exactly(hint)
    raise CodecError(f"no way to read a {hint}")


def _optional(args: tuple[Any, ...]) -> _Builder:
    (kind,) = (a for a in args if a is not type(None))
    build = _builder(kind)
    return lambda value: None if value is None else build(value)


def _list_of(item: _Builder) -> _Builder:
    items = _exactly(list)
    return lambda value: tuple(item(v) for v in items(value))


# A record that comes in more than one shape is told by its fields.
_SHAPES: Mapping[type[Any], tuple[type[Any], ...]] = {Line: (Line, DiscountLine)}


def _record(kind: type[Any]) -> _Builder:
    shapes = tuple((shape, _builders(shape)) for shape in _SHAPES.get(kind, (kind,)))

    def build(value: Any) -> Any:
        for shape, parts in shapes:
            if value.keys() == parts.keys():
                return shape(**{name: part(value[name]) for name, part in parts.items()})
        raise CodecError(f"{kind.__name__}: fields {sorted(value.keys() ^ _builders(kind).keys())} do not fit")

    return build


def _exactly(kind: type[Any]) -> _Builder:
    def build(value: Any) -> Any:
        if type(value) is not kind:
            raise CodecError(f"{value!r} is no {kind.__name__}")
        return value

    return build
