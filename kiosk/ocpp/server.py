"""The socket the piles connect to: who may come in, under which name, in which language.

A pile is known by the last segment of its URL. Browsers, strangers and wrong passwords are turned away before the WebSocket opens.
"""

from __future__ import annotations

import hmac
import http
import itertools
import logging
import ssl
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Self
from urllib.parse import unquote

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import InvalidHeader, NegotiationError
from websockets.headers import build_www_authenticate_basic, parse_authorization_basic
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from kiosk.ocpp.dialects.v16 import V16
from kiosk.ocpp.pile import Pile
from kiosk.ocpp.piles import Piles
from kiosk.ocpp.seam import Clock, Evidence, KnownTag, OcppError, PileSettings, Tell
from kiosk.ocpp.session import Session

_log = logging.getLogger(__name__)

_LONGEST_IDENTITY = 48
_WRONG_PASSWORD_S = 1.0
_CLOSE_S = 2.0
# A StopTransaction may carry a sample for every few seconds of a long charge; refusing it for its size would lose the sale.
_MAX_SIZE = 4 * 1024 * 1024


class OcppServer:
    """Listens for the piles in `settings`; each is served by the newest of its connections."""

    def __init__(
        self,
        settings: Iterable[PileSettings],
        *,
        tell: Tell,
        known_tag: KnownTag,
        clock: Clock,
        evidence: Evidence | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        answer_timeout_s: float = 30.0,
        max_size: int = _MAX_SIZE,
    ) -> None:
        self._known: dict[str, Pile] = {}
        for one in settings:
            if not _is_identity(one.identity) or one.identity in self._known:
                raise OcppError(
                    f"pile identity {one.identity!r} is empty, too long, unprintable or used twice: give each pile its own name"
                )
            self._known[one.identity] = Pile(one, V16(one, known_tag), tell=tell, evidence=evidence, clock=clock)
        self.piles = Piles(self._known.values())
        self._clock = clock
        self._host, self._port, self._tls = host, port, tls
        self._answer_timeout_s, self._max_size = answer_timeout_s, max_size
        self._server: Server | None = None
        started = clock.now()
        # Unique over restarts, so that a late answer to a former life is not taken for one of this.
        self._ids = (f"{started.utc_ms:x}.{started.mono_ns % 0xFFFFFF:x}.{n}" for n in itertools.count(1))

    async def start(self) -> None:
        """Raises `OcppError` when the address cannot be listened on."""
        try:
            self._server = await serve(
                self._serve,
                self._host,
                self._port,
                ssl=self._tls,
                process_request=self._admit,
                select_subprotocol=_choose,
                compression=None,
                max_size=self._max_size,
                close_timeout=_CLOSE_S,
                server_header=None,
            )
        except OSError as error:
            raise OcppError(f"cannot listen for piles on {self._host} port {self._port}: {error.strerror or error}") from error
        for pile in self._known.values():
            pile.begin()

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            for pile in self._known.values():
                await pile.end()
            await self._server.wait_closed()
            self._server = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.stop()

    @property
    def port(self) -> int:
        """The port we listen on."""
        if self._server is None:
            raise OcppError("the OCPP server is not started")
        return int(next(iter(self._server.sockets)).getsockname()[1])

    # --- who may come in ------------------------------------------------------------------------------------------------------

    async def _admit(self, socket: ServerConnection, request: Request) -> Response | None:
        identity = _identity(request.path)
        pile = self._known.get(identity)
        if "Origin" in request.headers:
            return self._refuse(socket, http.HTTPStatus.FORBIDDEN, "a browser")
        if pile is None:
            return self._refuse(socket, http.HTTPStatus.NOT_FOUND, f"unknown identity {identity!r}")
        if pile.settings.password is not None and not _password_fits(pile.settings, request):
            await self._clock.sleep(_WRONG_PASSWORD_S)
            response = self._refuse(socket, http.HTTPStatus.UNAUTHORIZED, f"wrong or no password for {identity!r}")
            response.headers["WWW-Authenticate"] = build_www_authenticate_basic("OCPP")
            return response
        if self._tls is not None and self._tls.verify_mode is ssl.CERT_REQUIRED and not _certificate_fits(pile.settings, socket):
            return self._refuse(socket, http.HTTPStatus.FORBIDDEN, f"the certificate is not that of {identity!r}")
        # Read by the keepalive task, which starts after the handshake.
        socket.ping_interval = pile.settings.ping_interval_s
        socket.ping_timeout = pile.settings.ping_timeout_s
        return None

    def _refuse(self, socket: ServerConnection, status: http.HTTPStatus, why: str) -> Response:
        _log.warning("refused a connection from %s: %s", socket.remote_address, why)
        return socket.respond(status, f"{status.phrase}\n")

    async def _serve(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        identity = _identity(socket.request.path)
        pile = self._known[identity]
        _log.info("pile %s: connected from %s", identity, socket.remote_address)
        session = Session(
            f"pile {identity}",
            socket,
            hear=pile.hear,
            clock=self._clock,
            new_id=self._ids.__next__,
            answer_timeout_s=self._answer_timeout_s,
        )
        await pile.attach(session)
        try:
            await session.run()
        finally:
            await pile.detach(session)


def _is_identity(text: str) -> bool:
    return 0 < len(text) <= _LONGEST_IDENTITY and text.isprintable() and "/" not in text


def _identity(path: str) -> str:
    """The last segment of the path, decoded; empty when it cannot be an identity."""
    last = path.partition("?")[0].rpartition("/")[2]
    found = unquote(last, errors="replace") if len(last) <= 3 * _LONGEST_IDENTITY else ""
    return found if _is_identity(found) else ""


def _password_fits(settings: PileSettings, request: Request) -> bool:
    """Controllers send the password's bytes or its hex text, whichever form it was configured in (OCPP 1.6 security whitepaper 3.3)."""
    header = request.headers.get_all("Authorization")
    try:
        username, password = parse_authorization_basic(header[0]) if len(header) == 1 else ("", "")
    except InvalidHeader:
        username, password = "", ""
    given = password.encode(errors="surrogateescape")
    wanted = settings.password or ""
    forms = [wanted.encode()]
    try:
        raw = bytes.fromhex(wanted)
        forms += [raw, raw.hex().encode(), raw.hex().upper().encode()]
    except ValueError:
        pass
    fits = False
    for form in forms:
        fits |= hmac.compare_digest(given, form)
    return fits and hmac.compare_digest(username.encode(errors="surrogateescape"), settings.identity.encode())


def _certificate_fits(settings: PileSettings, socket: ServerConnection) -> bool:
    """A valid chain alone would let any pile of the site claim any name."""
    tls = socket.transport.get_extra_info("ssl_object")
    subject = (tls.getpeercert() or {}).get("subject", ()) if tls is not None else ()
    names = [value for part in subject for key, value in part if key == "commonName"]
    return names == [settings.certificate_name or settings.identity]


def _choose(socket: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    for one in offered:
        if one.lower().replace("-", "").startswith(("ocpp1.6", "ocpp16")):
            return one
    if offered:
        _log.warning("refused a connection from %s: it speaks %s, we speak ocpp1.6", socket.remote_address, ", ".join(offered)[:200])
        raise NegotiationError("no common subprotocol: ocpp1.6 is spoken here")
    _log.warning("a connection from %s names no subprotocol; taking it for ocpp1.6", socket.remote_address)
    return None
