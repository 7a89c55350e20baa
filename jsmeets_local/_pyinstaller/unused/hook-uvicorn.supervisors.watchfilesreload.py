"""Leave out watchfiles, which restarts servers in development."""

excludedimports = ["watchfiles"]
