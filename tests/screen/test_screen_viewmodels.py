"""What QML sees: every field of the protocol, told only when it changes."""

from dataclasses import fields, replace

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot
from samples import charging, code, every, finished, idle, modules, price

from kiosk.protocol import Fact, PriceRow, Snapshot, decode, encode
from kiosk.screen.client import check
from kiosk.screen.viewmodels import Page, Shown, page_of, qr_code, turn


@pytest.mark.parametrize(("name", "language", "snapshot"), every(), ids=lambda v: v if isinstance(v, str) else "")
def test_a_snapshot_survives_the_wire(name: str, language: str, snapshot: Snapshot) -> None:
    received = decode(encode(snapshot))
    check(received)
    assert received == snapshot


def test_every_field_of_a_snapshot_is_there_for_qml() -> None:
    meta = Shown.staticMetaObject
    known = {meta.property(i).name().lower() for i in range(meta.propertyCount())}
    assert {f.name.replace("_", "") for f in fields(Page)} <= known


def test_an_equal_snapshot_tells_nothing(qtbot: QtBot, qapp: QObject) -> None:
    view = Shown()
    turn(view, page_of(charging("en")))
    told: list[str] = []
    view.changed.connect(lambda: told.append("page"))
    view.car.changed.connect(lambda: told.append("car"))
    view.facts.dataChanged.connect(lambda *_: told.append("facts"))
    turn(view, page_of(charging("en")))
    assert told == []


def test_a_new_reading_touches_one_row_and_no_other_part(qapp: QObject) -> None:
    view = Shown()
    before = charging("en")
    turn(view, page_of(before))
    told: list[object] = []
    view.car.changed.connect(lambda: told.append("car"))
    view.buttons.dataChanged.connect(lambda *_: told.append("buttons"))
    view.facts.dataChanged.connect(lambda first, last, roles: told.append((first.row(), last.row(), len(roles))))
    view.facts.modelReset.connect(lambda: told.append("reset"))
    facts = (replace(before.facts[0], value="55"), *before.facts[1:])
    turn(view, page_of(replace(before, seq=2, facts=facts)))
    assert told == [(0, 0, 1)]
    assert view.facts.count == 3


def test_rows_come_and_go_at_the_end(qapp: QObject) -> None:
    view = Shown()
    told: list[str] = []
    view.facts.rowsInserted.connect(lambda _p, a, b: told.append(f"+{a}-{b}"))
    view.facts.rowsRemoved.connect(lambda _p, a, b: told.append(f"-{a}-{b}"))
    snapshot = charging("en")
    turn(view, page_of(snapshot))
    turn(view, page_of(replace(snapshot, facts=snapshot.facts[:1])))
    turn(view, page_of(replace(snapshot, facts=(*snapshot.facts[:1], Fact("a", "1")))))
    assert told == ["+0-2", "-1-2", "+1-1"]


def test_the_old_page_is_gone_before_the_new_parts_arrive(qapp: QObject) -> None:
    view = Shown()
    turn(view, page_of(charging("en")))
    seen: list[tuple[str, str]] = []
    view.changed.connect(lambda: seen.append((view.page, view.car.value)))
    view.car.changed.connect(lambda: seen.append((view.page, view.car.value)))
    turn(view, page_of(finished("en")))
    assert seen == [("", "74"), ("", "31.20"), ("finished", "31.20")]


def test_a_part_that_is_not_there_is_empty_not_stale(qapp: QObject) -> None:
    view = Shown()
    turn(view, page_of(charging("en")))
    turn(view, page_of(idle("en")))
    assert not view.car.present
    assert (view.car.value, view.car.line.present, view.car.line.fact) == ("", False, 0)


def test_components_that_cost_nothing_share_a_row_on_a_small_panel() -> None:
    rows = page_of(price("en")).short_prices
    assert [r.name for r in rows] == ["Electricity", "Time fee, Start fee", "After charging"]


def test_a_component_that_costs_something_is_never_merged() -> None:
    rows = (PriceRow("A", "none", none=True), PriceRow("B", "1"), PriceRow("C", "none", note="for 10 min", none=True))
    assert page_of(replace(price("en"), prices=rows)).short_prices == rows


def test_the_erase_button_names_the_key_and_leaves_the_rail() -> None:
    page = page_of(code("de"))
    assert page.erase == "Löschen"
    assert [b.intent for b in page.buttons] == ["back"]


def test_a_qr_code_covers_exactly_the_dark_modules() -> None:
    matrix = modules("https://pay.example/r/1")
    code = qr_code(matrix)
    assert code is not None
    drawn = [[0] * code.modules for _ in range(code.modules)]
    for run in code.path.removesuffix("Z").split("Z"):
        x, rest = run.removeprefix("M").split(" ", 1)
        y, rest = rest.split("H", 1)
        end = rest.split("V", 1)[0]
        for column in range(int(x), int(end)):
            drawn[int(y)][column] = 1
    assert ["".join(map(str, row)) for row in drawn] == list(matrix)


def test_no_modules_no_code() -> None:
    assert qr_code(()) is None
