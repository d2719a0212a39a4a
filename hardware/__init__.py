"""Device drivers. They know nothing of sessions, prices or Qt; `api` is the front door."""
