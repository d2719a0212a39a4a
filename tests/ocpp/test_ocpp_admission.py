"""Who may connect, and under which name."""

from __future__ import annotations

import asyncio
import base64
import datetime
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from kiosk.ocpp.seam import OcppError, PileSettings
from kiosk.ocpp.server import OcppServer


def basic(username: str, password: bytes) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(username.encode() + b":" + password).decode()}


async def refused(site, identity: str = "MO-1", **options) -> int:
    with pytest.raises(InvalidStatus) as status:
        await site.peer(identity, **options)
    return status.value.response.status_code


@pytest.mark.parametrize("identity", ["nobody", "", "MO-1/", "M" * 5_000, "%00", "%FF%FE", "mo-1", "MO-1%2Fx"])
async def test_only_known_piles_come_in(site, identity):
    assert await refused(site, identity) == 404


@pytest.mark.parametrize("path", ["MO-1", "MO-1?token=x", "%4DO-1", "deep/er/MO-1"])
async def test_the_last_segment_names_the_pile(site, path):
    pile = await site.peer(path)
    assert await pile.call("Heartbeat", {})


async def test_a_name_with_spaces_and_signs_is_decoded(world):
    async with world(PileSettings("Säule 1+2")) as site:
        assert await (await site.peer("S%C3%A4ule%201+2")).call("Heartbeat", {})


async def test_browsers_stay_outside(site):
    assert await refused(site, origin="http://127.0.0.1") == 403


@pytest.mark.parametrize("offered", [["ocpp1.6"], ["ocpp2.0.1", "ocpp1.6"], ["OCPP1.6"], ["ocpp1.6j"], None])
async def test_every_way_to_say_1_6_is_understood(site, offered):
    pile = await site.peer(subprotocols=offered)
    assert await pile.call("Heartbeat", {})


async def test_a_language_we_do_not_speak_is_refused(site):
    assert await refused(site, subprotocols=["ocpp2.0.1"]) == 400


HEX = "fffe00112233445566778899aabbccdd"


@pytest.mark.parametrize(
    ("configured", "sent"),
    [
        ("a plain password", b"a plain password"),
        (HEX, bytes.fromhex(HEX)),
        (HEX, HEX.encode()),
        (HEX, HEX.upper().encode()),
        (HEX.upper(), HEX.encode()),
    ],
)
async def test_a_password_is_taken_as_text_and_as_bytes(world, configured, sent):
    async with world(PileSettings("MO-1", password=configured)) as site:
        pile = await site.peer(additional_headers=basic("MO-1", sent))
        assert await pile.call("Heartbeat", {})


@pytest.mark.parametrize(
    "headers", [{}, basic("MO-1", b"wrong"), basic("other", b"right"), {"Authorization": "Bearer x"}, {"Authorization": "Basic %%"}]
)
async def test_a_wrong_password_waits_and_is_refused(world, headers):
    async with world(PileSettings("MO-1", password="right")) as site:
        attempt = asyncio.create_task(refused(site, additional_headers=headers))
        await site.clock.until_waiting(1, sleeping=True)
        assert not attempt.done()
        await site.clock.advance(1)
        assert await attempt == 401


def test_a_password_is_not_in_the_text_of_its_settings():
    assert "hunter2" not in repr(PileSettings("MO-1", password="hunter2"))


def test_two_piles_of_one_name_are_a_mistake():
    with pytest.raises(OcppError, match="MO-1"):
        OcppServer([PileSettings("MO-1"), PileSettings("MO-1")], tell=None, known_tag=None, clock=None)


async def test_a_pile_that_answers_no_pings_may_be_left_alone(world):
    async with world(PileSettings("QUIET", ping_interval_s=None), PileSettings("MO-1", ping_interval_s=7, ping_timeout_s=3)) as site:
        await (await site.peer("QUIET")).call("Heartbeat", {})
        await (await site.peer("MO-1")).call("Heartbeat", {})
        settings = {s.request.path: (s.ping_interval, s.ping_timeout, s.keepalive_task is None) for s in site.server._server.connections}
        assert settings == {"/ocpp/QUIET": (None, 20.0, True), "/ocpp/MO-1": (7, 3, False)}


# --- TLS ------------------------------------------------------------------------------------------------------------------------


class Authority:
    def __init__(self, folder):
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Site")])
        self.path = folder / "ca.pem"
        self.path.write_bytes(self._sign("Site", self.key, ca=True).public_bytes(serialization.Encoding.PEM))

    def _sign(self, name, key, ca=False):
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        )
        return builder.sign(self.key, hashes.SHA256())

    def context(self, name, server):
        key = ec.generate_private_key(ec.SECP256R1())
        path = self.folder / f"{name}.pem"
        pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        path.write_bytes(pem + self._sign(name, key).public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
        context.load_cert_chain(path)
        context.load_verify_locations(self.path)
        context.verify_mode = ssl.CERT_REQUIRED
        return context


async def test_a_certificate_of_the_site_opens_only_its_own_name(world, tmp_path):
    authority = Authority(tmp_path)
    piles = [PileSettings("MO-1"), PileSettings("MO-2", certificate_name="serial 4711")]
    async with world(*piles, tls=authority.context("localhost", server=True)) as site:
        address = f"wss://localhost:{site.server.port}"
        for name, identity in (("MO-1", "MO-1"), ("serial 4711", "MO-2")):
            async with connect(f"{address}/{identity}", ssl=authority.context(name, server=False), subprotocols=["ocpp1.6"]):
                pass
        with pytest.raises(InvalidStatus) as status:
            await connect(f"{address}/MO-2", ssl=authority.context("MO-1", server=False), subprotocols=["ocpp1.6"])
        assert status.value.response.status_code == 403
