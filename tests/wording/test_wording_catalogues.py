"""The catalogues are complete, agree with one another, and keep the voice."""

import gettext
import re
from collections.abc import Iterator
from io import StringIO

import pytest
from babel import Locale
from babel.messages.pofile import read_po

from kiosk.session.faults import FAULTS
from kiosk.wording.catalogue import SOURCE, load, path
from kiosk.wording.languages import LANGUAGES
from kiosk.wording.wording import NBSP, Wording

OTHERS = [language for language in LANGUAGES if language != SOURCE]
SILENT = {
    "en": [*"error invalid failed transaction authorisation authorization session evse sorry".split(), "please wait"],
    "de": [*"fehler ungültig fehlgeschlagen transaktion autorisierung sitzung session evse entschuldig".split(), "bitte warten"],
    "fr": [*"erreur invalide échoué échec transaction autorisation session evse désolé".split(), "veuillez patienter"],
    "nl": [*"fout ongeldig mislukt transactie autorisatie sessie evse sorry helaas".split(), "even geduld"],
    "es": [*"error inválid fallid fallado transacción autorización sesión evse sentimos".split(), "espere por favor"],
    "it": [*"errore fallit transazione autorizzazione sessione evse spiacent".split(), "non valid", "attendere prego"],
    "pl": [*"błąd błęd nieprawidłow niepowodzeni transakcj autoryzacj sesj evse przepraszamy".split(), "proszę czekać"],
    "tr": [*"hata geçersiz başarısız işlem otorizasyon yetkilendirme oturum evse özür".split(), "lütfen bekleyin"],
}
# Words for somebody one knows well. A driver is not; in Polish not even Pan and Pani are needed.
INTIMATE = {
    "de": "du dein deine deiner dir dich",
    "fr": "tu ton ta tes toi",
    "nl": "je jij jou jouw jullie",
    "es": "tú tu tus ti te contigo",
    "it": "tu tuo tua tuoi tue ti",
    "pl": "ty twój twoja twoje twojej twoją ciebie ci pan pani pana państwo państwa",
    "tr": "sen senin sana seni",
}
MANY = range(1_000)


def _ids(language: str) -> list[str]:
    return re.findall(r'^msgid "(.+)"$', path(language).read_text("utf-8"), re.MULTILINE)


def _said(language: str) -> Iterator[tuple[str, str]]:
    return ((code, form) for code, sentence in load(language).sentences.items() for form in sentence.forms)


def test_eight_languages_can_be_chosen_by_their_own_names() -> None:
    assert dict(LANGUAGES) == {
        "en": "English",
        "de": "Deutsch",
        "fr": "Français",
        "nl": "Nederlands",
        "es": "Español",
        "it": "Italiano",
        "pl": "Polski",
        "tr": "Türkçe",
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_plural_forms_are_those_of_the_language(language: str) -> None:
    read = read_po(StringIO(path(language).read_text("utf-8")))
    by_catalogue, by_cldr = gettext.c2py(read.plural_expr), Locale.parse(language).plural_form
    pairs = {(by_catalogue(n), by_cldr(n)) for n in MANY}
    assert len({form for form, _ in pairs}) == len({name for _, name in pairs}) == len(pairs) == read.num_plurals
    assert all(len(sentence.forms) in (1, read.num_plurals) for sentence in load(language).sentences.values())


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_count_finds_its_form(language: str) -> None:
    say = Wording(language)
    for code, sentence in load(SOURCE).sentences.items():
        if len(sentence.forms) > 1:
            assert all(say.say(code, n=n) for n in MANY), code


def test_polish_counts_in_three_ways() -> None:
    left = [Wording("pl").say("code.missed", n=n).partition(". ")[2] for n in (1, 2, 5, 12, 22, 25)]
    assert left == ["Została 1 próba.", "Zostały 2 próby.", "Zostało 5 prób.", "Zostało 12 prób.", "Zostały 22 próby.", "Zostało 25 prób."]


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
    for code, form in _said(language):
        assert "!" not in form, code
        assert "¡" not in form, code
        for word in SILENT[language]:
            assert not re.search(rf"\b{word}", form, re.IGNORECASE), (code, word)


@pytest.mark.parametrize("language", INTIMATE)
def test_drivers_are_spoken_to_as_strangers(language: str) -> None:
    for code, form in _said(language):
        for word in INTIMATE[language].split():
            assert not re.search(rf"\b{word}\b", form, re.IGNORECASE), (code, word)


@pytest.mark.parametrize("language", OTHERS)
def test_no_sentence_was_left_in_english(language: str) -> None:
    source = load(SOURCE).sentences
    for code, sentence in load(language).sentences.items():
        words = re.sub(r"\{\w+\}", "", sentence.forms[0])
        assert sentence.forms != source[code].forms or not re.search(r"[^\W\d]+ [^\W\d]+", words), code


@pytest.mark.parametrize("language", LANGUAGES)
def test_sentences_are_set_with_care(language: str) -> None:
    for code, form in _said(language):
        assert form == form.strip(), code
        assert "  " not in form, code
        assert "..." not in form, code
        assert not re.search(r" [.,]", form), code
        if language not in ("en", "de"):
            assert "'" not in form, code


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_space_before_a_double_sign_is_french_and_does_not_break(language: str) -> None:
    for code, form in _said(language):
        before = {m[1] for m in re.finditer(r"(.)[:;?](?=\s|$)", form)}
        assert (before <= {NBSP}) if language == "fr" else not before & {" ", NBSP}, code


@pytest.mark.parametrize("code", [code for code in load("es").sentences if "?" in load("es").sentences[code].forms[0]])
def test_spanish_questions_open_with_their_sign(code: str) -> None:
    (text,) = load("es").sentences[code].forms
    assert text.count("¿") == text.count("?")


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
