"""Scenarios, one module each; see benchmarks/README.md."""
