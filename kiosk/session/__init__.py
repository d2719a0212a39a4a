"""The kiosk's sales, as pure values: facts, the state they add up to, and what is decided next.

Front door: `decide.decide`, `evolve.evolve`, `requests.open_requests`, `deadlines.next_deadline`, and `visit.step` for who stands at
the screen.
"""
