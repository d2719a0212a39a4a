"""The shape of `kiosk.toml`: one class a table. Descriptions say what to write; they are the mend when a key is missing."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from kiosk.config.fields import (
    Amount,
    Currency,
    EvseId,
    FilePath,
    Host,
    Language,
    Letter,
    Name,
    Notice,
    Port,
    Seconds,
    Section,
    SocketPath,
    VatNumber,
    Words,
    Zone,
)
from kiosk.pricing.ceiling import ceiling
from kiosk.pricing.model import Tariff
from kiosk.values import ConnectorId, Money, exponent

Profile = Literal["eu", "de", "uk", "us", "ca"]
KeyText = Annotated[str, Field(min_length=1, max_length=2_000)]
Plug = Literal["ccs", "type2", "chademo", "nacs", "type1", "schuko"]


def _power(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("is not a number of kilowatts: write it without quotes, such as 22 or 3.7")
    if not Decimal(value).is_finite() or not 0 < value <= 2_000:
        raise ValueError(f"{value} is out of range: the power is in kW")
    return Decimal(value)


def _price(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not 0 <= value <= 1_000_000:
        raise ValueError("is not the price of a kWh: write it in major units without quotes, such as 0.29")
    return Decimal(value)


class Site(Section):
    """Who sells here, and where."""

    kiosk_id: Name = Field(description='the name of this kiosk in references and the fleet, such as "lindenhof-e0417"')
    operator: Words = Field(description='the legal name of the seller, as on an invoice, such as "Lindenhof Energy GmbH"')
    brand: Words = Field(description='the name drivers know, such as "Lindenhof Energy"')
    address: list[Words] = Field(min_length=1, max_length=4, description='the seller\'s address by lines, ["Lindenweg 4", "10115 Berlin"]')
    vat_number: VatNumber = Field(description='the VAT or tax number, such as "DE123456789"')
    station_id: EvseId = Field(description='the station\'s number as painted on it, such as "DE*LND*E0417"')
    helpline: Words = Field(description='the number drivers call, staffed and free of charge, such as "0800 555 0417"')
    time_zone: Zone = Field(description='the IANA zone of the site, such as "Europe/Berlin"')
    currency: Currency = Field(description='the ISO 4217 code, such as "EUR"')
    profile: Profile = Field(description="the country's rules: eu, de, uk, us or ca")
    languages: list[Language] = Field(min_length=1, description='ISO 639 codes, the default first, such as ["de", "en"]')
    notices: list[Notice] = Field(default=[], max_length=4, description="sentences the law of the place wants at the end of a receipt")

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        if len(set(self.languages)) != len(self.languages):
            raise ValueError("languages: one is listed twice: remove it")
        return self


class Connector(Section):
    """A plug a driver can buy from. `hold` is reserved on the card where `hold.policy` is `fixed`; left out, the tariff's
    `preauthorize_amount` is.

    Where its meter signs, its public key stands in `meter_public_key` or in a file (hex, base64 or PEM).
    """

    number: int = Field(ge=1, le=99, description="the OCPP connectorId on its pile, from 1")
    letter: Letter = Field(description="the capital letter painted on the plug")
    evse_id: EvseId = Field(description='the EVSE ID, such as "DE*LND*E0417*1"')
    plug: Plug = Field(description="ccs, type2, chademo, nacs, type1 or schuko")
    power_kw: Annotated[Decimal, BeforeValidator(_power)] = Field(description="the most it gives, in kW")
    tariff: Name = Field(description="the name of a file in tariffs/, without .json")
    hold: Amount | None = None
    meter_public_key: KeyText | None = None
    meter_public_key_file: FilePath | None = None
    meter_serial: Words | None = None

    @model_validator(mode="after")
    def _one_key(self) -> Self:
        if self.meter_public_key is not None and self.meter_public_key_file is not None:
            raise ValueError("meter_public_key and meter_public_key_file are the same thing: give one of them")
        return self

    @property
    def id(self) -> ConnectorId:
        return ConnectorId(self.evse_id)

    @property
    def max_power_w(self) -> int:
        return int(self.power_kw * 1_000)


class Pile(Section):
    """A charging controller. `password_file` holds its Basic password (OCPP security profile 1 and 2)."""

    identity: Name = Field(description="the last part of the URL the pile connects to")
    serial: Words | None = None
    password_file: FilePath | None = None
    connectors: list[Connector] = Field(min_length=1, description="at least one [[piles.connectors]] table")


class Terminal(Section):
    """The payment terminal beside the screen."""

    driver: Literal["adyen_local"] = Field(description='"adyen_local"')
    host: Host = Field(description="the terminal's address on the site's network")
    port: Port = 8443
    poi_id: str = Field(pattern=r"^[A-Za-z0-9]+-[A-Za-z0-9]+$", description='model-serial, such as "S1U2-000158215131748"')
    sale_id: Name = Field(description="the name of this kiosk at the terminal")
    key_identifier: Words = Field(description="the shared key's identifier, from the Customer Area")
    key_version: int = Field(ge=0, description="the shared key's version, from the Customer Area")
    passphrase_file: FilePath = Field(description="the file with the shared key's passphrase, mode 0600")
    root_ca: FilePath = Field(description="the file with Adyen's terminal fleet root certificate (PEM)")
    environment: Literal["test", "live"] = Field(description="test or live")
    reader_side: Literal["left", "right", "below"] = "right"


class Acquirer(Section):
    """Who moves the money, and where its confirmations arrive."""

    driver: Literal["adyen_checkout"] = Field(description='"adyen_checkout"')
    base_url: str = Field(pattern=r"^https?://[^\s]+$", description='such as "https://checkout-test.adyen.com/v72"')
    merchant_account: Words = Field(description="the merchant account in the Customer Area")
    api_key_file: FilePath = Field(description="the file with the API key that captures and cancels, mode 0600")
    root_ca: FilePath | None = None
    hmac_key_file: FilePath = Field(description="the file with the webhook's HMAC key, mode 0600")
    webhook_host: Host = "127.0.0.1"
    webhook_port: Port = 8444
    webhook_user: Words | None = None
    webhook_password_file: FilePath | None = None
    refund_key_file: FilePath | None = None

    @model_validator(mode="after")
    def _both(self) -> Self:
        if (self.webhook_user is None) != (self.webhook_password_file is None):
            raise ValueError("webhook_user and webhook_password_file belong together: give both or neither")
        return self


class Printer(Section):
    driver: Literal["escpos_tcp"] = Field(description='"escpos_tcp"')
    host: Host = Field(description="the printer's address")
    port: Port = 9100
    columns: int = Field(48, ge=24, le=64)


class Reader(Section):
    """The reader of RFID tags, one that tells each tag as a line of digits: at a serial port (`device`), or behind a serial server
    (`host` and `port`). `byte_order` is `reversed` where it tells the last byte of a UID first."""

    driver: Literal["line"] = Field(description='"line"')
    device: FilePath | None = None
    baud: Literal[9_600, 19_200, 38_400, 57_600, 115_200] = 9_600
    host: Host | None = None
    port: Port | None = None
    byte_order: Literal["wire", "reversed"] = "wire"

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.device is None) == (self.host is None) or (self.host is None) != (self.port is None):
            raise ValueError('give either device, such as "/dev/serial/by-id/usb-reader", or host and port')
        return self


class Accounts(Section):
    """Who may charge with an RFID tag: the list of tags, a file of mode 0600."""

    file: FilePath = Field(description='the list of tags, such as "/etc/pilepay/accounts.toml", mode 0600')


class Screen(Section):
    """Where the screen finds its core. What panel it draws on, the screen is told itself."""

    socket: SocketPath = Field(description='where core and screen meet, such as "/run/pilepay/screen"')


class Ocpp(Section):
    """Where the piles connect to."""

    host: Host = "127.0.0.1"
    port: Port = 9000


def _csms_url(text: str) -> str:
    if "@" in text:
        raise ValueError("holds a name or a password: write it without, and the password into password_file")
    if not re.fullmatch(r"wss?://[^\s?#]+", text):
        raise ValueError("is no address of a WebSocket: write one such as wss://csms.example/ocpp")
    try:
        host, _ = urlsplit(text).hostname or "", urlsplit(text).port
    except ValueError:
        host = ""
    if not host:
        raise ValueError("has no host, or no port that can be: write one such as wss://csms.example/ocpp")
    if text.startswith("ws://") and not _loopback(host):
        raise ValueError("ws:// is for this machine only: what others can read is sent by wss://")
    return text


class Upstream(Section):
    """The operator's own system (CSMS), which is told of every charge over OCPP 1.6. `url` ends before the identity; `password_file` holds
    the Basic password. A message it refuses is sent `attempts` times, `retry_seconds` after the first refusal, twice that after the second.
    """

    url: Annotated[str, AfterValidator(_csms_url)] = Field(description='such as "wss://csms.example/ocpp"')
    identity: Name = Field(description="the name of this kiosk there, the last part of the URL it connects to")
    password_file: FilePath | None = None
    root_ca: FilePath | None = None
    heartbeat_seconds: int = Field(300, ge=1, le=86_400)
    attempts: int = Field(5, ge=1, le=100)
    retry_seconds: int = Field(30, ge=1, le=3_600)

    @model_validator(mode="after")
    def _root_for_tls(self) -> Self:
        if self.url.startswith("ws://") and self.root_ca is not None:
            raise ValueError("root_ca is of no use to ws://: leave it out")
        return self


class Journal(Section):
    """`stall_seconds`: how long its disk may stand still before the kiosk is started anew."""

    directory: FilePath = Field(description='the folder of the journal, such as "/var/lib/pilepay"')
    stall_seconds: int = Field(300, ge=60, le=3_600)

    @model_validator(mode="after")
    def _room_for_the_office(self) -> Self:
        if len(str(self.directory / "office").encode()) > 107:
            raise ValueError(f"directory: a Unix socket lies in it, and {self.directory} is too long for one: choose a shorter path")
        return self


class Hold(Section):
    """How much is reserved: a `fixed` amount; what the plug's full `power` comes to in `minutes`, between `least` and `most`; what the
    `driver` picks of `choices`; or in `steps`: `step` at first, and by as much more up to `most`."""

    policy: Literal["fixed", "power", "driver", "steps"] = "fixed"
    minutes: int = Field(45, ge=1, le=600)
    least: Amount | None = None
    most: Amount | None = None
    choices: list[Amount] = Field(default_factory=list, max_length=4)
    step: Amount | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.policy == "driver" and len(self.choices) < 2:
            raise ValueError("choices is missing: the driver needs two to four amounts, such as [20.00, 40.00, 80.00]")
        if self.policy in ("power", "steps") and self.most is None:
            raise ValueError("most is missing: say the most that may ever be reserved, such as 80.00")
        if self.policy == "steps" and (self.step is None or not self.step or self.most is None or self.step > self.most):
            raise ValueError("step is missing, or above most: say what is reserved first, such as 20.00")
        if self.least is not None and self.most is not None and self.least > self.most:
            raise ValueError("least is above most: turn them round")
        if sorted(set(self.choices), key=lambda m: m.minor) != self.choices:
            raise ValueError("choices must rise, each once, such as [20.00, 40.00, 80.00]")
        return self


class OfflineSales(Section):
    """What is sold while cards cannot be authorized: see `kiosk.session.setup.Offline`."""

    rule: Literal["closed", "rfid_only", "free", "capped"] = "closed"
    sale: Amount | None = None
    stored: Amount | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.rule == "capped" and (self.sale is None or self.stored is None or self.sale > self.stored):
            raise ValueError(
                "capped needs sale and stored: the most for one sale, and for all that no bank has seen, such as 15.00 and 150.00"
            )
        return self


class Metering(Section):
    """What signed meter values are for: see `kiosk.session.setup.SIGNED`. They are checked with the connector's `meter_public_key`."""

    signed: Literal["ignore", "check", "require"] = "ignore"


