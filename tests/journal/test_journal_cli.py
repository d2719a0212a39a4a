"""`pilepay journal show` and `verify`, as an operator meets them."""

from __future__ import annotations

import io
import json
import sqlite3
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from kiosk.journal.checkpoint import short
from kiosk.journal.cli import reviews, sales, show, verify_journal
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


@pytest.mark.parametrize(("listed", "said"), [(partial(sales, since="2030-01-01"), "no sales"), (reviews, "no reviews")])
def test_where_there_is_nothing_to_list_people_are_told_so_and_programs_get_nothing(
    path: Path, listed: Callable[..., int], said: str
) -> None:
    for as_json in (False, True):
        out = io.StringIO()
        assert listed(path, out=out, as_json=as_json) == 0
        assert out.getvalue() == ("" if as_json else f"{said}\n")


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


# --- what is no journal, and what is no proof -----------------------------------------------------------------------------------


def test_what_is_no_journal_is_named_for_what_it_is(path: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    (tmp_path / "text.db").write_text("some words")
    other = sqlite3.connect(tmp_path / "other.db")
    other.execute("CREATE TABLE things(name)")
    other.close()
    for name, said in (
        ("", f"is a folder: give the file, such as {path}"),
        ("none.db", "cannot be read: No such file or directory. Give the journal of a kiosk"),
        ("empty.db", "is empty: that is no journal. If it is a copy, it failed: fetch it again"),
        ("text.db", "is no journal: not an SQLite file. Give the journal of a kiosk (journal.db)"),
        ("other.db", "is an SQLite file, but not the journal of a kiosk: look whether it is the right file"),
    ):
        for code, text in (verified(tmp_path / name), shown(tmp_path / name)):
            assert (code, text.startswith(f"{tmp_path / name} {said}")) == (2, True), text


def test_a_copy_without_its_public_key_says_which_file_is_missing(path: Path) -> None:
    path.with_suffix(".pub").rename(path.with_name("elsewhere"))
    assert verified(path) == (
        2,
        f"{path.with_suffix('.pub')} is missing, the public key that lies beside a journal:"
        " copy it here from the kiosk, or give it with --key\n",
    )
    assert verified(path, key=str(path.with_name("elsewhere")))[0] == 0


def _mistyped(letters: str) -> str:
    return letters[:-1] + ("A" if letters[-1] != "A" else "B")


def test_a_checkpoint_that_does_not_match_is_first_compared_with_the_paper(path: Path) -> None:
    with Journal.open(path) as journal:
        right = short(journal.checkpoint())
        journal.append([Entry("kiosk", "More", 1, AT, b"{}")])
    number, _, letters = right.partition("-")
    for given, hint in (
        (_mistyped(right), f"Of its 16 letters all but number 16 are those that this journal signed for {number} entries."),
        (f"3-{letters}", f"Its letters are those that this journal signed for {number} entries: look at the number 3."),
        ("31-AAAA-AAAA-AAAA-AAAA", "This journal keeps no signed state of 31 entries: look at the number."),
    ):
        code, text = verified(path, checkpoint=given)
        first, second, *_ = text.splitlines()
        assert code == 1
        assert first == "The given checkpoint does not match. First compare it with the paper, character by character: all else holds."
        assert second == hint
        assert "\nIf it is what stands there: BAD at entry" in text
        assert json.loads(verified(path, checkpoint=given, as_json=True)[1])["look"] == [first, second]


def test_a_checkpoint_of_an_impossible_form_is_wrong_use_and_says_what_is_impossible(path: Path) -> None:
    for given, why in (
        ("2-K0QF-3M2X-A5BC-D1EF", "No checkpoint has '0', '1': look at the paper again, its letters are A to Z and 2 to 7\n"),
        ("2-K7QF-3M2X-A5BC-D2E", "It has 15 letters behind the number, a checkpoint has 16: look at the paper again\n"),
    ):
        code, text = verified(path, checkpoint=given)
        assert (code, text.endswith(why)) == (2, True), text


def test_whoever_waits_while_a_long_journal_is_read_again_is_told_why(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = "Something does not agree. All 2 entries are read once more, to see whether"
    verified(path, checkpoint="2-AAAA-AAAA-AAAA-AAAA", as_json=True)
    assert capsys.readouterr().err == f"{told} all else holds without the given checkpoint.\n"
    verified(path, key="ab" * 32)
    assert capsys.readouterr().err == f"{told} all holds by the key beside the journal.\n"
    verified(path)
    assert capsys.readouterr().err == ""


def test_what_no_checkpoint_and_no_key_can_be_to_blame_for_is_told_without_reading_again(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    db = sqlite3.connect(path)
    db.execute("UPDATE entries SET body = x'7b7d' WHERE seq = 2")
    db.commit()
    db.close()
    code, text = verified(path, key="ab" * 32, checkpoint="2-AAAA-AAAA-AAAA-AAAA")
    assert (code, "BAD at entry 2 (edited)" in text) == (1, True)
    assert capsys.readouterr().err == ""


def test_a_journal_that_was_altered_is_not_excused_by_a_checkpoint(path: Path) -> None:
    db = sqlite3.connect(path)
    db.execute("UPDATE entries SET body = x'7b7d' WHERE seq = 2")
    db.commit()
    db.close()
    code, text = verified(path, checkpoint="2-AAAA-AAAA-AAAA-AAAA")
    assert code == 1
    assert "does not match" not in text
    assert "\nBAD at entry 2 (edited)" in text


def test_a_key_that_signed_nothing_here_is_told_from_an_altered_journal(path: Path) -> None:
    code, text = verified(path, key="ab" * 32)
    assert code == 1
    assert "BAD at entry 2 (foreign_signature)" in text
    assert "either the given key is another kiosk's, or somebody signed all of it anew" in text
    assert verified(path, key="no/such.pub")[1].startswith("--key: there is no file 'no/such.pub', and as a text: ")
