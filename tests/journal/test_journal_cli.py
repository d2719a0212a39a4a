"""`pilepay journal show` and `verify`, as an operator meets them."""

from __future__ import annotations

import io
import json
import sqlite3
from pathlib import Path

import pytest

from kiosk.journal.checkpoint import short
from kiosk.journal.cli import show, verify_journal
from kiosk.journal.entry import Entry
from kiosk.journal.journal import Journal
from kiosk.values import Moment

AT = Moment(1_790_000_000_123, "boot-1", 5_000_000)
SESSION = "PP01-00000000000000000000000000abcdef"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with Journal.open(tmp_path / "journal.db") as journal:
        journal.append([Entry("kiosk", "Started", 1, AT, b'{"sound":true}')])
        journal.append([Entry(SESSION, "SessionOpened", 1, Moment(1_790_000_001_000, "boot-1", 6, False), b'{"connector":"1"}')])
        journal.checkpoint()
    return tmp_path / "journal.db"


def shown(path: Path, **how: object) -> tuple[int, str]:
    out = io.StringIO()
    return show(path, out, **how), out.getvalue()  # type: ignore[arg-type]


def verified(path: Path, **how: object) -> tuple[int, str]:
    out = io.StringIO()
    return verify_journal(path, out, **how), out.getvalue()  # type: ignore[arg-type]


def test_show_prints_a_line_for_each_entry(path: Path) -> None:
    code, text = shown(path)
    assert code == 0
    first, second = text.splitlines()
    assert first.split() == ["1", "2026-09-21T14:13:20.123Z", "kiosk", "Started", '{"sound":true}']
    assert second.split() == ["2", "2026-09-21T14:13:21.000Z?", "PP01-…00abcdef", "SessionOpened", '{"connector":"1"}']


def test_show_keeps_to_one_stream_named_in_full_or_by_its_end(path: Path) -> None:
    for name in (SESSION, "abcdef"):
        assert shown(path, stream=name)[1].count("\n") == 1


def test_show_gives_everything_as_json(path: Path) -> None:
    _, text = shown(path, as_json=True)
    first = json.loads(text.splitlines()[0])
    assert first["seq"] == 1
    assert first["at"] == {
        "utc": "2026-09-21T14:13:20.123Z",
        "utc_ms": 1_790_000_000_123,
        "boot_id": "boot-1",
        "mono_ns": 5_000_000,
        "trusted": True,
    }
    assert first["body"] == '{"sound":true}'
    assert len(first["hash"]) == len(first["prev"]) == 64


def test_show_cannot_be_used_to_drive_the_terminal(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "journal.db") as journal:
        journal.append([Entry("kiosk", "Odd", 1, Moment(1 << 62, "", 0), b"\x1b[2J\xff" + b"x" * 500)])
    _, text = shown(tmp_path / "journal.db")
    assert "\x1b" not in text
    assert len(text) < 300


def test_verify_says_good_and_what_it_cannot_see(path: Path) -> None:
    code, text = verified(path)
    assert code == 0
    assert "GOOD: the chain is whole" in text
    assert "Not seen by this check: No key was given" in text


def test_verify_takes_key_and_checkpoint_as_text_or_file(path: Path, tmp_path: Path) -> None:
    with Journal.open(path) as journal:
        checkpoint, key = journal.checkpoint(), journal.public_key
    (tmp_path / "checkpoint.txt").write_text(checkpoint.note)
    for given in (checkpoint.note, short(checkpoint), str(tmp_path / "checkpoint.txt")):
        for vkey in (key, str(tmp_path / "journal.pub")):
            code, text = verified(path, key=vkey, checkpoint=given)
            assert code == 0
            assert "Not seen" not in text


def test_verify_names_the_bad_entry_and_exits_with_one(path: Path) -> None:
    db = sqlite3.connect(path)
    db.execute("UPDATE entries SET body = x'7b7d' WHERE seq = 2")
    db.commit()
    db.close()
    code, text = verified(path)
    assert code == 1
    assert "BAD at entry 2 (edited)" in text
    code, text = verified(path, as_json=True)
    assert code == 1
    assert json.loads(text)["bad"]["seq"] == 2


def test_wrong_use_exits_with_two_and_says_what_to_do(path: Path, tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("not a database, only some text that is long enough to be looked at as one" * 20)
    (tmp_path / "other.db").touch()
    for bad in ("none.db", "text.db", "other.db"):
        assert shown(tmp_path / bad)[0] == 2
        assert verified(tmp_path / bad)[0] == 2
    for how in ({"key": "nonsense"}, {"checkpoint": "nonsense"}):
        code, text = verified(path, **how)
        assert code == 2
        assert "give" in text


def test_reading_works_while_the_core_writes(path: Path) -> None:
    with Journal.open(path) as journal:
        journal.append([Entry("kiosk", "More", 1, AT, b"{}")])
        assert shown(path)[1].count("\n") == 3
        assert verified(path)[0] == 0


def test_a_copy_in_a_directory_closed_for_writing_is_read(path: Path) -> None:
    path.parent.chmod(0o550)
    try:
        assert shown(path)[0] == 0
    finally:
        path.parent.chmod(0o750)
