"""From the configuration to the parts of one kiosk: drivers, rules, places. Nothing here runs."""

from __future__ import annotations

import secrets
import ssl
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType

from hardware.api import CardReader, PaymentTerminal, ReceiptPrinter, TerminalEvent
from hardware.clock import Clock
from hardware.printers.escpos.tcp import EscposTcpPrinter
from hardware.readers.line import LineReader
from hardware.readers.uid import normal
from hardware.readers.ways import SerialWay, TcpWay, Way
from hardware.terminals.adyen.local import AdyenLocalConfig, AdyenLocalTerminal
from hardware.terminals.adyen.nexo import NexoKey
from hardware.terminals.adyen.notifications import DisplayListener
from kiosk.accounts.book import Book
from kiosk.accounts.listed import Terms
from kiosk.config.load import meter_key, read_secret
from kiosk.config.model import Config
from kiosk.config.model import Connector as Plug
from kiosk.config.model import Source as SourceTable
from kiosk.core.clock import SystemClock
from kiosk.core.effects import Pace
from kiosk.core.ids import known_tag
from kiosk.core.pages.view import Offer
from kiosk.core.pages.view import Place as Screen
from kiosk.journal.files import write_new
from kiosk.ocpp.seam import PileSettings
from kiosk.payments.adyen_checkout import AdyenCheckout
from kiosk.payments.webhooks import BasicAuth, Webhooks
from kiosk.receipts.receipt import Place, Seller
from kiosk.session.money import session_of
from kiosk.session.setup import HOLD_DAYS, Connector, Offline, Policy, Setup
from kiosk.session.visit import Times
from kiosk.sources.api import Source
from kiosk.sources.asker import Asked, Asker
from kiosk.sources.file import FileSource
from kiosk.sources.http import HttpSource
from kiosk.sources.kinds import plugin
from kiosk.sources.sun import ClearSky
from kiosk.values import ConnectorId, Digest
from kiosk.wording.wording import NBSP

_SECRET_BYTES = 32


def setup(config: Config) -> Setup:
    """Connectors and rules of the sales."""
    p = config.policies
    connectors = tuple(
        Connector(c.id, c.letter, c.evse_id, pile.identity, c.number, c.plug, c.max_power_w, meter_key(c), c.meter_serial or "")
        for pile in config.piles
        for c in pile.connectors
    )
    policy = Policy(
        margin=p.margin,
        smallest_hold=p.smallest_hold,
        pay_s=p.pay_timeout_seconds,
        most_cards=p.cards_per_sale,
        plug_s=p.plug_timeout_seconds,
        start_ahead_s=p.start_ahead_seconds,
        start_s=p.start_timeout_seconds,
        stop_s=p.stop_timeout_seconds,
        preauth_give_up_s=p.preauth_give_up_seconds,
        not_found_times=p.preauth_not_found_times,
        cancel_window_s=p.cancel_window_seconds,
        key_life_s=p.key_life_seconds,
        capture_alarm_s=p.capture_alarm_seconds,
        pile_silent_s=p.pile_silent_seconds,
        lost_stop_s=p.lost_stop_seconds,
        lost_pile_s=p.lost_pile_seconds,
        note_s=p.note_seconds,
        code_misses=p.stop_code_misses,
        code_lock_s=p.stop_code_lock_seconds,
        proof_s=p.proof_seconds,
        longest_stay_s=p.longest_stay_seconds,
        retry_s=p.retry_seconds,
        most_starts=p.starts_per_sale,
        report_s=p.report_seconds,
        review_s=p.review_seconds,
        hold_days=MappingProxyType({**HOLD_DAYS, **p.hold_days}),
        offline=Offline(config.offline.rule, config.offline.sale, config.offline.stored),
        signed=config.metering.signed,
    )
    return Setup(config.site.kiosk_id, config.site.currency, connectors, policy)


def pace(config: Config) -> Pace:
    p = config.policies
    return Pace(p.preauth_query_seconds, p.retry_first_seconds, p.retry_max_seconds)


def times(config: Config) -> Times:
    return Times(config.policies.idle_after_seconds, config.policies.finished_seconds)


def screen_place(config: Config) -> Screen:
    """The site as the screen speaks of it."""
    site = config.site
    offers = {c.id: _offer(config, c) for pile in config.piles for c in pile.connectors}
    languages = tuple(site.languages)
    helpline = site.helpline.replace(" ", NBSP)  # a number is not broken over two lines
    return Screen(site.brand, site.station_id, helpline, site.time_zone, languages, config.terminal.reader_side, offers)


def _offer(config: Config, connector: Plug) -> Offer:
    terms = config.hold_for(connector)
    return Offer(config.tariff_for(connector), terms.hold, terms.choices, terms.step, terms.most)


def seller(config: Config) -> Seller:
    site = config.site
    prefix = f"{site.station_id.rsplit('*', 1)[-1]}-"
    return Seller(site.operator, tuple(site.address), site.vat_number, site.helpline, prefix, tuple(site.notices))


def receipt_place(config: Config, connector: ConnectorId) -> Place:
    site = config.site
    found = next(((pile, c) for pile in config.piles for c in pile.connectors if c.id == connector), None)
    if found is None:
        return Place(site.brand, tuple(site.address), connector, "")
    pile, c = found
    return Place(site.brand, tuple(site.address), connector, c.letter, pile.serial or "", c.meter_serial or "")


