"""Capture, cancel, adjust and refund through Adyen's Checkout API, one honest attempt at a time.

Adyen's Python library knows the calls; how it talks HTTP is not good enough for money: it picks whichever HTTP library happens to be
installed, follows redirects with the API key in hand, reads answers without end, and takes an HTML page with status 201 for success. So
it gets a transport of ours, which knows whether a request left the machine and judges the answer before the library sees it.
"""

from __future__ import annotations

import ipaddress
import json
import logging
import ssl
import threading
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx
from Adyen import AdyenClient
from Adyen.services.checkout.modifications_api import ModificationsApi

from hardware.api import AnswerLost, NotSent
from kiosk.payments.abandonable import Abandonable
from kiosk.payments.api import Clock, ModificationOrder, PaymentsError, Refusal, Submitted
from kiosk.payments.checkout_messages import CheckoutRequest, Operation, judge, request

log = logging.getLogger(__name__)

TEST_URL = "https://checkout-test.adyen.com/v72"

_LARGEST_ANSWER = 64 * 1024
_CONNECT_SECONDS = 10.0
_MOST_AT_ONCE = 8


def live_url(prefix: str) -> str:
    """The live API of a merchant; `prefix` is the one in the Customer Area under API URLs."""
    return f"https://{prefix}-checkout-live.adyenpayments.com/checkout/v72"


class AdyenCheckout:
    """An `Acquirer` for one merchant account.

    `capture_key` is an API key that may capture, cancel and adjust; `refund_key` one that may refund, kept off the device unless refunds
    are made there. `base_url` ends in the API's version; plain http is taken for loopback addresses only. `tls` replaces the
    system's trust.
    """

    def __init__(
        self,
        merchant_account: str,
        capture_key: str,
        clock: Clock,
        *,
        base_url: str = TEST_URL,
        refund_key: str | None = None,
        timeout_seconds: float = 30.0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        base_url = base_url.rstrip("/")
        loopback = _require_sound(base_url)
        if not merchant_account or not capture_key:
            raise PaymentsError("the acquirer needs a merchant account and an API key: set both in the configuration")
        self._merchant_account = merchant_account
        self._base_url = base_url
        self._clock = clock
        self._timeout = timeout_seconds
        self._threads = Abandonable("adyen-checkout", _MOST_AT_ONCE)
        self._http = httpx.Client(
            verify=tls or ssl.create_default_context(),
            timeout=httpx.Timeout(timeout_seconds, connect=min(_CONNECT_SECONDS, timeout_seconds)),
            limits=httpx.Limits(max_keepalive_connections=0),
            follow_redirects=False,
            trust_env=not loopback,
        )
        self._keys = tuple(k for k in (capture_key, refund_key) if k)
        self._capture_key = capture_key
        self._refund_key = refund_key

    def __repr__(self) -> str:
        return f"AdyenCheckout({self._merchant_account} at {self._base_url})"

    async def capture(self, order: ModificationOrder) -> Submitted:
        return await self._send(Operation.CAPTURE, order, self._capture_key)

    async def cancel(self, order: ModificationOrder) -> Submitted:
        return await self._send(Operation.CANCEL, order, self._capture_key)

    async def cancel_by_reference(self, order: ModificationOrder) -> Submitted:
        return await self._send(Operation.CANCEL_BY_REFERENCE, order, self._capture_key)

    async def adjust(self, order: ModificationOrder) -> Submitted:
        return await self._send(Operation.ADJUST, order, self._capture_key)

    async def refund(self, order: ModificationOrder) -> Submitted:
        if self._refund_key is None:
            raise Refusal(
                "not_permitted",
                "this kiosk holds no API key for refunds: refund in the Customer Area, or configure a refund key",
            )
        return await self._send(Operation.REFUND, order, self._refund_key)

    def close(self) -> None:
        """Let go of the sockets. Calls still under way end as lost answers."""
        self._http.close()

    async def _send(self, operation: Operation, order: ModificationOrder, api_key: str) -> Submitted:
        message = request(operation, order, self._merchant_account)
        transport = _Transport(self._http, self._base_url + message.path, self._keys, self._elapsed())
        call = _call(_modifications(api_key, self._base_url, transport), operation, order, message)
        try:
            async with self._clock.timeout(self._timeout):
                await self._threads.run(call)
        except TimeoutError:
            log.warning("%s: no answer within %g s", order.reference, self._timeout)
        except (NotSent, AnswerLost, Refusal):
            raise
        except Exception:
            log.exception("Adyen's library failed on %s", order.reference)
        finally:
            transport.abandon()
        return transport.verdict(order.reference)

    def _elapsed(self) -> Callable[[], bool]:
        began = self._clock.now()
        limit_ms = int(self._timeout * 1_000)
        return lambda: self._clock.now().ms_since(began) > limit_ms


class _Transport:
    """What Adyen's library takes for its HTTP client: it posts one request and keeps the verdict.

    The library calls `request` and reads `user_agent`. Once abandoned, it sends nothing any more.
    """

    user_agent = "PilePay"

    def __init__(self, http: httpx.Client, url: str, secrets: tuple[str, ...], over: Callable[[], bool]) -> None:
        self._http = http
        self._url = url
        self._secrets = secrets
        self._over = over
        self._sent = False
        self._submitted: Submitted | None = None
        self._abandoned = False
        self._lock = threading.Lock()

    def request(
        self, method: str, url: str, json: Mapping[str, object], xapikey: str, headers: Mapping[str, str]
    ) -> tuple[bytes, Mapping[str, object], int, Mapping[str, str]]:
        """Post `json`, judge the answer. Raises `NotSent`, `AnswerLost` or `Refusal`."""
        if (method, url) != ("POST", self._url):
            raise NotSent(f"Adyen's library turned {self._url} into {method} {url}; nothing was sent: check its version and the address")
        status, answer_headers, body = self._post(json, {**headers, "X-API-Key": xapikey})
        self._submitted = judge(status, answer_headers, body, self._secrets)
        return body, json, status, answer_headers

    def abandon(self) -> None:
        """From here on, what is not sent stays unsent."""
        with self._lock:
            self._abandoned = True

    def verdict(self, reference: str) -> Submitted:
        """What became of an abandoned request. Raises `NotSent` or `AnswerLost`."""
        if self._submitted is not None:
            log.info("%s submitted as %s", reference, self._submitted.psp_reference)
            return self._submitted
        if self._sent:
            raise AnswerLost(f"no answer to {reference}; send it again under the same key")
        raise NotSent(f"{reference} could not be sent in time: check the network, then try again")

    def _post(self, message: Mapping[str, object], headers: Mapping[str, str]) -> tuple[int, Mapping[str, str], bytes]:
        # The exception of an HTTP library carries the request, and with it the API key: ours are raised outside its handler.
        try:
            return self._exchange(message, headers)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, RuntimeError) as e:
            what = f"{type(e).__name__}: {e}"
        if self._sent:
            raise AnswerLost(f"the acquirer's answer was lost ({what}); send the same again under the same key")
        raise NotSent(f"the acquirer at {urlsplit(self._url).netloc} could not be reached ({what}); check the network, then try again")

    def _exchange(self, message: Mapping[str, object], headers: Mapping[str, str]) -> tuple[int, Mapping[str, str], bytes]:
        content = json.dumps(message).encode()
        headers = {**headers, "Content-Type": "application/json", "Accept-Encoding": "identity"}
        with self._http.stream("POST", self._url, content=content, headers=headers, extensions={"trace": self._watch}) as answer:
            body = bytearray()
            for chunk in answer.iter_raw():
                body += chunk
                if len(body) > _LARGEST_ANSWER or self._over():
                    raise AnswerLost(f"the acquirer's answer has no end ({len(body)} bytes so far); send it again under the same key")
            return answer.status_code, dict(answer.headers), bytes(body)

    def _watch(self, event: str, info: Mapping[str, Any]) -> None:
        """Called by the HTTP library at each step: from the first byte of our own request on, the acquirer may have acted."""
        if not event.endswith("send_request_headers.started") or info["request"].method != b"POST":
            return
        with self._lock:
            if self._abandoned:
                raise NotSent("given up before it was sent")
            self._sent = True


