"""Leave out trio, which uvicorn does not use."""

excludedimports = ["trio"]