class Retention(Section):
    """How long personal data is kept. The journal's chain holds digests only, and verifies without them."""

    card_recognition_days: int = Field(30, ge=1, le=3_650)
    frame_days: int = Field(400, ge=1, le=3_650)


class Policies(Section):
    """The rules of a sale. Durations and counts have defaults; money depends on the currency and is always said."""

    margin: Amount = Field(description="how far below the reserved amount charging stops, such as 1.00")
    smallest_hold: Amount = Field(description="the least reserved amount a charge is started for, such as 5.00")
    pay_timeout_seconds: Seconds = 90
    cards_per_sale: int = Field(5, ge=1, le=20)
    plug_timeout_seconds: Seconds = 300
    start_ahead_seconds: Seconds = 15
    start_timeout_seconds: Seconds = 60
    stop_timeout_seconds: Seconds = 30
    preauth_query_seconds: int = Field(5, ge=5, le=60)  # the terminal wants at least 5 s between two questions
    preauth_give_up_seconds: Seconds = 300
    preauth_not_found_times: int = Field(3, ge=2, le=20)
    cancel_window_seconds: Seconds = 86_400
    key_life_seconds: Seconds = 604_800
    capture_alarm_seconds: Seconds = 43_200
    retry_first_seconds: Seconds = 2
    retry_max_seconds: Seconds = 300
    pile_silent_seconds: Seconds = 300
    lost_stop_seconds: Seconds = 150
    lost_pile_seconds: Seconds = 14_400
    note_seconds: int = Field(60, ge=1, le=60)
    stop_code_misses: int = Field(3, ge=1, le=10)
    stop_code_lock_seconds: Seconds = 60
    proof_seconds: Seconds = 120
    longest_stay_seconds: Seconds = 43_200
    retry_seconds: Seconds = 60
    starts_per_sale: int = Field(3, ge=1, le=9)
    report_seconds: int = Field(5, ge=1, le=900)
    review_seconds: Seconds = 345_600
    hold_days: dict[str, int] = Field(default_factory=dict)
    idle_after_seconds: Seconds = 30
    finished_seconds: Seconds = 60

    @model_validator(mode="after")
    def _order(self) -> Self:
        if self.retry_max_seconds < self.retry_first_seconds:
            raise ValueError("retry_max_seconds is shorter than retry_first_seconds: make it longer")
        if self.preauth_give_up_seconds >= self.cancel_window_seconds:
            raise ValueError("preauth_give_up_seconds leaves no time to cancel: make it shorter than cancel_window_seconds")
        if self.smallest_hold <= self.margin:
            raise ValueError("smallest_hold is not above margin: nothing could be charged for it")
        if any(not 1 <= days <= 400 for days in self.hold_days.values()):
            raise ValueError("hold_days are days by card brand, such as { visa = 5, other = 4 }")
        return self


