"""Leave out mypy, whose plugin this is."""

excludedimports = ["mypy"]
