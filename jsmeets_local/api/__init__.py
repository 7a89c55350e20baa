"""What users touch; each object holds one bridge and nothing else."""
