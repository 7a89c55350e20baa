"""Leave out tomli, which Python 3.11 has as tomllib, and which setuptools contains."""

excludedimports = ["tomli", "tomli_w"]
