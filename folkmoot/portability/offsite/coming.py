"""Pictures that are still to come after a restore: where they are, and how many are missing. `DATA/offsite/pictures.json`.

A restored network runs as soon as its database is there. The file exists until every picture was fetched
(`offsite/pictures.py`). It contains the credentials of the repository, as `moot restore` was given them. A standby keeps a copy
of that of its primary under another name, and goes on fetching if it takes over.
"""

from contextlib import suppress
from pathlib import Path

import msgspec

from folkmoot.base.errors import Problem
from folkmoot.portability.data_directory import DataDirectory

FILE = "offsite/pictures.json"  # in the data directory
OF_PRIMARY = "offsite/pictures-of-primary.json"  # on a standby
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


def write_coming(data: DataDirectory, state: Coming, file: str = FILE) -> None:
    folder = (data.path / file).parent
    folder.mkdir(mode=0o700, exist_ok=True)
    data.set_owner(folder)
    data.write(data.path / file, msgspec.json.encode(state))


def keep_of_primary(data: DataDirectory, state: Coming | None) -> None:
    """On a standby: what its primary says. None: all pictures are there."""
    if state is None:
        (data.path / OF_PRIMARY).unlink(missing_ok=True)
    elif read_of_primary(data) != state:
        write_coming(data, state, OF_PRIMARY)


def read_of_primary(data: DataDirectory) -> Coming | None:
    with suppress(FileNotFoundError):
        return msgspec.json.decode((data.path / OF_PRIMARY).read_bytes(), type=Coming)
    return None


def take_over_coming(data: DataDirectory) -> None:
    """On a host that has become the primary: it fetches from now on what the old one had not fetched. Can be repeated."""
    if state := read_of_primary(data):
        if not is_coming(data.path):
            write_coming(data, msgspec.structs.replace(state, said=""))
        (data.path / OF_PRIMARY).unlink()


def require_pictures(data: Path) -> None:
    """Raises PicturesToCome while pictures are missing: a backup would be without them."""
    if state := read_coming(data):
        raise PicturesToCome(
            "%(number)d pictures are still to come from the restored copy, and this backup would be without them. moot status shows"
            " when all are there; then run it again. If that copy is lost for good, remove %(file)s.",
            number=state.left_files, file=data / FILE,
        )
