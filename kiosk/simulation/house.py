"""One kiosk at home on this machine: a folder with its configuration and secrets, its far ends, its two processes.

The processes are the product's own and are supervised as systemd would: whoever dies comes back in a second.
"""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from hardware.simulated.far_ends import Bank, Site, SiteWiring
from hardware.simulated.models.pile_connector import ConnectorSpec
from hardware.simulated.models.reader import UIDS, TagKind
from hardware.simulated.models.terminal_wire import CARDS, CardKind
from hardware.simulated.roof import Roof
from hardware.terminals.adyen.nexo import NexoKey
from kiosk import ASSETS
from kiosk.core.clock import SystemClock
from kiosk.core.ids import known_card
from kiosk.core.parts import kiosk_secret

log = logging.getLogger(__name__)

_PASSPHRASE = "Demo-passphrase-1"  # noqa: S105 - both ends of the simulated wire are ours
_POI_ID = "S1U2-000158215131748"
_RESTART_S = 0.2  # as pilepay-core.service
# What the configuration of a kiosk with a reader of RFID tags says; the port is the reader's own.
HAS_READER = {"reader.driver": '"line"', "reader.host": '"127.0.0.1"', "accounts.file": '"secrets/accounts.toml"'}
MAY_REFUND = {"acquirer.refund_key_file": '"secrets/refund.key"'}
CONNECTORS = (ConnectorSpec(150_000, True, 12_345_678_000), ConnectorSpec(22_000, False, 4_321_000_000))


