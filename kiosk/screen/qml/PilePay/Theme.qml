pragma Singleton
import QtQuick

// Every length on a page is a millimetre on glass, times the px/mm of the configured panel. Colours come from assets/themes.
QtObject {
    property real pxmm: 5.89
    property int w: 1280
    property int h: 800
    property bool night: false
    property bool still: false          // nothing moves: reduced motion, pictures

    // Three compositions: a tall panel stacks, a small one leaves out what can be spared.
    readonly property bool tall: h > w
    readonly property bool compact: !tall && h / pxmm < 110

    function mm(length: real): int {
        return Math.round(length * pxmm);
    }

    // Em in millimetres; Inter's capital is 0.727 em.
    readonly property var ems: compact ? ({
            hero: 17,
            big: 12,
            title: 7.8,
            lead: 7,
            body: 6.6,
            note: 5.2,
            dense: 4.2
        }) : tall ? ({
            hero: 34,
            big: 22,
            title: 11.6,
            lead: 9,
            body: 7.6,
            note: 6.4,
            dense: 6.8
        }) : ({
            hero: 22,
            big: 14,
            title: 9,
            lead: 7.4,
            body: 6.6,
            note: 5.2,
            dense: 5.6
        })
    function type(role: string): int {
        return Math.max(10, mm(ems[role]));
    }
    function line(role: string): int {
        return Math.round(type(role) * (display(role) ? 1.16 : 1.24));
    }
    function display(role: string): bool {
        return role === "hero" || role === "big" || role === "title";
    }

    // One step of space.
    function s(steps: real): int {
        return mm(steps * (compact ? 1.5 : tall ? 2.6 : 2));
    }
    readonly property int margin: mm(compact ? 4.5 : tall ? 11 : 8)
    readonly property int gutter: mm(compact ? 8 : 14)
    readonly property int touch: mm(compact ? 17 : tall ? 22 : 20)
    readonly property int gap: Math.max(mm(3.2), s(1.5))
    readonly property int pad: 3 * mm(compact ? 20 : 28) + 2 * gap       // the keypad's width
    readonly property int radius: mm(tall ? 4 : 3)
    readonly property int radiusBar: mm(tall ? 2 : 1.4)
    readonly property int stroke: Math.max(2, mm(0.5))
    readonly property int rule: Math.max(1, mm(0.25))
    readonly property int bar: mm(compact ? 5 : tall ? 9 : 6)

    property color paper
    property color mint
    property color apricot
    property color mist
    property color sheet
    property color ink
    property color ink2
    property color edge
    property color hair
    property color hour: hair           // of the day graph; its caps carry the shape
    property color go
    property color goInk
    property color energy
    property color energySoft
    property color energyText
    property color sun
    property color sunInk
    property color care
    property color careFill
    property color stop
    property color stopInk
    property color badge
    property color badgeInk
    property color body
    property color lamp

    property var icons: ({})
    property var away: []               // what is said without core, language by language
}
