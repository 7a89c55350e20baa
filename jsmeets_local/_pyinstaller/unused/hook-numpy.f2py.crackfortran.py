"""Leave out charset_normalizer, which reads sources of Fortran."""

excludedimports = ["charset_normalizer"]
