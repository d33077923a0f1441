"""The record of what is installed, in `/etc/folkmoot/installed.json`. It is written last: what it names was applied completely."""

from pathlib import PurePosixPath

import msgspec

from folkmoot.portability.install.machine import Machine

RECORD = PurePosixPath("/etc/folkmoot/installed.json")


class Installed(msgspec.Struct, frozen=True):
    """`files` are the hashes of the contents by path; `acme` is the certificate authority, if another one was named."""

    data: str
    release: str = ""
    acme: str = ""
    files: dict[str, str] = {}


def find_installed(machine: Machine) -> Installed | None:
    record = machine.path(RECORD)
    return msgspec.json.decode(record.read_bytes(), type=Installed) if record.exists() else None
