import QtQuick
import PilePay

// All words go through here: the role picks size, weight and family.
Text {
    id: words
    property string role: "body"
    property bool strong: false
    readonly property bool display: Theme.display(role)
    property int em: Theme.type(role)
    readonly property bool arabic: /[\u0600-\u06FF]/.test(text)
    color: Theme.ink
    font.family: display ? "Inter Display" : "Inter"
    font.pixelSize: em
    font.weight: display || strong ? Font.DemiBold : Font.Normal
    font.letterSpacing: arabic ? 0 : role === "title" ? -em * 0.012 : display ? -em * 0.022 : 0
    font.features: ({
            tnum: display ? 1 : 0,
            cv05: 1
        })
    wrapMode: Text.WordWrap
    // One rhythm for every script; Arabic sits low in a shared line box and is lifted to the optical middle.
    lineHeightMode: Text.FixedHeight
    lineHeight: Math.round(em * (display ? 1.16 : 1.24))
    transform: Translate {
        y: words.arabic ? -words.em * (words.display ? 0.2 : 0.34) : 0
    }
    horizontalAlignment: Text.AlignLeft
    textFormat: Text.PlainText
    Accessible.role: Accessible.StaticText
    Accessible.ignored: text === ""
    Accessible.name: text
}
