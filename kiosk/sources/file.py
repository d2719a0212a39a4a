"""A source in a file: what an operator writes by hand, a script drops every hour, or a household's energy manager keeps up to date."""

from __future__ import annotations

import os
from pathlib import Path

from kiosk.sources.answers import LARGEST, answer_in
from kiosk.sources.api import Answer, Question, SourceError


class FileSource:
    """`path` is read again whenever it has changed. A file that is being written is no answer: whoever writes it renames it into place.

    What it says an entitlement has left was so when the file was written, unless it says otherwise.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int] | None = None
        self._data = b""

    async def ask(self, question: Question) -> Answer:
        data, written_ms = self._read()
        answer = answer_in(data, question)
        as_of = written_ms if answer.as_of_utc_ms is None else answer.as_of_utc_ms
        return Answer(answer.discounts, answer.until_utc_ms, min(as_of, question.utc_ms))

    def _read(self) -> tuple[bytes, int]:
        try:
            with self._path.open("rb") as file:
                status = os.fstat(file.fileno())
                seen = status.st_mtime_ns, status.st_ino
                if seen != self._seen:
                    self._data, self._seen = file.read(LARGEST + 1), seen
        except OSError as error:
            raise SourceError(f"{self._path} cannot be read: {error.strerror}") from None
        return self._data, seen[0] // 1_000_000
