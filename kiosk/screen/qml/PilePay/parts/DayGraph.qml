pragma ComponentBehavior: Bound
import QtQuick
import PilePay
import PilePay.Shown

// The price of a kWh over the next 24 hours, from zero: the axis never lies. What it is now is solid ink, the next change stands above in
// words, and bold on the axis.
Item {
    id: graph
    readonly property string role: Theme.tall ? "body" : Theme.compact ? "dense" : "note"
    readonly property int gap: Theme.s(0.4)
    readonly property int cap: Math.max(2, Theme.mm(0.7))
    // What has room: the bars always, the times below them before the prices above them.
    readonly property int least: words.height + gap + Theme.mm(3)
    readonly property bool timed: height >= least + Theme.line(role)
    readonly property bool priced: height >= words.height + gap + Theme.line(role) * 2 + Theme.mm(9)
    readonly property int foot: timed ? Theme.line(graph.role) : 0
    readonly property int head: words.height + gap + (priced ? Theme.line(graph.role) : 0)
    readonly property int plot: Math.max(0, height - head - foot)
    implicitHeight: words.height + gap + Theme.line(role) * 2 + Theme.mm(Theme.tall ? 20 : 9)
    Accessible.role: Accessible.Graphic
    Accessible.name: Shown.day.spoken

    function at(share: int): real {
        return Math.round((Shown.rtl ? 1000 - share : share) / 1000 * width);
    }
    function tall(level: int): int {
        return Math.max(cap, Math.round(level / 1000 * plot));
    }
    // A word behind the place it belongs to, within the graph.
    function beside(share: int, size: real): real {
        return Math.max(0, Math.min(width - size, at(share) - (Shown.rtl ? size : 0)));
    }
    // The times that have room on the axis: that of the next change before all others, then now, the end, and the rest as they come.
    readonly property int last: bars.count
    readonly property var marked: {
        const taken = [];
        const found = [];
        for (const i of [1, 0, last, ...Array.from({
                length: Math.max(0, last - 2)
            }, (_, n) => n + 2)]) {
            const bar = i < last ? bars.itemAt(i) as Bar : null;
            if (i < last && bar === null)
                continue;
            const size = letters.advanceWidth(bar ? bar.time : Shown.day.end);
            const from = beside(bar ? bar.start : 1000, size);
            if (taken.every(other => from + size + letters.height / 2 < other[0] || from > other[1] + letters.height / 2)) {
                taken.push([from, from + size]);
                found.push(i);
            }
        }
        return found;
    }

    component Bar: Item {
        id: bar
        required property int index
        required property int start
        required property int end
        required property int level
        required property string time
        x: Math.min(graph.at(bar.start), graph.at(bar.end))
        width: Math.abs(graph.at(bar.end) - graph.at(bar.start))
        y: graph.head
        height: graph.plot
        Rectangle {
            anchors.bottom: parent.bottom
            width: parent.width
            height: graph.tall(bar.level)
            color: bar.index === 0 ? Theme.ink : Theme.hour
            Rectangle {
                width: parent.width
                height: graph.cap
                color: bar.index === 0 ? Theme.ink : Theme.ink2
            }
        }
    }

    Words {
        id: words
        anchors.left: parent.left
        anchors.right: parent.right
        text: Shown.day.next
        role: graph.role
        strong: true
        wrapMode: Text.NoWrap
        fontSizeMode: Text.HorizontalFit
        minimumPixelSize: Theme.mm(3.7)
    }
    Repeater {
        id: bars
        model: Shown.day.steps
        Bar {}
    }
    // One bar an hour.
    Repeater {
        model: Shown.day.hours
        Rectangle {
            required property int modelData
            x: graph.at(modelData) - Math.floor(width / 2)
            y: graph.head
            width: Math.max(1, Theme.mm(0.3))
            height: graph.plot
            color: Theme.paper
        }
    }
    // Over the gaps between the hours, which would cut the letters.
    Repeater {
        model: Shown.day.steps
        Words {
            id: cost
            required property int index
            required property int start
            required property int end
            required property int level
            required property string price
            visible: graph.priced && implicitWidth <= Math.abs(graph.at(cost.end) - graph.at(cost.start))
            x: graph.beside(cost.start, implicitWidth)
            y: graph.head + graph.plot - graph.tall(cost.level) - height
            text: cost.price
            role: graph.role
            strong: cost.index === 0
            color: cost.index < 2 ? Theme.ink : Theme.ink2
            wrapMode: Text.NoWrap
            Accessible.ignored: true
        }
    }
    Rectangle {
        y: graph.head + graph.plot
        width: parent.width
        height: Theme.rule
        color: Theme.edge
    }
    Repeater {
        model: Shown.day.steps
        Words {
            id: mark
            required property int index
            required property int start
            required property string time
            visible: graph.timed && graph.marked.includes(mark.index)
            x: graph.beside(mark.start, implicitWidth)
            y: graph.head + graph.plot
            text: mark.time
            role: graph.role
            strong: mark.index === 1
            color: mark.index < 2 ? Theme.ink : Theme.ink2
            wrapMode: Text.NoWrap
            Accessible.ignored: true
        }
    }
    Words {
        visible: graph.timed && graph.marked.includes(graph.last)
        x: graph.beside(1000, implicitWidth)
        y: graph.head + graph.plot
        text: Shown.day.end
        role: graph.role
        color: Theme.ink2
        wrapMode: Text.NoWrap
        Accessible.ignored: true
    }
    FontMetrics {
        id: letters
        font.family: words.font.family
        font.pixelSize: words.font.pixelSize
        font.weight: Font.DemiBold
    }
}
