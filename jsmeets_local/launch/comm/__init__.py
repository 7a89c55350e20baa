"""Transport over the notebook's own channel: pages whose messages a Jupyter comm carries."""
