"""Claims of a higher epoch that did not count, because their host does not belong to the network. Kept for the operator.

Such a claim is no accident: somebody may have the keys of a host that was lost.
"""

import logging
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from folkmoot.base import clock
from folkmoot.portability.data_directory import DataDirectory

_log = logging.getLogger(__name__)
_SHOWN_FOR = timedelta(days=7)
_QUIET = timedelta(hours=1)  # the same claim is logged once in this time


class RefusedClaim(msgspec.Struct, frozen=True):
    """`host`: its id, as it says; `where`: the public name, or "the channel"; `why`: it does not count."""

    host: str
    epoch: int
    where: str
    why: str
    at: datetime

    @property
    def sentence(self) -> str:
        return (
            f"the host {self.host[:16] or 'without an id'} claimed epoch {self.epoch} under {self.where} on {self.at:%Y-%m-%d %H:%M} UTC"
            f" and was refused, because {self.why}"
        )


def refuse_claim(directory: DataDirectory, host: str, epoch: int, where: str, why: str) -> None:
    """Logs and keeps it. A host that goes on claiming is logged once an hour."""
    claim, last = RefusedClaim(host, epoch, where, why, clock.now()), _read(directory)
    if last and (last.host, last.where, last.why) == (host, where, why) and claim.at - last.at < _QUIET:
        return
    _log.warning("%s", claim.sentence)
    directory.write(_file(directory), msgspec.json.encode(claim), is_durable=False)


def find_refused_claim(directory: DataDirectory) -> RefusedClaim | None:
    """The last one, if it is not older than a week."""
    claim = _read(directory)
    return claim if claim and clock.now() - claim.at < _SHOWN_FOR else None


def _read(directory: DataDirectory) -> RefusedClaim | None:
    try:
        return msgspec.json.decode(_file(directory).read_bytes(), type=RefusedClaim)
    except (OSError, msgspec.DecodeError):
        return None


def _file(directory: DataDirectory) -> Path:
    return directory.path / "run" / "refused-claim.json"
