"""What QML may see: the snapshot, as Qt objects made from the protocol's own dataclasses.

A field added to the protocol is visible to QML under its camelCase name without a line here. Objects live as long as the engine and tell
only what changed, so a live update repaints one number and never rebuilds a page.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, get_args, get_origin, get_type_hints

from PySide6.QtCore import Property, QAbstractListModel, QByteArray, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from kiosk.protocol import Countdown, Day, Fact, PriceRow, Side, Sky, Snapshot

_FIRST_ROLE = int(Qt.ItemDataRole.UserRole) + 1
_SCALARS = (str, int, bool)
_SHORT = 15  # letters of a label that shares a row
_LONG = 24  # letters of a name that takes two lines
_TAKEN = {"id": "key", "state": "condition"}  # names that every QML item has already


@dataclass(frozen=True)
class QrCode:
    """A QR code as one SVG path on a grid of `modules` squares; no modules, no code."""

    modules: int = 0
    path: str = ""


@dataclass(frozen=True)
class Page(Snapshot):
    """A snapshot, and what only a drawing needs to know of it."""

    away: bool = False  # core cannot be reached
    short_prices: tuple[PriceRow, ...] = ()  # the table for a small panel: components that cost nothing share a row
    lines: int = 0  # of that table, with notes and long names
    qr: QrCode | None = None
    erase: str = ""  # the name of the keypad's erase key
    calm: bool = True  # the rail offers nothing but quiet keys
    quiet: bool = True  # and at most one of them, short enough to share a row
    keyed: bool = False  # some of the ways are keys


EMPTY = Page(seq=0, visit=0, page="", tone="paper", language="", rtl=False, sky=Sky("", "", "", ""), title="")


def page_of(snapshot: Snapshot) -> Page:
    """The snapshot, ready to be drawn."""
    given = {f.name: getattr(snapshot, f.name) for f in fields(Snapshot)}
    erase = next((b.text for b in snapshot.buttons if b.intent == "erase"), "⌫")
    given["buttons"] = tuple(b for b in snapshot.buttons if b.intent != "erase")
    calm = all(b.kind == "quiet" for b in given["buttons"])
    quiet = calm and len(given["buttons"]) <= 1 and all(len(b.text) <= _SHORT for b in given["buttons"])
    keyed = any(way.intent for way in snapshot.ways)
    short = _short(snapshot.prices)
    return Page(
        **given,
        short_prices=short,
        lines=sum(1 + bool(row.note) + (len(row.name) > _LONG) for row in short),
        qr=qr_code(snapshot.receipt_qr),
        erase=erase,
        calm=calm,
        quiet=quiet,
        keyed=keyed,
    )


def qr_code(rows: tuple[str, ...]) -> QrCode | None:
    """The code with these rows of modules, each row's runs as rectangles."""
    if not rows:
        return None
    runs = []
    for y, row in enumerate(rows):
        x = 0
        while x < len(row):
            end = x
            while end < len(row) and row[end] == "1":
                end += 1
            if end > x:
                runs.append(f"M{x} {y}H{end}V{y + 1}H{x}Z")
            x = end + 1
    return QrCode(len(rows), "".join(runs))


def _short(rows: tuple[PriceRow, ...]) -> tuple[PriceRow, ...]:
    free = [r for r in rows if r.none and not r.note]
    if len(free) < 2:
        return rows
    shared = replace(free[0], name=", ".join(r.name for r in free))
    return tuple(shared if r is free[0] else r for r in rows if r is free[0] or r not in free)


class Rows(QAbstractListModel):
    """A tuple of one dataclass as a Qt model: one role a field, and `dataChanged` only for rows that differ."""

    def __init__(self, part: type[Any], parent: QObject) -> None:
        super().__init__(parent)
        self._names = [f.name for f in fields(part)]
        self._rows: tuple[Any, ...] = ()

    def show(self, rows: tuple[Any, ...]) -> None:
        before, self_top = self._rows, QModelIndex()
        kept = min(len(before), len(rows))
        if len(rows) > kept:
            self.beginInsertRows(self_top, kept, len(rows) - 1)
            self._rows = (*before[:kept], *rows[kept:])
            self.endInsertRows()
        elif len(before) > kept:
            self.beginRemoveRows(self_top, kept, len(before) - 1)
            self._rows = before[:kept]
            self.endRemoveRows()
        self._rows = rows
        for i in range(kept):
            roles = [_FIRST_ROLE + n for n, name in enumerate(self._names) if getattr(before[i], name) != getattr(rows[i], name)]
            if roles:
                self.dataChanged.emit(self.index(i, 0), self.index(i, 0), roles)
        if len(before) != len(rows):
            self.countChanged.emit()

    countChanged = Signal()  # noqa: N815 - Qt names the signal of a property
    count = Property(int, lambda self: len(self._rows), notify=countChanged)

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = QModelIndex()) -> int:  # noqa: B008, N802
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = _FIRST_ROLE) -> object:
        if not (index.isValid() and index.row() < len(self._rows) and 0 <= role - _FIRST_ROLE < len(self._names)):
            return None
        return getattr(self._rows[index.row()], self._names[role - _FIRST_ROLE])

    def roleNames(self) -> dict[int, QByteArray]:  # noqa: N802
        return {_FIRST_ROLE + n: QByteArray(_camel(name).encode()) for n, name in enumerate(self._names)}


