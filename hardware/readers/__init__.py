"""Drivers of RFID readers: each is a `hardware.api.CardReader`. `uid` says what a UID is, whatever a reader calls it."""
