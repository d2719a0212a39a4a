"""The pile's controllers: the kiosk is their local OCPP server.

Front door: `server.OcppServer` listens, its `piles` (`piles.Piles`) take commands, and what the piles say reaches core by `seam.Tell`.
"""
