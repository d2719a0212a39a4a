"""One snapshot: the page that visit and kiosk amount to, in the visit's language."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from kiosk.core.pages import account, after, charging, selling
from kiosk.core.pages.view import View, sky, utilities
from kiosk.protocol import Side, Snapshot
from kiosk.session.visit import page


def compose(v: View, seq: int) -> Snapshot:
    """Everything the screen needs to draw the moment `v`."""
    where = page(v.visit, v.k, v.at)
    if v.slow and where in ("idle", "price"):
        where = "out_of_order"
    shown = "authorising" if where == "pay" and v.dialogue == "bank" else "card" if where == "tag" else where
    parts: dict[str, Any] = {name: _as_written(v, part) if isinstance(part, Side) else part for name, part in _page(v, where).items()}
    return Snapshot(
        seq=seq,
        visit=v.visit.number,
        page=shown,
        language=v.visit.language,
        rtl=v.say.rtl,
        sky=sky(v),
        utilities=utilities(v, where),
        reader_side=v.place.reader_side,
        **parts,
    )


def _as_written(v: View, side: Side) -> Side:
    """Money with its symbol where the language has it."""
    value, unit = v.say.beside(side.value, side.unit, v.k.setup.currency) if side.value else ("", side.unit)
    return replace(side, value=value, unit=unit)


def _page(v: View, where: str) -> dict[str, Any]:
    plain = {
        "idle": selling.idle,
        "price": selling.price,
        "out_of_order": after.out_of_order,
        "help": after.help_,
        "language": after.language,
        "card": after.card,
        "tag": account.tag,
    }
    if where in plain:
        return plain[where](v)
    of_sale = {
        "pay": selling.pay,
        "plug_in": selling.plug_in,
        "starting": selling.starting,
        "charging": charging.charging,
        "stop": charging.stop,
        "code": charging.code,
        "finished": after.finished,
        "trouble": after.trouble,
    }
    assert v.session is not None
    return of_sale[where](v, v.session)
