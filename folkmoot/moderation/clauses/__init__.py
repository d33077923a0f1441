"""Clauses: the published policy, versioned, in Czech and English. It is the only source of the rules for members."""
