"""What the installer tells a kiosk: `kiosk.toml`, the tariffs beside it, and where its secrets lie. Strict, with readable errors.

Front door: `load.load_config` (a whole configuration or `ConfigError`), `load.check` (all problems, nothing started), `load.read_secret`.
Only core and the command line read configuration; every other room is handed what it needs.
"""
