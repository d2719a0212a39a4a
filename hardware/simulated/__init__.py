"""The far ends, simulated: each device or service once as a model without I/O (`models`), and the real servers and clients that wrap them.

Front door: `far_ends.Bank` and `far_ends.Site`. They offer no call, and no knowledge, that the real ones lack.
"""
