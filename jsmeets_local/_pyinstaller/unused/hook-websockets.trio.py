"""Leave out trio, which uvicorn does not use, and werkzeug."""

excludedimports = ["trio", "werkzeug"]
