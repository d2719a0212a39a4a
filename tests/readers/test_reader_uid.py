"""What a tag is known by, however a reader writes it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.readers.uid import RandomUid, UidError, normal


@pytest.mark.parametrize(
    "told",
    ["04A1B2C3D4E5F6", "04a1b2c3d4e5f6", "04:A1:B2:C3:D4:E5:F6", "04-a1-b2-c3-d4-e5-f6", " 04 A1 B2 C3 D4 E5 F6\t", "0x04A1B2C3D4E5F6"],
)
def test_however_it_is_written_it_is_one_uid(told: str):
    assert normal(told) == "04A1B2C3D4E5F6"


@pytest.mark.parametrize("told", ["DEADBEEF", "04A1B2C3D4E5F6", "04E0E1E2E3E4E5E6E7E8"])
def test_single_double_and_triple_size_uids_are_taken(told: str):
    assert normal(told) == told


def test_a_reader_that_tells_the_last_byte_first_is_turned_round():
    assert normal("2c7fb28f", backwards=True) == "8FB27F2C"


def test_a_made_up_number_is_told_from_one_that_is_read():
    with pytest.raises(RandomUid):
        normal("08D1E2F3")
    with pytest.raises(RandomUid):
        normal("F3E2D108", backwards=True)
    assert normal("08D1E2F3A4B5C6") == "08D1E2F3A4B5C6"  # seven bytes are fixed ones


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ("", "hexadecimal"),
        ("04A1B2C3D4E5F", "hexadecimal"),
        ("04A1B2C3D4E5FG", "hexadecimal"),
        ("4086814", "hexadecimal"),
        ("04A1B2C3D4", "5 bytes"),
        ("E004010012345678", "8 bytes"),
        ("8804A1B2", "beginning of a longer UID"),
        ("00000000", "saw no tag"),
        ("FFFFFFFFFFFFFF", "saw no tag"),
    ],
)
def test_what_is_no_uid_is_refused_and_never_shown(told: str, why: str):
    with pytest.raises(UidError, match=why) as refused:
        normal(told)
    assert not told or told not in str(refused.value)


@given(st.text(max_size=40))
def test_any_text_is_a_uid_or_refused(text: str):
    try:
        uid = normal(text)
    except UidError:
        return
    assert normal(uid) == uid
    assert len(uid) in (8, 14, 20)
