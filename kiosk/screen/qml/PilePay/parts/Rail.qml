pragma ComponentBehavior: Bound
import QtQuick
import QtQuick.Layouts
import PilePay
import PilePay.Shown

// All that can be touched on every page: language and help at the start, what this page offers at the end.
Item {
    id: rail
    property bool narrow: false
    readonly property bool empty: Shown.utilities.count + Shown.buttons.count === 0 && Shown.railNote === ""
    implicitHeight: empty ? 0 : Theme.tall ? tall.implicitHeight : Theme.touch
    // The sentence has the room that the keys leave; where that is less than three lines, the keys have it all.
    readonly property int free: width - taken(flat.children) - Theme.s(3)
    // On a small idle page the sentence about the hold goes before its keys, which the help page has too.
    readonly property bool alone: Theme.compact && Shown.page === "idle" && Shown.railNote !== ""
    readonly property bool roomy: Shown.railNote !== "" && words.advanceWidth <= free * 2.8
    TextMetrics {
        id: words
        font: note.font
        text: Shown.railNote
    }

    readonly property bool together: Shown.quiet

    function taken(items: var): int {
        let sum = 0;
        for (const item of items)
            if (item instanceof PressButton)
                sum += item.implicitWidth + Theme.gap;
        return sum;
    }

    component Offer: PressButton {
        required text
        required glyph
        required kind
        required sub
        required intent
        required args
    }

    RowLayout {
        id: flat
        visible: !Theme.tall
        anchors.fill: parent
        spacing: Theme.gap
        Repeater {
            model: Theme.tall ? null : Shown.utilities
            Offer {
                stacked: Theme.compact || rail.narrow
                Layout.minimumWidth: implicitWidth
                Layout.preferredHeight: Theme.touch
            }
        }
        Words {
            id: note
            visible: rail.roomy
            Layout.fillWidth: true
            Layout.fillHeight: true
            Layout.preferredWidth: 0
            Layout.preferredHeight: 0
            Layout.leftMargin: Theme.s(Theme.compact ? 0.6 : 2)
            Layout.rightMargin: Theme.s(1)
            text: Shown.railNote
            role: "note"
            strong: true
            lineHeightMode: Text.ProportionalHeight
            lineHeight: 1
            fontSizeMode: Text.Fit
            minimumPixelSize: Theme.mm(3.9)
            verticalAlignment: Text.AlignVCenter
        }
        Item {
            visible: !rail.roomy && (!Theme.compact || Shown.calm) && !rail.narrow
            Layout.fillWidth: true
            Layout.rightMargin: -Theme.gap
        }
        Repeater {
            model: Theme.tall || rail.alone ? null : Shown.buttons
            Offer {
                role: kind === "quiet" ? "note" : Theme.compact || text.length > 16 ? "body" : "lead"
                stacked: (Theme.compact || rail.narrow) && kind === "quiet" && glyph !== ""
                Layout.fillWidth: !rail.narrow
                Layout.minimumWidth: kind === "quiet" ? Math.max(Theme.touch, least) : Math.min(implicitWidth, Math.round(rail.width * 0.42))
                Layout.preferredWidth: implicitWidth
                Layout.maximumWidth: Theme.compact && kind !== "quiet" && !rail.roomy ? -1 : Math.max(implicitWidth, Theme.mm(Theme.compact ? 26 : 20))
                Layout.preferredHeight: Theme.touch
            }
        }
        Item {
            visible: rail.narrow
            Layout.fillWidth: true
        }
    }
    ColumnLayout {
        id: tall
        visible: Theme.tall
        anchors.fill: parent
        spacing: Theme.gap
        Words {
            visible: Shown.railNote !== ""
            Layout.fillWidth: true
            Layout.bottomMargin: Theme.s(0.6)
            text: Shown.railNote
            role: "body"
            strong: true
        }
        // Quiet keys share the row of language and help; one that does something has a row above.
        RowLayout {
            visible: Shown.buttons.count > 0 && !rail.together
            Layout.fillWidth: true
            spacing: Theme.gap
            Repeater {
                model: Theme.tall && !rail.together ? Shown.buttons : null
                Offer {
                    role: Shown.buttons.count > 2 ? "note" : kind === "quiet" || text.length > 16 ? "body" : "lead"
                    Layout.fillWidth: true
                    Layout.preferredWidth: implicitWidth
                    Layout.minimumWidth: kind === "quiet" ? least : Math.min(implicitWidth, Math.round(rail.width * 0.65))
                    Layout.preferredHeight: Theme.touch
                }
            }
        }
        RowLayout {
            visible: Shown.utilities.count + Shown.buttons.count > 0
            Layout.fillWidth: true
            spacing: Theme.gap
            Repeater {
                model: Theme.tall ? Shown.utilities : null
                Offer {
                    Layout.fillWidth: true
                    Layout.minimumWidth: implicitWidth
                    Layout.preferredHeight: Theme.touch
                }
            }
            Repeater {
                model: Theme.tall && rail.together ? Shown.buttons : null
                Offer {
                    Layout.fillWidth: true
                    Layout.minimumWidth: least
                    Layout.preferredHeight: Theme.touch
                }
            }
        }
    }
}
