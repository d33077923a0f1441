"""The repository that `moot backup --to` used last, for the nightly backups. The setting offsite.repository has priority.

The file is among the secrets: a location can contain a password, and secrets are part of a backup, so a restored network
continues with the same repository.
"""

from pathlib import Path

from folkmoot.portability.data_directory import DataDirectory

REMEMBERED = "offsite-repository"  # file in the folder of secrets


def remembered(data: DataDirectory) -> str:
    """The location; "" if there was none."""
    file = _file(data)
    return file.read_text("utf-8").strip() if file.exists() else ""


def repository_in_use(setting: str, data: DataDirectory) -> str:
    """The one of the setting offsite.repository, else the remembered one. Asked anew each time: the network runs while it changes."""
    return setting or remembered(data)


def remember(data: DataDirectory, location: str) -> None:
    if location != remembered(data):
        data.write(_file(data), location.encode())


def _file(data: DataDirectory) -> Path:
    return data.path / "secrets" / REMEMBERED
