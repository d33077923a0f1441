"""Clauses: the policy of the network, versioned, in Czech and English: its own, or the shipped one."""
