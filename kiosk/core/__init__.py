"""The service that owns truth, money and devices: it takes inputs, decides, journals, and only then acts.

Front door: `app.run`. `engine` and `effects` know no loop, so that the simulated world can drive the very same code.
"""
