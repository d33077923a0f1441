"""Has Caddy order a certificate with another key by another account, because a host that was removed knows the present ones.

Caddy orders one only if it has none when it starts. So what it has is put aside while it restarts, and for the seconds until a new one
is here nobody reaches the name over HTTPS. If none comes, what was put aside comes back.
"""

import shutil
import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from folkmoot.base import clock
from folkmoot.portability.certificates.keeper import STORAGE
from folkmoot.portability.certificates.model import SECRET
from folkmoot.portability.certificates.storage import newest_for, read_storage
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.install.machine import InstallProblem, Machine
from folkmoot.portability.install.record import find_installed
from folkmoot.portability.install.units import PROXY_DATA, PROXY_UNIT
from folkmoot.portability.progress import Progress

_SECONDS = 90.0
_ASIDE = "caddy.before"


def can_order(machine: Machine) -> bool:
    """Whether `moot install` runs Caddy here, and this process may restart it."""
    return find_installed(machine) is not None and machine.is_active(PROXY_UNIT)


def order_certificate(machine: Machine, directory: DataDirectory, domain: str, progress: Progress) -> datetime:
    """Returns the end of the new certificate. After a kill the same call goes on. Raises InstallProblem: then the old one is back."""
    storage, aside = machine.path(PROXY_DATA) / STORAGE, machine.path(PROXY_DATA) / _ASIDE
    progress.step("ordering a certificate")
    machine.systemctl("stop", PROXY_UNIT)
    if not aside.exists():
        with suppress(FileNotFoundError):
            storage.rename(aside)
    known = directory.path / "secrets" / SECRET
    kept = known.read_bytes() if known.exists() else b""
    known.unlink(missing_ok=True)  # else the network would give Caddy the old one back
    machine.systemctl("start", PROXY_UNIT)
    if until := _awaited(storage, domain):
        shutil.rmtree(aside, ignore_errors=True)
        return until
    machine.systemctl("stop", PROXY_UNIT)
    shutil.rmtree(storage, ignore_errors=True)
    with suppress(FileNotFoundError):
        aside.rename(storage)
    if kept:
        directory.write(known, kept)
    machine.systemctl("start", PROXY_UNIT)
    raise InstallProblem("The authority gave Caddy no new certificate within %(seconds)d s, so the old one is back. See: journalctl -u"
                         " %(unit)s", seconds=_SECONDS, unit=PROXY_UNIT.removesuffix(".service"))


def _awaited(storage: Path, domain: str) -> datetime | None:
    deadline = clock.monotonic() + _SECONDS
    while clock.monotonic() < deadline:
        now = clock.now()
        if found := newest_for(domain, read_storage(storage, now), now):
            return found.until
        time.sleep(0.2)
    return None
