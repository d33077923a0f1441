"""Chooses the store that holds the archives of members."""

from folkmoot.base.file_store import FileStore, LocalFiles
from folkmoot.config import Settings


def export_store(settings: Settings) -> FileStore:
    """The folder `exports` of the data directory. It is not part of backups and does not move: what is missing is written again."""
    return LocalFiles(settings.data / "exports")
