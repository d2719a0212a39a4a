"""The list of tags as it lies on the disk: read at the start, and again when the file has changed.

At the start a bad list is refused. Later one is not: somebody is editing it, and drivers stand outside. Then the last good one stays, and
the trouble is logged once.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

from kiosk.accounts.listed import LARGEST, Accounts, AccountsError, Terms, found, read
from kiosk.session.inputs import Account
from kiosk.values import Digest, Moment

log = logging.getLogger(__name__)

_Seen = tuple[int, int, int]


class Book:
    """Raises `AccountsError` where `path` cannot be used."""

    def __init__(self, path: Path, terms: Terms) -> None:
        self._path = path
        self._terms = terms
        self._seen: _Seen | None = None
        self._accounts: Accounts = {}
        self._trouble = ""
        self._read()

    def __len__(self) -> int:
        return len(self._accounts)

    def find(self, tag: Digest, at: Moment) -> Account | str:
        """The account of a tag that may charge now, or a word why not."""
        return found(self._accounts, tag, at)

    def look(self) -> None:
        """Read the file again if it has changed. Takes as long as the disk does."""
        try:
            changed = self._read()
        except AccountsError as error:
            if str(error) != self._trouble:
                log.error("the list of tags is not taken, and the one before stays: %s", error)
            self._trouble = str(error)
            return
        if changed:
            log.info("the list of tags was read again: %s of them", len(self))
            self._trouble = ""

    def _read(self) -> bool:
        """Whether there was anything new. What was read is not read again until it changes, be it good or bad."""
        try:
            with self._path.open("rb") as file:
                status = os.fstat(file.fileno())
                seen = status.st_mtime_ns, status.st_ino, status.st_size
                if seen == self._seen:
                    return False
                data = file.read(LARGEST + 1)
        except OSError as error:
            self._seen = None
            raise AccountsError(f"{self._path} cannot be read: {error.strerror}: put the list of tags there, mode 0600") from None
        self._seen = seen
        try:
            self._accounts = read(data, self._terms)
        except AccountsError as error:
            raise AccountsError("\n".join(f"{self._path.name}: {line}" for line in str(error).splitlines())) from None
        return True
