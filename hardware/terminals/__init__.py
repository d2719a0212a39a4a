"""Drivers of payment terminals, one package per protocol. Each passes the same contract tests and speaks the types of `hardware.api`."""