def _modifications(api_key: str, base_url: str, transport: _Transport) -> ModificationsApi:
    """The library's calls, aimed at `base_url` and made through `transport`."""
    # The library rewrites -live to -test, or the other way round, by its platform; its version options break other addresses.
    live = "-live" in base_url
    prefix = "set-by-base-url" if live else None
    client = AdyenClient(xapikey=api_key, platform="live" if live else "test", live_endpoint_prefix=prefix, http_force="urllib")
    client.http_client = transport
    client.http_init = True
    api = ModificationsApi(client=client)
    api.baseUrl = base_url
    return api


def _call(api: ModificationsApi, operation: Operation, order: ModificationOrder, message: CheckoutRequest) -> Callable[[], object]:
    body = dict(message.body)
    match operation:
        case Operation.CAPTURE:
            return lambda: api.capture_authorised_payment(body, order.psp_reference, order.key)
        case Operation.CANCEL:
            return lambda: api.cancel_authorised_payment_by_psp_reference(body, order.psp_reference, order.key)
        case Operation.CANCEL_BY_REFERENCE:
            return lambda: api.cancel_authorised_payment(body, order.key)
        case Operation.ADJUST:
            return lambda: api.update_authorised_amount(body, order.psp_reference, order.key)
        case Operation.REFUND:
            return lambda: api.refund_captured_payment(body, order.psp_reference, order.key)


def _require_sound(base_url: str) -> bool:
    """Whether `base_url` is on this machine. Raises `PaymentsError` for an address that money must not be sent to."""
    try:
        parts = urlsplit(base_url)
        host = parts.hostname or ""
    except ValueError as e:
        raise PaymentsError(f"the acquirer's address cannot be read ({e}): give https://host/v72") from e
    if parts.scheme not in {"http", "https"} or not host or parts.query or parts.fragment or parts.username is not None:
        raise PaymentsError(f"{parts.scheme}://{host} is no address of an acquirer: give https://host/v72")
    if "-live" in base_url and "-test" in base_url:
        raise PaymentsError(f"{base_url} says both live and test: Adyen's library would change one into the other")
    loopback = _is_loopback(host)
    if parts.scheme == "http" and not loopback:
        raise PaymentsError(f"{base_url} is not encrypted: give an https address (http is for this machine only)")
    return loopback


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
