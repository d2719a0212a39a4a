"""The colours of the screen: read from `assets/themes`, refused where a driver could not read them in the sun.

An operator may bring their own file; every pair below is checked before a window opens (WCAG 2 relative luminance).
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from kiosk import ASSETS

DEFAULT = ASSETS / "themes" / "pilepay.json"
TEXT, SHAPE = 7.0, 3.0

# What is drawn on what, and the least contrast it needs.
PAIRS: tuple[tuple[str, str, float], ...] = tuple(
    (front, back, least)
    for front, backs, least in (
        ("ink", "paper mint apricot mist sheet", TEXT),
        ("ink2", "paper mint apricot mist sheet", TEXT),
        ("energyText", "paper mint mist sheet", TEXT),
        ("care", "paper apricot mist sheet", TEXT),
        ("stop", "paper mint apricot sheet", TEXT),
        ("goInk", "go", TEXT),
        ("stopInk", "stop", TEXT),
        ("sunInk", "sun careFill", TEXT),
        ("badgeInk", "badge", TEXT),
        ("edge", "paper mint apricot mist sheet", SHAPE),
        ("go", "paper mint apricot sheet", SHAPE),
        ("energy", "paper mint sheet", SHAPE),
        ("lamp", "body", SHAPE),
    )
    for back in backs.split()
)
_COLOUR = re.compile(r"#[0-9A-Fa-f]{6}")


class ThemeError(ValueError):
    """A theme file that cannot be used: what is wrong with which colour of which file."""


def load(path: Path = DEFAULT, *, night: bool = False) -> dict[str, str]:
    """The colours by name, every pair readable. Raises `ThemeError`."""
    part = "night" if night else "day"
    try:
        colours = dict(json.loads(path.read_text("utf-8"))[part])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ThemeError(f"{path}: no theme “{part}” can be read ({error!r}); compare it with {DEFAULT.name}") from error
    for name, colour in colours.items():
        if not isinstance(colour, str) or not _COLOUR.fullmatch(colour):
            raise ThemeError(f"{path}: {part}.{name} is {colour!r}; write it as #RRGGBB")
    for front, back, least in PAIRS:
        if missing := {front, back} - set(colours):
            raise ThemeError(f"{path}: {part} lacks {', '.join(sorted(missing))}")
        if (ratio := contrast(colours[front], colours[back])) < least:
            raise ThemeError(f"{path}: {part}.{front} on {part}.{back} is {ratio:.1f}:1 and must be at least {least:g}:1")
    return colours


def contrast(one: str, other: str) -> float:
    """The WCAG contrast ratio of two colours, 1 to 21."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    channels = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
