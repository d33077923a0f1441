"""Pictures that are still to come after a restore: where they are, and how many are missing. `DATA/offsite/pictures.json`.

A restored network runs as soon as its database is there. The file exists until every picture was fetched
(`offsite/pictures.py`). It contains the credentials of the repository, as `moot restore` was given them.
"""

from pathlib import Path

import msgspec

from folkmoot.base.errors import Problem
from folkmoot.portability.data_directory import DataDirectory

FILE = "offsite/pictures.json"  # in the data directory
LOST = "pictures-lost.txt"  # beside it: the names of those that are damaged in the repository


class PicturesToCome(Problem):
    """Something needs all pictures, and some are still to come."""

    code = "pictures_to_come"


class Coming(msgspec.Struct, frozen=True, kw_only=True):
    """`snapshots`: contain the pictures, the newest first. `said`: why fetching does not go on, "" if it does."""

    location: str
    user: str = ""
    password: str = ""
    snapshots: list[str]
    files: int  # when the restore ended
    bytes: int
    left_files: int
    left_bytes: int
    said: str = ""


def is_coming(data: Path) -> bool:
    return (data / FILE).exists()


def read_coming(data: Path) -> Coming | None:
    """The state; None if nothing is to come, or if it is not for this user to read."""
    try:
        return msgspec.json.decode((data / FILE).read_bytes(), type=Coming)
    except (FileNotFoundError, PermissionError):
        return None


def write_coming(data: DataDirectory, state: Coming) -> None:
    folder = (data.path / FILE).parent
    folder.mkdir(mode=0o700, exist_ok=True)
    data.set_owner(folder)
    data.write(data.path / FILE, msgspec.json.encode(state))


def require_pictures(data: Path) -> None:
    """Raises PicturesToCome while pictures are missing: a backup would be without them."""
    if state := read_coming(data):
        raise PicturesToCome(
            "%(number)d pictures are still to come from the restored copy, and this backup would be without them. `moot status` shows"
            " when all are there; then run it again. If that copy is lost for good, remove %(file)s.",
            number=state.left_files, file=data / FILE,
        )
