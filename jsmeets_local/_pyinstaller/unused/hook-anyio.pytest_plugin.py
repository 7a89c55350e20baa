"""Leave out pytest, whose plugin this is."""

excludedimports = ["_pytest", "pytest"]
