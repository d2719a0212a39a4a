"""One receipt per sale, one credit note per refund: what was delivered, what it cost and why, what was reserved, taken and given back.

The front doors are `document(facts, …) -> Receipt` and `credit_note(facts, …) -> CreditNote` in `kiosk.receipts.document`, and
`render(document, target, language)` in `kiosk.receipts.render` for paper, screen, text, web page, PDF and e-invoice. What does not add up
cannot be made. Paper comes out as lines that fit its columns; turning them into a printer's bytes is the driver's work
(`hardware.printers`), which knows such lines only by their shape, so neither imports the other.
"""
