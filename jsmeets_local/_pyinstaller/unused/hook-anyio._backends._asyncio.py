"""Leave out pytest, whose fixtures this backend knows."""

excludedimports = ["_pytest"]
