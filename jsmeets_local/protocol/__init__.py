"""The protocol without I/O: no event loop, no thread, no clock, no socket."""
