"""Leave out psutil, which measures memory in tests."""

excludedimports = ["psutil"]
