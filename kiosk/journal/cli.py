"""What `pilepay journal show`, `sales`, `reviews`, `verify`, `export` do: read a journal without touching it, also while the core writes.

Exit codes: 0 good, 1 the journal is bad, 2 wrong use (no such journal, no such key).
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TextIO

from kiosk.journal.bundle import BundleVerdict, is_bundle, verify_bundle
from kiosk.journal.checkpoint import PublicKey, Stated, parse_keys, parse_stated, short
from kiosk.journal.entry import JournalError, Stored
from kiosk.journal.export import export_session
from kiosk.journal.files import Layout
from kiosk.journal.look import Look, look_at_bundle, look_at_journal, look_at_own_key, misspelt
from kiosk.journal.reader import opened
from kiosk.journal.verify import Finding, Verdict, verify
from kiosk.values import Money

_GOOD, _BAD, _WRONG_USE = 0, 1, 2
_BODY_WIDTH = 160
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def show(path: Path, out: TextIO, *, stream: str | None = None, as_json: bool = False) -> int:
    """Print every entry, or those of one stream (its full name, or the end of it), one a line."""
    try:
        reader = opened(path)
    except JournalError as error:
        print(error, file=out)
        return _WRONG_USE
    with reader:
        try:
            streams = None if stream is None else reader.streams(stream)
            if streams == ():
                print(f"{path} has no stream {stream}: give a session's name or the end of it, or `kiosk`", file=out)
                return _WRONG_USE
            only = streams[0] if streams and len(streams) == 1 else None
            for stored in reader.read(stream=only):
                if streams is None or stored.stream in streams:
                    print(_json(stored) if as_json else _line(stored), file=out)
        except JournalError as error:
            print(error, file=out)
            return _BAD
    return _GOOD


def verify_journal(path: Path, out: TextIO, *, key: str | None = None, checkpoint: str | None = None, as_json: bool = False) -> int:
    """Check the whole journal, or the bundle of one sale, and say what the check could not see.

    `key` and `checkpoint` are files, or the text itself: a C2SP vkey, PEM or hex key; a signed note or the short form on a receipt.
    """
    try:
        keys = None if key is None else _keys(key)
        stated = None if checkpoint is None else _stated(checkpoint)
        if is_bundle(path):
            found = verify_bundle(path, keys=keys, stated=stated)
            look = look_at_bundle(path, found, keys, stated)
            print(_bundle_json(found, look) if as_json else _bundle_text(path, found, stated, look), file=out)
            return _GOOD if found.sound else _BAD
        with opened(path) as reader:
            if keys is None:
                _need_key(path, "copy it here from the kiosk, or give it with --key")
            used = keys or reader.keys()
            verdict = verify(reader, keys=keys, stated=stated)
            look = look_at_journal(reader, verdict, keys, stated, sys.stderr.write)
    except JournalError as error:
        print(json.dumps({"error": str(error)}) if as_json else error, file=out)
        return _WRONG_USE
    print(_verdict_json(verdict, look) if as_json else _verdict_text(path, verdict, used, stated, look), file=out)
    return _GOOD if verdict.sound else _BAD


def export(
    path: Path, session: str, out_file: Path, out: TextIO, *, checkpoint: str | None = None, evidence: bool = False, as_json: bool = False
) -> int:
    """Write the bundle of one sale, named in full or by the end of its name, to the new file `out_file`, and verify it.

    `checkpoint` is one that the bundle must be comparable with; `evidence` includes what identifies people.
    """
    try:
        stated = None if checkpoint is None else _stated(checkpoint)
        _can_export(path, out_file, evidence=evidence)
        export_session(path, session, out_file, stated=stated, evidence=evidence)
        found = verify_bundle(out_file, stated=stated)
        look = look_at_bundle(out_file, found, None, stated) or look_at_own_key(path, found)
    except JournalError as error:
        print(json.dumps({"error": str(error)}) if as_json else error, file=out)
        return _WRONG_USE
    print(_bundle_json(found, look) if as_json else _bundle_text(out_file, found, stated, look), file=out)
    return _GOOD if found.sound else _BAD


def _can_export(path: Path, out_file: Path, *, evidence: bool) -> None:
    """Say before any work what stands in its way. Raises `JournalError`."""
    opened(path).close()
    _need_key(path, "a bundle takes it along. Copy it here from the kiosk")
    if evidence:
        _need_evidence(Layout(path).evidence)
    folder = out_file.parent
    if not folder.is_dir():
        raise JournalError(f"{out_file} cannot be written: {folder} is no folder. Make it first, or name a file in one that is there")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise JournalError(f"{out_file} cannot be written: {folder} takes no files from this user. Name a file in another folder")


def _need_key(path: Path, mend: str) -> None:
    public = Layout(path).public
    if not public.is_file():
        raise JournalError(f"{public} is missing, the public key that lies beside a journal: {mend}")


def _need_evidence(path: Path) -> None:
    mend = "Run this at the kiosk as its own user, or leave out --evidence"
    if not path.is_file():
        raise JournalError(f"{path} is missing, from which --evidence takes what identifies people. {mend}")
    if not os.access(path, os.R_OK):
        raise JournalError(f"{path} may not be read by this user, and --evidence takes what identifies people from there. {mend}")


def _keys(given: str) -> tuple[PublicKey, ...]:
    text = _text(given)
    try:
        return parse_keys(text)
    except JournalError as error:
        where = f"there is no file {given[:60]!r}, and as a text" if text is given else f"in {given}"
        raise JournalError(f"--key: {where}: {error}") from error


def _stated(given: str) -> Stated:
    text = _text(given)
    try:
        return parse_stated(text)
    except JournalError as error:
        raise JournalError(f"{error}{misspelt(text)}") from error


def sales(path: Path, out: TextIO, *, since: str | None = None, as_json: bool = False) -> int:
    """Print one line a sale, those opened from `since` on: a day or a moment of UTC in ISO 8601."""
    try:
        from_ms = 0 if since is None else _since(since)
    except ValueError:
        print(f"{since!r} is no day or moment: write 2026-11-22 or 2026-11-22T14:30", file=out)
        return _WRONG_USE
    return _listed(path, out, "sales", "opened_ms >= ?", from_ms, _sale_line, as_json=as_json)


def reviews(path: Path, out: TextIO, *, as_json: bool = False) -> int:
    """Print one line a review, open ones and decided ones."""
    return _listed(path, out, "reviews", "opened_ms >= ?", 0, _review_line, as_json=as_json)


def _listed(
    path: Path, out: TextIO, table: str, where: str, parameter: int, line: Callable[[Mapping[str, Any]], str], *, as_json: bool
) -> int:
    """From the tables beside the journal as far as they go and from its entries for the rest; nothing is written."""
    from kiosk.journal.views import Views  # noqa: PLC0415 - sqlite-utils is loaded only for the work

    try:
        with opened(path) as reader, Views.in_memory(path) as views:
            views.catch_up(reader)
            row = None
            for row in views.rows(table, where, (parameter,)):
                print(json.dumps(row, ensure_ascii=False) if as_json else line(row), file=out)
            if row is None and not as_json:
                print(f"no {table}", file=out)
            unread = views.unread()
    except JournalError as error:
        print(json.dumps({"error": str(error)}) if as_json else error, file=out)
        return _WRONG_USE
    for one in unread:
        words = f"not read: {one.entries} entries {one.kind} v{one.version}, from {one.first_seq} to {one.last_seq}: a newer program"
        print(json.dumps({"unread": one._asdict()}) if as_json else f"{words} wrote them, or they are damaged", file=out)
    return _GOOD


def _since(text: str) -> int:
    moment = datetime.fromisoformat(text)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()) * 1_000


def _sale_line(row: Mapping[str, Any]) -> str:
    energy = "" if row["energy_mwh"] is None else f"{row['energy_mwh'] // 1_000_000}.{row['energy_mwh'] // 1_000 % 1_000:03} kWh"
    charged = _amount(row["charged"], row["currency"])
    parts = [
        charged and f"{row['capture'] or 'not captured'} {charged}",
        row["shortfall"] and f"short of {_amount(row['shortfall'], row['currency'])}",
        row["refunded"] and f"refunded {_amount(row['refunded'], row['currency'])}",
        row["receipt"] and f"receipt {row['receipt']}",
        f"{row['card_brand']} {row['card_last4']}".strip(),
        row["contract"],
        row["ended_by"],
        row["open_reviews"] and f"{row['open_reviews']} IN REVIEW",
        "" if row["closed_ms"] else "open",
    ]
    words = ", ".join(str(part) for part in parts if part)
    return _plain(f"{_utc(row['opened_ms'] or 0)}  {row['session']}  {row['connector']}  {energy:>11}  {words}")


def _review_line(row: Mapping[str, Any]) -> str:
    state = f"{row['decision']} by {row['decided_by'] or 'nobody'}" if row["decision"] else "OPEN"
    until = f"until {_utc(row['deadline_ms'])}" if row["deadline_ms"] and not row["decision"] else ""
    return _plain(f"{_utc(row['opened_ms'])}  {row['session']}  {row['code']:<24} {state} {until} {row['detail']} {row['reason']}".rstrip())


def _amount(minor: int | None, currency: str) -> str:
    return "" if minor is None else str(Money(minor, currency)) if currency else str(minor)


def _plain(text: str) -> str:
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)


def _line(stored: Stored) -> str:
    stream = stored.stream if len(stored.stream) <= 14 else f"{stored.stream[:5]}…{stored.stream[-8:]}"
    body = _plain(stored.body.decode(errors="replace"))
    if len(body) > _BODY_WIDTH:
        body = body[: _BODY_WIDTH - 1] + "…"
    doubt = " " if stored.at.trusted else "?"
    return f"{stored.seq:>8}  {_utc(stored.at.utc_ms)}{doubt} {stream:<14}  {stored.kind:<28} {body}"


def _json(stored: Stored) -> str:
    at = stored.at
    return json.dumps(
        {
            "seq": stored.seq,
            "stream": stored.stream,
            "kind": stored.kind,
            "version": stored.version,
            "at": {"utc": _utc(at.utc_ms), "utc_ms": at.utc_ms, "boot_id": at.boot_id, "mono_ns": at.mono_ns, "trusted": at.trusted},
            "body": stored.body.decode(errors="replace"),
            "prev": stored.prev.hex(),
            "hash": stored.hash.hex(),
        },
        ensure_ascii=False,
    )


def _utc(utc_ms: int) -> str:
    try:
        return (_EPOCH + timedelta(milliseconds=utc_ms)).strftime("%Y-%m-%dT%H:%M:%S.") + f"{utc_ms % 1000:03d}Z"
    except OverflowError:
        return f"{utc_ms} ms"


def _text(given: str) -> str:
    """The content of the file `given`, or `given` itself when there is no such file."""
    try:
        path = Path(given)
        return path.read_text() if len(given) < 4096 and "\n" not in given and path.is_file() else given
    except (OSError, UnicodeDecodeError) as error:
        raise JournalError(f"{given[:60]} cannot be read ({error}): give a text file, or the text itself") from error


def _verdict_text(path: Path, verdict: Verdict, keys: tuple[PublicKey, ...], stated: Stated | None, look: Look) -> str:
    count = verdict.last - verdict.first + 1
    lines = [*look.first, f"{path}: {count} entries hold, {verdict.checkpoints} signed states agree with them"]
    lines += [f"public key {key}" for key in keys]
    if verdict.bad is not None:
        lines += [_otherwise(look, f"BAD at entry {verdict.bad.seq} ({verdict.bad.code}): {verdict.bad.detail}"), *look.also]
    else:
        lines += ["GOOD: the chain is whole."]
        lines += [f"The given checkpoint of {stated.size} entries agrees."] if stated else []
    lines += [f"Not seen by this check: {sentence}" for sentence in verdict.blind]
    return "\n".join(lines)


def _otherwise(look: Look, finding: str) -> str:
    return f"If it is what stands there: {finding}" if look.first else finding


def _verdict_json(verdict: Verdict, look: Look) -> str:
    return json.dumps(
        {
            "sound": verdict.sound,
            "bad": _bad_json(verdict.bad),
            "first": verdict.first,
            "last": verdict.last,
            "checkpoints": verdict.checkpoints,
            "blind": verdict.blind,
            "look": [*look.first, *look.also],
        }
    )


def _bundle_text(path: Path, verdict: BundleVerdict, stated: Stated | None, look: Look) -> str:
    lines = [*look.first, f"{path}: the sale {verdict.session}, {verdict.entries} entries"]
    lines += [f"public key {key}" for key in verdict.keys]
    if verdict.checkpoint is not None:
        proven = f"{verdict.proven} of {verdict.entries} entries"
        lines += [f"checkpoint {short(verdict.checkpoint)}: {proven} are shown to be among its {verdict.checkpoint.size}"]
    if verdict.bad is not None:
        where = f"at entry {verdict.bad.seq} " if verdict.bad.seq else ""
        lines += [_otherwise(look, f"BAD {where}({verdict.bad.code}): {verdict.bad.detail}"), *look.also]
    else:
        lines += ["GOOD: every proof in the bundle holds."]
        lines += [f"The given checkpoint of {stated.size} entries agrees."] if stated else []
    lines += [f"Not proved by this bundle: {sentence}" for sentence in verdict.blind]
    return "\n".join(lines)


def _bundle_json(verdict: BundleVerdict, look: Look) -> str:
    return json.dumps(
        {
            "sound": verdict.sound,
            "bad": _bad_json(verdict.bad),
            "session": verdict.session,
            "entries": verdict.entries,
            "proven": verdict.proven,
            "checkpoint": None if verdict.checkpoint is None else short(verdict.checkpoint),
            "blind": verdict.blind,
            "look": [*look.first, *look.also],
        }
    )


def _bad_json(bad: Finding | None) -> dict[str, str | int] | None:
    return None if bad is None else {"code": bad.code, "seq": bad.seq, "detail": bad.detail}
