"""Limits `postgres.log` of the private server, for networks that no logrotate cares for."""

import os
import shutil

from folkmoot.portability.data_directory import DataDirectory

_FILE = "postgres.log"
_LARGEST = 20 * 1024 * 1024  # bytes


def limit_log(directory: DataDirectory) -> None:
    """Keeps the log and one older part of it, each up to a size.

    The server appends to the open file, so the file is copied and emptied, not renamed: lines of that moment may be lost.
    """
    log = directory.path / _FILE
    if log.exists() and log.stat().st_size > _LARGEST:
        older = log.with_name(f"{_FILE}.old")
        older.unlink(missing_ok=True)
        try:
            shutil.copyfile(log, older)
            directory.set_owner(older)
        except OSError:  # a full disk: emptying the log makes room
            older.unlink(missing_ok=True)
        os.truncate(log, 0)
