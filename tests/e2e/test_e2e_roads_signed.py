"""A sale whose meter signs: what holds is billed to the milliwatt-hour, what does not is for a person, and anybody can check it."""

from __future__ import annotations

import asyncio
import base64
import json
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from stand import Stand, a_bank, price_of, run, settled

from hardware.simulated.models.pile_meter import SigningMeter
from kiosk.metering.reading import Validity
from kiosk.session import facts as f

pytestmark = pytest.mark.asyncio(loop_scope="module")

METER = {"require": SigningMeter("LND-417-1", 4_711, early=True), "check": SigningMeter("LND-417-1", 4_712)}


@asynccontextmanager
async def signing(folder: Path, rule: str) -> AsyncIterator[Stand]:
    """A kiosk whose plug A has a meter that signs, and whose operator wants its values so."""
    async with a_bank() as (bank, clock):
        one = Stand(folder, clock, bank, "lindenhof-e0417", {"metering.signed": f'"{rule}"'})
        file = one.house.config
        file.write_text(_with_keys(file.read_text(), METER[rule].public_key))
        one.pile.model.equip(1, METER[rule])
        try:
            await one.open()
            bank.server.set_webhook_targets(one.house.webhook_url)
            await one.idle()
            one.begin()
            yield one
        finally:
            await one.close()


def _with_keys(text: str, key: str) -> str:
    """Plug B has a key too, for nothing may be sold without one where proof is required."""
    for letter in ("A", "B"):
        text = text.replace(f'letter = "{letter}"', f'letter = "{letter}"\nmeter_public_key = "{key}"')
    return text


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def required(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stand]:
    async with signing(tmp_path_factory.mktemp("home") / "r", "require") as one:
        yield one


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def checked(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stand]:
    async with signing(tmp_path_factory.mktemp("home") / "c", "check") as one:
        yield one


def _values(site: Stand, folder: Path, name: str) -> list[Path]:
    """The signed values of the newest sale, taken out of the bundle that a driver or a judge is given."""
    bundle = folder / f"{name}.zip"
    done = run("journal", "export", str(bundle), "--session", site.sale, "--journal", str(site.house.journal), "--evidence", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    (weighed,) = site.facts(f.SignedValuesWeighed)
    with zipfile.ZipFile(bundle) as archive:
        kept = {datum["digest"]: base64.b64decode(datum["data"]) for datum in json.loads(archive.read("evidence.json"))["evidence"]}
    files = []
    for number, digest in enumerate(weighed.evidence):
        files.append(folder / f"{name}-{number}.json")
        files[-1].write_bytes(kept[digest])
    return files


def _verdicts(files: list[Path], key: str) -> list[int]:
    return [run("meter", "verify", str(file), "--public-key", key).returncode for file in files]


async def test_what_the_meter_signed_is_billed_and_anybody_can_check_it(required: Stand, tmp_path: Path):
    site = required
    await site.calm()
    await site.charge()
    await site.end()
    await site.receipt_shown()
    await site.captured()
    (ended,), (weighed,) = site.facts(f.DeliveryEnded), site.facts(f.SignedValuesWeighed)
    assert ended.delivered.mwh == site.delivery.mwh
    assert (weighed.validity, weighed.reasons, site.reviews) == (Validity.VALID, (), [])
    assert len(site.facts(f.SignedValueKept)) == 1  # its begin came apart
    (paper,) = site.receipts
    assert weighed.key in paper
    assert weighed.evidence[0][:12] in paper
    assert weighed.key in (await site.office("receipt", site.sale)).stdout
    files = await asyncio.to_thread(_values, site, tmp_path, "sound")
    assert [base64.b64decode(json.loads(file.read_bytes())["signedMeterData"]) for file in files] == METER["require"].records[-2:]
    assert await asyncio.to_thread(_verdicts, files, METER["require"].public_key) == [0, 0]
    site.verify()


async def test_a_kiosk_killed_in_mid_charge_still_has_the_signed_begin(required: Stand):
    site = required
    await site.calm()
    await site.charge()
    await site.noted(f.SignedValueKept)
    await site.house.core.kill()
    await site.sit_down()
    site.pile.unplug(1)
    await site.captured()
    assert site.facts(f.DeliveryEnded)[0].delivered.mwh == site.delivery.mwh
    assert site.reviews == []


async def test_an_altered_value_is_not_billed_where_proof_is_required(required: Stand, tmp_path: Path):
    site = required
    await site.calm()
    site.pile.fault("tampered_value")
    await site.charge()
    page = await site.end()
    assert (page.page, page.title) == ("trouble", "The meter of plug A gave no proof.")
    assert (site.reviews, site.captures, site.payment.held.minor) == (["meter_unproven"], [], 5_000)
    (weighed,) = site.facts(f.SignedValuesWeighed)
    assert (weighed.validity, weighed.reasons) == (Validity.INVALID, ("no_match",))
    files = await asyncio.to_thread(_values, site, tmp_path, "altered")
    assert await asyncio.to_thread(_verdicts, files, METER["require"].public_key) == [0, 1]
    words = ("review", "decide", site.sale, "meter_unproven", "release", "--by", "A. Weber", "--reason", "altered")
    await site.ordered(*words)
    await site.released()


@pytest.mark.parametrize("fault", ["wrong_key", "no_signed_begin", "other_meter", "meter_error", "unsynchronised"])
async def test_nothing_else_that_fails_to_prove_is_billed(required: Stand, fault: str):
    site = required
    await site.calm()
    site.pile.fault(fault)
    await site.charge()
    await site.end()
    assert (site.reviews, site.captures) == (["meter_unproven"], [])
    await site.ordered("review", "decide", site.sale, "meter_unproven", "release", "--by", "A. Weber", "--reason", fault)
    await site.released()


async def test_an_altered_value_is_seen_and_the_registers_are_billed_where_it_is_only_checked(checked: Stand):
    site = checked
    await site.calm()
    site.pile.fault("tampered_value")
    await site.charge()
    await site.end()
    await site.receipt_shown()
    await site.closed()
    (ended,) = site.facts(f.DeliveryEnded)
    assert site.reviews == ["signed_doubtful"]
    assert settled(site.payment, price_of("A", ended.delivered.mwh)) == price_of("A", site.delivery.mwh)
    (weighed,) = site.facts(f.SignedValuesWeighed)
    assert weighed.reasons == ("no_match",)
    (paper,) = site.receipts
    assert weighed.key not in paper


async def test_a_plug_without_a_signing_meter_is_billed_by_its_registers_where_values_are_only_checked(checked: Stand):
    site = checked
    await site.calm()
    await site.charge("B", 50_000)
    await site.end("B")
    await site.receipt_shown()
    await site.captured("B")
    assert (site.reviews, site.facts(f.SignedValuesWeighed)) == ([], [])
