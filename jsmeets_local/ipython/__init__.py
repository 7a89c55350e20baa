"""The IPython extension: magics, completion and the status table."""
