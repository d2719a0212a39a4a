"""Bad input at every door: the screen's socket, the journal on the disk, the configuration."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from pathlib import Path

import pytest
from driver import Driver
from stand import Stand, price_of, run, settled, stand, until

from kiosk import ASSETS
from kiosk.journal.reader import Reader
from kiosk.protocol import MAX_LINE, VERSION, Ack, Hello, encode
from kiosk.session import facts as f

HELLO = encode(Hello(VERSION, (217, 136), ("en",)))
BAD_LINES = {
    "garbage": b"\x00\xff\xfe not json\n",
    "not an object": b"[1,2,3]\n",
    "another version": encode(Hello(VERSION + 1, (217, 136), ("en",))),
    "no hello first": encode(Ack(1)),
    "an oversized line": HELLO + b"x" * (MAX_LINE + 10) + b"\n",
    "an oversized line without an end": HELLO + b"y" * (2 * MAX_LINE),
    "what only core says": HELLO + b'{"type":"Result","id":"1","code":"done"}\n',
    "unknown keys": HELLO + b'{"type":"Ack","seq":1,"more":true}\n',
    "a number that is a text": HELLO + b'{"type":"Ack","seq":"1"}\n',
    "arguments that are a list": HELLO + b'{"type":"Intent","id":"1","visit":1,"seq":1,"kind":"choose","args":["connector"]}\n',
    "an id that is an object": HELLO + b'{"type":"Intent","id":{},"visit":1,"seq":1,"kind":"choose","args":{}}\n',
    "deeply nested": HELLO + b"[" * 100_000 + b"\n",
}


async def hung_up_on(site: Stand, line: bytes) -> None:
    """Core closes a connection that says this."""
    reader, writer = await asyncio.open_unix_connection(site.house.socket, limit=1 << 22)
    try:
        writer.write(line)
        async with asyncio.timeout(30):
            while await reader.read(1 << 16):
                pass
    except ConnectionError:
        pass
    finally:
        writer.close()


async def test_a_charge_goes_on_whatever_the_screen_socket_hears(folder: Path):
    async with stand(folder) as site:
        await site.charge()
        pid = site.house.core.pid
        for what, line in BAD_LINES.items():
            await hung_up_on(site, line)
            assert site.house.core.pid == pid, what
        await site.sit_down()
        await site.driver.page("charging")
        await site.end()
        await site.receipt_shown()
        await site.captured()
        log = (site.house.folder / "core.log").read_text()
        assert "Traceback" not in log


async def test_intents_that_are_old_repeated_or_senseless_do_nothing(folder: Path):
    async with stand(folder) as site:
        driver = site.driver
        old = driver.snapshot.visit
        await driver.press("choose", letter="A")
        await driver.page("price")
        assert await driver.send("back") == "done"
        await driver.page("idle")
        assert await driver.send("choose", {"connector": "DE*LND*E0417*1"}, visit=old) == "stale"
        assert await driver.send("choose", {"connector": "nowhere"}) == "done"
        assert await driver.send("accept") == "refused"
        assert await driver.send("confirm_stop") == "done"
        assert await driver.send("digit", {"digit": "12"}) == "refused"
        assert await driver.send("language", {"code": "xx"}) == "refused"
        assert (await driver.page("idle")).page == "idle"
        await driver.press("choose", letter="A")
        await driver.page("price")
        assert await driver.send("accept", id_="twice") == "done"
        assert await driver.send("accept", id_="twice") == "stale"
        await driver.send("accept")
        await site.asked_for_card()
        assert len(site.facts(f.SessionOpened)) == len(site.facts(f.PreauthorizationRequested)) == 1


async def test_the_newest_screen_is_the_screen(folder: Path):
    async with stand(folder) as site:
        first = site.driver
        second = await Driver.sit_down(site.house.socket)
        await second.page("idle")
        await until(lambda: first.gone, "the first screen to be hung up on")
        await second.leave()


async def test_a_journal_with_an_edited_byte_sells_nothing_and_settles_what_is_open(folder: Path):
    async with stand(folder) as site:
        await site.charge()
        await site.house.core.cut()
        _edit(site.house.journal, "QuoteAgreed", b"Electricity", b"Electrocity")
        site.house.core.start()
        await site.sit_down()
        site.pile.unplug(1)
        await site.closed()
        settled(site.payment, price_of("A", site.delivery.mwh))
        await site.driver.page("finished")  # whoever unplugged is shown what it came to all the same
        await site.driver.press("finish")
        page = await site.driver.page("out_of_order")
        assert page.title == "You cannot start a charge here now."
        assert page.what == "We must check our records first. Running charges go on and are settled."
        assert page.call == "If you call us, say code K02 and E0417."
        assert page.connectors == ()
        await site.driver.send("choose", {"connector": "DE*LND*E0417*1"})
        await site.driver.send("accept")
        assert len(site.facts(f.SessionOpened)) == 1
        assert run("journal", "verify", str(site.house.journal)).returncode == 1
        assert "Traceback" not in (site.house.folder / "core.log").read_text()


def _edit(journal: Path, kind: str, old: bytes, new: bytes) -> None:
    """Change a byte of the first such entry, as somebody with the disk in his hands can."""
    with Reader.open(journal) as reader:
        entry = next(stored for stored in reader.read() if kind.lower() in stored.kind.lower().replace("_", ""))
    assert old in entry.body
    db = sqlite3.connect(journal)
    for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        db.execute(f'DROP TRIGGER "{name}"')
    db.execute("UPDATE entries SET body = ? WHERE seq = ?", (entry.body.replace(old, new), entry.seq))
    db.commit()
    db.close()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration that is good, and will be spoilt by one key."""
    folder = tmp_path_factory.mktemp("config")
    shutil.copytree(ASSETS / "demo", folder, dirs_exist_ok=True)
    secrets = folder / "secrets"
    secrets.mkdir(mode=0o700)
    for name in ("terminal.passphrase", "acquirer.key", "webhook.key", "terminal-root.pem"):
        (secrets / name).touch(mode=0o600)
        (secrets / name).write_text("secret")
    return folder


@pytest.mark.parametrize(
    ("setting", "key", "mend"),
    [
        ("policies.plug_timeout_second=60", "plug_timeout_second", "plug_timeout_seconds"),
        ("policies.margin=1.005", "policies.margin", "1.01"),
        ('site.currency="Euro"', "site.currency", "EUR"),
        ("printer.port=99999", "printer.port", "65535"),
        ('acquirer.hmac_key_file="secrets/nowhere.key"', "acquirer.hmac_key_file", "chmod 600"),
    ],
)
def test_bad_configuration_is_refused_with_file_key_and_mend(home: Path, setting: str, key: str, mend: str):
    refused = run("core", "--config", str(home / "kiosk.toml"), "--set", setting)
    assert refused.returncode == 1
    for part in ("kiosk.toml", key, mend):
        assert part in refused.stderr, refused.stderr
    assert "Traceback" not in refused.stderr
    assert "secret\n" not in refused.stderr


def test_a_tariff_that_is_not_there_is_refused_by_check_as_well(home: Path):
    file = home / "kiosk.toml"
    good = file.read_text()
    file.write_text(good.replace('tariff = "ac22"', 'tariff = "ac2"'))
    try:
        for command in ("check", "core"):
            refused = run(command, "--config", str(file))
            assert refused.returncode == 1
            said = refused.stdout + refused.stderr
            for part in ("kiosk.toml", "tariff", "ac2"):
                assert part in said, said
    finally:
        file.write_text(good)
