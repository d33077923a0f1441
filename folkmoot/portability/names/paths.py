"""Paths that are known before anything else of this package is loaded: signing brings cryptography."""

RECORD_PATH = "/.well-known/folkmoot-host"
