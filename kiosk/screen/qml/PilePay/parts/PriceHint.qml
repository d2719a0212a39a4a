import QtQuick
import PilePay

// What the price will do next: a chip when it is cheaper for a reason, else plain words.
Chip {
    kind: glyph === "sun" ? "sun" : "text"
    role: Theme.tall ? "body" : "note"
}
