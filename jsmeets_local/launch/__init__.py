"""Launching: serve an application from this process, and show its pages."""
