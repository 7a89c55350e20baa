"""Leave out hypothesis, whose plugin this is."""

excludedimports = ["hypothesis"]
