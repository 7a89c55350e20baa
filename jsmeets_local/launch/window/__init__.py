"""Desktop windows with pywebview."""
