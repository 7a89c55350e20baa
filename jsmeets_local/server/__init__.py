"""The HTTP and WebSocket server of an application."""
