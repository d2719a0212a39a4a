"""A source on the network: `GET` of an address that answers in JSON. Who is asked learns of a card its keyed hash and nothing else."""

from __future__ import annotations

import ssl

import httpx

from kiosk.sources.answers import LARGEST, answer_in
from kiosk.sources.api import Answer, Question, SourceError

_GIVE_UP_S = 5.0  # the asker has long gone on by then; this ends the connection


class HttpSource:
    """`token` is sent as a bearer token, and no redirect is followed: it goes where the operator said or nowhere."""

    def __init__(self, url: str, token: str = "", tls: ssl.SSLContext | None = None) -> None:
        self._url = url
        self._headers = {"accept": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
        self._tls = tls

    async def ask(self, question: Question) -> Answer:
        params = {"card": [str(card) for card in question.cards]} if question.cards else {}
        verify = self._tls if self._tls is not None else True
        try:
            async with (
                httpx.AsyncClient(timeout=_GIVE_UP_S, verify=verify, trust_env=False, follow_redirects=False) as client,
                client.stream("GET", self._url, params=params, headers=self._headers) as response,
            ):
                if response.status_code != httpx.codes.OK:
                    raise SourceError(f"{self._url} answered {response.status_code}")
                data = bytearray()
                async for chunk in response.aiter_bytes():
                    data += chunk
                    if len(data) > LARGEST:
                        raise SourceError(f"{self._url} sends more than {LARGEST} bytes")
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError) as error:
            raise SourceError(f"{self._url} cannot be asked: {type(error).__name__}") from None  # its text may hold the card's hash
        return answer_in(bytes(data), question)
