"""What it costs, measured against the least that would do and against the peers: ./scripts/bench."""
