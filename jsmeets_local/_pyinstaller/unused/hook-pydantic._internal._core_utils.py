"""Leave out rich, which prints schemas for developers of pydantic."""

excludedimports = ["rich"]
