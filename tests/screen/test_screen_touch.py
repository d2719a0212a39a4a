"""From the finger to the intent: one touch is one wish, and what is not meant does not count."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAccessible, QPointingDevice
from PySide6.QtQuick import QQuickItem
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot
from rules import centre, controls, items
from samples import card_nothing, charging, code, idle, idle_one, language_page, price, price_choices, stop, stop_proven, trouble_start

from kiosk.protocol import Intent, Snapshot
from kiosk.screen.stage import Stage


class Hand:
    """Fingers on a stage, and the intents they caused."""

    def __init__(self, stage: Stage, qtbot: QtBot, glass: QPointingDevice) -> None:
        self.stage, self._qtbot, self._glass = stage, qtbot, glass
        self.sent: list[Intent] = []
        stage.wish.sent.connect(self.sent.append)

    def shows(self, snapshot: Snapshot, *, ready: bool = True) -> None:
        self.stage.show(snapshot)
        self._qtbot.waitUntil(self.stage.window.isExposed)
        self.stage.window.grabWindow()
        if ready:
            self._qtbot.waitUntil(lambda: bool(self.stage.wish.open) and self._faded_in())

    def _faded_in(self) -> bool:
        field = next(i for i in items(self.stage.window.contentItem()) if i.objectName() == "field")
        return all(child.opacity() == 1 for child in field.childItems())

    def key(self, intent: str, args: dict[str, str] | None = None) -> QQuickItem:
        return next(k for k in controls(self.stage) if k.property("intent") == intent and (args is None or _args(k) == args))

    def down(self, at: QPoint, finger: int = 0) -> None:
        QTest.touchEvent(self.stage.window, self._glass).press(finger, at, self.stage.window).commit()

    def move(self, to: QPoint, finger: int = 0) -> None:
        QTest.touchEvent(self.stage.window, self._glass).move(finger, to, self.stage.window).commit()

    def up(self, at: QPoint, finger: int = 0) -> None:
        QTest.touchEvent(self.stage.window, self._glass).release(finger, at, self.stage.window).commit()

    def tap(self, at: QPoint) -> None:
        self.down(at)
        self.up(at)

    @property
    def kinds(self) -> list[str]:
        return [intent.kind for intent in self.sent]


def _args(key: QQuickItem) -> dict[str, str]:
    given = key.property("args")
    return dict(given.toVariant() if hasattr(given, "toVariant") else given)


@pytest.fixture(scope="session")
def glass(qapp: object) -> QPointingDevice:
    return QTest.createTouchDevice()


@pytest.fixture
def hand(stage: Stage, qtbot: QtBot, glass: QPointingDevice) -> Hand:
    return Hand(stage, qtbot, glass)


def middle(item: QQuickItem) -> QPoint:
    return centre(item).toPoint()


def test_a_tap_on_a_plug_sends_its_intent_once(hand: Hand) -> None:
    hand.shows(idle("en"))
    hand.tap(middle(hand.key("choose", {"connector": "B"})))
    assert [(i.kind, i.args, i.visit, i.seq) for i in hand.sent] == [("choose", {"connector": "B"}, 1, 1)]


def test_a_second_tap_waits_for_the_answer(hand: Hand) -> None:
    hand.shows(price("en"))
    at = middle(hand.key("accept"))
    hand.tap(at)
    hand.tap(at)
    assert hand.kinds == ["accept"]
    hand.stage.wish.settle(hand.sent[0].id)
    hand.tap(at)
    assert hand.kinds == ["accept", "accept"]
    assert hand.sent[0].id != hand.sent[1].id


def test_a_new_page_swallows_the_finger_that_was_on_its_way(hand: Hand) -> None:
    hand.shows(price("en"), ready=False)
    at = middle(hand.key("accept"))
    hand.tap(at)
    assert "accept" not in hand.kinds
    hand.shows(price("en"))
    hand.tap(at)
    assert "accept" in hand.kinds


def test_a_live_update_does_not_swallow_a_touch(hand: Hand) -> None:
    hand.shows(charging("en"))
    at = middle(hand.key("stop"))
    hand.down(at)
    hand.stage.show(charging("en"))
    hand.up(at)
    assert hand.kinds == ["stop"]


def test_a_finger_that_slides_off_wishes_nothing(hand: Hand) -> None:
    hand.shows(price("en"))
    hand.down(middle(hand.key("accept")))
    hand.move(QPoint(640, 300))
    hand.up(QPoint(640, 300))
    assert "accept" not in hand.kinds


def test_two_fingers_are_no_wish(hand: Hand) -> None:
    hand.shows(price("en"))
    one, other = middle(hand.key("accept")), middle(hand.key("back"))
    touch = QTest.touchEvent(hand.stage.window, hand._glass)
    touch.press(0, one, hand.stage.window).press(1, other, hand.stage.window).commit()
    QTest.touchEvent(hand.stage.window, hand._glass).release(0, one, hand.stage.window).release(1, other, hand.stage.window).commit()
    assert hand.kinds == []


def test_a_touch_beside_the_controls_keeps_the_visit_alive_once_a_second(hand: Hand) -> None:
    hand.shows(idle("en"))
    hand.tap(QPoint(640, 120))
    hand.tap(QPoint(640, 120))
    assert hand.kinds == ["touch"]


def test_what_cannot_be_used_cannot_be_pressed(hand: Hand) -> None:
    snapshot = idle("en")
    hand.shows(snapshot)
    at = middle(hand.key("choose", {"connector": "A"}))
    broken = snapshot.connectors[0].__class__(**{**snapshot.connectors[0].__dict__, "state": "out", "intent": ""})
    hand.stage.show(snapshot.__class__(**{**snapshot.__dict__, "connectors": (broken, snapshot.connectors[1])}))
    hand.tap(at)
    assert "choose" not in hand.kinds


def test_digits_are_typed_as_fast_as_a_finger_can(hand: Hand) -> None:
    hand.shows(code("en"))
    at = middle(hand.key("digit", {"digit": "4"}))
    hand.tap(at)
    hand.tap(at)
    hand.tap(middle(hand.key("erase")))
    assert [(i.kind, i.args) for i in hand.sent] == [("digit", {"digit": "4"})] * 2 + [("erase", {})]


def test_a_language_is_chosen_by_its_code(hand: Hand) -> None:
    hand.shows(language_page("en"))
    hand.tap(middle(hand.key("language", {"code": "de"})))
    assert [(i.kind, i.args) for i in hand.sent] == [("language", {"code": "de"})]


def test_a_maximum_is_chosen_by_its_amount(hand: Hand) -> None:
    hand.shows(price_choices("en"))
    hand.tap(middle(hand.key("hold", {"minor": "8000"})))
    assert [(i.kind, i.args) for i in hand.sent] == [("hold", {"minor": "8000"})]


def test_the_chosen_maximum_is_marked_for_a_screen_reader(hand: Hand) -> None:
    hand.shows(price_choices("en"))
    QAccessible.setActive(True)
    marks = {}
    for minor in ("2000", "5000", "8000"):
        node = QAccessible.queryAccessibleInterface(hand.key("hold", {"minor": minor}))
        marks[node.text(QAccessible.Text.Name)] = bool(node.state().checked)
    assert marks == {"20\u00a0€": False, "50\u00a0€": True, "80\u00a0€": False}


def test_a_charging_plug_can_be_touched_and_says_what_for(hand: Hand) -> None:
    hand.shows(idle_one("en"))
    key = hand.key("choose", {"connector": "B"})
    QAccessible.setActive(True)
    assert "Charging" in (said := QAccessible.queryAccessibleInterface(key).text(QAccessible.Text.Name))
    assert "Touch to stop" in said
    hand.tap(middle(key))
    assert [(i.kind, i.args) for i in hand.sent] == [("choose", {"connector": "B"})]


@pytest.mark.parametrize(
    ("snapshot", "wanted"),
    [
        (price_choices("en"), ["language", "help", "back", "accept", "hold", "hold", "hold"]),
        (stop("en"), ["show_card", "type_code", "language", "help", "back"]),
        (card_nothing("en"), ["language", "help", "back", "show_card"]),
        (trouble_start("en"), ["language", "help", "cancel", "start_again"]),
        (idle_one("en"), ["choose", "choose", "language", "help", "show_card"]),
    ],
    ids=lambda x: x.page if isinstance(x, Snapshot) else "",
)
def test_every_key_of_a_page_is_reached_and_pressed_by_keyboard_alone(hand: Hand, snapshot: Snapshot, wanted: list[str]) -> None:
    hand.shows(snapshot)
    hand.stage.window.requestActivate()
    for _ in range(len(wanted)):
        QTest.keyClick(hand.stage.window, Qt.Key.Key_Tab)
        QTest.keyClick(hand.stage.window, Qt.Key.Key_Return)
        hand.stage.wish.settle(hand.sent[-1].id)
    assert sorted(hand.kinds) == sorted(wanted)


def test_a_hold_counts_only_at_its_end(hand: Hand, qtbot: QtBot) -> None:
    hand.shows(stop_proven("en"))
    key = hand.key("confirm_stop")
    hand.tap(middle(key))
    assert hand.kinds == ["touch"]
    hand.down(middle(key))
    qtbot.waitUntil(lambda: "confirm_stop" in hand.kinds, timeout=2500)
    hand.up(middle(key))
    assert hand.kinds.count("confirm_stop") == 1


@pytest.mark.parametrize("press", [Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space])
def test_the_keyboard_does_what_a_finger_does(hand: Hand, press: Qt.Key) -> None:
    hand.shows(price("en"))
    hand.stage.window.requestActivate()
    key = hand.key("accept")
    for _ in range(12):
        QTest.keyClick(hand.stage.window, Qt.Key.Key_Tab)
        if key.property("activeFocus"):
            break
    assert key.property("visualFocus")
    QTest.keyClick(hand.stage.window, press)
    assert hand.kinds == ["accept"]


def test_a_screen_reader_can_press(hand: Hand) -> None:
    hand.shows(price("en"))
    QAccessible.setActive(True)
    node = QAccessible.queryAccessibleInterface(hand.key("accept"))
    node.actionInterface().doAction("Press")
    assert hand.kinds == ["accept"]


def test_a_hold_let_go_leaves_no_trace(hand: Hand, qtbot: QtBot) -> None:
    hand.shows(stop_proven("en"))
    key = hand.key("confirm_stop")
    area = key.mapRectToScene(key.boundingRect()).toRect()
    before = hand.stage.window.grabWindow().copy(area)
    hand.down(middle(key))
    qtbot.waitUntil(lambda: float(key.property("done")) > 0.3)
    hand.up(middle(key))
    qtbot.waitUntil(lambda: float(key.property("done")) == 0)
    qtbot.waitUntil(lambda: hand.stage.window.grabWindow().copy(area) == before, timeout=1000)
    assert "confirm_stop" not in hand.kinds
