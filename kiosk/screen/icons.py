"""The pictograms of `assets/icons` as vector paths that QML draws in any colour and size."""

from __future__ import annotations

import re
from typing import TypedDict

from kiosk import ASSETS

_SVG = re.compile(r'viewBox="0 0 (?P<w>[\d.]+) (?P<h>[\d.]+)".*?<path d="(?P<d>[^"]+)"', re.DOTALL)


class Icon(TypedDict):
    """One path on a grid of `w` by `h`; `solid` ones are filled, the others are lines."""

    w: float
    h: float
    d: str
    solid: bool


class IconError(ValueError):
    """An icon file that is not one path on a grid."""


def load() -> dict[str, Icon]:
    """Every icon by the name of its file."""
    icons: dict[str, Icon] = {}
    for file in sorted((ASSETS / "icons").glob("*.svg")):
        svg = file.read_text("utf-8")
        if not (found := _SVG.search(svg)):
            raise IconError(f"{file}: not an SVG of a single path with a viewBox at 0 0; draw it like the others")
        icons[file.stem] = Icon(w=float(found["w"]), h=float(found["h"]), d=found["d"], solid='stroke="' not in svg)
    return icons
