"""Proxies of the objects, functions, streams and files that a page passes by reference."""