def terminal(config: Config, clock: Clock) -> PaymentTerminal:
    t = config.terminal
    return AdyenLocalTerminal(
        AdyenLocalConfig(
            host=t.host,
            poi_id=t.poi_id,
            sale_id=t.sale_id,
            key_identifier=t.key_identifier,
            key_version=t.key_version,
            passphrase=read_secret(t.passphrase_file),
            root_ca_pem=t.root_ca.read_text("ascii"),
            port=t.port,
            environment=t.environment,
        ),
        clock,
    )


def display(config: Config, heard: Callable[[TerminalEvent], None]) -> DisplayListener:
    """Where the terminal tells how far it is."""
    t = config.terminal
    key = NexoKey.derive(read_secret(t.passphrase_file), t.key_identifier, t.key_version)
    return DisplayListener(key, t.poi_id, t.sale_id, heard)


def acquirer(config: Config, clock: Clock) -> AdyenCheckout:
    a = config.acquirer
    tls = ssl.create_default_context(cafile=a.root_ca) if a.root_ca else None
    refund_key = read_secret(a.refund_key_file) if a.refund_key_file else None
    return AdyenCheckout(a.merchant_account, read_secret(a.api_key_file), clock, base_url=a.base_url, refund_key=refund_key, tls=tls)


def webhooks(config: Config) -> tuple[Webhooks, BasicAuth | None]:
    """Who may confirm, and how they log in. Webhooks of other kiosks on the merchant account are not ours to note."""
    a = config.acquirer
    kiosk, login = config.site.kiosk_id, None
    if a.webhook_user is not None and a.webhook_password_file is not None:
        login = BasicAuth(a.webhook_user, read_secret(a.webhook_password_file))
    return Webhooks(
        [read_secret(a.hmac_key_file)], [a.merchant_account], ours=lambda reference: session_of(kiosk, reference) is not None
    ), login


def columns(config: Config) -> int:
    """Characters a line of the paper; of the text on a screen when there is no printer."""
    return config.printer.columns if config.printer else 42


def printer(config: Config, clock: Clock) -> ReceiptPrinter | None:
    return EscposTcpPrinter(config.printer.host, config.printer.port, clock) if config.printer else None


def reader(config: Config, clock: Clock) -> CardReader | None:
    r = config.reader
    if r is None:
        return None
    way: Way | None = None
    if r.device is not None:
        way = SerialWay(r.device, r.baud)
    elif r.host is not None and r.port is not None:
        way = TcpWay(r.host, r.port, clock)
    assert way is not None, "the configuration has one of both"
    return LineReader(way, backwards=r.byte_order == "reversed")


def accounts(config: Config, known_by: Callable[[str], Digest] | None = None) -> Book | None:
    """The list of tags; `known_by` is the kiosk's own hash, left out to look only whether the list is good. Raises `AccountsError`."""
    if config.accounts is None:
        return None
    terms = Terms(config.site.currency, config.site.time_zone, normal, known_by or (lambda uid: known_tag(b"look", uid)))
    return Book(config.accounts.file, terms)


def piles(config: Config) -> tuple[PileSettings, ...]:
    return tuple(
        PileSettings(
            pile.identity,
            connectors=max(c.number for c in pile.connectors),
            password=read_secret(pile.password_file) if pile.password_file else None,
            plug_in_s=max(1, config.policies.plug_timeout_seconds - config.policies.start_ahead_seconds),  # both let go at once
            sample_s=config.policies.report_seconds,
            signed=config.metering.signed != "ignore",
        )
        for pile in config.piles
    )


def recognition_key(config: Config) -> bytes:
    """The key by which cards are known where several kiosks share it; empty when this one uses its own."""
    file = config.recognition.key_file
    key = read_secret(file).encode() if file is not None else b""
    if file is not None and len(key) < _SECRET_BYTES:
        raise SecretDamaged(f"{file} has {len(key)} characters: write a key of at least {_SECRET_BYTES}, the same at every kiosk")
    return key


def asker(config: Config, clock: SystemClock) -> Asker:
    """Who asks the sources of discounts. Raises `SourceError` for one that no package offers."""
    asked = [Asked(s.name, _source(s), s.asks == "card", s.every_seconds) for s in config.sources]
    return Asker(asked, clock, SystemClock.real(), config.site.currency, config.site.time_zone)


def _source(s: SourceTable) -> Source:
    match s.kind:
        case "file" if s.file is not None:
            return FileSource(s.file)
        case "http" if s.url is not None:
            tls = ssl.create_default_context(cafile=s.root_ca) if s.root_ca else None
            return HttpSource(s.url, read_secret(s.token_file) if s.token_file else "", tls)
        case "sun" if s.price is not None:
            return ClearSky(s.price)
    return plugin(s.plugin or "", s.options)


def kiosk_secret(directory: Path) -> bytes:
    """The kiosk's own key for keyed hashes and stop codes: made at the first start, mode 0600, never shown.

    A power cut leaves a whole key or none. Raises `SecretDamaged` for anything else: an empty key would make every stop code guessable.
    """
    path = directory / "kiosk.key"
    if not path.exists():
        directory.mkdir(parents=True, exist_ok=True)
        write_new(path, secrets.token_bytes(_SECRET_BYTES), 0o600)
    secret = path.read_bytes()
    if len(secret) != _SECRET_BYTES:
        raise SecretDamaged(f"{path} has {len(secret)} bytes instead of {_SECRET_BYTES}: restore it, or remove it to get new stop codes")
    return secret


class SecretDamaged(ValueError):
    """The kiosk's key is not what was written."""
