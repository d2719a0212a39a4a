"""What was delivered, and how far it is proven: registers, their plausibility, and the signatures of meters (OCMF).

Front door: `judge.judge` (a finished transaction), `judge.plausible` (one live step), `proof.prove` (a transaction from signed
values), `verify.check` (one signed value), `reading` (the values).
"""
