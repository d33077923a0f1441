"""Paths and names that are known before anything else of this package is loaded: signing brings cryptography."""

from folkmoot.config import Settings

RECORD_PATH = "/.well-known/folkmoot-host"


def known_names(settings: Settings) -> list[str]:
    """All public addresses of the network, the one of its handles first."""
    return list(dict.fromkeys([settings.base_url, *(other.rstrip("/") for other in settings.names.others)]))
