"""The rules of the bridge, without any I/O: no event loop, no thread, no clock, no socket."""
