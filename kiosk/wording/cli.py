"""`pilepay tariff explain`: a tariff file in plain sentences, for whoever wants to read what a driver will be told."""

from __future__ import annotations

import json
from typing import Protocol, TextIO

from kiosk.pricing.explain import Remark, explain
from kiosk.pricing.model import PricingError
from kiosk.pricing.readers import read
from kiosk.wording.languages import LANGUAGES
from kiosk.wording.remarks import remark_text
from kiosk.wording.wording import Wording

GOOD, BAD, WRONG_USE = 0, 1, 2


class File(Protocol):
    """Something with a name that can be read, such as a path."""

    def read_bytes(self) -> bytes: ...


def explain_file(path: File, language: str, zone: str, utc_ms: int, out: TextIO, err: TextIO, *, as_json: bool = False) -> int:
    """Write the statements about the tariff in `path`, one a line; what reading it had to decide goes to `err`.

    Exit codes: 0 good, 1 no tariff, 2 wrong use.
    """
    if language not in LANGUAGES:
        err.write(f"no language {language}: there are {', '.join(LANGUAGES)}\n")
        return WRONG_USE
    try:
        data = path.read_bytes()
    except OSError as error:
        err.write(f"{path} cannot be read: {error.strerror}\n")
        return WRONG_USE
    try:
        tariff, notes = read(data)
        remarks = explain(tariff, utc_ms, zone)
    except PricingError as error:
        err.writelines(f"{path}: {line}\n" for line in str(error).splitlines())
        return BAD
    err.writelines(f"{path}: {note}\n" for note in notes)
    say = Wording(language)
    if as_json:
        rows = [_row(remark, say) for remark in remarks]
        out.write(json.dumps({"file": str(path), "language": language, "remarks": rows}, ensure_ascii=False) + "\n")
    else:
        out.writelines(f"{remark_text(remark, say)}\n" for remark in remarks)
    return GOOD


def _row(remark: Remark, say: Wording) -> dict[str, object]:
    return {
        "code": remark.code,
        "text": remark_text(remark, say),
        "now": remark.now,
        "only": [_row(condition, say) for condition in remark.only],
        "details": [_row(detail, say) for detail in remark.details],
    }
