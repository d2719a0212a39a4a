"""Whatever is done to a journal behind its back is found, named, or owned up to as invisible."""

from __future__ import annotations

import itertools
import random
import shutil
import sqlite3
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kiosk.journal.checkpoint import parse_keys, parse_stated, short
from kiosk.journal.entry import GENESIS, Entry, JournalError, entry_hash
from kiosk.journal.journal import Journal
from kiosk.journal.reader import Reader
from kiosk.journal.verify import Verdict, verify, verify_steps
from kiosk.values import Moment

AT = Moment(1_790_000_000_000, "boot-1", 5_000_000)
ENTRIES = 40
CHECKPOINTS = (7, 16, 33)  # entries 34 to 40 are not signed

relaxed = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


def entry(n: int) -> Entry:
    return Entry(f"session-{n // 5}", "Tested", 1, AT.plus(n), b'{"n":%d}' % n)


@pytest.fixture(scope="module")
def master(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound journal of forty entries with three checkpoints, closed."""
    path = tmp_path_factory.mktemp("master") / "journal.db"
    with Journal.open(path, entropy=bytes) as journal:
        for n in range(1, ENTRIES + 1):
            journal.append([entry(n)])
            if n in CHECKPOINTS:
                journal.checkpoint()
    return path


@pytest.fixture
def copy(master: Path, tmp_path: Path) -> Callable[[], Path]:
    count = itertools.count()

    def fresh() -> Path:
        directory = tmp_path / f"copy-{next(count)}"
        shutil.copytree(master.parent, directory, ignore=shutil.ignore_patterns("*.reserve"))
        return directory / "journal.db"

    return fresh


def tamper(path: Path, *statements: tuple[str, tuple[object, ...]]) -> None:
    db = sqlite3.connect(path, isolation_level=None)
    for sql, parameters in statements:
        db.execute(sql, parameters)
    db.close()


def checked(path: Path, **how: object) -> Verdict:
    with Reader.open(path) as reader:
        return verify(reader, **how)  # type: ignore[arg-type]


def found(path: Path, **how: object) -> tuple[str, int] | None:
    bad = checked(path, **how).bad
    return None if bad is None else (bad.code, bad.seq)


def rehash(path: Path, begin: int) -> None:
    """Make every hash from `begin` on anew, as an attacker who can write the file would."""
    with Reader.open(path) as reader:
        rows = list(reader.read())
    prev, statements = GENESIS, []
    for row in rows:
        digest = entry_hash(row.seq, row, prev) if row.seq >= begin else row.hash
        statements.append(("UPDATE entries SET prev=?, hash=? WHERE seq=?", (prev, digest, row.seq)))
        prev = digest
    tamper(path, *statements)


def test_a_sound_journal_verifies_wholly_and_from_its_last_checkpoint(master: Path) -> None:
    whole = checked(master)
    assert (whole.bad, whole.first, whole.last, whole.checkpoints) == (None, 1, ENTRIES, 3)
    quick = checked(master, from_checkpoint=True)
    assert (quick.bad, quick.first, quick.last, quick.checkpoints) == (None, CHECKPOINTS[-2] + 1, ENTRIES, 2)


def test_an_empty_journal_is_sound(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "journal.db") as journal:
        assert journal.verify().sound
        assert journal.verify(from_checkpoint=True).sound
        journal.checkpoint()
        assert journal.verify(from_checkpoint=True).sound


@relaxed
@given(st.integers(1, ENTRIES), st.sampled_from("stream kind version utc_ms boot_id mono_ns trusted body prev hash".split()))
def test_an_edited_field_names_its_entry(copy: Callable[[], Path], seq: int, column: str) -> None:
    path = copy()
    change = {"version": "version + 1", "trusted": "1 - trusted", "hash": "zeroblob(32)", "prev": "zeroblob(31)", "body": "body || x'20'"}
    change |= {"utc_ms": "utc_ms - 1", "mono_ns": "mono_ns + 1", "stream": "stream || 'x'", "kind": "'Other'", "boot_id": "''"}
    expression = f"CAST({change[column]} AS BLOB)" if column == "body" else change[column]
    tamper(path, (f"UPDATE entries SET {column} = {expression} WHERE seq = ?", (seq,)))
    assert found(path) == ("edited", seq)


@relaxed
@given(st.integers(1, ENTRIES - 1), st.integers(1, 5))
def test_a_removed_entry_is_missed(copy: Callable[[], Path], seq: int, count: int) -> None:
    path = copy()
    count = min(count, ENTRIES - seq)
    tamper(path, ("DELETE FROM entries WHERE seq >= ? AND seq < ?", (seq, seq + count)))
    assert found(path) == ("missing", seq)


@relaxed
@given(st.integers(1, ENTRIES), st.integers(1, ENTRIES))
def test_swapped_entries_are_found_at_the_first(copy: Callable[[], Path], one: int, other: int) -> None:
    path = copy()
    tamper(
        path,
        ("UPDATE entries SET seq = -1 WHERE seq = ?", (one,)),
        ("UPDATE entries SET seq = ? WHERE seq = ?", (one, other)),
        ("UPDATE entries SET seq = ? WHERE seq = -1", (other if one != other else one,)),
    )
    assert found(path) == (None if one == other else ("edited", min(one, other)))


@relaxed
@given(st.integers(1, ENTRIES - 1))
def test_a_replaced_and_rehashed_entry_breaks_the_link_behind_it(copy: Callable[[], Path], seq: int) -> None:
    path = copy()
    with Reader.open(path) as reader:
        row = next(iter(reader.read(after=seq - 1)))
    forged = Entry(row.stream, row.kind, row.version, row.at, b'{"forged":1}')
    digest = entry_hash(seq, forged, row.prev)
    tamper(path, ("UPDATE entries SET body = ?, hash = ? WHERE seq = ?", (forged.body, digest, seq)))
    expected = ("rewritten", 1 + max((c for c in CHECKPOINTS if c < seq), default=0)) if seq in CHECKPOINTS else ("broken_link", seq + 1)
    assert found(path) == expected


@relaxed
@given(st.integers(1, ENTRIES))
def test_history_rewritten_with_fresh_hashes_is_found_by_the_next_checkpoint(copy: Callable[[], Path], seq: int) -> None:
    path = copy()
    tamper(path, ("UPDATE entries SET body = x'7b7d' WHERE seq = ?", (seq,)))
    rehash(path, seq)
    verdict = checked(path)
    if seq > CHECKPOINTS[-1]:
        assert verdict.sound
        assert any(f"From entry {CHECKPOINTS[-1] + 1} to {ENTRIES} nothing is signed" in sentence for sentence in verdict.blind)
    else:
        begin = max((c for c in CHECKPOINTS if c < seq), default=0) + 1
        assert verdict.bad is not None
        assert (verdict.bad.code, verdict.bad.seq) == ("rewritten", begin)


@relaxed
@given(st.integers(1, ENTRIES))
def test_a_cut_tail_is_found_up_to_the_last_checkpoint_and_owned_up_to_behind_it(copy: Callable[[], Path], seq: int) -> None:
    path = copy()
    tamper(path, ("DELETE FROM entries WHERE seq >= ?", (seq,)))
    if seq <= CHECKPOINTS[-1]:
        assert found(path) == ("cut_off", seq)
        quick = found(path, from_checkpoint=True)
        assert quick is not None
        assert quick[0] in ("cut_off", "missing")
    else:
        verdict = checked(path)
        assert verdict.sound
        assert any("cut off" in sentence for sentence in verdict.blind)


def test_an_inserted_entry_before_the_first_is_found(copy: Callable[[], Path]) -> None:
    path = copy()
    tamper(
        path,
        (
            "INSERT INTO entries SELECT 0, stream, kind, version, utc_ms, boot_id, mono_ns, trusted, body, prev, hash FROM entries LIMIT 1",
            (),
        ),
    )
    assert found(path) == ("unexpected", 0)


def test_the_start_check_finds_what_changed_since_the_last_but_one_checkpoint(copy: Callable[[], Path]) -> None:
    for seq, expected in ((17, ("edited", 17)), (33, ("edited", 33)), (40, ("edited", 40)), (16, None)):
        path = copy()
        tamper(path, ("UPDATE entries SET kind = 'Other' WHERE seq = ?", (seq,)))
        assert found(path, from_checkpoint=True) == expected
    path = copy()
    tamper(path, ("UPDATE entries SET kind = 'Other' WHERE seq = 20", ()))
    rehash(path, 20)
    assert found(path, from_checkpoint=True) == ("rewritten", 17)


def test_altered_checkpoints_are_found(copy: Callable[[], Path]) -> None:
    cases: tuple[tuple[str, str], ...] = (
        (
            "UPDATE checkpoints SET note = replace(note, char(10) || '33' || char(10), char(10) || '34' || char(10)) WHERE size = 33",
            "foreign_signature",
        ),
        ("UPDATE checkpoints SET note = 'nonsense' WHERE size = 33", "checkpoint_altered"),
        ("UPDATE checkpoints SET frontier = zeroblob(64) WHERE size = 33", "checkpoint_altered"),
        ("UPDATE checkpoints SET frontier = zeroblob(32) WHERE size = 16", "checkpoint_altered"),
        ("UPDATE checkpoints SET size = 34 WHERE size = 33", "checkpoint_altered"),
        ("UPDATE checkpoints SET size = 80 WHERE size = 33", "cut_off"),
    )
    for sql, code in cases:
        path = copy()
        tamper(path, (sql, ()))
        bad = checked(path).bad
        assert bad is not None
        assert bad.code == code, sql
        assert checked(path, from_checkpoint=True).bad is not None, sql


def test_a_journal_with_an_altered_checkpoint_still_opens_and_signs_the_true_tree(copy: Callable[[], Path]) -> None:
    path = copy()
    tamper(path, ("UPDATE checkpoints SET frontier = zeroblob(64) WHERE size = 33", ()))
    with Journal.open(path, create=False, reserve_bytes=0) as journal:
        assert not journal.verify(from_checkpoint=True).sound
        signed = journal.checkpoint()
    with Journal.open(path.parent.parent / "other" / "journal.db", entropy=bytes, reserve_bytes=0) as other:
        other.append([entry(n) for n in range(1, ENTRIES + 1)])
        assert other.checkpoint().root == signed.root


def test_a_foreign_key_and_a_foreign_checkpoint_are_not_believed(master: Path, tmp_path: Path) -> None:
    with Journal.open(tmp_path / "journal.db") as other:
        other.append([entry(2)])
        key, foreign = parse_keys(other.public_key), other.checkpoint()
    assert found(master, keys=key) == ("foreign_signature", 7)
    assert found(master, stated=parse_stated(foreign.note)) == ("foreign_signature", 1)
    assert found(master, stated=parse_stated(short(foreign))) == ("rewritten", 1)


def test_a_checkpoint_kept_outside_finds_a_rollback_and_a_rewriting(copy: Callable[[], Path], master: Path, tmp_path: Path) -> None:
    path = copy()
    with Journal.open(path, reserve_bytes=0) as journal:
        keys = parse_keys(journal.public_key)
        journal.append([entry(41)])
        kept = journal.checkpoint()
        journal.append([entry(42)])
    for stated in (parse_stated(kept.note), parse_stated(short(kept))):
        verdict = checked(path, keys=keys, stated=stated)
        assert verdict.sound
        assert any("from entry 42 on" in sentence for sentence in verdict.blind)
        assert found(master, keys=keys, stated=stated) == ("cut_off", ENTRIES + 1)
        again = copy()
        with Journal.open(again, reserve_bytes=0) as journal:  # the same length, another history, signed with the true key
            journal.append([entry(99)])
            journal.checkpoint()
        assert found(again, keys=keys, stated=stated) == ("rewritten", 41)


def test_with_everything_given_and_signed_nothing_stays_unseen(copy: Callable[[], Path]) -> None:
    path = copy()
    with Journal.open(path, reserve_bytes=0) as journal:
        kept, keys = journal.checkpoint(), parse_keys(journal.public_key)
    assert checked(path, keys=keys, stated=parse_stated(kept.note)).blind == ()


def test_what_cannot_be_seen_is_said(master: Path) -> None:
    without = " ".join(checked(master, from_checkpoint=True).blind)
    assert "Entries 1 to 16 were not read" in without
    assert "No key was given" in without
    assert "older copy" in without


def test_a_rotten_byte_never_passes_as_a_different_history(copy: Callable[[], Path], master: Path) -> None:
    with Reader.open(master) as reader:
        truth = list(reader.read())
    size = master.stat().st_size
    draw = random.Random(20)
    for _ in range(150):
        path = copy()
        at = draw.randrange(size)
        with path.open("r+b") as file:
            file.seek(at)
            old = file.read(1)[0]
            file.seek(at)
            file.write(bytes([old ^ (1 << draw.randrange(8))]))
        try:
            with Reader.open(path) as reader:
                if verify(reader).sound:
                    assert list(reader.read()) == truth
        except JournalError:
            continue


def test_an_unreadable_record_is_named_alone(copy: Callable[[], Path]) -> None:
    path = copy()
    tamper(path, ("UPDATE entries SET stream = CAST(x'ff' AS TEXT) WHERE seq = 23", ()))
    assert found(path) == ("unreadable", 23)


def test_verification_goes_on_in_steps(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "journal.db") as journal:
        journal.append([entry(n) for n in range(9_000)])
        with journal.reader() as reader:
            steps = verify_steps(reader)
            assert next(steps) == 4096
            journal.append([entry(9_001)])
            assert list(steps) == [8192]


def test_the_hash_is_what_its_description_says() -> None:
    """Written from the description alone, as an auditor would."""
    fields = [b"pilepay/entry/1", b"\x07" * 32, b"12", b"s\xc3\xa9ance", b"Priced", b"2", b"-5", b"boot", b"99", b"0", b'{"a":1}']
    framed = b"".join(len(f).to_bytes(4, "big") + f for f in fields)
    entry = Entry("séance", "Priced", 2, Moment(-5, "boot", 99, False), b'{"a":1}')
    assert entry_hash(12, entry, b"\x07" * 32) == sha256(framed).digest()
