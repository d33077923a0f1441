"""The current role and epoch of this host, as `host.json` says.

Each write checks whether the file has changed (a `stat`, two microseconds) and reads it again if so. A host is therefore
promoted or fenced without a restart. Whether PostgreSQL replays a primary is known to PostgreSQL only, see
`Database.is_standby`.
"""

import logging
from contextlib import suppress
from enum import StrEnum
from pathlib import Path

import msgspec

from folkmoot.base.errors import Problem
from folkmoot.base.states import Lifecycle

log = logging.getLogger(__name__)
FILE = "host.json"


class Role(StrEnum):
    """What a host may do. `fenced`: it was the primary, and writes nothing until it is known who the next one is.

    `returning`: it was the primary when it was switched off, and writes nothing until the other host confirms that it still is.
    """

    PRIMARY = "primary"
    STANDBY = "standby"
    FENCED = "fenced"
    RETURNING = "returning"


PRIMARY, STANDBY, FENCED, RETURNING = Role.PRIMARY, Role.STANDBY, Role.FENCED, Role.RETURNING
ROLES = Lifecycle("host", {
    PRIMARY: (FENCED, RETURNING), RETURNING: (PRIMARY, FENCED), FENCED: (PRIMARY, STANDBY), STANDBY: (PRIMARY,),
})


class HostProblem(Problem):
    """`host.json` cannot be used."""

    code = "host"


class HostState(msgspec.Struct, frozen=True):
    """The content of `host.json`. Only the primary with the highest epoch writes (decision 0065)."""

    role: Role = PRIMARY
    epoch: int = 1
    to: str = ""  # of a fenced host: the id of the only host that may take the next epoch
    move: str = ""  # the id of the move that led to this role
    seen: int = 0  # the highest epoch that the other host has named, if it was higher than the own one

    @property
    def highest(self) -> int:
        """The highest epoch that this host knows of."""
        return max(self.epoch, self.seen)


class Host:
    """One per process."""

    def __init__(self, data: Path) -> None:
        self._file = data / FILE
        self._seen: object = None
        self._state = HostState()  # the default without a file, for example with an external database
        with suppress(FileNotFoundError):
            self._read()

    @property
    def state(self) -> HostState:
        """The content of the file now. If the file is missing or unreadable, for example while it is copied, the last state stays."""
        if (stamp := self._stamp()) != self._seen and stamp is not None:
            try:
                self._read()
            except FileNotFoundError:
                log.warning("%s is missing; this host keeps its role and epoch", self._file)
            except HostProblem as problem:
                log.warning("%s", problem.message % problem.params)
        return self._state

    @property
    def role(self) -> Role:
        return self.state.role

    @property
    def epoch(self) -> int:
        return self.state.epoch

    def writing_epoch(self) -> int | None:
        """The epoch in which this host may write; None if it is not the primary. The write gate calls this for each write."""
        state = self.state
        return state.epoch if state.role == PRIMARY and state.epoch == state.highest else None

    def migrating_epoch(self) -> int | None:
        """The epoch in which this host may change its schema; None if it must not. Newer code needs a newer schema to show anything,
        so a host that is returning changes it too (decision 0076)."""
        state = self.state
        return state.epoch if state.role in (PRIMARY, RETURNING) and state.epoch == state.highest else None

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
            raise HostProblem("%(file)s is damaged: %(why)s. Restore it from a copy.", file=self._file, why=error) from error