class Source(Section):
    """Where discounts come from: a `file` or an address (`http`) with JSON, a simulated `sun`, or a `plugin` of another package.

    One that is asked `for` a card is asked when a card pays; what it says lowers that sale's price. Any other is for everybody.
    """

    name: Name = Field(description='a name for the log, such as "roof"')
    kind: Literal["file", "http", "sun", "plugin"] = Field(description="file, http, sun or plugin")
    asks: Literal["everybody", "card"] = "everybody"
    every_seconds: Seconds = 60
    file: FilePath | None = None
    url: str | None = Field(None, pattern=r"^https?://[^\s@]+$", description='such as "https://loyalty.example/discounts"')
    token_file: FilePath | None = None
    root_ca: FilePath | None = None
    price: Annotated[Decimal, BeforeValidator(_price)] | None = None
    plugin: Name | None = None
    options: dict[str, str | int | bool] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        needs = {"file": "file", "http": "url", "sun": "price", "plugin": "plugin"}
        key = needs[self.kind]
        if getattr(self, key) is None:
            raise ValueError(f"{key} is missing: a source of kind {self.kind} needs it")
        strange = [k for k in needs.values() if k != key and getattr(self, k) is not None]
        strange += [k for k in ("token_file", "root_ca") if self.kind != "http" and getattr(self, k) is not None]
        strange += ["options"] if self.options and self.kind != "plugin" else []
        if strange:
            raise ValueError(f"{strange[0]} is of no use to a source of kind {self.kind}: leave it out")
        if self.url is not None and self.url.startswith("http://") and not _loopback(urlsplit(self.url).hostname or ""):
            raise ValueError("url: http:// is for this machine only: who can be read by others is asked by https://")
        return self


