"""Numbers, money and times as people of a language write them."""

from decimal import Decimal

import pytest

from kiosk.values import Money
from kiosk.wording import catalogue
from kiosk.wording.catalogue import WordingError
from kiosk.wording.wording import Wording

EN, DE = Wording("en"), Wording("de")
AFTERNOON = 1_795_354_147_000  # 2026-11-22T13:29:07Z


@pytest.mark.parametrize(
    ("amount", "english", "german"),
    [
        (Money(5000, "EUR"), "50.00\u00a0€", "50,00\u00a0€"),
        (Money(1, "EUR"), "0.01\u00a0€", "0,01\u00a0€"),
        (Money(-3783, "EUR"), "-37.83\u00a0€", "-37,83\u00a0€"),
        (Money(123456789, "EUR"), "1,234,567.89\u00a0€", "1.234.567,89\u00a0€"),
        (Money(500, "JPY"), "500\u00a0JP¥", "500\u00a0¥"),
        (Money(1234, "KWD"), "1.234\u00a0KWD", "1,234\u00a0KWD"),
        (Money(1990, "CHF"), "19.90\u00a0CHF", "19,90\u00a0CHF"),
    ],
)
def test_english_and_german_write_the_symbol_behind(amount: Money, english: str, german: str) -> None:
    assert EN.money(amount) == english
    assert DE.money(amount) == german


@pytest.mark.parametrize(
    ("language", "money", "negative", "large", "percent"),
    [
        ("fr", "50,00~€", "-37,83~€", "1~234~567,89~€", "8,1~%"),
        ("es", "50,00~€", "-37,83~€", "1.234.567,89~€", "8,1~%"),
        ("it", "50,00~€", "-37,83~€", "1.234.567,89~€", "8,1%"),
        ("nl", "€~50,00", "€~-37,83", "€~1.234.567,89", "8,1%"),
        ("pl", "50,00~€", "-37,83~€", "1~234~567,89~€", "8,1%"),
        ("tr", "€50,00", "-€37,83", "€1.234.567,89", "%8,1"),
    ],
)
def test_each_language_has_its_own_places_for_signs(language: str, money: str, negative: str, large: str, percent: str) -> None:
    say = Wording(language)
    written = [say.money(Money(minor, "EUR")) for minor in (5000, -3783, 123456789)]
    assert [text.replace("\u00a0", "~") for text in [*written, say.percent(Decimal("8.1"))]] == [money, negative, large, percent]


@pytest.mark.parametrize(
    ("language", "currency", "written"),
    [
        ("pl", "PLN", "12,17~zł"),
        ("tr", "TRY", "₺12,17"),
        ("tr", "CHF", "CHF~12,17"),
        ("nl", "CHF", "CHF~12,17"),
        ("en", "GBP", "£12.17"),
        ("en", "USD", "$12.17"),
        ("en", "PLN", "12.17~PLN"),
    ],
)
def test_a_currency_has_its_sign_where_its_readers_look_for_it(language: str, currency: str, written: str) -> None:
    assert Wording(language).money(Money(1217, currency)).replace("\u00a0", "~") == written


def test_unit_prices_have_their_symbol_where_money_has_it() -> None:
    assert Wording("nl").price(Decimal("0.4567"), "EUR") == "€\u00a00,4567"
    assert Wording("tr").price(Decimal("2"), "TRY") == "₺2,00"


@pytest.mark.parametrize(
    ("language", "currency", "written", "drawn"),
    [
        ("en", "EUR", "0.49~€/kWh", ("0.49", "€/kWh")),
        ("de", "EUR", "0,49~€/kWh", ("0,49", "€/kWh")),
        ("nl", "EUR", "€~0,49/kWh", ("€~0,49", "/kWh")),
        ("tr", "TRY", "₺0,49/kWh", ("₺0,49", "/kWh")),
        ("tr", "CHF", "CHF~0,49/kWh", ("CHF~0,49", "/kWh")),
        ("en", "GBP", "£0.49/kWh", ("£0.49", "/kWh")),
    ],
)
def test_a_price_for_a_unit_is_written_and_drawn_the_same(language: str, currency: str, written: str, drawn: tuple[str, str]) -> None:
    say = Wording(language)
    price = Decimal("0.49")
    assert say.unit_price(price, currency, "unit.per_kwh").replace("\u00a0", "~") == written
    number, unit = say.beside(say.rate(price, currency), say.say("unit.per_kwh", symbol=say.symbol(currency)), currency)
    assert (number.replace("\u00a0", "~"), unit) == drawn


