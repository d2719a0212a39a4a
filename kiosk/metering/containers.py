"""Take signed meter records out of what they travel in, and write the file a driver's verification program reads.

Read: plain OCMF (one or several records), the signed meter value of OCPP wherever it stands in a message (OCA, Signed Meter Values in
OCPP), and the XML of the transparency software of SAFE e.V. All of it comes from strangers: sizes are bounded, and XML that declares a
document type or entities is refused before a parser sees it.
"""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar
from xml.etree import ElementTree

from kiosk.metering.ocmf import MeteringError

LARGEST = 8 * 2**20  # bytes of a container
_MOST_VALUES = 10_000
_LONGEST_KEY = 16_384
_DEEPEST = 64
_BLANK = b" \t\r\n"
_OCMF = "OCMF"
_OCMF_BINARY = "OCMF in its binary form"
_UNNAMED = "unnamed"

_DECLARATION = re.compile(r"<!(?!--|\[CDATA\[)|<\?xml-stylesheet", re.IGNORECASE)
_ENCODING = re.compile(r"^<\?xml[^>]*?encoding\s*=\s*[\"']([^\"']*)", re.ASCII)
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_RECORD = re.compile(rb"^[ \t]*OCMF\|", re.MULTILINE)
_PEM = re.compile(r"-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----")
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})+")
_HEX_OCMF = b"OCMF|".hex().upper().encode(), b"OCMF|".hex().encode()


_Text = TypeVar("_Text", str, bytes)


class Kind(Enum):
    OCMF = "OCMF"
    OCPP = "OCPP signed meter value"
    XML = "XML of the transparency software"


@dataclass(frozen=True, slots=True)
class SignedValue:
    """One signed record as it came: its bytes, how it says it is written, and the public key beside it, as text.

    A key beside a record shows that the two belong together, not that they belong to the meter. `transaction` and `context`
    (`Transaction.Begin`, `Transaction.End`) are the container's words and not signed.
    """

    record: bytes
    format: str = _OCMF
    key: str | None = None
    transaction: str | None = None
    context: str | None = None

    @property
    def is_ocmf(self) -> bool:
        return self.format == _OCMF


@dataclass(frozen=True, slots=True)
class Container:
    kind: Kind
    values: tuple[SignedValue, ...]


def read(data: bytes) -> Container:
    """The signed values in a container of any kind we know, in its order; at least one. Raises MeteringError."""
    if len(data) > LARGEST:
        raise MeteringError(f"larger than {LARGEST // 2**20} MiB: no file of signed meter values is")
    content = data.removeprefix(b"\xef\xbb\xbf").strip(_BLANK)
    if content.startswith(b"<"):
        container = Container(Kind.XML, tuple(_from_xml(_utf8(content))))
    elif content[:1] in {b"{", b"[", b'"'}:
        container = Container(Kind.OCPP, tuple(_in_message(_json(_utf8(content)), None)))
    else:
        container = Container(Kind.OCMF, tuple(_records(_unhexed(content))))
    if not container.values:
        raise MeteringError(
            "no signed meter value in it: expected OCMF, an OCPP signed meter value, or the XML of the transparency software"
        )
    if len(container.values) > _MOST_VALUES:
        raise MeteringError(f"more than {_MOST_VALUES} signed values in one file")
    return container


