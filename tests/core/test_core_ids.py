"""Ids: never the same twice, not even on two kiosks, and a stop code that is made and not kept."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import pytest

from kiosk.core.ids import KioskIds
from kiosk.session.money import session_of
from kiosk.values import Ids, SessionId


@dataclass
class Counting:
    taken: dict[str, int] = field(default_factory=dict)

    def serial(self, name: str) -> int:
        self.taken[name] = self.taken.get(name, 0) + 1
        return self.taken[name]


def kiosk(name: str = "K417", secret: bytes = b"s" * 32) -> KioskIds:
    return KioskIds(name, Counting(), secret)


def test_two_kiosks_never_collide_even_with_the_same_randomness() -> None:
    one = KioskIds("K417", Counting(), b"s" * 32, bytes)
    other = KioskIds("K418", Counting(), b"s" * 32, bytes)
    assert one.session() != other.session()
    assert session_of("K418", f"{one.session()}-P1") is None
    assert session_of("K417", f"{one.session()}-P1") == one.session()


def test_a_kiosk_whose_name_begins_like_another_is_another() -> None:
    longer = kiosk("K417-2").session()
    assert session_of("K417", f"{longer}-P1") is None


def test_a_session_carries_its_kiosk_and_128_random_bits() -> None:
    ids = kiosk()
    sessions = {ids.session() for _ in range(1_000)}
    assert len(sessions) == 1_000
    assert all(re.fullmatch(r"K417-[A-Z2-7]{26}", s) for s in sessions)


def test_the_tag_of_a_sale_fits_ocpp_and_is_new_every_time() -> None:
    ids = kiosk()
    tags = {ids.id_tag() for _ in range(1_000)}
    assert len(tags) == 1_000
    assert all(re.fullmatch(r"[A-Z2-7]{16,20}", tag) for tag in tags)


def test_service_ids_are_short_alphanumerics_in_a_row() -> None:
    ids = kiosk()
    seen = [ids.service_id() for _ in range(40)]
    assert len(set(seen)) == 40
    assert all(re.fullmatch(r"[0-9A-Z]{1,10}", s) for s in seen)
    assert seen[34:37] == ["Z", "10", "11"]


def test_transactions_are_positive_and_count_up() -> None:
    ids = kiosk()
    assert [ids.transaction() for _ in range(3)] == [1, 2, 3]


@pytest.mark.parametrize(("session", "code"), [("K417-A", "5093"), ("K417-B", "3510")])
def test_the_stop_code_of_a_sale_is_the_same_after_any_restart_and_in_any_release(session: str, code: str) -> None:
    assert kiosk().stop_code(SessionId(session)) == code


def test_the_stop_code_depends_on_the_kiosks_own_secret() -> None:
    codes = {kiosk(secret=bytes([n]) * 32).stop_code(SessionId("K417-A")) for n in range(20)}
    assert len(codes) > 15


def test_the_right_code_has_the_digest_that_was_journalled() -> None:
    ids, session = kiosk(), SessionId("K417-A")
    assert ids.typed_digest(session, ids.stop_code(session)) == ids.stop_code_digest(session)
    assert ids.typed_digest(SessionId("K417-B"), ids.stop_code(session)) != ids.stop_code_digest(session)


def test_a_card_is_recognised_without_being_known() -> None:
    digest = kiosk().recognition("Q1HJZ28RKA1EBL470G9XYG90R5D3E")
    assert digest == kiosk().recognition("Q1HJZ28RKA1EBL470G9XYG90R5D3E")
    assert digest != kiosk(secret=b"t" * 32).recognition("Q1HJZ28RKA1EBL470G9XYG90R5D3E")
    assert "Q1HJZ" not in digest


def test_these_are_the_ids_the_sales_ask_for() -> None:
    ids: Ids = kiosk()
    assert ids.transaction() == 1
