"""Integration with a Jupyter kernel: cells and display."""
