"""Chooses the store that holds the pictures of a network."""

from folkmoot.base.file_store import FileStore, LocalFiles
from folkmoot.config import Settings


def media_store(settings: Settings) -> FileStore:
    """The folder `media` of the data directory."""
    return LocalFiles(settings.data / "media")
