"""The roof of a simulated site and its energy manager, which keeps a file up to date: how much of what cars draw comes from the sun."""

from __future__ import annotations

import json
from pathlib import Path

_GOOD_FOR_S = 86_400


class Roof:
    """`file` is what the kiosk reads as a source of discounts. Energy from the roof costs 0.29 a kWh."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.permille = 0

    def shine(self, permille: int) -> None:
        """So many thousandths of the energy come from the sun from now on. Raises `ValueError`."""
        if not 0 <= permille <= 1_000:
            raise ValueError(f"{permille!r} is no share: write 0 to 1000")
        self.permille = permille
        sun = {"type": "SOLAR", "name": "Sun", "funded_by": "site", "price": 0.29, "permille": permille}
        fresh = self._file.with_suffix(".new")
        fresh.write_text(json.dumps({"for_seconds": _GOOD_FOR_S, "discounts": [sun] if permille else []}))
        fresh.replace(self._file)  # never half a file