def test_what_is_no_money_stands_as_it_is() -> None:
    assert Wording("nl").beside("31,20", "kWh", "EUR") == ("31,20", "kWh")
    assert Wording("nl").beside("50,00", "€", "EUR") == ("€\u00a050,00", "")


def test_round_amounts_go_without_decimals_where_room_is_short() -> None:
    assert EN.short_money(Money(5000, "EUR")) == "50\u00a0€"
    assert EN.short_money(Money(5050, "EUR")) == "50.50\u00a0€"
    assert Wording("nl").short_money(Money(5000, "EUR")) == "€\u00a050"


def test_amount_stands_without_symbol() -> None:
    assert EN.amount(Money(1217, "EUR")) == "12.17"
    assert DE.amount(Money(1217, "EUR")) == "12,17"


@pytest.mark.parametrize(
    ("price", "written"), [("0.4567", "0.4567"), ("0.49", "0.49"), ("0.5", "0.50"), ("2", "2.00"), ("0.490", "0.49"), ("1E+1", "10.00")]
)
def test_unit_prices_keep_every_digit_of_the_tariff(price: str, written: str) -> None:
    assert EN.price(Decimal(price), "EUR") == f"{written}\u00a0€"
    assert DE.rate(Decimal(price), "EUR") == written.replace(".", ",")


def test_numbers_round_half_up_and_keep_their_digits() -> None:
    assert EN.number(Decimal("0.125"), 2) == "0.13"
    assert EN.number(Decimal("2.345"), 2) == "2.35"
    assert EN.number(Decimal("31"), 3) == "31.000"
    assert EN.number(Decimal("12.5"), 0) == "13"


def test_percent_is_as_written() -> None:
    assert EN.percent(Decimal("19")) == "19\u00a0%"
    assert DE.percent(Decimal("8.10")) == "8,1\u00a0%"


def test_energy_and_power() -> None:
    assert EN.kwh(31_200_400) == "31.20"
    assert DE.kwh(31_200_400, 3) == "31,200"
    assert EN.kw(56_300) == "56"
    assert DE.kw(7_360) == "7,4"
    assert EN.kw(0) == "0.0"


def test_times_are_local_to_the_site() -> None:
    assert EN.clock(AFTERNOON, "Europe/Berlin") == "14:29"
    assert EN.clock(AFTERNOON, "Asia/Tokyo") == "22:29"
    assert EN.date(AFTERNOON, "Europe/Berlin") == "22 Nov 2026"
    assert DE.date(AFTERNOON, "Europe/Berlin") == "22.11.2026"
    assert DE.date_clock(AFTERNOON, "Europe/Berlin") == "22.11.2026, 14:29:07 CET"


def test_the_repeated_hour_of_autumn_is_told_apart_by_its_zone() -> None:
    before = 1_792_888_200_000  # 2026-10-25T00:30:00Z, 02:30 summer time
    assert EN.date_clock(before, "Europe/Berlin").endswith("02:30:00 CEST")
    assert EN.date_clock(before + 3_600_000, "Europe/Berlin").endswith("02:30:00 CET")


def test_an_unknown_time_zone_is_named() -> None:
    with pytest.raises(WordingError, match="Mars/Olympus"):
        EN.clock(AFTERNOON, "Mars/Olympus")


@pytest.mark.parametrize(
    ("language", "date", "duration"),
    [
        ("fr", "22 nov. 2026", "0:21~h"),
        ("es", "22 nov 2026", "0:21~h"),
        ("it", "22 nov 2026", "0:21~h"),
        ("nl", "22 nov 2026", "0:21~u"),
        ("pl", "22 lis 2026", "0:21~h"),
        ("tr", "22 Kas 2026", "0:21~sa."),
    ],
)
def test_days_and_hours_are_named_in_the_language(language: str, date: str, duration: str) -> None:
    say = Wording(language)
    assert say.date(AFTERNOON, "Europe/Berlin") == date
    assert say.duration(21 * 60).replace("\u00a0", "~") == duration


