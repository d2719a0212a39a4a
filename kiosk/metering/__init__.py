"""What was delivered, and how far it is proven: registers and their plausibility.

Front door: `judge.judge` (a finished transaction), `judge.plausible` (one live step), `reading` (the values).
"""
