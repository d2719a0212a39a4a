"""What a charge costs and why: OCPI 2.3.0 tariffs, rating, the live meter, price tables and lint.

Front door: `load.load` and `load.tariff_of` (tariffs), `usage.usage_from` (what happened), `rate.rate` and `rate.bill` (what it costs),
`meter.Meter` (the same, live), `components.components` (the price table before the start), `vat.breakdown` (the receipt's VAT).
"""
