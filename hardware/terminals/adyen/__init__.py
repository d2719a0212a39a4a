"""Adyen terminals by the Terminal API (nexo Retailer in JSON).

`local` is the front door: a terminal on the kiosk's own network; `notifications` hears what it tells unasked. `nexo` seals messages,
`messages` writes requests, `answers` judges what comes back.
"""