def write_xml(values: Sequence[SignedValue]) -> bytes:
    """The XML file the transparency software reads, with every record to the byte. Raises MeteringError if XML cannot carry one."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<values>"]
    for value in values:
        if not value.is_ocmf:
            raise MeteringError(f"a value is in the format {value.format}: only OCMF can be written")
        names = {"transactionId": value.transaction, "context": value.context}
        attributes = "".join(f' {name}="{_attribute(text)}"' for name, text in names.items() if text is not None)
        lines.append(f"  <value{attributes}>")
        lines.append(f'    <signedData format="OCMF" encoding="plain">{_escaped(_utf8(value.record.strip(_BLANK)))}</signedData>')
        if value.key is not None:
            lines.append(f'    <publicKey encoding="hex">{key_bytes(value.key).hex().upper()}</publicKey>')
        lines.append("  </value>")
    return "\n".join([*lines, "</values>", ""]).encode()


def key_bytes(key: str | bytes) -> bytes:
    """A public key's bytes (SubjectPublicKeyInfo in DER, or a bare point) from any of its spellings. Raises MeteringError.

    Hex with or without blanks, base64, PEM, `oca:base16:asn1:…`, and each of those in base64 once more, as OCPP carries it; or the DER
    itself.
    """
    if isinstance(key, bytes):
        if key.isascii():
            return key_bytes(key.decode("ascii"))
        return _bounded(key)
    text = _bounded(key).strip()
    return _spelled(text) or _inner(text)


def _spelled(text: str) -> bytes | None:
    """A key in hex or PEM, or with its spelling in front."""
    if text.startswith("oca:"):
        _, base, form, body = [*text.split(":", 3), "", "", ""][:4]
        if base not in {"base16", "base64"} or form != "asn1":
            raise MeteringError(f"the public key begins with {text[:24]!r}: expected oca:base16:asn1: or oca:base64:asn1:")
        if base == "base64":
            return _base64(body, "the public key")
        text = body
    elif text.startswith("-----BEGIN"):
        if (pem := _PEM.fullmatch(text)) is None:
            raise MeteringError("the public key is PEM of another kind: expected BEGIN PUBLIC KEY")
        return _base64(pem[1], "the public key")
    compact = "".join(text.split())
    return bytes.fromhex(compact) if _HEX.fullmatch(compact) else None


def _inner(text: str) -> bytes:
    """A key in base64, of its bytes or of one of the other spellings."""
    if text.startswith("oca:"):
        raise MeteringError("the public key is not hex, though it says it is")
    try:
        decoded = _base64(text, "")
    except MeteringError:
        raise MeteringError("the public key is neither hex nor base64 nor PEM") from None
    if decoded.isascii() and (key := _spelled(decoded.decode("ascii").strip())) is not None:
        return key
    return decoded


def _bounded(key: _Text) -> _Text:
    if not 0 < len(key) <= _LONGEST_KEY:
        raise MeteringError("the public key is empty" if not key else f"the public key is longer than {_LONGEST_KEY} characters")
    return key


# --- plain OCMF ---------------------------------------------------------------------------------------------------------------


def _unhexed(content: bytes) -> bytes:
    """OCPP 1.6 (ValueFormat) wants signed data in hex, and there are piles that send the bare record so."""
    text = content.decode("ascii", "replace") if content.startswith(_HEX_OCMF) else ""
    return bytes.fromhex(text) if _HEX.fullmatch(text) else content


def _records(content: bytes) -> Iterator[SignedValue]:
    """Each record begins a line; what is between two of them belongs to the first, whose reader will object."""
    starts = [match.start() for match in _RECORD.finditer(content)]
    if not starts or starts[0] != 0:
        raise MeteringError("not a container of signed meter values: it begins neither with OCMF| nor as JSON or XML")
    for start, end in zip(starts, [*starts[1:], len(content)], strict=True):
        yield SignedValue(content[start:end].strip(_BLANK))


# --- OCPP ---------------------------------------------------------------------------------------------------------------------


def _in_message(node: object, context: str | None, depth: int = 0) -> Iterator[SignedValue]:
    """The signed values anywhere in a message: as an object (OCPP 2.0.1), or as JSON in the text of a sampled value (OCPP 1.6)."""
    if depth > _DEEPEST:
        raise MeteringError(f"JSON nested deeper than {_DEEPEST}")
    if isinstance(node, str) and node.lstrip()[:1] == "{" and '"signedMeterData"' in node:
        yield from _in_message(_json(node), context, depth + 1)
    elif isinstance(node, list):
        for item in node:
            yield from _in_message(item, context, depth + 1)
    elif isinstance(node, dict):
        named = node.get("context")
        context = named if isinstance(named, str) else context
        if "signedMeterData" in node:
            yield _from_ocpp(node, context)
        else:
            for item in node.values():
                yield from _in_message(item, context, depth + 1)


def _from_ocpp(node: dict[str, object], context: str | None) -> SignedValue:
    text = _word(node, "signedMeterData") or ""
    record = _encoded(text) if text.startswith("OCMF|") else _base64(text, "signedMeterData")
    return SignedValue(record, _format(_word(node, "encodingMethod"), record), _word(node, "publicKey"), context=context)


def _json(text: str) -> object:
    try:
        value: object = json.loads(text, parse_int=str, parse_float=str)
    except (ValueError, RecursionError) as error:
        raise MeteringError(f"not JSON: {str(error)[:120]}") from None
    return value


def _word(node: dict[str, object], key: str) -> str | None:
    value = node.get(key)
    if value is not None and not isinstance(value, str):
        raise MeteringError(f"the field {key} is not text")
    return value or None


# --- XML ----------------------------------------------------------------------------------------------------------------------


def _from_xml(text: str) -> Iterator[SignedValue]:
    if (declared := _DECLARATION.search(text)) is not None:
        raise MeteringError(f"XML with {text[declared.start() : declared.start() + 9]}… is refused: a file of meter values needs none")
    if (encoding := _ENCODING.search(text)) is not None and encoding[1].lower() != "utf-8" and not text.isascii():
        raise MeteringError(f"XML in {encoding[1][:20]} is not read: save it as UTF-8")
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 -- no document type, no entity, bounded size: checked above
    except ElementTree.ParseError as error:
        raise MeteringError(f"not well-formed XML: {error}") from None
    if _tag(root) != "values":
        raise MeteringError(f"XML of another kind: its root is {_tag(root)[:40]}, expected values")
    for node in root:
        if _tag(node) == "value":
            yield _value(node)


def _value(node: ElementTree.Element) -> SignedValue:
    children = {_tag(child): child for child in node}
    data = children.get("signedData", children.get("encodedData"))
    if data is None:
        raise MeteringError("a value in the XML has no signedData")
    key = children.get("publicKey")
    record = _decoded("".join(data.itertext()).strip(), data.get("encoding") or "plain")
    form = _OCMF_BINARY if _tag(data) == "encodedData" else _format(data.get("format"), record)
    text = "" if key is None else "".join(key.itertext()).strip()
    return SignedValue(record, form, text or None, node.get("transactionId"), node.get("context"))


def _decoded(text: str, encoding: str) -> bytes:
    if encoding == "plain":
        return text.encode()
    if encoding == "base64":
        return _base64(text, "signedData")
    compact = "".join(text.split())
    if encoding == "hex" and _HEX.fullmatch(compact):
        return bytes.fromhex(compact)
    raise MeteringError(f"signedData is not in the encoding it names, {encoding[:20]!r}: expected plain, base64 or hex")


def _tag(node: ElementTree.Element) -> str:
    """An element's name without its namespace: some writers give one."""
    return node.tag.rpartition("}")[2]


def _escaped(text: str) -> str:
    if (found := _NO_XML.search(text)) is not None:
        raise MeteringError(f"XML cannot carry the character U+{ord(found[0]):04X}")
    # A bare carriage return would be read back as a line feed, and the signature would not hold.
    return html.escape(text).replace("\r", "&#13;")


def _attribute(text: str) -> str:
    return _escaped(text).replace("\n", "&#10;").replace("\t", "&#9;")  # or they would be read back as spaces


# --- shared -------------------------------------------------------------------------------------------------------------------


def _format(named: str | None, record: bytes) -> str:
    if named is None:
        return _OCMF if record.startswith(b"OCMF|") else _UNNAMED
    return _OCMF if named.upper() == _OCMF else named[:40]


def _encoded(text: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        raise MeteringError("half a character in a signed meter value") from None


def _utf8(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise MeteringError("not text in UTF-8") from None


def _base64(text: str, what: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise MeteringError(f"{what} is not base64") from None
