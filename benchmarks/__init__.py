"""Benchmarks against the minimum that the platform needs and against other libraries: ./scripts/bench."""
