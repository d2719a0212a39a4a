"""The proof of one sale in one file: what it holds, and how a stranger checks it without the journal.

A zip with `bundle.json` (the sale's entries as they lie in the journal, each with its proof that it is in the tree a
signed checkpoint speaks of; that checkpoint, older ones with the proof that the tree grew from them, public keys),
`tariff.json` and `meter.json` (taken from the entries, for readers), `README.txt`, and only on request `evidence.json`.
"""

from __future__ import annotations

import base64
import json
import zipfile
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from kiosk.journal.checkpoint import Checkpoint, PublicKey, Stated, parse, parse_keys
from kiosk.journal.entry import GENESIS, JournalError, Seq, Stored, entry_hash
from kiosk.journal.merkle import consistent, included
from kiosk.journal.verify import Finding
from kiosk.session.codec import CodecError, Encoded, decode
from kiosk.session.facts import DeliveryEnded, DeliveryStarted, Fact, MeterNoted, QuoteAgreed
from kiosk.values import Moment

MAIN, TARIFF, METER, README, EVIDENCE = "bundle.json", "tariff.json", "meter.json", "README.txt", "evidence.json"
_KNOWN = {MAIN, TARIFF, METER, README, EVIDENCE}
_LARGEST = 256 << 20

Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class ProvenEntry(_Strict):
    """An entry with all its columns. `proof` leads to the newest checkpoint's root; None when that does not reach so far."""

    seq: int = Field(ge=1)
    stream: str
    kind: str
    version: int
    utc_ms: int
    boot_id: str
    mono_ns: int
    trusted: bool
    body: str
    prev: Hash
    hash: Hash
    proof: list[Hash] | None

    def stored(self) -> Stored:
        """As the journal holds it."""
        at = Moment(self.utc_ms, self.boot_id, self.mono_ns, self.trusted)
        prev, digest = bytes.fromhex(self.prev), bytes.fromhex(self.hash)
        return Stored(Seq(self.seq), self.stream, self.kind, self.version, at, self.body.encode(), prev, digest)


class ProvenCheckpoint(_Strict):
    """A signed note, and the proof that the newest checkpoint's tree grew from it (empty for the newest)."""

    note: str
    consistency: list[Hash]


class Bundle(_Strict):
    """`bundle.json`. `checkpoints` are oldest first; there is none if nothing was ever signed."""

    format: Literal["pilepay/bundle/1"]
    session: str
    keys: list[str]
    checkpoints: list[ProvenCheckpoint]
    entries: list[ProvenEntry] = Field(min_length=1)


class Datum(_Strict):
    """What a digest in an entry stands for, in base64; erased: neither."""

    digest: Hash
    salt: str | None
    data: str | None


class Evidences(_Strict):
    """`evidence.json`."""

    evidence: list[Datum]


@dataclass(frozen=True, slots=True)
class BundleVerdict:
    """`proven` of the `entries` are in the tree of `checkpoint`. `blind` lists, in sentences, what the bundle cannot prove."""

    bad: Finding | None
    session: str
    entries: int
    proven: int
    checkpoint: Checkpoint | None
    keys: tuple[PublicKey, ...]
    blind: tuple[str, ...]

    @property
    def sound(self) -> bool:
        return self.bad is None


def is_bundle(path: Path) -> bool:
    """Whether the file is a zip, and so no journal."""
    return path.is_file() and zipfile.is_zipfile(path)


def verify_bundle(path: Path, *, keys: tuple[PublicKey, ...] | None = None, stated: Stated | None = None) -> BundleVerdict:
    """Check every proof in the bundle.

    `keys` are known from outside, otherwise those in the bundle are used; `stated` is a checkpoint from outside. Raises
    `JournalError` when the file is no bundle this program knows.
    """
    files = _read(path)
    try:
        bundle = Bundle.model_validate_json(files[MAIN])
        evidences = Evidences.model_validate_json(files[EVIDENCE]) if EVIDENCE in files else None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise JournalError(f"{path} is no bundle that this program can read ({where}: {first['msg']}): ask for it anew") from error
    check = _Check(bundle, files, evidences, keys, stated)
    try:
        check.run()
        bad = None
    except _Bad as found:
        bad = found.finding
    return BundleVerdict(bad, bundle.session, len(bundle.entries), check.proven, check.newest, check.keys, tuple(check.blind()))


def tariff_of(entries: Iterable[Stored]) -> bytes:
    """The tariff the driver agreed to, as it stands in the quote; `null` if there was none. Raises `CodecError`."""
    quotes = [fact.quote for fact in _facts(entries) if isinstance(fact, QuoteAgreed)]
    return quotes[-1].tariff_json.encode() if quotes else b"null"


