"""The bridge: one event loop that runs the protocol, the user's functions and the connections."""
