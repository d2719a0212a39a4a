"""Where discounts come from: loyalty and subscription services, the sun on the roof, spot prices, or a file of the operator's.

Front door: `api.Source` (what a source is, for third parties too), `asker.Asker` (who asks, in time and out of harm's way), `kinds.source`
(the shipped ones, and those that other packages add under the entry point `pilepay.sources`).
"""