class Recognition(Section):
    """How cards are known again. `key_file` holds a key of at least 32 characters that several kiosks share, where a loyalty service is to
    know their cards; left out, each kiosk has its own."""

    key_file: FilePath | None = None


class File(Section):
    """The whole of `kiosk.toml`."""

    site: Site = Field(description="the [site] table")
    piles: list[Pile] = Field(min_length=1, description="at least one [[piles]] table")
    terminal: Terminal = Field(description="the [terminal] table")
    acquirer: Acquirer = Field(description="the [acquirer] table")
    printer: Printer | None = None
    reader: Reader | None = None
    accounts: Accounts | None = None
    screen: Screen = Field(description="the [screen] table")
    ocpp: Ocpp = Field(default_factory=Ocpp)
    upstream: Upstream | None = None
    journal: Journal = Field(description="the [journal] table")
    policies: Policies = Field(description="the [policies] table")
    hold: Hold = Field(default_factory=lambda: Hold.model_validate({}))
    offline: OfflineSales = Field(default_factory=lambda: OfflineSales.model_validate({}))
    metering: Metering = Field(default_factory=lambda: Metering.model_validate({}))
    retention: Retention = Field(default_factory=lambda: Retention.model_validate({}))
    sources: list[Source] = Field(default_factory=list, max_length=16)
    recognition: Recognition = Field(default_factory=lambda: Recognition.model_validate({}))