def meter_of(entries: Sequence[Stored]) -> bytes:
    """The meter values of the sale, in mWh, with the entries they stand in. Raises `CodecError`."""
    values = []
    for entry, fact in zip(entries, _facts(entries), strict=True):
        match fact:
            case DeliveryStarted(begin=reading):
                found = [("begin", reading)]
            case MeterNoted(reading=reading):
                found = [("between", reading)]
            case DeliveryEnded(delivered=delivered):
                found = [(name, value) for name, value in (("billed_from", delivered.begin), ("billed_to", delivered.end)) if value]
            case _:
                continue
        values += [{"entry": entry.seq, "is": name, "utc_ms": value.utc_ms, "mwh": value.mwh} for name, value in found]
    return json.dumps(values, indent=1).encode()


def digests_in(entries: Iterable[Stored]) -> Iterator[str]:
    """Every text in the entries that may be the digest of evidence."""
    for entry in entries:
        yield from _digests(json.loads(entry.body))


def _digests(body: object) -> Iterator[str]:
    if isinstance(body, str) and len(body) == 64 and set(body) <= set("0123456789abcdef"):
        yield body
    elif isinstance(body, dict):
        for value in body.values():
            yield from _digests(value)
    elif isinstance(body, list):
        for value in body:
            yield from _digests(value)


def _facts(entries: Iterable[Stored]) -> Iterator[Fact]:
    return (decode(Encoded(e.stream, e.kind, e.version, e.at, e.body)) for e in entries)


def _read(path: Path) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if len(names) != len(set(names)) or not {MAIN, TARIFF, METER} <= set(names) <= _KNOWN:
                raise JournalError(f"{path} is no bundle: it holds {', '.join(sorted(names))[:200]}")
            if sum(info.file_size for info in archive.infolist()) > _LARGEST:
                raise JournalError(f"{path} unpacks to more than {_LARGEST >> 20} MiB: that is no bundle")
            return {name: archive.read(name) for name in names}
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise JournalError(f"{path} cannot be read ({error}): ask for it anew") from error


class _Bad(Exception):
    def __init__(self, code: str, seq: int, detail: str) -> None:
        super().__init__(detail)
        self.finding = Finding(code, seq, detail)


