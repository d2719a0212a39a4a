"""Everything the product says or writes to a driver, in one language: sentences, money, energy, times.

Amounts are written as people of the language write them, the symbol on their side of it (`50,00 €`, `€ 50,00`), and never break over two
lines. Numbers are rounded half up, and no float is involved.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_decimal, get_currency_symbol

from kiosk.values import MWH_PER_KWH, Money, exponent
from kiosk.wording.catalogue import SOURCE, Sentence, WordingError, load
from kiosk.wording.languages import ENDONYMS

NBSP = "\u00a0"

# Where a language alone leaves the country open, Europe's way of writing dates and numbers.
_LOCALES = {"en": "en_150"}
# Pounds and dollars are written by nobody but their own countries' way.
_ENGLISH_MONEY = {"GBP": "en_GB", "USD": "en_US", "CAD": "en_CA"}
_NARROW = str.maketrans("\u202f", NBSP)  # not every printer and font has the narrow space of French thousands
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class FaultText:
    """Trouble in a driver's words: what is true now, what happened to plug and money, what to do."""

    title: str
    what: str
    now: str


class Wording:
    """One language. Cheap to make, safe to keep; holds nothing of a visit."""

    def __init__(self, language: str = SOURCE) -> None:
        """Raises `WordingError` when there is no catalogue for `language` (ISO 639-1)."""
        self.language = language
        self._catalogue = load(language)
        self._locale = Locale.parse(_LOCALES.get(language, language))

    @property
    def endonym(self) -> str:
        """The language's own name."""
        return ENDONYMS.get(self.language, self.language)

    @property
    def rtl(self) -> bool:
        """Whether the language is written from right to left."""
        return bool(self._locale.text_direction == "rtl")

    # --- sentences ---------------------------------------------------------------------------------------------------------------

    def say(self, code: str, /, **params: str | int) -> str:
        """The sentence `code`, its placeholders filled. A sentence with plural forms chooses one by the parameter `n`.

        Raises `WordingError` when the sentence is missing, or `params` are not exactly its placeholders.
        """
        sentence = self._sentence(code)
        wanted = sentence.fields | ({"n"} if len(sentence.forms) > 1 else frozenset())
        if wanted != params.keys():
            lacking, extra = sorted(wanted - params.keys()), sorted(params.keys() - wanted)
            raise WordingError(f"{code} in {self.language}: missing parameters {lacking}, unknown parameters {extra}")
        return self._fill(code, sentence, params)

    def has(self, code: str) -> bool:
        """Whether the language has a sentence `code`."""
        return code in self._catalogue.sentences

    def discount(self, code: str, name: str) -> str:
        """What a discount of a kind (`SOLAR`) is called: a name of ours in this language, one that somebody gave as they gave it."""
        ours = f"discount.{code}.{name}"
        return self.say(ours) if self.has(ours) else name

    def fault(self, code: str, **params: str | int) -> FaultText:
        """The three sentences of `fault.<code>`. Of `params` (`plug`, `amount`, `phone`) each sentence takes what it names.

        Raises `WordingError` when the fault is unknown or a sentence names a parameter that was not given.
        """
        said: list[str] = []
        for part in ("title", "what", "now"):
            name = f"fault.{code}.{part}"
            sentence = self._sentence(name)
            if lacking := sentence.fields - params.keys():
                raise WordingError(f"{name} in {self.language}: missing parameters {sorted(lacking)}")
            said.append(self._fill(name, sentence, params))
        return FaultText(*said)

    def _sentence(self, code: str) -> Sentence:
        try:
            return self._catalogue.sentences[code]
        except KeyError:
            raise WordingError(f"{code} has no sentence in {self.language}: add it to its pilepay.po") from None

    def _fill(self, code: str, sentence: Sentence, params: dict[str, str | int]) -> str:
        if len(sentence.forms) == 1:
            return sentence.forms[0].format_map(params)
        count = params["n"]
        if not isinstance(count, int):
            raise WordingError(f"{code} in {self.language}: n must be a whole number to choose the plural by")
        return sentence.forms[self._catalogue.plural(count)].format_map(params)

    # --- numbers -----------------------------------------------------------------------------------------------------------------

    def number(self, value: Decimal, digits: int) -> str:
        """With exactly `digits` decimals, rounded half up: `1,234.50`."""
        rounded = value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
        return _numeral(str(rounded), digits, self._locale)

    def percent(self, value: Decimal) -> str:
        """As written, without superfluous zeros: `19 %`, `8.1 %`, `%20`."""
        return self.say("unit.percent", number=self._as_written(value, 0))

    def kwh(self, mwh: int, digits: int = 2) -> str:
        """Energy in kWh, without its unit: `31.20`."""
        return self.number(Decimal(mwh) / MWH_PER_KWH, digits)

    def kw(self, watts: int) -> str:
        """Power in kW, without its unit: whole from 10 kW, one decimal below (`56`, `7.4`)."""
        return self.number(Decimal(watts) / 1000, 0 if watts >= 10_000 else 1)

    # --- money -------------------------------------------------------------------------------------------------------------------

    def money(self, amount: Money) -> str:
        """Amount and symbol: `50.00 €`, `€ 50,00`."""
        return self._with_symbol(amount.decimal(), exponent(amount.currency), amount.currency)

    def short_money(self, amount: Money) -> str:
        """The same without decimals where there are none to tell: `50 €`."""
        value = amount.decimal()
        return self._with_symbol(value, 0 if value == value.to_integral_value() else exponent(amount.currency), amount.currency)

    def amount(self, amount: Money) -> str:
        """The amount alone, with exactly the currency's digits: `12.17`."""
        return self.number(amount.decimal(), exponent(amount.currency))

    def symbol(self, currency: str) -> str:
        """The currency's sign in this language: `€`, `CHF`."""
        return get_currency_symbol(currency, locale=self._money_locale(currency))

    def price(self, value: Decimal, currency: str) -> str:
        """A unit price as the tariff writes it, with at least the currency's digits: `0.49 €`, `0.4567 €`."""
        return self._with_symbol(value, _digits(value, exponent(currency)), currency)

    def unit_price(self, value: Decimal, currency: str, unit: str) -> str:
        """A unit price and what it is for, `unit` being `unit.per_kwh` and its like: `0.49 €/kWh`, `€ 0,49/kWh`."""
        number, rest = self.beside(self.rate(value, currency), self.say(unit, symbol=self.symbol(currency)), currency)
        return f"{number}{'' if rest.startswith('/') else NBSP}{rest}"

    def beside(self, number: str, unit: str, currency: str) -> tuple[str, str]:
        """A number and its unit (`€`, `€/kWh`) as they are drawn side by side: a symbol that stands ahead goes over to the number."""
        symbol = self.symbol(currency)
        before = self._money_locale(currency).currency_formats["standard"].prefix[0]
        if "¤" not in before or not unit.startswith(symbol):
            return number, unit
        return f"{self._ahead(before, symbol)}{number}", unit.removeprefix(symbol)

    def rate(self, value: Decimal, currency: str) -> str:
        """A unit price without its symbol: `0.4567`."""
        return self._as_written(value, exponent(currency))

    def _as_written(self, value: Decimal, least: int) -> str:
        return self.number(value, _digits(value, least))

    def _money_locale(self, currency: str) -> Locale:
        return Locale.parse(_ENGLISH_MONEY[currency]) if self.language == "en" and currency in _ENGLISH_MONEY else self._locale

    def _with_symbol(self, value: Decimal, digits: int, currency: str) -> str:
        """The symbol where CLDR's pattern of the locale has it. Letters keep a space to the digits (CLDR `currencySpacing`)."""
        pattern = self._money_locale(currency).currency_formats["standard"]
        before, behind = pattern.prefix[value < 0], pattern.suffix[value < 0]
        symbol = self.symbol(currency)
        return f"{self._ahead(before, symbol)}{self.number(abs(value), digits)}{behind.replace('¤', symbol)}"

    def _ahead(self, before: str, symbol: str) -> str:
        return before.replace("¤", symbol + NBSP if before.endswith("¤") and symbol[-1].isalpha() else symbol)

    # --- time --------------------------------------------------------------------------------------------------------------------

    def clock(self, utc_ms: int, zone: str) -> str:
        """Local time of day: `14:29`."""
        return f"{_local(utc_ms, zone):%H:%M}"

    def date(self, utc_ms: int, zone: str) -> str:
        """Local date: `22 Nov 2026`, `22.11.2026`."""
        return format_date(_local(utc_ms, zone).date(), format="medium", locale=self._locale)

    def date_clock(self, utc_ms: int, zone: str) -> str:
        """Local date and time with the zone's abbreviation, for papers that must stand on their own: `22 Nov 2026, 14:29:07 CET`."""
        local = _local(utc_ms, zone)
        return f"{self.date(utc_ms, zone)}, {local:%H:%M:%S} {local.tzname()}"

    def duration(self, seconds: int) -> str:
        """Hours and minutes, whole minutes only: `0:21 h`."""
        hours, rest = divmod(max(0, seconds), 3600)
        return f"{hours}:{rest // 60:02}{NBSP}{self.say('unit.clock_hours')}"

    def duration_exact(self, seconds: int) -> str:
        """To the second, for what is billed by time: `0:21:32 h`."""
        hours, rest = divmod(max(0, seconds), 3600)
        return f"{hours}:{rest // 60:02}:{rest % 60:02}{NBSP}{self.say('unit.clock_hours')}"

    def countdown(self, seconds: int) -> str:
        """Minutes and seconds left: `4:32`."""
        minutes, rest = divmod(max(0, seconds), 60)
        return f"{minutes}:{rest:02}"


@lru_cache(maxsize=1_024)
def _numeral(rounded: str, digits: int, locale: Locale) -> str:
    """The same few prices stand on one page after another."""
    pattern = "#,##0." + "0" * digits if digits else "#,##0"
    return format_decimal(Decimal(rounded), format=pattern, locale=locale).translate(_NARROW)


def _digits(value: Decimal, least: int) -> int:
    """As many decimals as the value has, and `least` of them."""
    _, digits, power = value.normalize().as_tuple()
    assert isinstance(power, int), f"{value} of {digits} is no number"
    return max(least, -power)


@lru_cache(maxsize=16)
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise WordingError(f"{name!r} is no time zone: use an IANA name such as Europe/Berlin") from error


def _local(utc_ms: int, zone: str) -> datetime:
    return (_EPOCH + timedelta(milliseconds=utc_ms)).astimezone(_zone(zone))
