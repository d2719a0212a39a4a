"""A kiosk's whole state as bytes: nothing lost, nothing taken for something else."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from golden import FOLDER, read
from world import SETUP, World

from kiosk.core import image as images
from kiosk.core.image import ImageError, digest, fingerprint, image, restore, restore_setup, setup_image
from kiosk.session import codec
from kiosk.session.evolve import evolve
from kiosk.session.facts import Fact
from kiosk.session.state import Kiosk
from kiosk.values import Money


def long_days() -> list[Fact]:
    """A day of every release so far."""
    return [codec.decode(stored) for file in sorted(FOLDER.glob("*.jsonl")) for stored in read(file)]


def test_after_every_fact_of_a_long_day_the_state_comes_back_as_it_was() -> None:
    k = Kiosk(SETUP)
    for fact in long_days():
        k = evolve(k, fact)
        again = restore(image(k), SETUP)
        assert again == k
        assert list(again.sessions) == list(k.sessions)
        assert image(again) == image(k)


def test_every_field_that_a_state_has_can_be_written_and_read() -> None:
    images._readers(Kiosk)  # raises for a type it does not know, however deep


def test_states_that_differ_have_other_digests() -> None:
    world = World()
    before = digest(world.k)
    world.pay()
    assert digest(world.k) != before


@pytest.mark.parametrize("data", [b"", b"null", b"[]", b"{}", b"\xff", b'{"sound":1}'])
def test_what_is_no_state_is_refused(data: bytes) -> None:
    with pytest.raises(ImageError):
        restore(data, SETUP)


def test_a_state_with_a_field_more_or_less_or_of_another_kind_is_refused() -> None:
    body = json.loads(image(World().k))
    for harm in ({"more": 1}, {"sound": 1}, {"receipts": "1"}, {"sessions": [["a", {}]]}, {"connectors": [[1, None]]}):
        with pytest.raises(ImageError):
            restore(json.dumps({**body, **harm}).encode(), SETUP)
    del body["receipts"]
    with pytest.raises(ImageError):
        restore(json.dumps(body).encode(), SETUP)


def test_the_setup_of_today_counts() -> None:
    other = replace(SETUP, policy=replace(SETUP.policy, margin=Money(777, "EUR")))
    world = World()
    assert restore(image(world.k), other).setup == other


def test_rules_of_sales_change_no_fingerprint_and_connectors_do() -> None:
    mark = fingerprint(SETUP)
    assert fingerprint(replace(SETUP, policy=replace(SETUP.policy, margin=Money(777, "EUR")))) == mark
    assert fingerprint(replace(SETUP, connectors=SETUP.connectors[:1])) != mark
    assert fingerprint(replace(SETUP, kiosk="K418")) != mark


def test_the_rules_of_sales_do_not_matter_to_folding() -> None:
    """Why the fingerprint may leave them out."""
    facts = long_days()
    strange = replace(SETUP.policy, margin=Money(4_900, "EUR"), key_life_s=1, note_s=1, review_s=1, code_misses=99)
    states = []
    for setup in (SETUP, replace(SETUP, policy=strange)):
        k = Kiosk(setup)
        for fact in facts:
            k = evolve(k, fact)
        states.append(image(k))
    assert states[0] == states[1]


def test_a_setup_comes_back_as_it_was() -> None:
    assert restore_setup(setup_image(SETUP)) == SETUP