class _Check:
    def __init__(
        self,
        bundle: Bundle,
        files: dict[str, bytes],
        evidences: Evidences | None,
        keys: tuple[PublicKey, ...] | None,
        stated: Stated | None,
    ) -> None:
        self._bundle = bundle
        self._files = files
        self._evidences = evidences
        self._given = keys is not None
        self._stated = stated
        self._entries = [entry.stored() for entry in bundle.entries]
        self._copies_unread = ""
        self.keys = parse_keys("\n".join(bundle.keys)) if keys is None else keys
        self.newest: Checkpoint | None = None
        self.proven = 0

    def run(self) -> None:
        checkpoints = [self._signed(one) for one in self._bundle.checkpoints]
        self._grew(checkpoints)
        self._chained()
        self._are_included()
        self._copies_agree()
        self._evidence_agrees()
        if self._stated is not None:
            self._compare_stated(self._stated, checkpoints)

    def _signed(self, one: ProvenCheckpoint) -> Checkpoint:
        try:
            checkpoint = parse(one.note)
        except JournalError as error:
            raise _Bad("checkpoint_altered", 0, f"a checkpoint cannot be read: {error}") from error
        if not any(key.vouches_for(checkpoint) for key in self.keys):
            detail = f"the checkpoint of {checkpoint.size} entries was altered, or is signed by a key other than the one used here"
            raise _Bad("foreign_signature", checkpoint.size, detail)
        return checkpoint

    def _grew(self, checkpoints: Sequence[Checkpoint]) -> None:
        self.newest = checkpoints[-1] if checkpoints else None
        for old, one in zip(checkpoints, self._bundle.checkpoints, strict=True):
            new = checkpoints[-1]
            if old.size and not consistent(old.size, old.root, new.size, new.root, [bytes.fromhex(h) for h in one.consistency]):
                detail = f"the tree of {new.size} entries is not shown to have grown from that of {old.size}: it may have been rewritten"
                raise _Bad("rewritten", old.size, detail)

    def _chained(self) -> None:
        before: Stored | None = None
        for entry in self._entries:
            if entry.stream != self._bundle.session:
                raise _Bad("unexpected", entry.seq, f"entry {entry.seq} belongs to {entry.stream}, not to this sale")
            if before is not None and entry.seq <= before.seq:
                raise _Bad("unexpected", entry.seq, f"entry {entry.seq} stands behind entry {before.seq}")
            if entry_hash(entry.seq, entry, entry.prev) != entry.hash:
                raise _Bad("edited", entry.seq, f"entry {entry.seq} was edited: its content does not have the hash stored with it")
            if before is not None and entry.seq == before.seq + 1 and entry.prev != before.hash:
                raise _Bad("broken_link", entry.seq, f"entry {entry.seq} does not follow entry {before.seq}: one of them was replaced")
            if entry.seq == 1 and entry.prev != GENESIS:
                raise _Bad("broken_link", 1, "entry 1 claims that another came before it")
            before = entry

    def _are_included(self) -> None:
        for entry, shown in zip(self._entries, self._bundle.entries, strict=True):
            if self.newest is None or entry.seq > self.newest.size:
                continue
            proof = [bytes.fromhex(h) for h in shown.proof or ()]
            if shown.proof is None or not included(entry.hash, entry.seq - 1, self.newest.size, self.newest.root, proof):
                detail = f"entry {entry.seq} is not shown to be in the tree of {self.newest.size} signed entries: it was replaced or forged"
                raise _Bad("not_included", entry.seq, detail)
            self.proven += 1

    def _copies_agree(self) -> None:
        try:
            copies = {TARIFF: tariff_of(self._entries), METER: meter_of(self._entries)}
        except CodecError as error:
            self._copies_unread = str(error)
            return
        for name, copy in copies.items():
            if self._files[name] != copy:
                raise _Bad("copy_altered", 0, f"{name} is not what the entries say: believe the entries")

    def _evidence_agrees(self) -> None:
        named = set(digests_in(self._entries)) if self._evidences else set()
        for datum in self._evidences.evidence if self._evidences else ():
            if datum.digest not in named:
                raise _Bad("evidence_altered", 0, f"no entry names the evidence {datum.digest[:12]}…")
            if datum.salt is None or datum.data is None:
                continue
            try:
                content = base64.b64decode(datum.salt, validate=True) + base64.b64decode(datum.data, validate=True)
            except ValueError:
                content = b""
            if sha256(content).hexdigest() != datum.digest:
                raise _Bad("evidence_altered", 0, f"the evidence {datum.digest[:12]}… is not what its entry names")

    def _compare_stated(self, stated: Stated, checkpoints: Sequence[Checkpoint]) -> None:
        if stated.signed is not None and not any(key.vouches_for(stated.signed) for key in self.keys):
            detail = "the given checkpoint is not signed by the key used here: it is another journal's, or forged"
            raise _Bad("foreign_signature", stated.size, detail)
        same = [checkpoint for checkpoint in checkpoints if checkpoint.size == stated.size]
        if not same:
            known = ", ".join(str(checkpoint.size) for checkpoint in checkpoints) or "none"
            detail = f"the bundle says nothing of a tree of {stated.size} entries (only of {known}): ask for one made with this checkpoint"
            raise _Bad("not_comparable", stated.size, detail)
        if same[0].root[: len(stated.root)] != stated.root:
            detail = f"the first {stated.size} entries do not have the given root: they were rewritten, or it is another journal's"
            raise _Bad("rewritten", stated.size, detail)

    def blind(self) -> Generator[str, None, None]:
        first, last = self._entries[0].seq, self._entries[-1].seq
        if not self._given:
            yield "No key was given, so the one in the bundle was used: whoever made the bundle can have made that too."
        if self._stated is None:
            yield "No checkpoint was given: that others were shown the same journal, and not one rewritten since, cannot be seen."
        elif self._stated.size < last:
            begin = max(first, self._stated.size + 1)
            yield f"The given checkpoint is older than entry {begin}: from there on only the bundle's own vouches."
        size = self.newest.size if self.newest else 0
        if size < last:
            yield f"From entry {max(first, size + 1)} to {last} nothing was signed when the bundle was made: those can have been made up."
        if last - first + 1 > len(self._entries):
            missing = last - first + 1 - len(self._entries)
            yield f"{missing} entries between {first} and {last} are not in the bundle: that none of them is of this sale cannot be seen."
        yield f"What came before entry {first} and after entry {last} is not in the bundle: that it is not of this sale cannot be seen."
        if self._copies_unread:
            yield f"{TARIFF} and {METER} were not compared with the entries: {self._copies_unread}"
        if self._evidences is None:
            yield "What the digests in the entries stand for is not in the bundle."
        elif erased := sum(datum.data is None for datum in self._evidences.evidence):
            yield f"{erased} pieces of evidence were erased by rule; only their digests are left."
        yield "That the meter and the clock told the truth is not for a journal to prove."
