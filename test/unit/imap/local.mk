# No tests yet.
