"""What this host is now: its role and its epoch, as a live value.

`host.json` says it. The file is looked at again for each write (a `stat`, two microseconds) and read again when it has
changed, so that a host that is promoted or fenced becomes so without a restart. Whether the server replays is not
said here: the server itself says that, see `Database.is_standby`.
"""

import logging
from contextlib import suppress
from pathlib import Path

import msgspec

from folkmoot.base.errors import Problem

log = logging.getLogger(__name__)
PRIMARY, STANDBY = "primary", "standby"
FILE = "host.json"


class HostProblem(Problem):
    """`host.json` cannot be used."""

    code = "host"


class HostState(msgspec.Struct, frozen=True):
    """The content of `host.json`. Only the primary with the highest epoch writes."""

    role: str = PRIMARY
    epoch: int = 1


class Host:
    """One per process."""

    def __init__(self, data: Path) -> None:
        self._file = data / FILE
        self._seen: object = None
        self._state = HostState()  # a host that only has processes, and a database elsewhere, is what it is by default
        with suppress(FileNotFoundError):
            self._read()

    @property
    def state(self) -> HostState:
        """As the file says now. A file that is gone or cannot be read, as in the middle of a copy, changes nothing."""
        if (stamp := self._stamp()) != self._seen and stamp is not None:
            try:
                self._read()
            except FileNotFoundError:
                log.warning("%s is gone; this host stays what it was", self._file)
            except HostProblem as problem:
                log.warning("%s", problem.message % problem.params)
        return self._state

    @property
    def role(self) -> str:
        return self.state.role

    @property
    def epoch(self) -> int:
        return self.state.epoch

    def writing_epoch(self) -> int | None:
        """The epoch in which this host may write; None while it is no primary. The write gate asks for each write."""
        state = self.state
        return state.epoch if state.role == PRIMARY else None

    def _stamp(self) -> object:
        try:
            status = self._file.stat()
        except OSError:
            return None
        return status.st_ino, status.st_mtime_ns, status.st_size

    def _read(self) -> None:
        self._seen = self._stamp()
        try:
            self._state = msgspec.json.decode(self._file.read_bytes(), type=HostState)
        except FileNotFoundError:
            raise
        except (msgspec.DecodeError, OSError) as error:
            raise HostProblem("%(file)s is damaged: %(why)s. Bring it back from a copy.", file=self._file, why=error) from error
