"""The wires between a simulated kiosk and its far ends: the product's own message formats on both sides, no sockets, and bad luck.

One module for each far end. Each gives the kiosk a port (`hardware.api`, `kiosk.payments.api`, `kiosk.core.performers`) and drives the same
model that stands behind the real server in the demo.
"""
