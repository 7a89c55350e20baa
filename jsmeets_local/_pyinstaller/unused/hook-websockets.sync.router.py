"""Leave out werkzeug, which routes connections."""

excludedimports = ["werkzeug"]
