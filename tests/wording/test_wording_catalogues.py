"""The catalogues are complete, agree with one another, and keep the voice."""

import re

import pytest

from kiosk.session.faults import FAULTS
from kiosk.wording.catalogue import SOURCE, load, path
from kiosk.wording.languages import LANGUAGES
from kiosk.wording.wording import Wording

OTHERS = [language for language in LANGUAGES if language != SOURCE]
SILENT = {
    "en": [*"error invalid failed transaction authorisation authorization session evse sorry".split(), "please wait"],
    "de": [*"fehler ungültig fehlgeschlagen transaktion autorisierung sitzung session evse entschuldig".split(), "bitte warten"],
}


def _ids(language: str) -> list[str]:
    return re.findall(r'^msgid "(.+)"$', path(language).read_text("utf-8"), re.MULTILINE)


def test_english_and_german_can_be_chosen_by_their_own_names() -> None:
    assert LANGUAGES["en"] == "English"
    assert LANGUAGES["de"] == "Deutsch"


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_is_written_twice(language: str) -> None:
    ids = _ids(language)
    assert sorted(set(ids)) == sorted(ids)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_in_the_file_is_translated(language: str) -> None:
    assert set(_ids(language)) == set(load(language).sentences)


@pytest.mark.parametrize("language", OTHERS)
def test_every_language_has_exactly_the_sentences_of_the_source(language: str) -> None:
    assert load(language).sentences.keys() == load(SOURCE).sentences.keys()


@pytest.mark.parametrize("language", OTHERS)
def test_placeholders_are_those_of_the_source(language: str) -> None:
    source = load(SOURCE).sentences
    assert {code: s.fields for code, s in load(language).sentences.items()} == {code: s.fields for code, s in source.items()}


@pytest.mark.parametrize("language", LANGUAGES)
def test_sections_come_in_order_of_room_and_sentences_in_order_of_name(language: str) -> None:
    ids = _ids(language)
    rooms = list(dict.fromkeys(name.split(".")[0] for name in ids))
    for room in rooms:
        inside = [name for name in ids if name.split(".")[0] == room]
        assert inside == sorted(inside), room
    assert [name.split(".")[0] for name in ids] == [room for room in rooms for name in ids if name.split(".")[0] == room]


@pytest.mark.parametrize("language", LANGUAGES)
def test_sentences_avoid_the_words_of_machines(language: str) -> None:
    for code, sentence in load(language).sentences.items():
        for form in sentence.forms:
            assert "!" not in form, code
            for word in SILENT.get(language, []):
                assert not re.search(rf"\b{word}", form, re.IGNORECASE), (code, word)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", FAULTS)
def test_every_fault_speaks_to_the_driver_in_a_title_that_fits(code: str, language: str) -> None:
    text = Wording(language).fault(code, plug="A", amount="50.00 €", phone="0800 555 0417")
    assert len(text.title) <= 45
    assert len(text.title.split()) <= 12
    assert text.what.endswith(".")
    assert text.now.endswith(".")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", [code for code, fault in FAULTS.items() if fault.review])
def test_what_a_person_must_look_at_is_told_to_them_in_one_line(code: str, language: str) -> None:
    text = Wording(language).say(f"review.{code}")
    assert len(text) <= 120
    assert text.endswith(".")
