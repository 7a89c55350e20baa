"""The bridge: one event loop that runs the protocol, the users' functions and the connections."""
