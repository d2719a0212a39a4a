"""A receipt or credit note as one web page: for a phone, a mail or a browser's printer.

The page needs nothing but itself: no script, no font, no picture from elsewhere. It says its language and direction, is read in order by a
screen reader, follows the reader's light or dark, and prints in black.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from itertools import groupby

import segno

from kiosk.receipts.buyer import Business
from kiosk.receipts.compact import code_text
from kiosk.receipts.content import Document, Part, Row, RowKind, code_caption, parts, title
from kiosk.wording.wording import Wording

_TAGS = {RowKind.SELLER: "p", RowKind.ADDRESS: "p", RowKind.MARK: "p", RowKind.PLACE: "h2", RowKind.NOTE: "p", RowKind.END: "p"}
_TABLE = frozenset({RowKind.FACT, RowKind.ITEM, RowKind.DETAIL, RowKind.TOTAL, RowKind.MONEY, RowKind.PAID, RowKind.REFERENCE})

_STYLE = """
:root{color-scheme:light dark;--paper:#f7f8f4;--sheet:#fff;--ink:#0f1d17;--ink2:#394740;--hair:#cbd3cc}
@media (prefers-color-scheme:dark){:root{--paper:#0b100e;--sheet:#18211d;--ink:#f1f4ef;--ink2:#bac6bf;--hair:#46534c}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:1rem/1.45 Inter,"Noto Sans",system-ui,sans-serif}
main{font-variant-numeric:tabular-nums}
main{max-width:40rem;margin:0 auto;padding:2rem clamp(1rem,5vw,2.5rem);background:var(--sheet)}
@media (min-width:44rem){main{margin:2rem auto;border-radius:.5rem}}
section{padding:1rem 0;border-top:1px solid var(--hair)}
section.seller{padding-top:0;border:0}
section.buyer td{overflow-wrap:normal}
h1,h2,p{margin:0}
h1{font-size:1.5rem;line-height:1.2;display:flex;flex-wrap:wrap;gap:0 1rem;justify-content:space-between}
h2,.seller-name{font-size:1rem;font-weight:650}
.seller-name{font-size:1.25rem}
.address,.note,.detail,.reference{color:var(--ink2)}
.mark{margin-top:.75rem;padding:.25rem .75rem;border:2px solid;display:inline-block;font-size:1.25rem;font-weight:700;letter-spacing:.06em}
.note+.note{margin-top:.25rem}
table{width:100%;border-collapse:collapse}
table+p,p+table,h2+table,table+table,table+h2{margin-top:.5rem}
th,td{padding:.125rem 0;text-align:start;vertical-align:top;font-weight:400}
td{text-align:end;overflow-wrap:anywhere;padding-inline-start:1rem}
td.amount,td.total,td.money,td.paid{white-space:nowrap}
.detail{font-size:.875rem;padding-inline-start:1rem}
.total th,.total td,td.total{font-size:1.5rem;font-weight:700}
.paid th,.paid td{font-weight:650}
.vat th,.vat td{text-align:end;padding-inline-start:1rem}
.vat th:first-child{text-align:start;padding-inline-start:0}
.vat thead th{color:var(--ink2);font-size:.875rem}
.reference{font-size:.8125rem}
.code{text-align:center}
.code svg{width:13rem;max-width:100%;height:auto;background:#fff;border-radius:.25rem}
.code p{font-size:.8125rem;color:var(--ink2)}
.end{text-align:center}
@media print{
:root{--paper:#fff;--sheet:#fff;--ink:#000;--ink2:#000;--hair:#999}
@page{margin:14mm}
html{font-size:9pt}
main{max-width:none;margin:0;padding:0}
section{padding:.6rem 0;break-inside:avoid}
.code svg{width:40mm}
}
"""


def page(document: Document, w: Wording, buyer: Business | None = None) -> str:
    """The page, made out to `buyer` if there is one."""
    made = parts(document, w, buyer)
    heading = escape(f"{title(document, w)} {document.label}")
    body = "\n".join(_section(part) for part in made[:-1])
    return f"""<!DOCTYPE html>
<html lang="{escape(w.language)}" dir="{"rtl" if w.rtl else "ltr"}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="robots" content="noindex">
<title>{heading}, {escape(document.seller.name)}</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
{body}
{_code(document, w)}
{_section(made[-1])}
</main>
</body>
</html>
"""


def _section(part: Part) -> str:
    return f'<section class="{part.name}">\n' + "\n".join(_blocks(part.rows)) + "\n</section>"


def _blocks(rows: Iterable[Row]) -> Iterator[str]:
    for kind, group in groupby(rows, key=_block):
        found = list(group)
        if kind == "table":
            yield "<table>\n" + "\n".join(_pair(row) for row in _with_details(found)) + "\n</table>"
        elif kind == "vat":
            yield _vat(found)
        else:
            yield from (_alone(row) for row in found)


def _block(row: Row) -> str:
    if row.kind in _TABLE:
        return "table"
    return "vat" if row.kind is RowKind.TAX else "alone"


def _alone(row: Row) -> str:
    if row.kind is RowKind.HEAD:
        return f"<h1><span>{escape(row.label)}</span> <span>{_ltr(row.value)}</span></h1>"
    name = "seller-name" if row.kind is RowKind.SELLER else row.kind.value
    return f'<{_TAGS[row.kind]} class="{name}">{escape(row.label)}</{_TAGS[row.kind]}>'


def _with_details(rows: Sequence[Row]) -> Iterator[tuple[Row, list[str]]]:
    """Each row with the details that explain it."""
    for i, row in enumerate(rows):
        if row.kind is not RowKind.DETAIL:
            details = []
            for later in rows[i + 1 :]:
                if later.kind is not RowKind.DETAIL:
                    break
                details.append(later.label)
            yield row, details


def _pair(found: tuple[Row, list[str]]) -> str:
    row, details = found
    kind = "amount" if row.kind is RowKind.ITEM else row.kind.value
    more = "".join(f'<div class="detail">{escape(detail)}</div>' for detail in details)
    return f'<tr class="{kind}"><th scope="row">{escape(row.label)}{more}</th><td class="{kind}">{_ltr(row.value)}</td></tr>'


def _vat(rows: Sequence[Row]) -> str:
    head, *lines = rows
    columns = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head.cells)
    body = "\n".join(
        f'<tr><th scope="row">{_ltr(row.cells[0])}</th>' + "".join(f"<td>{_ltr(cell)}</td>" for cell in row.cells[1:]) + "</tr>"
        for row in lines
    )
    return f'<table class="vat">\n<thead><tr>{columns}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>'


def _ltr(value: str) -> str:
    """Numbers, amounts and references keep their order inside text of either direction."""
    return f"<bdi>{escape(value)}</bdi>"


def _code(document: Document, w: Wording) -> str:
    text, caption = code_text(document), code_caption(document, w)
    if not text:
        return ""
    drawing = segno.make(text, error="l", micro=False).svg_inline(border=4, omitsize=True, lineclass=None, svgclass=None)
    named = drawing.replace("<svg", f'<svg role="img" aria-label="{escape(caption)}"', 1)
    return f'<section class="code">\n{named}\n<p>{escape(caption)}</p>\n</section>'
