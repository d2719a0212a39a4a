"""What a driver needs to know of a printable line. Any object of this shape will do, so whoever composes receipts imports nothing of us."""

from __future__ import annotations

from typing import Literal, Protocol

from hardware.api import DeviceError


class LayoutError(DeviceError):
    """Lines that cannot be printed as they are."""


class Line(Protocol):
    """One line. `text` prints `left` and, flush right, `right`; `rule` a line across, `gap` an empty line, `qr` the content in `left`.

    Sizes in relation to `normal`: `small` has 4/3 as many columns, `tall` is twice as high, `big` twice as high and wide.
    """

    @property
    def kind(self) -> Literal["text", "rule", "gap", "qr"]: ...
    @property
    def left(self) -> str: ...
    @property
    def right(self) -> str: ...
    @property
    def align(self) -> Literal["left", "center"]: ...
    @property
    def size(self) -> Literal["small", "normal", "tall", "big"]: ...
    @property
    def bold(self) -> bool: ...
