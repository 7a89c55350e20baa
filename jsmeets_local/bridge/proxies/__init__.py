"""Objects that users hold while they talk to a page: calls, and what a page passes by reference."""
