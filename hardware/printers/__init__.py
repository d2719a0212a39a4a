"""Receipt printers: lines in, paper out, and the truth about what became of a job.

`layout` says what a printable line looks like, by shape only; `escpos` drives the printers of that command language.
"""
