"""One receipt per sale: what was delivered, what it cost and why, what was reserved, taken and released.

The front door is `document(facts, …) -> Receipt` in `kiosk.receipts.document` and `render(receipt, target, language)` in
`kiosk.receipts.render`. A `Receipt` that does not add up cannot be made. Paper comes out as lines that fit its columns; turning them into
a printer's bytes is the driver's work (`hardware.printers`), which knows such lines only by their shape, so neither imports the other.
"""
