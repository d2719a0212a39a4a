import QtQuick
import QtQuick.Layouts
import PilePay
import PilePay.Shown

// Read without a touch and from afar: closed, until when, where else, and who answers the phone.
ColumnLayout {
    spacing: Theme.s(Theme.compact ? 0.3 : Theme.tall ? 4 : 2)
    ClosedSign {
        Layout.fillWidth: true
        title: Shown.title
        subtitle: Shown.subtitle
    }
    Words {
        visible: text !== ""
        Layout.fillWidth: true
        text: Shown.what
        role: Theme.compact ? "note" : "body"
    }
    Words {
        visible: text !== ""
        Layout.fillWidth: true
        text: Shown.now
        role: Theme.compact ? "note" : "body"
        strong: true
    }
    Item {
        Layout.fillHeight: true
    }
    PhoneLine {
        Layout.fillWidth: true
        text: Shown.call
    }
}