def test_durations() -> None:
    assert EN.duration(21 * 60 + 59) == "0:21\u00a0h"
    assert EN.duration(26 * 3600) == "26:00\u00a0h"
    assert EN.duration_exact(21 * 60 + 32) == "0:21:32\u00a0h"
    assert EN.countdown(272) == "4:32"
    assert EN.countdown(-3) == "0:00"


def test_a_missing_sentence_names_code_and_language() -> None:
    with pytest.raises(WordingError, match=r"idle\.nowhere.*\bde\b"):
        DE.say("idle.nowhere")


def test_parameters_must_be_exactly_the_placeholders() -> None:
    assert EN.say("fault.pile_refused.title", plug="A") == "Plug A did not start."
    with pytest.raises(WordingError, match=r"fault\.pile_refused\.title in en: missing parameters \['plug'\]"):
        EN.say("fault.pile_refused.title")
    with pytest.raises(WordingError, match=r"unknown parameters \['plugs'\]"):
        EN.say("fault.pile_refused.title", plug="A", plugs="B")


def test_a_fault_takes_the_parameters_it_names_and_misses_the_others_aloud() -> None:
    assert DE.fault("declined", plug="A").title == "Ihre Bank lehnt diese Karte ab."
    with pytest.raises(WordingError, match="amount"):
        EN.fault("capture_refused", plug="A")


def test_a_language_without_catalogue_is_refused() -> None:
    with pytest.raises(WordingError, match="xx"):
        Wording("xx")


def _catalogue(folder, monkeypatch, body: str) -> None:
    file = folder / "pl" / "LC_MESSAGES" / "pilepay.po"
    file.parent.mkdir(parents=True)
    header = 'msgid ""\nmsgstr ""\n"Language: pl\\n"\n"Content-Type: text/plain; charset=UTF-8\\n"\n'
    plural = '"Plural-Forms: nplurals=3; plural=(n==1 ? 0 : n%10>=2 && n%10<=4 && (n%100<12 || n%100>14) ? 1 : 2);\\n"\n\n'
    file.write_text(header + plural + body, "utf-8")
    monkeypatch.setattr(catalogue, "FOLDER", folder)
    catalogue.load.cache_clear()


@pytest.fixture(autouse=True)
def _fresh():
    yield
    catalogue.load.cache_clear()


def test_plurals_follow_the_rule_of_the_language(tmp_path, monkeypatch) -> None:
    _catalogue(
        tmp_path,
        monkeypatch,
        'msgid "x.tries"\nmsgid_plural "x.tries"\nmsgstr[0] "{n} próba"\nmsgstr[1] "{n} próby"\nmsgstr[2] "{n} prób"\n',
    )
    polish = Wording("pl")
    assert [polish.say("x.tries", n=n) for n in (1, 3, 5, 22)] == ["1 próba", "3 próby", "5 prób", "22 próby"]


def test_placeholders_with_code_in_them_are_refused(tmp_path, monkeypatch) -> None:
    _catalogue(tmp_path, monkeypatch, 'msgid "x.y"\nmsgstr "{a.__class__}"\n')
    with pytest.raises(WordingError, match="bare name"):
        Wording("pl")


def test_an_untranslated_or_fuzzy_sentence_is_missing(tmp_path, monkeypatch) -> None:
    _catalogue(tmp_path, monkeypatch, 'msgid "x.empty"\nmsgstr ""\n\n#, fuzzy\nmsgid "x.fuzzy"\nmsgstr "perhaps"\n')
    polish = Wording("pl")
    assert not polish.has("x.empty")
    assert not polish.has("x.fuzzy")


def test_a_broken_catalogue_names_its_file(tmp_path, monkeypatch) -> None:
    _catalogue(tmp_path, monkeypatch, 'msgid "x.y"\nmsgstr "half\n')
    with pytest.raises(WordingError, match=r"pilepay\.po, line 8"):
        Wording("pl")


def test_a_sentence_written_twice_is_refused(tmp_path, monkeypatch) -> None:
    _catalogue(tmp_path, monkeypatch, 'msgid "x.y"\nmsgstr "one"\n\nmsgid "x.y"\nmsgstr "two"\n')
    with pytest.raises(WordingError, match="written twice"):
        Wording("pl")
