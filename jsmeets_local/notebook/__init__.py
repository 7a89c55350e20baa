"""Integration with Jupyter kernels and marimo: front ends, cells and display."""