class View(QObject):
    """One dataclass for QML. `present` is false where the snapshot has no such part; its fields then are empty."""

    changed: Any
    PART: type[Any]
    VIEWS: dict[str, type[View]]
    LISTS: dict[str, type[Any]]

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._part: Any = _empty(self.PART)
        self._present = False
        self._inner: dict[str, View | Rows] = {name: view(self) for name, view in self.VIEWS.items()}
        self._inner |= {name: Rows(part, self) for name, part in self.LISTS.items()}

    @classmethod
    def inner(cls) -> dict[str, type[QObject]]:
        """The classes of the properties that are objects, which Qt itself knows only as QObject."""
        return {_camel(n): view for n, view in cls.VIEWS.items()} | {_camel(n): Rows for n in cls.LISTS}

    def show(self, part: Any) -> None:
        """Take over `part` (None: not there) and tell QML if anything differs."""
        shown = _empty(self.PART) if part is None else part
        for name, inner in self._inner.items():
            inner.show(getattr(shown, name))
        if shown != self._part or self._present != (part is not None):
            self._part, self._present = shown, part is not None
            self.changed.emit()


def _empty(part: type[Any]) -> Any:
    if part is Page:
        return EMPTY
    blank = {str: "", int: 0, bool: False}
    hints = get_type_hints(part)
    return part(**{f.name: blank.get(hints[f.name]) for f in fields(part) if hints[f.name] in blank})


def _camel(name: str) -> str:
    head, *rest = _TAKEN.get(name, name).split("_")
    return head + "".join(word.capitalize() for word in rest)


def _field(name: str) -> Callable[[Any], Any]:
    return lambda view: getattr(view._part, name)


def _inner(name: str) -> Callable[[Any], Any]:
    return lambda view: view._inner[name]


def _list(name: str) -> Callable[[Any], Any]:
    return lambda view: list(getattr(view._part, name))


def _part_of(hint: Any) -> type[Any] | None:
    """The dataclass in `Part` or `Part | None`."""
    options = get_args(hint) if get_origin(hint) in (types.UnionType,) or str(hint).startswith("typing.Optional") else (hint,)
    return next((o for o in options if is_dataclass(o) and isinstance(o, type)), None)


_made: dict[type[Any], type[View]] = {}


def view_of(part: type[Any], name: str = "") -> type[View]:
    """The Qt class that shows `part`: a property for each field, one `changed` for all of them."""
    if part in _made:
        return _made[part]
    changed = Signal()
    body: dict[str, Any] = {"changed": changed, "PART": part, "VIEWS": {}, "LISTS": {}, "__module__": __name__}
    body["present"] = Property(bool, lambda view: view._present, notify=changed)
    hints = get_type_hints(part)
    for f in fields(part):
        hint = hints[f.name]
        if hint in _SCALARS:
            body[_camel(f.name)] = Property(hint, _field(f.name), notify=changed)
        elif inner := _part_of(hint):
            body["VIEWS"][f.name] = view_of(inner)
            body[_camel(f.name)] = Property(view_of(inner), _inner(f.name), constant=True)
        elif get_origin(hint) is tuple and is_dataclass(get_args(hint)[0]):
            body["LISTS"][f.name] = get_args(hint)[0]
            body[_camel(f.name)] = Property(QObject, _inner(f.name), constant=True)
        elif get_origin(hint) is tuple:
            body[_camel(f.name)] = Property(list, _list(f.name), notify=changed)
    _made[part] = types.new_class(name or f"{part.__name__}View", (View,), exec_body=lambda space: space.update(body))
    return _made[part]


Shown = view_of(Page, "Shown")
PARTS = (view_of(Side), view_of(Fact), view_of(Countdown), view_of(Day))


def turn(view: View, page: Page) -> None:
    """Show `page`. When the page changes, the old one is taken down first, so it never draws half of the new truth."""
    if view._present and view._part.page != page.page:
        view._part = replace(view._part, page="")
        view.changed.emit()
    view.show(page)
