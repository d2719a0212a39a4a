import QtQuick
import QtQuick.Templates
import PilePay
import PilePay.Shown

// What all keys have in common: pressed and released inside, by one finger, asked once; or by keyboard; or by a screen reader.
AbstractButton {
    id: key
    property string intent: ""
    property var args: ({})
    property bool held: false           // counts only when held to the end
    property bool asked: false          // waits for core's answer,
    property bool waiting: false        // and has for so long that it shows
    property real radius: Theme.radius
    signal decided              // where there is nobody to ask

    padding: 0
    focusPolicy: Qt.TabFocus
    activeFocusOnTab: enabled
    Accessible.role: Accessible.Button
    Accessible.onPressAction: ask()
    onPressed: Wish.press()
    onReleased: Wish.lift()
    onCanceled: {
        Wish.lift();
        Wish.touch();
    }
    onClicked: if (!held)
        ask()
    Keys.onReturnPressed: event => enter(event.isAutoRepeat)
    Keys.onEnterPressed: event => enter(event.isAutoRepeat)

    function enter(repeated: bool): void {
        if (!repeated && !held)
            ask();
    }
    function ask(): void {
        if (intent === "" && Wish.open)
            decided();
        else if (intent !== "" && !asked)
            asked = Wish.send(intent, args);
    }
    Connections {
        target: Wish
        function onAnswered(): void {
            key.asked = false;
            key.waiting = false;
        }
    }
    Timer {
        running: key.asked
        interval: 200
        onTriggered: key.waiting = true
    }
    Rectangle {
        visible: key.visualFocus
        anchors.fill: parent
        anchors.margins: -Theme.mm(1) - border.width
        radius: key.radius + Theme.mm(1) + border.width
        color: "transparent"
        border.width: Theme.stroke
        border.color: Theme.ink
    }
}