def _loopback(host: str) -> bool:
    return ipaddress.ip_address(host).is_loopback if _is_address(host) else host == "localhost"


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


@dataclass(frozen=True)
class Config:
    """A configuration that holds together. `tariffs` are by file name, `holds` by connector."""

    path: Path
    site: Site
    piles: tuple[Pile, ...]
    terminal: Terminal
    acquirer: Acquirer
    printer: Printer | None
    reader: Reader | None
    accounts: Accounts | None
    screen: Screen
    ocpp: Ocpp
    upstream: Upstream | None
    journal: Journal
    policies: Policies
    hold: Hold
    offline: OfflineSales
    metering: Metering
    retention: Retention
    sources: tuple[Source, ...]
    recognition: Recognition
    tariffs: Mapping[str, Tariff]

    @property
    def loopback_only(self) -> bool:
        """Whether every far end that this kiosk calls is on this machine."""
        hosts = [self.terminal.host, urlsplit(self.acquirer.base_url).hostname or ""]
        hosts += [self.printer.host] if self.printer else []
        hosts += [urlsplit(self.upstream.url).hostname or ""] if self.upstream else []
        hosts += [self.reader.host] if self.reader and self.reader.host else []
        hosts += [urlsplit(source.url).hostname or "" for source in self.sources if source.url is not None]
        return all(_loopback(host) for host in hosts)

    def tariff_for(self, connector: Connector) -> Tariff:
        return self.tariffs[connector.tariff]

    def hold_for(self, connector: Connector) -> HoldTerms:
        """What is reserved on the card before this connector starts, and what it may become."""
        tariff = self.tariff_for(connector)
        return hold_terms(self.hold, connector, tariff, self.site.currency)


@dataclass(frozen=True)
class HoldTerms:
    """`hold` is reserved at first; the driver may pick one of `choices` instead; with `step` it grows by that much up to `most`."""

    hold: Money
    choices: tuple[Money, ...] = ()
    step: Money | None = None
    most: Money | None = None


def hold_terms(rule: Hold, connector: Connector, tariff: Tariff, currency: str) -> HoldTerms:
    """The hold of a connector. Raises ValueError when nothing says how much it is, or one of two that differ would be passed over."""
    if rule.policy != "fixed" and connector.hold is not None:
        raise ValueError(f"hold.policy is {rule.policy!r}, which says how much is reserved: leave this out, or make the policy 'fixed'")
    match rule.policy:
        case "driver":
            return HoldTerms(rule.choices[len(rule.choices) // 2], tuple(rule.choices))
        case "steps":
            assert rule.step is not None
            return HoldTerms(rule.step, step=rule.step, most=rule.most)
        case "power":
            return HoldTerms(_at_full_power(rule, connector, tariff))
    if connector.hold is not None:
        return HoldTerms(connector.hold)
    if tariff.preauthorize_amount is None:
        raise ValueError("is missing: say how much is reserved on the card, such as 50.00, or give the tariff a preauthorize_amount")
    return HoldTerms(Money.of(tariff.preauthorize_amount, currency))


def _at_full_power(rule: Hold, connector: Connector, tariff: Tariff) -> Money:
    """What full power comes to in the given time at the dearest hour, in whole units of the currency."""
    ms = rule.minutes * 60_000
    most = ceiling(tariff).over(connector.max_power_w * ms // 3_600, ms)
    unit = 10 ** exponent(most.currency)
    whole = Money(-(-most.minor // unit) * unit, most.currency)
    assert rule.most is not None
    return min(rule.most, max(whole, rule.least or whole))
