"""Objects that users touch. Each one holds a bridge and nothing else."""
