"""One module per OCPP version: its words on one side, the kiosk's inputs and commands on the other.

Above this nobody knows an OCPP word.
"""
