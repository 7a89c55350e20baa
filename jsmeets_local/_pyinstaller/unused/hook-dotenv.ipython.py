"""Leave out IPython, whose extension this is."""

excludedimports = ["IPython"]
