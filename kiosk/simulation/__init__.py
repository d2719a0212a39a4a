"""Worlds for the product to live in without hardware: the demo on real sockets, and the deterministic simulation.

Front door: `demo.demo` and `cli.simulate`. The product's rooms know nothing of this one.
"""
