"""Money at the acquirer: capture, cancel, adjust, refund, and the signed messages that confirm them.

Front door: `api.Acquirer` (what core calls), `adyen_checkout.AdyenCheckout` (Adyen), `webhooks.routes` (confirmations).
"""
