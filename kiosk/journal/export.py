"""Takes one sale out of a journal as a bundle that can be verified anywhere; reads the journal, never writes to it."""

from __future__ import annotations

import base64
import io
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from kiosk.journal import files
from kiosk.journal.bundle import (
    EVIDENCE,
    MAIN,
    METER,
    README,
    TARIFF,
    Bundle,
    Datum,
    Evidences,
    ProvenCheckpoint,
    ProvenEntry,
    digests_in,
    meter_of,
    tariff_of,
)
from kiosk.journal.checkpoint import Stated
from kiosk.journal.database import fetch
from kiosk.journal.entry import JournalError, Stored
from kiosk.journal.merkle import Tree
from kiosk.journal.reader import Reader, SignedState
from kiosk.journal.schema import open_reader
from kiosk.session.codec import KIOSK_STREAM, CodecError

_README = """One sale of a charging kiosk, with what proves it: {session}

bundle.json   the entries of the sale as they lie in the kiosk's journal. The hash of each covers everything in it. `proof`
              leads from that hash to the root in the newest checkpoint (RFC 9162 section 2.1.3; the leaf's data is the
              entry's hash), and the checkpoints are signed notes (c2sp.org/tlog-checkpoint, Ed25519). `consistency` shows
              that the newest tree grew from an older one (RFC 9162 section 2.1.4).
tariff.json   the tariff that the driver agreed to, and
meter.json    the meter values in mWh: both copied from the entries, for reading.
evidence.json only if it was asked for: the data behind digests in the entries, as SHA-256(salt || data).

Check it anywhere:   pilepay journal verify THIS_FILE --key KEY --checkpoint CHECKPOINT
KEY is the kiosk's public key, got from elsewhere than this file. CHECKPOINT is a checkpoint got from elsewhere, such as
the short form on a receipt.

The hash of an entry is SHA-256 over eleven fields in this order, each as a 4-byte big-endian length followed by its bytes:
`pilepay/entry/1`, prev (32 raw bytes), seq, stream, kind, version, utc_ms, boot_id, mono_ns, trusted (1 or 0), body.
"""


def export_session(path: Path, session: str, out_file: Path, *, stated: Stated | None = None, evidence: bool = False) -> Bundle:
    """Write the bundle of `session` (its full name, or the end of it) to `out_file`, mode 0600.

    With `stated`, the bundle can be compared with that checkpoint too. `evidence` puts in what identifies people.
    Raises `JournalError`.
    """
    if out_file.exists():
        raise JournalError(f"{out_file} is there already: name a new file")
    with Reader.open(path) as reader:
        entries, tree, states = _read(reader, session)
        keys = list(map(str, reader.keys()))
    if stated is not None and stated.size not in {state.size for state in states}:
        raise JournalError(f"{path} never signed a checkpoint of {stated.size} entries: look at its number again, or at another journal")
    checkpoints = [
        ProvenCheckpoint(note=state.note, consistency=_hex(tree.consistency(state.size)))
        for state in _telling(states, entries, stated)
        if state.size
    ]
    proven = [_proven(entry, tree) for entry in entries]
    bundle = Bundle(format="pilepay/bundle/1", session=entries[0].stream, keys=keys, checkpoints=checkpoints, entries=proven)
    contents = {
        MAIN: bundle.model_dump_json(indent=1).encode(),
        README: _README.format(session=bundle.session).encode(),
    }
    try:
        contents |= {TARIFF: tariff_of(entries), METER: meter_of(entries)}
    except CodecError as error:
        raise JournalError(f"{path}: {error}") from error
    if evidence:
        contents[EVIDENCE] = _evidence(files.Layout(path).evidence, entries).model_dump_json(indent=1).encode()
    try:
        files.write_new(out_file, _zip(contents), files.SECRET_MODE)
    except OSError as error:
        raise JournalError(files.explain(error, out_file, "Writing the bundle")) from error
    return bundle


def _read(reader: Reader, session: str) -> tuple[list[Stored], Tree, tuple[SignedState, ...]]:
    """The sale's entries, the tree up to the newest checkpoint, and the checkpoints."""
    states = reader.checkpoints()
    size = states[-1].size if states else 0
    entries: list[Stored] = []
    hashes = []
    for stored in reader.read():
        if stored.seq <= size:
            hashes.append(stored.hash)
        if stored.stream != KIOSK_STREAM and stored.stream.endswith(session):
            entries.append(stored)
    names = {entry.stream for entry in entries}
    if not session or len(names) != 1:
        several = f"fits {len(names)} sales" if names else "is no sale"
        raise JournalError(f"{session!r} {several} in {reader.path}: give the name in full, as `pilepay journal show` tells it")
    tree = Tree(hashes)
    if tree.size != size:
        raise JournalError(f"{reader.path} signed {size} entries and holds {tree.size} of them: verify the journal")
    return entries, tree, states


def _telling(states: Sequence[SignedState], entries: Sequence[Stored], stated: Stated | None) -> list[SignedState]:
    """The newest, those signed while the sale lasted, the ones just before and just after, and the one asked for."""
    first, last = entries[0].seq, entries[-1].seq
    before = [state for state in states if state.size < first][-1:]
    during = [state for state in states if first <= state.size < last]
    after = [state for state in states if state.size >= last][:1]
    wanted = [state for state in states if stated is not None and state.size == stated.size]
    chosen = {state.size: state for state in (*before, *during, *after, *wanted, *states[-1:])}
    return [chosen[size] for size in sorted(chosen)]


def _proven(entry: Stored, tree: Tree) -> ProvenEntry:
    try:
        body = entry.body.decode()
    except UnicodeDecodeError as error:
        raise JournalError(f"Entry {entry.seq} is no text, as a fact must be: verify the journal") from error
    return ProvenEntry(
        seq=entry.seq,
        stream=entry.stream,
        kind=entry.kind,
        version=entry.version,
        utc_ms=entry.at.utc_ms,
        boot_id=entry.at.boot_id,
        mono_ns=entry.at.mono_ns,
        trusted=entry.at.trusted,
        body=body,
        prev=entry.prev.hex(),
        hash=entry.hash.hex(),
        proof=_hex(tree.inclusion(entry.seq - 1)) if entry.seq <= tree.size else None,
    )


def _evidence(path: Path, entries: Sequence[Stored]) -> Evidences:
    """What the entries name and the evidence knows; a digest of something else is not among it."""
    found = []
    with closing(open_reader(path, "evidence")) as db:
        for digest in dict.fromkeys(digests_in(entries)):
            for salt, data in fetch(db, path, "SELECT salt, data FROM evidence WHERE digest=?", digest):
                found.append(Datum(digest=digest, salt=_base64(salt), data=_base64(data)))
    return Evidences(evidence=found)


def _zip(contents: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(contents):
            archive.writestr(zipfile.ZipInfo(name), contents[name], zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _hex(hashes: Sequence[bytes]) -> list[str]:
    return [one.hex() for one in hashes]


def _base64(raw: bytes | None) -> str | None:
    return None if raw is None else base64.b64encode(raw).decode()
