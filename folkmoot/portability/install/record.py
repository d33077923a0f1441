"""The record of what is installed, in `/etc/folkmoot/installed.json`. What it names with a hash was applied completely."""

from contextlib import suppress
from pathlib import PurePosixPath

import msgspec

from folkmoot.portability.install.machine import Machine

RECORD = PurePosixPath("/etc/folkmoot/installed.json")
BEGUN = ""  # instead of the hash of a file: a run has begun to write it


class Installed(msgspec.Struct, frozen=True):
    """`release` is "" until a first run has ended. `files` are the hashes of the contents by path, or BEGUN; `acme` is the certificate
    authority, if another one was named."""

    data: str
    release: str = ""
    acme: str = ""
    files: dict[str, str] = {}


def find_installed(machine: Machine) -> Installed | None:
    """The record, or None if nothing is installed or only root can know."""
    with suppress(FileNotFoundError, PermissionError):
        return msgspec.json.decode(machine.path(RECORD).read_bytes(), type=Installed)
    return None
