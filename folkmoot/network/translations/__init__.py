"""Translations of public posts by a service that the operator has chosen."""