def _tags() -> str:
    """Whose RFID tags the operator knows: two of a fleet that share a depot, one of its yard, one that was lost, one of last year."""
    known = {
        TagKind.KNOWN: 'contract = "C-1042"\ngroup = "depot"\nmost = 40.00',
        TagKind.COLLEAGUE: 'contract = "C-1042"\ngroup = "depot"\nmost = 40.00',
        TagKind.FLEET: 'contract = "C-2000"\nseveral = true',
        TagKind.BLOCKED: 'contract = "C-1042"\nblocked = true',
        TagKind.EXPIRED: 'contract = "C-1007"\nvalid_until = 2025-12-31',
    }
    return "\n".join(f'[[tags]]\nuid = "{UIDS[kind]}"\n{terms}\n' for kind, terms in known.items())


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Process:
    """One of the product's processes, brought back whenever it ends by itself."""

    def __init__(self, name: str, arguments: Sequence[str], log_file: Path) -> None:
        self.name = name
        self._arguments = [sys.executable, "-m", "kiosk", *arguments]
        self._log_file = log_file
        self._process: asyncio.subprocess.Process | None = None
        self._wanted = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self.starts = 0

    def start(self) -> None:
        """Keep it running from now on."""
        self._wanted.set()
        if self._keeper is None:
            self._keeper = asyncio.create_task(self._keep(), name=self.name)

    async def kill(self) -> None:
        """kill -9; the supervisor brings it back."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def cut(self) -> None:
        """kill -9 and stay dead until `start`."""
        self._wanted.clear()
        await self.kill()

    async def stop(self) -> None:
        """SIGTERM, and no more supervision."""
        self._wanted.clear()
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
            self._keeper = None
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
            await self._process.wait()

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process and self._process.returncode is None else None

    async def _keep(self) -> None:
        real = SystemClock.real()
        while True:
            await self._wanted.wait()
            with self._log_file.open("ab") as out:
                self._process = await asyncio.create_subprocess_exec(*self._arguments, stdout=out, stderr=out)
            self.starts += 1
            code = await self._process.wait()
            log.info("%s ended with %s", self.name, code)
            await real.sleep(_RESTART_S)


class House:
    """A kiosk and its far ends in `folder`. `clock` is the demo's; every process follows it. `settings` are further keys of its
    configuration, such as `{"policies.plug_timeout_seconds": 60}` or `MAY_REFUND`."""

    def __init__(
        self,
        folder: Path,
        clock: SystemClock,
        bank: Bank,
        kiosk_id: str = "lindenhof-e0417",
        settings: Mapping[str, object] | None = None,
    ) -> None:
        self.folder = folder
        self.bank = bank
        self.socket = folder / "screen.socket"
        self.journal = folder / "journal" / "journal.db"
        self.webhook_port = free_port()
        self._clock = clock
        self._kiosk_id = kiosk_id
        self._settings = dict(settings or {})
        self._ocpp_port = free_port()
        self.roof = Roof(folder / "sun.json")
        self._prepare()
        pile_url = f"ws://127.0.0.1:{self._ocpp_port}/ocpp"
        wiring = SiteWiring(_POI_ID, NexoKey.derive(_PASSPHRASE, "demo", 1), "E0417", CONNECTORS, pile_url)
        self.site = Site(wiring, bank, clock, folder / "terminal")
        self.core = Process("core", (), folder / "core.log")
        self.screen: Process | None = None

    @property
    def config(self) -> Path:
        """The file with its configuration; the operator's commands want it too."""
        return self.folder / "kiosk.toml"

    @property
    def webhook_url(self) -> str:
        return f"http://127.0.0.1:{self.webhook_port}/webhooks/adyen"

    async def start(self) -> None:
        """Far ends first, then core, then the pile looks for it. The bank's webhooks must be pointed at `webhook_url`."""
        await self.site.start()
        self._secret("terminal-root.pem", self.site.terminal.root_ca_pem)
        self.core = Process("core", self._core_arguments(), self.folder / "core.log")
        self.core.start()
        self.site.terminal.notify(f"http://127.0.0.1:{self.webhook_port}/terminal/display")
        self.site.connect_pile()

    def start_screen(self, options: Sequence[str], socket: Path | None = None) -> Process:
        """The product's screen process, with options of its own; on another socket when somebody sits between it and core."""
        arguments = ("screen", "--socket", str(socket or self.socket), *options)
        self.screen = Process("screen", arguments, self.folder / "screen.log")
        self.screen.start()
        return self.screen

    async def stop(self) -> None:
        if self.screen is not None:
            await self.screen.stop()
        await self.core.stop()
        await self.site.stop()

    def _prepare(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        shutil.copytree(ASSETS / "demo", self.folder, dirs_exist_ok=True)
        self._secret("terminal.passphrase", _PASSPHRASE)
        self._secret("acquirer.key", self.bank.keys.api_key)
        self._secret("refund.key", self.bank.keys.refund_key)
        self._secret("webhook.key", self.bank.keys.hmac_key)
        self._secret("accounts.toml", _tags())
        self.roof.shine(0)
        self._members()

    def _members(self) -> None:
        """Two drivers have joined the operator's programme: their cards are known by keyed hashes, as at any kiosk."""
        self.journal.parent.mkdir(parents=True, exist_ok=True)
        key = kiosk_secret(self.journal.parent)
        silver, gold = (known_card(key, CARDS[kind].account_reference) for kind in (CardKind.SILVER, CardKind.GOLD))
        groups = {
            "silver": [{"type": "LOYALTY", "name": "Silver", "funded_by": "operator", "percent": 5}],
            "gold": [{"type": "SUBSCRIPTION", "name": "Gold", "funded_by": "operator", "kwh_left": 20}],
        }
        answer = {"for_seconds": 86_400, "groups": groups, "cards": {silver: "silver", gold: "gold"}}
        (self.folder / "cards.json").write_text(json.dumps(answer))

    def _secret(self, name: str, text: str) -> None:
        path = self.folder / "secrets" / name
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(text)

    def _core_arguments(self) -> tuple[str, ...]:
        site, keys = self.site, self.bank.keys
        settings = {
            "site.kiosk_id": f'"{self._kiosk_id}"',
            "terminal.port": site.terminal.port,
            "acquirer.base_url": f'"{self.bank.server.url}"',
            "acquirer.merchant_account": f'"{keys.merchant_account}"',
            "acquirer.webhook_port": self.webhook_port,
            "printer.port": site.printer.port,
            "ocpp.port": self._ocpp_port,
            "screen.socket": f'"{self.socket}"',
            **({"reader.port": site.reader.port} if "reader.driver" in self._settings else {}),
            **self._settings,
        }
        clock = ("--demo-clock", f"{self._clock.rate}:{self._clock.origin_ns}:{self._clock.origin_utc_ms}") if self._clock.rate != 1 else ()
        words = (word for key, value in settings.items() for word in ("--set", f"{key}={value}"))
        return ("core", "--config", str(self.config), *clock, *words)
