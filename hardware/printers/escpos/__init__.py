"""Printers that speak ESC/POS, Epson's command language, which most receipt printers understand.

`build` makes a job's bytes once, to be stored and sent as they are; `tcp.EscposTcpPrinter` sends them and finds out what became of them.
"""
