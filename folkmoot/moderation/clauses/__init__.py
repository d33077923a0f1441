"""Clauses: the published policy, versioned, in Czech and English. What may be asked of people stands here and nowhere else."""
