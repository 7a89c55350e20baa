"""Desktop windows by pywebview."""
