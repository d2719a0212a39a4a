"""The operator's list of tags: strict, told all at once, and never with a UID in a sentence."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.readers.uid import normal
from kiosk.accounts.book import Book
from kiosk.accounts.listed import AccountsError, Terms, found, read
from kiosk.session.inputs import Account
from kiosk.session.visit import TAG_WORDS
from kiosk.values import Digest, Moment, Money

UID = "04A1B2C3D4E5F6"


def known_by(uid: str) -> Digest:
    return Digest(sha256(b"a key of the test " + uid.encode()).hexdigest())


TERMS = Terms("EUR", "Europe/Berlin", normal, known_by)
TAG = known_by(UID)
NOW = Moment(1_800_000_000_000, "boot", 0)  # 2027-01-15 in Berlin


def table(**keys: str) -> bytes:
    keys = {"uid": f'"{UID}"', "contract": '"C-1001"', **keys}
    return ("[[tags]]\n" + "\n".join(f"{key} = {value}" for key, value in keys.items() if value)).encode()


def problems(data: bytes) -> list[str]:
    with pytest.raises(AccountsError) as refused:
        read(data, TERMS)
    return str(refused.value).splitlines()


def test_a_tag_is_known_by_its_hash_and_its_uid_is_nowhere():
    accounts = read(table(uid='"04:a1:b2:c3:d4:e5:f6"', group='"depot"', several="true", most="30.00", most_kwh="40.5"), TERMS)
    assert found(accounts, TAG, NOW) == Account(TAG, "C-1001", "depot", True, Money(3_000, "EUR"), 40_500_000)
    assert UID not in repr(accounts).upper()


def test_what_is_not_said_is_not_limited():
    assert found(read(table(), TERMS), TAG, NOW) == Account(TAG, "C-1001")
    assert read(b"", TERMS) == {}


@pytest.mark.parametrize(
    ("keys", "word"),
    [
        ({"blocked": "true"}, "tag_blocked"),
        ({"valid_until": "2027-01-14"}, "tag_expired"),
        ({"blocked": "true", "valid_until": "2020-01-01"}, "tag_blocked"),
        ({"uid": '"DEADBEEF"'}, "tag_unknown"),
    ],
)
def test_why_a_tag_may_not_charge_is_a_word_the_screen_has_a_sentence_for(keys: dict[str, str], word: str):
    assert found(read(table(**keys), TERMS), TAG, NOW) == word
    assert word in TAG_WORDS


def test_a_tag_is_good_until_the_end_of_its_last_day_at_the_site():
    accounts = read(table(valid_until="2027-01-15"), TERMS)
    midnight = 1_800_054_000_000  # 2027-01-16T00:00+01:00
    assert isinstance(found(accounts, TAG, Moment(midnight - 1, "boot", 0)), Account)
    assert found(accounts, TAG, Moment(midnight, "boot", 0)) == "tag_expired"


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"uid": ""}, ".uid: is missing"),
        ({"uid": '"04A1B2C3D4"'}, ".uid: has 5 bytes"),
        ({"uid": '"08A1B2C3"'}, ".uid: is a number that a phone"),
        ({"uid": "4"}, ".uid: is missing"),
        ({"contract": ""}, ".contract: is missing"),
        ({"contract": '"Anna Schmidt"'}, ".contract: is no word"),
        ({"contract": '""'}, ".contract: is no word"),
        ({"group": '"a b"'}, ".group: is no word"),
        ({"valid_until": '"2027-01-15"'}, ".valid_until: is no day"),
        ({"valid_until": "2027-01-15T12:00:00"}, ".valid_until: is no day"),
        ({"blocked": '"no"'}, ".blocked: is neither true nor false"),
        ({"several": "1"}, ".several: is neither true nor false"),
        ({"most": '"30"'}, ".most: is not an amount"),
        ({"most": "0"}, ".most: 0 is out of range"),
        ({"most": "nan"}, ".most: NaN is out of range"),
        ({"most": "1.005"}, ".most: 1.005 is finer than EUR"),
        ({"most_kwh": "true"}, ".most_kwh: is not an energy"),
        ({"most_kwh": "-1"}, ".most_kwh: -1 is out of range"),
        ({"04A1B2C3D4E5F6": "1"}, ".…: unknown key"),
        ({"name": '"Anna"'}, ".name: unknown key: known here are uid, contract"),
    ],
)
def test_what_is_wrong_is_said_with_its_place_and_its_mend(keys: dict[str, str], words: str):
    (line,) = problems(table(**keys))
    assert line.startswith(f"tags[0]{words}")
    assert UID not in line


def test_all_problems_are_told_at_once_and_a_tag_is_listed_once():
    lines = problems(table() + b"\n" + table(uid='"04-a1-b2-c3-d4-e5-f6"') + b"\n" + table(uid='"x"', most="-1"))
    assert [line.partition(": ")[0] for line in lines] == ["tags[1].uid", "tags[2].uid", "tags[2].most"]
    assert "is also tags[0]" in lines[0]


@pytest.mark.parametrize("data", [b"\xff\xfe", b"tags = 1", b"[tags]", b"tags = [1]", b"x = 1", b"[[tags", b"a" * 8_000_001])
def test_what_is_no_list_is_refused(data: bytes):
    assert problems(data)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_list_or_refused(data: bytes):
    with suppress(AccountsError):
        read(data, TERMS)


# --- on the disk ------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "accounts.toml"
    path.write_bytes(table())
    return path


def replaced(file: Path, data: bytes) -> None:
    """As an editor or a script puts a new file in the place of the old."""
    new = file.with_suffix(".new")
    new.write_bytes(data)
    new.replace(file)


def test_a_list_that_cannot_be_used_is_refused_at_the_start(file: Path):
    file.write_bytes(b"[[tags]]\n")
    with pytest.raises(AccountsError, match=r"accounts.toml: tags\[0\].uid: is missing"):
        Book(file, TERMS)
    file.unlink()
    with pytest.raises(AccountsError, match="cannot be read: No such file"):
        Book(file, TERMS)


def test_a_changed_list_counts_from_the_next_look(file: Path):
    book = Book(file, TERMS)
    assert isinstance(book.find(TAG, NOW), Account)
    replaced(file, table(blocked="true"))
    assert isinstance(book.find(TAG, NOW), Account)
    book.look()
    assert book.find(TAG, NOW) == "tag_blocked"


@pytest.mark.parametrize("broken", [b"[[tags]]\n", b"\x00", None], ids=["no uid", "no text", "no file"])
def test_a_bad_list_leaves_the_last_good_one_and_is_complained_of_once(file: Path, broken: bytes | None, caplog: pytest.LogCaptureFixture):
    book = Book(file, TERMS)
    if broken is None:
        file.unlink()
    else:
        replaced(file, broken)
    for _ in range(3):
        book.look()
    assert isinstance(book.find(TAG, NOW), Account)
    assert len([r for r in caplog.records if r.levelno == logging.ERROR]) == 1
    replaced(file, table(blocked="true"))
    book.look()
    assert book.find(TAG, NOW) == "tag_blocked"
    assert UID not in caplog.text


def test_a_bad_list_is_read_once_and_not_at_every_look(file: Path):
    hashed: list[str] = []

    def counted(uid: str) -> Digest:
        hashed.append(uid)
        return known_by(uid)

    book = Book(file, replace(TERMS, known_by=counted))
    replaced(file, table() + b"\n[[tags]]\n")
    hashed.clear()
    for _ in range(3):
        book.look()
    assert len(hashed) == 1


def test_a_list_that_was_away_and_is_back_counts(file: Path, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    book = Book(file, TERMS)
    away = file.rename(file.with_suffix(".away"))
    book.look()
    away.rename(file)
    for _ in range(2):
        book.look()
    assert [r.levelno for r in caplog.records] == [logging.ERROR, logging.INFO]
