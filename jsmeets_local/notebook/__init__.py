"""The Jupyter kernel that the program may run in: cells and display."""
